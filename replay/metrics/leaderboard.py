"""Driving scores of the CARLA leaderboard, versions 2.0 and 2.1, both 0-100.

A route's score is route completion times an infraction penalty P in (0, 1]. Version 2.0 multiplies a factor an
infraction, so that a long route with many small faults falls to nothing; version 2.1 divides by one plus a sum.
We publish both, because published results use both. The sum over a benchmark is the mean over ALL its routes.

Source: github.com/carla-simulator/leaderboard, `leaderboard/utils/statistics_manager.py`, branches leaderboard-2.0
and leaderboard-2.1 (`PENALTY_VALUE_DICT`, `compute_route_statistics`).
"""

from collections.abc import Mapping, Sequence

FACTORS_20: dict[str, float] = {
    "collision_pedestrian": 0.50,
    "collision_vehicle": 0.60,
    "collision_static": 0.65,
    "red_light": 0.70,
    "stop_sign": 0.80,
    "scenario_timeout": 0.70,
    "yield_emergency": 0.70,
}
MIN_SPEED_FACTOR_20 = 0.7  # factor of a checkpoint passed at no speed at all

WEIGHTS_21: dict[str, float] = {
    "collision_pedestrian": 1.00,
    "collision_vehicle": 0.70,
    "collision_static": 0.60,
    "red_light": 0.40,
    "stop_sign": 0.25,
    "scenario_timeout": 0.40,
    "yield_emergency": 0.40,
}
MIN_SPEED_WEIGHT_21 = 0.4


def _checked(completion: float, outside_fraction: float, min_speed: Sequence[float]) -> None:
    for name, value in (("completion", completion), ("outside_fraction", outside_fraction)):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name} is {value}; allowed: 0 to 1")
    if any(not v >= 0.0 for v in min_speed):
        raise ValueError(f"min_speed is {tuple(min_speed)}; allowed: ratios >= 0")


def penalty_20(counts: Mapping[str, int], outside_fraction: float = 0.0, min_speed: Sequence[float] = ()) -> float:
    """P = (1 - outside) * product of c^n * product over checkpoints of 1 - 0.3 (1 - ratio).

    Args:
        counts: infraction name (keys of FACTORS_20; others cost nothing) -> how often.
        outside_fraction: share in [0, 1] of the driven route outside the route's lanes.
        min_speed: a checkpoint each, driver's mean speed over the traffic's mean speed; ratios >= 1 cost nothing.
            Empty where there is no traffic.
    """
    _checked(0.0, outside_fraction, min_speed)
    penalty = 1.0 - outside_fraction
    for name, factor in FACTORS_20.items():
        penalty *= factor ** counts.get(name, 0)
    for ratio in min_speed:
        penalty *= 1.0 - (1.0 - MIN_SPEED_FACTOR_20) * (1.0 - min(ratio, 1.0))
    return penalty


def penalty_21(counts: Mapping[str, int], outside_fraction: float = 0.0, min_speed: Sequence[float] = ()) -> float:
    """P = (1 - outside) / (1 + sum of c n + sum over checkpoints of 0.4 (1 - ratio)); arguments as in `penalty_20`."""
    _checked(0.0, outside_fraction, min_speed)
    total = sum(weight * counts.get(name, 0) for name, weight in WEIGHTS_21.items())
    total += sum(MIN_SPEED_WEIGHT_21 * (1.0 - min(ratio, 1.0)) for ratio in min_speed)
    return (1.0 - outside_fraction) / (1.0 + total)


def driving_score_20(
    completion: float, counts: Mapping[str, int], outside_fraction: float = 0.0, min_speed: Sequence[float] = ()
) -> float:
    """Leaderboard 2.0 driving score 0-100 = 100 * completion * `penalty_20`. Args: completion: in [0, 1]."""
    _checked(completion, outside_fraction, min_speed)
    return 100.0 * completion * penalty_20(counts, outside_fraction, min_speed)


def driving_score_21(
    completion: float, counts: Mapping[str, int], outside_fraction: float = 0.0, min_speed: Sequence[float] = ()
) -> float:
    """Leaderboard 2.1 driving score 0-100 = 100 * completion * `penalty_21`. Args: completion: in [0, 1]."""
    _checked(completion, outside_fraction, min_speed)
    return 100.0 * completion * penalty_21(counts, outside_fraction, min_speed)
