"""What environments run on a CUDA device, besides what the engine does (`simulator.cuda_entries`)."""

from typing import NamedTuple

import numpy as np

from agents.actions import CHOICES, CONTINUOUS, JERK, META
from agents.encode_bev import BevView, encode_bev_one, make_history
from agents.encode_lidar import encode_lidar_one
from agents.scene_pack import SCENE_TYPE
from envs.act_step import act_world, forget_one, track_world
from envs.arrays import ENV_TYPE, env_at
from envs.outcome_step import outcome_world, rejoin_world
from simulator import cuda_entries, cuda_rich
from simulator.cuda_entries import Entry
from simulator.cuda_restore import DEVICE_RESTORE, restore_thread
from simulator.device_kinds import DEVICE_MODEL, Way, device_kind
from simulator.model import model_at
from world.kernel import kernel
from world.pack import Pack
from world.random import draw_index, draw_range

_ACTION = 800  # purpose of draws: 800-819 are this module's
_JERKS, _METAS = CHOICES["jerk"], CHOICES["meta"]


def env_way(path: str) -> Way:
    """Of the arrays of EnvArrays."""
    return Way.SHARED if path in ("weights", "speeds") else Way.WORLDS


DEVICE_ENV = device_kind(ENV_TYPE, env_way)


@kernel
def draw_world(b, model, env):
    """Random actions for the drivers of world b, a function of its seed and step."""
    seed, step = model.worlds.seed[b], model.worlds.step[b]
    for k in range(env.drivers):
        if env.action_kind == JERK:
            env.choice[b, k] = draw_index(seed, k, step, _ACTION, _JERKS)
        elif env.action_kind == META:
            env.choice[b, k] = draw_index(seed, k, step, _ACTION, _METAS)
        else:
            for n in range(2 if env.action_kind == CONTINUOUS else env.numbers.shape[2]):
                env.numbers[b, k, n] = draw_range(seed, k, step, _ACTION + n, -1.0, 1.0)


@kernel
def draw_worlds(address, env_address, first, last):
    """`draw_world` of the worlds first .. last - 1."""
    model, env = model_at(address), env_at(env_address)
    for b in range(first, last):
        draw_world(b, model, env)


@kernel
def over_thread(b, model, env, restore):
    """Note whether world b has come to its time limit, or its only driver's episode is over."""
    over = model.worlds.step[b] >= env.max_steps * env.every
    if env.drivers == 1:
        over = over or env.terminated[b, 0] or env.truncated[b, 0]
    restore.over[b] = np.int32(1) if over else np.int32(0)


@kernel
def begin_thread(b, model, env, restore):
    """The drivers of world b, which was brought back to its start, begin the episode of another seed."""
    if restore.over[b] != 0:
        model.worlds.seed[b] += np.uint64(restore.seeds)
        for k in range(env.drivers):
            forget_one(b, k, env)


class Lidar(NamedTuple):
    """What `encode_lidar` is told besides the Scene."""

    reach: np.float32  # [m]
    directions: np.ndarray  # float32 (R, 2)
    out: np.ndarray  # float32 (B, K, R + STATE_SIZE)


class Bev(NamedTuple):
    """What `encode_bev` is told besides the Scene and its History."""

    px_per_m: np.float32
    u0: np.float32
    v0: np.float32
    out: np.ndarray  # uint8 (B, K, C, H, W)


def scene_way(path: str) -> Way:
    """Of the arrays of a Scene or a History."""
    return Way.WORLDS


def codec_way(path: str) -> Way:
    """Of the arrays of a Lidar or a Bev."""
    return Way.SHARED if path == "directions" else Way.WORLDS


_ONE = np.float32(1.0)
_LIDAR = Pack(Lidar(_ONE, np.zeros((1, 2), np.float32), np.zeros((1, 1, 1), np.float32)))
_BEV = Pack(Bev(_ONE, _ONE, _ONE, np.zeros((1, 1, 1, 1, 1), np.uint8)))
DEVICE_SCENE = device_kind(SCENE_TYPE, scene_way)
DEVICE_LIDAR, DEVICE_BEV = (device_kind(pack._numba_type_, codec_way) for pack in (_LIDAR, _BEV))
DEVICE_HISTORY = device_kind(Pack(make_history(1, 1))._numba_type_, scene_way)


@kernel
def lidar_thread(t, scene, lidar):
    """The rays of a driver; thread k * B + b is driver k of world b."""
    worlds = scene.active.shape[0]
    encode_lidar_one(t % worlds, t // worlds, scene, lidar.reach, lidar.directions, lidar.out)


@kernel
def bev_thread(t, scene, history, bev):
    """The picture of a driver; thread k * B + b is driver k of world b."""
    worlds = scene.active.shape[0]
    view = BevView(bev.px_per_m, bev.u0, bev.v0)
    encode_bev_one(t % worlds, t // worlds, scene, history, view, bev.out)


_PER_WORLD = {"draw": draw_world, "act": act_world, "track": track_world, "outcome": outcome_world,
              "rejoin": rejoin_world}  # fmt: skip
ENTRIES: dict[str, Entry] = {
    **cuda_entries.ENTRIES,
    **cuda_rich.ENTRIES,
    **{name: Entry(body, (DEVICE_MODEL, DEVICE_ENV)) for name, body in _PER_WORLD.items()},
    "over": Entry(over_thread, (DEVICE_MODEL, DEVICE_ENV, DEVICE_RESTORE)),
    "restore": Entry(restore_thread, (DEVICE_RESTORE,)),
    "begin": Entry(begin_thread, (DEVICE_MODEL, DEVICE_ENV, DEVICE_RESTORE)),
    "lidar": Entry(lidar_thread, (DEVICE_SCENE, DEVICE_LIDAR)),
    "bev": Entry(bev_thread, (DEVICE_SCENE, DEVICE_HISTORY, DEVICE_BEV)),
}
