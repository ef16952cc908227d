"""The compiled calls that Python makes. Each takes the address of a Model and plain numbers, so that a call is cheap.

All of them have one signature each and are compiled together, see `simulator.warmup`.
"""

import numpy as np

from simulator.fleet import draw_driver, set_body
from simulator.judge import reset_judge_one
from simulator.model import model_at
from simulator.occupancy import clear_lists
from simulator.overlap import is_free
from simulator.scene_fill import scene_world
from simulator.sensors import reset_sensors_one, sense_world
from simulator.spawn import empty_slot, finish_spawn
from simulator.step import reset_world, step_world
from simulator.way import enter_way
from world.kernel import kernel
from world.queries import DRIVABLE_MASK, nearest_lane

_ONE, _ZERO = np.float32(1.0), np.float32(0.0)


@kernel
def step_worlds(address, first, last, steps):
    """`steps` engine steps of the worlds first .. last - 1."""
    model = model_at(address)
    for b in range(first, last):
        for _ in range(steps):
            step_world(b, model)


@kernel
def clear_world(address, b):
    """Empty the lane lists of a world, while its map is still the one they were made for."""
    model = model_at(address)
    clear_lists(b, np.int64(model.tables.maps[model.worlds.map_id[b]].lane0), model.traffic)


@kernel
def start_world(address, b):
    """Reset a world whose seed, map and routes are set and whose lists are empty."""
    reset_world(b, model_at(address))


@kernel
def start_driver(address, b, k, max_time):
    """Start judging driver k, for at most max_time [s], and forget what its sensors measured."""
    model = model_at(address)
    reset_judge_one(b, k, model.judge, np.float32(max_time))
    reset_sensors_one(b, k, model.sensors)


@kernel
def scene_worlds(address, first, last):
    """Fill the true scenes of the drivers of the worlds first .. last - 1."""
    model = model_at(address)
    for b in range(first, last):
        scene_world(b, model.tables, model.slots, model.worlds, model.routes, model.judge, model.scene, model.dt)


@kernel
def sense_worlds(address, first, last):
    """Fill what the sensors of the drivers of the worlds first .. last - 1 measure."""
    model = model_at(address)
    for b in range(first, last):
        sense_world(b, model.slots, model.worlds, model.sensors, model.noise)


@kernel
def empty_one(address, b, i):
    """Take the body out of a slot."""
    model = model_at(address)
    empty_slot(b, i, model.slots, model.traffic)


@kernel
def body_one(address, b, i, kind):
    """Give a slot the catalogue's body of a kind."""
    set_body(b, i, kind, _ONE, model_at(address).slots)


@kernel
def free_one(address, b, i):
    """Whether the place of slot i's body is free of all other bodies."""
    s = model_at(address).slots
    return is_free(
        b, s.x[b, i], s.y[b, i], s.z[b, i], s.yaw[b, i], s.length[b, i], s.width[b, i], s.height[b, i], _ZERO, s, i
    )


@kernel
def spawned_one(address, b, i):
    """The body in slot i is in the world from now on."""
    finish_spawn(b, i, model_at(address).slots)


@kernel
def ground_one(address, b, x, y, z):
    """[m] height of the nearest drivable lane at (x, y); z where there is none."""
    model = model_at(address)
    tables = model.tables
    lane, s, _, _ = nearest_lane(tables, model.worlds.map_id[b], x, y, z, _ZERO, False, DRIVABLE_MASK)
    if lane < 0:
        return np.float32(z)
    row = tables.lanes[lane]
    return tables.points[row.point0 + min(np.int64(s / row.step), np.int64(row.points - 1))].z


@kernel
def take_lane(address, b, i, entity, reach):
    """Let traffic take slot i over on the nearest lane that runs its way; false where none is within `reach` [m]."""
    model = model_at(address)
    tables, slots, worlds, traffic = model.tables, model.slots, model.worlds, model.traffic
    lane, s, d, dist = nearest_lane(
        tables, worlds.map_id[b], slots.x[b, i], slots.y[b, i], slots.z[b, i], slots.yaw[b, i], True, DRIVABLE_MASK
    )
    if lane < 0 or dist > reach:
        return False
    draw_driver(b, i, worlds.seed[b], entity, worlds.step[b], slots, traffic.row)
    enter_way(b, i, lane, s, d, entity, model.network, tables, slots, worlds, traffic)
    return True
