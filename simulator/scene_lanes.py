"""Local lanes of a Scene: the driver's own lane along the route, its neighbours, and lanes that conflict with it.

Order: EGO, LEFT (nearest first), RIGHT (nearest first), OPPOSITE, then lanes that cross the way ahead or merge into it,
in the order in which the way meets them. A lane goes on into its successors: along the route where it leads there,
else straight on. Points run in travel direction, SCENE_LANE_STEP apart. EGO, LEFT and RIGHT start SCENE_LANE_BEHIND
behind the driver's foot point; OPPOSITE covers the same stretch of road, so its last point lies there; CROSSING and
MERGING end where they leave the driver's lane, so that they show where their traffic comes from.
"""

import math

import numpy as np

from world.kernel import inline_kernel, kernel
from world.kinds import ConflictKind, Priority, Relation
from world.queries import has_successor, project_to_lane, straightest_successor, wrap_angle
from world.records import SCENE_LANE_BEHIND, SCENE_LANE_POINTS, SCENE_LANE_STEP, SCENE_LANES

_EGO, _LEFT, _RIGHT, _OPPOSITE = int(Relation.EGO), int(Relation.LEFT), int(Relation.RIGHT), int(Relation.OPPOSITE)
_CROSSING, _MERGING = int(Relation.CROSSING), int(Relation.MERGING)
_CROSS, _MERGE, _GOES = int(ConflictKind.CROSS), int(ConflictKind.MERGE), int(Priority.GOES)
_STEP, _BEHIND, _ZERO = np.float32(SCENE_LANE_STEP), np.float32(SCENE_LANE_BEHIND), np.float32(0.0)
_HALF = np.float32(0.5)
_NO_ROUTE = 1 << 30  # piece from which on a lane follows no route
SPAN = np.float32(SCENE_LANE_STEP * (SCENE_LANE_POINTS - 1))  # [m] from a local lane's first point to its last
NEIGHBOURS = 2  # lanes to either side
ROUTE_LOOK = 6  # route pieces looked at for the lane that follows


@kernel
def straightest_predecessor(tables, lane):
    """The drivable predecessor (any, if none is drivable) that turns least; -1 where the lane begins."""
    row = tables.lanes[lane]
    heading = tables.points[row.point0].heading
    best, least = np.int64(-1), math.inf
    for i in range(row.pred0, row.pred1):
        before = np.int64(tables.predecessors[i])
        other = tables.lanes[before]
        turn = abs(wrap_angle(heading - tables.points[other.point0].heading))
        if other.drivable != row.drivable:
            turn += 100.0
        if turn < least:
            best, least = before, turn
    return best


@kernel
def lane_after(b, k, lane, piece, tables, routes):
    """(lane, piece): the route's lane that follows `lane` after route piece `piece`, else the straightest successor."""
    for m in range(piece + 1, min(piece + 1 + ROUTE_LOOK, routes.piece_count[b, k])):
        if has_successor(tables, lane, routes.piece_lane[b, k, m]):
            return np.int64(routes.piece_lane[b, k, m]), np.int64(m)
    return straightest_successor(tables, lane), np.int64(piece)


@kernel
def _back_up(lane, s, distance, tables):
    """(lane, s, missing): the place `distance` [m] before (lane, s); `missing` [m] of it lie before any lane."""
    s = s - distance
    while s < _ZERO:
        before = straightest_predecessor(tables, lane)
        if before < 0:
            return lane, _ZERO, -s
        s += tables.lanes[before].length
        lane = before
    return lane, s, _ZERO


@kernel
def _sample_lane(b, k, n, lane, s, back, piece, x, y, c, si, tables, routes, lanes):
    """Fill the points of local lane n: SPAN metres from `back` [m] before (lane, s) on, as seen from (x, y).

    A way that began before the place `lane` passes through it: lanes in between are those backed up over.

    Args: c, si: cosine and sine of the driver's yaw.
    """
    xy, half_width, valid = lanes.xy[b, k, n], lanes.half_width[b, k, n], lanes.point_valid[b, k, n]
    here, at, missing = _back_up(lane, s, back, tables)
    at -= missing
    passed = here == lane
    row = tables.lanes[here]
    length, step, point0, last = row.length, row.step, np.int64(row.point0), np.int64(row.points - 1)
    for p in range(valid.shape[0]):
        while here >= 0 and at > length:
            at -= length
            if passed:
                here, piece = lane_after(b, k, here, piece, tables, routes)
            else:
                here = _towards(here, lane, tables)
                passed = here == lane
            row = tables.lanes[max(here, np.int64(0))]
            length, step, point0, last = row.length, row.step, np.int64(row.point0), np.int64(row.points - 1)
        valid[p] = here >= 0 and at >= -1e-3
        if valid[p]:  # as queries.lane_point
            u = min(max(at / step, _ZERO), np.float32(last))
            i = min(np.int64(u), last - 1)
            t = u - np.float32(i)
            one, two = tables.points[point0 + i], tables.points[point0 + i + 1]
            dx, dy = one.x + t * (two.x - one.x) - x, one.y + t * (two.y - one.y) - y
            xy[p, 0], xy[p, 1] = dx * c + dy * si, dy * c - dx * si
            half_width[p] = _HALF * (one.width + t * (two.width - one.width))
        else:
            xy[p, 0] = xy[p, 1] = half_width[p] = 0.0
        at += _STEP


@kernel
def _towards(here, lane, tables):
    """The successor of `here` on the way along straightest predecessors that leads to `lane`."""
    at = lane
    for _ in range(64):
        before = straightest_predecessor(tables, at)
        if before == here or before < 0:
            return at
        at = before
    return lane


@inline_kernel
def _add_lane(b, k, n, lane, s, relation, yields, tables, lanes):
    """Write what local lane n is, with marks and limit at s. Returns n + 1."""
    row = tables.lanes[lane]
    i = row.point0 + min(max(np.int64(s / row.step), np.int64(0)), np.int64(row.points - 1))
    point = tables.points[i]
    lanes.lane[b, k, n] = lane
    lanes.mark_left[b, k, n], lanes.mark_right[b, k, n] = point.mark_left, point.mark_right
    lanes.change_left[b, k, n] = point.change_left != 0
    lanes.change_right[b, k, n] = point.change_right != 0
    lanes.relation[b, k, n], lanes.yields[b, k, n] = relation, yields
    lanes.limit[b, k, n], lanes.valid[b, k, n] = point.limit, True
    return n + 1


@inline_kernel
def _listed(b, k, n, lane, lanes):
    """Whether `lane` is among the first n local lanes."""
    for i in range(n):
        if lanes.lane[b, k, i] == lane:
            return True
    return False


@kernel
def _conflicts_one(b, k, n, lane, s, piece, x, y, c, si, tables, routes, lanes):
    """Add the lanes that cross or join the way from (lane, s) on within SPAN. Returns the number of local lanes."""
    base = -s  # [m] from the driver to the start of the lane looked at
    here = lane
    while here >= 0 and base < SPAN:
        row = tables.lanes[here]
        for i in range(row.conf0, row.conf1):
            conflict = tables.conflicts[i]
            if conflict.kind != _CROSS and conflict.kind != _MERGE:
                continue
            if base + conflict.s1 < 0.0 or base + conflict.s0 > SPAN or n >= SCENE_LANES:
                continue
            other = np.int64(conflict.lane)
            if _listed(b, k, n, other, lanes):
                continue
            relation = _CROSSING if conflict.kind == _CROSS else _MERGING
            _add_lane(b, k, n, other, conflict.o0, relation, conflict.priority == _GOES, tables, lanes)
            _sample_lane(b, k, n, other, conflict.o1, SPAN, _NO_ROUTE, x, y, c, si, tables, routes, lanes)
            n += 1
        base += row.length
        here, piece = lane_after(b, k, here, piece, tables, routes)
    return n


@kernel
def _clear_lanes(b, k, first, lanes):
    """Empty the local lanes from `first` to the end of those filled."""
    for i in range(first, lanes.valid.shape[2]):
        if not lanes.valid[b, k, i]:
            break
        lanes.xy[b, k, i] = 0.0
        lanes.half_width[b, k, i] = 0.0
        lanes.point_valid[b, k, i] = lanes.valid[b, k, i] = False
        lanes.lane[b, k, i] = -1
        lanes.mark_left[b, k, i] = lanes.mark_right[b, k, i] = lanes.relation[b, k, i] = 0
        lanes.change_left[b, k, i] = lanes.change_right[b, k, i] = lanes.yields[b, k, i] = False
        lanes.limit[b, k, i] = 0.0


@kernel
def scene_lanes_one(b, k, lane, s, piece, x, y, c, si, tables, routes, lanes):
    """Fill the local lanes of driver k at (x, y), who is on `lane` at s and at route piece `piece` (-1: none).

    Args: c, si: cosine and sine of the driver's yaw.
    """
    lane, n = np.int64(lane), 0
    if lane >= 0:
        n = _add_lane(b, k, n, lane, s, _EGO, False, tables, lanes)
        _sample_lane(b, k, 0, lane, s, _BEHIND, piece, x, y, c, si, tables, routes, lanes)
        leftmost = lane
        for side in range(2):
            at = lane
            for _ in range(NEIGHBOURS):
                at = np.int64(tables.lanes[at].left if side == 0 else tables.lanes[at].right)
                if at < 0 or tables.lanes[at].drivable == 0:
                    break
                leftmost = at if side == 0 else leftmost
                foot, _, _ = project_to_lane(tables, at, x, y, _ZERO, False)
                _add_lane(b, k, n, at, foot, _LEFT if side == 0 else _RIGHT, False, tables, lanes)
                _sample_lane(b, k, n, at, foot, _BEHIND, piece, x, y, c, si, tables, routes, lanes)
                n += 1
        at = np.int64(tables.lanes[leftmost].opposite)
        if at >= 0:
            foot, _, _ = project_to_lane(tables, at, x, y, _ZERO, False)
            _add_lane(b, k, n, at, foot, _OPPOSITE, False, tables, lanes)
            _sample_lane(b, k, n, at, foot, SPAN - _BEHIND, _NO_ROUTE, x, y, c, si, tables, routes, lanes)
            n += 1
        n = _conflicts_one(b, k, n, lane, s, piece, x, y, c, si, tables, routes, lanes)
    _clear_lanes(b, k, n, lanes)
