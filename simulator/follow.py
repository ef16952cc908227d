"""Whom a traffic vehicle follows: the vehicle ahead on its lanes, and those with which it shares a junction."""

import math

import numpy as np

from simulator.occupancy import permit_order
from simulator.traffic import CLAIMS
from world.idm import idm_braking
from world.kernel import inline_kernel, kernel
from world.kinds import ConflictKind

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
FAR = np.float32(1e4)  # [m] nothing ahead
STOP_HEADWAY = np.float32(0.4)  # [s] of the approach to a line: shorter than behind a vehicle, which may move
STOP_SHORT = np.float32(0.9)  # [m] between bumper and line
CROSS, MERGE, DIVERGE = int(ConflictKind.CROSS), int(ConflictKind.MERGE), int(ConflictKind.DIVERGE)
CLEAR = np.float32(0.5)  # [m] behind a conflict's span that counts as still in it
_FIRM = np.float32(8.0)  # [m/s^2] twice the deceleration at which an external vehicle is taken not to stop


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
    accel = free - idm_braking(speed, speed, gap, t.min_gap, STOP_HEADWAY, t.drive, t.soft)
    needed = speed * speed * _HALF / max(room - _HALF * STOP_SHORT, np.float32(0.05))
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


@kernel
def takes_span(claim, span_start):
    """Whether a vehicle that has announced itself will use a span for sure: it has been let in, or cannot stop."""
    if claim.external == 0:
        return claim.committed == 1
    room = span_start - claim.front
    return room <= _ZERO or claim.speed * claim.speed > _FIRM * room


@kernel
def goes_before(claim, conflict, own, i):
    """Whether another vehicle goes before vehicle i: it is on the shared ground, or its permit is older than `own`."""
    if claim.external == 1 or claim.front > conflict.o0 + _ONE:
        return True
    return claim.order < own or (claim.order == own and claim.slot < i)


@kernel
def shared_accel(b, i, front, room, lane, own, conflict, claim, free, tables, slots, traffic):
    """Acceleration [m/s^2] against one vehicle on a conflicting lane.

    Args:
        front: [m] s of the own bumper on `lane`. room: [m] from it to the shared span (negative: in it).
        own: number of the own permit. conflict: row of tables.conflicts. claim: of the other vehicle on the other lane.
    """
    rear = claim.front - claim.length
    if conflict.kind == DIVERGE:  # its tail may still be where both lanes are one
        if claim.front < front or (claim.front == front and claim.slot < i) or rear > conflict.o1 + CLEAR:
            return FAR
        return follow_accel(b, i, rear - front, claim.speed, free, slots, traffic)
    if rear > conflict.o1 + CLEAR or not takes_span(claim, conflict.o0):
        return FAR
    if conflict.kind == MERGE:
        lead = (tables.lanes[lane].length - front) - (tables.lanes[conflict.lane].length - claim.front)
        gap = lead - claim.length
        if gap > _ZERO or (lead > _ZERO and goes_before(claim, conflict, own, i)):
            speed = claim.speed
            if room > gap:
                gap, speed = room, min(speed, _HALF * slots.speed[b, i])
            return follow_accel(b, i, gap, speed, free, slots, traffic)
    if not goes_before(claim, conflict, own, i) or room < -_ONE:
        return FAR
    if slots.speed[b, i] > _TWO:  # it will be gone before this vehicle is there
        out = time_to(conflict.o1 + CLEAR - rear, claim.speed, _ONE, claim.top)
        if out + _HALF < room / slots.speed[b, i]:
            return FAR
    return stop_accel(b, i, room, free, slots, traffic)


@kernel
def junction_accel(b, i, look, lane0, free, network, tables, slots, traffic):
    """Acceleration [m/s^2] against all vehicles with which the junction lanes ahead, once permitted, are shared."""
    row = traffic.row[b, i]
    half = _HALF * slots.length[b, i]
    accel = FAR
    start, permitted, last = -slots.lane_s[b, i], False, -1
    for k in range(slots.route_lane.shape[2]):
        lane = np.int64(slots.route_lane[b, i, k])
        if lane < 0 or start - half > look:
            break
        rail = network.rails[lane]
        if rail.junction >= 0:
            shape = tables.lanes[lane]
            front = half - start
            own = permit_order(lane, row, network)
            permitted = (
                front > _ZERO or (permitted and shape.junction == last) or (row.granted == 1 and row.entry == lane)
            )
            for c in range(shape.conf0, shape.conf1):
                conflict = tables.conflicts[c]
                if not permitted and conflict.kind != DIVERGE:
                    continue
                room = conflict.s0 - front
                if front - slots.length[b, i] > conflict.s1:
                    continue
                node = np.int64(traffic.claim_head[b, conflict.lane - lane0])
                while node >= 0:
                    claim = traffic.claim[b, node // CLAIMS, node % CLAIMS]
                    if claim.slot != i:
                        accel = min(
                            accel,
                            shared_accel(b, i, front, room, lane, own, conflict, claim, free, tables, slots, traffic),
                        )
                    node = np.int64(claim.next)
        else:
            permitted = False
        last = rail.junction
        start += rail.length
    return accel
