"""Roads and junctions as data: streets with lanes on both sides, and the ways that lead through junctions.

A network is made of streets (constant cross-section, any path) that meet at junctions. Every way through a junction
is a road of its own; it carries one or more lanes side by side from an entering street to a leaving one. Where lanes
begin, end or part there is a junction, too, so no lane ever begins or ends in nothing.
Frame: OpenDRIVE's inertial frame, metres, radians; limits in km/h because signs are. Traffic keeps right.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from scenarios.mapgen.geometry import Path, wrap
from scenarios.procedural.connect import Pose, join

DRIVING, SHOULDER, SIDEWALK = "driving", "shoulder", "sidewalk"


@dataclass(frozen=True)
class Mark:
    """A road mark from s [m] on."""

    s: float
    kind: str  # "none" | "solid" | "broken" | "solid solid" | "curb"
    change: str = "none"  # lane changes it allows: "none" | "both" | "increase" | "decrease"
    color: str = "white"


@dataclass
class Lane:
    """A lane; from `width` to `end_width` [m] (the same, if None) along its road."""

    kind: str
    width: float
    end_width: float | None = None
    marks: tuple[Mark, ...] = (Mark(0.0, "none"),)  # of its outer border
    before: int | None = None  # lane of the road before
    after: int | None = None


@dataclass(frozen=True)
class Contact:
    """What a road's end touches."""

    kind: str  # "road" | "junction"
    id: int
    point: str | None = None  # "start" | "end" of a road


@dataclass
class Road:
    """A road: `right` and `left` are its lanes from the reference line outwards, driving lanes first."""

    id: int
    name: str
    path: Path
    right: list[Lane]
    left: list[Lane]
    limits: tuple[tuple[float, int], ...]  # (s [m], km/h)
    kind: str = "town"
    middle: tuple[Mark, ...] = (Mark(0.0, "none"),)
    junction: int | None = None
    before: Contact | None = None
    after: Contact | None = None
    elevation: tuple[tuple[float, float, float, float, float], ...] = ()  # (s, a, b, c, d) of z [m]

    def side(self, sign: int) -> list[Lane]:
        """Lanes right of the reference line (-1) or left of it (1)."""
        return self.right if sign < 0 else self.left

    def driving(self, sign: int) -> int:
        """Number of driving lanes on a side."""
        return sum(lane.kind == DRIVING for lane in self.side(sign))

    def half_width(self, sign: int, at_end: bool = False) -> float:
        """[m] from the reference line to the outer edge of a side."""
        return sum(_width(lane, at_end) for lane in self.side(sign))


@dataclass(frozen=True)
class End:
    """One end of a street, at a junction."""

    road: Road
    at_start: bool

    @property
    def s(self) -> float:
        return 0.0 if self.at_start else self.road.path.length

    @property
    def heading(self) -> float:
        """[rad] away from the junction."""
        h = self.road.path.at(self.s)[2]
        return wrap(h) if self.at_start else wrap(h + math.pi)

    @property
    def inward(self) -> int:
        """Side (sign of lane ids) of the street's lanes that lead into the junction."""
        return 1 if self.at_start else -1

    def s_before(self, distance: float) -> float:
        """Street station [m] that lies `distance` [m] before the junction."""
        return distance if self.at_start else self.road.path.length - distance

    def pose(self, lane: int, inward: bool) -> Pose:
        """Left border of the `lane`-th lane from the middle (1 is the first), in its direction of travel."""
        sign = self.inward if inward else -self.inward
        t = sign * sum(_width(w, not self.at_start) for w in self.road.side(sign)[: lane - 1])
        x, y, h = self.road.path.at(self.s, t)
        return x, y, wrap(h if sign < 0 else h + math.pi)


@dataclass(frozen=True)
class Way:
    """Lanes `entry_lane`... of one end on to lanes `exit_lane`... of another, `count` of them side by side."""

    entry: End
    exit: End
    entry_lane: int = 1
    exit_lane: int = 1
    count: int = 1
    kerb: bool = False  # it carries shoulder and pavement to the right of its lanes
    verge: bool = False  # it carries the lanes left of a one-way street's middle
    paved: float = 0.0  # [m] of plain surface to the left of its lanes, so that a wide crossing has no holes
    marked: bool = False  # its lanes keep their marks (motorways)
    limit: int | None = None  # [km/h]; None: the lower of both streets'
    low: bool = False  # it gives way to the junction's other ways


@dataclass
class Junction:
    """A junction of the file."""

    id: int
    name: str
    ends: list[End]
    ways: list[tuple[Way, Road]] = field(default_factory=list)


class Network:
    """Streets and junctions under construction; ids count from 1, junctions from 100001."""

    def __init__(self, name: str, title: str):
        self.name, self.title = name, title
        self.roads: list[Road] = []
        self.junctions: list[Junction] = []

    def street(
        self,
        path: Path,
        right: Sequence[Lane],
        left: Sequence[Lane] = (),
        *,
        limit: int | tuple[tuple[float, int], ...] = 50,
        name: str = "",
        kind: str = "town",
        middle: tuple[Mark, ...] = (Mark(0.0, "none"),),
    ) -> Road:
        """A new street; what its ends touch is told by `junction` or `link`."""
        limits = ((0.0, limit),) if isinstance(limit, int) else limit
        number = 1 + len(self.roads)
        road = Road(number, name or f"road {number}", path, list(right), list(left), limits, kind, middle)
        self.roads.append(road)
        return road

    def link(self, a: End, b: End) -> None:
        """Joins two streets of the same lanes directly."""
        for mine, other in ((a, b), (b, a)):
            contact = Contact("road", other.road.id, "start" if other.at_start else "end")
            if mine.at_start:
                mine.road.before = contact
            else:
                mine.road.after = contact
            flip = -1 if mine.at_start == other.at_start else 1
            for sign in (-1, 1):
                for n, lane in enumerate(mine.road.side(sign), 1):
                    if mine.at_start:
                        lane.before = flip * sign * n
                    else:
                        lane.after = flip * sign * n

    def junction(self, name: str, ends: Sequence[End], ways: Sequence[Way]) -> Junction:
        """Joins street ends by ways; every way becomes a road."""
        out = Junction(100001 + len(self.junctions), name, list(ends))
        self.junctions.append(out)
        for end in ends:
            contact = Contact("junction", out.id)
            if end.at_start:
                end.road.before = contact
            else:
                end.road.after = contact
        for way in ways:
            road = _way_road(way, 1 + len(self.roads), out.id, f"{name}: {way.entry.road.name} to {way.exit.road.name}")
            self.roads.append(road)
            out.ways.append((way, road))
        return out


def _width(lane: Lane, at_end: bool) -> float:
    return lane.end_width if at_end and lane.end_width is not None else lane.width


def limit_at(end: End) -> int:
    """[km/h] at an end of a street."""
    return end.road.limits[0 if end.at_start else -1][1]


def _way_road(way: Way, number: int, junction: int, name: str) -> Road:
    """The road that carries a way: reference line on the left border of its leftmost lane, lanes on the right."""
    path = join(way.entry.pose(way.entry_lane, True), way.exit.pose(way.exit_lane, False))
    ins, outs = way.entry.inward, -way.exit.inward
    entering, leaving = way.entry.road.side(ins), way.exit.road.side(outs)
    last = way.count
    if way.kerb:
        last = _carried(entering[way.entry_lane - 1 :], leaving[way.exit_lane - 1 :], way.count)
    right = []
    for n in range(last):
        before, after = entering[way.entry_lane - 1 + n], leaving[way.exit_lane - 1 + n]
        lane = _through(before, after, way, n)
        lane.before, lane.after = ins * (way.entry_lane + n), outs * (way.exit_lane + n)
        right.append(lane)
    left = _verge(way, ins, outs) if way.verge else []
    if way.paved:
        left = [Lane(SHOULDER, way.paved)]
    limit = way.limit or min(limit_at(way.entry), limit_at(way.exit))
    middle = way.entry.road.middle[:1] if way.verge else (Mark(0.0, "none"),)
    return Road(
        number, name, path, right, left, ((0.0, limit),), way.entry.road.kind, middle, junction,
        Contact("road", way.entry.road.id, "start" if way.entry.at_start else "end"),
        Contact("road", way.exit.road.id, "start" if way.exit.at_start else "end"),
    )  # fmt: skip


def _carried(entering: list[Lane], leaving: list[Lane], count: int) -> int:
    """How many lanes a way carries: its own, and those beyond them that both streets have in the same order."""
    n = count
    while n < min(len(entering), len(leaving)) and entering[n].kind == leaving[n].kind != DRIVING:
        n += 1
    return n


def _through(before: Lane, after: Lane, way: Way, n: int) -> Lane:
    """The n-th lane of a way."""
    w0, w1 = _width(before, way.entry.inward < 0), _width(after, way.exit.inward < 0)
    if before.kind == SHOULDER:
        marks = tuple(m for m in before.marks[:1])
    elif way.marked and before.kind == DRIVING:
        marks = (Mark(0.0, "broken" if n < way.count - 1 else "solid"),)
    else:
        marks = (Mark(0.0, "none"),)
    return Lane(before.kind, w0, w1 if abs(w1 - w0) > 1e-9 else None, marks)


def _verge(way: Way, ins: int, outs: int) -> list[Lane]:
    """Lanes left of a one-way street's middle, carried on."""
    if ins != -1 or outs != -1:
        raise ValueError("a verge is carried between streets that are driven along their reference lines")
    out = []
    for n, (a, b) in enumerate(zip(way.entry.road.left, way.exit.road.left, strict=False), 1):
        out.append(Lane(a.kind, a.width, b.width if b.width != a.width else None, a.marks[:1], n, n))
    return out
