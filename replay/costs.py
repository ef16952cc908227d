"""What cost an episode points: every term of the CARLA leaderboard's driving scores that is not 1, for a person.

Factors and weights are those of `replay.metrics.leaderboard`; a driving score 2.0 is 100 times the product of all
factors, a driving score 2.1 is 100 times those of route and lanes over 1 plus the sum of the weights.
"""

import math
from collections.abc import Mapping
from typing import Any

from replay.metrics.leaderboard import FACTORS_20, MIN_SPEED_FACTOR_20, MIN_SPEED_WEIGHT_21, WEIGHTS_21

MAX_CHECKPOINTS = 64  # of a summary from anywhere


def costs(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The terms, greatest part first as the formula has them: route, lanes, infractions, minimum speed.

    Args:
        summary: an episode's figures (`EpisodeScore.to_dict`), or what a record from anywhere calls so.

    Returns:
        A dict a term: `what` (text), `factor` in [0, 1) of version 2.0, `weight` of version 2.1, None where the term is
        a factor there, too; `short` (text) where there are fewer words for it.
    """
    out = []
    done, outside = _share(summary.get("route_completion"), 1.0), _share(summary.get("outside_fraction"), 0.0)
    if done < 1.0:
        out.append(_term(f"route {_percent(done)} done", done))
    if outside > 0.0:
        out.append(_term(f"{_percent(outside)} outside route lanes", 1.0 - outside))
    counts = summary.get("infractions")
    for name, factor in FACTORS_20.items():
        n = counts.get(name) if isinstance(counts, Mapping) else None
        if type(n) is int and 0 < n < 1 << 31:
            what = name.replace("_", " ") + (f" {n} times" if n > 1 else "")
            out.append(_term(what, factor**n, WEIGHTS_21[name] * n))
    ratios = summary.get("min_speed")
    ratios = list(ratios)[:MAX_CHECKPOINTS] if isinstance(ratios, (list, tuple)) else []
    for i, value in enumerate(ratios):
        ratio = _share(value, 1.0)
        if ratio < 1.0:
            what = f"route quarter {i + 1} at {_percent(ratio)} of traffic speed"
            factor = 1.0 - (1.0 - MIN_SPEED_FACTOR_20) * (1.0 - ratio)
            term = _term(what, factor, MIN_SPEED_WEIGHT_21 * (1 - ratio))
            out.append(term | {"short": f"Q{i + 1} {_percent(ratio)}"})
    return out


def _term(what: str, factor: float, weight: float | None = None) -> dict[str, Any]:
    return {"what": what, "factor": factor, "weight": weight}


def _share(value: Any, otherwise: float) -> float:
    """A number clipped to [0, 1]; `otherwise` where it is none."""
    if type(value) not in (int, float) or not math.isfinite(value):
        return otherwise
    return min(1.0, max(0.0, value))


def _percent(share: float) -> str:
    """Rounded so that it never says 100 % of less."""
    return f"{min(99.9, 100 * share):.1f} %" if share > 0.99 else f"{100 * share:.0f} %"
