"""Minimum speed: the driver's mean speed against that of the traffic around, over quarters of the route.

Source: scenario_runner, `atomic_criteria.MinimumSpeedRouteTest` with `checkpoints=4` (leaderboard `route_scenario`):
within each quarter of the route the speeds of all background vehicles are averaged a tick, then both means are
compared. The last quarter counts when more than 95 % of the route is done; a quarter without moving traffic counts
as a ratio of 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHECKPOINTS = 4
LAST_CHECKPOINT_FRACTION = 0.95


@dataclass
class MinSpeedMeter:
    """Online meter of (B, K) drivers."""

    worlds: int
    drivers: int

    def __post_init__(self) -> None:
        shape = (self.worlds, self.drivers)
        self.driver_sum = np.zeros(shape)  # [m/s] summed over ticks of the open quarter
        self.traffic_sum = np.zeros(shape)
        self.ticks = np.zeros(shape, np.int64)
        self.open_from = np.zeros(shape)  # [m] of route where the open quarter began
        self.any_traffic = np.zeros(shape, np.bool_)
        self.fraction = np.zeros(shape)  # of the route done
        self.ratios: list[list[list[float]]] = [[[] for _ in range(self.drivers)] for _ in range(self.worlds)]

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Start anew. Args: mask: (B, K)."""
        for array in (self.driver_sum, self.traffic_sum, self.ticks, self.open_from, self.any_traffic, self.fraction):
            array[mask] = 0
        for b, k in zip(*np.nonzero(mask), strict=True):
            self.ratios[b][k] = []

    def tick(
        self,
        progress: NDArray[np.float32],
        route_length: NDArray[np.float32],
        speed: NDArray[np.float32],
        traffic_speed: NDArray[np.float64],
        traffic_count: NDArray[np.int64],
        active: NDArray[np.bool_],
    ) -> None:
        """One tick of all drivers.

        Args:
            progress: (B, K) [m] of route done.
            route_length: (B, K) [m].
            speed: (B, K) [m/s] of the drivers.
            traffic_speed: (B,) [m/s] mean speed of the background vehicles.
            traffic_count: (B,) number of background vehicles; 0: nothing is measured this tick.
            active: (B, K) drivers under way; nothing is measured of the others.
        """
        self.fraction = progress / np.maximum(route_length, 1e-6)
        for b, k in zip(*np.nonzero(progress - self.open_from > route_length / CHECKPOINTS), strict=True):
            self._close(b, k)
            self.open_from[b, k] = progress[b, k]
        seen = (traffic_count > 0)[:, None] & active
        self.any_traffic |= seen
        self.driver_sum += np.where(seen, np.abs(speed), 0.0)
        self.traffic_sum += np.where(seen, traffic_speed[:, None], 0.0)
        self.ticks += seen

    def _close(self, b: int, k: int) -> None:
        self.ratios[b][k].append(self._ratio(b, k))
        self.driver_sum[b, k] = self.traffic_sum[b, k] = self.ticks[b, k] = 0

    def _ratio(self, b: int, k: int) -> float:
        if self.ticks[b, k] == 0 or self.traffic_sum[b, k] <= 0.0:
            return 1.0
        return float(self.driver_sum[b, k] / self.traffic_sum[b, k])

    def result(self, b: int, k: int) -> tuple[float, ...]:
        """Ratio of each checkpoint passed so far (unclipped); () when there never was traffic."""
        if not self.any_traffic[b, k]:
            return ()
        last = (self._ratio(b, k),) if self.fraction[b, k] > LAST_CHECKPOINT_FRACTION and self.ticks[b, k] else ()
        return (*self.ratios[b][k], *last)
