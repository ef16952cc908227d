"""From the raw answers of the eyes' network to things, lines and paint in the vehicle's frame, one picture at a time.

Frame: body (x forward, y left, z up, origin at the box centre on the ground). The road is taken as the plane z = 0.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from perception import layout
from perception.infer import Answer
from perception.layout import DEPTH_SHIFT, MEAN_SIZE, STRIDE
from perception.metrics import box_iou
from perception.targets import MIDDLE
from world.camera import CameraSpec
from world.camera_labels import LINE_SLOTS
from world.lane_arrays import wrap

F64 = NDArray[np.float64]
THRESHOLD = np.array([0.3, 0.3, 0.3, 0.3, 0.3])  # of the heat, by ThingKind
MOST_THINGS = 48
_SAME = 0.45  # overlap of boxes of one kind from which on they are one thing
LINE_THRESHOLD = 0.5  # probability that there is a line in a row
# Cells that thin paint covers in part only lean to the road below it: what the most likely class lacks. Set on `val`.
_LEAN = np.array([0.0, 0.0, 0.0, 0.6, 1.7], np.float32)[:, None, None]
_WINDOW = 3  # [cells] beside the most probable column that its mean is taken over
_PIXEL = 0.4  # [px] of error that remains at best
_FARTHEST = 90.0  # [m] on the ground that a row is believed


class Things(NamedTuple):
    """D things of one picture, most certain first."""

    kind: NDArray[np.int8]  # (D,) ThingKind
    score: F64  # (D,)
    box: F64  # (D, 4) [px] x0 y0 x1 y1
    xyz: F64  # (D, 3) [m] centre
    sigma: F64  # (D,) [m] along the line of sight
    size: F64  # (D, 3) [m]
    yaw: F64  # (D,) [rad]
    state: NDArray[np.int8]  # (D,) LightState
    state_score: F64  # (D,) probability of that state
    front: F64  # (D,) probability that a face is seen


class LinePoints(NamedTuple):
    """Points of lane boundaries of one picture."""

    slot: NDArray[np.int8]  # (n,)
    row: NDArray[np.int32]  # (n,) cell row
    px: F64  # (n, 2) [px]
    xy: F64  # (n, 2) [m]
    sigma: F64  # (n,) [m] sideways
    score: F64  # (n,) probability that there is a line
    kerb: F64  # (n,) probability
    dashed: F64  # (n,)


def _sigmoid(x: NDArray) -> NDArray:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0)))


def decode_things(answer: Answer, n: int, spec: CameraSpec, threshold: NDArray | None = None) -> Things:
    """Things of picture n: peaks of the centre maps. Args: threshold: (5,) of the heat."""
    thing = answer.thing[n]
    logits = thing[layout.HEAT]
    least = THRESHOLD if threshold is None else np.asarray(threshold)
    floor = np.log(least / (1.0 - least)).astype(np.float32)
    peak = np.stack([cv2.dilate(plane, np.ones((3, 3), np.uint8)) for plane in logits])
    kind, row, column = np.nonzero((logits >= peak) & (logits > floor[:, None, None]))
    value = thing[:, row, column].astype(np.float64).T
    score = _sigmoid(logits[kind, row, column].astype(np.float64))
    order = np.argsort(-score, kind="stable")[:MOST_THINGS]
    kind, row, column, value, score = kind[order], row[order], column[order], value[order], score[order]
    centre = np.stack((column, row), axis=1) + value[:, layout.OFFSET]
    half = 0.5 * np.exp(np.clip(value[:, layout.EXTENT], -2.0, 5.0))
    box = np.concatenate([centre - half, centre + half], axis=1) * STRIDE + MIDDLE
    first = _once(kind, box)
    kind, value, score, centre, box = kind[first], value[first], score[first], centre[first], box[first]
    middle = centre * STRIDE + MIDDLE
    depth = np.exp(np.clip(value[:, layout.DEPTH.start] - DEPTH_SHIFT, -9.0, 2.0)) * spec.focal
    ray = spec.rays(middle) if len(kind) else np.zeros((0, 3))
    xyz = ray * depth[:, None] + (spec.x, spec.y, spec.z)
    sigma = depth * np.exp(0.5 * np.clip(value[:, layout.DEPTH.start + 1], -8.0, 4.0))
    size = np.exp(np.clip(value[:, layout.SIZE], -2.0, 2.0)) * MEAN_SIZE[kind]
    turn = np.arctan2(value[:, layout.YAW.start], value[:, layout.YAW.start + 1])
    yaw = turn + np.arctan2(ray[:, 1], ray[:, 0])
    odds = value[:, layout.STATE]
    odds = np.exp(odds - odds.max(axis=1, keepdims=True, initial=-1e9))
    odds /= np.maximum(odds.sum(axis=1, keepdims=True), 1e-12)
    state = odds.argmax(axis=1)
    return Things(
        kind.astype(np.int8), score, box, xyz, sigma, size, wrap(yaw),
        state.astype(np.int8), odds[np.arange(len(kind)), state], _sigmoid(value[:, layout.FRONT.start]),
    )  # fmt: skip


def _once(kind: NDArray, box: F64) -> NDArray[np.bool_]:
    """(D,) whether no box before it is of the same thing."""
    same = (box_iou(box, box) > _SAME) & (kind[:, None] == kind)
    keep = np.ones(len(kind), np.bool_)
    for d in np.flatnonzero(np.tril(same, -1).any(axis=1)):
        keep[d] = not (same[d, :d] & keep[:d]).any()
    return keep


def decode_lines(answer: Answer, n: int, spec: CameraSpec, threshold: float = LINE_THRESHOLD) -> LinePoints:
    """Points of the lane boundaries of picture n, one a row that shows one."""
    logits = answer.line[n, :LINE_SLOTS].astype(np.float64)  # (S, h, w)
    none = answer.none[n].astype(np.float64)  # (S, h)
    top = np.maximum(logits.max(axis=2), none)
    p = np.exp(logits - top[..., None])
    absent = np.exp(none - top)
    absent /= p.sum(axis=2) + absent
    slot, row = np.nonzero(absent < 1.0 - threshold)
    p = p[slot, row]
    best = p.argmax(axis=1)
    columns = np.clip(best[:, None] + np.arange(-_WINDOW, _WINDOW + 1), 0, p.shape[1] - 1)
    weight = p[np.arange(len(best))[:, None], columns]
    weight /= weight.sum(axis=1, keepdims=True)
    x = (weight * columns).sum(axis=1)
    spread = np.sqrt((weight * (columns - x[:, None]) ** 2).sum(axis=1)) * STRIDE
    px = np.stack((x * STRIDE + MIDDLE, row * STRIDE + MIDDLE), axis=1).astype(np.float64)
    xy, falls = spec.ground(px) if len(row) else (np.zeros((0, 2)), np.zeros(0, np.bool_))
    away = np.hypot(xy[:, 0], xy[:, 1])
    sigma = (0.35 * spread + _PIXEL) * away / spec.focal
    traits = answer.line[n, LINE_SLOTS:, row, best] if len(row) else np.zeros((0, layout.LINE_TRAITS))
    keep = falls & (away < _FARTHEST)
    trait = _sigmoid(np.asarray(traits, np.float64))
    return LinePoints(
        slot[keep].astype(np.int8), row[keep].astype(np.int32), px[keep], xy[keep], sigma[keep],
        (1.0 - absent[slot, row])[keep], trait[keep, 0], trait[keep, 1],
    )  # fmt: skip


def decode_seg(answer: Answer, n: int) -> NDArray[np.uint8]:
    """(h, w) most probable class of each cell of picture n."""
    return (answer.seg[n] + _LEAN).argmax(axis=0).astype(np.uint8)


def full_seg(answer: Answer, n: int) -> NDArray[np.uint8]:
    """(H, W) most probable class of each pixel of picture n: logits between the cells' middles."""
    h, w = answer.seg.shape[2:]
    planes = np.ascontiguousarray((answer.seg[n] + _LEAN).transpose(1, 2, 0))
    return cv2.resize(planes, (w * STRIDE, h * STRIDE), interpolation=cv2.INTER_LINEAR).argmax(axis=2).astype(np.uint8)


def decode_paint(seg: NDArray[np.uint8], kind: int, spec: CameraSpec, reach: float = 45.0) -> F64:
    """(m, 4) [m] x near, x far, y right, y left of what is painted across the road, nearest first.

    Args:
        seg: of `decode_seg`. kind: layout.STOP_LINE or layout.CROSSWALK. reach: [m] beyond which nothing is told.
    """
    count, marks = cv2.connectedComponents((seg == kind).astype(np.uint8), connectivity=8)
    found = []
    for k in range(1, count):
        row, column = np.nonzero(marks == k)
        if len(row) < 3:
            continue
        low = row.max()
        xy, falls = spec.ground(np.stack((column * STRIDE + MIDDLE, row * STRIDE + MIDDLE), axis=1).astype(np.float64))
        xy = xy[falls]
        if len(xy) < 3 or low < 1:
            continue
        near, far = np.percentile(xy[:, 0], (3.0, 97.0))
        if near < reach:
            found.append((near, far, xy[:, 1].min(), xy[:, 1].max()))
    return np.array(sorted(found), np.float64).reshape(len(found), 4)


def decode_edges(seg: NDArray[np.uint8], spec: CameraSpec, columns: int) -> tuple[F64, NDArray[np.bool_]]:
    """((columns, 2) [m] where the drivable ground ends, seen from below, whether it does within sight)."""
    drivable = seg != layout.OTHER
    h, w = seg.shape
    pick = np.linspace(0, w - 1, columns).round().astype(int)
    upward = drivable[::-1, pick]
    first = np.argmin(upward, axis=0)  # rows from below that are drivable
    first = np.where(upward.all(axis=0), h, first)
    row = h - first - 0.5  # the border between the last drivable cell and the next
    px = np.stack((pick * STRIDE + MIDDLE, row * STRIDE + MIDDLE), axis=1).astype(np.float64)
    xy, falls = spec.ground(px)
    fine = falls & (first > 0) & (np.hypot(xy[:, 0], xy[:, 1]) < _FARTHEST)
    return np.where(fine[:, None], xy, 0.0), fine
