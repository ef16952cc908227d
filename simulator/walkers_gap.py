"""Gaps for walkers: when the next vehicle comes to a crosswalk, and whether the road may be crossed elsewhere.

A walker crosses when its way takes less time than the next vehicle that will not stop. Vehicles that stand, that brake
before the crosswalk, or that a red light holds are not in the way.
Source: Highway Capacity Manual 2010, eq. 19-69: critical headway = crossing length / walking speed + start-up time.
"""

import math

from world.kernel import kernel
from world.kinds import BodyKind, LightState, StopKind

LOOK_AHEAD = 120.0  # [m] along a vehicle's way
YIELD_BRAKE = 2.5  # [m/s^2] a driver who brakes and needs no more than this to stop is yielding
HARD_BRAKE = 5.0  # [m/s^2] who needs more than this to stop at a red light runs it
STANDING = 0.5  # [m/s]
START_UP = 1.0  # [s] margin of the critical headway
FREE_MARGIN = 2.5  # [s] margin away from crosswalks
_PEDESTRIAN, _LIGHT = int(BodyKind.PEDESTRIAN), int(StopKind.LIGHT)
_RED, _RED_AMBER = int(LightState.RED), int(LightState.RED_AMBER)


@kernel
def _red_stop_ahead(b, lane, s_from, s_to, reach, speed, tables, worlds):
    """Whether a red light holds a vehicle on `lane` in (s_from, s_to]; `reach` [m]: from its front to s_from."""
    row = tables.lanes[lane]
    for q in range(row.stop0, row.stop1):
        stop = tables.stops[q]
        if stop.kind == _LIGHT and s_from <= stop.s <= s_to:
            state = worlds.light[b, stop.light - tables.maps[worlds.map_id[b]].light0]
            distance = max(reach + stop.s - s_from, 0.1)
            if (state == _RED or state == _RED_AMBER) and speed * speed < 2.0 * HARD_BRAKE * distance:
                return True
    return False


@kernel
def _arrival_time(speed, accel, distance):
    """[s] until a vehicle with its front `distance` [m] before a crosswalk reaches it; inf when it yields."""
    if distance <= 0.0:
        return 0.0
    if speed < STANDING or (accel < -0.3 and speed * speed < 2.0 * YIELD_BRAKE * distance):
        return math.inf
    return distance / speed


@kernel
def _announce_one(b, i, tables, slots, worlds, walkers):
    """Enter vehicle i's arrival at every crosswalk on its way into walkers.arrival."""
    first = tables.maps[worlds.map_id[b]].crosswalk0
    half, speed = 0.5 * slots.length[b, i], slots.speed[b, i]
    base = -slots.lane_s[b, i]  # [m] from the vehicle's centre to the start of the lane looked at
    for p in range(slots.route_lane.shape[2]):
        lane = slots.lane[b, i] if p == 0 else slots.route_lane[b, i, p]
        if lane < 0 or base > LOOK_AHEAD:
            return
        row = tables.lanes[lane]
        seen = max(half - base, 0.0)  # what lies further back on this lane is passed
        for c in range(row.cross0, row.cross1):
            crossing = tables.crossings[c]
            if base + crossing.s1 < -half:
                continue
            if _red_stop_ahead(b, lane, seen, crossing.s0, base + seen - half, speed, tables, worlds):
                return
            time = _arrival_time(speed, slots.accel[b, i], base + crossing.s0 - half)
            index = crossing.crosswalk - first
            walkers.arrival[b, index] = min(walkers.arrival[b, index], time)
        if _red_stop_ahead(b, lane, seen, row.length, base + seen - half, speed, tables, worlds):
            return
        base += row.length


@kernel
def update_arrivals(b, tables, slots, worlds, walkers):
    """walkers.arrival of all crosswalks of world b, from every vehicle's lane and lanes ahead."""
    walkers.arrival[b, :] = math.inf
    for i in range(slots.x.shape[1]):
        if slots.valid[b, i] and slots.kind[b, i] != _PEDESTRIAN and slots.lane[b, i] >= 0:
            _announce_one(b, i, tables, slots, worlds, walkers)


@kernel
def free_gap(b, ax, ay, bx, by, seconds, slots):
    """Whether no vehicle comes near the straight way a-b within `seconds`, if all keep their velocity.

    A vehicle comes near when its closest approach to the middle of the way within that time is less than half of the
    way plus its own length.
    """
    mx, my = 0.5 * (ax + bx), 0.5 * (ay + by)
    half = 0.5 * math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay))
    for i in range(slots.x.shape[1]):
        if not slots.valid[b, i] or slots.kind[b, i] == _PEDESTRIAN:
            continue
        dx, dy, vx, vy = slots.x[b, i] - mx, slots.y[b, i] - my, slots.vx[b, i], slots.vy[b, i]
        v2 = vx * vx + vy * vy
        t = 0.0 if v2 < 1e-6 else min(max(-(dx * vx + dy * vy) / v2, 0.0), seconds)
        near = half + slots.length[b, i]
        if (dx + t * vx) * (dx + t * vx) + (dy + t * vy) * (dy + t * vy) < near * near:
            return False
    return True
