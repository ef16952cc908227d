"""Lane pictures of others: CULane (.lines.txt beside the pictures, or lists) and TuSimple (json lines).

Pictures are named, not read. What is broken is counted and named, never skipped in silence.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.pictures import PICTURE_SUFFIXES

_LINES = ".lines.txt"


@dataclass(frozen=True, eq=False)
class LanePicture:
    """One labelled picture."""

    path: Path
    lines: list[NDArray[np.float64]]  # (P, 2) [px] each, P >= 2
    rows: list[float] = field(default_factory=list)  # TuSimple: [px] where it asks
    lanes: list[list[float]] = field(default_factory=list)  # TuSimple: x [px] at the rows, -2 = none


@dataclass(frozen=True, eq=False)
class LaneData:
    """Pictures of a folder, and what of it could not be used: "file: why"."""

    pictures: list[LanePicture]
    broken: list[str]


def read_culane(root: Path | str, listing: Path | str | None = None) -> LaneData:
    """Pictures below a folder that have a .lines.txt, or those that a list file names.

    Args:
        root: any folder; its pictures have `NAME.lines.txt` beside `NAME.jpg`.
        listing: one picture a line, relative to `root`, as CULane's list/*.txt; what follows a space is not read.

    Raises:
        ValueError: no such folder or list, or nothing in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder")
    if listing is None:
        labels = sorted(root.rglob(f"*{_LINES}"))
        pairs = [(_picture_of(p), p) for p in labels]
    else:
        pairs = _listed(root, Path(listing))
    if not pairs:
        raise ValueError(f"{root}: no labels here; CULane's are NAME{_LINES} beside NAME.jpg")
    pictures, broken = [], []
    for picture, label in pairs:
        try:
            if not picture.is_file():
                raise ValueError(f"{picture}: no such picture")
            pictures.append(LanePicture(picture, read_lines(label)))
        except ValueError as error:
            broken.append(str(error))
    return LaneData(pictures, broken)


def culane_categories(root: Path | str) -> dict[Path, str]:
    """Category of each picture that CULane's list/test_split/testN_NAME.txt name; empty without such lists.

    Raises:
        ValueError: a list cannot be read, or leaves the folder.
    """
    out: dict[Path, str] = {}
    for listing in sorted(Path(root).glob("list/test_split/test*_*.txt")):
        name = listing.stem.split("_", 1)[1]
        out |= {picture: name for picture, _ in _listed(Path(root), listing)}
    return out


def _picture_of(label: Path) -> Path:
    """The picture beside a label file."""
    stem = label.name[: -len(_LINES)]
    found = [p for suffix in PICTURE_SUFFIXES if (p := label.with_name(stem + suffix)).is_file()]
    return found[0] if found else label.with_name(f"{stem}.jpg")


def _listed(root: Path, listing: Path) -> list[tuple[Path, Path]]:
    """(picture, label) a line of a list file."""
    try:
        text = listing.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{listing}: cannot be read as a list of pictures ({error})") from error
    names = [line.split()[0].lstrip("/") for line in text.splitlines() if line.strip()]
    outside = [n for n in names if ".." in Path(n).parts]
    if outside:
        raise ValueError(f"{listing}: {outside[0]} leaves {root}")
    paths = [root / n for n in names]
    return [(p, p.with_name(p.stem + _LINES)) for p in paths]


def read_lines(path: Path) -> list[NDArray[np.float64]]:
    """Lanes of one .lines.txt: one a line, x y pairs. A lane of fewer than two points is left out, as CULane does.

    Raises:
        ValueError: it cannot be read, or a line is not pairs of finite numbers.
    """
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: no readable label file ({error})") from error
    lanes = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            values = np.array([float(v) for v in line.split()])
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}; x y pairs are needed") from error
        if len(values) % 2 or not np.isfinite(values).all():
            raise ValueError(f"{path}:{number}: {len(values)} numbers; finite x y pairs are needed")
        if len(values) >= 4:
            lanes.append(values.reshape(-1, 2))
    return lanes


def read_tusimple(root: Path | str, labels: Path | str | None = None) -> LaneData:
    """Pictures that TuSimple's json lines name.

    Args:
        root: the folder that `raw_file` is relative to.
        labels: a file of json lines; None: all *.json of root.

    Raises:
        ValueError: no such folder, no label file, or no line in any.
    """
    root = Path(root)
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder")
    files = sorted(root.glob("*.json")) if labels is None else [Path(labels)]
    if not files:
        raise ValueError(f"{root}: no label file (*.json of json lines) here")
    pictures, broken = [], []
    for path in files:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: no readable label file ({error})") from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                pictures.append(_tusimple_line(line, root))
            except ValueError as error:
                broken.append(f"{path}:{number}: {error}")
    if not pictures and not broken:
        raise ValueError(f"{root}: no labels in {', '.join(p.name for p in files)}")
    return LaneData(pictures, broken)


def _tusimple_line(line: str, root: Path) -> LanePicture:
    """One json line."""
    try:
        data = json.loads(line)
        rows = [float(v) for v in data["h_samples"]]
        lanes = [[float(v) for v in lane] for lane in data["lanes"]]
        name = str(data["raw_file"])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"raw_file, lanes and h_samples are needed ({type(error).__name__}: {error})") from error
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise ValueError(f"raw_file {name} leaves {root}")
    for i, lane in enumerate(lanes):
        if len(lane) != len(rows):
            raise ValueError(f"lane {i} has {len(lane)} points, h_samples {len(rows)}")
        if not np.isfinite(lane).all():
            raise ValueError(f"lane {i} has a number that is not finite")
    path = root / name
    if not path.is_file():
        raise ValueError(f"{path}: no such picture")
    points = [np.array([(x, y) for x, y in zip(lane, rows, strict=True) if x >= 0.0]) for lane in lanes]
    return LanePicture(path, [p for p in points if len(p) >= 2], rows, lanes)
