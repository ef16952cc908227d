"""Lights, signs, stop lines and crosswalks of a network's junctions.

A light's logical place is the stop line of its approach; its head hangs beyond the junction, where a car stopped at
the line still sees it. Distances are those of our towns.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from scenarios.mapgen.furniture import (
    CROSSWALK_OVERHANG,
    CROSSWALK_SETBACK,
    CROSSWALK_WIDTH,
    HEAD_FOOT,
    POLE,
    STOP_GAP,
    STOP_LINE,
)
from scenarios.mapgen.geometry import advance, wrap
from scenarios.procedural.network import DRIVING, SIDEWALK, End, Junction, Road

HEAD_BEYOND = 12.0  # [m] a head hangs at most so far beyond the middle of its junction


@dataclass(frozen=True)
class Light:
    """A light that holds lanes at (s, t) of a road; its head hangs at `pose` (x, y, z, heading of the traffic)."""

    id: int
    road: int
    s: float
    t: float
    sense: int  # 1: for traffic along s, -1: against it
    lanes: tuple[int, ...]
    pose: tuple[float, float, float, float]


@dataclass(frozen=True)
class Sign:
    """A sign beside a road."""

    id: int
    road: int
    s: float
    t: float
    sense: int
    lanes: tuple[int, ...]
    kind: str  # "stop" | "yield" | "limit"
    value: int = 0  # [km/h] of a limit


@dataclass(frozen=True)
class Thing:
    """An object at (s, t), turned by `heading` [rad] against the road; outline in its own frame, u forward, v left."""

    id: int
    road: int
    s: float
    t: float
    heading: float
    kind: str  # "crosswalk" | "stopline" | "building" | "tree" | "barrier"
    outline: tuple[tuple[float, float], ...] = ()
    height: float = 0.0
    radius: float = 0.0
    reach: float = 0.0  # [m] along the road of a barrier


@dataclass(frozen=True)
class Controller:
    """The lights of one phase of a junction."""

    id: int
    name: str
    junction: int
    phase: int
    lights: tuple[int, ...]


@dataclass
class Furniture:
    """Everything that stands by and lies on the roads."""

    lights: list[Light] = field(default_factory=list)
    signs: list[Sign] = field(default_factory=list)
    things: list[Thing] = field(default_factory=list)
    controllers: list[Controller] = field(default_factory=list)
    signed: dict[int, set[int]] = field(default_factory=dict)  # streets with a sign, by junction

    def signal_id(self) -> int:
        return 1 + len(self.lights) + len(self.signs)

    def add_crosswalk(self, road: Road, s: float) -> None:
        """A crosswalk with its middle at s, reaching onto the pavements (or from edge to edge without them)."""
        reach = [_walkable_edge(road, sign) for sign in (-1, 1)]
        corners = rectangle(CROSSWALK_WIDTH, sum(reach))
        self.things.append(Thing(len(self.things), road.id, s, (reach[1] - reach[0]) / 2.0, 0.0, "crosswalk", corners))

    def add_tree(self, road: Road, s: float, t: float, height: float = 7.0) -> None:
        """A tree beside a road; its crown's radius is a quarter of its height [m]."""
        radius = round(0.25 * height, 2)
        self.things.append(Thing(len(self.things), road.id, s, t, 0.0, "tree", (), height, radius))

    def add_limit(self, road: Road, s: float, sign: int, kmh: int) -> None:
        """A limit sign for the traffic of one side of a road."""
        lanes = tuple(sign * n for n in range(1, road.driving(sign) + 1))
        t = sign * (_kerb(road, sign) + POLE)
        self.signs.append(Sign(self.signal_id(), road.id, s, t, -sign, lanes, "limit", kmh))

    def control(self, junction: Junction, end: End, kind: str, crosswalk: bool = False) -> None:
        """A stop or yield sign with its line at an end of a street, behind a crosswalk if there is to be one."""
        line = self._line(end, crosswalk)
        sign = end.inward
        lanes = tuple(sign * n for n in range(1, end.road.driving(sign) + 1))
        self._paint(end, line, lanes)
        t = sign * (_kerb(end.road, sign) + POLE)
        self.signs.append(Sign(self.signal_id(), end.road.id, end.s_before(line), t, -sign, lanes, kind))
        self.signed.setdefault(junction.id, set()).add(end.road.id)

    def signal(
        self, junction: Junction, phases: Sequence[Sequence[tuple[End, tuple[int, ...]]]], crosswalks: Sequence[End]
    ) -> None:
        """Lights of a junction.

        Args:
            phases: for each phase, the (end, lanes counted from the middle) that are green together.
            crosswalks: ends that have one.
        """
        lines: dict[int, float] = {}
        for phase, groups in enumerate(phases):
            members = []
            for end, numbers in groups:
                if id(end) not in lines:
                    lines[id(end)] = self._line(end, end in crosswalks)
                    every = tuple(end.inward * n for n in range(1, end.road.driving(end.inward) + 1))
                    self._paint(end, lines[id(end)], every)
                lanes = tuple(end.inward * n for n in numbers)
                t = end.inward * (_kerb(end.road, end.inward) + POLE)
                members.append(self.signal_id())
                self.lights.append(
                    Light(
                        members[-1], end.road.id, end.s_before(lines[id(end)]), t, -end.inward, lanes,
                        head_pose(junction, end, numbers),
                    )
                )  # fmt: skip
            name = f"{junction.name}, phase {phase}"
            self.controllers.append(Controller(1 + len(self.controllers), name, junction.id, phase, tuple(members)))

    def _line(self, end: End, crosswalk: bool) -> float:
        """Distance [m] of an approach's stop line from the junction; paints the crosswalk behind it, if any."""
        if not crosswalk:
            return STOP_GAP
        self.add_crosswalk(end.road, end.s_before(CROSSWALK_SETBACK + CROSSWALK_WIDTH / 2.0))
        return STOP_GAP + CROSSWALK_SETBACK + CROSSWALK_WIDTH

    def _paint(self, end: End, line: float, lanes: Sequence[int]) -> None:
        widths = [end.road.side(end.inward)[abs(n) - 1].width for n in lanes]
        inner = sum(lane.width for lane in end.road.side(end.inward)[: abs(lanes[0]) - 1])
        corners = rectangle(STOP_LINE, sum(widths) - 0.2)
        t = end.inward * (inner + sum(widths) / 2.0)
        self.things.append(Thing(len(self.things), end.road.id, end.s_before(line), t, 0.0, "stopline", corners))


def _kerb(road: Road, sign: int) -> float:
    """[m] from the reference line to the edge of the roadway on a side."""
    return sum(lane.width for lane in road.side(sign) if lane.kind != SIDEWALK)


def _walkable_edge(road: Road, sign: int) -> float:
    """[m] from the reference line to a crosswalk's end on a side."""
    walk = any(lane.kind == SIDEWALK for lane in road.side(sign))
    return _kerb(road, sign) + (CROSSWALK_OVERHANG if walk else 0.0)


def head_pose(junction: Junction, end: End, numbers: Sequence[int]) -> tuple[float, float, float, float]:
    """x, y, z of a head's lower edge and heading [rad] of its traffic: beyond the junction, over its lanes."""
    own = [end.pose(n, True) for n in numbers] + [end.pose(max(numbers) + 1, True)]
    x, y = sum(p[0] for p in own) / len(own), sum(p[1] for p in own) / len(own)
    if len(numbers) > 1:
        x, y = (own[0][0] + own[-1][0]) / 2.0, (own[0][1] + own[-1][1]) / 2.0
    travel = wrap(end.heading + math.pi)
    ahead = [
        p for other in junction.ends if other is not end and abs(wrap(other.heading - travel)) < 0.5
        for p in [other.pose(1, False)]
    ]  # fmt: skip
    middle = [other.pose(1, False) for other in junction.ends]
    goals = ahead or middle
    depth = max(0.0, max((p[0] - x) * math.cos(travel) + (p[1] - y) * math.sin(travel) for p in goals))
    x, y = advance((x, y), travel, depth + (0.0 if ahead else POLE))
    return x, y, HEAD_FOOT, travel


def rectangle(length: float, width: float) -> tuple[tuple[float, float], ...]:
    """Corners of a box about its middle."""
    u, v = length / 2.0, width / 2.0
    return ((-u, -v), (u, -v), (u, v), (-u, v))


def driving_lanes(end: End, inward: bool) -> int:
    """Number of driving lanes that lead in (or out) at an end."""
    return sum(lane.kind == DRIVING for lane in end.road.side(end.inward if inward else -end.inward))
