"""Scans of a lidar: rays against the ground, road users, buildings, trees, traffic lights and signs.

Every shape is cast at the rays within the angle that it covers, and each ray keeps its nearest hit. What a hit throws
back is r c exp(-2 e t), r the material's reflectance, c the cosine of the angle of incidence, e [1/m] the extinction of
rain and fog, t [m] the distance; that is the point's intensity. A ray returns a point where this is at least a tenth of
(t / range)^2, within half of that either way, as a detector's noise has it; and none from beyond the range.

The ground is the plane under the vehicle with its slope; road users stand upright, as in pictures. Roofs and paint
are not there. Noise is a function of (seed, driver, step, lidar, ray).
"""

import math
from typing import NamedTuple

import numpy as np

from simulator.camera_props import HEAD_DEPTH, HEAD_HEIGHT, HEAD_WIDTH
from simulator.cast_shapes import (
    BOX,
    CYLINDER,
    ELLIPSOID,
    MISS,
    SHAPE_SIZE,
    WALL,
    hit_ground,
    hit_shape,
    set_box,
    set_cylinder,
    set_ellipsoid,
    set_wall,
)
from world.kernel import kernel
from world.kinds import BodyKind
from world.random import draw_bits, mix64
from world.roadmap import TRUNK

GROUND, VEHICLE, PERSON, BUILDING, VEGETATION, POLE, LIGHT, SIGN = range(1, 9)  # what a ray hit; 0: nothing
REFLECTANCE = np.array([0.0, 0.18, 0.5, 0.4, 0.4, 0.35, 0.3, 0.15, 0.9])  # [-] signs throw light back
RAIN_EXTINCTION = 0.01  # [1/m] of the heaviest rain
LOW_TRUNK = 0.35  # part of a tree's height below its crown
_PEDESTRIAN = int(BodyKind.PEDESTRIAN)
_POLE, _SIGN_POLE, _BOARD = 0.08, 0.035, 0.02  # [m] radii of poles, thickness of a sign
_TURN = 2.0 * math.pi
_UNIT = 1.0 / (1 << 24)
_S40, _S16, _LOW24 = np.uint64(40), np.uint64(16), np.uint64((1 << 24) - 1)
_LEAST_SIGNAL = 0.1  # of what comes back at `range`


class Scan(NamedTuple):
    """One scan in the making. R rays."""

    direction: np.ndarray  # float32 (R, 3) unit vectors, body frame
    ray: np.ndarray  # float32 (R, 3) the same in the map frame
    distance: np.ndarray  # float32 (R,) [m] nearest hit so far
    cosine: np.ndarray  # float32 (R,) of the angle of incidence
    hit: np.ndarray  # uint8 (R,) GROUND, ..., SIGN
    shape: np.ndarray  # float64 (SHAPE_SIZE,) what is being cast
    bound: np.ndarray  # float64 (4, 3) [m] points, relative to the lidar, map frame, around which it lies
    axes: np.ndarray  # float64 (3, 3) map_from_body
    origin: np.ndarray  # float64 (3,) [m] the lidar, map frame


class LidarNumbers(NamedTuple):
    """A LidarSpec as kernels take it."""

    channels: int
    columns: int
    low: float
    high: float
    begin: float  # [rad] azimuth of column 0
    step: float  # [rad] between columns
    range: float
    least: float
    x: float
    y: float
    z: float
    range_sigma: float
    dropout: float


def make_scan(spec) -> Scan:
    """An empty scan. Args: spec: world.ranging.LidarSpec."""
    n = spec.rays
    return Scan(
        direction=spec.directions(),
        ray=np.zeros((n, 3), np.float32),
        distance=np.zeros(n, np.float32),
        cosine=np.zeros(n, np.float32),
        hit=np.zeros(n, np.uint8),
        shape=np.zeros(SHAPE_SIZE),
        bound=np.zeros((4, 3)),
        axes=np.eye(3),
        origin=np.zeros(3),
    )


def lidar_numbers(spec) -> LidarNumbers:
    """The numbers kernels take. Args: spec: world.ranging.LidarSpec."""
    begin = {"begin": spec.yaw - 0.5 * spec.fov}
    names = [name for name in LidarNumbers._fields if name not in ("begin", "channels", "columns")]
    whole = {"channels": int(spec.channels), "columns": int(spec.columns)}
    return LidarNumbers(**{name: float(getattr(spec, name)) for name in names}, **begin, **whole)


@kernel
def _cast_ground(scan, height, slope_x, slope_y):
    """Turn the rays into the map frame, and let them end on the ground."""
    a = scan.axes
    for i in range(len(scan.distance)):
        dx, dy, dz = scan.direction[i, 0], scan.direction[i, 1], scan.direction[i, 2]
        x = a[0, 0] * dx + a[0, 1] * dy + a[0, 2] * dz
        y = a[1, 0] * dx + a[1, 1] * dy + a[1, 2] * dz
        z = a[2, 0] * dx + a[2, 1] * dy + a[2, 2] * dz
        scan.ray[i, 0], scan.ray[i, 1], scan.ray[i, 2] = x, y, z
        t, cosine = hit_ground(height, slope_x, slope_y, x, y, z)
        scan.distance[i], scan.cosine[i] = t, cosine
        scan.hit[i] = GROUND if t < MISS else 0


@kernel
def _covered(scan, points, radius):
    """(first azimuth, last azimuth, lowest elevation, highest) [rad], body frame, of what lies within `radius` [m] of
    the ways between the first `points` rows of scan.bound."""
    a, first, last, low, high, middle = scan.axes, MISS, -MISS, MISS, -MISS, 0.0
    for n in range(points):
        x, y, z = scan.bound[n, 0], scan.bound[n, 1], scan.bound[n, 2]
        u = a[0, 0] * x + a[1, 0] * y + a[2, 0] * z
        v = a[0, 1] * x + a[1, 1] * y + a[2, 1] * z
        w = a[0, 2] * x + a[1, 2] * y + a[2, 2] * z
        level = math.sqrt(u * u + v * v)
        if level <= radius or level < 1e-6:
            return 0.0, _TURN, -2.0, 2.0
        angle, half = math.atan2(v, u), math.asin(radius / level)
        if n == 0:
            middle = angle
        elif angle - middle > math.pi:
            angle -= _TURN
        elif angle - middle < -math.pi:
            angle += _TURN
        first, last = min(first, angle - half), max(last, angle + half)
        up, spread = math.atan2(w, level), math.asin(radius / math.sqrt(level * level + w * w))
        low, high = min(low, up - spread), max(high, up + spread)
    if last - first > math.pi:
        return 0.0, _TURN, -2.0, 2.0
    return first, last, low, high


@kernel
def _cast(scan, kind, material, points, radius, lidar):
    """Cast scan.shape, which lies around scan.bound as `_covered` has it, at the rays that may meet it."""
    first, last, low, high = _covered(scan, points, radius)
    bottom, top, channels = 0, lidar.channels, lidar.channels
    if points == 2 and channels > 1:  # upright, so its ends bound its elevation; not so a wall's corners
        per = (channels - 1) / max(lidar.high - lidar.low, 1e-9)
        bottom = max(int(math.floor((low - lidar.low) * per)), 0)
        top = min(int(math.ceil((high - lidar.low) * per)) + 1, channels)
    turn = _TURN / lidar.step
    begin, end = (first - lidar.begin) / lidar.step - 1e-3, (last - lidar.begin) / lidar.step + 1e-3
    if end - begin >= turn:
        begin, end = 0.0, turn - 0.5
    for lap in range(-2, 3):
        j0, j1 = int(math.ceil(begin + lap * turn)), int(math.floor(end + lap * turn))
        for j in range(max(j0, 0), min(j1 + 1, lidar.columns)):
            for i in range(j * channels + bottom, j * channels + top):
                t, cosine = hit_shape(kind, scan.shape, scan.ray[i, 0], scan.ray[i, 1], scan.ray[i, 2])
                if t < scan.distance[i]:
                    scan.distance[i], scan.cosine[i], scan.hit[i] = t, cosine, material


@kernel
def _upright(scan, x, y, z0, z1):
    """Bound by the way straight up from (x, y, z0) to z1."""
    for n in range(2):
        scan.bound[n, 0], scan.bound[n, 1] = x, y
    scan.bound[0, 2], scan.bound[1, 2] = z0, z1


@kernel
def _cast_box(scan, x, y, z, yaw, length, width, height, material, lidar):
    radius = 0.5 * math.sqrt(length * length + width * width)
    if math.sqrt(x * x + y * y) - radius < lidar.range:
        set_box(scan.shape, x, y, z, yaw, length, width, height)
        _upright(scan, x, y, z, z + height)
        _cast(scan, BOX, material, 2, radius, lidar)


@kernel
def _cast_pole(scan, x, y, z0, z1, radius, material, lidar):
    if math.sqrt(x * x + y * y) - radius < lidar.range:
        set_cylinder(scan.shape, x, y, z0, z1, radius)
        _upright(scan, x, y, z0, z1)
        _cast(scan, CYLINDER, material, 2, radius, lidar)


@kernel
def _cast_bodies(scan, b, own, slots, lidar):
    o = scan.origin
    for i in range(slots.x.shape[1]):
        if i != own and slots.valid[b, i]:
            material = PERSON if slots.kind[b, i] == _PEDESTRIAN else VEHICLE
            _cast_box(
                scan, slots.x[b, i] - o[0], slots.y[b, i] - o[1], slots.z[b, i] - o[2], slots.yaw[b, i],
                slots.length[b, i], slots.width[b, i], slots.height[b, i], material, lidar,
            )  # fmt: skip


@kernel
def _cast_buildings(scan, tables, map_row, lidar):
    o = scan.origin
    for i in range(map_row.building0, map_row.building1):
        row = tables.buildings[i]
        if math.hypot(row.x - o[0], row.y - o[1]) - row.radius >= lidar.range:
            continue
        n = row.corner1 - row.corner0
        for k in range(n):
            p, q = tables.corners[row.corner0 + k], tables.corners[row.corner0 + (k + 1 if k + 1 < n else 0)]
            ax, ay, bx, by = p.x - o[0], p.y - o[1], q.x - o[0], q.y - o[1]
            if ax * by - ay * bx >= 0.0:
                continue  # it looks away: outlines run counter-clockwise
            z = min(p.z, q.z) - o[2]
            set_wall(scan.shape, ax, ay, bx, by, z, z + row.height)
            for m in range(4):
                scan.bound[m, 0], scan.bound[m, 1] = (ax, ay) if m < 2 else (bx, by)
                scan.bound[m, 2] = z + row.height * (m % 2)
            _cast(scan, WALL, BUILDING, 4, 0.0, lidar)


@kernel
def _cast_trees(scan, tables, map_row, lidar):
    o = scan.origin
    for i in range(map_row.tree0, map_row.tree1):
        t = tables.trees[i]
        x, y, z = t.x - o[0], t.y - o[1], t.z - o[2]
        if math.sqrt(x * x + y * y) - t.radius >= lidar.range:
            continue
        trunk, half = LOW_TRUNK * t.height, 0.5 * (1.0 - LOW_TRUNK) * t.height
        _cast_pole(scan, x, y, z, z + trunk + half, TRUNK, VEGETATION, lidar)
        set_ellipsoid(scan.shape, x, y, z + trunk + half, t.radius, half)
        _upright(scan, x, y, z + trunk, z + t.height)
        _cast(scan, ELLIPSOID, VEGETATION, 2, float(t.radius), lidar)


@kernel
def _cast_furniture(scan, tables, map_row, signs, heads, lidar):
    """Traffic lights and signs, with their poles."""
    o = scan.origin
    for n in range(len(heads)):
        t, head = tables.lights[map_row.light0 + n], heads[n]
        x, y, z, up = t.x - o[0], t.y - o[1], t.z - o[2], 0.5 * HEAD_HEIGHT
        back = 0.5 * HEAD_DEPTH
        _cast_box(
            scan, x - back * math.cos(t.yaw), y - back * math.sin(t.yaw), z - up, t.yaw, HEAD_DEPTH, HEAD_WIDTH,
            HEAD_HEIGHT, LIGHT, lidar,
        )  # fmt: skip
        _cast_pole(scan, head.pole_x - o[0], head.pole_y - o[1], head.ground_z - o[2], z + up, _POLE, POLE, lidar)
    for n in range(len(signs)):
        s = signs[n]
        if s.face >= 0:
            x, y, z, c, sn = s.x - o[0], s.y - o[1], s.z - o[2], math.cos(s.yaw), math.sin(s.yaw)
            _cast_box(scan, x, y, z - 0.5 * s.size, s.yaw, _BOARD, s.size, s.size, SIGN, lidar)
            _cast_pole(scan, x - c * 0.06, y - sn * 0.06, s.ground_z - o[2], z, _SIGN_POLE, POLE, lidar)


@kernel
def cast_scan(scan, b, own, height, slope_x, slope_y, tables, map_id, slots, signs, heads, lidar):
    """Find what the rays of a lidar on the body in slot `own` of world b hit first.

    Args:
        scan: Scan with axes and origin; `distance`, `cosine` and `hit` are written. height: [m] of the lidar above the
            plane through the vehicle's foot, straight down. slope_x, slope_y: of the plane, map frame.
        tables: MapTables. slots: Slots. signs, heads: of `camera_things.stand_props`. lidar: LidarNumbers.
    """
    _cast_ground(scan, height, slope_x, slope_y)
    row = tables.maps[map_id]
    _cast_bodies(scan, b, own, slots, lidar)
    _cast_buildings(scan, tables, row, lidar)
    _cast_trees(scan, tables, row, lidar)
    _cast_furniture(scan, tables, row, signs, heads, lidar)


@kernel
def read_scan(scan, seed, driver, step, purpose, extinction, lidar, out):
    """Write the points that come back into `out` (R, 4), x, y, z [m], body frame, and intensity; returns how many.

    Args:
        extinction: [1/m] of the air. The rows after the points are zeros.
    """
    base, n, sharp = draw_bits(seed, driver, step, purpose), 0, 1.0 / (lidar.range * lidar.range)
    for i in range(len(scan.distance)):
        t = float(scan.distance[i])
        if scan.hit[i] == 0 or t < lidar.least or t > lidar.range:
            continue
        bits = mix64(base ^ np.uint64(i))
        back = REFLECTANCE[scan.hit[i]] * scan.cosine[i] * math.exp(-2.0 * extinction * t)
        luck = float(bits & _LOW24) * _UNIT
        if luck < lidar.dropout or back * (0.5 + (luck - lidar.dropout) / (1.0 - lidar.dropout)) < _LEAST_SIGNAL * (
            t * t * sharp
        ):
            continue
        u, v = 1.0 - float(bits >> _S40) * _UNIT, float((mix64(bits) >> _S16) & _LOW24) * _UNIT
        t += lidar.range_sigma * math.sqrt(-2.0 * math.log(u)) * math.cos(_TURN * v)
        out[n, 0] = lidar.x + t * scan.direction[i, 0]
        out[n, 1] = lidar.y + t * scan.direction[i, 1]
        out[n, 2] = lidar.z + t * scan.direction[i, 2]
        out[n, 3] = back
        n += 1
    for i in range(n, len(out)):
        out[i, 0] = out[i, 1] = out[i, 2] = out[i, 3] = 0.0
    return n
