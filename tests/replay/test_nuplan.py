"""nuPlan's closed-loop score: terms and product by hand, and drives on toy maps whose scores are known."""

import numpy as np
import pytest

from replay.metrics.episode import EpisodeScorer, mean_scores
from replay.metrics.nuplan import (
    at_fault_term,
    closed_loop_score,
    direction_term,
    making_progress_term,
    most_against,
    progress_term,
    speed_limit_term,
)
from tests.replay.synthetic import Crowd
from world.kinds import EventKind, Fault
from world.mapset import pack_maps
from world.records import Event, StepResult
from world.toy import toy_map

FULL = dict.fromkeys(
    ("at_fault", "drivable", "making_progress", "direction", "progress", "ttc", "speed_limit", "comfort"), 1.0
)


def hit(kind: EventKind, fault: Fault = Fault.DRIVER) -> Event:
    return Event(0, 0, 0, int(kind), 1.0, -1, int(fault), 0.0, 0.0)


def test_a_perfect_drive_scores_100():
    assert closed_loop_score(FULL) == 100.0


def test_soft_terms_are_a_weighted_mean():
    # (5 * 0.8 + 5 * 0 + 4 * 0.5 + 2 * 1) / 16 = 8 / 16
    assert closed_loop_score(FULL | {"progress": 0.8, "ttc": 0.0, "speed_limit": 0.5}) == pytest.approx(50.0)


def test_hard_terms_multiply():
    # 0.5 * 0.5 * (5 * 0.4 + 5 + 4 + 2) / 16 = 0.25 * 13 / 16
    terms = FULL | {"at_fault": 0.5, "direction": 0.5, "progress": 0.4}
    assert closed_loop_score(terms) == pytest.approx(100 * 0.25 * 13 / 16)
    for name in ("at_fault", "drivable", "making_progress", "direction"):
        assert closed_loop_score(FULL | {name: 0.0}) == 0.0


@pytest.mark.parametrize("terms", [{}, FULL | {"speed": 1.0}, FULL | {"ttc": 1.1}, FULL | {"ttc": float("nan")}])
def test_bad_terms_are_an_error(terms):
    with pytest.raises(ValueError, match="allowed"):
        closed_loop_score(terms)


def test_at_fault_collisions_none_with_road_users_one_with_a_thing():
    assert at_fault_term([]) == 1.0
    assert at_fault_term([hit(EventKind.COLLISION_VEHICLE, Fault.OTHER), hit(EventKind.RED_LIGHT)]) == 1.0
    assert at_fault_term([hit(EventKind.COLLISION_VEHICLE)]) == 0.0
    assert at_fault_term([hit(EventKind.COLLISION_PEDESTRIAN)]) == 0.0
    assert at_fault_term([hit(EventKind.COLLISION_STATIC)]) == 0.5
    assert at_fault_term([hit(EventKind.COLLISION_STATIC)] * 2) == 0.0
    assert at_fault_term([hit(EventKind.COLLISION_STATIC), hit(EventKind.COLLISION_VEHICLE)]) == 0.0


def test_progress_is_a_share_of_the_route_and_a_fifth_is_needed():
    assert progress_term(150.0, 200.0) == 0.75
    assert progress_term(0.0, 200.0) == pytest.approx(0.01)  # 2 m count as done
    assert progress_term(210.0, 200.0) == 1.0 and progress_term(0.0, 1.0) == 1.0
    assert making_progress_term(0.2) == 1.0 and making_progress_term(0.199) == 0.0


def test_speeding_costs_by_how_much_and_how_long():
    # 11 samples are 10 intervals; 1.115 m/s over the limit in 5 of them: 5 * 1.115 / (2.23 * 10) = 0.25
    assert speed_limit_term(5 * 1.115, 11) == pytest.approx(0.75)
    assert speed_limit_term(0.0, 11) == 1.0
    assert speed_limit_term(99.0, 11) == 0.0


def test_driving_against_the_lane_is_summed_over_a_second():
    assert most_against(np.full(50, 1.0), 0.1) == 1.0  # never less than its first metre: no loss
    advance = np.r_[np.ones(20), -0.3 * np.ones(30), np.ones(10)]
    assert most_against(advance, 0.1) == pytest.approx(11 * 0.3)  # the present sample and ten before
    assert [direction_term(v) for v in (1.99, 2.0, 5.99, 6.0)] == [1.0, 0.5, 0.5, 0.0]


MAPS = pack_maps([toy_map("straight", length=400.0)])  # lane -1 along +x at y = -1.75, 50 km/h


def drive(speed: float, y=-1.75, yaw=0.0, x0: float = 20.0, seconds: float = 10.0, events=(), length: float = 200.0):
    """The score of a steady drive along x; `y` is a number or a function of time."""
    crowd = Crowd(drivers=1, vehicles=0)
    scorer = EpisodeScorer(1, 1, dt=0.05, maps=MAPS)
    scorer.reset(np.array([[length]], np.float32))
    steps = round(seconds / 0.05)
    for i in range(1, steps + 1):
        t = 0.05 * i
        crowd.place(0, x0 + speed * t * np.cos(yaw), y(t) if callable(y) else y, yaw, speed)
        end = np.array([[i == steps]])
        progress = np.array([[min(speed * t, length)]], np.float32)
        done = (Event(0, 0, i, int(EventKind.COMPLETED), 1.0, -1, 0, 0.0, 0.0),) if i == steps else ()
        found = tuple(events) if i == steps // 2 else ()
        scorer.tick(crowd.state, crowd.bodies, StepResult({}, found + done, end, ~end & False, progress))
    return scorer.score(0, 0)


def test_a_clean_drive_is_worth_100():
    score = drive(13.0).nuplan
    assert score is not None and score.score == 100.0


def test_five_over_the_limit():
    # 50 km/h is 13.889 m/s; 15.0 m/s all the time: 99 or 100 samples, n / (n - 1) * 1.1111 / 2.23
    score = drive(15.0).nuplan
    n = 100
    loss = n / (n - 1) * (15.0 - 50 / 3.6) / 2.23
    assert score.speed_limit == pytest.approx(1 - loss, abs=1e-4)
    assert score.score == pytest.approx(100 * (12 + 4 * (1 - loss)) / 16, abs=1e-2)


def test_a_corner_may_be_a_little_off_the_road():
    # The lane ends at y = -3.5, the box is 1.9 wide: its side is at y - 0.95
    assert drive(10.0, y=-2.5).nuplan.drivable == 1.0
    assert drive(10.0, y=-2.80).nuplan.drivable == 1.0  # 0.25 m off
    assert drive(10.0, y=-2.95).nuplan.drivable == 0.0  # 0.40 m off
    assert drive(10.0, y=-2.95).nuplan.score == 0.0


@pytest.mark.parametrize("speed, direction", [(1.0, 1.0), (3.0, 0.5), (10.0, 0.0)])
def test_driving_on_the_other_side(speed, direction):
    """On the lane that runs the other way: 1.1 s of it are 1.1, 3.3, 11 m."""
    score = drive(speed, y=1.75, length=10.0).nuplan
    assert score.direction == direction and score.drivable == 1.0


def test_a_collision_costs_the_score_and_the_time_to_collision():
    score = drive(10.0, events=[hit(EventKind.COLLISION_STATIC)]).nuplan
    assert score.at_fault == 0.5 and score.ttc == 0.0
    assert score.score == pytest.approx(100 * 0.5 * 11 / 16)
    assert drive(10.0, events=[hit(EventKind.COLLISION_VEHICLE)]).nuplan.score == 0.0


def test_means_and_no_map():
    one, two = drive(13.0), drive(15.0)
    mean = mean_scores([one, two])["nuplan"]
    assert mean["score"] == pytest.approx((one.nuplan.score + two.nuplan.score) / 2)
    scorer = EpisodeScorer(1, 1, dt=0.05)
    scorer.reset(np.array([[100.0]], np.float32))
    bare = scorer.score(0, 0)
    assert bare.nuplan is None and mean_scores([bare])["nuplan"] is None and bare.to_dict()["nuplan"] is None
