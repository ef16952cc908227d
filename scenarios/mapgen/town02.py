"""Town02: a small town of eight light-controlled T-junctions inside a ring.

Positions, radii and widths are measured from CARLA's Town02 (CARLA team, CC-BY 4.0), rounded to the centimetre. The
speed zones, signs, crosswalks, houses and trees are ours, and so is "North Crescent" with its stop and yield signs.
"""

from scenarios.mapgen.description import Block, Corner, Junction, Street, Town, Trees

_NODES = {
    # High Street, from west to east
    "p1": Junction(-5.45, -189.55, "West Gate", {"es": 7.7, "en": 6.1}, 9.2, "es"),
    "p2": Junction(43.85, -189.57, "Library", {"es": 7.3, "sw": 7.7}, 9.2, "ws"),
    "p3": Junction(134.14, -189.61, "Chapel", {"es": 7.2, "sw": 7.1}, 10.9, "wes"),
    "p4": Junction(191.69, -189.64, "East Gate", {"nw": (6.1, 5.4), "sw": 7.5}, 9.2, "wn"),
    # Mill Street
    "q2": Junction(43.85, -238.87, "Mill", {"es": 7.1, "en": (6.9, 10.5)}, 11.0, "es"),
    "q3": Junction(134.11, -238.92, "Bakery", {"nw": 6.9, "en": 6.6}, 9.2, "nw"),
    "q4": Junction(191.70, -238.96, "East Mill", {"sw": 7.5, "nw": 6.9}, 9.2, "ws"),
    # South Road
    "r2": Junction(43.86, -304.54, "South Gate", {"en": (6.7, 5.5), "nw": (6.1, 6.0)}, 9.2, "nw"),
    # Corners of the ring
    "nw": Corner(-5.34, -107.58, (8.2, 10.9)),
    "ne": Corner(191.74, -107.41, (10.3, 9.91)),
    "se": Corner(191.67, -304.49, (8.72, 11.59)),
    "sw": Corner(-5.37, -304.56, (9.75, 7.51)),
    # Ours: a crescent
    "h1": Junction(60.00, -107.40, "North Crescent West", {"es": 9.0, "sw": 9.0}, 11.0, "s", {"s": "stop"}),
    "h2": Corner(60.00, -150.00, (12.0,)),
    "h3": Corner(130.00, -150.00, (12.0,)),
    "h4": Junction(130.00, -107.44, "North Crescent East", {"es": 9.0, "sw": 9.0}, 11.0, "", {"s": "yield"}),
}

_STREETS = (
    Street(("p1", "nw", "h1"), "North Ring", ((0, 40), (30, 50))),
    Street(("h1", "h4"), "North Ring", ((0, 50),), (24,)),
    Street(("h4", "ne", "p4"), "North Ring", ((0, 50), (98, 40))),
    Street(("p4", "q4"), "East Road", ((0, 40),)),
    Street(("q4", "se", "r2"), "South Road", ((0, 40), (25, 50), (160, 40)), (105,)),
    Street(("r2", "sw", "p1"), "West Road", ((0, 40),), (75,)),
    Street(("p1", "p2"), "High Street", ((0, 40), (15, 30))),
    Street(("p2", "p3"), "High Street", ((0, 30),), (35,)),
    Street(("p3", "p4"), "High Street", ((0, 30), (18, 40))),
    Street(("q2", "q3"), "Mill Street", ((0, 30),), (35,)),
    Street(("q3", "q4"), "Mill Street", ((0, 30), (20, 40))),
    Street(("r2", "q2"), "Bridge Street", ((0, 40), (22, 30))),
    Street(("q2", "p2"), "Bridge Street", ((0, 30),)),
    Street(("q3", "p3"), "Chapel Lane", ((0, 30),)),
    Street(("h1", "h2", "h3", "h4"), "North Crescent", ((0, 50), (14, 30), (108, 50))),
)

_BLOCKS = (
    Block(3.1, -296.0, 35.3, -198.1, depth=9, trees=16),
    Block(52.4, -230.4, 125.6, -198.2, depth=9, fronts=(12, 9, 15), trees=14),
    Block(142.7, -230.4, 183.1, -198.2, depth=9, fronts=(11, 13), trees=12),
    Block(52.4, -296.0, 183.1, -247.5, depth=12, fronts=(20, 14, 17), heights=(9, 12, 7), trees=18),
    # about North Crescent
    Block(3.1, -181.1, 51.4, -116.1, fronts=(16, 20, 13), trees=16),
    Block(68.6, -141.4, 121.4, -116.1, sides="ns", setback=3, depth=8, fronts=(10, 12), heights=(6, 7)),
    Block(51.4, -181.1, 138.6, -158.6, sides="s", depth=10, heights=(10, 8, 13), trees=15),
    Block(138.6, -181.1, 183.2, -116.1, fronts=(14, 17), heights=(8, 11), trees=16),
    # outside of the ring
    Block(10.0, -98.9, 180.0, -76.0, sides="s", setback=6, trees=20),
    Block(60.0, -336.0, 180.0, -313.0, sides="n", setback=6, fronts=(24, 16), heights=(6, 8)),
)

_TREES = (
    Trees(-15.5, -124.0, -15.5, -292.0, 17.0),
    Trees(-32.0, -124.0, -32.0, -292.0, 23.0),
    Trees(202.0, -292.0, 202.0, -124.0, 17.0),
    Trees(219.0, -292.0, 219.0, -124.0, 21.0),
    Trees(10.0, -314.6, 52.0, -314.6, 14.0),
)

TOWN02 = Town("town02", "Town 02", _NODES, _STREETS, blocks=_BLOCKS, trees=_TREES)
