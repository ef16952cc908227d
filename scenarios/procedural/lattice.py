"""Maps for measuring: a grid of signalised crossings, and a ring of one or more lanes.

Both are closed: traffic never meets an end of the map.
"""

import math

from scenarios.mapgen.geometry import Path, Point, Segment, polyline_path, wrap
from scenarios.procedural.document import document
from scenarios.procedural.furniture import Furniture
from scenarios.procedural.network import DRIVING, SHOULDER, End, Lane, Mark, Network
from scenarios.procedural.pieces import LANE, crossing_ways, facing_phases, street

ARM = 14.0  # [m] from the middle of a crossing to its edge
LOOP = 20.0  # [m] radius of the bends outside of the grid
LEAST_BLOCK = 70.0  # [m]
MOST = 40  # columns, rows
PARTS = 3  # roads of a ring; CARLA loses its way between two roads that join each other at both ends
EAST, NORTH, WEST, SOUTH = range(4)
STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def grid_xodr(
    columns: int, rows: int, block: float = 100.0, *, phases: int = 2, limit: int = 50, pavements: bool = False
) -> bytes:
    """OpenDRIVE file of columns x rows signalised crossings of two-way streets, one lane each way.

    Every crossing has four arms; those that lead out of the grid are joined in pairs by loops round its outside.

    Args:
        block: [m] from crossing to crossing.
        phases: 2: approaches that face each other are green together and left turns give way; 4: one at a time.
        limit: [km/h].
        pavements: with pavements, and a crosswalk on every arm.

    Raises:
        ValueError: a figure out of its range.
    """
    if not (1 <= columns <= MOST and 1 <= rows <= MOST):
        raise ValueError(f"grid: got {columns} x {rows} crossings, allowed are 1 to {MOST} each way")
    if not LEAST_BLOCK <= block <= 1000.0:
        raise ValueError(f"grid: got a block of {block} m, allowed are {LEAST_BLOCK:g} to 1000 m")
    if phases not in (2, 4):
        raise ValueError(f"grid: got {phases} phases, allowed are 2 and 4")
    network = Network(f"grid-{columns}x{rows}", f"Grid of {columns} x {rows} crossings")
    arms: dict[tuple[int, int], dict[int, End]] = {(i, j): {} for i in range(columns) for j in range(rows)}
    for (i, j), own in arms.items():
        for way in (EAST, NORTH):
            other = (i + STEPS[way][0], j + STEPS[way][1])
            if other in arms:
                points = [_edge(i, j, way, block), _edge(*other, way + 2, block)]
                _street(network, points, own, way, arms[other], way + 2, limit, pavements)
    stubs = _outside(columns, rows)
    for a, b in zip(stubs[::2], stubs[1::2], strict=True):
        _street(network, _loop(a, b, block), arms[a[0], a[1]], a[2], arms[b[0], b[1]], b[2], limit, pavements)
    furniture = Furniture()
    for (i, j), own in arms.items():
        ends = [own[way] for way in range(4)]
        junction = network.junction(f"crossing {i},{j}", ends, crossing_ways(ends))
        furniture.signal(junction, facing_phases(ends, phases), ends if pavements else [])
    return document(network, furniture)


def _edge(i: int, j: int, way: int, block: float) -> Point:
    """Where an arm of a crossing begins."""
    return i * block + ARM * STEPS[way][0], j * block + ARM * STEPS[way][1]


def _street(
    network: Network, points: list[Point], mine: dict[int, End], way: int, others: dict[int, End], there: int,
    limit: int, pavements: bool,
) -> None:  # fmt: skip
    path = polyline_path(points, [(LOOP,)] * (len(points) - 2))
    parts = [path.segments] if mine is not others else [path.segments[:3], path.segments[3:]]  # a loop is two roads
    roads = []
    for part in map(Path, parts):
        roads.append(street(network, part, (1, 1), limit=limit, pavements=(pavements, pavements)))
    for before, after in zip(roads, roads[1:], strict=False):
        network.link(End(before, False), End(after, True))
    mine[way], others[there] = End(roads[0], True), End(roads[-1], False)


def _outside(columns: int, rows: int) -> list[tuple[int, int, int]]:
    """(column, row, direction) of the arms that lead out, counter-clockwise from the south-west corner."""
    out = [(i, 0, SOUTH) for i in range(columns)] + [(columns - 1, j, EAST) for j in range(rows)]
    out += [(i, rows - 1, NORTH) for i in reversed(range(columns))]
    return out + [(0, j, WEST) for j in reversed(range(rows))]


def _loop(a: tuple[int, int, int], b: tuple[int, int, int], block: float) -> list[Point]:
    """Corners of the way round from one outer arm to the next."""
    depth = ARM + LOOP + 12.0
    start, end = _edge(*a, block), _edge(*b, block)
    far = [(k[0] * block + depth * STEPS[k[2]][0], k[1] * block + depth * STEPS[k[2]][1]) for k in (a, b)]
    if a[2] == b[2]:
        return [start, *far, end]
    corner = (far[1][0] if STEPS[b[2]][0] else far[0][0], far[0][1] if STEPS[a[2]][1] else far[1][1])
    return [start, far[0], corner, far[1], end]


def ring_xodr(circumference: float = 1000.0, lanes: int = 1, *, limit: int = 100) -> bytes:
    """OpenDRIVE file of a circle that is driven counter-clockwise, for the fundamental diagram.

    Args:
        circumference: [m] of the middle of the leftmost lane.
        lanes: side by side; changes between them are allowed.
        limit: [km/h].

    Raises:
        ValueError: a figure out of its range.
    """
    if not 100.0 <= circumference <= 50_000.0:
        raise ValueError(f"ring: got a circumference of {circumference} m, allowed are 100 to 50000 m")
    if not 1 <= lanes <= 6:
        raise ValueError(f"ring: got {lanes} lanes, allowed are 1 to 6")
    network = Network(f"ring-{circumference:g}", f"Ring of {circumference:g} m")
    radius = circumference / (2.0 * math.pi) - LANE / 2.0
    parts = []
    for k in range(PARTS):
        angle = 2.0 * math.pi * k / PARTS
        start = Segment(radius * math.cos(angle), radius * math.sin(angle), wrap(angle + math.pi / 2.0),
                        2.0 * math.pi * radius / PARTS, 1.0 / radius)  # fmt: skip
        inner = [Lane(DRIVING, LANE, marks=(Mark(0.0, "broken", "both"),)) for _ in range(lanes - 1)]
        side = [*inner, Lane(DRIVING, LANE, marks=(Mark(0.0, "solid"),)), Lane(SHOULDER, 1.0)]
        edge = (Mark(0.0, "solid"),)
        verge = [Lane(SHOULDER, 0.5)]
        parts.append(network.street(Path([start]), side, verge, limit=limit, kind="rural", middle=edge))
    for k, road in enumerate(parts):
        network.link(End(road, False), End(parts[(k + 1) % PARTS], True))
    return document(network, Furniture())
