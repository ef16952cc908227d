"""What building a map may cost: a map is a file that somebody was sent.

`limited` sets a limit on the time of what runs inside of it, and the name of the file for errors; `spend` is
called by every loop and before every table whose size the file decides. Both limits end in a MapError, never in a
hang or in a full memory. Without `limited` around them nothing is limited but the sizes.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.typing import NDArray

from world.roadmap import MapError

MAX_SECONDS = 25.0  # [s] for reading and building
VARIABLE = "TARMAC_MAP_SECONDS"  # environment variable that sets another limit
MAX_LANES = 200_000
MAX_ROADS = 100_000
MAX_LINKS = 2_000_000  # between lanes
MAX_POINTS = 3_000_000  # of all lanes
MAX_ENTRIES = 60_000_000  # of the lists of a spatial index
MAX_PAIRS = 400_000_000  # of places and segments whose distance is looked at in one step of the builder
MAX_CONFLICTS = 2_000_000
MAX_CORNERS = 2_000_000  # of all edges, outlines and crosswalks
CHUNK = 1 << 20  # rows that are worked on at once

_LIMIT: ContextVar[tuple[str, float, float] | None] = ContextVar("map_limit", default=None)


@contextmanager
def limited(file: str, seconds: float | None = None) -> Iterator[None]:
    """Limits the time [s] that the block takes (None: as `time_limit` says).

    Inside another such block the outer one rules. Overflow in a file's polynomials gives no NumPy warning here: what
    comes of it is checked where lanes are made.

    Raises:
        MapError: `TARMAC_MAP_SECONDS` is no positive number.
    """
    if _LIMIT.get() is not None:
        yield
        return
    seconds = time_limit(file) if seconds is None else seconds
    token = _LIMIT.set((file, time.monotonic() + seconds, seconds))
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            yield
    finally:
        _LIMIT.reset(token)


def time_limit(file: str) -> float:
    """[s] that reading a map may take: the environment's word, or MAX_SECONDS."""
    text = os.environ.get(VARIABLE)
    if text is None:
        return MAX_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise MapError(file, "time limit", f"{VARIABLE}={text[:40]!r} must be a positive number of seconds")
    return seconds


def spend(step: str, count: float = 0, most: float = 0, what: str = "") -> None:
    """Says that `step` (an element or a step of the builder) is about to make `count` things of `most` allowed.

    Raises:
        MapError: the time is over, or the count is too high.
    """
    limit = _LIMIT.get()
    file = "map" if limit is None else limit[0]
    if count > most:
        raise MapError(file, step, f"needs {count:.0f} {what}; at most {most:.0f} are allowed")
    if limit is not None and time.monotonic() > limit[1]:
        reason = f"reading and building the map takes more than {limit[2]:g} s; {VARIABLE} sets another limit"
        raise MapError(file, step, reason)


def chunks(counts: NDArray, most: int = CHUNK) -> Iterator[slice]:
    """Slices of rows whose counts (n,) add up to about `most` each: at least one row a slice."""
    total = np.cumsum(counts, dtype=np.int64)
    first, done = 0, 0
    while first < len(total):
        last = max(int(np.searchsorted(total, done + most, side="right")), first + 1)
        yield slice(first, last)
        first, done = last, int(total[last - 1])
