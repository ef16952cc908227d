"""From a town's description to roads and junctions: reference lines, lanes, links, movements.

Every movement through a junction is a road of its own with one driving lane; the movement nearest to the kerb also
carries the shoulder and the pavement, so pavements run unbroken round every corner.
"""

import math
from dataclasses import dataclass, field

from scenarios.mapgen.description import Corner, Junction, LaneProfile, Street, Town
from scenarios.mapgen.geometry import Path, advance, heading_of, polyline_path, turn_path, wrap

COMPASS = "enws"  # arm letter by quarter turn from east
ALL_LANES = 3  # driving, shoulder, sidewalk: lanes -1, -2, -3 (and 1, 2, 3 on the left)


@dataclass(frozen=True)
class Contact:
    """One end of a road: "road" or "junction", its id, and for a road whether its start or its end."""

    kind: str
    id: int
    point: str | None = None


@dataclass
class Road:
    """A road of the file. `lane_links` maps a lane to its predecessor and successor lane."""

    id: int
    name: str
    path: Path
    junction: int | None
    right: int  # number of lanes right of the reference line, from the middle: driving, shoulder, sidewalk
    left: int
    limits: tuple[tuple[float, int], ...]  # (s [m], km/h)
    before: Contact
    after: Contact
    lane_links: dict[int, tuple[int, int]] = field(default_factory=dict)
    crosswalks: list[float] = field(default_factory=list)  # s [m] of their middles


@dataclass(frozen=True)
class Arm:
    """A street's end at a junction."""

    letter: str
    street: Road
    at_start: bool  # the street starts here (else it ends here)
    heading: float  # [rad] away from the junction

    @property
    def inbound(self) -> int:
        """Sign of the street's lanes that lead into the junction."""
        return 1 if self.at_start else -1

    def s_from_edge(self, distance: float) -> float:
        """Street station [m] that lies `distance` [m] before the junction's edge."""
        return distance if self.at_start else self.street.path.length - distance


@dataclass(frozen=True)
class Movement:
    """A way through a junction and the road that carries it."""

    entry: Arm
    exit: Arm
    road: Road


@dataclass
class Crossing:
    """A junction of the file."""

    id: int
    key: str
    plan: Junction
    arms: dict[str, Arm]
    movements: list[Movement] = field(default_factory=list)


@dataclass
class Network:
    """All roads and junctions of a town."""

    town: Town
    roads: list[Road]
    crossings: list[Crossing]


def lay_out(town: Town) -> Network:
    """Roads and junctions of a town, with ids: streets from 1, junctions from 101, movements from 1000."""
    junctions = {key: node for key, node in town.nodes.items() if isinstance(node, Junction)}
    ids = {key: 101 + i for i, key in enumerate(junctions)}
    streets = [_street(town, street, 1 + i, ids) for i, street in enumerate(town.streets)]
    crossings = [Crossing(ids[key], key, node, _arms(town, key, streets)) for key, node in junctions.items()]
    roads = list(streets)
    for crossing in crossings:
        _add_movements(crossing, town)
        roads += [movement.road for movement in crossing.movements]
    return Network(town, roads, crossings)


def _street(town: Town, street: Street, road_id: int, ids: dict[str, int]) -> Road:
    nodes = [_node(town, street, key) for key in street.nodes]
    first, last, inner = nodes[0], nodes[-1], nodes[1:-1]
    if not isinstance(first, Junction) or not isinstance(last, Junction):
        raise ValueError(f"{town.name}: street '{street.name}' must begin and end at junctions, got {street.nodes}")
    corners = [node for node in inner if isinstance(node, Corner)]
    if len(corners) != len(inner):
        raise ValueError(f"{town.name}: street '{street.name}' passes a junction; end it there: {street.nodes}")
    points = [(node.x, node.y) for node in nodes]
    points[0] = advance(points[0], heading_of(points[0], points[1]), first.arm)
    points[-1] = advance(points[-1], heading_of(points[-1], points[-2]), last.arm)
    path = polyline_path(points, [corner.radii for corner in corners])
    for s in [s for s, _ in street.limits] + list(street.crosswalks):
        if not 0.0 <= s < path.length:
            raise ValueError(f"{town.name}: street '{street.name}' is {path.length:.1f} m long, s = {s} lies beyond it")
    road = Road(
        road_id, street.name, path, None, ALL_LANES, ALL_LANES, street.limits,
        Contact("junction", ids[street.nodes[0]]), Contact("junction", ids[street.nodes[-1]]),
    )  # fmt: skip
    road.crosswalks.extend(street.crosswalks)
    return road


def _node(town: Town, street: Street, key: str) -> Corner | Junction:
    if key not in town.nodes:
        raise ValueError(f"{town.name}: street '{street.name}' names node '{key}'; nodes are {sorted(town.nodes)}")
    return town.nodes[key]


def _arms(town: Town, key: str, streets: list[Road]) -> dict[str, Arm]:
    arms: dict[str, Arm] = {}
    for plan, road in zip(town.streets, streets, strict=True):
        for end, at_start in ((plan.nodes[0], True), (plan.nodes[-1], False)):
            if end != key:
                continue
            x, y, h = road.path.at(0.0 if at_start else road.path.length)
            heading = h if at_start else wrap(h + math.pi)
            letter = COMPASS[round(heading / (math.pi / 2.0)) % 4]
            if letter in arms:
                raise ValueError(f"{town.name}: junction '{key}' has two arms to the {letter}")
            arms[letter] = Arm(letter, road, at_start, heading)
    if len(arms) < 3:
        raise ValueError(f"{town.name}: junction '{key}' has {len(arms)} arms; a junction needs three or more")
    return arms


def _add_movements(crossing: Crossing, town: Town) -> None:
    """One road from every arm to every other; the first is the one nearest to the kerb."""
    node = (crossing.plan.x, crossing.plan.y)
    for letter, entry in crossing.arms.items():
        order = [COMPASS[(COMPASS.index(letter) + k) % 4] for k in (1, 2, 3)]  # right, straight, left
        exits = [crossing.arms[o] for o in order if o in crossing.arms]
        limit = _limit_at(crossing, entry, exits, town)
        for k, leave in enumerate(exits):
            radius = _turn_radius(crossing, letter, leave.letter, town)
            path = turn_path(_end_point(entry), node, _end_point(leave), radius)
            lanes = ALL_LANES if k == 0 else 1
            road = Road(
                1000 + 20 * (crossing.id - 101) + len(crossing.movements),
                f"{crossing.plan.name}: {letter} to {leave.letter}", path, crossing.id, lanes, 0, ((0.0, limit),),
                Contact("road", entry.street.id, "start" if entry.at_start else "end"),
                Contact("road", leave.street.id, "start" if leave.at_start else "end"),
                {-n: (entry.inbound * n, -leave.inbound * n) for n in range(1, lanes + 1)},
            )  # fmt: skip
            crossing.movements.append(Movement(entry, leave, road))


def _end_point(arm: Arm) -> tuple[float, float]:
    return arm.street.path.at(0.0 if arm.at_start else arm.street.path.length)[:2]


def _turn_radius(crossing: Crossing, entry: str, leave: str, town: Town) -> float:
    """Radius [m] of the reference line from one arm to another; straight through takes the largest that fits."""
    turn = (COMPASS.index(leave) - COMPASS.index(entry)) % 4
    if turn == 2:
        return math.inf
    key = "".join(sorted((entry, leave)))
    if key not in crossing.plan.turns:
        raise ValueError(f"{town.name}: junction '{crossing.key}' gives no turn radius '{key}'")
    radius = crossing.plan.turns[key]
    return radius if isinstance(radius, (int, float)) else radius[0 if turn == 1 else 1]


def _limit_at(crossing: Crossing, entry: Arm, exits: list[Arm], town: Town) -> int:
    limits = {arm.letter: arm.street.limits[0 if arm.at_start else -1][1] for arm in (entry, *exits)}
    if len(set(limits.values())) != 1:
        raise ValueError(
            f"{town.name}: speed limits change at junction '{crossing.key}' {limits}; change them along a street, "
            "where a sign can stand"
        )
    return limits[entry.letter]


def half_widths(profile: LaneProfile) -> tuple[float, float, float]:
    """Outer edges [m] from the reference line of driving lane, shoulder and sidewalk."""
    return profile.driving, profile.kerb, profile.back
