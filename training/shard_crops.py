"""Crops of signs and lights out of the labelled pictures of the renderer, as a detector would cut them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from perception.crops import LIGHT_SIDE, SIGN_SIDE, light_crop, resize_crop, sign_crop
from perception.dataset import Pictures, read_shard, shard_paths
from perception.targets import judged
from training.fit_crops import Crops
from world.camera_tags import ThingKind
from world.sign_names import NO_SIGN

_LOOKS = 2  # crops of each thing
_SLACK = 0.05  # of a box: standard deviation of each edge of a detector's
_SEEN = 0.7  # part of a sign that must be seen for its face to be known
_NONE = 0.1  # crops of something else, against those of signs


def shard_crops(folders: Sequence[Path], kind: ThingKind, seed: int) -> Crops:
    """Crops and classes of all signs or lights that can be read, shard by shard.

    Raises:
        ValueError: a folder without shards, a broken shard.
    """
    crops, classes = [], []
    side = LIGHT_SIDE if kind == ThingKind.LIGHT else SIGN_SIDE
    for n, path in enumerate(p for folder in folders for p in shard_paths(folder)):
        pictures, rng = read_shard(path), np.random.default_rng([0xC22, seed, n])
        for i in range(len(pictures)):
            for crop, label in _of_picture(pictures, i, kind, rng):
                crops.append(resize_crop(crop, side))
                classes.append(label)
    return np.array(crops, np.uint8).reshape(-1, side, side, 3), np.array(classes, np.int64)


def _of_picture(p: Pictures, i: int, kind: ThingKind, rng: np.random.Generator):
    """(crop, class) of each thing that can be read, and of nothing where there is none."""
    cut = light_crop if kind == ThingKind.LIGHT else sign_crop
    spec = p.spec(i)
    for d in range(p.boxes(i).start, p.boxes(i).stop):
        if p.box_kind[d] != kind:
            continue
        if kind == ThingKind.LIGHT:
            label, fine = int(p.box_state[d]), judged(p, d, spec)[0]
        else:
            label, fine = int(p.box_face[d]), p.box_visible[d] >= _SEEN and judged(p, d, spec)[1]
        cut_off = np.abs(p.box_box[d] - p.box_whole[d]).max() > 0.08 * (p.box_whole[d, 3] - p.box_whole[d, 1])
        if not fine or label < 0 or cut_off:
            continue
        size = np.tile(p.box_box[d, 2:] - p.box_box[d, :2], 2)
        for _ in range(_LOOKS):
            crop = cut(p.rgb[i], p.box_box[d] + size * rng.normal(0.0, _SLACK, 4))
            if crop is not None:
                yield crop, label
        if kind == ThingKind.SIGN and rng.random() < _NONE:
            box = p.box_box[d] + size * np.repeat(rng.uniform(1.2, 4.0, 2) * rng.choice([-1, 1], 2), 2)[[0, 2, 0, 2]]
            crop = cut(p.rgb[i], box)
            if crop is not None:
                yield crop, NO_SIGN
