"""Scores of perception: overlap of masks, average precision of boxes, errors of distances and of lanes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


class Iou(NamedTuple):
    """Counts that intersection over union is made of; add them over pictures."""

    both: int
    either: int

    @property
    def value(self) -> float:
        return self.both / self.either if self.either else 1.0


def mask_iou(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> Iou:
    """Counts of one picture."""
    return Iou(int((found & true).sum()), int((found | true).sum()))


def box_iou(a: NDArray, b: NDArray) -> F64:
    """(n, m) overlap of boxes (n, 4) and (m, 4), x0 y0 x1 y1."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0.0, None).prod(axis=2)
    area = [np.clip(x[:, 2:] - x[:, :2], 0.0, None).prod(axis=1) for x in (a, b)]
    return common / np.maximum(area[0][:, None] + area[1][None] - common, 1e-12)


class Matches:
    """Detections of one kind over many pictures, matched to the truth by overlap; each truth once, best score first.

    Args:
        least: overlap of a match.
    """

    def __init__(self, least: float = 0.5):
        self.least = least
        self.scores: list[float] = []
        self.hits: list[bool] = []
        self.wanted = 0

    def add(self, box: NDArray, score: NDArray, true: NDArray, ignored: NDArray[np.bool_]) -> list[tuple[int, int]]:
        """One picture; returns (detection, truth) of the matches.

        Args:
            box: (n, 4). score: (n,). true: (m, 4). ignored: (m,) truths that are neither to be found nor wrong.
        """
        self.wanted += int((~ignored).sum())
        overlap = box_iou(np.asarray(box, np.float64).reshape(-1, 4), np.asarray(true, np.float64).reshape(-1, 4))
        free = np.ones(len(true), np.bool_)
        pairs = []
        for d in np.argsort(-np.asarray(score), kind="stable"):
            fit = np.where(free & ~ignored, overlap[d], -1.0) if len(true) else np.zeros(0)
            best = int(fit.argmax()) if len(fit) else -1
            if best >= 0 and fit[best] >= self.least:
                free[best] = False
                pairs.append((int(d), best))
                self._note(float(score[d]), True)
            elif not (len(true) and (ignored & (overlap[d] >= 0.2)).any()):
                self._note(float(score[d]), False)
        return pairs

    def _note(self, score: float, hit: bool) -> None:
        self.scores.append(float(score))
        self.hits.append(hit)

    def average_precision(self) -> float:
        """Area under the precision-recall curve, all points (Source: PASCAL VOC 2010 and later)."""
        if self.wanted == 0:
            return float("nan")
        hit = np.array(self.hits, np.float64)[np.argsort(-np.array(self.scores), kind="stable")]
        recall = np.concatenate([[0.0], np.cumsum(hit) / self.wanted, [1.0]])
        precision = np.concatenate([[1.0], np.cumsum(hit) / np.arange(1, len(hit) + 1), [0.0]])
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        return float(((recall[1:] - recall[:-1]) * precision[1:]).sum())


def percentiles(values: list[float]) -> dict[str, float]:
    """Median, 90 % and mean of absolute values; NaN where there are none."""
    v = np.abs(np.array(values, np.float64))
    if not len(v):
        return {"p50": float("nan"), "p90": float("nan"), "mean": float("nan")}
    return {"p50": float(np.median(v)), "p90": float(np.percentile(v, 90)), "mean": float(v.mean())}
