"""Where vehicles that do not run on rails are on the lane graph, and what lies ahead of them on their way."""

import math

import numpy as np

from simulator.traffic import LANE_SLACK
from world.bicycle import wrap_angle
from world.kernel import inline_kernel, kernel
from world.queries import DRIVABLE_MASK, has_successor, nearest_lane, next_lane, project_to_lane, straightest_successor

_ZERO, _HALF = np.float32(0.0), np.float32(0.5)
_ALONG = np.float32(1.2)  # [rad] between vehicle and lane
_NEAR = np.float32(6.0)  # [m] a lane further away is not the vehicle's
_SEARCH = 4  # lanes of the way ahead that are tried before the whole map


@kernel
def on_lane(tables, lane, x, y, yaw, hint, use_hint):
    """(fits, s, d): whether the point lies within the lane's band, runs its way, and is between its ends."""
    row = tables.lanes[lane]
    s, d, dist = project_to_lane(tables, lane, x, y, hint, use_hint)
    k = min(np.int64(s / row.step), np.int64(row.points - 2))
    p = tables.points[row.point0 + k]
    fits = dist <= _HALF * p.width + LANE_SLACK and abs(wrap_angle(yaw - p.heading)) < _ALONG
    return fits, s, d


@inline_kernel
def in_box(box, x, y):
    """Whether a point lies in a lane's box, outside of which `on_lane` is false."""
    return box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1


@kernel
def nearest_to_slot(b, i, k, tables, slots, worlds, judge):
    """(lane, s, d, dist) of the lane nearest to a vehicle; what the judge found there for driver k (-1: none) holds."""
    x, y, z, yaw = slots.x[b, i], slots.y[b, i], slots.z[b, i], slots.yaw[b, i]
    if k >= 0 and judge.near_yaw[b, k] == yaw:
        if judge.near_x[b, k] == x and judge.near_y[b, k] == y and judge.near_z[b, k] == z:
            return np.int64(judge.near_lane[b, k]), judge.near_s[b, k], judge.near_d[b, k], judge.near_away[b, k]
    return nearest_lane(tables, worlds.map_id[b], x, y, z, yaw, True, DRIVABLE_MASK)


@kernel
def find_lane(b, i, k, network, tables, slots, worlds, judge):
    """(lane, s, d) of a vehicle's centre: a lane of its way ahead where it is on one, else the nearest; -1 off roads.

    A lane that is left over its end is not kept, so that of several lanes on the same ground the way ahead decides.
    """
    x, y, yaw = slots.x[b, i], slots.y[b, i], slots.yaw[b, i]
    if k >= 0 and judge.active[b, k] and judge.lane[b, k] >= 0:
        if slots.route_lane[b, i, 0] == judge.lane[b, k]:  # it has not moved since it was judged to be there
            return np.int64(judge.lane[b, k]), judge.lane_s[b, k], judge.lane_d[b, k]
    best, best_s, best_d = np.int64(-1), _ZERO, _ZERO
    for n in range(_SEARCH):
        lane = np.int64(slots.route_lane[b, i, n])
        if lane < 0:
            break
        if not in_box(network.box[lane], x, y):
            continue
        fits, s, d = on_lane(tables, lane, x, y, yaw, slots.lane_s[b, i], n == 0)
        past = s >= tables.lanes[lane].length and slots.route_lane[b, i, n + 1] >= 0
        if fits and not past and (best < 0 or abs(d) < abs(best_d) - np.float32(0.3)):
            best, best_s, best_d = lane, s, d
    if best >= 0:
        return best, best_s, best_d
    lane, s, d, dist = nearest_to_slot(b, i, k, tables, slots, worlds, judge)
    if lane < 0 or dist > _NEAR:
        return np.int64(-1), _ZERO, _ZERO
    return lane, np.float32(s), np.float32(d)


@kernel
def way_ahead(b, i, k, tables, slots, traffic, routes):
    """Fill route_lane of a driver (k >= 0: along its own route) or of a scripted vehicle (straight on)."""
    lane = np.int64(slots.lane[b, i])
    row = traffic.row[b, i]
    if lane >= 0 and row.way == lane and slots.route_lane[b, i, 0] == lane:
        return
    place, count = np.int64(row.place), np.int64(0)
    row.way = lane
    if k >= 0:
        count = np.int64(routes.piece_count[b, k])
        place = min(place, max(count - 1, np.int64(0)))
        for at in range(max(place - 1, np.int64(0)), min(place + 4, count)):
            if routes.piece_lane[b, k, at] == lane:
                place = np.int64(at)
                break
        if place != row.place:  # the next call may find another place still
            row.way = -1
        row.place = place
    slots.route_lane[b, i, 0] = lane
    for j in range(1, slots.route_lane.shape[2]):
        if lane >= 0:
            if count > 0:
                lane, place = next_lane(tables, lane, routes.piece_lane[b, k], place, count)
            else:
                lane = straightest_successor(tables, lane)
        slots.route_lane[b, i, j] = lane


@kernel
def locate_one(b, i, k, network, tables, slots, worlds, traffic, routes, judge):
    """Bring lane, lane_s, lane_d, z and route_lane of an external or scripted vehicle up to date."""
    lane, s, d = find_lane(b, i, k, network, tables, slots, worlds, judge)
    row = traffic.row[b, i]
    if lane != slots.lane[b, i]:
        row.previous = (
            slots.lane[b, i]
            if slots.lane[b, i] >= 0 and lane >= 0 and has_successor(tables, slots.lane[b, i], lane)
            else -1
        )
    slots.lane[b, i], slots.lane_s[b, i], slots.lane_d[b, i] = lane, s, d
    way_ahead(b, i, k, tables, slots, traffic, routes)
    if lane >= 0:
        shape = tables.lanes[lane]
        u = s / shape.step
        p = min(np.int64(math.floor(u)), np.int64(shape.points - 2))
        a, c = tables.points[shape.point0 + p], tables.points[shape.point0 + p + 1]
        slots.z[b, i] = a.z + (u - np.float32(p)) * (c.z - a.z)
