"""The `rich` observation: 1848 float32 a driver, straight from the engine's state, for benchmarks and large policies.

264 rows of 7 numbers, all in [-1, 1], ego frame (x forward, y left); what is not there is zero:

- row 0, the driver: speed / 30 m/s, length / 20 m, width / 20 m, x and y / 100 m of its route's point 20 m ahead,
  1 where it collided within the last 5 s, 1 where a wheel is off the road.
- rows 1-63, other road users within 100 m, nearest first: x, y / 100 m, length, width / 20 m, cos and sin of its
  heading, speed / 30 m/s.
- rows 64-263, road segments (`simulator.rich_table`), those nearest to the centre of the driver's 5 m cell first:
  x, y / 100 m of the middle, half length, half width / 20 m, cos and sin of its direction, kind / 10.

Roads and road users more than 4 m above or below the driver are left out. A driver that is done, or has no body, sees
zeros. The numbers of rows written last are kept for each driver and buffer: only rows that are there no more are
cleared.
"""

# pyright: reportCallIssue=false
# (intrinsics take a typing context more than their callers give)

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.model import model_at
from simulator.rich_rows import RICH_COLUMNS, data_address, prefetch, turn_row, write_rows
from simulator.rich_table import (
    GROUP,
    LISTED,
    POSITION,
    RICH_CELL,
    RICH_LEVEL,
    RICH_MAP,
    RICH_ROADS,
    SIZE,
    RichTable,
)
from world.kernel import inline_kernel, kernel
from world.pack import Pack, pack_reader
from world.route_table import route_index, route_point

RICH_BODIES = 64  # rows of the driver and of other road users
RICH_FLOATS = RICH_COLUMNS * (RICH_BODIES + RICH_ROADS)
RICH_SIGHT = 100.0  # [m] within which road users are seen
RICH_AHEAD = 20.0  # [m] along the route to the point that the driver is told
SPEED = 30.0  # [m/s] that is 1 in an observation
_ROAD0 = RICH_COLUMNS * RICH_BODIES  # first number of the road rows
_SCALE, _SIZE, _SPEED = np.float32(1.0 / POSITION), np.float32(1.0 / SIZE), np.float32(1.0 / SPEED)
_CELL = np.float32(0.2)  # [1/m]
_SIGHT2 = np.float32(RICH_SIGHT * RICH_SIGHT)
_LEVEL, _AHEAD = np.float32(RICH_LEVEL), np.float32(RICH_AHEAD)
_NOWHERE = np.float32(1e18)  # [m] where bodies that are not there lie
_FAR2 = np.float32(1e36)  # [m^2]
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


class Rich(NamedTuple):
    """The tables, the buffers and the scratch of `observe_rich_worlds`. S buffers, B worlds, K drivers, N slots."""

    table: RichTable
    out: np.ndarray  # float32 (S * B * K, RICH_FLOATS)
    written: np.ndarray  # int32 (S * B * K, 2) rows that may not be zero: of bodies, of roads; multiples of 8
    bodies: np.ndarray  # float32 (B * N, 8) rows as of `rich_rows`: x, y, length, width, cos, sin, speed; z
    order: np.ndarray  # uint16 (B * K * order_room) of each driver: its own slot, then the others, nearest first
    distance2: np.ndarray  # float32 (B, N) [m^2] of those others
    level: np.ndarray  # uint16 (B * LISTED) road rows on the driver's level
    order_room: int  # N, padded to a multiple of 8


def make_rich(table: RichTable, worlds: int, drivers: int, slots: int, out: NDArray[np.float32]) -> Rich:
    """Scratch around a table and buffers (S, B, K, RICH_FLOATS) whose content is not known."""
    room = -(-slots // GROUP) * GROUP
    order = np.zeros((worlds, drivers, room), np.uint16)
    for k in range(drivers):
        order[:, k, 0] = k
        order[:, k, 1:slots] = np.delete(np.arange(slots), k)
    rows = out.reshape(-1, RICH_FLOATS)
    written = np.empty((len(rows), 2), np.int32)
    written[:] = RICH_BODIES, RICH_ROADS
    bodies, distance2 = np.zeros((worlds * slots, 8), np.float32), np.zeros((worlds, slots), np.float32)
    level = np.zeros(worlds * LISTED, np.uint16)
    return Rich(table, rows, written, bodies, order.reshape(-1), distance2, level, room)


def _smallest() -> Pack:
    """A Rich of one driver, to take the type from."""
    kinds = (RICH_MAP, RICH_CELL, np.uint16, np.float32)
    arrays = [np.zeros((1, 8) if kind is np.float32 else 1, kind) for kind in kinds]
    for array in arrays:
        array.flags.writeable = False
    return Pack(make_rich(RichTable(*arrays), 1, 1, 1, np.zeros((1, 1, 1, RICH_FLOATS), np.float32)))


RICH_TYPE = _smallest()._numba_type_
rich_at = pack_reader(RICH_TYPE)


@inline_kernel
def _clip(value):
    return min(max(value, -_ONE), _ONE)


@kernel
def bodies_world(b, slots, bodies):
    """Rows of all bodies of world b."""
    n = slots.x.shape[1]
    for i in range(n):
        row = b * n + i
        if slots.valid[b, i]:
            yaw = slots.yaw[b, i]
            bodies[row, 0], bodies[row, 1] = slots.x[b, i], slots.y[b, i]
            bodies[row, 2], bodies[row, 3] = _clip(slots.length[b, i] * _SIZE), _clip(slots.width[b, i] * _SIZE)
            bodies[row, 4], bodies[row, 5] = math.cos(yaw), math.sin(yaw)
            bodies[row, 6], bodies[row, 7] = _clip(slots.speed[b, i] * _SPEED), slots.z[b, i]
        else:
            bodies[row, 0] = bodies[row, 1] = _NOWHERE


@kernel
def _move_up(b, p, start, order, distance2):
    """Move entry p of a driver's order to its place among those before it."""
    d2, i = distance2[b, p], order[start + p]
    while p > 1 and (distance2[b, p - 1] > d2 or (distance2[b, p - 1] == d2 and order[start + p - 1] > i)):
        distance2[b, p], order[start + p] = distance2[b, p - 1], order[start + p - 1]
        p -= 1
    distance2[b, p], order[start + p] = d2, i


@inline_kernel
def _sort_bodies_one(b, k, n, start, bodies, order, distance2):
    """Bring driver k's order of other slots up to date, order[start + 1:start + n]. Returns how many of them it sees.

    By distance, then by slot, so the order before does not matter but for time: it is almost the new one.
    """
    first = b * n
    x, y, z = bodies[first + k, 0], bodies[first + k, 1], bodies[first + k, 7]
    seen, before, before_slot = 0, -_ONE, np.int64(-1)
    for p in range(1, n):
        i = np.int64(order[start + p])
        dx, dy = bodies[first + i, 0] - x, bodies[first + i, 1] - y
        d2 = dx * dx + dy * dy
        if d2 <= _SIGHT2 and abs(bodies[first + i, 7] - z) <= _LEVEL:
            seen += 1
        else:
            d2 = _FAR2
        distance2[b, p] = d2
        if before < d2 or (before == d2 and before_slot < i):
            before, before_slot = d2, i
        else:
            _move_up(b, p, start, order, distance2)
    return min(seen, RICH_BODIES - 1)


@inline_kernel
def _collided(b, k, judge):
    """Whether a collision of driver k was counted, or went on, within the last seconds (`judge_collide.REARM`)."""
    if judge.static_timer[b, k] > 0.0:
        return True
    for j in range(judge.contact.shape[2]):
        if judge.contact[b, k, j] > 0.0:
            return True
    return False


@inline_kernel
def _write_ego_one(row, b, k, own, model, bodies, out):
    """Row 0 of driver k, whose body is row `own`."""
    judge, routes = model.judge, model.routes
    x, y, c, s = bodies[own, 0], bodies[own, 1], bodies[own, 4], bodies[own, 5]
    out[row, 0], out[row, 1], out[row, 2] = bodies[own, 6], bodies[own, 2], bodies[own, 3]
    out[row, 3] = out[row, 4] = _ZERO
    if routes.count[b, k] >= 2:
        px, py, _, _, _, _, _ = route_point(routes, b, k, judge.route_s[b, k] + _AHEAD)
        ahead, left, _, _ = turn_row(px, py, c, s, x, y, c, s, _SCALE)
        out[row, 3], out[row, 4] = _clip(ahead), _clip(left)
    out[row, 5] = _ONE if _collided(b, k, judge) else _ZERO
    out[row, 6] = _ONE if judge.off_road[b, k] else _ZERO


@inline_kernel
def _find_cell(map_id, x, y, table):
    """The cell of a position, -1 outside of the map's grid (or where it is no number)."""
    row = table.maps[map_id]
    gx, gy = (x - row.x0) * _CELL, (y - row.y0) * _CELL
    if not (gx >= _ZERO and gy >= _ZERO and gx < np.float32(row.nx) and gy < np.float32(row.ny)):
        return np.int64(-1)
    return np.int64(row.cell0) + np.int64(gx) * np.int64(row.ny) + np.int64(gy)


@kernel
def _pick_level(b, cell, z, table, level):
    """Put the ids of a cell's list that lie on the level of height z into `level`. Returns how many, at most 200."""
    start, base = np.int64(table.cells[cell].start), np.int64(table.cells[cell].base)
    picked = 0
    for at in range(start, start + np.int64(table.cells[cell].count)):
        i = table.ids[at]
        if abs(table.rows[base + np.int64(i), 7] - z) <= _LEVEL:
            level[b * LISTED + picked] = i
            picked += 1
            if picked == RICH_ROADS:
                break
    return picked


@inline_kernel
def _clear(row, first, written, rows, out):
    """Zeros for the rows that were written last and are there no more. Returns the rows that may not be zero now.

    Args:
        first: place of the rows' first number. written: rows that may not be zero. rows: those written now.
    """
    now = (rows + GROUP - 1) & -GROUP
    for at in range(first + RICH_COLUMNS * now, first + RICH_COLUMNS * written):
        out[row, at] = _ZERO
    return now


@inline_kernel
def _blank_one(row, out, written):
    """Zeros for a driver that sees nothing."""
    if written[row, 0] + written[row, 1] > 0:
        _clear(row, 0, np.int64(written[row, 0]), 0, out)
        _clear(row, _ROAD0, np.int64(written[row, 1]), 0, out)
        written[row, 0] = written[row, 1] = 0


@kernel
def _observe_one(row, b, k, model, rich):
    """Observe for driver k of world b, eight rows at a time, into row `row` of the buffers."""
    n, table, bodies = model.slots.x.shape[1], rich.table, rich.bodies
    if not (model.judge.active[b, k] and model.slots.valid[b, k]):
        _blank_one(row, rich.out, rich.written)
        return
    first = (b * model.drivers + k) * rich.order_room
    seen = _sort_bodies_one(b, k, n, first, bodies, rich.order, rich.distance2)
    own = b * n + k
    x, y, z, c, s = bodies[own, 0], bodies[own, 1], bodies[own, 7], bodies[own, 4], bodies[own, 5]
    out = data_address(rich.out) + row * (4 * RICH_FLOATS)
    ids = data_address(rich.order) + 2 * first
    write_rows(data_address(bodies) + 32 * b * n, ids, out, seen + 1, x, y, c, s, _SCALE)
    _write_ego_one(row, b, k, own, model, bodies, rich.out)
    rich.written[row, 0] = _clear(row, 0, np.int64(rich.written[row, 0]), seen + 1, rich.out)
    cell = _find_cell(model.worlds.map_id[b], x, y, table)
    count = np.int64(0)
    if cell >= 0:
        listed = table.cells[cell]
        count, ids = np.int64(listed.count), data_address(table.ids) + 2 * np.int64(listed.start)
        if listed.layered:
            count = _pick_level(b, cell, z, table, rich.level)
            ids = data_address(rich.level) + 2 * LISTED * b
        rows = data_address(table.rows) + 32 * np.int64(listed.base)
        write_rows(rows, ids, out + 4 * _ROAD0, count, x, y, c, s, _SCALE)
    rich.written[row, 1] = _clear(row, _ROAD0, np.int64(rich.written[row, 1]), count, rich.out)


@kernel
def _fetch_world(b, model, table):
    """Ask for what lies scattered in memory and the drivers of world b will need."""
    slots, routes, judge, map_id = model.slots, model.routes, model.judge, model.worlds.map_id[b]
    for k in range(model.drivers):
        if routes.count[b, k] >= 2:
            i, _ = route_index(routes, b, k, judge.route_s[b, k] + _AHEAD)
            at = 4 * ((b * model.drivers + k) * routes.x.shape[2] + i)
            prefetch(data_address(routes.x) + at)
            prefetch(data_address(routes.y) + at)
        cell = _find_cell(map_id, slots.x[b, k], slots.y[b, k], table)
        if cell >= 0:
            at = data_address(table.ids) + 2 * np.int64(table.cells[cell].start)
            for line in range(0, 2 * RICH_ROADS, 64):
                prefetch(at + line)


@kernel
def observe_rich_worlds(address, rich_address, first, last, buffer):
    """Write the observations of the drivers of the worlds first .. last - 1.

    Args:
        address: of a Model. rich_address: of a Rich, made for it. buffer: which of the buffers, from 0.
    """
    model, rich = model_at(address), rich_at(rich_address)
    worlds = model.state_hash.shape[0]
    for b in range(first, last):
        if b + 1 < last:
            _fetch_world(b + 1, model, rich.table)
        bodies_world(b, model.slots, rich.bodies)
        for k in range(model.drivers):
            _observe_one((buffer * worlds + b) * model.drivers + k, b, k, model, rich)
