"""What stands by and lies on the roads: lights, signs, stop lines, crosswalks, houses, trees.

Everything is placed from the description alone. A light's logical place is the stop line of its approach; the head
itself hangs beyond the junction, where a car stopped at the line still sees it.
"""

import math
from dataclasses import dataclass

from scenarios.mapgen.description import Block, LaneProfile, Trees
from scenarios.mapgen.geometry import advance, wrap
from scenarios.mapgen.network import Arm, Crossing, Network, Road

CROSSWALK_WIDTH = 3.0  # [m] along the road
CROSSWALK_SETBACK = 1.5  # [m] from the junction's edge to the crosswalk
CROSSWALK_OVERHANG = 0.5  # [m] onto the pavements, so that they join
STOP_GAP = 1.0  # [m] from stop line to crosswalk, or to the junction's edge
STOP_LINE = 0.4  # [m] thickness
HEAD_SIZE = (0.35, 1.0)  # [m] width, height of a light
HEAD_FOOT = 4.6  # [m] of a light's lower edge above the road
SIGN_FOOT = 2.0  # [m] of a sign's lower edge above the road
SIGN_SIZE = 0.75  # [m]
POLE = 0.6  # [m] from the kerb to a pole on the pavement
REPEAT_FROM, REPEAT_AFTER = 90.0, 20.0  # [m] streets this long repeat their limit this far behind a junction
TREE_STEM = 1.2  # [m] from a garden's edge to a stem

FACING = 0.5  # [rad] approaches that run against each other within this angle share a phase


@dataclass(frozen=True)
class SignalSpec:
    """A light or a sign at (s, t) of a road; `pose` (x, y, z, heading) where the real thing hangs elsewhere."""

    id: int
    road: int
    s: float
    t: float
    sense: int  # 1: for traffic along s, -1: against it
    lane: int
    kind: str  # "light" | "stop" | "yield" | "limit"
    value: int = 0  # [km/h] of a limit
    pose: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class ThingSpec:
    """An object at (s, t), turned by `heading` [rad] against the road; outline in its own frame, u forward, v left."""

    id: int
    road: int
    s: float
    t: float
    heading: float
    kind: str  # "crosswalk" | "stopline" | "building" | "tree"
    outline: tuple[tuple[float, float], ...] = ()
    height: float = 0.0
    radius: float = 0.0


@dataclass(frozen=True)
class ControllerSpec:
    """The lights of one phase of a junction."""

    id: int
    name: str
    junction: int
    phase: int
    signals: tuple[int, ...]


@dataclass
class Furniture:
    """Everything that stands in a town."""

    signals: list[SignalSpec]
    things: list[ThingSpec]
    controllers: list[ControllerSpec]


def furnish(network: Network) -> Furniture:
    """Lights, signs, markings, houses and trees of a town."""
    out = Furniture([], [], [])
    for crossing in network.crossings:
        _furnish_crossing(out, crossing, network.town.profile)
    streets = [road for road in network.roads if road.junction is None]
    for street in streets:
        _furnish_street(out, street, network.town.profile)
    for block in network.town.blocks:
        for x, y, along, depth, heading, height in houses(block):
            corners = _rectangle(along, depth)
            _put(out, network.roads, x, y, heading, "building", corners, height)
        for x, y in garden_trees(block):
            _put_tree(out, network.roads, x, y)
    for row in network.town.trees:
        for x, y in tree_rows(row):
            _put_tree(out, network.roads, x, y)
    return out


# --- Junctions ---------------------------------------------------------------------------------------------------


def _furnish_crossing(out: Furniture, crossing: Crossing, profile: LaneProfile) -> None:
    control = crossing.plan.control
    lights: dict[int, list[int]] = {}  # of each phase
    phases = _phases(crossing)
    for letter, arm in sorted(crossing.arms.items()):
        line = STOP_GAP
        if letter in crossing.plan.crosswalks:
            middle = arm.s_from_edge(CROSSWALK_SETBACK + CROSSWALK_WIDTH / 2.0)
            _add_crosswalk(out, arm.street, middle, profile)
            line += CROSSWALK_SETBACK + CROSSWALK_WIDTH
        kind = "light" if control is None else control.get(letter)
        if kind is None:
            continue
        s, lane = arm.s_from_edge(line), arm.inbound
        corners = _rectangle(STOP_LINE, profile.driving - 0.2)
        out.things.append(
            ThingSpec(len(out.things), arm.street.id, s, lane * profile.driving / 2.0, 0.0, "stopline", corners)
        )
        pose = _head_pose(crossing, arm, profile) if kind == "light" else None
        ident = 1 + len(out.signals)
        side = lane * (profile.kerb + POLE)
        out.signals.append(SignalSpec(ident, arm.street.id, s, side, -lane, lane, kind, 0, pose))
        if kind == "light":
            lights.setdefault(phases[letter], []).append(ident)
    for phase, members in sorted(lights.items()):
        name = f"{crossing.plan.name}, phase {phase}"
        out.controllers.append(ControllerSpec(1 + len(out.controllers), name, crossing.id, phase, tuple(members)))


def _phases(crossing: Crossing) -> dict[str, int]:
    """Phase of each arm: approaches that face each other go together, and left turns give way."""
    out: dict[str, int] = {}
    for letter, arm in sorted(crossing.arms.items()):
        facing = [o for o in out if abs(wrap(crossing.arms[o].heading - arm.heading + math.pi)) < FACING]
        out[letter] = out[facing[0]] if facing else len(set(out.values()))
    return out


def _head_pose(crossing: Crossing, arm: Arm, profile: LaneProfile) -> tuple[float, float, float, float]:
    """x, y, z of a head's lower edge and heading [rad] of the traffic it is for: beyond the junction, over the lane.

    With a road straight ahead the head hangs where that road begins; otherwise at the kerb across the junction.
    """
    travel = wrap(arm.heading + math.pi)
    ahead = [m.exit for m in crossing.movements if m.entry is arm and abs(wrap(m.exit.heading - travel)) < 0.5]
    beyond = crossing.plan.arm if ahead else profile.kerb + POLE
    x, y = advance((crossing.plan.x, crossing.plan.y), travel, beyond)
    x, y = advance((x, y), travel - math.pi / 2.0, 0.75 * profile.driving)
    return x, y, HEAD_FOOT, travel


# --- Streets -----------------------------------------------------------------------------------------------------


def _furnish_street(out: Furniture, road: Road, profile: LaneProfile) -> None:
    for middle in road.crosswalks:
        _add_crosswalk(out, road, middle, profile)
    length = road.path.length
    changes = list(zip(road.limits, road.limits[1:], strict=False))
    for (_, before), (s, after) in changes:
        _add_limit(out, road, s, 1, after, profile)
        _add_limit(out, road, s, -1, before, profile)
    if length < REPEAT_FROM:
        return
    first_change, last_change = (changes[0][1][0], changes[-1][1][0]) if changes else (length, 0.0)
    if first_change > 2.0 * REPEAT_AFTER:
        _add_limit(out, road, REPEAT_AFTER, 1, road.limits[0][1], profile)
    if length - last_change > 2.0 * REPEAT_AFTER:
        _add_limit(out, road, length - REPEAT_AFTER, -1, road.limits[-1][1], profile)


def _add_limit(out: Furniture, road: Road, s: float, sense: int, kmh: int, profile: LaneProfile) -> None:
    side = -sense * (profile.kerb + POLE)
    out.signals.append(SignalSpec(1 + len(out.signals), road.id, s, side, sense, -sense, "limit", kmh))


def _add_crosswalk(out: Furniture, road: Road, middle: float, profile: LaneProfile) -> None:
    corners = _rectangle(CROSSWALK_WIDTH, 2.0 * (profile.kerb + CROSSWALK_OVERHANG))
    out.things.append(ThingSpec(len(out.things), road.id, middle, 0.0, 0.0, "crosswalk", corners))


# --- Houses and trees --------------------------------------------------------------------------------------------


def houses(block: Block) -> list[tuple[float, float, float, float, float, float]]:
    """x, y of the middle, front and depth [m], heading of the front [rad] and height [m] of a block's houses.

    North and south sides take the corners; west and east sides fill what is left between them. The gaps of a side
    widen evenly until its houses reach from corner to corner.
    """
    out = []
    for letter in block.sides:
        start, heading, length = _side(block, letter)
        fronts = _fronts(block, length, len(out))
        spare = length - sum(fronts)
        gap = spare / (len(fronts) - 1) if len(fronts) > 1 else 0.0
        place = 0.0 if len(fronts) > 1 else spare / 2.0
        for front in fronts:
            along = advance(start, heading, place + front / 2.0)
            x, y = advance(along, heading + math.pi / 2.0, block.depth / 2.0)
            out.append((x, y, front, block.depth, heading, block.heights[len(out) % len(block.heights)]))
            place += front + gap
    return out


def _fronts(block: Block, length: float, number: int) -> list[float]:
    """Widths [m] of as many houses as fit on a side of `length` [m], the block's house `number` first."""
    out: list[float] = []
    while True:
        front = block.fronts[(number + len(out)) % len(block.fronts)]
        if sum(out) + len(out) * block.gap + front > length:
            return out
        out.append(front)


def _side(block: Block, letter: str) -> tuple[tuple[float, float], float, float]:
    """Start, heading [rad] and length [m] of a side's front line; the land lies to the left of it."""
    x0, y0 = block.x0 + block.setback, block.y0 + block.setback
    x1, y1 = block.x1 - block.setback, block.y1 - block.setback
    south = block.depth + block.gap if "s" in block.sides else 0.0
    north = block.depth + block.gap if "n" in block.sides else 0.0
    if letter == "s":
        return (x0, y0), 0.0, x1 - x0
    if letter == "n":
        return (x1, y1), math.pi, x1 - x0
    if letter == "e":
        return (x1, y0 + south), math.pi / 2.0, y1 - y0 - south - north
    if letter == "w":
        return (x0, y1 - north), -math.pi / 2.0, y1 - y0 - south - north
    raise ValueError(f"a block has sides n, e, s, w; got '{letter}' in '{block.sides}'")


def garden_trees(block: Block) -> list[tuple[float, float]]:
    """Stems in the front gardens of a block's built sides."""
    if block.trees <= 0.0:
        return []
    x0, y0, x1, y1 = (block.x0 + TREE_STEM, block.y0 + TREE_STEM, block.x1 - TREE_STEM, block.y1 - TREE_STEM)
    lines = {"s": (x0, y0, x1, y0), "n": (x1, y1, x0, y1), "e": (x1, y0, x1, y1), "w": (x0, y1, x0, y0)}
    rows = [Trees(*lines[letter], spacing=block.trees) for letter in block.sides]
    return [stem for row in rows for stem in tree_rows(row)]


def tree_rows(row: Trees) -> list[tuple[float, float]]:
    """Stems of a row: half a spacing in from its start, then every spacing."""
    length = math.hypot(row.x1 - row.x0, row.y1 - row.y0)
    heading = math.atan2(row.y1 - row.y0, row.x1 - row.x0)
    out = []
    for k in range(row.rows):
        start = advance((row.x0, row.y0), heading + math.pi / 2.0, k * row.spacing)
        for i in range(int(length / row.spacing)):
            out.append(advance(start, heading, (i + 0.5) * row.spacing))
    return out


def _put_tree(out: Furniture, roads: list[Road], x: float, y: float) -> None:
    number = len(out.things)
    height = 5.0 + 0.5 * (number * 7 % 9)
    _put(out, roads, x, y, 0.0, "tree", (), height, round(0.25 * height, 2))


def _put(
    out: Furniture, roads: list[Road], x: float, y: float, heading: float, kind: str,
    outline: tuple[tuple[float, float], ...], height: float, radius: float = 0.0,
) -> None:  # fmt: skip
    road, s, t, h = _nearest(roads, x, y)
    thing = ThingSpec(len(out.things), road.id, s, t, wrap(heading - h), kind, outline, height, radius)
    out.things.append(thing)


def _nearest(roads: list[Road], x: float, y: float) -> tuple[Road, float, float, float]:
    """The road that passes nearest to (x, y), streets before movements, and s, t [m] and heading [rad] there."""
    found = []
    for number, road in enumerate(roads):
        for start, segment in zip(road.path.starts, road.path.segments, strict=True):
            place = segment.project(x, y)
            if place is not None:
                found.append((road.junction is not None, abs(place[1]), number, start + place[0], place[1]))
    if not found:
        raise ValueError(f"no road passes beside ({x:.1f}, {y:.1f}); move it between two streets' ends")
    _, _, number, s, t = min(found)
    return roads[number], s, t, roads[number].path.at(s)[2]


def _rectangle(length: float, width: float) -> tuple[tuple[float, float], ...]:
    u, v = length / 2.0, width / 2.0
    return ((-u, -v), (u, -v), (u, v), (-u, v))
