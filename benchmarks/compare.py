"""Contenders of one profile, each in a process of its own on one core, window by window in turns (A B C A B C).

A host's speed may drift by a factor of two, so a ratio is that of neighbouring windows; its median and range count.
A contender that cannot start, or that dies, is told with its reason; the others go on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from benchmarks.machine import describe, pick_core
from benchmarks.peer_side.serving import COUNTS
from benchmarks.peers import PeerError
from benchmarks.worker import Worker, WorkerError

RATES = tuple(f"{count}_per_s" for count in COUNTS)


@dataclass(frozen=True)
class Contender:
    """One that is measured: us, or a peer.

    Attributes: `key`, its name in the JSON; `title`, its name in tables; `start`, which makes its worker on a core;
    None where the profile has a procedure of its own; `goal`, what we aim at, in the profile's rate.
    """

    key: str
    title: str
    start: Callable[[int], Worker] | None = None
    ours: bool = False
    goal: float | None = None


@dataclass(frozen=True)
class Timing:
    """How long to measure."""

    pairs: int = 7
    wall: float = 1.5  # [s] of a window at least; a worker ends what it has begun
    warm: float = 2.0  # [s] before the first window


QUICK = Timing(pairs=5, wall=0.4, warm=0.5)


@dataclass(frozen=True)
class Follow:
    """Who follows the measurement: `say` gets lines, `tick` is called after each round of windows with its share."""

    say: Callable[[str], None]
    tick: Callable[[float], None] = lambda share: None


def compare(contenders: tuple[Contender, ...], rate: str, timing: Timing, follow: Follow) -> dict[str, Any]:
    """Measure contenders in turns.

    Args:
        rate: of RATES, the one that ratios are taken of.

    Returns:
        A dictionary for each contender under its key (figures, or `missing` with the reason), `ratio`
        {ours: {peer: {median, min, max}}}, the same by CPU time under `ratio_by_cpu`, `machine`.

    Raises:
        ValueError: a contender without a worker.
    """
    core = pick_core()
    out: dict[str, Any] = {"machine": {**describe(), "pinned_core": core}}
    workers = _start(contenders, core, out, follow)
    try:
        windows = _windows(workers, timing, out, follow)
        for key, look in _looks(workers, out, follow).items():
            out[key] = figures(workers[key], windows[key], look)
    finally:
        for at_work in workers.values():
            at_work.close()
    left = [c for c in contenders if c.key in workers]
    for name, by in (("ratio", "wall"), ("ratio_by_cpu", "cpu")):
        out[name] = {
            a.key: {b.key: ratio(windows[a.key], windows[b.key], rate, by) for b in left if not b.ours}
            for a in left
            if a.ours
        }
    return out


def _start(contenders: tuple[Contender, ...], core: int, out: dict[str, Any], follow: Follow) -> dict[str, Worker]:
    workers = {}
    for contender in contenders:
        if contender.start is None:
            raise ValueError(f"contender {contender.key} has no worker that could be started")
        follow.say(f"starting {contender.title}")
        try:
            workers[contender.key] = contender.start(core)
        except (PeerError, WorkerError, OSError) as error:
            _missing(contender.key, error, out, follow)
    return workers


def _windows(workers: dict[str, Worker], timing: Timing, out: dict[str, Any], follow: Follow) -> dict[str, list[dict]]:
    """Windows of all workers in turns, after one that only warms up."""
    windows: dict[str, list[dict]] = {key: [] for key in workers}
    for round_ in range(timing.pairs + 1):
        for key in list(workers):
            seen = _ask(key, workers, out, follow, "window", wall=timing.wall if round_ else timing.warm)
            if round_ and seen is not None:
                windows[key].append(seen)
        follow.tick(round_ / timing.pairs)
    return windows


def _looks(workers: dict[str, Worker], out: dict[str, Any], follow: Follow) -> dict[str, dict]:
    """Memory of each worker."""
    looks = {key: _ask(key, workers, out, follow, "look") for key in list(workers)}
    return {key: look for key, look in looks.items() if look is not None}


def _ask(
    key: str, workers: dict[str, Worker], out: dict[str, Any], follow: Follow, do: str, **more: float
) -> dict[str, Any] | None:
    """The answer of one worker; where it died, None, and the worker is no more among `workers`."""
    try:
        return workers[key].ask(do, **more)
    except WorkerError as error:
        _missing(key, error, out, follow)
        workers.pop(key).close()
        return None


def _missing(key: str, error: Exception, out: dict[str, Any], follow: Follow) -> None:
    out[key] = {"missing": str(error)}
    follow.say(f"without {key}: {error}")


def pace(window: dict[str, float], rate: str, by: str = "wall") -> float:
    """A rate of RATES in one window, by wall clock or by `cpu` time."""
    return window[rate.removesuffix("_per_s")] / window[by]


def figures(at_work: Worker, windows: list[dict], look: dict[str, float]) -> dict[str, Any]:
    """Medians of the rates that the worker counts, their ranges, and what a step held."""
    counted = [rate for rate in RATES if any(pace(w, rate) for w in windows)]
    rates = {rate: [pace(w, rate) for w in windows] for rate in counted}
    content = at_work.ready["content"]
    out: dict[str, Any] = {rate: median(values) for rate, values in rates.items()}
    out["ranges"] = {rate: [min(values), max(values)] for rate, values in rates.items()}
    out["per_cpu_s"] = {rate: median(pace(w, rate, "cpu") for w in windows) for rate in counted}
    out["share_of_core"] = mean(w["cpu"] / w["wall"] for w in windows)
    out["start_up_s"] = at_work.start_up
    out["resident_mib"], out["mib_a_world"] = look["resident_mib"], look["mib_a_world"]
    steps = sum(w["env_steps"] for w in windows) * content["sub_steps"]
    if steps:
        out["vehicles"] = sum(w["vehicle_updates"] for w in windows) / steps
    return {**out, "content": content}


def ratio(ours: list[dict], peers: list[dict], rate: str, by: str = "wall") -> dict[str, float] | None:
    """Median and range of ours over the peer's, window by window; None where the peer does not count the rate."""
    pairs = list(zip(ours, peers, strict=True))
    if not pairs or not all(pace(b, rate) for _, b in pairs):
        return None
    return spread([pace(a, rate, by) / pace(b, rate, by) for a, b in pairs])


def spread(values: list[float]) -> dict[str, float]:
    """Median and range."""
    return {"median": median(values), "min": min(values), "max": max(values)}
