"""`python -m benchmarks traffic`: vehicle updates a second, beside SUMO; `diagram`: flow against density; `cuda`:
worlds on a GPU."""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console


def _traffic(args: argparse.Namespace) -> int:
    from benchmarks.report import show_traffic
    from benchmarks.traffic import QUICK, TrafficConfig, run_traffic, say

    config = replace(QUICK if args.quick else TrafficConfig(), peers=not args.no_peers)
    found = run_traffic(config, say)
    show_traffic(found, Console(soft_wrap=True))
    _save(args.json, "traffic", found)
    return 0


def _diagram(args: argparse.Namespace) -> int:
    from benchmarks.diagram import QUICK, DiagramConfig, run_diagram, show_diagram

    found, pictures = run_diagram(QUICK if args.quick else DiagramConfig())
    show_diagram(found, Console(soft_wrap=True))
    _save(args.json, "diagram", found)
    if args.plot is not None:
        from benchmarks.plots import plot_diagram

        plot_diagram(found, pictures, args.plot)
        print(args.plot)
    return 0


def _save(path: Path | None, profile: str, found: dict[str, Any]) -> None:
    """Write {"profiles": {profile: found}} whole or not at all."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps({"profiles": {profile: found}}, indent=1) + "\n")
    beside.replace(path)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["cuda"]:
        from benchmarks.cuda import main as cuda_main

        return cuda_main(argv[1:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)
    traffic = commands.add_parser("traffic", help="500 and 5000 vehicles on a signalised grid, beside SUMO")
    traffic.add_argument("--no-peers", action="store_true", help="without SUMO, and so without installing it")
    traffic.set_defaults(run=_traffic)
    diagram = commands.add_parser("diagram", help="fundamental diagram of a ring and of the scenario highway")
    diagram.add_argument("--plot", type=Path, help="PNG to draw it into (extra [dev])")
    diagram.set_defaults(run=_diagram)
    for command in (traffic, diagram):
        command.add_argument("--json", type=Path, help="file for all figures")
        command.add_argument("--quick", action="store_true", help="shorter, less certain")
    args = parser.parse_args(argv)
    from benchmarks.peers import PeerError
    from benchmarks.worker import WorkerError

    try:
        return args.run(args)
    except (PeerError, WorkerError, OSError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
