"""Routes against scipy's shortest paths; the route line, its table and kernels; waypoints."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from tests.data import shared_data
from tests.world.map_oracles import drivable, town, toy
from world.build import build_road_map
from world.kernel import kernel
from world.kinds import Command
from world.roadmap import RoadMap
from world.route_line import BLEND
from world.routing import (
    CHANGE_COST,
    Place,
    Route,
    RouteError,
    Router,
    RouteTable,
    make_route_table,
    pack_routes,
    pack_waypoints,
    project_on_route,
    put_route,
    route_lane,
    route_line,
    route_point,
    sparse_waypoints,
)
from world.toy import grid_town, multi_lane_road


def lane_distances(m: RoadMap) -> np.ndarray:
    """(L, L) [m] from the start of each lane to the start of each other, by links only."""
    own = drivable(m)
    rows = np.repeat(np.arange(m.lane_count), np.diff(m.successor_start))
    keep = own[rows] & own[m.successor]
    weight = csr_matrix((m.lane_length[rows[keep]], (rows[keep], m.successor[keep])), shape=(m.lane_count,) * 2)
    return dijkstra(weight)


def check_route(m: RoadMap, route: Route) -> None:
    """Pieces are forward, follow each other by links, or lie beside each other where marks allow."""
    assert (route.s1 >= route.s0 - 1e-4).all() and (route.s0 >= 0).all()
    assert (route.s1 <= m.lane_length[route.lane] + 1e-3).all()
    assert drivable(m)[route.lane].all()
    for i in range(1, len(route.lane)):
        a, b = int(route.lane[i - 1]), int(route.lane[i])
        if route.change[i] == 0:
            assert b in m.successor[m.successor_start[a] : m.successor_start[a + 1]]
            assert route.s1[i - 1] == pytest.approx(m.lane_length[a], abs=1e-3) and route.s0[i] == 0
        else:
            left = route.change[i] == 1
            assert b == (m.lane_left if left else m.lane_right)[a]
            allowed = (m.point_change_left if left else m.point_change_right)[m.lane_start[a] : m.lane_start[a + 1]]
            assert allowed[int(round(float(route.s1[i - 1] / m.lane_step[a])))]


def check_line(m: RoadMap, route: Route, metres: float = 0.01) -> None:
    """Points a metre apart; yaw and curvature are those of the points; on the lanes where no change goes on."""
    line = route_line(m, route)
    a, b = m.lane_start[route.lane[:-1] + 1] - 1, m.lane_start[route.lane[1:]]
    apart = np.linalg.norm(m.point_xyz[a] - m.point_xyz[b], axis=1) > 0.2
    if (apart & (route.change[1:] == 0)).any():
        assert np.hypot(np.diff(line.x), np.diff(line.y)).min() > 0.9
        return  # the file links lanes that do not meet (once, in Town03)
    step = np.hypot(np.diff(line.x), np.diff(line.y))
    assert step.max() < 1.005 and step.min() > 0.97
    assert line.length == len(line.x) - 1
    assert line.length == pytest.approx(route.length, abs=1.1 + 0.5 * np.count_nonzero(route.change))
    chord = np.arctan2(np.diff(line.y), np.diff(line.x))
    middle = line.yaw[:-1] + 0.5 * wrapped(np.diff(line.yaw))
    assert np.abs(wrapped(chord - middle)).max() < 0.05
    follow = ~np.isin(line.command, [int(Command.CHANGE_LANE_LEFT), int(Command.CHANGE_LANE_RIGHT)])
    for i in np.flatnonzero(follow)[:: max(1, len(line.x) // 200)]:
        rows = slice(m.lane_start[line.lane[i]], m.lane_start[line.lane[i] + 1])
        s = np.arange(rows.stop - rows.start) * float(m.lane_step[line.lane[i]])
        for k, value in ((0, line.x[i]), (1, line.y[i])):
            assert np.interp(line.lane_s[i], s, m.point_xyz[rows, k]) == pytest.approx(value, abs=metres)


def wrapped(angle):
    return (angle + np.pi) % (2 * np.pi) - np.pi


def test_search_against_scipy_on_the_grid():
    m = toy("grid")
    router, distance = Router(m), lane_distances(m)
    rng = np.random.default_rng(4)
    lanes = np.flatnonzero(drivable(m) & (m.lane_junction < 0))
    for _ in range(40):
        a, b = rng.choice(lanes, 2)
        s, g = (float(rng.uniform(0, m.lane_length[i])) for i in (a, b))
        after = m.successor[m.successor_start[a] : m.successor_start[a + 1]]
        expected = m.lane_length[a] - s + distance[after, b].min() + g
        if a == b and g >= s:
            expected = g - s
        route = router.search((a, s), (b, g))
        assert route.cost == pytest.approx(expected, abs=1e-2)
        assert route.length == pytest.approx(expected, abs=1e-2)
        assert (route.lane[0], route.s0[0]) == (a, pytest.approx(s)) and (route.lane[-1], route.s1[-1]) == (
            b,
            pytest.approx(g),
        )
        check_route(m, route)


@pytest.mark.parametrize("file", ["Town01.xodr", "Town03.xodr.gz", "Town04.xodr.gz"])
def test_search_against_scipy_on_towns(file):
    """With lane changes the cost is at most that by links alone, and equal where no lane is changed."""
    m = town(str(shared_data(f"opendrive/carla_0915_py123d/{file}")))
    router, distance = Router(m), lane_distances(m)
    rng = np.random.default_rng(6)
    lanes = np.flatnonzero(drivable(m) & (m.lane_junction < 0) & (m.lane_length > 3))
    changed = 0
    for _ in range(25):
        a, b = (int(i) for i in rng.choice(lanes, 2, replace=False))
        after = m.successor[m.successor_start[a] : m.successor_start[a + 1]]
        by_links = m.lane_length[a] - 1.0 + distance[after, b].min(initial=np.inf) + 1.0
        cost = router.distance((a, 1.0), (b, 1.0))
        assert cost <= by_links + 1e-2
        if not np.isfinite(cost):
            continue
        route = router.search((a, 1.0), (b, 1.0))
        check_route(m, route)
        changes = np.count_nonzero(route.change)
        changed += changes
        assert cost == pytest.approx(route.length + CHANGE_COST * changes, abs=0.02 * route.length + 0.05)
        if not changes:
            assert cost == pytest.approx(by_links, rel=1e-4)
        check_line(m, route)
    assert changed > 0 or file == "Town01.xodr"


def test_lane_changes_cost_and_lie_where_marks_allow():
    m = toy("multi_lane")
    router = Router(m)
    route = router.search((0, 10.0), (2, 500.0))
    assert route.lane.tolist() == [0, 1, 2] and route.change.tolist() == [0, -1, -1]
    assert route.cost == pytest.approx(490.0 + 2 * CHANGE_COST)
    check_route(m, route)
    check_line(m, route)
    line = route_line(m, route)
    assert np.abs(line.curvature).max() < 0.02 and np.abs(wrapped(line.yaw)).max() < 0.25
    assert line.y[0] == pytest.approx(-1.75) and line.y[-1] == pytest.approx(-8.75)
    right = np.flatnonzero(line.command == int(Command.CHANGE_LANE_RIGHT))
    assert len(right) == pytest.approx(2 * BLEND, abs=4)


def test_no_change_over_a_solid_line():
    draft = multi_lane_road()
    for lane in draft.lanes:
        lane.change_right[:] = False
        lane.change_left[: len(lane.change_left) // 2] = False
    m = build_road_map(draft)
    router = Router(m)
    with pytest.raises(RouteError, match="no route from lane 0 .* to lane 1"):
        router.search((0, 10.0), (1, 500.0))
    back = router.search((1, 10.0), (0, 590.0))
    assert back.change.tolist() == [0, 1] and back.s1[0] >= 300.0
    with pytest.raises(RouteError, match="no route"):
        router.search((1, 10.0), (0, 290.0))


def test_bad_places_are_named():
    router = Router(toy("straight"))
    for place, message in (
        ((1, 5.0), "lane 1 is not a drivable"),
        ((99, 5.0), "lane 99"),
        ((0, 301.0), "s = 301.00 m"),
    ):
        with pytest.raises(RouteError, match=message):
            router.search(place, (0, 10.0))
    with pytest.raises(RouteError, match="shape"):
        router.through([(0.0, 0.0)])
    with pytest.raises(RouteError, match="no route of 700 m"):
        router.random(1, 700.0)
    with pytest.raises(ValueError, match="shorter than"):
        route_line(router.map, router.search((0, 5.0), (0, 5.2)))


def test_a_goal_behind_the_start_takes_a_loop():
    m = toy("grid")
    router = Router(m)
    lane = int(np.flatnonzero(drivable(m) & (m.lane_junction < 0))[0])
    route = router.search((lane, 50.0), (lane, 20.0))
    assert route.lane[0] == route.lane[-1] == lane and len(route.lane) > 4
    check_route(m, route)
    ring = Router(toy("ring"))
    assert ring.search((0, 50.0), (0, 20.0)).length == pytest.approx(2 * np.pi * 40 - (3.5 * np.pi * -1) - 30, abs=0.1)


@pytest.mark.parametrize("name", ["grid", "ring", "multi_lane"])
def test_random_routes(name):
    m = toy(name)
    router = Router(m)
    need = 450.0 if name == "multi_lane" else 900.0
    routes = [router.random(seed, need, change_rate=0.5) for seed in range(12)]
    for route in routes:
        line = route_line(m, route)
        assert line.length >= need
        assert m.lane_junction[route.lane[-1]] < 0 and m.lane_junction[route.lane[0]] < 0
        check_route(m, route)
        check_line(m, route)
    again = Router(m).random(3, need, change_rate=0.5)
    assert (again.lane == routes[3].lane).all() and (again.s1 == routes[3].s1).all()
    starts = {(int(r.lane[0]), float(r.s0[0])) for r in routes}
    assert len(starts) == len(routes)
    other = router.random(3, need, entity=1)
    assert (int(other.lane[0]), float(other.s0[0])) not in starts


def test_random_routes_avoid_dead_ends():
    """One arm of the grid ends nowhere: a route that enters it would be too short."""
    draft = grid_town()
    dead = next(lane for lane in draft.lanes if lane.junction is None and lane.successors)
    dead.successors.clear()
    m = build_road_map(draft)
    router = Router(m)
    lane = draft.lanes.index(dead)
    for seed in range(20):
        route = router.random(seed, 1500.0)
        assert lane not in route.lane[:-1]
        assert route.length >= 1500.0


@pytest.mark.parametrize("file", ["Town01.xodr", "Town03.xodr.gz", "Town04.xodr.gz", "Town10HD.xodr"])
def test_random_routes_on_towns(file):
    m = town(str(shared_data(f"opendrive/carla_0915_py123d/{file}")))
    router = Router(m)
    for seed in range(6):
        route = router.random(seed, 700.0)
        check_route(m, route)
        check_line(m, route)
        assert route_line(m, route).length >= 700.0


def test_waypoints():
    m = toy("grid")
    line = route_line(m, Router(m).random(5, 900.0))
    waypoint, command = sparse_waypoints(line)
    assert (waypoint[0] == [line.x[0], line.y[0]]).all() and (waypoint[-1] == [line.x[-1], line.y[-1]]).all()
    gap = np.hypot(*np.diff(waypoint, axis=0).T)
    assert gap.max() <= 51.0
    turns = [int(c) for c in command if c != int(Command.LANE_FOLLOW)]
    name = {1: Command.STRAIGHT, 2: Command.LEFT, 3: Command.RIGHT}
    expected = [int(name[int(m.lane_turn[i])]) for i in line.piece_lane if m.lane_junction[i] >= 0]
    assert turns == expected
    waypoints, commands, valid = pack_waypoints([[line, None], [None, line]])
    assert waypoints.shape == (2, 2, len(command), 2)
    assert valid.sum(axis=-1).tolist() == [[len(command), 0], [0, len(command)]]
    assert (commands[1, 1] == command).all() and (waypoints[0, 0] == waypoint).all()


def test_through_waypoints_gives_the_route_back():
    m = toy("grid")
    router = Router(m)
    for seed in range(6):
        route = router.random(seed, 800.0)
        waypoint, _ = sparse_waypoints(route_line(m, route))
        back = router.through(waypoint)
        a, b = route_line(m, route), route_line(m, back)
        assert b.length == pytest.approx(a.length, abs=1.5)
        assert np.hypot(a.x[: len(b.x)] - b.x[: len(a.x)], a.y[: len(b.x)] - b.y[: len(a.x)]).max() < 0.6
        check_route(m, back)


def test_public_routes_fall_on_our_lanes():
    """CARLA route files (y flipped) become routes about as long as the way between their waypoints."""
    import xml.etree.ElementTree as ET

    folder = shared_data("routes/plant_training_town0102")
    m = town(str(shared_data("opendrive/carla_0915_py123d/Town01.xodr")))
    router = Router(m)
    checked = 0
    for path in sorted(folder.rglob("*.xml")):
        for route in ET.parse(path).getroot().iter("route"):
            if route.get("town") != "Town01" or checked >= 8:
                continue
            points = [
                (float(w.get("x")), -float(w.get("y"))) for w in route.iter() if w.tag in ("waypoint", "position")
            ]
            if len(points) < 2:
                continue
            found = router.through(points)
            check_route(m, found)
            straight = np.hypot(*np.diff(points, axis=0).T).sum()
            assert straight - 1 <= found.length <= 2.5 * straight + 50
            checked += 1
    assert checked


# --- The table and its kernels -----------------------------------------------------------------------------------


@kernel
def project_many(routes, b, k, x, y, hint, window, out):
    for i in range(len(x)):
        out[0, i], out[1, i] = project_on_route(routes, b, k, x[i], y[i], hint[i], window)


@kernel
def points_many(routes, b, k, s, out):
    for i in range(len(s)):
        out[0, i], out[1, i], out[2, i], out[3, i], out[4, i], out[5, i], out[6, i] = route_point(routes, b, k, s[i])


@kernel
def lanes_many(routes, b, k, s, lane, lane_s):
    for i in range(len(s)):
        lane[i], lane_s[i], piece, command = route_lane(routes, b, k, s[i])


@pytest.fixture(scope="module")
def table() -> tuple[RouteTable, list]:
    grid, wide = toy("grid"), toy("multi_lane")
    lines = [
        [route_line(grid, Router(grid).random(1, 700.0)), None],
        [
            route_line(wide, Router(wide).search(Place(0, 5.0), Place(2, 400.0))),
            route_line(grid, Router(grid).random(2, 300.0)),
        ],
    ]
    return pack_routes(lines, np.array([0, 1000], np.int32)), lines


def test_table_holds_the_lines(table):
    routes, lines = table
    assert routes.x.shape[:2] == (2, 2)
    for b in range(2):
        for k in range(2):
            line = lines[b][k]
            if line is None:
                assert routes.count[b, k] == 0 and routes.length[b, k] == 0
                continue
            n = routes.count[b, k]
            assert n == len(line.x) and routes.length[b, k] == n - 1
            assert (routes.x[b, k, :n] == line.x).all() and (routes.x[b, k, n:] == 0).all()
            assert (routes.lane[b, k, :n] == line.lane + 1000 * b).all()
            assert routes.piece_count[b, k] == len(line.piece_lane)
    small = make_route_table(1, 1, 10, 10)
    with pytest.raises(ValueError, match=r"driver \(0, 0\) has \d+ points .* room for 10 and 10"):
        put_route(small, 0, 0, lines[0][0])
    put_route(small, 0, 0, None)
    assert small.count[0, 0] == 0


def test_projection_on_the_route_against_numpy(table):
    routes, lines = table
    line = lines[0][0]
    rng = np.random.default_rng(3)
    s = rng.uniform(0, line.length, 200)
    x = (np.interp(s, np.arange(len(line.x)), line.x) + rng.normal(0, 3, 200)).astype(np.float32)
    y = (np.interp(s, np.arange(len(line.x)), line.y) + rng.normal(0, 3, 200)).astype(np.float32)
    a = np.stack([line.x, line.y], 1).astype(float)
    u = np.diff(a, axis=0)
    for window in (20.0, 5000.0):
        out = np.zeros((2, 200), np.float32)
        project_many(routes, 0, 0, x, y, s.astype(np.float32), window, out)
        for i in range(200):
            t = np.clip(((np.array([x[i], y[i]]) - a[:-1]) * u).sum(1) / (u * u).sum(1), 0, 1)
            gap = np.linalg.norm(a[:-1] + t[:, None] * u - [x[i], y[i]], axis=1)
            near = np.abs(np.arange(len(u)) - s[i]) <= window - 1
            assert abs(out[1, i]) <= gap[near].min() + 2e-3
            if 1 < out[0, i] < line.length - 1:
                here = np.hypot(
                    np.interp(out[0, i], np.arange(len(a)), a[:, 0]) - x[i],
                    np.interp(out[0, i], np.arange(len(a)), a[:, 1]) - y[i],
                )
                assert here == pytest.approx(abs(out[1, i]), abs=2e-3)


def test_offset_is_left_positive_and_clamped_at_the_ends(table):
    routes, lines = table
    line = lines[1][0]  # along +x from (5, -1.75)
    x = np.array([2.0, 7.5, 7.5, 600.0], np.float32)
    y = np.array([-1.0, -1.0, -3.0, -9.0], np.float32)
    out = np.zeros((2, 4), np.float32)
    project_many(routes, 1, 0, x, y, np.zeros(4, np.float32), 1e6, out)
    assert out[0].tolist() == pytest.approx([0.0, 2.5, 2.5, line.length])
    assert out[1].tolist() == pytest.approx([0.75, 0.75, -1.25, -0.25], abs=1e-3)
    project_many(routes, 0, 1, x, y, np.zeros(4, np.float32), 10.0, out)
    assert (out == 0).all()  # a driver without a route


def test_points_and_lanes_of_the_route(table):
    routes, lines = table
    line = lines[1][0]
    s = np.linspace(-5, line.length + 5, 300).astype(np.float32)
    out = np.zeros((7, 300), np.float32)
    points_many(routes, 1, 0, s, out)
    at = np.clip(s, 0, line.length)
    for row, field in ((0, "x"), (1, "y"), (3, "yaw"), (4, "curvature"), (5, "half_width")):
        np.testing.assert_allclose(out[row], np.interp(at, np.arange(len(line.x)), getattr(line, field)), atol=1e-4)
    lane, lane_s = np.zeros(300, np.int32), np.zeros(300, np.float32)
    lanes_many(routes, 1, 0, s, lane, lane_s)
    inside = (s > 0) & (s < line.length - 1)
    assert (lane[inside] == line.lane[s[inside].astype(int)] + 1000).mean() > 0.98  # switches between two points
    expected = np.interp(s[inside], np.arange(len(line.x)), line.lane_s)
    np.testing.assert_allclose(lane_s[inside], expected, atol=0.6)
