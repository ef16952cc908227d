"""The tables of the rich observation against the map they are made of."""

import numpy as np
import pytest

from scenarios.registry import find_scenario, scenario_map
from simulator.rich_table import (
    CELL,
    GROUP,
    KINDS,
    LANE,
    LISTED,
    PIECE,
    RICH_CELL,
    RICH_LEVEL,
    RICH_RANGE,
    RICH_ROADS,
    ROW_KINDS,
    SIZE,
    Segments,
    _cells,
    join_pieces,
    make_rich_table,
    road_lines,
)
from world.mapset import pack_maps
from world.roadmap import MapError
from world.toy import toy_map

MAPS = {
    "grid": lambda: toy_map("grid"),
    "ring": lambda: toy_map("ring"),
    "stop": lambda: toy_map("junction", control="all_stop"),
    "highway": lambda: scenario_map(find_scenario("highway")),
}


@pytest.fixture(scope="module", params=list(MAPS))
def road_map(request):
    return MAPS[request.param]()


def ends(rows):
    """Both ends (n, 2) [m] of table rows, float64."""
    rows = rows.astype(np.float64)
    half = rows[:, 2:3] * SIZE * rows[:, 4:6]
    return rows[:, :2] - half, rows[:, :2] + half


def away(a, b, point):
    """(n,) [m] from a point to segments."""
    u = b - a
    t = np.clip(((point - a) * u).sum(1) / np.maximum((u * u).sum(1), 1e-12), 0, 1)
    return np.linalg.norm(a + t[:, None] * u - point, axis=1)


def test_pieces_stay_within_a_tenth_of_a_metre_of_their_lines_and_miss_nothing(road_map):
    lines = road_lines(road_map)
    pieces = join_pieces(lines)
    assert len(pieces) < len(lines) / 1.5 and pieces.length.max() < 2.0 * PIECE
    some = np.random.default_rng(1).choice(len(lines), min(len(lines), 400), replace=False)
    for i in some:
        if lines.length[i] > 1e-3:
            same = pieces.kind == lines.kind[i]
            for t in (0.0, 0.5, 1.0):
                point = (lines.a[i] + t * (lines.b[i] - lines.a[i]))[:2]
                assert away(pieces.a[same, :2], pieces.b[same, :2], point).min() < 0.1
    for kind in set(lines.kind):
        length = lines.length[lines.kind == kind].sum()
        assert pieces.length[pieces.kind == kind].sum() == pytest.approx(length, rel=0.01)


def test_ways_of_lane_pieces_are_those_of_the_lanes(road_map):
    pieces = join_pieces(road_lines(road_map))
    own = pieces.kind == LANE
    middle, u = ((pieces.a + pieces.b) / 2)[own], (pieces.b - pieces.a)[own]
    for i in range(0, len(middle), 37):
        gap = np.linalg.norm(road_map.point_xyz - middle[i], axis=1)
        heading = road_map.point_heading[np.argsort(gap)[:12]]
        assert np.cos(heading - np.arctan2(u[i, 1], u[i, 0])).max() > 0.95
        width = road_map.point_width[np.argsort(gap)[:12]]
        assert np.abs(width - 2 * pieces.half_width[own][i]).min() < 0.2


def test_a_shared_border_is_listed_once():
    lines = road_lines(toy_map("multi_lane", lanes=3, length=200.0))
    marks = np.isin(lines.kind, [ROW_KINDS["broken mark"], ROW_KINDS["solid mark"]])
    offsets = sorted(set(np.round((lines.a[marks, 1]), 2).tolist()))
    assert len(offsets) == 4  # three lanes have four borders
    assert lines.length[marks].sum() == pytest.approx(4 * 200.0, rel=1e-3)


def test_stop_lines_and_crosswalks_are_there():
    road_map = toy_map("grid")
    lines = road_lines(road_map)
    assert (lines.kind == ROW_KINDS["stop line"]).sum() == len(road_map.stop_s)
    corners = np.diff(road_map.crosswalk_start)
    assert (lines.kind == ROW_KINDS["crosswalk"]).sum() == corners.sum() > 0
    first = lines.a[lines.kind == ROW_KINDS["crosswalk"]][: corners[0]]
    last = lines.b[lines.kind == ROW_KINDS["crosswalk"]][: corners[0]]
    assert np.array_equal(np.roll(first, -1, axis=0), last)  # the outline closes


def test_cells_list_what_is_near_nearest_first(road_map):
    table = make_rich_table(pack_maps([road_map]))
    row = table.maps[0]
    a, b = ends(table.rows)
    cells = np.random.default_rng(2).choice(len(table.cells), 150, replace=False)
    seen = 0
    for cell in cells:
        listed = table.cells[cell]
        ids = listed["base"] + table.ids[listed["start"] : listed["start"] + listed["count"]].astype(int)
        at = np.array([row["x0"] + (cell // row["ny"] + 0.5) * CELL, row["y0"] + (cell % row["ny"] + 0.5) * CELL])
        distance = away(a, b, at)
        near = np.flatnonzero(distance <= RICH_RANGE + CELL * np.sqrt(0.5))
        height = table.rows[near, 7]
        layered = len(near) > 0 and height.max() - height.min() > RICH_LEVEL + 0.1
        most = LISTED if listed["layered"] else RICH_ROADS
        assert listed["layered"] >= layered and len(set(ids.tolist())) == len(ids)
        assert abs(len(ids) - min(len(near), most)) <= (len(near) < most)  # one may lie on the rim
        assert distance[ids] == pytest.approx(np.sort(distance)[: len(ids)], abs=5e-3)
        assert (np.diff(distance[ids]) > -5e-3).all()
        seen += len(ids)
    assert seen > 100


def test_rows_are_scaled_and_lists_begin_at_groups(road_map):
    table = make_rich_table(pack_maps([road_map]))
    assert (np.abs(table.rows[:, 2:7]) <= 1 + 1e-6).all()
    assert np.hypot(table.rows[:, 4], table.rows[:, 5]) == pytest.approx(1, abs=1e-5)
    kinds = np.rint(table.rows[:, 6] * KINDS).astype(int)
    assert set(kinds) <= set(ROW_KINDS.values()) and LANE in kinds
    some = table.cells["count"] > 0
    assert (table.cells["start"][some] % GROUP == 0).all()
    assert len(table.ids) == (-(-table.cells["count"].astype(int) // GROUP) * GROUP).sum()


def test_maps_of_a_set_are_as_when_alone():
    maps = [toy_map("ring"), toy_map("junction"), toy_map("straight")]
    both = make_rich_table(pack_maps(maps))
    rows = 0
    for n, m in enumerate(maps):
        alone = make_rich_table(pack_maps([m]))
        cells = both.cells[both.maps["cell0"][n] :][: len(alone.cells)]
        for name in ("count", "layered"):
            assert (cells[name] == alone.cells[name]).all()
        some = np.flatnonzero(alone.cells["count"])
        assert (cells["base"][some] == alone.cells["base"][some] + rows).all()
        for i in some[::50]:
            mine, its = alone.cells[i], cells[i]
            assert (
                alone.ids[mine["start"] : mine["start"] + mine["count"]]
                == both.ids[its["start"] : its["start"] + its["count"]]
            ).all()
        assert (both.rows[rows : rows + len(alone.rows)] == alone.rows).all()
        rows += len(alone.rows)


def test_a_line_that_cannot_be_numbered_in_16_bits_is_an_error_and_an_empty_map_is_none():
    with pytest.raises(MapError, match="far: rich observation: 70001 road segments"):
        _cells("far", np.array([0, 2]), np.array([0, 70_000]), np.zeros(70_001))
    cells, ids = _cells("none", np.zeros(5, int), np.zeros(0, int), np.zeros(0))
    assert cells.dtype == RICH_CELL and (cells["count"] == 0).all() and len(ids) >= GROUP


def test_long_segments_are_cut_and_bends_are_kept():
    straight = Segments(np.zeros((1, 3)), np.array([[20.0, 0, 0]]), np.ones(1, int), np.zeros(1), np.ones(1, bool))
    pieces = join_pieces(straight)
    assert len(pieces) == np.ceil(20 / PIECE) and pieces.length == pytest.approx(20 / len(pieces))
    angle = np.linspace(0, np.pi / 2, 200)
    arc = np.stack([10 * np.cos(angle), 10 * np.sin(angle), 0 * angle], axis=1)
    begins = np.arange(199) == 0
    pieces = join_pieces(Segments(arc[:-1], arc[1:], np.ones(199, int), np.zeros(199), begins))
    assert np.array_equal(pieces.a[1:], pieces.b[:-1])
    middle = np.linalg.norm((pieces.a + pieces.b)[:, :2] / 2, axis=1)
    assert 10 - middle.min() < 0.1
