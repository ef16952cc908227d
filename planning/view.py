"""The parts of a Scene that the planner reads, as a NamedTuple of contiguous arrays that kernels take."""

from typing import NamedTuple

import numpy as np

from world.records import Scene


class SceneView(NamedTuple):
    """Leading dims (B, K); shapes, units and frames as in world.records."""

    pose: np.ndarray
    speed: np.ndarray
    accel: np.ndarray
    steer: np.ndarray
    size: np.ndarray
    wheelbase: np.ndarray
    rear_axle: np.ndarray
    route_xy: np.ndarray
    route_half_width: np.ndarray
    route_limit: np.ndarray
    route_valid: np.ndarray
    remaining: np.ndarray
    object_xy: np.ndarray
    object_yaw: np.ndarray
    object_velocity: np.ndarray
    object_size: np.ndarray
    object_kind: np.ndarray
    object_track: np.ndarray
    object_valid: np.ndarray
    lane_xy: np.ndarray
    lane_point_valid: np.ndarray
    lane_relation: np.ndarray
    lane_yields: np.ndarray
    lane_change_left: np.ndarray
    lane_half_width: np.ndarray
    lane_valid: np.ndarray
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
    time: np.ndarray
    active: np.ndarray


def scene_view(scene: Scene) -> SceneView:
    """The view of a Scene; copies only what is not contiguous."""
    ego, route, lanes, objects, ahead = scene.ego, scene.route, scene.lanes, scene.objects, scene.ahead
    fields = (
        ego.pose, ego.speed, ego.accel, ego.steer, ego.size, ego.wheelbase, ego.rear_axle,
        route.xy, route.half_width, route.limit, route.valid, route.remaining,
        objects.xy, objects.yaw, objects.velocity, objects.size, objects.kind, objects.track, objects.valid,
        lanes.xy, lanes.point_valid, lanes.relation, lanes.yields, lanes.change_left, lanes.half_width, lanes.valid,
        ahead.light_state, ahead.light_distance, ahead.light_valid, ahead.stop_distance, ahead.stop_valid,
        ahead.yield_distance, ahead.yield_valid,
        ahead.crosswalk_distance, ahead.crosswalk_length, ahead.crosswalk_valid,
        scene.time, scene.active,
    )  # fmt: skip
    return SceneView(*(np.ascontiguousarray(f) for f in fields))
