"""Everything above the ground of one picture: what is near enough and in view, drawn with a depth test."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.camera_bodies import draw_body
from simulator.camera_frame import LIGHT0, SIGN0
from simulator.camera_polygon import darken, set_corner
from simulator.camera_props import FACE_TEXELS, HEAD_BACK, MIPS, draw_building, draw_light, draw_sign, draw_tree
from simulator.camera_street import draw_street_lamp, stand_lamps
from simulator.sign_faces import face_texture
from world.kernel import inline_kernel, kernel
from world.kinds import EdgeKind, SignKind, Turn
from world.pack import Pack
from world.roadmap import RoadMap
from world.sign_names import SIGN_NAMES, face_of, sign_limit

SIGN_ROW = np.dtype(
    [
        ("x", "f4"), ("y", "f4"), ("z", "f4"), ("ground_z", "f4"),  # [m] centre of the face, foot of the pole
        ("yaw", "f4"), ("tilt", "f4"),  # [rad] where the face looks; how it hangs, clockwise
        ("size", "f4"),  # [m] of the square that holds the face
        ("dirt", "f4"),  # factor on its colours
        ("face", "i4"),  # number in world.sign_names
    ]
)  # fmt: skip
HEAD_ROW = np.dtype([("pole_x", "f4"), ("pole_y", "f4"), ("ground_z", "f4")])  # of a light
SIGN_SIZE = 0.75  # [m]
FAR_BODY, FAR_PROP, FAR_LAMP, FAR_BUILDING = 160.0, 150.0, 110.0, 350.0  # [m] from which on things are not drawn
_SLIVER = np.float32(1.2)  # [px] of height below which things are not drawn
_LEFT, _RIGHT, _U_TURN = int(Turn.LEFT), int(Turn.RIGHT), int(Turn.U_TURN)
_TELLS = np.float32(30.0)  # [m] before a turn that it is told
_STEERS = np.float32(0.12)  # [rad] of the wheels
_MAX_SHADOW = np.float32(4.0)  # shadows are so many heights long at most


class Props(NamedTuple):
    """What stands beside the roads of one map, besides buildings and trees."""

    signs: np.ndarray  # (G,) SIGN_ROW
    heads: np.ndarray  # (T,) HEAD_ROW
    lamps: np.ndarray  # (S,) LAMP_ROW street lamps
    atlas: np.ndarray  # uint32 texels of all faces, R | G << 8 | B << 16 | alpha << 24


_ATLAS: list[NDArray[np.uint32]] = []


def sign_atlas() -> NDArray[np.uint32]:
    """All sign faces at the sizes MIPS, made once a process."""
    if not _ATLAS:
        atlas = np.zeros((len(SIGN_NAMES), FACE_TEXELS), np.uint32)
        for n in range(len(SIGN_NAMES)):
            at = 0
            for size in MIPS:
                rgba = face_texture(n, size).astype(np.uint32)
                word = rgba[:, :, 0] | rgba[:, :, 1] << 8 | rgba[:, :, 2] << 16 | rgba[:, :, 3] << 24
                atlas[n, at : at + size * size] = word.reshape(-1)
                at += size * size
        _ATLAS.append(atlas.reshape(-1))
    return _ATLAS[0]


def sign_face(kind: int, value: float) -> int:
    """Face of a sign of the map; -1: nothing that has a face of ours. Args: value: [m/s] of speed limits."""
    if kind == SignKind.SPEED_LIMIT:
        limits = [(abs(limit - value), n) for n in range(len(SIGN_NAMES)) if (limit := sign_limit(n)) is not None]
        return min(limits)[1]
    names = {
        SignKind.STOP: "stop", SignKind.YIELD: "yield", SignKind.SPEED_LIMIT_END: "end of all limits",
        SignKind.PRIORITY_ROAD: "priority road", SignKind.NO_ENTRY: "no entry",
        SignKind.PEDESTRIAN_CROSSING: "pedestrian crossing",
    }  # fmt: skip
    return face_of(names[SignKind(kind)]) if kind in names else -1


def make_props(road_map: RoadMap, extra: NDArray | None = None) -> Pack:
    """Props of a map. Args: extra: (E,) SIGN_ROW more signs; their instances follow the map's."""
    signs, heads = stand_props(road_map)
    if extra is not None:
        signs = np.concatenate([signs, extra])
    return Pack(Props(np.ascontiguousarray(signs), np.ascontiguousarray(heads), stand_lamps(road_map), sign_atlas()))


def stand_props(road_map: RoadMap) -> tuple[NDArray, NDArray]:
    """((G,) SIGN_ROW, (T,) HEAD_ROW) of what stands on a map."""
    m = road_map
    signs = np.zeros(len(m.sign_yaw), SIGN_ROW)
    faces = np.array([sign_face(int(k), float(v)) for k, v in zip(m.sign_kind, m.sign_value, strict=True)], np.int32)
    if len(signs):
        signs["x"], signs["y"], signs["z"] = m.sign_xyz.T
        signs["yaw"], signs["size"], signs["dirt"], signs["face"] = m.sign_yaw, SIGN_SIZE, 1.0, faces
        signs["ground_z"] = [_ground(m, xyz) for xyz in m.sign_xyz]
        same = signs["z"] - signs["ground_z"] > 4.0  # high above any road: a gantry; it keeps a short pole
        signs["ground_z"][same] = signs["z"][same] - 1.0
    heads = np.zeros(len(m.light_yaw), HEAD_ROW)
    kerbs = m.edge_xyz[np.isin(m.edge_kind, [EdgeKind.CURB, EdgeKind.ROAD_EDGE])].mean(axis=1)
    for n, (x, y, z) in enumerate(m.light_xyz):
        look = np.array([math.cos(m.light_yaw[n]), math.sin(m.light_yaw[n])])
        back = np.array([x, y]) - HEAD_BACK * look  # nothing that holds a head up may hide its lamps
        heads[n] = (*back, _ground(m, m.light_xyz[n]))
        if z - heads[n]["ground_z"] > 4.0 and len(kerbs):  # it hangs over the road: the pole stands beside it
            out = kerbs[:, :2] - (x, y)
            away = np.hypot(out[:, 0], out[:, 1])
            best = int(away.argmin())
            if away[best] < 14.0:
                pole = (x, y) + out[best] * (1.0 + 0.7 / max(float(away[best]), 0.5))
                heads[n]["pole_x"], heads[n]["pole_y"] = pole
    return signs, heads


def _ground(m: RoadMap, xyz: NDArray) -> float:
    """[m] height of the road nearest to a place, from below it."""
    away = np.hypot(m.point_xyz[:, 0] - xyz[0], m.point_xyz[:, 1] - xyz[1]) + 5.0 * (m.point_xyz[:, 2] > xyz[2])
    return float(m.point_xyz[int(away.argmin()), 2]) if len(away) else 0.0


@inline_kernel
def depth_in_view(camera, x, y, z, radius, width):
    """[m] depth of a sphere in front of the camera; -1 where no part of it can be in the picture."""
    dx, dy, dz = x - camera.x, y - camera.y, z - camera.z
    depth = dx * camera.rz[0] + dy * camera.rz[1] + dz * camera.rz[2]
    if depth < -radius:
        return np.float32(-1.0)
    aside = abs(dx * camera.rx[0] + dy * camera.rx[1] + dz * camera.rx[2])
    half = np.float32(0.5) * width
    out = aside * camera.f - half * max(depth, np.float32(0.0))  # no root and no division: most things end here
    if out > np.float32(0.0) and out * out > radius * radius * (camera.f * camera.f + half * half):
        return np.float32(-1.0)
    return np.float32(max(depth, np.float32(0.3)))


@kernel
def draw_shadows(canvas, b, tables, map_id, slots):
    """Darken the ground under and beside bodies, buildings and trees: by the sun, or softly under an overcast sky."""
    light, camera = canvas.light[0], canvas.camera[0]
    width = np.float32(canvas.word.shape[1])
    sunny = light.direct[0] * light.sun[2] > np.float32(0.12)
    ox, oy, factor = np.float32(0.0), np.float32(0.0), np.float32(0.6)
    if sunny:
        factor = light.ambient[0] / (light.ambient[0] + light.direct[0] * light.sun[2]) * np.float32(1.05)
        flat = max(np.float32(math.sqrt(light.sun[0] * light.sun[0] + light.sun[1] * light.sun[1])), np.float32(1e-3))
        reach = min(flat / max(light.sun[2], np.float32(0.05)), _MAX_SHADOW)
        ox, oy = -light.sun[0] / flat * reach, -light.sun[1] / flat * reach
    for i in range(slots.x.shape[1]):
        if slots.valid[b, i]:
            depth = depth_in_view(camera, slots.x[b, i], slots.y[b, i], slots.z[b, i], np.float32(8.0), width)
            if np.float32(0.0) < depth < np.float32(60.0):
                _body_shadow(canvas, b, i, slots, ox, oy, factor)
    if not sunny:
        return
    row = tables.maps[map_id]
    for i in range(row.building0, row.building1):
        s = tables.buildings[i]
        size = s.radius + s.height * np.float32(math.sqrt(ox * ox + oy * oy))
        depth = depth_in_view(camera, s.x, s.y, camera.z, size, width)
        if np.float32(0.0) < depth < np.float32(120.0):
            n = s.corner1 - s.corner0
            for k in range(n):
                p, q = tables.corners[s.corner0 + k], tables.corners[s.corner0 + (k + 1 if k + 1 < n else 0)]
                set_corner(canvas, 0, p.x, p.y, p.z)
                set_corner(canvas, 1, q.x, q.y, q.z)
                set_corner(canvas, 2, q.x + ox * s.height, q.y + oy * s.height, q.z)
                set_corner(canvas, 3, p.x + ox * s.height, p.y + oy * s.height, p.z)
                darken(canvas, 4, factor)
    for i in range(row.tree0, row.tree1):
        t = tables.trees[i]
        depth = depth_in_view(camera, t.x, t.y, t.z, t.height * _MAX_SHADOW, width)
        if np.float32(0.0) < depth < np.float32(60.0):
            cx, cy = t.x + ox * t.height * np.float32(0.65), t.y + oy * t.height * np.float32(0.65)
            for k in range(8):
                angle = np.float32(0.7854) * k
                set_corner(canvas, k, cx + t.radius * math.cos(angle), cy + t.radius * math.sin(angle), t.z)
            darken(canvas, 8, factor)


@kernel
def _body_shadow(canvas, b, i, slots, ox, oy, factor):
    """Shadow of one body: its foot, and its foot moved along the sun's rays by its height."""
    c, s = np.float32(math.cos(slots.yaw[b, i])), np.float32(math.sin(slots.yaw[b, i]))
    h = slots.height[b, i] * np.float32(0.85)
    x, y, z = slots.x[b, i], slots.y[b, i], slots.z[b, i]
    lx, ly = np.float32(0.5) * slots.length[b, i], np.float32(0.5) * slots.width[b, i]
    _shade_foot(canvas, x, y, z, lx, ly, c, s, factor)
    if ox != 0.0 or oy != 0.0:
        _shade_foot(canvas, x + ox * h, y + oy * h, z, lx * np.float32(0.8), ly * np.float32(0.8), c, s, factor)
        for k in range(4):  # what lies between them
            ax, ay = (lx if k == 0 or k == 3 else -lx), (ly if k < 2 else -ly)
            bx, by = (lx if k > 1 else -lx), (ly if k == 0 or k == 3 else -ly)
            px, py, qx, qy = x + c * ax - s * ay, y + s * ax + c * ay, x + c * bx - s * by, y + s * bx + c * by
            set_corner(canvas, 0, px, py, z)
            set_corner(canvas, 1, qx, qy, z)
            set_corner(canvas, 2, qx + ox * h, qy + oy * h, z)
            set_corner(canvas, 3, px + ox * h, py + oy * h, z)
            darken(canvas, 4, factor)


@kernel
def _shade_foot(canvas, x, y, z, lx, ly, c, s, factor):
    set_corner(canvas, 0, x + c * lx - s * ly, y + s * lx + c * ly, z)
    set_corner(canvas, 1, x - c * lx - s * ly, y - s * lx + c * ly, z)
    set_corner(canvas, 2, x - c * lx + s * ly, y - s * lx - c * ly, z)
    set_corner(canvas, 3, x + c * lx + s * ly, y + s * lx - c * ly, z)
    darken(canvas, 4, factor)


@kernel
def indicator(b, i, slots, lanes):
    """What a vehicle's indicators tell: 1 left, -1 right, 0 none. Args: lanes: LANE_ROWs of all maps.

    The turn that it makes in a junction, or soon will; else where its wheels point.
    """
    lane = slots.lane[b, i]
    if lane >= 0:
        soon = lanes[lane].length - slots.lane_s[b, i] < _TELLS
        for k in range(2 if soon else 1):
            at = slots.route_lane[b, i, k]
            if at >= 0 and lanes[at].junction >= 0:
                turn = lanes[at].turn
                return 1 if turn == _LEFT or turn == _U_TURN else (-1 if turn == _RIGHT else 0)
    steer = slots.steer[b, i]
    return 1 if steer > _STEERS else (-1 if steer < -_STEERS else 0)


@kernel
def _draw_slot(canvas, b, i, slots, tables):
    """The body in a slot, where it is in view."""
    camera, width = canvas.camera[0], np.float32(canvas.word.shape[1])
    size = np.float32(0.6) * slots.length[b, i] + np.float32(0.5)
    depth = depth_in_view(camera, slots.x[b, i], slots.y[b, i], slots.z[b, i] + np.float32(0.8), size, width)
    if np.float32(0.0) < depth < FAR_BODY and slots.height[b, i] * camera.f > _SLIVER * depth:
        draw_body(canvas, b, i, slots, depth, indicator(b, i, slots, tables.lanes))


@kernel
def _draw_head(canvas, b, n, light0, tables, lights, props):
    """Light n of the map, where it is in view."""
    t, width = tables.lights[light0 + n], np.float32(canvas.word.shape[1])
    depth = depth_in_view(canvas.camera[0], t.x, t.y, t.z, np.float32(8.0), width)
    if np.float32(0.0) < depth < FAR_PROP:
        head = props.heads[n]
        draw_light(canvas, t.x, t.y, t.z, t.yaw, head.pole_x, head.pole_y, head.ground_z, lights[b, n], n)


@kernel
def _draw_board(canvas, n, props):
    """Sign n, where it is in view."""
    camera, sign, width = canvas.camera[0], props.signs[n], np.float32(canvas.word.shape[1])
    depth = depth_in_view(camera, sign.x, sign.y, sign.z, np.float32(3.0), width)
    if sign.face >= 0 and np.float32(0.0) < depth < FAR_PROP and sign.size * camera.f > _SLIVER * depth:
        draw_sign(canvas, props.atlas, sign, SIGN0 + n)


@kernel
def draw_thing(canvas, b, instance, tables, map_id, slots, lights, props):
    """Draw one road user, light or sign as `draw_things` does, and nothing else. Args: instance: its number."""
    row = tables.maps[map_id]
    if 1 <= instance <= slots.x.shape[1]:
        if slots.valid[b, instance - 1]:
            _draw_slot(canvas, b, instance - 1, slots, tables)
    elif LIGHT0 <= instance < LIGHT0 + row.light1 - row.light0:
        _draw_head(canvas, b, instance - LIGHT0, row.light0, tables, lights, props)
    elif SIGN0 <= instance < SIGN0 + len(props.signs):
        _draw_board(canvas, instance - SIGN0, props)


@kernel
def draw_things(canvas, b, own, tables, map_id, slots, lights, props):
    """Draw all things of world b but the body in slot `own`.

    Args:
        canvas: Canvas whose ground is drawn. tables: MapTables. slots: Slots. lights: int8 (B, T) LightState.
        props: Props of the map.
    """
    camera, width = canvas.camera[0], np.float32(canvas.word.shape[1])
    for i in range(slots.x.shape[1]):
        if i != own and slots.valid[b, i]:
            _draw_slot(canvas, b, i, slots, tables)
    row = tables.maps[map_id]
    for n in range(row.light1 - row.light0):
        _draw_head(canvas, b, n, row.light0, tables, lights, props)
    for n in range(len(props.signs)):
        _draw_board(canvas, n, props)
    for n in range(len(props.lamps)):
        lamp = props.lamps[n]
        depth = depth_in_view(camera, lamp.x, lamp.y, lamp.z, np.float32(8.0), width)
        if np.float32(0.0) < depth < FAR_LAMP:
            draw_street_lamp(canvas, lamp, depth)
    for i in range(row.building0, row.building1):
        s = tables.buildings[i]
        depth = depth_in_view(camera, s.x, s.y, camera.z, s.radius, width)
        if np.float32(0.0) < depth < FAR_BUILDING:
            draw_building(canvas, tables, i, i - row.building0)
    for i in range(row.tree0, row.tree1):
        t = tables.trees[i]
        depth = depth_in_view(camera, t.x, t.y, t.z, t.height, width)
        if np.float32(0.0) < depth < FAR_PROP and t.height * camera.f > _SLIVER * 2 * depth:
            draw_tree(canvas, t, i - row.tree0, depth)
