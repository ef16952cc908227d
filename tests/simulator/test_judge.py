"""What the judge must report and what it must not, in plain English. Driver: a car of 4.5 m x 1.9 m in slot 0."""

import math
from typing import Any

import numpy as np
import pytest

from simulator.judge import collect_events, reset_judge_one
from tests.simulator.judge_rig import Rig, kinds, lane_of
from world.build import build_road_map
from world.kinds import BodyKind, EventKind, Fault, LightState
from world.routing import Router
from world.scenario import JudgeConfig
from world.toy import grid_town, ring, straight_road, toy_map

WALKER: Any = dict(kind=BodyKind.PEDESTRIAN, size=(0.5, 0.5), height=1.75)


@pytest.fixture(scope="module")
def road():
    return toy_map("straight", length=400.0)


@pytest.fixture(scope="module")
def crossing():
    return {c: toy_map("junction", control=c) for c in ("lights", "stop", "none")}


def on_road(road, **options):
    lane = lane_of(road, "r", -1)
    return Rig(road, (lane, 5.0), (lane, 390.0), **options)


def across(road_map, entry="a2", out="a0", **options):
    return Rig(road_map, (lane_of(road_map, entry, 1), 5.0), (lane_of(road_map, out, -1), 70.0), **options)


# --- a clean drive -----------------------------------------------------------------------------------------------


def test_a_clean_drive_ends_completed_and_nothing_else(road):
    rig = on_road(road)
    events = rig.drive(0.0, 384.0, 12.0)
    assert kinds(events) == ["COMPLETED"]
    assert rig.judge.terminated[0, 0] and not rig.judge.truncated[0, 0] and not rig.judge.active[0, 0]
    assert rig.judge.progress[0, 0] >= 0.99 * 384


@pytest.mark.parametrize(("entry", "out"), [("a2", "a0"), ("a2", "a1"), ("a2", "a3"), ("a1", "a0"), ("a3", "a0")])
def test_straight_left_and_right_through_a_junction_is_clean(crossing, entry, out):
    rig = across(crossing["none"], entry, out)
    assert kinds(rig.drive(0.0, rig.line.length, 8.0)) == ["COMPLETED"]
    assert rig.judge.outside[0, 0] == 0.0


def test_progress_never_falls(road):
    rig = on_road(road)
    rig.drive(0.0, 100.0)
    rig.put(0, *rig.on_route(80.0))
    rig.step(s0=rig.on_route(80.5))
    assert rig.judge.progress[0, 0] == pytest.approx(100.0, abs=0.01)
    assert rig.judge.route_s[0, 0] == pytest.approx(80.5, abs=0.01)


# --- collisions --------------------------------------------------------------------------------------------------


def only(events, kind):
    found = [e for e in events if e.kind == kind]
    assert len(found) == 1, kinds(events)
    return found[0]


def test_hitting_a_standing_car_is_the_drivers_fault_and_counts_once(road):
    rig = on_road(road)
    rig.put(1, *rig.on_route(50.0))
    hit = only(rig.drive(0.0, 60.0), EventKind.COLLISION_VEHICLE)
    assert (hit.fault, hit.other, hit.driver, hit.world) == (Fault.DRIVER, 1, 0, 0)
    assert hit.value == pytest.approx(10.0, abs=0.01)
    assert hit.x == pytest.approx(rig.on_route(45.5)[0], abs=0.1)


def test_a_contact_that_lasts_counts_once_and_again_after_five_seconds_apart(road):
    rig = on_road(road)
    rig.put(1, *rig.on_route(20.0))
    rig.put(0, *rig.on_route(17.0))
    assert kinds(rig.stand(8.0)) == ["COLLISION_VEHICLE"]
    rig.put(0, *rig.on_route(10.0))
    assert kinds(rig.stand(4.0)) == []
    rig.put(0, *rig.on_route(17.0))
    assert kinds(rig.stand(1.0)) == []
    rig.put(0, *rig.on_route(10.0))
    assert kinds(rig.stand(5.5)) == []
    rig.put(0, *rig.on_route(17.0))
    assert kinds(rig.stand(1.0)) == ["COLLISION_VEHICLE"]


def test_another_car_in_the_same_slot_is_another_collision(road):
    rig = on_road(road)
    rig.put(1, *rig.on_route(20.0))
    rig.put(0, *rig.on_route(17.0))
    assert len(rig.stand(0.5)) == 1
    rig.put(1, *rig.on_route(20.0))  # respawned: a new generation
    assert len(rig.stand(0.5)) == 1


def test_being_rammed_while_standing_is_not_the_drivers_fault(road):
    rig = on_road(road)
    rig.put(0, *rig.on_route(50.0))
    rig.restart()
    rig.put(1, *rig.on_route(30.0))
    events = [e for n in range(1, 45) for e in rig.step(s1=rig.on_route(30.0 + 0.5 * n))]
    assert only(events, EventKind.COLLISION_VEHICLE).fault == Fault.OTHER


def test_being_hit_from_behind_while_driving_is_not_the_drivers_fault(road):
    rig = on_road(road)
    rig.put(1, *rig.on_route(30.0))
    rig.put(0, *rig.on_route(40.0))
    rig.restart()
    events = []
    for n in range(1, 40):
        events += rig.step(s0=rig.on_route(40.0 + 0.25 * n), s1=rig.on_route(30.0 + 0.6 * n))
    assert only(events, EventKind.COLLISION_VEHICLE).fault == Fault.OTHER


def test_hitting_a_moving_cars_side_with_the_front_is_the_drivers_fault(road):
    rig = on_road(road)
    x, y, yaw = rig.on_route(30.0)
    rig.put(0, *rig.on_route(15.0))
    rig.put(1, x, y - 12.0, yaw + math.pi / 2)
    rig.restart()
    events = []
    for n in range(1, 40):
        events += rig.step(s0=rig.on_route(15.0 + 0.5 * n), s1=(x, y - 12.0 + 0.4 * n, yaw + math.pi / 2))
    assert only(events, EventKind.COLLISION_VEHICLE).fault == Fault.DRIVER


def sideswipe(road, drift_driver):
    rig = on_road(road)
    rig.put(0, *rig.on_route(20.0))
    rig.put(1, *rig.on_route(20.0, 3.5))
    rig.restart()
    events = []
    for n in range(1, 60):
        shift = 0.04 * n
        own, other = (shift, 3.5) if drift_driver else (0.0, 3.5 - shift)
        events += rig.step(s0=rig.on_route(20.0 + 0.5 * n, own), s1=rig.on_route(20.0 + 0.5 * n, other))
    return only(events, EventKind.COLLISION_VEHICLE)


def test_a_side_hit_is_the_fault_of_the_one_who_left_its_lane(road):
    assert sideswipe(road, drift_driver=True).fault == Fault.DRIVER
    assert sideswipe(road, drift_driver=False).fault == Fault.OTHER


def test_passing_a_car_with_half_a_metre_between_is_no_collision(road):
    rig = on_road(road)
    rig.put(1, *rig.on_route(50.0, 2.4))
    assert kinds(rig.drive(0.0, 100.0)) == []


@pytest.mark.parametrize("shift", np.linspace(0.0, 2.0, 9))
def test_a_walker_is_not_tunnelled_through_at_40_m_per_s(road, shift):
    rig = on_road(road)
    x, y, yaw = rig.on_route(60.0 + shift, 0.6)
    rig.put(1, x, y, yaw, **WALKER)
    hit = only(rig.drive(0.0, 100.0, 40.0), EventKind.COLLISION_PEDESTRIAN)
    assert hit.fault == Fault.DRIVER and hit.value == pytest.approx(40.0, rel=0.01)


def test_a_car_on_the_bridge_above_is_no_collision(road):
    rig = on_road(road)
    rig.put(1, *rig.on_route(50.0), z=5.5)
    assert kinds(rig.drive(0.0, 100.0)) == []


def walled():
    draft = straight_road(200.0)
    draft.buildings.append((np.array([(100.0, -20.0, 0), (120.0, -20.0, 0), (120.0, -8.0, 0), (100.0, -8.0, 0)]), 10.0))
    draft.trees.append((60.0, -9.0, 0.0, 2.0, 6.0))
    return build_road_map(draft)


@pytest.mark.parametrize("speed", [10.0, 40.0])
@pytest.mark.parametrize("s", [55.0, 105.0])  # the tree stands at 60 m, the building from 100 to 120 m
def test_driving_into_a_tree_or_building_is_a_static_collision_counted_once(speed, s):
    road_map = walled()
    lane = lane_of(road_map, "r", -1)
    rig = Rig(road_map, (lane, 5.0), (lane, 190.0))
    events = rig.drive(s - 30.0, s + 5.0, speed, d=-9.0 + 1.75)
    hit = only(events, EventKind.COLLISION_STATIC)
    assert hit.fault == Fault.DRIVER and hit.other == -1 and hit.value == pytest.approx(speed, rel=0.05)


def test_driving_past_trees_and_buildings_is_clean():
    road_map = walled()
    lane = lane_of(road_map, "r", -1)
    rig = Rig(road_map, (lane, 5.0), (lane, 190.0))
    assert kinds(rig.drive(0.0, 150.0)) == []


def test_the_first_collision_may_end_the_run(road):
    rig = on_road(road, config=JudgeConfig(collision_ends=True))
    rig.put(1, *rig.on_route(50.0))
    events = rig.drive(0.0, 100.0)
    assert kinds(events) == ["COLLISION_VEHICLE"] and rig.judge.terminated[0, 0]
    assert rig.judge.progress[0, 0] < 47


# --- road, lanes, direction --------------------------------------------------------------------------------------


def test_two_wheels_on_the_pavement_are_off_road_once_a_stretch(road):
    rig = on_road(road)
    events = rig.drive(0.0, 200.0, d=lambda s: -1.5 if 50 < s < 60 or 120 < s < 130 else 0.0)
    assert kinds(events) == ["OFF_ROAD", "OFF_ROAD"]


def test_driving_close_to_the_kerb_is_not_off_road(road):
    assert kinds(on_road(road).drive(0.0, 100.0, d=-0.75)) == []


def test_the_oncoming_lane_is_wrong_way_after_six_metres_and_outside_the_route(road):
    rig = on_road(road)
    events = rig.drive(0.0, 384.0, d=lambda s: 3.5 if 100 <= s < 138.4 else 0.0)
    assert kinds(events) == ["WRONG_WAY", "OUTSIDE_ROUTE_LANES", "COMPLETED"] or kinds(events) == [
        "WRONG_WAY", "COMPLETED", "OUTSIDE_ROUTE_LANES",
    ]  # fmt: skip
    outside = only(events, EventKind.OUTSIDE_ROUTE_LANES)
    assert outside.value == pytest.approx(38.4 / 384, rel=0.1)


def test_a_swerve_on_to_the_oncoming_lane_is_no_wrong_way(road):
    events = on_road(road).drive(0.0, 150.0, 10.0, d=lambda s: 2.3 * math.exp(-(((s - 100.0) / 4.0) ** 2)))
    assert "WRONG_WAY" not in kinds(events)


def test_changing_lanes_on_a_road_of_three_lanes_is_clean():
    road_map = toy_map("multi_lane", length=400.0, lanes=3)
    rig = Rig(road_map, (lane_of(road_map, "r", -3), 5.0), (lane_of(road_map, "r", -1), 390.0))
    assert kinds(rig.drive(0.0, rig.line.length, 15.0)) == ["COMPLETED"]
    assert rig.judge.outside[0, 0] == 0.0
    middle = lane_of(road_map, "r", -2)
    rig = Rig(road_map, (middle, 5.0), (middle, 390.0))
    assert kinds(rig.drive(0.0, 300.0, 13.0, d=lambda s: 3.5 * math.sin(s / 30.0))) == []


# --- lines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("state", "want"),
    [
        (LightState.RED, ["RED_LIGHT"]),
        (LightState.RED_AMBER, ["RED_LIGHT"]),
        (LightState.AMBER, []),
        (LightState.GREEN, []),
        (LightState.OFF, []),
    ],
)
def test_crossing_the_line_at_each_light(inside, state, want):
    rig = across(toy_map("junction", stop_on_connection=inside))
    rig.worlds.light[:] = int(state)
    stop = rig.progress_of_stop()
    assert kinds(rig.drive(stop - 30.0, stop + 10.0)) == want


def test_the_red_that_counts_is_the_one_when_the_front_bumper_crosses(crossing):
    rig = across(crossing["lights"])
    stop = rig.progress_of_stop()

    def late(s):  # turns red when the front is a metre past the line
        rig.worlds.light[:] = int(LightState.RED if s + 2.25 > stop + 1.0 else LightState.GREEN)

    assert kinds(rig.drive(stop - 30.0, stop + 20.0, hook=late)) == []

    def soon(s):
        rig.worlds.light[:] = int(LightState.RED if s + 2.25 > stop - 1.0 else LightState.GREEN)

    rig.restart()
    event = only(rig.drive(stop - 30.0, stop + 20.0, hook=soon), EventKind.RED_LIGHT)
    assert abs(event.x - rig.on_route(stop - 2.25)[0]) < 1.0


def test_waiting_at_red_and_going_at_green_is_clean(crossing):
    rig = across(crossing["lights"])
    stop = rig.progress_of_stop()
    rig.worlds.light[:] = int(LightState.RED)
    assert kinds(rig.drive(0.0, stop - 2.5)) == []
    assert kinds(rig.stand(5.0)) == []
    rig.worlds.light[:] = int(LightState.GREEN)
    assert kinds(rig.drive(stop - 2.5, stop + 20)) == []


def test_the_lights_of_other_approaches_do_not_matter(crossing):
    road_map = crossing["lights"]
    rig = across(road_map)
    own = rig.tables.stops[rig.tables.lanes[lane_of(road_map, "a2", 1)]["stop0"]]["light"]
    rig.worlds.light[:] = int(LightState.RED)
    rig.worlds.light[0, own] = int(LightState.GREEN)
    assert kinds(rig.drive(0.0, rig.line.length, 8.0)) == ["COMPLETED"]


def test_a_driver_off_its_route_must_obey_lights_too(crossing):
    road_map = crossing["lights"]
    lane = lane_of(road_map, "a2", 1)
    rig = Rig(road_map, (lane, 5.0), (lane, 40.0), config=JudgeConfig(arrive_fraction=2.0, deviation_limit=99.0))
    rig.worlds.light[:] = int(LightState.RED)
    x, y, yaw = rig.on_route(35.0)
    rig.put(0, x, y, yaw)
    events = []
    for n in range(1, 60):
        events += rig.step(s0=(x + 0.6 * n * math.cos(yaw), y + 0.6 * n * math.sin(yaw), yaw))
    assert "RED_LIGHT" in kinds(events)


def test_rolling_over_a_stop_line_is_an_infraction(crossing):
    rig = across(crossing["stop"], "a1", "a3")
    stop = rig.progress_of_stop()
    assert kinds(rig.drive(stop - 20, stop + 10, 2.0)) == ["STOP_SIGN"]


def test_stopping_two_metres_before_the_line_is_enough(crossing):
    rig = across(crossing["stop"], "a1", "a3")
    stop = rig.progress_of_stop()
    assert kinds(rig.drive(stop - 20, stop - 4.25, 5.0)) == []
    assert kinds(rig.stand(0.5)) == []
    assert kinds(rig.drive(stop - 4.25, stop + 10, 3.0)) == []


def test_stopping_ten_metres_before_the_line_is_not(crossing):
    rig = across(crossing["stop"], "a1", "a3")
    stop = rig.progress_of_stop()
    rig.drive(stop - 20, stop - 12.25, 5.0)
    rig.stand(1.0)
    assert kinds(rig.drive(stop - 12.25, stop + 10, 3.0)) == ["STOP_SIGN"]


def test_the_road_with_right_of_way_has_no_stop(crossing):
    rig = across(crossing["stop"], "a2", "a0")
    assert kinds(rig.drive(0.0, rig.line.length, 8.0)) == ["COMPLETED"]


# --- speed, and ends of a run ------------------------------------------------------------------------------------


def test_speeding_is_reported_with_its_length_at_the_end_of_the_stretch(road):
    rig = on_road(road)  # limit 50 km/h = 13.9 m/s, margin 10 %
    assert kinds(rig.drive(0.0, 50.0, 15.0)) == []
    assert kinds(rig.drive(50.0, 90.0, 16.0)) == []
    event = only(rig.drive(90.0, 120.0, 10.0), EventKind.SPEEDING)
    assert event.value == pytest.approx(40.0, abs=1.0)


def test_speeding_until_the_end_is_reported_with_the_end(road):
    events = on_road(road).drive(300.0, 384.0, 20.0)
    assert sorted(kinds(events)) == ["COMPLETED", "SPEEDING"]


def test_standing_still_for_too_long_is_blocked(road):
    rig = on_road(road, config=JudgeConfig(blocked_time=10.0))
    assert kinds(rig.stand(9.5)) == []
    rig.drive(0.0, 5.0)
    assert kinds(rig.stand(9.5)) == []
    events = rig.stand(1.0)
    assert kinds(events) == ["BLOCKED"] and rig.judge.terminated[0, 0]


def test_thirty_metres_from_the_route_ends_the_run(road):
    rig = on_road(road)
    x, y, yaw = rig.on_route(50.0)
    rig.put(0, x, y, yaw + math.pi / 2)
    events = []
    for n in range(1, 80):
        events += rig.step(s0=(x, y + 0.5 * n, yaw + math.pi / 2))
    end = only(events, EventKind.ROUTE_DEVIATION)
    assert 30.0 < end.value < 30.6 and rig.judge.terminated[0, 0]


def test_out_of_time_is_truncated_not_terminated(road):
    rig = on_road(road, max_time=3.0)
    events = rig.drive(0.0, 200.0, 10.0)
    assert kinds(events) == ["TIMEOUT"] and events[0].value == pytest.approx(3.0, abs=0.06)
    assert rig.judge.truncated[0, 0] and not rig.judge.terminated[0, 0]


def test_arriving_needs_the_route_not_only_the_place():
    """A ring driven almost round: the goal lies 10 m behind the start."""
    road_map = build_road_map(ring(40.0))
    rig = Rig(road_map, (0, 12.0), (0, 4.0))
    assert rig.line.length > 230
    assert kinds(rig.stand(1.0)) == []
    assert kinds(rig.drive(0.0, rig.line.length, 12.0)) == ["COMPLETED"]


@pytest.fixture(scope="module")
def town():
    return build_road_map(grid_town(2, control="none"))


CROSSING_ITSELF = [(60.0, 102.25), (150.0, 102.25), (210.0, 150.0), (160.0, 209.75), (102.25, 150.0), (102.25, 60.0)]
U_SHAPE = [(60.0, 102.25), (105.75, 150.0), (60.0, 209.75), (2.25, 160.0)]


@pytest.mark.parametrize("waypoints", [CROSSING_ITSELF, U_SHAPE])
def test_a_route_that_crosses_or_doubles_back_on_itself_is_followed_in_order(town, waypoints):
    route = Router(town).through(waypoints)
    rig = Rig(town, None, None, route=route)
    seen = []
    events = rig.drive(0.0, rig.line.length, 10.0, hook=lambda s: seen.append((s, rig.judge.progress[0, 0])))
    assert kinds(events) == ["COMPLETED"]
    assert all(abs(s - p) < 1.0 for s, p in seen)  # it never jumps to the other strand


# --- the judge as such -------------------------------------------------------------------------------------------


def test_nobody_is_judged_before_the_start_or_after_the_end(road):
    rig = on_road(road)
    rig.judge.active[:] = False
    rig.put(1, *rig.on_route(0.0))
    assert kinds(rig.stand(0.5)) == []


def test_events_beyond_the_buffer_raise(road):
    rig = on_road(road, slots=100)
    for i in range(1, 100):
        rig.put(i, *rig.on_route(0.0, 0.01 * i))
    with pytest.raises(RuntimeError, match="collect more often"):
        rig.step()


def test_padding_slots_and_other_worlds_change_nothing(road):
    small, big = on_road(road, slots=3), on_road(road, slots=17)
    for rig in (small, big):
        rig.put(1, *rig.on_route(50.0, 2.0))
        rig.put(2, *rig.on_route(70.0, 0.5), **WALKER)
    both = [[vars(e) for e in rig.drive(0.0, 100.0)] for rig in (small, big)]
    assert both[0] == both[1] and both[0]


def test_a_restart_forgets_everything(road):
    rig = on_road(road)
    rig.put(1, *rig.on_route(50.0))
    first = rig.drive(0.0, 100.0)
    reset_judge_one(0, 0, rig.judge, math.inf)
    again = rig.drive(0.0, 100.0)
    assert kinds(first) == kinds(again) == ["COLLISION_VEHICLE"]
    assert collect_events(rig.judge) == ()
