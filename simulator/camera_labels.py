"""Exact labels of a rendered picture: boxes of road users, lights and signs; boundaries of the lanes."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.camera import Picture
from simulator.camera_alone import pixels_alone
from simulator.camera_frame import LIGHT0, SIGN0
from simulator.camera_pose import body_axes, road_slope
from simulator.camera_props import HEAD_DEPTH, HEAD_HEIGHT, HEAD_WIDTH
from world.camera import CameraSpec, distort, undistort
from world.camera_labels import LINE_SLOTS, NEAR_PLANE, BoxLabels, LineLabels, box_corners
from world.camera_tags import LineKind, ThingKind
from world.kinds import BodyKind, LaneKind, MarkKind
from world.lane_arrays import DRIVABLE_KINDS, wrap
from world.pack import Pack
from world.roadmap import RoadMap

if TYPE_CHECKING:
    from simulator.engine import Engine

LABEL_RANGE = 120.0  # [m] beyond which nothing is labelled
LINE_RANGE = 80.0  # [m] along the lane
LINE_STEP = 1.0  # [m]
_SEEN_FROM = 0.15  # cosine between a face and the way to the camera from which on it is seen
_EDGES = np.array([(a, a | bit) for bit in (1, 2, 4) for a in range(8) if not a & bit])  # (12, 2) of box_corners
_PIECES = 16  # of an edge, which a lens with distortion bends


def label_boxes(
    engine: "Engine", b: int, slot: int, spec: CameraSpec, picture: Picture, props: Pack,
    weather: Mapping[str, float] | None = None, seed: int | None = None,
) -> BoxLabels:  # fmt: skip
    """Boxes of what is in the view of a camera on the vehicle in a slot.

    Args:
        picture: what `CameraRenderer.render` gave for this camera and this state. props: of the world's map.
        weather, seed: what `render` was given; they tell which shapes the things have.
    """
    things = _things(engine, b, slot, props)
    corners = things.pop("corners")
    px, depth = spec.project(corners)
    ahead = depth > NEAR_PLANE
    some = ahead.any(axis=1)
    corners, ahead, px = corners[some], ahead[some], px[some]
    things = {name: value[some] for name, value in things.items()}
    whole = np.concatenate([px.min(axis=1), px.max(axis=1)], axis=1)
    box = whole.copy()
    cut = ~ahead.all(axis=1)
    whole[cut], box[cut] = _boxes_beyond(corners[cut], spec)
    box[:, 0::2] = box[:, 0::2].clip(-0.5, spec.width - 0.5)
    box[:, 1::2] = box[:, 1::2].clip(-0.5, spec.height - 0.5)
    away = np.linalg.norm(things["xyz"], axis=1)
    inside = ((box[:, 2:] - box[:, :2]) > 0.3).all(axis=1) & (away < LABEL_RANGE)
    order = np.flatnonzero(inside)[np.argsort(away[inside], kind="stable")]
    things = {name: value[order] for name, value in things.items()}
    box, whole = box[order], whole[order]
    count = np.bincount(picture.instance.reshape(-1), minlength=1 << 16)[things["instance"]]
    alone = pixels_alone(engine, b, slot, spec, props, things["instance"] * (count > 0), weather, seed)
    visible = np.minimum(count / np.maximum(alone, 1.0), 1.0).astype(np.float32)
    return BoxLabels(
        kind=things["kind"].astype(np.int8), body=things["body"].astype(np.int8), box=box.astype(np.float32),
        whole=whole.astype(np.float32), visible=visible, xyz=things["xyz"].astype(np.float32),
        size=things["size"].astype(np.float32), yaw=things["yaw"].astype(np.float32),
        velocity=things["velocity"].astype(np.float32), state=things["state"].astype(np.int8),
        face=things["face"].astype(np.int16), instance=things["instance"].astype(np.uint16),
    )  # fmt: skip


def _boxes_beyond(corners: NDArray[np.float64], spec: CameraSpec) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """((C, 4), (C, 4)) [px] `whole` and `box` of things of which a part is nearer than NEAR_PLANE, and a part is not.

    What is beyond the plane is convex, and so is its outline: the hull of its projected corners.

    Args:
        corners: (C, 8, 3) [m] body frame, of `box_corners`.
    """
    at = (corners - (spec.x, spec.y, spec.z)) @ spec.camera_from_body.T
    a, b = at[:, _EDGES[:, 0]], at[:, _EDGES[:, 1]]
    off, after = a[..., 2] - NEAR_PLANE, b[..., 2] - NEAR_PLANE
    crosses = (off > 0.0) != (after > 0.0)
    part = off / np.where(crosses, off - after, 1.0)
    points = np.concatenate((at, a + part[..., None] * (b - a)), axis=1)  # (C, 20, 3)
    real = np.concatenate((at[..., 2] > NEAR_PLANE, crosses), axis=1)[..., None]
    plane = points[..., :2] / np.where(real, points[..., 2:], 1.0)
    low, high = np.where(real, plane, np.inf).min(axis=1), np.where(real, plane, -np.inf).max(axis=1)
    whole = np.concatenate((low, high), axis=1) * spec.focal + np.tile(spec.centre, 2)
    view = _view(spec)
    box = np.zeros_like(whole)  # nothing of it in the picture: a box without size
    for c in np.flatnonzero((low < view[1]).all(axis=1) & (high > view[0]).all(axis=1)):
        seen = _seen_part(plane[c, real[c, :, 0]], spec)
        if len(seen):
            box[c] = *seen.min(axis=0), *seen.max(axis=0)
            # a lens may throw an edge further out than none does
            whole[c, :2] = np.minimum(whole[c, :2], box[c, :2])
            whole[c, 2:] = np.maximum(whole[c, 2:], box[c, 2:])
    return whole, box


def _seen_part(plane: NDArray[np.float64], spec: CameraSpec) -> NDArray[np.float64]:
    """(m, 2) [px] corners of the part of a convex outline that is in the picture.

    Args:
        plane: (n, 2) points whose hull it is, over depth 1, without distortion.
    """
    hull = np.asarray(cv2.convexHull(plane.astype(np.float32), returnPoints=False), np.intp).reshape(-1)
    outline = _inside(plane[hull], *_view(spec))
    if any(spec.distortion):  # only now: what is far beyond the picture would be folded back into it
        after, t = np.roll(outline, -1, axis=0), np.linspace(0.0, 1.0, _PIECES, endpoint=False)[:, None]
        outline = (outline[:, None] + t * (after - outline)[:, None]).reshape(-1, 2)
    px = distort(outline, spec.distortion) * spec.focal + spec.centre
    return _inside(px, np.array((-0.5, -0.5)), np.array((spec.width - 0.5, spec.height - 0.5)))


def _inside(outline: NDArray[np.float64], low: NDArray, high: NDArray) -> NDArray[np.float64]:
    """(m, 2) corners of the part of an outline (n, 2) within a box (Sutherland and Hodgman, 1974)."""
    for axis, sign, limit in ((0, 1.0, low[0]), (0, -1.0, high[0]), (1, 1.0, low[1]), (1, -1.0, high[1])):
        off = sign * (outline[:, axis] - limit)
        next_off = np.roll(off, -1)
        crosses = (off >= 0.0) != (next_off >= 0.0)
        part = off / np.where(crosses, off - next_off, 1.0)
        met = outline + part[:, None] * (np.roll(outline, -1, axis=0) - outline)
        outline = np.stack((outline, met), axis=1)[np.stack((off >= 0.0, crosses), axis=1)]
    return outline


@lru_cache(maxsize=64)
def _view(spec: CameraSpec) -> NDArray[np.float64]:
    """(2, 2) least and greatest x, y over depth 1 of the rays of a picture, without distortion."""
    u, v = np.linspace(-0.5, spec.width - 0.5, 33), np.linspace(-0.5, spec.height - 0.5, 33)
    edge = [(u, 0 * u + y) for y in v[[0, -1]]] + [(0 * v + x, v) for x in u[[0, -1]]]
    px = np.concatenate([np.stack(side, axis=1) for side in edge])
    rays = undistort((px - spec.centre) / spec.focal, spec.distortion)
    return np.stack((rays.min(axis=0), rays.max(axis=0)))


def _things(engine: "Engine", b: int, slot: int, props: Pack) -> dict[str, NDArray]:
    """All bodies, lights and signs of a world in the body frame of the vehicle in a slot."""
    state, bodies = engine.state, engine.bodies
    valid = state.valid[b].copy()
    valid[slot] = False
    i = np.flatnonzero(valid)
    height = bodies.height[b, i].astype(np.float64)
    kind = bodies.kind[b, i]
    cyclist = (kind == BodyKind.BICYCLE) | (kind == BodyKind.MOTORCYCLE)
    thing = np.where(kind == BodyKind.PEDESTRIAN, ThingKind.PEDESTRIAN, ThingKind.VEHICLE)
    users = {
        "kind": np.where(cyclist, ThingKind.CYCLIST, thing), "body": kind,
        "xyz": np.stack((state.x[b, i], state.y[b, i], state.z[b, i] + 0.5 * height), axis=1).astype(np.float64),
        "size": np.stack((bodies.length[b, i], bodies.width[b, i], height), axis=1).astype(np.float64),
        "yaw": state.yaw[b, i].astype(np.float64), "velocity": np.stack((state.vx[b, i], state.vy[b, i]), axis=1),
        "state": np.full(len(i), -1), "face": np.full(len(i), -1), "instance": 1 + i,
    }  # fmt: skip
    parts = [users, _lights(engine, b), _signs(props)]
    all_things = {name: np.concatenate([part[name] for part in parts]) for name in users}
    foot, axes = _frame(engine, b, slot)
    all_things["corners"] = (box_corners(all_things["xyz"], all_things["size"], all_things["yaw"]) - foot) @ axes
    all_things["xyz"] = (all_things["xyz"] - foot) @ axes
    all_things["velocity"] = all_things["velocity"] @ axes[:2, :2]
    all_things["yaw"] = wrap(all_things["yaw"] - float(state.yaw[b, slot]))
    hidden = _turned_away(all_things)
    all_things["state"] = np.where(hidden, -1, all_things["state"])
    all_things["face"] = np.where(hidden, -1, all_things["face"])
    return all_things


def _frame(engine: "Engine", b: int, slot: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """((3,) [m] the body frame's origin, (3, 3) world_from_body) of a vehicle; it tilts with the road."""
    x, y, z, yaw = (float(getattr(engine.state, n)[b, slot]) for n in ("x", "y", "z", "yaw"))
    return np.array([x, y, z]), body_axes(yaw, road_slope(engine.model, b, slot))


def _turned_away(things: dict[str, NDArray]) -> NDArray[np.bool_]:
    """Whether the face of a light or a sign is not seen from the vehicle."""
    xyz = things["xyz"]
    away = np.maximum(np.linalg.norm(xyz[:, :2], axis=1), 1e-6)
    toward = -(xyz[:, 0] * np.cos(things["yaw"]) + xyz[:, 1] * np.sin(things["yaw"])) / away
    return toward < _SEEN_FROM


def _lights(engine: "Engine", b: int) -> dict[str, NDArray]:
    road_map = engine.maps.maps[int(engine.state.map_id[b])]
    n = len(road_map.light_yaw)
    xyz = road_map.light_xyz.astype(np.float64)
    yaw = road_map.light_yaw.astype(np.float64)
    centre = xyz - 0.5 * HEAD_DEPTH * np.stack((np.cos(yaw), np.sin(yaw), np.zeros(n)), axis=1)
    return {
        "kind": np.full(n, ThingKind.LIGHT), "body": np.full(n, -1), "xyz": centre,
        "size": np.tile([HEAD_DEPTH, HEAD_WIDTH, HEAD_HEIGHT], (n, 1)), "yaw": yaw, "velocity": np.zeros((n, 2)),
        "state": engine.state.light[b, :n].astype(int), "face": np.full(n, -1), "instance": LIGHT0 + np.arange(n),
    }  # fmt: skip


def _signs(props: Pack) -> dict[str, NDArray]:
    rows = props.signs
    which = np.flatnonzero(rows["face"] >= 0)
    rows, n = rows[which], len(which)
    size = np.stack((np.full(n, 0.03), rows["size"], rows["size"]), axis=1).astype(np.float64)
    return {
        "kind": np.full(n, ThingKind.SIGN), "body": np.full(n, -1),
        "xyz": np.stack((rows["x"], rows["y"], rows["z"]), axis=1).astype(np.float64), "size": size,
        "yaw": rows["yaw"].astype(np.float64), "velocity": np.zeros((n, 2)), "state": np.full(n, -1),
        "face": rows["face"].astype(int), "instance": SIGN0 + which,
    }  # fmt: skip


def label_lines(
    engine: "Engine", b: int, slot: int, spec: CameraSpec, picture: Picture, follow: NDArray[np.int32] | None = None
) -> LineLabels:
    """The four boundaries of the lane that a vehicle is in and of its neighbours; LINE_SLOTS lines or none.

    Args:
        follow: lanes of the map in the order that the vehicle will take; None: straight on at each fork.
    """
    model, m = engine.model, engine.maps.maps[int(engine.state.map_id[b])]
    base = int(model.tables.maps[int(engine.state.map_id[b])]["lane0"])
    lane, s = int(model.slots.lane[b, slot]) - base, float(model.slots.lane_s[b, slot])
    points = int(LINE_RANGE / LINE_STEP)
    shape = (LINE_SLOTS, points)
    kind, mark, color = np.zeros(shape, np.int8), np.zeros(shape, np.int8), np.zeros(shape, np.int8)
    xyz, exists = np.zeros((*shape, 3)), np.zeros(shape, np.bool_)
    if lane >= 0:
        for p, (at, along) in enumerate(_walk(m, lane, s, points, follow)):
            _station(m, at, along, p, xyz, exists, kind, mark, color)
    foot, axes = _frame(engine, b, slot)
    xyz = (xyz - foot) @ axes
    xyz[~exists] = 0.0
    px, depth = spec.project(xyz)
    inside = (px > -0.5).all(axis=-1) & (px[..., 0] < spec.width - 0.5) & (px[..., 1] < spec.height - 0.5)
    valid = exists & inside & (depth > 0.5)
    u, v = (np.where(valid, px[..., i], 0.0).round().astype(int) for i in (0, 1))
    seen = valid & (np.abs(picture.inverse_depth[v, u] * np.where(valid, depth, 1.0) - 1.0) < 0.12)
    first = np.where(exists.any(axis=1), exists.argmax(axis=1), 0)
    row = np.arange(LINE_SLOTS)
    return LineLabels(
        slot=row.astype(np.int8), kind=kind[row, first], mark=mark[row, first], color=color[row, first],
        xyz=xyz.astype(np.float32), px=np.where(valid[..., None], px, 0.0).astype(np.float32), valid=valid, seen=seen,
    )  # fmt: skip


def _walk(m: RoadMap, lane: int, s: float, points: int, follow: NDArray[np.int32] | None):
    """(lane, s [m]) every LINE_STEP along a lane and what follows it."""
    way = [] if follow is None else [int(n) for n in follow]
    for _ in range(points):
        while s > m.lane_length[lane]:
            s -= float(m.lane_length[lane])
            after = m.successor[m.successor_start[lane] : m.successor_start[lane + 1]]
            if not len(after):
                return
            chosen = [int(n) for n in after if int(n) in way]
            lane = chosen[0] if chosen else _straightest(m, lane, after)
        yield lane, s
        s += LINE_STEP


def _straightest(m: RoadMap, lane: int, after: NDArray[np.int32]) -> int:
    heading = m.point_heading[m.lane_start[lane + 1] - 1]
    turns = [abs(wrap(m.point_heading[m.lane_start[n + 1] - 1] - heading)) for n in after]
    return int(after[int(np.argmin(turns))])


def _point(m: RoadMap, lane: int, s: float) -> tuple[int, float]:
    """(first lane point, part of the way to the next) of a place along a lane."""
    n = int(m.lane_start[lane + 1] - m.lane_start[lane])
    k = min(int(s / float(m.lane_step[lane])), n - 2)
    return int(m.lane_start[lane]) + k, min(max(s / float(m.lane_step[lane]) - k, 0.0), 1.0)


def _station(m: RoadMap, lane: int, s: float, p: int, xyz: NDArray, exists: NDArray, kind: NDArray, mark: NDArray,
             color: NDArray) -> None:  # fmt: skip
    """Boundaries at one place along the lane."""
    i, u = _point(m, lane, s)
    centre = (1.0 - u) * m.point_xyz[i] + u * m.point_xyz[i + 1]
    turn = wrap(m.point_heading[i + 1] - m.point_heading[i])
    heading = m.point_heading[i] + u * turn
    half = 0.5 * ((1.0 - u) * m.point_width[i] + u * m.point_width[i + 1])
    side = np.array([-np.sin(heading), np.cos(heading), 0.0])
    part = s / max(float(m.lane_length[lane]), 0.1)
    left, right, opposite = int(m.lane_left[lane]), int(m.lane_right[lane]), int(m.lane_opposite[lane])
    found = [
        (1, half, m.point_mark_left[i], m.point_color_left[i]),
        (2, -half, m.point_mark_right[i], m.point_color_right[i]),
    ]
    if left >= 0 and m.lane_kind[left] in DRIVABLE_KINDS:
        j, _ = _point(m, left, part * float(m.lane_length[left]))
        found.append((0, half + float(m.point_width[j]), m.point_mark_left[j], m.point_color_left[j]))
    elif opposite >= 0:
        j, _ = _point(m, opposite, (1.0 - part) * float(m.lane_length[opposite]))
        found.append((0, half + float(m.point_width[j]), m.point_mark_right[j], m.point_color_right[j]))
    if right >= 0 and m.lane_kind[right] in DRIVABLE_KINDS:
        j, _ = _point(m, right, part * float(m.lane_length[right]))
        found.append((3, -half - float(m.point_width[j]), m.point_mark_right[j], m.point_color_right[j]))
    for slot, offset, look, hue in found:
        if look == MarkKind.NONE and m.lane_junction[lane] >= 0:
            continue
        if look == MarkKind.NONE and slot in (1, 2) and (left if slot == 1 else right) >= 0:
            neighbour = left if slot == 1 else right
            if m.lane_kind[neighbour] in DRIVABLE_KINDS and m.lane_kind[neighbour] != LaneKind.SIDEWALK:
                continue  # two lanes without a mark between them
        edge = look in (MarkKind.NONE, MarkKind.CURB, MarkKind.GRASS, MarkKind.EDGE)
        xyz[slot, p] = centre + offset * side
        exists[slot, p] = True
        kind[slot, p] = LineKind.KERB if edge else LineKind.PAINT
        mark[slot, p], color[slot, p] = look, hue
