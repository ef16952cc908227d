"""The way of traffic vehicles over the lane graph: random turns, moving on from lane to lane, changing lanes."""

import numpy as np

from simulator.fleet import ROUTE
from simulator.state import ROUTE_LANES
from simulator.traffic import PROFILE_BRAKE
from world.kernel import kernel
from world.kinds import BodyKind
from world.queries import project_to_lane
from world.random import draw_index

_ZERO = np.float32(0.0)
BUS = int(BodyKind.BUS)
_ENERGY = np.float32(2.0 * PROFILE_BRAKE)  # [m/s^2] gain of v^2 per metre
_ANY = np.float32(1e6)  # [m^2/s^2] more than any speed's square
_LOOK = 5  # lanes of the way whose speeds count for the present one


@kernel
def worth_of_way(b, i, lane, network, tables, slots):
    """Of a successor: 0 not for vehicles, 1 a dead end, 2 too tight for a bus, 3 good."""
    if tables.lanes[lane].drivable != 1:
        return 0
    if not network.alive[lane]:
        return 1
    return 2 if slots.kind[b, i] == BUS and not network.roomy[lane] else 3


@kernel
def pick_successor(b, i, lane, entity, network, tables, slots, worlds, traffic):
    """A random one of the best drivable successors (see `worth_of_way`); -1 at a dead end."""
    row = tables.lanes[lane]
    best, count = 0, 0
    for q in range(row.succ0, row.succ1):
        worth = worth_of_way(b, i, np.int64(tables.successors[q]), network, tables, slots)
        if worth > best:
            best, count = worth, 0
        if worth == best:
            count += 1
    if best == 0:
        return np.int64(-1)
    t = traffic.row[b, i]
    pick = draw_index(worlds.seed[b], entity, t.draws, ROUTE, count)
    t.draws += 1
    for q in range(row.succ0, row.succ1):
        after = np.int64(tables.successors[q])
        if worth_of_way(b, i, after, network, tables, slots) == best:
            if pick == 0:
                return after
            pick -= 1
    return np.int64(-1)


@kernel
def extend_way(b, i, first, entity, network, tables, slots, worlds, traffic):
    """Fill route_lane from place `first` on (first >= 1) with random turns."""
    lane = np.int64(slots.route_lane[b, i, first - 1])
    for k in range(first, slots.route_lane.shape[2]):
        if lane >= 0:
            lane = pick_successor(b, i, lane, entity, network, tables, slots, worlds, traffic)
        slots.route_lane[b, i, k] = lane


@kernel
def note_exit(b, i, network, slots, traffic):
    """Note the speed at which the end of the present lane may be passed, so that the next lanes' speeds can be kept."""
    best, gain = _ANY, _ZERO
    for k in range(1, _LOOK):
        lane = slots.route_lane[b, i, k]
        if lane < 0 or gain > best:
            break
        rail = network.rails[lane]
        best = min(best, rail.cap * rail.cap + gain)
        gain += _ENERGY * rail.length
    traffic.row[b, i].exit = best


@kernel
def enter_way(b, i, lane, s, d, entity, network, tables, slots, worlds, traffic):
    """Start a new way at (lane, s, d)."""
    row = traffic.row[b, i]
    slots.lane[b, i], slots.lane_s[b, i], slots.lane_d[b, i] = lane, s, d
    slots.route_lane[b, i, 0] = lane
    row.previous = row.way = -1
    shape = tables.lanes[lane]
    if shape.pred1 > shape.pred0:
        row.previous = tables.predecessors[shape.pred0]
    row.entry, row.granted, row.arrived, row.stop_served = -1, 0, 0, 0
    row.leaving, row.wish = -1, 0
    extend_way(b, i, 1, entity, network, tables, slots, worlds, traffic)
    note_exit(b, i, network, slots, traffic)


@kernel
def move_on(b, i, entity, network, tables, slots, worlds, traffic):
    """Hand the vehicle over to the next lane of its way once its centre has passed the end of the present one."""
    row = traffic.row[b, i]
    for _ in range(slots.route_lane.shape[2]):
        lane = slots.lane[b, i]
        length = network.rails[lane].length
        after = slots.route_lane[b, i, 1]
        if slots.lane_s[b, i] <= length or after < 0:
            return
        row.previous = lane
        if row.leaving >= 0:  # it goes on between the lanes that follow
            shape = tables.lanes[after]
            row.leaving = shape.left if slots.lane_d[b, i] > _ZERO else shape.right
        slots.lane_s[b, i] -= length
        slots.lane[b, i] = after
        for k in range(slots.route_lane.shape[2] - 1):
            slots.route_lane[b, i, k] = slots.route_lane[b, i, k + 1]
        if slots.route_lane[b, i, ROUTE_LANES - 2] >= 0:
            extend_way(b, i, ROUTE_LANES - 1, entity, network, tables, slots, worlds, traffic)
        else:
            slots.route_lane[b, i, ROUTE_LANES - 1] = -1
        note_exit(b, i, network, slots, traffic)


@kernel
def change_lane(b, i, target, entity, network, tables, slots, worlds, traffic):
    """Move the vehicle's reference to a neighbour lane; its place stays, its offset is now measured from there."""
    row = traffic.row[b, i]
    old, before = slots.lane[b, i], row.previous
    s, d, _ = project_to_lane(tables, target, slots.x[b, i], slots.y[b, i], slots.lane_s[b, i], True)
    enter_way(b, i, target, np.float32(s), np.float32(d), entity, network, tables, slots, worlds, traffic)
    shape = tables.lanes[target]
    row.previous = -1
    for q in range(shape.pred0, shape.pred1):  # the lane beside the one driven on before, where there is one
        lane = tables.predecessors[q]
        beside = before >= 0 and (tables.lanes[before].left == lane or tables.lanes[before].right == lane)
        if row.previous < 0 or beside:
            row.previous = lane
    row.leaving = old
    row.changed = worlds.step[b]
