"""Returns of a radar: one of every upright side of a road user's box that faces it and is seen.

A side is looked at in its middle and halfway to its ends; what other road users and buildings leave of these is seen,
and the return lies in their mean, at the radar's height if the box is as high. It holds the radial speed, positive
where the distance grows, of that place on the moving and turning body against the radar on its own. Ground, trees and
poles return nothing. Noise of range, azimuth and speed is a function of (seed, driver, step, radar, slot, side).
"""

import math
from typing import NamedTuple

import numpy as np

from simulator.cast_shapes import SHAPE_SIZE, hit_box, hit_wall, set_box, set_wall
from world.kernel import kernel
from world.random import draw_normal, draw_unit

_LOOKS, _ASIDE = 3, 0.5  # places of a side that are looked at, so far from its middle as a part of its half
_MARGIN = 0.05  # [m] by which what hides must be nearer


class RadarNumbers(NamedTuple):
    """A RadarSpec as kernels take it."""

    fov: float
    high: float
    range: float
    x: float
    y: float
    z: float
    yaw: float
    range_sigma: float
    azimuth_sigma: float
    speed_sigma: float
    dropout: float


class RadarScratch(NamedTuple):
    """What a measurement is made in."""

    shape: np.ndarray  # float64 (SHAPE_SIZE,)
    axes: np.ndarray  # float64 (3, 3) map_from_body
    origin: np.ndarray  # float64 (3,) [m] the radar, map frame
    velocity: np.ndarray  # float64 (2,) [m/s] of the radar, map frame
    place: np.ndarray  # float64 (3,) [m] what a side returns from, relative to the radar, map frame
    far: np.ndarray  # float64 (returns,) [m] true distances of the returns


def make_scratch(returns: int) -> RadarScratch:
    """Room for a measurement of at most so many returns."""
    return RadarScratch(np.zeros(SHAPE_SIZE), np.eye(3), np.zeros(3), np.zeros(2), np.zeros(3), np.zeros(returns))


def radar_numbers(spec) -> RadarNumbers:
    """The numbers kernels take. Args: spec: world.ranging.RadarSpec."""
    return RadarNumbers(**{name: float(getattr(spec, name)) for name in RadarNumbers._fields})


@kernel
def _hidden(scratch, b, own, target, x, y, z, slots, tables, map_row):
    """Whether a road user or a wall stands before the place (x, y, z), relative to the radar, of body `target`."""
    o, shape = scratch.origin, scratch.shape
    far = math.sqrt(x * x + y * y + z * z)
    dx, dy, dz = x / far, y / far, z / far
    for i in range(slots.x.shape[1]):
        if i == own or i == target or not slots.valid[b, i]:
            continue
        ox, oy = slots.x[b, i] - o[0], slots.y[b, i] - o[1]
        if math.hypot(ox, oy) - slots.length[b, i] - slots.width[b, i] > far:
            continue
        set_box(
            shape, ox, oy, slots.z[b, i] - o[2], slots.yaw[b, i], slots.length[b, i], slots.width[b, i],
            slots.height[b, i],
        )  # fmt: skip
        t, _ = hit_box(shape, dx, dy, dz)
        if t < far - _MARGIN:
            return True
    for i in range(map_row.building0, map_row.building1):
        row = tables.buildings[i]
        if math.hypot(row.x - o[0], row.y - o[1]) - row.radius > far:
            continue
        n = row.corner1 - row.corner0
        for k in range(n):
            p, q = tables.corners[row.corner0 + k], tables.corners[row.corner0 + (k + 1 if k + 1 < n else 0)]
            low = min(p.z, q.z) - o[2]
            set_wall(shape, p.x - o[0], p.y - o[1], q.x - o[0], q.y - o[1], low, low + row.height)
            t, _ = hit_wall(shape, dx, dy, dz)
            if t < far - _MARGIN:
                return True
    return False


@kernel
def _in_view(scratch, x, y, z, radar):
    """Whether a place, relative to the radar, map frame, lies in its field of view."""
    a = scratch.axes
    u = a[0, 0] * x + a[1, 0] * y + a[2, 0] * z
    v = a[0, 1] * x + a[1, 1] * y + a[2, 1] * z
    w = a[0, 2] * x + a[1, 2] * y + a[2, 2] * z
    turn = math.atan2(v, u) - radar.yaw
    turn -= 2.0 * math.pi * math.floor(turn / (2.0 * math.pi) + 0.5)
    level = math.sqrt(u * u + v * v)
    far = math.sqrt(level * level + w * w)
    return abs(turn) <= 0.5 * radar.fov and abs(math.atan2(w, level)) <= radar.high and 0.01 < far <= radar.range


@kernel
def _see_side(scratch, b, own, i, side, slots, tables, map_row, radar):
    """Write where side `side` (front, left, rear, right) of body i returns from; whether it does."""
    o, place = scratch.origin, scratch.place
    c, s = math.cos(slots.yaw[b, i]), math.sin(slots.yaw[b, i])
    ahead, half, long = c, 0.5 * slots.length[b, i], 0.5 * slots.width[b, i]
    aside = s
    if side % 2:
        ahead, aside, half, long = -s, c, long, half
    if side > 1:
        ahead, aside = -ahead, -aside
    mx, my = slots.x[b, i] - o[0] + half * ahead, slots.y[b, i] - o[1] + half * aside
    if mx * ahead + my * aside >= 0.0:
        return False  # it looks away
    low = slots.z[b, i] - o[2]
    z = min(max(0.0, low + 0.1 * slots.height[b, i]), low + 0.9 * slots.height[b, i])
    seen = 0
    place[0], place[1], place[2] = 0.0, 0.0, z
    for n in range(_LOOKS):
        along = (n - 1) * _ASIDE * long
        x, y = mx - aside * along, my + ahead * along
        if _in_view(scratch, x, y, z, radar) and not _hidden(scratch, b, own, i, x, y, z, slots, tables, map_row):
            place[0], place[1], seen = place[0] + x, place[1] + y, seen + 1
    if seen == 0:
        return False
    place[0], place[1] = place[0] / seen, place[1] / seen
    return True


@kernel
def _row_of(scratch, count, far, out):
    """Row for a return at a distance: the next free one, or that of the furthest if it is further; -1: none."""
    if count < len(out):
        return count
    worst = 0
    for n in range(1, len(out)):
        if scratch.far[n] > scratch.far[worst]:
            worst = n
    return worst if scratch.far[worst] > far else -1


@kernel
def _write(scratch, b, i, side, seed, driver, step, purpose, slots, radar, row, out):
    """Write the return from scratch.place, with noise."""
    x, y, z, a = scratch.place[0], scratch.place[1], scratch.place[2], scratch.axes
    far = math.sqrt(x * x + y * y + z * z)
    rx, ry = x + scratch.origin[0] - slots.x[b, i], y + scratch.origin[1] - slots.y[b, i]
    turn = slots.yaw_rate[b, i]
    vx = slots.vx[b, i] - turn * ry - scratch.velocity[0]
    vy = slots.vy[b, i] + turn * rx - scratch.velocity[1]
    entity = (np.int64(driver) << 32) + 4 * i + side
    speed = (vx * x + vy * y) / far + radar.speed_sigma * draw_normal(seed, entity, step, purpose + 2)
    noisy = max(far + radar.range_sigma * draw_normal(seed, entity, step, purpose), 0.0)
    angle = radar.azimuth_sigma * draw_normal(seed, entity, step, purpose + 1)
    u = a[0, 0] * x + a[1, 0] * y + a[2, 0] * z
    v = a[0, 1] * x + a[1, 1] * y + a[2, 1] * z
    w = a[0, 2] * x + a[1, 2] * y + a[2, 2] * z
    c, s, scale = math.cos(angle), math.sin(angle), noisy / far
    out[row, 0] = radar.x + scale * (c * u - s * v)
    out[row, 1] = radar.y + scale * (s * u + c * v)
    out[row, 2] = radar.z + scale * w
    out[row, 3] = speed
    scratch.far[row] = far


@kernel
def measure_radar(scratch, b, own, seed, driver, step, purpose, tables, map_id, slots, radar, out):
    """Write the returns of a radar on the body in slot `own` of world b into `out` (returns, 4); how many there are.

    Args:
        scratch: RadarScratch with axes, origin and velocity. purpose: of draws; the three after it are taken, too.
        tables: MapTables. slots: Slots. radar: RadarNumbers. out: x, y, z [m], body frame, radial speed [m/s].
    """
    count, row = 0, tables.maps[map_id]
    for i in range(slots.x.shape[1]):
        if i == own or not slots.valid[b, i]:
            continue
        x, y = slots.x[b, i] - scratch.origin[0], slots.y[b, i] - scratch.origin[1]
        if math.hypot(x, y) - slots.length[b, i] - slots.width[b, i] > radar.range:
            continue
        for side in range(4):
            entity = (np.int64(driver) << 32) + 4 * i + side
            if draw_unit(seed, entity, step, purpose + 3) < radar.dropout:
                continue
            if not _see_side(scratch, b, own, i, side, slots, tables, row, radar):
                continue
            p = scratch.place
            at = _row_of(scratch, count, math.sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]), out)
            if at >= 0:
                _write(scratch, b, i, side, seed, driver, step, purpose, slots, radar, at, out)
                count = max(count, at + 1)
    for n in range(count, len(out)):
        out[n, 0] = out[n, 1] = out[n, 2] = out[n, 3] = 0.0
    return count
