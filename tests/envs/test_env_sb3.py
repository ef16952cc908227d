"""The VecEnv of Stable-Baselines3: its contract, and that its algorithms run on it."""

import numpy as np
import pytest

pytest.importorskip("stable_baselines3", reason="needs the extra train")

from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize

from envs.drive import DriveEnv
from envs.sb3 import make_sb3_env
from tests.envs.env_rig import SMALL, Singles, pick, reckless, same


@pytest.mark.parametrize("observation", ["vector", "lidar", "bev"])
@pytest.mark.filterwarnings("error::UserWarning")
def test_sb3s_checker_finds_nothing(observation):
    check_env(DriveEnv(**SMALL, observation=observation))


def test_sb3s_checker_accepts_the_scene():
    with pytest.warns(UserWarning, match="image|unconventional"):  # it takes (lanes, points, 2) for a picture
        check_env(DriveEnv(**SMALL, observation="scene"))


@pytest.mark.parametrize("observation", ["vector", "scene"])
def test_it_drives_like_single_environments(observation):
    options = SMALL | {"observation": observation, "time_limit": 2.0}
    env, rng, ended, cut = make_sb3_env(4, **options), np.random.default_rng(0), 0, 0
    seeds = env.seed(5)
    assert len(set(seeds)) == 4
    seen = env.reset()
    assert [info["seed"] for info in env.reset_infos] == seeds
    singles = Singles(seeds, "same_step", **options)
    assert all(same(pick(seen, i), singles.seen[i]) for i in range(4))
    for _ in range(60):
        actions = reckless(rng, 4)
        seen, reward, done, infos = env.step(actions)
        assert reward.dtype == np.float32 and done.dtype == np.bool_ and len(infos) == 4
        for i, (one, value, terminated, truncated, info, last) in enumerate(singles.step(actions)):
            assert same(pick(seen, i), one) and reward[i] == np.float32(value)
            assert done[i] == (terminated or truncated)
            if last is None:
                assert infos[i] == {}
                continue
            assert same(infos[i]["terminal_observation"], last)
            assert infos[i]["TimeLimit.truncated"] == (truncated and not terminated)
            assert infos[i]["events"] == info["events"] and infos[i]["seed"] == info["seed"]
            assert infos[i]["is_success"] == ("completed" in info["events"])
            batch = singles.envs[i].batch
            assert infos[i]["episode"]["l"] > 0 and infos[i]["episode"]["t"] > 0 and batch.worlds == 1
            ended, cut = ended + terminated, cut + truncated
    assert ended > 3 and cut > 3
    env.close()


def test_returns_and_lengths_are_those_of_the_steps():
    env, rng, count = make_sb3_env(4, **SMALL), np.random.default_rng(1), 0
    env.seed(1)
    env.reset()
    total, steps = np.zeros(4), np.zeros(4, int)
    for _ in range(70):
        _, reward, done, infos = env.step(reckless(rng, 4))
        total, steps = total + reward, steps + 1
        for i in np.flatnonzero(done):
            assert infos[i]["episode"]["r"] == pytest.approx(total[i], abs=1e-4)
            assert infos[i]["episode"]["l"] == steps[i]
            total[i], steps[i], count = 0.0, 0, count + 1
    assert count > 8


def test_seeds_are_used_once_and_then_counted_on():
    env, other = make_sb3_env(2, **SMALL), make_sb3_env(2, **SMALL)
    env.seed(3), other.seed(3)
    assert same(env.reset(), other.reset())
    first = [info["seed"] for info in env.reset_infos]
    env.reset()
    assert [info["seed"] for info in env.reset_infos] == [s + 1 for s in first]


def test_one_object_answers_for_all_rows():
    env = make_sb3_env(3, **SMALL)
    assert env.get_attr("scenario") == ["town02"] * 3 and env.get_attr("render_mode", 1) == [None]
    assert env.env_is_wrapped(Monitor) == [True] * 3 and env.env_is_wrapped(VecNormalize, [0]) == [False]
    env.set_attr("note", 5)
    assert env.get_attr("note", [0, 2]) == [5, 5] and not env.has_attr("nothing")
    assert env.env_method("seed", 4, indices=[1]) == [env._seeds]
    with pytest.raises(ValueError, match="one batch"):
        env.set_attr("note", 6, indices=[0])
    with pytest.raises(ValueError, match="config is fixed"):
        env.set_attr("vehicles", 6)
    with pytest.raises(RuntimeError, match="reset"):
        env.step(np.zeros((3, 2)))
    env.reset()
    with pytest.raises(ValueError, match="row 1"):
        env.step(np.array([[0, 0], [np.nan, 0], [0, 0]]))
    with pytest.raises(ValueError, match="multiples of drivers"):
        make_sb3_env(3, **SMALL, drivers=2)


def test_ppo_learns_a_while_and_logs_returns():
    env = make_sb3_env(8, **SMALL)
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=128, n_epochs=2, seed=0, device="cpu").learn(2048)
    assert model.num_timesteps == 2048 and len(model.ep_info_buffer or ()) > 20
    assert model.logger.name_to_value is not None
    mean, spread = evaluate_policy(model, env, n_eval_episodes=8)
    assert np.isfinite([mean, spread]).all()


def test_other_algorithms_and_wrappers_run():
    PPO("MultiInputPolicy", make_sb3_env(4, **SMALL, observation="scene"), n_steps=16, batch_size=64, n_epochs=1,
        device="cpu").learn(64)  # fmt: skip
    DQN("MlpPolicy", make_sb3_env(4, **SMALL, action="meta"), learning_starts=20, device="cpu").learn(200)
    env = VecFrameStack(VecNormalize(make_sb3_env(4, **SMALL)), 2)
    PPO("MlpPolicy", env, n_steps=32, batch_size=64, n_epochs=1, device="cpu").learn(128)


def test_several_drivers_a_world_train_too():
    env = make_sb3_env(8, **SMALL, drivers=4)
    PPO("MlpPolicy", env, n_steps=64, batch_size=128, n_epochs=1, device="cpu").learn(512)
