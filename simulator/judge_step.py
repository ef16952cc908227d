"""The judge's step: what drivers did between two states. docs/judge.md states every event and its value.

Sources: CARLA leaderboard 2.x and scenario_runner criteria (route deviation, blocked, completion,
OutsideRouteLanesTest); nuPlan devkit (drivable area, driving direction, fault).
"""

import math

import numpy as np

from simulator.judge import emit
from simulator.judge_collide import box_on_road, hit_slots_one, hit_static_one
from simulator.judge_lines import RED, STOP_RUN, lines_one
from simulator.overlap import TELEPORT_SPEED, slot_motion, sort_world
from world.kernel import inline_kernel, kernel
from world.kinds import EventKind, Fault, LaneKind
from world.queries import DRIVABLE_MASK, lane_point, nearest_lane, project_to_lane, wrap_angle
from world.route_table import project_on_route, route_lane_near, route_point

ROUTE_WINDOW = 20.0  # [m] of progress around the last one in which the driver is looked for
ALL_ROUTE = 1e7  # [m]
SIDEWAYS = math.radians(60.0)  # a driver on its route's lane is within this angle of it
AGAINST = math.radians(120.0)  # from the lane's heading on, one drives against it (leaderboard: MAX_VEHICLE_ANGLE)
AGAINST_DISTANCE = 6.0  # [m] against the lane that count as wrong way (nuPlan: 6 m)
OUT_MARGIN = 0.5  # [m] beyond the lane's border that still count as on it (leaderboard: ALLOWED_OUT_DISTANCE)
OFF_ROAD_REARM = 2.0  # [s]
WHEEL_INSET = 0.3  # [m] a wheel's contact lies this far inside of the box (nuPlan: 0.3 m may stick out)
AROUND = 0.2  # [m] around a box that is all on the road, nothing static is looked for
SKEW = 0.5  # [rad] from its lane's heading, beyond which a box is tested by its corners
SURE = 0.15  # [m] that a lane's width may change along a box
SPEEDING_SHORTEST = 5.0  # [m] stretch of speeding that is reported
_ZERO = np.float32(0.0)
_BOTH_WAYS = int(LaneKind.BIDIRECTIONAL)
_NOBODY, _DRIVER = int(Fault.OTHER), int(Fault.DRIVER)
_RED_LIGHT, _STOP_SIGN, _OFF_ROAD = int(EventKind.RED_LIGHT), int(EventKind.STOP_SIGN), int(EventKind.OFF_ROAD)
_WRONG_WAY, _OUTSIDE = int(EventKind.WRONG_WAY), int(EventKind.OUTSIDE_ROUTE_LANES)
_SPEEDING, _BLOCKED, _DEVIATION = int(EventKind.SPEEDING), int(EventKind.BLOCKED), int(EventKind.ROUTE_DEVIATION)
_TIMEOUT, _COMPLETED = int(EventKind.TIMEOUT), int(EventKind.COMPLETED)


@inline_kernel
def locate_driver(b, k, window, tables, slots, worlds, routes, judge):
    """Find driver k on its route and on a lane.

    The route's own lane wins where the driver is on it: in a junction many lanes lie on top of each other.

    Returns:
        (away, heading, bend, width, limit): [m] to the route's nearest point, 0 without a route; heading [rad],
        curvature [1/m], width [m] and speed limit [m/s] of the lane where it is, 0 without a lane.
    """
    x, y, z, yaw = slots.x[b, k], slots.y[b, k], slots.z[b, k], slots.yaw[b, k]
    away = 0.0
    lane = np.int64(-1)
    if routes.count[b, k] >= 2:
        s, d = project_on_route(routes, b, k, x, y, judge.route_s[b, k], window)
        judge.route_s[b, k], judge.route_d[b, k] = s, d
        px, py, _, heading, _, _, _ = route_point(routes, b, k, s)
        away = math.sqrt((x - px) * (x - px) + (y - py) * (y - py))
        lane, lane_s, piece, _ = route_lane_near(routes, b, k, s, judge.piece[b, k])
        judge.piece[b, k] = piece
        if away < 10.0 and abs(wrap_angle(yaw - heading)) < SIDEWAYS:
            lane_s, lane_d, dist = project_to_lane(tables, lane, x, y, lane_s, True)
            _, _, _, heading, bend, width, limit = lane_point(tables, lane, lane_s)
            if dist <= 0.5 * width:
                judge.lane[b, k], judge.lane_s[b, k], judge.lane_d[b, k] = lane, lane_s, lane_d
                return away, heading, bend, width, limit
    lane, lane_s, lane_d, dist = nearest_lane(tables, worlds.map_id[b], x, y, z, yaw, True, DRIVABLE_MASK)
    judge.lane[b, k], judge.lane_s[b, k], judge.lane_d[b, k] = lane, lane_s, lane_d
    judge.near_x[b, k], judge.near_y[b, k], judge.near_z[b, k], judge.near_yaw[b, k] = x, y, z, yaw
    judge.near_lane[b, k], judge.near_s[b, k], judge.near_d[b, k], judge.near_away[b, k] = lane, lane_s, lane_d, dist
    if lane < 0:
        return away, _ZERO, _ZERO, _ZERO, _ZERO
    _, _, _, heading, bend, width, limit = lane_point(tables, lane, lane_s)
    return away, heading, bend, width, limit


@kernel
def locate_drivers_world(b, tables, slots, worlds, routes, judge):
    """Find route_s, route_d and lane of every driver anew on all of its route (after a reset or teleport).

    Nothing is judged; progress is at least the place found.
    """
    for k in range(judge.active.shape[1]):
        if slots.valid[b, k]:
            locate_driver(b, k, ALL_ROUTE, tables, slots, worlds, routes, judge)
            judge.progress[b, k] = max(judge.progress[b, k], judge.route_s[b, k])


@kernel
def _direction_off_lane(b, k, tables, slots, worlds):
    """As `_direction_one`, by the nearest lane of any direction."""
    x, y, yaw = slots.x[b, k], slots.y[b, k], slots.yaw[b, k]
    lane, s, d, dist = nearest_lane(tables, worlds.map_id[b], x, y, slots.z[b, k], yaw, False, DRIVABLE_MASK)
    _, _, _, heading, _, width, _ = lane_point(tables, lane, s)
    on = dist <= 0.5 * width + OUT_MARGIN
    row = tables.lanes[lane]
    against = on and row.junction < 0 and row.kind != _BOTH_WAYS and abs(wrap_angle(yaw - heading)) > AGAINST
    return on, against


@inline_kernel
def _direction_one(b, k, heading, width, tables, slots, worlds, judge):
    """(on, against): whether the driver's centre is on a lane's band (OUT_MARGIN wider), and heads against its lane.

    Args: heading: [rad], width: [m] of its lane.
    """
    if judge.lane[b, k] < 0:
        return False, False
    if abs(judge.lane_d[b, k]) <= 0.5 * width and abs(wrap_angle(slots.yaw[b, k] - heading)) < AGAINST:
        return True, False
    return _direction_off_lane(b, k, tables, slots, worlds)


@inline_kernel
def _ways_one(b, k, driven, whole, heading, width, tables, slots, worlds, judge, dt):
    """Off road, wrong way, outside of the route's lanes.

    Args:
        driven: [m] in the step. whole: all wheels are on the road. heading: [rad], width: [m] of its lane.
    """
    x, y = slots.x[b, k], slots.y[b, k]
    judge.off_road_timer[b, k] = max(judge.off_road_timer[b, k] - dt, 0.0)
    if not whole:
        if judge.off_road_timer[b, k] == 0.0:
            emit(b, k, _OFF_ROAD, 1.0, -1, _DRIVER, x, y, worlds, judge)
        judge.off_road_timer[b, k] = OFF_ROAD_REARM
    judge.off_road[b, k] = not whole
    on, against = _direction_one(b, k, heading, width, tables, slots, worlds, judge)
    judge.wrong_way[b, k] = against
    before = judge.against[b, k]
    judge.against[b, k] = before + driven if against else 0.0
    if before < AGAINST_DISTANCE <= judge.against[b, k]:
        emit(b, k, _WRONG_WAY, 1.0, -1, _DRIVER, x, y, worlds, judge)
    judge.driven[b, k] += driven
    if against or not on:
        judge.outside[b, k] += driven


@kernel
def _report_speeding(b, k, slots, worlds, judge):
    """Close the present stretch of speeding."""
    if judge.speeding[b, k] >= SPEEDING_SHORTEST:
        emit(b, k, _SPEEDING, judge.speeding[b, k], -1, _DRIVER, slots.x[b, k], slots.y[b, k], worlds, judge)
    judge.speeding[b, k] = 0.0


@inline_kernel
def _rules_one(b, k, driven, limit, tables, slots, worlds, routes, judge, limits):
    """Red lights, stop signs, speed limit (`limit` [m/s] of its lane)."""
    x, y = slots.x[b, k], slots.y[b, k]
    crossed = lines_one(b, k, driven, tables, slots, worlds, routes, judge, limits)
    if crossed == RED:
        emit(b, k, _RED_LIGHT, 1.0, -1, _DRIVER, x, y, worlds, judge)
    elif crossed == STOP_RUN:
        emit(b, k, _STOP_SIGN, 1.0, -1, _DRIVER, x, y, worlds, judge)
    fast = False
    if judge.lane[b, k] >= 0:
        fast = abs(slots.speed[b, k]) > limit * (1.0 + limits.speeding_margin)
    if fast:
        judge.speeding[b, k] += driven
    elif judge.speeding[b, k] > 0.0:
        _report_speeding(b, k, slots, worlds, judge)


@kernel
def _end_one(b, k, terminated, slots, worlds, judge):
    """Driver k is done: report what is still open."""
    if terminated:
        judge.terminated[b, k] = True
    else:
        judge.truncated[b, k] = True
    judge.active[b, k] = False
    _report_speeding(b, k, slots, worlds, judge)
    if judge.outside[b, k] > 0.0:
        share = judge.outside[b, k] / max(judge.driven[b, k], 1e-6)
        emit(b, k, _OUTSIDE, min(share, 1.0), -1, _DRIVER, slots.x[b, k], slots.y[b, k], worlds, judge)


@inline_kernel
def _outcome_one(b, k, away, hits, slots, worlds, routes, judge, limits):
    """Progress, and whether the run is over: completed, off the route, blocked, ended by a collision, out of time."""
    x, y = slots.x[b, k], slots.y[b, k]
    time = judge.steps[b, k] * limits.dt
    judge.stopped[b, k] = judge.stopped[b, k] + limits.dt if abs(slots.speed[b, k]) < limits.blocked_speed else 0.0
    over = hits > 0 and limits.collision_ends > 0.0
    last = routes.count[b, k] - 1
    if last >= 1:
        if away <= limits.deviation_limit:
            judge.progress[b, k] = max(judge.progress[b, k], judge.route_s[b, k])
        dx, dy = routes.x[b, k, last] - x, routes.y[b, k, last] - y
        near = dx * dx + dy * dy < limits.arrive_distance * limits.arrive_distance
        if near and judge.progress[b, k] >= limits.arrive_fraction * routes.length[b, k]:
            emit(b, k, _COMPLETED, 1.0, -1, _NOBODY, x, y, worlds, judge)
            over = True
        elif away > limits.deviation_limit:
            emit(b, k, _DEVIATION, away, -1, _DRIVER, x, y, worlds, judge)
            over = True
    if not over and judge.stopped[b, k] >= limits.blocked_time:
        emit(b, k, _BLOCKED, judge.stopped[b, k], -1, _DRIVER, x, y, worlds, judge)
        over = True
    if over:
        _end_one(b, k, True, slots, worlds, judge)
    elif time >= judge.max_time[b, k]:
        emit(b, k, _TIMEOUT, time, -1, _NOBODY, x, y, worlds, judge)
        _end_one(b, k, False, slots, worlds, judge)


@kernel
def _off_road_one(b, k, c, s, tables, slots, worlds, judge, dt):
    """(hits, whole) of driver k, a corner of which is off the road: what it hit there, whether its wheels are on it.

    Nothing stands on the drivable surface.
    """
    hits = hit_static_one(b, k, tables, slots, worlds, judge, dt)
    x, y, z, inset = slots.x[b, k], slots.y[b, k], slots.z[b, k], 2.0 * WHEEL_INSET
    length, width, map_id = slots.length[b, k] - inset, slots.width[b, k] - inset, worlds.map_id[b]
    return hits, box_on_road(b, k, map_id, x, y, z, c, s, length, width, tables, judge)


@inline_kernel
def _in_lane(b, k, half, side, turn, bend, width, tables, judge):
    """Whether driver k's box, `half` long to either end, is within its lane beyond doubt: then it is on the road.

    Args:
        half, side: [m] half length and half width of the box. turn: [rad] its yaw from the lane's, without sign.
        bend: [1/m] curvature of the lane. width: [m] of the lane.
    """
    lane = judge.lane[b, k]
    if lane < 0 or turn > SKEW:
        return False
    across = abs(judge.lane_d[b, k]) + half * turn + side + half * half * abs(bend)
    along = judge.lane_s[b, k]
    return across + SURE < 0.5 * width and along > half and along + half < tables.lanes[lane].length


@kernel
def _judge_one(b, k, tables, slots, worlds, routes, judge, broad, limits):
    """Everything about driver k."""
    judge.steps[b, k] += 1
    motion = slot_motion(b, k, slots)
    jumped = motion > TELEPORT_SPEED * limits.dt
    driven = 0.0 if jumped else motion
    hits = hit_slots_one(b, k, motion, tables, slots, worlds, judge, broad, limits.dt)
    window = ALL_ROUTE if jumped else ROUTE_WINDOW
    away, heading, bend, width, limit = locate_driver(b, k, window, tables, slots, worlds, routes, judge)
    x, y, z, yaw = slots.x[b, k], slots.y[b, k], slots.z[b, k], slots.yaw[b, k]
    c, s, around = math.cos(yaw), math.sin(yaw), 2.0 * AROUND
    judge.static_timer[b, k] = max(judge.static_timer[b, k] - limits.dt, 0.0)
    half, side = 0.5 * slots.length[b, k] + AROUND, 0.5 * slots.width[b, k] + AROUND
    whole = _in_lane(b, k, half, side, abs(wrap_angle(yaw - heading)), bend, width, tables, judge) or box_on_road(
        b, k, worlds.map_id[b], x, y, z, c, s, slots.length[b, k] + around, slots.width[b, k] + around, tables, judge
    )
    if not whole:
        hit, whole = _off_road_one(b, k, c, s, tables, slots, worlds, judge, limits.dt)
        hits += hit
    _ways_one(b, k, driven, whole, heading, width, tables, slots, worlds, judge, limits.dt)
    if not jumped:
        _rules_one(b, k, driven, limit, tables, slots, worlds, routes, judge, limits)
    _outcome_one(b, k, away, hits, slots, worlds, routes, judge, limits)


@kernel
def judge_world(b, tables, slots, worlds, routes, judge, broad, limits):
    """Judge the step of world b that has just been made: old_x, old_y, old_yaw -> x, y, yaw, ... in `slots`.

    worlds.step is the number of the new state; worlds.light are the lights during the step. Needs of `slots`: pose,
    old pose, speed, vx, vy, size, kind, generation, valid. A slot that moves at more than TELEPORT_SPEED is taken as
    put there: nothing between is hit or crossed.

    Args:
        tables: MapTables. slots, worlds: `simulator.state`. routes: RouteTable. judge: Judge.
        broad: `overlap.Broad`, sorted here. limits: JudgeLimits.
    """
    sort_world(b, slots, broad)
    for k in range(judge.active.shape[1]):
        if judge.active[b, k] and slots.valid[b, k]:
            _judge_one(b, k, tables, slots, worlds, routes, judge, broad, limits)
