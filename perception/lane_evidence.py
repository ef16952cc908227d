"""All that speaks for lane lines in a picture, as points on the ground: paint, and what the network saw.

Paint that the network expects counts in full, other paint a little: arrows, kerbs of the far side and rails are painted
or bright, too. What the network alone saw counts far less in fits, since its cells are wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.lane_marks import MarkRule, Marks, Warp, find_marks
from perception.lane_view import LaneView
from world.camera import CameraSpec

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Trust:
    """How much the network counts."""

    floor: float = 0.2  # of its weight that paint keeps where the network saw nothing
    alone: float = 0.03  # weight, in fits, of a row that it saw; a row of paint weighs up to 1
    proof: float = 0.3  # support of a line by a row that it saw; a row of paint counts up to 1


@dataclass(frozen=True, eq=False)
class Evidence(Marks):
    """N points; of Marks, the weight is the one in fits."""

    proof: F64  # (N,) in [0, 1] support that each gives to a line through it


def gather(
    rgb: NDArray[np.uint8], spec: CameraSpec, warp: Warp, views: Sequence[LaneView], rule: MarkRule, trust: Trust
) -> Evidence:  # fmt: skip
    """Points of a picture.

    Args:
        rgb: (H, W, 3). spec: its camera. warp: of that camera.
        views: the network's, of this picture.
    """
    marks = find_marks(rgb, warp, rule)
    px, _ = spec.project(np.stack([marks.x + spec.x, marks.y, np.zeros_like(marks.x)], axis=-1))
    weight = marks.weight * (trust.floor + (1.0 - trust.floor) * believed(views, px))
    rows, ys, scores = [], [], []
    for view in views:
        row, y, score = on_rows(view, spec, warp)
        seen = (np.abs(y) < np.abs(warp.y[0])) & ((row >= marks.bonnet) | (np.abs(y) > rule.bonnet))
        rows, ys, scores = [*rows, row[seen]], [*ys, y[seen]], [*scores, score[seen]]
    row = np.concatenate([marks.row, *rows])
    own = np.concatenate(scores) if scores else np.zeros(0)
    return Evidence(
        row, warp.x[row], np.concatenate([marks.y, *ys]), np.concatenate([weight, trust.alone * own]), marks.paved,
        marks.bonnet, np.concatenate([np.minimum(2.0 * weight, 1.0), trust.proof * own]),
    )  # fmt: skip


def believed(views: Sequence[LaneView], px: NDArray) -> F64:
    """(N,) probability of a lane boundary at points (N, 2) [px]: the mean over the views that show them."""
    total, count = np.zeros(len(px)), np.zeros(len(px))
    for view in views:
        p, shown = view.believed(px)
        total, count = total + p, count + shown
    return total / np.maximum(count, 1.0)


def on_rows(view: LaneView, spec: CameraSpec, warp: Warp) -> tuple[NDArray[np.int64], F64, F64]:
    """((n,) rows of the warp, (n,) y [m] left, (n,) score) of the boundaries of a view, between its own rows."""
    xy, falls = spec.ground(view.lines.px) if len(view.lines.px) else (np.zeros((0, 2)), np.zeros(0, np.bool_))
    ahead = xy[:, 0] - spec.x
    falls = falls & (ahead > 0.1)
    near = 1.0 / warp.x  # falls evenly from row to row, as the picture's own rows do
    rows, ys, scores = [], [], []
    for s in np.unique(view.lines.slot[falls]):
        mine = falls & (view.lines.slot == s)
        order = np.argsort(1.0 / ahead[mine])
        at, y, score = (1.0 / ahead[mine])[order], xy[mine, 1][order], view.lines.score[mine][order]
        row = np.flatnonzero((near >= at[0]) & (near <= at[-1]))
        rows.append(row)
        # y / x, not y, is straight in the picture
        ys.append(np.interp(near[row], at, y * at) / near[row])
        scores.append(np.interp(near[row], at, score))
    if not rows:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    return np.concatenate(rows), np.concatenate(ys), np.concatenate(scores)
