"""What others will do, by the map: each follows its lane, into every branch, and gives way where it must.

This module and `agents.expert` are all that reads the map; `planning.scene_forecast` is its twin for a Scene alone.
"""

import math
from typing import NamedTuple

import numpy as np

from planning.config import STEPS
from planning.occupancy import add_entry, add_straight, side_margin, widen_entry
from world.kernel import kernel
from world.kinds import BodyKind, ConflictKind, LightState, Priority, StopKind
from world.queries import DRIVABLE_MASK, lane_point, nearest_lane, straightest_successor

PEDESTRIAN = int(BodyKind.PEDESTRIAN)
GREEN = int(LightState.GREEN)
GOES, DIVERGE = int(Priority.GOES), int(ConflictKind.DIVERGE)
LIGHT = int(StopKind.LIGHT)
CHAIN = 10  # lanes of one forecast
AHEAD = 24  # lanes of the driver's route within sight
ZONES = 6
_LOOK = 110.0  # [m] of route
_STANDS = 0.3  # [m/s]
_ON_LANE = 2.5  # [m] from a centre line
_DRIFT = 0.4  # [m/s] sideways that shows a change of lanes
_DRIFTS = 2.0  # [s] for which it goes on
_ALONG = math.cos(math.radians(60.0))


class MapView(NamedTuple):
    """Scratch of one driver."""

    lane: np.ndarray  # (AHEAD,) int lanes of the route, the present one first
    start: np.ndarray  # (AHEAD,) [m] path coordinate of their begin
    lanes: np.ndarray  # (1,) int number of them
    zone: np.ndarray  # (ZONES, 2) [m] path intervals to keep clear, in order
    zones: np.ndarray  # (1,) int
    chain: np.ndarray  # (CHAIN,) int lanes of the forecast in work
    chain_start: np.ndarray  # (CHAIN,) [m] of their begin, from the object's centre


def make_map_view() -> MapView:
    """Empty scratch."""
    return MapView(
        np.zeros(AHEAD, np.int64), np.zeros(AHEAD), np.zeros(1, np.int64), np.zeros((ZONES, 2)), np.zeros(1, np.int64),
        np.zeros(CHAIN, np.int64), np.zeros(CHAIN),
    )  # fmt: skip


@kernel
def find_zones(tables, scratch):
    """Fill the intervals of the route that cross or join other traffic; touching ones are one."""
    n = 0
    for i in range(scratch.lanes[0]):
        row = tables.lanes[scratch.lane[i]]
        low, high = 1e9, -1e9
        for c in range(row.conf0, row.conf1):
            conflict = tables.conflicts[c]
            if conflict.kind == DIVERGE:
                continue
            low, high = min(low, conflict.s0), max(high, conflict.s1)
        if low > high:
            continue
        low, high = low + scratch.start[i], high + scratch.start[i]
        if n > 0 and low < scratch.zone[n - 1, 1] + 4.0:
            scratch.zone[n - 1, 1] = max(high, scratch.zone[n - 1, 1])
        elif n < ZONES:
            scratch.zone[n, 0], scratch.zone[n, 1] = low, high
            n += 1
    scratch.zones[0] = n


@kernel
def note_green(me, tables, scratch, memory, half):
    """Remember which plan and phase the driver has green of, until it meets another light."""
    if not me.light_valid:
        return
    if me.light_distance > 40.0:
        return
    for i in range(scratch.lanes[0]):
        row = tables.lanes[scratch.lane[i]]
        for q in range(row.stop0, row.stop1):
            stop = tables.stops[q]
            at = scratch.start[i] + stop.s
            if stop.kind == LIGHT and abs(at - half - me.light_distance) < 2.0:
                memory.plan = tables.lights[stop.light].plan if me.light_state == GREEN else -1
                memory.phase = tables.lights[stop.light].phase
                memory.green_at = me.time
                return


@kernel
def _right_of_way(tables, scratch, chain_lane, s_front):
    """(how it stands to the route: 0 nothing shared, 1 it has priority or may have, 2 it must give way, where [m]).

    `where` is the first place on the other's lane that it would have to wait at, along that lane.
    """
    row = tables.lanes[chain_lane]
    state, where = 0, 1e9
    for c in range(row.conf0, row.conf1):
        conflict = tables.conflicts[c]
        if conflict.kind == DIVERGE or conflict.s1 < s_front:
            continue
        for i in range(scratch.lanes[0]):
            if scratch.lane[i] != conflict.lane or scratch.start[i] + conflict.o1 < 0.0:
                continue
            mine = 0  # as the route's lane sees it
            other = tables.lanes[conflict.lane]
            for m in range(other.conf0, other.conf1):
                if tables.conflicts[m].lane == chain_lane and tables.conflicts[m].priority == GOES:
                    mine = 1
            if mine == 0:
                return 1, float(conflict.s0)
            state, where = 2, min(where, float(conflict.s0))
    return state, where


@kernel
def _must_wait(tables, scratch, memory, now, count, front):
    """(prior, distance [m] from its centre that the object may still go) for the chain in work.

    Args:
        front: [m] its centre to its bumper.
    """
    green = memory.plan >= 0 and now - memory.green_at < 12.0
    line = 1e9  # the last stop line passed on the chain, from the centre
    prior = False
    for i in range(count):
        lane = scratch.chain[i]
        start = scratch.chain_start[i]
        row = tables.lanes[lane]
        for q in range(row.stop0, row.stop1):
            stop = tables.stops[q]
            at = start + stop.s - front
            if at < -1.0:
                continue
            if stop.kind == LIGHT and green:
                light = tables.lights[stop.light]
                if light.plan == memory.plan and light.phase != memory.phase:
                    return False, at
            line = min(line, at)
        state, where = _right_of_way(tables, scratch, lane, -start - front)
        if state == 1:
            prior = True
            return prior, 1e9
        if state == 2:
            at = start + where - front
            if at > -0.5:
                return False, min(at, line) if line < 1e8 else at
    return prior, 1e9


@kernel
def _build_chain(tables, scratch, lane, s, branch, reach):
    """(number of lanes, whether `branch` exists): the chain over `reach` m, with `branch` at the first fork."""
    scratch.chain[0], scratch.chain_start[0] = lane, -s
    n, forked = 1, False
    while n < CHAIN:
        row = tables.lanes[scratch.chain[n - 1]]
        end = scratch.chain_start[n - 1] + row.length
        if end > reach or row.succ1 == row.succ0:
            break
        after = straightest_successor(tables, scratch.chain[n - 1])
        if row.succ1 - row.succ0 > 1 and not forked:
            forked = True
            if branch >= row.succ1 - row.succ0:
                return n, False
            after = tables.successors[row.succ0 + branch]
        if after < 0:
            break
        scratch.chain[n], scratch.chain_start[n] = after, end
        n += 1
    return n, forked or branch == 0


@kernel
def way_made(speed, accel, thrust, t):
    """[m] in t s from a speed: braking goes on until it stands, thrust for `thrust` s."""
    if accel < 0.0:
        t = min(t, speed / -accel)
        return speed * t + 0.5 * accel * t * t
    push = min(t, thrust)
    return speed * t + accel * push * (t - 0.5 * push)


@kernel
def _forecast_chain(tables, scratch, occ, count, d, drift, speed, accel, stop, me, thrust, dt):
    """Write the motion along the chain in work into occ.x, y, yaw (ego frame), as `way_made`; it ends at `stop` [m].

    Args:
        d, drift: [m], [m/s] offset from the lane's centre line, left positive, and its rate, which lasts `_DRIFTS` s.
    """
    c, sn = math.cos(me.yaw), math.sin(me.yaw)
    last = count - 1
    length = scratch.chain_start[last] + tables.lanes[scratch.chain[last]].length
    for j in range(STEPS):
        way = min(way_made(speed, accel, thrust, dt * j), stop)
        i = 0
        while i < last and scratch.chain_start[i + 1] <= way:
            i += 1
        px, py, _, heading, _, _, _ = lane_point(tables, scratch.chain[i], way - scratch.chain_start[i])
        over, aside = max(way - length, 0.0), d + drift * min(dt * j, _DRIFTS)
        h = float(heading)
        wx = px + over * math.cos(h) - aside * math.sin(h) - me.x
        wy = py + over * math.sin(h) + aside * math.cos(h) - me.y
        occ.pose[j].x, occ.pose[j].y, occ.pose[j].yaw = c * wx + sn * wy, c * wy - sn * wx, h - me.yaw


@kernel
def forecast_by_map(me, objects, path, occ, tables, scratch, memory, config, dt):
    """Fill one driver's space-time table from its Scene's objects and the map (scratch.lane is filled)."""
    occ.count[0] = 0
    own = 0.5 * me.width
    c, sn = math.cos(me.yaw), math.sin(me.yaw)
    for o in range(len(objects)):
        if not objects[o].valid:
            continue
        x, y, vx, vy = objects[o].x, objects[o].y, objects[o].vx, objects[o].vy
        yaw, kind, length, width = objects[o].yaw, objects[o].kind, objects[o].length, objects[o].width
        speed = math.sqrt(vx * vx + vy * vy)
        reach = own + side_margin(kind, config)
        if kind == PEDESTRIAN or speed < _STANDS:
            add_straight(objects[o], path, occ, reach, o, False, dt)
            continue
        wx, wy = me.x + c * x - sn * y, me.y + sn * x + c * y
        lane, s, d, away = nearest_lane(tables, me.map, wx, wy, 0.0, yaw + me.yaw, True, DRIVABLE_MASK)
        on_lane, heading = lane >= 0 and away < _ON_LANE, 0.0
        if on_lane:
            heading = float(lane_point(tables, lane, s)[3])
            on_lane = math.cos(yaw + me.yaw - heading) > _ALONG
        if not on_lane:
            add_straight(objects[o], path, occ, reach, o, True, dt)
            continue
        course = math.atan2(sn * vx + c * vy, c * vx - sn * vy)
        drift = speed * math.sin(course - heading)
        if abs(drift) < _DRIFT:
            drift = 0.0
        accel = 0.0
        if objects[o].track == memory.lead:
            accel = min(max(memory.lead_accel, -config.lead_brake), config.lead_accel)
        branch, more = 0, True
        while more and branch < 4:
            count, more = _build_chain(
                tables, scratch, lane, float(s), branch, way_made(speed, accel, config.lead_thrust, dt * STEPS) + length
            )
            branch += 1
            if not more:
                break
            prior, free = _must_wait(tables, scratch, memory, me.time, count, 0.5 * length)
            stop = 1e9
            if free < 1e8 and speed * speed < 2.0 * config.other_brake * max(free, 0.3):
                stop = max(free, 0.0)
            _forecast_chain(
                tables, scratch, occ, count, float(d), drift, speed, accel, stop, me, config.lead_thrust, dt
            )
            side = reach + config.prior_side if prior else reach
            if add_entry(occ, path, length, width, side, o, prior, False, dt):
                e = occ.count[0] - 1
                occ.entry[e].accel = accel
                if prior and not (occ.entry[e].first == 0 and occ.entry[e].same_way):
                    widen_entry(occ, e, int(config.early / dt + 0.5), int(config.late / dt + 0.5))


@kernel
def fill_route_lanes(b, k, me, routes, scratch):
    """Lanes of the route within sight, the present one first, with the path coordinate of their begin."""
    s = float(routes.length[b, k]) - me.remaining
    n = 0
    for i in range(routes.piece_count[b, k]):
        first = float(routes.piece_start[b, k, i])
        after = first + float(routes.piece_s1[b, k, i]) - float(routes.piece_s0[b, k, i])
        if after < s - 8.0:
            continue
        if first > s + _LOOK or n >= AHEAD:
            break
        scratch.lane[n] = routes.piece_lane[b, k, i]
        scratch.start[n] = first - float(routes.piece_s0[b, k, i]) - s
        n += 1
    scratch.lanes[0] = n


@kernel
def may_use_left(tables, scratch, s0, s1):
    """Whether marks allow to cross to the left all along path coordinates [s0, s1] m, and there is a lane there."""
    for i in range(scratch.lanes[0]):
        row = tables.lanes[scratch.lane[i]]
        low, high = max(s0 - scratch.start[i], 0.0), min(s1 - scratch.start[i], row.length)
        if low > high:
            continue
        if row.left < 0 and row.opposite < 0:
            return False
        for p in range(int(low / row.step), min(int(high / row.step) + 1, row.points - 1) + 1):
            if tables.points[row.point0 + p].change_left == 0:
                return False
    return True
