"""Classifiers of crops in ONNX Runtime: which sign it is, and what a traffic light shows."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.infer import WEIGHTS, check_network, open_network
from world.kinds import LightState
from world.sign_names import NO_SIGN

SIGN_SIDE, LIGHT_SIDE = 40, 32  # [px]
_HEAD_SHAPE = 2.6  # height of a light head a width
_DARK = 25  # of a housing
_EDGE = 0.75  # [px] of the picture's edge
SIGN_PIXELS, LIGHT_PIXELS = 12.0, 6.0  # [px] height of a box from which on its crop is read


def sign_crop(picture: NDArray[np.uint8], box: NDArray, scale: NDArray | float = 1.0) -> NDArray[np.uint8] | None:
    """The part of a picture that shows a sign, with a little room; None: it is too small, or cut by the picture's edge.

    Args:
        box: (4,) [px] of the network's picture. scale: (4,) pixels of `picture` a pixel of the network's.
    """
    x0, y0, x1, y1 = (np.asarray(box) + 0.5) * scale
    if y1 - y0 < SIGN_PIXELS or x1 - x0 < 0.6 * SIGN_PIXELS or _ends(picture, x0, y0, x1, y1):
        return None
    room = 0.06 * max(x1 - x0, y1 - y0)
    return _cut(picture, x0 - room, y0 - room, x1 + room, y1 + room, 4)


def light_crop(picture: NDArray[np.uint8], box: NDArray, scale: NDArray | float = 1.0) -> NDArray[np.uint8] | None:
    """The same for a traffic light's head."""
    x0, y0, x1, y1 = (np.asarray(box) + 0.5) * scale
    if y1 - y0 < LIGHT_PIXELS or _ends(picture, x0, y0, x1, y1):
        return None
    dx, dy = 0.15 * (x1 - x0), 0.08 * (y1 - y0)
    return _cut(picture, x0 - dx, y0 - dy, x1 + dx, y1 + dy, 2)


def lower_light_crop(
    picture: NDArray[np.uint8], box: NDArray, scale: NDArray | float = 1.0
) -> NDArray[np.uint8] | None:
    """The same for a head whose upper part the picture's upper edge cuts off: as if what is missing were dark.

    So a lamp that is lit can be told from one that is not, and from what is not seen.
    """
    x0, y0, x1, y1 = (np.asarray(box) + 0.5) * scale
    if y1 < LIGHT_PIXELS or x1 - x0 < LIGHT_PIXELS / _HEAD_SHAPE:
        return None
    dx = 0.15 * (x1 - x0)
    seen = _cut(picture, x0 - dx, 0.0, x1 + dx, y1 + 0.08 * _HEAD_SHAPE * (x1 - x0), 2)
    missing = round(_HEAD_SHAPE * (x1 - x0) - y1)
    if seen is None or missing <= 0:
        return seen
    above = np.full((missing, *seen.shape[1:]), _DARK, np.uint8)
    return np.concatenate((above, seen))


def cut_off(box: NDArray, width: float, height: float) -> NDArray[np.bool_]:
    """(...,) whether boxes (..., 4) x0 y0 x1 y1 [px] reach the edge of a picture: what it cuts off cannot be read."""
    low, high = box[..., :2], box[..., 2:]
    return np.asarray((low <= _EDGE).any(axis=-1) | (high >= np.array([width, height]) - _EDGE).any(axis=-1))


def _ends(picture: NDArray, x0: float, y0: float, x1: float, y1: float) -> bool:
    return bool(cut_off(np.array([x0, y0, x1, y1]), picture.shape[1], picture.shape[0]))


def _cut(picture: NDArray, x0: float, y0: float, x1: float, y1: float, least: int) -> NDArray | None:
    left, top, right, bottom = max(round(x0), 0), max(round(y0), 0), max(round(x1), 1), max(round(y1), 1)
    crop = picture[top:bottom, left:right]
    return crop if min(crop.shape[:2]) >= least else None


def resize_crop(crop: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """(side, side, 3) crop, whatever its shape was.

    Raises:
        ValueError: it is no (h, w, 3) uint8 picture.
    """
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8 or min(crop.shape[:2]) < 1:
        raise ValueError(f"a crop is {crop.dtype} {crop.shape}, expected uint8 (height, width, 3)")
    mode = cv2.INTER_AREA if max(crop.shape[:2]) > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (side, side), interpolation=mode), np.uint8)


class _Classifier:
    """Crops -> (classes, probabilities)."""

    def __init__(self, path: Path, side: int, classes: int):
        self._session, self._side = open_network(path), side
        check_network(self._session, path, "crops", (side, side, 3), [("logits", classes)])

    def __call__(
        self, crops: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """((N,) classes, (N, C) probabilities) of RGB crops of any size.

        Raises:
            ValueError: a crop of another type.
        """
        if not len(crops):
            return np.zeros(0, np.int64), np.zeros((0, 1), np.float32)
        ready = np.stack([resize_crop(np.asarray(crop), self._side) for crop in crops])
        logits = np.asarray(self._session.run(None, {"crops": ready})[0])
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        return odds.argmax(axis=1), odds


class SignClassifier(_Classifier):
    """Classes: world.sign_names.SIGN_NAMES, then no sign. Args: path: None: the shipped network."""

    def __init__(self, path: Path | None = None):
        super().__init__(path or WEIGHTS / "signs.onnx", SIGN_SIDE, NO_SIGN + 1)


class LightClassifier(_Classifier):
    """Classes: world.kinds.LightState. Args: path: None: the shipped network."""

    def __init__(self, path: Path | None = None):
        super().__init__(path or WEIGHTS / "lights.onnx", LIGHT_SIDE, len(LightState))
