"""How walkers come into a world: seeded, on pavements, overlapping nobody."""

import math

import numpy as np

from simulator.overlap import is_free
from simulator.walk_path import walk_point
from simulator.walkers import WalkPhase
from world.kernel import kernel
from world.kinds import BodyKind, Controller, WalkKind
from world.random import draw_normal, draw_range, draw_unit

# Walking speed of pedestrians: normal, mean 1.34 m/s, standard deviation 0.26 m/s.
# Source: U. Weidmann, Transporttechnik der Fussgaenger, IVT Schriftenreihe 90, ETH Zurich, 2nd ed. 1993.
PACE_MEAN, PACE_SIGMA, PACE_MIN, PACE_MAX = 1.34, 0.26, 0.7, 2.1  # [m/s]
WALKER_SIZE = 0.5  # [m] side of a walker's box
KERB_CLEARANCE = 0.4  # [m] a walker's centre keeps from a pavement's border
SPAWN_MARGIN = 0.3  # [m] free around a new walker
_TRIES = 32
_ZERO = np.float32(0.0)
_FIRST_IDENTITY = 2 << 20  # entities of draws: walkers count from here, vehicles by slot
_PEDESTRIAN, _TRAFFIC = int(BodyKind.PEDESTRIAN), int(Controller.TRAFFIC)
_PAVEMENT, _WALK = int(WalkKind.PAVEMENT), int(WalkPhase.WALK)
# Purposes of draws: 300-309 are this module's
_WHERE, _ALONG, _SIDE, _WAY, _PACE, _HEIGHT = range(300, 306)


@kernel
def _pavement_length(tables, map_id):
    """[m] of all pavements of a map."""
    total = 0.0
    for walk in range(tables.maps[map_id].walk0, tables.maps[map_id].walk1):
        if tables.walks[walk].kind == _PAVEMENT:
            total += tables.walks[walk].length
    return total


@kernel
def _pavement_at(tables, map_id, along):
    """(walk, s) at `along` [m] of all pavements laid end to end; walk -1 past the end."""
    for walk in range(tables.maps[map_id].walk0, tables.maps[map_id].walk1):
        if tables.walks[walk].kind == _PAVEMENT:
            if along <= tables.walks[walk].length:
                return walk, along
            along -= tables.walks[walk].length
    return -1, 0.0


@kernel
def _place_walker_one(b, i, walk, s, lateral, way, x, y, z, yaw, slots, walkers):
    """Write the state of a new walker, standing."""
    slots.x[b, i] = slots.old_x[b, i] = x
    slots.y[b, i] = slots.old_y[b, i] = y
    slots.yaw[b, i] = slots.old_yaw[b, i] = yaw
    slots.z[b, i] = z
    slots.speed[b, i] = slots.vx[b, i] = slots.vy[b, i] = slots.yaw_rate[b, i] = 0.0
    slots.accel[b, i] = slots.steer[b, i] = 0.0
    slots.kind[b, i], slots.controller[b, i] = _PEDESTRIAN, _TRAFFIC
    slots.length[b, i] = slots.width[b, i] = WALKER_SIZE
    slots.wheelbase[b, i] = slots.rear_axle[b, i] = 0.0
    slots.target_speed[b, i], slots.target_offset[b, i] = math.nan, 0.0
    slots.lane[b, i] = -1
    slots.valid[b, i] = True
    slots.generation[b, i] += 1
    walkers.walk[b, i], walkers.s[b, i], walkers.lateral[b, i], walkers.way[b, i] = walk, s, lateral, way
    walkers.phase[b, i], walkers.next_end[b, i], walkers.crosswalk[b, i] = _WALK, -1, -1
    walkers.crossing[b, i], walkers.waited[b, i] = False, 0.0


@kernel
def _spawn_one(b, i, number, total, tables, slots, worlds, walkers):
    """Try to place walker `number` in slot i; `total` [m] of pavement. Returns whether it found a place."""
    seed, entity = worlds.seed[b], _FIRST_IDENTITY + number
    for attempt in range(_TRIES):
        draw = worlds.step[b] * _TRIES + attempt
        walk, s = _pavement_at(tables, worlds.map_id[b], total * draw_unit(seed, entity, draw, _WHERE))
        if walk < 0:
            continue
        room = max(0.5 * tables.walks[walk].width - KERB_CLEARANCE, 0.0)
        lateral = draw_range(seed, entity, draw, _SIDE, -room, room)
        way = 1 if draw_unit(seed, entity, draw, _WAY) < 0.5 else -1
        px, py, z, tx, ty = walk_point(tables, walk, s, way)
        x, y = px - lateral * ty, py + lateral * tx
        yaw = math.atan2(way * ty, way * tx)
        height = draw_range(seed, entity, draw, _HEIGHT, 1.5, 1.95)
        if is_free(b, x, y, z, yaw, WALKER_SIZE, WALKER_SIZE, height, SPAWN_MARGIN, slots, i):
            _place_walker_one(b, i, walk, s, lateral, way, x, y, z, yaw, slots, walkers)
            pace = PACE_MEAN + PACE_SIGMA * draw_normal(seed, entity, draw, _PACE)
            slots.height[b, i] = height
            slots.max_speed[b, i], slots.max_accel[b, i], slots.max_brake[b, i] = PACE_MAX, 1.5, 3.0
            walkers.pace[b, i] = min(max(pace, PACE_MIN), PACE_MAX)
            walkers.identity[b, i] = entity
            return True
    return False


@kernel
def forget_walkers(b, walkers):
    """Nobody walks in world b, nor is on a crosswalk: what an episode before left is gone."""
    for i in range(walkers.walk.shape[1]):
        walkers.walk[b, i] = walkers.next_end[b, i] = walkers.goal_walk[b, i] = walkers.crosswalk[b, i] = -1
        walkers.phase[b, i], walkers.way[b, i], walkers.identity[b, i] = _WALK, 1, 0
        walkers.goal_x[b, i] = walkers.goal_y[b, i] = walkers.goal_s[b, i] = _ZERO
        walkers.s[b, i] = walkers.lateral[b, i] = walkers.pace[b, i] = walkers.waited[b, i] = _ZERO
        walkers.crossing[b, i] = False
    for c in range(walkers.arrival.shape[1]):
        walkers.crosswalk_busy[b, c] = walkers.crosswalk_waiting[b, c] = 0
        walkers.arrival[b, c] = math.inf
    walkers.busy_count[b] = 0


@kernel
def spawn_walkers_world(b, tables, slots, worlds, walkers, first, count):
    """Put walkers into slots first .. first + count - 1 of world b, seeded, on pavements, overlapping no valid slot.

    Fills bodies, state and the walkers' rows; generation is counted up. Slots for which no place was found, or all
    where the map has no pavement, stay empty (valid is false).

    Returns:
        int: how many found a place.
    """
    forget_walkers(b, walkers)
    total = _pavement_length(tables, worlds.map_id[b])
    placed = 0
    for i in range(first, first + count):
        slots.valid[b, i] = False
    for number in range(count):
        if total > 0.0 and _spawn_one(b, first + number, number, total, tables, slots, worlds, walkers):
            placed += 1
    return placed
