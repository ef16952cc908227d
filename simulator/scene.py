"""The true Scene: arrays that `simulator.scene_fill.scene_world` fills; world.records.Scene shows them uncopied."""

from typing import NamedTuple

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


class SceneArrays(NamedTuple):
    """Every array of a Scene, flat, in the order of the records; names are `<part>_<field>` (see world.records)."""

    ego_pose: np.ndarray
    ego_speed: np.ndarray
    ego_accel: np.ndarray
    ego_yaw_rate: np.ndarray
    ego_steer: np.ndarray
    ego_size: np.ndarray
    ego_wheelbase: np.ndarray
    ego_rear_axle: np.ndarray
    ego_lane_offset: np.ndarray
    ego_lane_angle: np.ndarray
    ego_on_lane: np.ndarray
    lane_xy: np.ndarray
    lane_half_width: np.ndarray
    lane_point_valid: np.ndarray
    lane_mark_left: np.ndarray
    lane_mark_right: np.ndarray
    lane_change_left: np.ndarray
    lane_change_right: np.ndarray
    lane_relation: np.ndarray
    lane_yields: np.ndarray
    lane_limit: np.ndarray
    lane_valid: np.ndarray
    edge_xy: np.ndarray
    edge_valid: np.ndarray
    object_xy: np.ndarray
    object_yaw: np.ndarray
    object_velocity: np.ndarray
    object_size: np.ndarray
    object_kind: np.ndarray
    object_track: np.ndarray
    object_score: np.ndarray
    object_valid: np.ndarray
    route_xy: np.ndarray
    route_half_width: np.ndarray
    route_limit: np.ndarray
    route_valid: np.ndarray
    route_command: np.ndarray
    route_remaining: np.ndarray
    route_offset: np.ndarray
    ahead_light_state: np.ndarray
    ahead_light_distance: np.ndarray
    ahead_light_valid: np.ndarray
    ahead_stop_distance: np.ndarray
    ahead_stop_valid: np.ndarray
    ahead_yield_distance: np.ndarray
    ahead_yield_valid: np.ndarray
    ahead_crosswalk_distance: np.ndarray
    ahead_crosswalk_length: np.ndarray
    ahead_crosswalk_valid: np.ndarray
    speed_limit: np.ndarray
    time: np.ndarray
    active: np.ndarray
    # Scratch of the kernel
    lane_id: np.ndarray  # int32 (B, K, L) lane of each local lane at the driver's height (or at the conflict)
    near: np.ndarray  # float32 (B, K, max(E, O)) [m^2] sorted distances
    near_id: np.ndarray  # int32 (B, K, max(E, O))


_BOOL = {"ego_on_lane", "active", "ahead_light_valid", "ahead_stop_valid", "ahead_yield_valid", "ahead_crosswalk_valid"}
_BOOL |= {"lane_change_left", "lane_change_right", "lane_yields"}
_INT8 = {"lane_mark_left", "lane_mark_right", "lane_relation", "object_kind", "route_command", "ahead_light_state"}
_PAIRS = {"ego_size", "lane_xy", "edge_xy", "object_xy", "object_velocity", "object_size", "route_xy"}
_LANE_POINTS = {"lane_xy", "lane_half_width", "lane_point_valid"}


def _shape(name: str) -> tuple[int, ...]:
    """Dims of a field after (B, K)."""
    part = name.split("_")[0]
    dims: tuple[int, ...] = {
        "lane": (SCENE_LANES,), "edge": (SCENE_EDGES,), "object": (SCENE_OBJECTS,), "route": (SCENE_ROUTE_POINTS,)
    }.get(part, ())  # fmt: skip
    if name in _LANE_POINTS:
        dims += (SCENE_LANE_POINTS,)
    if name in ("route_command", "route_remaining", "route_offset"):
        dims = ()
    if name == "edge_xy":
        dims += (2,)
    if name == "ego_pose":
        dims = (3,)
    if name in ("near", "near_id"):
        dims = (max(SCENE_EDGES, SCENE_OBJECTS),)
    return dims + ((2,) if name in _PAIRS else ())


def _dtype(name: str) -> type:
    if name in _BOOL or name.endswith("_valid"):
        return np.bool_
    if name in _INT8:
        return np.int8
    if name in ("lane_id", "near_id"):
        return np.int32
    return np.int64 if name == "object_track" else np.float32


def make_scene(worlds: int, drivers: int) -> tuple[Scene, SceneArrays]:
    """An empty Scene of (B, K) drivers and the arrays under it; the Scene's arrays are those arrays."""
    arrays = SceneArrays(**{n: np.zeros((worlds, drivers, *_shape(n)), _dtype(n)) for n in SceneArrays._fields})
    return scene_view(arrays), arrays


def _part(record: type, prefix: str, arrays: SceneArrays):
    return record(**{name: getattr(arrays, f"{prefix}_{name}") for name in record.__dataclass_fields__})


def scene_view(arrays: SceneArrays) -> Scene:
    """The public record over the arrays, without a copy."""
    return Scene(
        ego=_part(EgoStatus, "ego", arrays),
        lanes=_part(LocalLanes, "lane", arrays),
        edge_xy=arrays.edge_xy,
        edge_valid=arrays.edge_valid,
        objects=_part(Objects, "object", arrays),
        route=_part(RouteAhead, "route", arrays),
        ahead=_part(Ahead, "ahead", arrays),
        speed_limit=arrays.speed_limit,
        time=arrays.time,
        active=arrays.active,
    )
