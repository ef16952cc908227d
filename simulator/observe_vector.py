"""The `vector` observation straight from the engine's state, without a Scene in between.

It computes what `scene_fill` and `scene_route` would put into the Scene, as far as the vector shows it, by the same
formulas, and writes it by the same kernels as `agents.encode_vector`; a test holds the two equal.
"""

# pyright: reportCallIssue=false
# (intrinsics take a typing context more than their callers give)

import math

import numpy as np

from simulator.model import model_at
from simulator.scene_fill import LEVEL
from simulator.scene_route import PASSED
from world.encode import put_ego, put_lanes, put_light, put_line, put_object, put_route_point, put_zeros
from world.kernel import inline_kernel, kernel
from world.kinds import StopKind
from world.observation import (
    AHEAD_AT,
    EGO_AT,
    LANES_AT,
    OBJECT,
    OBJECTS_AT,
    ROUTE_AT,
    VECTOR_OBJECTS,
    VECTOR_ROUTE_INDEX,
    VECTOR_SIZE,
)
from world.prefetch import prefetch_entry
from world.queries import lane_point, wrap_angle
from world.records import SCENE_RANGE, SCENE_ROUTE_STEP
from world.rounding import wrap_float
from world.route_line import ROUTE_STEP
from world.route_table import route_index

_ROUTE_INDEX = np.array(VECTOR_ROUTE_INDEX, np.int64)
_ROUTE_POINTS, _OBJECT_SIZE = len(VECTOR_ROUTE_INDEX), len(OBJECT)
_LIGHT, _STOP, _YIELD = int(StopKind.LIGHT), int(StopKind.STOP), int(StopKind.YIELD)
_LAST_POINT = int(max(VECTOR_ROUTE_INDEX) * SCENE_ROUTE_STEP / ROUTE_STEP)
FETCH = 2  # drivers ahead of the present one whose routes are asked for
_ZERO, _HALF_TURN = np.float32(0.0), 0.5 * math.pi
_ROUTE_STEP, _NEXT = np.float32(ROUTE_STEP), np.uint64(1)
_RANGE2 = np.float32(SCENE_RANGE * SCENE_RANGE)
_NOBODY = np.int64((1 << 63) - 1)  # a key behind all others


@inline_kernel
def _own_lane(b, k, tables, slots, judge):
    """(lane_offset, lane_angle, on_lane, limit, left, left_change, right, right_change) of driver k's lane."""
    lane = judge.lane[b, k]
    if lane < 0:
        return _ZERO, _ZERO, False, _ZERO, False, False, False, False
    s, d = judge.lane_s[b, k], judge.lane_d[b, k]
    _, _, _, heading, _, width, limit = lane_point(tables, lane, s)
    row = tables.lanes[lane]
    i = row.point0 + min(max(np.int64(s / row.step), np.int64(0)), np.int64(row.points - 1))
    left, right = np.int64(row.left), np.int64(row.right)
    has_left = left >= 0 and tables.lanes[left].drivable != 0
    has_right = right >= 0 and tables.lanes[right].drivable != 0
    point = tables.points[i]
    change_left, change_right = point.change_left != 0, point.change_right != 0
    angle = wrap_angle(slots.yaw[b, k] - heading)
    if abs(d) <= 0.5 * width and abs(angle) < _HALF_TURN:
        return d, angle, True, limit, has_left, change_left, has_right, change_right
    return _ZERO, _ZERO, False, limit, has_left, change_left, has_right, change_right


@inline_kernel
def _route(b, k, s, x, y, c, si, routes, out):
    """Write the route's points. Returns the half width [m] of the route's lane at the driver."""
    length, has_route = routes.length[b, k], routes.count[b, k] >= 2
    last = np.int64(routes.count[b, k] - 2)
    for n in range(_ROUTE_POINTS):
        at = s + _ROUTE_INDEX[n] * SCENE_ROUTE_STEP
        place = ROUTE_AT + 3 * n
        if has_route and at <= length:
            u = np.float32(at) / _ROUTE_STEP  # as route_index, of a place that lies on the route
            whole = min(np.int64(u), last)
            t, i = u - np.float32(whole), np.uint64(whole)  # a signed index would be tested for counting from the end
            j = i + _NEXT
            px = routes.x[b, k, i] + t * (routes.x[b, k, j] - routes.x[b, k, i])
            py = routes.y[b, k, i] + t * (routes.y[b, k, j] - routes.y[b, k, i])
            dx, dy = px - x, py - y
            put_route_point(out, b, k, place, dx * c + dy * si, dy * c - dx * si, routes.limit[b, k, i])
        else:
            put_zeros(out, b, k, place, place + 3)
    if not has_route or s > length:
        return _ZERO
    i, t = route_index(routes, b, k, s)
    return routes.half_width[b, k, i] + t * (routes.half_width[b, k, i + 1] - routes.half_width[b, k, i])


@inline_kernel
def _piece_at(b, k, s, routes):
    """The route piece at progress s, by halving."""
    i, t = route_index(routes, b, k, s)
    at = np.float32(i) + t
    low, high = np.int64(0), np.int64(routes.piece_count[b, k])
    while high - low > 1:
        middle = (low + high) >> 1
        if routes.piece_start[b, k, middle] <= at:
            low = middle
        else:
            high = middle
    return low


@kernel
def _ahead(b, k, s, front, map_id, tables, worlds, routes, out):
    """Write what the route meets next; front [m] is the front bumper's progress."""
    at_light, at_stop = AHEAD_AT, AHEAD_AT + 4
    put_zeros(out, b, k, AHEAD_AT, OBJECTS_AT)
    if routes.count[b, k] < 2:
        return
    light = stop = give_way = crosswalk = False
    for m in range(max(_piece_at(b, k, s, routes) - 1, 0), routes.piece_count[b, k]):
        s0, s1 = routes.piece_s0[b, k, m], routes.piece_s1[b, k, m]
        base = routes.piece_start[b, k, m] - s0 - front
        if base + s0 > SCENE_RANGE:
            return
        row = tables.lanes[routes.piece_lane[b, k, m]]
        for q in range(row.stop0, row.stop1):
            line = tables.stops[q]
            at = line.s
            if not (s0 <= at <= s1 and -PASSED <= base + at <= SCENE_RANGE):
                continue
            if line.kind == _LIGHT and not light:
                state = worlds.light[b, line.light - tables.maps[map_id].light0]
                put_light(out, b, k, at_light, state, np.float32(base + at), True)
                light = True
            elif line.kind == _STOP and not stop:
                put_line(out, b, k, at_stop, np.float32(base + at), True)
                stop = True
            elif line.kind == _YIELD and not give_way:
                put_line(out, b, k, at_stop + 2, np.float32(base + at), True)
                give_way = True
        if crosswalk:
            continue
        for i in range(row.cross0, row.cross1):
            crossing = tables.crossings[i]
            if not crosswalk and crossing.s1 > s0 and crossing.s0 < s1 and base + crossing.s1 > 0.0:
                if base + crossing.s0 <= SCENE_RANGE:
                    put_line(out, b, k, at_stop + 4, np.float32(base + crossing.s0), True)
                    crosswalk = True


@inline_kernel
def _nearest(b, k, x, y, z, slots, near):
    """Write the slots of the nearest VECTOR_OBJECTS road users into near.index, in order. Returns how many there are.

    A key has the squared distance's bits above the slot's number: as integers they go by distance, then by slot. All
    places of the sorted list are found anew for each candidate, without a branch: each is the middle one of itself,
    its neighbour and the candidate.
    """
    k0 = k1 = k2 = k3 = k4 = k5 = k6 = k7 = _NOBODY
    sx, sy, sz, there, count = slots.x, slots.y, slots.z, slots.valid, 0
    for j in range(sx.shape[1]):
        dx, dy = sx[b, j] - x, sy[b, j] - y
        d2 = dx * dx + dy * dy
        if j == k or not there[b, j] or d2 > _RANGE2 or abs(sz[b, j] - z) > LEVEL:
            continue
        count += 1
        key = (np.int64(np.float32(d2).view(np.int32)) << 32) | j
        if key < k7:
            k7, k6 = max(k6, min(k7, key)), max(k5, min(k6, key))
            k5, k4 = max(k4, min(k5, key)), max(k3, min(k4, key))
            k3, k2 = max(k2, min(k3, key)), max(k1, min(k2, key))
            k1, k0 = max(k0, min(k1, key)), min(k0, key)
    index = near.index
    index[b, k, 0], index[b, k, 1], index[b, k, 2], index[b, k, 3] = k0, k1, k2, k3  # their lower halves
    index[b, k, 4], index[b, k, 5], index[b, k, 6], index[b, k, 7] = k4, k5, k6, k7
    return min(count, VECTOR_OBJECTS)


@inline_kernel
def _objects(b, k, x, y, z, c, s, slots, near, out):
    """Write the nearest road users."""
    count = _nearest(b, k, x, y, z, slots, near)
    yaw, own_speed = slots.yaw[b, k], slots.speed[b, k]
    for n in range(count):
        j = near.index[b, k, n]
        dx, dy, vx, vy = slots.x[b, j] - x, slots.y[b, j] - y, slots.vx[b, j], slots.vy[b, j]
        turn = wrap_float(slots.yaw[b, j] - yaw)
        put_object(
            out, b, k, OBJECTS_AT + _OBJECT_SIZE * n,
            dx * c + dy * s, dy * c - dx * s, vx * c + vy * s, vy * c - vx * s,
            turn, slots.length[b, j], slots.kind[b, j], own_speed,
        )  # fmt: skip
    put_zeros(out, b, k, OBJECTS_AT + _OBJECT_SIZE * count, VECTOR_SIZE)


@inline_kernel
def _fetch(b, k, judge, routes):
    """Ask for the part of driver k's route that its vector shows: three rows, 16 points a cache line."""
    at = np.int64(judge.route_s[b, k])
    for ahead in range(0, _LAST_POINT + 16, 16):
        prefetch_entry(routes.x, b, k, at + ahead)
        prefetch_entry(routes.y, b, k, at + ahead)
        prefetch_entry(routes.limit, b, k, at + ahead)
    prefetch_entry(routes.half_width, b, k, at)
    prefetch_entry(routes.piece_start, b, k, 0)
    prefetch_entry(routes.piece_lane, b, k, 0)
    prefetch_entry(routes.piece_s0, b, k, 0)
    prefetch_entry(routes.piece_s1, b, k, 0)


@kernel
def observe_vector_one(b, k, model, out):
    """Write the vector of driver k of world b; zeros where it takes no part."""
    slots, judge, routes = model.slots, model.judge, model.routes
    if not (judge.active[b, k] and slots.valid[b, k]):
        put_zeros(out, b, k, 0, VECTOR_SIZE)
        return
    x, y, yaw = slots.x[b, k], slots.y[b, k], slots.yaw[b, k]
    c, si = np.float32(math.cos(yaw)), np.float32(math.sin(yaw))
    s, length = judge.route_s[b, k], slots.length[b, k]
    offset, angle, on_lane, limit, left, left_change, right, right_change = _own_lane(b, k, model.tables, slots, judge)
    has_route = routes.count[b, k] >= 2
    remaining = routes.length[b, k] - s if has_route else _ZERO
    route_offset = judge.route_d[b, k] if has_route else _ZERO
    put_ego(
        out, b, k, EGO_AT, slots.speed[b, k], slots.accel[b, k], slots.yaw_rate[b, k], slots.steer[b, k],
        offset, angle, on_lane, route_offset, remaining, length, limit,
    )  # fmt: skip
    half_width = _route(b, k, s, x, y, c, si, routes, out)
    put_lanes(out, b, k, LANES_AT, left, left_change, right, right_change, half_width)
    _ahead(b, k, s, s + 0.5 * length, model.worlds.map_id[b], model.tables, model.worlds, routes, out)
    _objects(b, k, x, y, slots.z[b, k], c, si, slots, model.scene.near, out)


@kernel
def observe_vector_worlds(address, first, last, out):
    """Write out float32 (B, K, VECTOR_SIZE) of the drivers of the worlds first .. last - 1."""
    model = model_at(address)
    drivers = out.shape[1]
    for b in range(first, last):
        for k in range(drivers):
            soon = b + (k + FETCH) // drivers
            if soon < last:
                _fetch(soon, (k + FETCH) % drivers, model.judge, model.routes)
            observe_vector_one(b, k, model, out)
