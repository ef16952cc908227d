"""Crops of photographed signs for training: GTSRB's layouts, repeated so that few of them count beside many drawn."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception.crops import SIGN_SIDE, resize_crop
from perception.evaluate_crops import gtsrb_items, read_crop
from training.fit_crops import Crops
from world.sign_names import GTSRB_CLASSES

SHARE = 0.25  # of the whole pool that real crops make up, where MOST allows it
MOST = 40  # looks at one crop: beyond, it is learned by heart
_SLACK = 0.04  # of a crop: standard deviation of each edge of a look


def real_crops(root: Path, drawn: int, seed: int) -> Crops:
    """Looks at the crops of a GTSRB folder, each class about as often as the others.

    Args:
        root: as `evaluate --data gtsrb` reads it.
        drawn: crops of the pool that they are added to.
        seed: of the looks.

    Raises:
        ValueError: no layout of GTSRB; a picture cannot be used.
    """
    items, rng = gtsrb_items(root), np.random.default_rng([0xC23, seed])
    count = np.bincount([item[2] for item in items], minlength=GTSRB_CLASSES)
    wanted = SHARE / (1.0 - SHARE) * drawn / max(np.count_nonzero(count), 1)
    looks = np.clip(np.round(wanted / np.maximum(count, 1)), 1, MOST).astype(int)
    crops, classes = [], []
    for item in items:
        crop = read_crop(item)
        for _ in range(looks[item[2]]):
            crops.append(resize_crop(_look(crop, rng), SIGN_SIDE))
            classes.append(item[2])
    return np.array(crops, np.uint8), np.array(classes, np.int64)


def _look(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The crop with other edges, as detectors cut it: the edge is repeated where there is nothing beyond it."""
    size = np.array(crop.shape[:2])
    low, high = np.round(rng.normal(0.0, _SLACK, (2, 2)) * size).astype(int)
    room = int(max(np.abs(low).max(), np.abs(high).max(), 0))
    padded = np.pad(crop, ((room, room), (room, room), (0, 0)), mode="edge")
    first, last = room + low, room + size + high
    if (last - first < 2).any():
        return crop
    return padded[first[0] : last[0], first[1] : last[1]]
