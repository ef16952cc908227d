"""Motion along lane centre lines: where a vehicle's axles are, and how it moves sideways within and between lanes.

A traffic vehicle is described by (lane, s, d): its centre at arc length s, d to the left of the centre line, and
slope = dd/ds. Its pose puts two points, a wheelbase apart, on the (shifted) line, so that yaw has no steps where the
lanes' headings have, and a long vehicle cuts a curve as far inside as its ends swing out.
"""

import math

import numpy as np

from world.kernel import inline_kernel, kernel

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_PI, _TWO_PI = np.float32(math.pi), np.float32(2.0 * math.pi)
SIDE_ACCEL = np.float32(1.2)  # [m/s^2] of a lane change
SIDE_BEND = np.float32(0.03)  # [1/m] tightest lane change
SIDE_SLOPE = np.float32(0.35)  # largest dd/ds
SIDE_TIME = np.float32(1.3)  # [s] time constant of the sideways motion
SIDE_MIN = np.float32(5.0)  # [m] its shortest length


@inline_kernel
def turn_of(angle):
    """A difference of two headings [rad], each in [-pi, pi), brought into [-pi, pi)."""
    if angle >= _PI:
        angle -= _TWO_PI
    return angle + _TWO_PI if angle < -_PI else angle


@inline_kernel
def steer_of(curvature):
    """atan(wheelbase * path curvature) [rad] to 0.005 rad up to 1: wheels do not move traffic, it only shows them."""
    return curvature / (_ONE + np.float32(0.28) * curvature * curvature)


@kernel
def shifted_point(network, tables, lane, s, d):
    """(x, y, z, heading) of the point d [m] left of a lane's centre line at s [m]; beyond an end straight on."""
    rail = network.rails[lane]
    if rail.straight == 1:
        x, y = rail.x + s * rail.ux - d * rail.uy, rail.y + s * rail.uy + d * rail.ux
        return x, y, rail.z + s * rail.rise, rail.heading
    u = s * rail.per_step
    k = min(max(np.int64(u), np.int64(0)), np.int64(tables.lanes[lane].points - 2))
    t = u - np.float32(k)
    a = tables.points[rail.point0 + k]
    c = tables.points[rail.point0 + k + 1]
    ux, uy = c.x - a.x, c.y - a.y
    x, y = a.x + t * ux, a.y + t * uy
    if d != _ZERO:
        scale = d / np.float32(math.sqrt(max(ux * ux + uy * uy, np.float32(1e-12))))
        x, y = x - scale * uy, y + scale * ux
    heading = a.heading + min(max(t, _ZERO), _ONE) * turn_of(c.heading - a.heading)
    return x, y, a.z + t * (c.z - a.z), turn_of(heading)


@kernel
def route_point(b, i, offset, network, tables, slots, row):
    """(x, y, z, heading) of the point `offset` [m] ahead of the slot's centre on its route, at its sideways shift."""
    s = slots.lane_s[b, i] + offset
    d = slots.lane_d[b, i] + row[b, i].slope * offset
    lane = slots.lane[b, i]
    if s < _ZERO:
        before = row[b, i].previous
        if before >= 0:
            return shifted_point(network, tables, before, s + network.rails[before].length, d)
        return shifted_point(network, tables, lane, s, d)
    for k in range(slots.route_lane.shape[2] - 1):
        length = network.rails[lane].length
        if s <= length:
            break
        after = slots.route_lane[b, i, k + 1]
        if after < 0:
            break
        s -= length
        lane = after
    return shifted_point(network, tables, lane, s, d)


@inline_kernel
def rail_pose(b, i, network, tables, slots, row):
    """(x, y, z, yaw) of a vehicle at (lane, s, d): midway between its axles, which are on the (shifted) lines.

    The mean of the headings at the axles is the direction from one to the other on every circular arc.
    """
    half = _HALF * slots.wheelbase[b, i]
    rail = network.rails[slots.lane[b, i]]
    s, d, slope = slots.lane_s[b, i], slots.lane_d[b, i], row[b, i].slope
    if rail.straight == 1 and s >= half and s + half <= rail.length:
        x, y, z = rail.x + s * rail.ux - d * rail.uy, rail.y + s * rail.uy + d * rail.ux, rail.z + s * rail.rise
        yaw = rail.heading
    else:
        ax, ay, az, front = route_point(b, i, half, network, tables, slots, row)
        cx, cy, cz, rear = route_point(b, i, -half, network, tables, slots, row)
        x, y, z = _HALF * (ax + cx), _HALF * (ay + cy), _HALF * (az + cz)
        yaw = turn_of(rear + _HALF * turn_of(front - rear))
    if slope != _ZERO:
        yaw = turn_of(yaw + np.float32(math.atan(slope)))
    return x, y, z, yaw


@inline_kernel
def pose_on_rails(b, i, dt, network, tables, slots, row):
    """Set x, y, z, yaw of a traffic vehicle from (lane, s, d), and velocities from the pose before (dt > 0)."""
    x, y, z, yaw = rail_pose(b, i, network, tables, slots, row)
    if dt > _ZERO:
        rate = _ONE / dt
        slots.vx[b, i] = (x - slots.x[b, i]) * rate
        slots.vy[b, i] = (y - slots.y[b, i]) * rate
        turned = turn_of(yaw - slots.yaw[b, i]) * rate
        slots.yaw_rate[b, i] = turned
        speed = slots.speed[b, i]
        if speed > np.float32(0.5):
            most = slots.max_steer[b, i]
            slots.steer[b, i] = min(max(steer_of(slots.wheelbase[b, i] * turned / speed), -most), most)
    slots.x[b, i], slots.y[b, i], slots.z[b, i], slots.yaw[b, i] = x, y, z, yaw


@kernel
def slide(b, i, distance, slots, row):
    """Sideways motion while `distance` [m] is driven: critically damped towards the wanted offset, bounded."""
    t = row[b, i]
    goal = slots.target_offset[b, i]
    d, slope, speed = slots.lane_d[b, i], t.slope, slots.speed[b, i]
    if distance <= _ZERO:
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
