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
    from perception.fused_lanes import FusedFinder

    finder = FusedFinder(AnyPicture(weights, camera))

    def find(picture: NDArray[np.uint8]) -> list[F64]:
        return [line.px for line in finder(picture)]

    return find
