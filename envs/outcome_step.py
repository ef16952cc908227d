"""Kernels that say what an action led to: reward terms, and whether the episode is over; and a driver's new start."""

import math

import numpy as np

from envs.act_step import forget_one
from envs.arrays import env_at
from envs.rewards import CARL, COLLISIONS, HIGHWAY
from simulator.drivers import put_in, take_out
from simulator.follow import leader_ahead
from simulator.judge import reset_judge_one
from simulator.judge_step import ALL_ROUTE, locate_driver
from simulator.model import model_at
from simulator.overlap import is_free
from simulator.sensors import reset_sensors_one
from world.kernel import kernel
from world.kinds import EventKind
from world.queries import lane_point
from world.route_table import route_point
from world.ttc import time_to_collision

_COMPLETED, _RED = 1 << int(EventKind.COMPLETED), 1 << int(EventKind.RED_LIGHT)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
# nuPlan's comfort bounds: [m/s^2], [m/s^2], [rad/s], [m/s^3]
_MIN_LON, _MAX_LON, _MAX_LAT = np.float32(-4.05), np.float32(2.40), np.float32(4.89)
_MAX_YAW_RATE, _MAX_JERK = np.float32(0.95), np.float32(4.13)
START_BRAKE = np.float32(1.5)  # [m/s^2] with which a driver that begins could stop for who is ahead
_SIGHT, _ROOM = np.float32(120.0), np.float32(10.0)  # [m] looked ahead; [m] that are enough to follow at equal speed
_LONGEST = np.float32(16.0)  # [m] between the centres of the longest bodies that touch
LANES = 16  # to a side that are counted
START_GAP = 1.0  # [m] around a driver that begins anew among the others


@kernel
def _danger_one(b, k, limit, slots):
    """Whether driver k and somebody before it are on the way to overlap within `limit` [s], as nuPlan judges."""
    x, y, yaw, speed = slots.x[b, k], slots.y[b, k], slots.yaw[b, k], slots.speed[b, k]
    vx, vy = slots.vx[b, k], slots.vy[b, k]
    c, s = np.float32(math.cos(yaw)), np.float32(math.sin(yaw))
    for j in range(slots.x.shape[1]):
        if j == k or not slots.valid[b, j]:
            continue
        dx, dy = slots.x[b, j] - x, slots.y[b, j] - y
        far = _LONGEST + limit * (speed + slots.speed[b, j])
        if dx * dx + dy * dy > far * far:
            continue
        wx, wy = slots.vx[b, j] - vx, slots.vy[b, j] - vy
        closing = dx * wx + dy * wy
        if closing >= _ZERO or dx * c + dy * s < _ZERO or abs(slots.z[b, j] - slots.z[b, k]) > 2.0:
            continue
        if (
            time_to_collision(
                x, y, yaw, slots.length[b, k], slots.width[b, k], vx, vy, slots.x[b, j], slots.y[b, j], slots.yaw[b, j],
                slots.length[b, j], slots.width[b, j], slots.vx[b, j], slots.vy[b, j], 0.1, limit,
            )
            < math.inf
        ):  # fmt: skip
            return True
    return False


@kernel
def _carl_one(b, k, over, model, env):
    """progress, speeding, ttc, comfort, lane_offset, infraction."""
    slots, judge, w = model.slots, model.judge, env.weights
    left = w[0] * (judge.progress[b, k] - env.before[b, k])
    env.terms[b, k, 0] = left
    lane_width, limit = np.float32(3.5), np.float32(100.0)
    if model.routes.count[b, k] >= 2:
        _, _, _, _, _, half_width, limit = route_point(model.routes, b, k, judge.route_s[b, k])
        lane_width = np.float32(2.0) * half_width
    excess = max(slots.speed[b, k] - limit, _ZERO) / w[1]
    factor = max(_ONE - excess, _ZERO)
    env.terms[b, k, 1] = left * (factor - _ONE)
    left *= factor
    factor = _ONE
    if left > _ZERO and _danger_one(b, k, w[3], slots):
        factor = w[2]
    env.terms[b, k, 2] = left * (factor - _ONE)
    left *= factor
    accel, rate = slots.accel[b, k], slots.yaw_rate[b, k]
    jerk = (accel - env.old_accel[b, k]) / (model.dt * np.float32(env.every))
    hard = accel < _MIN_LON or accel > _MAX_LON or abs(jerk) > _MAX_JERK
    hard = hard or abs(rate * slots.speed[b, k]) > _MAX_LAT or abs(rate) > _MAX_YAW_RATE
    factor = w[4] if hard else _ONE
    env.terms[b, k, 3] = left * (factor - _ONE)
    left *= factor
    factor = _ONE - w[5] * min(abs(judge.route_d[b, k]) / (_HALF * lane_width), _ONE)
    env.terms[b, k, 4] = left * (factor - _ONE)
    price = _ZERO
    found = env.events[b, k]
    if over and found & _COMPLETED == 0:
        price = w[6] if found & COLLISIONS else (w[7] if found & _RED else w[8])
    env.terms[b, k, 5] = price


@kernel
def _lanes_beside(lane, left, tables):
    """Number of drivable lanes to one side of a lane (-1: none), LANES at most."""
    count = 0
    while lane >= 0 and count < LANES:
        lane = np.int64(tables.lanes[lane].left if left else tables.lanes[lane].right)
        if lane < 0 or tables.lanes[lane].drivable == 0:
            break
        count += 1
    return count


@kernel
def _highway_one(b, k, model, env):
    """offset, collision, right_lane, high_speed, off_road; see HighwayEnv._reward."""
    slots, judge, tables, w = model.slots, model.judge, model.tables, env.weights
    lowest, highest = min(w[0], _ZERO), w[1] + w[2]
    scale = _ONE / (highest - lowest)
    env.terms[b, k, 0] = -lowest * scale
    hit = env.events[b, k] & COLLISIONS
    env.terms[b, k, 1] = w[0] * scale if hit else _ZERO
    lane = np.int64(judge.lane[b, k])
    right = _lanes_beside(lane, True, tables)  # lanes to the left of this one count towards the right
    others = right + _lanes_beside(lane, False, tables)
    env.terms[b, k, 2] = w[1] * scale * np.float32(right) / np.float32(max(others, 1))
    forward = slots.speed[b, k]
    if lane >= 0:
        forward *= np.float32(math.cos(slots.yaw[b, k] - lane_point(tables, lane, judge.lane_s[b, k])[3]))
    env.terms[b, k, 3] = w[2] * scale * min(max((forward - w[3]) / (w[4] - w[3]), _ZERO), _ONE)
    astray = lane < 0 or judge.off_road[b, k]
    so_far = env.terms[b, k, 0] + env.terms[b, k, 1] + env.terms[b, k, 2] + env.terms[b, k, 3]
    env.terms[b, k, 4] = -so_far if astray else _ZERO


@kernel
def _sparse_one(b, k, over, env):
    """arrival, infraction."""
    arrived = env.events[b, k] & _COMPLETED != 0
    env.terms[b, k, 0] = env.weights[0] if arrived else _ZERO
    env.terms[b, k, 1] = env.weights[1] if over and not arrived else _ZERO


@kernel
def _take_events(b, judge, env):
    """The judge's events of world b, as bits of each driver."""
    for n in range(judge.event_count[b]):
        env.events[b, judge.event_driver[b, n]] |= np.int64(1) << np.int64(judge.event_kind[b, n])
    judge.event_count[b] = 0
    judge.event_lost[b] = 0


@kernel
def _outcome_one(b, k, model, env):
    """Ends and reward of driver k, who took part in the step."""
    judge = model.judge
    env.steps[b, k] += 1
    over = judge.terminated[b, k] or env.events[b, k] & env.ends != 0
    env.terminated[b, k] = over
    env.truncated[b, k] = not over and (judge.truncated[b, k] or model.worlds.step[b] >= env.max_steps * env.every)
    if env.reward_kind == CARL:
        _carl_one(b, k, over, model, env)
    elif env.reward_kind == HIGHWAY:
        _highway_one(b, k, model, env)
    else:
        _sparse_one(b, k, over, env)
    total = _ZERO
    for t in range(env.terms.shape[2]):
        total += env.terms[b, k, t]
    env.reward[b, k] = total
    env.total[b, k] += total
    env.old_accel[b, k] = model.slots.accel[b, k]
    if over or env.truncated[b, k]:
        judge.active[b, k] = False


@kernel
def outcome_world(b, model, env):
    """Rewards and ends of world b after an action; drivers that are over take part no more."""
    _take_events(b, model.judge, env)
    for k in range(env.drivers):
        if env.alive[b, k]:
            _outcome_one(b, k, model, env)
        else:
            env.reward[b, k] = _ZERO
            env.terms[b, k] = _ZERO
            env.events[b, k] = 0
            env.terminated[b, k] = env.truncated[b, k] = False


@kernel
def outcome_worlds(address, env_address, first, last):
    """`outcome_world` of the worlds first .. last - 1."""
    model, env = model_at(address), env_at(env_address)
    for b in range(first, last):
        outcome_world(b, model, env)


@kernel
def _start_moving(b, k, model, env):
    """Give driver k the speed it begins with: that of the config, of its road, or such that it can follow or stop."""
    slots, routes, tables = model.slots, model.routes, model.tables
    if env.start_speed <= _ZERO or routes.count[b, k] < 2 or slots.lane[b, k] < 0:
        return
    _, _, _, _, _, _, limit = route_point(routes, b, k, _ZERO)
    speed = min(env.start_speed, limit, model.network.cap[tables.lanes[slots.lane[b, k]].point0])
    lane0 = np.int64(tables.maps[model.worlds.map_id[b]].lane0)
    leader, gap = leader_ahead(b, k, _SIGHT, lane0, model.network, slots, model.traffic)
    if leader >= 0:
        calm = np.float32(math.sqrt(np.float32(2.0) * START_BRAKE * max(gap - np.float32(3.0), _ZERO)))
        speed = min(speed, max(calm, slots.speed[b, leader] if gap > _ROOM else calm))
    c, s = np.float32(math.cos(slots.yaw[b, k])), np.float32(math.sin(slots.yaw[b, k]))
    slots.speed[b, k], slots.vx[b, k], slots.vy[b, k] = speed, speed * c, speed * s


@kernel
def begin_world(address, env_address, b):
    """All drivers of world b, which has been reset or restored, begin their episodes."""
    model, env = model_at(address), env_at(env_address)
    for k in range(env.drivers):
        forget_one(b, k, env)
        _start_moving(b, k, model, env)
    model.judge.event_count[b] = 0
    model.judge.event_lost[b] = 0


@kernel
def _rejoin_one(b, k, model, env):
    """Driver k of world b begins its route again where that begins; nothing is done while the place is taken.

    Nothing is swept over: the body's place before is the same.
    """
    slots, judge, routes = model.slots, model.judge, model.routes
    if routes.count[b, k] < 2:
        return
    x, y, z, yaw, _, _, _ = route_point(routes, b, k, _ZERO)
    if not is_free(b, x, y, z, yaw, slots.length[b, k], slots.width[b, k], slots.height[b, k], START_GAP, slots, k):
        return
    put_in(b, k, model.tables, slots, model.worlds, model.traffic, routes)
    reset_judge_one(b, k, judge, judge.max_time[b, k])
    reset_sensors_one(b, k, model.sensors)
    locate_driver(b, k, ALL_ROUTE, model.tables, slots, model.worlds, routes, judge)
    forget_one(b, k, env)
    _start_moving(b, k, model, env)


@kernel
def rejoin_world(b, model, env):
    """Drivers of world b that are over and may join begin anew, where their places are free."""
    for k in range(env.drivers):
        if env.joins[b, k] and not model.judge.active[b, k]:
            _rejoin_one(b, k, model, env)


@kernel
def rejoin_worlds(address, env_address, first, last):
    """`rejoin_world` of the worlds first .. last - 1."""
    model, env = model_at(address), env_at(env_address)
    for b in range(first, last):
        rejoin_world(b, model, env)


@kernel
def leave_worlds(address, env_address, first, last):
    """The bodies of drivers of the worlds first .. last - 1 whose episode is over leave the road."""
    model, env = model_at(address), env_at(env_address)
    for b in range(first, last):
        for k in range(env.drivers):
            if model.slots.valid[b, k] and not model.judge.active[b, k]:
                take_out(b, k, model.slots, model.traffic)
