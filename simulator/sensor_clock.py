"""When a sensor that measures at its own times is due, for all drivers of a batch."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from world.records import WorldState


class SensorClock:
    """One sensor's times. Measurement n is due at offset + n * period since reset; an episode's first call makes one.

    Args:
        shape: (B, K).
        period, offset: [s].
        dt: [s] engine step.

    Attributes: `fresh`, (B, K) bool, whether the last call of `due` said so; twice in a step says the same.
    """

    def __init__(self, shape: tuple[int, int], period: float, offset: float, dt: float):
        self._period, self._offset, self._dt = period, offset, dt
        self.fresh = np.zeros(shape, np.bool_)
        self._taken = np.full(shape, -1, np.int64)  # number of the last measurement
        self._at = np.full(shape, -1, np.int64)  # step of the last call; -1: the driver begins
        self._seed = np.zeros(shape, np.uint64)

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Those of the (B, K) drivers begin."""
        self._at[drivers] = -1

    def due(self, b: int, k: int, state: "WorldState") -> bool:
        """Whether driver k of world b is to measure now; false where it has done so in this step."""
        at, seed, step = self._at, self._seed, int(state.step[b])
        if at[b, k] == step and seed[b, k] == state.seed[b]:
            return False
        number = int(np.floor((step * self._dt - self._offset) / self._period + 1e-6))
        new = step < at[b, k] or seed[b, k] != state.seed[b] or at[b, k] < 0
        fresh = bool(state.valid[b, k]) and (new or number != int(self._taken[b, k]))
        self.fresh[b, k] = fresh
        at[b, k], seed[b, k], self._taken[b, k] = step, state.seed[b], number
        return fresh
