"""Worlds on a device are the host's: the device's memory layout, kernels and launches, on a device that is the host.

What is left for a real one to differ in are the sine, the logarithm and their like.
"""

import numpy as np
import pytest

from envs.batch import DriveBatch
from envs.cuda_batch import CudaBatch
from envs.cuda_entries import ENTRIES, draw_worlds
from envs.options import make_config
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
