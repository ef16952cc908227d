"""The map builder on toy maps: links, turns, conflicts, right of way, phases, edges, crossings, walks."""

import dataclasses

import numpy as np
import pytest
import shapely

from tests.world.map_oracles import drivable, toy
from world.build import build_road_map
from world.conflicts import SHRINK
from world.draft import SignDraft, StopDraft
from world.kinds import ConflictKind, EdgeKind, LaneKind, Priority, SignKind, StopKind, Turn, WalkKind
from world.roadmap import MapError, RoadMap
from world.toy import Path, junction, straight_road, toy_draft, toy_lane
from world.walks import JOIN, crosswalk_axis


def lane_named(m: RoadMap, road: str, lane_id: int = -1) -> int:
    own = [i for i in range(m.lane_count) if m.road_ids[m.lane_road[i]] == road and m.lane_id[i] == lane_id]
    assert len(own) == 1, (road, lane_id, own)
    return own[0]


def conflict(m: RoadMap, a: str, b: str) -> int:
    """Row of the conflict of connecting road a with b."""
    i, j = lane_named(m, a), lane_named(m, b)
    rows = [c for c in range(m.conflict_start[i], m.conflict_start[i + 1]) if m.conflict_lane[c] == j]
    assert len(rows) == 1, (a, b, rows)
    return rows[0]


def priority(m: RoadMap, a: str, b: str) -> Priority:
    return Priority(m.conflict_priority[conflict(m, a, b)])


def check_conflicts(m: RoadMap) -> None:
    """Every conflict has its mirror, with mirrored spans, kind and a right of way that fits."""
    lane = np.repeat(np.arange(m.lane_count), np.diff(m.conflict_start))
    rows = {(int(a), int(b)): c for c, (a, b) in enumerate(zip(lane, m.conflict_lane, strict=True))}
    assert len(rows) == len(lane)
    mirror = {Priority.GOES: Priority.YIELDS, Priority.YIELDS: Priority.GOES, Priority.EQUAL: Priority.EQUAL}
    for (a, b), c in rows.items():
        d = rows[(b, a)]
        assert m.lane_junction[a] == m.lane_junction[b] >= 0
        assert m.conflict_kind[c] == m.conflict_kind[d]
        assert (m.conflict_span[c] == m.conflict_other_span[d]).all()
        assert 0 <= m.conflict_span[c, 0] < m.conflict_span[c, 1] <= m.lane_length[a] + 1e-3
        assert Priority(m.conflict_priority[d]) == mirror[Priority(m.conflict_priority[c])]
        if m.conflict_kind[c] == int(ConflictKind.DIVERGE):
            assert m.conflict_priority[c] == int(Priority.EQUAL)
            before = [set(m.predecessor[m.predecessor_start[i] : m.predecessor_start[i + 1]]) for i in (a, b)]
            assert m.conflict_span[c, 0] == 0 or not before[0] & before[1]  # or a later section of the road


def check_links(m: RoadMap, gap: float = 0.2, but: int = 0) -> None:
    """Predecessors mirror successors, and a lane's end meets its successor's start (`but` so many)."""
    forward = np.stack([np.repeat(np.arange(m.lane_count), np.diff(m.successor_start)), m.successor], 1)
    backward = np.stack([m.predecessor, np.repeat(np.arange(m.lane_count), np.diff(m.predecessor_start))], 1)
    assert sorted(map(tuple, forward.tolist())) == sorted(map(tuple, backward.tolist()))
    rows = drivable(m)[forward[:, 0]] & drivable(m)[forward[:, 1]]
    a, b = m.lane_start[forward[rows, 0] + 1] - 1, m.lane_start[forward[rows, 1]]
    assert (np.linalg.norm(m.point_xyz[a] - m.point_xyz[b], axis=1) > gap).sum() <= but


def band(m: RoadMap, lane: int, shrink: float) -> shapely.Polygon:
    rows = slice(m.lane_start[lane], m.lane_start[lane + 1])
    xy, h = m.point_xyz[rows, :2].astype(float), m.point_heading[rows].astype(float)
    across = np.stack([-np.sin(h), np.cos(h)], 1) * (m.point_width[rows, None].astype(float) / 2 - shrink)
    return shapely.Polygon(np.concatenate([xy + across, (xy - across)[::-1]])).buffer(0)


def check_overlaps(m: RoadMap, lanes: np.ndarray) -> None:
    """Lanes conflict where shapely finds that their bands overlap, over the span that it finds (+- 0.75 m)."""
    for a in lanes:
        rows = slice(m.lane_start[a], m.lane_start[a + 1])
        line = shapely.LineString(m.point_xyz[rows, :2].astype(float))
        found = {int(b): k for k, b in enumerate(m.conflict_lane[m.conflict_start[a] : m.conflict_start[a + 1]])}
        for b in lanes:
            linked = b in m.successor[m.successor_start[a] : m.successor_start[a + 1]]
            linked |= a in m.successor[m.successor_start[b] : m.successor_start[b + 1]]
            if a == b or linked or m.lane_junction[a] != m.lane_junction[b]:
                continue
            area = band(m, a, SHRINK).intersection(band(m, b, SHRINK))
            if b not in found:
                assert area.area < 0.3, (a, b, area.area)
                continue
            assert area.area > 0, (a, b)
            corners = shapely.get_coordinates(area)
            s = shapely.line_locate_point(line, shapely.points(corners))
            span = m.conflict_span[m.conflict_start[a] + found[b]]
            assert span == pytest.approx([s.min(), s.max()], abs=0.75), (a, b)


@pytest.mark.parametrize("options", [{}, {"lanes": 2}, {"arms": (0, 1, 2)}, {"lanes": 3, "size": 20.0}])
def test_conflicts_against_shapely(options):
    m = toy("junction", **options)
    check_conflicts(m)
    check_links(m, 1e-4)
    check_overlaps(m, np.flatnonzero((m.lane_junction >= 0) & drivable(m)))


def test_turns():
    m = toy("junction")
    for road, turn in (("c021", Turn.STRAIGHT), ("c031", Turn.LEFT), ("c011", Turn.RIGHT)):
        assert Turn(m.lane_turn[lane_named(m, road)]) == turn
    assert Turn(m.lane_turn[lane_named(m, "a0", 1)]) == Turn.NONE
    back = toy_lane(("u", 0, -1), Path(0, 0, 0, np.pi * 6, 1 / 6), junction="j")
    assert Turn(build_road_map(toy_draft("u", [back])).lane_turn[0]) == Turn.U_TURN


def test_a_turn_is_that_of_the_whole_connecting_road():
    first = toy_lane(("c", 0, -1), Path(0, 0, 0, 5 * np.pi, 1 / 20), junction="j", successors=[("c", 1, -1)])
    second = toy_lane(("c", 1, -1), Path(*first.xyz[-1, :2], np.pi / 4, 5 * np.pi, 1 / 20), junction="j")
    m = build_road_map(toy_draft("two", [first, second]))
    assert m.lane_turn.tolist() == [Turn.LEFT, Turn.LEFT]
    assert len(m.conflict_lane) == 0


# Arm k leaves the junction at k * 90 degrees; "c" + entry arm + exit arm + lane.
RULES = [
    ("none", "c021", "c131", Priority.YIELDS, "straight from the east, other from the north: from the right"),
    ("none", "c131", "c021", Priority.GOES, "the same, seen from the north"),
    ("none", "c021", "c311", Priority.GOES, "straight from the east, other from the south: from the left"),
    ("none", "c031", "c201", Priority.YIELDS, "left turn against oncoming straight"),
    ("none", "c031", "c231", Priority.YIELDS, "left turn against oncoming right turn into the same lane"),
    ("none", "c011", "c311", Priority.YIELDS, "right turn into the lane of a straight from the left"),
    ("lights", "c031", "c201", Priority.YIELDS, "left turn against oncoming straight, under lights"),
    ("stop", "c131", "c201", Priority.YIELDS, "stop against a road without"),
    ("stop", "c131", "c021", Priority.YIELDS, "stop against a road without, from the other side"),
    ("stop", "c021", "c101", Priority.GOES, "no control against a left turn from the stop"),
    ("stop", "c101", "c311", Priority.YIELDS, "both stop, others do not: left turn against oncoming straight"),
    ("yield", "c311", "c021", Priority.YIELDS, "give way"),
    ("yield", "c131", "c321", Priority.GOES, "both give way: straight against oncoming left turn"),
    ("all_stop", "c021", "c131", Priority.EQUAL, "all-way stop"),
    ("all_stop", "c031", "c201", Priority.EQUAL, "all-way stop, left turn"),
]


@pytest.mark.parametrize("control, a, b, expected, why", RULES)
@pytest.mark.parametrize("inside", [False, True])
def test_right_of_way(control, a, b, expected, why, inside):
    m = toy("junction", control=control, stop_on_connection=inside)
    assert priority(m, a, b) == expected, why


def test_left_hand_traffic_gives_way_to_the_left():
    m = build_road_map(dataclasses.replace(junction(control="none"), left_hand_traffic=True))
    assert priority(m, "c021", "c131") == Priority.GOES
    assert priority(m, "c021", "c311") == Priority.YIELDS


def test_the_map_s_own_priorities_come_first():
    draft = dataclasses.replace(junction(control="none"), priorities=[("j", "a0", "a1"), ("j", "c201", "c311")])
    m = build_road_map(draft)
    assert priority(m, "c021", "c131") == Priority.GOES
    assert priority(m, "c201", "c311") == Priority.GOES
    assert priority(toy("junction", control="none"), "c201", "c311") == Priority.YIELDS


def check_phases(m: RoadMap) -> None:
    """No two straight lanes that cross are green together."""
    light = np.full(m.lane_count, -1)
    for lane in np.flatnonzero(m.lane_junction >= 0):
        stops = list(range(m.stop_start[lane], m.stop_start[lane + 1]))
        for j in m.predecessor[m.predecessor_start[lane] : m.predecessor_start[lane + 1]]:
            stops += range(m.stop_start[j], m.stop_start[j + 1])
        light[lane] = max((int(m.stop_light[q]) for q in stops), default=-1)
    for a in np.flatnonzero((light >= 0) & (m.lane_turn == int(Turn.STRAIGHT))):
        for c in range(m.conflict_start[a], m.conflict_start[a + 1]):
            b = m.conflict_lane[c]
            if light[b] < 0 or m.lane_turn[b] != int(Turn.STRAIGHT) or m.conflict_kind[c] == int(ConflictKind.DIVERGE):
                continue
            i, j = light[a], light[b]
            way = m.point_heading[m.lane_start[[a, b]]].astype(float)
            if np.cos(way[0] - way[1]) > np.cos(np.pi / 4):
                continue  # side by side
            assert m.light_plan[i] != m.light_plan[j] or m.light_phase[i] != m.light_phase[j], (a, b)
    assert (m.light_phase >= 0).all() and (m.light_phase < m.plan_phases[m.light_plan]).all()


@pytest.mark.parametrize("options", [{}, {"lanes": 2}, {"stop_on_connection": True}, {"arms": (0, 1, 2)}])
def test_light_phases(options):
    m = toy("junction", **options)
    check_phases(m)
    phase = dict(zip(m.light_ids, m.light_phase.tolist(), strict=True))
    assert phase["L0"] == phase["L2"] != phase["L1"]
    assert m.plan_phases.tolist() == [2] and m.plan_ids == ("j",)


def test_given_phases_are_kept():
    draft = junction()
    for light, phase in zip(draft.lights, (0, None, 1, None), strict=True):
        light.phase = phase
    m = build_road_map(draft)
    assert m.light_phase.tolist() == [0, 2, 1, 2] and m.plan_phases.tolist() == [3]


def test_stop_lines_lie_across_the_lane():
    m = toy("junction")
    lane = lane_named(m, "a1", 1)
    row = m.stop_start[lane]
    assert m.stop_start[lane + 1] - row == 1
    assert StopKind(m.stop_kind[row]) == StopKind.LIGHT and m.light_ids[m.stop_light[row]] == "L1"
    np.testing.assert_allclose(m.stop_line[row], [[0.0, 18.0], [-3.5, 18.0]], atol=1e-4)  # driver's left end first


def test_crossings():
    m = toy("junction")
    lane = lane_named(m, "a0", 1)
    row = m.crossing_start[lane]
    assert m.crossing_start[lane + 1] - row == 1
    np.testing.assert_allclose(m.crossing_span[row], [80 - 4.5, 80 - 1.5], atol=1e-3)
    assert m.crossing_start[lane_named(m, "c021") + 1] == m.crossing_start[lane_named(m, "c021")]


def test_edges_of_a_straight_road():
    m = toy("straight")
    assert set(np.abs(m.edge_xyz[:, :, 1]).ravel().tolist()) == {3.5}
    assert (m.edge_kind == int(EdgeKind.CURB)).all()
    length = np.linalg.norm(m.edge_xyz[:, 1] - m.edge_xyz[:, 0], axis=1).sum()
    assert length == pytest.approx(600.0, rel=1e-4)
    bare = toy("multi_lane")
    assert (bare.edge_kind == int(EdgeKind.ROAD_EDGE)).all()


def test_edges_lie_on_the_border_of_the_drivable_surface():
    m = toy("junction")
    surface = shapely.union_all([band(m, i, 0.0) for i in np.flatnonzero(drivable(m))]).buffer(0.01)
    outline = surface.exterior
    middle = m.edge_xyz[..., :2].mean(axis=1)
    assert shapely.distance(outline, shapely.points(middle)).max() < 0.3
    drawn = shapely.union_all(shapely.linestrings(m.edge_xyz[..., :2].astype(float))).buffer(0.3)
    ends = shapely.union_all(
        [shapely.box(x - 4, y - 4, x + 4, y + 4) for x, y in ((92, 0), (-92, 0), (0, 92), (0, -92))]
    )
    assert outline.difference(drawn).difference(ends).length < 1.0


def check_walks(m: RoadMap) -> float:
    """Links are mutual and short; the share of the walks' length in the largest connected part."""
    count = len(m.walk_width)
    assert len(m.walk_link_start) == 2 * count + 1
    links = {
        (e, int(f)) for e in range(2 * count) for f in m.walk_link[m.walk_link_start[e] : m.walk_link_start[e + 1]]
    }
    ends = [m.walk_xyz[m.walk_start[y + 1] - 1 if k else m.walk_start[y]] for y in range(count) for k in (0, 1)]
    part = np.arange(count)
    for e, f in links:
        assert e != f and (f, e) in links
        assert np.linalg.norm(ends[e] - ends[f]) < JOIN + 1.01  # the groups that are joined are 0.5 m wide
        part[part == part[e // 2]] = part[f // 2]
    length = [
        np.linalg.norm(np.diff(m.walk_xyz[m.walk_start[y] : m.walk_start[y + 1]], axis=0), axis=1).sum()
        for y in range(count)
    ]
    return max(np.bincount(part, length)) / sum(length) if count else 1.0


@pytest.mark.parametrize("name", ["junction", "grid"])
def test_walks_are_connected(name):
    m = toy(name)
    assert check_walks(m) == pytest.approx(1.0)
    crosswalks = m.walk_kind == int(WalkKind.CROSSWALK)
    assert crosswalks.sum() == len(m.crosswalk_start) - 1
    own = np.diff(m.walk_link_start).reshape(-1, 2)
    assert (own[crosswalks] >= 2).all()  # each end of a crosswalk meets both parts of the pavement


def test_pavements_apart_are_joined():
    lanes = [
        toy_lane(("p1", 0, -1), Path(0, 0, 0, 50), kind=LaneKind.SIDEWALK, width=2.0),
        toy_lane(("p2", 0, -1), Path(52.5, 1.0, np.pi / 2, 50), kind=LaneKind.SIDEWALK, width=2.0),  # 2.7 m away
        toy_lane(("p3", 0, -1), Path(25, 2.0, np.pi / 2, 20), kind=LaneKind.SIDEWALK, width=2.0),  # against p1's side
        toy_lane(("p4", 0, -1), Path(25, 26.0, np.pi / 2, 20), kind=LaneKind.SIDEWALK, width=2.0),  # 4 m: too far
        toy_lane(("p5", 0, -1), Path(0, 0.2, 0, 50), kind=LaneKind.SIDEWALK, width=2.0),  # p1 once more
        toy_lane(("r", 0, -1), Path(0, -80, 0, 50)),
        toy_lane(("p6", 0, -1), Path(0, -80, 0, 50), kind=LaneKind.SIDEWALK, width=2.0),  # on the road
    ]
    m = build_road_map(toy_draft("apart", lanes))
    length = np.array([np.ptp(m.walk_xyz[m.walk_start[y] : m.walk_start[y + 1], :2], axis=0).max() for y in range(5)])
    assert sorted(length.tolist()) == pytest.approx([20, 20, 25, 25, 50])
    assert check_walks(m) == pytest.approx(120 / 140)


def test_crosswalk_axis():
    square = np.array([[0, 0, 0], [4, 0, 0], [4, 10, 0], [0, 10, 0]], float)
    ends, width = crosswalk_axis(square, np.zeros(0))
    assert width == pytest.approx(4.0)
    assert sorted(ends[:, 1].tolist()) == pytest.approx([0, 10]) and ends[:, 0].tolist() == pytest.approx([2, 2])
    ends, width = crosswalk_axis(square, np.array([np.pi / 2, -np.pi / 2]))  # lanes along y: one walks along x
    assert width == pytest.approx(10.0)
    assert sorted(ends[:, 0].tolist()) == pytest.approx([0, 4])


def test_errors_name_the_element():
    with pytest.raises(MapError, match=r"none: lanes: the map has no lane"):
        build_road_map(toy_draft("none", []))
    lane = toy_lane(("r", 0, -1), Path(0, 0, 0, 10), successors=[("x", 0, -1)])
    with pytest.raises(MapError, match=r"lane \('r', 0, -1\): successor \('x', 0, -1\) is not a lane"):
        build_road_map(toy_draft("m", [lane]))
    with pytest.raises(MapError, match="occurs twice"):
        build_road_map(
            toy_draft("m", [toy_lane(("r", 0, -1), Path(0, 0, 0, 10)), toy_lane(("r", 0, -1), Path(0, 9, 0, 10))])
        )
    draft = straight_road()
    draft.stops = [StopDraft(("r", 0, -1), 500.0, StopKind.STOP)]
    with pytest.raises(MapError, match="s = 500.00 m: lies beyond the lane, which is 300.00 m long"):
        build_road_map(draft)
    draft.stops = [StopDraft(("r", 0, -1), 5.0, StopKind.LIGHT, "L9")]
    with pytest.raises(MapError, match="light 'L9' is not in the map"):
        build_road_map(draft)
    broken = straight_road()
    broken.lanes[0].width = broken.lanes[0].width[:-1]
    with pytest.raises(MapError, match="width has shape"):
        build_road_map(broken)


def test_a_map_far_away_gets_an_origin():
    near, far = straight_road(), straight_road()
    shift = np.array([400_000.0, 5_600_000.0, 0.0])
    for lane in far.lanes:
        lane.xyz = lane.xyz + shift
    far.signs = [SignDraft("s", (400_010.0, 5_600_003.0, 2.0), 0.0, SignKind.STOP)]
    a, b = build_road_map(near), build_road_map(far)
    assert a.origin.tolist() == [0.0, 0.0] and b.origin.tolist() == [400_150.0, 5_600_000.0]
    back = b.point_xyz.astype(float) + np.append(b.origin, 0.0) - shift
    np.testing.assert_allclose(back, a.point_xyz, atol=1e-4)
    np.testing.assert_allclose(b.sign_xyz[0], [-140.0, 3.0, 2.0])


def test_grid_lists_are_nearest_first_and_complete():
    m = toy("junction")
    rng = np.random.default_rng(0)
    inner = np.ones(len(m.point_xyz), bool)
    inner[m.lane_start[1:] - 1] = False
    first = np.flatnonzero(inner)
    a, u = m.point_xyz[first, :2].astype(float), (m.point_xyz[first + 1] - m.point_xyz[first])[:, :2].astype(float)

    def away(p):
        t = np.clip(((p - a) * u).sum(1) / (u * u).sum(1), 0, 1)
        return np.linalg.norm(a + t[:, None] * u - p, axis=1)

    for cell in rng.integers(0, len(m.cell_start) - 1, 60):
        ix, iy = divmod(int(cell), m.grid_shape[1])
        centre = m.grid_corner + (np.array([ix, iy]) + 0.5) * m.grid_cell
        own = m.cell_point[m.cell_start[cell] : m.cell_start[cell + 1]]
        order = away(centre)[np.searchsorted(first, own)]
        assert (np.diff(order) >= -1e-3).all()
        for _ in range(5):
            p = centre + rng.uniform(-0.5, 0.5, 2) * m.grid_cell
            assert set(first[away(p) <= m.grid_reach - 1e-3]) <= set(own.tolist())
