"""How a simulator answers the orders of `benchmarks.worker`, in whatever environment it lives.

Imports the standard library only: the scripts beside it are run by the Pythons of the peers' environments.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

COUNTS = ("env_steps", "agent_steps", "vehicle_updates", "samples")


class Simulator(Protocol):
    """What a worker script provides.

    Attributes: `content`, what a step holds: `worlds`, `agents` (controlled, of all worlds), `sub_steps`,
    `observation` (numbers an agent), `on` (what is switched on), and whatever else tells it.
    """

    content: dict[str, Any]

    def advance(self) -> dict[str, int]:
        """Some steps, with resets where episodes end; how many of COUNTS were made."""
        ...


def pin(core: int) -> None:
    """Stay on one core; -1: anywhere."""
    if core >= 0 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def resident() -> float:
    """[MiB] of memory that this process holds now; NaN where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return float("nan")


def window(simulator: Simulator, wall: float) -> dict[str, float]:
    """Advance for at least `wall` seconds; wall and CPU time [s], and the counts."""
    counts: dict[str, float] = dict.fromkeys(COUNTS, 0)
    cpu, start = time.process_time(), time.perf_counter()
    while time.perf_counter() - start < wall:
        for name, count in simulator.advance().items():
            counts[name] += count
    taken = time.perf_counter() - start
    return {"wall": taken, "cpu": time.process_time() - cpu, **counts}


def serve(make: Callable[[], Simulator]) -> None:
    """Make the simulator, say that it is ready after its first steps, and obey until standard input ends.

    What was imported before the call does not count as memory of a world.
    """
    empty, began = resident(), time.perf_counter()
    simulator = make()
    simulator.advance()
    say({"ready": time.perf_counter() - began, "content": simulator.content})
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "window":
            say(window(simulator, order["wall"]))
        elif order["do"] == "look":
            now = resident()
            say({"resident_mib": now, "mib_a_world": (now - empty) / simulator.content["worlds"]})
        else:
            raise SystemExit(f"unknown order {order['do']!r} (allowed: look, window)")


def size(shape: tuple[int, ...]) -> int:
    """Numbers in an array of that shape."""
    return math.prod(shape)


def say(answer: dict[str, Any]) -> None:
    """One line of the protocol."""
    print("answer " + json.dumps(answer), flush=True)
