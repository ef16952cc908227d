"""Steering and speed control on given lines against the engine's bicycle."""

import numpy as np
import pytest

from tests.planning.track import drive, line_of, tracks


@pytest.mark.parametrize("name", sorted(tracks()))
def test_line_is_followed_within_a_hand(name):
    line, speed = tracks()[name]
    error = np.abs(drive(line, speed)["error"])
    assert np.percentile(error, 95) < 0.08
    assert error.max() < 0.15


def test_steering_is_calm_on_the_motorway():
    line, speed = tracks()["motorway"]
    run = drive(line, speed)
    assert np.abs(np.diff(run["yaw_rate"])).max() / 0.05 < 1.93  # nuPlan's yaw acceleration bound


@pytest.mark.parametrize("speed", [2.0, 10.0, 27.8])
@pytest.mark.parametrize("side", [-1, 1])
def test_an_offset_is_steered_out_without_overshoot(speed, side):
    run = drive(line_of([(max(12 * speed, 60), 0)]), speed, offset=0.8 * side)
    error = run["error"] * side
    assert abs(error[-1]) < 0.02
    assert error.min() > -0.08
    assert np.abs(run["yaw_rate"] * run["speed"]).max() < 4.89


@pytest.mark.parametrize("lag", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("wheelbase", [2.5, 5.5])
def test_other_vehicles_are_steered_as_well(lag, wheelbase):
    line = line_of([(30, 0), (18, 1 / 12), (30, 0)])
    run = drive(line, 4.5, car={"steer_lag": lag, "wheelbase": wheelbase, "rear_axle": wheelbase / 2})
    assert np.percentile(np.abs(run["error"]), 95) < 0.2


def test_mirrored_line_gives_mirrored_steering():
    left = drive(line_of([(20, 0), (9, 1 / 6), (20, 0)]), 3.5)
    right = drive(line_of([(20, 0), (9, -1 / 6), (20, 0)]), 3.5)
    assert np.allclose(left["command"], -right["command"], atol=1e-4)
