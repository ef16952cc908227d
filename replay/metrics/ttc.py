"""Time to collision of drivers with everybody ahead, when all keep their speed and heading.

Source: nuPlan devkit, `metrics/evaluation_metrics/common/time_to_collision_within_bound.py`: 0.1 s steps, 3 s horizon,
below 0.95 s is a failure, a driver that stands has no TTC; looked at are road users within 30 degrees of straight
ahead (`is_agent_ahead`), and in junctions or between lanes everybody not behind (beyond 150 degrees).
"""

import math

import numpy as np
from numpy.typing import NDArray

from world.kernel import kernel
from world.ttc import TTC_HORIZON, TTC_STEP, time_to_collision

TTC_BOUND = 0.95  # [s] below it, a sample fails
STANDING = 5e-3  # [m/s] below it, a driver stands
_COS_AHEAD = math.cos(math.radians(30.0))
_COS_BEHIND = math.cos(math.radians(150.0))


@kernel
def driver_ttc_one(b, k, x, y, yaw, speed, length, width, rear_axle, valid, wide):
    """[s] smallest time to collision of driver k in world b; inf where there is none within the horizon."""
    best = math.inf
    own = abs(speed[b, k])
    if not valid[b, k] or own <= STANDING:
        return best
    px, py, heading = x[b, k], y[b, k], yaw[b, k]
    c, s = math.cos(heading), math.sin(heading)
    limit = _COS_BEHIND if wide[b, k] else _COS_AHEAD
    for j in range(x.shape[1]):
        if j == k or not valid[b, j]:
            continue
        dx, dy = x[b, j] - px + rear_axle[b, k] * c, y[b, j] - py + rear_axle[b, k] * s
        if dx * c + dy * s < limit * math.sqrt(dx * dx + dy * dy):
            continue
        cj, sj = math.cos(yaw[b, j]), math.sin(yaw[b, j])
        t = time_to_collision(
            px, py, heading, length[b, k], width[b, k], speed[b, k] * c, speed[b, k] * s,
            x[b, j], y[b, j], yaw[b, j], length[b, j], width[b, j], speed[b, j] * cj, speed[b, j] * sj,
            TTC_STEP, TTC_HORIZON,
        )  # fmt: skip
        best = min(best, t)
    return best


@kernel
def driver_ttc(out, x, y, yaw, speed, length, width, rear_axle, valid, wide):
    """`driver_ttc_one` of all drivers into out (B, K) float32."""
    for b in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[b, k] = driver_ttc_one(b, k, x, y, yaw, speed, length, width, rear_axle, valid, wide)


class TtcMeter:
    """Online meter of (B, K) drivers: smallest TTC and the share of samples at or above TTC_BOUND."""

    def __init__(self, worlds: int, drivers: int):
        self.now = np.full((worlds, drivers), np.inf, np.float32)  # [s] of the last sample
        self.smallest = np.full((worlds, drivers), np.inf, np.float32)  # [s]
        self.samples = np.zeros((worlds, drivers), np.int64)
        self.failed = np.zeros((worlds, drivers), np.int64)
        self._narrow = np.zeros((worlds, drivers), np.bool_)

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Start anew. Args: mask: (B, K)."""
        self.smallest[mask] = np.inf
        self.samples[mask] = self.failed[mask] = 0

    def tick(self, state, bodies, active: NDArray[np.bool_], wide: NDArray[np.bool_] | None = None) -> None:
        """One sample.

        Args:
            state: WorldState, (B, N).
            bodies: Bodies, (B, N).
            active: (B, K) drivers to be measured.
            wide: (B, K) drivers in a junction or between lanes, who must watch their sides as well.
        """
        driver_ttc(
            self.now, state.x, state.y, state.yaw, state.speed, bodies.length, bodies.width, bodies.rear_axle,
            state.valid, self._narrow if wide is None else wide,
        )  # fmt: skip
        self.smallest = np.where(active, np.minimum(self.smallest, self.now), self.smallest)
        self.samples += active
        self.failed += active & (self.now < TTC_BOUND)

    def fraction(self, b: int, k: int) -> float:
        """Share of samples at or above the bound, in [0, 1]; 1 without samples."""
        return 1.0 if self.samples[b, k] == 0 else 1.0 - float(self.failed[b, k] / self.samples[b, k])


def in_junction(routes, progress: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(B, K) whether drivers are in a junction of their route.

    Args:
        routes: RouteTable (points a metre apart).
        progress: (B, K) [m].
    """
    at = np.clip(np.rint(progress).astype(np.int64), 0, np.maximum(routes.count - 1, 0))
    return np.take_along_axis(routes.junction, at[..., None], axis=2)[..., 0]
