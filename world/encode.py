"""Kernels that write the blocks of the `vector` observation (`world.observation`), one call a block or entry.

They take plain float32 numbers, so that a Scene and the engine's state are encoded by one code. `out` is float32
(B, K, anything), `at` the place of the block's first number in it.
"""

import numpy as np

from world.kernel import inline_kernel
from world.kinds import BodyKind, LightState
from world.observation import (
    ACCEL_SCALE,
    DISTANCE_SCALE,
    KIND_CYCLE,
    KIND_VEHICLE,
    KIND_WALKER,
    LANE_SCALE,
    LENGTH_SCALE,
    LIMIT_SCALE,
    OFFSET_SCALE,
    REMAINING_SCALE,
    SPEED_SCALE,
    STEER_SCALE,
)
from world.rounding import floor_int

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_SPEED, _ACCEL, _STEER = np.float32(1 / SPEED_SCALE), np.float32(1 / ACCEL_SCALE), np.float32(1 / STEER_SCALE)
_LANE, _OFFSET, _REMAINING = np.float32(1 / LANE_SCALE), np.float32(1 / OFFSET_SCALE), np.float32(1 / REMAINING_SCALE)
_LENGTH, _LIMIT, _DISTANCE = np.float32(1 / LENGTH_SCALE), np.float32(1 / LIMIT_SCALE), np.float32(1 / DISTANCE_SCALE)
_ANGLE = np.float32(1 / np.pi)
_VEHICLE, _CYCLE, _WALKER = np.float32(KIND_VEHICLE), np.float32(KIND_CYCLE), np.float32(KIND_WALKER)
_BICYCLE, _PEDESTRIAN = int(BodyKind.BICYCLE), int(BodyKind.PEDESTRIAN)
_RED, _RED_AMBER = int(LightState.RED), int(LightState.RED_AMBER)
_GREEN, _AMBER = int(LightState.GREEN), int(LightState.AMBER)
_QUARTERS = np.float32(2 / np.pi)
# pi / 2 in three parts, the first two with few bits; the polynomials of sine and cosine on [-pi/4, pi/4]
_P1, _P2, _P3 = np.float32(1.5703125), np.float32(4.837512969970703e-4), np.float32(7.549789954891882e-8)
_S1, _S2, _S3 = np.float32(-1.6666654611e-1), np.float32(8.3321608736e-3), np.float32(-1.9515295891e-4)
_C1, _C2, _C3 = np.float32(4.166664568298827e-2), np.float32(-1.388731625493765e-3), np.float32(2.443315711809948e-5)


@inline_kernel
def clip_unit(value):
    """float32 value clipped to [-1, 1]; not a number becomes -1."""
    value = value if value > -_ONE else -_ONE
    return value if value < _ONE else _ONE


@inline_kernel
def clip_part(value):
    """float32 value clipped to [0, 1]; not a number becomes 0."""
    value = value if value > _ZERO else _ZERO
    return value if value < _ONE else _ONE


@inline_kernel
def cos_sin(angle):
    """(cos, sin) float32 of an angle in [-pi, pi], within 2e-7, in a third of the library's time.

    Source: S. Moshier, Methods and Programs for Mathematical Functions, 1989 (Cephes): reduction and polynomials.
    """
    quarter = floor_int(angle * _QUARTERS + _HALF)
    q = np.float32(quarter)
    r = ((angle - q * _P1) - q * _P2) - q * _P3
    z = r * r
    s = r + r * z * (_S1 + z * (_S2 + z * _S3))
    c = _ONE - _HALF * z + z * z * (_C1 + z * (_C2 + z * _C3))
    if quarter & 1:
        c, s = s, c
    return -c if (quarter + 1) & 2 else c, -s if quarter & 2 else s


@inline_kernel
def put_ego(
    out, b, k, at, speed, accel, yaw_rate, steer, lane_offset, lane_angle, on_lane, route_offset, remaining, length,
    limit,
):  # fmt: skip
    """Write the block EGO."""
    out[b, k, at] = clip_unit(speed * _SPEED)
    out[b, k, at + 1] = clip_unit(accel * _ACCEL)
    out[b, k, at + 2] = clip_unit(yaw_rate)
    out[b, k, at + 3] = clip_unit(steer * _STEER)
    out[b, k, at + 4] = clip_unit(lane_offset * _LANE)
    out[b, k, at + 5] = clip_unit(lane_angle * _ANGLE)
    out[b, k, at + 6] = _ONE if on_lane else _ZERO
    out[b, k, at + 7] = clip_unit(route_offset * _OFFSET)
    out[b, k, at + 8] = clip_unit(remaining * _REMAINING)
    out[b, k, at + 9] = clip_part(length * _LENGTH)
    out[b, k, at + 10] = clip_part(limit * _LIMIT)


@inline_kernel
def put_route_point(out, b, k, at, x, y, limit):
    """Write one ROUTE_POINT."""
    out[b, k, at] = clip_unit(x * _DISTANCE)
    out[b, k, at + 1] = clip_unit(y * _DISTANCE)
    out[b, k, at + 2] = clip_part(limit * _LIMIT)


@inline_kernel
def put_lanes(out, b, k, at, left, left_change, right, right_change, half_width):
    """Write the block LANES; a change counts only where there is a lane."""
    out[b, k, at] = _ONE if left else _ZERO
    out[b, k, at + 1] = _ONE if left and left_change else _ZERO
    out[b, k, at + 2] = _ONE if right else _ZERO
    out[b, k, at + 3] = _ONE if right and right_change else _ZERO
    out[b, k, at + 4] = clip_part(half_width * _LANE)


@inline_kernel
def put_light(out, b, k, at, state, distance, valid):
    """Write the light's part of AHEAD, its first four numbers."""
    out[b, k, at] = _ONE if valid and state == _RED else _ZERO
    out[b, k, at + 1] = _ONE if valid and (state == _AMBER or state == _RED_AMBER) else _ZERO
    out[b, k, at + 2] = _ONE if valid and state == _GREEN else _ZERO
    out[b, k, at + 3] = clip_unit(distance * _DISTANCE) if valid else _ZERO


@inline_kernel
def put_line(out, b, k, at, distance, valid):
    """Write the two numbers of a stop line, give-way line or crosswalk."""
    out[b, k, at] = _ONE if valid else _ZERO
    out[b, k, at + 1] = clip_unit(distance * _DISTANCE) if valid else _ZERO


@inline_kernel
def put_object(out, b, k, at, x, y, vx, vy, yaw, length, kind, own_speed):
    """Write one OBJECT: position and velocity over ground in the ego frame, own_speed [m/s] along x."""
    c, s = cos_sin(yaw)
    out[b, k, at] = _ONE
    out[b, k, at + 1] = clip_unit(x * _DISTANCE)
    out[b, k, at + 2] = clip_unit(y * _DISTANCE)
    out[b, k, at + 3] = clip_unit((vx - own_speed) * _SPEED)
    out[b, k, at + 4] = clip_unit(vy * _SPEED)
    out[b, k, at + 5], out[b, k, at + 6] = clip_unit(c), clip_unit(s)
    out[b, k, at + 7] = clip_part(length * _LENGTH)
    out[b, k, at + 8] = _WALKER if kind == _PEDESTRIAN else (_CYCLE if kind == _BICYCLE else _VEHICLE)


@inline_kernel
def put_zeros(out, b, k, first, last):
    """Write zeros to out[b, k, first:last]."""
    for i in range(first, last):
        out[b, k, i] = _ZERO
