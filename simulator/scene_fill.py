"""Fills the true Scene: ego status, drivable edges, road users; lanes and route in their own files.

Everything is in the ego frame. Edges come from the list of the grid's cell, so they end where the list ends
(RoadMap.grid_reach). Road users and edges on another level (more than LEVEL above or below) are left out.
"""

import math

import numpy as np

from simulator.scene_lanes import scene_lanes_one
from simulator.scene_route import scene_ahead_one, scene_route_one
from world.kernel import kernel
from world.queries import lane_point, wrap_angle
from world.records import SCENE_EDGES, SCENE_OBJECTS, SCENE_RANGE

LEVEL = 4.0  # [m]
TRACK_SHIFT = 20  # track = generation << TRACK_SHIFT | slot


@kernel
def _insert_near(b, k, count, size, distance2, index, near):
    """Keep the `size` nearest of what is offered, in order; equal distances keep the order of offering.

    Returns the new number of entries.
    """
    if count == size:
        if distance2 >= near.distance2[b, k, count - 1]:
            return count
        count -= 1
    at = count
    while at > 0 and near.distance2[b, k, at - 1] > distance2:
        near.distance2[b, k, at] = near.distance2[b, k, at - 1]
        near.index[b, k, at] = near.index[b, k, at - 1]
        at -= 1
    near.distance2[b, k, at], near.index[b, k, at] = distance2, index
    return count + 1


@kernel
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
def _scene_edges_one(b, k, x, y, z, c, s, map_id, tables, edges, near):
    """The nearest edge segments, by the distance of their nearest point."""
    row = tables.maps[map_id]
    gx = min(max(math.floor((x - row.x0) / row.cell), 0.0), row.nx - 1.0)
    gy = min(max(math.floor((y - row.y0) / row.cell), 0.0), row.ny - 1.0)
    cell = row.cell0 + np.int64(gx) * row.ny + np.int64(gy)
    mx, my = x - (row.x0 + (gx + 0.5) * row.cell), y - (row.y0 + (gy + 0.5) * row.cell)
    away = 2.0 * math.sqrt(mx * mx + my * my)
    count, worst = 0, SCENE_RANGE * SCENE_RANGE
    for i in range(tables.cell_edge0[cell], tables.cell_edge0[cell + 1]):
        edge = tables.edges[tables.cell_edges[i]]
        ux, uy, rx, ry = edge.bx - edge.ax, edge.by - edge.ay, x - edge.ax, y - edge.ay
        t = min(max((rx * ux + ry * uy) / max(ux * ux + uy * uy, 1e-9), 0.0), 1.0)
        rx, ry = rx - t * ux, ry - t * uy
        d2 = np.float32(rx * rx + ry * ry)
        if d2 <= worst and abs(0.5 * (edge.az + edge.bz) - z) <= LEVEL:
            count = _insert_near(b, k, count, SCENE_EDGES, d2, tables.cell_edges[i], near)
            if count == SCENE_EDGES:
                worst = near.distance2[b, k, count - 1]
        if math.sqrt(d2) - away > math.sqrt(worst):
            break  # the list goes by distance from the cell's centre
    for n in range(SCENE_EDGES):
        valid = n < count
        edges.valid[b, k, n] = valid
        edge = tables.edges[near.index[b, k, n] if valid else 0]
        for end in range(2):
            dx = (edge.ax if end == 0 else edge.bx) - x
            dy = (edge.ay if end == 0 else edge.by) - y
            edges.xy[b, k, n, end, 0] = dx * c + dy * s if valid else 0.0
            edges.xy[b, k, n, end, 1] = dy * c - dx * s if valid else 0.0


@kernel
def _scene_objects_one(b, k, x, y, z, c, s, slots, objects, near):
    """The nearest road users, by the distance of their centres."""
    count, sx, sy, sz, there = 0, slots.x, slots.y, slots.z, slots.valid
    for j in range(sx.shape[1]):
        if j != k and there[b, j] and abs(sz[b, j] - z) <= LEVEL:
            dx, dy = sx[b, j] - x, sy[b, j] - y
            d2 = dx * dx + dy * dy
            if d2 <= SCENE_RANGE * SCENE_RANGE:
                count = _insert_near(b, k, count, SCENE_OBJECTS, d2, j, near)
    for n in range(SCENE_OBJECTS):
        valid = n < count
        j = near.index[b, k, n] if valid else 0
        one = np.float32(1.0 if valid else 0.0)
        dx, dy = (slots.x[b, j] - x) * one, (slots.y[b, j] - y) * one
        vx, vy = slots.vx[b, j] * one, slots.vy[b, j] * one
        objects.xy[b, k, n, 0], objects.xy[b, k, n, 1] = dx * c + dy * s, dy * c - dx * s
        objects.velocity[b, k, n, 0], objects.velocity[b, k, n, 1] = vx * c + vy * s, vy * c - vx * s
        objects.yaw[b, k, n] = wrap_angle(slots.yaw[b, j] - slots.yaw[b, k]) * one
        objects.size[b, k, n, 0], objects.size[b, k, n, 1] = slots.length[b, j] * one, slots.width[b, j] * one
        objects.kind[b, k, n] = slots.kind[b, j] if valid else 0
        objects.track[b, k, n] = (np.int64(slots.generation[b, j]) << TRACK_SHIFT) | j if valid else 0
        objects.score[b, k, n], objects.valid[b, k, n] = one, valid


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
        piece = scene_route_one(b, k, s_on_route, judge.route_d[b, k], x, y, yaw, routes, scene.route)
        half_length = 0.5 * slots.length[b, k]
        scene_ahead_one(b, k, piece, s_on_route, half_length, map_id, worlds.light, tables, routes, scene.ahead)
        scene_lanes_one(b, k, lane, lane_s, piece, x, y, yaw, tables, routes, scene.lanes)
        _scene_edges_one(b, k, x, y, z, c, s, map_id, tables, scene.edges, scene.near)
        _scene_objects_one(b, k, x, y, z, c, s, slots, scene.objects, scene.near)
