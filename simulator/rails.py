"""Motion along lane centre lines: where a vehicle's axles are, and how it moves sideways within and between lanes.

A traffic vehicle is described by (lane, s, d): its centre at arc length s, d to the left of the centre line, and
slope = dd/ds. Its pose puts two points, a wheelbase apart, on the (shifted) line, so that yaw has no steps where the
lanes' headings have, and a long vehicle cuts a curve as far inside as its ends swing out.
"""

import math

import numpy as np

from simulator.state import ROUTE_LANES
from world.bicycle import wrap_angle
from world.kernel import kernel

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
SIDE_ACCEL = np.float32(1.2)  # [m/s^2] of a lane change
SIDE_BEND = np.float32(0.03)  # [1/m] tightest lane change
SIDE_SLOPE = np.float32(0.35)  # largest dd/ds
SIDE_TIME = np.float32(1.3)  # [s] time constant of the sideways motion
SIDE_MIN = np.float32(5.0)  # [m] its shortest length


@kernel
def shifted_point(tables, lane, s, d):
    """(x, y, z) of the point d [m] left of a lane's centre line at s [m]; beyond an end straight on."""
    row = tables.lanes[lane]
    u = s / row.step
    k = min(max(np.int64(math.floor(u)), np.int64(0)), np.int64(row.points - 2))
    t = u - np.float32(k)
    a = tables.points[row.point0 + k]
    c = tables.points[row.point0 + k + 1]
    ux, uy = c.x - a.x, c.y - a.y
    scale = d / np.float32(math.sqrt(max(ux * ux + uy * uy, np.float32(1e-12))))
    return a.x + t * ux - scale * uy, a.y + t * uy + scale * ux, a.z + t * (c.z - a.z)


@kernel
def route_point(b, i, offset, tables, slots, row):
    """(x, y, z) of the point `offset` [m] ahead of the slot's centre along its route, at its sideways shift."""
    s = slots.lane_s[b, i] + offset
    d = slots.lane_d[b, i] + row[b, i].slope * offset
    lane = slots.lane[b, i]
    if s < _ZERO:
        before = row[b, i].previous
        if before >= 0:
            return shifted_point(tables, before, s + tables.lanes[before].length, d)
        return shifted_point(tables, lane, s, d)
    for k in range(ROUTE_LANES - 1):
        length = tables.lanes[lane].length
        after = slots.route_lane[b, i, k + 1]
        if s <= length or after < 0:
            break
        s -= length
        lane = after
    return shifted_point(tables, lane, s, d)


@kernel
def pose_on_rails(b, i, dt, tables, slots, row):
    """Set x, y, z, yaw of a traffic vehicle from (lane, s, d), and velocities from the pose before (dt > 0)."""
    half = _HALF * slots.wheelbase[b, i]
    ax, ay, az = route_point(b, i, half, tables, slots, row)
    cx, cy, cz = route_point(b, i, -half, tables, slots, row)
    x, y = _HALF * (ax + cx), _HALF * (ay + cy)
    yaw = np.float32(math.atan2(ay - cy, ax - cx))
    if dt > _ZERO:
        slots.vx[b, i] = (x - slots.x[b, i]) / dt
        slots.vy[b, i] = (y - slots.y[b, i]) / dt
        turned = wrap_angle(yaw - slots.yaw[b, i])
        slots.yaw_rate[b, i] = turned / dt
        speed = slots.speed[b, i]
        if speed > np.float32(0.5):
            wheel = np.float32(math.atan(slots.wheelbase[b, i] * turned / (dt * speed)))
            most = slots.max_steer[b, i]
            slots.steer[b, i] = min(max(wheel, -most), most)
    slots.x[b, i], slots.y[b, i], slots.z[b, i], slots.yaw[b, i] = x, y, _HALF * (az + cz), wrap_angle(yaw)


@kernel
def slide(b, i, distance, slots, row):
    """Sideways motion while `distance` [m] is driven: critically damped towards the wanted offset, bounded."""
    t = row[b, i]
    goal = slots.target_offset[b, i]
    d, slope, speed = slots.lane_d[b, i], t.slope, slots.speed[b, i]
    if distance <= _ZERO or (d == goal and slope == _ZERO and t.bend == _ZERO):
        return
    length = max(speed * SIDE_TIME, SIDE_MIN)
    want = -((d - goal) / length + np.float32(2.0) * slope) / length
    most = min(SIDE_BEND, SIDE_ACCEL / max(speed * speed, _ONE))
    want = min(max(want, -most), most)
    t.bend += (want - t.bend) * min(_ONE, np.float32(4.0) * distance / length)
    slope = min(max(slope + t.bend * distance, -SIDE_SLOPE), SIDE_SLOPE)
    d += slope * distance
    if abs(d - goal) < np.float32(0.005) and abs(slope) < np.float32(0.002):
        d, slope, t.bend = goal, _ZERO, _ZERO
    t.slope = slope
    slots.lane_d[b, i] = d
