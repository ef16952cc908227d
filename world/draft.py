"""MapDraft: what a map reader knows, before `world.build.build_road_map` derives the rest.

A reader (OpenDRIVE, a test's toy map, a procedural generator) fills a draft with lanes in travel direction and with
the furniture of the road; the builder resamples nothing but computes links' inverses, conflicts with right of way,
crossings, edges, walks and the spatial index. Frame: inertial, float64; the builder subtracts the origin.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from world.kinds import EdgeKind, LaneKind, SignKind, StopKind, Turn

LaneKey = tuple[str, int, int]  # (road id, section number, OpenDRIVE lane id)


@dataclass
class LaneDraft:
    """One lane, points in travel direction with uniform spacing of arc length (see RoadMap.lane_step)."""

    key: LaneKey
    kind: LaneKind
    xyz: NDArray[np.float64]  # (n, 3) [m] centre line, n >= 2
    heading: NDArray[np.float64]  # (n,) [rad]
    curvature: NDArray[np.float64]  # (n,) [1/m]
    width: NDArray[np.float64]  # (n,) [m]
    limit: NDArray[np.float64]  # (n,) [m/s]
    length: float  # [m]
    road_s: tuple[float, float]  # [m] road s at the first and last point
    mark_left: NDArray[np.int8]  # (n,) MarkKind, travel direction
    mark_right: NDArray[np.int8]
    color_left: NDArray[np.int8]
    color_right: NDArray[np.int8]
    change_left: NDArray[np.bool_]  # (n,) marks allow a change to the left
    change_right: NDArray[np.bool_]
    successors: list[LaneKey] = field(default_factory=list)
    left: LaneKey | None = None  # same-way neighbour
    right: LaneKey | None = None
    opposite: LaneKey | None = None
    junction: str | None = None
    turn: Turn | None = None  # None: the builder works it out from the headings (lanes in junctions)


@dataclass
class StopDraft:
    """A stop line on a lane. LIGHT needs `light`, the signal id of its head."""

    lane: LaneKey
    s: float  # [m] along the lane, travel direction
    kind: StopKind
    light: str | None = None


@dataclass
class LightDraft:
    id: str
    xyz: tuple[float, float, float]  # [m] centre of the head
    yaw: float  # [rad] direction the face looks to
    plan: str  # junction id, or the signal's own id
    phase: int | None = None  # None: the builder groups the plan's lights by approach


@dataclass
class SignDraft:
    id: str
    xyz: tuple[float, float, float]
    yaw: float
    kind: SignKind
    value: float = 0.0  # [m/s] of a speed limit


@dataclass
class MapDraft:
    """Everything a reader hands to the builder."""

    name: str
    source_hash: str
    lanes: list[LaneDraft] = field(default_factory=list)
    stops: list[StopDraft] = field(default_factory=list)
    lights: list[LightDraft] = field(default_factory=list)
    signs: list[SignDraft] = field(default_factory=list)
    crosswalks: list[NDArray[np.float64]] = field(default_factory=list)  # each (n, 3) outline
    buildings: list[tuple[NDArray[np.float64], float]] = field(default_factory=list)  # outline (n, 3), height [m]
    trees: list[tuple[float, float, float, float, float]] = field(default_factory=list)  # x, y, z, crown radius, height
    edges: list[tuple[NDArray[np.float64], EdgeKind]] = field(
        default_factory=list
    )  # polyline (n, 3) along drivable borders
    priorities: list[tuple[str, str, str]] = field(default_factory=list)  # junction id, high road id, low road id
    left_hand_traffic: bool = False
    skipped: dict[str, int] = field(default_factory=dict)
