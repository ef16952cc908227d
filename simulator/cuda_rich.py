"""The `rich` observation on a CUDA device, in four kernels that have work for many threads.

Bodies of a world, a thread a world; what a driver sees, a thread a driver; where each road user stands among those that
a driver sees, a thread each; the rows, a thread each. Neighbouring threads write neighbouring rows, 28 bytes apart, so
that the device's memory sees whole lines. What is written is what `simulator.observe_rich` writes, bit for bit.
"""

from typing import NamedTuple

import numpy as np

from simulator.cuda_entries import Entry
from simulator.device_kinds import DEVICE_MODEL, Way, device_kind
from simulator.observe_rich import (
    RICH_BODIES,
    RICH_FLOATS,
    RICH_SIGHT,
    RICH_TYPE,
    _find_cell,
    _write_ego_one,
    bodies_world,
    make_rich,
)
from simulator.rich_rows import RICH_COLUMNS, turn_row
from simulator.rich_table import POSITION, RICH_LEVEL, RICH_ROADS, RichTable
from world.kernel import inline_kernel, kernel
from world.pack import Pack

RICH_LINES = RICH_BODIES + RICH_ROADS  # rows of a driver
_SCALE, _ZERO = np.float32(1.0 / POSITION), np.float32(0.0)
_SIGHT2, _FAR2, _LEVEL = np.float32(RICH_SIGHT * RICH_SIGHT), np.float32(1e36), np.float32(RICH_LEVEL)


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
def _find_roads_one(b, k, x, y, z, map_id, table, seen):
    """Road segments of driver k, with the ids of those on its level where there are several."""
    cell = _find_cell(map_id, x, y, table)
    if cell < 0:
        return 0
    listed = table.cells[cell]
    if listed.layered == 0:
        return np.int64(listed.count)
    start, base, picked = np.int64(listed.start), np.int64(listed.base), 0
    for at in range(start, start + np.int64(listed.count)):
        if picked < RICH_ROADS and abs(table.rows[base + np.int64(table.ids[at]), 7] - z) <= _LEVEL:
            seen.ids[b, k, picked] = table.ids[at]
            picked += 1
    return picked


@inline_kernel
def _distance2(own, i, bodies):
    """[m^2] from the body of row `own` to that of row i; far beyond all sight where it is not seen."""
    dx, dy = bodies[i, 0] - bodies[own, 0], bodies[i, 1] - bodies[own, 1]
    d2 = dx * dx + dy * dy
    return d2 if d2 <= _SIGHT2 and abs(bodies[i, 7] - bodies[own, 7]) <= _LEVEL else _FAR2


@kernel
def rich_bodies(b, model, rich):
    """Rows of the bodies of world b."""
    bodies_world(b, model.slots, rich.bodies)


@kernel
def rich_find_thread(t, model, rich, seen):
    """How much a driver sees, and its first row; thread k * B + b is driver k of world b."""
    worlds, slots, bodies, n = model.state_hash.shape[0], model.slots, rich.bodies, model.slots.x.shape[1]
    b, k = t % worlds, t // worlds
    row, own = b * model.drivers + k, b * n + k
    if not (model.judge.active[b, k] and slots.valid[b, k]):
        seen.bodies[b, k] = -1
        for column in range(RICH_COLUMNS):
            rich.out[row, column] = _ZERO
        return
    others = 0
    for i in range(n):
        if i != k and _distance2(own, b * n + i, bodies) < _FAR2:
            others += 1
    seen.bodies[b, k] = min(others, RICH_BODIES - 1)
    x, y, z = bodies[own, 0], bodies[own, 1], bodies[own, 7]
    seen.roads[b, k] = _find_roads_one(b, k, x, y, z, model.worlds.map_id[b], rich.table, seen)
    _write_ego_one(row, b, k, own, model, bodies, rich.out)


@kernel
def rich_order_thread(t, model, rich, seen):
    """Where a slot stands among those that a driver sees, nearest first; thread r * N + i is slot i for row r."""
    n, drivers, bodies = model.slots.x.shape[1], model.drivers, rich.bodies
    i, row = t % n, t // n
    b, k = row // drivers, row % drivers
    if i == k or seen.bodies[b, k] < 0:
        return
    first, place = b * n, 1
    own = first + k
    d2 = _distance2(own, first + i, bodies)
    for j in range(n):
        if j != k and j != i:
            other = _distance2(own, first + j, bodies)
            if other < d2 or (other == d2 and j < i):
                place += 1
    rich.order[row * rich.order_room + place] = i


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


_ALL = (DEVICE_MODEL, DEVICE_RICH, DEVICE_SEEN)
ENTRIES: dict[str, Entry] = {
    "rich_bodies": Entry(rich_bodies, _ALL[:2]),
    "rich_find": Entry(rich_find_thread, _ALL),
    "rich_order": Entry(rich_order_thread, _ALL),
    "rich_lines": Entry(rich_line_thread, _ALL),
}
