"""Worlds on a device are the host's: the device's memory layout, kernels and launches, on a device that is the host.

What is left for a real one to differ in are the sine, the logarithm and their like.
"""

import numpy as np
import pytest

from benchmarks import cuda_worker
from benchmarks.cuda_check import run_check
from envs.batch import DriveBatch
from envs.cuda_batch import CudaBatch
from envs.cuda_entries import ENTRIES, draw_worlds
from envs.options import make_config
from simulator.observe_rich import RICH_FLOATS
from simulator.rich_observer import RichObserver
from tests.host_device import HostDevice

pytestmark = pytest.mark.slow  # kernels for worlds innermost are compiled anew
STATE = ("x", "y", "yaw", "speed", "vx", "lane", "lane_s", "valid", "generation", "controller", "route_lane")


@pytest.fixture(scope="module")
def device():
    return HostDevice(ENTRIES)


def make(seeds, **changes) -> DriveBatch:
    options = {"observation": "vector", "vehicles": 5, "pedestrians": 3, "drivers": 3, "starts": 3, "start_speed": 12.0}
    batch = DriveBatch(make_config("puffer", **options | changes), len(seeds))
    batch.reset(seeds)
    return batch


def drive(batch: DriveBatch, steps: int) -> None:
    for _ in range(steps):
        batch.rejoin()
        draw_worlds(batch.engine.address, batch._pack.address, 0, batch.worlds)
        batch.step()
        batch.observe()


def assert_same(device: CudaBatch, batch: DriveBatch, worlds: slice) -> None:
    model = batch.engine.model
    assert (device.model.read("state_hash")[worlds] == model.state_hash).all()
    assert (device.model.read("worlds.seed")[worlds] == model.worlds.seed).all()
    for name in STATE:
        np.testing.assert_array_equal(device.model.read(f"slots.{name}")[worlds], getattr(model.slots, name), name)
    for name in ("reward", "terms", "terminated", "truncated", "events", "total", "steps"):
        np.testing.assert_array_equal(device.env.read(name)[worlds], getattr(batch._arrays, name), name)
    seen = device.observations()[worlds].reshape(batch.rows, -1)
    np.testing.assert_array_equal(seen, batch.observer.value(False))


def test_each_world_is_that_of_its_seed_bit_for_bit(device):
    seeds = [0, 1, 2]
    first, second = make(seeds), make([3, 4, 5])
    worlds = CudaBatch(first, device, 6)
    for _ in range(60):
        worlds.step(draw=True)
    drive(first, 60)
    drive(second, 60)
    assert_same(worlds, first, slice(0, 3))
    assert_same(worlds, second, slice(3, 6))
    assert (first.engine.model.slots.generation[:, :3] > 1).any()  # somebody was over and began anew
    worlds.close()


def test_the_rich_observation_is_the_hosts_bit_for_bit(device):
    host = make([0, 1, 2])
    worlds, observer = CudaBatch(host, device, 6, "rich"), RichObserver(host.engine)
    for _ in range(30):
        worlds.step(draw=True)
        drive(host, 1)
    seen = worlds.observations()
    assert seen.shape == (6, 3, RICH_FLOATS)
    np.testing.assert_array_equal(seen[:3], observer.observe())
    assert not np.array_equal(seen[3:], seen[:3])
    host.engine.model.judge.active[0, 1] = False
    worlds.model.write("judge.active", np.resize(host.engine.model.judge.active, (6, 3)))
    for launch in worlds.launches()[-4:]:
        device.launch(*launch)
    np.testing.assert_array_equal(worlds.observations()[:3], observer.observe())
    assert not worlds.observations()[0, 1].any()
    worlds.close()


def test_worlds_at_their_time_limit_begin_anew_with_another_seed(device):
    host = make([0, 1, 2], time_limit=0.5)
    worlds = CudaBatch(host, device, 6)
    for _ in range(8):  # five steps, then three of the next episode
        worlds.step(draw=True)
    again = make([6, 7, 8])
    drive(again, 3)
    assert_same(worlds, again, slice(0, 3))
    assert (worlds.model.read("worlds.step") == 3).all()
    worlds.close()


def test_the_benchmark_measures_and_finds_no_difference(device, monkeypatch):
    monkeypatch.setattr(cuda_worker, "LEAST", 2)
    monkeypatch.setattr(cuda_worker, "SECONDS", 0.0)
    monkeypatch.setattr(cuda_worker, "WARM_UP", 1)
    found = cuda_worker.measure("compact", cuda_worker.make_batch("compact"), device, 128)
    assert found["agents"] == 128 * 14 and found["finite"] and 0.5 < found["active_agents"] <= 1.0
    assert sum(found["kernel_shares"].values()) == pytest.approx(1.0)
    assert found["agent_steps_per_s"] == pytest.approx(14 * found["env_steps_per_s"])
    host = cuda_worker.make_batch("compact", 4)
    check = run_check(host, CudaBatch(host, device, 4), cuda_worker.PROFILES["compact"].look(host), (1, 5))
    assert check["agrees"] and list(check["after"]) == ["1", "5"]
    last = check["after"]["5"]
    assert last["worlds_of_the_same_hash"] == 1.0 and last["x"]["largest"] == 0.0
    assert last["observation"]["share_over_0.001"] == 0.0
