"""Boxes against shapely, and the sweep against brute force."""

import math

import numpy as np
import pytest
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry import box as rectangle

from world.boxes import (
    box_distance,
    boxes_overlap,
    circle_hits_box,
    point_in_polygon,
    polygon_hits_box,
    segment_hits_box,
    segment_hits_polygon,
    swept_contact,
)
from world.roadmap import CORNER_ROW


def shape(x, y, yaw, length, width):
    at_origin = rectangle(-length / 2, -width / 2, length / 2, width / 2)
    return affinity.translate(affinity.rotate(at_origin, yaw, origin=(0, 0), use_radians=True), x, y)


def random_boxes(seed, n, spread=5.0):
    r = np.random.default_rng(seed)
    return [
        (*r.uniform(-spread, spread, 2), r.uniform(-np.pi, np.pi), r.uniform(0.3, 9), r.uniform(0.3, 3))
        for _ in range(n)
    ]


def test_overlap_and_distance_agree_with_shapely():
    seen = set()
    for a, b in zip(random_boxes(1, 400), random_boxes(2, 400), strict=True):
        want = shape(*a).distance(shape(*b))
        assert boxes_overlap(*a, *b) == (want == 0.0)
        assert box_distance(*a, *b) == pytest.approx(want, abs=1e-6)
        assert box_distance(*b, *a) == pytest.approx(want, abs=1e-6)
        seen.add(want == 0.0)
    assert seen == {True, False}


def test_touching_boxes_overlap():
    assert boxes_overlap(0.0, 0.0, 0.0, 4.0, 2.0, 4.0, 0.0, 0.0, 4.0, 2.0)
    assert not boxes_overlap(0.0, 0.0, 0.0, 4.0, 2.0, 4.001, 0.0, 0.0, 4.0, 2.0)


def test_segments_circles_and_polygons_agree_with_shapely():
    r = np.random.default_rng(3)
    for box in random_boxes(4, 300):
        ax, ay, bx, by = r.uniform(-6, 6, 4)
        assert segment_hits_box(ax, ay, bx, by, *box) == LineString([(ax, ay), (bx, by)]).intersects(shape(*box))
        radius = r.uniform(0.1, 2)
        assert circle_hits_box(ax, ay, radius, *box) == (shape(*box).distance(Point(ax, ay)) <= radius)
        n = int(r.integers(3, 8))
        angle = np.sort(r.uniform(0, 2 * np.pi, n))
        if np.diff(np.append(angle, angle[0] + 2 * np.pi)).max() > 3.0:
            continue  # the centre must lie inside, or the outline crosses itself
        ring = np.stack([np.cos(angle), np.sin(angle)], 1) * r.uniform(0.5, 5, (n, 1)) + r.uniform(-3, 3, 2)
        corners = np.zeros(n, CORNER_ROW)
        corners["x"], corners["y"] = ring[:, 0], ring[:, 1]
        outline = Polygon(np.stack([corners["x"], corners["y"]], 1).astype(float))
        assert point_in_polygon(corners, 0, n, ax, ay) == outline.contains(Point(ax, ay))
        assert polygon_hits_box(corners, 0, n, *box) == outline.intersects(shape(*box))
        line = LineString([(ax, ay), (bx, by)])
        assert segment_hits_polygon(corners, 0, n, ax, ay, bx, by) == outline.intersects(line)


def poses(box0, box1, t):
    turn = (box1[2] - box0[2] + math.pi) % (2 * math.pi) - math.pi
    x, y = (box0[i] + t * (box1[i] - box0[i]) for i in (0, 1))
    return x, y, box0[2] + t * turn, *box0[3:]


def test_sweep_agrees_with_brute_force():
    r = np.random.default_rng(5)
    hits = 0
    for a, b in zip(random_boxes(6, 300), random_boxes(7, 300), strict=True):
        a1 = (a[0] + r.uniform(-4, 4), a[1] + r.uniform(-4, 4), a[2] + r.uniform(-0.5, 0.5), *a[3:])
        b1 = (b[0] + r.uniform(-4, 4), b[1] + r.uniform(-4, 4), b[2] + r.uniform(-0.5, 0.5), *b[3:])
        times = np.linspace(0, 1, 201)
        gaps = np.array([box_distance(*poses(a, a1, t), *poses(b, b1, t)) for t in times])
        hit, t = swept_contact(*a[:3], *a1[:3], *a[3:], *b[:3], *b1[:3], *b[3:])
        if gaps.min() == 0.0:
            first = times[np.argmax(gaps == 0.0)]
            deep = np.count_nonzero(gaps == 0.0) > 8  # a graze of some centimetres may be missed, nothing else
            assert hit or not deep
            if hit and deep:
                assert abs(t - first) < 0.03
                hits += 1
        else:
            assert not hit or gaps.min() < 0.05
    assert hits > 50


@pytest.mark.parametrize("dt", [0.05, 0.1, 0.5])
def test_a_car_at_40_m_per_s_does_not_tunnel_through_a_walker(dt):
    step = 40 * dt
    for at in np.linspace(0.0, step, 37):
        x0 = -3.0
        args = (x0, 0.0, 0.0, x0 + step, 0.0, 0.0, 4.5, 1.9, x0 + at, 0.8, 0.3, x0 + at, 0.8, 0.3, 0.5, 0.5)
        hit, t = swept_contact(*args)
        assert hit
        want = max(0.0, (at - 2.25 - 0.3)) / step  # front bumper to the walker's near side, about
        assert t == pytest.approx(want, abs=0.15 / step + 1 / 64)


def test_two_cars_that_swap_places_in_one_step_touch():
    assert swept_contact(0.0, 0.0, 0.0, 20.0, 0.0, 0.0, 4.0, 2.0, 20.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 2.0)[0]
    assert not swept_contact(0.0, 0.0, 0.0, 20.0, 0.0, 0.0, 4.0, 2.0, 20.0, 2.2, 0.0, 0.0, 2.2, 0.0, 4.0, 2.0)[0]
