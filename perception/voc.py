"""Pascal VOC boxes: one XML file a picture. Files of strangers: no entities, no network, sizes bounded."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
from numpy.typing import NDArray

from perception.pictures import PICTURE_SUFFIXES

MOST_BYTES = 4_000_000  # of one file of labels


@dataclass(frozen=True, eq=False)
class VocPicture:
    """One labelled picture."""

    path: Path
    names: list[str]  # (N,) classes as the file has them, in lower case
    boxes: NDArray[np.float64]  # (N, 4) [px] x0 y0 x1 y1
    difficult: NDArray[np.bool_]  # (N,) not to be judged


@dataclass(frozen=True, eq=False)
class VocData:
    """Pictures of a folder, and what of it could not be used: "file: why"."""

    pictures: list[VocPicture]
    broken: list[str]


def read_voc(root: Path | str) -> VocData:
    """Labels below a folder: a picture lies beside its XML, or in the folder's sister (labels -> images, Annotations
    -> JPEGImages); it has the XML's own name or that of its <filename>.

    Raises:
        ValueError: no such folder, or no XML file in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder")
    files = sorted(root.rglob("*.xml"))
    if not files:
        raise ValueError(f"{root}: no labels here (Pascal VOC's are XML files)")
    index: dict[str, list[Path]] = {}
    for p in sorted(root.rglob("*")):
        if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file():
            index.setdefault(p.stem, []).append(p)
    pictures, broken = [], []
    for path in files:
        try:
            pictures.append(_voc_file(path, index))
        except ValueError as error:
            broken.append(str(error))
    return VocData(pictures, broken)


def _voc_file(path: Path, index: dict[str, list[Path]]) -> VocPicture:
    root = parse_xml(path)
    if root.tag != "annotation":
        raise ValueError(f"{path}: its root is <{root.tag}>, not <annotation>")
    stems = [path.stem]
    if (told := root.findtext("filename")) and Path(told).stem != path.stem:
        stems.append(Path(told).stem)
    found = [p for stem in stems for p in index.get(stem, [])]
    if not found:
        raise ValueError(f"{path}: its picture ({' or '.join(stems)}) is not there")
    same_folder = [p for p in found if p.parent.name == path.parent.name or p.parent == path.parent]
    names, boxes, difficult = [], [], []
    for thing in root.iter("object"):
        where = f"{path}:{thing.sourceline}"
        name = (thing.findtext("name") or "").strip().lower()
        if not name:
            raise ValueError(f"{where}: an object without <name>")
        boxes.append(_box(thing, where))
        names.append(name)
        difficult.append((thing.findtext("difficult") or "0").strip() == "1")
    return VocPicture(
        (same_folder or found)[0], names, np.array(boxes, np.float64).reshape(-1, 4), np.array(difficult, np.bool_)
    )


def _box(thing, where: str) -> list[float]:
    """x0 y0 x1 y1 [px]."""
    try:
        box = [float(thing.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax")]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: <bndbox> needs the numbers xmin, ymin, xmax and ymax") from error
    if not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
        raise ValueError(f"{where}: a box of {box}; xmax > xmin and ymax > ymin are needed")
    return box


def parse_xml(path: Path):
    """Root element of an XML file without document type.

    Raises:
        ValueError: it cannot be read, is too large, has a document type or an entity, or is no XML.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path}: {path.stat().st_size / 1e6:.1f} MB; at most {MOST_BYTES / 1e6:.0f} are read")
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True
    )
    if re.search(rb"<!(DOCTYPE|ENTITY)", data):
        raise ValueError(f"{path}: a document type or an entity is not allowed")
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ValueError(f"{path}: no well-formed XML ({str(error)[:120]})") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError(f"{path}: a document type or an entity is not allowed")
    return root
