"""What a traffic vehicle does this step: the least of what road, leader, junction, walkers and obstacles allow."""

import math

import numpy as np

from simulator.follow import FAR, follow_accel, junction_accel, leader_ahead, stop_accel
from simulator.junction import ask_permit, stop_line_before
from simulator.lane_change import think_of_change
from simulator.obstacles import crosswalk_accel, obstacles_accel
from simulator.state import ROUTE_LANES
from simulator.traffic import CONFLICT, FREE, LEADER, OBSTACLE, PROFILE_BRAKE, RED, ROUTE_END, WALKER
from world.idm import idm_free
from world.kernel import kernel
from world.kinds import LightState, StopKind

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_BRAKE = np.float32(PROFILE_BRAKE)
_LIGHT = int(StopKind.LIGHT)
_RED, _RED_AMBER = int(LightState.RED), int(LightState.RED_AMBER)
_CATCH_UP = np.float32(1.5)  # [1/s] how firmly a speed above the desired one is brought down


@kernel
def desired_speed(b, i, network, tables, slots, traffic):
    """[m/s] from limit and curves here and ahead, the driver's factor, the body, and hooks."""
    wanted = slots.target_speed[b, i]
    row = traffic.row[b, i]
    lane = tables.lanes[slots.lane[b, i]]
    s = slots.lane_s[b, i]
    p = min(np.int64(s / lane.step), np.int64(lane.points - 1))
    cap = network.cap[lane.point0 + p]
    start = lane.length - s
    for k in range(1, 5):
        after = slots.route_lane[b, i, k]
        if after < 0 or _TWO * _BRAKE * start > cap * cap:
            break
        first = network.cap[tables.lanes[after].point0]
        cap = min(cap, np.float32(math.sqrt(first * first + _TWO * _BRAKE * max(start, _ZERO))))
        start += tables.lanes[after].length
    if not math.isnan(wanted):
        return min(wanted, slots.max_speed[b, i])
    return min(cap * row.factor, slots.max_speed[b, i])


@kernel
def next_junction(b, i, look, tables, slots):
    """(place in the route, [m] from the centre) of the first junction lane whose start the bumper has not passed.

    Lanes that go on through the junction in which the vehicle is do not count. Place -1: none within `look`.
    """
    half = _HALF * slots.length[b, i]
    start, last = -slots.lane_s[b, i], -1
    for k in range(ROUTE_LANES):
        lane = slots.route_lane[b, i, k]
        if lane < 0 or start > look + half:
            break
        junction = tables.lanes[lane].junction
        if junction >= 0 and start >= half and junction != last:
            return np.int64(k), start
        last = junction
        start += tables.lanes[lane].length
    return np.int64(-1), FAR


@kernel
def other_lights_accel(b, i, look, desired, tables, slots, worlds, traffic):
    """Acceleration [m/s^2] for red lights on the way that belong to no junction."""
    half = _HALF * slots.length[b, i]
    light0 = tables.maps[worlds.map_id[b]].light0
    start, accel = -slots.lane_s[b, i] - half, FAR
    speed = slots.speed[b, i]
    for k in range(ROUTE_LANES):
        lane = slots.route_lane[b, i, k]
        if lane < 0 or start > look or tables.lanes[lane].junction >= 0:
            break
        row = tables.lanes[lane]
        for q in range(row.stop0, row.stop1):
            stop = tables.stops[q]
            room = start + stop.s
            if stop.kind == _LIGHT and room > -_HALF:
                state = worlds.light[b, stop.light - light0]
                if (state == _RED or state == _RED_AMBER) and speed * speed < np.float32(14.0) * max(room, _HALF):
                    accel = min(accel, stop_accel(b, i, room, desired, slots, traffic))
        start += row.length
    return accel


@kernel
def route_end_accel(b, i, look, desired, tables, slots, traffic):
    """Acceleration [m/s^2] that stops at the end of the route, where it is near."""
    start = -slots.lane_s[b, i] - _HALF * slots.length[b, i]
    for k in range(ROUTE_LANES):
        lane = slots.route_lane[b, i, k]
        if lane < 0:
            return stop_accel(b, i, start, desired, slots, traffic)
        if start > look:
            break
        start += tables.lanes[lane].length
    return FAR


@kernel
def junction_ahead_accel(b, i, look, desired, leader, gap, lane0, dt, network, tables, slots, worlds, traffic):
    """(acceleration [m/s^2], reason, room [m]) for entering the next junction."""
    row = traffic.row[b, i]
    k, start = next_junction(b, i, look, tables, slots)
    if k < 0:
        row.hold = FREE
        return FAR, FREE, FAR
    room, stop = stop_line_before(b, k, start, lane0, tables, slots.route_lane[b, i], _HALF * slots.length[b, i])
    hold = ask_permit(b, i, k, start, room, stop, leader, gap, lane0, dt, network, tables, slots, worlds, traffic)
    row.hold = hold
    if hold == FREE:
        return FAR, FREE, room
    if room < -_HALF:
        room = max(start - _HALF * slots.length[b, i], _ZERO)
    speed = slots.speed[b, i]
    zone = speed * speed / (_TWO * row.brake) + speed * _ONE + np.float32(6.0)
    if hold != RED and room > zone:  # there is still time: it may be free when the vehicle gets there
        return FAR, FREE, room
    return stop_accel(b, i, room, desired, slots, traffic), hold, room


@kernel
def take_least(accel, reason, other, other_reason):
    """The smaller acceleration with its reason."""
    if other < accel:
        return other, other_reason
    return accel, reason


@kernel
def decide_one(b, i, lane0, dt, network, tables, slots, worlds, walkers, traffic):
    """Set command (acceleration), reason and wish of traffic vehicle i."""
    row = traffic.row[b, i]
    speed = slots.speed[b, i]
    desired = max(desired_speed(b, i, network, tables, slots, traffic), np.float32(0.1))
    accel, reason = idm_free(speed, desired, row.drive, row.brake), FREE
    if speed > desired:
        accel = min(accel, max(-_CATCH_UP * (speed - desired), -row.brake))
    look = np.float32(20.0) + speed * speed / _TWO / row.brake + _TWO * speed
    leader, gap = leader_ahead(b, i, look + np.float32(20.0), lane0, tables, slots, traffic)
    behind = FAR
    if leader >= 0:
        behind = follow_accel(b, i, gap, slots.speed[b, leader], desired, slots, traffic)
    own = min(accel, behind)
    accel, reason = take_least(accel, reason, behind, LEADER)
    if row.leaving >= 0:  # the lane that it is leaving still counts while it is partly there
        other, room = left_leader(b, i, tables, slots, traffic)
        if other >= 0:
            a = follow_accel(b, i, room, slots.speed[b, other], desired, slots, traffic)
            accel, reason = take_least(accel, reason, a, LEADER)
    a, why, room = junction_ahead_accel(
        b, i, look, desired, leader, gap, lane0, dt, network, tables, slots, worlds, traffic
    )
    accel, reason = take_least(accel, reason, a, why)
    a = junction_accel(b, i, look, lane0, desired, tables, slots, traffic)
    accel, reason = take_least(accel, reason, a, CONFLICT)
    a = other_lights_accel(b, i, look, desired, tables, slots, worlds, traffic)
    accel, reason = take_least(accel, reason, a, RED)
    a = crosswalk_accel(b, i, look, desired, tables, slots, worlds, walkers, traffic)
    accel, reason = take_least(accel, reason, a, WALKER)
    a = obstacles_accel(b, i, look, desired, tables, slots, traffic)
    accel, reason = take_least(accel, reason, a, OBSTACLE)
    a = route_end_accel(b, i, look, desired, tables, slots, traffic)
    accel, reason = take_least(accel, reason, a, ROUTE_END)
    row.command = max(accel, -slots.max_brake[b, i])
    row.reason = reason
    row.wish = think_of_change(b, i, room, own, desired, lane0, dt, network, tables, slots, worlds, traffic)


@kernel
def left_leader(b, i, tables, slots, traffic):
    """(slot, gap [m]) of the next vehicle on the lane that vehicle i is leaving; -1 when it is out of it."""
    row = traffic.row[b, i]
    lane = np.int64(row.leaving)
    here = np.int64(slots.lane[b, i])
    if tables.lanes[here].left != lane and tables.lanes[here].right != lane:
        return np.int64(-1), FAR
    s = slots.lane_s[b, i] * tables.lanes[lane].length / tables.lanes[here].length
    j = np.int64(traffic.head[b, lane - tables.maps[tables.lanes[lane].map].lane0])
    while j >= 0 and slots.lane_s[b, j] <= s:
        j = np.int64(traffic.row[b, j].ahead)
    if j < 0:
        return np.int64(-1), FAR
    return j, slots.lane_s[b, j] - s - _HALF * (slots.length[b, i] + slots.length[b, j])
