"""What a reset and a stored start cost, against a step, and that thousands of them leave memory as it was."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.grid_traffic import A_CALL, Grid, Size
from benchmarks.peer_side.serving import resident

BLOCK = 50  # calls that are timed together


def measure_resets(size: Size, count: int) -> dict[str, Any]:
    """Microseconds a world of a reset, a store and a restore, as shares of a step, and growth of memory [MiB].

    Args:
        count: resets, and as many restores, between which memory is looked at.
    """
    grid = Grid(size, worlds=2)
    engine = grid.engine
    for _ in range(20):
        grid.run()
    start = engine.store(0)
    seed = iter(range(10**9))
    mask = engine.state.step < 0  # a mask of no world
    mask[0] = True
    step = _each(grid.run, 20) / (2 * A_CALL)
    restore = _each(lambda: engine.restore(1, start), BLOCK)
    store = _each(lambda: engine.store(0), BLOCK)
    reset = _each(lambda: engine.reset([next(seed), 0], mask), 10)
    before = resident()
    for k in range(count):
        engine.reset([k, 0], mask)
        engine.restore(1, start)
    return {
        "bytes": len(start.data),
        "step_us": step,
        "restore_us": restore,
        "restore_in_steps": restore / step,
        "store_us": store,
        "reset_us": reset,
        "reset_in_steps": reset / step,
        "resets_and_restores": count,
        "memory_growth_mib": resident() - before,
    }


def _each(call: Callable[[], Any], block: int) -> float:
    """[us] of one call, median over blocks."""
    taken = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(block):
            call()
        taken.append((time.perf_counter() - start) / block * 1e6)
    return median(taken)
