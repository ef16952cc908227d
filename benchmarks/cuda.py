"""`python -m benchmarks cuda`: whole control steps of thousands of worlds on a CUDA device, checked against the CPU.

Kernels are compiled beforehand (`--compile`), on any machine with the extra `cuda`, or here, where it is installed.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.worker import ROOT

SIZES, QUICK_SIZES = (1024, 4096, 16384, 65536), (1024, 4096)
LIMIT = 240.0  # [s] that a process may take before it is ended
JOBS = 8  # processes that compile at most


class Figures:
    """What was found so far, written to a file after each answer."""

    def __init__(self, path: Path | None):
        self.path, self.found = path, {"machine": describe()}

    def profile(self, name: str) -> dict[str, Any]:
        """The figures of a profile, to be added to."""
        return self.found.setdefault(name, {"sizes": {}, "failed": {}})  # type: ignore[return-value]

    def save(self) -> None:
        """Write {"profiles": {"cuda": ...}} whole or not at all."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        temporary.write_text(json.dumps({"profiles": {"cuda": self.found}}, indent=1) + "\n")
        os.replace(temporary, self.path)


def compile_kernels(folder: Path, capability: tuple[int, int], names: Sequence[str]) -> None:
    """Compile into a folder, as many at a time as there are cores."""
    from benchmarks.cuda_worker import MODULE
    from simulator.cuda_images import build_images

    jobs = min(os.cpu_count() or 1, JOBS)
    _say(f"compiling {len(names)} kernels for compute capability {'.'.join(map(str, capability))} into {folder}")
    build_images(MODULE, names, capability, folder, jobs, _say)


def find_kernels(folder: Path | None, capability: tuple[int, int], names: Sequence[str]) -> Path:
    """A folder with the kernels: the given one, or one of the cache, compiled where they are not there yet.

    Raises:
        ImageError: the given folder does not do. PtxError: they cannot be compiled here.
    """
    from benchmarks.cuda_worker import MODULE
    from simulator.cuda_images import ImageError, load_images, sources_digest
    from world.kernel import cache_root

    if folder is not None:
        load_images(MODULE, names, capability, folder)
        return folder
    own = cache_root() / "cuda" / f"{capability[0]}{capability[1]}-{sources_digest(MODULE)[:16]}"
    try:
        load_images(MODULE, names, capability, own)
    except ImageError:
        compile_kernels(own, capability, names)
    return own


def ask(profile: str, kernels: Path, check: bool, sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The answers of a process of its own; its last is {"failed": why} where it did not come to its end."""
    command = [sys.executable, "-u", "-m", "benchmarks.cuda_worker", profile, str(kernels.resolve()),
               "check" if check else "no-check", ",".join(map(str, sizes))]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None and process.stderr is not None
    errors: list[str] = []
    reader = threading.Thread(target=lambda pipe: errors.extend(pipe), args=(process.stderr,), daemon=True)
    ender = threading.Timer(LIMIT, process.kill)
    reader.start()
    ender.start()
    try:
        for line in process.stdout:
            if line.startswith("answer "):
                yield json.loads(line[7:])
            else:
                _say(line.rstrip())
        status = process.wait()
        late = not ender.is_alive()
    finally:
        ender.cancel()
        process.kill()
    if status:
        reader.join(5.0)
        last = " | ".join("".join(errors).strip().splitlines()[-3:])
        yield {"failed": f"ended after {LIMIT:g} s" if late else f"status {status}: {last or 'it said nothing'}"}


def run_profile(name: str, kernels: Path, sizes: Sequence[int], figures: Figures) -> None:
    """Check and measure a profile; what fails is told, and the sizes after it are tried in a new process."""
    found, check, left = figures.profile(name), True, list(sizes)
    while check or left:
        for answer in ask(name, kernels, check, left):
            if "check" in answer:
                found["check"], check = answer["check"], False
            elif "size" in answer:
                found["sizes"][str(left.pop(0))] = answer["size"]
                check = False
            elif "failed" in answer:
                what = "check" if check else str(left.pop(0)) if left else "end"
                found["failed"][what], check = answer["failed"], False
                _say(f"{name}, {what}: {answer['failed']}")
            else:
                found |= answer
            figures.save()


def show(figures: Figures, profiles: Sequence[str], console: Console) -> None:
    """A table a profile, and what the check found."""
    for name in profiles:
        found = figures.profile(name)
        table = Table(title=f"{name} on {found.get('device', 'no device')}", title_justify="left")
        for column in ("worlds", "agents", "agent steps/s", "vehicle updates/s", "step [ms]", "KiB a world"):
            table.add_column(column, justify="right")
        table.add_column("most time")
        for size in found["sizes"].values():
            most = ", ".join(f"{k} {v:.0%}" for k, v in list(size["kernel_shares"].items())[:4])
            table.add_row(
                str(size["worlds"]), str(size["agents"]), f"{size['agent_steps_per_s']:,.0f}",
                f"{size['vehicle_updates_per_s']:,.0f}", f"{size['step_ms']:.2f}",
                f"{size['bytes_a_world'] / 1024:.1f}", most,
            )  # fmt: skip
        console.print(table)
        if "check" in found:
            _show_check(found["check"], console)
        for what, why in found["failed"].items():
            console.print(f"{what}: failed: {why}", highlight=False, markup=False)


def _show_check(check: dict[str, Any], console: Console) -> None:
    for steps, after in check["after"].items():
        apart = ", ".join(
            f"{n} {after[n]['median']:.1e} (at most {after[n]['largest']:.1e})" for n in ("x", "y", "speed")
        )
        console.print(
            f"after {steps} steps: {apart}; same lanes in {after['worlds_of_the_same_lanes']:.0%} of worlds, same hash "
            f"in {after['worlds_of_the_same_hash']:.0%}", highlight=False,
        )  # fmt: skip
    console.print(f"agrees with the CPU: {'yes' if check['agrees'] else 'NO'}", highlight=False)


def _say(line: str) -> None:
    print(line, flush=True)


def _sizes(text: str) -> tuple[int, ...]:
    from benchmarks.cuda_worker import HOST_WORLDS

    sizes = tuple(int(part) if part.isdigit() else 0 for part in text.split(","))
    if any(size < HOST_WORLDS or size % HOST_WORLDS for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are multiples of {HOST_WORLDS}, such as 1024,4096")
    return sizes


def _parser() -> argparse.ArgumentParser:
    from benchmarks.cuda_worker import PROFILES
    from simulator.__main__ import capability_of

    parser = argparse.ArgumentParser(prog="python -m benchmarks cuda", description=__doc__)
    parser.add_argument("--worlds", type=_sizes, help=f"numbers of worlds ({','.join(map(str, SIZES))})")
    parser.add_argument("--profile", action="append", choices=list(PROFILES), help="only this one")
    parser.add_argument("--quick", action="store_true", help=f"only {','.join(map(str, QUICK_SIZES))} worlds")
    parser.add_argument("--json", type=Path, help="file for all figures, written after each of them")
    parser.add_argument("--kernels", type=Path, help="folder of compiled kernels (the cache)")
    parser.add_argument("--compile", type=Path, metavar="FOLDER", help="only compile, into this folder; needs no GPU")
    parser.add_argument("--cc", type=capability_of, default=(9, 0), help="compute capability to compile for (9.0)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status: 2 where something is not there, 1 where something failed."""
    from benchmarks.cuda_worker import PROFILES, names_of
    from simulator.cuda_driver import CudaError, find_device
    from simulator.cuda_images import ImageError
    from simulator.ptx import PtxError

    args = _parser().parse_args(argv)
    profiles = args.profile or list(PROFILES)
    names = names_of(profiles)
    try:
        if args.compile is not None:
            compile_kernels(args.compile, args.cc, names)
            return 0
        name, capability = find_device()
        _say(f"{name}, compute capability {'.'.join(map(str, capability))}")
        kernels = find_kernels(args.kernels, capability, names)
    except (CudaError, ImageError, PtxError, ValueError) as error:
        print(f"benchmarks cuda: {error}", file=sys.stderr)
        return 2
    figures = Figures(args.json)
    for profile in profiles:
        run_profile(profile, kernels, args.worlds or (QUICK_SIZES if args.quick else SIZES), figures)
    show(figures, profiles, Console(soft_wrap=True))
    found = [figures.profile(profile) for profile in profiles]
    return 0 if all(not f["failed"] and f.get("check", {}).get("agrees") for f in found) else 1


if __name__ == "__main__":
    sys.exit(main())
