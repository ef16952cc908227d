"""The parts that maps are put together from: cross-sections, crossings, lane changes of a street, roundabouts."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from scenarios.mapgen.geometry import Path, Segment, wrap
from scenarios.procedural.furniture import Furniture, driving_lanes
from scenarios.procedural.network import DRIVING, SHOULDER, SIDEWALK, End, Junction, Lane, Mark, Network, Road, Way

LANE, VERGE, PAVEMENT = 3.5, 0.3, 2.5  # [m] widths of driving lane, shoulder, pavement
SOLID = 20.0  # [m] before a junction the middle line is solid
KEEP = 30.0  # [m] before a junction lanes side by side are kept
CHANGE_ROOM = 20.0  # [m] of broken line between lanes on every street that is long enough
FACING = 0.6  # [rad] approaches that run against each other within this angle face each other
STRAIGHT = math.radians(40.0)  # [rad] a way that turns less goes straight on
RING_LANE = 4.5  # [m]
RING_CROSSWALK = (
    7.5  # [m] from the ring's junction to the crosswalk of an arm: a car that leaves waits clear of the ring
)


# --- Streets -----------------------------------------------------------------------------------------------------


def street(
    network: Network, path: Path, lanes: tuple[int, int], *, limit: int = 50, name: str = "",
    pavements: tuple[bool, bool] = (True, True), open_ends: tuple[bool, bool] = (False, False),
) -> Road:  # fmt: skip
    """A town street with (right, left) lanes.

    Args:
        pavements: right and left of it.
        open_ends: start, end: whether lane changes and overtaking are allowed up to there.
    """
    sides = [_side(n, path.length, walk, open_ends) for n, walk in zip(lanes, pavements, strict=True)]
    wide = max(lanes) > 1
    return network.street(path, *sides, limit=limit, name=name, middle=middle(path.length, wide, open_ends))


def _side(lanes: int, length: float, pavement: bool, open_ends: tuple[bool, bool]) -> list[Lane]:
    edge = Lane(DRIVING, LANE, marks=(Mark(0.0, "solid"),))
    inner = [Lane(DRIVING, LANE, marks=lane_line(length, open_ends)) for _ in range(lanes - 1)]
    side = [*inner, edge] if lanes else []
    side.append(Lane(SHOULDER, VERGE, marks=(Mark(0.0, "curb"),)))
    return [*side, Lane(SIDEWALK, PAVEMENT)] if pavement else side


def lane_line(length: float, open_ends: tuple[bool, bool] = (False, False)) -> tuple[Mark, ...]:
    """Line between lanes of one direction: broken, solid where lanes are to be kept."""
    shut = 2 - sum(open_ends)
    keep = min(KEEP, max((length - CHANGE_ROOM) / shut, 0.0)) if shut else KEEP
    return _broken(length, keep, "white", open_ends)


def middle(length: float, wide: bool, open_ends: tuple[bool, bool] = (False, False)) -> tuple[Mark, ...]:
    """The middle line of a two-way street: broken, solid near junctions; two solid lines on wide streets."""
    if wide:
        return (Mark(0.0, "solid solid", color="yellow"),)
    return _broken(length, SOLID, "yellow", open_ends)


def _broken(length: float, keep: float, color: str, open_ends: tuple[bool, bool]) -> tuple[Mark, ...]:
    solid, broken = partial(Mark, kind="solid", color=color), partial(Mark, kind="broken", change="both", color=color)
    first, last = 0.0 if open_ends[0] else keep, length if open_ends[1] else length - keep
    if last - first < CHANGE_ROOM - 1.0:
        return (solid(0.0),)
    marks = [] if open_ends[0] else [solid(0.0)]
    return (*marks, broken(first), *([] if open_ends[1] else [solid(last)]))


def part(path: Path, first: float, last: float) -> Path:
    """The stretch of a path between two stations [m]."""
    out = []
    for start, segment in zip(path.starts, path.segments, strict=True):
        low, high = max(first - start, 0.0), min(last - start, segment.length)
        if high - low > 1e-6:
            x, y, h = segment.at(low)
            out.append(Segment(x, y, h, high - low, segment.curvature))
    return Path(out)


# --- Crossings ---------------------------------------------------------------------------------------------------


def crossing_ways(ends: Sequence[End]) -> list[Way]:
    """Ways from every end to every other, ends counter-clockwise; no lane is left without a way.

    Left turns leave from the lane next to the middle, right turns from the one at the kerb; straight on leads every
    lane that finds one on the other side.
    """
    ways = []
    for k, entry in enumerate(ends):
        others = [ends[(k + n) % len(ends)] for n in range(1, len(ends))]
        kinds = [_turn(entry, leave, n == 0, n == len(others) - 1) for n, leave in enumerate(others)]
        for n, (leave, turn) in enumerate(zip(others, kinds, strict=True)):
            ways += _lane_ways(entry, leave, turn, kinds, kerb=n == 0, ends=ends)
    return ways


def _turn(entry: End, leave: End, first: bool, last: bool) -> int:
    """-1 right, 0 straight on, 1 left."""
    turn = wrap(leave.heading - entry.heading - math.pi)
    if abs(turn) < STRAIGHT and not (first and last):
        return 0
    return -1 if turn < 0 else 1


def _lane_ways(entry: End, leave: End, turn: int, kinds: list[int], kerb: bool, ends: Sequence[End]) -> list[Way]:
    n, m = driving_lanes(entry, True), driving_lanes(leave, False)
    if not (n and m):
        return []
    if turn == 1:
        return [Way(entry, leave, 1, 1, kerb=kerb and n == m == 1)]
    fill = LANE if max(n, m) > 1 else 0.0
    if turn == -1:
        return [Way(entry, leave, n, m, kerb=kerb, paved=fill)]
    count = min(n, m)
    from_right = n > m and 1 in kinds  # the lanes in the middle turn left
    others = [e for e in ends if e is not leave and e is not entry]
    joined = any(_turn(e, leave, False, False) == -1 for e in others)  # a right turn leads to the lane at the kerb
    into_right = m > n and not joined
    return [Way(entry, leave, n - count + 1 if from_right else 1, m - count + 1 if into_right else 1, count, kerb=kerb)]


def facing_phases(ends: Sequence[End], phases: int = 2) -> list[list[tuple[End, tuple[int, ...]]]]:
    """Phases for `Furniture.signal`: ends that face each other together (2), or one at a time (4)."""
    groups: list[list[tuple[End, tuple[int, ...]]]] = []
    for end in ends:
        lanes = tuple(range(1, driving_lanes(end, True) + 1))
        if not lanes:
            continue
        pair = [g for g in groups if len(g) == 1 and abs(wrap(g[0][0].heading - end.heading + math.pi)) < FACING]
        if pair and phases == 2:
            pair[0].append((end, lanes))
        else:
            groups.append([(end, lanes)])
    return groups


# --- More or fewer lanes -----------------------------------------------------------------------------------------


def transition_ways(a: End, b: End, left: bool = False) -> list[Way]:
    """Ways between two ends of a street, both directions, where the number of lanes may differ by one.

    Args:
        left: a lane begins at the left (for left turns), not at the kerb.
    """
    return _one_way(a, b, left) + _one_way(b, a, left)


def _one_way(entry: End, leave: End, left: bool) -> list[Way]:
    n, m = driving_lanes(entry, True), driving_lanes(leave, False)
    if n == m:
        return [Way(entry, leave, 1, 1, n, kerb=True)] if n else []
    if abs(n - m) != 1:
        raise ValueError(f"{entry.road.name} to {leave.road.name}: {n} lanes to {m}; one may begin or end at a time")
    if m > n:
        if left:
            return [Way(entry, leave, 1, 2, n, kerb=True), Way(entry, leave, 1, 1)]
        return [Way(entry, leave, 1, 1, n), Way(entry, leave, n, m, kerb=True)]
    return [Way(entry, leave, 1, 1, m), Way(entry, leave, n, m, kerb=True, low=True)]


# --- Roundabouts -------------------------------------------------------------------------------------------------


def roundabout(
    network: Network, furniture: Furniture, name: str, middle_xy: tuple[float, float], radius: float,
    ends: Sequence[End], half_angle: float, lanes: int = 1, limit: int = 30, crosswalks: bool = True,
) -> list[Junction]:  # fmt: skip
    """A roundabout, driven counter-clockwise; those who enter give way.

    With two lanes the outer one leads out at every arm, so that nobody crosses it: at an arm the right lane enters the
    outer lane and leaves at the next arm, the left lane enters the inner one and may go all the way round.

    Args:
        radius: [m] of the central island.
        ends: of the streets that meet here, counter-clockwise, each pointing away from the middle.
        half_angle: [rad] of ring that each arm's junction takes on either side of the arm.
    """
    angles = [end.heading for end in ends]
    rings = []
    for k, angle in enumerate(angles):
        span = (angles[(k + 1) % len(angles)] - angle) % (2.0 * math.pi) - 2.0 * half_angle
        if span * radius < 4.0:
            raise ValueError(f"{name}: arms {k} and {k + 1} are too close together for its size")
        rings.append(_ring_road(network, name, middle_xy, radius, angle + half_angle, span, lanes, limit, ends[k]))
    junctions = []
    for k, end in enumerate(ends):
        before, after = End(rings[k - 1], False), End(rings[k], True)
        ways = [
            Way(before, end, 1, 1, lanes, kerb=True, limit=limit),
            Way(before, after, verge=True),
            Way(end, after, 1, 1, lanes, kerb=True, limit=limit),
        ]
        junction = network.junction(f"{name}, arm {k + 1}", [before, end, after], ways)
        furniture.control(junction, end, "yield")
        if crosswalks:
            furniture.add_crosswalk(end.road, end.s_before(RING_CROSSWALK))
        junctions.append(junction)
    for ring in rings:
        furniture.add_tree(ring, ring.path.length / 2.0, 0.5 * radius)
    return junctions


def _ring_road(
    network: Network, name: str, middle_xy: tuple[float, float], radius: float, angle: float, span: float, lanes: int,
    limit: int, arm: End,
) -> Road:  # fmt: skip
    x, y = middle_xy[0] + radius * math.cos(angle), middle_xy[1] + radius * math.sin(angle)
    path = Path([Segment(x, y, wrap(angle + math.pi / 2.0), radius * span, 1.0 / radius)])
    walk = any(lane.kind == SIDEWALK for lane in arm.road.side(arm.inward))
    side = _side(lanes, 0.0, walk, (False, False))
    side = [replace(lane, width=RING_LANE) if lane.kind == DRIVING else lane for lane in side]
    island = [Lane(SHOULDER, VERGE, marks=(Mark(0.0, "curb"),))]
    return network.street(path, side, island, limit=limit, name=name, middle=(Mark(0.0, "solid"),))
