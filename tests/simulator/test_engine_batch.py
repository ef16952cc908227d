"""Batch laws of the engine: a world is a function of its seed, map and controls, whatever stands around it."""

import gc
import os
import signal
import subprocess
import sys
import tracemalloc
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from replay.record import RunRecorder
from simulator.engine import Engine
from tests.data import ROOT
from tests.simulator.engine_stage import assert_same, controls, drive, map_set, road_map, scenario, snapshot
from world.mapset import pack_maps
from world.records import Decision

SEEDS = [11, 12, 13, 14]
IDS = [0, 1, 1, 0]
TOWNS = ("town01", "town02")
BUSY = scenario(drivers=2, vehicles=40, pedestrians=20)
STEPS = 150


def both_towns(**more) -> Engine:
    return Engine(map_set(*TOWNS), BUSY, worlds=len(SEEDS), map_id=IDS, **more)


def town(**more) -> Engine:
    more = {"worlds": 1, **more}
    return Engine(map_set("town01"), more.pop("scenario", BUSY), **more)


@pytest.fixture(scope="module")
def batch():
    """(hashes, snapshots at the start, at the end) of four worlds on two maps."""
    with both_towns() as engine:
        engine.reset(SEEDS)
        start = [snapshot(engine, b) for b in range(len(SEEDS))]
        hashes = drive(engine, STEPS)
        return hashes, start, [snapshot(engine, b) for b in range(len(SEEDS))]


def test_the_worlds_of_the_batch_are_alive_and_differ(batch):
    hashes, start, end = batch
    assert len(np.unique(hashes)) == hashes.size
    for a, z in zip(start, end, strict=True):
        assert len(a["who"]) == 62 and set(np.unique(a["controller"])) == {0, 1}
        both = np.isin(a["who"], z["who"])
        moved = np.hypot(z["x"][: both.sum()] - a["x"][both], z["y"][: both.sum()] - a["y"][both])
        assert (moved > 1.0).mean() > 0.5


@pytest.mark.parametrize("b", range(len(SEEDS)))
def test_a_world_of_a_batch_equals_that_world_alone(batch, b):
    hashes, start, end = batch
    with Engine(map_set(TOWNS[IDS[b]]), BUSY) as engine:  # its own map alone, so that offsets into the set differ too
        engine.reset([SEEDS[b]])
        assert_same(snapshot(engine), start[b], "start")
        assert (drive(engine, STEPS)[:, 0] == hashes[:, b]).all()
        assert_same(snapshot(engine), end[b], "end")


def test_toy_and_town_in_one_set_equal_each_alone():
    maps, plan = [road_map("grid"), road_map("town02"), road_map("ring")], scenario(vehicles=6, pedestrians=4)
    with Engine(pack_maps(maps), plan, worlds=3, map_id=[2, 0, 1]) as engine:
        engine.reset([5, 6, 7])
        together = drive(engine, 100)
    for b, name in enumerate(("ring", "grid", "town02")):
        with Engine(map_set(name), plan) as engine:
            engine.reset([5 + b])
            assert (drive(engine, 100)[:, 0] == together[:, b]).all(), name


@pytest.mark.parametrize("spare", [0, 1, 40])
def test_spare_slots_change_nothing(batch, spare):
    hashes, _, end = batch
    with town(spare=spare) as engine:
        engine.reset(SEEDS[:1])
        assert (drive(engine, STEPS)[:, 0] == hashes[:, 0]).all()
        assert_same(snapshot(engine), end[0])


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_change_nothing(batch, threads):
    with both_towns(threads=threads) as engine:
        engine.reset(SEEDS)
        assert (drive(engine, STEPS) == batch[0]).all()


def test_several_engine_steps_a_control_step_are_single_steps_with_the_control_held():
    hashes = []
    for every in (1, 4):
        with town(scenario=replace(BUSY, control_every=every)) as engine:
            engine.reset([3])
            for _ in range(10):
                control = controls(engine)
                for _ in range(4 // every):
                    engine.step(control)
            assert engine.state.step[0] == 40
            hashes.append(int(engine.state_hash[0]))
    assert hashes[0] == hashes[1]


# --- Looking on changes nothing ------------------------------------------------------------------------------------


def test_scene_and_sensors_change_nothing(batch):
    with both_towns() as engine:
        engine.reset(SEEDS)

        def look():
            engine.scene()
            engine.sensors(("gnss", "imu", "odometry"))
            assert engine.task.vehicle.length.shape == (len(SEEDS), 2) and engine.privilege.routes is not None

        assert (drive(engine, STEPS, look) == batch[0]).all()


def test_recording_changes_nothing(batch, tmp_path):
    with town() as engine:
        engine.reset(SEEDS[:1])
        recorder, hashes = RunRecorder(tmp_path / "run.mcap"), []
        recorder.begin(engine, {})
        for _ in range(STEPS):
            control = controls(engine)
            recorder.tick(engine, Decision(control), engine.step(control))
            hashes.append(int(engine.state_hash[0]))
        recorder.finish({})
    assert hashes == batch[0][:, 0].tolist()


def test_scenes_of_a_batch_equal_those_of_worlds_alone():
    engines = [both_towns()] + [Engine(map_set(TOWNS[i]), BUSY) for i in IDS]
    for engine, seeds in zip(engines, [SEEDS] + [[s] for s in SEEDS], strict=True):
        engine.reset(seeds)
        drive(engine, 30)
    whole = engines[0].scene()
    for b, engine in enumerate(engines[1:]):
        _assert_equal(whole, engine.scene(), b, "scene")
    frames = [e.sensors(("gnss",)) for e in engines]
    for b in range(len(SEEDS)):
        _assert_equal(frames[0], frames[1 + b], b, "sensors")


def _assert_equal(batch, single, b, path):
    for field in fields(batch):
        a, s, name = getattr(batch, field.name), getattr(single, field.name), f"{path}.{field.name}"
        if is_dataclass(a):
            _assert_equal(a, s, b, name)
        elif isinstance(a, np.ndarray):
            assert np.array_equal(a[b], s[0], equal_nan=a.dtype.kind == "f"), name


# --- Processes -----------------------------------------------------------------------------------------------------

CHILD = """
from tests.simulator.test_engine_batch import SEEDS, STEPS, drive, town
engine = town()
engine.reset(SEEDS[:1])
print(int(drive(engine, STEPS)[-1, 0]))
"""


def test_another_process_gets_the_same_hash(batch):
    child = subprocess.run([sys.executable, "-c", CHILD], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert child.returncode == 0, child.stderr
    assert int(child.stdout) == int(batch[0][-1, 0])


def _in_fork(work) -> bytes:
    """What `work` returns in a forked child."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.write(write, work())
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        out = pipe.read()
    assert os.waitpid(pid, 0)[1] == 0
    return out


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_fork_goes_on_as_its_parent_does(batch, threads):
    with both_towns(threads=threads) as engine:
        engine.reset(SEEDS)
        drive(engine, 50)
        child = _in_fork(lambda: _within(60, lambda: drive(engine, STEPS - 50)[-1].tobytes()))
        assert child == batch[0][-1].tobytes()
        assert (drive(engine, STEPS - 50)[-1] == batch[0][-1]).all()


def _within(seconds: int, work) -> bytes:
    """End the (child) process if the work hangs."""
    signal.alarm(seconds)
    return work()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_an_engine_made_in_a_fork_is_the_same(batch):
    def work():
        engine = town()
        engine.reset(SEEDS[:1])
        return drive(engine, STEPS)[-1].tobytes()

    assert _in_fork(lambda: _within(60, work)) == batch[0][-1, :1].tobytes()


# --- Episodes ------------------------------------------------------------------------------------------------------


def test_episode_k_of_seed_s_is_episode_0_of_seed_s_plus_k():
    with town() as engine, town() as fresh:
        for k in range(3):
            engine.reset([20 + k])
            drive(engine, 40)
        fresh.reset([22])
        drive(fresh, 40)
        assert_same(snapshot(engine), snapshot(fresh))


def test_resetting_some_worlds_leaves_the_others_alone(batch):
    hashes = batch[0]
    with both_towns() as engine:
        engine.reset([1, 2, SEEDS[2], SEEDS[3]])
        assert (drive(engine, 30)[:, 2:] == hashes[:30, 2:]).all()
        other = snapshot(engine, 3)
        engine.reset([SEEDS[0], SEEDS[1], 99, 99], np.array([True, True, False, False]))
        assert_same(snapshot(engine, 3), other)
        assert engine.state.seed.tolist() == SEEDS and engine.state.step.tolist() == [0, 0, 30, 30]
        later = drive(engine, 60)
        assert (later[:, :2] == hashes[:60, :2]).all() and (later[:, 2:] == hashes[30:90, 2:]).all()


def test_a_reset_forgets_the_episode_before():
    """Walkers on crosswalks, lists and timers of the last episode are gone: what comes is as in a new engine."""
    crowd = scenario(drivers=1, vehicles=30, pedestrians=60)
    with town(scenario=crowd) as used, town(scenario=crowd) as new:
        used.reset([3])
        drive(used, 400)
        assert used.model.walkers.busy_count[0] > 0, "nobody walks over the road when the episode ends"
        for engine in (used, new):
            engine.reset([4])
        for group in ("walkers", "sensors", "worlds"):
            old, fresh = getattr(used.model, group), getattr(new.model, group)
            for name in old._fields:
                assert np.array_equal(getattr(old, name), getattr(fresh, name), equal_nan=True), f"{group}.{name}"
        for engine in (used, new):
            drive(engine, 100)
        assert used.state_hash[0] == new.state_hash[0]


def test_a_reset_forgets_friction_lights_bodies_and_weather(batch):
    with town() as engine:
        engine.reset([77])
        hooks = engine.hooks
        hooks.set_friction(0, 0.3)
        hooks.set_light(0, 0, 4)
        hooks.set_weather(0, rain=1.0)
        hooks.despawn(0, 5)
        hooks.set_target_speed(0, 6, 1.0)
        hooks.set_target_lane_offset(0, 7, 0.5)
        hooks.set_controller(0, 8, 2)
        hooks.set_target_path(0, 8, np.array([[0, 0], [50, 50]], np.float32))
        drive(engine, 20)
        engine.reset(SEEDS[:1])
        assert engine.take_hook_ops(0) == [] and hooks.weather == [{}]
        assert (drive(engine, STEPS)[:, 0] == batch[0][:, 0]).all()


def test_resetting_does_not_use_up_memory():
    """Neither Python's memory nor the engine's arrays grow, with hooks that hold paths."""
    with Engine(map_set("grid"), scenario(vehicles=10, pedestrians=5)) as engine:

        def episode(seed):
            engine.reset([seed])
            engine.hooks.set_controller(0, 0, 2)
            engine.hooks.set_target_path(0, 0, np.array([[0, 0], [50, 50]], np.float32))
            drive(engine, 2)

        for seed in range(20):
            episode(seed)
        paths = engine.model.traffic.path.shape
        tracemalloc.start()
        try:
            episode(0)
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for seed in range(300):
                episode(seed)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert engine.model.traffic.path.shape == paths
        assert grown < 50_000


def test_stepping_does_not_use_up_memory():
    with Engine(map_set("grid"), scenario(vehicles=10, pedestrians=5)) as engine:
        engine.reset([1])
        drive(engine, 50)
        addresses = [a.ctypes.data for a in engine.model.slots]
        drive(engine, 500)
        assert [a.ctypes.data for a in engine.model.slots] == addresses


# --- Arguments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"worlds": 0}, "worlds is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"spare": -1}, "spare is -1"),
        ({"map_id": [0, 0]}, "map_id has shape"),
        ({"map_id": [1]}, "allowed are 0 to 0"),
        ({"map_id": [-1]}, "allowed are 0 to 0"),
        ({"scenario": scenario(vehicles=-1)}, "vehicles is -1"),
        ({"scenario": scenario(dt=0.5)}, "dt 0.5"),
        ({"scenario": scenario(control_every=0)}, "control_every is 0"),
    ],
)
def test_wrong_arguments_are_named(wrong, words):
    with pytest.raises(ValueError, match=words.replace("[", "\\[")):
        Engine(map_set("grid"), **{"scenario": scenario(), **wrong})


def test_wrong_calls_are_named():
    with Engine(map_set("town01"), scenario(drivers=1), worlds=2) as engine:
        control = controls(engine)
        with pytest.raises(RuntimeError, match="world 0 was never reset"):
            engine.step(control)
        with pytest.raises(ValueError, match="got 1 seeds, expected one for each of 2"):
            engine.reset([1])
        with pytest.raises(ValueError, match="mask"):
            engine.reset([1, 2], np.ones(3, np.bool_))
        engine.reset([1, 2], np.array([True, False]))
        with pytest.raises(RuntimeError, match="world 1 was never reset"):
            engine.step(control)
        engine.reset([1, 2])
        with pytest.raises(ValueError, match=r"control.steer has shape \(2, 3\)"):
            engine.step(replace(control, steer=np.zeros((2, 3), np.float32)))
        bad = np.zeros((2, 1), np.float32)
        bad[1, 0] = np.nan
        with pytest.raises(ValueError, match=r"control.accel\[1, 0\] is nan"):
            engine.step(replace(control, accel=bad))
        with pytest.raises(ValueError, match="'sonar' is unknown"):
            engine.sensors(("sonar",))
        assert engine.state.step.tolist() == [0, 0]
