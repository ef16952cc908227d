"""`python -m perception train`: fit the networks that are shipped, on pictures that `generate` made."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perception.evaluate_crops import gtsrb_items
from world.names import unknown_name

NETS = ("eye", "signs", "lights")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--what", default="all", help=f"all or one of {', '.join(NETS)} (default: all)")
    parser.add_argument("--data", type=Path, nargs="+", default=[Path("runs/pictures/train")], metavar="DIR")
    parser.add_argument("--validation", type=Path, default=Path("runs/pictures/val"), metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("runs/perception"), metavar="DIR", help="checkpoints, logs")
    parser.add_argument("--epochs", type=float, default=14.0, help="of the eyes' network (default: %(default)s)")
    parser.add_argument("--minutes", type=float, help="of the eyes' network at most, over all sittings")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--start", type=Path, metavar="FILE", help="weights the eyes' network begins with")
    parser.add_argument("--flip", type=float, default=0.5, help="part of its pictures seen in a mirror (default: 0.5)")
    parser.add_argument(
        "--real", type=Path, metavar="PATH", help="signs: real crops in GTSRB's layout to train on, too (default: none)"
    )
    parser.add_argument("--device", default="cpu", help="of torch: cpu, cuda (default: cpu)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)


def main(args: argparse.Namespace) -> int:
    import torch

    wanted = NETS if args.what == "all" else (args.what,)
    for name in wanted:
        if name not in NETS:
            raise ValueError(unknown_name("network", name, (*NETS, "all")))
    if args.real is not None and "signs" not in wanted:
        raise ValueError(f"--real goes with --what signs, not {args.what}")
    if args.real is not None:
        gtsrb_items(args.real)  # what is wrong with it is told before hours of other training
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    try:
        _fit(wanted, args)
    finally:  # it changes what the whole thread computes: scipy's trees never end where tiny differences are zero
        torch.set_flush_denormal(False)
    return 0


def _fit(wanted: Sequence[str], args: argparse.Namespace) -> None:
    how: dict[str, Any] = {"device": args.device, "processes": args.threads, "data": args.data}
    for name in wanted:
        if name == "eye":
            from training.fit_eye import fit_eye

            path = fit_eye(
                args.data, args.validation, args.out / "eye", args.epochs, args.seed, args.batch, minutes=args.minutes,
                start=args.start, flip=args.flip, device=args.device, processes=args.threads,
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
