"""Reference path: the route ahead as dense points with heading and curvature, optionally shifted sideways.

The route's points (SCENEROUTE_STEP apart) are joined by cubic Hermite curves with central-difference tangents, which
on a circle of 6 m radius leaves less than 2 mm. Frame: ego frame of the Scene; path coordinate s [m] starts at the
driver's foot point on the route.
"""

import math

import numpy as np
from numpy.typing import NDArray

from world.kernel import kernel

PATH_POINTS = 120
PATH_STEP = 1.0  # [m]
ROUTE_STEP = 2.0  # [m] world.records.SCENEROUTE_STEP
_SPAN = 2  # points either side that curvature is measured over: blurs kinks of the route over 2 m


PATH_ROW = np.dtype(
    [
        ("x", "f8"),  # [m] ego frame
        ("y", "f8"),  # [m]
        ("yaw", "f8"),  # [rad] of travel, ego frame, continuous (not wrapped)
        ("curvature", "f8"),  # [1/m] left positive
        ("half_width", "f8"),  # [m] of the lane
        ("limit", "f8"),  # [m/s]
        ("energy", "f8"),  # [m^2/s^2] allowed speed squared (planning.speed)
        ("why", "i8"),  # what made it so
    ]
)


def make_path() -> NDArray[np.void]:
    """(PATH_POINTS,) PATH_ROW: scratch that every driver reuses."""
    return np.zeros(PATH_POINTS, PATH_ROW)


@kernel
def smooth_ramp(u):
    """Quintic 0 -> 1 for u in [0, 1] with zero first and second derivative at both ends."""
    if u <= 0.0:
        return 0.0
    if u >= 1.0:
        return 1.0
    return u * u * u * (10.0 + u * (6.0 * u - 15.0))


@kernel
def _tangent(route, i, n):
    """(dx, dy) [m a route step] of the route at point i of n."""
    if n < 2:
        return ROUTE_STEP, 0.0
    lo, hi = max(i - 1, 0), min(i + 1, n - 1)
    dx = (route[hi].x - route[lo].x) / (hi - lo)
    dy = (route[hi].y - route[lo].y) / (hi - lo)
    if n > 2 and (i == 0 or i == n - 1):  # arc through the end: twice the chord's turn against the next tangent
        j = 1 if i == 0 else n - 2
        tx = 0.5 * (route[j + 1].x - route[j - 1].x)
        ty = 0.5 * (route[j + 1].y - route[j - 1].y)
        turn = math.atan2(tx * dy - ty * dx, tx * dx + ty * dy)
        c, s = math.cos(turn), math.sin(turn)
        dx, dy = c * dx - s * dy, s * dx + c * dy
    return dx, dy


@kernel
def path_one(route, path):
    """Fill `path` from one driver's ROUTE_ROWs; returns the route's length within it [m].

    Valid points are a prefix. Beyond the route's end the path goes straight on, so that it has all its points.
    """
    n = 0
    while n < len(route) and route[n].valid:
        n += 1
    length = max(n - 1, 0) * ROUTE_STEP
    for p in range(PATH_POINTS):
        s = p * PATH_STEP
        i = min(int(s / ROUTE_STEP), max(n - 2, 0))
        j = min(i + 1, max(n - 1, 0))
        ax, ay = _tangent(route, i, n)
        bx, by = _tangent(route, j, n)
        u = s / ROUTE_STEP - i
        x0, y0 = route[i].x, route[i].y
        x1, y1 = route[j].x, route[j].y
        if u > 1.0 or n < 2:
            path[p].x, path[p].y = x1 + (u - 1.0) * bx, y1 + (u - 1.0) * by
            u = 1.0
        else:
            u2, u3 = u * u, u * u * u
            h0, h1, h2, h3 = 2 * u3 - 3 * u2 + 1, u3 - 2 * u2 + u, 3 * u2 - 2 * u3, u3 - u2
            path[p].x = h0 * x0 + h1 * ax + h2 * x1 + h3 * bx
            path[p].y = h0 * y0 + h1 * ay + h2 * y1 + h3 * by
        path[p].half_width = (1.0 - u) * route[i].half_width + u * route[j].half_width
        path[p].limit = route[i].limit if u < 0.5 else route[j].limit
    shape_path(path)
    return length


@kernel
def shape_path(path):
    """Heading and curvature of the path's points, by central differences."""
    for p in range(PATH_POINTS):
        lo, hi = max(p - 1, 0), min(p + 1, PATH_POINTS - 1)
        yaw = math.atan2(path[hi].y - path[lo].y, path[hi].x - path[lo].x)
        if p > 0:  # keep it continuous
            last = path[p - 1].yaw
            yaw = last + math.atan2(math.sin(yaw - last), math.cos(yaw - last))
        path[p].yaw = yaw
    path[0].yaw = 2.0 * path[0].yaw - path[1].yaw  # one-sided difference lies half a step ahead
    for p in range(PATH_POINTS):
        q = min(max(p, _SPAN), PATH_POINTS - 1 - _SPAN)
        a, c = q - _SPAN, q + _SPAN
        ux, uy = path[q].x - path[a].x, path[q].y - path[a].y
        vx, vy = path[c].x - path[q].x, path[c].y - path[q].y
        wx, wy = path[c].x - path[a].x, path[c].y - path[a].y
        sides = math.sqrt((ux * ux + uy * uy) * (vx * vx + vy * vy) * (wx * wx + wy * wy))
        path[p].curvature = 2.0 * (ux * vy - uy * vx) / max(sides, 1e-9)  # Menger curvature


@kernel
def shift_path(path, start, ramp, end, offset):
    """Move the path sideways by `offset` between s = start and s = end [m], with ramps outside of them."""
    for p in range(PATH_POINTS):
        s = p * PATH_STEP
        d = offset * smooth_ramp((s - (start - ramp)) / ramp) * smooth_ramp(((end + ramp) - s) / ramp)
        path[p].x -= d * math.sin(path[p].yaw)
        path[p].y += d * math.cos(path[p].yaw)
    shape_path(path)


@kernel
def curvature_at(path, s):
    """Curvature [1/m] at s [m], linear."""
    u = min(max(s / PATH_STEP, 0.0), PATH_POINTS - 1.001)
    i = int(u)
    f = u - i
    return (1.0 - f) * path[i].curvature + f * path[i + 1].curvature


@kernel
def yaw_at(path, s):
    """Heading [rad] at s [m], linear."""
    u = min(max(s / PATH_STEP, 0.0), PATH_POINTS - 1.001)
    i = int(u)
    f = u - i
    return (1.0 - f) * path[i].yaw + f * path[i + 1].yaw


@kernel
def point_at(path, s):
    """(x, y, yaw) [m, m, rad] at s [m], linear."""
    u = min(max(s / PATH_STEP, 0.0), PATH_POINTS - 1.001)
    i = int(u)
    f = u - i
    a, b = path[i], path[i + 1]
    return a.x + f * (b.x - a.x), a.y + f * (b.y - a.y), a.yaw + f * (b.yaw - a.yaw)


@kernel
def _foot(path, x, y, where):
    """(s, d) [m] of a point whose nearest path point is known."""
    dx, dy = x - path[where].x, y - path[where].y
    c, s = math.cos(path[where].yaw), math.sin(path[where].yaw)
    along, across = c * dx + s * dy, c * dy - s * dx
    bend = 1.0 - path[where].curvature * across  # along a curve the foot moves less (inside) or more (outside)
    along /= min(max(bend, 0.3), 3.0)
    return where * PATH_STEP + along, across - 0.5 * path[where].curvature * along * along


@kernel
def project(path, x, y):
    """(s, d) [m] of a point on the path, d left positive; looks at every path point."""
    best, where = 1e30, 0
    for p in range(PATH_POINTS):
        dx, dy = x - path[p].x, y - path[p].y
        q = dx * dx + dy * dy
        if q < best:
            best, where = q, p
    return _foot(path, x, y, where)


@kernel
def project_near(path, x, y, s):
    """(s, d) [m] of a point on the path, walking downhill from path coordinate s [m]."""
    where = int(min(max(s / PATH_STEP + 0.5, 0.0), PATH_POINTS - 1.0))
    dx, dy = x - path[where].x, y - path[where].y
    best = dx * dx + dy * dy
    for way in (1, -1):
        p = where + way
        while 0 <= p < PATH_POINTS:
            dx, dy = x - path[p].x, y - path[p].y
            q = dx * dx + dy * dy
            if q >= best:
                break
            best, where = q, p
            p += way
    return _foot(path, x, y, where)
