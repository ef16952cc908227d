"""`python -m perception train`: fit the networks that are shipped, on pictures that `generate` made."""

import argparse
import importlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perception.evaluate_crops import gtsrb_items
from world.names import unknown_name

NETS = ("eye", "signs", "lights")
_DEVICES = ("cpu", "cuda", "mps")
_NEEDED = ("torch", "safetensors", "tensorboard")  # missed at once, not after an hour


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--what", default="all", help=f"all or one of {', '.join(NETS)} (default: all)")
    parser.add_argument("--data", type=Path, nargs="+", default=[Path("runs/pictures/train")], metavar="DIR")
    parser.add_argument("--validation", type=Path, default=Path("runs/pictures/val"), metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("runs/perception"), metavar="DIR", help="checkpoints, logs")
    parser.add_argument("--epochs", type=float, default=14.0, help="of the eyes' network (default: %(default)s)")
    parser.add_argument("--minutes", type=float, help="of the eyes' network at most, over all sittings")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3, help="of learning, of the eyes' network (default: 0.002)")
    parser.add_argument("--start", type=Path, metavar="FILE", help="weights the eyes' network begins with")
    parser.add_argument("--flip", type=float, default=0.5, help="part of its pictures seen in a mirror (default: 0.5)")
    parser.add_argument(
        "--real", type=Path, metavar="PATH", help="signs: real crops in GTSRB's layout to train on, too (default: none)"
    )
    parser.add_argument("--device", default="cpu", help="of torch: cpu, cuda (default: cpu)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)


def main(args: argparse.Namespace) -> int:
    wanted = NETS if args.what == "all" else (args.what,)
    for name in wanted:
        if name not in NETS:
            raise ValueError(unknown_name("network", name, (*NETS, "all")))
    if args.real is not None and "signs" not in wanted:
        raise ValueError(f"--real goes with --what signs, not {args.what}")
    _check(args)
    if args.real is not None:
        gtsrb_items(args.real)  # what is wrong with it is told before hours of other training
    for name in _NEEDED:
        importlib.import_module(name)
    import torch

    _check_device(args.device)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    try:
        _fit(wanted, args)
    finally:  # it changes what the whole thread computes: scipy's trees never end where tiny differences are zero
        torch.set_flush_denormal(False)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Raises ValueError: numbers that cannot be."""
    if args.threads < 1:
        raise ValueError(f"--threads {args.threads}: allowed is 1 or more")
    if not 0 <= args.seed < 1 << 63:
        raise ValueError(f"--seed {args.seed}: allowed is 0 to 2**63 - 1")
    for name, value in (("epochs", args.epochs), ("minutes", args.minutes), ("rate", args.rate)):
        if value is not None and not math.isfinite(value):
            raise ValueError(f"--{name} {value}: a finite number is needed")
    if args.rate <= 0.0:
        raise ValueError(f"--rate {args.rate}: more than 0 is allowed")


def _check_device(name: str) -> None:
    """Raises ValueError: torch knows no such device, or this machine has none."""
    import torch

    kind = name.partition(":")[0]
    if kind not in _DEVICES:
        raise ValueError(unknown_name("device", kind, _DEVICES))
    try:
        torch.zeros(1, device=name)
    except Exception as error:  # torch has many kinds of errors for it
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"--device {name}: torch cannot use it here ({told})") from error


def _fit(wanted: Sequence[str], args: argparse.Namespace) -> None:
    how: dict[str, Any] = {"device": args.device, "processes": args.threads, "data": args.data}
    for name in wanted:
        if name == "eye":
            from training.fit_eye import fit_eye

            path = fit_eye(
                args.data, args.validation, args.out / "eye", args.epochs, args.seed, args.batch, args.rate,
                minutes=args.minutes, start=args.start, flip=args.flip, device=args.device, processes=args.threads,
            )  # fmt: skip
        elif name == "signs":
            from training.signs import fit_signs

            path = fit_signs(args.out / "signs", args.seed, real=args.real, **how)
        else:
            from training.lights import fit_lights

            path = fit_lights(
                args.out / "lights", args.seed, device=args.device, processes=args.threads, data=args.data
            )
        print(f"{name}: {path}")
