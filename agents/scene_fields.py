"""Every array of a Scene under a flat name (`ego_speed`, `lanes_xy`, `edge_xy`, `active`): shape, type and bounds.

Made from it: the check of a Scene, its Pack for kernels, and the dictionary observation `scene`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from world.kinds import BodyKind, Command, LightState, MarkKind, Relation
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

GROUPS: dict[str, Any] = {
    "ego": EgoStatus, "lanes": LocalLanes, "objects": Objects, "route": RouteAhead, "ahead": Ahead,
}  # fmt: skip
OWN = ("edge_xy", "edge_valid", "speed_limit", "time", "active")  # arrays of the Scene itself
MAP_SIZE = 1e5  # [m] no map is larger, no route longer, no run takes more seconds
FAR = 1e4  # [m] nothing in the ego frame is further, on a map whose route is within reach
SIDE = 50.0  # [m] length or half width of anything
MAX_SPEED = 200.0  # [m/s]
MAX_ACCEL = 100.0  # [m/s^2]
MAX_TURN = 20.0  # [rad/s]
MAX_TRACK = 2.0**52
_PI = float(np.pi)


@dataclass(frozen=True)
class Field:
    """One array of a Scene, for one driver; all finite and within [low, high]."""

    shape: tuple[int, ...]
    dtype: type
    low: float
    high: float


_POINT, _LANE, _OBJECT = (SCENE_LANES, SCENE_LANE_POINTS), (SCENE_LANES,), (SCENE_OBJECTS,)
_ROUTE, _EDGE = (SCENE_ROUTE_POINTS,), (SCENE_EDGES,)


def _number(low: float, high: float, *shape: int) -> Field:
    return Field(shape, np.float32, low, high)


def _flag(*shape: int) -> Field:
    return Field(shape, np.bool_, 0, 1)


def _code(kind: Any, *shape: int) -> Field:
    return Field(shape, np.int8, 0, max(kind))


FIELDS: dict[str, Field] = {
    "ego_pose": _number(-MAP_SIZE, MAP_SIZE, 3),
    "ego_speed": _number(-MAX_SPEED, MAX_SPEED),
    "ego_accel": _number(-MAX_ACCEL, MAX_ACCEL),
    "ego_yaw_rate": _number(-MAX_TURN, MAX_TURN),
    "ego_steer": _number(-_PI, _PI),
    "ego_size": _number(0, SIDE, 2),
    "ego_wheelbase": _number(0, SIDE),
    "ego_rear_axle": _number(-SIDE, SIDE),
    "ego_lane_offset": _number(-SIDE, SIDE),
    "ego_lane_angle": _number(-_PI, _PI),
    "ego_on_lane": _flag(),
    "lanes_xy": _number(-FAR, FAR, *_POINT, 2),
    "lanes_half_width": _number(0, SIDE, *_POINT),
    "lanes_point_valid": _flag(*_POINT),
    "lanes_mark_left": _code(MarkKind, *_LANE),
    "lanes_mark_right": _code(MarkKind, *_LANE),
    "lanes_change_left": _flag(*_LANE),
    "lanes_change_right": _flag(*_LANE),
    "lanes_relation": _code(Relation, *_LANE),
    "lanes_yields": _flag(*_LANE),
    "lanes_limit": _number(0, MAX_SPEED, *_LANE),
    "lanes_valid": _flag(*_LANE),
    "objects_xy": _number(-FAR, FAR, *_OBJECT, 2),
    "objects_yaw": _number(-_PI, _PI, *_OBJECT),
    "objects_velocity": _number(-MAX_SPEED, MAX_SPEED, *_OBJECT, 2),
    "objects_size": _number(0, SIDE, *_OBJECT, 2),
    "objects_kind": _code(BodyKind, *_OBJECT),
    "objects_track": Field(_OBJECT, np.int64, 0, MAX_TRACK),
    "objects_score": _number(0, 1, *_OBJECT),
    "objects_valid": _flag(*_OBJECT),
    "route_xy": _number(-MAP_SIZE, MAP_SIZE, *_ROUTE, 2),
    "route_half_width": _number(0, SIDE, *_ROUTE),
    "route_limit": _number(0, MAX_SPEED, *_ROUTE),
    "route_valid": _flag(*_ROUTE),
    "route_command": _code(Command),
    "route_remaining": _number(-1, MAP_SIZE),
    "route_offset": _number(-MAP_SIZE, MAP_SIZE),
    "ahead_light_state": _code(LightState),
    "ahead_light_distance": _number(-FAR, FAR),
    "ahead_light_valid": _flag(),
    "ahead_stop_distance": _number(-FAR, FAR),
    "ahead_stop_valid": _flag(),
    "ahead_yield_distance": _number(-FAR, FAR),
    "ahead_yield_valid": _flag(),
    "ahead_crosswalk_distance": _number(-FAR, FAR),
    "ahead_crosswalk_length": _number(0, FAR),
    "ahead_crosswalk_valid": _flag(),
    "edge_xy": _number(-FAR, FAR, *_EDGE, 2, 2),
    "edge_valid": _flag(*_EDGE),
    "speed_limit": _number(0, MAX_SPEED),
    "time": _number(0, MAP_SIZE),
    "active": _flag(),
}


def scene_arrays(scene: Scene) -> dict[str, NDArray[Any]]:
    """All arrays of a Scene by their flat names: views, not copies."""
    named = {
        f"{group}_{field}": getattr(getattr(scene, group), field)
        for group, record in GROUPS.items()
        for field in record.__dataclass_fields__
    }
    return named | {name: getattr(scene, name) for name in OWN}


def scene_of(arrays: dict[str, NDArray[Any]]) -> Scene:
    """The Scene over arrays by flat names: the inverse of `scene_arrays`."""
    parts: dict[str, Any] = {
        group: record(**{field: arrays[f"{group}_{field}"] for field in record.__dataclass_fields__})
        for group, record in GROUPS.items()
    }
    parts.update({name: arrays[name] for name in OWN})
    return Scene(**parts)


def empty_scene(worlds: int, drivers: int) -> Scene:
    """A Scene in which nobody takes part."""
    return scene_of({name: np.zeros((worlds, drivers, *f.shape), f.dtype) for name, f in FIELDS.items()})


def check_scene(scene: Scene) -> tuple[int, int]:
    """(B, K) of a Scene.

    Raises:
        ValueError: an array has another type or shape than world.records says.
    """
    lead = scene.active.shape
    if len(lead) != 2:
        raise ValueError(f"Scene: active has shape {lead}, expected (worlds, drivers)")
    for name, array in scene_arrays(scene).items():
        field = FIELDS[name]
        if array.dtype != field.dtype or array.shape != (*lead, *field.shape):
            raise ValueError(
                f"Scene: {name} is {array.dtype} of shape {array.shape}, expected {np.dtype(field.dtype)} of shape "
                f"{(*lead, *field.shape)}"
            )
    return lead[0], lead[1]
