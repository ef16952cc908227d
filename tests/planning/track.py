"""A car on a given line: path, steering and speed control against the engine's bicycle, nothing else."""

import math

import numpy as np

from planning.config import PlannerConfig
from planning.lateral import steer_one
from planning.longitudinal import accel_one
from planning.path import make_path, path_one
from planning.speed import ROLL_ROW
from planning.view import ROUTE_ROW
from world.bicycle import bicycle_step

F = np.float32
DT = 0.05
CAR = dict(
    wheelbase=2.8, rear_axle=1.4, max_speed=60.0, max_accel=4.0, max_brake=8.0, max_steer=0.7, max_steer_rate=1.0,
    steer_lag=0.15, max_jerk=10.0, friction=1.0,
)  # fmt: skip


def line_of(pieces, step=0.25):
    """Points (n, 2) of a line made of (length [m], curvature [1/m]) pieces, from the origin along x."""
    xs, ys, x, y, yaw = [0.0], [0.0], 0.0, 0.0, 0.0
    for length, curvature in pieces:
        for _ in range(max(int(round(length / step)), 1)):
            yaw += 0.5 * step * curvature
            x, y = x + step * math.cos(yaw), y + step * math.sin(yaw)
            yaw += 0.5 * step * curvature
            xs.append(x)
            ys.append(y)
    return np.array([xs, ys]).T


def tracks():
    """name: (line, speed [m/s])."""
    right = math.pi / 2
    return {
        "straight": (line_of([(400, 0)]), 15.0),
        "circle": (line_of([(300, 1 / 25)]), 7.0),
        "s_curve": (line_of([(40, 0), (40, 1 / 40), (40, -1 / 40), (60, 0)]), 9.0),
        "left_6m": (line_of([(40, 0), (6 * right, 1 / 6), (60, 0)]), 3.5),
        "right_4m": (line_of([(40, 0), (4.5 * right, -1 / 4.5), (60, 0)]), 3.0),
        "town": (line_of([(30, 0), (8 * right, 1 / 8), (20, 0), (6 * right, -1 / 6), (30, 0)]), 4.0),
        "motorway": (line_of([(300, 0), (400, 1 / 400), (400, -1 / 400), (200, 0)]), 27.8),
    }


def route_from(line, x, y, yaw, last, points=50, step=2.0):
    """Route points (1, 1, R, 2) in the ego frame from the foot point on, their validity, offset and foot index."""
    lo, hi = max(last - 40, 0), min(last + 40, len(line) - 1)
    seg0, seg1 = line[lo:hi], line[lo + 1 : hi + 1]
    v = seg1 - seg0
    t = np.clip((([x, y] - seg0) * v).sum(1) / (v * v).sum(1), 0, 1)
    foot = seg0 + t[:, None] * v
    d2 = ((foot - [x, y]) ** 2).sum(1)
    i = int(d2.argmin())
    length = float(np.hypot(*v[0]))
    start = (lo + i + t[i]) * length
    s = np.arange(len(line)) * length
    at = start + step * np.arange(points)
    ok = at <= s[-1]
    world = np.stack((np.interp(at, s, line[:, 0]), np.interp(at, s, line[:, 1])), 1)
    offset = (v[i, 0] * (y - foot[i, 1]) - v[i, 1] * (x - foot[i, 0])) / length
    c, sn = math.cos(yaw), math.sin(yaw)
    local = (world - [x, y]) @ np.array([[c, -sn], [sn, c]])
    return local[None, None].astype(F), ok[None, None], offset, lo + i


def drive(line, speed, offset=0.0, config=None, car=None):
    """Drives a line at a constant wanted speed; returns arrays over time."""
    car = {**CAR, **(car or {})}
    path = make_path()
    x, y, yaw, v, a, steer = 0.0, offset, math.atan2(*(line[1] - line[0])[::-1]), speed, 0.0, 0.0
    last, out = 0, {k: [] for k in ("error", "speed", "yaw_rate", "command", "accel")}
    row = (config or PlannerConfig()).row()
    route, rolled = np.zeros(50, ROUTE_ROW), np.zeros(20, ROLL_ROW)
    route["half_width"], route["limit"], rolled["v"] = 2.0, speed, speed
    for _ in range(3000):
        xy, ok, error, last = route_from(line, x, y, yaw, last)
        if ok.sum() < 6:
            break
        route["x"], route["y"], route["valid"] = xy[0, 0, :, 0], xy[0, 0, :, 1], ok
        path_one(route, path)
        u, _ = steer_one(path, rolled, 0.2, v, steer, car["wheelbase"], car["rear_axle"], car["steer_lag"], row)
        command = accel_one(rolled, 0.2, v, a, DT, False, row)
        state = bicycle_step(*map(F, (x, y, yaw, v, a, steer, u, command)), *map(F, car.values()), F(DT))
        x, y, yaw, v, a, steer, rate = map(float, state)
        for key, value in zip(out, (error, v, rate, u, a), strict=True):
            out[key].append(value)
    return {k: np.array(q) for k, q in out.items()}
