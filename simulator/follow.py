"""How a traffic vehicle follows what is ahead on its lanes, and stops at a line."""

import math

import numpy as np

from world.idm import idm_braking
from world.kernel import inline_kernel, kernel
from world.kinds import ConflictKind

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
FAR = np.float32(1e4)  # [m] nothing ahead
STOP_HEADWAY = np.float32(0.4)  # [s] of the approach to a line: shorter than behind a vehicle, which may move
STOP_SPARE = np.float32(1.1)  # times the deceleration that the stop takes
STOP_SHORT = np.float32(0.9)  # [m] between bumper and line
CROSS, MERGE, DIVERGE = int(ConflictKind.CROSS), int(ConflictKind.MERGE), int(ConflictKind.DIVERGE)
CLEAR = np.float32(0.5)  # [m] behind a conflict's span that counts as still in it


@inline_kernel
def follow_accel(b, i, gap, leader_speed, free, slots, traffic):
    """IDM acceleration [m/s^2] behind something `gap` [m] ahead that moves at leader_speed.

    Args:
        free: [m/s^2] IDM acceleration with nobody ahead.
    """
    t = traffic.row[b, i]
    speed = slots.speed[b, i]
    return free - idm_braking(speed, speed - max(leader_speed, _ZERO), gap, t.min_gap, t.headway, t.drive, t.soft)


@kernel
def stop_accel(b, i, room, free, slots, traffic):
    """Acceleration [m/s^2] that stops the front bumper STOP_SHORT before a line `room` [m] ahead."""
    t = traffic.row[b, i]
    gap, speed = room - STOP_SHORT + t.min_gap, slots.speed[b, i]
    needed = speed * speed * _HALF / max(room - _HALF * STOP_SHORT, np.float32(0.05))
    # IDM brakes for a late call much harder than the stop takes: a line, unlike a leader, does not come nearer
    least = -max(t.brake, STOP_SPARE * needed)
    accel = max(free - idm_braking(speed, speed, gap, t.min_gap, STOP_HEADWAY, t.drive, t.soft), least)
    return min(accel, -needed) if needed > _HALF * t.brake else accel


@kernel
def time_to(distance, speed, accel, top):
    """[s] to cover a distance while accelerating up to the speed `top`."""
    if distance <= _ZERO:
        return _ZERO
    if speed >= top:
        return distance / max(speed, np.float32(0.1))
    ramp = (top * top - speed * speed) / (_TWO * accel)
    if distance <= ramp:
        return (np.float32(math.sqrt(speed * speed + _TWO * accel * distance)) - speed) / accel
    return (top - speed) / accel + (distance - ramp) / top


@inline_kernel
def leader_ahead(b, i, look, lane0, network, slots, traffic):
    """(slot, gap [m]) of the next vehicle on the lanes of the route within `look`; slot -1: none."""
    half = _HALF * slots.length[b, i]
    j = np.int64(traffic.row[b, i].ahead)
    if j >= 0:
        return j, slots.lane_s[b, j] - slots.lane_s[b, i] - half - _HALF * slots.length[b, j]
    start = network.rails[slots.lane[b, i]].length - slots.lane_s[b, i]
    for k in range(1, slots.route_lane.shape[2]):
        lane = slots.route_lane[b, i, k]
        if lane < 0 or start > look:
            break
        j = np.int64(traffic.head[b, lane - lane0])
        if j >= 0 and j != i:
            return j, start + slots.lane_s[b, j] - half - _HALF * slots.length[b, j]
        start += network.rails[lane].length
    return np.int64(-1), FAR
