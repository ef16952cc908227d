"""RouteTable: dense routes of all drivers as padded arrays, and the kernels that follow them.

A route is a polyline with a point every metre (ROUTE_STEP), point i at progress s = i m; the last point is the goal.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from world.kernel import inline_kernel, kernel
from world.kinds import Command
from world.queries import wrap_angle
from world.route_line import ROUTE_STEP, TAME_REACH, RouteLine

_FOLLOW = int(Command.LANE_FOLLOW)
_ZERO, _ONE = np.float32(0), np.float32(1)
_STEP = np.float32(ROUTE_STEP)
_FAR = np.float32(3e38)
_NEAR2 = np.float32(25.0)  # [m^2] within which the nearest point of a tame line lies downhill
_SPACING = np.float32(1.05 * ROUTE_STEP)  # [m] no two neighbouring points are further apart


class RouteTable(NamedTuple):
    """Routes of (B, K) drivers: R points and M lane pieces at most. Kernels take it as it is. Frame: map."""

    SAME_SHAPE = ("piece_",)  # see world.pack

    x: NDArray[np.float32]  # (B, K, R) [m]
    y: NDArray[np.float32]  # (B, K, R) [m]
    z: NDArray[np.float32]  # (B, K, R) [m]
    yaw: NDArray[np.float32]  # (B, K, R) [rad]
    curvature: NDArray[np.float32]  # (B, K, R) [1/m] left positive
    half_width: NDArray[np.float32]  # (B, K, R) [m] of the lane
    limit: NDArray[np.float32]  # (B, K, R) [m/s]
    lane: NDArray[np.int32]  # (B, K, R) lane, global over the MapSet
    lane_s: NDArray[np.float32]  # (B, K, R) [m] along that lane
    junction: NDArray[np.bool_]  # (B, K, R) the point lies in a junction
    command: NDArray[np.int8]  # (B, K, R) Command: what is done at this point
    tame: NDArray[np.bool_]  # (B, K, R) see RouteLine
    count: NDArray[np.int32]  # (B, K) points; 0 for a driver without a route
    length: NDArray[np.float32]  # (B, K) [m] = count - 1
    piece_lane: NDArray[np.int32]  # (B, K, M) lanes in order, global
    piece_start: NDArray[np.float32]  # (B, K, M) [m] progress at which the piece begins
    piece_s0: NDArray[np.float32]  # (B, K, M) [m] along the lane where the piece begins
    piece_s1: NDArray[np.float32]  # (B, K, M) [m] along the lane where it ends
    piece_count: NDArray[np.int32]  # (B, K)


_INTS = {"lane": np.int32, "junction": np.bool_, "command": np.int8, "tame": np.bool_, "piece_lane": np.int32}
_POINT_FIELDS = (
    "x", "y", "z", "yaw", "curvature", "half_width", "limit", "lane", "lane_s", "junction", "command", "tame",
)  # fmt: skip
_PIECE_FIELDS = ("piece_lane", "piece_start", "piece_s0", "piece_s1")


def make_route_table(worlds: int, drivers: int, points: int, pieces: int) -> RouteTable:
    """An empty table: (B, K) drivers without a route, room for R points and M lane pieces each."""
    shape = (worlds, drivers)
    dense: dict[str, Any] = {f: np.zeros((*shape, points), _INTS.get(f, np.float32)) for f in _POINT_FIELDS}
    piece: dict[str, Any] = {f: np.zeros((*shape, pieces), _INTS.get(f, np.float32)) for f in _PIECE_FIELDS}
    count: dict[str, Any] = {f: np.zeros(shape, np.int32) for f in ("count", "piece_count")}
    return RouteTable(**dense, **piece, **count, length=np.zeros(shape, np.float32))


def put_route(table: RouteTable, b: int, k: int, line: RouteLine | None, lane0: int = 0) -> None:
    """Write a route (None: no route) into driver (b, k)'s row.

    Args:
        table: where to.
        b, k: world and driver.
        line: the route; its lanes count from the map's first lane.
        lane0: global index of the map's first lane (tables.maps[map_id]["lane0"]).

    Raises:
        ValueError: the route has more points or pieces than the table has room for.
    """
    for name in (*_POINT_FIELDS, *_PIECE_FIELDS):
        getattr(table, name)[b, k] = 0
    table.count[b, k] = table.piece_count[b, k] = 0
    table.length[b, k] = 0.0
    if line is None:
        return
    points, pieces = len(line.x), len(line.piece_lane)
    room = table.x.shape[-1], table.piece_lane.shape[-1]
    if points > room[0] or pieces > room[1]:
        raise ValueError(
            f"route of driver ({b}, {k}) has {points} points and {pieces} lane pieces, the table has room for "
            f"{room[0]} and {room[1]}"
        )
    for name in _POINT_FIELDS:
        getattr(table, name)[b, k, :points] = getattr(line, name)
    for name in _PIECE_FIELDS:
        getattr(table, name)[b, k, :pieces] = getattr(line, name)
    table.lane[b, k, :points] += lane0
    table.piece_lane[b, k, :pieces] += lane0
    table.count[b, k], table.piece_count[b, k] = points, pieces
    table.length[b, k] = line.length


def pack_routes(
    lines: list[list[RouteLine | None]], lane0: NDArray[np.int32] | None = None, points: int = 0, pieces: int = 0
) -> RouteTable:
    """RouteTable of routes given as [world][driver].

    Args:
        lines: B lists of K routes or None.
        lane0: (B,) global index of the first lane of each world's map; zeros if not given.
        points: room for at least so many points (the longest route decides otherwise).
        pieces: likewise for lane pieces.
    """
    flat = [line for row in lines for line in row if line is not None]
    points = max([points, 1, *(len(line.x) for line in flat)])
    pieces = max([pieces, 1, *(len(line.piece_lane) for line in flat)])
    table = make_route_table(len(lines), max((len(row) for row in lines), default=0), points, pieces)
    for b, row in enumerate(lines):
        for k, line in enumerate(row):
            put_route(table, b, k, line, 0 if lane0 is None else int(lane0[b]))
    return table


@inline_kernel
def _point_distance(routes, b, k, i, x, y):
    """float32 [m] from (x, y) to point i of a route."""
    dx, dy = x - routes.x[b, k, i], y - routes.y[b, k, i]
    return np.float32(math.sqrt(dx * dx + dy * dy))


@inline_kernel
def _segment_cost(routes, b, k, i, x, y):
    """(t, cost): fraction along route segment i of its point nearest to (x, y), and the distance to it squared."""
    ax, ay = routes.x[b, k, i], routes.y[b, k, i]
    ux, uy = routes.x[b, k, i + 1] - ax, routes.y[b, k, i + 1] - ay
    rx, ry = x - ax, y - ay
    t = min(max((rx * ux + ry * uy) / max(ux * ux + uy * uy, np.float32(1e-9)), _ZERO), _ONE)
    gx, gy = rx - t * ux, ry - t * uy
    return t, gx * gx + gy * gy


@kernel
def project_on_route(routes, b, k, x, y, hint, window):
    """(s, d) float32 [m]: progress of the route's point nearest to (x, y) within `hint` +- `window`, offset left of it.

    Progress is clamped to the route; d is then the offset from the line through the end segment. With window >= the
    route's length the whole route is searched. A driver without a route is at (0, 0).
    """
    last = np.int64(routes.count[b, k]) - 2
    if last < 0:
        return _ZERO, _ZERO
    fx, fy = np.float32(x), np.float32(y)
    low = np.int64(math.floor(max(np.float32(hint) - np.float32(window), _ZERO) / _STEP))
    high = np.int64(math.floor(min(np.float32(hint) + np.float32(window), np.float32(1e8)) / _STEP))
    low, high = min(low, last), max(min(high, last), np.int64(0))
    start = min(max(np.int64(np.float32(hint) / _STEP), low), high)
    best, best_t, best_cost = low, _ZERO, _FAR
    t, cost = _segment_cost(routes, b, k, start, fx, fy)
    if cost < best_cost:
        best, best_t, best_cost = start, t, cost
    if best_cost < _NEAR2 and window <= TAME_REACH - 4.0 and routes.tame[b, k, start]:
        i = start + 1
        while i <= high:
            t, cost = _segment_cost(routes, b, k, i, fx, fy)
            if cost >= best_cost:
                break
            best, best_t, best_cost = i, t, cost
            i += 1
        i = start - 1
        while i >= low:
            t, cost = _segment_cost(routes, b, k, i, fx, fy)
            if cost > best_cost:
                break
            best, best_t, best_cost = i, t, cost
            i -= 1
        return (np.float32(best) + best_t) * _STEP, _offset(routes, b, k, best, best_t, best_cost, fx, fy, last)
    near = np.float32(math.sqrt(best_cost))
    i = start + 1
    while i <= high:
        room = _point_distance(routes, b, k, i, fx, fy) - near
        if room > _SPACING:  # the next segments cannot be as near
            i += np.int64(room / _SPACING)
            continue
        t, cost = _segment_cost(routes, b, k, i, fx, fy)
        if cost < best_cost:
            best, best_t, best_cost, near = i, t, cost, np.float32(math.sqrt(cost))
        i += 1
    i = start - 1
    while i >= low:
        room = _point_distance(routes, b, k, i + 1, fx, fy) - near
        if room > _SPACING:
            i -= np.int64(room / _SPACING)
            continue
        t, cost = _segment_cost(routes, b, k, i, fx, fy)
        if cost <= best_cost:  # of several, the first
            best, best_t, best_cost, near = i, t, cost, np.float32(math.sqrt(cost))
        i -= 1
    return (np.float32(best) + best_t) * _STEP, _offset(routes, b, k, best, best_t, best_cost, fx, fy, last)


@inline_kernel
def _offset(routes, b, k, i, t, cost, x, y, last):
    """float32 [m] signed distance to the left of route segment i; at the route's ends only its lateral part."""
    ax, ay = routes.x[b, k, i], routes.y[b, k, i]
    ux, uy = routes.x[b, k, i + 1] - ax, routes.y[b, k, i + 1] - ay
    cross = ux * (y - ay) - uy * (x - ax)
    if (t <= _ZERO and i == 0) or (t >= _ONE and i == last):
        return cross / np.float32(math.sqrt(max(ux * ux + uy * uy, np.float32(1e-9))))
    dist = np.float32(math.sqrt(cost))
    return dist if cross >= _ZERO else -dist


@inline_kernel
def route_index(routes, b, k, s):
    """(i, t): the segment that holds progress s (clamped to the route) and the fraction along it; count >= 2."""
    u = min(max(np.float32(s) / _STEP, _ZERO), np.float32(routes.count[b, k] - 1))
    i = min(np.int64(u), np.int64(routes.count[b, k] - 2))
    return i, u - np.float32(i)


@inline_kernel
def route_point(routes, b, k, s):
    """(x, y, z, yaw, curvature, half_width, limit) float32 at progress s, linear, clamped; the route has a point."""
    if routes.count[b, k] < 2:
        return _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    i, t = route_index(routes, b, k, s)
    j = i + 1
    yaw = routes.yaw[b, k, i]
    return (
        routes.x[b, k, i] + t * (routes.x[b, k, j] - routes.x[b, k, i]),
        routes.y[b, k, i] + t * (routes.y[b, k, j] - routes.y[b, k, i]),
        routes.z[b, k, i] + t * (routes.z[b, k, j] - routes.z[b, k, i]),
        wrap_angle(yaw + t * wrap_angle(routes.yaw[b, k, j] - yaw)),
        routes.curvature[b, k, i] + t * (routes.curvature[b, k, j] - routes.curvature[b, k, i]),
        routes.half_width[b, k, i] + t * (routes.half_width[b, k, j] - routes.half_width[b, k, i]),
        routes.limit[b, k, i],
    )


@inline_kernel
def route_piece(routes, b, k, at, piece):
    """The lane piece that holds progress `at` [m], looked for from a piece that is near it; the route has a piece."""
    piece = min(max(np.int64(piece), np.int64(0)), np.int64(routes.piece_count[b, k] - 1))
    while piece > 0 and routes.piece_start[b, k, piece] > at:
        piece -= 1
    while piece + 1 < routes.piece_count[b, k] and routes.piece_start[b, k, piece + 1] <= at:
        piece += 1
    return piece


@inline_kernel
def route_lane_near(routes, b, k, s, near):
    """`route_lane`, which looks from piece `near` on: quicker where that is remembered."""
    if routes.count[b, k] < 2:
        return np.int64(-1), _ZERO, np.int64(-1), np.int64(_FOLLOW)
    i, t = route_index(routes, b, k, s)
    at = (np.float32(i) + t) * _STEP
    piece = route_piece(routes, b, k, at, near)
    lane_s = routes.piece_s0[b, k, piece] + (at - routes.piece_start[b, k, piece])
    lane_s = min(lane_s, routes.piece_s1[b, k, piece])
    return np.int64(routes.piece_lane[b, k, piece]), lane_s, piece, np.int64(routes.command[b, k, i])


@kernel
def route_lane(routes, b, k, s):
    """(lane, lane_s, piece, command) at progress s: global lane (-1 without a route), [m] along it, piece, Command."""
    return route_lane_near(routes, b, k, s, np.int64(0))
