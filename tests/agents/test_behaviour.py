"""What the expert does, in plain English. One driver on a toy map, scripted others, no engine."""

import math

import numpy as np
import pytest

from tests.agents.stage import Other, Stage, beside
from world.kinds import BodyKind, LightState, MarkKind
from world.toy import junction, straight_road

FREE_ROAD = [("r", 0, -1)]
STRAIGHT = [("a2", 0, 1), ("c201", 0, -1), ("a0", 0, -1)]
LEFT = [("a2", 0, 1), ("c211", 0, -1), ("a1", 0, -1)]
ONCOMING = [("a0", 0, 1), ("c021", 0, -1), ("a2", 0, -1)]
MINOR = [("a1", 0, 1), ("c131", 0, -1), ("a3", 0, -1)]
LINE = 74.0  # [m] of the stop line on every arm
GREEN, AMBER, RED = LightState.GREEN, LightState.AMBER, LightState.RED


def line_through(keys):
    return Stage(junction(control="none"), keys).line


def column(stage, line, starts, speed):
    for s in starts:
        stage.add(Other(line, lambda t: speed, s=s))


def walker(stage, x, start, speed, begin=0.0):
    """Somebody who walks across the road at x, from y = start on, after `begin` seconds."""
    y = np.linspace(start, -start, 40)
    line = np.stack((np.full(40, x), y), 1)
    return stage.add(Other(line, lambda t: speed if t >= begin else 0.0, kind=BodyKind.PEDESTRIAN, size=(0.5, 0.5)))


def test_free_road_is_driven_at_the_limit_and_never_above():
    track = Stage(straight_road(400), FREE_ROAD).run(30)
    limit = 50 / 3.6
    assert track.v.max() <= limit
    assert track.v.max() > 0.95 * limit
    assert np.abs(track.offset).max() < 0.02


def test_start_and_stop_are_within_comfort_bounds():
    track = Stage(straight_road(300), FREE_ROAD).run(40)
    jerk = np.diff(track.a) / 0.05
    assert track.a.max() < 2.4
    assert track.a.min() > -4.05
    assert np.mean(np.abs(jerk) < 4.13) > 0.98


@pytest.mark.parametrize("brake", [4.0, 6.0, 8.0])
@pytest.mark.parametrize("gap", [12.0, 25.0])
def test_lead_car_brakes_hard_no_collision(brake, gap):
    stage = Stage(straight_road(400), FREE_ROAD, speed=10)
    stage.add(Other(stage.line, lambda t: 10.0 if t < 3 else max(10 - brake * (t - 3), 0.0), s=5 + 4.5 + gap))
    track = stage.run(12)
    assert track.gap.min() > 1.0
    assert track.v[-1] < 0.05


def test_slow_lead_car_is_followed_at_a_safe_distance():
    stage = Stage(straight_road(600), FREE_ROAD, speed=12)
    stage.add(Other(stage.line, lambda t: 6.0, s=60))
    track = stage.run(40)
    assert track.v[-1] == pytest.approx(6.0, abs=0.3)
    assert 6.0 < track.gap[-1] < 14.0


def test_car_that_cuts_in_is_let_in():
    stage = Stage(straight_road(400, ways=(2, 1)), [("r", 0, -2)], speed=12)
    lane = Stage(straight_road(400, ways=(2, 1)), [("r", 0, -1)]).line
    shift = np.clip((lane[:, 0] - 40) / 20, 0, 1)[:, None]
    stage.add(Other(lane * (1 - shift) + beside(lane, -3.5) * shift, lambda t: 8.0, s=30))
    track = stage.run(12)
    assert track.gap.min() > 1.0


@pytest.mark.parametrize("inside", [False, True])
def test_red_light_stops_before_the_line_and_starts_at_green(inside):
    stage = Stage(junction(stop_on_connection=inside), STRAIGHT, speed=12)
    line = 80.0 if inside else LINE
    stage.light = lambda t: RED if t < 15 else GREEN
    track = stage.run(25)
    red = track.t < 15
    assert line - 3.0 < track.front[red].max() < line
    assert track.v[np.searchsorted(track.t, 14.9)] < 0.05
    assert track.v[np.searchsorted(track.t, 18)] > 3.0


@pytest.mark.parametrize("distance, stops", [(60.0, True), (40.0, True), (12.0, False)])
def test_amber_stops_where_it_can_comfortably_and_goes_on_where_not(distance, stops):
    stage = Stage(junction(), STRAIGHT, speed=12, at=LINE - 2.25 - distance)
    stage.light = lambda t: AMBER if t < 3 else RED
    track = stage.run(10)
    passed = track.front.max() > LINE + 1
    assert passed != stops
    if passed:
        assert track.front[np.searchsorted(track.t, 3.0)] > LINE, "over the line while amber"
        assert track.a.min() > -3.0
    else:
        assert track.a.min() > -4.05


def test_stop_sign_stands_still_before_the_line_then_goes():
    track = Stage(junction(control="stop"), MINOR, speed=10).run(25)
    stands = track.v < 0.1
    assert stands.any()
    assert LINE - 4.0 < track.front[stands].max() < LINE
    assert track.s[-1] > LINE + 30


def test_stop_sign_lets_crossing_traffic_through():
    stage = Stage(junction(control="stop"), MINOR, speed=8, at=40)
    column(stage, line_through(STRAIGHT), (5, 17, 29, 41), 9.0)
    track = stage.run(30)
    assert track.gap.min() > 1.0
    assert track.s[-1] > LINE + 30


@pytest.mark.parametrize("start", [0, 10, 20, 30, 40, 50])
def test_unprotected_left_gives_way_to_oncoming_traffic(start):
    stage = Stage(junction(control="none"), LEFT, speed=8)
    column(stage, line_through(ONCOMING), (start, start + 25), 10.0)
    track = stage.run(30)
    assert track.gap.min() > 0.8
    assert track.s[-1] > LINE + 30


@pytest.mark.parametrize("start", [0, 15, 30, 45])
def test_give_way_line_gives_way(start):
    stage = Stage(junction(control="yield"), MINOR, speed=9)
    column(stage, line_through(STRAIGHT), (start, start + 30), 9.0)
    track = stage.run(30)
    assert track.gap.min() > 1.0
    assert track.s[-1] > LINE + 30


def test_right_of_way_is_taken_when_the_other_can_stop():
    """A car creeps up to its stop line; the driver on the major road does not brake for it."""
    stage = Stage(junction(control="stop"), STRAIGHT, speed=12)
    stage.add(Other(line_through(MINOR), lambda t: 6.0 if t < 4 else max(6 - 3 * (t - 4), 0), s=LINE - 2.25 - 31))
    track = stage.run(12)
    assert track.v[(track.s > 30) & (track.s < 100)].min() > 11.0


def test_somebody_who_runs_the_stop_sign_is_not_hit():
    stage = Stage(junction(control="stop"), STRAIGHT, speed=12, at=20)
    stage.add(Other(line_through(MINOR), lambda t: 9.0, s=24))
    assert stage.run(12).gap.min() > 0.3


@pytest.mark.parametrize("begin", [0.0, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("side", [-1, 1])
def test_pedestrian_on_the_crosswalk_is_let_across(begin, side):
    stage = Stage(junction(control="none"), STRAIGHT, speed=10)
    walker(stage, -15.0, side * 5.0, 1.4, begin)
    track = stage.run(25)
    assert track.gap.min() > 0.7
    assert track.s[-1] > LINE + 20


def test_pedestrian_who_walks_along_the_pavement_is_passed_without_braking():
    stage = Stage(straight_road(300), FREE_ROAD, speed=12)
    line = np.array([[40.0, -4.5], [250.0, -4.5]])
    stage.add(Other(line, lambda t: 1.3, kind=BodyKind.PEDESTRIAN, size=(0.5, 0.5)))
    track = stage.run(10)
    assert track.v.min() > 11.5


def test_stalled_car_is_passed_where_the_middle_line_is_broken():
    stage = Stage(straight_road(300), FREE_ROAD, speed=10)
    stage.add(Other(stage.line, lambda t: 0.0, s=90))
    track = stage.run(60)
    assert track.s[-1] > 200
    assert track.gap.min() > 0.5
    assert np.abs(track.offset[-40:]).max() < 0.1, "back in its lane"


def test_stalled_car_is_waited_for_where_the_line_is_solid():
    draft = straight_road(300)
    for lane in draft.lanes:
        lane.mark_left[:] = MarkKind.SOLID
        lane.change_left[:] = False
    stage = Stage(draft, FREE_ROAD, speed=10)
    stage.add(Other(stage.line, lambda t: 0.0, s=90))
    track = stage.run(30)
    assert track.s[-1] < 88
    assert np.abs(track.offset).max() < 0.1


def test_stalled_car_is_passed_only_after_oncoming_traffic():
    stage = Stage(straight_road(300), FREE_ROAD, speed=10)
    stage.add(Other(stage.line, lambda t: 0.0, s=90))
    back = beside(stage.line, 3.5)[::-1]
    column(stage, back, (0, 40, 80, 120), 7.0)
    track = stage.run(70)
    assert track.s[-1] > 200
    assert track.gap.min() > 0.5


def test_queue_before_a_red_light_is_not_passed():
    stage = Stage(junction(), STRAIGHT, speed=8)
    stage.light = lambda t: RED
    column(stage, stage.line, (LINE - 3, LINE - 10), 0.0)
    track = stage.run(25)
    assert np.abs(track.offset).max() < 0.1
    assert track.gap.min() > 1.0


def test_junction_is_kept_clear_while_its_exit_is_full():
    stage = Stage(junction(control="none"), STRAIGHT, speed=8)
    stage.add(Other(stage.line, lambda t: 0.0 if t < 15 else 8.0, s=80 + 24 + 5))
    track = stage.run(24)
    early = track.t < 15
    assert track.front[early].max() < 80 + 12, "before the middle of the junction"
    assert track.s[-1] > 110


def test_emergency_stop_for_somebody_who_steps_out_close_ahead():
    stage = Stage(straight_road(300), FREE_ROAD, speed=9)
    walker(stage, 30.0, -3.6, 1.6, 0.6)
    track = stage.run(10)
    assert track.gap.min() > 0.05


def test_two_runs_are_the_same():
    runs = []
    for _ in range(2):
        stage = Stage(junction(control="none"), LEFT, speed=8)
        column(stage, line_through(ONCOMING), (10, 35), 10.0)
        runs.append(stage.run(12))
    assert np.array_equal(runs[0].s, runs[1].s)
    assert math.isclose(runs[0].v[-1], runs[1].v[-1])


@pytest.mark.parametrize("start", [-10, 0, 8, 16, 24, 32])
@pytest.mark.parametrize("speed", [8.0, 12.0])
def test_merging_from_a_give_way_line_does_not_cut_in(start, speed):
    """Turning right into a road with priority: whoever comes along it is not forced to brake."""
    stage = Stage(junction(control="yield"), [("a1", 0, 1), ("c121", 0, -1), ("a2", 0, -1)], speed=9, at=30)
    column(stage, line_through(ONCOMING), (max(start, 0) + 5,), speed)
    track = stage.run(25)
    assert track.gap.min() > 0.6
