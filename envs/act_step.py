"""Kernels that turn actions into controls: once an action, and for paths once an engine step."""

import math

import numpy as np

from agents.actions import (
    CONTINUOUS,
    FASTER,
    JERK,
    LANE_LEFT,
    LANE_RIGHT,
    META,
    SLOWER,
    WAYPOINT_COUNT,
    WAYPOINT_RANGE,
    WAYPOINT_STEP,
    WAYPOINTS,
    decode_continuous,
    decode_jerk,
    speed_control,
    track_path,
)
from envs.arrays import PATH_POINTS, env_at
from simulator.model import model_at
from simulator.scene_lanes import lane_after
from world.kernel import kernel
from world.queries import has_successor, lane_point, project_to_lane
from world.route_table import route_lane

_ZERO = np.float32(0.0)
_POINT_STEP = np.float32(5.0)  # [m] between points of a meta action's path
_RANGE, _STEP = np.float32(WAYPOINT_RANGE), np.float32(WAYPOINT_STEP)


@kernel
def _open_lane(lane, side, tables):
    """The neighbour of a lane on a side (1 left, -1 right) that runs its way and may be driven; -1: none."""
    row = tables.lanes[lane]
    other = np.int64(row.left if side > 0 else row.right)
    if other < 0 or tables.lanes[other].drivable == 0:
        return np.int64(-1)
    return other


@kernel
def _choose_lane(b, k, choice, model, env):
    """The lane that a meta action steers for: the present one, a neighbour asked for, or that of a change under way."""
    lane = np.int64(model.judge.lane[b, k])
    goal, side = np.int64(env.goal_lane[b, k]), np.int64(env.side[b, k])
    if lane < 0:
        return np.int64(-1)
    if side != 0 and (goal == lane or has_successor(model.tables, goal, lane)):
        side = np.int64(0)  # it has arrived
    if choice == LANE_LEFT or choice == LANE_RIGHT:
        wanted = np.int64(1 if choice == LANE_LEFT else -1)
        side = wanted if _open_lane(lane, wanted, model.tables) >= 0 else side
    other = np.int64(-1)
    if side != 0:
        other = _open_lane(lane, side, model.tables)
    if other < 0:
        side, other = np.int64(0), lane
    env.goal_lane[b, k], env.side[b, k] = other, side
    return other


@kernel
def _lane_path(b, k, lane, model, env):
    """Write the way along a lane, and on along the route, from the driver's height as its path."""
    x, y = model.slots.x[b, k], model.slots.y[b, k]
    tables, routes = model.tables, model.routes
    at, _, _ = project_to_lane(tables, lane, x, y, _ZERO, False)
    piece = np.int64(-1)
    if routes.count[b, k] >= 2:
        _, _, piece, _ = route_lane(routes, b, k, model.judge.route_s[b, k])
    n = 0
    while n < PATH_POINTS:
        while lane >= 0 and at > tables.lanes[lane].length:
            at -= tables.lanes[lane].length
            lane, piece = lane_after(b, k, lane, piece, tables, routes)
        if lane < 0:
            break
        px, py, _, _, _, _, _ = lane_point(tables, lane, at)
        env.path[b, k, n, 0], env.path[b, k, n, 1] = px, py
        at += _POINT_STEP
        n += 1
    env.path_count[b, k] = n


@kernel
def _take_meta(b, k, model, env):
    choice = env.choice[b, k]
    speed = model.slots.speed[b, k]
    level = env.level[b, k]
    if level < 0:  # the level nearest to the speed that it has
        level = 0
        for i in range(1, env.levels):
            if abs(env.speeds[i] - speed) < abs(env.speeds[level] - speed):
                level = i
    if choice == FASTER:
        level = min(level + 1, env.levels - 1)
    elif choice == SLOWER:
        level = max(level - 1, 0)
    env.level[b, k] = level
    env.goal_speed[b, k] = env.speeds[level]
    lane = _choose_lane(b, k, choice, model, env)
    if lane >= 0:
        _lane_path(b, k, lane, model, env)


@kernel
def _take_waypoints(b, k, model, env):
    """Path from the driver through its waypoints, at the speed that covers it in their time."""
    slots = model.slots
    x, y, yaw = slots.x[b, k], slots.y[b, k], slots.yaw[b, k]
    c, s = np.float32(math.cos(yaw)), np.float32(math.sin(yaw))
    env.path[b, k, 0, 0], env.path[b, k, 0, 1] = x, y
    px, py, length = x, y, _ZERO
    for i in range(WAYPOINT_COUNT):
        ex, ey = env.numbers[b, k, 2 * i] * _RANGE, env.numbers[b, k, 2 * i + 1] * _RANGE
        wx, wy = x + c * ex - s * ey, y + s * ex + c * ey
        env.path[b, k, i + 1, 0], env.path[b, k, i + 1, 1] = wx, wy
        if i < 2:  # the first second says how fast; what comes later is told again before it is driven
            length += np.float32(math.sqrt((wx - px) * (wx - px) + (wy - py) * (wy - py)))
        px, py = wx, wy
    env.path_count[b, k] = WAYPOINT_COUNT + 1
    env.goal_speed[b, k] = length / (np.float32(2.0) * _STEP)


@kernel
def _take_one(b, k, model, env):
    """Decode the action of driver k."""
    slots = model.slots
    kind = env.action_kind
    if kind == CONTINUOUS:
        steer, accel = decode_continuous(
            env.numbers[b, k, 0], env.numbers[b, k, 1], slots.max_steer[b, k], slots.max_accel[b, k],
            slots.max_brake[b, k],
        )  # fmt: skip
        slots.control_steer[b, k], slots.control_accel[b, k] = steer, accel
    elif kind == JERK:
        accel, lateral, steer = decode_jerk(
            env.choice[b, k], env.accel[b, k], env.lateral[b, k], slots.speed[b, k], slots.wheelbase[b, k],
            slots.max_accel[b, k], slots.max_brake[b, k], slots.max_steer[b, k], model.dt * np.float32(env.every),
        )  # fmt: skip
        if slots.speed[b, k] <= _ZERO and accel < _ZERO:
            accel = _ZERO  # who stands does not go on pressing the brake into debt
        env.accel[b, k], env.lateral[b, k] = accel, lateral
        slots.control_steer[b, k], slots.control_accel[b, k] = steer, accel
    elif kind == META:
        _take_meta(b, k, model, env)
    elif kind == WAYPOINTS:
        _take_waypoints(b, k, model, env)


@kernel
def forget_one(b, k, env):
    """Driver k's episode begins: nothing is remembered of the last one."""
    env.accel[b, k] = env.lateral[b, k] = env.goal_speed[b, k] = env.old_accel[b, k] = _ZERO
    env.level[b, k] = env.goal_lane[b, k] = -1
    env.side[b, k] = env.path_count[b, k] = env.steps[b, k] = 0
    env.total[b, k] = _ZERO


@kernel
def act_world(b, model, env):
    """Take the actions of world b: controls, or paths for `track_world`."""
    for k in range(env.drivers):
        env.before[b, k] = model.judge.progress[b, k]
        env.events[b, k] = 0
        env.alive[b, k] = model.judge.active[b, k]
        if env.alive[b, k]:
            _take_one(b, k, model, env)
        else:  # it waits for its place to become free
            model.slots.control_steer[b, k], model.slots.control_accel[b, k] = _ZERO, -model.slots.max_brake[b, k]


@kernel
def act_worlds(address, env_address, first, last):
    """`act_world` of the worlds first .. last - 1."""
    model, env = model_at(address), env_at(env_address)
    for b in range(first, last):
        act_world(b, model, env)


@kernel
def track_world(b, model, env):
    """Controls for the next engine step of drivers of world b that follow paths."""
    slots = model.slots
    for k in range(env.drivers):
        if not model.judge.active[b, k]:
            continue
        speed = slots.speed[b, k]
        steer = _ZERO
        if env.path_count[b, k] >= 2:
            steer = track_path(
                b, k, env.path, env.path_count[b, k], slots.x[b, k], slots.y[b, k], slots.yaw[b, k], speed,
                slots.wheelbase[b, k], slots.rear_axle[b, k],
            )  # fmt: skip
        slots.control_steer[b, k] = steer
        slots.control_accel[b, k] = speed_control(
            speed, env.goal_speed[b, k], slots.max_accel[b, k], slots.max_brake[b, k]
        )


@kernel
def track_worlds(address, env_address, first, last):
    """`track_world` of the worlds first .. last - 1."""
    model, env = model_at(address), env_at(env_address)
    for b in range(first, last):
        track_world(b, model, env)
