"""The true scene against a slow, obvious reference in NumPy, and its symmetries."""

import math

import numpy as np
import pytest

from simulator.judge_step import locate_drivers_world
from simulator.scene import make_scene
from simulator.scene_fill import TRACK_SHIFT, scene_world
from tests.simulator.judge_rig import Rig, lane_of
from world.build import build_road_map
from world.kinds import BodyKind, Command, LightState, Priority, Relation
from world.records import (
    SCENE_EDGES,
    SCENE_LANE_BEHIND,
    SCENE_LANE_POINTS,
    SCENE_LANE_STEP,
    SCENE_OBJECTS,
    SCENE_RANGE,
    SCENE_ROUTE_POINTS,
    SCENE_ROUTE_STEP,
)
from world.roadmap import RoadMap
from world.toy import grid_town, toy_map

SPAN = SCENE_LANE_STEP * (SCENE_LANE_POINTS - 1)


def observe(rig: Rig):
    """(Scene, SceneArrays) of the rig's driver where it is now."""
    scene, arrays = make_scene(1, 1)
    locate_drivers_world(0, rig.tables, rig.slots, rig.worlds, rig.routes, rig.judge)
    scene_world(0, rig.tables, rig.slots, rig.worlds, rig.routes, rig.judge, arrays, rig.dt)
    return scene, arrays


def to_ego(rig: Rig, xy):
    sl = rig.slots
    c, s = math.cos(sl.yaw[0, 0]), math.sin(sl.yaw[0, 0])
    d = np.asarray(xy, float) - [sl.x[0, 0], sl.y[0, 0]]
    return np.stack([d[..., 0] * c + d[..., 1] * s, d[..., 1] * c - d[..., 0] * s], -1)


@pytest.fixture(scope="module")
def town() -> RoadMap:
    return build_road_map(grid_town(2))


def busy(road_map, s=60.0, seed=0, others=60, d=0.3, turn=0.1) -> Rig:
    """A driver at progress s of a route through the grid, among bodies everywhere."""
    start, goal = lane_of(road_map, "00a0", -1), lane_of(road_map, "11a1", -1)
    rig = Rig(road_map, (start, 2.0), (goal, 60.0), slots=others + 1)
    r = np.random.default_rng(seed)
    x0, y0, _ = rig.on_route(s)
    for i in range(1, others + 1):
        kind = BodyKind.PEDESTRIAN if i % 3 == 0 else BodyKind.CAR
        rig.put(i, x0 + r.normal(0, 60), y0 + r.normal(0, 60), r.uniform(-3, 3), kind=kind, speed=r.uniform(0, 9))
    rig.slots.z[0, 5] = 8.0  # on a bridge
    rig.slots.valid[0, 7] = False
    rig.put(0, *rig.on_route(s, d, turn), speed=7.0)
    rig.slots.accel[0, 0], rig.slots.steer[0, 0], rig.slots.yaw_rate[0, 0] = 0.5, 0.02, 0.1
    rig.worlds.step[0] = 40
    return rig


@pytest.mark.parametrize("s", [5.0, 60.0, 85.0, 150.0])
def test_objects_are_the_nearest_in_order(town, s):
    rig = busy(town, s, seed=int(s))
    scene, _ = observe(rig)
    sl, o = rig.slots, scene.objects
    there = [i for i in range(1, sl.x.shape[1]) if sl.valid[0, i] and abs(sl.z[0, i]) < 4]
    distance = {i: math.hypot(sl.x[0, i] - sl.x[0, 0], sl.y[0, i] - sl.y[0, 0]) for i in there}
    near = sorted((i for i in there if distance[i] <= SCENE_RANGE), key=distance.__getitem__)[:SCENE_OBJECTS]
    n = len(near)
    assert o.valid[0, 0].sum() == n and o.valid[0, 0, :n].all()
    assert [int(t) & ((1 << TRACK_SHIFT) - 1) for t in o.track[0, 0, :n]] == near
    assert [int(t) >> TRACK_SHIFT for t in o.track[0, 0, :n]] == [sl.generation[0, i] for i in near]
    assert o.xy[0, 0, :n] == pytest.approx(to_ego(rig, np.stack([sl.x[0, near], sl.y[0, near]], -1)), abs=1e-3)
    moved = np.stack([sl.x[0, near] + sl.vx[0, near], sl.y[0, near] + sl.vy[0, near]], -1)
    assert o.velocity[0, 0, :n] == pytest.approx(to_ego(rig, moved) - o.xy[0, 0, :n], abs=1e-3)
    turn = (sl.yaw[0, near] - sl.yaw[0, 0] + np.pi) % (2 * np.pi) - np.pi
    assert o.yaw[0, 0, :n] == pytest.approx(turn, abs=1e-5)
    assert (o.size[0, 0, :n, 0] == sl.length[0, near]).all() and (o.kind[0, 0, :n] == sl.kind[0, near]).all()
    assert (o.score[0, 0, :n] == 1).all()
    for values in (o.xy, o.velocity, o.size, o.yaw, o.kind, o.track, o.score):
        assert (values[0, 0, n:] == 0).all()


@pytest.mark.parametrize("s", [5.0, 60.0, 85.0, 150.0])
def test_edges_are_the_nearest_in_order(town, s):
    rig = busy(town, s)
    scene, _ = observe(rig)
    edges = to_ego(rig, town.edge_xyz[:, :, :2])
    a, u = edges[:, 0], edges[:, 1] - edges[:, 0]
    t = np.clip(-(a * u).sum(1) / (u * u).sum(1), 0, 1)
    distance = np.linalg.norm(a + t[:, None] * u, axis=1)
    got = scene.edge_xy[0, 0][scene.edge_valid[0, 0]]
    n = len(got)
    own = got[:, 1] - got[:, 0]
    k = np.clip(-(got[:, 0] * own).sum(1) / (own * own).sum(1), 0, 1)
    mine = np.linalg.norm(got[:, 0] + k[:, None] * own, axis=1)
    assert n > 1 and (np.diff(mine) > -1e-3).all()
    sure = min(town.grid_reach, SCENE_RANGE)  # the cell's list holds all of these
    want = np.sort(distance[distance < sure])[:SCENE_EDGES]
    assert mine[: len(want)] == pytest.approx(want, abs=1e-3)
    assert (scene.edge_xy[0, 0, n:] == 0).all()


def test_route_ahead_is_the_route_from_the_foot_point_on(town):
    rig = busy(town, 50.25, turn=0.0)
    scene, _ = observe(rig)
    r = scene.route
    want = [rig.on_route(50.25 + SCENE_ROUTE_STEP * i)[:2] for i in range(SCENE_ROUTE_POINTS)]
    assert r.valid.all() and r.xy[0, 0] == pytest.approx(to_ego(rig, want), abs=0.02)
    assert r.offset[0, 0] == pytest.approx(0.3, abs=1e-3)
    assert r.remaining[0, 0] == pytest.approx(rig.line.length - 50.25, abs=1e-2)
    assert r.half_width[0, 0] == pytest.approx(np.full(SCENE_ROUTE_POINTS, 1.75), abs=1e-3)
    rig = busy(town, rig.line.length - 21.0)
    r = observe(rig)[0].route
    assert r.valid[0, 0].sum() == 11 and r.remaining[0, 0] == pytest.approx(21.0, abs=0.05)


def test_the_command_is_that_of_the_route(town):
    rig = busy(town)
    for s in (10.0, 92.0, 140.0):
        rig.put(0, *rig.on_route(s))
        assert observe(rig)[0].route.command[0, 0] == rig.line.command[int(s)]
    assert set(rig.line.command) > {int(Command.LANE_FOLLOW)}


def test_ego_status_limit_and_time(town):
    rig = busy(town, 40.0)
    scene, _ = observe(rig)
    e, sl = scene.ego, rig.slots
    assert e.pose[0, 0] == pytest.approx([sl.x[0, 0], sl.y[0, 0], sl.yaw[0, 0]])
    assert (e.speed[0, 0], e.accel[0, 0]) == (7.0, 0.5)
    assert e.yaw_rate[0, 0] == pytest.approx(0.1) and e.steer[0, 0] == pytest.approx(0.02)
    assert e.size[0, 0] == pytest.approx([4.5, 1.9])
    assert e.on_lane[0, 0] and e.lane_offset[0, 0] == pytest.approx(0.3, abs=1e-3)
    assert e.lane_angle[0, 0] == pytest.approx(0.1, abs=1e-3)
    assert scene.speed_limit[0, 0] == pytest.approx(50 / 3.6)
    assert scene.time[0, 0] == pytest.approx(2.0) and scene.active[0, 0]


def polyline_distance(line, points):
    a, u = line[:-1], np.diff(line, axis=0)
    t = np.clip(((points[:, None] - a) * u).sum(-1) / (u * u).sum(-1), 0, 1)
    return np.linalg.norm(points[:, None] - a - t[..., None] * u, axis=-1).min(1)


def lane_line(road_map, lane):
    return road_map.point_xyz[road_map.lane_start[lane] : road_map.lane_start[lane + 1], :2].astype(float)


@pytest.mark.parametrize("s", [2.0, 60.0, 85.0, 100.0])
def test_the_ego_lane_comes_first_and_follows_the_route(town, s):
    rig = busy(town, s, turn=0.0)
    scene, arrays = observe(rig)
    lanes = scene.lanes
    assert lanes.valid[0, 0, 0] and lanes.relation[0, 0, 0] == Relation.EGO
    assert arrays.lanes.lane[0, 0, 0] == rig.line.lane[int(s)]
    points = lanes.xy[0, 0, 0][lanes.point_valid[0, 0, 0]]
    own = np.flatnonzero(lanes.point_valid[0, 0, 0])
    want = s - SCENE_LANE_BEHIND + SCENE_LANE_STEP * own
    on = want >= 0
    route = np.array([rig.on_route(w)[:2] for w in want[on]])
    assert points[on] == pytest.approx(to_ego(rig, route), abs=0.05)
    assert lanes.half_width[0, 0, 0][own] == pytest.approx(np.full(len(own), 1.75), abs=1e-3)


@pytest.mark.parametrize("s", [10.0, 60.0, 85.0, 100.0, 150.0])
def test_every_local_lane_lies_on_lanes_of_the_map_in_travel_direction(town, s):
    rig = busy(town, s)
    scene, arrays = observe(rig)
    lanes = scene.lanes
    centre = [to_ego(rig, lane_line(town, i)) for i in range(town.lane_count)]
    for n in np.flatnonzero(lanes.valid[0, 0]):
        ok = lanes.point_valid[0, 0, n]
        points = lanes.xy[0, 0, n][ok].astype(float)
        gaps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        assert ok.any() and (gaps <= SCENE_LANE_STEP + 0.01).all()
        assert np.min([polyline_distance(c, points) for c in centre], axis=0).max() < 0.02
        lane = centre[arrays.lanes.lane[0, 0, n]]
        on = np.flatnonzero(polyline_distance(lane, points) < 0.02)
        if len(on) > 2:  # along it, not against it
            first, last = (np.argmin(np.linalg.norm(lane - points[i], axis=1)) for i in (on[0], on[-1]))
            assert last > first
    assert (lanes.xy[0, 0][~lanes.point_valid[0, 0]] == 0).all()


def test_neighbours_of_a_lane_on_a_road_of_three():
    road_map = toy_map("multi_lane", length=300.0, lanes=3)
    middle = lane_of(road_map, "r", -2)
    rig = Rig(road_map, (middle, 5.0), (middle, 290.0))
    rig.put(0, *rig.on_route(100.0))
    scene, arrays = observe(rig)
    lanes = scene.lanes
    n = int(lanes.valid[0, 0].sum())
    assert [Relation(int(r)) for r in lanes.relation[0, 0, :n]] == [Relation.EGO, Relation.LEFT, Relation.RIGHT]
    assert lanes.xy[0, 0, :3, 2, 1] == pytest.approx([0.0, 3.5, -3.5], abs=1e-3)
    assert lanes.xy[0, 0, :3, 2, 0] == pytest.approx([0.0, 0.0, 0.0], abs=1e-3)
    point = road_map.lane_start[middle] + int(105.0 / road_map.lane_step[middle])
    assert lanes.mark_left[0, 0, 0] == road_map.point_mark_left[point]
    assert lanes.change_left[0, 0, 0] == road_map.point_change_left[point]
    assert lanes.limit[0, 0, 0] == road_map.point_limit[point]


def test_the_oncoming_lane_covers_the_same_stretch_in_its_own_direction(town):
    rig = busy(town, 30.0, d=0.0, turn=0.0)
    lanes = observe(rig)[0].lanes
    n = int(np.flatnonzero(lanes.relation[0, 0] == Relation.OPPOSITE)[0])
    assert lanes.xy[0, 0, n, -1] == pytest.approx([-SCENE_LANE_BEHIND, 3.5], abs=0.05)
    assert lanes.xy[0, 0, n, 0, 0] == pytest.approx(SPAN - SCENE_LANE_BEHIND, abs=0.05)


def test_conflicting_lanes_are_all_there_and_say_who_yields(town):
    rig = busy(town, 70.0, d=0.0, turn=0.0)
    scene, arrays = observe(rig)
    ahead = [lane for lane in dict.fromkeys(rig.line.lane[60:110].tolist()) if town.lane_junction[lane] >= 0]
    want = {}
    for lane in ahead[:1]:
        for c in range(town.conflict_start[lane], town.conflict_start[lane + 1]):
            if town.conflict_kind[c] != 2:
                want[int(town.conflict_lane[c])] = (town.conflict_kind[c], town.conflict_priority[c])
    got = {}
    for n in np.flatnonzero(scene.lanes.valid[0, 0]):
        if scene.lanes.relation[0, 0, n] in (Relation.CROSSING, Relation.MERGING):
            kind = 0 if scene.lanes.relation[0, 0, n] == Relation.CROSSING else 1
            got[int(arrays.lanes.lane[0, 0, n])] = (kind, scene.lanes.yields[0, 0, n])
    assert want and set(want) <= set(got)
    for lane, (kind, priority) in want.items():
        assert got[lane] == (kind, priority == Priority.GOES)


def test_light_stop_and_crosswalk_ahead_are_measured_from_the_bumper(town):
    rig = busy(town, 20.0)
    rig.worlds.light[:] = int(LightState.AMBER)
    stop = rig.progress_of_stop()
    for s in (stop - 40.0, stop - 10.0):
        rig.put(0, *rig.on_route(s))
        a = observe(rig)[0].ahead
        assert a.light_valid[0, 0] and a.light_state[0, 0] == LightState.AMBER
        assert a.light_distance[0, 0] == pytest.approx(stop - s - 2.25, abs=0.05)
        assert a.crosswalk_valid[0, 0] and a.crosswalk_length[0, 0] == pytest.approx(3.0, abs=0.1)
        assert not a.stop_valid[0, 0] and not a.yield_valid[0, 0] and a.stop_distance[0, 0] == 0
    rig.put(0, *rig.on_route(stop + 3.0))
    a = observe(rig)[0].ahead
    assert not a.light_valid[0, 0] or a.light_distance[0, 0] > 20  # that one is passed
    for control, name in (("stop", "stop"), ("yield", "yield")):
        road_map = toy_map("junction", control=control)
        rig = Rig(road_map, (lane_of(road_map, "a1", 1), 5.0), (lane_of(road_map, "a3", -1), 70.0))
        stop = rig.progress_of_stop()
        rig.put(0, *rig.on_route(stop - 20.0))
        a = observe(rig)[0].ahead
        assert getattr(a, f"{name}_valid")[0, 0] and not a.light_valid[0, 0]
        assert getattr(a, f"{name}_distance")[0, 0] == pytest.approx(17.75, abs=0.05)


def test_a_driver_without_a_lane_or_route_still_has_a_scene(town):
    rig = busy(town, 30.0)
    rig.routes.count[:] = 0
    scene, _ = observe(rig)
    assert not scene.route.valid.any() and not scene.ahead.light_valid[0, 0] and scene.lanes.valid[0, 0, 0]
    rig.judge.active[:] = False
    assert not observe(rig)[0].active[0, 0]


def test_a_quarter_turn_of_the_world_leaves_the_scene_as_it_was():
    """The four arms of a symmetric junction, driven straight on: one scene."""
    road_map = toy_map("junction", control="all_stop")
    flat = []
    for arm in range(4):
        rig = Rig(road_map, (lane_of(road_map, f"a{arm}", 1), 5.0), (lane_of(road_map, f"a{(arm + 2) % 4}", -1), 70.0))
        x, y, yaw = rig.on_route(60.0)
        rig.put(1, *rig.on_route(85.0, 3.0, 1.0), speed=5.0)
        rig.put(0, x, y, yaw, speed=8.0)
        scene, _ = observe(rig)
        flat.append(scene)
    first = flat[0]
    for other in flat[1:]:
        assert other.objects.xy == pytest.approx(first.objects.xy, abs=1e-3)
        assert other.objects.velocity == pytest.approx(first.objects.velocity, abs=1e-3)
        assert other.route.xy == pytest.approx(first.route.xy, abs=1e-2)
        assert other.ahead.stop_distance == pytest.approx(first.ahead.stop_distance, abs=1e-2)
        assert other.lanes.valid.sum() == first.lanes.valid.sum()
        n = int(first.lanes.valid.sum())
        mine = sorted(map(tuple, np.round(other.lanes.xy[0, 0, :n].reshape(n, -1)[:, -2:], 1).tolist()))
        theirs = sorted(map(tuple, np.round(first.lanes.xy[0, 0, :n].reshape(n, -1)[:, -2:], 1).tolist()))
        assert np.array(mine) == pytest.approx(np.array(theirs), abs=0.11)
        assert other.edge_valid.sum() == first.edge_valid.sum()
