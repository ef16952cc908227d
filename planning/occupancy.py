"""Where and when forecasts of other road users meet the own path: the space-time table of one driver.

Each row (entry) is one forecast of one object: over time step j it covers the path's interval [low, high], where its
box, widened by a margin, reaches into the corridor that the own body sweeps.
"""

import math
from typing import NamedTuple

import numpy as np

from planning.config import ENTRIES, STEPS
from planning.path import PATH_POINTS, PATH_STEP, path_at, project, project_near
from world.kernel import kernel

_SAME_WAY = math.cos(math.radians(55.0))


class Occupancy(NamedTuple):
    """Scratch of one driver: E = ENTRIES rows, T = STEPS."""

    low: np.ndarray  # (E, T) [m] along the path
    high: np.ndarray  # (E, T) [m]
    inside: np.ndarray  # (E, T) bool
    first: np.ndarray  # (E,) first step inside, STEPS if never
    same_way: np.ndarray  # (E,) bool it enters the corridor roughly in the path's direction
    prior: np.ndarray  # (E,) bool it has the right of way, or may have
    source: np.ndarray  # (E,) int object index
    speed: np.ndarray  # (E,) [m/s] along the path when it enters
    walker: np.ndarray  # (E,) bool
    x: np.ndarray  # (T,) [m] the forecast being added, ego frame
    y: np.ndarray  # (T,) [m]
    yaw: np.ndarray  # (T,) [rad]
    count: np.ndarray  # (1,) int rows in use


def make_occupancy() -> Occupancy:
    """Empty scratch."""
    rows = (ENTRIES, STEPS)
    return Occupancy(
        low=np.zeros(rows), high=np.zeros(rows), inside=np.zeros(rows, np.bool_), first=np.zeros(ENTRIES, np.int64),
        same_way=np.zeros(ENTRIES, np.bool_), prior=np.zeros(ENTRIES, np.bool_), source=np.zeros(ENTRIES, np.int64),
        speed=np.zeros(ENTRIES), walker=np.zeros(ENTRIES, np.bool_), x=np.zeros(STEPS), y=np.zeros(STEPS),
        yaw=np.zeros(STEPS), count=np.zeros(1, np.int64),
    )  # fmt: skip


@kernel
def forecast_straight(occ, x, y, yaw, vx, vy, dt):
    """Write a constant-velocity forecast into the scratch row."""
    for j in range(STEPS):
        occ.x[j], occ.y[j], occ.yaw[j] = x + vx * dt * j, y + vy * dt * j, yaw


@kernel
def _box_interval(path, x, y, yaw, length, width, s, reach):
    """(low, high, left, right) [m] of a box on the path, around foot s: only what is laterally within `reach`.

    The long sides are sampled, so that a box that lies across the path counts where it crosses it.
    """
    c, sn = math.cos(yaw), math.sin(yaw)
    low, high, left, right = 1e9, -1e9, -1e9, 1e9
    pieces = max(int(math.ceil(length / 1.0)), 1)
    for i in range(pieces + 1):
        for side in range(3):
            u, v = (i / pieces - 0.5) * length, (side - 1) * 0.5 * width
            ps, pd = project_near(path, x + c * u - sn * v, y + sn * u + c * v, s)
            left, right = max(left, pd), min(right, pd)
            if abs(pd) <= reach:
                low, high = min(low, ps), max(high, ps)
    if low > high and left > 0.0 > right:  # straddles the corridor between two samples
        low, high = s - 0.5 * width, s + 0.5 * width
    return low, high, left, right


@kernel
def add_entry(occ, path, length, width, reach, source, prior, walker, dt):
    """Project the scratch forecast on the path; keeps the row if it ever comes inside. Returns whether it did.

    Args:
        reach: [m] half width of the corridor for this object, margin included.
    """
    e = occ.count[0]
    if e >= ENTRIES:
        return False
    first = STEPS
    half = 0.5 * math.sqrt(length * length + width * width)
    s, d = project(path, occ.x[0], occ.y[0])
    for j in range(STEPS):
        occ.inside[e, j] = False
        s, d = project_near(path, occ.x[j], occ.y[j], s)
        if abs(d) > reach + half or s < -half - 1.0 or s > (PATH_POINTS - 1) * PATH_STEP + half:
            continue
        low, high, _, _ = _box_interval(path, occ.x[j], occ.y[j], occ.yaw[j], length, width, s, reach)
        if low <= high:
            occ.inside[e, j], occ.low[e, j], occ.high[e, j] = True, low, high
            if first == STEPS:
                first = j
                occ.same_way[e] = math.cos(occ.yaw[j] - path_at(path.yaw, s)) > _SAME_WAY
    if first == STEPS:
        return False
    occ.first[e], occ.prior[e], occ.source[e], occ.walker[e] = first, prior, source, walker
    k = min(first, STEPS - 2)
    c = math.cos(occ.yaw[k] - path_at(path.yaw, 0.5 * (occ.low[e, first] + occ.high[e, first])))
    moved = math.sqrt((occ.x[k + 1] - occ.x[k]) ** 2 + (occ.y[k + 1] - occ.y[k]) ** 2)
    occ.speed[e] = moved / dt * c
    occ.count[0] = e + 1
    return True


@kernel
def widen_entry(occ, e, early, late):
    """Let entry e come `early` steps sooner and leave `late` steps later (in place)."""
    T = STEPS
    # Forward in time for "early" (reads later columns only), then backward for "late" (reads earlier columns only)
    for j in range(T):
        low, high, inside = 1e9, -1e9, False
        for q in range(j, min(j + early, T - 1) + 1):
            if occ.inside[e, q]:
                inside = True
                low, high = min(low, occ.low[e, q]), max(high, occ.high[e, q])
        occ.inside[e, j] = inside
        if inside:
            occ.low[e, j], occ.high[e, j] = low, high
    for i in range(T):
        j = T - 1 - i
        low, high, inside = 1e9, -1e9, False
        for q in range(max(j - late, 0), j + 1):
            if occ.inside[e, q]:
                inside = True
                low, high = min(low, occ.low[e, q]), max(high, occ.high[e, q])
        occ.inside[e, j] = inside
        if inside:
            occ.low[e, j], occ.high[e, j] = low, high
    occ.first[e] = max(occ.first[e] - early, 0)
