"""The rich observation: against a slow reference, its vectors against plain code, laws of batches and buffers."""

import math

import numpy as np
import pytest
from numba import types

from simulator.observe_rich import (
    RICH_AHEAD,
    RICH_BODIES,
    RICH_FLOATS,
    RICH_SIGHT,
    SPEED,
)
from simulator.rich_observer import RichObserver
from simulator.rich_rows import RICH_COLUMNS, data_address, turn_row, write_rows
from simulator.rich_table import CELL, LISTED, POSITION, RICH_LEVEL, RICH_ROADS, SIZE
from tests.simulator.engine_rig import make_engine
from tests.simulator.rich_plainly import observe_rich_plainly
from world.kernel import kernel
from world.records import Control
from world.route_table import route_point

ROWS = RICH_BODIES + RICH_ROADS


def drive(engine, rng, steps=1):
    """Random controls, so that drivers spread, leave the road and hit each other."""
    shape = engine.model.judge.active.shape
    for _ in range(steps):
        engine.step(
            Control(rng.uniform(-0.3, 0.3, shape).astype(np.float32), rng.uniform(-2.0, 3.0, shape).astype(np.float32))
        )


# --- A slow reference ---------------------------------------------------------------------------------------------


def to_ego(slots, b, k, x, y):
    c, s = math.cos(slots.yaw[b, k]), math.sin(slots.yaw[b, k])
    dx, dy = float(x) - float(slots.x[b, k]), float(y) - float(slots.y[b, k])
    return dx * c + dy * s, dy * c - dx * s


def ego_row(engine, b, k):
    slots, judge, routes = engine.model.slots, engine.model.judge, engine.model.routes
    row = [slots.speed[b, k] / SPEED, slots.length[b, k] / SIZE, slots.width[b, k] / SIZE, 0.0, 0.0]
    if routes.count[b, k] >= 2:
        at = min(float(judge.route_s[b, k]) + RICH_AHEAD, float(routes.length[b, k]))
        i = min(int(at), routes.count[b, k] - 2)
        x, y = (a[b, k, i] + (at - i) * (a[b, k, i + 1] - a[b, k, i]) for a in (routes.x, routes.y))
        row[3:] = np.clip(np.array(to_ego(slots, b, k, x, y)) / POSITION, -1, 1)
    hit = judge.static_timer[b, k] > 0 or (judge.contact[b, k] > 0).any()
    return [*row, float(hit), float(judge.off_road[b, k])]


def body_rows(engine, b, k):
    slots = engine.model.slots
    near = []
    for i in np.flatnonzero(slots.valid[b]):
        d = math.hypot(slots.x[b, i] - slots.x[b, k], slots.y[b, i] - slots.y[b, k])
        if i != k and d <= RICH_SIGHT and abs(slots.z[b, i] - slots.z[b, k]) <= RICH_LEVEL:
            near.append((d, int(i)))
    rows = []
    for _, i in sorted(near)[: RICH_BODIES - 1]:
        x, y = to_ego(slots, b, k, slots.x[b, i], slots.y[b, i])
        turn = float(slots.yaw[b, i]) - float(slots.yaw[b, k])
        size = slots.length[b, i] / SIZE, slots.width[b, i] / SIZE
        rows.append((x / POSITION, y / POSITION, *size, math.cos(turn), math.sin(turn), slots.speed[b, i] / SPEED))
    return rows


def road_rows(engine, table, b, k):
    """From the lists of the table, which have tests of their own."""
    slots = engine.model.slots
    grid = table.maps[engine.model.worlds.map_id[b]]
    ix, iy = int((slots.x[b, k] - grid["x0"]) // CELL), int((slots.y[b, k] - grid["y0"]) // CELL)
    if not (0 <= ix < grid["nx"] and 0 <= iy < grid["ny"]):
        return []
    cell = table.cells[grid["cell0"] + ix * grid["ny"] + iy]
    out = []
    for n in range(cell["start"], cell["start"] + cell["count"]):
        row = table.rows[int(cell["base"]) + int(table.ids[n])].astype(float)
        if abs(row[7] - slots.z[b, k]) <= RICH_LEVEL:
            x, y = to_ego(slots, b, k, row[0], row[1])
            turn = math.atan2(row[5], row[4]) - float(slots.yaw[b, k])
            out.append((x / POSITION, y / POSITION, row[2], row[3], math.cos(turn), math.sin(turn), row[6]))
    return out[:RICH_ROADS]


def reference(engine, table):
    """(B, K, ROWS, 7) float64."""
    judge, slots = engine.model.judge, engine.model.slots
    out = np.zeros((*judge.active.shape, ROWS, RICH_COLUMNS))
    for b, k in np.ndindex(judge.active.shape):
        if judge.active[b, k] and slots.valid[b, k]:
            out[b, k, 0] = ego_row(engine, b, k)
            bodies, roads = body_rows(engine, b, k), road_rows(engine, table, b, k)
            out[b, k, 1 : 1 + len(bodies)] = np.reshape(bodies, (-1, RICH_COLUMNS))
            out[b, k, RICH_BODIES : RICH_BODIES + len(roads)] = np.reshape(roads, (-1, RICH_COLUMNS))
    return out


@pytest.fixture
def engine():
    made = make_engine("junction/lights", "ring", vehicles=12, pedestrians=6, drivers=5, worlds=3, map_id=[0, 1, 0])
    made.reset([3, 4, 5])
    return made


def test_it_is_what_a_slow_reference_says(engine):
    observer, rng = RichObserver(engine), np.random.default_rng(0)
    full = set()
    for _ in range(12):
        got = observer.observe().reshape(3, 5, ROWS, RICH_COLUMNS)
        assert got == pytest.approx(reference(engine, observer.table), abs=3e-6)
        assert (np.abs(got) <= 1 + 1e-6).all()
        full |= set((got != 0).any(-1).sum(-1).ravel().tolist())
        drive(engine, rng, 12)
    assert len(full) > 5 and max(full) > 100


def test_more_road_users_than_rows_leave_out_the_furthest():
    engine = make_engine("junction", vehicles=0, pedestrians=0, drivers=2, spare=90)
    engine.reset([1])
    slots, rng = engine.model.slots, np.random.default_rng(3)
    slots.valid[0] = True
    slots.x[0, 2:], slots.y[0, 2:] = rng.uniform(-60, 60, (2, 90))
    slots.yaw[0, 2:], slots.length[0, 2:], slots.width[0, 2:] = rng.uniform(-3, 3, 90), 4.0, 2.0
    slots.x[0, 10:20] = slots.x[0, 9]  # the same place: then by slot
    slots.y[0, 10:20] = slots.y[0, 9]
    slots.z[0, 30] = 9.0
    observer = RichObserver(engine)
    for _ in range(3):
        got = observer.observe().reshape(1, 2, ROWS, RICH_COLUMNS)
        assert got == pytest.approx(reference(engine, observer.table), abs=3e-6)
        assert (got[:, :, 1:RICH_BODIES, 2] > 0).all()
        slots.x[0, 2:] += rng.uniform(-20, 20, 90)


# --- Vectors and plain code ---------------------------------------------------------------------------------------


@kernel
def _write(rows, ids, out, count, x, y, c, s, scale):
    write_rows(data_address(rows), data_address(ids), data_address(out), count, x, y, c, s, scale)


@pytest.mark.parametrize("count", [0, 1, 5, 7, 8, 9, 16, 23, 24])
def test_eight_rows_at_once_are_what_one_at_a_time_is(count):
    rng = np.random.default_rng(count)
    rows = rng.uniform(-500, 500, (40, 8)).astype(np.float32)
    ids = rng.integers(0, 40, 24).astype(np.uint16)
    out = np.full(7 * 24 + 8, np.nan, np.float32)
    x, y, yaw = np.float32(12.5), np.float32(-71.25), 0.7
    c, s, scale = np.float32(math.cos(yaw)), np.float32(math.sin(yaw)), np.float32(0.01)
    _write(rows, ids, out, count, x, y, c, s, scale)
    whole = -(-count // 8) * 8
    want = np.zeros((whole, 7), np.float32)
    for n in range(count):
        r = rows[ids[n]]
        want[n, 0], want[n, 1], want[n, 4], want[n, 5] = turn_row(r[0], r[1], r[4], r[5], x, y, c, s, scale)
        want[n, 2], want[n, 3], want[n, 6] = r[2], r[3], r[6]
    assert np.array_equal(out[: 7 * whole].reshape(-1, 7), want)
    assert np.isnan(out[7 * whole :]).all()


def test_the_plain_kernel_writes_the_same_bits(engine):
    fast, plain, rng = RichObserver(engine), RichObserver(engine), np.random.default_rng(5)
    for _ in range(10):
        drive(engine, rng, 10)
        fast.observe()
        observe_rich_plainly(engine.address, plain.address, 0, 3)
        assert np.array_equal(fast.out, plain.out) and np.array_equal(fast._written, plain._written)
    assert (fast.out != 0).mean() > 0.1


def test_levels_are_kept_apart():
    """Drivers on a hill of the map see what lies on their level alone."""
    engine = make_engine("ring", "junction", vehicles=0, pedestrians=0, drivers=4, worlds=2, map_id=[0, 1])
    engine.reset([1, 2])
    observer = RichObserver(engine)
    before = observer.observe().copy().reshape(2, 4, ROWS, RICH_COLUMNS)
    rows, cells = observer.table.rows.copy(), observer.table.cells.copy()
    rows[::3, 7] = 8.0
    cells["layered"] = 1
    for array in (rows, cells):
        array.flags.writeable = False
    table = observer.table._replace(rows=rows, cells=cells)
    layered = RichObserver(engine, table=table)
    got = layered.observe().copy().reshape(2, 4, ROWS, RICH_COLUMNS)
    assert got == pytest.approx(reference(engine, table), abs=3e-6)
    assert ((got != 0).any(-1).sum(-1) < (before != 0).any(-1).sum(-1)).all()
    engine.model.slots.z[0] = 8.0
    high = layered.observe().reshape(2, 4, ROWS, RICH_COLUMNS)
    assert high == pytest.approx(reference(engine, table), abs=3e-6)
    assert (high[1] == got[1]).all() and not (high[0] == got[0]).all()
    plain = RichObserver(engine, table=table)
    observe_rich_plainly(engine.address, plain.address, 0, 2)
    assert np.array_equal(plain.out, layered.out)
    assert LISTED >= RICH_ROADS


# --- Batches and buffers ------------------------------------------------------------------------------------------


def test_worlds_in_a_batch_are_as_alone():
    seeds, options = [7, 8, 9], {"vehicles": 8, "pedestrians": 4, "drivers": 4}
    batch = make_engine("junction", worlds=3, **options)
    batch.reset(seeds)
    observer = RichObserver(batch)
    singles = [make_engine("junction", worlds=1, spare=20, **options) for _ in seeds]
    for single, seed in zip(singles, seeds, strict=True):
        single.reset([seed])
    views = [RichObserver(single, table=observer.table) for single in singles]
    rng = np.random.default_rng(1)
    for _ in range(15):
        steer, accel = (rng.uniform(-0.2, 1.0, (3, 4)).astype(np.float32) for _ in range(2))
        batch.step(Control(steer * 0.2, accel))
        for n, single in enumerate(singles):
            single.step(Control(steer[n : n + 1] * 0.2, accel[n : n + 1]))
        together = observer.observe()
        for n, view in enumerate(views):
            assert np.array_equal(view.observe()[0], together[n])


def test_a_kept_buffer_is_as_one_that_is_written_in_full(engine):
    rng = np.random.default_rng(2)
    kept, junk = RichObserver(engine), np.full((2, 3, 5, RICH_FLOATS), 7.0, np.float32)
    full = RichObserver(engine, buffers=2, out=junk, table=kept.table)
    starts = [engine.store(b) for b in range(3)]
    for step in range(60):
        drive(engine, rng, 4)
        if step % 7 == 3:
            engine.model.judge.active[step % 3, step % 5] = False  # a driver is done
        if step % 11 == 10:
            engine.restore(step % 3, starts[step % 3])
        if step % 13 == 12:
            engine.model.slots.x[1, 2] += 5000.0  # far off the map: no rows at all
        full.forget(step % 2)
        assert np.array_equal(kept.observe(), full.observe(step % 2))
        full.out[step % 2] = 7.0
    assert (kept._written[0, :, 1] == 0).any() or not engine.model.judge.active.all()


def test_buffers_of_a_ring_do_not_touch_each_other(engine):
    ring, rng = RichObserver(engine, buffers=3), np.random.default_rng(4)
    one = RichObserver(engine, table=ring.table)
    held = []
    for n in range(9):
        drive(engine, rng, 5)
        held.append(one.observe().copy())
        ring.observe(n % 3)
        for back in range(min(n, 2) + 1):
            assert np.array_equal(ring.out[(n - back) % 3], held[n - back])


def test_a_driver_that_is_done_sees_zeros_and_one_off_the_map_no_road(engine):
    observer = RichObserver(engine)
    assert observer.observe().any(-1).all()
    engine.model.judge.active[1, 2] = False
    engine.model.slots.valid[2, 0] = False
    engine.model.slots.x[0, 1] = 1e6
    got = observer.observe()
    assert not got[1, 2].any() and not got[2, 0].any()
    assert not got[0, 1, RICH_COLUMNS * RICH_BODIES :].any() and got[0, 1, 1] > 0
    assert not got[0, 1, RICH_COLUMNS : RICH_COLUMNS * RICH_BODIES].any()
    engine.model.slots.x[0, 1] = np.nan
    assert not observer.observe()[0, 1, RICH_COLUMNS * RICH_BODIES :].any()


def test_the_route_point_is_20_m_ahead_and_flags_are_told(engine):
    observer, judge, routes = RichObserver(engine), engine.model.judge, engine.model.routes
    row = observer.observe()[0, 0, :RICH_COLUMNS]
    x, y, *_ = route_point(routes, 0, 0, judge.route_s[0, 0] + RICH_AHEAD)
    assert row[3:5] * POSITION == pytest.approx(to_ego(engine.model.slots, 0, 0, x, y), abs=1e-3)
    assert 5.0 < row[3] * POSITION < 20.5
    assert row[5] == row[6] == 0
    judge.contact[0, 0, 3], judge.off_road[0, 0] = 2.0, True
    judge.static_timer[0, 1] = 1.0
    routes.count[0, 1] = 0
    got = observer.observe()
    assert got[0, 0, 5] == got[0, 0, 6] == got[0, 1, 5] == 1
    assert (got[0, 1, 3:5] == 0).all() and got[0, 1, 6] == 0


def test_wrong_buffers_are_refused(engine):
    with pytest.raises(ValueError, match=r"expected \(buffers, worlds, drivers, 1848\) = \(1, 3, 5, 1848\)"):
        RichObserver(engine, out=np.zeros((3, 5, RICH_FLOATS), np.float32))
    with pytest.raises(ValueError, match="float64"):
        RichObserver(engine, out=np.zeros((1, 3, 5, RICH_FLOATS)))
    with pytest.raises(ValueError, match="0 buffers"):
        RichObserver(engine, buffers=0)
    observer = RichObserver(engine, buffers=2)
    with pytest.raises(ValueError, match="buffer 2 does not exist; allowed are 0 to 1"):
        observer.observe(2)
    assert observer.out.ctypes.data % 64 == 0 and observer.out.dtype == np.float32


def test_rows_are_1848_floats():
    assert RICH_FLOATS == 7 + 63 * 7 + 200 * 7 == 1848
    assert types.float32.bitwidth == 32
