"""The small formulas of the vector observation."""

import math

import numpy as np
import pytest
from numba import njit

from world.encode import clip_part, clip_unit, cos_sin
from world.queries import wrap_angle
from world.rounding import ceil_int, floor_int, wrap_float


@njit
def over_all(angle, out):
    for i in range(len(angle)):
        out[i] = cos_sin(angle[i])


@njit
def clipped(value):
    return clip_unit(value), clip_part(value)


def test_cosine_and_sine_are_those_of_the_library():
    angle = np.linspace(-np.pi, np.pi, 200_001).astype(np.float32)
    out = np.zeros((len(angle), 2), np.float32)
    over_all(angle, out)
    want = np.stack([np.cos(angle.astype(float)), np.sin(angle.astype(float))], 1)
    assert np.abs(out - want).max() < 2e-7
    assert np.abs(out).max() <= 1.0


@pytest.mark.parametrize(
    ("value", "unit", "part"),
    [(0.5, 0.5, 0.5), (-0.5, -0.5, 0), (3, 1, 1), (-3, -1, 0), (np.inf, 1, 1), (-np.inf, -1, 0), (np.nan, -1, 0)],
)
def test_clipping(value, unit, part):
    assert clipped(np.float32(value)) == (unit, part)


@njit
def rounded(value):
    return floor_int(value), ceil_int(value)


@njit
def wrapped(angle):
    return wrap_float(angle), wrap_angle(angle)


def test_rounding_is_that_of_the_library():
    r = np.random.default_rng(0)
    for value in [*r.uniform(-1e4, 1e4, 2000).astype(np.float32), *np.arange(-5, 6, 0.5, np.float32), np.float32(-0.0)]:
        assert rounded(value) == (math.floor(value), math.ceil(value))


def test_wrapping_is_that_of_the_queries():
    r = np.random.default_rng(0)
    pi = np.float32(np.pi)
    near = [np.nextafter(a, t) for a in (pi, -pi, 3 * pi) for t in (np.float32(0), np.float32(99), np.float32(-99))]
    for angle in [*r.uniform(-20, 20, 5000).astype(np.float32), *near, pi, -pi, np.float32(0)]:
        mine, theirs = wrapped(angle)
        assert mine == theirs and -pi <= mine < pi
