"""Map queries as kernels: scalars and MapTables in, scalars out; engine kernels call them.

"Nearest" is measured by a cost in metres: cost^2 = planar distance^2 + (2 dz)^2, so that a lane under a bridge does
not win over the one on it, and with a heading + 25 sin^2(dh / 2), so that an opposite lane counts as 5 m further away.
A cell's list holds all within `reach` (`world.grid`); whatever lies further is found by searching rings of cells.
Positions are in the map frame. `world.map_query` has the batched NumPy face.
"""

import math

import numpy as np

from world.kernel import inline_kernel, kernel
from world.kinds import LaneKind
from world.lane_arrays import DRIVABLE_KINDS
from world.rounding import wrap_float

ANY_MASK = -1
DRIVABLE_MASK = sum(1 << int(k) for k in DRIVABLE_KINDS)
SIDEWALK_MASK = 1 << int(LaneKind.SIDEWALK)
_BOTH_WAYS = int(LaneKind.BIDIRECTIONAL)
_Z_WEIGHT = np.float32(2.0)
_HEADING_WEIGHT = np.float32(5.0)  # [m] that a lane of opposite heading counts as further away
_LEVEL = np.float32(2.5)  # [m] a drivable band further above or below is another level
_JOINT = np.float32(0.2)  # [m] a segment's band reaches so far beyond its ends: outsides of bends, gaps between lanes
_WRAPPED = np.float32(3.14)  # smaller than pi by more than rounding: angles below it are wrapped already
_ZERO, _HALF, _ONE, _TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
_COARSE = 8  # points between two that are looked at first
_LONGEST = np.float32(1.001)  # of its lane's step that a segment is long at most
_PLAY = np.float32(1e-3)  # [m] for rounding
_MANY = np.float32(1e6)
_TINY = np.float32(1e-9)
_FAR = np.float32(1e9)
_FAR2 = np.float32(1e18)


@inline_kernel
def wrap_angle(angle):
    """float32 angle wrapped to [-pi, pi)."""
    a = np.float32(angle)
    if abs(a) < _WRAPPED:
        return a
    return wrap_float(a)


@inline_kernel
def segment_param(ax, ay, bx, by, x, y):
    """float32 t of the point of the line a -> b nearest to (x, y): 0 at a, 1 at b, not clamped."""
    ux, uy = bx - ax, by - ay
    return ((x - ax) * ux + (y - ay) * uy) / max(ux * ux + uy * uy, _TINY)


@inline_kernel
def segment_gap2(points, point, x, y, z):
    """(planar distance^2, height difference) [m^2, m] of a position to the lane segment that starts at `point`."""
    a = points[point]
    b = points[point + 1]
    t = min(max(segment_param(a.x, a.y, b.x, b.y, x, y), _ZERO), _ONE)
    dx = x - (a.x + t * (b.x - a.x))
    dy = y - (a.y + t * (b.y - a.y))
    return dx * dx + dy * dy, z - (a.z + t * (b.z - a.z))


@kernel
def scan_cell(points, lanes, cells, begin, end, from_centre, x, y, z, heading, use_heading, kind_mask, best, best_cost):
    """(first point, cost^2) of the nearest segment after looking through one cell's list, cells[begin:end].

    The list is sorted by distance from the cell's centre. With the query `from_centre` away from that centre, an entry
    cannot be nearer than an earlier one by more than 2 from_centre, which ends the scan early.
    """
    slack = _TWO * from_centre
    bound = np.float32(math.sqrt(best_cost)) + slack
    bound = bound * bound
    for i in range(begin, end):
        point = cells[i]
        flat, dz = segment_gap2(points, point, x, y, z)
        if flat > bound:
            break
        dz = dz * _Z_WEIGHT
        cost = flat + dz * dz
        if cost >= best_cost:
            continue
        kind = lanes[points[point].lane].kind
        if (kind_mask >> kind) & 1 == 0:
            continue
        if use_heading:
            half = np.float32(math.sin((heading - points[point].heading) * _HALF)) * _HEADING_WEIGHT
            turn = half * half
            if kind == _BOTH_WAYS:
                turn = min(turn, _HEADING_WEIGHT * _HEADING_WEIGHT - turn)
            cost += turn
            if cost >= best_cost:
                continue
        best, best_cost = np.int64(point), cost
        bound = np.float32(math.sqrt(best_cost)) + slack
        bound = bound * bound
    return best, best_cost


@kernel
def nearest_segment(tables, map_id, x, y, z, heading, use_heading, kind_mask):
    """(first point, cost^2) of the nearest lane segment of one map; point -1 where no lane has a wanted kind."""
    row = tables.maps[map_id]
    best, best_cost = np.int64(-1), _FAR2
    if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
        return best, best_cost
    limit = np.float32(1e6)
    cx = np.int64(math.floor(min(max((x - row.x0) / row.cell, -limit), limit)))
    cy = np.int64(math.floor(min(max((y - row.y0) / row.cell, -limit), limit)))
    nx, ny = np.int64(row.nx), np.int64(row.ny)
    ring = max(max(-cx, cx - nx + 1), max(max(-cy, cy - ny + 1), np.int64(0)))
    last = max(max(abs(cx), abs(nx - 1 - cx)), max(abs(cy), abs(ny - 1 - cy)))
    while ring <= last:
        for ix in range(max(cx - ring, np.int64(0)), min(cx + ring + 1, nx)):
            full = ix == cx - ring or ix == cx + ring
            stride = np.int64(1) if full or ring == 0 else 2 * ring
            for iy in range(cy - ring, cy + ring + 1, stride):
                if iy < 0 or iy >= ny:
                    continue
                cell = row.cell0 + ix * ny + iy
                if tables.cell0[cell] == tables.cell0[cell + 1]:
                    continue
                mx = x - (row.x0 + (np.float32(ix) + _HALF) * row.cell)
                my = y - (row.y0 + (np.float32(iy) + _HALF) * row.cell)
                away = np.float32(math.sqrt(mx * mx + my * my))
                best, best_cost = scan_cell(
                    tables.points,
                    tables.lanes,
                    tables.cells,
                    tables.cell0[cell],
                    tables.cell0[cell + 1],
                    away,
                    x,
                    y,
                    z,
                    heading,
                    use_heading,
                    kind_mask,
                    best,
                    best_cost,
                )
        sure = np.float32(ring) * row.cell + row.reach  # everything nearer than this has been seen
        if best_cost <= sure * sure:
            break
        ring += 1
    return best, best_cost


@inline_kernel
def locate(tables, lane, point, x, y):
    """(s, d, dist) float32 [m] of a position with respect to one segment of a lane.

    s along the lane, clamped to the segment; d to the left of travel; dist = planar distance to the centre line.
    """
    row = tables.lanes[lane]
    a = tables.points[point]
    b = tables.points[point + 1]
    t = min(max(segment_param(a.x, a.y, b.x, b.y, x, y), _ZERO), _ONE)
    ux, uy = b.x - a.x, b.y - a.y
    dx, dy = x - (a.x + t * ux), y - (a.y + t * uy)
    dist = np.float32(math.sqrt(dx * dx + dy * dy))
    cross = ux * dy - uy * dx
    length = np.float32(math.sqrt(max(ux * ux + uy * uy, _TINY)))
    inner = (t > _ZERO or point == row.point0) and (t < _ONE or point == row.point0 + row.points - 2)
    d = cross / length if inner and (t <= _ZERO or t >= _ONE) else (dist if cross >= _ZERO else -dist)
    return (np.float32(point - row.point0) + t) * row.step, np.float32(d), dist


@kernel
def nearest_lane(tables, map_id, x, y, z, heading, use_heading, kind_mask):
    """(lane, s, d, dist) of the nearest lane of the wanted kinds (bit 1 << LaneKind of `kind_mask`).

    Args:
        tables: MapTables.
        map_id: row of tables.maps.
        x, y, z: [m] position, map frame.
        heading: [rad] of the asker; lanes that run another way count as further away.
        use_heading: whether heading counts.
        kind_mask: ANY_MASK, DRIVABLE_MASK, SIDEWALK_MASK or an own sum of bits.

    Returns:
        lane (int64, -1 where the map has no such lane or the position is not finite), s and d [m] as of
        `project_to_lane`, dist [m] planar distance to the centre line.
    """
    fx, fy, fz = np.float32(x), np.float32(y), np.float32(z)
    point, _ = nearest_segment(tables, map_id, fx, fy, fz, np.float32(heading), use_heading, kind_mask)
    if point < 0:
        return np.int64(-1), _ZERO, _ZERO, _ZERO
    lane = np.int64(tables.points[point].lane)
    s, d, dist = locate(tables, lane, point, fx, fy)
    return lane, s, d, dist


@inline_kernel
def point_gap2(points, point, x, y):
    """[m^2] planar distance^2 of a position to a lane's point."""
    dx, dy = x - points[point].x, y - points[point].y
    return dx * dx + dy * dy


@kernel
def nearest_of_lane(tables, lane, x, y):
    """First point of the segment of a lane that is nearest to (x, y), planar; the first of several.

    Points lie at most `step` apart, so a segment that starts D away is no nearer than D - step, and those after it at
    most a step each nearer than that: what cannot come nearer than some point of the lane does is passed over.
    """
    row = tables.lanes[lane]
    first, last = np.int64(row.point0), np.int64(row.point0 + row.points - 2)
    near = point_gap2(tables.points, last + 1, x, y)
    for point in range(first, last, _COARSE):
        near = min(near, point_gap2(tables.points, point, x, y))
    near, pace = np.float32(math.sqrt(near)), row.step * _LONGEST + _PLAY
    best, best_cost = first, _FAR2
    point = first
    while point <= last:
        room = np.float32(math.sqrt(point_gap2(tables.points, point, x, y))) - near
        if room > pace:
            point += np.int64(min(room / pace, _MANY))
            continue
        flat, _ = segment_gap2(tables.points, point, x, y, _ZERO)
        if flat < best_cost:
            best, best_cost = point, flat
        point += 1
    return best


@kernel
def project_to_lane(tables, lane, x, y, s_hint, use_hint):
    """(s, d, dist) of the point of a lane's centre line nearest to (x, y), planar.

    With `use_hint` the search walks downhill from `s_hint` (a local minimum, a few segments in practice: for tracking);
    else all of the lane is searched. Beyond an end s is clamped to it, d stays the lateral distance to the line through
    the last segment, and dist the distance to the end point.
    """
    row = tables.lanes[lane]
    fx, fy = np.float32(x), np.float32(y)
    first, last = np.int64(row.point0), np.int64(row.point0 + row.points - 2)
    if not use_hint:
        return locate(tables, lane, nearest_of_lane(tables, lane, fx, fy), fx, fy)
    k = np.int64(min(max(np.float32(s_hint) / row.step, _ZERO), np.float32(row.points)))
    best = min(first + k, last)
    best_cost, _ = segment_gap2(tables.points, best, fx, fy, _ZERO)
    for direction in (1, -1):
        at = best + direction
        while first <= at <= last:
            flat, _ = segment_gap2(tables.points, at, fx, fy, _ZERO)
            if flat > best_cost:
                break
            best, best_cost = at, flat
            at += direction
    return locate(tables, lane, best, fx, fy)


@inline_kernel
def lane_point(tables, lane, s):
    """(x, y, z, heading, curvature, width, limit) float32 of a lane at arc length s, clamped to the lane.

    Linear between the lane's points; heading along the shorter way, wrapped; the limit is that of the point behind.
    """
    row = tables.lanes[lane]
    u = min(max(np.float32(s) / row.step, _ZERO), np.float32(row.points - 1))
    k = min(np.int64(u), np.int64(row.points - 2))
    t = u - np.float32(k)
    a = tables.points[row.point0 + k]
    b = tables.points[row.point0 + k + 1]
    heading = wrap_angle(a.heading + t * wrap_angle(b.heading - a.heading))
    return (
        a.x + t * (b.x - a.x),
        a.y + t * (b.y - a.y),
        a.z + t * (b.z - a.z),
        heading,
        a.curvature + t * (b.curvature - a.curvature),
        a.width + t * (b.width - a.width),
        b.limit if t >= _ONE else a.limit,
    )


@inline_kernel
def in_band(points, point, x, y, z):
    """Whether a position lies in the band of the lane segment that starts at `point` (its own level only)."""
    a = points[point]
    b = points[point + 1]
    raw = segment_param(a.x, a.y, b.x, b.y, x, y)
    t = min(max(raw, _ZERO), _ONE)
    ux, uy = b.x - a.x, b.y - a.y
    dx, dy = x - (a.x + t * ux), y - (a.y + t * uy)
    half = (a.width + t * (b.width - a.width)) * _HALF
    if dx * dx + dy * dy > half * half or abs(z - (a.z + t * (b.z - a.z))) > _LEVEL:
        return False
    return abs(raw - t) * np.float32(math.sqrt(ux * ux + uy * uy)) <= _JOINT


@kernel
def drivable_segment(tables, map_id, x, y, z):
    """First point of a drivable lane's segment in whose band a position lies (its level: z within 2.5 m); -1: none."""
    row = tables.maps[map_id]
    fx, fy, fz = np.float32(x), np.float32(y), np.float32(z)
    gx, gy = math.floor((fx - row.x0) / row.cell), math.floor((fy - row.y0) / row.cell)
    if not (gx >= 0 and gy >= 0 and gx < row.nx and gy < row.ny):
        return np.int64(-1)
    cell = row.cell0 + np.int64(gx) * row.ny + np.int64(gy)
    for i in range(tables.cell0[cell], tables.cell0[cell + 1]):
        point = tables.cells[i]
        if in_band(tables.points, point, fx, fy, fz) and tables.lanes[tables.points[point].lane].drivable == 1:
            return np.int64(point)
    return np.int64(-1)


@kernel
def is_drivable(tables, map_id, x, y, z):
    """Whether a position lies inside the band of any drivable lane of its level (z within 2.5 m)."""
    return drivable_segment(tables, map_id, x, y, z) >= 0


@kernel
def straightest_successor(tables, lane):
    """The drivable successor (any, if none is drivable) that turns least; -1 at a dead end."""
    row = tables.lanes[lane]
    out = tables.points[row.point0 + row.points - 1].heading
    best, best_turn = np.int64(-1), _FAR
    for i in range(row.succ0, row.succ1):
        lane_after = np.int64(tables.successors[i])
        other = tables.lanes[lane_after]
        end = tables.points[other.point0 + other.points - 1].heading
        turn = abs(wrap_angle(end - out)) + (_ZERO if other.drivable == row.drivable else np.float32(100.0))
        if turn < best_turn:
            best, best_turn = lane_after, turn
    return best


@inline_kernel
def has_successor(tables, lane, other):
    """Whether `other` follows `lane`."""
    row = tables.lanes[lane]
    for i in range(row.succ0, row.succ1):
        if tables.successors[i] == other:
            return True
    return False


@kernel
def next_lane(tables, lane, route, at, count):
    """(lane after `lane`, its place in the route): the route's where it goes on, else the straightest successor.

    Args:
        tables: MapTables.
        lane: where one is.
        route: int array of lanes in order (a row of a batch is fine).
        at: place in `route` of `lane`, or of the last route lane passed.
        count: lanes in `route`; 0 for no route.

    Returns:
        lane (-1 at a dead end) and place; a place past the current one only where the lane is the route's.
    """
    for k in range(at + 1, count):
        if has_successor(tables, lane, route[k]):
            return np.int64(route[k]), np.int64(k)
    return straightest_successor(tables, lane), np.int64(at)


@kernel
def lanes_ahead(tables, lane, s, distance, route, at, count, out):
    """Number of lanes written to `out`: `lane` itself and what follows it within `distance` [m] of s.

    Follows `route` as `next_lane` does; stops at a dead end or when `out` is full.
    """
    size = len(out)
    if size == 0:
        return np.int64(0)
    out[0] = lane
    n, place, here = np.int64(1), np.int64(at), np.int64(lane)
    left = np.float32(distance) - (tables.lanes[lane].length - np.float32(s))
    while left > _ZERO and n < size:
        here, place = next_lane(tables, here, route, place, count)
        if here < 0:
            break
        out[n] = here
        n += 1
        left -= tables.lanes[here].length
    return n
