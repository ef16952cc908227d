"""What runs on a CUDA device: kernels of one thread, and the Packs whose addresses they take.

The very functions over which the CPU loops. A thread is a world; of observations it is a driver, thread k * B + b
driver k of world b, so that neighbouring threads read and write neighbouring memory.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from simulator.device_kinds import DEVICE_MODEL, Way, device_kind
from simulator.hashing import hash_world
from simulator.observe_vector import observe_vector_one
from simulator.scene_fill import scene_world
from simulator.sensors import sense_world
from simulator.step import (
    decide_world,
    judge_phase,
    life_world,
    lights_phase,
    lists_of_world,
    move_world,
    reset_world,
    step_world,
    walkers_phase,
)
from world.kernel import kernel
from world.pack import Pack, PackType


class Entry(NamedTuple):
    """One kernel of the device."""

    body: Callable  # (thread, pack, ...)
    packs: tuple[PackType, ...]


class Output(NamedTuple):
    """Where observations go."""

    out: np.ndarray  # float32 (B, K, numbers)


def out_way(path: str) -> Way:
    """Of the array of an Output."""
    return Way.WORLDS


DEVICE_OUTPUT = device_kind(Pack(Output(np.zeros((1, 1, 1), np.float32)))._numba_type_, out_way)


@kernel
def hash_phase(b, model):
    """Mix the state of world b into its hash."""
    hash_world(b, model.tables, model.slots, model.worlds, model.bits, model.state_hash)


@kernel
def scene_phase(b, model):
    """Fill the true scenes of the drivers of world b."""
    scene_world(b, model.tables, model.slots, model.worlds, model.routes, model.judge, model.scene, model.dt)


@kernel
def sense_phase(b, model):
    """Fill what the sensors of the drivers of world b measure."""
    sense_world(b, model.slots, model.worlds, model.sensors, model.noise)


@kernel
def clock_phase(b, model):
    """World b is a step further."""
    model.worlds.step[b] += 1


@kernel
def vector_thread(t, model, output):
    """The vector of a driver."""
    worlds = model.state_hash.shape[0]
    observe_vector_one(t % worlds, t // worlds, model, output.out)


# The stages of a step, in order. Each as a kernel of its own takes fewer registers than all of them in one, and
# threads that went different ways come together again between them.
STAGES = ("lights", "lists", "decide", "move", "walkers", "life", "clock", "judge", "hash")

_OVER_WORLDS: dict[str, Callable] = {
    "lights": lights_phase,
    "lists": lists_of_world,
    "decide": decide_world,
    "move": move_world,
    "walkers": walkers_phase,
    "life": life_world,
    "clock": clock_phase,
    "judge": judge_phase,
    "hash": hash_phase,
    "step": step_world,
    "reset": reset_world,
    "scene": scene_phase,
    "sense": sense_phase,
}
ENTRIES: dict[str, Entry] = {
    **{name: Entry(body, (DEVICE_MODEL,)) for name, body in _OVER_WORLDS.items()},
    "vector": Entry(vector_thread, (DEVICE_MODEL, DEVICE_OUTPUT)),
}
