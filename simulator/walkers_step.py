"""One step of all walkers of a world: where each wants to go, when it crosses, and how it keeps clear of others."""

import math

from simulator.walk_path import advance_on_walk, building_between, landing_across, walk_point
from simulator.walkers import WalkPhase
from simulator.walkers_gap import FREE_MARGIN, START_UP, free_gap, update_arrivals
from world.boxes import point_box_distance
from world.kernel import kernel
from world.kinds import BodyKind, Controller, WalkKind
from world.queries import DRIVABLE_MASK, nearest_lane, wrap_angle
from world.random import draw_index, draw_unit

LOOK = 1.0  # [m] on a pavement, a walker aims at the point of its way this far ahead
ACCEL = 1.5  # [m/s^2] of walking speed
TURN_RATE = 3.0  # [rad/s]
KERB = 0.6  # [m] before the end of a pavement where one waits
PATIENCE = 25.0  # [s] at the kerb before walking on elsewhere
SQUEEZE = 2.0  # [s] blocked by others before pushing past them
CLEARANCE = 0.4  # [m] kept to vehicles
REACH_VEHICLE = 9.0  # [m] longest half vehicle plus what a walker looks ahead
REACH_WALKER = 2.5  # [m]
CROSS_FREE_RATE = 1.0 / 240.0  # [1/s] tries of a walker to cross away from crosswalks
CROSS_FREE_NEAR, CROSS_FREE_FAR = 4.0, 16.0  # [m] from pavement to pavement
CROSS_FREE_HASTE = 1.2  # times the usual pace
EDGE = 0.3  # [m] a walker's centre stays inside of a pavement's border

_PEDESTRIAN, _TRAFFIC, _CROSSWALK = int(BodyKind.PEDESTRIAN), int(Controller.TRAFFIC), int(WalkKind.CROSSWALK)
_WALK, _WAIT, _CROSS, _CROSS_FREE = (int(p) for p in WalkPhase)
# Purposes of draws: 310-329 are this module's
_NEXT, _TRY, _SIDE, _WAY = range(310, 314)


@kernel
def _choose_next(b, i, tables, worlds, walkers, crosswalks):
    """Pick the end to step onto after the present walk (-2: turn round); without crosswalks where so asked."""
    end = 2 * walkers.walk[b, i] + (1 if walkers.way[b, i] > 0 else 0)
    first, last = tables.walk_link0[end], tables.walk_link0[end + 1]
    count = 0
    for k in range(first, last):
        if crosswalks or tables.walks[tables.walk_links[k] // 2].kind != _CROSSWALK:
            count += 1
    walkers.next_end[b, i] = -2
    if count == 0:
        return
    pick = draw_index(worlds.seed[b], walkers.identity[b, i], worlds.step[b], _NEXT, count)
    for k in range(first, last):
        if crosswalks or tables.walks[tables.walk_links[k] // 2].kind != _CROSSWALK:
            if pick == 0:
                walkers.next_end[b, i] = tables.walk_links[k]
                return
            pick -= 1


@kernel
def _step_onto_next(b, i, tables, worlds, walkers):
    """Change to the chosen next walk."""
    side = walkers.lateral[b, i] * walkers.way[b, i]  # in the direction of walking
    end = walkers.next_end[b, i]
    if end < 0:
        walkers.way[b, i] = -walkers.way[b, i]
    else:
        walk = end // 2
        walkers.walk[b, i] = walk
        walkers.way[b, i] = 1 if end % 2 == 0 else -1
        walkers.s[b, i] = 0.0 if end % 2 == 0 else tables.walks[walk].length
        room = max(0.5 * tables.walks[walk].width - EDGE, 0.0)
        walkers.lateral[b, i] = min(max(side * walkers.way[b, i], -room), room)
    row = tables.walks[walkers.walk[b, i]]
    on_road = row.kind == _CROSSWALK
    walkers.phase[b, i] = _CROSS if on_road else _WALK
    walkers.crossing[b, i] = on_road
    walkers.crosswalk[b, i] = row.crosswalk - tables.maps[worlds.map_id[b]].crosswalk0 if on_road else -1
    walkers.waited[b, i] = 0.0
    _choose_next(b, i, tables, worlds, walkers, True)


@kernel
def _wait_one(b, i, tables, worlds, walkers, dt):
    """At the kerb: cross when the gap suffices, walk on elsewhere when out of patience."""
    walkers.waited[b, i] += dt
    length = tables.walks[walkers.next_end[b, i] // 2].length
    if walkers.arrival[b, walkers.crosswalk[b, i]] > length / walkers.pace[b, i] + START_UP:
        _step_onto_next(b, i, tables, worlds, walkers)
    elif walkers.waited[b, i] > PATIENCE:
        _choose_next(b, i, tables, worlds, walkers, False)
        _step_onto_next(b, i, tables, worlds, walkers)


@kernel
def _try_cross_free(b, i, tables, slots, worlds, walkers):
    """Start to cross the road here if there is a pavement opposite, nothing in between and a safe gap."""
    seed, entity, step = worlds.seed[b], walkers.identity[b, i], worlds.step[b]
    map_id, x, y = worlds.map_id[b], slots.x[b, i], slots.y[b, i]
    _, _, z, tx, ty = walk_point(tables, walkers.walk[b, i], walkers.s[b, i], walkers.way[b, i])
    side = 1.0 if draw_unit(seed, entity, step, _SIDE) < 0.5 else -1.0
    nx, ny = -side * ty, side * tx
    walk, s, distance = landing_across(
        tables, map_id, walkers.walk[b, i], x, y, nx, ny, CROSS_FREE_NEAR, CROSS_FREE_FAR
    )
    if walk < 0:
        return
    gx, gy = x + distance * nx, y + distance * ny
    lane, _, d, _ = nearest_lane(tables, map_id, 0.5 * (x + gx), 0.5 * (y + gy), z, 0.0, False, DRIVABLE_MASK)
    if (
        lane < 0
        or tables.lanes[lane].junction >= 0
        or abs(d) > 0.5 * tables.points[tables.lanes[lane].point0].width + 1.0
    ):
        return
    seconds = distance / (CROSS_FREE_HASTE * walkers.pace[b, i]) + FREE_MARGIN
    if building_between(tables, map_id, x, y, gx, gy) or not free_gap(b, x, y, gx, gy, seconds, slots):
        return
    walkers.phase[b, i], walkers.crossing[b, i], walkers.crosswalk[b, i] = _CROSS_FREE, True, -1
    walkers.goal_x[b, i], walkers.goal_y[b, i], walkers.goal_walk[b, i], walkers.goal_s[b, i] = gx, gy, walk, s
    walkers.waited[b, i] = 0.0


@kernel
def _land_one(b, i, tables, worlds, walkers):
    """End of a free crossing: walk on along the pavement reached, either way."""
    walkers.walk[b, i], walkers.s[b, i] = walkers.goal_walk[b, i], walkers.goal_s[b, i]
    forth = draw_unit(worlds.seed[b], walkers.identity[b, i], worlds.step[b], _WAY) < 0.5
    walkers.way[b, i] = 1 if forth else -1
    walkers.lateral[b, i], walkers.waited[b, i] = 0.0, 0.0
    walkers.phase[b, i], walkers.crossing[b, i] = _WALK, False
    _choose_next(b, i, tables, worlds, walkers, True)


@kernel
def _decide_one(b, i, tables, slots, worlds, walkers, dt):
    """Phase and way of walker i for this step. Returns (x, y) [m] of the point it heads for."""
    phase = walkers.phase[b, i]
    if phase == _CROSS_FREE:
        gx, gy = walkers.goal_x[b, i], walkers.goal_y[b, i]
        if (gx - slots.x[b, i]) ** 2 + (gy - slots.y[b, i]) ** 2 > 0.16:
            return gx, gy
        _land_one(b, i, tables, worlds, walkers)
    elif phase == _WAIT:
        _wait_one(b, i, tables, worlds, walkers, dt)
    else:
        walk, way = walkers.walk[b, i], walkers.way[b, i]
        s = advance_on_walk(tables, walk, walkers.s[b, i], way, slots.x[b, i], slots.y[b, i])
        walkers.s[b, i] = s
        if walkers.next_end[b, i] == -1:
            _choose_next(b, i, tables, worlds, walkers, True)
        left = tables.walks[walk].length - s if way > 0 else s
        onto = walkers.next_end[b, i] // 2
        if walkers.next_end[b, i] >= 0 and tables.walks[onto].kind == _CROSSWALK and left < KERB:
            walkers.phase[b, i], walkers.waited[b, i] = _WAIT, 0.0
            walkers.crosswalk[b, i] = tables.walks[onto].crosswalk - tables.maps[worlds.map_id[b]].crosswalk0
            walkers.crossing[b, i] = False
        elif left < 0.3:
            _step_onto_next(b, i, tables, worlds, walkers)
        elif phase == _WALK and draw_unit(worlds.seed[b], walkers.identity[b, i], worlds.step[b], _TRY) < (
            CROSS_FREE_RATE * dt
        ):
            _try_cross_free(b, i, tables, slots, worlds, walkers)
    if walkers.phase[b, i] == _CROSS_FREE:
        return walkers.goal_x[b, i], walkers.goal_y[b, i]
    way, walk = walkers.way[b, i], walkers.walk[b, i]
    look = tables.walks[walk].length if walkers.phase[b, i] == _CROSS else LOOK  # the far kerb, or just ahead
    px, py, _, tx, ty = walk_point(tables, walk, walkers.s[b, i] + way * look, way)
    return px - walkers.lateral[b, i] * ty, py + walkers.lateral[b, i] * tx


@kernel
def _avoid_one(b, i, j, ux, uy, slots):
    """What slot j does to walker i who heads along the unit vector (ux, uy).

    Returns:
        (share, push, hard): share of the wanted speed that j leaves, in [0, 1]; push to the left in [-1, 1]; whether j
        is a vehicle.
    """
    dx, dy = slots.x[b, j] - slots.x[b, i], slots.y[b, j] - slots.y[b, i]
    ahead, left = dx * ux + dy * uy, dy * ux - dx * uy
    side = -1.0 if left >= -0.05 else 1.0  # pass on the side away from the other, to the right when in line
    if slots.kind[b, j] == _PEDESTRIAN:
        if ahead <= 0.0 or ahead > REACH_WALKER or abs(left) > 0.7:
            return 1.0, 0.0, False
        gap = math.sqrt(dx * dx + dy * dy) - 0.5 * (slots.width[b, i] + slots.width[b, j])
        share = 1.0 if abs(left) > 0.55 else min(max((gap - 0.1) / 0.8, 0.0), 1.0)
        return share, side * (1.0 - ahead / REACH_WALKER), False
    radius = 0.5 * slots.width[b, i] + CLEARANCE
    cos_yaw, sin_yaw = math.cos(slots.yaw[b, j]), math.sin(slots.yaw[b, j])
    length, width = slots.length[b, j], slots.width[b, j]
    nearest = math.inf
    for k in range(1, 4):  # 0.4, 0.8 and 1.2 m on, and where the vehicle is by then at walking pace
        t = 0.3 * k
        nx, ny = slots.x[b, i] + 0.4 * k * ux, slots.y[b, i] + 0.4 * k * uy
        jx, jy = slots.x[b, j] + t * slots.vx[b, j], slots.y[b, j] + t * slots.vy[b, j]
        nearest = min(nearest, point_box_distance(nx, ny, jx, jy, cos_yaw, sin_yaw, length, width))
    if nearest > radius:
        return 1.0, 0.0, True
    now = point_box_distance(
        slots.x[b, i], slots.y[b, i], slots.x[b, j], slots.y[b, j], cos_yaw, sin_yaw, length, width
    )
    if ahead < 0.0 and now > 0.5 * slots.width[b, i]:
        return 1.0, 0.0, True  # it is behind: go on, off its way
    standing = abs(slots.speed[b, j]) < 0.1
    return 0.0, side if standing else 0.0, True


@kernel
def _crowd_one(b, i, ux, uy, slots, broad, squeeze):
    """Share of the wanted speed, and push to the left, that all others around walker i leave and give it."""
    share, push = 1.0, 0.0
    x = slots.x[b, i]
    for way in (-1, 1):
        p = broad.rank[b, i] + way
        while 0 <= p < broad.count[b]:
            j = broad.order[b, p]
            gap = abs(slots.x[b, j] - x)
            if gap > REACH_VEHICLE:
                break
            walker = slots.kind[b, j] == _PEDESTRIAN
            reach = REACH_WALKER if walker else REACH_VEHICLE
            near = gap < reach and abs(slots.y[b, j] - slots.y[b, i]) < reach
            if near and abs(slots.z[b, j] - slots.z[b, i]) < 3.0 and not (walker and squeeze):
                left, side, hard = _avoid_one(b, i, j, ux, uy, slots)
                share = min(share, left)
                push = side if hard and side != 0.0 else push + side
            p += way
    return share, min(max(push, -1.0), 1.0)


@kernel
def _move_one(b, i, gx, gy, tables, slots, walkers, broad, dt):
    """Walk towards (gx, gy) for dt, clear of others and, on a pavement, inside of it."""
    dx, dy = gx - slots.x[b, i], gy - slots.y[b, i]
    distance = max(math.sqrt(dx * dx + dy * dy), 1e-6)
    ux, uy = dx / distance, dy / distance
    phase = walkers.phase[b, i]
    pace = walkers.pace[b, i] * (CROSS_FREE_HASTE if phase == _CROSS_FREE else 1.0)
    if not math.isnan(slots.target_speed[b, i]):
        pace = slots.target_speed[b, i]
    share, push = _crowd_one(b, i, ux, uy, slots, broad, walkers.waited[b, i] > SQUEEZE and phase != _WAIT)
    if phase == _WAIT:
        pace = push = 0.0
    else:
        walkers.waited[b, i] = walkers.waited[b, i] + dt if share < 0.2 else max(walkers.waited[b, i] - 2.0 * dt, 0.0)
    px, py, z, tx, ty = walk_point(tables, walkers.walk[b, i], walkers.s[b, i], walkers.way[b, i])
    if phase == _WALK and push != 0.0:
        offset = (slots.y[b, i] - py) * tx - (slots.x[b, i] - px) * ty
        outwards = push * (tx * ux + ty * uy)  # left of the walk's points
        if abs(offset) > 0.5 * tables.walks[walkers.walk[b, i]].width - EDGE and outwards * offset > 0.0:
            push = 0.0
    speed = max(math.sqrt(slots.vx[b, i] ** 2 + slots.vy[b, i] ** 2), 0.0)
    wanted = pace * max(share, 0.35 * abs(push))
    speed = min(speed + ACCEL * dt, wanted) if wanted > speed else max(speed - 3.0 * ACCEL * dt, wanted)
    fx, fy = share * ux - push * uy, share * uy + push * ux
    norm = math.sqrt(fx * fx + fy * fy)
    if norm > 1e-6:
        ux, uy = fx / norm, fy / norm
    step = min(speed * dt, distance) if push == 0.0 else speed * dt
    _set_pose_one(b, i, step * ux, step * uy, z, speed, math.atan2(uy, ux), slots, dt)


@kernel
def _set_pose_one(b, i, dx, dy, z, speed, heading, slots, dt):
    """Write the new state of a walker that moved by (dx, dy) [m] and looks to `heading`."""
    slots.x[b, i] += dx
    slots.y[b, i] += dy
    slots.z[b, i] = z
    turn = wrap_angle(heading - slots.yaw[b, i])
    turn = min(max(turn, -TURN_RATE * dt), TURN_RATE * dt)
    slots.yaw[b, i] = wrap_angle(slots.yaw[b, i] + turn)
    slots.yaw_rate[b, i] = turn / dt
    slots.accel[b, i] = (speed - slots.speed[b, i]) / dt
    slots.speed[b, i] = speed
    slots.vx[b, i], slots.vy[b, i] = dx / dt, dy / dt


@kernel
def step_walkers_world(b, tables, slots, worlds, walkers, broad, dt):
    """Move the walkers of world b (kind PEDESTRIAN, Controller.TRAFFIC) by dt and update crosswalk_busy, _waiting.

    Needs `overlap.sort_world` on the present positions, and lane, lane_s, route_lane of the vehicles in `slots`.
    """
    walkers.crosswalk_busy[b, :] = 0
    walkers.busy_count[b] = 0
    walkers.crosswalk_waiting[b, :] = 0
    fresh = False
    for i in range(slots.x.shape[1]):
        if not slots.valid[b, i] or slots.kind[b, i] != _PEDESTRIAN or slots.controller[b, i] != _TRAFFIC:
            continue
        if walkers.walk[b, i] < 0:
            continue
        if walkers.phase[b, i] == _WAIT and not fresh:
            update_arrivals(b, tables, slots, worlds, walkers)
            fresh = True
        gx, gy = _decide_one(b, i, tables, slots, worlds, walkers, dt)
        _move_one(b, i, gx, gy, tables, slots, walkers, broad, dt)
        if walkers.phase[b, i] == _CROSS:
            walkers.crosswalk_busy[b, walkers.crosswalk[b, i]] += 1
            walkers.busy_count[b] += 1
        elif walkers.phase[b, i] == _WAIT:
            walkers.crosswalk_waiting[b, walkers.crosswalk[b, i]] += 1
