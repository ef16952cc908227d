"""Many learning drivers in one world, by PettingZoo's rules."""

import warnings

import numpy as np
import pytest

pytest.importorskip("pettingzoo", reason="needs the extra marl")

from pettingzoo.test import parallel_api_test, parallel_seed_test

from envs.multi_agent import DriveParallelEnv, parallel_env
from tests.envs.env_rig import SMALL, same

CROWD = dict(SMALL, drivers=4, time_limit=6.0)
OFF_ROAD = np.array([0.8, 1.0], np.float32)
CALM = np.array([0.0, 0.1], np.float32)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lives": 3},
        {"drivers": 1, "lives": 2},
        {"action": "meta", "lives": 2},
        {"observation": "scene"},
        {"observation": "bev", "lives": 3},
    ],
    ids=str,
)
def test_pettingzoos_checker(options):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", UserWarning)
        parallel_api_test(parallel_env(**CROWD | options), num_cycles=120)
    said = {str(w.message) for w in found if issubclass(w.category, UserWarning)}
    assert said <= {"No agents present but not all possible_agents are terminated or truncated"}  # lives left unused


def test_same_seed_same_episodes():
    parallel_seed_test(lambda: parallel_env(**CROWD, lives=3), num_cycles=60)


def test_who_ends_leaves_the_road_and_a_new_life_has_a_new_name():
    env = parallel_env(**CROWD | {"time_limit": 30.0}, lives=2)
    assert env.possible_agents == [f"driver_{n}" for n in range(8)]
    seen, infos = env.reset(seed=1)
    assert env.agents == [f"driver_{n}" for n in range(4)] and set(seen) == set(infos) == set(env.agents)
    slots, names = env.crowd.batch.engine.model.slots, set(env.agents)
    ends: dict[str, int] = {}
    for step in range(200):
        before = list(env.agents)
        seen, rewards, terminated, truncated, infos = env.step(
            {name: OFF_ROAD if name in ("driver_1", "driver_2") else CALM for name in before}
        )
        assert set(seen) == set(rewards) == set(terminated) == set(truncated) == set(infos)
        assert set(seen) == set(before) | set(env.agents)
        assert slots.valid[0, :4].sum() == len(env.agents)
        for name in before:
            if terminated[name] or truncated[name]:
                ends[name] = step
                assert name not in env.agents and infos[name]["events"] and np.abs(seen[name]).sum() > 0.1
        for name in set(env.agents) - set(before):
            assert name not in names and rewards[name] == 0.0 and not terminated[name]
            assert infos[name]["events"] == () and np.abs(seen[name]).sum() > 0.1
            assert f"driver_{int(name[7:]) - 4}" in ends
        names |= set(env.agents)
        if "driver_5" in env.agents and "driver_6" in env.agents:
            break
    assert {"driver_5", "driver_6"} <= set(env.agents) and {"driver_1", "driver_2"} <= set(ends)


def test_without_lives_the_road_empties_and_the_world_ends():
    env, steps = parallel_env(**CROWD | {"time_limit": 60.0}), 0
    env.reset(seed=2)
    while env.agents:
        terminated = env.step(dict.fromkeys(env.agents, OFF_ROAD))[2]
        steps += 1
    assert steps < 100 and any(terminated.values())
    assert not env.crowd.batch.engine.state.valid[0, :4].any()
    with pytest.raises(RuntimeError, match="reset"):
        env.step({})
    assert len(env.reset()[0]) == 4


def test_the_time_limit_cuts_everybody_off():
    env = parallel_env(**CROWD | {"time_limit": 1.0}, lives=3)
    env.reset(seed=2)
    for _ in range(10):
        assert env.agents
        _, _, terminated, truncated, _ = env.step(dict.fromkeys(env.agents, CALM))
    assert not env.agents and all(truncated.values()) and not any(terminated.values())


def test_the_others_do_not_wait_for_who_has_left():
    """A vehicle that stood across the road is no obstacle once its driver has gone: the follower passes the place."""
    env = parallel_env(**SMALL | {"time_limit": 40.0, "vehicles": 0, "pedestrians": 0}, drivers=2)
    env.reset(seed=3)
    batch = env.crowd.batch
    slots, events = batch.engine.model.slots, []
    ahead = 8.0  # driver 0 stands just before driver 1
    x, y, yaw = (float(getattr(slots, n)[0, 1]) for n in ("x", "y", "yaw"))
    batch.engine.hooks.teleport(0, 0, (x + ahead * np.cos(yaw), y + ahead * np.sin(yaw)), yaw)
    batch.active[0] = False
    batch.leave()
    env.crowd.agents = ["driver_1"]
    for _ in range(30):
        _, _, _, _, infos = env.step({"driver_1": np.array([0.0, 0.5], np.float32)})
        events += infos["driver_1"]["events"]
    moved = np.hypot(slots.x[0, 1] - x, slots.y[0, 1] - y)
    assert moved > ahead and "collision_vehicle" not in events


def test_actions_are_of_those_who_drive():
    env = parallel_env(**CROWD)
    env.reset(seed=0)
    actions = dict.fromkeys(env.agents, CALM)
    with pytest.raises(ValueError, match="'driver_2' is missing"):
        env.step({name: a for name, a in actions.items() if name != "driver_2"})
    with pytest.raises(ValueError, match="'driver_9': it does not drive"):
        env.step(actions | {"driver_9": CALM})
    with pytest.raises(ValueError, match=r"driver_1'?: got"):
        env.step(actions | {"driver_1": np.array([np.nan, 0.0])})
    with pytest.raises(ValueError, match=r"'driver_1': got .* expected"):
        env.step(actions | {"driver_1": np.zeros(3)})
    with pytest.raises(ValueError, match="lives: got 0"):
        DriveParallelEnv(lives=0)
    with pytest.raises(ValueError, match="did you mean vehicles"):
        parallel_env(vehicels=1)


def test_one_agent_sees_what_a_single_environment_shows():
    from envs.drive import DriveEnv

    crowd, single = parallel_env(**SMALL, drivers=1), DriveEnv(**SMALL)
    a, b = crowd.reset(seed=6), single.reset(seed=6)
    assert same(a[0]["driver_0"], b[0]) and a[1]["driver_0"] == b[1]
    while crowd.agents:
        many, one = crowd.step({"driver_0": CALM}), single.step(CALM)
        assert same(many[0]["driver_0"], one[0]) and tuple(m["driver_0"] for m in many[1:]) == one[1:]
    assert one[3]
