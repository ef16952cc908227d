"""Profile `traffic`: vehicle updates a second on a signalised grid at 0.1 s, beside SUMO.

Both simulate the same streets, limits, turns and kinds of vehicles, the same number of them all the time. Each runs in
a process of its own on one and the same core, window by window in turns (A B A B); the ratio is that of neighbours.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks import worker
from benchmarks.compare import spread
from benchmarks.grid_traffic import A_CALL, DT, SIZES, SWITCHED_ON, Size
from benchmarks.machine import describe, pick_core
from benchmarks.peers import PeerError, peer_python
from benchmarks.resets import measure_resets
from benchmarks.sumo_network import write_demand, write_network
from benchmarks.threads import measure_threads


@dataclass(frozen=True)
class TrafficConfig:
    """How long to measure."""

    sizes: tuple[Size, ...] = SIZES
    pairs: int = 7
    warm: float = 120.0  # [s] simulated before the first window
    wall: float = 1.5  # [s] of a window
    peers: bool = True
    seed: int = 1
    thread_worlds: int = 8
    resets: int = 10_000


QUICK = TrafficConfig(pairs=5, warm=10.0, wall=0.4, thread_worlds=4, resets=1000)


def run_traffic(config: TrafficConfig, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the profile, keyed as in docs/benchmarks.md."""
    core = pick_core()
    out: dict[str, Any] = {
        "what": f"dt {DT} s, {A_CALL} steps a call, no controlled agents, no observation; {SWITCHED_ON}",
        "machine": {**describe(), "pinned_core": core},
        "ours": {}, "sumo": {}, "ratio": {}, "ratio_by_cpu": {},
    }  # fmt: skip
    python = _sumo(config, say, out)
    for size in config.sizes:
        say(f"{size.vehicles} vehicles on {size.side} x {size.side} crossings")
        with tempfile.TemporaryDirectory() as folder:
            _compare(config, size, core, python, Path(folder), out)
    say("two threads")
    out["threads"] = measure_threads(config.sizes[0], config.thread_worlds, config.pairs, config.wall)
    say("resets and stored starts")
    out["resets"] = {size.name: measure_resets(size, config.resets) for size in config.sizes[:1]}
    return out


def _sumo(config: TrafficConfig, say: Callable[[str], None], out: dict[str, Any]) -> str | None:
    """Python of SUMO's environment, None without it."""
    if not config.peers:
        return None
    try:
        return peer_python("sumo")
    except PeerError as error:
        out["sumo"]["missing"] = str(error)
        say(f"without SUMO: {error}")
        return None


def _compare(
    config: TrafficConfig, size: Size, core: int, python: str | None, folder: Path, out: dict[str, Any]
) -> None:
    """Measure one size."""
    streets = write_network(size.road_map(), folder)
    out.setdefault("street_km", {})[size.name] = round(float(streets.length[streets.lanes].sum()) / 1000.0, 2)
    workers = {"ours": worker.ours(size.vehicles, size.side, size.block, core, config.seed)}
    try:
        if python is not None:
            seconds = config.warm + 3600.0  # more than SUMO gets through in all windows
            write_demand(streets, size.vehicles, config.seed, 8.0 * seconds, folder)
            script = str(Path(__file__).with_name("sumo_worker.py"))
            command = [python, script, str(folder), str(core), str(config.seed)]
            try:
                workers["sumo"] = worker.Worker("SUMO", command)
            except worker.WorkerError as error:
                _without_sumo(error, out)
        windows, looks = _windows(config, workers, out)
        for name, at_work in workers.items():
            out[name][size.name] = _figures(at_work, windows[name], looks[name])
    finally:
        for at_work in workers.values():
            at_work.close()
    if "sumo" in windows:
        pairs = list(zip(windows["ours"], windows["sumo"], strict=True))
        out["ratio"][size.name] = spread([_rate(a) / _rate(b) for a, b in pairs])
        by_cpu = [a["updates"] / a["cpu"] / (b["updates"] / b["cpu"]) for a, b in pairs]
        out["ratio_by_cpu"][size.name] = spread(by_cpu)


def _windows(
    config: TrafficConfig, workers: dict[str, worker.Worker], out: dict[str, Any]
) -> tuple[dict[str, list], dict[str, list]]:
    """Windows of all workers in turns, and what traffic was like after each; without SUMO from where it fails."""
    try:
        return _all_windows(config, workers)
    except worker.WorkerError as error:
        if "sumo" not in workers or error.worker != "SUMO":
            raise
        _without_sumo(error, out)
        workers.pop("sumo").close()
        return _all_windows(config, workers)


def _without_sumo(error: worker.WorkerError, out: dict[str, Any]) -> None:
    out["sumo"]["missing"] = str(error)
    say(f"without SUMO: {error}")


def _all_windows(config: TrafficConfig, workers: dict[str, worker.Worker]) -> tuple[dict[str, list], dict[str, list]]:
    for at_work in workers.values():
        at_work.ask("warm", seconds=config.warm)
    windows, looks = ({name: [] for name in workers} for _ in range(2))
    for _ in range(config.pairs):
        for name, at_work in workers.items():
            windows[name].append(at_work.ask("window", wall=config.wall))
            looks[name].append(at_work.ask("look"))
    return windows, looks


def _rate(window: dict[str, float]) -> float:
    return window["updates"] / window["wall"]


def _figures(at_work: worker.Worker, windows: list[dict], looks: list[dict]) -> dict[str, Any]:
    rates = spread([_rate(w) for w in windows])
    return {
        "vehicle_updates_per_s": rates["median"],
        "range": [rates["min"], rates["max"]],
        "vehicle_updates_per_cpu_s": median(w["updates"] / w["cpu"] for w in windows),
        "share_of_core": mean(w["cpu"] / w["wall"] for w in windows),
        "vehicles": mean(look["vehicles"] for look in looks),
        "mean_speed": mean(look["mean_speed"] for look in looks),
        "standing": mean(look["standing"] for look in looks),
        "simulated_s": sum(w["steps"] for w in windows) * DT,
        "resident_mib": max(look["resident_mib"] for look in looks),
        "start_up_s": at_work.start_up,
    }


def say(line: str) -> None:
    """Progress, apart from results."""
    print(line, file=sys.stderr, flush=True)
