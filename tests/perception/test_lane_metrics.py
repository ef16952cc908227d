"""Scores of lane lines against hand-computed cases, a plain drawing loop, brute force and scipy's splines."""

import itertools

import cv2
import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from perception.lane_metrics import (
    LaneScore,
    at_rows,
    bootstrap,
    draw_lane,
    iou_table,
    lane_f1,
    pooled_f1,
    spline,
    tusimple_score,
)

W, H = 1640, 590


def upright(x: float, top: float = 100.0, bottom: float = 580.0) -> np.ndarray:
    return np.array([(x, bottom), (x, 0.5 * (top + bottom)), (x, top)])


def bent(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y = np.linspace(580.0, 300.0, 20)
    return np.stack([rng.uniform(300, 1300) + np.cumsum(rng.normal(0.0, 12.0, 20)), y], axis=1)


def test_spline_is_the_natural_one_over_the_chord_length():
    for seed in range(4):
        p = bent(seed)
        t = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
        own = spline(p)
        assert len(own) == 19 * 50 + 1
        at = np.concatenate([t[:-1, None] + np.arange(50) / 50 * np.diff(t)[:, None]], axis=1).ravel()
        np.testing.assert_allclose(own[:-1], CubicSpline(t, p, bc_type="natural")(at), atol=1e-8)
        np.testing.assert_array_equal(own[-1], p[-1])


def test_lanes_are_drawn_as_segment_by_segment():
    p = bent(7)
    slow = np.zeros((H, W), np.uint8)
    dense = spline(p)
    for a, b in itertools.pairwise(dense):
        cv2.line(slow, [round(v) for v in a], [round(v) for v in b], 1, 30)
    np.testing.assert_array_equal(draw_lane(p, W, H, 30), slow.astype(bool))


def test_parallel_lines_overlap_by_hand():
    # Two bands w wide whose middles are d apart share (w - d) / (w + d), but for their round ends
    a = draw_lane(upright(500), W, H, 30)
    wide = int(a[300].sum())
    for d in (0, 5, 10, 15, 29, 40):
        b = draw_lane(upright(500 + d), W, H, 30)
        expected = max(wide - d, 0) / (wide + d)
        assert iou_table([a], [b])[0, 0] == pytest.approx(expected, abs=0.012)


def test_counts_by_hand():
    lines = [upright(300), upright(700), upright(1100)]
    assert lane_f1(lines, lines, W, H) == LaneScore(3, 0, 0)
    assert lane_f1([lines[1] + (5.0, 0.0), upright(1500)], lines, W, H) == LaneScore(1, 1, 2)
    assert lane_f1([], lines, W, H) == LaneScore(0, 0, 3)
    assert lane_f1(lines, [], W, H) == LaneScore(0, 3, 0)
    assert lane_f1([lines[0], lines[0] + (1.0, 0.0)], [lines[0]], W, H) == LaneScore(1, 1, 0)  # each label once
    score = LaneScore(3, 1, 2)
    assert (score.precision, score.recall, score.f1) == (0.75, 0.6, pytest.approx(2 / 3))
    assert LaneScore(0, 0, 0).f1 == 1.0 and LaneScore(0, 1, 0).f1 == 0.0


def test_threshold_is_the_overlap():
    far_enough = [(8, True), (12, False)]  # (31 - 8) / (31 + 8) = 0.59, (31 - 12) / (31 + 12) = 0.44
    for d, found in far_enough:
        assert lane_f1([upright(500 + d)], [upright(500)], W, H).tp == found
    assert lane_f1([upright(512)], [upright(500)], W, H, iou=0.4).tp == 1


def test_matching_is_the_best_of_all(monkeypatch):
    rng = np.random.default_rng(3)
    for _ in range(20):
        n, m = rng.integers(1, 5, 2)
        found = [upright(600 + rng.uniform(0, 60)) for _ in range(n)]
        real = [upright(600 + rng.uniform(0, 60)) for _ in range(m)]
        table = iou_table([draw_lane(p, W, H, 30) for p in found], [draw_lane(p, W, H, 30) for p in real])
        small = table if n <= m else table.T
        best = max(
            itertools.permutations(range(small.shape[1]), small.shape[0]),
            key=lambda pick: sum(small[i, j] for i, j in enumerate(pick)),
        )
        tp = sum(small[i, j] > 0.5 for i, j in enumerate(best))
        assert lane_f1(found, real, W, H) == LaneScore(tp, n - tp, m - tp)


def test_scores_are_symmetric_and_independent_of_size():
    found, real = [bent(1), bent(2)], [bent(1) + (6.0, 0.0), bent(9)]
    score, swapped = lane_f1(found, real, W, H), lane_f1(real, found, W, H)
    assert score == LaneScore(swapped.tp, swapped.fn, swapped.fp)
    mirrored = [np.array((W - 1.0, 0.0)) + p * (-1.0, 1.0) for p in found]
    mirrored_real = [np.array((W - 1.0, 0.0)) + p * (-1.0, 1.0) for p in real]
    assert lane_f1(mirrored, mirrored_real, W, H) == score
    half = lane_f1([p / 2 for p in found], [p / 2 for p in real], W // 2, H // 2)
    assert half == score


def test_bad_lines_are_named():
    with pytest.raises(ValueError, match=r"truth\[1\] of shape \(3,\)"):
        lane_f1([], [upright(5), np.zeros(3)], W, H)
    with pytest.raises(ValueError, match=r"predicted\[0\]"):
        lane_f1([np.array([(0.0, np.nan), (1.0, 2.0)])], [], W, H)
    with pytest.raises(ValueError, match="0x590"):
        lane_f1([], [], 0, H)
    assert lane_f1([np.array([(1e300, 0.0), (-1e300, 500.0)])], [upright(5)], W, H).tp == 0


ROWS = [float(y) for y in range(200, 700, 10)]


def test_tusimple_by_hand():
    lane = [400.0] * 50
    exact = tusimple_score([lane], [lane], ROWS)
    assert (exact.accuracy, exact.false_positive, exact.false_negative) == (1.0, 0.0, 0.0)
    assert tusimple_score([[419.0] * 50], [lane], ROWS).accuracy == 1.0
    off = tusimple_score([[421.0] * 50], [lane], ROWS)
    assert (off.accuracy, off.false_positive, off.false_negative) == (0.0, 1.0, 1.0)
    part = tusimple_score([[400.0] * 40 + [-2.0] * 10], [lane], ROWS)  # 80 %: counted as points, not as a lane
    assert (part.accuracy, part.false_positive, part.false_negative) == (0.8, 1.0, 1.0)
    none = tusimple_score([], [lane, lane], ROWS)
    assert (none.accuracy, none.false_positive, none.false_negative) == (0.0, 0.0, 1.0)


def test_tusimple_is_milder_on_slanted_lanes():
    y = np.array(ROWS)
    slanted = (100.0 + (y - 200.0)).tolist()  # 45 degrees: 20 / cos = 28.3 px
    assert tusimple_score([[x + 28.0 for x in slanted]], [slanted], ROWS).accuracy == 1.0
    assert tusimple_score([[x + 29.0 for x in slanted]], [slanted], ROWS).accuracy == 0.0


def test_tusimple_forgives_one_of_five():
    lanes = [[200.0 * k + 100.0] * 50 for k in range(5)]
    score = tusimple_score(lanes[:4], lanes, ROWS)
    assert (score.accuracy, score.false_positive, score.false_negative) == (1.0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"predicted\[0\] has 3 points, the picture has 50 rows"):
        tusimple_score([[1.0] * 3], lanes, ROWS)


def test_points_at_rows():
    line = np.array([(10.0, 100.0), (30.0, 300.0)])
    assert at_rows(line[::-1], [50.0, 100.0, 200.0, 301.0]) == [-2.0, 10.0, 20.0, -2.0]


def test_bootstrap_covers_and_repeats():
    scores = [LaneScore(1, 0, 0)] * 60 + [LaneScore(0, 1, 1)] * 40
    low, high = bootstrap(scores, pooled_f1)
    spread = 1.96 * np.sqrt(0.6 * 0.4 / 100)  # of a mean of 100 zeros and ones
    assert low == pytest.approx(0.6 - spread, abs=0.02) and high == pytest.approx(0.6 + spread, abs=0.02)
    assert bootstrap(scores, pooled_f1) == (low, high)
    assert bootstrap(scores[:1], pooled_f1) == (1.0, 1.0)
    with pytest.raises(ValueError, match="no pictures"):
        bootstrap([], pooled_f1)
