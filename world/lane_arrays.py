"""Lanes of a MapDraft as flat arrays with resolved links: the first step of `world.build`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from world.budget import spend
from world.draft import LaneDraft, LaneKey, MapDraft
from world.kinds import LaneKind, Turn
from world.roadmap import MapError

DRIVABLE_KINDS = (
    LaneKind.DRIVING,
    LaneKind.BIDIRECTIONAL,
    LaneKind.ENTRY,
    LaneKind.EXIT,
    LaneKind.ON_RAMP,
    LaneKind.OFF_RAMP,
)
_FAR = 8000.0  # [m] float32 keeps half a millimetre up to here
_STRAIGHT = np.deg2rad(35.0)
_U_TURN = np.deg2rad(150.0)


@dataclass
class LaneArrays:
    """All lanes of one map, float64, map frame (inertial minus origin). Names as in RoadMap; P points, L lanes."""

    name: str
    keys: list[LaneKey]
    index: dict[LaneKey, int]
    origin: NDArray[np.float64]  # (2,) [m]
    start: NDArray[np.int32]  # (L + 1,)
    xyz: NDArray[np.float64]  # (P, 3) [m]
    heading: NDArray[np.float64]  # (P,) [rad]
    curvature: NDArray[np.float64]  # (P,) [1/m]
    width: NDArray[np.float64]  # (P,) [m]
    limit: NDArray[np.float64]  # (P,) [m/s]
    mark_left: NDArray[np.int8]
    mark_right: NDArray[np.int8]
    color_left: NDArray[np.int8]
    color_right: NDArray[np.int8]
    change_left: NDArray[np.bool_]
    change_right: NDArray[np.bool_]
    step: NDArray[np.float64]  # (L,) [m]
    length: NDArray[np.float64]  # (L,) [m]
    kind: NDArray[np.int8]  # (L,)
    turn: NDArray[np.int8]  # (L,)
    junction: NDArray[np.int32]  # (L,)
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    opposite: NDArray[np.int32]
    road: NDArray[np.int32]
    section: NDArray[np.int32]
    lane_id: NDArray[np.int32]
    road_s: NDArray[np.float64]  # (L, 2) [m]
    successor_start: NDArray[np.int32]
    successor: NDArray[np.int32]
    predecessor_start: NDArray[np.int32]
    predecessor: NDArray[np.int32]
    road_ids: tuple[str, ...]
    junction_ids: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.length)

    @property
    def drivable(self) -> NDArray[np.bool_]:
        """(L,) lanes that motor vehicles may use."""
        return np.isin(self.kind, [int(k) for k in DRIVABLE_KINDS])

    def points(self, lane: int | np.integer) -> slice:
        """Rows of a lane's points."""
        return slice(int(self.start[lane]), int(self.start[lane + 1]))

    def successors(self, lane: int | np.integer) -> NDArray[np.int32]:
        return self.successor[self.successor_start[lane] : self.successor_start[lane + 1]]

    def predecessors(self, lane: int | np.integer) -> NDArray[np.int32]:
        return self.predecessor[self.predecessor_start[lane] : self.predecessor_start[lane + 1]]

    def segments(self, lanes: NDArray | None = None) -> NDArray[np.int64]:
        """First point of every segment (of the given lanes, or of all)."""
        own = np.arange(self.count) if lanes is None else np.asarray(lanes)
        return ranges(self.start[own], self.start[own + 1] - 1)

    @cached_property
    def point_lane(self) -> NDArray[np.int32]:
        """(P,) lane of each point."""
        return np.repeat(np.arange(self.count, dtype=np.int32), np.diff(self.start))


def ranges(first: NDArray, last: NDArray) -> NDArray[np.int64]:
    """Concatenation of arange(first[i], last[i])."""
    first, size = np.asarray(first, np.int64), np.asarray(last, np.int64) - np.asarray(first, np.int64)
    offset = np.repeat(first - np.concatenate(([0], np.cumsum(size)[:-1])), size) if len(size) else first
    return np.arange(int(size.sum()), dtype=np.int64) + offset


def csr(rows: NDArray, values: NDArray, count: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(starts, values) grouped by row, rows ascending, order within a row kept."""
    order = np.argsort(rows, kind="stable")
    start = np.zeros(count + 1, np.int32)
    np.cumsum(np.bincount(np.asarray(rows, np.int64), minlength=count), out=start[1:])
    return start, np.asarray(values)[order].astype(np.int32)


def wrap(angle: ArrayLike) -> NDArray[np.float64]:
    """Angle wrapped to [-pi, pi)."""
    return (np.asarray(angle) + np.pi) % (2 * np.pi) - np.pi


def _check(draft: MapDraft) -> None:
    if not draft.lanes:
        raise MapError(draft.name, "lanes", "the map has no lane")
    for lane in draft.lanes:
        n = len(lane.xyz)
        name = f"lane {lane.key}"
        if n < 2 or lane.xyz.shape != (n, 3):
            raise MapError(draft.name, name, f"points have shape {lane.xyz.shape}, expected (n >= 2, 3)")
        for field in (
            "heading",
            "curvature",
            "width",
            "limit",
            "mark_left",
            "mark_right",
            "change_left",
            "change_right",
        ):
            if np.shape(getattr(lane, field)) != (n,):
                raise MapError(draft.name, name, f"{field} has shape {np.shape(getattr(lane, field))}, expected ({n},)")
        if not lane.length > 0:
            raise MapError(draft.name, name, f"length {lane.length} m is not positive")
        if not (np.isfinite(lane.xyz).all() and np.isfinite(lane.heading).all() and np.isfinite(lane.width).all()):
            raise MapError(draft.name, name, "a position, heading or width is not finite")


def _numbers(names: Sequence[str | None]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Index of each name in order of first appearance (-1 for None), and the names."""
    known: dict[str, int] = {}
    out = np.array([-1 if n is None else known.setdefault(n, len(known)) for n in names], np.int32)
    return out, tuple(known)


def _links(draft: MapDraft, index: dict[LaneKey, int]) -> tuple[NDArray, NDArray]:
    rows, values = [], []
    for i, lane in enumerate(draft.lanes):
        for key in dict.fromkeys(lane.successors):
            if key not in index:
                raise MapError(draft.name, f"lane {lane.key}", f"successor {key} is not a lane of the map")
            rows.append(i)
            values.append(index[key])
    return np.array(rows, np.int32), np.array(values, np.int32)


def _neighbours(draft: MapDraft, index: dict[LaneKey, int], side: str) -> NDArray[np.int32]:
    out = np.full(len(draft.lanes), -1, np.int32)
    for i, lane in enumerate(draft.lanes):
        key = getattr(lane, side)
        if key is not None:
            if key not in index:
                raise MapError(draft.name, f"lane {lane.key}", f"{side} neighbour {key} is not a lane of the map")
            out[i] = index[key]
    return out


def _origin(xyz: NDArray[np.float64]) -> NDArray[np.float64]:
    if np.abs(xyz[:, :2]).max() <= _FAR:
        return np.zeros(2)
    return np.round((xyz[:, :2].min(axis=0) + xyz[:, :2].max(axis=0)) / 2)


def lane_arrays(draft: MapDraft) -> LaneArrays:
    """Flat arrays of the draft's lanes: links as indices, predecessors, turns, origin subtracted.

    Raises:
        MapError: a lane has wrong shapes, a link names a lane that is not there, or a key occurs twice.
    """
    _check(draft)
    lanes = draft.lanes
    index = {lane.key: i for i, lane in enumerate(lanes)}
    if len(index) != len(lanes):
        twice = next(lane.key for i, lane in enumerate(lanes) if index[lane.key] != i)
        raise MapError(draft.name, f"lane {twice}", "the key occurs twice")
    points = np.array([len(lane.xyz) for lane in lanes], np.int64)
    start = np.concatenate(([0], np.cumsum(points))).astype(np.int32)
    xyz = np.concatenate([lane.xyz for lane in lanes]).astype(np.float64)
    origin = _origin(xyz)
    xyz[:, :2] -= origin
    rows, values = _links(draft, index)
    successor_start, successor = csr(rows, values, len(lanes))
    predecessor_start, predecessor = csr(values, rows, len(lanes))
    length = np.array([lane.length for lane in lanes], np.float64)
    road, road_ids = _numbers([lane.key[0] for lane in lanes])
    junction, junction_ids = _numbers([lane.junction for lane in lanes])
    out = LaneArrays(
        name=draft.name,
        keys=[lane.key for lane in lanes],
        index=index,
        origin=origin,
        start=start,
        xyz=xyz,
        heading=wrap(_join(lanes, "heading", np.float64)),
        curvature=_join(lanes, "curvature", np.float64),
        width=_join(lanes, "width", np.float64),
        limit=_join(lanes, "limit", np.float64),
        mark_left=_join(lanes, "mark_left", np.int8),
        mark_right=_join(lanes, "mark_right", np.int8),
        color_left=_join(lanes, "color_left", np.int8),
        color_right=_join(lanes, "color_right", np.int8),
        change_left=_join(lanes, "change_left", np.bool_),
        change_right=_join(lanes, "change_right", np.bool_),
        step=length / (points - 1),
        length=length,
        kind=np.array([int(lane.kind) for lane in lanes], np.int8),
        turn=np.array([0 if lane.turn is None else int(lane.turn) for lane in lanes], np.int8),
        junction=junction,
        left=_neighbours(draft, index, "left"),
        right=_neighbours(draft, index, "right"),
        opposite=_neighbours(draft, index, "opposite"),
        road=road,
        section=np.array([lane.key[1] for lane in lanes], np.int32),
        lane_id=np.array([lane.key[2] for lane in lanes], np.int32),
        road_s=np.array([lane.road_s for lane in lanes], np.float64).reshape(-1, 2),
        successor_start=successor_start,
        successor=successor,
        predecessor_start=predecessor_start,
        predecessor=predecessor,
        road_ids=road_ids,
        junction_ids=junction_ids,
    )
    known = np.array([lane.turn is not None for lane in lanes])
    out.turn = np.where(known, out.turn, _turns(out)).astype(np.int8)
    return out


def _join(lanes: Sequence[LaneDraft], field: str, dtype: type) -> NDArray:
    return np.concatenate([getattr(lane, field) for lane in lanes]).astype(dtype)


def _turns(lanes: LaneArrays) -> NDArray[np.int8]:
    """(L,) Turn of lanes in junctions from the heading gained along the connecting road (all its sections)."""
    change = wrap(np.diff(lanes.heading))
    total = np.concatenate(([0.0], np.cumsum(change)))
    gained = total[lanes.start[1:] - 1] - total[lanes.start[:-1]]
    own = gained.copy()
    for lane in np.flatnonzero(lanes.junction >= 0):
        for links in (lanes.predecessors, lanes.successors):
            gained[lane] += _gained_beyond(lanes, lane, own, links)
    turn = np.select(
        [np.abs(gained) < _STRAIGHT, np.abs(gained) > _U_TURN, gained > 0],
        [int(Turn.STRAIGHT), int(Turn.U_TURN), int(Turn.LEFT)],
        int(Turn.RIGHT),
    )
    return np.where((lanes.junction >= 0) & lanes.drivable, turn, int(Turn.NONE)).astype(np.int8)


def _gained_beyond(lanes: LaneArrays, lane: int | np.integer, own: NDArray, links) -> float:
    """[rad] heading gained on further sections of the lane's connecting road in one direction."""
    gained, at = 0.0, lane
    spend("turns of connecting roads")
    for _ in range(1000):
        further = [
            j for j in links(at) if lanes.road[j] == lanes.road[lane] and lanes.junction[j] == lanes.junction[lane]
        ]
        if len(further) != 1 or further[0] == lane:
            break
        at = further[0]
        gained += own[at]
    return float(gained)
