"""Edges of the drivable surface: as the reader gives them, or the outer borders of the drivable lanes."""

import numpy as np
from numpy.typing import NDArray

from world.budget import CHUNK, MAX_PAIRS, chunks, spend
from world.draft import MapDraft
from world.edge_join import join_edges
from world.grid import fill_cells, grid_over
from world.kinds import EdgeKind, LaneKind, MarkKind
from world.lane_arrays import LaneArrays, ranges

_OUTSIDE = 0.2  # [m] beyond the border where other drivable lanes are looked for
_ISLAND = 3.0  # [m] holes between a junction's lanes narrower than this are no edges
_LEVEL = 2.5  # [m]
_CELL = 4.0  # [m]
_BESIDE = 0.3  # [m] from an edge to the ground beside it
_PAVED = (LaneKind.SHOULDER, LaneKind.PARKING, LaneKind.BIKING, LaneKind.STOP, LaneKind.RESTRICTED)


def place_edges(draft: MapDraft, lanes: LaneArrays) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Segments (E, 2, 3) [m] and EdgeKind (E,); the gaps between the paths of a junction are no edges."""
    segment, kind = _given(draft, lanes) if draft.edges else _lane_borders(lanes)
    keep = ~_in_gaps(lanes, segment)
    return join_edges(segment[keep], kind[keep])


def _given(draft: MapDraft, lanes: LaneArrays) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    shift = np.append(lanes.origin, 0.0)
    lines = [np.asarray(line, np.float64) - shift for line, _ in draft.edges]
    kinds = [np.full(len(line) - 1, int(kind), np.int8) for line, (_, kind) in zip(lines, draft.edges, strict=True)]
    return np.concatenate([np.stack([p[:-1], p[1:]], axis=1) for p in lines]), np.concatenate(kinds)


def _in_gaps(lanes: LaneArrays, segment: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(E,) edges along a junction's lanes that have paved ground within 3 m on both sides."""
    inside = Bands(lanes, lanes.segments(np.flatnonzero((lanes.junction >= 0) & lanes.drivable)))
    paved = np.flatnonzero(lanes.drivable | np.isin(lanes.kind, [int(k) for k in _PAVED]))
    surface = Bands(lanes, lanes.segments(paved))
    middle = segment.mean(axis=1)
    u = segment[:, 1, :2] - segment[:, 0, :2]
    u /= np.maximum(np.linalg.norm(u, axis=1), 1e-9)[:, None]
    normal = np.stack([-u[:, 1], u[:, 0], np.zeros(len(u))], axis=1)
    out = inside.hold(middle + normal * _BESIDE) | inside.hold(middle - normal * _BESIDE)
    for sign in (1.0, -1.0):
        row = np.flatnonzero(out)
        for away in (_BESIDE, 1.0, 2.0, _ISLAND):
            row = row[~surface.hold(middle[row] + normal[row] * (sign * away))]
        out[row] = False  # open ground on this side
    return out


def _lane_borders(lanes: LaneArrays) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Borders of drivable lanes with nothing drivable 0.2 m outside of them.

    CURB where a sidewalk lies outside or the lane is marked so.
    """
    drivable = np.flatnonzero(lanes.drivable)
    if not len(drivable):
        return np.zeros((0, 2, 3)), np.zeros(0, np.int8)
    first = lanes.segments(drivable)
    band = Bands(lanes, first)
    pavement = Bands(lanes, lanes.segments(np.flatnonzero(lanes.kind == int(LaneKind.SIDEWALK))))
    parts, kinds = [], []
    for sign, marks in ((1.0, lanes.mark_left), (-1.0, lanes.mark_right)):
        across = np.stack([-np.sin(lanes.heading), np.cos(lanes.heading)], axis=1) * sign
        border = lanes.xyz.copy()
        border[:, :2] += across * lanes.width[:, None] / 2
        segment = np.stack([border[first], border[first + 1]], axis=1)
        middle, out = segment.mean(axis=1), (across[first] + across[first + 1]) / 2
        middle[:, :2] += out * _OUTSIDE
        free = (lanes.width[first] + lanes.width[first + 1] > 0.1) & ~band.hold(middle)
        segment, middle, out = segment[free], middle[free], out[free]
        middle[:, :2] += out * 0.3
        curb = pavement.hold(middle) | (marks[first[free]] == int(MarkKind.CURB))
        parts.append(segment)
        kinds.append(np.where(curb, int(EdgeKind.CURB), int(EdgeKind.ROAD_EDGE)).astype(np.int8))
    return np.concatenate(parts), np.concatenate(kinds)


class Bands:
    """The ground that lane segments cover, for many points at once."""

    def __init__(self, lanes: LaneArrays, first: NDArray):
        self.lanes = lanes
        self.empty = len(first) == 0
        if self.empty:
            return
        a, b = lanes.xyz[first, :2], lanes.xyz[first + 1, :2]
        reach = lanes.width[first].max() / 2 + 0.5
        low, high = np.minimum(a.min(axis=0), b.min(axis=0)), np.maximum(a.max(axis=0), b.max(axis=0))
        self.grid = grid_over(low - reach, high + reach, max(_CELL, reach / 4), float(reach))
        self.cell_start, self.cell_segment = fill_cells(self.grid, a, b, first)

    def hold(self, xyz: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) whether points (n, 3) lie in a segment's band, on its level; a band reaches 0.2 m beyond its segment."""
        out = np.zeros(len(xyz), bool)
        if self.empty or not len(xyz):
            return out
        at = np.floor((xyz[:, :2] - self.grid.corner) / self.grid.cell).astype(np.int64)
        within = ((at >= 0) & (at < np.array(self.grid.shape))).all(axis=1)
        row0 = np.flatnonzero(within)
        cell = at[row0, 0] * self.grid.shape[1] + at[row0, 1]
        begin, end = self.cell_start[cell], self.cell_start[cell + 1]
        spend("edges", float((end - begin).sum(dtype=np.int64)), MAX_PAIRS, "pairs of places and lanes close by")
        for part in chunks(end - begin, CHUNK):
            spend("edges")
            row = np.repeat(row0[part], end[part] - begin[part])
            segment = self.cell_segment[ranges(begin[part], end[part])]
            hit = self._in_band(xyz[row], segment)
            out[row[hit]] = True
        return out

    def _in_band(self, p: NDArray, segment: NDArray) -> NDArray[np.bool_]:
        lanes = self.lanes
        a, b = lanes.xyz[segment], lanes.xyz[segment + 1]
        u = b[:, :2] - a[:, :2]
        norm2 = np.maximum(np.einsum("ij,ij->i", u, u), 1e-12)
        t = np.einsum("ij,ij->i", p[:, :2] - a[:, :2], u) / norm2
        inner = np.clip(t, 0.0, 1.0)
        gap = p[:, :2] - a[:, :2] - inner[:, None] * u
        half = (lanes.width[segment] * (1 - inner) + lanes.width[segment + 1] * inner) / 2
        near = np.einsum("ij,ij->i", gap, gap) <= half * half
        near &= np.abs(p[:, 2] - a[:, 2] - inner * (b[:, 2] - a[:, 2])) <= _LEVEL
        return near & (np.abs(t - inner) * np.sqrt(norm2) <= _OUTSIDE)
