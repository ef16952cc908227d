"""One engine step of a world, and its reset, phase by phase."""

import numpy as np

from simulator.ahead import fetch_leader, fetch_rows
from simulator.decide import decide_one
from simulator.dynamics import count_waiting, drive_bicycle, drive_script, drive_traffic, keep_old
from simulator.fleet import ENTITY_VEHICLE
from simulator.hashing import hash_start, hash_world
from simulator.judge_step import judge_world, locate_drivers_world
from simulator.lights import lights_world, start_lights_world
from simulator.occupancy import PEDESTRIAN, lists_world
from simulator.overlap import sort_world
from simulator.spawn import fill_world, life_one, start_speed
from simulator.walkers_spawn import spawn_walkers_world
from simulator.walkers_step import step_walkers_world
from world.kernel import inline_kernel, kernel
from world.kinds import Controller

_TRAFFIC, _EXTERNAL = int(Controller.TRAFFIC), int(Controller.EXTERNAL)


@inline_kernel
def decide_slot(b, i, lane0, model):
    """Decision of slot i, if it is a traffic vehicle. It looks at nothing that others decide in the same step."""
    slots = model.slots
    if slots.valid[b, i] and slots.kind[b, i] != PEDESTRIAN and slots.controller[b, i] == _TRAFFIC:
        decide_one(
            b, i, lane0, model.dt, model.network, model.tables, slots, model.worlds, model.walkers, model.traffic
        )


@kernel
def decide_world(b, model):
    """Decisions of all traffic vehicles of world b."""
    slots = model.slots
    lane0 = np.int64(model.tables.maps[model.worlds.map_id[b]].lane0)
    for i in range(slots.x.shape[1]):
        fetch_rows(b, i, model.network, slots, model.traffic)
        fetch_leader(b, i, slots, model.traffic)
        decide_slot(b, i, lane0, model)


@inline_kernel
def move_slot(b, i, model):
    """Motion of slot i, unless it is the world's own walker. It looks at nobody else."""
    slots, worlds, traffic, dt = model.slots, model.worlds, model.traffic, model.dt
    keep_old(b, i, slots)
    if not slots.valid[b, i]:
        return
    controller = slots.controller[b, i]
    if controller == _EXTERNAL:
        drive_bicycle(b, i, slots.control_steer[b, i], slots.control_accel[b, i], dt, slots, worlds)
        count_waiting(b, i, dt, slots, traffic)
    elif controller != _TRAFFIC:
        drive_script(b, i, dt, slots, worlds, traffic)
    elif slots.kind[b, i] != PEDESTRIAN:
        entity = np.int64(ENTITY_VEHICLE + i - model.drivers)
        drive_traffic(b, i, entity, dt, model.network, model.tables, slots, worlds, traffic)


@kernel
def move_world(b, model):
    """Motion of all bodies of world b except its own walkers."""
    for i in range(model.slots.x.shape[1]):
        fetch_rows(b, i, model.network, model.slots, model.traffic)
        move_slot(b, i, model)


@kernel
def life_world(b, model):
    """Vehicles of world b that go and come."""
    for i in range(model.drivers, model.drivers + model.vehicles):
        life_one(
            b,
            i,
            model.drivers,
            model.radius,
            model.dt,
            model.network,
            model.tables,
            model.slots,
            model.worlds,
            model.traffic,
        )


@kernel
def lists_of_world(b, model):
    """Lane lists, claims and loose bodies of world b."""
    lists_world(
        b,
        model.drivers,
        model.network,
        model.tables,
        model.slots,
        model.worlds,
        model.walkers,
        model.traffic,
        model.routes,
        model.judge,
    )


@kernel
def lights_phase(b, model):
    """Lights of world b for the present step."""
    lights_world(b, model.tables, model.worlds, model.dt)


@kernel
def walkers_phase(b, model):
    """Motion of the walkers of world b."""
    if model.pedestrians == 0:
        return
    sort_world(b, model.slots, model.broad)
    step_walkers_world(b, model.tables, model.slots, model.worlds, model.walkers, model.broad, model.dt)


@kernel
def judge_phase(b, model):
    """Judge the new state of world b."""
    if model.drivers > 0:
        judge_world(b, model.tables, model.slots, model.worlds, model.routes, model.judge, model.broad, model.limits)


@kernel
def step_world(b, model):
    """One step of world b: lights, lists, decisions, motion, walkers, life, judge, hash."""
    lights_phase(b, model)
    lists_of_world(b, model)
    decide_world(b, model)
    move_world(b, model)
    walkers_phase(b, model)
    life_world(b, model)
    model.worlds.step[b] += 1
    judge_phase(b, model)
    hash_world(b, model.tables, model.slots, model.worlds, model.bits, model.state_hash)


@kernel
def reset_world(b, model):
    """Fill world b anew from its seed, map and routes, which are set; its lists are empty."""
    tables, slots, worlds, traffic = model.tables, model.slots, model.worlds, model.traffic
    worlds.step[b] = 0
    for light in range(worlds.light.shape[1]):
        worlds.light_hold[b, light] = -1
        worlds.light[b, light] = 0
    fill_world(
        b, model.drivers, model.vehicles, model.radius, model.network, tables, slots, worlds, traffic, model.routes
    )
    first = model.drivers + model.vehicles
    spawn_walkers_world(b, tables, slots, worlds, model.walkers, first, model.pedestrians)
    start_lights_world(b, tables, worlds)
    lists_of_world(b, model)
    lane0 = np.int64(tables.maps[worlds.map_id[b]].lane0)
    for i in range(model.drivers, first):
        if slots.valid[b, i]:
            start_speed(b, i, lane0, model.network, tables, slots, traffic)
    sort_world(b, slots, model.broad)
    locate_drivers_world(b, tables, slots, worlds, model.routes, model.judge)
    model.state_hash[b] = hash_start(worlds.seed[b])
    hash_world(b, tables, slots, worlds, model.bits, model.state_hash)
