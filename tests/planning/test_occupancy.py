"""The space-time table against shapely, and its widening in time."""

import math

import numpy as np
import pytest
from shapely.affinity import rotate, translate
from shapely.geometry import LineString, Polygon, box

from planning.config import STEP_DT, STEPS
from planning.occupancy import add_entry, make_occupancy, widen_entry
from planning.path import make_path, path_one
from tests.planning.test_path import circle_route

REACH = 1.3


def put(occ, poses):
    for j in range(STEPS):
        occ.pose["x"][j], occ.pose["y"][j], occ.pose["yaw"][j] = poses(j * STEP_DT)


@pytest.mark.parametrize("radius", [1e9, 30.0, -12.0])
@pytest.mark.parametrize("seed", range(12))
def test_boxes_cover_the_corridor_as_shapely_says(radius, seed):
    rng = np.random.default_rng(seed)
    path, occ = make_path(), make_occupancy()
    path_one(circle_route(radius, points=20 if abs(radius) < 20 else 40), path)
    reach = 30 if abs(radius) < 20 else 70
    x0, y0 = rng.uniform(5, 25), rng.uniform(-15, 15)
    v, h = rng.uniform(0, 9), rng.uniform(-math.pi, math.pi)
    length, width = (4.5, 1.9) if seed % 2 else (10.0, 2.5)
    put(occ, lambda t: (x0 + v * t * math.cos(h), y0 + v * t * math.sin(h), h))
    add_entry(occ, path, length, width, REACH, 7, False, False, STEP_DT)
    line = LineString(np.stack((path["x"], path["y"]), 1)[: reach + 8])
    corridor = line.buffer(REACH, cap_style="flat")
    for j in range(STEPS):
        body = box(-length / 2, -width / 2, length / 2, width / 2)
        body = translate(rotate(body, h, (0, 0), use_radians=True), occ.pose["x"][j], occ.pose["y"][j])
        part = body.intersection(corridor)
        mine = bool(occ.count[0]) and bool(occ.cell["inside"][0, j])
        if part.is_empty or part.area < 0.05:
            if part.is_empty and body.distance(corridor) > 0.1:
                assert not mine or occ.cell["low"][0, j] > reach or occ.cell["high"][0, j] < 1.0
            continue
        polygons = [part] if isinstance(part, Polygon) else list(part.geoms)
        s = [line.project(_point(c)) for p in polygons for c in p.exterior.coords]
        if max(s) > reach or min(s) < 0.5:
            continue
        assert mine
        assert occ.cell["low"][0, j] <= min(s) + 1.0, "sides are sampled a metre apart"
        assert occ.cell["high"][0, j] >= max(s) - 1.0


def _point(c):
    from shapely.geometry import Point

    return Point(c[0], c[1])


def test_crossing_car_is_inside_when_its_box_is():
    path, occ = make_path(), make_occupancy()
    path_one(circle_route(1e9), path)
    put(occ, lambda t: (30.0, -20.0 + 8.0 * t, math.pi / 2))
    assert add_entry(occ, path, 4.5, 1.9, REACH, 3, True, False, STEP_DT)
    inside = np.flatnonzero(occ.cell["inside"][0]) * STEP_DT
    assert inside[0] == pytest.approx((20 - 1.3 - 2.25) / 8, abs=STEP_DT)
    assert inside[-1] == pytest.approx((20 + 1.3 + 2.25) / 8, abs=STEP_DT)
    assert not occ.entry["same_way"][0]
    assert occ.cell["low"][0, 12] == pytest.approx(30 - 0.95, abs=0.1)


def test_car_in_the_next_lane_is_never_inside():
    path, occ = make_path(), make_occupancy()
    path_one(circle_route(1e9), path)
    put(occ, lambda t: (60.0 - 10 * t, 3.5, math.pi))
    assert not add_entry(occ, path, 4.5, 1.9, REACH, 0, False, False, STEP_DT)
    assert occ.count[0] == 0


def test_widening_starts_earlier_and_ends_later():
    path, occ = make_path(), make_occupancy()
    path_one(circle_route(1e9), path)
    put(occ, lambda t: (30.0, -20.0 + 8.0 * t, math.pi / 2))
    add_entry(occ, path, 4.5, 1.9, REACH, 3, True, False, STEP_DT)
    before = np.flatnonzero(occ.cell["inside"][0])
    widen_entry(occ, 0, 5, 3)
    after = np.flatnonzero(occ.cell["inside"][0])
    assert after[0] == before[0] - 5 and after[-1] == before[-1] + 3
    assert occ.entry["first"][0] == before[0] - 5
