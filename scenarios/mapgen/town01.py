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
    Street(("b2", "c2"), "Market Street", ((0, 30),), (21,)),
    Street(("c2", "d2"), "Market Street", ((0, 30), (80, 40)), (45,)),
    Street(("b3", "d3"), "Garden Street", ((0, 30), (120, 40)), (62,)),
    Street(("b4", "d4"), "Canal Street", ((0, 40),), (110,)),
    Street(("d1", "d2"), "Station Street", ((0, 50), (17, 40))),
    Street(("d2", "d3"), "Station Street", ((0, 40),)),
    Street(("d3", "d4"), "Station Street", ((0, 40),)),
    Street(("d4", "d5"), "Station Street", ((0, 40), (50, 50))),
    Street(("f1", "f2", "f3", "f4"), "West Crescent", ((0, 50), (14, 30), (155, 50))),
    Street(("g1", "g2", "g3", "g4"), "South Crescent", ((0, 50), (24, 30), (176, 50))),
)

TOWN01 = Town("town01", "Town 01", _NODES, _STREETS)
