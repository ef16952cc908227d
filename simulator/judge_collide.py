"""Collisions of drivers: with walkers and vehicles along the way of the step, with buildings and tree trunks.

A collision counts once: not again while in contact nor until REARM seconds without contact have passed.
Source: CARLA scenario_runner, atomic_criteria.CollisionTest (MAX_ID_TIME 5 s, EPSILON 0.1 m/s).
"""

import math

import numpy as np

from simulator.judge import emit
from simulator.overlap import TELEPORT_SPEED, slot_motion, slot_radius, slots_touched
from world.boxes import circle_hits_box, point_box_distance, polygon_hits_box
from world.kernel import inline_kernel, kernel
from world.kinds import BodyKind, EventKind, Fault
from world.queries import drivable_segment, in_band, lane_point, segment_param, wrap_angle
from world.roadmap import STATIC_REACH, TRUNK

REARM = 5.0  # [s]
STOPPED = 0.1  # [m/s] who is slower stands
BEHIND = math.radians(150.0)  # direction seen from the driver from which on the other is behind it
TOUCH = 0.1  # [m] from the bumper that counts as touching it
_FAR_ON = np.float32(16.0)  # points of a lane
_PEDESTRIAN = int(BodyKind.PEDESTRIAN)
_HIT_WALKER, _HIT_VEHICLE = int(EventKind.COLLISION_PEDESTRIAN), int(EventKind.COLLISION_VEHICLE)
_HIT_STATIC = int(EventKind.COLLISION_STATIC)
_DRIVER, _OTHER = int(Fault.DRIVER), int(Fault.OTHER)


@kernel
def _front_hits(x, y, yaw, length, width, ox, oy, oyaw, olength, owidth, closing_x, closing_y):
    """Whether a box's front bumper touches another box; a corner of it alone counts when the two close head on."""
    c, s = math.cos(yaw), math.sin(yaw)
    oc, os = math.cos(oyaw), math.sin(oyaw)
    head_on = abs(closing_x * c + closing_y * s) >= abs(closing_y * c - closing_x * s)
    for n in range(9):
        v = (n / 8.0 - 0.5) * width
        if head_on or 0 < n < 8:
            px, py = x + 0.5 * length * c - v * s, y + 0.5 * length * s + v * c
            if point_box_distance(px, py, ox, oy, oc, os, olength, owidth) < TOUCH:
                return True
    return False


@kernel
def collision_fault(
    x, y, yaw, length, width, speed, ox, oy, oyaw, olength, owidth, ospeed, closing_x, closing_y, astray
):  # fmt: skip
    """Fault of a collision at the poses of first contact.

    A driver that stands, or is hit from behind, is not at fault. It is when the other stands, when its front bumper
    hits, and for a hit at its side only if it was `astray`: off the road or between lanes.

    Args:
        speed, ospeed: [m/s] >= 0 of driver and other, before the contact.
        closing_x, closing_y: [m/s] velocity of the driver relative to the other.
        astray: the driver was off the road or over the border of its lane.

    Source: nuPlan devkit, metrics/evaluation_metrics/common/no_ego_at_fault_collisions.py.
    """
    if speed <= STOPPED:
        return _OTHER
    if ospeed <= STOPPED:
        return _DRIVER
    if abs(wrap_angle(math.atan2(oy - y, ox - x) - yaw)) > BEHIND:
        return _OTHER
    if _front_hits(x, y, yaw, length, width, ox, oy, oyaw, olength, owidth, closing_x, closing_y):
        return _DRIVER
    return _DRIVER if astray else _OTHER


@kernel
def _report_hit(b, k, j, t, astray, slots, worlds, judge, dt):
    """Emit the collision of driver k with slot j at fraction t of the step."""
    x = slots.old_x[b, k] + t * (slots.x[b, k] - slots.old_x[b, k])
    y = slots.old_y[b, k] + t * (slots.y[b, k] - slots.old_y[b, k])
    yaw = slots.old_yaw[b, k] + t * wrap_angle(slots.yaw[b, k] - slots.old_yaw[b, k])
    ox = slots.old_x[b, j] + t * (slots.x[b, j] - slots.old_x[b, j])
    oy = slots.old_y[b, j] + t * (slots.y[b, j] - slots.old_y[b, j])
    oyaw = slots.old_yaw[b, j] + t * wrap_angle(slots.yaw[b, j] - slots.old_yaw[b, j])
    speed = max(abs(slots.speed[b, k]), slot_motion(b, k, slots) / dt)
    ospeed = max(math.sqrt(slots.vx[b, j] ** 2 + slots.vy[b, j] ** 2), slot_motion(b, j, slots) / dt)
    rx = ((slots.x[b, k] - slots.old_x[b, k]) - (slots.x[b, j] - slots.old_x[b, j])) / dt
    ry = ((slots.y[b, k] - slots.old_y[b, k]) - (slots.y[b, j] - slots.old_y[b, j])) / dt
    fault = collision_fault(
        x, y, yaw, slots.length[b, k], slots.width[b, k], speed,
        ox, oy, oyaw, slots.length[b, j], slots.width[b, j], ospeed, rx, ry, astray,
    )  # fmt: skip
    kind = _HIT_WALKER if slots.kind[b, j] == _PEDESTRIAN else _HIT_VEHICLE
    emit(b, k, kind, math.sqrt(rx * rx + ry * ry), j, fault, x, y, worlds, judge)


@kernel
def is_astray(b, k, tables, slots, judge):
    """Whether driver k was off the road or over the border of its lane when it was judged last."""
    if judge.off_road[b, k] or judge.lane[b, k] < 0:
        return judge.off_road[b, k]
    width = lane_point(tables, judge.lane[b, k], judge.lane_s[b, k])[5]
    return abs(judge.lane_d[b, k]) + 0.5 * slots.width[b, k] > 0.5 * width + 0.1


@kernel
def _age_contacts(b, k, judge, dt):
    """Let dt pass for all contacts of driver k."""
    for j in range(judge.contact.shape[2]):
        judge.contact[b, k, j] = max(judge.contact[b, k, j] - dt, 0.0)
    judge.contact_left[b, k] = max(judge.contact_left[b, k] - dt, 0.0)


@kernel
def _hit_one(b, k, j, t, tables, slots, worlds, judge, dt):
    """Driver k touches slot j at fraction t of the step. Returns 1 where that counts, else 0."""
    known = judge.contact[b, k, j] > 0.0 and judge.contact_generation[b, k, j] == slots.generation[b, j]
    judge.contact[b, k, j] = judge.contact_left[b, k] = REARM + dt
    judge.contact_generation[b, k, j] = slots.generation[b, j]
    if known:
        return 0
    _report_hit(b, k, j, t, is_astray(b, k, tables, slots, judge), slots, worlds, judge, dt)
    return 1


@inline_kernel
def hit_slots_one(b, k, motion, tables, slots, worlds, judge, broad, dt):
    """Judge driver k, which moved `motion` [m], against all slots near it. Returns how many collisions were counted.

    Where the driver was before the step has to be in `judge` still.
    """
    reach = slot_radius(b, k, slots) + motion + broad.reach[b]
    around = (reach + 0.01) * (reach + 0.01)
    x, y = slots.x[b, k], slots.y[b, k]
    count = 0
    for way in (-1, 1):
        p = broad.rank[b, k] + way
        while 0 <= p < broad.count[b]:
            j = broad.order[b, p]
            dx, dy = slots.x[b, j] - x, slots.y[b, j] - y
            if abs(dx) > reach:
                break
            p += way
            if dx * dx + dy * dy > around:
                continue
            hit, t = slots_touched(b, k, j, slots, dt)
            if hit:
                count += _hit_one(b, k, j, t, tables, slots, worlds, judge, dt)
    if judge.contact_left[b, k] > 0.0:
        _age_contacts(b, k, judge, dt)
    return count


@kernel
def _touches_building(i, x, y, z, yaw, length, width, reach, tables):
    """Whether a box, of half diagonal `reach`, stands in building i."""
    building = tables.buildings[i]
    dx, dy, r = building.x - x, building.y - y, building.radius + reach
    if dx * dx + dy * dy > r * r:
        return False
    if not polygon_hits_box(tables.corners, building.corner0, building.corner1, x, y, yaw, length, width):
        return False
    foot = tables.corners[building.corner0].z
    return z < foot + building.height and foot < z + 2.0


@kernel
def _touches_tree(i, x, y, z, yaw, length, width, reach, tables):
    """Whether a box, of half diagonal `reach`, stands in the trunk of tree i."""
    tree = tables.trees[i]
    dx, dy, r = tree.x - x, tree.y - y, TRUNK + reach
    if dx * dx + dy * dy > r * r or abs(tree.z - z) >= 4.0:
        return False
    return circle_hits_box(tree.x, tree.y, TRUNK, x, y, yaw, length, width)


@kernel
def _touches_static(map_id, x, y, z, yaw, length, width, tables):
    """Whether a box stands in a building or a tree trunk of a map."""
    row = tables.maps[map_id]
    reach = 0.5 * math.sqrt(length * length + width * width)
    gx, gy = math.floor((x - row.x0) / row.cell), math.floor((y - row.y0) / row.cell)
    if reach < STATIC_REACH and gx >= 0 and gy >= 0 and gx < row.nx and gy < row.ny:
        cell = row.cell0 + np.int64(gx) * row.ny + np.int64(gy)
        for n in range(tables.cell_static0[cell], tables.cell_static0[cell + 1]):
            i = np.int64(tables.cell_statics[n])
            if i >= 0:
                if _touches_building(i, x, y, z, yaw, length, width, reach, tables):
                    return True
            elif _touches_tree(-1 - i, x, y, z, yaw, length, width, reach, tables):
                return True
        return False
    for i in range(row.building0, row.building1):  # off the grid, or very long
        if _touches_building(i, x, y, z, yaw, length, width, reach, tables):
            return True
    for i in range(row.tree0, row.tree1):
        if _touches_tree(i, x, y, z, yaw, length, width, reach, tables):
            return True
    return False


@kernel
def _search_corner(b, k, n, map_id, x, y, z, tables, judge):
    """`corner_on_road` where the segment is not the one before or the next."""
    point = drivable_segment(tables, map_id, x, y, z)
    judge.corner_point[b, k, n] = point
    return point >= 0


@inline_kernel
def corner_on_road(b, k, n, map_id, x, y, z, tables, judge):
    """Whether corner n of driver k lies on the drivable surface: looked for from the segment on where it was.

    Points of a lane are evenly spaced, so the fraction along that segment tells which one is beside the corner now.
    """
    point = np.int64(judge.corner_point[b, k, n])
    fx, fy, fz = np.float32(x), np.float32(y), np.float32(z)
    if point >= 0:
        if in_band(tables.points, point, fx, fy, fz):
            return True
        p, q = tables.points[point], tables.points[point + 1]
        ahead = min(max(segment_param(p.x, p.y, q.x, q.y, fx, fy), -_FAR_ON), _FAR_ON)
        row = tables.lanes[p.lane]
        at = point + np.int64(math.floor(ahead))
        at = min(max(at, np.int64(row.point0)), np.int64(row.point0 + row.points - 2))
        if at != point and in_band(tables.points, at, fx, fy, fz):
            judge.corner_point[b, k, n] = at
            return True
    return _search_corner(b, k, n, map_id, x, y, z, tables, judge)


@inline_kernel
def box_on_road(b, k, map_id, x, y, z, c, s, length, width, tables, judge):
    """Whether all corners of driver k's box lie on the drivable surface; c, s: cosine and sine of its yaw."""
    for n in range(judge.corner_point.shape[2]):
        u, v = (0.5 * length if n < 2 else -0.5 * length), (0.5 * width if n % 2 == 0 else -0.5 * width)
        if not corner_on_road(b, k, n, map_id, x + u * c - v * s, y + u * s + v * c, z, tables, judge):
            return False
    return True


@kernel
def hit_static_one(b, k, tables, slots, worlds, judge, dt):
    """Judge driver k against buildings and trees. Returns how many collisions were counted (0 or 1).

    The way of the step is looked at in pieces shorter than half of the vehicle, so that nothing is jumped.
    """
    motion, length = slot_motion(b, k, slots), slots.length[b, k]
    pieces = 1 if motion > TELEPORT_SPEED * dt else int(motion / (0.5 * length)) + 1
    turn = wrap_angle(slots.yaw[b, k] - slots.old_yaw[b, k])
    for n in range(1, pieces + 1):
        back = 1.0 - n / pieces
        x = slots.x[b, k] - back * (slots.x[b, k] - slots.old_x[b, k])
        y = slots.y[b, k] - back * (slots.y[b, k] - slots.old_y[b, k])
        yaw = slots.yaw[b, k] - back * turn
        if _touches_static(worlds.map_id[b], x, y, slots.z[b, k], yaw, length, slots.width[b, k], tables):
            known = judge.static_timer[b, k] > 0.0
            judge.static_timer[b, k] = REARM + dt
            if not known:
                speed = max(abs(slots.speed[b, k]), motion / dt)
                fault = _DRIVER if speed > STOPPED else _OTHER
                emit(b, k, _HIT_STATIC, speed, -1, fault, x, y, worlds, judge)
                return 1
            return 0
    return 0
