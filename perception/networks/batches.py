"""Pictures and targets in batches, with photometric augmentation."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from perception.dataset import Pictures
from perception.networks.losses import TargetBatch
from perception.targets import flipped, make_target

_T = TypeVar("_T")


def batches(
    pictures: Pictures, size: int, seed: int, epoch: int, augment: bool = True, skip: int = 0, flip: float = 0.0
) -> Iterator[tuple[torch.Tensor, TargetBatch]]:
    """(pictures (N, H, W, 3) uint8, targets) of one epoch, in an order drawn by (seed, epoch).

    Args:
        skip: batches left out at the beginning. flip: part of the pictures that are seen in a mirror.
    """
    rng = np.random.default_rng([0xBA7C4, seed, epoch])
    order = rng.permutation(len(pictures)) if augment else np.arange(len(pictures))
    for n, first in enumerate(range(0, len(order) - (size - 1 if augment else 0), size)):
        if n < skip:
            continue
        chosen = order[first : first + size]
        own = np.random.default_rng([0xBA7C5, seed, epoch, n])
        rgb = np.stack([change(pictures.rgb[i], own) if augment else pictures.rgb[i] for i in chosen])
        turned = own.random(len(chosen)) < flip if augment and flip > 0.0 else np.zeros(len(chosen), np.bool_)
        rgb[turned] = rgb[turned, :, ::-1]
        yield torch.from_numpy(rgb), target_batch(pictures, chosen, turned)


def ahead(items: Iterator[_T]) -> Iterator[_T]:
    """The same items; the next one is made by a thread while the last is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


def target_batch(
    pictures: Pictures, chosen: NDArray[np.integer], turned: NDArray[np.bool_] | None = None
) -> TargetBatch:
    """Targets of some pictures. Args: turned: (N,) those seen in a mirror."""
    targets = [make_target(pictures, int(i)) for i in chosen]
    if turned is not None:
        targets = [flipped(t) if turn else t for t, turn in zip(targets, turned, strict=True)]
    where = [np.column_stack([np.full(len(t.cell), n), t.cell]) for n, t in enumerate(targets)]
    seg = np.stack([t.seg for t in targets]).astype(np.float32)
    seg /= np.maximum(seg.sum(axis=1, keepdims=True), 1.0)
    return TargetBatch(
        seg=torch.from_numpy(seg), line_x=torch.from_numpy(np.stack([t.line_x for t in targets])),
        line_state=torch.from_numpy(np.stack([t.line_state for t in targets]).astype(np.int64)),
        line_trait=torch.from_numpy(np.stack([t.line_trait for t in targets]).astype(np.float32)),
        heat=torch.from_numpy(np.stack([t.heat for t in targets])),
        weight=torch.from_numpy(np.stack([t.weight for t in targets])),
        where=torch.from_numpy(np.concatenate(where).astype(np.int64)),
        value=torch.from_numpy(np.concatenate([t.value for t in targets])),
        kind=torch.from_numpy(np.concatenate([t.kind for t in targets]).astype(np.int64)),
        judged=torch.from_numpy(np.concatenate([t.judged for t in targets])),
    )  # fmt: skip


def change(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another exposure, contrast, gamma and colour of a picture, by a table a channel; now and then a covered patch."""
    ramp = np.arange(256) / 255.0
    gain, gamma, lift = np.exp(rng.normal(0.0, 0.18)), np.exp(rng.normal(0.0, 0.2)), rng.normal(0.0, 0.03)
    tint = np.exp(rng.normal(0.0, 0.06, 3))
    out = np.empty_like(rgb)
    for c in range(3):
        table = (np.clip(gain * tint[c] * ramp**gamma + lift, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
        out[:, :, c] = table[rgb[:, :, c]]
    if rng.random() < 0.05:
        out = np.repeat(out.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    for _ in range(rng.poisson(0.5)):
        y, x = int(rng.integers(0, rgb.shape[0])), int(rng.integers(0, rgb.shape[1]))
        h, w = int(rng.integers(4, 24)), int(rng.integers(4, 24))
        out[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return out
