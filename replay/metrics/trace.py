"""Trace: how drivers moved, tick by tick, in arrays that grow."""

import numpy as np
from numpy.typing import NDArray


class Trace:
    """Velocity and yaw of (B, K) drivers, each with its own number of ticks."""

    def __init__(self, worlds: int, drivers: int):
        self._data = np.zeros((256, 3, worlds, drivers), np.float32)  # vx, vy [m/s], yaw [rad]
        self._count = np.zeros((worlds, drivers), np.int64)
        self._world, self._driver = np.indices((worlds, drivers))

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Forget. Args: mask: (B, K)."""
        self._count[mask] = 0

    def tick(self, vx: NDArray, vy: NDArray, yaw: NDArray, active: NDArray[np.bool_]) -> None:
        """Append a tick of the active drivers. Args: all (B, K)."""
        if self._count.max(initial=0) >= len(self._data):
            self._data = np.concatenate((self._data, np.zeros_like(self._data)))
        at, b, k = self._count[active], self._world[active], self._driver[active]
        for field, values in enumerate((vx, vy, yaw)):
            self._data[at, field, b, k] = values[active]
        self._count += active

    def sampled(self, b: int, k: int, dt: float, sample_dt: float) -> tuple[NDArray, NDArray, NDArray]:
        """vx, vy, unwrapped yaw of one driver, each (n,) float64, taken every `sample_dt` s from ticks `dt` s apart."""
        n = int(self._count[b, k])
        if n == 0:
            return np.zeros(0), np.zeros(0), np.zeros(0)
        vx, vy, yaw = (self._data[:n, field, b, k].astype(np.float64) for field in range(3))
        have = np.arange(n) * dt
        want = np.arange(int(have[-1] / sample_dt + 1e-6) + 1) * sample_dt
        return np.interp(want, have, vx), np.interp(want, have, vy), np.interp(want, have, np.unwrap(yaw))
