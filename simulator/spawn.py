"""How vehicles come into a world and leave it: seeded places without overlap, speeds that fit, removal and return."""

import math

import numpy as np

from simulator.fleet import ENTITY_VEHICLE, PLACE, draw_body, draw_driver, set_body
from simulator.follow import FAR, leader_ahead
from simulator.occupancy import PEDESTRIAN
from simulator.overlap import is_free
from simulator.rails import pose_on_rails
from simulator.way import BUS, enter_way
from world.kernel import inline_kernel, kernel
from world.kinds import BodyKind, Controller
from world.queries import lane_point, wrap_angle
from world.random import draw_unit
from world.route_table import route_lane, route_point

GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, leave no large gaps
FIRST_PLACE = 111  # purpose of a draw
TRIES = 48  # places drawn for a vehicle at reset
RETRIES = 6  # places drawn at a time for a vehicle that comes back
ROOM = np.float32(4.0)  # [m] free before and behind a new vehicle
SIDE_ROOM = np.float32(0.3)  # [m] free beside it
SIGHT = np.float32(90.0)  # [m] from every driver: nobody appears or vanishes nearer
CALM_ROOM = np.float32(12.0)  # [m] plus CALM_TIME at its speed: from a moving vehicle to one that appears
CALM_TIME = np.float32(3.5)  # [s]
CYCLE_LIMIT = np.float32(65.0 / 3.6)  # [m/s] nobody cycles where the limit is higher: a car comes instead
STUCK_TIME = np.float32(150.0)  # [s] of standing after which a vehicle is taken away
END_TIME = np.float32(2.0)  # [s] of standing at the end of its way
RETURN_EVERY = 20  # steps between two attempts to come back
NEAR_TRIES, NEAR_RETRIES = 16, 4  # times as many places are drawn where only those near the drivers will do
LEFT_BEHIND = np.float32(1.3)  # times the radius of traffic: a vehicle further from every driver is taken away
START_BRAKE = np.float32(1.0)  # [m/s^2] with which a vehicle could stop for what is ahead when it starts
_BICYCLE, _VAN = int(BodyKind.BICYCLE), int(BodyKind.VAN)
_CAR, _TRAFFIC, _EXTERNAL = int(BodyKind.CAR), int(Controller.TRAFFIC), int(Controller.EXTERNAL)
_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_SEARCH = np.float32(80.0)  # [m]


@kernel
def empty_slot(b, i, slots, traffic):
    """Nobody is in the slot: its numbers are zero."""
    slots.valid[b, i] = False
    slots.x[b, i] = slots.y[b, i] = slots.z[b, i] = slots.yaw[b, i] = _ZERO
    slots.speed[b, i] = slots.vx[b, i] = slots.vy[b, i] = slots.yaw_rate[b, i] = _ZERO
    slots.accel[b, i] = slots.steer[b, i] = _ZERO
    slots.old_x[b, i] = slots.old_y[b, i] = slots.old_yaw[b, i] = _ZERO
    slots.lane_s[b, i] = slots.lane_d[b, i] = slots.target_offset[b, i] = _ZERO
    slots.control_steer[b, i] = slots.control_accel[b, i] = _ZERO
    slots.target_speed[b, i] = np.float32(np.nan)
    slots.lane[b, i] = -1
    slots.controller[b, i] = _TRAFFIC
    for k in range(slots.route_lane.shape[2]):
        slots.route_lane[b, i, k] = -1
    row = traffic.row[b, i]
    row.previous = row.leaving = row.entry = -1
    row.place = row.wish = row.granted = row.hold = row.stop_served = 0
    row.slope = row.bend = row.waited = row.command = row.path_s = _ZERO
    row.order = row.inside = row.arrived = row.changed = 0
    row.reason = 0
    row.path = row.way = -1


@kernel
def seen_by_driver(b, x, y, drivers, slots):
    """Whether a driver is nearer than SIGHT."""
    for k in range(drivers):
        if slots.valid[b, k]:
            dx, dy = slots.x[b, k] - x, slots.y[b, k] - y
            if dx * dx + dy * dy < SIGHT * SIGHT:
                return True
    return False


@kernel
def near_driver(b, x, y, radius, drivers, slots):
    """Whether a driver is nearer than `radius` [m]; 0: always."""
    if radius <= _ZERO:
        return True
    for k in range(drivers):
        if slots.valid[b, k]:
            dx, dy = slots.x[b, k] - x, slots.y[b, k] - y
            if dx * dx + dy * dy < radius * radius:
                return True
    return False


@kernel
def disturbs(b, i, slots):
    """Whether a vehicle that stands in slot i would make a moving one brake hard."""
    for j in range(slots.x.shape[1]):
        if slots.valid[b, j] and j != i and slots.kind[b, j] != PEDESTRIAN:
            dx, dy = slots.x[b, j] - slots.x[b, i], slots.y[b, j] - slots.y[b, i]
            near = CALM_ROOM + CALM_TIME * slots.speed[b, j]
            if dx * dx + dy * dy < near * near and abs(wrap_angle(slots.yaw[b, j] - slots.yaw[b, i])) < _ONE:
                return True
    return False


@kernel
def place_free(b, i, slots):
    """Whether slot i's body stands clear of all valid others."""
    return is_free(
        b, slots.x[b, i], slots.y[b, i], slots.z[b, i], slots.yaw[b, i], slots.length[b, i] + _TWO * ROOM,
        slots.width[b, i], slots.height[b, i], SIDE_ROOM, slots, i,
    )  # fmt: skip


@kernel
def draw_place(b, u, network, worlds):
    """(place, s): the spawn place that holds fraction u of the map's usable length, and [m] along its lane."""
    low, high = np.int64(network.spawn_start[worlds.map_id[b]]), np.int64(network.spawn_start[worlds.map_id[b] + 1]) - 1
    first, want = low, u * network.spawn_end[high]
    while low < high:
        middle = (low + high) // 2
        if network.spawn_end[middle] <= want:
            low = middle + 1
        else:
            high = middle
    done = network.spawn_end[low - 1] if low > first else 0.0
    return low, np.float32(network.spawn_s[low] + (want - done))


@kernel
def place_vehicle(b, i, entity, count, tries, place0, drivers, hidden, radius, network, tables, slots, worlds, traffic):
    """Draw a body, a driver and a free place for slot i; whether one was found.

    Args:
        entity, count: of the draws; the count differs for each time that the slot is filled.
        tries: places tried. place0: the first, as a fraction of the map's usable length; the others are drawn.
        hidden: only places out of the drivers' sight, where nobody has to brake for it.
        radius: [m] around the drivers in which places are sought; 0: everywhere.
    """
    if network.spawn_start[worlds.map_id[b] + 1] <= network.spawn_start[worlds.map_id[b]]:
        return False
    draw_body(b, i, worlds.seed[b], entity, count, slots)
    draw_driver(b, i, worlds.seed[b], entity, count, slots, traffic.row)
    for attempt in range(tries):
        u = np.float64(draw_unit(worlds.seed[b], entity, count * TRIES + attempt, PLACE))
        if attempt == 0:
            u = place0
        place, s = draw_place(b, u, network, worlds)
        lane = network.spawn_lane[place]
        if radius > _ZERO:  # most places are elsewhere: no more than their position is looked at
            px, py, _, _, _, _, _ = lane_point(tables, lane, s)
            if not near_driver(b, px, py, radius, drivers, slots):
                continue
            if hidden and seen_by_driver(b, px, py, drivers, slots):
                continue
        empty_slot(b, i, slots, traffic)
        if slots.kind[b, i] == _BICYCLE and tables.points[tables.lanes[lane].point0].limit > CYCLE_LIMIT:
            set_body(b, i, _CAR, _ONE, slots)
            draw_driver(b, i, worlds.seed[b], entity, count, slots, traffic.row)
        if slots.kind[b, i] == BUS and not network.roomy[lane]:
            set_body(b, i, _VAN, _ONE, slots)
            draw_driver(b, i, worlds.seed[b], entity, count, slots, traffic.row)
        enter_way(b, i, lane, s, _ZERO, entity, network, tables, slots, worlds, traffic)
        pose_on_rails(b, i, _ZERO, network, tables, slots, traffic.row)
        ok = place_free(b, i, slots)
        if ok and hidden:
            ok = not seen_by_driver(b, slots.x[b, i], slots.y[b, i], drivers, slots) and not disturbs(b, i, slots)
        if ok:
            finish_spawn(b, i, slots)
            return True
    empty_slot(b, i, slots, traffic)
    return False


@kernel
def finish_spawn(b, i, slots):
    """The body is in the world from now on."""
    slots.valid[b, i] = True
    slots.generation[b, i] += 1
    slots.old_x[b, i], slots.old_y[b, i], slots.old_yaw[b, i] = slots.x[b, i], slots.y[b, i], slots.yaw[b, i]


@kernel
def place_driver(b, k, tables, slots, worlds, traffic, routes):
    """Put driver k's car at the start of its route, standing; without a route the slot stays empty."""
    empty_slot(b, k, slots, traffic)
    set_body(b, k, _CAR, _ONE, slots)
    if routes.count[b, k] < 2:
        return
    x, y, z, yaw, _, _, _ = route_point(routes, b, k, _ZERO)
    slots.x[b, k], slots.y[b, k], slots.z[b, k], slots.yaw[b, k] = x, y, z, yaw
    slots.controller[b, k] = _EXTERNAL
    lane, s, _, _ = route_lane(routes, b, k, _ZERO)
    slots.lane[b, k], slots.lane_s[b, k] = lane, s
    slots.route_lane[b, k, 0] = lane
    finish_spawn(b, k, slots)


@kernel
def start_speed(b, i, lane0, network, tables, slots, traffic):
    """Set a speed at which the vehicle can calmly stop for its leader and for the end of its lane."""
    row = traffic.row[b, i]
    lane = tables.lanes[slots.lane[b, i]]
    room = lane.length - slots.lane_s[b, i] - slots.length[b, i]
    leader, gap = leader_ahead(b, i, _SEARCH, lane0, network, slots, traffic)
    if leader >= 0:
        room = min(room, gap - np.float32(3.0))
    p = min(np.int64(slots.lane_s[b, i] / lane.step), np.int64(lane.points - 1))
    cap = min(network.cap[lane.point0 + p] * row.factor, slots.max_speed[b, i])
    speed = min(cap, np.float32(math.sqrt(_TWO * START_BRAKE * max(room, _ZERO))))
    slots.speed[b, i] = speed
    slots.vx[b, i] = speed * np.float32(math.cos(slots.yaw[b, i]))
    slots.vy[b, i] = speed * np.float32(math.sin(slots.yaw[b, i]))


@inline_kernel
def life_one(b, i, drivers, radius, dt, network, tables, slots, worlds, traffic):
    """Take away a vehicle at the end of its way, one stuck out of sight, or one that left the drivers; bring it back.

    Where the map ends a vehicle leaves it, seen or not: it would keep the road closed for whoever comes behind it.
    """
    row = traffic.row[b, i]
    step = worlds.step[b]
    turn = (step + i - drivers) % RETURN_EVERY == 0
    away = radius > _ZERO and turn
    if slots.valid[b, i] and row.waited < END_TIME and not away:
        return
    if row.wanted == 0:
        return
    entity = ENTITY_VEHICLE + i - drivers
    if slots.valid[b, i]:
        if slots.controller[b, i] != _TRAFFIC:
            return
        at_end = slots.route_lane[b, i, 1] < 0 and tables.lanes[slots.lane[b, i]].length - slots.lane_s[b, i] < (
            slots.length[b, i] + np.float32(5.0)
        )
        stuck = row.waited > STUCK_TIME
        if away:
            away = not near_driver(b, slots.x[b, i], slots.y[b, i], LEFT_BEHIND * radius, drivers, slots)
        at_end = at_end and row.waited >= END_TIME
        if at_end or away or (stuck and not seen_by_driver(b, slots.x[b, i], slots.y[b, i], drivers, slots)):
            empty_slot(b, i, slots, traffic)
            row.gone = step
    elif turn:
        tries = RETRIES * (NEAR_RETRIES if radius > _ZERO else 1)
        u = np.float64(draw_unit(worlds.seed[b], entity, step + 1, FIRST_PLACE))
        place_vehicle(b, i, entity, step + 1, tries, u, drivers, True, radius, network, tables, slots, worlds, traffic)


@kernel
def fill_world(b, drivers, vehicles, radius, network, tables, slots, worlds, traffic, routes):
    """Drivers at their starts, then vehicles at random places within `radius` [m] of them (0: anywhere), all clear."""
    for i in range(slots.x.shape[1]):
        empty_slot(b, i, slots, traffic)
        row = traffic.row[b, i]
        row.draws = 0
        row.wanted = 0
        row.gone = 0
        slots.generation[b, i] = 0
    for k in range(drivers):
        place_driver(b, k, tables, slots, worlds, traffic, routes)
    start = np.float64(draw_unit(worlds.seed[b], ENTITY_VEHICLE, 0, FIRST_PLACE))
    for v in range(vehicles):
        i = drivers + v
        traffic.row[b, i].wanted = 1
        u = (start + np.float64(v) * GOLDEN) % 1.0  # evenly spread, however many there are
        entity = ENTITY_VEHICLE + v
        tries = TRIES * (NEAR_TRIES if radius > _ZERO else 1)
        place_vehicle(b, i, entity, 0, tries, u, drivers, False, radius, network, tables, slots, worlds, traffic)


assert FAR > _SEARCH
