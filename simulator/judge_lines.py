"""Stop lines: red lights and stop signs, by the driver's front bumper crossing the line.

Source: CARLA scenario_runner, atomic_criteria.RunningRedLightTest and RunningStopTest; here the front counts, not the
rear, and the line reaches over the lane's width.
"""

import math

import numpy as np

from world.boxes import segments_cross
from world.kernel import inline_kernel, kernel
from world.kinds import LightState, StopKind
from world.queries import lane_point

LINE_MARGIN = 0.3  # [m] a line reaches this far beyond its lane on both sides
_LIGHT, _STOP = int(StopKind.LIGHT), int(StopKind.STOP)
_RED, _RED_AMBER = int(LightState.RED), int(LightState.RED_AMBER)
NOTHING, CLEAR, RED, STOP_RUN = 0, 1, 2, 3


@kernel
def _cross_line(b, k, q, tables, slots):
    """Where the front bumper's middle is with respect to the line of stop row q.

    Returns:
        (crossed, ahead, beside): whether it crossed the line forwards in the step; [m] from the front to the line,
        negative past it; whether the front is within the line's reach sideways.
    """
    stop = tables.stops[q]
    x, y, _, heading, _, width, _ = lane_point(tables, stop.lane, stop.s)
    half, c, s = 0.5 * slots.length[b, k], math.cos(heading), math.sin(heading)
    nx, ny = slots.x[b, k] + half * math.cos(slots.yaw[b, k]), slots.y[b, k] + half * math.sin(slots.yaw[b, k])
    ahead = (x - nx) * c + (y - ny) * s
    reach = 0.5 * width + LINE_MARGIN
    beside = abs((ny - y) * c - (nx - x) * s) <= reach
    if ahead > 0.0 or ahead < -20.0:
        return False, ahead, beside
    ox = slots.old_x[b, k] + half * math.cos(slots.old_yaw[b, k])
    oy = slots.old_y[b, k] + half * math.sin(slots.old_yaw[b, k])
    if (x - ox) * c + (y - oy) * s <= 0.0:
        return False, ahead, beside
    hit, _ = segments_cross(ox, oy, nx, ny, x - reach * s, y + reach * c, x + reach * s, y - reach * c)
    return hit, ahead, beside


@inline_kernel
def _is_near(b, k, q, motion, tables, slots, limits):
    """Whether the front of driver k, which moved `motion` [m], can have crossed stop row q or be in its zone."""
    stop = tables.stops[q]
    x, y, _, _, _, width, _ = lane_point(tables, stop.lane, stop.s)
    dx, dy = x - slots.x[b, k], y - slots.y[b, k]
    reach = 0.5 * (width + slots.length[b, k]) + LINE_MARGIN + max(motion, limits.stop_zone) + 0.1
    return dx * dx + dy * dy < reach * reach


@kernel
def _pass_stop_one(b, k, q, motion, tables, slots, worlds, judge, limits):
    """Judge stop row q for driver k. Returns NOTHING, CLEAR (line crossed as allowed), RED or STOP_RUN."""
    kind = tables.stops[q].kind
    if (kind != _LIGHT and kind != _STOP) or not _is_near(b, k, q, motion, tables, slots, limits):
        return NOTHING
    crossed, ahead, beside = _cross_line(b, k, q, tables, slots)
    if kind == _LIGHT:
        if not crossed:
            return NOTHING
        state = worlds.light[b, tables.stops[q].light - tables.maps[worlds.map_id[b]].light0]
        return RED if state == _RED or state == _RED_AMBER else CLEAR
    if crossed:
        served = judge.stop_row[b, k] == q and judge.stop_done[b, k]
        judge.stop_row[b, k], judge.stop_done[b, k] = -1, False
        return CLEAR if served else STOP_RUN
    if beside and 0.0 <= ahead <= limits.stop_zone:
        if judge.stop_row[b, k] != q:
            judge.stop_row[b, k], judge.stop_done[b, k] = q, False
        if abs(slots.speed[b, k]) < limits.stop_speed:
            judge.stop_done[b, k] = True
    return NOTHING


@inline_kernel
def _lane_lines_one(b, k, lane, s0, s1, motion, tables, slots, worlds, judge, limits):
    """Worst of the stops on `lane` between s0 and s1 for driver k, and whether one was crossed as allowed."""
    row = tables.lanes[lane]
    worst, clear = NOTHING, False
    for q in range(row.stop0, row.stop1):
        if s0 <= tables.stops[q].s <= s1:
            found = _pass_stop_one(b, k, q, motion, tables, slots, worlds, judge, limits)
            worst = max(worst, found)
            clear = clear or found == CLEAR
    return worst, clear


@kernel
def _lines_off_route(b, k, lane, motion, tables, slots, worlds, judge, limits):
    """As `lines_one`, of the lane a driver is on off its route, and of the lanes that follow."""
    row = tables.lanes[lane]
    found, clear = _lane_lines_one(b, k, lane, 0.0, row.length, motion, tables, slots, worlds, judge, limits)
    for i in range(row.succ0, row.succ1):
        after, free = _lane_lines_one(
            b, k, tables.successors[i], 0.0, 1.0, motion, tables, slots, worlds, judge, limits
        )
        found, clear = max(found, after), clear or free
    return CLEAR if found == RED and clear else found


@inline_kernel
def lines_one(b, k, motion, tables, slots, worlds, routes, judge, limits):
    """NOTHING, CLEAR, RED or STOP_RUN of driver k, which moved `motion` [m], in the last step.

    On its route a driver obeys the lines of the route's lanes. Off it, those of the lane it is on and of the lanes that
    follow; where lights of several such lanes share a place, it has run a red only if none of them let it go.
    """
    s, on_route, worst = judge.route_s[b, k], False, NOTHING
    half = 0.5 * slots.length[b, k]
    lane, lane_s, count = judge.lane[b, k], judge.lane_s[b, k], np.int64(routes.piece_count[b, k])
    m = max(min(np.int64(judge.piece[b, k]), count - 1), np.int64(0))
    while m > 0 and routes.piece_start[b, k, m - 1] + routes.piece_s1[b, k, m - 1] - routes.piece_s0[b, k, m - 1] >= (
        s - 25.0
    ):
        m -= 1
    while m < count and routes.piece_start[b, k, m] <= s + half + 10.0:
        s0, s1 = routes.piece_s0[b, k, m], routes.piece_s1[b, k, m]
        if routes.piece_start[b, k, m] + s1 - s0 >= s - 25.0:
            here = routes.piece_lane[b, k, m]
            found, _ = _lane_lines_one(b, k, here, s0 - 0.5, s1, motion, tables, slots, worlds, judge, limits)
            worst = max(worst, found)
            on_route = on_route or (here == lane and lane_s <= s1 + 1.0)
        m += 1
    if on_route or lane < 0:
        return worst
    return max(worst, _lines_off_route(b, k, lane, motion, tables, slots, worlds, judge, limits))
