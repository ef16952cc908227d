"""Reference path: closed forms, mirror symmetry, shifts and projections."""

import math

import numpy as np
import pytest

from planning.path import (
    PATH_POINTS,
    curvature_at,
    make_path,
    path_one,
    point_at,
    project,
    project_near,
    shift_path,
    smooth_ramp,
    yaw_at,
)
from planning.view import ROUTE_ROW


def circle_route(radius, points=50, step=2.0, limit=10.0):
    """Route along a circle to the left (right for a negative radius), tangent to x at the origin."""
    route = np.zeros(50, ROUTE_ROW)
    a = np.arange(points) * step / radius
    route["x"][:points], route["y"][:points] = radius * np.sin(a), radius * (1 - np.cos(a))
    route["half_width"], route["limit"] = 1.75, limit
    route["valid"][:points] = True
    return route


@pytest.mark.parametrize("radius", [6.0, 25.0, -8.0, 400.0])
def test_circle_is_rebuilt_between_its_points(radius):
    path = make_path()
    assert path_one(circle_route(radius), path) == 98.0
    centre = np.hypot(path["x"][:98], path["y"][:98] - radius)
    assert centre == pytest.approx(abs(radius), abs=4e-3)
    assert path["curvature"][:96] == pytest.approx(1 / radius, rel=0.02)
    turned = np.abs(path["yaw"][:98] - np.arange(98) / radius)
    assert turned.max() < 0.02


def test_short_route_goes_straight_on_beyond_its_end():
    path = make_path()
    assert path_one(circle_route(1e9, points=6), path) == 10.0
    assert path["x"] == pytest.approx(np.arange(PATH_POINTS), abs=1e-6)


def test_route_of_one_or_no_point_is_still_a_path():
    for points in (0, 1):
        path = make_path()
        assert path_one(circle_route(50.0, points=points), path) == 0.0
        assert np.isfinite(path["yaw"]).all()


@pytest.mark.parametrize("s, d", [(0.3, 0.5), (12.4, -1.5), (50.0, 3.0), (80.7, 0.0)])
@pytest.mark.parametrize("radius", [20.0, -15.0, 1e7])
def test_projection_inverts_a_point_beside_the_path(s, d, radius):
    path = make_path()
    path_one(circle_route(radius, points=30), path)
    if s > 56:
        return
    x, y, yaw = point_at(path, s)
    x, y = x - d * math.sin(yaw), y + d * math.cos(yaw)
    for found in (project(path, x, y), project_near(path, x, y, s + 3)):
        assert found == pytest.approx((s, d), abs=0.03)


def test_shift_moves_the_path_sideways_and_back():
    path = make_path()
    path_one(circle_route(1e9), path)
    shift_path(path, 20.0, 10.0, 50.0, 3.0)
    assert path["y"][20:51] == pytest.approx(3.0, abs=1e-5)
    assert path["y"][:11] == pytest.approx(0.0, abs=1e-5)
    assert path["y"][60:] == pytest.approx(0.0, abs=1e-5)
    assert path["y"][15] == pytest.approx(1.5, abs=1e-5)
    assert curvature_at(path, 13.0) > 0 > curvature_at(path, 17.0)
    assert yaw_at(path, 35.0) == pytest.approx(0.0, abs=1e-6)


def test_ramp_is_flat_at_both_ends():
    u = np.linspace(-0.5, 1.5, 401)
    r = np.array([smooth_ramp(x) for x in u])
    assert r.min() == 0 and r.max() == 1
    assert smooth_ramp(0.5) == pytest.approx(0.5)
    assert np.diff(r).min() >= 0
    assert smooth_ramp(0.01) < 1.1e-5
