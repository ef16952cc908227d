"""The per-step lists of a world: vehicles along each lane, claims on junction lanes, loose bodies.

Claims are a snapshot: decisions read them and never each other, so vehicles may decide in any order.
"""

import math

import numpy as np

from simulator.ahead import fetch_leader, fetch_rows
from simulator.lights import call_light, next_light
from simulator.locate import locate_one
from simulator.traffic import CLAIMS, LOOSE_CELLS, RED
from world.bicycle import wrap_angle
from world.kernel import inline_kernel, kernel
from world.kinds import BodyKind, Controller, LightState, StopKind

PEDESTRIAN = int(BodyKind.PEDESTRIAN)
TRAFFIC = int(Controller.TRAFFIC)
_RED, _RED_AMBER, _LIGHT = int(LightState.RED), int(LightState.RED_AMBER), int(StopKind.LIGHT)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
LOOSE_PER_CELL = np.float32(1.0 / 64.0)  # [1/m] cells of the grid of loose bodies
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
    """Empty all lists of a world."""
    for i in range(traffic.row.shape[1]):
        row = traffic.row[b, i]
        if row.listed >= 0:
            traffic.head[b, row.listed] = -1
            traffic.tail[b, row.listed] = -1
            row.listed = -1
        row.ahead = -1
        row.behind = -1
        clear_claims(b, i, lane0, traffic)
    clear_loose(b, traffic)


@inline_kernel
def clear_claims(b, i, lane0, traffic):
    """Empty the lists of the junction lanes that a vehicle announced itself on."""
    row = traffic.row[b, i]
    for r in range(row.claims):
        traffic.claim_head[b, traffic.claim[b, i, r].lane - lane0] = -1
    row.claims = 0


@inline_kernel
def link(b, lane, behind, ahead, traffic):
    """Make two vehicles neighbours in a lane's list; -1 is the end of the list."""
    if ahead >= 0:
        traffic.row[b, ahead].behind = behind
    else:
        traffic.tail[b, lane] = behind
    if behind >= 0:
        traffic.row[b, behind].ahead = ahead
    else:
        traffic.head[b, lane] = ahead


@kernel
def list_one(b, i, lane, slots, traffic):
    """Insert a vehicle into a lane's list (index within the map), sorted by (s, slot)."""
    s = slots.lane_s[b, i]
    row = traffic.row[b, i]
    row.listed = lane
    behind, at = np.int64(-1), np.int64(traffic.head[b, lane])
    while at >= 0 and (slots.lane_s[b, at] < s or (slots.lane_s[b, at] == s and at < i)):
        behind, at = at, np.int64(traffic.row[b, at].ahead)
    link(b, lane, behind, i, traffic)
    link(b, lane, i, at, traffic)


@kernel
def unlist_one(b, i, traffic):
    """Take a vehicle out of its lane's list."""
    row = traffic.row[b, i]
    ahead, behind, lane = np.int64(row.ahead), np.int64(row.behind), np.int64(row.listed)
    link(b, lane, behind, ahead, traffic)
    row.listed = row.ahead = row.behind = -1


@inline_kernel
def note_lane(b, i, lane0, moved, tables, slots, traffic):
    """Take a slot out of the list of a lane that it has left. Returns `moved`, one more where it has to be listed."""
    row = traffic.row[b, i]
    lane = np.int64(-1)
    if slots.valid[b, i] and slots.kind[b, i] != PEDESTRIAN and slots.lane[b, i] >= 0:
        if touches_lane(b, i, tables, slots):
            lane = np.int64(slots.lane[b, i] - lane0)
    if lane != row.listed:
        if row.listed >= 0:
            unlist_one(b, i, traffic)
        if lane >= 0:
            traffic.moved[b, moved] = i
            moved += 1
    return moved


@kernel
def sort_lane(b, lane, slots, traffic):
    """Sort one lane's list anew, from the front backwards: bodies have passed each other on it."""
    at = np.int64(traffic.tail[b, lane])
    traffic.head[b, lane] = traffic.tail[b, lane] = -1
    while at >= 0:
        behind = np.int64(traffic.row[b, at].behind)
        list_one(b, at, lane, slots, traffic)
        at = behind


@inline_kernel
def permit_order(lane, row, network):
    """Number of a vehicle's permit for the junction of a lane: the one asked for last, or the one before."""
    if row.entry >= 0 and network.rails[row.entry].junction == network.rails[lane].junction:
        return row.order
    return row.inside


@inline_kernel
def claim_one(b, i, lane, lane0, rank, front, committed, network, tables, slots, traffic):
    """Announce vehicle i on a junction lane; `front` is its bumper's s on that lane (negative: still to come)."""
    row = traffic.row[b, i]
    claim = traffic.claim[b, i, rank]
    claim.lane, claim.slot = lane, i
    claim.front, claim.length, claim.speed = front, slots.length[b, i], slots.speed[b, i]
    claim.top = max(slots.speed[b, i], min(network.rails[lane].cap, slots.max_speed[b, i]))
    claim.waited, claim.order = row.waited, permit_order(lane, row, network)
    claim.external = 0 if slots.controller[b, i] == TRAFFIC else 1
    asked = row.entry == lane or claim.external == 1  # else what it remembers is of the junction before
    claim.hold = row.hold if asked else 0
    claim.arrived = row.arrived if asked else 0
    claim.committed = 1 if committed else 0
    claim.through = 1 if row.granted == 1 and network.rails[row.entry].junction != network.rails[lane].junction else 0
    claim.next = traffic.claim_head[b, lane - lane0]
    traffic.claim_head[b, lane - lane0] = i * CLAIMS + rank


@inline_kernel
def tail_inside(b, i, network, slots, traffic):
    """Whether a vehicle's tail is still on the lane behind, and that in a junction."""
    before = np.int64(traffic.row[b, i].previous)
    near = slots.lane_s[b, i] < _HALF * slots.length[b, i] + _ONE
    return before >= 0 and near and network.rails[before].junction >= 0


@inline_kernel
def claim_lanes(b, i, lane0, network, tables, slots, traffic):
    """Announce a vehicle on the junction lane it is leaving, is on, and will come to."""
    row = traffic.row[b, i]
    half = _HALF * slots.length[b, i]
    look = CLAIM_LOOK + CLAIM_TIME * slots.speed[b, i]
    rank = np.int64(0)
    if tail_inside(b, i, network, slots, traffic):
        before = np.int64(row.previous)
        front = half + slots.lane_s[b, i] + network.rails[before].length
        claim_one(b, i, before, lane0, rank, front, True, network, tables, slots, traffic)
        rank += 1
    start = -slots.lane_s[b, i]  # [m] from the centre to the start of the lane
    committed, last_junction = False, -1
    for k in range(slots.route_lane.shape[2]):
        lane = np.int64(slots.route_lane[b, i, k])
        if lane < 0 or rank >= CLAIMS or start > look:
            break
        rail = network.rails[lane]
        junction = rail.junction
        if junction >= 0:
            inside = half - start > _ZERO
            along = committed and junction == last_junction
            committed = inside or along or (row.granted == 1 and row.entry == lane)
            claim_one(b, i, lane, lane0, rank, half - start, committed, network, tables, slots, traffic)
            rank += 1
        else:
            committed = False
        last_junction = junction
        start += rail.length
    row.claims = rank


@kernel
def watch_light(b, i, tables, slots, worlds, traffic):
    """Let an external vehicle call for the next light on its way; it holds if that is red and it can still stop."""
    stop, room = next_light(b, i, tables, slots)
    row, speed = traffic.row[b, i], slots.speed[b, i]
    row.hold = 0
    if stop < 0:
        return
    call_light(b, stop, room, speed, tables, worlds)
    state = worlds.light[b, tables.stops[stop].light - tables.maps[worlds.map_id[b]].light0]
    stops = speed * speed < np.float32(2.0) * _FIRM_BRAKE * max(room, np.float32(0.01)) or speed < STANDING
    if (state == _RED or state == _RED_AMBER) and stops:
        row.hold = RED


@kernel
def touches_lane(b, i, tables, slots):
    """Whether a vehicle is on its lane, at least in part: one beside the road or on the oncoming lane is not."""
    if slots.controller[b, i] == TRAFFIC:
        return True
    shape = tables.lanes[slots.lane[b, i]]
    p = tables.points[shape.point0 + min(np.int64(slots.lane_s[b, i] / shape.step), np.int64(shape.points - 1))]
    if abs(slots.lane_d[b, i]) < _HALF * p.width:
        return True
    turn = slots.yaw[b, i] - p.heading
    across = slots.length[b, i] * abs(math.sin(turn)) + slots.width[b, i] * abs(math.cos(turn))
    return abs(slots.lane_d[b, i]) < _HALF * (across + p.width)


@inline_kernel
def is_inside(b, i, network, slots, traffic):
    """Whether a vehicle, or its tail, is in a junction, which it blocks if it waits for room behind the next.

    In a roundabout made of junctions and short lanes between them, everybody would wait for everybody.
    """
    return network.rails[slots.lane[b, i]].junction >= 0 or tail_inside(b, i, network, slots, traffic)


@inline_kernel
def is_loose(b, i, network, tables, slots, walkers, traffic):
    """Whether others must see the body by its outline, since the lane lists do not tell where it is."""
    if slots.kind[b, i] == PEDESTRIAN:
        return walkers.crossing[b, i] or slots.controller[b, i] != TRAFFIC
    lane = slots.lane[b, i]
    if lane < 0:
        return True
    row = traffic.row[b, i]
    if slots.controller[b, i] == TRAFFIC:
        if slots.speed[b, i] < STANDING and is_inside(b, i, network, slots, traffic):
            return True  # caught in a junction it is in the way of those on lanes beside its own
        return row.leaving >= 0 or abs(slots.lane_d[b, i]) > np.float32(0.8)
    shape = tables.lanes[lane]
    p = tables.points[shape.point0 + min(np.int64(slots.lane_s[b, i] / shape.step), np.int64(shape.points - 1))]
    over = abs(slots.lane_d[b, i]) + _HALF * slots.width[b, i] > _HALF * p.width + np.float32(0.1)
    return over or abs(wrap_angle(slots.yaw[b, i] - p.heading)) > np.float32(0.35)


@kernel
def loose_cell(ix, iy):
    """Bucket of a cell of the grid of loose bodies."""
    return (ix * np.int64(73856093) ^ iy * np.int64(19349663)) & np.int64(LOOSE_CELLS - 1)


@kernel
def clear_loose(b, traffic):
    """Empty the grid of loose bodies."""
    if traffic.loose_count[b] > 0:
        for cell in range(LOOSE_CELLS):
            traffic.loose_head[b, cell] = -1
    traffic.loose_count[b] = 0


@kernel
def add_loose(b, i, slots, traffic):
    """Put a body into the grid of loose bodies."""
    n = traffic.loose_count[b]
    cell = loose_cell(
        np.int64(math.floor(slots.x[b, i] * LOOSE_PER_CELL)), np.int64(math.floor(slots.y[b, i] * LOOSE_PER_CELL))
    )
    traffic.loose[b, n] = i
    traffic.loose_next[b, n] = traffic.loose_head[b, cell]
    traffic.loose_head[b, cell] = n
    traffic.loose_count[b] = n + 1


@inline_kernel
def waits_in_queue(b, i, slots, traffic):
    """Whether a traffic vehicle stands behind others before a junction: nobody there has to reckon with it yet."""
    row = traffic.row[b, i]
    return (
        slots.controller[b, i] == TRAFFIC
        and slots.speed[b, i] < STANDING
        and row.granted == 0
        and row.arrived == 0
        and row.ahead >= 0
        and slots.lane_s[b, i] > slots.length[b, i] + _ONE
    )


@kernel
def lists_world(b, drivers, network, tables, slots, worlds, walkers, traffic, routes, judge):
    """Bring all lists of world b up to date with the present positions.

    Who left a lane is taken out of its list, then who came is put in, then those are sorted in which bodies have passed
    each other: what comes out is what a rebuild would give.
    """
    lane0 = np.int64(tables.maps[worlds.map_id[b]].lane0)
    clear_loose(b, traffic)
    moved = 0
    for i in range(slots.x.shape[1]):
        fetch_rows(b, i, network, slots, traffic)
        clear_claims(b, i, lane0, traffic)
        if slots.valid[b, i] and slots.kind[b, i] != PEDESTRIAN and slots.controller[b, i] != TRAFFIC:
            locate_one(b, i, i if i < drivers else -1, network, tables, slots, worlds, traffic, routes, judge)
            watch_light(b, i, tables, slots, worlds, traffic)
        moved = note_lane(b, i, lane0, moved, tables, slots, traffic)
    for n in range(moved):
        i = np.int64(traffic.moved[b, n])
        list_one(b, i, np.int64(slots.lane[b, i] - lane0), slots, traffic)
    for i in range(slots.x.shape[1]):
        fetch_rows(b, i, network, slots, traffic)
        fetch_leader(b, i, slots, traffic)
        if not slots.valid[b, i]:
            continue
        row = traffic.row[b, i]
        row.let_in = row.granted
        if row.ahead >= 0:
            s, other = slots.lane_s[b, i], slots.lane_s[b, row.ahead]
            if other < s or (other == s and row.ahead < i):
                sort_lane(b, np.int64(row.listed), slots, traffic)
        if slots.kind[b, i] != PEDESTRIAN and slots.lane[b, i] >= 0 and not waits_in_queue(b, i, slots, traffic):
            claim_lanes(b, i, lane0, network, tables, slots, traffic)
        if is_loose(b, i, network, tables, slots, walkers, traffic):
            add_loose(b, i, slots, traffic)
