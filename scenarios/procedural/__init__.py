"""Maps made from a few numbers: random towns, a grid of crossings, a ring; and our maps that are kept as files.

Each maker gives a finished RoadMap; its namesake with `_xodr` gives the OpenDRIVE file that the map is read from.
"""

from collections.abc import Iterable

from scenarios.procedural.document import document
from scenarios.procedural.lattice import grid_xodr, ring_xodr
from scenarios.procedural.town import town as _town
from world.mapset import pack_maps
from world.opendrive import map_from_bytes
from world.roadmap import MapSet, RoadMap

__all__ = ["grid", "grid_xodr", "ring", "ring_xodr", "town", "town_pool", "town_xodr"]


def town_xodr(seed: int) -> bytes:
    """OpenDRIVE file of the random town of a seed, a function of the seed alone.

    Raises:
        ValueError: a negative seed.
    """
    return document(*_town(seed))


def town(seed: int, *, cache: bool = True) -> RoadMap:
    """Map of the random town of a seed."""
    return map_from_bytes(town_xodr(seed), f"procedural-{seed}", cache=cache)


def town_pool(seeds: Iterable[int]) -> MapSet:
    """The towns of many seeds as one MapSet, in the given order, for worlds that drive on different maps."""
    return pack_maps([town(seed, cache=False) for seed in seeds])


def grid(
    columns: int, rows: int, block: float = 100.0, *, phases: int = 2, limit: int = 50, pavements: bool = False
) -> RoadMap:
    """Map of columns x rows signalised crossings; see `grid_xodr`. Kept in the map cache."""
    data = grid_xodr(columns, rows, block, phases=phases, limit=limit, pavements=pavements)
    return map_from_bytes(data, f"grid-{columns}x{rows}")


def ring(circumference: float = 1000.0, lanes: int = 1, *, limit: int = 100) -> RoadMap:
    """Map of a closed circle; see `ring_xodr`."""
    return map_from_bytes(ring_xodr(circumference, lanes, limit=limit), f"ring-{circumference:g}")
