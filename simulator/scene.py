"""The true Scene: arrays that `simulator.scene_fill.scene_world` fills; world.records.Scene shows them uncopied.

The arrays come in small groups: a kernel is handed the group that it fills, since every access to a field of a big
tuple costs time of compilation.
"""

from typing import Any, NamedTuple

import numpy as np

from world.records import (
    SCENE_EDGES,
    SCENE_LANE_POINTS,
    SCENE_LANES,
    SCENE_OBJECTS,
    SCENE_ROUTE_POINTS,
    Ahead,
    EgoStatus,
    LocalLanes,
    Objects,
    RouteAhead,
    Scene,
)


class EgoArrays(NamedTuple):
    """Arrays of records.EgoStatus."""

    SAME_SHAPE = ("size",)  # see world.pack

    pose: np.ndarray
    speed: np.ndarray
    accel: np.ndarray
    yaw_rate: np.ndarray
    steer: np.ndarray
    size: np.ndarray
    wheelbase: np.ndarray
    rear_axle: np.ndarray
    lane_offset: np.ndarray
    lane_angle: np.ndarray
    on_lane: np.ndarray


class LaneArrays(NamedTuple):
    """Arrays of records.LocalLanes, and whose they are."""

    SAME_SHAPE = True

    xy: np.ndarray
    half_width: np.ndarray
    point_valid: np.ndarray
    mark_left: np.ndarray
    mark_right: np.ndarray
    change_left: np.ndarray
    change_right: np.ndarray
    relation: np.ndarray
    yields: np.ndarray
    limit: np.ndarray
    valid: np.ndarray
    lane: np.ndarray  # int32 (B, K, L) lane of the map at the driver's height, or where it conflicts; -1 none


class NearArrays(NamedTuple):
    """What is near, sorted: scratch of the kernel."""

    SAME_SHAPE = True

    distance2: np.ndarray  # float32 (B, K, size) [m^2]
    index: np.ndarray  # int32 (B, K, size)


class EdgeArrays(NamedTuple):
    """Arrays of Scene's edges."""

    SAME_SHAPE = True

    xy: np.ndarray
    valid: np.ndarray


class ObjectArrays(NamedTuple):
    """Arrays of records.Objects."""

    SAME_SHAPE = True

    xy: np.ndarray
    yaw: np.ndarray
    velocity: np.ndarray
    size: np.ndarray
    kind: np.ndarray
    track: np.ndarray
    score: np.ndarray
    valid: np.ndarray


class RouteArrays(NamedTuple):
    """Arrays of records.RouteAhead."""

    SAME_SHAPE = True

    xy: np.ndarray
    half_width: np.ndarray
    limit: np.ndarray
    valid: np.ndarray
    command: np.ndarray
    remaining: np.ndarray
    offset: np.ndarray


class AheadArrays(NamedTuple):
    """Arrays of records.Ahead."""

    SAME_SHAPE = True

    light_state: np.ndarray
    light_distance: np.ndarray
    light_valid: np.ndarray
    stop_distance: np.ndarray
    stop_valid: np.ndarray
    yield_distance: np.ndarray
    yield_valid: np.ndarray
    crosswalk_distance: np.ndarray
    crosswalk_length: np.ndarray
    crosswalk_valid: np.ndarray


class SceneArrays(NamedTuple):
    """All arrays of a Scene."""

    SAME_SHAPE = True

    ego: EgoArrays
    lanes: LaneArrays
    edges: EdgeArrays
    objects: ObjectArrays
    route: RouteArrays
    ahead: AheadArrays
    near: NearArrays
    speed_limit: np.ndarray
    time: np.ndarray
    active: np.ndarray


_BOOL = {"on_lane", "change_left", "change_right", "yields"}
_INT8 = {"mark_left", "mark_right", "relation", "kind", "command", "light_state"}
_ONE_A_DRIVER = {"command", "remaining", "offset"}
_PAIRS = {"xy", "size", "velocity"}


def _make(group: type, shape: tuple[int, ...]) -> Any:
    """A group of arrays, each of `shape` plus what its name says."""
    arrays = {}
    for name in group._fields:  # type: ignore[attr-defined]
        own = shape[:2] if name in _ONE_A_DRIVER else shape
        if group is LaneArrays and name in ("xy", "half_width", "point_valid"):
            own += (SCENE_LANE_POINTS,)
        if group is EdgeArrays and name == "xy":
            own += (2,)
        own += (3,) if name == "pose" else (2,) if name in _PAIRS else ()
        arrays[name] = np.zeros(own, _dtype(name))
    return group(**arrays)


def _dtype(name: str) -> type:
    if name in _BOOL or name.endswith("valid"):
        return np.bool_
    if name in _INT8:
        return np.int8
    return {"track": np.int64, "lane": np.int32, "index": np.int32}.get(name, np.float32)


def make_scene(worlds: int, drivers: int) -> tuple[Scene, SceneArrays]:
    """An empty Scene of (B, K) drivers and the arrays under it; the Scene's arrays are those arrays."""
    shape = (worlds, drivers)
    arrays = SceneArrays(
        ego=_make(EgoArrays, shape),
        lanes=_make(LaneArrays, (*shape, SCENE_LANES)),
        edges=_make(EdgeArrays, (*shape, SCENE_EDGES)),
        objects=_make(ObjectArrays, (*shape, SCENE_OBJECTS)),
        route=_make(RouteArrays, (*shape, SCENE_ROUTE_POINTS)),
        ahead=_make(AheadArrays, shape),
        near=_make(NearArrays, (*shape, max(SCENE_EDGES, SCENE_OBJECTS))),
        speed_limit=np.zeros(shape, np.float32),
        time=np.zeros(shape, np.float32),
        active=np.zeros(shape, np.bool_),
    )
    arrays.lanes.lane.fill(-1)
    return scene_view(arrays), arrays


def _record(record: type, group):
    return record(**{name: getattr(group, name) for name in record.__dataclass_fields__})


def scene_view(arrays: SceneArrays) -> Scene:
    """The public record over the arrays, without a copy."""
    return Scene(
        ego=_record(EgoStatus, arrays.ego),
        lanes=_record(LocalLanes, arrays.lanes),
        edge_xy=arrays.edges.xy,
        edge_valid=arrays.edges.valid,
        objects=_record(Objects, arrays.objects),
        route=_record(RouteAhead, arrays.route),
        ahead=_record(Ahead, arrays.ahead),
        speed_limit=arrays.speed_limit,
        time=arrays.time,
        active=arrays.active,
    )
