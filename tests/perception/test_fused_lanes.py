"""Paint and a network's boundaries fused: each part against roads whose lines are known."""

import math

import numpy as np
import pytest

from perception import layout
from perception.any_picture import AnyPicture, fit_picture
from perception.evaluate_lanes import evaluate_culane
from perception.fused_lanes import FusedFinder, inner_lines
from perception.infer import Answer
from perception.lane_bundle import BundleRule, fit_bundle, own_line
from perception.lane_evidence import Evidence, Trust, believed, gather, on_rows
from perception.lane_fit import FitRule, FittedLine, RoadDirection
from perception.lane_marks import MarkRule, WarpShape, make_warp
from perception.lane_view import closer_view, whole_view
from perception.road_point import meeting_point
from perception.vanishing import CameraGuess
from tests.data import shared_data
from tests.perception.road_picture import road_picture
from tests.perception.test_any_picture import column, told
from world.camera import CameraSpec
from world.camera_labels import LINE_SLOTS

H, W = layout.INPUT_HEIGHT // layout.STRIDE, layout.INPUT_WIDTH // layout.STRIDE
SPEC = CameraSpec("road", 960, 480, fov=math.radians(80.0), x=0.0, z=1.4)
ROAD = [(5.2, 0.0, 0.0), (1.7, 0.0, 0.0), (-1.8, 0.0, 0.0)]


def blind(pictures: np.ndarray) -> Answer:
    """A network that sees no line anywhere, and road everywhere."""
    n = len(pictures)
    seg = np.zeros((n, layout.SEG_CLASSES, H, W), np.float32)
    seg[:, layout.ROAD] = 9.0
    line = np.full((n, LINE_SLOTS + layout.LINE_TRAITS, H, W), -9.0, np.float32)
    none = np.full((n, LINE_SLOTS, H), 9.0, np.float32)
    return Answer(seg, line, none, np.full((n, layout.DETECTION_CHANNELS, H, W), -9.0, np.float32))


def vague(pictures: np.ndarray) -> Answer:
    """The line of `told`, spread over fifteen cells."""
    answer = told(pictures)
    for row in range(H):
        away = np.abs(np.arange(W) - column(row))
        answer.line[:, 1, row] = np.where(away < 7.5, 12.0, -9.0)
    return answer


def test_a_part_of_a_picture_is_cut_around_the_vanishing_point():
    spec = CameraSpec("road", 1640, 590, fov=math.radians(80.0), x=0.0, z=1.4, pitch=math.radians(1.0))
    ramp = np.stack(np.broadcast_arrays(np.arange(1640.0)[None] / 8.0, np.arange(590.0)[:, None] / 4.0, 0.0), axis=-1)
    fitted = fit_picture(ramp.astype(np.uint8), spec, 0.5)
    assert fitted.scale == pytest.approx(820 / 320) and fitted.left == pytest.approx(410.0, abs=1.0)
    px = np.array([(0.0, 0.0), (100.0, 50.0), (319.0, 159.0)])
    np.testing.assert_allclose(fitted.forth(fitted.back(px)), px, atol=1e-9)
    at = fitted.back(np.array([100.0, 50.0]))
    np.testing.assert_allclose(fitted.picture[50, 100, :2], (at[0] / 8.0, at[1] / 4.0), atol=1.5)
    far = np.array([1e6, 0.0, 0.0])
    np.testing.assert_allclose(fitted.spec.project(far)[0], fitted.forth(spec.project(far)[0]), atol=0.01)


def test_lines_meet_where_they_aim_at():
    point = np.array([700.0, 260.0])
    y = np.arange(300.0, 560.0, 20.0)
    lines = [np.stack([point[0] + s * (y - point[1]), y], axis=1) for s in (-1.2, 0.3, 1.5)]
    lines[1][-4:, 0] += 150.0  # rows that the bonnet bent
    px, slot = np.concatenate(lines), np.repeat([0, 1, 3], len(y))
    found = meeting_point(slot, px, np.ones(len(px)), 1640, 590, CameraGuess())
    assert found is not None
    np.testing.assert_allclose(found, point, atol=6.0)
    assert meeting_point(slot[:5], px[:5], np.ones(5), 1640, 590, CameraGuess()) is None  # one line aims at nothing


def points_of(lines: list[tuple[np.ndarray, float]], b: float, c: float, fan: float) -> Evidence:
    """Paint of lines (x [m], a [m])."""
    x = np.concatenate([x for x, _ in lines])
    a = np.concatenate([np.full(len(x), a) for x, a in lines])
    y = a * (1.0 + fan * x) + b * x + 0.5 * c * x**2
    row = np.arange(len(x))
    return Evidence(row, x, y, np.ones(len(x)), np.ones((1, 1), np.bool_), 0, np.ones(len(x)))


def test_lines_of_one_road_help_each_other():
    """A single dash lies on the line that the solid lines beside it tell of, far beyond its own length."""
    x = np.linspace(5.0, 40.0, 100)
    points = points_of([(x, 1.7), (x, -5.3), (np.linspace(14.0, 17.0, 12), -1.8)], 0.02, 4e-4, 0.003)
    start = RoadDirection(0.018, 0.0, 0.001, np.zeros(1))
    road, a = fit_bundle(points, [1.6, -5.2, -1.85], start, 40.0, FitRule(), BundleRule())
    assert (road.b, road.c, road.fan) == pytest.approx((0.02, 4e-4, 0.003), abs=4e-4)
    np.testing.assert_allclose(a, (1.7, -5.3, -1.8), atol=0.05)
    line = own_line(points, float(a[2]), road, 12, 40.0, FitRule(), BundleRule())
    far = np.array(40.0)
    assert float(line.y(far)) == pytest.approx(-1.8 * (1.0 + 0.003 * 40.0) + 0.8 + 0.5 * 4e-4 * 1600.0, abs=0.15)
    assert line.support == pytest.approx(1.0)


def test_of_a_double_line_the_inner_one():
    def line(a: float, support: float) -> FittedLine:
        return FittedLine(np.array([a, 0.0, 0.0]), np.eye(3), support, 0.05)

    found = [line(2.4, 0.6), line(1.7, 0.4), line(-1.8, 0.5), line(-1.1, 0.1), line(5.2, 0.3)]
    kept = inner_lines(found, 10.0, FitRule())
    assert sorted(float(k.coefficients[0]) for k in kept) == [-1.8, 1.7, 5.2]  # a faint inner one is dirt


def test_rows_of_a_view_lie_on_its_line():
    seen = AnyPicture(told, SPEC)(road_picture(SPEC, ROAD))
    view, warp = whole_view(seen), make_warp(SPEC, WarpShape())
    row, y, score = on_rows(view, SPEC, warp)
    assert len(row) > 40 and (score > 0.9).all()
    px, _ = SPEC.project(np.stack([warp.x[row], y, np.zeros(len(row))], axis=-1))
    cell = (view.fitted.forth(px) - 1.5) / layout.STRIDE
    np.testing.assert_allclose(cell[:, 0], [column(r) for r in cell[:, 1]], atol=0.05)
    assert (view.believed(px)[0] > 0.4).all() and view.believed(px + (80.0, 0.0))[0].max() < 0.01
    assert believed([view, closer_view(told, road_picture(SPEC, ROAD), SPEC)], px).max() <= 1.0
    assert len(view.believed(np.zeros((0, 2)))[0]) == 0


def test_paint_counts_less_where_the_network_sees_nothing():
    picture, warp = road_picture(SPEC, ROAD), make_warp(SPEC, WarpShape())
    views = [whole_view(AnyPicture(blind, SPEC)(picture))]
    full = gather(picture, SPEC, warp, [], MarkRule(), Trust(floor=1.0))
    less = gather(picture, SPEC, warp, views, MarkRule(), Trust(floor=0.2))
    np.testing.assert_allclose(less.weight, 0.2 * full.weight)


def test_paint_alone_gives_lines():
    """A network that fails altogether leaves what the paint tells."""
    found = FusedFinder(AnyPicture(blind, SPEC))(road_picture(SPEC, ROAD, dashed=(1,)))
    assert [line.slot for line in found] == [0, 1, 2]
    for line, (a, _, _) in zip(found, ROAD, strict=True):
        xy, falls = SPEC.ground(line.px)
        near = falls & (xy[:, 0] < 15.0)
        np.testing.assert_allclose(xy[near, 1], a, atol=0.12)
        assert 0.0 < line.score <= 1.0 and (line.sigma_px > 0.0).all()


def test_a_sharp_network_stands_and_a_vague_one_gives_way_to_paint():
    picture = road_picture(SPEC, ROAD)
    sharp = FusedFinder(AnyPicture(told, SPEC))(picture)
    assert [line.slot for line in sharp] == [1]
    assert len(FusedFinder(AnyPicture(vague, SPEC))(picture)) == 3


def test_no_lines_without_any_evidence():
    grey = np.full((480, 960, 3), 100, np.uint8)
    assert FusedFinder(AnyPicture(blind))(grey) == []
    assert FusedFinder(AnyPicture(blind))(np.full((30, 300, 3), 100, np.uint8)) == []


def test_the_learned_finder_is_above_the_classical_one_on_culane():
    root = shared_data("lanes/culane_driver23")
    learned, classical = evaluate_culane(root), evaluate_culane(root, "classical")
    assert learned["ci"][0] > classical["f1"] and learned["f1"] > 0.7
