"""Maps made from a few numbers: a grid of crossings, a ring.

Each maker gives a finished RoadMap; its namesake with `_xodr` gives the OpenDRIVE file that the map is read from.
"""

from scenarios.procedural.lattice import grid_xodr, ring_xodr
from world.opendrive import map_from_bytes
from world.roadmap import RoadMap

__all__ = ["grid", "grid_xodr", "ring", "ring_xodr"]


def grid(
    columns: int, rows: int, block: float = 100.0, *, phases: int = 2, limit: int = 50, pavements: bool = False
) -> RoadMap:
    """Map of columns x rows signalised crossings; see `grid_xodr`. Kept in the map cache."""
    data = grid_xodr(columns, rows, block, phases=phases, limit=limit, pavements=pavements)
    return map_from_bytes(data, f"grid-{columns}x{rows}")


def ring(circumference: float = 1000.0, lanes: int = 1, *, limit: int = 100) -> RoadMap:
    """Map of a closed circle; see `ring_xodr`."""
    return map_from_bytes(ring_xodr(circumference, lanes, limit=limit), f"ring-{circumference:g}")
