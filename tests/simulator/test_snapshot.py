"""Stored starts: a world that is brought back goes on bit for bit as it went on after the store."""

import resource
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator.engine import Engine
from tests.simulator.engine_stage import assert_same, controls, drive, map_set, scenario, snapshot
from world.kinds import BodyKind
from world.protocols import Director
from world.scenario import JudgeConfig

BUSY = scenario(drivers=2, vehicles=30, pedestrians=15)
SEEDS = [21, 22, 23]
STEPS = 200


def town(name="town01", plan=BUSY, worlds=3, **more) -> Engine:
    return Engine(map_set(name), plan, worlds=worlds, **more)


@pytest.fixture(scope="module")
def run():
    """An engine that was stored after 60 steps in world 0, and what came after: the start, hashes, the end."""
    with town() as engine:
        engine.reset(SEEDS)
        drive(engine, 60)
        engine.sensors(("gnss",))
        before = snapshot(engine)
        start = engine.store(0)
        assert_same(snapshot(engine), before, "store changes nothing")
        hashes = drive(engine, STEPS)[:, 0]
        yield engine, start, before, hashes, snapshot(engine), _seen(engine, 0)


def _seen(engine, b):
    """What the drivers of a world see and measure, the slow bias of their GNSS included."""
    return np.concatenate([engine.scene().objects.xy[b].ravel(), engine.sensors(("gnss",)).gnss_xy[b].ravel()])


def _check(engine, b, run):
    _, _, before, hashes, end, seen = run
    assert_same(snapshot(engine, b), before, "restored")
    assert (drive(engine, STEPS)[:, b] == hashes).all()
    assert_same(snapshot(engine, b), end, "end")
    assert np.array_equal(_seen(engine, b), seen)


@pytest.mark.parametrize("b", [0, 2])
def test_a_restored_world_goes_on_as_after_the_store(run, b):
    engine, start = run[:2]
    other = 1 - b // 2
    drive(engine, 17)
    untouched = snapshot(engine, other)
    engine.restore(b, start)
    assert_same(snapshot(engine, other), untouched, "the other world")
    _check(engine, b, run)


def test_another_engine_that_was_never_reset_takes_it(run):
    with town(worlds=1) as engine:
        engine.restore(0, run[1])
        _check(engine, 0, run)


def test_routes_tasks_and_judgement_come_back(run):
    engine, start = run[:2]
    with town(worlds=2) as other:
        other.reset([77, 78])
        other.restore(1, start)
        engine.restore(1, start)
        a, c = engine.task, other.task
        most = min(a.waypoint.shape[2], c.waypoint.shape[2])
        assert a.waypoint_valid[1].sum() == c.waypoint_valid[1].sum() > 2
        assert np.array_equal(a.waypoint[1, :, :most], c.waypoint[1, :, :most])
        assert np.array_equal(engine.model.judge.max_time[1], other.model.judge.max_time[1])
        count = int(engine.model.routes.count[1, 0])
        assert np.array_equal(engine.model.routes.x[1, 0, :count], other.model.routes.x[1, 0, :count]) and count > 200
        results = [e.step(controls(e)) for e in (engine, other)]
        assert np.array_equal(results[0].progress[1], results[1].progress[1])


def test_a_start_does_not_change_with_its_engine():
    with town(worlds=1) as engine:
        engine.reset([5])
        start = engine.store(0)
        hashes = drive(engine, 20)
        engine.reset([6])
        drive(engine, 20)
        for _ in range(2):
            engine.restore(0, start)
            assert (drive(engine, 20) == hashes).all()
        with pytest.raises(ValueError):
            start.data[:] = 0


def test_what_hooks_did_comes_back():
    """Friction, a held light, weather, and scripted bodies with paths of their own."""
    with town(plan=scenario(drivers=1, vehicles=5), worlds=2) as engine:
        engine.reset([3, 4])
        x, y = float(engine.state.x[0, 1]), float(engine.state.y[0, 1])
        for b, side in ((0, 1.0), (1, -1.0)):
            slot = engine.hooks.spawn(b, BodyKind.CAR, (x + 300.0, y + 300.0), 0.0, 2.0)
            path = np.array([[x + 300, y + 300], [x + 340, y + 300 + side * 30]], np.float32)
            engine.hooks.set_target_path(b, slot, path)
            engine.hooks.set_target_speed(b, slot, 4.0)
        engine.hooks.set_friction(0, 0.4)
        engine.hooks.set_light(0, 0, 2)
        engine.hooks.set_weather(0, rain=0.5)
        start, hashes = engine.store(0), drive(engine, 60)
        engine.restore(1, start)
        assert engine.hooks.weather[1] == {"rain": 0.5} and engine.take_hook_ops(1) == []
        engine.hooks.set_weather(1, rain=0.9)
        assert (drive(engine, 60)[:, 1] == hashes[:, 0]).all()
        engine.restore(0, start)
        assert engine.hooks.weather[0] == {"rain": 0.5}
        assert (drive(engine, 60)[:, 0] == hashes[:, 0]).all()
        assert len(engine.model.traffic.path_points) <= 8  # paths are given back


@pytest.mark.parametrize(
    "plan, named",
    [
        (replace(BUSY, vehicles=31), "vehicles 30 (here 31)"),
        (replace(BUSY, dt=0.1), "dt 0.05"),
        (replace(BUSY, judge=JudgeConfig(blocked_time=9.0)), "judge limits"),
    ],
)
def test_a_start_of_another_engine_is_refused(run, plan, named):
    with town(plan=plan, worlds=1) as engine, pytest.raises(ValueError, match="does not fit world 0") as said:
        engine.restore(0, run[1])
    assert named in str(said.value)


def test_a_start_of_another_map_is_refused(run):
    with town("town02", worlds=1) as engine, pytest.raises(ValueError, match="map set"):
        engine.restore(0, run[1])
    with Engine(map_set("town01", "town02"), scenario(vehicles=4), worlds=2, map_id=[0, 1]) as engine:
        engine.reset([1, 2])
        with pytest.raises(ValueError, match=r"map 0 \(here 1\)"):
            engine.restore(1, engine.store(0))


def test_worlds_that_do_not_exist_or_never_began_are_named(run):
    with pytest.raises(ValueError, match="world 3 does not exist; allowed are 0 to 2"):
        run[0].restore(3, run[1])
    with town(worlds=1) as engine, pytest.raises(ValueError, match="never reset"):
        engine.store(0)


def test_a_director_has_a_memory_of_its_own(run):
    class Silent(Director):
        def reset(self, world, hooks, state): ...

        def tick(self, world, hooks, state, time): ...

    with town(worlds=1, director=Silent()) as engine:
        engine.reset([1])
        with pytest.raises(ValueError, match="director"):
            engine.store(0)


def _resident() -> float:
    """[MiB] of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_flat_over_many_resets_and_restores():
    with town(plan=scenario(vehicles=20), worlds=1) as engine:
        engine.reset([1])
        start = engine.store(0)

        def cycle(count):
            for seed in range(count):
                engine.reset([seed])
                engine.restore(0, start)

        cycle(300)
        before = _resident()
        cycle(1500)
        assert _resident() - before < 4.0
