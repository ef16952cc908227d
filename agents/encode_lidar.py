"""The `lidar` observation of a Scene: distances around the driver, then the state blocks of the vector.

Rays start at the box centre, counter-clockwise from straight ahead. A ray's number is the distance of the first hit
among road users' boxes and drivable edges divided by the range, 1 where it hits nothing. Each side of a box that
faces the driver, and each edge, is cast only at the rays within the angle it covers.
"""

import numpy as np

from agents.encode_vector import encode_state_one
from agents.scene_pack import scene_at
from world.encode import cos_sin, put_zeros
from world.kernel import inline_kernel, kernel
from world.observation import STATE_SIZE
from world.records import SCENE_EDGES, SCENE_OBJECTS
from world.rounding import ceil_int, floor_int

_ZERO, _HALF, _ONE, _PI = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(np.pi)
_QUARTER_TURN, _TURN = np.float32(0.5 * np.pi), np.float32(2 * np.pi)
_A1, _A2, _A3 = np.float32(-0.327622764), np.float32(0.15931422), np.float32(-0.0464964749)
_WIDER = np.float32(0.001)  # [rad] interval of rays beyond an end, for the rough angle below
_SLACK = np.float32(1e-5)  # of a segment's length: neighbours leave no gap
_TINY = np.float32(1e-12)


@inline_kernel
def rough_angle(x, y):
    """float32 atan2(y, x) within 3e-4: enough to choose the rays that are then cast exactly."""
    ax, ay = abs(x), abs(y)
    q = min(ax, ay) / max(max(ax, ay), _TINY)
    z = q * q
    r = ((_A3 * z + _A2) * z + _A1) * z * q + q
    r = _QUARTER_TURN - r if ay > ax else r
    r = _PI - r if x < _ZERO else r
    return -r if y < _ZERO else r


@kernel
def _cast(b, k, ax, ay, bx, by, rays, reach, directions, out):
    """Shorten the rays that meet the segment a-b, ego frame, nearer than they reach so far [m]."""
    ux, uy = bx - ax, by - ay
    t = min(max(-(ax * ux + ay * uy) / max(ux * ux + uy * uy, _TINY), _ZERO), _ONE)
    nx, ny = ax + t * ux, ay + t * uy
    if not nx * nx + ny * ny < reach * reach:
        return
    a_to_left = ax * by - ay * bx  # positive: b lies counter-clockwise of a
    begin, end = rough_angle(ax, ay), rough_angle(bx, by)
    if a_to_left < _ZERO:
        begin, end = end, begin
    span = end - begin
    if span < _ZERO:
        span = _ZERO if span > -_WIDER else span + _TURN
    if not span <= _TURN:
        return  # a corner is not a number
    per_ray = np.float32(rays) / _TURN
    first = ceil_int((begin - _WIDER) * per_ray)
    last = min(floor_int((begin + span + _WIDER) * per_ray), first + rays - 1)
    cross = ax * uy - ay * ux
    ray = first + rays if first < 0 else first
    for _ in range(last - first + 1):
        if ray >= rays:
            ray -= rays
        dx, dy = directions[ray, 0], directions[ray, 1]
        det = dx * uy - dy * ux
        along, distance = (ax * dy - ay * dx) / det, cross / det
        if distance >= _ZERO and -_SLACK <= along <= _ONE + _SLACK and distance < out[b, k, ray]:
            out[b, k, ray] = distance
        ray += 1


@kernel
def _cast_box(b, k, x, y, yaw, length, width, rays, reach, directions, out):
    """Cast the sides of a box that face the driver. Returns whether the driver's centre lies in it."""
    half_length, half_width = _HALF * length, _HALF * width
    far = reach + half_length + half_width
    if x * x + y * y > far * far:
        return False
    c, s = cos_sin(yaw)
    u, v = -(x * c + y * s), x * s - y * c  # the driver in the box's frame
    if abs(u) <= half_length and abs(v) <= half_width:
        return True
    lx, ly, wx, wy = half_length * c, half_length * s, -half_width * s, half_width * c
    if abs(u) > half_length:
        side = _ONE if u > _ZERO else -_ONE
        fx, fy = x + side * lx, y + side * ly
        _cast(b, k, fx - wx, fy - wy, fx + wx, fy + wy, rays, reach, directions, out)
    if abs(v) > half_width:
        side = _ONE if v > _ZERO else -_ONE
        fx, fy = x + side * wx, y + side * wy
        _cast(b, k, fx - lx, fy - ly, fx + lx, fy + ly, rays, reach, directions, out)
    return False


@kernel
def encode_lidar_one(b, k, scene, reach, directions, out):
    """Write the rays and the state blocks of driver k of world b; zeros where it takes no part."""
    rays = directions.shape[0]
    if not scene.active[b, k]:
        put_zeros(out, b, k, 0, rays + STATE_SIZE)
        return
    for i in range(rays):
        out[b, k, i] = reach
    objects, inside = scene.objects, False
    for n in range(SCENE_OBJECTS):
        if objects.valid[b, k, n]:
            hit = _cast_box(
                b, k, objects.xy[b, k, n, 0], objects.xy[b, k, n, 1], objects.yaw[b, k, n],
                objects.size[b, k, n, 0], objects.size[b, k, n, 1], rays, reach, directions, out,
            )  # fmt: skip
            inside = inside or hit
    edges = scene.edge_xy
    for n in range(SCENE_EDGES):
        if scene.edge_valid[b, k, n]:
            ax, ay, bx, by = edges[b, k, n, 0, 0], edges[b, k, n, 0, 1], edges[b, k, n, 1, 0], edges[b, k, n, 1, 1]
            _cast(b, k, ax, ay, bx, by, rays, reach, directions, out)
    scale = _ZERO if inside else _ONE / reach
    for i in range(rays):
        out[b, k, i] = min(out[b, k, i] * scale, _ONE)
    encode_state_one(b, k, scene, out, rays)


@kernel
def encode_lidar(address, reach, directions, first, last, out):
    """Write out float32 (B, K, R + STATE_SIZE) from the packed Scene at `address`.

    Args:
        address: of a Pack of SCENE_TYPE.
        reach: [m] float32 range of the rays.
        directions: (R, 2) float32 unit vectors, counter-clockwise from (1, 0), evenly spread.
        first, last: the worlds first .. last - 1 are written.
        out: written.
    """
    scene = scene_at(address)
    for b in range(first, last):
        for k in range(out.shape[1]):
            encode_lidar_one(b, k, scene, reach, directions, out)
