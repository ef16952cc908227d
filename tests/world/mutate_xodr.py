"""Broken OpenDRIVE files, each a function of (seed, number): real ones with some of their parts changed."""

import copy
import random
from collections.abc import Callable
from pathlib import Path

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from tests.world.xodr_seeds import small_maps

NUMBERS = (
    "nan", "inf", "-inf", "1e308", "-1e308", "1e30", "-1e30", "1e-300", "0", "-0", "-1", "1", "0.5", "1e5", "1e6",
    "-1e6", "1e9", "1e-9", "3.14159", "6.3", "1000000", "999999", "-999999", "2147483648", "1_000", "0x10", "", " ",
    "NaN", "١٢", "²", "1,5", "1e", "+", "true", "none", "-1.5",
)  # fmt: skip
TEXTS = (
    "", " ", "-1", "0", "1", "start", "end", "road", "junction", "driving", "sidewalk", "bidirectional", "none", "RHT",
    "LHT", "both", "increase", "solid", "broken", "curb", "1000001", "206", "205", "274", "294", "yes", "no", "+", "-",
    "virtual", "direct", "default", "crossing", "crosswalk", "tree", "building", "barrier", "speed_30", "Speed_²",
    "reversed", "true", "A" * 300, "\u202e\u00ad", "\u0085", "1 or 2", "mph", "no limit", "undefined", "normalized",
)  # fmt: skip
FACTORS = (-1.0, 0.0, 0.5, 2.0, 10.0, 1e3, 1e-3, 1e-6, 1e6, 0.999, 1.001)


def seed_folder() -> Path | None:
    """Folder of small real files, where the test data is present."""
    import os

    base = Path(os.environ.get("TARMAC_DATA") or Path(__file__).resolve().parents[2].parent / "shared" / "data")
    return base / "opendrive" if (base / "opendrive").is_dir() else None


def load_seeds(largest: int = 20_000) -> list[bytes]:
    """Bytes of the files that mutations start from: small ones of our own, and real ones where they are present."""
    seeds = small_maps()
    folder = seed_folder()
    files = [] if folder is None else sorted(folder.rglob("*.xodr"))
    return seeds + [f.read_bytes() for f in files if f.stat().st_size <= largest]


class Mutator:
    """Makes broken files. Equal seed files, seed and number give equal bytes."""

    def __init__(self, seeds: list[bytes], seed: int):
        self.seeds, self.seed = seeds, seed

    def make(self, number: int) -> bytes:
        draw = random.Random(f"{self.seed} {number}")
        data = draw.choice(self.seeds)
        if draw.random() < 0.06:
            return _bytes(draw, data)
        root = etree.fromstring(data)
        count = 1
        while count < 12 and draw.random() < 0.65:
            count += 1
        for _ in range(count):
            self._one(draw, root)
        data = etree.tostring(root, encoding="utf-8", xml_declaration=True)
        return _bytes(draw, data) if draw.random() < 0.02 else data

    def _one(self, draw: random.Random, root) -> None:
        """One change of a tree."""
        elements = [e for e in root.iter(etree.Element) if e is not root]
        if not elements:
            return
        name = draw.choices(list(CHANGES), [weight for weight, _ in CHANGES.values()])[0]
        element = draw.choice(elements)
        if name == "graft":
            other = [e for e in etree.fromstring(draw.choice(self.seeds)).iter(etree.Element)]
            CHANGES[name][1](draw, element, other)
        else:
            CHANGES[name][1](draw, element, elements)


def _bytes(draw: random.Random, data: bytes) -> bytes:
    """Changes below the level of XML."""
    out = bytearray(data)
    kind = draw.randrange(5)
    if kind == 0:
        return bytes(out[: draw.randrange(len(out))])
    for _ in range(draw.choice((1, 2, 8, 64))):
        at = draw.randrange(len(out))
        if kind == 1:
            out[at] = draw.randrange(256)
        elif kind == 2:
            del out[at : at + draw.choice((1, 3, 30, 300))]
            out = out or bytearray(b"<")
        elif kind == 3:
            out[at:at] = draw.choice((b"<", b">", b'"', b"&amp;", b"&#0;", b"\x00", b"\xff", b"<a>", b"]]>", b"<!--"))
        else:
            size = draw.choice((10, 100, 1000))
            out[at:at] = out[at : at + size]
    return bytes(out)


def _value(draw: random.Random, element, elements) -> None:
    """An attribute gets a hostile value, a scaled one, or one from elsewhere in the file."""
    names = list(element.attrib)
    if not names:
        return
    name, kind = draw.choice(names), draw.randrange(5)
    if kind == 0:
        value = draw.choice(NUMBERS)
    elif kind == 1:
        value = draw.choice(TEXTS)
    elif kind == 2:
        other = draw.choice(elements)
        value = draw.choice(list(other.attrib.values()) or ["7"])
    else:
        try:
            value = repr(float(element.get(name)) * draw.choice(FACTORS) + draw.choice((0.0, 0.0, 1e-3, 1.0, -5.0)))
        except ValueError:
            value = draw.choice(TEXTS)
        if kind == 4 and name in ("id", "from", "to", "fromLane", "toLane", "elementId", "junction", "incomingRoad"):
            value = str(draw.randrange(-6, 7))
    element.set(name, value)


def _same_attribute(draw: random.Random, element, elements) -> None:
    """The same value for one attribute of all elements of a tag."""
    if element.attrib:
        name = draw.choice(list(element.attrib))
        value = draw.choice((element.get(name), draw.choice(NUMBERS), draw.choice(TEXTS)))
        for other in elements:
            if other.tag == element.tag and name in other.attrib:
                other.set(name, value)


def _drop_attribute(draw: random.Random, element, elements) -> None:
    if element.attrib:
        del element.attrib[draw.choice(list(element.attrib))]


def _drop(draw: random.Random, element, elements) -> None:
    element.getparent().remove(element)


def _repeat(draw: random.Random, element, elements) -> None:
    parent, at = element.getparent(), element.getparent().index(element)
    for _ in range(draw.choice((1, 1, 2, 5, 40))):
        if sum(1 for _ in element.iter()) < 200:
            parent.insert(at, copy.deepcopy(element))


def _move(draw: random.Random, element, elements) -> None:
    target = draw.choice(elements)
    if not any(parent is element for parent in (target, *target.iterancestors())):
        target.insert(draw.randrange(len(target) + 1), element)


def _shuffle(draw: random.Random, element, elements) -> None:
    parts = list(element)
    draw.shuffle(parts)
    element[:] = parts


def _rename(draw: random.Random, element, elements) -> None:
    element.tag = draw.choice(elements).tag


def _swap_attributes(draw: random.Random, element, elements) -> None:
    names = list(element.attrib)
    if len(names) > 1:
        a, b = draw.sample(names, 2)
        first, second = element.get(a), element.get(b)
        element.set(a, second)
        element.set(b, first)


def _graft(draw: random.Random, element, other) -> None:
    """An element of another file takes the place of one of the same tag, or comes into it."""
    same = [e for e in other if e.tag == element.tag] or other
    new = copy.deepcopy(draw.choice(same))
    if sum(1 for _ in new.iter()) > 400:
        return
    parent = element.getparent()
    parent.insert(parent.index(element), new)
    if draw.random() < 0.5:
        parent.remove(element)


CHANGES: dict[str, tuple[int, Callable]] = {
    "value": (50, _value), "same": (5, _same_attribute), "drop attribute": (6, _drop_attribute), "drop": (8, _drop),
    "repeat": (7, _repeat), "move": (5, _move), "shuffle": (4, _shuffle), "rename": (2, _rename),
    "swap": (4, _swap_attributes), "graft": (9, _graft),
}  # fmt: skip
