"""Collisions of drivers: with walkers and vehicles along the way of the step, with buildings and tree trunks.

A collision counts once: not again while in contact nor until REARM seconds without contact have passed.
Source: CARLA scenario_runner, atomic_criteria.CollisionTest (MAX_ID_TIME 5 s, EPSILON 0.1 m/s).
"""

import math

from simulator.judge import emit
from simulator.overlap import TELEPORT_SPEED, slot_motion, slot_radius, slots_touched
from world.boxes import circle_hits_box, point_box_distance, polygon_hits_box
from world.kernel import kernel
from world.kinds import BodyKind, EventKind, Fault
from world.queries import is_drivable, wrap_angle

REARM = 5.0  # [s]
STOPPED = 0.1  # [m/s] who is slower stands
BEHIND = math.radians(150.0)  # direction seen from the driver from which on the other is behind it
TOUCH = 0.1  # [m] from the bumper that counts as touching it
TRUNK = 0.2  # [m] radius of a tree's trunk
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
def hit_slots_one(b, k, astray, slots, worlds, judge, broad, dt):
    """Judge driver k against all slots near it. Returns how many collisions were counted."""
    reach = slot_radius(b, k, slots) + slot_motion(b, k, slots) + broad.reach[b]
    count = 0
    for way in (-1, 1):
        p = broad.rank[b, k] + way
        while 0 <= p < broad.count[b]:
            j = broad.order[b, p]
            if abs(slots.x[b, j] - slots.x[b, k]) > reach:
                break
            p += way
            hit, t = slots_touched(b, k, j, slots, dt)
            if not hit:
                continue
            known = judge.contact[b, k, j] > 0.0 and judge.contact_generation[b, k, j] == slots.generation[b, j]
            judge.contact[b, k, j] = REARM + dt
            judge.contact_generation[b, k, j] = slots.generation[b, j]
            if not known:
                _report_hit(b, k, j, t, astray, slots, worlds, judge, dt)
                count += 1
    for j in range(judge.contact.shape[2]):
        judge.contact[b, k, j] = max(judge.contact[b, k, j] - dt, 0.0)
    return count


@kernel
def _touches_static(map_id, x, y, z, yaw, length, width, tables):
    """Whether a box stands in a building or a tree trunk of a map."""
    row = tables.maps[map_id]
    reach = 0.5 * math.sqrt(length * length + width * width)
    for i in range(row.building0, row.building1):
        building = tables.buildings[i]
        dx, dy, r = building.x - x, building.y - y, building.radius + reach
        if dx * dx + dy * dy <= r * r:
            if polygon_hits_box(tables.corners, building.corner0, building.corner1, x, y, yaw, length, width):
                foot = tables.corners[building.corner0].z
                if z < foot + building.height and foot < z + 2.0:
                    return True
    for i in range(row.tree0, row.tree1):
        tree = tables.trees[i]
        dx, dy, r = tree.x - x, tree.y - y, TRUNK + reach
        if dx * dx + dy * dy <= r * r and abs(tree.z - z) < 4.0:
            if circle_hits_box(tree.x, tree.y, TRUNK, x, y, yaw, length, width):
                return True
    return False


@kernel
def box_on_road(map_id, x, y, z, yaw, length, width, tables):
    """Whether all corners of a box lie on the drivable surface."""
    c, s = math.cos(yaw), math.sin(yaw)
    for n in range(4):
        u, v = (0.5 * length if n < 2 else -0.5 * length), (0.5 * width if n % 2 == 0 else -0.5 * width)
        if not is_drivable(tables, map_id, x + u * c - v * s, y + u * s + v * c, z):
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
