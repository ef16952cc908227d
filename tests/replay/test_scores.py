"""Driving scores, infractions and minimum speed against numbers worked out by hand."""

import numpy as np
import pytest

from replay.metrics.infractions import at_fault_collisions, count_infractions, outcome, outside_fraction, per_km
from replay.metrics.leaderboard import driving_score_20, driving_score_21, penalty_20, penalty_21
from replay.metrics.min_speed import MinSpeedMeter
from world.kinds import EventKind, Fault
from world.records import Event


def event(kind: EventKind, value: float = 1.0, fault: Fault = Fault.OTHER, step: int = 0) -> Event:
    return Event(0, 0, step, int(kind), value, -1, int(fault), 0.0, 0.0)


def test_a_clean_full_route_scores_100():
    assert driving_score_20(1.0, {}) == 100.0
    assert driving_score_21(1.0, {}) == 100.0


def test_leaderboard_20_multiplies():
    # 80 % of the route, one pedestrian, two vehicles, a red light: 80 * 0.5 * 0.6^2 * 0.7 = 10.08
    counts = {"collision_pedestrian": 1, "collision_vehicle": 2, "red_light": 1}
    assert driving_score_20(0.8, counts) == pytest.approx(10.08)


def test_leaderboard_21_divides():
    # 1 + 1.0 + 2 * 0.7 + 0.4 = 3.8; 80 / 3.8 = 21.0526...
    counts = {"collision_pedestrian": 1, "collision_vehicle": 2, "red_light": 1}
    assert driving_score_21(0.8, counts) == pytest.approx(80 / 3.8)


@pytest.mark.parametrize(
    ("name", "factor", "weight"),
    [
        ("collision_pedestrian", 0.5, 1.0),
        ("collision_vehicle", 0.6, 0.7),
        ("collision_static", 0.65, 0.6),
        ("red_light", 0.7, 0.4),
        ("stop_sign", 0.8, 0.25),
    ],
)
def test_each_coefficient(name, factor, weight):
    assert penalty_20({name: 1}) == pytest.approx(factor)
    assert penalty_20({name: 3}) == pytest.approx(factor**3)
    assert penalty_21({name: 1}) == pytest.approx(1 / (1 + weight))
    assert penalty_21({name: 3}) == pytest.approx(1 / (1 + 3 * weight))


def test_outside_route_lanes_is_a_factor_in_both():
    assert penalty_20({"outside_route_lanes": 5}, outside_fraction=0.1) == pytest.approx(0.9)
    assert penalty_21({"stop_sign": 1}, outside_fraction=0.1) == pytest.approx(0.9 / 1.25)


def test_minimum_speed_checkpoints():
    # 60 % of the traffic's speed in one quarter: 1 - 0.3 * 0.4 = 0.88; faster than traffic costs nothing
    assert penalty_20({}, min_speed=(0.6, 1.3, 1.0)) == pytest.approx(0.88)
    # 2.1: 1 / (1 + 0.4 * 0.4)
    assert penalty_21({}, min_speed=(0.6, 1.3, 1.0)) == pytest.approx(1 / 1.16)


def test_infractions_without_a_coefficient_cost_nothing():
    assert penalty_20({"speeding": 9, "wrong_way": 2, "off_road": 1}) == 1.0


@pytest.mark.parametrize("bad", [{"completion": 1.2}, {"completion": -0.1}, {"completion": float("nan")}])
def test_completion_outside_0_1_is_an_error(bad):
    with pytest.raises(ValueError, match="allowed: 0 to 1"):
        driving_score_20(counts={}, **bad)


def test_counts_name_every_infraction_and_leave_out_completion():
    counts = count_infractions([event(EventKind.RED_LIGHT), event(EventKind.RED_LIGHT), event(EventKind.COMPLETED)])
    assert counts["red_light"] == 2 and counts["blocked"] == 0 and "completed" not in counts
    with pytest.raises(ValueError, match="unknown"):
        count_infractions([event(99)])  # type: ignore[arg-type]


def test_per_km():
    assert per_km({"red_light": 3}, 1.5) == {"red_light": 2.0}
    assert per_km({"red_light": 3}, 0.0) == {}


def test_outcome_and_fault():
    assert outcome([event(EventKind.COMPLETED)], True) == "completed"
    assert outcome([event(EventKind.BLOCKED)], True) == "blocked"
    assert outcome([event(EventKind.TIMEOUT)], True) == "timeout"
    assert outcome([event(EventKind.ROUTE_DEVIATION)], True) == "route_deviation"
    assert outcome([event(EventKind.COLLISION_STATIC)], True) == "collision"
    assert outcome([], True) == "cut"
    assert outcome([event(EventKind.COLLISION_STATIC)], False) == "running"
    own = [event(EventKind.COLLISION_VEHICLE, fault=Fault.DRIVER), event(EventKind.COLLISION_VEHICLE)]
    assert at_fault_collisions(own) == 1


def test_outside_fraction_is_the_last_and_largest_share():
    assert outside_fraction([]) == 0.0
    assert outside_fraction([event(EventKind.OUTSIDE_ROUTE_LANES, v) for v in (0.02, 0.05)]) == pytest.approx(0.05)


def drive(meter: MinSpeedMeter, speed: float, traffic: float, count: int, start: float, stop: float, length: float):
    one = np.ones((1, 1), np.float32)
    for s in np.arange(start, stop, speed * 0.1):
        meter.tick(s * one, length * one, speed * one, np.array([traffic]), np.array([count]), one > 0)


def test_min_speed_meter_measures_quarters():
    meter = MinSpeedMeter(1, 1)
    drive(meter, 8.0, 10.0, 5, 0.0, 250.0, 1000.0)
    drive(meter, 12.0, 10.0, 5, 250.0, 1000.0, 1000.0)
    ratios = meter.result(0, 0)
    assert len(ratios) == 4  # three passed and the last, beyond 95 %
    assert ratios[0] == pytest.approx(0.8, abs=0.01)
    assert ratios[1:] == pytest.approx((1.2,) * 3, abs=0.02)


def test_min_speed_meter_is_silent_without_traffic():
    meter = MinSpeedMeter(1, 1)
    drive(meter, 8.0, 0.0, 0, 0.0, 900.0, 1000.0)
    assert meter.result(0, 0) == ()


def test_min_speed_meter_counts_standing_traffic_as_one():
    meter = MinSpeedMeter(1, 1)
    drive(meter, 8.0, 0.0, 3, 0.0, 300.0, 1000.0)
    assert meter.result(0, 0) == (1.0,)


def test_min_speed_of_a_driver_that_has_arrived_is_left_alone():
    meter = MinSpeedMeter(1, 1)
    drive(meter, 10.0, 10.0, 5, 0.0, 100.0, 100.0)
    before = meter.result(0, 0)
    one, gone = np.ones((1, 1)), np.zeros((1, 1), np.bool_)
    for _ in range(500):
        meter.tick(99.0 * one, 100.0 * one, 0.0 * one, np.array([10.0]), np.array([5]), gone)
    assert meter.result(0, 0) == before
