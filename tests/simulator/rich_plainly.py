"""The rich observation once more, one number after the other: what its vectors must agree with."""

import numpy as np

from simulator.model import model_at
from simulator.observe_rich import (
    _ROAD0,
    _SCALE,
    _ZERO,
    _blank_one,
    _clear,
    _find_cell,
    _pick_level,
    _sort_bodies_one,
    _write_ego_one,
    bodies_world,
    rich_at,
)
from simulator.rich_rows import RICH_COLUMNS, turn_row
from simulator.rich_table import GROUP, LISTED
from world.kernel import kernel


@kernel
def _write_rows_plainly(row, first, rows, base, ids, start, count, x, y, c, s, out):
    """As `write_rows`: the rows base + ids[start:start + count], to out[row, first:]."""
    for n in range(count):
        i, at = base + np.int64(ids[start + n]), first + RICH_COLUMNS * n
        ahead, left, cos, sin = turn_row(rows[i, 0], rows[i, 1], rows[i, 4], rows[i, 5], x, y, c, s, _SCALE)
        out[row, at], out[row, at + 1], out[row, at + 4], out[row, at + 5] = ahead, left, cos, sin
        out[row, at + 2], out[row, at + 3], out[row, at + 6] = rows[i, 2], rows[i, 3], rows[i, 6]
    whole = (count + GROUP - 1) & -GROUP
    for at in range(first + RICH_COLUMNS * count, first + RICH_COLUMNS * whole):
        out[row, at] = _ZERO


@kernel
def observe_rich_one(row, b, k, model, rich):
    """Observe for driver k of world b, number by number, into row `row` of the buffers."""
    n, table, bodies = model.slots.x.shape[1], rich.table, rich.bodies
    if not (model.judge.active[b, k] and model.slots.valid[b, k]):
        _blank_one(row, rich.out, rich.written)
        return
    first = (b * model.drivers + k) * rich.order_room
    seen = _sort_bodies_one(b, k, n, first, bodies, rich.order, rich.distance2)
    own = b * n + k
    x, y, z, c, s = bodies[own, 0], bodies[own, 1], bodies[own, 7], bodies[own, 4], bodies[own, 5]
    _write_rows_plainly(row, 0, bodies, b * n, rich.order, first, seen + 1, x, y, c, s, rich.out)
    _write_ego_one(row, b, k, own, model, bodies, rich.out)
    rich.written[row, 0] = _clear(row, 0, np.int64(rich.written[row, 0]), seen + 1, rich.out)
    cell = _find_cell(model.worlds.map_id[b], x, y, table)
    count = np.int64(0)
    if cell >= 0:
        listed = table.cells[cell]
        count, start, base = np.int64(listed.count), np.int64(listed.start), np.int64(listed.base)
        if listed.layered:
            count, start = _pick_level(b, cell, z, table, rich.level), b * LISTED
            _write_rows_plainly(row, _ROAD0, table.rows, base, rich.level, start, count, x, y, c, s, rich.out)
        else:
            _write_rows_plainly(row, _ROAD0, table.rows, base, table.ids, start, count, x, y, c, s, rich.out)
    rich.written[row, 1] = _clear(row, _ROAD0, np.int64(rich.written[row, 1]), count, rich.out)


@kernel
def observe_rich_world(b, model, rich):
    """The observations of the drivers of world b in the first buffer, number by number."""
    bodies_world(b, model.slots, rich.bodies)
    for k in range(model.drivers):
        observe_rich_one(b * model.drivers + k, b, k, model, rich)


@kernel
def observe_rich_plainly(address, rich_address, first, last):
    """`observe_rich_world` of the worlds first .. last - 1."""
    for b in range(first, last):
        observe_rich_world(b, model_at(address), rich_at(rich_address))
