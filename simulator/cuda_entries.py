"""What runs on a CUDA device: kernels of one thread, and the Packs whose addresses they take.

The very functions over which the CPU loops. A thread is a world; where the work is one driver's or one slot's and
needs nothing that others of its world do meanwhile, thread i * B + b is that of slot i of world b, so that neighbouring
threads read and write neighbouring memory.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from simulator.device_kinds import DEVICE_MODEL, Way, device_kind
from simulator.hashing import hash_world
from simulator.judge_step import _judge_one
from simulator.observe_vector import observe_vector_one
from simulator.overlap import sort_world
from simulator.scene_fill import scene_world
from simulator.sensors import sense_world
from simulator.step import (
    decide_slot,
    life_world,
    lights_phase,
    lists_of_world,
    move_slot,
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
def decide_thread(t, model):
    """The decision of a slot."""
    worlds = model.state_hash.shape[0]
    b = t % worlds
    decide_slot(b, t // worlds, np.int64(model.tables.maps[model.worlds.map_id[b]].lane0), model)


@kernel
def move_thread(t, model):
    """The motion of a slot."""
    worlds = model.state_hash.shape[0]
    move_slot(t % worlds, t // worlds, model)


@kernel
def sort_phase(b, model):
    """The bodies of world b in order, for the judge."""
    sort_world(b, model.slots, model.broad)


@kernel
def judge_thread(t, model):
    """Judge a driver; the events of a world then lie in any order."""
    worlds, slots = model.state_hash.shape[0], model.slots
    b, k = t % worlds, t // worlds
    if model.judge.active[b, k] and slots.valid[b, k]:
        _judge_one(b, k, model.tables, slots, model.worlds, model.routes, model.judge, model.broad, model.limits)


@kernel
def vector_thread(t, model, output):
    """The vector of a driver."""
    worlds = model.state_hash.shape[0]
    observe_vector_one(t % worlds, t // worlds, model, output.out)


# The stages of a step, in order. Each as a kernel of its own takes fewer registers than all of them in one, and
# threads that went different ways come together again between them.
STAGES = ("lights", "lists", "decide", "move", "walkers", "life", "clock", "sort", "judge", "hash")
PER_SLOT, PER_DRIVER = ("decide", "move"), ("judge", "vector")  # entries whose threads are slots, drivers

_OF_MODEL: dict[str, Callable] = {
    "lights": lights_phase,
    "lists": lists_of_world,
    "decide": decide_thread,
    "move": move_thread,
    "walkers": walkers_phase,
    "life": life_world,
    "clock": clock_phase,
    "sort": sort_phase,
    "judge": judge_thread,
    "hash": hash_phase,
    "step": step_world,
    "reset": reset_world,
    "scene": scene_phase,
    "sense": sense_phase,
}
ENTRIES: dict[str, Entry] = {
    **{name: Entry(body, (DEVICE_MODEL,)) for name, body in _OF_MODEL.items()},
    "vector": Entry(vector_thread, (DEVICE_MODEL, DEVICE_OUTPUT)),
}
