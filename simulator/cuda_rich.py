"""The `rich` observation on a CUDA device: a thread a world finds what is seen, then a thread a row writes it.

Neighbouring threads write neighbouring rows, 28 bytes apart, so that the device's memory sees whole lines. What is
written is what `simulator.observe_rich` writes, by the same functions.
"""

from typing import NamedTuple

import numpy as np

from simulator.cuda_entries import Entry
from simulator.device_kinds import DEVICE_MODEL, Way, device_kind
from simulator.observe_rich import (
    RICH_BODIES,
    RICH_FLOATS,
    RICH_TYPE,
    _find_cell,
    _pick_level,
    _sort_bodies_one,
    _write_ego_one,
    bodies_world,
    make_rich,
)
from simulator.rich_rows import RICH_COLUMNS, turn_row
from simulator.rich_table import LISTED, POSITION, RICH_ROADS, RichTable
from world.kernel import kernel
from world.pack import Pack

RICH_LINES = RICH_BODIES + RICH_ROADS  # rows of a driver
_SCALE, _ZERO = np.float32(1.0 / POSITION), np.float32(0.0)


class Seen(NamedTuple):
    """What each driver sees."""

    bodies: np.ndarray  # int32 (B, K) other road users, -1: it sees nothing at all
    roads: np.ndarray  # int32 (B, K) road segments
    ids: np.ndarray  # uint16 (B, K, R) of those, where a cell has several levels


def rich_way(path: str) -> Way:
    """Of the arrays of a Rich."""
    if path.startswith("table."):
        return Way.SHARED
    return Way.WORLDS if path == "distance2" else Way.ROWS


def seen_way(path: str) -> Way:
    """Of the arrays of a Seen."""
    return Way.WORLDS


def make_device_rich(table: RichTable, worlds: int, drivers: int, slots: int) -> tuple[Pack, Pack]:
    """(Rich, Seen) of some worlds, for a device to repeat."""
    out = np.zeros((1, worlds, drivers, RICH_FLOATS), np.float32)
    room = RICH_ROADS if table.cells["layered"].any() else 1
    shape = (worlds, drivers)
    seen = Seen(np.zeros(shape, np.int32), np.zeros(shape, np.int32), np.zeros((*shape, room), np.uint16))
    return Pack(make_rich(table, worlds, drivers, slots, out)), Pack(seen)


DEVICE_RICH = device_kind(RICH_TYPE, rich_way)
DEVICE_SEEN = device_kind(
    Pack(Seen(np.zeros((1, 1), np.int32), np.zeros((1, 1), np.int32), np.zeros((1, 1, 1), np.uint16)))._numba_type_,
    seen_way,
)


@kernel
def _find_roads_one(b, k, x, y, z, model, rich, seen):
    """Road segments of driver k, with the ids of those on its level where there are several."""
    table = rich.table
    cell = _find_cell(model.worlds.map_id[b], x, y, table)
    if cell < 0:
        return 0
    if table.cells[cell].layered == 0:
        return np.int64(table.cells[cell].count)
    count = _pick_level(b, cell, z, table, rich.level)
    for n in range(count):
        seen.ids[b, k, n] = rich.level[b * LISTED + n]
    return np.int64(count)


@kernel
def rich_world(b, model, rich, seen):
    """Find what the drivers of world b see, and write their first rows."""
    slots, bodies, n = model.slots, rich.bodies, model.slots.x.shape[1]
    bodies_world(b, slots, bodies)
    for k in range(model.drivers):
        row, own = b * model.drivers + k, b * n + k
        if not (model.judge.active[b, k] and slots.valid[b, k]):
            seen.bodies[b, k] = -1
            for column in range(RICH_COLUMNS):
                rich.out[row, column] = _ZERO
            continue
        start = row * rich.order_room
        seen.bodies[b, k] = _sort_bodies_one(b, k, n, start, bodies, rich.order, rich.distance2)
        seen.roads[b, k] = _find_roads_one(b, k, bodies[own, 0], bodies[own, 1], bodies[own, 7], model, rich, seen)
        _write_ego_one(row, b, k, own, model, bodies, rich.out)


@kernel
def _write_line(row, line, rows, i, own, bodies, out):
    """Row i of a table as line `line` of a driver whose body is row `own`."""
    x, y, c, s = bodies[own, 0], bodies[own, 1], bodies[own, 4], bodies[own, 5]
    ahead, left, cos, sin = turn_row(rows[i, 0], rows[i, 1], rows[i, 4], rows[i, 5], x, y, c, s, _SCALE)
    at = RICH_COLUMNS * line
    out[row, at], out[row, at + 1], out[row, at + 4], out[row, at + 5] = ahead, left, cos, sin
    out[row, at + 2], out[row, at + 3], out[row, at + 6] = rows[i, 2], rows[i, 3], rows[i, 6]


@kernel
def rich_line_thread(t, model, rich, seen):
    """Write one row; thread r * RICH_LINES + line is that line of row r of the buffer."""
    line, row = t % RICH_LINES, t // RICH_LINES
    if line == 0:
        return
    n, table, drivers = model.slots.x.shape[1], rich.table, model.drivers
    b, k = row // drivers, row % drivers
    own, others = b * n + k, seen.bodies[b, k]
    if line <= others:
        i = np.int64(rich.order[row * rich.order_room + line])
        _write_line(row, line, rich.bodies, b * n + i, own, rich.bodies, rich.out)
        return
    at = line - RICH_BODIES
    if at >= 0 and others >= 0 and at < seen.roads[b, k]:
        cell = table.cells[_find_cell(model.worlds.map_id[b], rich.bodies[own, 0], rich.bodies[own, 1], table)]
        i = np.int64(seen.ids[b, k, at]) if cell.layered != 0 else np.int64(table.ids[np.int64(cell.start) + at])
        _write_line(row, line, table.rows, np.int64(cell.base) + i, own, rich.bodies, rich.out)
        return
    for column in range(RICH_COLUMNS * line, RICH_COLUMNS * (line + 1)):
        rich.out[row, column] = _ZERO


ENTRIES: dict[str, Entry] = {
    "rich_find": Entry(rich_world, (DEVICE_MODEL, DEVICE_RICH, DEVICE_SEEN)),
    "rich_lines": Entry(rich_line_thread, (DEVICE_MODEL, DEVICE_RICH, DEVICE_SEEN)),
}
