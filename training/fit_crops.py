"""Training of the classifiers of crops on synthetic pictures; resumable by epochs."""

import json
import math
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from perception.networks.crop_nets import CropNet, predict
from training.checkpoints import optimiser_tensors, part_of, restore_optimiser
from world.files import whole

Crops = tuple[NDArray[np.uint8], NDArray[np.int64]]
Draw = Callable[[int, np.random.Generator], Crops]
PATIENCE = 4  # epochs that judge the held-out crops worse than the best one did, after half of the training, end it
_PART = 500  # crops of one generator of random numbers
_PROBE = 8  # crops that tell whether a file of them was drawn as they are drawn now
_draw: Draw | None = None  # of the processes that draw: handed down by fork


def fingerprint(crops: Crops) -> str:
    """A name of just these crops, for recipes."""
    return f"{len(crops[1])} crops {zlib.crc32(crops[1].tobytes(), zlib.crc32(crops[0].tobytes())):08x}"


def mixed(parts: dict[str, Crops]) -> tuple[Crops, dict[str, str]]:
    """All crops as one pool, and its recipe: what each part is."""
    crops, classes = zip(*parts.values(), strict=True)
    pool = np.concatenate(crops), np.concatenate(classes)
    return pool, {name: fingerprint(part) for name, part in parts.items()}


def make_pool(draw: Draw, count: int, seed: int, path: Path, what: str, processes: int = 1) -> Crops:
    """Crops and classes, drawn once and kept in a file; the same whatever the number of processes.

    Raises:
        ValueError: the file holds others than those that would be drawn, or none.
    """
    global _draw
    probe = fingerprint(draw(_PROBE, np.random.default_rng([0xC24, seed])))
    if path.exists():
        return _kept(path, what, count, seed, probe)
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
        np.savez(file, crops=drawn[0], classes=drawn[1], seed=seed, probe=probe)
    return drawn


def _kept(path: Path, what: str, count: int, seed: int, probe: str) -> Crops:
    """The crops of a file, if they are those that are asked for."""
    try:
        with np.load(path, allow_pickle=False) as data:
            crops, classes, own_seed = data["crops"], data["classes"], int(data["seed"])
            own_probe = str(data["probe"]) if "probe" in data else probe  # older files have none
    except Exception as error:  # numpy, zipfile and zlib have kinds of errors of their own
        raise ValueError(f"{path}: no file of crops ({_first_line(error)}); remove it to draw them anew") from error
    there, wanted = (
        f"{n} {what} of seed {of} (the first few drawn: {name})"
        for n, of, name in ((len(classes), own_seed, own_probe), (count, seed, probe))
    )
    if there != wanted:
        raise ValueError(f"{path}: there are {there}, wanted are {wanted}; another --out, or remove it")
    return crops, classes


def _draw_some(job: tuple[int, list[int]]) -> Crops:
    assert _draw is not None
    return _draw(job[0], np.random.default_rng(job[1]))


def fit_crops(
    net: CropNet, pool: Crops, held: Crops, out: Path, epochs: int, seed: int, rate: float = 3e-3, batch: int = 256,
    device: str = "cpu", recipe: dict[str, str] | None = None, patience: int = PATIENCE,
) -> Path:  # fmt: skip
    """Train a classifier; `out` gets the weights of the epoch that judged the held-out crops best.

    `last.safetensors` beside it is gone on with as if the training had never been stopped, `log` is TensorBoard's.

    Args:
        recipe: what the pool is made of, by part; a checkpoint of another one is not gone on with.
        patience: epochs that may be worse than the best one before the training ends; none ends in its first half.

    Raises:
        ValueError: a checkpoint of another network or recipe; fewer crops than a batch.
    """
    if len(pool[1]) < batch:
        raise ValueError(f"{len(pool[1])} crops to train on; allowed are {batch} (one batch) and more")
    torch.manual_seed(seed)
    how = {"seed": str(seed), "epochs": str(epochs), "batch": str(batch), "rate": str(rate)}
    how |= {"held out": fingerprint(held), **(recipe or {})}
    trainer = _Trainer(net, out, rate, epochs, len(pool[1]) // batch, device, how)
    trainer.resume()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task(out.stem, total=epochs * trainer.steps, completed=trainer.step)
        while not trainer.done(patience):
            rng = np.random.default_rng([0xC21, seed, trainer.epoch])
            order = rng.permutation(len(pool[1]))[: trainer.steps * batch].reshape(trainer.steps, batch)
            for chosen in order:
                trainer.one(_jitter(pool[0][chosen], rng), pool[1][chosen])
                progress.advance(bar)
            trainer.end_epoch(held)
    trainer.close()
    return out


class _Trainer:
    """Net, optimiser, and their files."""

    def __init__(
        self, net: CropNet, out: Path, rate: float, epochs: int, steps: int, device: str, recipe: dict[str, str]
    ):  # fmt: skip
        self.out, self.rate, self.epochs, self.steps, self.recipe = out, rate, epochs, steps, recipe
        self.device = torch.device(device)
        self.net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.02)
        self.step, self.best, self.since_best = 0, 0.0, 0
        self._loss, self._log = torch.zeros(()), None

    @property
    def last(self) -> Path:
        return self.out.with_name("last.safetensors")

    @property
    def epoch(self) -> int:
        """How many are done."""
        return self.step // self.steps

    def done(self, patience: int) -> bool:
        return self.epoch >= self.epochs or (self.since_best > patience and 2 * self.epoch > self.epochs)

    def one(self, crops: NDArray[np.uint8], classes: NDArray[np.int64]) -> None:
        """One step."""
        self.net.train()
        warm, part = min((self.step + 1) / 200.0, 1.0), self.step / (self.epochs * self.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * warm * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * part)))
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.net(torch.from_numpy(crops).to(self.device))
        loss = F.cross_entropy(logits.float(), torch.from_numpy(classes).to(self.device), label_smoothing=0.05)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.step, self._loss = self.step + 1, loss.detach()
        if self.step % 50 == 0 or self.step % self.steps == 0:
            self._write({"train/loss": float(self._loss)})

    def end_epoch(self, held: Crops) -> None:
        """Judge the held-out crops, and keep what is to be kept."""
        self.net.eval()
        logits = predict(self.net, held[0]).float().cpu()
        accuracy = float((logits.argmax(dim=1).numpy() == held[1]).mean())
        self._write({"val/accuracy": accuracy, "val/loss": float(F.cross_entropy(logits, torch.from_numpy(held[1])))})
        told = f"loss {float(self._loss):.3f}, held out {accuracy:.4f}"
        print(f"{self.out.stem}: epoch {self.epoch} of {self.epochs}, {told}", flush=True)
        if accuracy >= self.best:  # of equals the later one: it was trained for longer
            self.best, self.since_best = accuracy, 0
            self._save(self.out, full=False)
        else:
            self.since_best += 1
        self._save(self.last, full=True)  # second: after a crash between the two the epoch is done again

    def _write(self, scalars: dict[str, float]) -> None:
        if self._log is None:
            from torch.utils.tensorboard import SummaryWriter

            self._log = SummaryWriter(str(self.out.with_name("log")), purge_step=self.step)
        for name, value in scalars.items():
            self._log.add_scalar(name, value, self.step)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def _save(self, path: Path, full: bool) -> None:
        """The weights, or all that going on takes; written aside, then renamed."""
        tensors = {name: value.contiguous() for name, value in self.net.state_dict().items()}
        if full:
            tensors = {f"net.{name}": value for name, value in tensors.items()}
            tensors |= optimiser_tensors(self.optimiser)
            tensors["rng.cpu"] = torch.get_rng_state()
            if self.device.type == "cuda":
                tensors["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        about = {name: getattr(self, name) for name in ("step", "best", "since_best", "recipe")}
        with whole(path) as part:
            save_file(tensors, part, metadata={"about": json.dumps(about)})

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        path = self.last
        if not path.exists():
            if self.out.exists() and _about(self.out).get("recipe") != self.recipe:  # else: of its own first epoch
                raise ValueError(f"{self.out}: weights without {path.name} to go on from; another --out, or remove it")
            return
        about = _about(path)
        there = about["recipe"] if isinstance(about.get("recipe"), dict) else {}
        odd = [name for name in there | self.recipe if there.get(name) != self.recipe.get(name)]
        if odd:
            was, now = (", ".join(f"{name} {of.get(name, 'none')}" for name in odd) for of in (there, self.recipe))
            raise ValueError(f"{path}: a checkpoint of {was}; now it is {now}; another --out, or remove that folder")
        try:
            tensors = load_file(path)
            self.net.load_state_dict(part_of(tensors, "net."))
            restore_optimiser(self.optimiser, tensors)
            torch.set_rng_state(tensors["rng.cpu"])
            if self.device.type == "cuda" and "rng.cuda" in tensors:
                torch.cuda.set_rng_state(tensors["rng.cuda"], self.device)
            self.step, self.since_best, self.best = int(about["step"]), int(about["since_best"]), float(about["best"])
        except Exception as error:
            raise ValueError(
                f"{path}: no checkpoint of this network ({_first_line(error)}); remove it to begin anew"
            ) from error


def _about(path: Path) -> dict[str, Any]:
    """What a file of weights tells of itself. Raises ValueError: it is none."""
    try:
        with safe_open(path, "pt") as file:
            return dict(json.loads((file.metadata() or {}).get("about", "{}")))
    except Exception as error:  # safetensors has kinds of errors of its own
        raise ValueError(f"{path}: no checkpoint ({_first_line(error)}); remove it to begin anew") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


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
