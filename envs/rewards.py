"""Rewards: named terms that sum to the reward. Presets `carl` (default), `highway` and `sparse`.

`carl` (Jaeger et al., CaRL: Learning Scalable Planning Policies with Simple Rewards, 2025): progress along the route
times soft penalties in [0, 1], and a price for the infraction that ends an episode. The product is told as terms: each
penalty takes its share of what those before it have left, so progress + penalties = progress x product.
`highway` (HighwayEnv, HighwayEnv._reward): speed, right lane, collision, scaled to [0, 1]; 0 off the road.
`sparse`: 1 for an arrival, -1 for an infraction that ends the episode.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from world.kinds import EventKind
from world.names import unknown_name

CARL, HIGHWAY, SPARSE = range(3)
TERMS: dict[str, tuple[str, ...]] = {
    "carl": ("progress", "speeding", "ttc", "comfort", "lane_offset", "infraction"),
    "highway": ("offset", "collision", "right_lane", "high_speed", "off_road"),
    "sparse": ("arrival", "infraction"),
}


@dataclass(frozen=True)
class CarlReward:
    """Weights of `carl`."""

    progress: float = 0.01  # a metre of the route
    speeding_range: float = 2.2  # [m/s] over the limit (8 km/h) at which nothing is left
    ttc: float = 0.5  # factor while a collision is less than `ttc_limit` away
    ttc_limit: float = 1.0  # [s]
    comfort: float = 0.5  # factor while one of nuPlan's comfort bounds is broken
    lane_offset: float = 0.5  # share lost half a lane's width off its centre
    collision: float = -1.0
    red_light: float = -1.0
    other_end: float = -0.5  # any other infraction that ends the episode


@dataclass(frozen=True)
class HighwayReward:
    """Weights of `highway`: HighwayEnv's."""

    collision: float = -1.0
    right_lane: float = 0.1
    high_speed: float = 0.4
    speed_low: float = 20.0  # [m/s] from here on speed counts
    speed_high: float = 30.0  # [m/s] up to here


@dataclass(frozen=True)
class SparseReward:
    """Weights of `sparse`."""

    arrival: float = 1.0
    infraction: float = -1.0


Reward = CarlReward | HighwayReward | SparseReward
REWARDS: dict[str, Reward] = {"carl": CarlReward(), "highway": HighwayReward(), "sparse": SparseReward()}
KINDS = {"carl": CARL, "highway": HIGHWAY, "sparse": SPARSE}


def find_reward(wanted: str | Reward | Mapping[str, Any]) -> tuple[str, Reward]:
    """(preset, weights) of a preset's name, of weights, or of {"preset": name, weight: value, ...}.

    Raises:
        ValueError: an unknown name or weight, with the nearest match; a weight that is no finite number.
    """
    if isinstance(wanted, Reward):
        name = next(n for n, preset in REWARDS.items() if type(preset) is type(wanted))
        return name, _finite(wanted)
    if not isinstance(wanted, str | Mapping):
        raise ValueError(
            f"reward: got {wanted!r}, expected a preset's name, weights, or {{'preset': name, weight: value}}"
        )
    told: dict[str, Any] = {"preset": wanted} if isinstance(wanted, str) else dict(wanted)
    name = told.pop("preset", "carl")
    if name not in REWARDS:
        raise ValueError(unknown_name("reward", str(name), REWARDS))
    preset = REWARDS[name]
    allowed = [f.name for f in fields(preset)]
    for key in told:
        if key not in allowed:
            raise ValueError(unknown_name(f"weight of reward {name}", key, allowed))
    return name, _finite(replace(preset, **told))


def _finite(weights: Reward) -> Reward:
    for f in fields(weights):
        value = getattr(weights, f.name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise ValueError(f"reward weight {f.name} is {value!r}, expected a finite number")
    for name in ("speeding_range", "ttc_limit"):
        if getattr(weights, name, 1.0) <= 0.0:
            raise ValueError(f"reward weight {name} is {getattr(weights, name)}, allowed is more than 0")
    if isinstance(weights, HighwayReward):
        if weights.speed_high <= weights.speed_low:
            raise ValueError(
                f"reward weight speed_high is {weights.speed_high}, allowed is above speed_low ({weights.speed_low})"
            )
        if weights.right_lane + weights.high_speed <= weights.collision:
            raise ValueError("reward weights right_lane + high_speed must be more than collision")
    return weights


def weight_row(weights: Reward) -> NDArray[np.float32]:
    """The weights in order, as kernels take them."""
    return np.array([getattr(weights, f.name) for f in fields(weights)], np.float32)


COLLISIONS = sum(
    1 << int(k) for k in (EventKind.COLLISION_PEDESTRIAN, EventKind.COLLISION_VEHICLE, EventKind.COLLISION_STATIC)
)
