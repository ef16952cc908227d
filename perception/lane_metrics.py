"""Scores of lane lines in pictures: the protocols of CULane (F1 of drawn lines) and of TuSimple (accuracy of points).

A line is (P, 2) pixels x, y. Sources: CULane's evaluation tool (natural cubic spline through a lane's points, 50 steps
a span, drawn 30 px thick at 1640 px, matched for the greatest sum of IoU, true above the threshold); TuSimple's
benchmark (20 px / cos of the lane's angle, a lane is found where 85 % of its points are).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

F64 = NDArray[np.float64]
CULANE_WIDTH = 1640  # [px] of the pictures that line_width_px is meant for
SPLINE_STEPS = 50  # a span
TUSIMPLE_PX, TUSIMPLE_FOUND, TUSIMPLE_LANES = 20.0, 0.85, 4
_FAR = 1e6  # [px] beyond this a pixel cannot be drawn


@dataclass(frozen=True)
class LaneScore:
    """Lines found, wrongly found and missed, in one picture or many."""

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0

    @property
    def recall(self) -> float:
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0

    @property
    def f1(self) -> float:
        """2 tp / (2 tp + fp + fn); 1 where there was nothing to find and nothing was found."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 1.0

    def __add__(self, other: "LaneScore") -> "LaneScore":
        return LaneScore(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)


def lane_f1(
    predicted: Sequence[NDArray], truth: Sequence[NDArray], width: int, height: int, line_width_px: float = 30.0,
    iou: float = 0.5, ignored: Sequence[NDArray] = (),
) -> LaneScore:  # fmt: skip
    """Score of one picture by CULane's protocol; add the scores of many pictures for theirs.

    Args:
        predicted: lines (P, 2) [px].
        truth: lines (P, 2) [px].
        width: [px] of the picture.
        height: [px] of the picture.
        line_width_px: [px] thickness at a width of 1640 px, scaled with the width.
        iou: a pair counts above it.
        ignored: lines that are neither to be found nor wrong: what lies on one of them rather than on a true one is
            left out. CULane has none.

    Raises:
        ValueError: a line is not (P, 2) finite numbers with P >= 2, or the picture's size is not positive.
    """
    found, real = _checked(predicted, "predicted"), _checked(truth, "truth")
    if width < 1 or height < 1 or line_width_px <= 0.0:
        raise ValueError(f"lane_f1: picture of {width}x{height}, lines of {line_width_px} px; all must be positive")
    thickness = max(1, round(line_width_px * width / CULANE_WIDTH))
    drawn = [draw_lane(line, width, height, thickness) for line in found]
    table = iou_table(drawn, [draw_lane(line, width, height, thickness) for line in real])
    if len(ignored) and len(found):
        others = [draw_lane(line, width, height, thickness) for line in _checked(ignored, "ignored")]
        # IoU would miss a short piece of a long line: what counts is the part of the prediction
        on = np.array([max(float((a & b).sum()) / max(float(a.sum()), 1.0) for b in others) for a in drawn])
        keep = (on < 0.5) | (table.max(axis=1, initial=0.0) > iou)
        found, table = [line for line, k in zip(found, keep, strict=True) if k], table[keep]
    rows, columns = linear_sum_assignment(-table)
    tp = int((table[rows, columns] > iou).sum())
    return LaneScore(tp, len(found) - tp, len(real) - tp)


def _checked(lines: Sequence[NDArray], what: str) -> list[F64]:
    """The lines as float64."""
    out = []
    for i, line in enumerate(lines):
        points = np.asarray(line, np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.isfinite(points).all():
            raise ValueError(f"lane_f1: {what}[{i}] of shape {points.shape}; (P, 2) finite pixels, P >= 2, are needed")
        out.append(points)
    return out


def spline(points: NDArray, steps: int = SPLINE_STEPS) -> F64:
    """(N, 2) a natural cubic spline over the chord length through (P, 2) points, `steps` points a span.

    Two points give themselves. Points that repeat their predecessor are left out.
    """
    p = np.asarray(points, np.float64)
    p = p[np.concatenate([[True], (np.diff(p, axis=0) != 0.0).any(axis=1)])]
    if len(p) < 3:
        return p
    h = np.linalg.norm(np.diff(p, axis=0), axis=1)
    slope = np.diff(p, axis=0) / h[:, None]
    n = len(p)
    system, right = np.eye(n), np.zeros((n, 2))  # second derivatives are zero at both ends
    inner = np.arange(1, n - 1)
    system[inner, inner - 1], system[inner, inner], system[inner, inner + 1] = h[:-1], 2.0 * (h[:-1] + h[1:]), h[1:]
    right[1:-1] = 6.0 * np.diff(slope, axis=0)
    second = np.linalg.solve(system, right)
    t = (np.arange(steps) / steps)[None, :, None] * h[:, None, None]  # (n - 1, steps, 1)
    linear = slope - h[:, None] * (2.0 * second[:-1] + second[1:]) / 6.0
    cubic = (np.diff(second, axis=0) / (6.0 * h[:, None]))[:, None]
    inside = p[:-1, None] + t * (linear[:, None] + t * (0.5 * second[:-1, None] + t * cubic))
    return np.concatenate([inside.reshape(-1, 2), p[-1:]])


def draw_lane(line: NDArray, width: int, height: int, thickness: int) -> NDArray[np.bool_]:
    """(height, width) where a line is, drawn as CULane's tool does."""
    canvas = np.zeros((height, width), np.uint8)
    dense = np.rint(np.clip(spline(line), -_FAR, _FAR)).astype(np.int32)
    keep = np.concatenate([[True], (np.diff(dense, axis=0) != 0).any(axis=1)])
    cv2.polylines(canvas, [dense[keep][:, None]], False, 1, thickness)  # type: ignore[arg-type]
    return canvas.astype(np.bool_)


def iou_table(one: Sequence[NDArray[np.bool_]], other: Sequence[NDArray[np.bool_]]) -> F64:
    """(len(one), len(other)) intersection over union of masks."""
    table = np.zeros((len(one), len(other)))
    sizes = [np.count_nonzero(m) for m in one], [np.count_nonzero(m) for m in other]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            both = np.count_nonzero(a & b)
            either = sizes[0][i] + sizes[1][j] - both
            table[i, j] = both / either if either else 0.0
    return table


@dataclass(frozen=True)
class TusimpleScore:
    """Of one picture, as TuSimple's benchmark counts it; the means over pictures are the benchmark's numbers."""

    accuracy: float  # part of the labelled points that are found
    false_positive: float  # part of the predicted lanes
    false_negative: float  # part of the labelled lanes


def tusimple_score(predicted: Sequence[Sequence[float]], truth: Sequence[Sequence[float]], rows: Sequence[float]):
    """TusimpleScore of one picture.

    Args:
        predicted: x [px] at each of `rows` a lane; negative: none.
        truth: the same.
        rows: [px].

    Raises:
        ValueError: a lane has another number of points than there are rows.
    """
    y = np.asarray(rows, np.float64)
    for what, lanes in (("predicted", predicted), ("truth", truth)):
        for i, lane in enumerate(lanes):
            if len(lane) != len(y):
                raise ValueError(f"tusimple_score: {what}[{i}] has {len(lane)} points, the picture has {len(y)} rows")
    best = []
    for lane in truth:
        real = np.asarray(lane, np.float64)
        within = TUSIMPLE_PX / math.cos(_angle(real, y))
        real = np.where(real >= 0.0, real, -100.0)
        each = [np.where(np.asarray(p) >= 0.0, p, -100.0) for p in predicted]
        best.append(max((float(np.mean(np.abs(p - real) < within)) for p in each), default=0.0))
    missed = sum(b < TUSIMPLE_FOUND for b in best)
    wrong = len(predicted) - (len(best) - missed)
    total, n = sum(best), len(best)
    if n > TUSIMPLE_LANES:  # a fifth lane is extra: the worst one is not asked for
        total, missed = total - min(best), missed - (missed > 0)
    return TusimpleScore(
        total / max(min(TUSIMPLE_LANES, n), 1), wrong / len(predicted) if predicted else 0.0, missed / max(n, 1)
    )


def _angle(x: F64, y: F64) -> float:
    """[rad] of a lane from upright, by least squares."""
    there = x >= 0.0
    if there.sum() < 2:
        return 0.0
    return math.atan(float(np.polyfit(y[there], x[there], 1)[0]))


def at_rows(line: NDArray, rows: Sequence[float]) -> list[float]:
    """x [px] of a line (P, 2) at each of `rows`; -2 beyond its ends, as TuSimple writes it."""
    points = np.asarray(line, np.float64)
    points = points[np.argsort(points[:, 1], kind="stable")]
    return np.interp(rows, points[:, 1], points[:, 0], left=-2.0, right=-2.0).tolist()


def bootstrap(
    pictures: Sequence, score: Callable[[list], float], draws: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """(low, high) confidence interval of score(pictures), by drawing pictures anew with replacement.

    Args:
        pictures: one entry a picture, of whatever `score` takes a list of.
        draws: how often.
        level: part of the draws that the interval holds.
        seed: of the drawing.
    """
    n = len(pictures)
    if n == 0:
        raise ValueError("bootstrap: no pictures to draw from")
    picks = np.random.default_rng(seed).integers(n, size=(draws, n))
    scores = [score([pictures[i] for i in row]) for row in picks]
    low, high = np.quantile(scores, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    return float(low), float(high)


def pooled_f1(scores: Sequence[LaneScore]) -> float:
    """F1 of all pictures together."""
    return sum(scores, LaneScore(0, 0, 0)).f1
