"""Joins edge segments that follow each other in a straight line.

Borders come with a point every half a metre or so. Joined, the few segments that a Scene holds reach down a street.
"""

import numpy as np
from numpy.typing import NDArray

LONGEST = 50.0  # [m] of a joined segment
OFF = 0.01  # [m] that a point between may lie off the segment, sideways
OFF_Z = 0.05  # [m] and in height
_SAME = 1e-3  # [m] between an end and the next beginning
_PASSES = 12  # each joins pairs, so this is enough for LONGEST


def join_edges(segment: NDArray[np.float64], kind: NDArray[np.int8]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Fewer, longer segments over the same lines: (E, 2, 3) [m] and kind (E,). Order is kept.

    Every pass joins neighbours two by two; a bend's error grows fourfold with each, so the last one rules.
    """
    segment, kind = segment.copy(), kind.copy()
    for _ in range(_PASSES):
        take = _every_other(_straight(segment, kind))
        if not take.any():
            break
        segment[:-1][take, 1] = segment[1:][take, 1]
        keep = np.append(True, ~take)
        segment, kind = segment[keep], kind[keep]
    return segment, kind


def _straight(segment: NDArray[np.float64], kind: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(E - 1,) whether a segment and the next are one straight line."""
    a, b, c = segment[:-1, 0], segment[:-1, 1], segment[1:, 1]
    joint = np.abs(segment[1:, 0] - b).max(axis=1, initial=0.0) <= _SAME
    chord, first = (c - a)[:, :2], (b - a)[:, :2]
    length = np.hypot(chord[:, 0], chord[:, 1])
    along = (first * chord).sum(axis=1) / np.maximum(length, 1e-9)
    off = np.abs(chord[:, 0] * first[:, 1] - chord[:, 1] * first[:, 0]) / np.maximum(length, 1e-9)
    rise = np.abs(b[:, 2] - a[:, 2] - (c - a)[:, 2] * along / np.maximum(length, 1e-9))
    onward = (along > 0) & (along < length) & (length <= LONGEST)
    return joint & onward & (off <= OFF) & (rise <= OFF_Z) & (kind[1:] == kind[:-1])


def _every_other(wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of each run of wanted pairs the first, the third, and so on: pairs that share no segment."""
    at = np.arange(len(wanted))
    before = np.maximum.accumulate(np.where(wanted, -1, at)) if len(wanted) else at
    return wanted & ((at - before) % 2 == 1)
