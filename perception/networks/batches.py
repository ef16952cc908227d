"""Pictures and targets in batches, with photometric augmentation and mirrors."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from perception.dataset import Pictures
from perception.layout import DETECTION_CHANNELS, OFFSET, YAW
from perception.networks.losses import TargetBatch
from perception.targets import Target, make_target

_PART = 256  # pictures that are encoded at a time
_ramp = np.arange(256) / 255.0
_MIRROR = np.ones(DETECTION_CHANNELS, np.float32)
_MIRROR[[OFFSET.start, YAW.start]] = -1.0  # the sine: what turned to the left turns to the right
_OF_CELLS = ("cell", "share", "value", "kind", "judged")
_pictures: Pictures | None = None  # of the processes that encode: handed down by fork, as they are too large to send


@dataclass(frozen=True, eq=False)
class Encoded:
    """Targets of N pictures, made once, as in perception.targets; cells of all pictures one after the other."""

    seg: NDArray[np.uint8]  # (N, SEG_CLASSES, h, w)
    line_x: NDArray[np.float32]  # (N, LINE_SLOTS, h)
    line_state: NDArray[np.int8]  # (N, LINE_SLOTS, h)
    line_trait: NDArray[np.uint8]  # (N, LINE_SLOTS, LINE_TRAITS)
    heat: NDArray[np.float16]  # (N, 5, h, w)
    weight: NDArray[np.bool_]  # (N, 5, h, w)
    start: NDArray[np.int64]  # (N + 1,) where the cells of each picture begin
    cell: NDArray[np.int32]  # (D, 2)
    share: NDArray[np.float32]  # (D,)
    value: NDArray[np.float32]  # (D, DETECTION_CHANNELS)
    kind: NDArray[np.int8]  # (D,)
    judged: NDArray[np.bool_]  # (D, 2)


def encode(pictures: Pictures, processes: int = 1) -> Encoded:
    """Targets of all pictures."""
    global _pictures
    _pictures = pictures
    parts = [range(n, min(n + _PART, len(pictures))) for n in range(0, len(pictures), _PART)]
    try:
        if processes == 1:
            done = [_encode(part) for part in parts]
        else:
            with ProcessPoolExecutor(processes, get_context("fork")) as pool:
                done = list(pool.map(_encode, parts))
    finally:
        _pictures = None
    counts = np.concatenate([part.pop("start") for part in done])
    arrays = {name: np.concatenate([part[name] for part in done]) for name in done[0]}
    return Encoded(**arrays, start=np.concatenate([[0], np.cumsum(counts)]))


def _encode(which: range) -> dict[str, NDArray]:
    """Arrays of Encoded of some pictures; `start` counts cells."""
    assert _pictures is not None
    targets = [make_target(_pictures, i) for i in which]
    out = {name: np.stack([getattr(t, name) for t in targets]) for name in Target._fields[:4]}
    out["heat"] = np.stack([t.heat.astype(np.float16) for t in targets])
    out["weight"] = np.stack([t.weight > 0.0 for t in targets])
    out |= {name: np.concatenate([getattr(t, name) for t in targets]) for name in _OF_CELLS}
    return out | {"start": np.array([len(t.cell) for t in targets])}


def batches(
    pictures: Pictures, encoded: Encoded, size: int, seed: int, epoch: int, augment: bool = True, skip: int = 0,
    flip: float = 0.0, ahead: int = 2,
) -> Iterator[tuple[torch.Tensor, TargetBatch]]:  # fmt: skip
    """(pictures (N, H, W, 3) uint8, targets) of one epoch, in an order drawn by (seed, epoch).

    Args:
        skip: batches left out at the beginning. flip: part of the pictures that are seen in a mirror.
        ahead: batches that threads make while the last is used.
    """
    order = np.random.default_rng([0xBA7C4, seed, epoch]).permutation(len(pictures))
    order = order if augment else np.arange(len(pictures))

    def make(n: int) -> tuple[torch.Tensor, TargetBatch]:
        chosen = order[n * size : (n + 1) * size]
        rng = np.random.default_rng([0xBA7C5, seed, epoch, n])
        rgb = np.stack([change(pictures.rgb[i], rng) if augment else pictures.rgb[i] for i in chosen])
        turned = rng.random(len(chosen)) < (flip if augment else 0.0)
        rgb[turned] = rgb[turned, :, ::-1]
        return torch.from_numpy(rgb), target_batch(encoded, chosen, turned)

    count = len(order) // size if augment else -(-len(order) // size)
    with ThreadPoolExecutor(ahead) as pool:
        coming = deque(pool.submit(make, n) for n in range(skip, min(skip + ahead, count)))
        for n in range(skip + ahead, count + ahead):
            if not coming:
                return
            ready = coming.popleft().result()
            if n < count:
                coming.append(pool.submit(make, n))
            yield ready


def target_batch(encoded: Encoded, chosen: NDArray[np.integer], turned: NDArray[np.bool_]) -> TargetBatch:
    """Targets of some pictures. Args: turned: (N,) those seen in a mirror: left is right, for the lanes as well."""
    parts = {name: getattr(encoded, name)[chosen] for name in Target._fields[:6]}
    width = parts["heat"].shape[3]
    for name in ("seg", "heat", "weight"):
        parts[name][turned] = parts[name][turned, :, :, ::-1]
    parts["line_x"][turned] = width - 1 - parts["line_x"][turned]
    for name in ("line_x", "line_state", "line_trait"):
        parts[name][turned] = parts[name][turned, ::-1]
    first, last = encoded.start[chosen], encoded.start[chosen + 1]
    at = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
    picture = np.repeat(np.arange(len(chosen)), last - first)
    cell, value = encoded.cell[at], encoded.value[at]
    mirrored = turned[picture]
    cell[mirrored, 1] = width - 1 - cell[mirrored, 1]
    value[mirrored] *= _MIRROR
    tensors = {name: torch.from_numpy(part) for name, part in parts.items()}
    return TargetBatch(
        **tensors, where=torch.from_numpy(np.column_stack([picture, cell]).astype(np.int64)),
        value=torch.from_numpy(value), kind=torch.from_numpy(encoded.kind[at].astype(np.int64)),
        judged=torch.from_numpy(encoded.judged[at]), share=torch.from_numpy(encoded.share[at]),
    )  # fmt: skip


def change(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another exposure, contrast, gamma and colour of a picture, by a table a channel; now and then a covered patch."""
    gain, gamma, lift = np.exp(rng.normal(0.0, 0.18)), np.exp(rng.normal(0.0, 0.2)), rng.normal(0.0, 0.03)
    tint = np.exp(rng.normal(0.0, 0.06, 3))
    table = np.clip((gain * _ramp**gamma)[:, None] * tint + lift, 0.0, 1.0) * 255.0 + 0.5
    out = np.asarray(cv2.LUT(rgb, table.astype(np.uint8).reshape(256, 1, 3)), np.uint8)
    if rng.random() < 0.05:
        out[:] = cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)[:, :, None]
    if rng.random() < 0.3:
        _shade(out, rng)
    if rng.random() < 0.2:
        _bonnet(out, rng)
    for _ in range(rng.poisson(0.5)):
        y, x = int(rng.integers(0, rgb.shape[0])), int(rng.integers(0, rgb.shape[1]))
        h, w = int(rng.integers(4, 24)), int(rng.integers(4, 24))
        out[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return out


def _shade(rgb: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Shadows with sharp edges fall on the lower half, as those of trees do."""
    height, width = rgb.shape[:2]
    shadow = np.full((height, width), 255, np.uint8)
    for _ in range(int(rng.integers(1, 6))):
        centre = rng.uniform((0.0, 0.5), (1.0, 1.0)) * (width, height)
        size = rng.uniform((0.05, 0.02), (0.5, 0.2)) * (width, height)
        angles = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
        ring = np.stack((np.cos(angles), np.sin(angles)), axis=1) * rng.uniform(0.4, 1.2, (12, 1)) * size + centre
        cv2.fillPoly(shadow, [ring.astype(np.int32)], int(255 * rng.uniform(0.3, 0.8)))
    shadow = cv2.blur(shadow, (3, 3))
    cv2.multiply(rgb, cv2.cvtColor(shadow, cv2.COLOR_GRAY2RGB), rgb, 1.0 / 255.0)


def _bonnet(rgb: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """The bonnet of the own vehicle hides the nearest ground; the lines below it go on as those above do."""
    height, width = rgb.shape[:2]
    x = np.linspace(-0.05, 1.05, 24)
    top = 1.0 - rng.uniform(0.04, 0.3) * (1.0 - np.abs((x - rng.uniform(0.4, 0.6)) / 0.6) ** rng.uniform(2.0, 5.0))
    outline = np.concatenate([np.stack((x, top), axis=1), [(1.05, 1.1), (-0.05, 1.1)]]) * (width, height)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [outline.astype(np.int32)], 255)
    far = np.clip((np.arange(height) / height - 0.7) / 0.3, 0.0, 1.0)[:, None, None]
    color = rng.uniform(5.0, 160.0) * rng.uniform(0.8, 1.2, 3) * (1.0 + rng.uniform(-0.7, 0.7) * far)
    paint = np.clip(np.broadcast_to(color, rgb.shape) + rng.normal(0.0, 4.0, (height, width, 1)), 0.0, 255.0)
    sky = rgb[height // 3 :: -1]  # what it mirrors
    part = rng.uniform(0.0, 0.5)
    paint[-len(sky) :] = paint[-len(sky) :] * (1.0 - part) + sky * part
    rgb[mask > 0] = paint[mask > 0].astype(np.uint8)
