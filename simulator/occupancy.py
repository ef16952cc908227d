"""The per-step lists of a world: vehicles along each lane, claims on junction lanes, loose bodies.

Claims are a snapshot: decisions read them and never each other, so vehicles may decide in any order.
"""

import math

import numpy as np

from simulator.locate import locate_one
from simulator.state import ROUTE_LANES
from simulator.traffic import CLAIMS, RED
from world.bicycle import wrap_angle
from world.kernel import kernel
from world.kinds import BodyKind, Controller, LightState, StopKind

PEDESTRIAN = int(BodyKind.PEDESTRIAN)
TRAFFIC = int(Controller.TRAFFIC)
_RED, _RED_AMBER, _LIGHT = int(LightState.RED), int(LightState.RED_AMBER), int(StopKind.LIGHT)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
CLAIM_LOOK = np.float32(25.0)  # [m] plus CLAIM_TIME at the present speed: how far ahead a junction is announced
CLAIM_TIME = np.float32(7.0)  # [s]
STANDING = np.float32(0.3)  # [m/s]
_FIRM_BRAKE = np.float32(4.0)  # [m/s^2] an external vehicle that would need more is taken to drive on


@kernel
def is_vehicle(b, i, slots):
    """Whether the slot holds a vehicle (anything but a pedestrian)."""
    return slots.valid[b, i] and slots.kind[b, i] != PEDESTRIAN


@kernel
def clear_lists(b, lane0, traffic):
    """Empty the lists that the step before filled."""
    for i in range(traffic.row.shape[1]):
        row = traffic.row[b, i]
        if row.listed >= 0:
            traffic.head[b, row.listed] = -1
            traffic.tail[b, row.listed] = -1
            row.listed = -1
        row.ahead = -1
        row.behind = -1
        for r in range(CLAIMS):
            claim = traffic.claim[b, i, r]
            if claim.lane < 0:
                break
            traffic.claim_head[b, claim.lane - lane0] = -1
            claim.lane = -1


@kernel
def list_one(b, i, lane0, slots, traffic):
    """Insert a vehicle into its lane's list, sorted by (s, slot)."""
    lane = slots.lane[b, i] - lane0
    s = slots.lane_s[b, i]
    row = traffic.row[b, i]
    row.listed = lane
    ahead, at = np.int64(-1), np.int64(traffic.tail[b, lane])
    while at >= 0 and (slots.lane_s[b, at] > s or (slots.lane_s[b, at] == s and at > i)):
        ahead, at = at, np.int64(traffic.row[b, at].behind)
    row.ahead, row.behind = ahead, at
    if ahead >= 0:
        traffic.row[b, ahead].behind = i
    else:
        traffic.tail[b, lane] = i
    if at >= 0:
        traffic.row[b, at].ahead = i
    else:
        traffic.head[b, lane] = i


@kernel
def permit_order(lane, row, tables):
    """Number of a vehicle's permit for the junction of a lane: the one asked for last, or the one before."""
    if row.entry >= 0 and tables.lanes[row.entry].junction == tables.lanes[lane].junction:
        return row.order
    return row.inside


@kernel
def claim_one(b, i, lane, lane0, rank, front, committed, network, tables, slots, traffic):
    """Announce vehicle i on a junction lane; `front` is its bumper's s on that lane (negative: still to come)."""
    row = traffic.row[b, i]
    claim = traffic.claim[b, i, rank]
    claim.lane, claim.slot = lane, i
    claim.front, claim.length, claim.speed = front, slots.length[b, i], slots.speed[b, i]
    claim.top = max(slots.speed[b, i], min(network.cap[tables.lanes[lane].point0], slots.max_speed[b, i]))
    claim.waited, claim.order = row.waited, permit_order(lane, row, tables)
    claim.external = 0 if slots.controller[b, i] == TRAFFIC else 1
    asked = row.entry == lane or claim.external == 1  # else what it remembers is of the junction before
    claim.hold = row.hold if asked else 0
    claim.arrived = row.arrived if asked else 0
    claim.committed = 1 if committed else 0
    claim.next = traffic.claim_head[b, lane - lane0]
    traffic.claim_head[b, lane - lane0] = i * CLAIMS + rank


@kernel
def claim_lanes(b, i, lane0, network, tables, slots, traffic):
    """Announce a vehicle on the junction lane it is leaving, is on, and will come to."""
    row = traffic.row[b, i]
    row.let_in = row.granted
    half = _HALF * slots.length[b, i]
    look = CLAIM_LOOK + CLAIM_TIME * slots.speed[b, i]
    rank = np.int64(0)
    before = np.int64(row.previous)
    if before >= 0 and tables.lanes[before].junction >= 0 and slots.lane_s[b, i] < half + _ONE:
        front = half + slots.lane_s[b, i] + tables.lanes[before].length
        claim_one(b, i, before, lane0, rank, front, True, network, tables, slots, traffic)
        rank += 1
    start = -slots.lane_s[b, i]  # [m] from the centre to the start of the lane
    committed, last_junction = False, -1
    for k in range(ROUTE_LANES):
        lane = np.int64(slots.route_lane[b, i, k])
        if lane < 0 or rank >= CLAIMS or start > look:
            break
        junction = tables.lanes[lane].junction
        if junction >= 0:
            inside = half - start > _ZERO
            along = committed and junction == last_junction
            committed = inside or along or (row.granted == 1 and row.entry == lane)
            claim_one(b, i, lane, lane0, rank, half - start, committed, network, tables, slots, traffic)
            rank += 1
        else:
            committed = False
        last_junction = junction
        start += tables.lanes[lane].length


@kernel
def red_ahead(b, i, tables, slots, worlds):
    """Whether the next light on the way shows red and the vehicle can still stop at its line."""
    start = -slots.lane_s[b, i] - _HALF * slots.length[b, i]
    speed = slots.speed[b, i]
    light0 = tables.maps[worlds.map_id[b]].light0
    for k in range(3):
        lane = slots.route_lane[b, i, k]
        if lane < 0:
            return False
        row = tables.lanes[lane]
        for q in range(row.stop0, row.stop1):
            stop = tables.stops[q]
            room = start + stop.s
            if stop.kind == _LIGHT and room > -_ONE:
                state = worlds.light[b, stop.light - light0]
                stops = speed * speed < np.float32(2.0) * _FIRM_BRAKE * max(room, np.float32(0.01)) or speed < STANDING
                return (state == _RED or state == _RED_AMBER) and stops
        start += row.length
    return False


@kernel
def touches_lane(b, i, tables, slots):
    """Whether a vehicle is on its lane, at least in part: one beside the road or on the oncoming lane is not."""
    if slots.controller[b, i] == TRAFFIC:
        return True
    shape = tables.lanes[slots.lane[b, i]]
    p = tables.points[shape.point0 + min(np.int64(slots.lane_s[b, i] / shape.step), np.int64(shape.points - 1))]
    turn = slots.yaw[b, i] - p.heading
    across = slots.length[b, i] * abs(math.sin(turn)) + slots.width[b, i] * abs(math.cos(turn))
    return abs(slots.lane_d[b, i]) < _HALF * (across + p.width)


@kernel
def is_loose(b, i, tables, slots, walkers, traffic):
    """Whether others must see the body by its outline, since the lane lists do not tell where it is."""
    if slots.kind[b, i] == PEDESTRIAN:
        return walkers.crossing[b, i] or slots.controller[b, i] != TRAFFIC
    lane = slots.lane[b, i]
    if lane < 0:
        return True
    row = traffic.row[b, i]
    if slots.controller[b, i] == TRAFFIC:
        return row.leaving >= 0 or abs(slots.lane_d[b, i]) > np.float32(0.8)
    shape = tables.lanes[lane]
    p = tables.points[shape.point0 + min(np.int64(slots.lane_s[b, i] / shape.step), np.int64(shape.points - 1))]
    over = abs(slots.lane_d[b, i]) + _HALF * slots.width[b, i] > _HALF * p.width + np.float32(0.1)
    return over or abs(wrap_angle(slots.yaw[b, i] - p.heading)) > np.float32(0.35)


@kernel
def lists_world(b, drivers, network, tables, slots, worlds, walkers, traffic, routes):
    """Rebuild all lists of world b from the present positions."""
    lane0 = tables.maps[worlds.map_id[b]].lane0
    clear_lists(b, lane0, traffic)
    count = 0
    for i in range(slots.x.shape[1]):
        if not slots.valid[b, i]:
            continue
        vehicle = slots.kind[b, i] != PEDESTRIAN
        if vehicle and slots.controller[b, i] != TRAFFIC:
            locate_one(b, i, i if i < drivers else -1, tables, slots, worlds, traffic, routes)
            row = traffic.row[b, i]
            row.hold = RED if slots.lane[b, i] >= 0 and red_ahead(b, i, tables, slots, worlds) else 0
        if vehicle and slots.lane[b, i] >= 0:
            if touches_lane(b, i, tables, slots):
                list_one(b, i, lane0, slots, traffic)
            claim_lanes(b, i, lane0, network, tables, slots, traffic)
        if is_loose(b, i, tables, slots, walkers, traffic):
            traffic.loose[b, count] = i
            count += 1
    traffic.loose_count[b] = count
