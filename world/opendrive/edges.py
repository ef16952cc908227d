"""Edges of the drivable surface: where paved lanes end, without what lies inside another road's lanes.

The surface is every lane that carries motor traffic, and what a car can roll onto from there (shoulders, parking, cycle
and stop lanes) up to the first kerb. In junctions the connecting roads overlap; a piece of border that runs inside
another road's surface is no edge.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from world.budget import CHUNK, MAX_CORNERS, MAX_PAIRS, chunks, spend
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
    paved: list[LaneDraft] = []
    corners = 0
    for road in roads.values():
        for section in road.sections:
            spend(f"edges of road {road.id}", corners, MAX_CORNERS, "corners of edges")
            surface = paved_lanes(section)
            keys = [(road.id, section.index, i) for i in surface]
            paved += [lanes.drafts[key] for key in keys if key in lanes.drafts]
            own = [(road.id, line, kind) for line, kind in _section_edges(road, section, lanes, surface)]
            corners += sum(len(line) for _, line, _ in own)
            found += own
    for line, kind in _outside(found, paved):
        draft.edges.append((line, kind))


def paved_lanes(section: SectionModel) -> set[int]:
    """Ids of the lanes of the drivable surface: motor lanes, and paved ones beside them without a kerb between."""
    order = sorted(section.lanes)
    paved = {i for i in order if section.lanes[i].kind in MOTOR}
    for way in (order, order[::-1]):
        for before, lane in zip(way, way[1:], strict=False):
            if before in paved and section.lanes[lane].kind in PAVED and not _kerb(section, before, lane):
                paved.add(lane)
    return paved


def _kerb(section: SectionModel, a: int, b: int) -> bool:
    """Whether the border between two neighbouring lanes begins as a kerb."""
    if (a > 0) != (b > 0):
        marks = section.center_marks
    else:
        marks = section.lanes[min(a, b, key=abs)].marks
    return any(mark.kind == MarkKind.CURB for mark in marks[:1])


def _section_edges(
    road: RoadModel, section: SectionModel, lanes: Lanes, surface: set[int]
) -> list[tuple[F64, EdgeKind]]:
    """Borders of a section between paved and other ground, as polylines along s."""
    keys = [(road.id, section.index, i) for i in section.lanes]
    s = max((lanes.road_s[key] for key in keys if key in lanes.road_s), key=len, default=None)
    if s is None or not surface:
        return []
    s = np.sort(s)
    if road.junction is not None:
        s = np.linspace(s[0], s[-1], max(len(s), int(np.ceil((s[-1] - s[0]) / MAX_PIECE)) + 1))
    curves = lateral(road, section, s)
    paved = np.array([lane.id in surface for lane in curves.lanes])
    found = []
    for b in np.flatnonzero(np.diff(np.concatenate([[False], paved, [False]]).astype(np.int8))):
        marks, beyond = _border(section, curves.zero - int(b))
        kerb = (sample_marks(marks, s - section.start)[0] == MarkKind.CURB).mean() > 0.5
        kind = EdgeKind.CURB if kerb or not KERBS.isdisjoint(beyond) else EdgeKind.ROAD_EDGE
        found.append((road_points(road, s, curves.border[b, 0], np.zeros_like(s)), kind))
    return found


def _border(section: SectionModel, outside_of: int) -> tuple[list[Mark], set[LaneKind]]:
    """Marks on a border, and the kinds of the lanes on both sides of it.

    Args:
        outside_of: 0 the reference line, n > 0 the outer border of the n-th right lane, n < 0 of the n-th left lane.
    """
    if outside_of == 0:
        order = sorted(section.lanes)
        near = [i for i in order if i > 0][:1] + [i for i in order if i < 0][-1:]
        return section.center_marks, {section.lanes[i].kind for i in near}
    side = sorted((i for i in section.lanes if (i < 0) == (outside_of > 0)), key=abs)
    inner = abs(outside_of) - 1
    return section.lanes[side[inner]].marks, {section.lanes[i].kind for i in side[inner : inner + 2]}


def _outside(edges: list[tuple[str, F64, EdgeKind]], paved: list[LaneDraft]) -> list[tuple[F64, EdgeKind]]:
    """Edges without the pieces that run inside the paved lanes of another road."""
    if not edges or not paved:
        return []
    middle = np.concatenate([0.5 * (line[1:] + line[:-1]) for _, line, _ in edges])
    owner = np.concatenate([np.full(len(line) - 1, i) for i, (_, line, _) in enumerate(edges)])
    names = {name: i for i, name in enumerate(dict.fromkeys(lane.key[0] for lane in paved))}
    road = np.array([names.get(name, -1) for name, _, _ in edges])[owner]
    inside = _inside(middle, road, paved, names)
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
    tree = KDTree(points[:, :2])
    reach = np.hypot(half, 0.5 * step)
    busy = _shared(drafts)
    rows = np.flatnonzero(busy)
    spend("edges")
    if not len(rows):
        return inside
    totals = tree.query_ball_point(xyz[rows, :2], reach[rows], return_length=True)
    spend("edges", float(totals.sum()), MAX_PAIRS, "pairs of edges and lanes that lie close together")
    for part in chunks(totals, CHUNK):
        spend("edges")
        own = rows[part]
        near = tree.query_ball_point(xyz[own, :2], reach[own])
        lane = np.repeat(own, [len(n) for n in near])
        point = np.concatenate([np.asarray(n, np.intp) for n in near])
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
