"""Time to collision, against hand-computed cases and a loop over shapely boxes."""

import math

import numpy as np
import pytest
from shapely import affinity
from shapely.geometry import box as rectangle

from world.ttc import TTC_HORIZON, TTC_STEP, time_to_collision, time_to_collision_1d


def test_head_on_at_closing_speed_ten_over_a_gap_of_nine_metres_takes_nine_tenths_of_a_second():
    t = time_to_collision(0, 0, 0, 4, 2, 5, 0, 13, 0, math.pi, 4, 2, -5, 0, TTC_STEP, TTC_HORIZON)
    assert t == pytest.approx(0.9)


def test_side_by_side_and_moving_apart_never_collide():
    assert time_to_collision(0, 0, 0, 4, 2, 10, 0, 0, 3, 0, 4, 2, 10, 0, TTC_STEP, TTC_HORIZON) == math.inf
    assert time_to_collision(0, 0, 0, 4, 2, 0, 0, 10, 0, 0, 4, 2, 5, 0, TTC_STEP, TTC_HORIZON) == math.inf


def test_beyond_the_horizon_is_infinite():
    assert time_to_collision(0, 0, 0, 4, 2, 10, 0, 44, 0, 0, 4, 2, 0, 0, 0.1, 3.0) == math.inf
    assert time_to_collision(0, 0, 0, 4, 2, 10, 0, 44, 0, 0, 4, 2, 0, 0, 0.1, 5.0) == pytest.approx(4.0)


def test_agrees_with_a_plain_loop():
    r = np.random.default_rng(0)
    finite = 0
    for _ in range(150):
        a = (*r.uniform(-15, 15, 2), r.uniform(-3, 3), 4.5, 1.9, *r.uniform(-10, 10, 2))
        b = (*r.uniform(-15, 15, 2), r.uniform(-3, 3), 4.5, 1.9, *r.uniform(-10, 10, 2))
        want = math.inf
        for k in range(31):
            shapes = []
            for x, y, yaw, length, width, vx, vy in (a, b):
                at = affinity.rotate(rectangle(-length / 2, -width / 2, length / 2, width / 2), yaw, (0, 0), True)
                shapes.append(affinity.translate(at, x + 0.1 * k * vx, y + 0.1 * k * vy))
            if shapes[0].intersects(shapes[1]):
                want = 0.1 * k
                break
        got = time_to_collision(*a, *b, 0.1, 3.0)
        assert got == pytest.approx(want) or (math.isinf(got) and math.isinf(want))
        finite += math.isfinite(want)
    assert finite > 10


def test_one_dimension():
    assert time_to_collision_1d(20.0, 15.0, 5.0) == pytest.approx(2.0)
    assert time_to_collision_1d(20.0, 5.0, 5.0) == math.inf
    assert time_to_collision_1d(0.0, 5.0, 5.0) == 0.0
