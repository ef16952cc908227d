"""Map queries against brute force and shapely."""

import numpy as np
import pytest
import shapely

from tests.data import shared_data
from tests.world.map_oracles import TOWNS, drivable, nearest_cost, random_positions, segments, to_segments, town, toy
from world.build import build_road_map
from world.kinds import LaneKind
from world.map_query import MapQuery
from world.mapset import pack_maps
from world.queries import ANY_MASK, DRIVABLE_MASK, SIDEWALK_MASK
from world.toy import Path, toy_draft, toy_lane, toy_road

TOYS = ("straight", "multi_lane", "ring", "junction", "grid")


def check_nearest(query: MapQuery, map_id: int, n: int, seed: int, tolerance: float = 2e-3) -> None:
    m = query.mapset.maps[map_id]
    lane0 = int(query.tables.maps[map_id]["lane0"])
    x, y, z, heading = random_positions(m, n, seed)
    for mask in (DRIVABLE_MASK, ANY_MASK, SIDEWALK_MASK):
        for use in (False, True):
            found = query.nearest_lane(x, y, z, heading if use else None, kind_mask=mask, map_id=map_id)
            for i in range(n):
                cost = nearest_cost(m, mask, x[i], y[i], z[i], heading[i] if use else None)
                if not np.isfinite(cost).any():
                    assert found.lane[i] == -1
                    continue
                own = nearest_cost(
                    m, 1 << int(m.lane_kind[found.lane[i] - lane0]), x[i], y[i], z[i], heading[i] if use else None
                )
                point, lane = segments(m)
                mine = own[lane == found.lane[i] - lane0].min()
                assert mine <= cost.min() + tolerance
                at = query.point(found.lane[i], found.s[i])
                assert np.hypot(at.x - x[i], at.y - y[i]) == pytest.approx(found.dist[i], abs=tolerance)


@pytest.mark.parametrize("name", TOYS)
def test_nearest_lane_is_the_nearest(name):
    check_nearest(MapQuery(pack_maps([toy(name)])), 0, 40, seed=1)


def test_maps_of_a_set_do_not_mix():
    maps = [toy(name) for name in TOYS]
    both = MapQuery(pack_maps(maps))
    for map_id, m in enumerate(maps):
        check_nearest(both, map_id, 12, seed=map_id)
        alone = MapQuery(pack_maps([m]))
        x, y, z, heading = random_positions(m, 50, 7)
        lane0 = both.tables.maps[map_id]["lane0"]
        here, there = alone.nearest_lane(x, y, z, heading), both.nearest_lane(x, y, z, heading, map_id=map_id)
        assert (here.lane + lane0 == there.lane).all()
        assert (here.s == there.s).all() and (here.d == there.d).all()
        assert (alone.drivable(x, y, z) == both.drivable(x, y, z, map_id=map_id)).all()


@pytest.mark.parametrize("file", TOWNS)
def test_nearest_lane_on_towns(file):
    m = town(str(shared_data(f"opendrive/carla_0915_py123d/{file}")))
    check_nearest(MapQuery(pack_maps([m])), 0, 12, seed=3, tolerance=5e-3)


def test_not_finite_and_unknown():
    query = MapQuery(pack_maps([toy("straight")]))
    assert query.nearest_lane(np.nan, 0.0).lane == -1
    assert query.nearest_lane(0.0, np.inf).lane == -1
    assert not query.drivable(np.nan, 0.0)
    assert query.nearest_lane(0.0, 0.0, kind_mask=1 << int(LaneKind.PARKING)).lane == -1
    far = query.nearest_lane(50_000.0, -1.75)
    assert far.lane == 0 and far.dist == pytest.approx(49_700.0, rel=1e-4)
    with pytest.raises(IndexError, match="lane 99"):
        query.point(99, 0.0)
    with pytest.raises(IndexError, match="map_id"):
        query.drivable(0.0, 0.0, map_id=1)


def test_straight_road_by_hand():
    query = MapQuery(pack_maps([toy("straight")]))
    found = query.nearest_lane([10.0, 10.0, 10.0], [-1.0, -1.0, 1.0], 0.0, [0.0, np.pi, 0.0])
    assert found.lane.tolist() == [0, 2, 0]  # heading decides between the two directions
    assert found.s.tolist() == pytest.approx([10.0, 290.0, 10.0])
    assert found.d.tolist() == pytest.approx([0.75, 2.75, 2.75])
    p = query.point(2, 290.0)
    assert (float(p.x), float(p.y)) == pytest.approx((10.0, 1.75))
    assert float(p.heading) == pytest.approx(-np.pi)
    before = query.project(0, -4.0, 1.0)
    assert (float(before.s), float(before.d)) == pytest.approx((0.0, 2.75))
    assert float(before.dist) == pytest.approx(np.hypot(4.0, 2.75))


def test_a_bridge_does_not_swap_with_the_road_below():
    below = toy_road("low", Path(0.0, 0.0, 0.0, 100.0))
    above = toy_road("high", Path(50.0, -50.0, np.pi / 2, 100.0), z=6.0)
    m = build_road_map(toy_draft("bridge", below + above))
    query = MapQuery(pack_maps([m]))
    x, y = 48.3, -1.7  # crossing of low's lane -1 and a lane of high
    low, high = query.nearest_lane(x, y, [0.4, 5.6]).lane
    assert m.road_ids[m.lane_road[low]] == "low" and m.road_ids[m.lane_road[high]] == "high"
    assert query.drivable(x, y, [0.0, 3.0, 6.0]).tolist() == [True, False, True]
    aside = query.nearest_lane(50.0, 6.0, 0.0)  # off the low road, under the bridge
    assert m.road_ids[m.lane_road[aside.lane]] == "low"
    assert not query.drivable(50.0, 6.0, 0.0)


@pytest.mark.parametrize("name", ["ring", "junction"])
def test_projection_and_point_are_inverse(name):
    m = toy(name)
    query = MapQuery(pack_maps([m]))
    rng = np.random.default_rng(5)
    lane = rng.integers(0, m.lane_count, 300)
    s = rng.uniform(0.05, 0.95, 300) * m.lane_length[lane]
    p = query.point(lane, s)
    d = rng.uniform(-1.5, 1.5, 300)
    x, y = p.x - np.sin(p.heading) * d, p.y + np.cos(p.heading) * d
    for hint in (None, s + rng.uniform(-8, 8, 300)):
        back = query.project(lane, x, y, hint)
        np.testing.assert_allclose(back.s, s, atol=0.06)
        np.testing.assert_allclose(back.d, d, atol=0.02)
        np.testing.assert_allclose(back.dist, np.abs(d), atol=0.02)


def test_project_finds_the_nearest_point_of_the_lane():
    m = toy("junction")
    query = MapQuery(pack_maps([m]))
    x, y, _, _ = random_positions(m, 100, 11)
    lane = np.random.default_rng(2).integers(0, m.lane_count, 100)
    found = query.project(lane, x, y)
    point, owner = segments(m)
    for i in range(100):
        _, flat, _ = to_segments(m, point[owner == lane[i]], x[i], y[i])
        assert found.dist[i] == pytest.approx(flat.min(), abs=2e-3)
        assert abs(found.d[i]) <= found.dist[i] + 1e-3


def band(m, lane: int) -> shapely.Polygon:
    rows = slice(m.lane_start[lane], m.lane_start[lane + 1])
    xy, h = m.point_xyz[rows, :2].astype(float), m.point_heading[rows].astype(float)
    across = np.stack([-np.sin(h), np.cos(h)], 1) * (m.point_width[rows, None].astype(float) / 2)
    return shapely.Polygon(np.concatenate([xy + across, (xy - across)[::-1]])).buffer(0)


@pytest.mark.parametrize("name", ["ring", "junction", "grid"])
def test_drivable_against_shapely(name):
    m = toy(name)
    query = MapQuery(pack_maps([m]))
    surface = shapely.union_all([band(m, i) for i in np.flatnonzero(drivable(m))])
    x, y, _, _ = random_positions(m, 3000, 13, spread=4.0)
    points = shapely.points(x, y)
    expected = shapely.contains(surface, points)
    clear = shapely.distance(surface.boundary, points) > 0.25  # the bands' slack at lane ends, chords of arcs
    assert clear.sum() > 2000
    assert (query.drivable(x, y)[clear] == expected[clear]).all()


def test_point_interpolates_and_wraps():
    lane = toy_lane(("r", 0, -1), Path(0.0, 0.0, np.pi - 0.1, 40.0, 0.01))
    lane.limit = np.where(np.arange(len(lane.limit)) < 10, 10.0, 20.0)
    m = build_road_map(toy_draft("wrap", [lane]))
    query = MapQuery(pack_maps([m]))
    s = np.linspace(-1, 41, 200)
    p = query.point(0, s)
    expected = np.pi - 0.1 + 0.01 * np.clip(s, 0, 40)
    np.testing.assert_allclose(np.cos(p.heading - expected), 1.0, atol=1e-6)
    assert (p.heading >= -np.pi).all() and (p.heading < np.pi).all()
    np.testing.assert_allclose(p.curvature, 0.01, atol=1e-6)
    assert set(np.unique(p.limit)) == {10.0, 20.0}
    assert p.limit[0] == 10.0 and p.limit[-1] == 20.0


def test_lanes_ahead():
    m = toy("grid")
    query = MapQuery(pack_maps([m]))
    for lane in np.flatnonzero(drivable(m) & (m.lane_junction < 0))[:10]:
        lanes, valid = query.lanes_ahead(lane, 20.0, 250.0)
        own = lanes[valid]
        assert own[0] == lane
        for a, b in zip(own[:-1], own[1:], strict=True):
            after = m.successor[m.successor_start[a] : m.successor_start[a + 1]]
            assert b in after
            straight = [j for j in after if m.lane_turn[j] == 1]
            assert not straight or b in straight
        reach = np.cumsum(m.lane_length[own]) - 20.0
        assert reach[-1] >= 250.0 and (len(own) == 1 or reach[-2] < 250.0)


def test_lanes_ahead_follows_the_route():
    m = toy("grid")
    query = MapQuery(pack_maps([m]))
    lane = int(np.flatnonzero(drivable(m) & (m.lane_junction < 0))[0])
    route = [lane]
    for _ in range(5):  # always the last successor
        route.append(int(m.successor[m.successor_start[route[-1] + 1] - 1]))
    lanes, valid = query.lanes_ahead(lane, 0.0, 200.0, route=np.array(route))
    assert lanes[valid].tolist() == route[: int(valid.sum())]
    again, more = query.lanes_ahead(route[2], 0.0, 900.0, route=np.array(route), at=2, most=2)
    assert again.tolist() == route[2:4] and more.all()
