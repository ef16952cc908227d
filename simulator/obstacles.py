"""What stands or moves in a vehicle's way without being on a lane: walkers, strays, vehicles between two lanes."""

import math

import numpy as np

from simulator.follow import FAR, follow_accel, stop_accel
from simulator.occupancy import LOOSE_PER_CELL, PEDESTRIAN, loose_cell
from simulator.traffic import HAS_CROSSING
from world.kernel import kernel

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
SIDE_MARGIN = np.float32(0.35)  # [m] to vehicles
WALKER_MARGIN = np.float32(0.8)  # [m] to pedestrians
HORIZON = np.float32(2.5)  # [s] for which a body's sideways motion is foreseen
ONCOMING_ROOM = np.float32(3.0)  # [m] short of where a vehicle that comes towards would be met
FAR_OFF = np.float32(20.0)  # [m] a body further from the way is not in it
FEW = 24  # loose bodies of a world that are looked through one by one
LOOSE_HALF = np.float32(12.0)  # [m] half extent of the largest body
CROSSING_ROOM = np.float32(1.0)  # [m] before a crosswalk


@kernel
def _in_way(offset, side_speed, reach, time):
    """Whether a body `offset` [m] off the path, drifting at side_speed, is within `reach` of it now or by `time`."""
    later = offset + side_speed * time
    return min(offset, later) < reach and max(offset, later) > -reach


@kernel
def obstacle_accel(b, i, j, look, free, network, tables, slots, traffic):
    """Acceleration [m/s^2] against one loose body j, by walking along the lanes of the route."""
    half = _HALF * slots.length[b, i]
    px, py = slots.x[b, j], slots.y[b, j]
    dx, dy = px - slots.x[b, i], py - slots.y[b, i]
    span = _HALF * (slots.length[b, j] + slots.width[b, j])
    reach = look + half + span
    if dx * dx + dy * dy > reach * reach or abs(slots.z[b, j] - slots.z[b, i]) > np.float32(3.0):
        return FAR
    c, s = np.float32(math.cos(slots.yaw[b, i])), np.float32(math.sin(slots.yaw[b, i]))
    if dx * c + dy * s < -half - span:
        return FAR
    pedestrian = slots.kind[b, j] == PEDESTRIAN
    margin = WALKER_MARGIN if pedestrian else SIDE_MARGIN
    start = -slots.lane_s[b, i]
    best, best_d2, best_ux, best_uy, best_side = FAR, np.float32(1e9), _ONE, _ZERO, _ZERO
    for k in range(slots.route_lane.shape[2]):
        lane = slots.route_lane[b, i, k]
        if lane < 0 or start > reach:
            break
        rail = network.rails[lane]
        if rail.straight == 1:  # its foot point is where the line says
            low, high = max(-start - half, _ZERO), min(reach - start, rail.length)
            ex, ey = px - rail.x, py - rail.y
            along = min(max(ex * rail.ux + ey * rail.uy, low), high)
            ox, oy = ex - along * rail.ux, ey - along * rail.uy
            d2 = ox * ox + oy * oy
            if low <= high and d2 < best_d2:
                best, best_d2, best_ux, best_uy = start + along, d2, rail.ux, rail.uy
                best_side = rail.ux * oy - rail.uy * ox
            start += rail.length
            continue
        row = tables.lanes[lane]
        first = max(np.int64((-start - half) / row.step), np.int64(0))
        last = min(np.int64((reach - start) / row.step) + 1, np.int64(row.points - 2))
        p = first
        while p <= last:
            a, n = tables.points[row.point0 + p], tables.points[row.point0 + p + 1]
            ux, uy = n.x - a.x, n.y - a.y
            size = np.float32(math.sqrt(max(ux * ux + uy * uy, np.float32(1e-9))))
            ux, uy = ux / size, uy / size
            ex, ey = px - a.x, py - a.y
            along = min(max(ex * ux + ey * uy, _ZERO), size)
            ox, oy = ex - along * ux, ey - along * uy
            d2 = ox * ox + oy * oy
            if d2 < best_d2:
                best, best_d2, best_ux, best_uy = start + np.float32(p) * row.step + along, d2, ux, uy
                best_side = ux * oy - uy * ox
            # The way is no shorter than the straight line: what lies within that reach cannot be nearer than the best
            spare = np.float32(math.sqrt(d2)) - min(np.float32(math.sqrt(best_d2)), FAR_OFF)
            p += max(np.int64(spare / row.step), np.int64(1))
        start += row.length
    if best >= FAR or best_d2 > FAR_OFF * FAR_OFF:
        return FAR
    # The body's half extents along and across the path
    along_yaw, across_yaw = np.float32(math.cos(slots.yaw[b, j])), np.float32(math.sin(slots.yaw[b, j]))
    co, si = abs(along_yaw * best_ux + across_yaw * best_uy), abs(across_yaw * best_ux - along_yaw * best_uy)
    length, width = _HALF * slots.length[b, j], _HALF * slots.width[b, j]
    gap = best - half - (length * co + width * si)
    if best < -half:
        return FAR
    # Where the own body will be sideways there: it slides back to the wanted offset within some 20 m
    fade = max(_ZERO, _ONE - max(best, _ZERO) / max(_TWO * slots.speed[b, i], np.float32(10.0)))
    own = slots.target_offset[b, i] + (slots.lane_d[b, i] - slots.target_offset[b, i]) * fade
    sweep = _HALF * slots.width[b, i] + length * si + width * co + margin
    ahead = slots.vx[b, j] * best_ux + slots.vy[b, j] * best_uy
    side = slots.vy[b, j] * best_ux - slots.vx[b, j] * best_uy
    time = min(HORIZON, max(gap, _ZERO) / max(slots.speed[b, i], _ONE) + _HALF)
    if not _in_way(best_side - own, side, sweep, time):
        return FAR
    if ahead < -_ONE:  # it comes towards: stop before the place where both would meet
        meet = gap * slots.speed[b, i] / max(slots.speed[b, i] - ahead, _ONE)
        return stop_accel(b, i, meet - ONCOMING_ROOM, free, slots, traffic)
    if pedestrian:
        return stop_accel(b, i, gap - _ONE, free, slots, traffic)
    return follow_accel(b, i, gap, ahead, free, slots, traffic)


@kernel
def obstacles_accel(b, i, look, beyond, free, network, tables, slots, traffic):
    """Smallest acceleration [m/s^2] against all loose bodies near the way ahead.

    Args:
        beyond: [m] from the centre to the front of the leader: what lies further ahead concerns that one first.
    """
    accel = FAR
    look = min(look, beyond)
    back = _HALF * slots.length[b, i] + LOOSE_HALF
    reach = look + back
    x, y = slots.x[b, i], slots.y[b, i]
    if traffic.loose_count[b] <= FEW:
        for n in range(traffic.loose_count[b]):
            j = np.int64(traffic.loose[b, n])
            dx, dy = slots.x[b, j] - x, slots.y[b, j] - y
            if j != i and dx * dx + dy * dy <= reach * reach:
                accel = min(accel, obstacle_accel(b, i, j, look, free, network, tables, slots, traffic))
        return accel
    c, s = np.float32(math.cos(slots.yaw[b, i])), np.float32(math.sin(slots.yaw[b, i]))
    across, along = reach * abs(s) + back, reach * abs(c) + back  # of the half disc ahead, behind its centre
    west = np.int64(math.floor((x - (across if c > _ZERO else reach)) * LOOSE_PER_CELL))
    east = np.int64(math.floor((x + (reach if c > _ZERO else across)) * LOOSE_PER_CELL))
    south = np.int64(math.floor((y - (along if s > _ZERO else reach)) * LOOSE_PER_CELL))
    north = np.int64(math.floor((y + (reach if s > _ZERO else along)) * LOOSE_PER_CELL))
    for ix in range(west, east + 1):
        for iy in range(south, north + 1):
            n = np.int64(traffic.loose_head[b, loose_cell(ix, iy)])
            while n >= 0:
                j = np.int64(traffic.loose[b, n])
                if j != i:
                    accel = min(accel, obstacle_accel(b, i, j, look, free, network, tables, slots, traffic))
                n = np.int64(traffic.loose_next[b, n])
    return accel


@kernel
def crosswalk_accel(b, i, look, free, network, tables, slots, worlds, walkers, traffic):
    """Acceleration [m/s^2] that stops before a crosswalk on which somebody walks or steps out."""
    half = _HALF * slots.length[b, i]
    base = tables.maps[worlds.map_id[b]].crosswalk0
    speed = slots.speed[b, i]
    accel = FAR
    start = -slots.lane_s[b, i] - half  # from the bumper
    for k in range(slots.route_lane.shape[2]):
        lane = slots.route_lane[b, i, k]
        if lane < 0 or start > look:
            break
        rail = network.rails[lane]
        if rail.flags & HAS_CROSSING:
            row = tables.lanes[lane]
            for q in range(row.cross0, row.cross1):
                crossing = tables.crossings[q]
                room = start + crossing.s0 - CROSSING_ROOM
                if room < -CROSSING_ROOM or walkers.crosswalk_busy[b, crossing.crosswalk - base] == 0:
                    continue
                if speed * speed > np.float32(10.0) * max(room, np.float32(0.01)) and speed > _ONE:
                    continue  # it would take more than 5 m/s^2: the walker is watched as an obstacle instead
                accel = min(accel, stop_accel(b, i, room, free, slots, traffic))
        start += rail.length
    return accel
