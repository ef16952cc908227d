"""The map `intersection`: one large crossing with lights and turn lanes, its arms joined outside by two loops.

Every arm has a lane for left turns, one straight on, one straight on and right. North and south have a phase of their
own for left turns (protected); in the phase of east and west, left turns give way to the oncoming traffic.
"""

import math

from scenarios.mapgen.geometry import Point, polyline_path
from scenarios.procedural.furniture import Furniture
from scenarios.procedural.network import End, Network, Way
from scenarios.procedural.pieces import LANE, street, transition_ways

ARM = 27.0  # [m] from the middle to where the arms begin
POCKET = 110.0  # [m] of turn lanes
OPENING = 60.0  # [m] over which the turn lane opens
FAR = 420.0  # [m] how far the loops reach
BEND = 60.0  # [m] radius of their bends
LIMIT, TURN_LIMIT = 60, 50  # [km/h]


def intersection() -> tuple[Network, Furniture]:
    """Its roads and furniture."""
    network, furniture = Network("intersection", "Intersection"), Furniture()
    arms: list[End] = []
    outer: list[End] = []
    for k, name in enumerate(("East Road", "North Road", "West Road", "South Road")):
        inner = polyline_path([_out(k, ARM), _out(k, ARM + POCKET)], [])
        road = street(network, inner, (2, 3), limit=TURN_LIMIT, name=name, open_ends=(False, True))
        arms.append(End(road, True))
        outer.append(End(road, False))
    junction = network.junction("Main Crossing", arms, [w for k in range(4) for w in _ways(arms, k)])
    east, north, west, south = arms
    ahead, left, every = (2, 3), (1,), (1, 2, 3)
    phases = [
        [(north, ahead), (south, ahead)],
        [(north, left), (south, left)],
        [(east, every), (west, every)],
    ]
    furniture.signal(junction, phases, arms)
    for a, b, name in ((0, 1, "North-East Loop"), (2, 3, "South-West Loop")):
        start = ARM + POCKET + OPENING
        corner = (_out(a, FAR)[0] + _out(b, FAR)[0], _out(a, FAR)[1] + _out(b, FAR)[1])
        points = [_out(a, start), _out(a, FAR), corner, _out(b, FAR), _out(b, start)]
        loop = street(
            network, polyline_path(points, [(BEND,)] * 3), (2, 2), limit=LIMIT, name=name, open_ends=(True, True)
        )
        for k, end in ((a, End(loop, True)), (b, End(loop, False))):
            ends = [outer[k], end]
            network.junction(f"{outer[k].road.name}, turn lane", ends, transition_ways(ends[0], ends[1], left=True))
        for sign, s in ((-1, 15.0), (1, loop.path.length - 15.0)):
            furniture.add_limit(loop, s, sign, LIMIT)
    for end in outer:
        furniture.add_limit(end.road, POCKET - 5.0, 1, TURN_LIMIT)
    return network, furniture


def _out(k: int, distance: float) -> Point:
    """The point `distance` [m] from the middle on arm k, counted counter-clockwise from east."""
    return round(math.cos(k * math.pi / 2.0)) * distance, round(math.sin(k * math.pi / 2.0)) * distance


def _ways(arms: list[End], k: int) -> list[Way]:
    """From arm k: right (at the kerb), straight on over two lanes, left."""
    right, ahead, left = (arms[(k + n) % 4] for n in (1, 2, 3))
    return [
        Way(arms[k], right, 3, 2, kerb=True, paved=LANE),
        Way(arms[k], ahead, 2, 1, 2, paved=LANE),
        Way(arms[k], left, 1, 1),
    ]
