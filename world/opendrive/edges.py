"""Edges of the drivable surface: where paved lanes end, without what lies inside another road's lanes.

The surface is every lane that carries motor traffic, and what a car can roll onto from there (shoulders, parking, cycle
and stop lanes) up to the first kerb. In junctions the connecting roads overlap; a piece of border that runs inside
another road's surface is no edge.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from world.draft import LaneDraft, MapDraft
from world.kinds import EdgeKind, LaneKind, MarkKind
from world.opendrive.frame import road_points
from world.opendrive.furniture import Lanes
from world.opendrive.lanes import lateral
from world.opendrive.links import MOTOR
from world.opendrive.marks import sample_marks
from world.opendrive.model import Mark, RoadModel, SectionModel

F64 = NDArray[np.float64]
PAVED = MOTOR | {LaneKind.BIKING, LaneKind.SHOULDER, LaneKind.PARKING, LaneKind.STOP, LaneKind.RESTRICTED}
KERBS = {LaneKind.SIDEWALK, LaneKind.CURB}
MARGIN = 0.1  # [m] a border this deep inside another lane is no edge
LEVEL = 2.5  # [m] roads further apart in height do not share ground
MAX_PIECE = 1.0  # [m] length of the pieces that are kept or dropped in junctions


def add_edges(draft: MapDraft, lanes: Lanes, roads: dict[str, RoadModel]) -> None:
    """Appends the surface's edges to the draft."""
    found: list[tuple[str, F64, EdgeKind]] = []
    for road in roads.values():
        for section in road.sections:
            found += [(road.id, line, kind) for line, kind in _section_edges(road, section, lanes)]
    for line, kind in _outside(found, lanes):
        draft.edges.append((line, kind))


def _section_edges(road: RoadModel, section: SectionModel, lanes: Lanes) -> list[tuple[F64, EdgeKind]]:
    """Borders of a section between paved and other ground, as polylines along s."""
    keys = [(road.id, section.index, i) for i in section.lanes]
    s = max((lanes.road_s[key] for key in keys if key in lanes.road_s), key=len, default=None)
    if s is None:
        return []
    s = np.sort(s)
    if road.junction is not None:
        s = np.linspace(s[0], s[-1], max(len(s), int(np.ceil((s[-1] - s[0]) / MAX_PIECE)) + 1))
    curves = lateral(road, section, s)
    paved = _paved(section, [lane.id for lane in curves.lanes], curves.zero)
    found = []
    for b in np.flatnonzero(np.diff(np.concatenate([[False], paved, [False]]).astype(np.int8))):
        marks, outer = _border(section, curves.zero - int(b))
        kerb = (sample_marks(marks, s - section.start)[0] == MarkKind.CURB).mean() > 0.5
        kind = EdgeKind.CURB if kerb or (outer is not None and outer in KERBS) else EdgeKind.ROAD_EDGE
        t = curves.border[b, 0]
        found.append((road_points(road, s, t, np.zeros_like(s)), kind))
    return found


def _paved(section: SectionModel, ids: list[int], zero: int) -> NDArray[np.bool_]:
    """For every lane, right to left: whether it belongs to the drivable surface."""
    paved = np.zeros(len(ids), bool)
    for side in (range(zero - 1, -1, -1), range(zero, len(ids))):
        cut = any(mark.kind == MarkKind.CURB for mark in section.center_marks[:1])
        for row in side:
            lane = section.lanes[ids[row]]
            cut = cut and lane.kind not in MOTOR
            paved[row] = lane.kind in MOTOR or (lane.kind in PAVED and not cut)
            cut = cut or any(mark.kind == MarkKind.CURB for mark in lane.marks[:1])
    return paved if any(section.lanes[i].kind in MOTOR for i in ids) else np.zeros(len(ids), bool)


def _border(section: SectionModel, outside_of: int) -> tuple[list[Mark], LaneKind | None]:
    """Marks on a border, and the kind of the lane beyond it.

    Args:
        outside_of: 0 the reference line, n > 0 the outer border of the n-th right lane, n < 0 of the n-th left lane.
    """
    if outside_of == 0:
        return section.center_marks, None
    side = sorted((i for i in section.lanes if (i < 0) == (outside_of > 0)), key=abs)
    inner = section.lanes[side[abs(outside_of) - 1]]
    outer = section.lanes[side[abs(outside_of)]].kind if abs(outside_of) < len(side) else None
    return inner.marks, outer


def _outside(edges: list[tuple[str, F64, EdgeKind]], lanes: Lanes) -> list[tuple[F64, EdgeKind]]:
    """Edges without the pieces that run inside the motor lanes of another road."""
    if not edges:
        return []
    middle = np.concatenate([0.5 * (line[1:] + line[:-1]) for _, line, _ in edges])
    owner = np.concatenate([np.full(len(line) - 1, i) for i, (_, line, _) in enumerate(edges)])
    names = {name: i for i, name in enumerate(dict.fromkeys(key[0] for key in lanes.drafts))}
    road = np.array([names.get(name, -1) for name, _, _ in edges])[owner]
    inside = _inside(middle, road, [d for d in lanes.drafts.values() if d.kind in MOTOR], names)
    found, at = [], 0
    for _, line, kind in edges:
        keep = ~inside[at : at + len(line) - 1]
        at += len(line) - 1
        ends = np.flatnonzero(np.diff(np.concatenate([[0], keep.astype(np.int8), [0]])))
        found += [(line[a : b + 1], kind) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    return found


def _inside(points: F64, road: NDArray[np.intp], drafts: list[LaneDraft], names: dict[str, int]) -> NDArray[np.bool_]:
    """Which points (n, 3) lie in the band of a lane of another road than their own (n,)."""
    xyz = np.concatenate([d.xyz for d in drafts])
    half = np.concatenate([d.width / 2 for d in drafts])
    heading = np.concatenate([d.heading for d in drafts])
    step = np.concatenate([np.full(len(d.width), d.length / (len(d.width) - 1)) for d in drafts])
    lane_road = np.concatenate([np.full(len(d.width), names[d.key[0]]) for d in drafts])
    inside = np.zeros(len(points), bool)
    tree = cKDTree(points[:, :2])
    reach = np.hypot(half, 0.5 * step)
    busy = _shared(drafts)
    rows = np.flatnonzero(busy)
    near = tree.query_ball_point(xyz[rows, :2], reach[rows])
    counts = np.array([len(n) for n in near])
    if not counts.sum():
        return inside
    lane = np.repeat(rows, counts)
    point = np.concatenate([np.asarray(n, np.intp) for n in near if n])
    gap = points[point] - xyz[lane]
    cos, sin = np.cos(heading[lane]), np.sin(heading[lane])
    along = gap[:, 0] * cos + gap[:, 1] * sin
    across = np.abs(gap[:, 1] * cos - gap[:, 0] * sin)
    hit = (np.abs(along) <= 0.5 * step[lane] + 1e-3) & (across < half[lane] - MARGIN)
    hit &= (np.abs(gap[:, 2]) < LEVEL) & (road[point] != lane_road[lane])
    inside[point[hit]] = True
    return inside


def _shared(drafts: list[LaneDraft]) -> NDArray[np.bool_]:
    """Lane points that another road's edge may lie on: those of junctions, and the ends of other lanes."""
    parts = []
    for draft in drafts:
        s = np.linspace(0.0, draft.length, len(draft.width))
        parts.append((s < 10) | (s > draft.length - 10) if draft.junction is None else np.ones(len(s), bool))
    return np.concatenate(parts)
