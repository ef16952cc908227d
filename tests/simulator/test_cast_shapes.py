"""Rays against single shapes: closed forms against triangles, and against equations of the surfaces."""

import math

import numpy as np
import pytest

from simulator.cast_shapes import (
    MISS,
    SHAPE_SIZE,
    hit_box,
    hit_cylinder,
    hit_ellipsoid,
    hit_ground,
    hit_wall,
    set_box,
    set_cylinder,
    set_ellipsoid,
    set_wall,
)

RNG = np.random.default_rng(4)


def rays(n, at, spread):
    """(n, 3) unit vectors about a place."""
    d = np.asarray(at) + RNG.normal(0.0, spread, (n, 3))
    return d / np.linalg.norm(d, axis=1, keepdims=True)


def triangle(d, a, b, c):
    """(distance, cosine) of a ray from the origin and a triangle (Moeller, Trumbore)."""
    e, f = b - a, c - a
    p = np.cross(d, f)
    det = e @ p
    if abs(det) < 1e-12:
        return math.inf, 0.0
    u, q = (-a @ p) / det, np.cross(-a, e)
    v, t = (d @ q) / det, (f @ q) / det
    normal = np.cross(e, f)
    inside = u >= 0.0 and v >= 0.0 and u + v <= 1.0 and t > 0.0
    return (t, abs(d @ normal) / np.linalg.norm(normal)) if inside else (math.inf, 0.0)


def quad(d, a, b, c, e):
    return min(triangle(d, a, b, c), triangle(d, a, c, e))


@pytest.mark.parametrize("yaw", [0.0, 0.7, -2.5])
def test_a_box_is_its_six_sides(yaw):
    x, y, z, length, width, height = 6.0, -2.0, -1.8, 4.5, 1.9, 1.6
    shape = np.zeros(SHAPE_SIZE)
    set_box(shape, x, y, z, yaw, length, width, height)
    c, s = math.cos(yaw), math.sin(yaw)
    corner = {
        (i, j, k): np.array([x + c * i * length / 2 - s * j * width / 2, y + s * i * length / 2 + c * j * width / 2,
                             z + k * height])
        for i in (-1, 1) for j in (-1, 1) for k in (0, 1)
    }  # fmt: skip
    sides = [[(i, -1, 0), (i, 1, 0), (i, 1, 1), (i, -1, 1)] for i in (-1, 1)]
    sides += [[(-1, j, 0), (1, j, 0), (1, j, 1), (-1, j, 1)] for j in (-1, 1)]
    sides += [[(-1, -1, k), (1, -1, k), (1, 1, k), (-1, 1, k)] for k in (0, 1)]
    hits = 0
    for d in rays(400, (x, y, z + 0.8), 1.5):
        expected = min(quad(d, *(corner[n] for n in side)) for side in sides)
        t, cosine = hit_box(shape, *d)
        if math.isinf(expected[0]):
            assert t == MISS
        else:
            hits += 1
            assert (t, cosine) == pytest.approx(expected, rel=1e-9)
    assert 50 < hits < 390
    set_box(shape, 0.1, 0.2, -1.0, yaw, 4.0, 2.0, 2.0)
    assert hit_box(shape, 1.0, 0.0, 0.0)[0] == MISS, "from within"


def test_a_wall_is_two_triangles():
    shape, hits = np.zeros(SHAPE_SIZE), 0
    set_wall(shape, 5.0, -3.0, 8.0, 4.0, -1.0, 2.0)
    a, b = np.array([5.0, -3.0, -1.0]), np.array([8.0, 4.0, -1.0])
    up = np.array([0.0, 0.0, 3.0])
    for d in rays(300, (6.5, 0.5, 0.5), 2.5):
        expected = quad(d, a, b, b + up, a + up)
        t, cosine = hit_wall(shape, *d)
        assert (t, cosine) == (pytest.approx(expected, rel=1e-9) if expected[0] < math.inf else (MISS, 0.0))
        hits += t < MISS
    assert 50 < hits < 290


@pytest.mark.parametrize("what", ["cylinder", "ellipsoid"])
def test_a_round_thing_is_met_where_its_equation_says_first(what):
    shape, hits, x, y, z = np.zeros(SHAPE_SIZE), 0, 7.0, 3.0, 1.0
    if what == "cylinder":
        set_cylinder(shape, x, y, -2.0, 4.0, 1.5)
    else:
        set_ellipsoid(shape, x, y, z, 1.5, 2.5)

    def outside(p):
        if what == "cylinder":
            return np.where((p[:, 2] > -2.0) & (p[:, 2] < 4.0), np.hypot(p[:, 0] - x, p[:, 1] - y) - 1.5, 9.0)
        return ((p[:, 0] - x) ** 2 + (p[:, 1] - y) ** 2) / 1.5**2 + (p[:, 2] - z) ** 2 / 2.5**2 - 1.0

    t = np.linspace(0.0, 25.0, 25_001)
    for d in rays(300, (x, y, z), 1.6):
        met, cosine = (hit_cylinder if what == "cylinder" else hit_ellipsoid)(shape, *d)
        inside = np.flatnonzero(outside(t[:, None] * d) < 0.0)
        if met == MISS:
            if what == "cylinder" and len(inside):  # it came in through an end, which is open
                assert not -2.0 < float((t[inside[0]] * d)[2]) - np.sign(d[2]) * 2e-3 < 4.0
            else:
                assert len(inside) < 30
            continue
        hits += 1
        assert len(inside) == 0 or t[inside[0]] == pytest.approx(met, abs=2e-3)
        assert abs(outside(met * d[None])[0]) < 1e-9 and 0.0 <= cosine <= 1.0
        step = 1e-6
        normal = np.array([outside((met * d + step * e)[None])[0] for e in np.eye(3)]) / step
        assert cosine == pytest.approx(abs(normal @ d) / np.linalg.norm(normal), abs=1e-4)
    assert 50 < hits < 290


def test_the_ground_lies_below():
    assert hit_ground(2.0, 0.0, 0.0, math.cos(-0.1), 0.0, math.sin(-0.1)) == pytest.approx(
        (2.0 / math.sin(0.1), math.sin(0.1))
    )
    assert hit_ground(2.0, 0.0, 0.0, 1.0, 0.0, 0.0)[0] == MISS
    rising = hit_ground(2.0, 0.1, 0.0, 1.0, 0.0, 0.0)
    assert rising[0] == pytest.approx(20.0) and rising[1] == pytest.approx(math.sin(math.atan(0.1)))
