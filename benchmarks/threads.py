"""Two threads against one: several worlds of traffic in one process."""

import time
from typing import Any

from benchmarks.grid_traffic import A_CALL, Grid, Size
from benchmarks.machine import describe


def measure_threads(size: Size, worlds: int, pairs: int, wall: float) -> dict[str, Any]:
    """Factor of two threads over one, from neighbouring windows, on all cores that this process may use."""
    from statistics import median

    grids = {threads: Grid(size, worlds=worlds, threads=threads) for threads in (1, 2)}
    for grid in grids.values():
        grid.run()
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(pairs):
        for threads, grid in grids.items():
            rates[threads].append(_window(grid, wall))
    factors = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    for grid in grids.values():
        grid.engine.close()
    return {
        "worlds": worlds,
        "vehicles_a_world": size.vehicles,
        "cores": describe()["cores"],
        "one_thread_vehicle_updates_per_s": median(rates[1]),
        "two_threads_vehicle_updates_per_s": median(rates[2]),
        "factor": {"median": median(factors), "min": min(factors), "max": max(factors)},
    }


def _window(grid: Grid, wall: float) -> float:
    """Vehicle updates a second."""
    updates, start = 0, time.perf_counter()
    while time.perf_counter() - start < wall:
        grid.run()
        updates += A_CALL * grid.count()
    return updates / (time.perf_counter() - start)
