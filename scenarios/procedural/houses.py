"""Houses and trees along the streets of a random town, clear of all roads and of each other."""

import math

import numpy as np
from scipy.spatial import KDTree

from scenarios.procedural.furniture import Furniture, Thing, rectangle
from scenarios.procedural.layout import Dice
from scenarios.procedural.network import SIDEWALK, Network, Road
from scenarios.procedural.overlap import samples

FRONT, DEPTH, HEIGHT = (9.0, 22.0), (8.0, 13.0), (5.0, 16.0)  # [m]
SETBACK = (3.0, 8.0)  # [m] from the pavement's back edge to the front
GAP = (4.0, 18.0)  # [m] between two houses
TREE_HEIGHT = (5.0, 9.0)  # [m]
SHARE, TREES = 0.75, 0.5  # of the sides of streets that are built up; of the gaps that hold a tree
LEAST_LENGTH = 30.0  # [m] of street
CLEAR = 1.0  # [m]


def build_up(dice: Dice, network: Network, furniture: Furniture) -> None:
    """Adds houses and trees."""
    circles, _ = samples(network, 5.0)
    tree, widest = KDTree(circles[:, :2]), float(circles[:, 2].max())
    taken: list[tuple[float, float, float]] = []

    def clear(x: float, y: float, radius: float) -> bool:
        near = tree.query_ball_point((x, y), radius + widest + CLEAR)
        gap = np.hypot(*(circles[near, :2] - (x, y)).T) - circles[near, 2] if near else np.array([np.inf])
        return gap.min() > radius + CLEAR and all(math.hypot(x - a, y - b) > radius + r for a, b, r in taken)

    streets = [road for road in network.roads if road.junction is None and road.path.length > LEAST_LENGTH]
    for road in streets:
        for sign in (-1, 1):
            if any(lane.kind == SIDEWALK for lane in road.side(sign)) and dice.chance(SHARE):
                _row(dice, road, sign, furniture, taken, clear)


def _row(dice: Dice, road: Road, sign: int, furniture: Furniture, taken: list, clear) -> None:
    """Houses along one side of a street, trees in between."""
    back, s = road.half_width(sign), dice.between(*GAP)
    while True:
        front, depth, setback = dice.between(*FRONT), dice.between(*DEPTH), dice.between(*SETBACK)
        height, gap, tall = dice.between(*HEIGHT), dice.between(*GAP), dice.between(*TREE_HEIGHT)
        if s + front + gap > road.path.length:
            return
        along, t = s + front / 2.0, sign * (back + setback + depth / 2.0)
        x, y, _ = road.path.at(along, t)
        radius = math.hypot(front, depth) / 2.0
        if clear(x, y, radius):
            taken.append((x, y, radius))
            corners = tuple((round(u, 2), round(v, 2)) for u, v in rectangle(front, depth))
            thing = Thing(len(furniture.things), road.id, along, t, 0.0, "building", corners, round(height, 1))
            furniture.things.append(thing)
        s += front + gap
        stem = sign * (back + 2.5)
        x, y, _ = road.path.at(s - gap / 2.0, stem)
        if dice.chance(TREES) and clear(x, y, 1.0):
            furniture.add_tree(road, s - gap / 2.0, stem, round(tall, 1))
            taken.append((x, y, 1.0))
