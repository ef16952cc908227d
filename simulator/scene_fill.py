"""Fills the true Scene: ego status, drivable edges, road users; lanes and route in their own files.

Everything is in the ego frame. Edges come from the list of the grid's cell, so they end where the list ends
(RoadMap.grid_reach). Road users and edges on another level (more than LEVEL above or below) are left out.
"""

import math

import numpy as np

from simulator.scene_lanes import scene_lanes_one
from simulator.scene_route import scene_ahead_one, scene_route_one
from world.kernel import inline_kernel, kernel
from world.queries import lane_point, wrap_angle
from world.records import SCENE_EDGES, SCENE_OBJECTS, SCENE_RANGE

LEVEL = 4.0  # [m]
TRACK_SHIFT = 20  # track = generation << TRACK_SHIFT | slot


@inline_kernel
def _insert_near(count, size, distance2, index, near2, near_index):
    """Keep the `size` nearest of what is offered, in order; equal distances keep the order of offering.

    Args: near2, near_index: a driver's rows of NearArrays.

    Returns the new number of entries.
    """
    if count == size:
        if distance2 >= near2[count - 1]:
            return count
        count -= 1
    at = count
    while at > 0 and near2[at - 1] > distance2:
        near2[at] = near2[at - 1]
        near_index[at] = near_index[at - 1]
        at -= 1
    near2[at], near_index[at] = distance2, index
    return count + 1


@inline_kernel
def _scene_ego_one(b, k, lane, lane_s, lane_d, tables, slots, ego):
    """Fill EgoStatus of driver k. Returns the speed limit [m/s] of its lane."""
    ego.pose[b, k, 0], ego.pose[b, k, 1] = slots.x[b, k], slots.y[b, k]
    ego.pose[b, k, 2] = slots.yaw[b, k]
    ego.speed[b, k], ego.accel[b, k] = slots.speed[b, k], slots.accel[b, k]
    ego.yaw_rate[b, k], ego.steer[b, k] = slots.yaw_rate[b, k], slots.steer[b, k]
    ego.size[b, k, 0], ego.size[b, k, 1] = slots.length[b, k], slots.width[b, k]
    ego.wheelbase[b, k], ego.rear_axle[b, k] = slots.wheelbase[b, k], slots.rear_axle[b, k]
    ego.lane_offset[b, k] = ego.lane_angle[b, k] = 0.0
    ego.on_lane[b, k] = False
    if lane < 0:
        return np.float32(0.0)
    _, _, _, heading, _, width, limit = lane_point(tables, lane, lane_s)
    angle = wrap_angle(slots.yaw[b, k] - heading)
    if abs(lane_d) <= 0.5 * width and abs(angle) < 0.5 * math.pi:
        ego.lane_offset[b, k], ego.lane_angle[b, k] = lane_d, angle
        ego.on_lane[b, k] = True
    return limit


@kernel
def _near_edges(b, k, x, y, z, map_id, tables, near):
    """Put the nearest edge segments into `near`, by the distance of their nearest point. Returns how many."""
    row = tables.maps[map_id]
    gx = min(max(math.floor((x - row.x0) / row.cell), 0.0), row.nx - 1.0)
    gy = min(max(math.floor((y - row.y0) / row.cell), 0.0), row.ny - 1.0)
    cell = row.cell0 + np.int64(gx) * row.ny + np.int64(gy)
    mx, my = x - (row.x0 + (gx + 0.5) * row.cell), y - (row.y0 + (gy + 0.5) * row.cell)
    away = 2.0 * math.sqrt(mx * mx + my * my)
    near2, near_index = near.distance2[b, k], near.index[b, k]
    count, worst = 0, SCENE_RANGE * SCENE_RANGE
    end = (SCENE_RANGE + away) * (SCENE_RANGE + away)
    for i in range(tables.cell_edge0[cell], tables.cell_edge0[cell + 1]):
        edge = tables.edges[tables.cell_edges[i]]
        ux, uy, rx, ry = edge.bx - edge.ax, edge.by - edge.ay, x - edge.ax, y - edge.ay
        along, whole = rx * ux + ry * uy, max(ux * ux + uy * uy, 1e-9)
        t = 0.0 if along <= 0.0 else (1.0 if along >= whole else along / whole)  # most are seen end on
        rx, ry = rx - t * ux, ry - t * uy
        d2 = np.float32(rx * rx + ry * ry)
        if d2 <= worst and abs(0.5 * (edge.az + edge.bz) - z) <= LEVEL:
            count = _insert_near(count, SCENE_EDGES, d2, tables.cell_edges[i], near2, near_index)
            if count == SCENE_EDGES:
                worst = near2[count - 1]
                end = (math.sqrt(worst) + away) * (math.sqrt(worst) + away)
        if d2 > end:
            break  # the list goes by distance from the cell's centre
    return count


@inline_kernel
def _scene_edges_one(b, k, x, y, z, c, s, map_id, tables, edges, near):
    """The nearest edge segments."""
    count = _near_edges(b, k, x, y, z, map_id, tables, near)
    xy, valid, near_index = edges.xy[b, k], edges.valid[b, k], near.index[b, k]
    for n in range(count):
        edge = tables.edges[near_index[n]]
        ax, ay, bx, by = edge.ax - x, edge.ay - y, edge.bx - x, edge.by - y
        xy[n, 0, 0], xy[n, 0, 1] = ax * c + ay * s, ay * c - ax * s
        xy[n, 1, 0], xy[n, 1, 1] = bx * c + by * s, by * c - bx * s
        valid[n] = True
    for n in range(count, valid.shape[0]):
        if not valid[n]:
            break  # nothing from here on
        valid[n] = False
        xy[n, 0, 0] = xy[n, 0, 1] = xy[n, 1, 0] = xy[n, 1, 1] = 0.0


@kernel
def _clear_objects(b, k, first, objects):
    """Empty the places of objects from `first` to the end of those filled."""
    for n in range(first, objects.valid.shape[2]):
        if not objects.valid[b, k, n]:
            break
        objects.xy[b, k, n, 0] = objects.xy[b, k, n, 1] = 0.0
        objects.velocity[b, k, n, 0] = objects.velocity[b, k, n, 1] = 0.0
        objects.size[b, k, n, 0] = objects.size[b, k, n, 1] = 0.0
        objects.yaw[b, k, n] = objects.score[b, k, n] = 0.0
        objects.kind[b, k, n], objects.track[b, k, n], objects.valid[b, k, n] = 0, 0, False


@inline_kernel
def _scene_objects_one(b, k, x, y, z, c, s, slots, objects, near):
    """The nearest road users, by the distance of their centres."""
    count, near2, near_index = 0, near.distance2[b, k], near.index[b, k]
    for j in range(slots.x.shape[1]):
        if j != k and slots.valid[b, j]:
            dx, dy = slots.x[b, j] - x, slots.y[b, j] - y
            d2 = dx * dx + dy * dy
            if d2 <= SCENE_RANGE * SCENE_RANGE and abs(slots.z[b, j] - z) <= LEVEL:
                count = _insert_near(count, SCENE_OBJECTS, d2, j, near2, near_index)
    for n in range(count):
        j = near_index[n]
        dx, dy = slots.x[b, j] - x, slots.y[b, j] - y
        vx, vy = slots.vx[b, j], slots.vy[b, j]
        objects.xy[b, k, n, 0], objects.xy[b, k, n, 1] = dx * c + dy * s, dy * c - dx * s
        objects.velocity[b, k, n, 0], objects.velocity[b, k, n, 1] = vx * c + vy * s, vy * c - vx * s
        objects.yaw[b, k, n] = wrap_angle(slots.yaw[b, j] - slots.yaw[b, k])
        objects.size[b, k, n, 0], objects.size[b, k, n, 1] = slots.length[b, j], slots.width[b, j]
        objects.kind[b, k, n] = slots.kind[b, j]
        objects.track[b, k, n] = (np.int64(slots.generation[b, j]) << TRACK_SHIFT) | j
        objects.score[b, k, n], objects.valid[b, k, n] = 1.0, True
    _clear_objects(b, k, count, objects)


@kernel
def scene_world(b, tables, slots, worlds, routes, judge, scene, dt):
    """Fill the SceneArrays of the drivers of world b; judge.route_s and judge.lane are those of the present state.

    A driver that takes no part (done, or its slot is empty) has active false; its other fields keep their last values.
    """
    map_id = worlds.map_id[b]
    for k in range(scene.active.shape[1]):
        scene.time[b, k] = worlds.step[b] * dt
        scene.active[b, k] = judge.active[b, k] and slots.valid[b, k]
        if not scene.active[b, k]:
            continue
        x, y, z, yaw = slots.x[b, k], slots.y[b, k], slots.z[b, k], slots.yaw[b, k]
        c, s = np.float32(math.cos(yaw)), np.float32(math.sin(yaw))
        lane, lane_s, s_on_route = judge.lane[b, k], judge.lane_s[b, k], judge.route_s[b, k]
        scene.speed_limit[b, k] = _scene_ego_one(b, k, lane, lane_s, judge.lane_d[b, k], tables, slots, scene.ego)
        near = judge.piece[b, k]
        piece = scene_route_one(b, k, s_on_route, judge.route_d[b, k], near, x, y, c, s, routes, scene.route)
        half_length = 0.5 * slots.length[b, k]
        scene_ahead_one(b, k, piece, s_on_route, half_length, map_id, worlds.light, tables, routes, scene.ahead)
        scene_lanes_one(b, k, lane, lane_s, piece, x, y, c, s, tables, routes, scene.lanes)
        _scene_edges_one(b, k, x, y, z, c, s, map_id, tables, scene.edges, scene.near)
        _scene_objects_one(b, k, x, y, z, c, s, slots, scene.objects, scene.near)
