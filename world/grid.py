"""The spatial index of a map: for every square cell, what lies near it, nearest first.

A cell lists every segment (lane or edge) that comes within `reach` of its square; the lists are sorted by distance from
the cell's centre. So a query that finds something within `reach` needs one cell only (`world.queries`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.budget import CHUNK, MAX_ENTRIES, chunks, spend
from world.lane_arrays import ranges

CELL = 5.0  # [m]
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
    return grid_over(xy.min(axis=0) - reach, xy.max(axis=0) + reach, CELL, reach)


def grid_over(low: NDArray[np.float64], high: NDArray[np.float64], cell: float, reach: float) -> Grid:
    """Grid over the box from low (2,) to high (2,) [m], of cells of `cell` m or, above MOST_CELLS of them, larger ones."""
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
    cells = grid.shape[0] * grid.shape[1]
    radius = grid.reach + grid.cell * np.sqrt(0.5)  # from the centre: covers `reach` around the square
    low = np.floor((np.minimum(a, b) - radius - grid.corner) / grid.cell - 0.5).astype(np.int64) + 1
    high = np.floor((np.maximum(a, b) + radius - grid.corner) / grid.cell - 0.5).astype(np.int64) + 1
    low, high = np.maximum(low, 0), np.minimum(high, np.array(grid.shape))
    keep = (high > low).all(axis=1)
    a, b, ids, low, high = a[keep], b[keep], np.asarray(ids)[keep], low[keep], high[keep]
    size = high - low
    spend("spatial index", float(np.prod(size.astype(np.float64), axis=1).sum()), MAX_ENTRIES, "entries")
    parts = [_entries(grid, a, b, low, high, rows) for rows in chunks(size[:, 0] * size[:, 1], CHUNK)]
    cell, away, segment = (np.concatenate(column) for column in zip(*parts, strict=True)) if parts else _NOTHING
    key = (cell.astype(np.uint64) << np.uint64(32)) | away.view(np.uint32)
    order = np.argsort(key, kind="stable")
    start = np.zeros(cells + 1, np.int32)
    np.cumsum(np.bincount(cell, minlength=cells), out=start[1:])
    return start, ids[segment[order]].astype(np.int32)


_NOTHING = (np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int32))


def _entries(
    grid: Grid, a: NDArray, b: NDArray, low: NDArray, high: NDArray, rows: slice
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
    """Cell, squared distance [m^2] from its centre and segment number of all entries of some segments."""
    spend("spatial index")
    radius = grid.reach + grid.cell * np.sqrt(0.5)
    offset, a, b, low, high = rows.start, a[rows], b[rows], low[rows], high[rows]
    columns = high[:, 0] - low[:, 0]
    segment = np.repeat(np.arange(len(a)), columns)  # one row per (segment, column of cells)
    ix = ranges(low[:, 0], high[:, 0])
    rows = high[segment, 1] - low[segment, 1]
    iy = ranges(low[segment, 1], high[segment, 1])
    ix, segment = np.repeat(ix, rows), np.repeat(segment, rows)
    away = _distance2(grid, a, b, segment, ix, iy)
    near = away <= radius * radius
    ix, iy, segment, away = ix[near], iy[near], segment[near], away[near]
    cell = (ix * grid.shape[1] + iy).astype(np.int32)
    return cell, away.astype(np.float32), (segment + offset).astype(np.int32)


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
