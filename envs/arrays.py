"""The arrays of a batch of environments, laid out for kernels. B worlds, K drivers a world."""

from typing import NamedTuple

import numpy as np

from agents.actions import ACTIONS, WAYPOINT_COUNT
from envs.events import ends_mask
from envs.options import MAX_LEVELS, EnvConfig
from envs.rewards import KINDS, TERMS, find_reward, weight_row
from world.pack import Pack, pack_reader

PATH_POINTS = 16
MAX_TERMS = max(map(len, TERMS.values()))
MAX_WEIGHTS = 16


class EnvArrays(NamedTuple):
    """(B, K) unless noted."""

    action_kind: int
    reward_kind: int
    ends: int  # bits of the events that end an episode
    max_steps: int  # actions an episode
    every: int  # engine steps an action
    drivers: int
    start_speed: np.float32  # [m/s] that drivers begin with at most
    levels: int  # speeds of the meta actions
    numbers: np.ndarray  # float32 (B, K, 8) continuous actions
    choice: np.ndarray  # int32 discrete actions
    accel: np.ndarray  # float32 [m/s^2] commanded, of jerk actions
    lateral: np.ndarray  # float32 [m/s^2]
    goal_speed: np.ndarray  # float32 [m/s] that paths are driven at
    level: np.ndarray  # int32 index of the meta action's speed, -1 not chosen yet
    goal_lane: np.ndarray  # int32 lane that a lane change leads to, -1 none
    side: np.ndarray  # int32 side of the lane change: 1 left, -1 right, 0 none
    path: np.ndarray  # float32 (B, K, PATH_POINTS, 2) [m] world frame
    path_count: np.ndarray  # int32
    before: np.ndarray  # float32 [m] progress before the action
    old_accel: np.ndarray  # float32 [m/s^2] at the last action
    alive: np.ndarray  # bool the driver took part in this action
    joins: np.ndarray  # bool the driver may begin anew when its episode is over
    steps: np.ndarray  # int32 actions in this episode
    total: np.ndarray  # float32 sum of rewards of this episode
    events: np.ndarray  # int64 bits of the events since the last action
    terms: np.ndarray  # float32 (B, K, MAX_TERMS)
    reward: np.ndarray  # float32
    terminated: np.ndarray  # bool
    truncated: np.ndarray  # bool
    weights: np.ndarray  # float32 (MAX_WEIGHTS,) of the reward
    speeds: np.ndarray  # float32 (MAX_LEVELS,) [m/s] of the meta actions


_BOOLS = ("alive", "joins", "terminated", "truncated")
_INTS = ("choice", "level", "goal_lane", "side", "path_count", "steps")


def make_arrays(config: EnvConfig, worlds: int) -> EnvArrays:
    """Arrays for B worlds of a checked config."""
    preset, weights = find_reward(config.reward)
    shape = (worlds, config.drivers)
    own: dict = {name: np.zeros(shape, np.bool_) for name in _BOOLS}
    own |= {name: np.zeros(shape, np.int32) for name in _INTS}
    own["numbers"] = np.zeros((*shape, 2 * WAYPOINT_COUNT), np.float32)
    own["path"] = np.zeros((*shape, PATH_POINTS, 2), np.float32)
    own["events"] = np.zeros(shape, np.int64)
    own["terms"] = np.zeros((*shape, MAX_TERMS), np.float32)
    row = weight_row(weights)
    own["weights"] = np.concatenate([row, np.zeros(MAX_WEIGHTS - len(row), np.float32)])
    speeds = np.array(config.meta_speeds, np.float32)
    own["speeds"] = np.concatenate([speeds, np.zeros(MAX_LEVELS - len(speeds), np.float32)])
    own |= dict(
        action_kind=ACTIONS[config.action],
        reward_kind=KINDS[preset],
        ends=ends_mask(config.ends),
        max_steps=max(round(config.time_limit / config.control_time), 1),
        every=config.action_every,
        drivers=config.drivers,
        start_speed=np.float32(config.start_speed),
        levels=len(config.meta_speeds),
    )
    for name in EnvArrays._fields:
        if name not in own:
            own[name] = np.zeros(shape, np.float32)
    return EnvArrays(**own)


ENV_TYPE = Pack(make_arrays(EnvConfig(), 1))._numba_type_
env_at = pack_reader(ENV_TYPE)
