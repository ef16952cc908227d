"""`python -m benchmarks [PROFILE...]`: rates beside those of peers; others: see --help."""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.compare import Follow
from benchmarks.machine import describe
from benchmarks.profiles import PROFILES, Options, Profile, chosen

OWN = {  # what has tables of its own, and is measured where it is named only
    "diagram": "fundamental diagram of a ring and of the scenario highway",
    "observations": "what each observation costs a driver",
    "camera": "pictures of the renderer, and what each of their troubles costs; CarRacing-v3",
    "eyes": "a tick of the perception, and its memory",
    "sensors": "environments that see pictures or perceive, lidars and radars",
    "cores": "what a second core gives to threads and to processes",
}
WIDTH = 140  # characters of a table in a file or a pipe


def measure(profiles: list[Profile], options: Options, path: Path | None = None) -> dict[str, dict[str, Any]]:
    """Figures of all profiles by name; one that fails as a whole says why under `failed`, and the others go on.

    Args:
        path: of the JSON, which is written after each profile.
    """
    from benchmarks.peers import PeerError
    from benchmarks.worker import WorkerError

    found: dict[str, dict[str, Any]] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for number, profile in enumerate(profiles, 1):
            bar = progress.add_task(f"{number}/{len(profiles)} {profile.name}", total=None)

            def tick(share: float, bar: Any = bar) -> None:
                progress.update(bar, total=1.0, completed=share)

            try:
                found[profile.name] = profile.run(options, Follow(lambda line: _say(progress, line), tick))
            except (PeerError, WorkerError, OSError, ValueError) as error:  # a map that cannot be built, too
                _say(progress, f"{profile.name}: {error}")
                found[profile.name] = {"what": profile.step, "rate": profile.rate, "failed": str(error)}
            progress.remove_task(bar)
            _save(path, found)
    return found


def _say(progress: Progress, line: str) -> None:
    progress.console.print(line, highlight=False, markup=False, soft_wrap=True)


def show(found: dict[str, dict[str, Any]], console: Console) -> None:
    """The details of `traffic`, then the table of all."""
    from benchmarks.report import show_traffic
    from benchmarks.table import show_all

    if "threads" in found.get("traffic", {}):
        show_traffic(found["traffic"], console)
    show_all(found, console)


def _diagram(args: argparse.Namespace, plot: Path | None) -> dict[str, Any]:
    from benchmarks.diagram import QUICK, DiagramConfig, run_diagram, show_diagram

    found, pictures = run_diagram(QUICK if args.quick else DiagramConfig())
    show_diagram(found, Console(soft_wrap=True))
    if plot is not None:
        from benchmarks.plots import plot_diagram

        plot_diagram(found, pictures, plot)
        print(plot)
    return found


def _cores(args: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.cores import QUICK, CoresConfig, measure_cores, show_cores

    found = measure_cores(QUICK if args.quick else CoresConfig())
    show_cores(found, Console(soft_wrap=True))
    return found


def _observations(args: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.machine import pick_core
    from benchmarks.observations import ObservationConfig, measure_observations, show_observations
    from benchmarks.peer_side.serving import pin

    pin(pick_core())
    found = measure_observations(ObservationConfig(scenario=args.scenario, worlds=args.worlds))
    show_observations(found, Console(soft_wrap=True))
    return found


def _camera(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and print the renderer's pictures."""
    from dataclasses import replace

    from rich.console import Console

    from benchmarks.camera import QUICK, CameraConfig, measure_camera, show_camera
    from benchmarks.machine import pick_core
    from benchmarks.peer_side.serving import pin

    pin(pick_core())
    found = measure_camera(replace(QUICK if args.quick else CameraConfig(), scenario=args.scenario))
    show_camera(found, Console(soft_wrap=True))
    return found


def _eyes(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and print what the perception costs."""
    from dataclasses import replace

    from rich.console import Console

    from benchmarks.eyes import QUICK, EyesConfig, measure_eyes, show_eyes
    from benchmarks.machine import pick_core
    from benchmarks.peer_side.serving import pin

    pin(pick_core())
    found = measure_eyes(replace(QUICK if args.quick else EyesConfig(), scenario=args.scenario))
    show_eyes(found, Console(soft_wrap=True))
    return found


def _sensors(args: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.machine import pick_core
    from benchmarks.peer_side.serving import pin
    from benchmarks.sensors import QUICK, SensorsConfig, measure_sensors, show_sensors

    pin(pick_core())
    found = measure_sensors(replace(QUICK if args.quick else SensorsConfig(), scenario=args.scenario))
    show_sensors(found, Console(soft_wrap=True))
    return found


def _save(path: Path | None, found: dict[str, dict[str, Any]]) -> None:
    """Write {"machine": ..., "profiles": found} whole or not at all."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps({"machine": describe(), "profiles": found}, indent=1) + "\n")
    beside.replace(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog="profiles: "
        + "; ".join(f"{p.name}, {p.title}" for p in PROFILES.values())
        + "".join(f"; {name}, {title}" for name, title in OWN.items()),
    )
    parser.add_argument("profile", nargs="*", metavar="PROFILE", help=f"default: all but {' and '.join(OWN)}")
    parser.add_argument("--json", type=Path, metavar="PATH", help="file for all figures")
    parser.add_argument("--quick", action="store_true", help="shorter, less certain")
    parser.add_argument("--no-peers", action="store_true", help="without peers, and so without installing them")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="chart of all rates, picture of the diagram ([dev])")
    parser.add_argument("--scenario", default="town01", help="of observations, camera, eyes and sensors")
    parser.add_argument("--worlds", type=int, default=64, help="of observations")
    return parser


def _failed(name: str, figures: dict[str, Any]) -> bool:
    ours = [c.key for c in PROFILES[name].contenders if c.ours]
    return "failed" in figures or any("missing" in figures.get(key, {}) for key in ours)


def run(args: argparse.Namespace) -> int:
    """Measure, show and save; the exit status: 0, or 2 where a profile, or our side of one, failed."""
    names = [name for name in args.profile if name not in OWN]
    found: dict[str, dict[str, Any]] = {}
    if names or not args.profile:
        found = measure(chosen(names), Options(quick=args.quick, peers=not args.no_peers), args.json)
        show(found, Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH))
        if args.plot is not None:
            from benchmarks.chart import plot_profiles

            plot_profiles(found, args.plot)
            print(args.plot)
    failed = any(_failed(name, figures) for name, figures in found.items())
    if "diagram" in args.profile:
        plot = args.plot if args.plot is None or not names else args.plot.with_stem(f"{args.plot.stem}-diagram")
        found["diagram"] = _diagram(args, plot)
    if "cores" in args.profile:  # before what stays on one core
        found["cores"] = _cores(args)
    if "observations" in args.profile:
        found["observations"] = _observations(args)
    if "camera" in args.profile:
        found["camera"] = _camera(args)
    if "eyes" in args.profile:
        found["eyes"] = _eyes(args)
    if "sensors" in args.profile:
        found["sensors"] = _sensors(args)
    _save(args.json, found)
    return 2 if failed else 0


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["cuda"]:
        from benchmarks.cuda import main as cuda_main

        return cuda_main(argv[1:])
    args = _parser().parse_args(argv)
    try:
        return run(args)
    except (ValueError, OSError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
