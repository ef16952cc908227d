"""build_road_map: from what a reader knows (MapDraft) to the finished RoadMap.

Links' inverses and turns (`world.lane_arrays`), stop lines and lights (`world.controls`), conflicts with right of way
(`world.conflicts`, `world.priority`), crosswalks and crossings (`world.crossings`), edges of the drivable surface
(`world.edges`), where people walk (`world.walks`), spatial index (`world.grid`).
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from world.conflicts import find_conflicts
from world.controls import place_lights, place_stops
from world.crossings import outlines, place_crossings
from world.draft import MapDraft
from world.edges import place_edges
from world.grid import fill_cells, make_grid
from world.lane_arrays import LaneArrays, lane_arrays
from world.priority import set_priorities
from world.roadmap import RoadMap
from world.walks import build_walks

EDGE_REACH = 40.0  # [m] around a cell's square within which its list holds all edges: a lidar sees that far
MANY_EDGES = 100_000  # maps with more keep to the grid's reach


def build_road_map(draft: MapDraft) -> RoadMap:
    """RoadMap of a draft.

    Raises:
        MapError: the draft contradicts itself (names the element).
    """
    lanes = lane_arrays(draft)  # 1. points, links, turns
    crosswalks = outlines(draft.crosswalks, lanes.origin)  # 2. crosswalks
    crossings = place_crossings(lanes, crosswalks)
    stops = place_stops(draft, lanes)  # 3. stop lines
    conflicts = find_conflicts(lanes)  # 4. conflicts with right of way
    set_priorities(draft, lanes, stops, conflicts)
    lights = place_lights(draft, lanes, stops, conflicts)  # 5. lights and their phases
    grid = make_grid(lanes.xyz[:, :2], lanes.width.max() / 2)  # 6. spatial index of lanes
    first = lanes.segments()
    cell_start, cell_point = fill_cells(grid, lanes.xyz[first, :2], lanes.xyz[first + 1, :2], first)
    edge_xyz, edge_kind = place_edges(draft, lanes)  # 7. edges and their index
    ends = edge_xyz[..., :2]
    wide = replace(grid, reach=max(grid.reach, EDGE_REACH) if len(ends) <= MANY_EDGES else grid.reach)
    cell_edge_start, cell_edge = fill_cells(wide, ends[:, 0], ends[:, 1], np.arange(len(ends)))
    walks = build_walks(lanes, crosswalks, crossings)  # 8. where people walk
    return RoadMap(
        name=draft.name,
        source_hash=draft.source_hash,
        origin=lanes.origin,
        left_hand_traffic=draft.left_hand_traffic,
        **_lane_fields(lanes),
        **conflicts.fields(),
        **stops.fields(),
        **lights,
        **_sign_fields(draft, lanes.origin),
        **crosswalks.fields(),
        **crossings,
        edge_xyz=edge_xyz.astype(np.float32),
        edge_kind=edge_kind,
        **walks,
        **_surroundings(draft, lanes.origin),
        grid_corner=grid.corner.astype(np.float32),
        grid_cell=grid.cell,
        grid_shape=grid.shape,
        cell_start=cell_start,
        cell_point=cell_point,
        grid_reach=grid.reach,
        cell_edge_start=cell_edge_start,
        cell_edge=cell_edge,
        road_ids=lanes.road_ids,
        junction_ids=lanes.junction_ids,
        skipped=dict(draft.skipped),
    )


def _lane_fields(lanes: LaneArrays) -> dict[str, Any]:
    f32 = np.float32
    heading = lanes.heading.astype(f32)
    heading[heading >= f32(np.pi)] = f32(-np.pi)  # rounding may leave [-pi, pi)
    return {
        "point_xyz": lanes.xyz.astype(f32),
        "point_heading": heading,
        "point_curvature": lanes.curvature.astype(f32),
        "point_width": lanes.width.astype(f32),
        "point_limit": lanes.limit.astype(f32),
        "point_mark_left": lanes.mark_left,
        "point_mark_right": lanes.mark_right,
        "point_color_left": lanes.color_left,
        "point_color_right": lanes.color_right,
        "point_change_left": lanes.change_left,
        "point_change_right": lanes.change_right,
        "lane_start": lanes.start,
        "lane_step": lanes.step.astype(f32),
        "lane_length": lanes.length.astype(f32),
        "lane_kind": lanes.kind,
        "lane_turn": lanes.turn,
        "lane_junction": lanes.junction,
        "lane_left": lanes.left,
        "lane_right": lanes.right,
        "lane_opposite": lanes.opposite,
        "lane_road": lanes.road,
        "lane_section": lanes.section,
        "lane_id": lanes.lane_id,
        "lane_road_s": lanes.road_s.astype(f32),
        "successor_start": lanes.successor_start,
        "successor": lanes.successor,
        "predecessor_start": lanes.predecessor_start,
        "predecessor": lanes.predecessor,
    }


def _sign_fields(draft: MapDraft, origin: NDArray) -> dict:
    xyz = np.array([sign.xyz for sign in draft.signs], np.float64).reshape(-1, 3)
    xyz[:, :2] -= origin
    return {
        "sign_xyz": xyz.astype(np.float32),
        "sign_yaw": np.array([sign.yaw for sign in draft.signs], np.float32),
        "sign_kind": np.array([int(sign.kind) for sign in draft.signs], np.int8),
        "sign_value": np.array([sign.value for sign in draft.signs], np.float32),
        "sign_ids": tuple(sign.id for sign in draft.signs),
    }


def _surroundings(draft: MapDraft, origin: NDArray) -> dict[str, Any]:
    buildings = outlines([outline for outline, _ in draft.buildings], origin)
    trees = np.array(draft.trees, np.float64).reshape(-1, 5)
    return {
        "building_start": buildings.start,
        "building_xyz": buildings.xyz.astype(np.float32),
        "building_height": np.array([height for _, height in draft.buildings], np.float32),
        "tree_xyz": (trees[:, :3] - np.append(origin, 0.0)).astype(np.float32),
        "tree_radius": trees[:, 3].astype(np.float32),
        "tree_height": trees[:, 4].astype(np.float32),
    }
