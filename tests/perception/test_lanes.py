"""Boundaries to centres, and centres to bins."""

import numpy as np
import pytest

from perception.curve import BIN_ROW, CURVE_ROW, POINTS
from perception.lanes import CENTRE_ROW, CHANGES, LEFT, OWN, RIGHT, STRETCH_ROW, TURNS, lane_centres, take_lanes
from perception.records import LINE_X
from world.camera_labels import LINE_SLOTS

X = LINE_X.astype(np.float64)


def boundaries(offsets, slope=0.0):
    """(line_y, sigma, valid) of straight boundaries `offsets` [m] to the left; None where one is not seen."""
    shape = (LINE_SLOTS, len(X))
    y, valid = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    for slot, offset in enumerate(offsets):
        if offset is not None:
            y[slot], valid[slot] = offset * np.hypot(1.0, slope) + slope * X, True
    return y, np.where(valid, 0.05, 0.0).astype(np.float32), valid


def centres_of(offsets, half=1.75, slope=0.0):
    centres = np.zeros((3, len(X)), CENTRE_ROW)
    half = lane_centres(*boundaries(offsets, slope), X, half, centres)
    return centres, half


def test_centres_lie_between_their_boundaries():
    centres, half = centres_of((5.5, 2.0, -1.5, -5.0))
    assert centres["valid"].all()
    assert np.allclose(centres["y"][LEFT], 3.75) and np.allclose(centres["y"][OWN], 0.25)
    assert np.allclose(centres["y"][RIGHT], -3.25)
    assert half == pytest.approx(1.75)


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_one_boundary_does_with_the_width_known(slope):
    for offsets in ((None, 2.0, None, None), (None, None, -2.0, None)):
        centres, half = centres_of(offsets, half=2.0, slope=slope)
        assert half == 2.0 and centres["valid"][OWN].all() and not centres["valid"][LEFT].any()
        assert np.allclose(centres["y"][OWN], slope * X, atol=1e-5)


def test_the_width_is_learned_and_nonsense_is_left_out():
    half = 1.75
    for _ in range(80):
        _, half = centres_of((None, 2.0, -2.0, None), half)
    assert half == pytest.approx(2.0, abs=0.01)
    centres, kept = centres_of((None, 0.4, -0.4, None), half)
    assert not centres["valid"].any() and kept == half


def straight():
    curve = np.zeros(POINTS, CURVE_ROW)
    curve["x"] = curve["u"] = 2.0 * np.arange(POINTS)
    return curve


def gather(offsets, y=0.0, stretches=(), t=5.0):
    bins, curve = np.zeros(200, BIN_ROW), straight()
    centres, _ = centres_of(offsets)
    take_lanes(
        centres,
        curve,
        POINTS,
        t,
        2.0 * t,
        y,
        0.0,
        np.array(list(stretches), STRETCH_ROW),
        np.zeros(0),
        np.zeros(0),
        bins,
    )
    held = np.flatnonzero(bins["w"] > 0)
    return held, bins["y"][held] / bins["w"][held]


def test_the_own_lane_goes_into_the_bins():
    held, y = gather((None, 1.9, -1.6, None))
    assert np.allclose(y, 0.15, atol=1e-6)
    assert held[0] == 13 and held[-1] == 90


def test_a_driver_beside_the_route_takes_the_neighbour():
    _, y = gather((5.25, 1.75, -1.75, None), y=-3.5)  # the route is the lane on the left
    assert np.allclose(y, 0.0, atol=1e-6)


def test_nothing_is_taken_on_turns_and_changes():
    for kind in (TURNS, CHANGES):
        held, _ = gather((None, 1.75, -1.75, None), stretches=[(30.0, 50.0, kind)])
        assert not ((held > 30) & (held < 49)).any()
        assert (held < 30).any() and (held > 50).any()


def test_beyond_a_junction_only_what_fits_the_route():
    held, _ = gather((None, 3.6, 0.1, None), stretches=[(30.0, 50.0, TURNS)])
    assert (held < 30).any() and not (held > 50).any()
