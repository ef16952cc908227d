"""The kinematic bicycle that moves every vehicle, in the engine and in a planner's forecast.

The reference point is the box centre; `rear_axle` is its distance ahead of the rear axle. `speed` is the velocity
along the body axis, which the whole body shares; the centre also has the sideways part `yaw_rate * rear_axle`. With
slip angle beta at the centre, tan(beta) = rear_axle / wheelbase * tan(steer), the centre runs a circle of radius
rear_axle / sin(beta), the rear axle one of wheelbase / tan(steer).

Source: R. Rajamani, Vehicle Dynamics and Control, 2nd ed., section 2.2; friction circle: section 13.
"""

import math

import numpy as np

from world.kernel import inline_kernel, kernel

GRAVITY = np.float32(9.81)  # [m/s^2]
BRAKE_JERK = np.float32(5.0)  # brakes build up and let go this many times faster than the drive train
_PI = np.float32(math.pi)
_TWO_PI = np.float32(2.0 * math.pi)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_TINY = np.float32(1e-6)
_WRAPPED = np.float32(3.14)  # smaller than pi by more than rounding: angles below it are wrapped already


@inline_kernel
def wrap_angle(angle):
    """The angle brought into [-pi, pi) [rad]."""
    a = np.float32(angle)
    if abs(a) < _WRAPPED:
        return a
    a = a - _TWO_PI * np.float32(math.floor((a + _PI) / _TWO_PI))
    if a >= _PI:
        a -= _TWO_PI
    if a < -_PI:
        a = -_PI
    return a


@inline_kernel
def steer_actuator(steer, command, max_steer, max_rate, lag, dt):
    """Front wheel angle [rad] after dt: first-order lag towards the limited command, with a bounded rate."""
    target = min(max(command, -max_steer), max_steer)
    gain = _ONE
    if lag > _TINY and target != steer:
        gain = _ONE - np.float32(math.exp(-dt / lag))
    change = (target - steer) * gain
    limit = max_rate * dt
    return min(max(steer + min(max(change, -limit), limit), -max_steer), max_steer)


@inline_kernel
def drive_actuator(accel, command, max_accel, max_brake, max_jerk, dt):
    """Acceleration [m/s^2] after dt: the limited command, reached at max_jerk by the engine, faster by the brakes."""
    target = min(max(command, -max_brake), max_accel)
    slow, fast = max_jerk * dt, BRAKE_JERK * max_jerk * dt
    # Below zero the brakes let go (fast), from there on the engine pulls (slow); selects, no branches
    released = min(accel + fast, min(target, _ZERO)) if accel < _ZERO else accel
    more = released if released < _ZERO else min(target, released + slow)
    less = max(target, accel - fast)  # letting go of the pedal drops the thrust as fast as the brakes act
    return more if target > accel else less


@inline_kernel
def bicycle_move(
    x, y, yaw, speed, accel, steer, steer_command, accel_command, wheelbase, rear_axle, max_speed, max_accel, max_brake,
    max_steer, max_steer_rate, steer_lag, max_jerk, friction, dt,
):  # fmt: skip
    """`bicycle_step`, which also returns the cosine and sine of the new yaw: (..., yaw_rate, cos, sin)."""
    steer = steer_actuator(steer, steer_command, max_steer, max_steer_rate, steer_lag, dt)
    accel = drive_actuator(accel, accel_command, max_accel, max_brake, max_jerk, dt)
    curvature = np.float32(math.tan(steer)) / wheelbase
    grip = friction * GRAVITY
    lateral = speed * speed * curvature
    total = np.float32(math.sqrt(accel * accel + lateral * lateral))
    if total > grip:
        accel *= grip / total
        curvature *= grip / total
    new_speed = speed + accel * dt
    distance = (speed + new_speed) * _HALF * dt
    if accel <= _ZERO and new_speed <= _ZERO and speed >= _ZERO:  # stopped within the step
        distance = _ZERO if accel == _ZERO else -speed * speed * _HALF / accel
        if speed == _ZERO:
            accel = _ZERO
        new_speed = _ZERO
    if new_speed > max_speed:
        new_speed = max(max_speed, min(speed, new_speed))
        distance = (speed + new_speed) * _HALF * dt
        accel = min(accel, (new_speed - speed) / dt)
    turned = distance * curvature
    new_yaw = yaw + turned
    c1, s1 = np.float32(math.cos(new_yaw)), np.float32(math.sin(new_yaw))
    if turned == _ZERO:  # straight on
        x, y = x + distance * c1, y + distance * s1
    else:  # rear axle along its arc, written with the chord: |chord| = distance * sin(turned / 2) / (turned / 2)
        half = turned * _HALF
        chord = distance
        if abs(half) > np.float32(1e-4):
            chord = distance * np.float32(math.sin(half)) / half
        middle = yaw + half
        c0, s0 = np.float32(math.cos(yaw)), np.float32(math.sin(yaw))
        x = x + chord * np.float32(math.cos(middle)) + rear_axle * (c1 - c0)
        y = y + chord * np.float32(math.sin(middle)) + rear_axle * (s1 - s0)
    wrapped = wrap_angle(new_yaw)
    if wrapped != new_yaw:
        c1, s1 = np.float32(math.cos(wrapped)), np.float32(math.sin(wrapped))
    return x, y, wrapped, new_speed, accel, steer, turned / dt, c1, s1


@kernel
def bicycle_step(
    x, y, yaw, speed, accel, steer, steer_command, accel_command, wheelbase, rear_axle, max_speed, max_accel, max_brake,
    max_steer, max_steer_rate, steer_lag, max_jerk, friction, dt,
):  # fmt: skip
    """One step of one vehicle; scalars in, scalars out.

    Actuators first (steer: lag, rate and angle limits; drive: jerk, acceleration and brake limits), then the friction
    circle (longitudinal and lateral acceleration shrunk together to friction * g), then the exact circular arc of the
    distance covered. Braking ends at standstill; there is no reverse gear.

    Args:
        x, y, yaw: [m, m, rad] pose of the box centre.
        speed: [m/s] along the body axis. accel: [m/s^2] that acts. steer: [rad] of the front wheel, left positive.
        steer_command, accel_command: [rad], [m/s^2] what the driver asks for.
        wheelbase ... max_jerk: limits, as in records.Bodies.
        friction: coefficient, 1.0 on dry road. dt: [s].

    Returns:
        (x, y, yaw, speed, accel, steer, yaw_rate): the same after dt, and the yaw rate [rad/s] during the step.
    """
    x, y, yaw, speed, accel, steer, yaw_rate, _, _ = bicycle_move(
        x, y, yaw, speed, accel, steer, steer_command, accel_command, wheelbase, rear_axle, max_speed, max_accel,
        max_brake, max_steer, max_steer_rate, steer_lag, max_jerk, friction, dt,
    )  # fmt: skip
    return x, y, yaw, speed, accel, steer, yaw_rate


@inline_kernel
def centre_velocity(yaw, speed, yaw_rate, rear_axle):
    """(vx, vy) [m/s] of the box centre in the world frame."""
    c, s = np.float32(math.cos(yaw)), np.float32(math.sin(yaw))
    side = yaw_rate * rear_axle
    return speed * c - side * s, speed * s + side * c


@kernel
def stopping_distance(speed, brake):
    """[m] v^2 / (2 b) of a constant deceleration."""
    return speed * speed * _HALF / brake
