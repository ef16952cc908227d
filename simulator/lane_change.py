"""Lane changes of traffic: MOBIL where marks allow it, and leaving a lane that ends.

A vehicle thinks about it once a second. Left and right take turns by the second, so that two vehicles never enter the
same gap from both sides in one step.
"""

import numpy as np

from simulator.follow import FAR
from simulator.occupancy import TRAFFIC
from simulator.traffic import RUNS_OUT
from simulator.way import BUS
from world.idm import idm_accel, mobil_allows, mobil_gain
from world.kernel import kernel
from world.queries import project_to_lane

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
THRESHOLD = np.float32(0.3)  # [m/s^2] MOBIL's switching threshold
SAFE_BRAKE = np.float32(3.0)  # [m/s^2] most that a new follower has to brake
CALM = np.float32(6.0)  # [s] between two changes
JUNCTION_ROOM = np.float32(35.0)  # [m] before a junction no vehicle changes for advantage
END_LOOK = np.float32(200.0)  # [m] from which a vehicle wants to leave a lane that ends
MIN_ROOM = np.float32(1.0)  # [m] bumper to bumper, whatever MOBIL says
MIN_SPEED = np.float32(2.0)  # [m/s]
CHANGE_TIME = np.float32(1.5)  # [s] of room ahead in the other lane, so that nobody is caught between two lanes
CHANGE_ROOM = np.float32(4.0)  # [m] added to it


@kernel
def dead_end_room(b, i, look, network, slots):
    """[m] from the centre to where the route ends; FAR beyond `look`."""
    last = slots.route_lane.shape[2] - 1
    if slots.route_lane[b, i, last] >= 0:  # it goes on beyond what is known of it
        return FAR
    start = -slots.lane_s[b, i]
    for k in range(last + 1):
        lane = slots.route_lane[b, i, k]
        if lane < 0:
            return start
        if start > look:
            break
        start += network.rails[lane].length
    return FAR


@kernel
def gap_behind(b, lane, s, i, lane0, tables, slots, traffic):
    """(slot, distance [m]) of the first vehicle whose centre is behind place s of a lane; slot -1: none near."""
    j = np.int64(traffic.tail[b, lane - lane0])
    while j >= 0:
        if j != i and slots.lane_s[b, j] <= s:
            return j, s - slots.lane_s[b, j]
        j = np.int64(traffic.row[b, j].behind)
    row = tables.lanes[lane]
    best, best_distance = np.int64(-1), FAR
    for p in range(row.pred0, row.pred1):
        before = tables.predecessors[p]
        j = np.int64(traffic.tail[b, before - lane0])
        if j >= 0 and j != i:
            distance = s + tables.lanes[before].length - slots.lane_s[b, j]
            if distance < best_distance:
                best, best_distance = j, distance
    return best, best_distance


@kernel
def gap_ahead(b, lane, s, i, lane0, tables, slots, traffic):
    """(slot, distance [m]) of the first vehicle whose centre is ahead of place s of a lane or on what follows it."""
    j = np.int64(traffic.head[b, lane - lane0])
    while j >= 0:
        if j != i and slots.lane_s[b, j] > s:
            return j, slots.lane_s[b, j] - s
        j = np.int64(traffic.row[b, j].ahead)
    row = tables.lanes[lane]
    best, best_distance = np.int64(-1), FAR
    for p in range(row.succ0, row.succ1):
        after = tables.successors[p]
        j = np.int64(traffic.head[b, after - lane0])
        if j >= 0 and j != i:
            distance = row.length - s + slots.lane_s[b, j]
            if distance < best_distance:
                best, best_distance = j, distance
    return best, best_distance


@kernel
def pair_accel(b, rear, ahead, distance, desired, slots, traffic):
    """IDM acceleration [m/s^2] of slot `rear` behind slot `ahead` (-1: nobody), centres `distance` [m] apart."""
    t = traffic.row[b, rear]
    gap, speed = FAR, _ZERO
    if ahead >= 0:
        gap = distance - _HALF * (slots.length[b, rear] + slots.length[b, ahead])
        speed = slots.speed[b, ahead]
    if slots.controller[b, rear] != TRAFFIC:  # an agent's own rules are not known: those of a plain driver
        return idm_accel(slots.speed[b, rear], speed, gap, max(desired, _ONE), _TWO, _ONE, _ONE, _TWO)
    return idm_accel(slots.speed[b, rear], speed, gap, max(desired, _ONE), t.min_gap, t.headway, t.drive, t.brake)


@kernel
def may_cross_mark(tables, lane, s, left):
    """Whether the marks beside place s of a lane let a vehicle over."""
    row = tables.lanes[lane]
    p = tables.points[row.point0 + min(np.int64(s / row.step), np.int64(row.points - 1))]
    return p.change_left != 0 if left else p.change_right != 0


@kernel
def relief(b, i, desired, slots, traffic):
    """[m/s^2] that the vehicle behind would accelerate more if vehicle i left its lane."""
    old = np.int64(traffic.row[b, i].behind)
    if old < 0:
        return _ZERO
    cap = max(slots.speed[b, old], desired)
    distance = slots.lane_s[b, i] - slots.lane_s[b, old]
    before = pair_accel(b, old, i, distance, cap, slots, traffic)
    leader = np.int64(traffic.row[b, i].ahead)
    beyond = slots.lane_s[b, leader] - slots.lane_s[b, old] if leader >= 0 else FAR
    return pair_accel(b, old, leader, beyond, cap, slots, traffic) - before


@kernel
def change_is_good(b, i, target, must, own, freed, desired, lane0, tables, slots, traffic):
    """MOBIL's two questions for a change of vehicle i into lane `target`; `must` drops the incentive.

    Args:
        own: [m/s^2] acceleration in the present lane. freed: [m/s^2] see `relief`. desired: [m/s].
    """
    place, _, _ = project_to_lane(tables, target, slots.x[b, i], slots.y[b, i], slots.lane_s[b, i], True)
    s = np.float32(place)
    ahead, room_ahead = gap_ahead(b, target, s, i, lane0, tables, slots, traffic)
    behind, room_behind = gap_behind(b, target, s, i, lane0, tables, slots, traffic)
    half = _HALF * slots.length[b, i]
    if ahead >= 0 and room_ahead - half - _HALF * slots.length[b, ahead] < MIN_ROOM:
        return False
    if behind >= 0 and room_behind - half - _HALF * slots.length[b, behind] < MIN_ROOM:
        return False
    new = pair_accel(b, i, ahead, room_ahead, desired, slots, traffic)
    follower_new, follower_before = _ZERO, _ZERO
    if behind >= 0:
        cap = max(slots.speed[b, behind], desired)
        follower_new = pair_accel(b, behind, i, room_behind, cap, slots, traffic)
        follower_before = pair_accel(b, behind, ahead, room_behind + room_ahead, cap, slots, traffic)
    if not must and ahead >= 0:
        room = room_ahead - half - _HALF * slots.length[b, ahead]
        if room < CHANGE_ROOM + CHANGE_TIME * slots.speed[b, i] or slots.speed[b, ahead] < MIN_SPEED:
            return False
    if must:
        return follower_new > -SAFE_BRAKE and new > -SAFE_BRAKE
    gain = mobil_gain(new, own, follower_new, follower_before, freed, _ZERO, traffic.row[b, i].polite)
    return mobil_allows(gain, THRESHOLD, follower_new, SAFE_BRAKE) and new > -SAFE_BRAKE


@kernel
def think_of_change(b, i, room, own, free, desired, lane0, dt, network, tables, slots, worlds, traffic):
    """The wish of vehicle i, which is on a lane with another beside it and in no change: 1 left, -1 right, 0 stay.

    Args:
        room: [m] from the bumper to the next junction. desired: [m/s].
        own: [m/s^2] acceleration behind the present leader. free: [m/s^2] without one.
    """
    row = traffic.row[b, i]
    lane = np.int64(slots.lane[b, i])
    shape = tables.lanes[lane]
    period = max(np.int64(_ONE / dt + _HALF), np.int64(1))
    step = worlds.step[b]
    if (step + i * 7) % period != 0 or slots.speed[b, i] < MIN_SPEED:
        return 0
    if np.float32(step - row.changed) * dt < CALM and row.changed > 0:
        return 0
    end = dead_end_room(b, i, END_LOOK, network, slots)
    runs_out = network.rails[lane].flags & RUNS_OUT > 0
    must = end < FAR or (network.alive[lane] == 0) or runs_out
    freed = _ZERO
    if not must:
        if room < JUNCTION_ROOM:
            return 0
        freed = relief(b, i, desired, slots, traffic)
        if free - own + row.polite * freed <= THRESHOLD:  # no lane is better than one without anybody ahead
            return 0
    left = (step // period) % 2 == 0
    target = np.int64(shape.left if left else shape.right)
    if target < 0 or not may_cross_mark(tables, lane, slots.lane_s[b, i], left):
        return 0
    if slots.kind[b, i] == BUS and network.roomy[lane] and not network.roomy[target]:
        return 0
    if network.rails[target].flags & RUNS_OUT > 0 or (runs_out and not left):
        return 0
    if must and not network.alive[target]:
        must = False
    if not must and network.alive[lane] and not network.alive[target]:
        return 0
    if change_is_good(b, i, target, must, own, freed, desired, lane0, tables, slots, traffic):
        return 1 if left else -1
    return 0
