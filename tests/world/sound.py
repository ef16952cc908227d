"""What holds for every RoadMap, however odd its file: shapes, indices, finite numbers, sorted tables."""

import numpy as np

from world.kinds import ConflictKind, EdgeKind, LaneKind, MarkColor, MarkKind, Priority, StopKind, Turn, WalkKind
from world.roadmap import MapSet, RoadMap


def check_sound(m: RoadMap) -> None:
    """Raises AssertionError with the field's name where a map breaks its own description."""
    for name, value in vars(m).items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            assert np.isfinite(value).all(), f"{name} is not finite"
            most = 1e8 if name == "origin" else 1e6
            assert np.abs(value).max(initial=0.0) <= most, f"{name} holds {np.abs(value).max()}"
    _check_tables(m)
    _check_lanes(m)
    _check_indices(m)
    _check_kinds(m)


def _check_tables(m: RoadMap) -> None:
    lanes, walks, cells = m.lane_count, len(m.walk_width), m.grid_shape[0] * m.grid_shape[1]
    for name, start, rows, items in (
        ("lane", m.lane_start, lanes, m.point_xyz), ("successor", m.successor_start, lanes, m.successor),
        ("predecessor", m.predecessor_start, lanes, m.predecessor), ("stop", m.stop_start, lanes, m.stop_s),
        ("conflict", m.conflict_start, lanes, m.conflict_lane), ("walk", m.walk_start, walks, m.walk_xyz),
        ("crossing", m.crossing_start, lanes, m.crossing_crosswalk), ("cell", m.cell_start, cells, m.cell_point),
        ("walk_link", m.walk_link_start, 2 * walks, m.walk_link), ("edge", m.cell_edge_start, cells, m.cell_edge),
        ("crosswalk", m.crosswalk_start, len(m.crosswalk_start) - 1, m.crosswalk_xyz),
        ("building", m.building_start, len(m.building_height), m.building_xyz),
    ):  # fmt: skip
        assert len(start) == rows + 1 and start[0] == 0 and start[-1] == len(items), f"{name}_start"
        assert (np.diff(start) >= 0).all(), f"{name}_start falls"


def _check_lanes(m: RoadMap) -> None:
    assert (np.diff(m.lane_start) >= 2).all() and (m.lane_step > 0).all() and (m.lane_step <= 2.001).all(), "lane_step"
    count = np.diff(m.lane_start) - 1
    assert np.allclose(m.lane_step * count, m.lane_length, rtol=1e-3, atol=1e-3), "lane_length"
    assert (m.point_width >= 0).all() and (m.point_width <= 300).all(), "point_width"
    assert (m.point_limit > 0).all() and (m.point_limit <= 151).all(), "point_limit"
    assert (m.point_heading >= -np.pi - 1e-6).all() and (m.point_heading < np.pi).all(), "point_heading"
    lane = np.repeat(np.arange(m.lane_count), np.diff(m.stop_start))
    assert (m.stop_s >= 0).all() and (m.stop_s <= m.lane_length[lane] + 1e-2).all(), "stop_s"
    lane = np.repeat(np.arange(m.lane_count), np.diff(m.conflict_start))
    assert (m.conflict_span[:, 0] <= m.conflict_span[:, 1]).all(), "conflict_span"
    assert (m.conflict_span[:, 1] <= m.lane_length[lane] + 1e-2).all(), "conflict_span"


def _check_indices(m: RoadMap) -> None:
    lanes = m.lane_count
    for name, low, size in (
        ("successor", 0, lanes), ("predecessor", 0, lanes), ("lane_left", -1, lanes), ("lane_right", -1, lanes),
        ("lane_opposite", -1, lanes), ("conflict_lane", 0, lanes), ("stop_light", -1, len(m.light_ids)),
        ("light_plan", 0, len(m.plan_ids)), ("walk_crosswalk", -1, len(m.crosswalk_start) - 1),
        ("crossing_crosswalk", 0, len(m.crosswalk_start) - 1), ("walk_link", 0, 2 * len(m.walk_width)),
        ("cell_point", 0, len(m.point_xyz) - 1), ("cell_edge", 0, len(m.edge_xyz)), ("lane_road", 0, len(m.road_ids)),
        ("lane_junction", -1, len(m.junction_ids)),
    ):  # fmt: skip
        values = getattr(m, name)
        assert len(values) == 0 or (values.min() >= low and values.max() < size), f"{name} out of range"
    assert (m.light_phase >= 0).all() and (m.light_phase < m.plan_phases[m.light_plan]).all(), "light_phase"


def _check_kinds(m: RoadMap) -> None:
    for name, kinds in (
        ("lane_kind", LaneKind), ("lane_turn", Turn), ("conflict_kind", ConflictKind), ("stop_kind", StopKind),
        ("conflict_priority", Priority), ("edge_kind", EdgeKind), ("walk_kind", WalkKind),
        ("point_mark_left", MarkKind), ("point_mark_right", MarkKind), ("point_color_left", MarkColor),
    ):  # fmt: skip
        assert np.isin(getattr(m, name), [int(k) for k in kinds]).all(), f"{name} holds an unknown kind"


def check_packed(mapset: MapSet) -> None:
    """The kernels' tables hold finite numbers only."""
    for name, table in mapset.tables._asdict().items():
        for field in table.dtype.names or ():
            assert np.isfinite(table[field]).all(), f"{name}.{field} is not finite"
