"""The spatial index of a map: for every square cell, what lies near it, nearest first.

A cell lists every segment (lane or edge) that comes within `reach` of its square; the lists are sorted by distance from
the cell's centre. So a query that finds something within `reach` needs one cell only (`world.queries`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.budget import MAX_ENTRIES, chunks, spend
from world.lane_arrays import ranges

CELL = 5.0  # [m]
BLOCK = 1 << 21  # entries that are sorted at once
MOST_CELLS = 4_000_000  # larger maps have larger cells
REACH = 8.0  # [m] at least; raised to the widest half lane


@dataclass
class Grid:
    corner: NDArray[np.float64]  # (2,) [m] lower left
    cell: float  # [m]
    shape: tuple[int, int]  # cells along x, y
    reach: float  # [m]


def make_grid(xy: NDArray[np.float64], half_width: float) -> Grid:
    """Grid that covers all points (n, 2) and `reach` around them."""
    reach = max(REACH, half_width + 1.0)
    cell = CELL if reach <= 4 * CELL else reach / 4  # wide lanes: else every segment would stand in thousands of cells
    return grid_over(xy.min(axis=0) - reach, xy.max(axis=0) + reach, cell, reach)


def grid_over(low: NDArray[np.float64], high: NDArray[np.float64], cell: float, reach: float) -> Grid:
    """Grid over the box from low (2,) to high (2,) [m], of cells of `cell` m, or larger ones above MOST_CELLS."""
    size = np.maximum(high - low, cell)
    while np.prod(np.ceil(size / cell) + 1) > MOST_CELLS:
        cell *= 2.0
    corner = np.floor(low / cell) * cell
    count = np.maximum(np.ceil((high - corner) / cell), 1).astype(int)
    return Grid(corner, cell, (int(count[0]), int(count[1])), float(reach))


def fill_cells(
    grid: Grid, a: NDArray[np.float64], b: NDArray[np.float64], ids: NDArray
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """CSR lists of the segments near each cell, nearest-first from the cell's centre.

    Args:
        a: (n, 2) [m] first end of the segments.
        b: (n, 2) [m] second end.
        ids: (n,) what the lists hold for each segment.

    Returns:
        cell_start (cells + 1,), cell_ids.

    Raises:
        MapError: more than MAX_ENTRIES entries.
    """
    radius = grid.reach + grid.cell * np.sqrt(0.5)  # from the centre: covers `reach` around the square
    low = np.floor((np.minimum(a, b) - radius - grid.corner) / grid.cell - 0.5).astype(np.int64) + 1
    high = np.floor((np.maximum(a, b) + radius - grid.corner) / grid.cell - 0.5).astype(np.int64) + 1
    low, high = np.maximum(low, 0), np.minimum(high, np.array(grid.shape))
    keep = (high > low).all(axis=1)
    segments = _Segments(a[keep], b[keep], low[keep], high[keep], np.asarray(ids, np.int32)[keep])
    spend("spatial index", float(np.prod((high - low)[keep].astype(np.float64), axis=1).sum()), MAX_ENTRIES, "entries")
    counts = np.zeros(grid.shape[0] * grid.shape[1], np.int32)
    found = [np.zeros(0, np.int32)]
    for first, last in _blocks(grid, segments):
        found.append(_fill_block(grid, segments, first, last, counts))
    start = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts, out=start[1:])
    return start, np.concatenate(found)


@dataclass
class _Segments:
    """Segments and the cells that they may be near to, from `low` to before `high`."""

    a: NDArray[np.float64]  # (n, 2) [m]
    b: NDArray[np.float64]  # (n, 2) [m]
    low: NDArray[np.int64]  # (n, 2) cell
    high: NDArray[np.int64]  # (n, 2) cell
    ids: NDArray[np.int32]  # (n,)


def _blocks(grid: Grid, segments: _Segments) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Blocks of cells, (first column, first row) and (column, row) after the last, that follow each other in the order
    of cells and have about BLOCK entries each at most: whole columns, or a part of one column.
    """
    low, high = segments.low, segments.high
    size = (high - low).astype(np.float64)
    columns = _spread(low[:, 0], high[:, 0], size[:, 1], grid.shape[0])
    for part in chunks(columns, BLOCK):
        if part.stop - part.start > 1 or columns[part.start] <= BLOCK:
            yield (part.start, 0), (part.stop, grid.shape[1])
            continue
        own = (low[:, 0] <= part.start) & (high[:, 0] > part.start)
        for rows in chunks(_spread(low[own, 1], high[own, 1], np.ones(int(own.sum())), grid.shape[1]), BLOCK):
            yield (part.start, rows.start), (part.stop, rows.stop)


def _spread(low: NDArray, high: NDArray, weight: NDArray, size: int) -> NDArray[np.float64]:
    """(size,) sum of the weights of the intervals [low, high) that hold each place."""
    step = np.bincount(low, weight, size + 1) - np.bincount(high, weight, size + 1)
    return np.cumsum(step, dtype=np.float64)[:size]


def _fill_block(
    grid: Grid, segments: _Segments, first: tuple[int, int], last: tuple[int, int], counts: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Lists of a block's cells one after the other; their lengths go to `counts` (cells,)."""
    spend("spatial index")
    low, high = np.maximum(segments.low, first), np.minimum(segments.high, last)
    own = np.flatnonzero((high > low).all(axis=1))
    low, high = low[own], high[own]
    columns = high[:, 0] - low[:, 0]
    segment = np.repeat(np.arange(len(own), dtype=np.int32), columns)  # one row per (segment, column of cells)
    ix = ranges(low[:, 0], high[:, 0])
    rows = high[segment, 1] - low[segment, 1]
    iy = ranges(low[segment, 1], high[segment, 1])
    ix, segment = np.repeat(ix, rows), np.repeat(segment, rows)
    away = _distance2(grid, segments.a[own], segments.b[own], segment, ix, iy)
    near = away <= (grid.reach + grid.cell * np.sqrt(0.5)) ** 2
    cell = (ix * grid.shape[1] + iy)[near]
    key = (cell.astype(np.uint64) << np.uint64(32)) | away[near].view(np.uint32)
    order = np.argsort(key, kind="stable")
    if len(cell):
        lowest = int(cell.min())
        inside = np.bincount(cell - lowest)
        counts[lowest : lowest + len(inside)] += inside.astype(np.int32)
    return segments.ids[own[segment[near][order]]]


def _distance2(grid: Grid, a, b, segment, ix, iy) -> NDArray[np.float32]:
    """[m^2] squared distance from cell centres to segments, float32."""
    ax = (a[:, 0] - grid.corner[0]).astype(np.float32)
    ay = (a[:, 1] - grid.corner[1]).astype(np.float32)
    ux = (b[:, 0] - a[:, 0]).astype(np.float32)
    uy = (b[:, 1] - a[:, 1]).astype(np.float32)
    inverse = (1.0 / np.maximum(ux * ux + uy * uy, np.float32(1e-12))).astype(np.float32)
    cell = np.float32(grid.cell)
    rx = (ix.astype(np.float32) + np.float32(0.5)) * cell - ax[segment]
    ry = (iy.astype(np.float32) + np.float32(0.5)) * cell - ay[segment]
    ux, uy = ux[segment], uy[segment]
    t = np.clip((rx * ux + ry * uy) * inverse[segment], np.float32(0), np.float32(1))
    rx -= t * ux
    ry -= t * uy
    return rx * rx + ry * ry
