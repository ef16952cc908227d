"""The parts of a Scene that the planner reads, as rows of structured arrays.

Kernels take one driver's row as one pointer.
"""

from typing import NamedTuple

import numpy as np

from world.pack import Pack
from world.records import SCENE_OBJECTS, SCENE_ROUTE_POINTS, Scene

_F, _I, _B = "f8", "i8", "?"
DRIVER_ROW = np.dtype(
    [
        ("x", _F), ("y", _F), ("yaw", _F), ("speed", _F), ("accel", _F), ("steer", _F), ("length", _F), ("width", _F),
        ("wheelbase", _F), ("rear_axle", _F), ("remaining", _F), ("time", _F), ("active", _B),
        ("light_state", _I), ("light_distance", _F), ("light_valid", _B), ("stop_distance", _F), ("stop_valid", _B),
        ("yield_distance", _F), ("yield_valid", _B), ("crosswalk_distance", _F), ("crosswalk_length", _F),
        ("crosswalk_valid", _B), ("steer_lag", _F), ("max_brake", _F), ("map", _I),
    ]
)  # fmt: skip
ROUTE_ROW = np.dtype([("x", _F), ("y", _F), ("half_width", _F), ("limit", _F), ("valid", _B)])
OBJECT_ROW = np.dtype(
    [
        ("x", _F), ("y", _F), ("yaw", _F), ("vx", _F), ("vy", _F), ("length", _F), ("width", _F), ("kind", _I),
        ("track", _I), ("valid", _B),
    ]
)  # fmt: skip


class SceneRows(NamedTuple):
    """Units and frames as in world.records; `steer_lag`, `max_brake` and `map` are filled once, at reset."""

    driver: np.ndarray  # (B, K) DRIVER_ROW
    route: np.ndarray  # (B, K, R) ROUTE_ROW
    objects: np.ndarray  # (B, K, O) OBJECT_ROW


def make_rows(worlds: int, drivers: int) -> Pack:
    """Empty SceneRows."""
    shape = (worlds, drivers)
    return Pack(
        SceneRows(
            driver=np.zeros(shape, DRIVER_ROW),
            route=np.zeros((*shape, SCENE_ROUTE_POINTS), ROUTE_ROW),
            objects=np.zeros((*shape, SCENE_OBJECTS), OBJECT_ROW),
        )
    )


def fill_rows(rows: Pack, scene: Scene) -> None:
    """Copy a Scene into SceneRows."""
    ego, ahead, route, objects = scene.ego, scene.ahead, scene.route, scene.objects
    d = rows.driver
    d["x"], d["y"], d["yaw"] = ego.pose[..., 0], ego.pose[..., 1], ego.pose[..., 2]
    d["length"], d["width"] = ego.size[..., 0], ego.size[..., 1]
    for name in ("speed", "accel", "steer", "wheelbase", "rear_axle"):
        d[name] = getattr(ego, name)
    d["remaining"], d["time"], d["active"] = route.remaining, scene.time, scene.active
    for part in ("light_state", "light_distance", "light_valid", "stop_distance", "stop_valid", "yield_distance"):
        d[part] = getattr(ahead, part)
    for part in ("yield_valid", "crosswalk_distance", "crosswalk_length", "crosswalk_valid"):
        d[part] = getattr(ahead, part)
    r = rows.route
    r["x"], r["y"] = route.xy[..., 0], route.xy[..., 1]
    r["half_width"], r["limit"], r["valid"] = route.half_width, route.limit, route.valid
    o = rows.objects
    o["x"], o["y"], o["yaw"] = objects.xy[..., 0], objects.xy[..., 1], objects.yaw
    o["vx"], o["vy"] = objects.velocity[..., 0], objects.velocity[..., 1]
    o["length"], o["width"] = objects.size[..., 0], objects.size[..., 1]
    o["kind"], o["track"], o["valid"] = objects.kind, objects.track, objects.valid
