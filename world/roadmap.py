"""RoadMap: one map as flat arrays; MapSet: many RoadMaps packed into the tables that kernels read.

Frame: map frame = OpenDRIVE's inertial frame (x east, y north, z up) minus `origin`. Lane points run in the
direction of travel (sidewalks and other undirected lanes: in the direction of the reference line); point k of a
lane lies at s = k * lane_step along the lane's centre line. Indices use -1 for "none": an index is never a
measurement, and no measurement uses a sentinel. CSR pairs (`x_start`, `x`) hold the items of row i at
x[x_start[i]:x_start[i + 1]].
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F32, F64 = NDArray[np.float32], NDArray[np.float64]
I8, I32, BOOL = NDArray[np.int8], NDArray[np.int32], NDArray[np.bool_]


class MapError(ValueError):
    """A map that cannot be used; names the file, the element and the reason."""

    def __init__(self, file: str, element: str, reason: str):
        super().__init__(f"{file}: {element}: {reason}")
        self.file, self.element, self.reason = file, element, reason


@dataclass(frozen=True, eq=False)
class RoadMap:
    """One map. L lanes, P lane points, C conflicts, Q stops, T lights, G signs, W crosswalks, E edges, Y walks."""

    name: str
    source_hash: str  # sha256 hex of the source file's (uncompressed) bytes
    origin: F64  # (2,) [m] inertial x, y of the map frame's origin; zero unless the map lies beyond 8 km
    left_hand_traffic: bool

    # Lane points, all (P,)-leading, travel direction
    point_xyz: F32  # (P, 3) [m] centre line, map frame
    point_heading: F32  # (P,) [rad] of travel, in [-pi, pi)
    point_curvature: F32  # (P,) [1/m] left positive
    point_width: F32  # (P,) [m] full lane width
    point_limit: F32  # (P,) [m/s] speed limit in force
    point_mark_left: I8  # (P,) MarkKind of the left border, as seen in travel direction
    point_mark_right: I8  # (P,) MarkKind of the right border
    point_color_left: I8  # (P,) MarkColor
    point_color_right: I8  # (P,) MarkColor
    point_change_left: BOOL  # (P,) marks allow a change to the left neighbour (lane_left or lane_opposite)
    point_change_right: BOOL  # (P,) marks allow a change to the right neighbour

    # Lanes
    lane_start: I32  # (L + 1,) offsets into points; every lane has >= 2 points
    lane_step: F32  # (L,) [m] spacing of the lane's points (<= 2 m; finer in curves: chord error < 1 cm)
    lane_length: F32  # (L,) [m]
    lane_kind: I8  # (L,) LaneKind
    lane_turn: I8  # (L,) Turn
    lane_junction: I32  # (L,) index into junction_ids or -1
    lane_left: I32  # (L,) left neighbour in travel direction that runs the same way (same kind of traffic), or -1
    lane_right: I32  # (L,) right neighbour, same way, or -1
    lane_opposite: I32  # (L,) driving lane next to this one that runs the other way, or -1
    lane_road: I32  # (L,) index into road_ids
    lane_section: I32  # (L,) OpenDRIVE lane section number within the road
    lane_id: I32  # (L,) OpenDRIVE lane id
    lane_road_s: F32  # (L, 2) [m] road s at the lane's first and last point (descending for left lanes)
    successor_start: I32  # (L + 1,)
    successor: I32
    predecessor_start: I32  # (L + 1,)
    predecessor: I32

    # Conflicts of lanes inside junctions, sorted by lane
    conflict_start: I32  # (L + 1,)
    conflict_lane: I32  # (C,) the other lane
    conflict_span: F32  # (C, 2) [m] s interval on this lane that overlaps the other lane's band
    conflict_other_span: F32  # (C, 2) [m] the interval on the other lane
    conflict_kind: I8  # (C,) ConflictKind
    conflict_priority: I8  # (C,) Priority of this lane against the other (lights aside)

    # Stop lines, sorted by lane then s; a light on a junction's connecting lane stops at that lane's s = 0
    stop_start: I32  # (L + 1,)
    stop_s: F32  # (Q,) [m] along the lane
    stop_kind: I8  # (Q,) StopKind
    stop_light: I32  # (Q,) light index, or -1 where kind is not LIGHT
    stop_line: F32  # (Q, 2, 2) [m] both ends of the painted line

    # Traffic lights and their plans (a plan = a junction's cycle of phases)
    light_xyz: F32  # (T, 3) [m] centre of the head
    light_yaw: F32  # (T,) [rad] direction the face looks to (towards the driver)
    light_plan: I32  # (T,) plan index
    light_phase: I32  # (T,) the phase of its plan during which it is green
    light_ids: tuple[str, ...]  # (T,) OpenDRIVE signal ids
    plan_phases: I32  # (plans,) number of phases
    plan_ids: tuple[str, ...]  # (plans,) junction id (or signal id of a lone light)

    # Signs
    sign_xyz: F32  # (G, 3) [m] centre of the face
    sign_yaw: F32  # (G,) [rad] direction the face looks to
    sign_kind: I8  # (G,) SignKind
    sign_value: F32  # (G,) [m/s] of speed limits, 0 otherwise
    sign_ids: tuple[str, ...]

    # Crosswalks
    crosswalk_start: I32  # (W + 1,)
    crosswalk_xyz: F32  # (V, 3) [m] outline, counter-clockwise
    crossing_start: I32  # (L + 1,) crosswalks met by each lane, by s
    crossing_crosswalk: I32  # (X,)
    crossing_span: F32  # (X, 2) [m] s interval of the lane inside the crosswalk

    # Edges of the drivable surface, right and left of it
    edge_xyz: F32  # (E, 2, 3) [m] segments
    edge_kind: I8  # (E,) EdgeKind

    # Where people walk. End 2y is the first point of walk y, end 2y + 1 its last; links join ends to ends.
    walk_start: I32  # (Y + 1,)
    walk_xyz: F32  # (., 3) [m] centre line
    walk_width: F32  # (Y,) [m]
    walk_kind: I8  # (Y,) WalkKind
    walk_crosswalk: I32  # (Y,) crosswalk index or -1
    walk_link_start: I32  # (2 Y + 1,) by end
    walk_link: I32  # ends reached from an end (never itself); one arrives there and walks to the other end

    # Surroundings
    building_start: I32  # (. + 1,)
    building_xyz: F32  # (., 3) [m] outline, counter-clockwise, z = foot
    building_height: F32  # (.,) [m]
    tree_xyz: F32  # (., 3) [m] foot of the trunk
    tree_radius: F32  # (.,) [m] of the crown (the trunk is 0.2 m)
    tree_height: F32  # (.,) [m]

    # Spatial index: cell (ix, iy) = row ix * shape[1] + iy; lists are nearest-first from the cell's centre
    grid_corner: F32  # (2,) [m] lower left corner
    grid_cell: float  # [m]
    grid_shape: tuple[int, int]
    cell_start: I32  # (cells + 1,)
    cell_point: I32  # first point of every lane segment within `grid_reach` of the cell's square
    grid_reach: float  # [m]
    cell_edge_start: I32  # (cells + 1,)
    cell_edge: I32  # edges within `grid_reach` of the cell's square, or within 40 m (world.build.EDGE_REACH)

    road_ids: tuple[str, ...] = ()
    junction_ids: tuple[str, ...] = ()
    skipped: dict[str, int] = field(default_factory=dict)  # what the reader did not understand: count

    @property
    def lane_count(self) -> int:
        return len(self.lane_length)


STATIC_REACH = 8.0  # [m] a cell lists the buildings and trees whose bounding circle comes so near to its square
TRUNK = 0.2  # [m] radius of a tree's trunk

# --- Kernel tables: one structured array a noun, indices global over the set -------------------------------------

MAP_ROW = np.dtype(
    [
        ("lane0", "i4"), ("lane1", "i4"), ("light0", "i4"), ("light1", "i4"), ("plan0", "i4"), ("plan1", "i4"),
        ("walk0", "i4"), ("walk1", "i4"), ("edge0", "i4"), ("edge1", "i4"), ("building0", "i4"), ("building1", "i4"),
        ("tree0", "i4"), ("tree1", "i4"), ("crosswalk0", "i4"), ("crosswalk1", "i4"),
        ("cell0", "i4"), ("nx", "i4"), ("ny", "i4"), ("left_hand", "i4"),
        ("x0", "f4"), ("y0", "f4"), ("cell", "f4"), ("reach", "f4"),
    ]
)  # fmt: skip
LANE_ROW = np.dtype(
    [
        ("point0", "i4"), ("points", "i4"), ("step", "f4"), ("length", "f4"), ("kind", "i4"), ("turn", "i4"),
        ("junction", "i4"), ("left", "i4"), ("right", "i4"), ("opposite", "i4"), ("map", "i4"), ("drivable", "i4"),
        ("succ0", "i4"), ("succ1", "i4"), ("pred0", "i4"), ("pred1", "i4"), ("conf0", "i4"), ("conf1", "i4"),
        ("stop0", "i4"), ("stop1", "i4"), ("cross0", "i4"), ("cross1", "i4"),
    ]
)  # fmt: skip
POINT_ROW = np.dtype(
    [
        ("x", "f4"), ("y", "f4"), ("z", "f4"), ("heading", "f4"), ("width", "f4"), ("curvature", "f4"),
        ("limit", "f4"), ("lane", "i4"), ("mark_left", "i1"), ("mark_right", "i1"),
        ("change_left", "i1"), ("change_right", "i1"),
    ]
)  # fmt: skip
CONFLICT_ROW = np.dtype(
    [("lane", "i4"), ("s0", "f4"), ("s1", "f4"), ("o0", "f4"), ("o1", "f4"), ("kind", "i4"), ("priority", "i4")]
)
STOP_ROW = np.dtype([("lane", "i4"), ("s", "f4"), ("kind", "i4"), ("light", "i4")])
LIGHT_ROW = np.dtype([("plan", "i4"), ("phase", "i4"), ("x", "f4"), ("y", "f4"), ("z", "f4"), ("yaw", "f4")])
PLAN_ROW = np.dtype([("phases", "i4")])
CROSSING_ROW = np.dtype([("crosswalk", "i4"), ("s0", "f4"), ("s1", "f4")])
EDGE_ROW = np.dtype(
    [("ax", "f4"), ("ay", "f4"), ("az", "f4"), ("bx", "f4"), ("by", "f4"), ("bz", "f4"), ("kind", "i4")]
)
WALK_ROW = np.dtype(
    [("point0", "i4"), ("points", "i4"), ("width", "f4"), ("length", "f4"), ("kind", "i4"), ("crosswalk", "i4")]
)
WALK_POINT_ROW = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4"), ("s", "f4")])
BUILDING_ROW = np.dtype(
    [("corner0", "i4"), ("corner1", "i4"), ("height", "f4"), ("x", "f4"), ("y", "f4"), ("radius", "f4")]
)
CORNER_ROW = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4")])
TREE_ROW = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4"), ("radius", "f4"), ("height", "f4")])


class MapTables(NamedTuple):
    """What kernels read. All indices of lanes, points, lights, ... are global over the MapSet (each map is a block)."""

    maps: np.ndarray  # MAP_ROW
    lanes: np.ndarray  # LANE_ROW; `drivable` is 1 where motor vehicles may drive
    points: np.ndarray  # POINT_ROW; `lane` is the point's own lane
    successors: np.ndarray  # int32 lane
    predecessors: np.ndarray  # int32 lane
    conflicts: np.ndarray  # CONFLICT_ROW
    stops: np.ndarray  # STOP_ROW
    lights: np.ndarray  # LIGHT_ROW; `phase` within the plan
    plans: np.ndarray  # PLAN_ROW
    crossings: np.ndarray  # CROSSING_ROW
    edges: np.ndarray  # EDGE_ROW
    walks: np.ndarray  # WALK_ROW
    walk_points: np.ndarray  # WALK_POINT_ROW
    walk_link0: np.ndarray  # int32 (2 Y + 1)
    walk_links: np.ndarray  # int32 end
    buildings: np.ndarray  # BUILDING_ROW; x, y, radius: bounding circle
    corners: np.ndarray  # CORNER_ROW
    trees: np.ndarray  # TREE_ROW
    cell0: np.ndarray  # int32 (cells + 1)
    cells: np.ndarray  # int32 first point of a lane segment
    cell_edge0: np.ndarray  # int32 (cells + 1)
    cell_edges: np.ndarray  # int32 edge
    cell_static0: np.ndarray  # int32 (cells + 1)
    cell_statics: np.ndarray  # int32 building b as b, tree t as -1 - t: bounding circles near the cell (STATIC_REACH)


TABLE_TYPES: dict[str, np.dtype | type] = {
    "maps": MAP_ROW, "lanes": LANE_ROW, "points": POINT_ROW, "successors": np.int32, "predecessors": np.int32,
    "conflicts": CONFLICT_ROW, "stops": STOP_ROW, "lights": LIGHT_ROW, "plans": PLAN_ROW, "crossings": CROSSING_ROW,
    "edges": EDGE_ROW, "walks": WALK_ROW, "walk_points": WALK_POINT_ROW, "walk_link0": np.int32,
    "walk_links": np.int32, "buildings": BUILDING_ROW, "corners": CORNER_ROW, "trees": TREE_ROW, "cell0": np.int32,
    "cells": np.int32, "cell_edge0": np.int32, "cell_edges": np.int32, "cell_static0": np.int32,
    "cell_statics": np.int32,
}  # of the fields of MapTables  # fmt: skip


@dataclass(frozen=True, eq=False)
class MapSet:
    """Many maps, packed once and shared by all worlds. `maps[i]` and `tables.maps[i]` describe map_id i."""

    maps: tuple[RoadMap, ...]
    tables: MapTables
    source_hash: str  # sha256 of the maps' hashes in order
