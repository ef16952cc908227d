"""Local lanes of a Scene: the driver's own lane along the route, its neighbours, and lanes that conflict with it.

Order: EGO, LEFT (nearest first), RIGHT (nearest first), OPPOSITE, then lanes that cross the way ahead or merge into it,
in the order in which the way meets them. A lane goes on into its successors: along the route where it leads there, else
straight on. Points run in travel direction, SCENE_LANE_STEP apart. The window: EGO, LEFT and RIGHT start
SCENE_LANE_BEHIND behind the driver's foot point; OPPOSITE covers the same stretch of road, so its last point lies there;
CROSSING and MERGING end where they leave the driver's lane, so that they show where their traffic comes from.
"""

import math

import numpy as np

from world.kernel import kernel
from world.kinds import ConflictKind, Priority, Relation
from world.queries import has_successor, lane_point, project_to_lane, straightest_successor, wrap_angle
from world.records import SCENE_LANE_BEHIND, SCENE_LANE_POINTS, SCENE_LANE_STEP, SCENE_LANES

_EGO, _LEFT, _RIGHT, _OPPOSITE = int(Relation.EGO), int(Relation.LEFT), int(Relation.RIGHT), int(Relation.OPPOSITE)
_CROSSING, _MERGING = int(Relation.CROSSING), int(Relation.MERGING)
_CROSS, _MERGE, _GOES = int(ConflictKind.CROSS), int(ConflictKind.MERGE), int(Priority.GOES)
SPAN = SCENE_LANE_STEP * (SCENE_LANE_POINTS - 1)  # [m] from a local lane's first point to its last
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
    while s < 0.0:
        before = straightest_predecessor(tables, lane)
        if before < 0:
            return lane, 0.0, -s
        s += tables.lanes[before].length
        lane = before
    return lane, s, 0.0


@kernel
def _sample_lane(b, k, n, lane, s, back, piece, x, y, yaw, tables, routes, scene):
    """Fill the points of local lane n: SPAN metres from `back` [m] before (lane, s) on, in the frame of (x, y, yaw).

    A way that began before the place `lane` passes through it: lanes in between are those backed up over.
    """
    c, si = math.cos(yaw), math.sin(yaw)
    here, at, missing = _back_up(np.int64(lane), float(s), back, tables)
    at -= missing
    passed = here == lane
    for p in range(SCENE_LANE_POINTS):
        while here >= 0 and at > tables.lanes[here].length:
            at -= tables.lanes[here].length
            if passed:
                here, piece = lane_after(b, k, here, piece, tables, routes)
            else:
                here = _towards(here, lane, tables)
                passed = here == lane
        if here < 0:
            return
        if at >= -1e-3:
            px, py, _, _, _, width, _ = lane_point(tables, here, at)
            scene.lane_xy[b, k, n, p, 0] = (px - x) * c + (py - y) * si
            scene.lane_xy[b, k, n, p, 1] = (py - y) * c - (px - x) * si
            scene.lane_half_width[b, k, n, p] = 0.5 * width
            scene.lane_point_valid[b, k, n, p] = True
        at += SCENE_LANE_STEP


@kernel
def _towards(here, lane, tables):
    """The successor of `here` on the way along straightest predecessors that leads to `lane`."""
    at = np.int64(lane)
    for _ in range(64):
        before = straightest_predecessor(tables, at)
        if before == here or before < 0:
            return at
        at = before
    return np.int64(lane)


@kernel
def _add_lane(b, k, n, lane, s, relation, yields, tables, scene):
    """Write what local lane n is, with marks and limit at s. Returns n + 1."""
    row = tables.lanes[lane]
    i = row.point0 + min(max(np.int64(s / row.step), np.int64(0)), np.int64(row.points - 1))
    point = tables.points[i]
    scene.lane_id[b, k, n] = lane
    scene.lane_mark_left[b, k, n], scene.lane_mark_right[b, k, n] = point.mark_left, point.mark_right
    scene.lane_change_left[b, k, n] = point.change_left != 0
    scene.lane_change_right[b, k, n] = point.change_right != 0
    scene.lane_relation[b, k, n], scene.lane_yields[b, k, n] = relation, yields
    scene.lane_limit[b, k, n], scene.lane_valid[b, k, n] = point.limit, True
    return n + 1


@kernel
def _listed(b, k, n, lane, scene):
    """Whether `lane` is among the first n local lanes."""
    for i in range(n):
        if scene.lane_id[b, k, i] == lane:
            return True
    return False


@kernel
def _conflicts_one(b, k, n, lane, s, piece, x, y, yaw, tables, routes, scene):
    """Add the lanes that cross or join the way from (lane, s) on within SPAN. Returns the number of local lanes."""
    base = -s  # [m] from the driver to the start of the lane looked at
    here = np.int64(lane)
    while here >= 0 and base < SPAN:
        row = tables.lanes[here]
        for i in range(row.conf0, row.conf1):
            conflict = tables.conflicts[i]
            if conflict.kind != _CROSS and conflict.kind != _MERGE:
                continue
            if base + conflict.s1 < 0.0 or base + conflict.s0 > SPAN or n >= SCENE_LANES:
                continue
            if _listed(b, k, n, conflict.lane, scene):
                continue
            relation = _CROSSING if conflict.kind == _CROSS else _MERGING
            _add_lane(b, k, n, conflict.lane, conflict.o0, relation, conflict.priority == _GOES, tables, scene)
            _sample_lane(b, k, n, conflict.lane, conflict.o1, SPAN, 1 << 30, x, y, yaw, tables, routes, scene)
            n += 1
        base += row.length
        here, piece = lane_after(b, k, here, piece, tables, routes)
    return n


@kernel
def scene_lanes_one(b, k, piece, x, y, yaw, tables, routes, judge, scene):
    """Fill the local lanes of driver k at (x, y, yaw), who is at route piece `piece` (-1: no route)."""
    scene.lane_xy[b, k] = 0.0
    scene.lane_half_width[b, k] = 0.0
    scene.lane_point_valid[b, k] = False
    scene.lane_valid[b, k] = False
    lane, n = np.int64(judge.lane[b, k]), 0
    if lane >= 0:
        s = judge.lane_s[b, k]
        n = _add_lane(b, k, n, lane, s, _EGO, False, tables, scene)
        _sample_lane(b, k, 0, lane, s, SCENE_LANE_BEHIND, piece, x, y, yaw, tables, routes, scene)
        leftmost = lane
        for side in range(2):
            at = lane
            for _ in range(NEIGHBOURS):
                at = np.int64(tables.lanes[at].left if side == 0 else tables.lanes[at].right)
                if at < 0 or tables.lanes[at].drivable == 0:
                    break
                leftmost = at if side == 0 else leftmost
                foot, _, _ = project_to_lane(tables, at, x, y, 0.0, False)
                _add_lane(b, k, n, at, foot, _LEFT if side == 0 else _RIGHT, False, tables, scene)
                _sample_lane(b, k, n, at, foot, SCENE_LANE_BEHIND, piece, x, y, yaw, tables, routes, scene)
                n += 1
        at = np.int64(tables.lanes[leftmost].opposite)
        if at >= 0:
            foot, _, _ = project_to_lane(tables, at, x, y, 0.0, False)
            _add_lane(b, k, n, at, foot, _OPPOSITE, False, tables, scene)
            _sample_lane(
                b, k, n, at, foot, SPAN - SCENE_LANE_BEHIND, 1 << 30, x, y, yaw, tables, routes, scene
            )  # fmt: skip
            n += 1
        n = _conflicts_one(b, k, n, lane, s, piece, x, y, yaw, tables, routes, scene)
    for i in range(n, SCENE_LANES):
        scene.lane_id[b, k, i] = -1
        scene.lane_mark_left[b, k, i] = scene.lane_mark_right[b, k, i] = scene.lane_relation[b, k, i] = 0
        scene.lane_change_left[b, k, i] = scene.lane_change_right[b, k, i] = scene.lane_yields[b, k, i] = False
        scene.lane_limit[b, k, i] = 0.0
