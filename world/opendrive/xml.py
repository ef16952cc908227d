"""Reads an OpenDRIVE file into an element tree, with bounds; typed access to attributes with errors that say where.

A map is a file somebody was sent: no entities, no document type, no network, no huge trees, and a limit on the size
both on disk and decompressed. Every error is a MapError with file, element (with its road and line) and reason.
"""

import gzip
import hashlib
import math
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from world.budget import spend
from world.roadmap import MapError

MAX_BYTES = 128 * 1024 * 1024  # of a file, and of what it decompresses to
MAX_TREE = 700_000_000  # [bytes] of memory that the element tree may take, as `_tree_bytes` estimates it
MAX_KINDS = 300  # kinds of things that are counted by name; the rest are counted together
ENCODINGS = re.compile(r"(utf-?(8|16)|us-ascii|ascii|iso-?8859-\d+|latin-?1|windows-125\d|cp125\d)", re.IGNORECASE)
MAX_ABS = 1e30  # keeps cubics over the longest road finite; exporters write huge coefficients over tiny lengths
Element: TypeAlias = Any  # lxml.etree._Element; lxml ships no types


@dataclass
class Reading:
    """What every part of the reader shares: the file's name for errors, and the count of what was not understood."""

    file: str
    skipped: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)  # what was made so far, by name

    def skip(self, what: str, count: int = 1) -> None:
        """Counts something that was not used; `what` is plain English and becomes a key of RoadMap.skipped."""
        what = "".join(c if c.isprintable() else "?" for c in what)
        if what not in self.skipped and len(self.skipped) >= MAX_KINDS:
            what = "further kinds of things, not named here"
        self.skipped[what] = self.skipped.get(what, 0) + count

    def skipped_if(self, what: str, count: int) -> None:
        """`skip`, unless the count is zero."""
        if count:
            self.skip(what, count)

    def total(self, element: Element | str, what: str, count: int, most: int) -> None:
        """Adds to the number of things that the map makes the reader keep, and looks at the clock.

        Raises:
            MapError: there are more than `most` by now, or the time is over (`world.budget`).
        """
        self.totals[what] = found = self.totals.get(what, 0) + count
        if found > most:
            raise self.error(element, f"the map needs {found} {what} by now; at most {most} are allowed")
        spend(element if isinstance(element, str) else str(element.tag))

    def error(self, element: Element | str, reason: str) -> MapError:
        """The MapError to raise for an element."""
        return MapError(self.file, element if isinstance(element, str) else describe(element), reason)


def describe(element: Element) -> str:
    """Name of an element with its id, line and the road, junction or controller it is part of."""
    name = str(element.tag)
    key = element.get("id")
    text = f"{name} id={key[:40]!r}" if key is not None else name
    text += f" (line {element.sourceline})"
    for parent in element.iterancestors("road", "junction", "controller", "junctionGroup"):
        text += f" in {parent.tag} id={str(parent.get('id'))[:40]!r} (line {parent.sourceline})"
    return text


def read_bytes(path: Path) -> bytes:
    """Bytes of an .xodr or .xodr.gz file (told apart by content), at most MAX_BYTES when decompressed.

    Raises:
        MapError: the file cannot be read, is too large or is not a complete gzip stream.
    """
    name = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MapError(name, "file", f"is {path.stat().st_size} bytes; at most {MAX_BYTES} are read")
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            data = gzip.GzipFile(fileobj=raw).read(MAX_BYTES + 1) if zipped else raw.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MapError(name, "file", f"cannot be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise MapError(name, "file", f"is more than {MAX_BYTES} bytes when decompressed")
    return data


def map_name(path: Path) -> str:
    """A map's name: that of its file, without endings."""
    return path.name.removesuffix(".gz").removesuffix(".xodr")


def content_hash(data: bytes) -> str:
    """sha256 hex of the uncompressed bytes."""
    return hashlib.sha256(data).hexdigest()


def parse(data: bytes, reading: Reading) -> Element:
    """Root element `OpenDRIVE`, names without namespace, comments gone.

    Raises:
        MapError: not XML, a document type or entity is present, or the root is another element.
    """
    refuse = reading.error("document type", "a DOCTYPE or an entity is not allowed in a map")
    if re.search(rb"<!(DOCTYPE|ENTITY)", data[:65536]):
        raise refuse
    _check_encoding(data, reading)
    if (needed := _tree_bytes(data)) > MAX_TREE:
        raise reading.error(
            "file", f"would take {needed / 1e6:.0f} MB as a tree; at most {MAX_TREE / 1e6:.0f} are allowed"
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno if error.lineno is not None else 0
        raise MapError(reading.file, f"line {line}", f"not well-formed XML: {str(error)[:200]}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise refuse
    if str(root.tag).startswith("{"):
        for element in root.iter(etree.Element):
            element.tag = etree.QName(element).localname
    if root.tag != "OpenDRIVE":
        raise reading.error(root, "the root of a map must be <OpenDRIVE>")
    return root


def _check_encoding(data: bytes, reading: Reading) -> None:
    """Refuses encodings in which markup does not look like ASCII: sizes are estimated before anything is parsed."""
    declared = re.match(rb"""\s*(?:\xef\xbb\xbf)?<\?xml[^>]{0,200}?encoding\s*=\s*["']([^"'>]{0,60})""", data[:400])
    if declared and not ENCODINGS.fullmatch(name := declared[1].decode("latin-1")):
        raise reading.error("XML declaration", f"encoding={name!r} is not read; UTF-8, UTF-16 and Latin ones are")
    if data[:4] == b"\x4c\x6f\xa7\x94":
        raise reading.error("XML declaration", "EBCDIC is not read; UTF-8, UTF-16 and Latin encodings are")


def _tree_bytes(data: bytes) -> int:
    """Memory [bytes] of the element tree, estimated from above: libxml2's nodes, attributes and texts."""
    return 100 * data.count(b"<") + 250 * data.count(b"=") + 2 * len(data)


def number(reading: Reading, element: Element, name: str, default: float | None = None) -> float:
    """A finite number from an attribute.

    Raises:
        MapError: the attribute is missing (and has no default), is no number, is not finite or is beyond MAX_ABS.
    """
    text = element.get(name)
    if text is None or text == "":
        if default is None:
            raise reading.error(element, f"attribute {name!r} is missing")
        return default
    try:
        value = float(text)
    except ValueError:
        raise reading.error(element, f"attribute {name}={text[:40]!r} is not a number") from None
    if not math.isfinite(value) or abs(value) > MAX_ABS:
        raise reading.error(element, f"attribute {name}={text[:40]!r} must be finite and within +-{MAX_ABS:g}")
    return value


def integer(reading: Reading, element: Element, name: str) -> int:
    """A whole number from an attribute (lane ids)."""
    text = element.get(name, "")
    if not re.fullmatch(r"\s*[+-]?\d{1,6}\s*", text):
        raise reading.error(element, f"attribute {name}={text[:40]!r} must be a whole number")
    return int(text)


def text_id(reading: Reading, element: Element, name: str = "id") -> str:
    """A non-empty identifier."""
    value = element.get(name)
    if not value:
        raise reading.error(element, f"attribute {name!r} is missing")
    if len(value) > 200:
        raise reading.error(element, f"attribute {name!r} has {len(value)} characters; at most 200 are allowed")
    return value


def children(element: Element | None, path: str) -> list[Element]:
    """Elements at a path of tag names below `element`; none when `element` is None."""
    if element is None:
        return []
    return element.findall(path) if "/" in path else list(element.iterchildren(path))
