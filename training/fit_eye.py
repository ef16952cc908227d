"""Training of the eyes' network: AdamW with warm-up and cosine, weights averaged over time, resumable."""

import copy
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import load_file, save_file
from torch import nn

from perception.dataset import Pictures, read_pictures
from perception.networks.batches import Encoded, batches, encode
from perception.networks.eye_net import EyeNet
from perception.networks.losses import Balance, TargetBatch, eye_losses
from training.checkpoints import optimiser_tensors, part_of, restore_optimiser
from world.files import whole

PATIENCE = 4  # epochs without a better validation loss, after half of the training, end it


def fit_eye(
    data: Sequence[Path], validation: Path, out: Path, epochs: float, seed: int = 0, batch: int = 32,
    rate: float = 2e-3, minutes: float | None = None, start: Path | None = None, flip: float = 0.5,
    device: str = "cpu", processes: int = 1,
) -> Path:  # fmt: skip
    """Train; returns the path of the averaged weights (safetensors). What is in `out` is gone on with.

    Args:
        data: folders of shards. validation: folder of shards. out: folder of checkpoints.
        minutes: the schedule is stretched to end after so long, counted over all sittings, where that comes first.
        start: weights to begin with; None: drawn by the seed. flip: part of the pictures that are seen in a mirror.
        device: of torch. processes: that make the targets, once, before the first step.

    Raises:
        ValueError: broken shards, checkpoint or weights; fewer pictures than a batch; nothing to do.
    """
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    pictures, held = read_pictures(data), read_pictures([validation], 512)
    if batch < 1 or len(pictures) < batch:
        raise ValueError(f"batches of {batch}: allowed are 1 to {len(pictures)}, the pictures that there are")
    if epochs <= 0.0 or (minutes is not None and minutes <= 0.0) or not 0.0 <= flip <= 1.0:
        raise ValueError(f"epochs {epochs}, minutes {minutes}: more than 0 is allowed; flip {flip}: 0 to 1")
    steps = len(pictures) // batch
    trainer = _Trainer(out, seed, batch, rate, int(epochs * steps), minutes, torch.device(device))
    if start is not None:
        trainer.begin(start)
    trainer.resume()
    encoded, ahead = encode(pictures, processes), max(processes // 4, 2)
    validate = held, encode(held, processes)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("eye", total=trainer.steps, completed=trainer.step)
        while not trainer.done:
            epoch, skip = divmod(trainer.step, steps)
            for x, target in batches(pictures, encoded, batch, seed, epoch, skip=skip, flip=flip, ahead=ahead):
                loss = trainer.one(x, target)
                progress.update(bar, completed=trainer.progress, total=trainer.steps, description=f"eye {loss:6.2f}")
                if trainer.done:
                    break
            else:
                if trainer.end_epoch(*validate):
                    break
                continue
            trainer.end_epoch(*validate)
    return trainer.path


class _Trainer:
    """Net, averaged net, optimiser, and their files."""

    def __init__(
        self, out: Path, seed: int, batch: int, rate: float, steps: int, minutes: float | None, device: torch.device
    ):  # fmt: skip
        self.out, self.seed, self.batch, self.rate = out, seed, batch, rate
        self.steps, self.minutes, self.device = max(steps, 1), minutes, device
        self.net = EyeNet().train().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean = copy.deepcopy(self.net).eval()
        self.balance = Balance().to(device)
        decay = [p for p in self.net.parameters() if p.ndim > 1]
        plain = [p for p in self.net.parameters() if p.ndim <= 1] + list(self.balance.parameters())
        groups = [{"params": decay, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99))
        self.step, self.spent, self.best, self.since_best = 0, 0.0, math.inf, 0
        self.loss, self._mark, self._log = math.nan, time.perf_counter(), None

    @property
    def path(self) -> Path:
        return self.out / "eye.safetensors"

    @property
    def part(self) -> float:
        """Of the schedule that is done, 0 to 1."""
        by_step = self.step / self.steps
        return by_step if self.minutes is None else max(by_step, self.spent / (60.0 * self.minutes))

    @property
    def progress(self) -> float:
        return self.part * self.steps

    @property
    def done(self) -> bool:
        return self.part >= 1.0

    def one(self, x: torch.Tensor, target: TargetBatch) -> float:
        """One step; returns the loss, now and then."""
        part = min(self.part, 1.0)
        warm = min((self.step + 1) / 200.0, 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * warm * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * part)))
        with torch.autocast(self.device.type, torch.bfloat16):
            answer = self.net(x.to(self.device, non_blocking=True))
        losses = eye_losses(answer, target.to(self.device))
        loss = self.balance(losses)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self._average()
        now = time.perf_counter()
        self.spent, self._mark = self.spent + now - self._mark, now
        if self.step % 50 == 0:
            self._write({f"train/{k}": float(v.detach()) for k, v in losses.items()})
            self.loss = float(loss.detach())
        return self.loss

    def _average(self) -> None:
        keep = min(0.998, (1.0 + self.step) / (10.0 + self.step))
        with torch.no_grad():
            for a, b in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                a.lerp_(b, 1.0 - keep)
            for a, b in zip(self.mean.buffers(), self.net.buffers(), strict=True):
                a.lerp_(b, 1.0 - keep) if a.is_floating_point() else a.copy_(b)

    def end_epoch(self, held: Pictures, encoded: Encoded) -> bool:
        """Validate, keep, and say whether to stop early."""
        losses: dict[str, float] = {}
        count = 0
        with torch.no_grad():
            for x, target in batches(held, encoded, self.batch, 0, 0, augment=False):
                answer = self.mean(x.to(self.device))
                for name, value in eye_losses(answer, target.to(self.device)).items():
                    losses[name] = losses.get(name, 0.0) + float(value)
                count += 1
        losses = {name: value / count for name, value in losses.items()}
        total = sum(losses.values())
        self._write({f"val/{k}": v for k, v in losses.items()} | {"val/total": total})
        told = " ".join(f"{k} {v:.3f}" for k, v in losses.items())
        print(f"step {self.step}, {self.spent / 60:.1f} min: validation {total:.3f} ({told})", flush=True)
        self._save(self.out / "last.safetensors", full=True)
        if total < self.best:
            self.best, self.since_best = total, 0
            self._save(self.path, full=False)
        else:
            self.since_best += 1
        return self.since_best > PATIENCE and self.part > 0.5

    def _write(self, scalars: dict[str, float]) -> None:
        if self._log is None:
            from torch.utils.tensorboard import SummaryWriter

            self._log = SummaryWriter(str(self.out / "log"))
        for name, value in scalars.items():
            self._log.add_scalar(name, value, self.step)

    def _save(self, path: Path, full: bool) -> None:
        """Weights of the averaged net, or all that going on takes; written aside, then renamed."""
        tensors = {f"mean.{k}": v.contiguous() for k, v in self.mean.state_dict().items()}
        if full:
            tensors |= {f"net.{k}": v.contiguous() for k, v in self.net.state_dict().items()}
            tensors |= {f"balance.{k}": v for k, v in self.balance.state_dict().items()}
            tensors |= optimiser_tensors(self.optimiser)
        else:
            tensors = {k.removeprefix("mean."): v for k, v in tensors.items()}
        about = {name: getattr(self, name) for name in ("step", "spent", "best", "since_best", "seed")}
        with whole(path) as part:
            save_file(tensors, part, metadata={"about": json.dumps(about)})

    def begin(self, path: Path) -> None:
        """Take the weights of an earlier training. Raises ValueError: they are no weights of this network."""
        try:
            tensors = {name: value.float() for name, value in load_file(path).items()}
            self.net.load_state_dict(tensors)
        except Exception as error:  # safetensors and torch have kinds of errors of their own
            raise ValueError(f"{path}: no weights of the eyes' network ({str(error).splitlines()[0]})") from error
        self.mean.load_state_dict(self.net.state_dict())

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        path = self.out / "last.safetensors"
        if not path.exists():
            return
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                about = json.loads(file.metadata()["about"])
            tensors = load_file(path)
            self.mean.load_state_dict(part_of(tensors, "mean."))
            self.net.load_state_dict(part_of(tensors, "net."))
            self.balance.load_state_dict(part_of(tensors, "balance."))
            restore_optimiser(self.optimiser, tensors)
        except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{path}: no checkpoint of this network ({error}); remove it to begin anew") from error
        for name in ("step", "spent", "best", "since_best"):
            setattr(self, name, about[name])
        self._mark = time.perf_counter()
