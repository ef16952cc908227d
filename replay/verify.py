"""Prove a record: drive the episode again and compare the hash of every state."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replay.codec import RecordError
from replay.reader import Record
from world.records import HookOp

Controls = Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]  # a tick: (K,) steer [rad], (K,) accel [m/s^2]
Resimulate = Callable[[dict[str, Any], Controls, Sequence[HookOp]], Iterable[int]]


@dataclass(frozen=True)
class Verdict:
    """Outcome of a verification."""

    ticks: int  # compared
    proved: bool
    step: int | None = None  # first engine step whose state differs
    expected: int | None = None  # its hash in the record
    got: int | None = None  # its hash now; None: the episode ended before
    complete: bool = True  # the record has its end; a cut one is proved as far as it goes

    @property
    def message(self) -> str:
        """One line for a person."""
        if self.proved:
            cut = "" if self.complete else " (the record is cut; this is all of it)"
            return f"proved: {self.ticks} ticks give the same states{cut}"
        if self.got is None:
            return f"differs at step {self.step}: the record goes on, the new run has ended"
        return f"differs at step {self.step}: recorded {self.expected:016x}, now {self.got:016x}"


def verify(record: Record, resimulate: Resimulate) -> Verdict:
    """Drive a record again.

    Args:
        record: with state hashes.
        resimulate: (header, controls, hook operations) -> the state's hash after each control, as the engine gives it.

    Raises:
        RecordError: the record holds no control or no hashes.
    """
    drivers = record.drivers
    ticks = np.flatnonzero(drivers.controlled)
    if ticks.size == 0:
        raise RecordError(f"{record.path}: holds no control step, so nothing can be verified")
    if not drivers.hashed[ticks].all():
        raise RecordError(f"{record.path}: holds no state hashes, so nothing can be verified")
    controls = [(drivers.control_steer[i], drivers.control_accel[i]) for i in ticks]
    hashes = iter(resimulate(record.header, controls, record.hooks))
    for done, (i, got) in enumerate(zip_longest(ticks, _first(hashes, len(ticks)))):
        expected = int(drivers.state_hash[i])
        if got is None or int(got) != expected:
            step = int(drivers.step[i])
            return Verdict(done, False, step, expected, None if got is None else int(got), record.complete)
    return Verdict(len(ticks), True, complete=record.complete)


def _first(hashes: Iterable[int], count: int) -> Iterable[int]:
    for _, value in zip(range(count), hashes, strict=False):
        yield value
