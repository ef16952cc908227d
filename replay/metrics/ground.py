"""What nuPlan's score needs of the map: the driver's lane, its limit, and corners off the drivable area."""

import math

import numpy as np
from numpy.typing import NDArray

from replay.metrics.nuplan import DRIVABLE_MARGIN
from world.kernel import kernel
from world.pack import Pack
from world.queries import DRIVABLE_MASK, is_drivable, lane_point, nearest_lane
from world.records import Bodies, WorldState
from world.roadmap import MapSet

_AROUND = 16  # points of the circle about a corner that are looked at
GROUND_ROW = np.dtype(
    [
        ("samples", "i8"),
        ("overspeed", "f8"),  # [m/s] summed over samples
        ("off", "?"),  # a corner was further than DRIVABLE_MARGIN off the drivable area
        ("lane", "i8"),  # of the last sample, -1 none
        ("s", "f8"),  # [m] along it; NaN: it has just been entered
    ]
)


@kernel
def _far_off(tables, map_id, x, y, z):
    """Whether a point is DRIVABLE_MARGIN or more off the drivable area."""
    if is_drivable(tables, map_id, x, y, z):
        return False
    for i in range(_AROUND):
        angle = 2.0 * math.pi * i / _AROUND
        if is_drivable(tables, map_id, x + DRIVABLE_MARGIN * math.cos(angle), y + DRIVABLE_MARGIN * math.sin(angle), z):
            return False
    return True


@kernel
def _limit(tables, lane, s):
    """[m/s] of a lane at s [m]; in a junction the highest of the lanes that lead in and out."""
    row = tables.lanes[lane]
    if row.junction < 0 or row.pred1 - row.pred0 + row.succ1 - row.succ0 == 0:
        return lane_point(tables, lane, s)[6]
    most = np.float32(0.0)
    for q in range(row.pred0, row.pred1):
        before = tables.lanes[tables.predecessors[q]]
        most = max(most, tables.points[before.point0 + before.points - 1].limit)
    for q in range(row.succ0, row.succ1):
        most = max(most, tables.points[tables.lanes[tables.successors[q]].point0].limit)
    return most


@kernel
def _lane_of(tables, map_id, x, y, z, yaw):
    """(lane, s) that the driver is on, -1 where it is on none.

    Of lanes that lie on top of each other in a junction it is the one that runs its way; elsewhere the nearest,
    whichever way it runs.
    """
    lane, s, d, away = nearest_lane(tables, map_id, x, y, z, yaw, False, DRIVABLE_MASK)
    if lane >= 0 and tables.lanes[lane].junction >= 0:
        lane, s, d, away = nearest_lane(tables, map_id, x, y, z, yaw, True, DRIVABLE_MASK)
    if lane < 0 or away > 0.5 * lane_point(tables, lane, s)[5]:
        return np.int64(-1), np.float32(0.0)
    return lane, s


@kernel
def ground_one(row, map_id, x, y, z, yaw, speed, length, width, tables):
    """Take one sample of a driver into its GROUND_ROW; returns the advance [m] along its lane."""
    row.samples += 1
    c, s = math.cos(yaw), math.sin(yaw)
    for corner in range(4):
        u = 0.5 * length if corner < 2 else -0.5 * length
        v = 0.5 * width if corner % 2 == 0 else -0.5 * width
        row.off = row.off or _far_off(tables, map_id, x + c * u - s * v, y + s * u + c * v, z)
    lane, at = _lane_of(tables, map_id, x, y, z, yaw)
    if lane < 0:
        return 0.0
    row.overspeed += max(abs(speed) - _limit(tables, lane, at), 0.0)
    advance = 0.0
    if lane == row.lane:
        if not math.isnan(row.s):
            advance = at - row.s
        row.s = at
    else:
        row.lane, row.s = lane, math.nan
    return advance


@kernel
def ground_all(rows, advance, active, state, bodies, map_id, tables):
    """`ground_one` of all active drivers; advance (B, K) float32."""
    for b in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            advance[b, k] = 0.0
            if active[b, k]:
                advance[b, k] = ground_one(
                    rows[b, k], map_id[b], state[0][b, k], state[1][b, k], state[2][b, k], state[3][b, k],
                    state[4][b, k], bodies[0][b, k], bodies[1][b, k], tables,
                )  # fmt: skip


class GroundMeter:
    """Online meter of (B, K) drivers; a sample each SAMPLE_DT."""

    def __init__(self, worlds: int, drivers: int, maps: MapSet):
        self._tables = Pack(maps.tables)
        self.rows = np.zeros((worlds, drivers), GROUND_ROW)
        self._advance = np.zeros((worlds, drivers), np.float32)
        self._steps: list[list[list[float]]] = [[[] for _ in range(drivers)] for _ in range(worlds)]

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Start anew. Args: mask: (B, K)."""
        self.rows[mask] = np.array((0, 0.0, False, -1, np.nan), GROUND_ROW)
        for b, k in zip(*np.nonzero(mask), strict=True):
            self._steps[b][k] = []

    def tick(self, state: WorldState, bodies: Bodies, active: NDArray[np.bool_]) -> None:
        """One sample of the drivers of `active` (B, K). Args: state, bodies: (B, N)."""
        if not active.any():
            return
        pose = (state.x, state.y, state.z, state.yaw, state.speed)
        ground_all(
            self.rows, self._advance, active, pose, (bodies.length, bodies.width), state.map_id, self._tables
        )  # fmt: skip
        for b, k in zip(*np.nonzero(active), strict=True):
            self._steps[b][k].append(float(self._advance[b, k]))

    def advance(self, b: int, k: int) -> NDArray[np.float64]:
        """(n,) [m] along the lane from sample to sample; 0 where the lane has changed."""
        return np.array(self._steps[b][k], np.float64)
