"""Where people walk: pavements and crosswalks as paths whose ends are joined to a network.

Sidewalk lanes give the pavements. A crosswalk is its axis across the road, drawn on to the pavements at both sides,
which are cut there. Ends that meet, or that lie up to 3 m apart where one of them leads nowhere else, are linked.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from world.budget import MAX_LINKS, MAX_PAIRS, spend
from world.crossings import Outlines
from world.edges import Bands
from world.kinds import LaneKind, WalkKind
from world.lane_arrays import LaneArrays

JOIN = 3.0  # [m] ends that lead nowhere else are linked over this gap
_MEET = 0.5  # [m] ends this close are one place
_TO_PAVEMENT = 5.0  # [m] from the end of a crosswalk to the middle of the pavement
_NEAR_END = 1.0  # [m] a cut this close to an end of a path is that end
_ON_ROAD = 0.25  # a pavement that lies on the road for more than this share of its length is none


@dataclass
class _Path:
    xyz: NDArray[np.float64]  # (n, 3) [m]
    width: float  # [m]
    kind: WalkKind
    crosswalk: int = -1
    cuts: list[float] = field(default_factory=list)  # [m] along the path

    @property
    def s(self) -> NDArray[np.float64]:
        return np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(self.xyz, axis=0), axis=1))))


def build_walks(lanes: LaneArrays, crosswalks: Outlines, crossings: dict[str, Any]) -> dict[str, NDArray]:
    """RoadMap's walk fields."""
    paths = _pavements(lanes)
    nearest = _Nearest(paths)
    for number in range(len(crosswalks)):
        paths.append(_crosswalk_path(lanes, crosswalks[number], number, crossings, nearest))
    _cut_at_dead_ends(paths, nearest)
    pieces = [piece for path in paths for piece in _cut(path)]
    return {**_fields(pieces), **_links(pieces)}


def _pavements(lanes: LaneArrays) -> list[_Path]:
    """One path a sidewalk lane, without those that repeat another or lie on the road."""
    road = Bands(lanes, lanes.segments(np.flatnonzero(lanes.drivable)))
    out: list[_Path] = []
    known: dict[tuple[int, int], list[NDArray]] = {}
    on_road = np.zeros(len(lanes.xyz), bool)
    walked = lanes.kind[lanes.point_lane] == int(LaneKind.SIDEWALK)
    on_road[walked] = road.hold(lanes.xyz[walked])
    for lane in np.flatnonzero(lanes.kind == int(LaneKind.SIDEWALK)):
        xyz = lanes.xyz[lanes.points(lane)]
        if lanes.width[lanes.points(lane)].max() < 0.3 or on_road[lanes.points(lane)].mean() > _ON_ROAD:
            continue
        three = xyz[[0, len(xyz) // 2, -1]]
        cell = tuple(np.floor((three[0, :2] + three[2, :2]) / 8.0).astype(int))
        near = [t for i in (-1, 0, 1) for j in (-1, 0, 1) for t in known.get((cell[0] + i, cell[1] + j), [])]
        if any(min(np.abs(t - three).max(), np.abs(t[::-1] - three).max()) < _MEET for t in near):
            continue
        known.setdefault(cell, []).append(three)
        out.append(_Path(xyz, float(lanes.width[lanes.points(lane)].mean()), WalkKind.PAVEMENT))
    return out


class _Nearest:
    """Nearest place on any of a fixed list of paths."""

    def __init__(self, paths: list[_Path]):
        self.paths = list(paths)
        parts = [p.xyz for p in paths]
        self.a = np.concatenate([x[:-1] for x in parts]) if parts else np.zeros((0, 3))
        self.u = np.concatenate([x[1:] - x[:-1] for x in parts]) if parts else np.zeros((0, 3))
        self.s = np.concatenate([p.s[:-1] for p in paths]) if parts else np.zeros(0)
        self.path = np.repeat(np.arange(len(paths)), [len(x) - 1 for x in parts]) if parts else np.zeros(0, int)
        self.reach = float(np.linalg.norm(self.u, axis=1).max()) if len(self.u) else 0.0
        self.tree = KDTree(self.a) if len(self.a) else None

    def find(self, p: NDArray[np.float64], within: float, but: int = -1) -> tuple[int, float, NDArray] | None:
        """(path, s [m], place) of the nearest path within a distance [m] of p (3,), path `but` left out."""
        if self.tree is None:
            return None
        spend("walks")
        near = np.sort(np.asarray(self.tree.query_ball_point(p, within + self.reach), np.intp))
        near = near[self.path[near] != but]
        if not len(near):
            return None
        a, u = self.a[near], self.u[near]
        norm2 = np.maximum(np.einsum("ij,ij->i", u, u), 1e-12)
        t = np.clip(((p - a) * u).sum(axis=1) / norm2, 0.0, 1.0)
        place = a + t[:, None] * u
        gap = np.linalg.norm(place - p, axis=1)
        k = int(np.argmin(gap))
        if gap[k] > within:
            return None
        row = near[k]
        return int(self.path[row]), float(self.s[row] + t[k] * np.sqrt(norm2[k])), place[k]

    def cut(self, found: tuple[int, float, NDArray]) -> NDArray[np.float64]:
        """Place (3,) of the cut that joins here: an end of the path where one is close, else a new cut."""
        path, s, place = self.paths[found[0]], found[1], found[2]
        length = float(path.s[-1])
        if s < _NEAR_END or s > length - _NEAR_END:
            return path.xyz[0] if s < length / 2 else path.xyz[-1]
        close = [c for c in path.cuts if abs(c - s) < _NEAR_END]
        if close:
            return _at(path, close[0])
        path.cuts.append(s)
        return place


def _at(path: _Path, s: float) -> NDArray[np.float64]:
    return np.array([np.interp(s, path.s, path.xyz[:, k]) for k in range(3)])


def _crosswalk_path(
    lanes: LaneArrays, polygon: NDArray, number: int, crossings: dict[str, Any], nearest: _Nearest
) -> _Path:
    """Axis of a crosswalk from pavement to pavement; the pavements get their cuts."""
    ends, width = crosswalk_axis(polygon, _lane_headings(lanes, number, crossings))
    points = [ends[0], ends[1]]
    for k in (0, 1):
        found = nearest.find(ends[k], _TO_PAVEMENT)
        if found is not None:
            place = nearest.cut(found)
            if np.linalg.norm(place - ends[k]) > 0.05:
                points.insert(k * len(points), place)
    return _Path(np.array(points), width, WalkKind.CROSSWALK, number)


def _lane_headings(lanes: LaneArrays, number: int, crossings: dict[str, Any]) -> NDArray[np.float64]:
    """[rad] headings of the lanes that pass the crosswalk, where they do."""
    owner = np.repeat(np.arange(lanes.count), np.diff(crossings["crossing_start"]))
    rows = np.flatnonzero(crossings["crossing_crosswalk"] == number)
    s = crossings["crossing_span"][rows].mean(axis=1)
    point = lanes.start[owner[rows]] + np.round(s / lanes.step[owner[rows]]).astype(int)
    return lanes.heading[point]


def crosswalk_axis(polygon: NDArray[np.float64], headings: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Both ends (2, 3) [m] of the way across, and the width [m] of the crosswalk.

    The way runs along the polygon's sides that lie most nearly across the lanes (along its longest side where no lane
    passes), through the centre of the polygon.
    """
    xy = polygon[:, :2]
    side = np.roll(xy, -1, axis=0) - xy
    length = np.linalg.norm(side, axis=1)
    way = np.arctan2(side[:, 1], side[:, 0])
    k = int(np.argmax(length))
    if len(headings):
        lane_way = 0.5 * np.arctan2(np.sin(2 * headings).sum(), np.cos(2 * headings).sum())
        across = np.where(length > 0.2 * length.max(), np.abs(np.sin(way - lane_way)), -1.0)
        best = np.flatnonzero(across > across.max() - 0.02)
        k = int(best[np.argmax(length[best])])
    u = side[k] / length[k]
    x, y = xy[:, 0], xy[:, 1]
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    area = cross.sum() / 2
    centre = np.array([((x + np.roll(x, -1)) * cross).sum(), ((y + np.roll(y, -1)) * cross).sum()]) / (6 * area)
    if not ((centre > xy.min(axis=0)) & (centre < xy.max(axis=0))).all():
        centre = xy.mean(axis=0)
    along, aside = (xy - centre) @ u, (xy - centre) @ np.array([-u[1], u[0]])
    hits = []
    for i in range(len(xy)):
        j = (i + 1) % len(xy)
        if (aside[i] > 0) != (aside[j] > 0):
            t = aside[i] / (aside[i] - aside[j])
            hits.append(along[i] + t * (along[j] - along[i]))
    if not hits or max(hits) - min(hits) < 0.01:  # the centre of an outline that crosses itself may lie outside of it
        hits = [float(along.min()), float(along.max())]
    ends = np.stack([centre + u * min(hits), centre + u * max(hits)])
    z = np.array([polygon[np.argmin(np.linalg.norm(xy - e, axis=1)), 2] for e in ends])
    return np.column_stack([ends, z]), float(abs(area) / (max(hits) - min(hits)))


def _cut_at_dead_ends(paths: list[_Path], nearest: _Nearest) -> None:
    """Cut a pavement where another one ends against its side."""
    if not paths:
        return
    tree = KDTree(np.array([p.xyz[k] for p in paths for k in (0, -1)]))
    for number, path in enumerate(paths):
        for k in (0, 1):
            if path.crosswalk >= 0 or _nearest_other(tree, path.xyz[-k], number)[0] <= _MEET:
                continue
            found = nearest.find(path.xyz[-k], JOIN, but=number)
            if found is not None:
                nearest.cut(found)


def _cut(path: _Path) -> list[_Path]:
    if not path.cuts:
        return [path]
    s = path.s
    bounds = [0.0, *sorted(path.cuts), float(s[-1])]
    out = []
    for first, last in zip(bounds[:-1], bounds[1:], strict=True):
        inside = (s > first + 1e-6) & (s < last - 1e-6)
        xyz = np.concatenate([[_at(path, first)], path.xyz[inside], [_at(path, last)]])
        out.append(_Path(xyz, path.width, path.kind, path.crosswalk))
    return out


def _fields(pieces: list[_Path]) -> dict[str, Any]:
    start = np.concatenate(([0], np.cumsum([len(p.xyz) for p in pieces], dtype=np.int64))).astype(np.int32)
    xyz = np.concatenate([p.xyz for p in pieces]) if pieces else np.zeros((0, 3))
    return {
        "walk_start": start,
        "walk_xyz": xyz.astype(np.float32),
        "walk_width": np.array([p.width for p in pieces], np.float32),
        "walk_kind": np.array([int(p.kind) for p in pieces], np.int8),
        "walk_crosswalk": np.array([p.crosswalk for p in pieces], np.int32),
    }


def _links(pieces: list[_Path]) -> dict[str, Any]:
    """Links between the ends that lie at one place."""
    place = _places(pieces)
    order = np.argsort(place, kind="stable")
    sizes = np.bincount(place) if len(place) else np.zeros(0)
    spend("walks", float((sizes.astype(np.float64) ** 2).sum()), MAX_LINKS, "links between ends of paths")
    groups = np.split(order, np.flatnonzero(np.diff(place[order])) + 1) if len(order) else []
    links: list[list[int]] = [[] for _ in place]
    for group in groups:
        for end in group.tolist():
            links[end] = [int(other) for other in group if other != end]
    start = np.concatenate(([0], np.cumsum([len(x) for x in links], dtype=np.int64))).astype(np.int32)
    return {"walk_link_start": start, "walk_link": np.array([e for x in links for e in x], np.int32)}


def _places(pieces: list[_Path]) -> NDArray[np.int64]:
    """(2 Y,) place number of each end: ends within 0.5 m share one, and lonely ends join the nearest within 3 m."""
    if not pieces:
        return np.zeros(0, np.int64)
    ends = np.array([p.xyz[k] for p in pieces for k in (0, -1)])
    tree, count = KDTree(ends), len(ends)
    near = float(tree.query_ball_point(ends, _MEET, return_length=True).sum())
    spend("walks", near, MAX_PAIRS / 10, "pairs of ends of paths that lie close together")
    a, b = tree.query_pairs(_MEET, output_type="ndarray").T
    joined = a // 2 != b // 2  # a short path's own ends do not meet
    links = coo_array((np.ones(int(joined.sum())), (a[joined], b[joined])), shape=(count, count))
    _, place = connected_components(links, directed=False)
    held = np.bincount(place, minlength=count)
    for end in np.flatnonzero(held[place] == 1):
        if held[place[end]] > 1:
            continue  # another lonely end has joined it
        gap, other = _nearest_other(tree, ends[end], end // 2)
        if gap <= JOIN:
            held[place[end]] -= 1
            place[end] = place[other]
            held[place[end]] += 1
    return place.astype(np.int64)


def _nearest_other(tree: KDTree, p: NDArray[np.float64], path: int) -> tuple[float, int]:
    """Distance [m] and number of the end nearest to p (3,) that is not an end of a path."""
    spend("walks")
    gap, end = tree.query(p, k=3, distance_upper_bound=2 * JOIN)
    for distance, other in zip(np.atleast_1d(gap), np.atleast_1d(end), strict=True):
        if np.isfinite(distance) and int(other) // 2 != path:
            return float(distance), int(other)
    return np.inf, -1
