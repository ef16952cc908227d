"""The map `highway`: a closed motorway of three lanes each way with two interchanges.

A stadium of two straights and two half circles. In the middle of each straight a road crosses above the motorway;
every carriageway has an exit to it and an entry from it, with lanes to slow down and to speed up. A lane that begins
or ends does so in a junction, so that every lane leads on, and lanes that end give way.
"""

import math
from dataclasses import dataclass

from scenarios.mapgen.geometry import Path, Segment, wrap
from scenarios.procedural.connect import Pose, join
from scenarios.procedural.furniture import Furniture, Thing
from scenarios.procedural.network import DRIVING, SHOULDER, End, Lane, Mark, Network, Road, Way

STRAIGHT, RADIUS = 1900.0, 350.0  # [m] of the stadium's middle line
MEDIAN = 3.0  # [m] from the middle line to the leftmost lanes' left borders
LANES = 3
LANE, HARD_SHOULDER, EDGE = 3.75, 2.5, 0.75  # [m]
RAMP_LANE, CROSSROAD_LANE, VERGE = 4.25, 3.5, 1.0  # [m]
LIMIT, BEND_LIMIT, RAMP_LIMIT, ROAD_LIMIT = 120, 100, 80, 70  # [km/h]
# Stations [m] along a carriageway from the middle of its straight
OPENS, SLOWS, EXITS, ENTERS, SPEEDS, CLOSES = -800.0, -720.0, -420.0, 420.0, 480.0, 800.0
NOSE = 60.0  # [m] of the junctions where ramps leave and come in
CLOSING = 100.0  # [m] over which the lane to speed up ends
SPREAD = math.radians(5.0)  # [rad] between a ramp and the motorway at the nose
TERMINAL = 190.0  # [m] from the middle line to where ramps meet the crossing road
ARM = 18.0  # [m] from the middle of a terminal to its arms
DECK, HEIGHT = 30.0, 6.5  # [m] half length of the level part of the bridge, height


@dataclass(frozen=True)
class Frame:
    """A carriageway's view of a straight: origin in its middle, u along the traffic, v to the left."""

    x: float
    y: float
    heading: float

    def pose(self, u: float, v: float, turn: float = 0.0) -> Pose:
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        return self.x + u * cos - v * sin, self.y + u * sin + v * cos, wrap(self.heading + turn)

    def line(self, u0: float, u1: float) -> Path:
        """The carriageway's reference line between two stations."""
        return Path([Segment(*self.pose(u0, -MEDIAN), u1 - u0)])


@dataclass(frozen=True)
class Carriageway:
    """What a straight's carriageway offers: its two ends, and the ramps' ends at the crossing road."""

    first: End
    last: End
    exit: End
    entry: End


def highway() -> tuple[Network, Furniture]:
    """Its roads and furniture."""
    network, furniture = Network("highway", "Highway"), Furniture()
    outer, inner = [], []
    for k, side in enumerate(("South", "North")):
        heading = k * math.pi
        y = -RADIUS if k == 0 else RADIUS
        frames = Frame(0.0, y, heading), Frame(0.0, y, wrap(heading + math.pi))
        outer.append(_carriageway(network, furniture, frames[0], f"{side} Straight, outer"))
        inner.append(_carriageway(network, furniture, frames[1], f"{side} Straight, inner"))
        _crossroad(network, furniture, frames[0], outer[-1], inner[-1], f"{side} Bridge")
    for k, side in enumerate(("East", "West")):
        _bend(network, furniture, outer[k], outer[1 - k], RADIUS + MEDIAN, f"{side} Bend, outer")
        _bend(network, furniture, inner[1 - k], inner[k], -(RADIUS - MEDIAN), f"{side} Bend, inner")
    return network, furniture


# --- The motorway ------------------------------------------------------------------------------------------------


def _motorway(network: Network, path: Path, lanes: int, limit: int, name: str) -> Road:
    """A carriageway: lanes, hard shoulder, and a narrow edge at the median."""
    between = Lane(DRIVING, LANE, marks=(Mark(0.0, "broken", "both"),))
    right = [between] * (lanes - 1) + [Lane(DRIVING, LANE, marks=(Mark(0.0, "solid"),)), Lane(SHOULDER, HARD_SHOULDER)]
    right = [Lane(lane.kind, lane.width, marks=lane.marks) for lane in right]
    edge = (Mark(0.0, "solid", color="yellow"),)
    return network.street(path, right, [Lane(SHOULDER, EDGE)], limit=limit, name=name, kind="motorway", middle=edge)


def _carriageway(network: Network, furniture: Furniture, frame: Frame, name: str) -> Carriageway:
    """One carriageway of a straight, from bend to bend."""
    stretches = [
        (-STRAIGHT / 2.0, OPENS, LANES), (SLOWS, EXITS, LANES + 1), (EXITS + NOSE, ENTERS, LANES),
        (ENTERS + NOSE, CLOSES, LANES + 1), (CLOSES + CLOSING, STRAIGHT / 2.0, LANES),
    ]  # fmt: skip
    roads = [_motorway(network, frame.line(u0, u1), lanes, LIMIT, name) for u0, u1, lanes in stretches]
    off = _ramp(network, join(_nose(frame, EXITS + NOSE, -1), frame.pose(-ARM, -TERMINAL)), f"{name}, exit")
    on = _ramp(network, join(frame.pose(ARM, -TERMINAL), _nose(frame, ENTERS, 1)), f"{name}, entry")
    ends = [(End(road, True), End(road, False)) for road in roads]
    main = {"count": LANES, "verge": True, "marked": True}
    gaps = [(ends[k][1], ends[k + 1][0]) for k in range(4)]
    beside = {"kerb": True, "marked": True}
    _join(network, f"{name}, lane opens", gaps[0], [Way(*gaps[0], **main), Way(*gaps[0], LANES, LANES + 1, **beside)])
    ramp, more = End(off, True), LANES + 1
    _join(network, f"{name}, exit", (*gaps[1], ramp), [
        Way(*gaps[1], **main), Way(gaps[1][0], ramp, more, 1, kerb=True, limit=LIMIT)])  # fmt: skip
    ramp = End(on, False)
    _join(network, f"{name}, entry", (*gaps[2], ramp), [
        Way(*gaps[2], **main), Way(ramp, gaps[2][1], 1, more, kerb=True, limit=LIMIT)])  # fmt: skip
    _join(network, f"{name}, lane ends", gaps[3], [
        Way(*gaps[3], **main), Way(*gaps[3], more, LANES, low=True, **beside)])  # fmt: skip
    for road in roads:
        _barrier(furniture, road)
    furniture.add_limit(roads[0], 20.0, -1, LIMIT)
    furniture.add_limit(roads[2], 20.0, -1, LIMIT)
    furniture.add_limit(off, 20.0, -1, RAMP_LIMIT)
    furniture.add_limit(roads[3], 20.0, -1, LIMIT)
    return Carriageway(ends[0][0], ends[-1][1], End(off, False), End(on, True))


def _nose(frame: Frame, u: float, sense: int) -> Pose:
    """Left border of a ramp's lane where it parts from the motorway (sense -1) or comes to it (1)."""
    return frame.pose(u, -MEDIAN - LANES * LANE - 3.0, sense * SPREAD)


def _join(network: Network, name: str, ends: tuple[End, ...], ways: list[Way]) -> None:
    network.junction(name, ends, ways)


def _bend(network: Network, furniture: Furniture, a: Carriageway, b: Carriageway, radius: float, name: str) -> None:
    """The half circle from the end of one straight to the start of the next."""
    start = a.last.pose(1, True)
    road = _motorway(network, Path([Segment(*start, math.pi * abs(radius), 1.0 / radius)]), LANES, BEND_LIMIT, name)
    network.link(a.last, End(road, True))
    network.link(End(road, False), b.first)
    _barrier(furniture, road)
    furniture.add_limit(road, 5.0, -1, BEND_LIMIT)


def _barrier(furniture: Furniture, road: Road) -> None:
    """A guard rail in the median."""
    t = MEDIAN - 1.0
    furniture.things.append(
        Thing(len(furniture.things), road.id, 0.0, t, 0.0, "barrier", height=0.8, reach=road.path.length)
    )


# --- The interchange ---------------------------------------------------------------------------------------------


def _ramp(network: Network, path: Path, name: str) -> Road:
    edge = (Mark(0.0, "solid"),)
    right = [Lane(DRIVING, RAMP_LANE, marks=edge), Lane(SHOULDER, VERGE)]
    return network.street(
        path, right, [Lane(SHOULDER, EDGE)], limit=RAMP_LIMIT, name=name, kind="motorway", middle=edge
    )


def _crossroad(
    network: Network, furniture: Furniture, frame: Frame, outer: Carriageway, inner: Carriageway, name: str
) -> None:
    """The road above the motorway, from the outer carriageway's ramps to the inner one's."""
    start, length = frame.pose(0.0, -TERMINAL + ARM, math.pi / 2.0), 2.0 * (TERMINAL - ARM)
    side = [Lane(DRIVING, CROSSROAD_LANE, marks=(Mark(0.0, "solid"),)), Lane(SHOULDER, VERGE)]
    other = [Lane(lane.kind, lane.width, marks=lane.marks) for lane in side]
    middle = (Mark(0.0, "solid", color="yellow"),)
    road = network.street(
        Path([Segment(*start, length)]), side, other, limit=ROAD_LIMIT, name=name, kind="rural", middle=middle
    )
    road.elevation = _bridge(length)
    for ramps, end, where in ((outer, End(road, True), "outer"), (inner, End(road, False), "inner")):
        ends = [ramps.exit, ramps.entry, end]
        ways = [
            Way(ramps.exit, ramps.entry, kerb=True, limit=ROAD_LIMIT),
            Way(ramps.exit, end, limit=ROAD_LIMIT),
            Way(end, ramps.entry, limit=ROAD_LIMIT),
        ]
        junction = network.junction(f"{name}, {where} ramps", ends, ways)
        furniture.control(junction, ramps.exit, "yield")
        furniture.add_limit(road, end.s_before(25.0), end.inward, ROAD_LIMIT)


def _bridge(length: float) -> tuple[tuple[float, float, float, float, float], ...]:
    """Elevation: a smooth rise, a level deck, a smooth fall."""
    rise = length / 2.0 - DECK
    square, cube = 3.0 * HEIGHT / rise**2, -2.0 * HEIGHT / rise**3
    deck = (rise, HEIGHT, 0.0, 0.0, 0.0)
    return (0.0, 0.0, 0.0, square, cube), deck, (rise + 2.0 * DECK, HEIGHT, 0.0, -square, -cube)
