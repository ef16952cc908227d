"""pack_maps: many RoadMaps into the structured tables that kernels read, with indices global over the set."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from world.lane_arrays import DRIVABLE_KINDS, ranges
from world.roadmap import (
    BUILDING_ROW,
    CONFLICT_ROW,
    CORNER_ROW,
    CROSSING_ROW,
    EDGE_ROW,
    LANE_ROW,
    LIGHT_ROW,
    MAP_ROW,
    PLAN_ROW,
    POINT_ROW,
    STATIC_REACH,
    STOP_ROW,
    TREE_ROW,
    TRUNK,
    WALK_POINT_ROW,
    WALK_ROW,
    MapSet,
    MapTables,
    RoadMap,
)

_COUNTED = ("lane", "point", "succ", "pred", "conf", "stop", "light", "plan", "crossing", "crosswalk", "edge", "walk")
_COUNTED += (
    "walk_point",
    "walk_link",
    "building",
    "corner",
    "tree",
    "cell",
    "cell_point",
    "cell_edge",
    "cell_static",
    "junction",
)


def pack_maps(maps: Sequence[RoadMap]) -> MapSet:
    """MapSet of the maps in the given order; map_id i is maps[i].

    Lane, point, junction, crosswalk and all other indices in the tables are global: map i's rows follow map i - 1's.

    Raises:
        ValueError: no map was given.
    """
    if not maps:
        raise ValueError("pack_maps: got no map, expected at least one RoadMap")
    base = {name: 0 for name in _COUNTED}
    parts: list[dict[str, NDArray]] = []
    for number, road_map in enumerate(maps):
        count = _counts(road_map)
        part = _pack_one(road_map, number, base, count)
        part |= _static_cells(road_map, part, base)
        count["cell_static"] = len(part["cell_statics"])
        parts.append(part)
        base = {name: base[name] + count[name] for name in _COUNTED}
    tables = {name: np.concatenate([part[name] for part in parts]) for name in MapTables._fields}
    ends = {"walk_link0": "walk_link", "cell0": "cell_point", "cell_edge0": "cell_edge", "cell_static0": "cell_static"}
    for name, total in ends.items():
        tables[name] = np.append(tables[name], base[total]).astype(np.int32)
    for table in tables.values():
        table.flags.writeable = False
    digest = hashlib.sha256("\n".join(m.source_hash for m in maps).encode()).hexdigest()
    return MapSet(tuple(maps), MapTables(**tables), digest)


def _counts(m: RoadMap) -> dict[str, int]:
    return {
        "lane": len(m.lane_length),
        "point": len(m.point_xyz),
        "succ": len(m.successor),
        "pred": len(m.predecessor),
        "conf": len(m.conflict_lane),
        "stop": len(m.stop_s),
        "light": len(m.light_yaw),
        "plan": len(m.plan_phases),
        "crossing": len(m.crossing_crosswalk),
        "crosswalk": len(m.crosswalk_start) - 1,
        "edge": len(m.edge_xyz),
        "walk": len(m.walk_width),
        "walk_point": len(m.walk_xyz),
        "walk_link": len(m.walk_link),
        "building": len(m.building_height),
        "corner": len(m.building_xyz),
        "tree": len(m.tree_xyz),
        "cell": len(m.cell_start) - 1,
        "cell_point": len(m.cell_point),
        "cell_edge": len(m.cell_edge),
        "junction": len(m.junction_ids),
    }


def _rows(dtype: np.dtype, size: int, **columns) -> NDArray:
    out = np.zeros(size, dtype)
    for name, values in columns.items():
        out[name] = values
    return out


def _shift(index: NDArray, base: int) -> NDArray[np.int32]:
    """Indices moved by `base`; -1 (none) stays."""
    return np.where(index < 0, -1, index + base).astype(np.int32)


def _pack_one(m: RoadMap, number: int, base: dict[str, int], count: dict[str, int]) -> dict[str, NDArray]:
    """The rows of one map for every table. CSR starts come without their last entry."""
    return {
        "maps": _map_row(m, base, count),
        "lanes": _lane_rows(m, number, base),
        "points": _point_rows(m, base),
        "successors": _shift(m.successor, base["lane"]),
        "predecessors": _shift(m.predecessor, base["lane"]),
        "conflicts": _rows(
            CONFLICT_ROW,
            count["conf"],
            lane=_shift(m.conflict_lane, base["lane"]),
            s0=m.conflict_span[:, 0],
            s1=m.conflict_span[:, 1],
            o0=m.conflict_other_span[:, 0],
            o1=m.conflict_other_span[:, 1],
            kind=m.conflict_kind,
            priority=m.conflict_priority,
        ),
        "stops": _rows(
            STOP_ROW,
            count["stop"],
            lane=np.repeat(np.arange(count["lane"]), np.diff(m.stop_start)) + base["lane"],
            s=m.stop_s,
            kind=m.stop_kind,
            light=_shift(m.stop_light, base["light"]),
        ),
        "lights": _rows(
            LIGHT_ROW,
            count["light"],
            plan=_shift(m.light_plan, base["plan"]),
            phase=m.light_phase,
            x=m.light_xyz[:, 0],
            y=m.light_xyz[:, 1],
            z=m.light_xyz[:, 2],
            yaw=m.light_yaw,
        ),
        "plans": _rows(PLAN_ROW, count["plan"], phases=m.plan_phases),
        "crossings": _rows(
            CROSSING_ROW,
            count["crossing"],
            crosswalk=_shift(m.crossing_crosswalk, base["crosswalk"]),
            s0=m.crossing_span[:, 0],
            s1=m.crossing_span[:, 1],
        ),
        "edges": _edge_rows(m),
        **_walk_rows(m, base),
        **_surroundings(m, base),
        "cell0": (m.cell_start[:-1] + base["cell_point"]).astype(np.int32),
        "cells": (m.cell_point + base["point"]).astype(np.int32),
        "cell_edge0": (m.cell_edge_start[:-1] + base["cell_edge"]).astype(np.int32),
        "cell_edges": (m.cell_edge + base["edge"]).astype(np.int32),
    }


def _map_row(m: RoadMap, base: dict[str, int], count: dict[str, int]) -> NDArray:
    blocks = {}
    for name in ("lane", "light", "plan", "walk", "edge", "building", "tree", "crosswalk"):
        blocks[f"{name}0"] = base[name]
        blocks[f"{name}1"] = base[name] + count[name]
    return _rows(
        MAP_ROW,
        1,
        **blocks,
        cell0=base["cell"],
        nx=m.grid_shape[0],
        ny=m.grid_shape[1],
        left_hand=int(m.left_hand_traffic),
        x0=m.grid_corner[0],
        y0=m.grid_corner[1],
        cell=m.grid_cell,
        reach=m.grid_reach,
    )


def _lane_rows(m: RoadMap, number: int, base: dict[str, int]) -> NDArray:
    starts = {}
    for name, start, key in (
        ("succ", m.successor_start, "succ"),
        ("pred", m.predecessor_start, "pred"),
        ("conf", m.conflict_start, "conf"),
        ("stop", m.stop_start, "stop"),
        ("cross", m.crossing_start, "crossing"),
    ):
        starts[f"{name}0"] = start[:-1] + base[key]
        starts[f"{name}1"] = start[1:] + base[key]
    return _rows(
        LANE_ROW,
        m.lane_count,
        **starts,
        point0=m.lane_start[:-1] + base["point"],
        points=np.diff(m.lane_start),
        step=m.lane_step,
        length=m.lane_length,
        kind=m.lane_kind,
        turn=m.lane_turn,
        junction=_shift(m.lane_junction, base["junction"]),
        left=_shift(m.lane_left, base["lane"]),
        right=_shift(m.lane_right, base["lane"]),
        opposite=_shift(m.lane_opposite, base["lane"]),
        map=number,
        drivable=np.isin(m.lane_kind, [int(k) for k in DRIVABLE_KINDS]),
    )


def _point_rows(m: RoadMap, base: dict[str, int]) -> NDArray:
    return _rows(
        POINT_ROW,
        len(m.point_xyz),
        x=m.point_xyz[:, 0],
        y=m.point_xyz[:, 1],
        z=m.point_xyz[:, 2],
        heading=m.point_heading,
        width=m.point_width,
        curvature=m.point_curvature,
        limit=m.point_limit,
        lane=np.repeat(np.arange(m.lane_count), np.diff(m.lane_start)) + base["lane"],
        mark_left=m.point_mark_left,
        mark_right=m.point_mark_right,
        change_left=m.point_change_left,
        change_right=m.point_change_right,
    )


def _edge_rows(m: RoadMap) -> NDArray:
    ends = {f"{end}{axis}": m.edge_xyz[:, i, j] for i, end in enumerate("ab") for j, axis in enumerate("xyz")}
    return _rows(EDGE_ROW, len(m.edge_xyz), **ends, kind=m.edge_kind)


def _walk_rows(m: RoadMap, base: dict[str, int]) -> dict[str, NDArray]:
    size = np.diff(m.walk_start)
    s = np.zeros(len(m.walk_xyz))
    if len(s):
        s[1:] = np.cumsum(np.linalg.norm(np.diff(m.walk_xyz[:, :2].astype(np.float64), axis=0), axis=1))
        s -= np.repeat(s[m.walk_start[:-1]], size)
    length = s[m.walk_start[1:] - 1] if len(size) else s
    return {
        "walks": _rows(
            WALK_ROW,
            len(size),
            point0=m.walk_start[:-1] + base["walk_point"],
            points=size,
            width=m.walk_width,
            length=length,
            kind=m.walk_kind,
            crosswalk=_shift(m.walk_crosswalk, base["crosswalk"]),
        ),
        "walk_points": _rows(WALK_POINT_ROW, len(s), x=m.walk_xyz[:, 0], y=m.walk_xyz[:, 1], z=m.walk_xyz[:, 2], s=s),
        "walk_link0": (m.walk_link_start[:-1] + base["walk_link"]).astype(np.int32),
        "walk_links": (m.walk_link + 2 * base["walk"]).astype(np.int32),
    }


def _surroundings(m: RoadMap, base: dict[str, int]) -> dict[str, NDArray]:
    """Buildings with their bounding circle, corners and trees."""
    buildings = np.zeros(len(m.building_height), BUILDING_ROW)
    for i in range(len(buildings)):
        outline = m.building_xyz[m.building_start[i] : m.building_start[i + 1], :2].astype(np.float64)
        centre = (outline.min(axis=0) + outline.max(axis=0)) / 2
        radius = np.linalg.norm(outline - centre, axis=1).max()
        corner0, corner1 = m.building_start[i : i + 2] + base["corner"]
        buildings[i] = (corner0, corner1, m.building_height[i], centre[0], centre[1], radius)
    corner, tree = m.building_xyz, m.tree_xyz
    return {
        "buildings": buildings,
        "corners": _rows(CORNER_ROW, len(corner), x=corner[:, 0], y=corner[:, 1], z=corner[:, 2]),
        "trees": _rows(
            TREE_ROW,
            len(tree),
            x=tree[:, 0],
            y=tree[:, 1],
            z=tree[:, 2],
            radius=m.tree_radius,
            height=m.tree_height,
        ),
    }


def _static_cells(m: RoadMap, rows: dict[str, NDArray], base: dict[str, int]) -> dict[str, NDArray]:
    """For each cell of the grid, the buildings and trees near it: those whose circle's square reaches it."""
    buildings, trees = rows["buildings"], rows["trees"]
    xy = np.stack([np.concatenate([buildings[axis], trees[axis]]) for axis in "xy"], axis=1).astype(np.float64)
    radius = np.concatenate([buildings["radius"], np.full(len(trees), TRUNK)]).astype(np.float64)
    room = (radius + STATIC_REACH + 0.1)[:, None]
    corner = np.asarray(m.grid_corner, np.float64)
    low = np.clip(np.floor((xy - room - corner) / m.grid_cell).astype(np.int64), 0, m.grid_shape)
    high = np.clip(np.floor((xy + room - corner) / m.grid_cell).astype(np.int64) + 1, 0, m.grid_shape)
    columns = high[:, 0] - low[:, 0]
    which, ix = np.repeat(np.arange(len(xy)), columns), ranges(low[:, 0], high[:, 0])  # one row per (thing, column)
    size = high[which, 1] - low[which, 1]
    cell = np.repeat(ix, size) * m.grid_shape[1] + ranges(low[which, 1], high[which, 1])
    which = np.repeat(which, size)
    order = np.argsort(cell, kind="stable")
    code = np.concatenate([base["building"] + np.arange(len(buildings)), -1 - base["tree"] - np.arange(len(trees))])
    start = np.searchsorted(cell[order], np.arange(m.grid_shape[0] * m.grid_shape[1])) + base["cell_static"]
    return {"cell_static0": start.astype(np.int32), "cell_statics": code[which[order]].astype(np.int32)}
