"""`python -m benchmarks cores`: what a second core gives to threads of one process, and to processes."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.env_worker import TASKS, Environments
from benchmarks.worker import Worker


@dataclass(frozen=True)
class CoresConfig:
    """How long to measure."""

    tasks: tuple[str, ...] = ("rich", "compact", "highway256")
    pairs: int = 7
    wall: float = 1.5  # [s] of a window
    warm: float = 3.0  # [s] before the first


QUICK = CoresConfig(tasks=("rich",), pairs=5, wall=0.5, warm=1.0)


def measure_cores(config: CoresConfig) -> dict[str, Any]:
    """{task: {"threads": factor, "processes": factor}}: two against one, from neighbouring windows.

    `by_cpu` is what the CPU time of a step says: the factor where nothing else runs on the two cores.

    Raises:
        OSError: there is one core only.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    if len(cores) < 2:
        raise OSError(f"cores: this process may use {len(cores)} core; two are needed")
    return {
        name: {"threads": _threads(name, config), "processes": _processes(name, config, cores[:2])}
        for name in config.tasks
    }


def _threads(name: str, config: CoresConfig) -> dict[str, float]:
    """Threads inside one process."""
    task = TASKS[name]
    two = replace(task, options={**task.options, "threads": 2})
    environments = [Environments(task), Environments(two)]
    for one in environments:
        _window(one, config.warm)
    pairs = [[_window(one, config.wall) for one in environments] for _ in range(config.pairs)]
    for one in environments:
        one.env.close()
    return _factor(pairs)


def _window(environments: Environments, wall: float) -> tuple[float, float]:
    """Steps of drivers a second, and CPU time [s] of one."""
    steps, start, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < wall:
        steps += environments.advance()["agent_steps"]
    return steps / (time.perf_counter() - start), (time.process_time() - cpu) / steps


def _processes(name: str, config: CoresConfig, cores: list[int]) -> dict[str, float]:
    """Processes side by side, each on its core; the first of them alone against both."""
    command = [sys.executable, "-m", "benchmarks.env_worker"]
    workers = [Worker(f"process on core {core}", [*command, str(core), name]) for core in cores]

    def window(worker: Worker) -> tuple[float, float]:
        told = worker.ask("window", wall=config.wall)
        return told["agent_steps"] / told["wall"], told["cpu"] / told["agent_steps"]

    try:
        with ThreadPoolExecutor(len(workers)) as pool:
            for worker in workers:
                worker.ask("window", wall=config.warm)
            pairs = []
            for _ in range(config.pairs):
                alone = window(workers[0])
                both = list(pool.map(window, workers))
                pairs.append([alone, (sum(rate for rate, _ in both), sum(cost for _, cost in both) / 2)])
    finally:
        for worker in workers:
            worker.close()
    return _factor(pairs)


def _factor(pairs: list[list[tuple[float, float]]]) -> dict[str, float]:
    """Median and range of two over one, by time and by CPU time."""
    factors = [two[0] / one[0] for one, two in pairs]
    costs = [median(pair[n][1] for pair in pairs) for n in range(2)]
    return {
        "median": median(factors), "min": min(factors), "max": max(factors), "by_cpu": 2.0 * costs[0] / costs[1],
        "one": median(one[0] for one, _ in pairs), "two": median(two[0] for _, two in pairs),
    }  # fmt: skip


def show_cores(found: dict[str, Any], console: Console) -> None:
    """The table."""
    table = Table("task", "", "one, agent steps/s", "two", "factor", "range", "by CPU time")
    for name, ways in found.items():
        for way, f in ways.items():
            spread = f"{f['min']:.2f}-{f['max']:.2f}"
            table.add_row(
                name, way, f"{f['one']:,.0f}", f"{f['two']:,.0f}", f"{f['median']:.2f}", spread, f"{f['by_cpu']:.2f}"
            )
    console.print(table)
