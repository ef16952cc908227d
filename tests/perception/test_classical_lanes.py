"""The lane finder on roads drawn through the very camera: lines, offsets, headings and bends come back."""

import math
import time

import cv2
import numpy as np
import pytest

from perception.classical_lanes import FinderRules, LaneFinder, birdseye
from perception.lane_marks import WarpShape, apply_warp, make_warp
from perception.vanishing import CameraGuess, camera_at, guess_camera
from tests.perception.road_picture import road_picture
from world.camera import WIDE, CameraSpec

SPEC = CameraSpec("front", 640, 320, fov=math.radians(70.0), x=0.5, z=1.5, pitch=math.radians(-3.0))


def found(spec: CameraSpec, lines, **kwargs):
    return LaneFinder(camera=spec)(road_picture(spec, lines, **kwargs))


@pytest.mark.parametrize("bend", [0.0, 0.003, -0.004])
@pytest.mark.parametrize("heading", [0.0, 0.03])
def test_lines_come_back_in_metres(bend, heading):
    true = [(5.3, heading, bend), (1.8, heading, bend), (-1.7, heading, bend), (-5.2, heading, bend)]
    lines = found(SPEC, true, dashed=(0,))
    assert [line.slot for line in lines] == [0, 1, 2, 3]
    for line, (a, b, c) in zip(lines, true, strict=True):
        assert line.offset == pytest.approx(a, abs=0.12 if line.slot in (1, 2) else 0.2)
        assert line.heading == pytest.approx(math.atan(b), abs=0.02)
        assert line.curvature == pytest.approx(c, abs=0.0012)
        assert line.confidence > 0.4


def test_polylines_lie_on_the_paint():
    true = [(1.8, 0.02, 0.002), (-1.7, 0.02, 0.002)]
    for line, (a, b, c) in zip(found(SPEC, true), true, strict=True):
        xy, falls = SPEC.ground(line.px)
        assert falls.all() and (np.diff(line.px[:, 1]) < 0.0).all()  # near to far
        near = xy[:, 0] < 25.0
        off = xy[near, 1] - (a + b * xy[near, 0] + 0.5 * c * xy[near, 0] ** 2)
        assert np.abs(off).max() < 0.15
        assert line.px[0, 1] > 0.9 * SPEC.height or not 5.0 < line.px[0, 0] < SPEC.width - 5.0


def test_the_shipped_wide_camera_works():
    lines = found(WIDE, [(1.75, 0.0, 0.0), (-1.75, 0.0, 0.0)])
    assert [line.slot for line in lines] == [1, 2]
    assert lines[0].offset == pytest.approx(1.75, abs=0.12) and lines[1].offset == pytest.approx(-1.75, abs=0.12)


def test_mirrored_pictures_give_mirrored_lines():
    picture = road_picture(SPEC, [(2.3, 0.02, 0.001), (-1.2, 0.02, 0.001)])
    finder = LaneFinder(camera=SPEC)
    lines, mirrored = finder(picture), finder(np.ascontiguousarray(picture[:, ::-1]))
    assert len(lines) == len(mirrored) == 2
    for one, other in zip(lines, mirrored[::-1], strict=True):
        assert one.offset == pytest.approx(-other.offset, abs=0.04)
        assert one.heading == pytest.approx(-other.heading, abs=0.006)
        assert one.slot == 3 - other.slot


def test_a_third_of_the_light_changes_nothing():
    picture = road_picture(SPEC, [(1.8, 0.0, 0.0), (-1.7, 0.0, 0.0)], noise=1.0)
    shaded = picture.astype(float)
    shaded[:, 200:380] *= 0.35
    lines = LaneFinder(camera=SPEC)(shaded.astype(np.uint8))
    assert [line.slot for line in lines] == [1, 2]
    assert lines[0].offset == pytest.approx(1.8, abs=0.12)


def test_nothing_is_found_where_nothing_is():
    assert found(SPEC, []) == []
    assert LaneFinder(camera=SPEC)(np.full((320, 640, 3), 90, np.uint8)) == []
    assert LaneFinder()(np.full((320, 640), 90, np.uint8)) == []  # grey pictures are taken, too


def test_rails_beyond_a_verge_are_no_lines():
    true = [(5.3, 0.0, 0.0), (1.8, 0.0, 0.0), (-1.7, 0.0, 0.0)]
    assert [line.slot for line in found(SPEC, true, verge=9.0)] == [0, 1, 2]
    assert [line.slot for line in found(SPEC, true, verge=2.2)] == [1, 2]


def test_unknown_camera_is_found_by_where_lines_meet():
    true = [(5.3, 0.0, 0.0), (1.8, 0.0, 0.0), (-1.7, 0.0, 0.0), (-5.2, 0.0, 0.0)]
    for point in ((300.0, 150.0), (360.0, 130.0)):
        spec = camera_at(640, 320, np.array(point), CameraGuess())
        picture = road_picture(spec, true)
        guessed, score = guess_camera(picture)
        at = guessed.project(np.array([1e6, 0.0, 0.0]))[0]
        assert score > 0.2 and np.abs(at - point).max() < 6.0
        lines = LaneFinder()(picture)
        assert [line.slot for line in lines] == [0, 1, 2, 3]
        for line, (a, _, _) in zip(lines, true, strict=True):
            assert line.offset == pytest.approx(a, rel=0.05, abs=0.1)  # the height is as assumed


def test_camera_at_looks_where_it_should():
    for point in ((10.0, 20.0), (320.0, 160.0), (500.0, 250.0)):
        spec = camera_at(640, 320, np.array(point), CameraGuess(fov=1.2, height=1.3))
        np.testing.assert_allclose(spec.project(np.array([1e7, 0.0, 0.0]))[0], point, atol=1e-3)


def test_warp_shows_the_ground_where_it_is():
    spec = CameraSpec("lens", 640, 320, fov=1.2, x=1.0, z=1.4, pitch=-0.05, yaw=0.03, distortion=(-0.2, 0.03, 0, 0, 0))
    warp = make_warp(spec, WarpShape())
    px = np.stack([warp.map_x, warp.map_y], axis=-1)[warp.inside]
    xy, falls = spec.ground(px)
    grid = np.stack(np.broadcast_arrays(warp.x[:, None] + spec.x, warp.y[None]), axis=-1)[warp.inside]
    assert falls.all()
    np.testing.assert_allclose(xy, grid, rtol=2e-3, atol=2e-3)
    ramp = np.broadcast_to(np.arange(640, dtype=np.uint8)[None, :, None] // 4, (320, 640, 3))
    seen = apply_warp(np.ascontiguousarray(ramp), warp)[..., 0][warp.inside].astype(float)
    assert np.abs(seen - (warp.map_x[warp.inside] % 256) // 4).max() <= 64  # a ramp that wraps


def test_birdseye_is_to_scale():
    picture = road_picture(SPEC, [(1.8, 0.0, 0.0), (-1.7, 0.0, 0.0)], noise=0.0)
    above = birdseye(picture, SPEC, (30.0, 6.0), 10.0)[:250, :, 1]
    columns = [int(np.argmax(above[:, :60].mean(axis=0))), 60 + int(np.argmax(above[:, 60:].mean(axis=0)))]
    assert columns == pytest.approx([42, 77], abs=1)  # 6 - 1.8 and 6 + 1.7 m at 10 px/m


def test_smoothing_steadies_and_forgets():
    swaying = [0.08 * (-1) ** k for k in range(6)]  # [m]
    pictures = [road_picture(SPEC, [(1.8 + d, 0.0, 0.0), (-1.7 + d, 0.0, 0.0)]) for d in swaying]
    plain, smooth = LaneFinder(camera=SPEC), LaneFinder(camera=SPEC, rules=FinderRules(memory=0.7))
    told = [[f(p)[0].offset for p in pictures] for f in (plain, smooth)]
    expected = told[0][:1]
    for offset in told[0][1:]:
        expected.append(0.7 * expected[-1] + 0.3 * offset)
    np.testing.assert_allclose(told[1], expected, atol=1e-9)
    assert np.ptp(told[1][3:]) < 0.5 * np.ptp(told[0][3:])
    smooth.reset()
    assert smooth(pictures[0])[0].offset == pytest.approx(plain(pictures[0])[0].offset, abs=1e-12)


def test_same_picture_same_answer():
    picture = road_picture(SPEC, [(1.8, 0.0, 0.0), (-1.7, 0.0, 0.0)])
    one, other = LaneFinder()(picture), LaneFinder()(picture)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.px, b.px)


def test_speed():
    picture = road_picture(WIDE, [(1.75, 0.0, 0.0), (-1.75, 0.0, 0.0)])
    finder = LaneFinder(camera=WIDE)
    finder(picture)
    start = time.thread_time()
    for _ in range(5):
        finder(picture)
    assert (time.thread_time() - start) / 5 < 0.06  # 10 ms is usual


def test_pictures_of_anything_are_survived():
    rng = np.random.default_rng(0)
    finder = LaneFinder(rules=FinderRules(memory=0.5))
    for k in range(60):
        height, width = (int(2 ** rng.uniform(3, 9)) for _ in range(2))
        size = [(height, width, 3), (1, 1, 3), (6, 6, 3), (40, 40, 3)][k % 4]
        picture = cv2.resize(rng.integers(0, 256, size, np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        for line in finder(picture):
            assert np.isfinite(line.px).all() and np.isfinite(line.sigma_px).all() and 0.0 <= line.confidence <= 1.0


def test_bad_pictures_and_cameras_are_named():
    with pytest.raises(ValueError, match="camera front takes 640x320"):
        LaneFinder(camera=SPEC)(np.zeros((100, 640, 3), np.uint8))
    with pytest.raises(ValueError, match="float64"):
        LaneFinder()(np.zeros((100, 640, 3)))
    up = CameraSpec("sky", 640, 320, pitch=1.0)
    with pytest.raises(ValueError, match="camera sky: the bottom of its picture shows no road"):
        LaneFinder(camera=up)(np.zeros((320, 640, 3), np.uint8))
