"""The route part of a Scene: the route from the driver's foot point on, and what it meets next."""

from world.kernel import inline_kernel, kernel
from world.kinds import Command, StopKind
from world.records import SCENE_RANGE, SCENE_ROUTE_STEP
from world.route_table import route_index, route_lane_near

PASSED = 0.5  # [m] a line is the next one until the front bumper is this far past it
_LIGHT, _STOP, _YIELD = int(StopKind.LIGHT), int(StopKind.STOP), int(StopKind.YIELD)
_FOLLOW = int(Command.LANE_FOLLOW)


@inline_kernel
def scene_route_one(b, k, s, d, near, x, y, c, si, routes, route):
    """Fill RouteAhead of driver k at progress s and offset d. Returns the route piece it is at, -1 without a route.

    Args: near: a piece from which on that is looked for. c, si: cosine and sine of the driver's yaw.
    """
    length = routes.length[b, k]
    has_route = routes.count[b, k] >= 2
    xy, half_width, limit, valid = route.xy[b, k], route.half_width[b, k], route.limit[b, k], route.valid[b, k]
    rx, ry, half, top = routes.x[b, k], routes.y[b, k], routes.half_width[b, k], routes.limit[b, k]
    for r in range(valid.shape[0]):
        at = s + r * SCENE_ROUTE_STEP
        valid[r] = has_route and at <= length
        if valid[r]:  # as route_table.route_point
            i, t = route_index(routes, b, k, at)
            dx, dy = rx[i] + t * (rx[i + 1] - rx[i]) - x, ry[i] + t * (ry[i + 1] - ry[i]) - y
            xy[r, 0], xy[r, 1] = dx * c + dy * si, dy * c - dx * si
            half_width[r], limit[r] = half[i] + t * (half[i + 1] - half[i]), top[i]
        else:
            xy[r, 0] = xy[r, 1] = half_width[r] = limit[r] = 0.0
    if not has_route:
        route.command[b, k] = _FOLLOW
        route.remaining[b, k] = route.offset[b, k] = 0.0
        return -1
    _, _, piece, command = route_lane_near(routes, b, k, s, near)
    route.command[b, k] = command
    route.remaining[b, k] = length - s
    route.offset[b, k] = d
    return piece


@kernel
def _clear_ahead(b, k, ahead):
    ahead.light_state[b, k] = 0
    ahead.light_distance[b, k] = ahead.stop_distance[b, k] = ahead.yield_distance[b, k] = 0.0
    ahead.crosswalk_distance[b, k] = ahead.crosswalk_length[b, k] = 0.0
    ahead.light_valid[b, k] = ahead.stop_valid[b, k] = ahead.yield_valid[b, k] = False
    ahead.crosswalk_valid[b, k] = False


@kernel
def _line_ahead(b, k, q, distance, map_id, light, tables, ahead):
    """Enter stop row q, `distance` [m] ahead, if it is the first of its sort."""
    stop = tables.stops[q]
    if stop.kind == _LIGHT:
        if not ahead.light_valid[b, k]:
            first = tables.maps[map_id].light0
            ahead.light_state[b, k] = light[b, stop.light - first]
            ahead.light_distance[b, k], ahead.light_valid[b, k] = distance, True
    elif stop.kind == _STOP:
        if not ahead.stop_valid[b, k]:
            ahead.stop_distance[b, k], ahead.stop_valid[b, k] = distance, True
    elif stop.kind == _YIELD:
        if not ahead.yield_valid[b, k]:
            ahead.yield_distance[b, k], ahead.yield_valid[b, k] = distance, True


@kernel
def scene_ahead_one(b, k, piece, s, half_length, map_id, light, tables, routes, ahead):
    """Fill Ahead of driver k, at progress s on route piece `piece` (-1: none): the first of each sort in range.

    A crosswalk is ahead until the front bumper has left it, so its distance may be negative.
    """
    _clear_ahead(b, k, ahead)
    if piece < 0:
        return
    front = s + half_length
    for m in range(max(piece - 1, 0), routes.piece_count[b, k]):
        s0, s1 = routes.piece_s0[b, k, m], routes.piece_s1[b, k, m]
        base = routes.piece_start[b, k, m] - s0 - front  # [m] from the front bumper to the lane's start
        if base + s0 > SCENE_RANGE:
            return
        row = tables.lanes[routes.piece_lane[b, k, m]]
        for q in range(row.stop0, row.stop1):
            at = tables.stops[q].s
            if s0 <= at <= s1 and -PASSED <= base + at <= SCENE_RANGE:
                _line_ahead(b, k, q, base + at, map_id, light, tables, ahead)
        for i in range(row.cross0, row.cross1):
            crossing = tables.crossings[i]
            on_piece = crossing.s1 > s0 and crossing.s0 < s1
            if on_piece and not ahead.crosswalk_valid[b, k] and base + crossing.s1 > 0.0:
                if base + crossing.s0 <= SCENE_RANGE:
                    ahead.crosswalk_distance[b, k] = base + crossing.s0
                    ahead.crosswalk_length[b, k] = crossing.s1 - crossing.s0
                    ahead.crosswalk_valid[b, k] = True
