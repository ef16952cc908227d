"""Where and when forecasts of other road users meet the own path: the space-time table of one driver.

Each row (entry) is one forecast of one object: over time step j it covers the path's interval [low, high], where its
box, widened by a margin, reaches into the corridor that the own body sweeps.
"""

import math
from typing import NamedTuple

import numpy as np

from planning.config import ENTRIES, STEPS
from planning.path import PATH_POINTS, PATH_STEP, project, project_near, yaw_at
from world.kernel import kernel
from world.kinds import BodyKind

PEDESTRIAN, BICYCLE, MOTORCYCLE = int(BodyKind.PEDESTRIAN), int(BodyKind.BICYCLE), int(BodyKind.MOTORCYCLE)
_SAME_WAY = math.cos(math.radians(55.0))


ENTRY_ROW = np.dtype(
    [
        ("first", "i8"),  # first step inside, widened
        ("enters", "i8"),  # first step inside by its forecast
        ("same_way", "?"),  # it enters the corridor roughly in the path's direction
        ("prior", "?"),  # it has the right of way, or may have
        ("walker", "?"),  # on foot
        ("source", "i8"),  # object index
        ("speed", "f8"),  # [m/s] along the path when it enters
        ("accel", "f8"),  # [m/s^2] of that speed, 0 but for a leader
    ]
)
CELL_ROW = np.dtype([("low", "f8"), ("high", "f8"), ("inside", "?")])  # [m] along the path
POSE_ROW = np.dtype([("x", "f8"), ("y", "f8"), ("yaw", "f8")])  # [m, m, rad] ego frame


class Occupancy(NamedTuple):
    """Scratch of one driver: E = ENTRIES rows, T = STEPS."""

    entry: np.ndarray  # (E,) ENTRY_ROW
    cell: np.ndarray  # (E, T) CELL_ROW
    pose: np.ndarray  # (T,) POSE_ROW the forecast being added
    count: np.ndarray  # (1,) int rows in use


def make_occupancy() -> Occupancy:
    """Empty scratch."""
    return Occupancy(
        np.zeros(ENTRIES, ENTRY_ROW), np.zeros((ENTRIES, STEPS), CELL_ROW), np.zeros(STEPS, POSE_ROW),
        np.zeros(1, np.int64),
    )  # fmt: skip


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
    s, d = project(path, occ.pose[0].x, occ.pose[0].y)
    for j in range(STEPS):
        occ.cell[e, j].inside = False
        s, d = project_near(path, occ.pose[j].x, occ.pose[j].y, s)
        if abs(d) > reach + half or s < -half - 1.0 or s > (PATH_POINTS - 1) * PATH_STEP + half:
            continue
        low, high, _, _ = _box_interval(path, occ.pose[j].x, occ.pose[j].y, occ.pose[j].yaw, length, width, s, reach)
        if low <= high:
            occ.cell[e, j].inside, occ.cell[e, j].low, occ.cell[e, j].high = True, low, high
            if first == STEPS:
                first = j
                occ.entry[e].same_way = math.cos(occ.pose[j].yaw - yaw_at(path, s)) > _SAME_WAY
    if first == STEPS:
        return False
    occ.entry[e].enters = first
    occ.entry[e].first, occ.entry[e].prior, occ.entry[e].source, occ.entry[e].walker = first, prior, source, walker
    k = min(first, STEPS - 2)
    c = math.cos(occ.pose[k].yaw - yaw_at(path, 0.5 * (occ.cell[e, first].low + occ.cell[e, first].high)))
    moved = math.sqrt((occ.pose[k + 1].x - occ.pose[k].x) ** 2 + (occ.pose[k + 1].y - occ.pose[k].y) ** 2)
    occ.entry[e].speed, occ.entry[e].accel = moved / dt * c, 0.0
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
            if occ.cell[e, q].inside:
                inside = True
                low, high = min(low, occ.cell[e, q].low), max(high, occ.cell[e, q].high)
        occ.cell[e, j].inside = inside
        if inside:
            occ.cell[e, j].low, occ.cell[e, j].high = low, high
    for i in range(T):
        j = T - 1 - i
        low, high, inside = 1e9, -1e9, False
        for q in range(max(j - late, 0), j + 1):
            if occ.cell[e, q].inside:
                inside = True
                low, high = min(low, occ.cell[e, q].low), max(high, occ.cell[e, q].high)
        occ.cell[e, j].inside = inside
        if inside:
            occ.cell[e, j].low, occ.cell[e, j].high = low, high
    occ.entry[e].first = max(occ.entry[e].first - early, 0)


@kernel
def leader(occ):
    """Object nearest ahead that is on the path and goes its way; -1 if there is none."""
    best, low = -1, 1e9
    for e in range(occ.count[0]):
        if occ.entry[e].first == 0 and occ.entry[e].same_way and 0.0 < occ.cell[e, 0].low < low:
            best, low = occ.entry[e].source, occ.cell[e, 0].low
    return best


@kernel
def side_margin(kind, config):
    """[m] to keep beside a body of this kind."""
    if kind == PEDESTRIAN:
        return config.margin_walker
    if kind == BICYCLE or kind == MOTORCYCLE:
        return config.margin_cyclist
    return config.margin


@kernel
def add_straight(thing, path, occ, reach, source, prior, dt):
    """Forecast an OBJECT_ROW at constant velocity and add it; people on foot may be a little sooner or later."""
    for j in range(STEPS):
        occ.pose[j].x, occ.pose[j].y = thing.x + thing.vx * dt * j, thing.y + thing.vy * dt * j
        occ.pose[j].yaw = thing.yaw
    walker = thing.kind == PEDESTRIAN
    if add_entry(occ, path, thing.length, thing.width, reach, source, prior, walker, dt) and walker:
        widen_entry(occ, occ.count[0] - 1, 2, 2)
