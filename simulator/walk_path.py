"""Geometry of walks: where one is on a pavement or crosswalk, and what can be reached from there. Scalar kernels."""

import math

from world.boxes import segment_hits_polygon, segments_cross
from world.kernel import kernel
from world.kinds import WalkKind

_PAVEMENT = int(WalkKind.PAVEMENT)


@kernel
def walk_segment(tables, walk, s, way):
    """First point (row of walk_points) of the segment of `walk` at arc length s, going `way`.

    At a joint it is the segment that lies ahead.
    """
    row = tables.walks[walk]
    low, high = row.point0, row.point0 + row.points - 2
    while low < high:
        mid = (low + high + 1) // 2
        at = tables.walk_points[mid].s
        if at < s or (at == s and way > 0):
            low = mid
        else:
            high = mid - 1
    return low


@kernel
def walk_point(tables, walk, s, way):
    """(x, y, z, tx, ty) of a walk at arc length s: position [m] and unit tangent along the walk's points."""
    k = walk_segment(tables, walk, s, way)
    a, b = tables.walk_points[k], tables.walk_points[k + 1]
    length = max(b.s - a.s, 1e-6)
    t = min(max((s - a.s) / length, 0.0), 1.0)
    return (
        a.x + t * (b.x - a.x), a.y + t * (b.y - a.y), a.z + t * (b.z - a.z), (b.x - a.x) / length, (b.y - a.y) / length
    )  # fmt: skip


@kernel
def advance_on_walk(tables, walk, s, way, x, y):
    """[m] new arc length of a walker at (x, y) who was at s: its foot point on the segment ahead, never backwards."""
    k = walk_segment(tables, walk, s, way)
    a, b = tables.walk_points[k], tables.walk_points[k + 1]
    ux, uy = b.x - a.x, b.y - a.y
    length2 = max(ux * ux + uy * uy, 1e-9)
    t = min(max(((x - a.x) * ux + (y - a.y) * uy) / length2, 0.0), 1.0)
    new = b.s if t >= 1.0 else a.s + t * (b.s - a.s)  # exactly at the joint, or the next segment is never reached
    return max(new, s) if way > 0 else min(new, s)


@kernel
def landing_across(tables, map_id, walk, x, y, nx, ny, near, far):
    """The nearest other pavement that the ray from (x, y) along the unit vector (nx, ny) meets.

    Args:
        near: [m] ignored up to here. far: [m] length of the ray.

    Returns:
        (walk, s, distance): walk -1 where there is none.
    """
    row = tables.maps[map_id]
    best, best_s, best_t = -1, 0.0, 1.0
    for other in range(row.walk0, row.walk1):
        walk_row = tables.walks[other]
        if other == walk or walk_row.kind != _PAVEMENT:
            continue
        for k in range(walk_row.point0, walk_row.point0 + walk_row.points - 1):
            a, b = tables.walk_points[k], tables.walk_points[k + 1]
            hit, t = segments_cross(x, y, x + far * nx, y + far * ny, a.x, a.y, b.x, b.y)
            if hit and t < best_t and t * far > near:
                hx, hy = x + t * far * nx - a.x, y + t * far * ny - a.y
                best, best_t = other, t
                best_s = a.s + math.sqrt(hx * hx + hy * hy)
    return best, best_s, best_t * far


@kernel
def building_between(tables, map_id, ax, ay, bx, by):
    """Whether the straight way from a to b runs into a building of the map."""
    row = tables.maps[map_id]
    mx, my = 0.5 * (ax + bx), 0.5 * (ay + by)
    half = 0.5 * math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay))
    for i in range(row.building0, row.building1):
        building = tables.buildings[i]
        dx, dy, reach = building.x - mx, building.y - my, building.radius + half
        if dx * dx + dy * dy <= reach * reach:
            if segment_hits_polygon(tables.corners, building.corner0, building.corner1, ax, ay, bx, by):
                return True
    return False
