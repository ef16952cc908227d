"""Road marks: records of the centre lane and of every lane, and what they are on either side of a lane.

Directions: OpenDRIVE counts lanes from right to left along s. A mark belongs to the outer border of its lane, the
centre lane's to the reference line. In a double mark the first line named is the one nearer to the reference line
(centre lane: the left one).

Source: ASAM OpenDRIVE 1.8, 11.9 (road markings).
"""

import numpy as np
from numpy.typing import NDArray

from world.kinds import MarkColor, MarkKind
from world.opendrive.model import Mark
from world.opendrive.xml import Element, Reading, children, number

KINDS = {
    "none": MarkKind.NONE, "solid": MarkKind.SOLID, "broken": MarkKind.BROKEN, "solid solid": MarkKind.SOLID_SOLID,
    "solid broken": MarkKind.SOLID_BROKEN, "broken solid": MarkKind.BROKEN_SOLID,
    "broken broken": MarkKind.BROKEN_BROKEN, "botts dots": MarkKind.BOTTS_DOTS, "grass": MarkKind.GRASS,
    "curb": MarkKind.CURB, "edge": MarkKind.EDGE, "custom": MarkKind.OTHER,
}  # fmt: skip
COLORS = {
    "standard": MarkColor.WHITE, "white": MarkColor.WHITE, "yellow": MarkColor.YELLOW, "blue": MarkColor.BLUE,
    "green": MarkColor.GREEN, "red": MarkColor.RED, "orange": MarkColor.ORANGE,
}  # fmt: skip
TO_RIGHT, TO_LEFT = 1, 2  # bits of Mark.change, along s
CHANGES = {"none": 0, "decrease": TO_RIGHT, "increase": TO_LEFT, "both": TO_RIGHT | TO_LEFT}
# Without a laneChange attribute the paint decides (the standard's default is "both" for a solid line, too).
CROSSABLE = {MarkKind.NONE, MarkKind.BROKEN, MarkKind.BROKEN_BROKEN, MarkKind.BOTTS_DOTS, MarkKind.OTHER}
FLIPPED = {MarkKind.SOLID_BROKEN: MarkKind.BROKEN_SOLID, MarkKind.BROKEN_SOLID: MarkKind.SOLID_BROKEN}
MIRROR = np.array([FLIPPED.get(kind, kind) for kind in MarkKind], dtype=np.int8)  # seen from the other direction


def read_marks(reading: Reading, lane: Element) -> list[Mark]:
    """roadMark records of a lane by offset, kinds turned to "left line first, along s"."""
    outward = lane.get("id", "0").strip()
    marks = []
    for element in children(lane, "roadMark"):
        kind = KINDS.get(element.get("type", "none"))
        if kind is None:
            reading.skip(f"roadMark type {element.get('type', '')[:30]!r} (read as OTHER)")
            kind = MarkKind.OTHER
        if not outward.startswith("-") and outward != "0":
            kind = FLIPPED.get(kind, kind)  # left of the reference line, the outer line is the left one
        color = COLORS.get(element.get("color", "standard"))
        if color is None:
            reading.skip(f"roadMark color {element.get('color', '')[:30]!r} (read as white)")
            color = MarkColor.WHITE
        marks.append(Mark(number(reading, element, "sOffset"), int(kind), int(color), _change(reading, element, kind)))
    return sorted(marks, key=lambda mark: mark.offset)


def _change(reading: Reading, element: Element, kind: MarkKind) -> int:
    """Bits of the lane changes that a mark allows."""
    stated = element.get("laneChange")
    if stated is not None:
        if stated not in CHANGES:
            raise reading.error(element, f"laneChange={stated[:20]!r} must be one of {', '.join(CHANGES)}")
        return CHANGES[stated]
    if kind in CROSSABLE:
        return TO_RIGHT | TO_LEFT
    return {MarkKind.SOLID_BROKEN: TO_LEFT, MarkKind.BROKEN_SOLID: TO_RIGHT}.get(kind, 0)


def sample_marks(marks: list[Mark], offset: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray]:
    """Kind, colour and change bits (n,) int8 at offsets [m] from the section's start; none before the first record."""
    if not marks:
        zero = np.zeros(len(offset), np.int8)
        return zero, zero, np.full(len(offset), TO_RIGHT | TO_LEFT, np.int8)
    if len(marks) == 1 and marks[0].offset <= 0:
        kind, color, change = (
            np.full(len(offset), v, np.int8) for v in (marks[0].kind, marks[0].color, marks[0].change)
        )
        return kind, color, change
    start = np.array([mark.offset for mark in marks])
    i = np.searchsorted(start, offset + 1e-9, side="right")
    table = np.array([(0, 0, TO_RIGHT | TO_LEFT), *((m.kind, m.color, m.change) for m in marks)], np.int8)[i]
    return table[:, 0], table[:, 1], table[:, 2]
