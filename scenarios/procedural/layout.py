"""Where the streets of a random town run: a bent lattice without some of its edges.

Nodes of three and four edges become junctions, nodes of two become bends. The graph has no bridge, so one can always
drive on and come back. A layout that does not work out is None, and the next one is drawn.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from scenarios.mapgen.geometry import Point, advance, heading_of, wrap

Key = tuple[int, int]
SIZES = ((3, 2), (4, 2), (3, 3), (3, 3), (4, 3), (3, 4))  # nodes: columns, rows
SPACING = (140.0, 200.0)  # [m]
SHIFT = 20.0  # [m] that a node is moved at most, each way
LEAST_ANGLE = math.radians(58.0)  # between two arms
LEAST_JUNCTIONS = 2
BULGE = (8.0, 22.0)  # [m] sideways in the middle of a bent street
BULGES = 0.35  # share of straight streets that are bent
REMOVED = 0.15  # share of edges taken out, at most


class Dice:
    """Draws of one seed, the same on every machine."""

    def __init__(self, seed: int, attempt: int):
        self._random = random.Random(seed * 1000 + attempt)

    def unit(self) -> float:
        """In [0, 1)."""
        return self._random.random()

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._random.random()

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def pick(self, options: Sequence):
        """One of the options."""
        return options[int(self._random.random() * len(options))]

    def shuffled(self, items: Sequence) -> list:
        return [item for _, _, item in sorted((self._random.random(), k, item) for k, item in enumerate(items))]


@dataclass
class Chain:
    """A street from node to node; `points` are its nodes' places and the corners between."""

    ends: tuple[Key, Key]
    points: list[Point]

    def heading(self, end: int) -> float:
        """[rad] away from the node at an end (0 or 1)."""
        return heading_of(self.points[0], self.points[1]) if end == 0 else heading_of(self.points[-1], self.points[-2])

    def leg(self, end: int) -> float:
        """[m] straight from the node at an end."""
        first = self.points[:2] if end == 0 else self.points[-2:]
        return math.dist(*first)


@dataclass
class Layout:
    """Junction nodes, the chains between them, and (chain, end) of every node's arms counter-clockwise."""

    places: dict[Key, Point]
    chains: list[Chain]
    arms: dict[Key, list[tuple[int, int]]] = field(default_factory=dict)

    def heading(self, arm: tuple[int, int]) -> float:
        return self.chains[arm[0]].heading(arm[1])

    def gaps(self, key: Key) -> list[float]:
        """[rad] from each arm of a node counter-clockwise to the next."""
        own = [self.heading(arm) for arm in self.arms[key]]
        return [(own[(k + 1) % len(own)] - h) % (2.0 * math.pi) for k, h in enumerate(own)]


def draw_layout(dice: Dice) -> Layout | None:
    """A layout, or None where the dice gave one that does not work."""
    columns, rows = dice.pick(SIZES)
    places = _places(dice, columns, rows)
    edges = _thin(dice, {frozenset(e) for e in _lattice(columns, rows)})
    beside: dict[Key, list[Key]] = {key: [] for key in places}
    for a, b in sorted(sorted(e) for e in edges):
        beside[a].append(b)
        beside[b].append(a)
    nodes = [key for key in places if len(beside[key]) > 2]
    if len(nodes) < LEAST_JUNCTIONS:
        return None
    chains = []
    for start in nodes:
        for first in beside[start]:
            way = _follow(beside, start, first)
            if (way[0], way[1]) <= (way[-1], way[-2]):  # each chain is found from both of its ends
                chains.append(Chain((way[0], way[-1]), [places[key] for key in way]))
    if any(chain.ends[0] == chain.ends[1] for chain in chains):
        return None
    for chain in chains:
        if len(chain.points) == 2 and dice.chance(BULGES):
            chain.points.insert(1, _bulge(dice, *chain.points))
    layout = Layout({key: places[key] for key in nodes}, chains)
    for key in nodes:
        own = [(c, e) for c, chain in enumerate(chains) for e in (0, 1) if chain.ends[e] == key]
        layout.arms[key] = sorted(own, key=layout.heading)
        if min(layout.gaps(key)) < LEAST_ANGLE:
            return None
    return layout


def _places(dice: Dice, columns: int, rows: int) -> dict[Key, Point]:
    xs, ys = [0.0], [0.0]
    for along, count in ((xs, columns), (ys, rows)):
        for _ in range(count - 1):
            along.append(along[-1] + dice.between(*SPACING))
    turn = dice.between(-math.pi, math.pi)
    out = {}
    for i, x in enumerate(xs):
        for j, y in enumerate(ys):
            px, py = x + dice.between(-SHIFT, SHIFT), y + dice.between(-SHIFT, SHIFT)
            cos, sin = math.cos(turn), math.sin(turn)
            out[(i, j)] = (px * cos - py * sin, px * sin + py * cos)
    return out


def _lattice(columns: int, rows: int) -> list[tuple[Key, Key]]:
    across = [((i, j), (i + 1, j)) for i in range(columns - 1) for j in range(rows)]
    return across + [((i, j), (i, j + 1)) for i in range(columns) for j in range(rows - 1)]


def _thin(dice: Dice, edges: set[frozenset[Key]]) -> set[frozenset[Key]]:
    """The edges without some, such that none of the rest is a bridge."""
    ordered = sorted(edges, key=sorted)
    nodes = {key for edge in edges for key in edge}
    for edge in dice.shuffled(ordered)[: int(dice.between(0.0, REMOVED) * len(ordered) + 0.5)]:
        rest = edges - {edge}
        if all(_connected(rest - {other}, nodes) for other in rest):
            edges = rest
    return edges


def _connected(edges: set[frozenset[Key]], nodes: set[Key]) -> bool:
    beside: dict[Key, list[Key]] = {key: [] for key in nodes}
    for a, b in edges:
        beside[a].append(b)
        beside[b].append(a)
    start = min(nodes)
    seen, front = {start}, [start]
    while front:
        for other in beside[front.pop()]:
            if other not in seen:
                seen.add(other)
                front.append(other)
    return seen == nodes


def _follow(beside: dict[Key, list[Key]], start: Key, first: Key) -> list[Key]:
    """Nodes from a junction over bends to the next junction."""
    way = [start, first]
    while len(beside[way[-1]]) == 2:
        way.append(next(k for k in beside[way[-1]] if k != way[-2]))
    return way


def _bulge(dice: Dice, a: Point, b: Point) -> Point:
    """A point beside the middle of a street."""
    middle = ((a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0)
    side = 1.0 if dice.chance(0.5) else -1.0
    return advance(middle, wrap(heading_of(a, b) + side * math.pi / 2.0), dice.between(*BULGE))
