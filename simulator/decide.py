"""What a traffic vehicle does this step: the least of what road, leader, junction, walkers and obstacles allow."""

import math

import numpy as np

from simulator.follow import FAR, follow_accel, leader_ahead, stop_accel
from simulator.junction import FLOWING, ask_permit, signal_hold, stop_line_before
from simulator.lane_change import gap_ahead, think_of_change
from simulator.lights import call_light
from simulator.obstacles import crosswalk_accel, obstacles_accel
from simulator.shared_ground import junction_accel
from simulator.state import ROUTE_LANES
from simulator.traffic import (
    CONFLICT,
    FREE,
    HAS_BESIDE,
    HAS_LONE_LIGHT,
    LEADER,
    OBSTACLE,
    PROFILE_BRAKE,
    RED,
    ROUTE_END,
    SAME_CAP,
    WALKER,
)
from world.idm import idm_free
from world.kernel import inline_kernel, kernel
from world.kinds import LightState, StopKind
from world.queries import project_to_lane

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_BRAKE = np.float32(PROFILE_BRAKE)
_LIGHT = int(StopKind.LIGHT)
_RED, _RED_AMBER = int(LightState.RED), int(LightState.RED_AMBER)
_CATCH_UP = np.float32(1.5)  # [1/s] how firmly a speed above the desired one is brought down


@inline_kernel
def desired_speed(b, i, rail, network, slots, traffic):
    """[m/s] from limit and curves here and ahead, the driver's factor, the body, and hooks."""
    wanted = slots.target_speed[b, i]
    if not math.isnan(wanted):
        return min(wanted, slots.max_speed[b, i])
    row = traffic.row[b, i]
    s = slots.lane_s[b, i]
    cap = rail.cap
    if not rail.flags & SAME_CAP:
        cap = network.cap[rail.point0 + np.int64(min(s, rail.length) * rail.per_step)]
    energy = row.exit + _TWO * _BRAKE * max(rail.length - s, _ZERO)
    if energy < cap * cap:
        cap = np.float32(math.sqrt(energy))
    return min(cap * row.factor, slots.max_speed[b, i])


@inline_kernel
def next_junction(b, i, look, network, slots):
    """(place in the route, [m] from the centre) of the first junction lane whose start the bumper has not passed.

    Lanes that go on through the junction in which the vehicle is do not count. Place -1: none within `look`.
    """
    half = _HALF * slots.length[b, i]
    start, last = -slots.lane_s[b, i], -1
    for k in range(slots.route_lane.shape[2]):
        lane = slots.route_lane[b, i, k]
        if lane < 0 or start > look + half:
            break
        rail = network.rails[lane]
        if rail.junction >= 0 and start >= half and rail.junction != last:
            return np.int64(k), start
        last = rail.junction
        start += rail.length
    return np.int64(-1), FAR


@kernel
def other_lights_accel(b, i, look, free, network, tables, slots, worlds, traffic):
    """Acceleration [m/s^2] for red lights on the way that belong to no junction."""
    start, accel = -slots.lane_s[b, i] - _HALF * slots.length[b, i], FAR
    speed = slots.speed[b, i]
    for k in range(slots.route_lane.shape[2]):
        lane = slots.route_lane[b, i, k]
        if lane < 0 or start > look or network.rails[lane].junction >= 0:
            break
        if network.rails[lane].flags & HAS_LONE_LIGHT:
            light0 = tables.maps[worlds.map_id[b]].light0
            row = tables.lanes[lane]
            for q in range(row.stop0, row.stop1):
                stop = tables.stops[q]
                room = start + stop.s
                if stop.kind == _LIGHT and room > -_HALF:
                    call_light(b, q, room, speed, tables, worlds)
                    state = worlds.light[b, stop.light - light0]
                    if (state == _RED or state == _RED_AMBER) and speed * speed < np.float32(14.0) * max(room, _HALF):
                        accel = min(accel, stop_accel(b, i, room, free, slots, traffic))
        start += network.rails[lane].length
    return accel


@kernel
def route_end_accel(b, i, look, free, network, slots, traffic):
    """Acceleration [m/s^2] that stops at the end of the route, where it is near."""
    start = -slots.lane_s[b, i] - _HALF * slots.length[b, i]
    for k in range(slots.route_lane.shape[2]):
        lane = slots.route_lane[b, i, k]
        if lane < 0:
            return stop_accel(b, i, start, free, slots, traffic)
        if start > look:
            break
        start += network.rails[lane].length
    return FAR


@inline_kernel
def note_entry(lane, row):
    """Turn to the next junction, which begins with `lane`: what was said about the one before is over."""
    if row.entry != lane:
        row.inside = row.order
        row.entry, row.granted, row.arrived, row.stop_served = lane, 0, 0, 0


@kernel
def junction_ahead_accel(b, i, look, free, leader, gap, lane0, dt, network, tables, slots, worlds, traffic):
    """(acceleration [m/s^2], reason, room [m]) for entering the next junction.

    Light and sign are seen from afar; a permit is asked for where there is still time to stop calmly without one.
    """
    row = traffic.row[b, i]
    k, start = next_junction(b, i, look, network, slots)
    if k < 0:
        row.hold = FREE
        return FAR, FREE, FAR
    half = _HALF * slots.length[b, i]
    room, stop = stop_line_before(b, i, k, start, network, tables, slots, half)
    note_entry(slots.route_lane[b, i, k], row)
    hold = signal_hold(b, i, room, stop, dt, tables, slots, worlds, traffic)
    speed = slots.speed[b, i]
    zone = speed * speed / (_TWO * row.brake) + speed * _ONE + np.float32(6.0)
    if room > zone + speed * _ONE:
        row.granted = 0
        row.hold = RED if hold == RED else FREE
        if hold != RED:
            return FAR, FREE, room
        return stop_accel(b, i, room, free, slots, traffic), hold, room
    hold = ask_permit(b, i, k, start, room, hold, leader, gap, lane0, dt, network, tables, slots, worlds, traffic)
    row.hold = hold
    if hold == FREE or (hold != RED and room > zone):  # there is still time: it may be free when it gets there
        return FAR, FREE, room
    if room < -_HALF:
        room = max(start - half, _ZERO)
    return stop_accel(b, i, room, free, slots, traffic), hold, room


@inline_kernel
def waits_before(b, j, line, slots, traffic):
    """Whether vehicle j is before a line of its lane and not about to cross it, so that nobody behind it can."""
    halts = traffic.row[b, j].let_in == 0 or slots.speed[b, j] < FLOWING
    return halts and slots.lane_s[b, j] + _HALF * slots.length[b, j] < line


@inline_kernel
def light_ahead_accel(b, i, look, rail, free, dt, network, tables, slots, worlds, traffic):
    """(acceleration [m/s^2], reason, room [m]) for the junction ahead of one whose leader is before the line, too.

    Of what rules the junction only a light concerns it already.
    """
    row = traffic.row[b, i]
    front = slots.lane_s[b, i] + _HALF * slots.length[b, i]
    after = slots.route_lane[b, i, 1]
    if after >= 0 and network.rails[after].junction >= 0:
        note_entry(after, row)
    row.granted = 0
    room = rail.line - front
    if rail.stop >= 0 and room < look and tables.stops[rail.stop].kind == _LIGHT:
        row.hold = signal_hold(b, i, room, np.int64(rail.stop), dt, tables, slots, worlds, traffic)
        if row.hold == RED:
            return stop_accel(b, i, room, free, slots, traffic), RED, room
    else:
        row.hold = FREE
    return FAR, FREE, rail.length - front


@inline_kernel
def take_least(accel, reason, other, other_reason):
    """The smaller acceleration with its reason."""
    if other < accel:
        return other, other_reason
    return accel, reason


@inline_kernel
def decide_one(b, i, lane0, dt, network, tables, slots, worlds, walkers, traffic):
    """Set command (acceleration), reason and wish of traffic vehicle i."""
    row = traffic.row[b, i]
    speed = slots.speed[b, i]
    rail = network.rails[slots.lane[b, i]]
    desired = max(desired_speed(b, i, rail, network, slots, traffic), np.float32(0.1))
    free = idm_free(speed, desired, row.drive, row.brake)
    accel, reason = free, FREE
    if speed > desired:
        accel = min(accel, max(-_CATCH_UP * (speed - desired), -row.brake))
    look = np.float32(20.0) + speed * speed / _TWO / row.brake + _TWO * speed
    leader, gap = leader_ahead(b, i, look + np.float32(20.0), lane0, network, slots, traffic)
    behind = FAR
    if leader >= 0:
        behind = follow_accel(b, i, gap, slots.speed[b, leader], free, slots, traffic)
    own = min(accel, behind)
    accel, reason = take_least(accel, reason, behind, LEADER)
    queued = row.ahead >= 0 and rail.junction < 0  # the leader is between it and the next junction
    if queued and speed == _ZERO and behind <= _ZERO:  # nothing else can keep it more standing
        row.command, row.reason, row.wish = max(behind, -slots.max_brake[b, i]), LEADER, 0
        return
    if row.leaving >= 0:  # the lane that it is leaving still counts while it is partly there
        other, room = left_leader(b, i, tables, slots, traffic)
        if other >= 0:
            a = follow_accel(b, i, room, slots.speed[b, other], free, slots, traffic)
            accel, reason = take_least(accel, reason, a, LEADER)
    if queued and waits_before(b, leader, min(rail.line, rail.length), slots, traffic):
        a, why, room = light_ahead_accel(b, i, look, rail, free, dt, network, tables, slots, worlds, traffic)
    else:
        a, why, room = junction_ahead_accel(
            b, i, look, free, leader, gap, lane0, dt, network, tables, slots, worlds, traffic
        )
    accel, reason = take_least(accel, reason, a, why)
    if not queued:
        a = junction_accel(b, i, look, lane0, free, network, tables, slots, traffic)
        accel, reason = take_least(accel, reason, a, CONFLICT)
    if network.lone_lights[worlds.map_id[b]]:
        a = other_lights_accel(b, i, look, free, network, tables, slots, worlds, traffic)
        accel, reason = take_least(accel, reason, a, RED)
    if walkers.busy_count[b] > 0:
        a = crosswalk_accel(b, i, look, free, network, tables, slots, worlds, walkers, traffic)
        accel, reason = take_least(accel, reason, a, WALKER)
    if traffic.loose_count[b] > 0:
        half = _HALF * slots.length[b, i]
        beyond = gap + half + slots.length[b, leader] if leader >= 0 else FAR
        a = obstacles_accel(b, i, look, beyond, free, network, tables, slots, traffic)
        accel, reason = take_least(accel, reason, a, OBSTACLE)
    if slots.route_lane[b, i, ROUTE_LANES - 1] < 0:
        a = route_end_accel(b, i, look, free, network, slots, traffic)
        accel, reason = take_least(accel, reason, a, ROUTE_END)
    row.command = max(accel, -slots.max_brake[b, i])
    row.reason = reason
    row.wish = 0
    front = slots.lane_s[b, i] + _HALF * slots.length[b, i]  # past the lane's end it is in the junction already
    if rail.flags & HAS_BESIDE and rail.junction < 0 and row.leaving < 0 and front < rail.length:
        row.wish = think_of_change(b, i, room, own, free, desired, lane0, dt, network, tables, slots, worlds, traffic)


@kernel
def left_leader(b, i, tables, slots, traffic):
    """(slot, gap [m]) of the next vehicle on the lane that vehicle i is leaving, or at the start of those that follow.

    -1 when it is out of it.
    """
    row = traffic.row[b, i]
    lane = np.int64(row.leaving)
    here = np.int64(slots.lane[b, i])
    if tables.lanes[here].left != lane and tables.lanes[here].right != lane:
        return np.int64(-1), FAR
    s, _, _ = project_to_lane(tables, lane, slots.x[b, i], slots.y[b, i], slots.lane_s[b, i], True)
    lane0 = np.int64(tables.maps[tables.lanes[lane].map].lane0)
    j, distance = gap_ahead(b, lane, np.float32(s), i, lane0, tables, slots, traffic)
    return j, distance - _HALF * (slots.length[b, i] + slots.length[b, max(j, np.int64(0))])
