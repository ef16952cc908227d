"""Crosswalk outlines and the spans of lanes inside them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from world.budget import spend
from world.lane_arrays import LaneArrays

_LEVEL = 3.0  # [m] a lane further above or below does not meet the crosswalk
_SHORTEST = 0.05  # [m] shorter contacts do not count


@dataclass
class Outlines:
    """Closed polygons, counter-clockwise, map frame."""

    start: NDArray[np.int32]  # (n + 1,)
    xyz: NDArray[np.float64]  # (V, 3) [m]

    def __len__(self) -> int:
        return len(self.start) - 1

    def __getitem__(self, i: int) -> NDArray[np.float64]:
        if not 0 <= i < len(self):
            raise IndexError(f"outline {i} of {len(self)}")
        return self.xyz[self.start[i] : self.start[i + 1]]

    def fields(self) -> dict[str, Any]:
        return {"crosswalk_start": self.start, "crosswalk_xyz": self.xyz.astype(np.float32)}


def outlines(polygons: list[NDArray[np.float64]], origin: NDArray[np.float64]) -> Outlines:
    """Polygons (n, 3) moved to the map frame, turned counter-clockwise, a repeated last corner dropped."""
    out = []
    for polygon in polygons:
        corners = np.asarray(polygon, np.float64).copy()
        corners[:, :2] -= origin
        if len(corners) > 3 and np.allclose(corners[0, :2], corners[-1, :2], atol=1e-6):
            corners = corners[:-1]
        x, y = corners[:, 0], corners[:, 1]
        if np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) < 0:
            corners = corners[::-1]
        out.append(corners)
    start = np.concatenate(([0], np.cumsum([len(c) for c in out], dtype=np.int64))).astype(np.int32)
    return Outlines(start, np.concatenate(out) if out else np.zeros((0, 3)))


def inside_polygon(xy: NDArray[np.float64], polygon: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) whether points (n, 2) lie inside a polygon (m, >= 2), by the even-odd rule."""
    x, y = xy[:, 0, None], xy[:, 1, None]
    ax, ay = polygon[:, 0], polygon[:, 1]
    bx, by = np.roll(ax, -1), np.roll(ay, -1)
    spans = (ay > y) != (by > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = ax + (y - ay) * (bx - ax) / (by - ay)
    return (np.sum(spans & (x < at), axis=1) % 2).astype(bool)


def place_crossings(lanes: LaneArrays, crosswalks: Outlines) -> dict[str, Any]:
    """RoadMap's crossing fields: for each drivable lane the crosswalks its centre line meets, by s."""
    rows: list[tuple[int, float, float, int]] = []
    first = lanes.segments(np.flatnonzero(lanes.drivable))
    a, b = lanes.xyz[first], lanes.xyz[first + 1]
    low, high = np.minimum(a, b), np.maximum(a, b)
    owner = lanes.point_lane[first]
    for number in range(len(crosswalks)):
        polygon = crosswalks[number]
        spend("crosswalks")
        box0, box1 = polygon.min(axis=0) - [0, 0, _LEVEL], polygon.max(axis=0) + [0, 0, _LEVEL]
        near = ((high >= box0) & (low <= box1)).all(axis=1)
        for lane in np.unique(owner[near]):
            span = _span(lanes, int(lane), polygon)
            if span is not None:
                rows.append((int(lane), *span, number))
    rows.sort()
    lane = np.array([r[0] for r in rows], np.int64)
    start = np.zeros(lanes.count + 1, np.int32)
    np.cumsum(np.bincount(lane, minlength=lanes.count), out=start[1:])
    return {
        "crossing_start": start,
        "crossing_crosswalk": np.array([r[3] for r in rows], np.int32),
        "crossing_span": np.array([r[1:3] for r in rows], np.float32).reshape(-1, 2),
    }


def _span(lanes: LaneArrays, lane: int, polygon: NDArray[np.float64]) -> tuple[float, float] | None:
    """[m] s interval of the lane's centre line inside the polygon, from the first to the last border it meets."""
    own = lanes.xyz[lanes.points(lane), :2]
    a, u = own[:-1, None], np.diff(own, axis=0)[:, None]  # (n, 1, 2)
    c = polygon[:, :2]
    v = np.roll(c, -1, axis=0) - c  # (m, 2)
    det = u[..., 0] * v[:, 1] - u[..., 1] * v[:, 0]
    rel = c - a  # (n, m, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (rel[..., 0] * v[:, 1] - rel[..., 1] * v[:, 0]) / det
        w = (rel[..., 0] * u[..., 1] - rel[..., 1] * u[..., 0]) / det
    segment, side = np.nonzero((t >= 0) & (t <= 1) & (w >= 0) & (w < 1))
    s = ((segment + t[segment, side]) * lanes.step[lane]).tolist()
    begins, ends = inside_polygon(own[[0, -1]], c)
    s += [0.0] * bool(begins) + [float(lanes.length[lane])] * bool(ends)
    return (min(s), max(s)) if s and max(s) - min(s) > _SHORTEST else None


def at_s(lanes: LaneArrays, lane: int, s: NDArray[np.float64], columns: slice = slice(0, 2)) -> NDArray[np.float64]:
    """(n, columns) [m] points of a lane's centre line at arc lengths s, linear between the lane's points."""
    own = lanes.xyz[lanes.points(lane), columns]
    k = np.clip((s / lanes.step[lane]).astype(np.int64), 0, len(own) - 2)
    t = np.clip(s / lanes.step[lane] - k, 0.0, 1.0)[:, None]
    return own[k] * (1 - t) + own[k + 1] * t
