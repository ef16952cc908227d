"""Oriented boxes on the ground plane: overlap, distance, swept contact, and what else a footprint can touch.

A box is (x, y, yaw, length, width): its centre [m], the direction of its length [rad], its full sides [m]. All
functions are scalar kernels, so that they compile into any other kernel, for the CPU and for CUDA.
"""

import math

from world.kernel import kernel

SWEEP_STEPS = 64  # finest subdivision of a sweep
SWEEP_TOUCH = 1e-3  # [m] distance that counts as contact in a sweep


@kernel
def _axis_apart(dx, dy, ux, uy, a_half, bux, buy, b_half_length, b_half_width):
    """Whether the boxes are apart along the unit axis (ux, uy), on which the first has half extent a_half."""
    along = abs(ux * bux + uy * buy)
    across = abs(uy * bux - ux * buy)
    return abs(dx * ux + dy * uy) > a_half + b_half_length * along + b_half_width * across


@kernel
def boxes_overlap(ax, ay, ayaw, alength, awidth, bx, by, byaw, blength, bwidth):
    """Whether two boxes share a point (touching counts).

    Source: separating axis theorem; Gottschalk, Lin, Manocha: OBBTree, SIGGRAPH 1996.
    """
    dx, dy = bx - ax, by - ay
    al, aw, bl, bw = 0.5 * alength, 0.5 * awidth, 0.5 * blength, 0.5 * bwidth
    reach = al + aw + bl + bw  # >= sum of the half diagonals
    if dx * dx + dy * dy > reach * reach:
        return False
    ac, a_s = math.cos(ayaw), math.sin(ayaw)
    bc, bs = math.cos(byaw), math.sin(byaw)
    if _axis_apart(dx, dy, ac, a_s, al, bc, bs, bl, bw) or _axis_apart(dx, dy, -a_s, ac, aw, bc, bs, bl, bw):
        return False
    return not (_axis_apart(dx, dy, bc, bs, bl, ac, a_s, al, aw) or _axis_apart(dx, dy, -bs, bc, bw, ac, a_s, al, aw))


@kernel
def point_box_distance(px, py, x, y, cos_yaw, sin_yaw, length, width):
    """[m] distance of a point to a box (0 inside); the box's yaw comes as its cosine and sine."""
    dx, dy = px - x, py - y
    u = max(abs(dx * cos_yaw + dy * sin_yaw) - 0.5 * length, 0.0)
    v = max(abs(dy * cos_yaw - dx * sin_yaw) - 0.5 * width, 0.0)
    return math.sqrt(u * u + v * v)


@kernel
def _corners_to_box(ax, ay, ac, a_s, alength, awidth, bx, by, bc, bs, blength, bwidth):
    """[m] smallest distance of the first box's corners to the second box."""
    best = math.inf
    for k in range(4):
        u = 0.5 * alength if k < 2 else -0.5 * alength
        v = 0.5 * awidth if k % 2 == 0 else -0.5 * awidth
        d = point_box_distance(ax + u * ac - v * a_s, ay + u * a_s + v * ac, bx, by, bc, bs, blength, bwidth)
        best = min(best, d)
    return best


@kernel
def box_distance(ax, ay, ayaw, alength, awidth, bx, by, byaw, blength, bwidth):
    """[m] smallest distance between two boxes, 0 where they overlap.

    Two disjoint convex polygons are nearest to each other at a corner of one of them.
    """
    if boxes_overlap(ax, ay, ayaw, alength, awidth, bx, by, byaw, blength, bwidth):
        return 0.0
    ac, a_s, bc, bs = math.cos(ayaw), math.sin(ayaw), math.cos(byaw), math.sin(byaw)
    return min(
        _corners_to_box(ax, ay, ac, a_s, alength, awidth, bx, by, bc, bs, blength, bwidth),
        _corners_to_box(bx, by, bc, bs, blength, bwidth, ax, ay, ac, a_s, alength, awidth),
    )


@kernel
def _turn(angle):
    """Angle wrapped to [-pi, pi)."""
    return angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))


@kernel
def swept_contact(ax0, ay0, ayaw0, ax1, ay1, ayaw1, alength, awidth, bx0, by0, byaw0, bx1, by1, byaw1, blength, bwidth):
    """First contact of two boxes that move from pose 0 to pose 1 in the same time.

    Conservative advancement: no point of one box nears the other faster than `rate` a unit of time, so time may
    advance by distance / rate without a contact being missed. Steps are at least 1 / SWEEP_STEPS of the motion, hence
    at 40 m/s and 0.05 s a graze of less than 3 cm may be missed, and nothing larger.

    Returns:
        (hit, fraction): whether they touch, and the fraction of the motion in [0, 1] at which they do first.

    Source: Mirtich: Impulse-based Dynamic Simulation of Rigid Body Systems, PhD thesis, Berkeley 1996, ch. 2.
    """
    da, db = _turn(ayaw1 - ayaw0), _turn(byaw1 - byaw0)
    mx, my = (bx1 - bx0) - (ax1 - ax0), (by1 - by0) - (ay1 - ay0)
    ra = 0.5 * math.sqrt(alength * alength + awidth * awidth)
    rb = 0.5 * math.sqrt(blength * blength + bwidth * bwidth)
    travel = math.sqrt(mx * mx + my * my)
    gap_x, gap_y = bx0 - ax0, by0 - ay0
    if math.sqrt(gap_x * gap_x + gap_y * gap_y) - travel > ra + rb:
        return False, 1.0
    rate = travel + abs(da) * ra + abs(db) * rb
    t = 0.0
    for _ in range(SWEEP_STEPS + 1):
        d = box_distance(
            ax0 + t * (ax1 - ax0), ay0 + t * (ay1 - ay0), ayaw0 + t * da, alength, awidth,
            bx0 + t * (bx1 - bx0), by0 + t * (by1 - by0), byaw0 + t * db, blength, bwidth,
        )  # fmt: skip
        if d <= SWEEP_TOUCH:
            return True, t
        if t >= 1.0 or d > rate * (1.0 - t):
            return False, 1.0
        t = min(1.0, t + max(d / rate, 1.0 / SWEEP_STEPS))
    return False, 1.0


@kernel
def segment_hits_box(ax, ay, bx, by, x, y, yaw, length, width):
    """Whether the segment a-b shares a point with a box (clipping against its slabs in the box frame)."""
    c, s = math.cos(yaw), math.sin(yaw)
    px, py = (ax - x) * c + (ay - y) * s, (ay - y) * c - (ax - x) * s
    dx, dy = (bx - ax) * c + (by - ay) * s, (by - ay) * c - (bx - ax) * s
    low, high = 0.0, 1.0
    for k in range(2):
        p, d, half = (px, dx, 0.5 * length) if k == 0 else (py, dy, 0.5 * width)
        if abs(d) < 1e-9:
            if abs(p) > half:
                return False
        else:
            t0, t1 = (-half - p) / d, (half - p) / d
            low, high = max(low, min(t0, t1)), min(high, max(t0, t1))
    return low <= high


@kernel
def circle_hits_box(cx, cy, radius, x, y, yaw, length, width):
    """Whether a disc shares a point with a box."""
    return point_box_distance(cx, cy, x, y, math.cos(yaw), math.sin(yaw), length, width) <= radius


@kernel
def segments_cross(ax, ay, bx, by, cx, cy, dx, dy):
    """Whether the segments a-b and c-d share a point.

    Returns:
        (hit, t): t in [0, 1] is where along a-b; parallel segments never hit.
    """
    rx, ry, qx, qy = bx - ax, by - ay, dx - cx, dy - cy
    det = rx * qy - ry * qx
    if abs(det) < 1e-12:
        return False, 0.0
    t = ((cx - ax) * qy - (cy - ay) * qx) / det
    u = ((cx - ax) * ry - (cy - ay) * rx) / det
    return 0.0 <= t <= 1.0 and 0.0 <= u <= 1.0, t


@kernel
def point_in_polygon(corners, first, last, px, py):
    """Whether a point lies inside the polygon corners[first:last] (rows with x, y; even-odd rule, any winding)."""
    inside = False
    j = last - 1
    for i in range(first, last):
        xi, yi, xj, yj = corners[i].x, corners[i].y, corners[j].x, corners[j].y
        if (yi > py) != (yj > py) and px < (xj - xi) * (py - yi) / (yj - yi) + xi:
            inside = not inside
        j = i
    return inside


@kernel
def polygon_hits_box(corners, first, last, x, y, yaw, length, width):
    """Whether the polygon corners[first:last] (rows with x, y) shares a point with a box."""
    j = last - 1
    for i in range(first, last):
        if segment_hits_box(corners[j].x, corners[j].y, corners[i].x, corners[i].y, x, y, yaw, length, width):
            return True
        j = i
    return point_in_polygon(corners, first, last, x, y)


@kernel
def segment_hits_polygon(corners, first, last, ax, ay, bx, by):
    """Whether the segment a-b touches or lies inside the polygon corners[first:last]."""
    j = last - 1
    for i in range(first, last):
        hit, _ = segments_cross(ax, ay, bx, by, corners[j].x, corners[j].y, corners[i].x, corners[i].y)
        if hit:
            return True
        j = i
    return point_in_polygon(corners, first, last, ax, ay)
