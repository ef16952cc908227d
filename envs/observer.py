"""What sees for the drivers of a batch: the seam between environments and their observations.

An observer writes straight into its buffer, (B, K, ...), whose rows are drivers.
"""

from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from simulator.engine import Engine


class Observer(Protocol):
    """Sees for the drivers of a batch."""

    @property
    def space(self) -> spaces.Space:
        """Of one driver."""
        ...

    def begin(self, world: int) -> None:
        """The drivers of a world begin: what was seen before is another episode's."""
        ...

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Those of the (B, K) drivers begin in the midst of their world's episode."""
        ...

    def turn(self) -> None:
        """The next observations go into the next buffer of the ring."""
        ...

    def observe(self, first: int, last: int) -> None:
        """Bring the rows of the worlds first .. last - 1 up to date; again in the same step is no change."""
        ...

    def value(self, copy: bool) -> Any:
        """Observations of all rows, batched as gymnasium.vector does."""
        ...

    def row(self, index: int, copy: bool = True) -> Any:
        """The observation of one row."""
        ...


class ArrayObserver:
    """An observation that is one array a driver.

    Attributes: `ring`, (S, B, K, *shape), the last S observations; `buffer`, (B, K, *shape), the present one of them.
    """

    def __init__(self, space: spaces.Box, engine: Engine, buffers: int, ring: NDArray | None = None):
        shape = (buffers, *engine.model.judge.active.shape, *space.shape)
        self.space, self._engine = space, engine
        self.ring = np.zeros(shape, space.dtype) if ring is None else ring
        self._buffers = [self.ring[i] for i in range(buffers)]
        self._all_rows = [buffer.reshape(-1, *space.shape) for buffer in self._buffers]
        self.at = 0
        self.buffer, self._rows = self._buffers[0], self._all_rows[0]

    def turn(self) -> None:
        self.at = (self.at + 1) % len(self._buffers)
        self.buffer, self._rows = self._buffers[self.at], self._all_rows[self.at]

    def value(self, copy: bool) -> NDArray:
        return self._rows.copy() if copy else self._rows

    def row(self, index: int, copy: bool = True) -> NDArray:
        return self._rows[index].copy() if copy else self._rows[index]

    def observe(self, first: int, last: int) -> None:
        """What the buffer holds is up to whoever writes it."""

    def begin(self, world: int) -> None:
        """Nothing is remembered."""

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Nothing is remembered."""
