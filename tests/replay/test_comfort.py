"""Savitzky-Golay derivatives, comfort and time to collision against closed forms."""

import numpy as np
import pytest

from replay.metrics.comfort import comfort, comfort_series
from replay.metrics.derivative import savitzky_golay
from replay.metrics.episode import EpisodeScorer, mean_scores
from replay.metrics.ttc import TtcMeter, in_junction
from tests.replay.synthetic import Crowd
from world.kinds import EventKind
from world.records import Event, StepResult


def test_savitzky_golay_is_exact_on_its_own_polynomials():
    t = np.arange(30) * 0.1
    np.testing.assert_allclose(savitzky_golay(1 + 2 * t + 3 * t**2, 0.1, 15, 2, 1), 2 + 6 * t, atol=1e-9)
    np.testing.assert_allclose(savitzky_golay(t**3, 0.1, 15, 3, 2), 6 * t, atol=1e-8)


def test_short_series():
    assert savitzky_golay(np.array([1.0, 2.0]), 0.1, 15, 2, 1).tolist() == [0.0, 0.0]
    np.testing.assert_allclose(savitzky_golay(np.array([0.0, 1.0, 4.0, 9.0]), 1.0, 15, 2, 1), [0, 2, 4, 6], atol=1e-9)
    with pytest.raises(ValueError, match="allowed"):
        savitzky_golay(np.zeros(9), 0.1, 3, 3)


def test_a_steady_circle_has_lateral_acceleration_v_times_rate():
    t = np.arange(200) * 0.1
    yaw = 0.2 * t  # 10 m/s at 0.2 rad/s: 2 m/s^2 to the left
    wrapped = (yaw + np.pi) % (2 * np.pi) - np.pi
    series = comfort_series(10 * np.cos(yaw), 10 * np.sin(yaw), wrapped, 0.1)
    inner = slice(10, -10)
    np.testing.assert_allclose(series["lat_accel"][inner], 2.0, atol=0.03)
    np.testing.assert_allclose(series["lon_accel"][inner], 0.0, atol=0.03)
    np.testing.assert_allclose(series["yaw_rate"], 0.2, atol=1e-6)
    np.testing.assert_allclose(series["yaw_accel"], 0.0, atol=1e-6)


def test_braking_at_5_breaks_one_bound_only():
    t = np.arange(100) * 0.1
    speed = 60.0 - 5.0 * t  # constant: no jerk
    report = comfort(speed, np.zeros(100), np.zeros(100), 0.1)
    assert not report.comfortable and report.within["lon_accel"] == 0.0 and report.fraction == 0.0
    assert report.extreme["lon_accel"] == pytest.approx(-5.0)
    assert all(report.within[name] == 1.0 for name in report.within if name != "lon_accel")


def test_jerk_of_a_ramp():
    t = np.arange(100) * 0.1
    speed = 0.5 * 1.5 * t**2  # acceleration grows by 1.5 m/s^3
    report = comfort(speed[:15], np.zeros(15), np.zeros(15), 0.1)
    assert report.extreme["lon_jerk"] == pytest.approx(1.5, abs=1e-3)
    assert report.comfortable


def test_ttc_of_two_cars_on_a_line():
    crowd = Crowd(drivers=1, vehicles=1)
    crowd.place(0, 0.0, 0.0, 0.0, 10.0)
    crowd.place(1, 24.5 + 4.5, 0.0, 0.0, 0.0)  # 24.5 m bumper to bumper at 10 m/s: 2.45 s, seen at the 2.5 s step
    meter = TtcMeter(1, 1)
    meter.tick(crowd.state, crowd.bodies, np.array([[True]]))
    assert meter.now[0, 0] == pytest.approx(2.5)
    assert meter.fraction(0, 0) == 1.0
    crowd.place(1, 9.0 + 4.5, 0.0, 0.0, 0.0)
    meter.tick(crowd.state, crowd.bodies, np.array([[True]]))
    assert meter.now[0, 0] == pytest.approx(0.9) and meter.fraction(0, 0) == 0.5


@pytest.mark.parametrize(
    ("what", "x", "y", "speed", "wide", "seen"),
    [
        ("behind me, faster than I", -8.0, 0.0, 20.0, False, False),
        ("beside me, not in a junction", 0.0, 3.0, 0.0, False, False),
        ("ahead of me", 8.0, 0.0, 0.0, False, True),
    ],
)
def test_ttc_looks_ahead(what, x, y, speed, wide, seen):
    crowd = Crowd(drivers=1, vehicles=1)
    crowd.place(0, 0.0, 0.0, 0.0, 10.0)
    crowd.place(1, x, y, 0.0, speed)
    meter = TtcMeter(1, 1)
    meter.tick(crowd.state, crowd.bodies, np.array([[True]]), np.array([[wide]]))
    assert np.isfinite(meter.now[0, 0]) == seen, what


def test_ttc_in_a_junction_looks_to_the_sides():
    crowd = Crowd(drivers=1, vehicles=1)
    crowd.place(0, 0.0, 0.0, 0.0, 5.0)
    crowd.place(1, 5.0, -10.0, np.pi / 2, 8.0)  # comes from the right, 63 degrees off straight ahead
    for wide, seen in ((False, False), (True, True)):
        meter = TtcMeter(1, 1)
        meter.tick(crowd.state, crowd.bodies, np.array([[True]]), np.array([[wide]]))
        assert np.isfinite(meter.now[0, 0]) == seen


def test_a_standing_driver_has_no_ttc():
    crowd = Crowd(drivers=1, vehicles=1)
    crowd.place(0, 0.0, 0.0, 0.0, 0.0)
    crowd.place(1, 10.0, 0.0, np.pi, 10.0)
    meter = TtcMeter(1, 1)
    meter.tick(crowd.state, crowd.bodies, np.array([[True]]))
    assert np.isinf(meter.now[0, 0])


def result(progress: float, events=(), end: bool = False) -> StepResult:
    flag = np.array([[end]])
    return StepResult({}, tuple(events), flag, ~flag & False, np.array([[progress]], np.float32))


def test_an_episode_by_hand():
    """20 m/s for 10 s on a 200 m route with one red light at 25 km/h traffic: 70 and 100 / 1.4."""
    crowd = Crowd(drivers=1, vehicles=0)
    scorer = EpisodeScorer(1, 1, dt=0.05)
    scorer.reset(np.array([[200.0]], np.float32))
    for i in range(1, 201):
        crowd.place(0, i * 1.0, 0.0, 0.0, 20.0)
        events = [Event(0, 0, i, int(EventKind.RED_LIGHT), 1.0, -1, 0, 0.0, 0.0)] if i == 50 else []
        if i == 200:
            events.append(Event(0, 0, i, int(EventKind.COMPLETED), 1.0, -1, 0, 0.0, 0.0))
        scorer.tick(crowd.state, crowd.bodies, result(i * 0.995, events, end=i == 200))
    score = scorer.score(0, 0)
    assert score.outcome == "completed" and score.route_completion == 1.0
    assert score.ds_lb20 == pytest.approx(70.0) and score.ds_lb21 == pytest.approx(100 / 1.4)
    assert score.infractions["red_light"] == 1 and score.infractions_per_km["red_light"] == pytest.approx(5.0)
    assert score.sim_time_s == pytest.approx(10.0) and score.driven_m == pytest.approx(200.0)
    assert score.min_speed == () and score.ttc_min_s is None and score.comfort.comfortable
    scorer.tick(crowd.state, crowd.bodies, result(0.0))  # after the end nothing counts
    assert scorer.score(0, 0) == score
    mean = mean_scores([score, score])
    assert mean["ds_lb20"] == pytest.approx(70.0) and mean["infractions"]["red_light"] == 1.0
    assert mean["outcomes"] == {"completed": 2}


def test_worlds_are_scored_as_if_alone():
    rng = np.random.default_rng(0)
    speeds = rng.uniform(3, 15, (2, 100)).astype(np.float32)
    together = EpisodeScorer(2, 1, 0.05)
    together.reset(np.full((2, 1), 100.0, np.float32))
    alone = [EpisodeScorer(1, 1, 0.05) for _ in range(2)]
    for scorer in alone:
        scorer.reset(np.full((1, 1), 100.0, np.float32))
    for i in range(100):
        both = Crowd(worlds=2, drivers=1, vehicles=2)
        for b in range(2):
            single = Crowd(drivers=1, vehicles=2)
            for crowd, world in ((both, b), (single, 0)):
                crowd.place(0, i * 0.4, 0.0, 0.1 * i, speeds[b, i], world=world)
                crowd.place(1, i * 0.4 + 12.0, 0.0, 0.0, 2.0 + b, world=world)
            alone[b].tick(single.state, single.bodies, result(i * 0.4))
        flag = np.zeros((2, 1), np.bool_)
        progress = np.full((2, 1), i * 0.4, np.float32)
        together.tick(both.state, both.bodies, StepResult({}, (), flag, flag, progress))
    for b in range(2):
        assert together.score(b, 0) == alone[b].score(0, 0)


def test_in_junction_looks_up_the_route():
    class Routes:
        junction = np.array([[[False, True, True, False]], [[True, False, False, False]]])
        count = np.array([[4], [1]])

    assert in_junction(Routes, np.array([[1.4], [9.0]], np.float32)).tolist() == [[True], [True]]
    assert in_junction(Routes, np.array([[2.6], [0.0]], np.float32)).tolist() == [[False], [True]]
