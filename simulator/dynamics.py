"""Motion of one vehicle: traffic on rails, external and scripted slots through the bicycle."""

import math

import numpy as np

from simulator.rails import pose_on_rails, slide
from simulator.way import change_lane, move_on
from world.bicycle import bicycle_move, drive_actuator, wrap_angle
from world.kernel import inline_kernel, kernel
from world.kinds import BodyKind

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_GRAVITY = np.float32(9.81)
PEDESTRIAN = int(BodyKind.PEDESTRIAN)
STANDING = np.float32(0.1)  # [m/s]
LOOK_TIME = np.float32(0.8)  # [s] of a scripted vehicle along its path
LOOK_MIN = np.float32(3.0)  # [m]
SPEED_GAIN = np.float32(1.5)  # [1/s]


@inline_kernel
def keep_old(b, i, slots):
    """Remember the pose before the step."""
    slots.old_x[b, i], slots.old_y[b, i], slots.old_yaw[b, i] = slots.x[b, i], slots.y[b, i], slots.yaw[b, i]


@kernel
def count_waiting(b, i, dt, slots, traffic):
    """Keep the time for which the vehicle has been standing."""
    row = traffic.row[b, i]
    row.waited = row.waited + dt if abs(slots.speed[b, i]) < STANDING else _ZERO


@inline_kernel
def drive_traffic(b, i, entity, dt, network, tables, slots, worlds, traffic):
    """One step of a traffic vehicle: pedals, way along the lanes, sideways motion, pose."""
    row = traffic.row[b, i]
    speed, grip = slots.speed[b, i], worlds.friction[b] * _GRAVITY
    command = min(max(row.command, -grip), grip)
    jerk = slots.max_jerk[b, i]
    accel = drive_actuator(slots.accel[b, i], command, slots.max_accel[b, i], slots.max_brake[b, i], jerk, dt)
    new = speed + accel * dt
    distance = (speed + new) * _HALF * dt
    if new <= _ZERO:
        distance = speed * speed * _HALF / -accel if accel < _ZERO else _ZERO
        if speed == _ZERO:
            accel = _ZERO
        new = _ZERO
    slots.speed[b, i], slots.accel[b, i] = new, accel
    if distance == _ZERO and row.wish == 0 and slots.vx[b, i] == _ZERO and slots.vy[b, i] == _ZERO:
        row.waited = row.waited + dt  # it stood and stands
        return
    if row.wish != 0:
        lane = tables.lanes[slots.lane[b, i]]
        change_lane(b, i, lane.left if row.wish > 0 else lane.right, entity, network, tables, slots, worlds, traffic)
        row.wish = 0
    slots.lane_s[b, i] += distance
    if slots.lane_d[b, i] != slots.target_offset[b, i] or row.slope != _ZERO or row.bend != _ZERO:
        slide(b, i, distance, slots, traffic.row)
    if row.leaving >= 0 and abs(slots.lane_d[b, i] - slots.target_offset[b, i]) < np.float32(0.6):
        row.leaving = -1
    if slots.lane_s[b, i] > network.rails[slots.lane[b, i]].length:
        move_on(b, i, entity, network, tables, slots, worlds, traffic)
    pose_on_rails(b, i, dt, network, tables, slots, traffic.row)
    count_waiting(b, i, dt, slots, traffic)


@kernel
def drive_bicycle(b, i, steer, accel, dt, slots, worlds):
    """One step of a body that obeys (steer [rad], accel [m/s^2]) through the bicycle."""
    x, y, yaw, speed, acting, wheel, rate, c, s = bicycle_move(
        slots.x[b, i], slots.y[b, i], slots.yaw[b, i], slots.speed[b, i], slots.accel[b, i], slots.steer[b, i],
        steer, accel, slots.wheelbase[b, i], slots.rear_axle[b, i], slots.max_speed[b, i], slots.max_accel[b, i],
        slots.max_brake[b, i], slots.max_steer[b, i], slots.max_steer_rate[b, i], slots.steer_lag[b, i],
        slots.max_jerk[b, i], worlds.friction[b], dt,
    )  # fmt: skip
    slots.x[b, i], slots.y[b, i], slots.yaw[b, i], slots.speed[b, i] = x, y, yaw, speed
    slots.accel[b, i], slots.steer[b, i], slots.yaw_rate[b, i] = acting, wheel, rate
    side = rate * slots.rear_axle[b, i]  # as in bicycle.centre_velocity
    slots.vx[b, i], slots.vy[b, i] = speed * c - side * s, speed * s + side * c


@kernel
def path_target(b, i, look, slots, traffic):
    """(x, y, found) of the point `look` [m] ahead on a scripted slot's path, from the nearest place reached so far."""
    row = traffic.row[b, i]
    n = np.int64(traffic.path_points[row.path])
    x, y = slots.x[b, i], slots.y[b, i]
    done, best_s, best = _ZERO, row.path_s, np.float32(1e9)
    for k in range(n - 1):
        ax, ay = traffic.path[row.path, k, 0], traffic.path[row.path, k, 1]
        ux, uy = traffic.path[row.path, k + 1, 0] - ax, traffic.path[row.path, k + 1, 1] - ay
        size = np.float32(math.sqrt(ux * ux + uy * uy))
        if size > np.float32(1e-6) and done + size >= row.path_s and done <= row.path_s + np.float32(20.0):
            u = min(max(((x - ax) * ux + (y - ay) * uy) / size, _ZERO), size)
            ex, ey = x - ax - u * ux / size, y - ay - u * uy / size
            if ex * ex + ey * ey < best:
                best, best_s = ex * ex + ey * ey, max(done + u, row.path_s)
        done += size
    row.path_s = best_s
    goal, done = best_s + look, _ZERO
    for k in range(n - 1):
        ax, ay = traffic.path[row.path, k, 0], traffic.path[row.path, k, 1]
        ux, uy = traffic.path[row.path, k + 1, 0] - ax, traffic.path[row.path, k + 1, 1] - ay
        size = np.float32(math.sqrt(ux * ux + uy * uy))
        if done + size >= goal or k == n - 2:
            u = (goal - done) / max(size, np.float32(1e-6))
            return ax + u * ux, ay + u * uy
        done += size
    return x, y


@kernel
def drive_script(b, i, dt, slots, worlds, traffic):
    """One step of a scripted slot: pure pursuit of its path (else straight on) at its target speed.

    Source of the steering law: Coulter, Implementation of the Pure Pursuit Path Tracking Algorithm, CMU 1992.
    """
    row = traffic.row[b, i]
    speed, goal = slots.speed[b, i], slots.target_speed[b, i]
    accel = _ZERO if math.isnan(goal) else min(max((goal - speed) * SPEED_GAIN, np.float32(-8.0)), np.float32(4.0))
    walker = slots.kind[b, i] == PEDESTRIAN
    turn = _ZERO
    if row.path >= 0:
        look = max(speed * LOOK_TIME, _HALF if walker else LOOK_MIN)
        tx, ty = path_target(b, i, look, slots, traffic)
        bearing = wrap_angle(np.float32(math.atan2(ty - slots.y[b, i], tx - slots.x[b, i])) - slots.yaw[b, i])
        turn = _TWO * np.float32(math.sin(bearing)) / look
        if walker:
            turn = bearing
    if walker:  # people turn on the spot
        speed = max(speed + accel * dt, _ZERO)
        yaw = wrap_angle(slots.yaw[b, i] + turn)
        vx, vy = speed * np.float32(math.cos(yaw)), speed * np.float32(math.sin(yaw))
        slots.x[b, i] += vx * dt
        slots.y[b, i] += vy * dt
        slots.yaw[b, i], slots.speed[b, i], slots.vx[b, i], slots.vy[b, i] = yaw, speed, vx, vy
        slots.yaw_rate[b, i] = turn / dt
        return
    steer = np.float32(math.atan(slots.wheelbase[b, i] * turn))
    drive_bicycle(b, i, steer, accel, dt, slots, worlds)
    count_waiting(b, i, dt, slots, traffic)
