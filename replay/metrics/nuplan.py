"""nuPlan's closed-loop score of one drive, and the terms that it is made of.

score = at fault x drivable x making progress x direction x (5 progress + 5 TTC + 4 speed limit + 2 comfort) / 16

Every term is nuPlan's, taken over the whole drive as one scene. What nuPlan measures against a recorded human's drive
(progress) is measured against the route: the human who would have driven it all.

Source: nuPlan devkit, `closed_loop_reactive_agents_weighted_average.yaml` (weights, factors),
`simulation_metric/high_level/*.yaml` (thresholds) and the metrics in `evaluation_metrics/common` that functions name.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from world.kinds import EventKind, Fault
from world.records import Event

WEIGHTS: dict[str, float] = {"progress": 5.0, "ttc": 5.0, "speed_limit": 4.0, "comfort": 2.0}
FACTORS: tuple[str, ...] = ("at_fault", "drivable", "making_progress", "direction")
LEAST_PROGRESS = 2.0  # [m] below it, progress of driver and human counts as this much
MAKING_PROGRESS = 0.2  # share of the human's progress below which a drive is worth nothing
OVERSPEED = 2.23  # [m/s] over the limit all the time costs the whole term
DIRECTION_FINE, DIRECTION_FAILED = 2.0, 6.0  # [m] against the lane within DIRECTION_TIME
DIRECTION_TIME = 1.0  # [s]
DRIVABLE_MARGIN = 0.3  # [m] a corner may be off the drivable area
_OBJECTS_ALLOWED = 1  # at-fault collisions with things that are not road users


@dataclass(frozen=True)
class NuplanScore:
    """nuPlan's closed-loop score and its terms."""

    score: float  # 0-100
    at_fault: float  # {0, 0.5, 1} 1: caused no collision, 0.5: one with a thing
    drivable: float  # {0, 1}
    making_progress: float  # {0, 1}
    direction: float  # {0, 0.5, 1}
    progress: float  # in [0, 1]
    ttc: float  # {0, 1} never below 0.95 s
    speed_limit: float  # in [0, 1]
    comfort: float  # {0, 1}

    def to_dict(self) -> dict[str, float]:
        """Plain types, for JSON."""
        return asdict(self)


def closed_loop_score(terms: dict[str, float]) -> float:
    """Score 0-100: product of the terms FACTORS times the mean of the terms WEIGHTS, each in [0, 1].

    Raises:
        ValueError: a term is missing, unknown or outside [0, 1].
    """
    wanted = {*FACTORS, *WEIGHTS}
    if terms.keys() != wanted:
        raise ValueError(f"terms are {sorted(terms)}; allowed: {sorted(wanted)}")
    for name, value in terms.items():
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"term {name} is {value}; allowed: 0 to 1")
    product = float(np.prod([terms[name] for name in FACTORS]))
    return 100.0 * product * sum(w * terms[name] for name, w in WEIGHTS.items()) / sum(WEIGHTS.values())


def nuplan_score(terms: dict[str, float]) -> NuplanScore:
    """The record of the terms and their score; Raises as `closed_loop_score`."""
    return NuplanScore(score=closed_loop_score(terms), **terms)


def at_fault_term(events: Iterable[Event]) -> float:
    """max(0, 1 - n / (allowed + 1)), multiplied over road users (none allowed) and things (one allowed).

    n counts the collisions that the judge lays to the driver's account. Source: `no_ego_at_fault_collisions`.
    """
    people, things = 0, 0
    for event in events:
        if event.fault != Fault.DRIVER:
            continue
        people += event.kind in (EventKind.COLLISION_PEDESTRIAN, EventKind.COLLISION_VEHICLE)
        things += event.kind == EventKind.COLLISION_STATIC
    return (0.0 if people else 1.0) * max(0.0, 1.0 - things / (_OBJECTS_ALLOWED + 1))


def progress_term(progress: float, route_length: float) -> float:
    """Share in [0, 1] of the route [m] that was done [m]. Source: `ego_progress_along_expert_route`."""
    return min(1.0, max(progress, LEAST_PROGRESS) / max(route_length, LEAST_PROGRESS))


def making_progress_term(progress_share: float) -> float:
    """1 where at least a fifth was done, else 0. Source: `ego_is_making_progress`."""
    return float(progress_share >= MAKING_PROGRESS)


def speed_limit_term(overspeed: float, samples: int) -> float:
    """1 - (mean speed over the limit) / OVERSPEED, at least 0.

    Args:
        overspeed: [m/s] sum over samples of what the speed was over the limit, never below 0 each.
        samples: evenly spaced, so that n of them span n - 1 intervals.

    Source: `speed_limit_compliance`.
    """
    return 1.0 if samples < 2 else max(0.0, 1.0 - overspeed / (OVERSPEED * (samples - 1)))


def direction_term(against: float) -> float:
    """1, 0.5 or 0 by the most [m] that was driven against the lane in a second.

    Source: `driving_direction_compliance`.
    """
    return 1.0 if against < DIRECTION_FINE else 0.5 if against < DIRECTION_FAILED else 0.0


def most_against(advance: NDArray[np.float64], sample_dt: float) -> float:
    """[m] the most that is lost within DIRECTION_TIME.

    Args:
        advance: (n,) [m] along the lane since the sample before; 0 where the lane has just changed.
        sample_dt: [s] between samples.

    Source: `driving_direction_compliance`: sums over the present and the `DIRECTION_TIME / dt` samples before.
    """
    if len(advance) == 0:
        return 0.0
    window = int(DIRECTION_TIME / sample_dt + 1e-6)
    total = np.concatenate(([0.0], np.cumsum(advance)))
    first = np.maximum(np.arange(len(advance)) - window, 0)
    return abs(float((total[1:] - total[first]).min()))
