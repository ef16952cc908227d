"""Rates by processor time, over windows."""

import time
from collections.abc import Callable
from statistics import median


def rates(call: Callable[[], int], windows: int, wall: float) -> dict[str, float]:
    """Median and range over windows of what the calls count, a second of processor time.

    Args:
        wall: [s] of a window.
    """
    call()
    found = []
    for _ in range(windows):
        count, cpu, until = 0, time.process_time(), time.perf_counter() + wall
        while time.perf_counter() < until:
            count += call()
        found.append(count / max(time.process_time() - cpu, 1e-9))
    return {"median": median(found), "min": min(found), "max": max(found)}
