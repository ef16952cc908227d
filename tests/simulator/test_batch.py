"""Batch laws: a world unfolds the same whatever surrounds it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.simulator.engine_rig import drive, make_engine, run_hash
from world.records import WorldState

ROOT = Path(__file__).resolve().parents[2]
FIELDS = [n for n in WorldState.__dataclass_fields__ if n not in ("map_id", "seed", "step")]


def snapshot(engine, b: int) -> dict[str, np.ndarray]:
    return {name: getattr(engine.state, name)[b].copy() for name in FIELDS}


@pytest.mark.parametrize("threads", [1, 2])
def test_three_worlds_equal_three_single_runs_bit_for_bit(threads):
    with make_engine("grid", worlds=3, threads=threads) as batch:
        batch.reset([3, 4, 5])
        together = drive(batch, 80)
        for b, seed in enumerate((3, 4, 5)):
            with make_engine("grid") as single:
                single.reset([seed])
                assert drive(single, 80) == [together[b]]
                alone = snapshot(single, 0)
            for name, values in snapshot(batch, b).items():
                assert np.array_equal(values, alone[name]), name


def test_worlds_on_different_maps_equal_single_runs_on_those_maps():
    names = ("junction/lights", "grid", "junction/stop")
    with make_engine(*names, worlds=3, map_id=[2, 1, 0]) as batch:
        batch.reset([7, 7, 8])
        together = drive(batch, 60)
    for b, (name, seed) in enumerate((("junction/stop", 7), ("grid", 7), ("junction/lights", 8))):
        with make_engine(name) as single:
            single.reset([seed])
            assert drive(single, 60) == [together[b]]


def test_spare_slots_change_nothing():
    assert run_hash(spare=0) == run_hash(spare=25)


def test_looking_changes_nothing():
    plain = run_hash()
    with make_engine("grid") as engine:
        engine.reset([5])
        for _ in range(60):
            engine.scene()
            engine.sensors(("gnss", "imu", "odometry"))
            looked = drive(engine, 1)
    assert looked == [plain]


def test_another_process_reaches_the_same_hash():
    code = "from tests.simulator.engine_rig import run_hash; print(run_hash())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == run_hash()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_reaches_the_same_hash():
    expected = run_hash(threads=2)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, str(run_hash(threads=2)).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        found = pipe.read()
    os.waitpid(child, 0)
    assert found == str(expected)


def test_episodes_of_a_seed_follow_each_other():
    """Whatever ran before in a world, a reset with seed S + k gives what a new engine gives for it."""
    with make_engine("grid") as engine:
        for seed in (5, 6, 7):
            engine.reset([seed])
            assert drive(engine, 40) == [run_hash(seed, 40)]


def test_a_masked_reset_leaves_the_other_worlds_alone():
    with make_engine("grid", worlds=2) as engine, make_engine("grid", worlds=2) as other:
        for one in (engine, other):
            one.reset([1, 2])
            drive(one, 30)
        before = snapshot(engine, 1)
        engine.reset([9, 99], mask=np.array([True, False]))
        assert all(np.array_equal(before[n], v) for n, v in snapshot(engine, 1).items())
        assert drive(engine, 30)[1] == drive(other, 30)[1]
        assert engine.state.step.tolist() == [30, 60]


def test_seeds_differ():
    assert len({run_hash(seed, 5) for seed in range(6)}) == 6


def test_memory_stays_flat_over_resets():
    resource = pytest.importorskip("resource")
    with make_engine("grid", worlds=2) as engine:

        def use(times: int) -> int:
            for seed in range(times):
                engine.reset([seed, seed + 1])
                drive(engine, 2)
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        before = use(40)
        assert use(150) - before < 4096  # KiB
