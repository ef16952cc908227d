"""What traffic does, in plain English: on toy maps with one thing to see each, and in the town with all of it."""

import math

import numpy as np
import pytest

from scenarios.registry import find_scenario
from simulator.audit import run_audit
from simulator.engine import Engine
from simulator.overlap import overlapping_pairs, slots_overlap
from tests.simulator.engine_stage import map_set, run_for, scenario, toy_engine
from world.build import build_road_map
from world.kinds import BodyKind, Controller, LightState
from world.mapset import pack_maps
from world.opendrive import load_map
from world.toy import LIMIT, multi_lane_road

CAR, VAN, TRUCK, BUS, MOTORCYCLE, BICYCLE, WALKER = (int(k) for k in BodyKind)
TRAFFIC = int(Controller.TRAFFIC)
RIGHT = -1.75  # [m] y of the lane of the straight road that runs along x


@pytest.fixture
def road():
    """A straight road, x from 0 to 300, nobody on it."""
    with toy_engine("straight") as engine:
        yield engine


def gap(engine, rear, front):
    """[m] bumper to bumper, both along x."""
    s, b = engine.state, engine.bodies
    return float(s.x[0, front] - s.x[0, rear] - 0.5 * (b.length[0, front] + b.length[0, rear]))


def touch(engine, i, j):
    return slots_overlap(0, i, j, engine.model.slots, 0.0)


# --- At the start --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "vehicles", "pedestrians"), [("town01", 60, 30), ("town02", 40, 20), ("grid", 30, 20)]
)
def test_nobody_overlaps_at_the_start_and_all_find_a_place(name, vehicles, pedestrians):
    drivers = 2 if name.startswith("town") else 0
    plan = scenario(drivers, vehicles, pedestrians)
    with Engine(map_set(name), plan, worlds=6) as engine:
        engine.reset(range(6))
        for b in range(6):
            assert engine.state.valid[b].sum() == drivers + vehicles + pedestrians
            assert not overlapping_pairs(b, engine.model.slots)


def test_vehicles_start_on_lanes_and_walkers_off_them():
    with Engine(map_set("town01"), scenario(0, 60, 30)) as engine:
        engine.reset([3])
        slots, tables = engine.model.slots, engine.maps.tables
        assert (tables.lanes["drivable"][slots.lane[0, :60]] == 1).all()
        assert (tables.lanes["junction"][slots.lane[0, :60]] < 0).all()
        assert np.abs(slots.lane_d[0, :60]).max() < 0.1 and (slots.lane[0, 60:90] == -1).all()


# --- Following -----------------------------------------------------------------------------------------------------


def test_alone_a_vehicle_drives_at_its_share_of_the_limit(road):
    i = road.hooks.spawn(0, CAR, (10.0, RIGHT), 0.0, 8.0, TRAFFIC)
    speed = []
    run_for(road, 14.0, lambda: speed.append(float(road.state.speed[0, i])))
    wish = LIMIT * float(road.model.traffic.row[0, i]["factor"])
    assert max(speed) <= wish + 0.05 and speed[-1] > 0.93 * wish


@pytest.mark.parametrize("kind", [CAR, TRUCK, BUS, MOTORCYCLE, BICYCLE, WALKER])
def test_it_stops_behind_a_stalled_body(road, kind):
    blocker = road.hooks.spawn(0, kind, (200.0, RIGHT), 0.0)
    i = road.hooks.spawn(0, CAR, (60.0, RIGHT), 0.0, 12.0, TRAFFIC)
    hardest = []
    run_for(road, 25.0, lambda: hardest.append(float(road.state.accel[0, i])))
    assert road.state.speed[0, i] < 0.05 and 0.8 < gap(road, i, blocker) < 5.0
    assert min(hardest) > -3.5  # there was time


def test_it_stops_for_what_stands_across_its_lane(road):
    blocker = road.hooks.spawn(0, TRUCK, (200.0, RIGHT), math.pi / 2)
    i = road.hooks.spawn(0, CAR, (60.0, RIGHT), 0.0, 12.0, TRAFFIC)
    run_for(road, 25.0)
    assert road.state.speed[0, i] < 0.05 and not touch(road, i, blocker) and road.state.x[0, i] > 185.0


def test_it_passes_what_stands_beside_its_lane(road):
    road.hooks.spawn(0, CAR, (150.0, -RIGHT), 0.0)
    road.hooks.spawn(0, WALKER, (170.0, -4.6), 0.0)
    i = road.hooks.spawn(0, CAR, (60.0, RIGHT), 0.0, 12.0, TRAFFIC)
    run_for(road, 14.0)
    assert road.state.x[0, i] > 200.0


@pytest.mark.parametrize("y", [4.0, -5.6])
def test_a_vehicle_off_the_lane_is_not_in_the_way_whatever_way_it_faces(road, y):
    for yaw, x in ((0.0, 120.0), (math.pi, 150.0)):
        road.hooks.spawn(0, CAR, (x, y), yaw)
    i = road.hooks.spawn(0, CAR, (60.0, RIGHT), 0.0, 12.0, TRAFFIC)
    run_for(road, 14.0)
    assert road.state.x[0, i] > 200.0


def test_it_goes_on_when_the_body_is_taken_away(road):
    blocker = road.hooks.spawn(0, CAR, (120.0, RIGHT), 0.0)
    i = road.hooks.spawn(0, CAR, (60.0, RIGHT), 0.0, 10.0, TRAFFIC)
    run_for(road, 15.0)
    assert road.state.speed[0, i] < 0.05
    road.hooks.despawn(0, blocker)
    run_for(road, 8.0)
    assert road.state.speed[0, i] > 6.0


@pytest.mark.parametrize("kind", [CAR, BUS, WALKER])
@pytest.mark.parametrize("distance", [22.0, 30.0, 45.0])
def test_it_brakes_hard_for_a_body_put_ahead_of_it_in_time(road, kind, distance):
    i = road.hooks.spawn(0, CAR, (60.0, RIGHT), 0.0, 13.0, TRAFFIC)
    run_for(road, 1.0)
    x = float(road.state.x[0, i]) + distance + (6.0 if kind == BUS else 2.25)
    blocker = road.hooks.spawn(0, kind, (x, RIGHT), 0.0)
    touched = []
    run_for(road, 12.0, lambda: touched.append(touch(road, i, blocker)))
    assert not any(touched) and road.state.speed[0, i] < 0.05


@pytest.mark.parametrize("speed", [6.0, 12.0])
def test_it_does_not_run_into_a_leader_that_brakes_as_hard_as_it_can(road, speed):
    lead = road.hooks.spawn(0, CAR, (80.0, RIGHT), 0.0, speed)
    i = road.hooks.spawn(0, CAR, (80.0 - 8.0 - 1.6 * speed, RIGHT), 0.0, speed, TRAFFIC)
    run_for(road, 4.0)
    road.hooks.set_target_speed(0, lead, 0.0)
    gaps = []
    run_for(road, 10.0, lambda: gaps.append(gap(road, i, lead)))
    assert road.state.speed[0, lead] < 0.05 and min(gaps) > 0.5


def test_a_full_ring_flows_without_contact():
    with toy_engine("ring", vehicles=10) as engine:
        audit = run_audit(engine, 120.0, every=2)
        assert audit.contacts == [] and audit.mean_speed > 1.5


# --- Lane changes --------------------------------------------------------------------------------------------------


def three_lanes(solid_until: float) -> Engine:
    """Three lanes one way; marks are solid up to a place."""
    draft = multi_lane_road(500.0)
    for lane in draft.lanes:
        s = np.linspace(0, 500.0, len(lane.xyz))
        lane.change_left = lane.change_left & (s >= solid_until)
        lane.change_right = lane.change_right & (s >= solid_until)
    engine = Engine(pack_maps([build_road_map(draft)]), scenario())
    engine.reset([1])
    return engine


@pytest.mark.parametrize("solid_until", [0.0, 200.0, 600.0])
def test_it_overtakes_a_slow_leader_where_the_marks_allow(solid_until):
    with three_lanes(solid_until) as engine:
        y = -1.5 * 3.5  # the middle lane
        slow = engine.hooks.spawn(0, CAR, (60.0, y), 0.0, 3.0, TRAFFIC)
        engine.hooks.set_target_speed(0, slow, 3.0)
        i = engine.hooks.spawn(0, CAR, (30.0, y), 0.0, 9.0, TRAFFIC)
        left_at, touched = [], []

        def look():
            x = float(engine.state.x[0, i])
            if abs(float(engine.state.y[0, i]) - y) > 0.3:
                left_at.append(x)
            touched.append(touch(engine, i, slow))

        run_for(engine, 75.0 if solid_until else 30.0, look)
        assert not any(touched)
        if solid_until > 500.0:
            assert not left_at and engine.state.x[0, i] < engine.state.x[0, slow]
        else:
            assert left_at and left_at[0] >= solid_until - 1.0
            assert engine.state.x[0, i] > engine.state.x[0, slow] + 20.0


def test_lane_changes_in_dense_traffic_touch_nobody():
    with toy_engine("multi_lane", vehicles=30) as engine:
        audit = run_audit(engine, 60.0, every=2)
        assert audit.contacts == []


def test_on_a_road_of_one_lane_each_way_nobody_leaves_it(road):
    road.hooks.spawn(0, CAR, (150.0, RIGHT), 0.0)
    i = road.hooks.spawn(0, CAR, (60.0, RIGHT), 0.0, 10.0, TRAFFIC)
    off = []
    run_for(road, 30.0, lambda: off.append(abs(float(road.state.y[0, i]) - RIGHT)))
    assert max(off) < 0.1


# --- Junctions -----------------------------------------------------------------------------------------------------


def crossings(engine, seconds):
    """[(slot, speed at the line, least speed in the 6 m before)] of all vehicles that pass a stop line."""
    slots, tables = engine.model.slots, engine.maps.tables
    least, out = {}, []

    def look():
        for i in np.flatnonzero(slots.valid[0] & (slots.lane[0] >= 0)):
            row = tables.lanes[slots.lane[0, i]]
            front = float(slots.lane_s[0, i] + 0.5 * slots.length[0, i])
            for q in range(row["stop0"], row["stop1"]):
                room = float(tables.stops[q]["s"]) - front
                key, speed = (int(i), q), float(slots.speed[0, i])
                if 0 <= room < 6.0:
                    least[key] = min(least.get(key, 1e9), speed)
                elif room < 0 and key in least:
                    out.append((int(i), speed, least.pop(key)))

    run_for(engine, seconds, look)
    return out


@pytest.mark.parametrize("control", ["all_stop", "stop"])
def test_they_stop_at_stop_signs(control):
    with toy_engine("junction", vehicles=6, options={"control": control, "loop": True}) as engine:
        passed = crossings(engine, 90.0)
        assert len(passed) > 5
        assert max(least for _, _, least in passed) < 0.3


@pytest.mark.parametrize("state", [LightState.RED, LightState.RED_AMBER, LightState.AMBER])
def test_nobody_enters_on_red_or_amber(state):
    with toy_engine("junction", vehicles=6, options={"loop": True}, seed=2) as engine:
        for light in range(4):
            engine.hooks.set_light(0, light, state)
        run_for(engine, 5.0)  # those who could not stop are through
        assert crossings(engine, 60.0) == []
        assert (engine.state.speed[0, :6] < 0.1).mean() >= 0.8


def test_on_green_they_do_not_stop_at_the_line():
    with toy_engine("junction", vehicles=4, options={"loop": True}, seed=3) as engine:
        for light in range(4):
            engine.hooks.set_light(0, light, LightState.GREEN if light % 2 == 0 else LightState.RED)
        passed = crossings(engine, 60.0)
        assert passed and np.median([least for _, _, least in passed]) > 2.0


@pytest.mark.parametrize("control", ["lights", "stop", "all_stop", "yield", "none"])
@pytest.mark.parametrize("lanes", [1, 2])
def test_junctions_of_all_sorts_flow_without_contact(control, lanes):
    options = {"control": control, "lanes": lanes, "loop": True}
    with toy_engine("junction", vehicles=12, pedestrians=6, options=options) as engine:
        audit = run_audit(engine, 90.0, every=2)
        inside = [c for c in audit.contacts if math.hypot(c.x, c.y) < 60.0]  # further out they turn round on the spot
        assert inside == [] and audit.red == []
        assert audit.mean_speed > 0.8 and audit.longest_wait < 80.0


def test_a_busy_roundabout_flows():
    """Its junctions lie 11 m apart: whoever waited for room for those who drive on, too, would stand in the ring."""
    maps = pack_maps([load_map(find_scenario("roundabout").map_path)])
    with Engine(maps, scenario(vehicles=60)) as engine:
        engine.reset([1])
        audit = run_audit(engine, 400.0, every=4)
    assert audit.contacts == [] and audit.respawns == 0
    assert audit.mean_speed > 9.2 and audit.standing < 0.07


# --- Walkers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", [8.0, 13.0])
def test_a_walker_who_crosses_is_let_through(road, speed):
    i = road.hooks.spawn(0, CAR, (60.0, RIGHT), 0.0, speed, TRAFFIC)
    walker = road.hooks.spawn(0, WALKER, (60.0 + 4.0 * speed, -5.0), math.pi / 2, 1.3)
    road.hooks.set_target_speed(0, walker, 1.3)
    slowest, near = [], []

    def look():
        s = road.state
        slowest.append(float(s.speed[0, i]))
        near.append(touch(road, i, walker))

    run_for(road, 14.0, look)
    assert not any(near) and min(slowest) < speed - 2.0
    assert road.state.y[0, walker] > 3.0 and road.state.x[0, i] > road.state.x[0, walker]


def test_vehicles_stop_before_a_crosswalk_that_is_in_use():
    """Nobody drives onto a crosswalk with a walker on his half of it, except who was too near to stop."""
    with toy_engine("junction", vehicles=6, pedestrians=30, options={"control": "none", "loop": True}) as engine:
        slots, tables, busy = engine.model.slots, engine.maps.tables, engine.model.walkers.crosswalk_busy
        onto, waited, free, since = [], [0], [0], {}
        before = {}

        def look():
            step = int(engine.state.step[0])
            for c in range(busy.shape[1]):
                since[c] = since.get(c, step) if busy[0, c] else None
                if since[c] is None:
                    del since[c]
            for i in np.flatnonzero(slots.valid[0] & (slots.lane[0] >= 0)):
                row = tables.lanes[slots.lane[0, i]]
                front = float(slots.lane_s[0, i] + 0.5 * slots.length[0, i])
                for q in range(row["cross0"], row["cross1"]):
                    room = float(tables.crossings[q]["s0"]) - front
                    crosswalk = int(tables.crossings[q]["crosswalk"])
                    if before.get((i, q), -1.0) > 0 >= room:
                        free[0] += 1
                        if crosswalk in since and step - since[crosswalk] > 80:
                            onto.append((int(i), step, crosswalk))
                    elif 0 < room < 5.0 and crosswalk in since and slots.speed[0, i] < 0.1:
                        waited[0] += 1
                    before[(i, q)] = room

        run_for(engine, 120.0, look)
        assert free[0] > 10 and waited[0] > 20
        assert onto == []


# --- The town ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town_audit():
    with Engine(map_set("town01"), scenario(0, 60, 30), worlds=2) as engine:
        engine.reset([5, 6])
        return run_audit(engine, 120.0, every=2)


def test_in_town_nobody_touches(town_audit):
    assert town_audit.contacts == []


def test_in_town_nobody_runs_a_red_light(town_audit):
    assert town_audit.red == []


def test_in_town_traffic_flows(town_audit):
    assert town_audit.mean_speed > 2.0 and town_audit.standing < 0.6 and town_audit.walker_speed > 0.7


def test_in_town_all_keep_the_limit():
    with Engine(map_set("town01"), scenario(0, 60, 0)) as engine:
        engine.reset([8])
        slots, tables = engine.model.slots, engine.maps.tables
        over = []

        def look():
            lanes = tables.lanes[slots.lane[0, :60]]
            at = np.minimum((slots.lane_s[0, :60] / lanes["step"]).astype(int), lanes["points"] - 1)
            limit = tables.points["limit"][lanes["point0"] + np.maximum(at, 0)]
            factor = engine.model.traffic.row["factor"][0, :60]
            over.append((slots.speed[0, :60] - limit * factor)[slots.valid[0, :60]])

        run_for(engine, 60.0, look)
        over = np.concatenate(over)
        assert np.percentile(over, 99) < 0.1
        assert over.max() < 1.5  # where the limit falls, they are still braking
