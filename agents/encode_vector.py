"""The `vector` observation of a Scene (`world.observation` says which number stands where)."""

import numpy as np

from agents.scene_pack import scene_at
from world.encode import put_ego, put_lanes, put_light, put_line, put_object, put_route_point, put_zeros
from world.kernel import inline_kernel, kernel
from world.kinds import Relation
from world.observation import (
    AHEAD_AT,
    EGO_AT,
    LANES_AT,
    OBJECT,
    OBJECTS_AT,
    ROUTE_AT,
    STATE_SIZE,
    VECTOR_OBJECTS,
    VECTOR_ROUTE_INDEX,
    VECTOR_SIZE,
)
from world.records import SCENE_LANES

_ROUTE_INDEX = np.array(VECTOR_ROUTE_INDEX, np.int64)
_ROUTE_POINTS = len(VECTOR_ROUTE_INDEX)
_OBJECT_SIZE = len(OBJECT)
_EGO, _LEFT, _RIGHT = int(Relation.EGO), int(Relation.LEFT), int(Relation.RIGHT)


@kernel
def _neighbours(b, k, lanes):
    """(left, left_change, right, right_change): lanes beside the own one, and whether its marks allow a change."""
    left = right = left_change = right_change = False
    for n in range(SCENE_LANES):
        if lanes.valid[b, k, n]:
            relation = lanes.relation[b, k, n]
            left = left or relation == _LEFT
            right = right or relation == _RIGHT
            if relation == _EGO:
                left_change, right_change = lanes.change_left[b, k, n], lanes.change_right[b, k, n]
    return left, left_change, right, right_change


@kernel
def _ahead(b, k, ahead, out, at):
    put_light(out, b, k, at, ahead.light_state[b, k], ahead.light_distance[b, k], ahead.light_valid[b, k])
    put_line(out, b, k, at + 4, ahead.stop_distance[b, k], ahead.stop_valid[b, k])
    put_line(out, b, k, at + 6, ahead.yield_distance[b, k], ahead.yield_valid[b, k])
    put_line(out, b, k, at + 8, ahead.crosswalk_distance[b, k], ahead.crosswalk_valid[b, k])


@kernel
def encode_state_one(b, k, scene, out, at):
    """Write the blocks ego, route, lanes and ahead of driver k, STATE_SIZE numbers from `at` on."""
    ego, route = scene.ego, scene.route
    put_ego(
        out, b, k, at + EGO_AT,
        ego.speed[b, k], ego.accel[b, k], ego.yaw_rate[b, k], ego.steer[b, k],
        ego.lane_offset[b, k], ego.lane_angle[b, k], ego.on_lane[b, k],
        route.offset[b, k], route.remaining[b, k], ego.size[b, k, 0], scene.speed_limit[b, k],
    )  # fmt: skip
    for n in range(_ROUTE_POINTS):
        r = _ROUTE_INDEX[n]
        place = at + ROUTE_AT + 3 * n
        if route.valid[b, k, r]:
            put_route_point(out, b, k, place, route.xy[b, k, r, 0], route.xy[b, k, r, 1], route.limit[b, k, r])
        else:
            put_zeros(out, b, k, place, place + 3)
    left, left_change, right, right_change = _neighbours(b, k, scene.lanes)
    half_width = route.half_width[b, k, 0] if route.valid[b, k, 0] else np.float32(0.0)
    put_lanes(out, b, k, at + LANES_AT, left, left_change, right, right_change, half_width)
    _ahead(b, k, scene.ahead, out, at + AHEAD_AT)


@inline_kernel
def _objects(b, k, objects, own_speed, out):
    for n in range(VECTOR_OBJECTS):
        place = OBJECTS_AT + _OBJECT_SIZE * n
        if objects.valid[b, k, n]:
            put_object(
                out, b, k, place, objects.xy[b, k, n, 0], objects.xy[b, k, n, 1],
                objects.velocity[b, k, n, 0], objects.velocity[b, k, n, 1],
                objects.yaw[b, k, n], objects.size[b, k, n, 0], objects.kind[b, k, n], own_speed,
            )  # fmt: skip
        else:
            put_zeros(out, b, k, place, place + _OBJECT_SIZE)


@kernel
def encode_vector_one(b, k, scene, out):
    """Write the vector of driver k of world b; zeros where it takes no part."""
    if not scene.active[b, k]:
        put_zeros(out, b, k, 0, VECTOR_SIZE)
        return
    encode_state_one(b, k, scene, out, 0)
    _objects(b, k, scene.objects, scene.ego.speed[b, k], out)


@kernel
def encode_vector(address, first, last, out):
    """Write out float32 (B, K, VECTOR_SIZE) from the packed Scene at `address`."""
    scene = scene_at(address)
    for b in range(first, last):
        for k in range(out.shape[1]):
            encode_vector_one(b, k, scene, out)


assert STATE_SIZE == OBJECTS_AT
