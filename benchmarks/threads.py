"""Two threads against one: several worlds of traffic in one process."""

import time
from statistics import median
from typing import Any

from benchmarks.grid_traffic import A_CALL, Grid, Size
from benchmarks.machine import describe


def measure_threads(size: Size, worlds: int, pairs: int, wall: float) -> dict[str, Any]:
    """Factor of two threads over one, from neighbouring windows, on all cores that this process may use.

    `factor_by_cpu` is what the CPU time of an update says: the factor where nothing else runs on the two cores.
    """
    grids = {threads: Grid(size, worlds=worlds, threads=threads) for threads in (1, 2)}
    for grid in grids.values():
        grid.run()
    rates: dict[int, list[float]] = {1: [], 2: []}
    costs: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(pairs):
        for threads, grid in grids.items():
            rate, cost = _window(grid, wall)
            rates[threads].append(rate)
            costs[threads].append(cost)
    factors = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    for grid in grids.values():
        grid.engine.close()
    return {
        "worlds": worlds,
        "vehicles_a_world": size.vehicles,
        "cores": describe()["cores"],
        "one_thread_vehicle_updates_per_s": median(rates[1]),
        "two_threads_vehicle_updates_per_s": median(rates[2]),
        "factor_by_cpu": 2.0 * median(costs[1]) / median(costs[2]),
        "factor": {"median": median(factors), "min": min(factors), "max": max(factors)},
    }


def _window(grid: Grid, wall: float) -> tuple[float, float]:
    """Vehicle updates a second, and CPU time [s] of one."""
    updates, start, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < wall:
        grid.run()
        updates += A_CALL * grid.count()
    return updates / (time.perf_counter() - start), (time.process_time() - cpu) / updates
