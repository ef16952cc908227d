"""Classifiers of crops in ONNX Runtime: which sign it is, and what a traffic light shows."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.infer import WEIGHTS, open_network

SIGN_SIDE, LIGHT_SIDE = 40, 32  # [px]


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

    def __init__(self, path: Path, side: int):
        self._session, self._side = open_network(path), side

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
        super().__init__(path or WEIGHTS / "signs.onnx", SIGN_SIDE)


class LightClassifier(_Classifier):
    """Classes: world.kinds.LightState. Args: path: None: the shipped network."""

    def __init__(self, path: Path | None = None):
        super().__init__(path or WEIGHTS / "lights.onnx", LIGHT_SIDE)
