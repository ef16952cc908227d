"""Town01: a grid of two-lane streets with twelve light-controlled T-junctions.

Positions, radii and widths are measured from CARLA's Town01 (CARLA team, CC-BY 4.0), rounded to the centimetre. The
speed zones, signs, crosswalks, houses and trees are ours, and so are two crescents with stop and yield signs:
"West Crescent" off the western ring and "South Crescent" off South Street.
"""

from scenarios.mapgen.description import Block, Corner, Junction, Street, Town, Trees

_NODES = {
    # North Street, from west to east
    "a1": Corner(-0.03, 0.02, (9.8, 8.2)),
    "b1": Junction(90.37, 0.05, "Town Hall", {"es": 7.6, "sw": 7.9}, 11.2, "sw"),
    "c1": Junction(156.08, 0.04, "Theatre", {"es": 7.7, "sw": 7.7}, 11.2, "es"),
    "d1": Junction(336.90, 0.01, "North Gate", {"es": 8.0, "sw": 8.5}, 11.2, "sw"),
    "e1": Corner(394.38, -0.02, (8.65, 9.06)),
    # Market Street
    "b2": Junction(90.38, -57.50, "Market", {"es": 7.8, "en": 8.7}, 11.2, "ens"),
    "c2": Junction(156.02, -57.49, "School", {"nw": 8.6, "en": 9.1}, 11.2, "wn"),
    "d2": Junction(336.87, -57.47, "Station", {"sw": 8.7, "nw": 9.6}, 11.2, "wn"),
    # Garden Street
    "b3": Junction(90.39, -131.42, "Garden Street West", {"en": 9.0, "es": 8.0}, 11.2, "es"),
    "d3": Junction(336.82, -131.52, "Garden Street East", {"nw": 9.0, "sw": 9.0}, 11.2, "ws"),
    # Canal Street
    "b4": Junction(90.40, -197.14, "Canal Street West", {"es": 9.0, "en": 8.3}, 11.2, "en"),
    "d4": Junction(336.78, -197.16, "Canal Street East", {"sw": 8.6, "nw": 9.3}, 11.2, "wn"),
    # South Street
    "a5": Corner(0.01, -328.54, (11.59, 8.7)),
    "b5": Junction(90.42, -328.58, "South Bridge", {"nw": 11.0, "en": 11.0}, 11.2, "nw"),
    "d5": Junction(336.70, -328.61, "South Gate", {"en": 9.3, "nw": 8.7}, 11.2, "ne"),
    "e5": Corner(394.35, -328.61, (8.47, 10.18)),
    # Ours: two crescents
    "f1": Junction(-0.02, -118.00, "West Crescent North", {"en": 9.0, "es": 9.0}, 11.0, "e", {"e": "stop"}),
    "f2": Corner(44.00, -118.00, (14.0,)),
    "f3": Corner(44.00, -226.00, (14.0,)),
    "f4": Junction(0.00, -226.00, "West Crescent South", {"en": 9.0, "es": 9.0}, 11.0, "", {"e": "yield"}),
    "g1": Junction(162.00, -328.59, "South Crescent West", {"nw": 9.0, "en": 9.0}, 11.0, "", {"n": "yield"}),
    "g2": Corner(162.00, -266.00, (14.0,)),
    "g3": Corner(262.00, -266.00, (14.0,)),
    "g4": Junction(262.00, -328.60, "South Crescent East", {"nw": 9.0, "en": 9.0}, 11.0, "n", {"n": "stop"}),
}

_STREETS = (
    Street(("b1", "c1"), "North Street", ((0, 40),)),
    Street(("c1", "d1"), "North Street", ((0, 40), (95, 50)), (62,)),
    Street(("b1", "a1", "f1"), "Western Ring", ((0, 40), (42, 50))),
    Street(("f1", "f4"), "Western Ring", ((0, 50),), (43,)),
    Street(("f4", "a5", "b5"), "Western Ring", ((0, 50),)),
    Street(("d1", "e1", "e5", "d5"), "Eastern Ring", ((0, 50),), (140, 290)),
    Street(("b5", "g1"), "South Street", ((0, 50),)),
    Street(("g1", "g4"), "South Street", ((0, 50),), (39,)),
    Street(("g4", "d5"), "South Street", ((0, 50),)),
    Street(("b1", "b2"), "Church Street", ((0, 40), (17, 30))),
    Street(("b2", "b3"), "Church Street", ((0, 30),)),
    Street(("b3", "b4"), "Church Street", ((0, 30), (24, 40))),
    Street(("b4", "b5"), "Church Street", ((0, 40), (50, 50))),
    Street(("c1", "c2"), "School Lane", ((0, 40), (17, 30))),
    Street(("b2", "c2"), "Market Street", ((0, 30),)),
    Street(("c2", "d2"), "Market Street", ((0, 30), (80, 40)), (45,)),
    Street(("b3", "d3"), "Garden Street", ((0, 30), (120, 40)), (62,)),
    Street(("b4", "d4"), "Canal Street", ((0, 40),), (110,)),
    Street(("d1", "d2"), "Station Street", ((0, 50), (17, 40))),
    Street(("d2", "d3"), "Station Street", ((0, 40),)),
    Street(("d3", "d4"), "Station Street", ((0, 40),)),
    Street(("d4", "d5"), "Station Street", ((0, 40), (50, 50))),
    Street(("f1", "f2", "f3", "f4"), "West Crescent", ((0, 50), (14, 30), (148, 50))),
    Street(("g1", "g2", "g3", "g4"), "South Crescent", ((0, 50), (24, 30), (176, 50))),
)

_BLOCKS = (
    # west of Church Street, about West Crescent
    Block(8.6, -109.4, 81.8, -8.6, fronts=(18, 14, 22), heights=(7, 9, 6), trees=18),
    Block(8.6, -217.4, 35.4, -126.6, sides="ew", setback=3, depth=8, fronts=(13, 11), heights=(6, 7)),
    Block(52.6, -234.6, 81.8, -109.4, sides="ew", depth=9, fronts=(16, 12, 20), heights=(9, 12, 7), trees=16),
    Block(8.6, -320.0, 81.8, -234.6, fronts=(20, 15), heights=(8, 6, 11), trees=18),
    # between Church Street and Station Street, from north to south
    Block(99.0, -48.9, 147.4, -8.7, depth=10, fronts=(12, 9, 14), heights=(11, 14, 9), trees=13),
    Block(164.7, -48.9, 328.2, -8.7, depth=11, fronts=(22, 16, 26), heights=(12, 9, 15), trees=15),
    Block(99.0, -122.8, 222.0, -66.1, fronts=(18, 24, 14), heights=(10, 13, 8), trees=16),
    Block(99.0, -188.5, 328.1, -140.1, fronts=(20, 15, 28), heights=(7, 10, 13), trees=17),
    Block(99.0, -257.4, 328.1, -205.8, fronts=(17, 21), heights=(6, 9, 7), trees=18),
    Block(170.6, -320.0, 253.4, -274.6, setback=5, depth=10, fronts=(14, 11, 16), heights=(6, 7), trees=14),
    Block(99.0, -320.0, 153.4, -257.4, sides="esw", fronts=(15, 19), heights=(8, 6), trees=18),
    Block(270.6, -320.0, 328.1, -257.4, sides="esw", fronts=(16, 13), heights=(7, 9), trees=18),
    # between Station Street and the ring
    Block(345.6, -320.0, 385.6, -8.7, depth=11, fronts=(24, 18, 30), heights=(9, 14, 11), trees=19),
    # outside of the ring
    Block(104.0, 8.7, 330.0, 34.0, sides="s", setback=6, depth=14, fronts=(26, 20), heights=(8, 12, 10), trees=20),
    Block(100.0, -364.0, 330.0, -337.5, sides="n", setback=6, depth=14, fronts=(30, 22), heights=(7, 9), trees=22),
)

_TREES = (
    Trees(232.0, -118.0, 322.0, -118.0, 12.0, rows=5),  # the park at the station
    Trees(-10.5, -24.0, -10.5, -306.0, 18.0),
    Trees(-27.0, -24.0, -27.0, -306.0, 24.0),
    Trees(405.0, -306.0, 405.0, -24.0, 18.0),
    Trees(421.0, -306.0, 421.0, -24.0, 25.0),
    Trees(84.0, 10.4, 20.0, 10.4, 16.0),
    Trees(20.0, -339.2, 84.0, -339.2, 16.0),
)

TOWN01 = Town("town01", "Town 01", _NODES, _STREETS, blocks=_BLOCKS, trees=_TREES)
