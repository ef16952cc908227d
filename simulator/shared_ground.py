"""How a traffic vehicle shares the ground of a junction with those whose lanes cross, join or leave its own."""

import numpy as np

from simulator.follow import CLEAR, DIVERGE, FAR, MERGE, follow_accel, stop_accel, time_to
from simulator.obstacles import obstacle_accel
from simulator.occupancy import permit_order
from simulator.traffic import CLAIMS
from world.kernel import kernel

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_FIRM = np.float32(8.0)  # [m/s^2] twice the deceleration at which an external vehicle is taken not to stop


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
def shared_accel(b, i, look, front, room, own, conflict, claim, free, network, tables, slots, traffic):
    """Acceleration [m/s^2] against one vehicle on a conflicting lane.

    Args:
        look: [m] ahead. front: [m] s of the own bumper on the own lane. room: [m] from it to the shared span
            (negative: in it).
        own: number of the own permit. conflict: row of tables.conflicts. claim: of the other vehicle on the other lane.
    """
    rear = claim.front - claim.length
    if conflict.kind == DIVERGE:  # its tail may still be where both lanes are one
        ahead = claim.front + conflict.s0 - conflict.o0 - front  # the lanes may be later parts of what parted before
        if ahead < _ZERO or (ahead == _ZERO and claim.slot < i) or rear > conflict.o1 + CLEAR:
            return FAR
        return follow_accel(b, i, ahead - claim.length, claim.speed, free, slots, traffic)
    if rear > conflict.o1 + CLEAR or not takes_span(claim, conflict.o0):
        return FAR
    if conflict.kind == MERGE:
        lead = (conflict.s1 - front) - (conflict.o1 - claim.front)
        gap = lead - claim.length
        if gap > _ZERO or (lead > _ZERO and goes_before(claim, conflict, own, i)):
            speed = claim.speed
            if room > gap:
                gap, speed = room, min(speed, _HALF * slots.speed[b, i])
            return follow_accel(b, i, gap, speed, free, slots, traffic)
    if room < -_ONE:  # both are there already: keep clear of its body
        if claim.front < conflict.o0:
            return FAR
        return obstacle_accel(b, i, np.int64(claim.slot), look, free, network, tables, slots, traffic)
    if not goes_before(claim, conflict, own, i):
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
                        a = shared_accel(
                            b, i, look, front, room, own, conflict, claim, free, network, tables, slots, traffic
                        )
                        accel = min(accel, a)
                    node = np.int64(claim.next)
        else:
            permitted = False
        last = rail.junction
        start += rail.length
    return accel
