"""Comfort: accelerations, jerks and yaw motion of a driver within nuPlan's bounds.

Derivatives are taken from the velocity and yaw, sampled at 10 Hz, with nuPlan's Savitzky-Golay windows, so that the
figures do not depend on how a simulator defines its acceleration. (nuPlan smooths measured accelerations over 8
samples; we take 9, because an even window shifts the result by half a sample.)

Source: nuPlan devkit, `metrics/evaluation_metrics/common/ego_is_comfortable.py` and `config/.../ego_*_metric.yaml`
(bounds), `metrics/utils/state_extractors.py` (filters).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replay.metrics.derivative import savitzky_golay

SAMPLE_DT = 0.1  # [s] nuPlan's

BOUNDS: dict[str, tuple[float, float]] = {
    "lon_accel": (-4.05, 2.40),  # [m/s^2]
    "lat_accel": (-4.89, 4.89),  # [m/s^2]
    "yaw_accel": (-1.93, 1.93),  # [rad/s^2]
    "yaw_rate": (-0.95, 0.95),  # [rad/s]
    "lon_jerk": (-4.13, 4.13),  # [m/s^3]
    "jerk": (-8.37, 8.37),  # [m/s^3] rate of the acceleration's magnitude
}


@dataclass(frozen=True)
class Comfort:
    """Comfort of one episode."""

    comfortable: bool  # every sample within every bound (nuPlan's yes or no)
    fraction: float  # share of samples within every bound, in [0, 1]
    within: dict[str, float]  # bound -> share of samples within it
    extreme: dict[str, float]  # bound -> value of largest magnitude


def comfort_series(
    vx: NDArray[np.float32], vy: NDArray[np.float32], yaw: NDArray[np.float32], dt: float
) -> dict[str, NDArray[np.float64]]:
    """The six bounded quantities over time.

    Args:
        vx: (n,) [m/s] world frame, evenly sampled, as vy.
        vy: (n,) [m/s].
        yaw: (n,) [rad], any wrap.
        dt: [s] between samples; the windows are nuPlan's, meant for 0.1 s.

    Returns:
        Name of BOUNDS -> (n,) SI.
    """
    heading = np.unwrap(np.asarray(yaw, np.float64))
    ax, ay = (savitzky_golay(np.asarray(v, np.float64), dt, 9, 2, 1) for v in (vx, vy))
    c, s = np.cos(heading), np.sin(heading)
    lon, lat = c * ax + s * ay, -s * ax + c * ay
    return {
        "lon_accel": lon,
        "lat_accel": lat,
        "yaw_accel": savitzky_golay(heading, dt, 15, 3, 2),
        "yaw_rate": savitzky_golay(heading, dt, 5, 2, 1),
        "lon_jerk": savitzky_golay(lon, dt, 15, 2, 1),
        "jerk": savitzky_golay(np.hypot(lon, lat), dt, 15, 2, 1),
    }


def comfort(vx: NDArray[np.float32], vy: NDArray[np.float32], yaw: NDArray[np.float32], dt: float) -> Comfort:
    """Comfort of a driven trace; arguments as in `comfort_series`. An empty trace is comfortable."""
    if len(yaw) == 0:
        return Comfort(True, 1.0, dict.fromkeys(BOUNDS, 1.0), dict.fromkeys(BOUNDS, 0.0))
    series = comfort_series(vx, vy, yaw, dt)
    fine = {name: (series[name] >= low) & (series[name] <= high) for name, (low, high) in BOUNDS.items()}
    every = np.logical_and.reduce(list(fine.values()))
    return Comfort(
        comfortable=bool(every.all()),
        fraction=float(every.mean()),
        within={name: float(ok.mean()) for name, ok in fine.items()},
        extreme={name: float(v[np.argmax(np.abs(v))]) for name, v in series.items()},
    )
