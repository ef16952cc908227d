"""Conflicts between the lanes of a junction: where their bands overlap, of which kind, and who goes first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from world.budget import CHUNK, MAX_CONFLICTS, MAX_PAIRS, MAX_POINTS, chunks, spend
from world.grid import fill_cells, grid_over
from world.kinds import ConflictKind
from world.lane_arrays import LaneArrays, ranges

SHRINK = 0.15  # [m] taken off both sides of every band, so that lanes side by side do not conflict
_SLICE = 0.5  # [m] greatest spacing of the cross-sections that are tested
_ACROSS = np.linspace(-1.0, 1.0, 7)  # tested places of a cross-section, in half widths
_LEVEL = 3.0  # [m] lanes further above or below do not meet
_CHAIN = 1000  # sections of one connecting road that are followed
_CELL = 4.0  # [m]
_JOIN = 8.0  # [m] last part of lanes that are joined without overlapping
_JOINT = 0.15  # [m] a segment's band reaches so far beyond its ends, which closes the outside of bends


@dataclass
class Conflicts:
    """Both directions of every conflict, sorted by lane, then other lane."""

    start: NDArray[np.int32]  # (L + 1,)
    lane: NDArray[np.int32]  # (C,)
    other: NDArray[np.int32]  # (C,)
    span: NDArray[np.float64]  # (C, 2) [m] on lane
    other_span: NDArray[np.float64]  # (C, 2) [m] on other
    kind: NDArray[np.int8]  # (C,)
    priority: NDArray[np.int8]  # (C,) of lane against other; EQUAL until `world.priority` has spoken

    def on(self, lane: int) -> range:
        """Rows of a lane's conflicts."""
        return range(int(self.start[lane]), int(self.start[lane + 1]))

    def fields(self) -> dict[str, Any]:
        return {
            "conflict_start": self.start,
            "conflict_lane": self.other,
            "conflict_span": self.span.astype(np.float32),
            "conflict_other_span": self.other_span.astype(np.float32),
            "conflict_kind": self.kind,
            "conflict_priority": self.priority,
        }


@dataclass
class _Slices:
    """Cross-sections of lanes: (n,) each."""

    lane: NDArray[np.int64]
    s: NDArray[np.float64]  # [m]
    xyz: NDArray[np.float64]  # (n, 3) [m]
    across: NDArray[np.float64]  # (n, 2) [m] from the middle to the (shrunk) left border
    half: NDArray[np.float64]  # (n,) [m] length of `across`


def find_conflicts(lanes: LaneArrays) -> Conflicts:
    """Pairs of drivable lanes of one junction whose bands overlap, priorities still EQUAL.

    A cross-section of a lane conflicts where part of it lies inside the other lane's band (both bands narrowed by
    SHRINK on either side); a span reaches from the first to the last such cross-section. Lanes that follow each other
    do not conflict.
    """
    own = np.flatnonzero((lanes.junction >= 0) & lanes.drivable)
    slices = _cut(lanes, own)
    a, b, s = _hits(lanes, slices, lanes.segments(own))
    key = a * lanes.count + b
    pairs, inverse = np.unique(key, return_inverse=True)
    spend("conflicts of lanes in junctions", len(pairs), MAX_CONFLICTS, "conflicts")
    low = np.full(len(pairs), np.inf)
    high = np.full(len(pairs), -np.inf)
    np.minimum.at(low, inverse, s)
    np.maximum.at(high, inverse, s)
    a, b = pairs // lanes.count, pairs % lanes.count
    spacing = lanes.length / np.ceil(lanes.length / _SLICE)
    span = np.stack([np.maximum(low - spacing[a] / 2, 0.0), np.minimum(high + spacing[a] / 2, lanes.length[a])], axis=1)
    mirrored = np.searchsorted(pairs, b * lanes.count + a)
    there = (mirrored < len(pairs)) & (pairs[np.minimum(mirrored, len(pairs) - 1)] == b * lanes.count + a)
    keep = there & ~_linked(lanes, a, b)
    a, b, span, other_span = a[keep], b[keep], span[keep], span[mirrored[keep]]
    a, b, span, other_span = _add_joined(lanes, own, a, b, span, other_span)
    start = np.zeros(lanes.count + 1, np.int32)
    np.cumsum(np.bincount(a, minlength=lanes.count), out=start[1:])
    kind = _kinds(lanes, a, b)
    for side, own in ((span, a), (other_span, b)):  # where bands part or join they do so at the very end
        side[(kind == int(ConflictKind.DIVERGE)) & (side[:, 0] < 2 * _SLICE), 0] = 0.0
        late = (kind == int(ConflictKind.MERGE)) & (side[:, 1] > lanes.length[own] - 2 * _SLICE)
        side[late, 1] = lanes.length[own[late]]
    i32 = np.int32
    return Conflicts(start, a.astype(i32), b.astype(i32), span, other_span, kind, np.full(len(a), 2, np.int8))


def _add_joined(lanes: LaneArrays, own: NDArray, a: NDArray, b: NDArray, span: NDArray, other_span: NDArray):
    """The conflicts with those of lanes that lead into the same lane although their bands lie side by side."""
    known = a * lanes.count + b
    in_junction = np.zeros(lanes.count, np.bool_)
    in_junction[own] = True
    found: list[tuple[int, int]] = []
    for lane in range(lanes.count):
        before = [int(j) for j in lanes.predecessors(lane) if in_junction[j]]
        spend("conflicts of lanes in junctions", len(found) + len(before) ** 2, MAX_CONFLICTS, "conflicts")
        found += [(i, j) for i in before for j in before if i != j and lanes.junction[i] == lanes.junction[j]]
    pairs = np.array(found, np.int64).reshape(-1, 2)
    pairs = pairs[~np.isin(pairs[:, 0] * lanes.count + pairs[:, 1], known) & ~_linked(lanes, pairs[:, 0], pairs[:, 1])]
    if not len(pairs):
        return a, b, span, other_span
    ends = [np.stack([np.maximum(lanes.length[p] - _JOIN, 0.0), lanes.length[p]], axis=1) for p in pairs.T]
    a, b = np.concatenate([a, pairs[:, 0]]), np.concatenate([b, pairs[:, 1]])
    span, other_span = np.concatenate([span, ends[0]]), np.concatenate([other_span, ends[1]])
    order = np.argsort(a * lanes.count + b, kind="stable")
    return a[order], b[order], span[order], other_span[order]


def _cut(lanes: LaneArrays, own: NDArray) -> _Slices:
    count = np.ceil(lanes.length[own] / _SLICE).astype(np.int64) + 1
    spend("conflicts of lanes in junctions", float(count.sum()), 2 * MAX_POINTS, "cross-sections")
    lane = np.repeat(own, count)
    k = ranges(np.zeros(len(own), np.int64), count)
    s = k * np.repeat(lanes.length[own] / (count - 1), count)
    u = s / lanes.step[lane]
    at = np.minimum(u.astype(np.int64), np.diff(lanes.start)[lane] - 2)
    t = u - at
    p = lanes.start[lane] + at
    xyz = lanes.xyz[p] * (1 - t)[:, None] + lanes.xyz[p + 1] * t[:, None]
    turn = (lanes.heading[p + 1] - lanes.heading[p] + np.pi) % (2 * np.pi) - np.pi
    heading = lanes.heading[p] + t * turn
    half = np.maximum((lanes.width[p] * (1 - t) + lanes.width[p + 1] * t) / 2 - SHRINK, 0.05)
    across = np.stack([-np.sin(heading), np.cos(heading)], axis=1) * half[:, None]
    return _Slices(lane, s, xyz, across, half)


def _hits(lanes: LaneArrays, slices: _Slices, segments: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """(lane, other lane, s on lane) of every cross-section that enters another lane's band."""
    none = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    if not len(segments):
        return none
    found, count = [none], 0
    for row, segment in _candidates(lanes, slices, segments):
        found.append(_hit(lanes, slices, row, segment))
        count += len(found[-1][0])
        spend("conflicts of lanes in junctions", count, 10 * MAX_CONFLICTS, "places where lanes overlap")
    lane, other, s = (np.concatenate(column) for column in zip(*found, strict=True))
    return lane, other, s


def _hit(lanes: LaneArrays, slices: _Slices, row: NDArray, segment: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Those of the pairs of cross-section and segment that overlap, as `_hits` gives them."""
    owner = lanes.point_lane
    same = lanes.junction[owner[segment]] == lanes.junction[slices.lane[row]]
    near = same & (owner[segment] != slices.lane[row])
    row, segment = row[near], segment[near]
    near = _within(lanes, slices, row, segment, 0.0, slices.half[row])
    row, segment = row[near], segment[near]
    hit = np.zeros(len(row), bool)
    for place in _ACROSS:
        spend("conflicts of lanes in junctions")
        todo = np.flatnonzero(~hit)
        hit[todo] = _within(lanes, slices, row[todo], segment[todo], place, 0.0)
    row, segment = row[hit], segment[hit]
    return slices.lane[row], owner[segment].astype(np.int64), slices.s[row]


def _candidates(lanes: LaneArrays, slices: _Slices, segments: NDArray) -> Iterator[tuple[NDArray, NDArray]]:
    """(cross-section, first point of segment) pairs that may be close, by cells, some at a time."""
    a, b = lanes.xyz[segments, :2], lanes.xyz[segments + 1, :2]
    reach = lanes.width[segments].max()
    low, high = np.minimum(a.min(axis=0), b.min(axis=0)), np.maximum(a.max(axis=0), b.max(axis=0))
    grid = grid_over(low - reach, high + reach, max(_CELL, reach / 4), float(reach))
    cell_start, cell_segment = fill_cells(grid, a, b, segments)
    at = np.floor((slices.xyz[:, :2] - grid.corner) / grid.cell).astype(np.int64)
    cell = at[:, 0] * grid.shape[1] + at[:, 1]
    first, last = cell_start[cell], cell_start[cell + 1]
    total = float((last - first).sum(dtype=np.int64))
    spend("conflicts of lanes in junctions", total, MAX_PAIRS, "pairs of cross-sections and lanes close by")
    for part in chunks(last - first, CHUNK):
        row = np.repeat(np.arange(part.start, part.stop), last[part] - first[part])
        yield row, cell_segment[ranges(first[part], last[part])].astype(np.int64)


def _within(
    lanes: LaneArrays, slices: _Slices, row: NDArray, segment: NDArray, place: float, slack: NDArray | float
) -> NDArray[np.bool_]:
    """Whether the point at `place` of each cross-section lies in the (shrunk) band of the segment, `slack` m wider."""
    a, b = lanes.xyz[segment], lanes.xyz[segment + 1]
    p = slices.xyz[row, :2] + place * slices.across[row]
    u = b[:, :2] - a[:, :2]
    t = np.einsum("ij,ij->i", p - a[:, :2], u) / np.maximum(np.einsum("ij,ij->i", u, u), 1e-12)
    clamped = np.clip(t, 0.0, 1.0)
    gap = p - a[:, :2] - clamped[:, None] * u
    half = (lanes.width[segment] * (1 - clamped) + lanes.width[segment + 1] * clamped) / 2 - SHRINK + slack
    near = np.einsum("ij,ij->i", gap, gap) <= half * half
    near &= np.abs(slices.xyz[row, 2] - a[:, 2] - clamped * (b[:, 2] - a[:, 2])) < _LEVEL
    if np.isscalar(slack):  # the last word
        near &= np.abs(t - clamped) * np.linalg.norm(u, axis=1) <= _JOINT
    return near


def _linked(lanes: LaneArrays, a: NDArray, b: NDArray) -> NDArray[np.bool_]:
    """Whether one lane of each pair follows the other."""
    rows = np.repeat(np.arange(lanes.count, dtype=np.int64), np.diff(lanes.successor_start))
    links = rows * lanes.count + lanes.successor
    return np.isin(a * lanes.count + b, links) | np.isin(b * lanes.count + a, links)


def chain_ends(lanes: LaneArrays, lane: int) -> tuple[int, int]:
    """First and last lane of the connecting road's sections that `lane` is part of (usually itself)."""
    ends = []
    spend("sections of connecting roads")
    for links in (lanes.predecessors, lanes.successors):
        at = lane
        for _ in range(_CHAIN):
            further = [
                j for j in links(at) if lanes.road[j] == lanes.road[at] and lanes.junction[j] == lanes.junction[at]
            ]
            if len(further) != 1 or further[0] == lane:
                break
            at = int(further[0])
        ends.append(at)
    return ends[0], ends[1]


def _kinds(lanes: LaneArrays, a: NDArray, b: NDArray) -> NDArray[np.int8]:
    """(C,) ConflictKind: MERGE where both end in one lane, DIVERGE where both begin in one, else CROSS."""
    ends = {int(lane): chain_ends(lanes, int(lane)) for lane in np.unique(np.concatenate([a, b]))}
    begin = {lane: set(lanes.predecessors(first).tolist()) for lane, (first, _) in ends.items()}
    end = {lane: set(lanes.successors(last).tolist()) for lane, (_, last) in ends.items()}
    out = np.full(len(a), int(ConflictKind.CROSS), np.int8)
    for i, (own, other) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        spend("conflicts of lanes in junctions")
        if begin[own] & begin[other]:
            out[i] = int(ConflictKind.DIVERGE)
        elif end[own] & end[other]:
            out[i] = int(ConflictKind.MERGE)
    return out
