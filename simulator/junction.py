"""Whether a traffic vehicle may enter the junction ahead: lights, stop signs, right of way, room behind it.

A vehicle that may go gets a permit whose number (`order`) is the step it was given; inside, permits are served in
order (`simulator.follow`), so that crossing paths never deadlock. Before the line a permit is checked anew each step
and may be taken back while the vehicle can still stop.

Sources: gap acceptance: Highway Capacity Manual 6th ed., ch. 20 (critical gaps 4-7 s from standstill, here split into
the time to cross and a margin); do not block the box: Vienna Convention on Road Traffic, article 18.
"""

import numpy as np

from simulator.follow import CLEAR, DIVERGE, FAR, MERGE, time_to
from simulator.lights import call_light
from simulator.occupancy import TRAFFIC, is_inside
from simulator.shared_ground import takes_span
from simulator.traffic import CLAIMS, EXIT_FULL, FREE, LEADER, LINE_AT_START, RED, STOP_SIGN, YIELDING
from world.kernel import inline_kernel, kernel
from world.kinds import LightState, Priority, StopKind

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_GOES, _YIELDS = int(Priority.GOES), int(Priority.YIELDS)
_LIGHT, _STOP = int(StopKind.LIGHT), int(StopKind.STOP)
_RED, _RED_AMBER, _AMBER = int(LightState.RED), int(LightState.RED_AMBER), int(LightState.AMBER)
PAST_LINE = np.float32(0.6)  # [m] over its line a vehicle does not stop any more
AMBER_BRAKE = np.float32(3.0)  # [m/s^2] a driver who would have to brake harder goes through at amber
STOP_ZONE = np.float32(2.5)  # [m] before the line in which a stop counts
STOP_TIME = np.float32(1.0)  # [s] of standing at a stop sign
ARRIVE = np.float32(6.0)  # [m] before the line: the vehicle has come to the junction
MARGIN = np.float32(1.6)  # [s] between two vehicles on the same ground
IMPATIENCE = np.float32(0.05)  # [s] less margin per second of waiting
MIN_MARGIN = np.float32(0.6)  # [s]
STANDING = np.float32(0.3)  # [m/s]
FLOWING = np.float32(2.0)  # [m/s] a queue that moves so goes in together
LONG_WAIT = np.float32(6.0)  # [s] after which those who stand sort it out by order of arrival
_EARLY, _LATE = np.float32(2.0), np.float32(0.8)  # [m/s^2] others may speed up as hard, or as slowly


@inline_kernel
def stop_line_before(b, i, k, start, network, tables, slots, half):
    """(room, stop row): the line that belongs to the junction lane at place k of the route; row -1: the lane's start.

    `start` [m] from the vehicle's centre to the start of that lane; room is measured from the bumper.
    """
    if k > 0:
        before = network.rails[slots.route_lane[b, i, k - 1]]
        if before.stop >= 0:
            return start - before.length + before.line - half, np.int64(before.stop)
    lane = slots.route_lane[b, i, k]
    if network.rails[lane].flags & LINE_AT_START:
        return start - half, np.int64(tables.lanes[lane].stop0)
    return start - half, np.int64(-1)


@inline_kernel
def may_pass_light(b, i, room, state, slots, traffic):
    """Whether a light lets the vehicle on; at amber it stops if it can do so comfortably, and then keeps to that.

    Who had to give way at the line during green goes at amber, as soon as those who come towards him stop: otherwise
    dense traffic would let nobody turn left, ever.
    """
    if state == _RED or state == _RED_AMBER:
        return False
    if state == _AMBER:
        if traffic.row[b, i].hold == RED:
            return False
        if traffic.row[b, i].hold == YIELDING and room < _TWO:
            return True
        speed = slots.speed[b, i]
        return speed * speed > _TWO * AMBER_BRAKE * max(room - _HALF, np.float32(0.01))
    return True


@kernel
def gap_to(claim, conflict, enter, leave, margin):
    """Whether the own crossing during [enter, leave] [s] leaves `margin` to the other's."""
    rear = claim.front - claim.length
    first = time_to(conflict.o0 - claim.front, claim.speed, _EARLY, claim.top)
    last = time_to(conflict.o1 + CLEAR - rear, claim.speed, _LATE, claim.top)
    merge = _ONE if conflict.kind == MERGE else _ZERO  # who merges needs time to reach the others' speed
    return leave + margin + merge < first or last + _HALF * margin < enter


@kernel
def yields_to(b, i, front, conflict, claim, top, waited, slots, traffic):
    """Whether vehicle i has to wait before the junction for another vehicle on a conflicting lane.

    Args:
        front: [m] s of the own bumper on its junction lane (negative: before it).
        top: [m/s] own speed in the junction. waited: [s] since it came to the line.
    """
    if claim.front - claim.length > conflict.o1 + CLEAR:
        return False
    row = traffic.row[b, i]
    taken = takes_span(claim, conflict.o0)
    speed = slots.speed[b, i]
    enter = time_to(conflict.s0 - front, speed, _EARLY, max(top, speed))
    if taken:
        if conflict.kind == MERGE:
            lead = (conflict.s1 - front) - (conflict.o1 - claim.front)
            if lead > claim.length:
                return False  # it merges well before: a leader
        if (
            row.granted == 1
            and row.entry >= 0
            and claim.external == 0
            and (row.order < claim.order or (row.order == claim.order and i < claim.slot))
        ):
            return False  # the own permit is older
        rear = claim.front - claim.length
        return time_to(conflict.o1 + CLEAR - rear, claim.speed, _LATE, claim.top) + _HALF > enter
    if conflict.priority == _GOES or claim.hold == RED or (row.granted == 1 and claim.external == 0):
        return False
    standing = claim.speed < STANDING
    if standing and (claim.hold == EXIT_FULL or claim.hold == STOP_SIGN):
        return False
    if standing and (claim.arrived == 0 if claim.external == 0 else claim.waited > np.float32(3.0)):
        return False  # it stands in a queue, or hesitates
    earlier = row.arrived < claim.arrived or (row.arrived == claim.arrived and i < claim.slot) or claim.arrived == 0
    if row.arrived == 0:
        earlier = False
    if conflict.priority != _YIELDS and earlier:
        return False
    if standing and waited > LONG_WAIT and earlier:
        return False
    leave = time_to(conflict.s1 + slots.length[b, i] - front, speed, row.drive, max(top, speed))
    return not gap_to(claim, conflict, enter, leave, max(MARGIN - IMPATIENCE * waited, MIN_MARGIN))


@kernel
def way_is_clear(b, i, k, start, waited, lane0, network, tables, slots, traffic):
    """Whether right of way allows the crossing of the junction that begins at place k of the route."""
    half = _HALF * slots.length[b, i]
    junction = tables.lanes[slots.route_lane[b, i, k]].junction
    at = k
    while at < slots.route_lane.shape[2] and slots.route_lane[b, i, at] >= 0:
        lane = np.int64(slots.route_lane[b, i, at])
        shape = tables.lanes[lane]
        if shape.junction != junction:
            break
        top = min(network.cap[shape.point0], slots.max_speed[b, i])
        for c in range(shape.conf0, shape.conf1):
            conflict = tables.conflicts[c]
            node = np.int64(traffic.claim_head[b, conflict.lane - lane0])
            while node >= 0 and conflict.kind != DIVERGE:
                claim = traffic.claim[b, node // CLAIMS, node % CLAIMS]
                if claim.slot != i and yields_to(b, i, half - start, conflict, claim, top, waited, slots, traffic):
                    return False
                node = np.int64(claim.next)
        start += shape.length
        at += 1
    return True


@kernel
def waiting_inside(b, i, lane, other, front, lane0, tables, slots, traffic):
    """[m] of the exit that vehicles now in the junction, ahead on `lane` or about to merge from `other`, will need.

    Who drives on through the next junction needs none.
    """
    need = _ZERO
    node = np.int64(traffic.claim_head[b, other - lane0])
    while node >= 0:
        claim = traffic.claim[b, node // CLAIMS, node % CLAIMS]
        ahead = claim.slot != i and (claim.front > front if lane == other else claim.committed == 1)
        if claim.through == 1 and claim.speed > FLOWING:
            ahead = False
        if ahead and claim.front - claim.length < tables.lanes[other].length:
            need += claim.length + _TWO
        node = np.int64(claim.next)
    return need


@kernel
def exit_has_room(b, i, k, start, lane0, tables, slots, traffic):
    """Whether the vehicle will find room behind the junction that begins at place k, so as not to stand in it."""
    half = _HALF * slots.length[b, i]
    junction = tables.lanes[slots.route_lane[b, i, k]].junction
    at, front = k, half - start
    while at < slots.route_lane.shape[2] and slots.route_lane[b, i, at] >= 0:
        if tables.lanes[slots.route_lane[b, i, at]].junction != junction:
            break
        front = half - start
        start += tables.lanes[slots.route_lane[b, i, at]].length
        at += 1
    last = np.int64(slots.route_lane[b, i, at - 1])
    need = slots.length[b, i] + _TWO
    free, begin, empty = FAR, start, True
    while at < slots.route_lane.shape[2] and slots.route_lane[b, i, at] >= 0 and start - begin < np.float32(4.0) * need:
        lane = slots.route_lane[b, i, at]
        j = np.int64(traffic.head[b, lane - lane0])
        if tables.lanes[lane].junction >= 0:
            free = start - begin
            break
        if j >= 0 and j != i:
            speed = slots.speed[b, j]
            moves = speed * _ONE + speed * speed * np.float32(0.25)
            free = start + slots.lane_s[b, j] - _HALF * slots.length[b, j] + moves - begin
            empty = False
            break
        start += tables.lanes[lane].length
        at += 1
    if free >= FAR:
        return True
    need += waiting_inside(b, i, last, last, front, lane0, tables, slots, traffic)
    shape = tables.lanes[last]
    for c in range(shape.conf0, shape.conf1):
        if tables.conflicts[c].kind == MERGE:
            need += waiting_inside(b, i, last, tables.conflicts[c].lane, front, lane0, tables, slots, traffic)
    return free >= need or (empty and need < slots.length[b, i] + np.float32(2.5))


@inline_kernel
def signal_hold(b, i, room, stop, dt, tables, slots, worlds, traffic):
    """RED or STOP_SIGN where light or sign at the line keep the vehicle, else FREE.

    Args:
        room: [m] from its bumper to the line. stop: row of the line or -1.
    """
    if stop < 0:
        return FREE
    row = traffic.row[b, i]
    kind = tables.stops[stop].kind
    if kind == _LIGHT:
        call_light(b, stop, room, slots.speed[b, i], tables, worlds)
    if room < -PAST_LINE:
        return FREE
    if kind == _LIGHT:
        light = tables.stops[stop].light - tables.maps[worlds.map_id[b]].light0
        if not may_pass_light(b, i, room, worlds.light[b, light], slots, traffic):
            return RED
    elif kind == _STOP and row.stop_served == 0:
        if room >= STOP_ZONE or slots.speed[b, i] >= np.float32(0.05) or row.waited < STOP_TIME:
            return STOP_SIGN
        row.stop_served = 1
    return FREE


@kernel
def ask_permit(b, i, k, start, room, hold, leader, gap, lane0, dt, network, tables, slots, worlds, traffic):
    """FREE where vehicle i may enter the junction lane at place k of its route, else why not; keeps the permit.

    Args:
        start: [m] from its centre to the lane. room: [m] from its bumper to the line. hold: of light or sign.
        leader, gap: the vehicle ahead (-1: none) and [m] to it.
    """
    row = traffic.row[b, i]
    half = _HALF * slots.length[b, i]
    past = room < -PAST_LINE
    if past and row.granted == 1:
        return FREE
    if room < ARRIVE and row.arrived == 0:
        row.arrived = worlds.step[b] + 1
    if hold == FREE and leader >= 0 and gap < room:  # behind somebody who has not gone in
        ahead = traffic.row[b, leader]
        if slots.controller[b, leader] != TRAFFIC or ahead.let_in == 0 or slots.speed[b, leader] < FLOWING:
            hold = LEADER
    if hold == FREE and not is_inside(b, i, network, slots, traffic):
        if not exit_has_room(b, i, k, start, lane0, tables, slots, traffic):
            hold = EXIT_FULL
    waited = np.float32(worlds.step[b] + 1 - row.arrived) * dt if row.arrived > 0 else _ZERO
    if hold == FREE and not way_is_clear(b, i, k, start, waited, lane0, network, tables, slots, traffic):
        hold = YIELDING
    if hold == FREE and row.granted == 0:
        row.granted, row.order = 1, worlds.step[b] + 1
    if hold != FREE:
        row.granted = 0
    if past and hold != FREE and start - half < _ZERO:
        hold = FREE
    return hold
