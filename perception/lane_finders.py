"""Finders of lane lines: a callable from a picture (H, W, 3) RGB to polylines (P, 2) [px], left to right.

Learned and classical ones look alike, so that all are judged by the same evaluation.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.classical_lanes import LaneFinder
from world.camera import CameraSpec
from world.names import unknown_name

F64 = NDArray[np.float64]
Finder = Callable[[NDArray[np.uint8]], list[F64]]
METHODS = ("cnn", "classical")
_LEAST = 4  # rows of a line
_FOOT = 14  # nearest rows that its way on to the bottom of the picture is taken from


def lane_finder(method: str, camera: CameraSpec | None = None, weights: Path | None = None) -> Finder:
    """The finder of a name in METHODS.

    Raises:
        ValueError: no such name; the network's file cannot be used.
    """
    if method == "classical":
        return classical_finder(camera)
    if method == "cnn":
        return cnn_finder(camera, weights)
    raise ValueError(unknown_name("method", method, METHODS))


def classical_finder(camera: CameraSpec | None = None) -> Finder:
    """The finder without learning. Args: camera: None: found in each picture."""
    finder = LaneFinder(camera=camera)

    def find(picture: NDArray[np.uint8]) -> list[F64]:
        return [line.px for line in finder(picture)]

    return find


def cnn_finder(camera: CameraSpec | None = None, weights: Path | None = None) -> Finder:
    """The network's finder.

    Args:
        camera: None: found in each picture.
        weights: its ONNX file; None: the one that is shipped.
    """
    from perception.any_picture import AnyPicture  # here: the classical finder needs no ONNX Runtime

    look = AnyPicture(weights, camera)

    def find(picture: NDArray[np.uint8]) -> list[F64]:
        seen = look(picture)
        height, width = picture.shape[:2]
        return [line for _, line, _ in row_lines(seen.lines.slot, seen.lines.px, seen.lines.score, width, height)]

    return find


def row_lines(
    slot: NDArray, px: NDArray, score: NDArray, width: int, height: int
) -> list[tuple[int, F64, float]]:  # fmt: skip
    """(slot, (P, 2) [px] near to far, score) of lines told row by row, drawn on to the picture's lower edge.

    Labels of public data run down to the edge of the picture, through the vehicle's bonnet.

    Args:
        slot: (n,) of each point.
        px: (n, 2) [px].
        score: (n,) in [0, 1].
        width: [px] of the picture.
        height: [px] of the picture.
    """
    out = []
    for s in np.unique(slot):
        mine = slot == s
        points = px[mine][np.argsort(-px[mine, 1], kind="stable")]
        if len(points) < _LEAST:
            continue
        points = np.concatenate([_foot(points, width, height), points])
        out.append((int(s), points, float(score[mine].mean())))
    return out


def _foot(points: F64, width: int, height: int) -> F64:
    """(2 or 0, 2) the way straight on from the nearest point to the picture's edge."""
    near = points[:_FOOT]
    step = np.median(np.diff(near, axis=0), axis=0)
    if step[1] > -1e-6:  # rows must fall
        return np.zeros((0, 2))
    slope = float(np.polyfit(near[:, 1], near[:, 0], 1)[0])
    start = points[0]
    down = height - 1.0 - start[1]
    if slope != 0.0:  # the picture's left or right edge may come first
        down = min(down, max((width - 1.0 - start[0]) / slope, -start[0] / slope))
    if down < 1.0:
        return np.zeros((0, 2))
    way = np.array([1.0, 0.5])[:, None] * down
    return start + way * np.array([slope, 1.0])
