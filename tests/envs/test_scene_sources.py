"""Observations of what drivers perceive: the same spaces and laws as those of the truth, and nobody else's eyes."""

import subprocess
import sys
from collections import Counter

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import tarmac  # noqa: F401  (registers)
from agents.pipeline import PipelineAgent
from envs.crowd import Crowd
from envs.cuda_batch import CudaBatch
from envs.drive import DriveEnv
from envs.options import make_config
from envs.vector import DriveVectorEnv
from tests.data import ROOT
from tests.envs.env_rig import SMALL, Singles, digest, reckless, same
from world.observation import STATE_SIZE

SEEN = SMALL | {"scene_source": "perception", "time_limit": 1.5}


@pytest.mark.parametrize("observation", ["vector", "lidar", "bev", "scene"])
@pytest.mark.filterwarnings("error")
def test_gymnasiums_checker_finds_nothing(observation):
    env, truth = DriveEnv(**SEEN, observation=observation), DriveEnv(**SMALL, observation=observation)
    assert env.observation_space == truth.observation_space
    check_env(env, skip_render_check=True)


def test_sb3s_checker_finds_nothing():
    checker = pytest.importorskip("stable_baselines3.common.env_checker", reason="needs the extra train")
    checker.check_env(DriveEnv(**SEEN))


@pytest.mark.parametrize("observation", ["rich"])
def test_what_nobody_perceives_is_refused(observation):
    with pytest.raises(ValueError, match="of the truth alone; with scene_source 'perception': vector, lidar"):
        make_config(**SEEN, observation=observation)


def test_an_unknown_source_is_refused():
    with pytest.raises(ValueError, match="did you mean perception"):
        gymnasium.make_vec("Tarmac/Drive-v0", num_envs=2, scene_source="percepton")


def test_a_device_has_no_eyes():
    class Batch:
        config = make_config(**SEEN)

    with pytest.raises(ValueError, match="scene_source"):
        CudaBatch(Batch(), None, 4)  # pyright: ignore[reportArgumentType]


def test_it_sees_what_is_there():
    """On the lane the perceived vector is near the true one: speed, place in the lane, the route's first points."""
    env, truth = DriveEnv(**SEEN), DriveEnv(**SMALL)
    for seed in range(3):
        seen, real = env.reset(seed=seed)[0], truth.reset(seed=seed)[0]
        for _ in range(10):
            seen, real = env.step([0.0, 0.4])[0], truth.step([0.0, 0.4])[0]
        assert env.batch.engine.state_hash[0] == truth.batch.engine.state_hash[0]
        assert not np.array_equal(seen, real)
        close = np.abs(seen[:STATE_SIZE] - real[:STATE_SIZE]) < 0.1
        assert close.mean() > 0.7


@pytest.mark.parametrize(("mode", "threads"), [("next_step", 1), ("same_step", 2)])
def test_a_batch_sees_what_single_environments_see(mode, threads):
    rng, seeds = np.random.default_rng(0), [5, 6, 7]
    envs = DriveVectorEnv(3, autoreset_mode=mode, threads=threads, **SEEN)
    seen, _ = envs.reset(seed=seeds)
    singles, ended = Singles(seeds, mode, **SEEN), 0
    assert all(same(seen[i], singles.seen[i]) for i in range(3))
    for _ in range(18):
        actions = reckless(rng, 3)
        seen, _, _, _, infos = envs.step(actions)
        for i, (one, _, _, _, _, last) in enumerate(singles.step(actions)):
            assert same(seen[i], one)
            if last is not None:
                ended += 1
                assert mode == "next_step" or same(infos["final_obs"][i], last)
    assert ended >= 3
    envs.close()


def test_a_masked_reset_leaves_the_others_as_they_are():
    envs, single = DriveVectorEnv(2, **SEEN), DriveEnv(**SEEN)
    envs.reset(seed=3)
    for _ in range(4):
        before = envs.step(np.float32([[0.0, 0.5]] * 2))[0]
    seen, _ = envs.reset(seed=[9, 9], options={"reset_mask": np.array([False, True])})
    assert same(seen[0], before[0]) and same(seen[1], single.reset(seed=9)[0])
    after = envs.step(np.float32([[0.0, 0.5]] * 2))[0]
    assert same(after[1], single.step(np.float32([0.0, 0.5]))[0])


def test_a_driver_that_comes_back_begins_to_see_anew(monkeypatch):
    """Two drivers a world: where one begins its route anew, the other has not looked twice, nor forgotten anything."""
    looks, begins = Counter(), Counter()
    see, reset = PipelineAgent.see, PipelineAgent.reset
    monkeypatch.setattr(PipelineAgent, "see", lambda self, frame: (looks.update([id(self)]), see(self, frame))[1])
    monkeypatch.setattr(PipelineAgent, "reset", lambda self, task: (begins.update([id(self)]), reset(self, task))[1])
    options = dict(drivers=2, autoreset_mode="same_step") | SEEN | {"time_limit": 6.0}
    envs, ends = DriveVectorEnv(2, **options), 0
    truth = DriveVectorEnv(2, **options | {"scene_source": "truth"})
    envs.reset(seed=1), truth.reset(seed=1)
    for _ in range(30):
        actions = np.float32([[0.0, 0.0], [0.7, 1.0]])
        seen, _, over, _, infos = envs.step(actions)
        real = truth.step(actions)[0]
        assert not over[0] and infos["active"].all()
        if over[1]:
            ends += 1
            assert np.abs(seen[1] - real[1])[:STATE_SIZE].mean() < 0.1, "it believes to be where it begins"
    assert ends >= 1
    assert sorted(begins.values()) == [1, 1 + ends] and sorted(looks.values()) == [31, 31 + ends]


def test_many_drivers_see():
    crowd = Crowd(drivers=2, lives=2, **SEEN)
    seen, _ = crowd.reset(0)
    while crowd.agents:
        seen = crowd.step({name: np.float32([0.7, 1.0]) for name in crowd.agents})[0]
        assert all(crowd.observation_space.contains(one) for one in seen.values())


_DRIVE = """
import numpy as np
from tests.envs.env_rig import digest, reckless
from tests.envs.test_scene_sources import SEEN
from envs.drive import DriveEnv
env, rng = DriveEnv(**SEEN), np.random.default_rng(3)
env.reset(seed=77)
print(*(digest(env.step(reckless(rng, 2)[1])[0]) for _ in range(8)))
"""


def test_same_seed_same_observations_in_another_process():
    done = subprocess.run([sys.executable, "-c", _DRIVE], cwd=ROOT, capture_output=True, text=True, check=True)
    env, rng = DriveEnv(**SEEN), np.random.default_rng(3)
    env.reset(seed=77)
    assert done.stdout.split() == [digest(env.step(reckless(rng, 2)[1])[0]) for _ in range(8)]


def test_who_looks_at_the_truth_loads_no_networks():
    code = """
import sys
from envs.drive import DriveEnv
DriveEnv(scenario="town02", vehicles=0, pedestrians=0).reset(seed=0)
assert not {"onnxruntime", "torch", "perception"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
