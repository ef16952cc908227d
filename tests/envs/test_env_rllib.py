"""RLlib's env runners (new API stack) sample from our environments."""

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="needs the extra ray")

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

from envs.rllib import CROWD, SINGLE, DriveMultiAgentEnv, RLlibVectorEnv, register_rllib
from envs.vector import DriveVectorEnv
from tests.envs.env_rig import SMALL, same

pytestmark = pytest.mark.ray
OPTIONS = SMALL | {"time_limit": 2.0}


def _config(name, **options):
    register_rllib()
    return PPOConfig().environment(name, env_config=options).debugging(seed=3)


@pytest.mark.parametrize("mode", ["vector_entry_point", "sync"])
def test_the_single_agent_runner_samples(mode):
    config = _config(SINGLE, **OPTIONS).env_runners(
        num_env_runners=0, num_envs_per_env_runner=4, gym_env_vectorize_mode=mode
    )
    runner = SingleAgentEnvRunner(config=config)
    assert isinstance(runner.env.unwrapped, RLlibVectorEnv) == (mode == "vector_entry_point")
    episodes = runner.sample(num_timesteps=160)
    assert sum(len(e) for e in episodes) >= 160
    whole = [e for e in episodes if e.is_done]
    assert len(whole) >= 4 and all(len(e) <= 20 for e in whole)
    seeds = {e.get_infos(-1)["seed"] for e in whole}
    assert len(seeds) == len(whole)
    for e in whole:
        assert np.abs(e.get_observations(-1)).sum() > 0.1
        assert e.get_return() == pytest.approx(sum(e.get_rewards()), abs=1e-4)
    assert len(runner.sample(num_episodes=5)) >= 5
    runner.stop()


def test_a_runners_seed_is_spread_over_its_worlds():
    env, plain = RLlibVectorEnv(3, **OPTIONS), DriveVectorEnv(3, **OPTIONS)
    seen, infos = env.reset(seed=5)
    other, _ = plain.reset(seed=infos["seed"].tolist())
    assert same(seen, other) and np.diff(np.sort(infos["seed"])).min() > 1000


def test_the_multi_agent_runner_samples_and_lives_have_names():
    config = _config(CROWD, **OPTIONS | {"time_limit": 5.0, "start_speed": 12.0}, drivers=4, lives=3)
    config = config.multi_agent(policies={"shared"}, policy_mapping_fn=lambda agent, episode, **_: "shared")
    config = config.env_runners(num_env_runners=0, num_envs_per_env_runner=1)
    runner = MultiAgentEnvRunner(config=config)
    episodes = runner.sample(num_episodes=3, random_actions=True)
    assert len(episodes) == 3
    names = set()
    for e in episodes:
        assert e.is_done
        names |= set(e.agent_ids)
        for agent in e.agent_episodes.values():
            assert agent.is_done and len(agent) >= 1
    assert names > {f"driver_{n}" for n in range(4)}
    runner.stop()


def test_everybody_is_told_when_the_world_is_over():
    env = DriveMultiAgentEnv(OPTIONS | {"drivers": 2, "lives": 2})
    assert env.possible_agents == [f"driver_{n}" for n in range(4)] and len(env.action_spaces) == 4
    env.reset(seed=1)
    while True:
        acted = list(env.agents)
        seen, rewards, ended, cut, _ = env.step(dict.fromkeys(acted, np.array([0.8, 1.0], np.float32)))
        assert set(rewards) == set(acted) and set(env.agents) <= set(seen)
        if ended["__all__"] or cut["__all__"]:
            break
        assert env.agents
    assert not env.agents
