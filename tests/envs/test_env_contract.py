"""Environments as Gymnasium wants them: its checker, spaces, seeds, rewards that add up, errors that help."""

import pickle
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import tarmac  # noqa: F401  (registers)
from agents.actions import ACTIONS
from envs.drive import DriveEnv
from envs.observations import OBSERVATIONS
from envs.options import make_config
from envs.registration import ENVIRONMENTS
from envs.rewards import REWARDS, TERMS
from tests.data import ROOT
from tests.envs.env_rig import SMALL, digest, reckless, same


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.filterwarnings("error")
def test_gymnasiums_checker_finds_nothing(name):
    env = gymnasium.make(name, maps=2)
    check_env(env.unwrapped, skip_render_check=True)
    env.close()


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.filterwarnings("error")
def test_gymnasiums_checker_finds_nothing_in_any_observation(observation):
    check_env(DriveEnv(**SMALL, observation=observation), skip_render_check=True)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.filterwarnings("error")
def test_gymnasiums_checker_finds_nothing_in_any_action(action):
    check_env(DriveEnv(**SMALL, action=action), skip_render_check=True)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_observations_and_actions_stay_inside_their_spaces(name):
    for observation in OBSERVATIONS:
        env = gymnasium.make_vec(name, num_envs=2, maps=2, observation=observation, autoreset_mode="same_step")
        env.action_space.seed(5)
        seen, _ = env.reset(seed=11)
        for step in range(60):
            assert env.observation_space.contains(seen), (observation, step)
            seen, reward, _, _, _ = env.step(env.action_space.sample())
            assert np.isfinite(reward).all()
        env.close()


REWARDED = {
    "carl": dict(SMALL, time_limit=8.0, start_speed=20.0, vehicles=30),
    "highway": dict(preset="highway", action="continuous", dt=0.1),
    "sparse": dict(SMALL),
}


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("action_every", [1, 3])
def test_the_terms_sum_to_the_reward(reward, action_every):
    env = DriveEnv(**REWARDED[reward] | {"reward": reward, "action_every": action_every})
    rng, names = np.random.default_rng(0), TERMS[reward]
    seen = np.zeros(len(names))
    for seed in range(12):
        env.reset(seed=seed)
        total, done = 0.0, False
        while not done:
            steer = 0.7 if seed == 0 else rng.uniform(-0.01, 0.01)
            _, value, terminated, truncated, info = env.step(np.float32([steer, 1.0]))
            assert tuple(info["terms"]) == names
            assert value == pytest.approx(sum(info["terms"].values()), abs=1e-6)
            seen += np.abs(list(info["terms"].values()))
            total, done = total + value, terminated or truncated
        assert env.batch.episode_return[0] == pytest.approx(total, abs=1e-4)
    silent = {name for name, value in zip(names, seen, strict=True) if value == 0.0}
    assert silent <= {"arrival"}, f"terms that nothing brought about: {silent}"


def test_episode_k_of_a_seed_is_the_first_of_the_kth_seed_after():
    going, fresh, rng = DriveEnv(**SMALL), DriveEnv(**SMALL), np.random.default_rng(1)
    seen, _ = going.reset(seed=40)
    for k in range(4):
        other, info = fresh.reset(seed=40 + k)
        assert info["seed"] == 40 + k and same(seen, other)
        done = False
        while not done:
            action = reckless(rng, 2)[k % 2]
            a, b = going.step(action), fresh.step(action)
            assert same(a[0], b[0]) and a[1:] == b[1:]
            assert going.batch.engine.state_hash[0] == fresh.batch.engine.state_hash[0]
            done = a[2] or a[3]
        seen, _ = going.reset()


def test_a_reset_tells_nothing_of_the_episode_before():
    env = DriveEnv(**SMALL)
    first = env.reset(seed=2)[1]
    done = False
    while not done:
        _, _, terminated, truncated, info = env.step(np.array([0.7, 1.0], np.float32))
        done = terminated or truncated
    assert info["events"]
    assert env.reset(seed=2)[1] == first and first["events"] == () and not any(first["terms"].values())


_DRIVE = """
import numpy as np
from tests.envs.env_rig import SMALL, digest, reckless
from envs.drive import DriveEnv
env, rng = DriveEnv(**SMALL, observation={observation!r}), np.random.default_rng(3)
env.reset(seed=77)
for _ in range(20):
    seen, _, terminated, truncated, _ = env.step(reckless(rng, 2)[1])
print(int(env.batch.engine.state_hash[0]), digest(seen))
"""


@pytest.mark.parametrize("observation", ["vector", "scene"])
def test_same_seed_same_states_in_another_process(observation):
    code = _DRIVE.format(observation=observation)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    env, rng = DriveEnv(**SMALL, observation=observation), np.random.default_rng(3)
    env.reset(seed=77)
    for _ in range(20):
        seen = env.step(reckless(rng, 2)[1])[0]
    assert done.stdout.split() == [str(int(env.batch.engine.state_hash[0])), digest(seen)]


def test_the_last_observation_is_what_the_driver_saw():
    env = DriveEnv(**SMALL)
    env.reset(seed=0)
    before, done = None, False
    while not done:
        seen, _, terminated, truncated, _ = env.step(np.array([0.0, 0.3], np.float32))
        done = terminated or truncated
        if not done:
            before = seen
    assert truncated and np.abs(seen).sum() > 1.0
    assert np.abs(seen - before).mean() < 0.05  # a tenth of a second on


@pytest.mark.parametrize(
    ("action", "bad", "words"),
    [
        ("continuous", [np.nan, 0.0], "finite"),
        ("continuous", [np.inf, 0.0], "finite"),
        ("continuous", [0.0, 0.0, 0.0], r"shape \(1, 3\), expected \(1, 2\)"),
        ("continuous", 0.5, "shape"),
        ("waypoints", [0.0] * 7, r"expected \(1, 8\)"),
        ("meta", 5, "got 5, allowed are 0 to 4"),
        ("meta", -1, "got -1"),
        ("meta", 1.0, "whole numbers"),
        ("jerk", 12, "allowed are 0 to 11"),
        ("jerk", [1, 2], "whole numbers of shape"),
    ],
)
def test_bad_actions_are_refused_and_change_nothing(action, bad, words):
    env = DriveEnv(**SMALL, action=action)
    env.reset(seed=0)
    state = int(env.batch.engine.state_hash[0])
    with pytest.raises(ValueError, match=words):
        env.step(bad)
    assert env.batch.engine.state_hash[0] == state and env.batch.engine.state.step[0] == 0
    env.step(env.action_space.sample())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vehicels": 3}, "did you mean vehicles"),
        ({"preset": "highwy"}, "did you mean highway"),
        ({"scenario": "twn02"}, "did you mean town02"),
        ({"observation": "lidr"}, "did you mean lidar"),
        ({"action": "continuos"}, "did you mean continuous"),
        ({"reward": "calr"}, "did you mean carl"),
        ({"reward": {"preset": "carl", "comfrt": 1.0}}, "did you mean comfort"),
        ({"reward": {"progress": float("nan")}}, "finite"),
        ({"ends": ("colision",)}, "did you mean collision"),
        ({"drivers": 0}, "got 0, allowed are whole numbers from 1"),
        ({"drivers": 2.0}, "whole numbers"),
        ({"dt": 1.0}, "0.01 to 0.2"),
        ({"time_limit": float("nan")}, "time_limit"),
        ({"vehicles": True}, "vehicles"),
        ({"meta_speeds": (3.0, 2.0)}, "rising"),
        ({"scene_source": "truht"}, "did you mean truth"),
    ],
)
def test_bad_options_say_what_is_allowed(options, words):
    preset = options.pop("preset", "default")
    with pytest.raises(ValueError, match=words):
        make_config(preset, **options)
    with pytest.raises(ValueError, match=words):
        gymnasium.make_vec("Tarmac/Drive-v0", num_envs=2, preset=preset, **options)
    options["preset"] = preset


def test_misuse_says_what_to_do():
    env = DriveEnv(**SMALL)
    with pytest.raises(RuntimeError, match="reset"):
        env.step(np.zeros(2))
    with pytest.raises(ValueError, match="reset option 'x'"):
        env.reset(options={"x": 1})
    with pytest.raises(ValueError, match="drivers: got 3"):
        DriveEnv(**SMALL, drivers=3)
    with pytest.raises(ValueError, match="did you mean rgb_array"):
        DriveEnv(**SMALL, render_mode="rgb_aray")


def test_on_the_highway_who_drives_slowest_stays_on_the_road():
    """No driver begins where it leads off the motorway into a bend that its slowest speed does not take."""
    envs = gymnasium.make_vec("Tarmac/Highway-v0", num_envs=64, vehicles=0, copy=False)
    envs.reset(seed=0)
    for _ in range(29):
        _, _, terminations, _, infos = envs.step(np.full(64, 4))
        assert not terminations.any(), infos["events"][terminations]
    envs.close()


def test_speeds_that_no_route_allows_are_refused():
    env = gymnasium.make("Tarmac/Town02-v0", action="meta", meta_speeds=(30.0, 35.0), vehicles=0, pedestrians=0)
    with pytest.raises(ValueError, match="30 m/s"):
        env.reset(seed=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ends": "collision"}, "expected a tuple"),
        ({"ends": None}, "expected a tuple"),
        ({"ends": ("completed",)}, "always ends"),
        ({"reward": 5}, "expected a preset"),
    ],
)
def test_options_of_another_kind_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        gymnasium.make("Tarmac/Town02-v0", **options)


def test_an_environment_is_not_pickled_by_halves():
    env = gymnasium.make("Tarmac/Town02-v0", vehicles=0, pedestrians=0)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(env.unwrapped)


def test_a_path_names_a_map():
    from scenarios.registry import MAPS

    env = gymnasium.make("Tarmac/Drive-v0", scenario=MAPS / "town02.xodr", vehicles=0, pedestrians=0)
    assert env.reset(seed=0)[0].shape == env.observation_space.shape
