"""Training of the classifiers of crops on synthetic pictures; resumable by epochs."""

import json
import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from perception.networks.crop_nets import CropNet, predict
from world.files import whole

Crops = tuple[NDArray[np.uint8], NDArray[np.int64]]
Draw = Callable[[int, np.random.Generator], Crops]
_PART = 500  # crops of one generator of random numbers
_draw: Draw | None = None  # of the processes that draw: handed down by fork


def make_pool(draw: Draw, count: int, seed: int, path: Path, what: str, processes: int = 1) -> Crops:
    """Crops and classes, drawn once and kept in a file; the same whatever the number of processes."""
    global _draw
    if path.exists():
        with np.load(path, allow_pickle=False) as data:
            if len(data["classes"]) == count and int(data["seed"]) == seed:
                return data["crops"], data["classes"]
    jobs = [(min(_PART, count - first), [0xC20, seed, n]) for n, first in enumerate(range(0, count, _PART))]
    crops, classes = [], []
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    _draw = draw
    with Progress(*columns) as progress, ProcessPoolExecutor(processes, get_context("fork")) as pool:
        bar = progress.add_task(f"drawing {what}", total=count)
        for some, kinds in pool.map(_draw_some, jobs):
            crops.append(some)
            classes.append(kinds)
            progress.advance(bar, len(kinds))
    drawn = np.concatenate(crops), np.concatenate(classes)
    with whole(path) as part, open(part, "wb") as file:
        np.savez(file, crops=drawn[0], classes=drawn[1], seed=seed)
    return drawn


def _draw_some(job: tuple[int, list[int]]) -> Crops:
    assert _draw is not None
    return _draw(job[0], np.random.default_rng(job[1]))


def fit_crops(
    net: CropNet, pool: Crops, held: Crops, out: Path, epochs: int, seed: int, rate: float = 3e-3, batch: int = 256,
    device: str = "cpu", recipe: str = "",
) -> Path:  # fmt: skip
    """Train a classifier; the weights of the last epoch are in `out`, which is gone on with.

    Args:
        recipe: what the pool holds beside drawn and rendered crops; a checkpoint of another one is not gone on with.

    Raises:
        ValueError: a checkpoint of another network or recipe; fewer crops than a batch.
    """
    if len(pool[1]) < batch:
        raise ValueError(f"{len(pool[1])} crops to train on; allowed are {batch} (one batch) and more")
    torch.manual_seed(seed)
    net = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.02)
    steps = len(pool[1]) // batch
    first, best = _resume(net, out, recipe)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task(out.stem, total=epochs * steps, completed=first * steps)
        for epoch in range(first, epochs):
            rng = np.random.default_rng([0xC21, seed, epoch])
            net.train()
            for n, chosen in enumerate(rng.permutation(len(pool[1]))[: steps * batch].reshape(steps, batch)):
                part = (epoch * steps + n) / (epochs * steps)
                for group in optimiser.param_groups:
                    warm = min((epoch * steps + n + 1) / 200.0, 1.0)
                    group["lr"] = rate * warm * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * part)))
                crops = _jitter(pool[0][chosen], rng)
                with torch.autocast(torch.device(device).type, torch.bfloat16):
                    logits = net(torch.from_numpy(crops).to(device))
                classes = torch.from_numpy(pool[1][chosen]).to(device)
                loss = F.cross_entropy(logits.float(), classes, label_smoothing=0.05)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                progress.advance(bar)
            net.eval()
            found = predict(net, held[0]).argmax(dim=1).cpu().numpy()
            accuracy = float((found == held[1]).mean())
            print(
                f"{out.stem}: epoch {epoch + 1} of {epochs}, loss {float(loss.detach()):.3f}, held out {accuracy:.4f}",
                flush=True,
            )
            best = max(best, accuracy)
            _save(net, out, {"epoch": epoch + 1, "best": best, "recipe": recipe})
    return out


def _jitter(crops: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The same crops a little moved, and brighter or darker: a pool is seen many times."""
    out = np.empty_like(crops)
    n = crops.shape[1]
    padded = np.pad(crops, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    moves = rng.integers(0, 5, (len(crops), 2))
    gain = np.exp(rng.normal(0.0, 0.2, len(crops))).astype(np.float32)
    for i, (dy, dx) in enumerate(moves):
        out[i] = np.minimum(padded[i, dy : dy + n, dx : dx + n] * gain[i], 255.0)
    return out


def _save(net: CropNet, path: Path, about: dict[str, float | str]) -> None:
    tensors = {name: value.contiguous() for name, value in net.state_dict().items()}
    with whole(path) as part:
        save_file(tensors, part, metadata={"about": json.dumps(about)})


def _resume(net: CropNet, path: Path, recipe: str) -> tuple[int, float]:
    """(epochs done, best accuracy) of a checkpoint, whose weights the net takes over."""
    if not path.exists():
        return 0, 0.0
    try:
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["about"])
        net.load_state_dict(load_file(path))
        epoch, best, other = int(about["epoch"]), float(about["best"]), str(about.get("recipe", ""))
    except Exception as error:
        raise ValueError(f"{path}: no checkpoint of this network ({error}); remove it to begin anew") from error
    if other != recipe:
        told = other or "no real crops", recipe or "no real crops"
        raise ValueError(f"{path}: a checkpoint of {told[0]}, now it is {told[1]}; another --out, or remove it")
    return epoch, best
