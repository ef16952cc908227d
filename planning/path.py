"""Reference path: the route ahead as dense points with heading and curvature, optionally shifted sideways.

The route's points (SCENE_ROUTE_STEP apart) are joined by cubic Hermite curves with central-difference tangents, which
on a circle of 6 m radius leaves less than 2 mm. Frame: ego frame of the Scene; path coordinate s [m] starts at the
driver's foot point on the route.
"""

import math
from typing import NamedTuple

import numpy as np

from world.kernel import kernel

PATH_POINTS = 120
PATH_STEP = 1.0  # [m]
_ROUTE_STEP = 2.0  # [m] world.records.SCENE_ROUTE_STEP
_SPAN = 2  # points either side that curvature is measured over: blurs kinks of the route over 2 m


class Path(NamedTuple):
    """One driver's path; scratch that every driver reuses. All (PATH_POINTS,)."""

    x: np.ndarray  # [m] ego frame
    y: np.ndarray  # [m]
    yaw: np.ndarray  # [rad] of travel, ego frame, continuous (not wrapped)
    curvature: np.ndarray  # [1/m] left positive
    half_width: np.ndarray  # [m] of the lane
    limit: np.ndarray  # [m/s]
    shift: np.ndarray  # [m] offset from the route, left positive


def make_path() -> Path:
    """Empty scratch."""
    return Path(*(np.zeros(PATH_POINTS) for _ in Path._fields))


@kernel
def smooth_ramp(u):
    """Quintic 0 -> 1 for u in [0, 1] with zero first and second derivative at both ends."""
    if u <= 0.0:
        return 0.0
    if u >= 1.0:
        return 1.0
    return u * u * u * (10.0 + u * (6.0 * u - 15.0))


@kernel
def _tangent(xy, b, k, i, n):
    """(dx, dy) [m a route step] of the route at point i of n."""
    if n < 2:
        return _ROUTE_STEP, 0.0
    lo, hi = max(i - 1, 0), min(i + 1, n - 1)
    dx = (float(xy[b, k, hi, 0]) - float(xy[b, k, lo, 0])) / (hi - lo)
    dy = (float(xy[b, k, hi, 1]) - float(xy[b, k, lo, 1])) / (hi - lo)
    if n > 2 and (i == 0 or i == n - 1):  # arc through the end: twice the chord's turn against the next tangent
        j = 1 if i == 0 else n - 2
        tx = 0.5 * (float(xy[b, k, j + 1, 0]) - float(xy[b, k, j - 1, 0]))
        ty = 0.5 * (float(xy[b, k, j + 1, 1]) - float(xy[b, k, j - 1, 1]))
        turn = math.atan2(tx * dy - ty * dx, tx * dx + ty * dy)
        c, s = math.cos(turn), math.sin(turn)
        dx, dy = c * dx - s * dy, s * dx + c * dy
    return dx, dy


@kernel
def path_one(b, k, xy, half_width, limit, valid, path):
    """Fill `path` from the route of driver (b, k); returns the route's length within it [m].

    Beyond the route's end the path goes straight on, so that it always has PATH_POINTS points.

    Args:
        xy: (B, K, R, 2) [m]. half_width: (B, K, R) [m]. limit: (B, K, R) [m/s]. valid: (B, K, R) a prefix is true.
    """
    n = 0
    while n < valid.shape[2] and valid[b, k, n]:
        n += 1
    length = max(n - 1, 0) * _ROUTE_STEP
    for p in range(PATH_POINTS):
        s = p * PATH_STEP
        i = min(int(s / _ROUTE_STEP), max(n - 2, 0))
        j = min(i + 1, max(n - 1, 0))
        ax, ay = _tangent(xy, b, k, i, n)
        bx, by = _tangent(xy, b, k, j, n)
        u = s / _ROUTE_STEP - i
        x0, y0 = float(xy[b, k, i, 0]), float(xy[b, k, i, 1])
        x1, y1 = float(xy[b, k, j, 0]), float(xy[b, k, j, 1])
        if u > 1.0 or n < 2:
            path.x[p], path.y[p] = x1 + (u - 1.0) * bx, y1 + (u - 1.0) * by
            u = 1.0
        else:
            u2, u3 = u * u, u * u * u
            h0, h1, h2, h3 = 2 * u3 - 3 * u2 + 1, u3 - 2 * u2 + u, 3 * u2 - 2 * u3, u3 - u2
            path.x[p] = h0 * x0 + h1 * ax + h2 * x1 + h3 * bx
            path.y[p] = h0 * y0 + h1 * ay + h2 * y1 + h3 * by
        path.half_width[p] = (1.0 - u) * half_width[b, k, i] + u * half_width[b, k, j]
        path.limit[p] = limit[b, k, i] if u < 0.5 else limit[b, k, j]
        path.shift[p] = 0.0
    shape_path(path)
    return length


@kernel
def shape_path(path):
    """Heading and curvature of the path's points, by central differences."""
    for p in range(PATH_POINTS):
        lo, hi = max(p - 1, 0), min(p + 1, PATH_POINTS - 1)
        yaw = math.atan2(path.y[hi] - path.y[lo], path.x[hi] - path.x[lo])
        if p > 0:  # keep it continuous
            last = path.yaw[p - 1]
            yaw = last + math.atan2(math.sin(yaw - last), math.cos(yaw - last))
        path.yaw[p] = yaw
    path.yaw[0] = 1.5 * path.yaw[0] - 0.5 * path.yaw[1]  # one-sided difference lies half a step ahead
    for p in range(PATH_POINTS):
        q = min(max(p, _SPAN), PATH_POINTS - 1 - _SPAN)
        a, c = q - _SPAN, q + _SPAN
        ux, uy = path.x[q] - path.x[a], path.y[q] - path.y[a]
        vx, vy = path.x[c] - path.x[q], path.y[c] - path.y[q]
        wx, wy = path.x[c] - path.x[a], path.y[c] - path.y[a]
        sides = math.sqrt((ux * ux + uy * uy) * (vx * vx + vy * vy) * (wx * wx + wy * wy))
        path.curvature[p] = 2.0 * (ux * vy - uy * vx) / max(sides, 1e-9)  # Menger curvature


@kernel
def shift_path(path, start, ramp, end, offset):
    """Move the path sideways by `offset` between s = start and s = end [m], with ramps outside of them."""
    for p in range(PATH_POINTS):
        s = p * PATH_STEP
        d = offset * smooth_ramp((s - (start - ramp)) / ramp) * smooth_ramp(((end + ramp) - s) / ramp)
        path.x[p] -= d * math.sin(path.yaw[p])
        path.y[p] += d * math.cos(path.yaw[p])
        path.shift[p] = d
    shape_path(path)


@kernel
def path_at(values, s):
    """Linear interpolation of one of the path's arrays at s [m]."""
    u = min(max(s / PATH_STEP, 0.0), PATH_POINTS - 1.001)
    i = int(u)
    f = u - i
    return (1.0 - f) * values[i] + f * values[i + 1]


@kernel
def _foot(path, x, y, where):
    """(s, d) [m] of a point whose nearest path point is known."""
    dx, dy = x - path.x[where], y - path.y[where]
    c, s = math.cos(path.yaw[where]), math.sin(path.yaw[where])
    along, across = c * dx + s * dy, c * dy - s * dx
    bend = 1.0 - path.curvature[where] * across  # along a curve the foot moves less (inside) or more (outside)
    along /= min(max(bend, 0.3), 3.0)
    return where * PATH_STEP + along, across - 0.5 * path.curvature[where] * along * along


@kernel
def project(path, x, y):
    """(s, d) [m] of a point on the path, d left positive; looks at every path point."""
    best, where = 1e30, 0
    for p in range(PATH_POINTS):
        dx, dy = x - path.x[p], y - path.y[p]
        q = dx * dx + dy * dy
        if q < best:
            best, where = q, p
    return _foot(path, x, y, where)


@kernel
def project_near(path, x, y, s):
    """(s, d) [m] of a point on the path, walking downhill from path coordinate s [m]."""
    where = int(min(max(s / PATH_STEP + 0.5, 0.0), PATH_POINTS - 1.0))
    dx, dy = x - path.x[where], y - path.y[where]
    best = dx * dx + dy * dy
    for way in (1, -1):
        p = where + way
        while 0 <= p < PATH_POINTS:
            dx, dy = x - path.x[p], y - path.y[p]
            q = dx * dx + dy * dy
            if q >= best:
                break
            best, where = q, p
            p += way
    return _foot(path, x, y, where)
