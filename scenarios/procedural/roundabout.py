"""The map `roundabout`: a small roundabout and one of two lanes, joined by four streets so that nobody ever leaves."""

import math

from scenarios.mapgen.geometry import Path, Point, polyline_path
from scenarios.procedural.furniture import Furniture
from scenarios.procedural.network import End, Network
from scenarios.procedural.pieces import part, roundabout, street, transition_ways

SMALL, LARGE = (0.0, 0.0), (340.0, 0.0)  # middles
SMALL_RADIUS, LARGE_RADIUS = 15.0, 22.0  # [m] of the islands
SMALL_ARM, LARGE_ARM = 34.0, 48.0  # [m] from the middle to where the arms begin
HALF_ANGLE = math.radians(26.0)
WIDE, OPENING = 70.0, 60.0  # [m] of two lanes before the large one, and over which the second lane opens
LIMIT, SLOW = 50, 30  # [km/h]
BEND = 40.0  # [m]
LINKS: tuple[tuple[str, int, int, tuple[Point, ...]], ...] = (  # name, arm of the small and of the large, corners
    ("Middle Street", 0, 2, ()),
    ("North Street", 1, 1, ((0.0, 240.0), (340.0, 240.0))),
    ("Outer Road", 2, 0, ((-180.0, 0.0), (-180.0, 360.0), (600.0, 360.0), (600.0, 0.0))),
    ("South Street", 3, 3, ((0.0, -260.0), (340.0, -260.0))),
)


def roundabouts() -> tuple[Network, Furniture]:
    """Its roads and furniture."""
    network, furniture = Network("roundabout", "Roundabouts"), Furniture()
    small: list[End] = []
    large: list[End] = []
    for name, a, b, corners in LINKS:
        points = [_arm(SMALL, a, SMALL_ARM), *corners, _arm(LARGE, b, LARGE_ARM)]
        path = polyline_path(points, [(BEND,)] * len(corners))
        limit = 70 if name == "Outer Road" else LIMIT
        near, far = _link(network, furniture, path, name, limit)
        small.append(near)
        large.append(far)
    ordered = [large[[link[2] for link in LINKS].index(k)] for k in range(4)]
    roundabout(network, furniture, "Small Roundabout", SMALL, SMALL_RADIUS, small, HALF_ANGLE, 1, SLOW)
    roundabout(network, furniture, "Large Roundabout", LARGE, LARGE_RADIUS, ordered, HALF_ANGLE, 2, SLOW)
    return network, furniture


def _arm(middle: Point, k: int, distance: float) -> Point:
    """Where arm k begins, counted counter-clockwise from east."""
    angle = k * math.pi / 2.0
    return middle[0] + round(math.cos(angle)) * distance, middle[1] + round(math.sin(angle)) * distance


def _link(network: Network, furniture: Furniture, path: Path, name: str, limit: int) -> tuple[End, End]:
    """A street with one lane each way that widens before its far end; both its ends."""
    far = path.length - WIDE
    near_road = street(network, part(path, 0.0, far - OPENING), (1, 1), limit=limit, name=name)
    wide_road = street(network, part(path, far, path.length), (2, 2), limit=LIMIT, name=name, open_ends=(True, False))
    ends = [End(near_road, False), End(wide_road, True)]
    network.junction(f"{name}, widening", ends, transition_ways(ends[0], ends[1]))
    furniture.add_limit(near_road, 15.0, -1, limit)
    furniture.add_limit(near_road, near_road.path.length - 15.0, 1, limit)
    furniture.add_limit(wide_road, WIDE - 15.0, 1, LIMIT)
    if near_road.path.length > 200.0:
        furniture.add_crosswalk(near_road, near_road.path.length / 2.0)
    return End(near_road, True), End(wide_road, False)
