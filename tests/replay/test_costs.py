"""What cost points: the terms multiply to the driving scores, and text from a record stays harmless."""

import math

import numpy as np
import pytest

from replay.costs import costs
from replay.metrics.leaderboard import FACTORS_20, driving_score_20, driving_score_21

NAMES = list(FACTORS_20)


@pytest.mark.parametrize("seed", range(20))
def test_the_terms_give_the_scores(seed):
    rng = np.random.default_rng(seed)
    counts = {name: int(rng.integers(0, 3)) for name in NAMES} | {"off_road": 2, "timeout": 1}
    done, outside = float(rng.uniform(0, 1)), float(rng.choice([0.0, 0.07]))
    ratios = tuple(rng.uniform(0, 1.5, rng.integers(0, 5)).tolist())
    terms = costs(
        {"route_completion": done, "outside_fraction": outside, "infractions": counts, "min_speed": list(ratios)}
    )
    product = math.prod(t["factor"] for t in terms)
    assert 100 * product == pytest.approx(driving_score_20(done, counts, outside, ratios))
    plain = math.prod(t["factor"] for t in terms if t["weight"] is None)
    weights = sum(t["weight"] for t in terms if t["weight"] is not None)
    assert 100 * plain / (1 + weights) == pytest.approx(driving_score_21(done, counts, outside, ratios))


def test_a_person_reads_which_quarter_was_slow_and_what_happened_how_often():
    summary = {"route_completion": 1.0, "infractions": {"red_light": 2, "stop_sign": 0}, "min_speed": [1.0, 0.5, 1.2]}
    assert [(t["what"], t["factor"], t["weight"]) for t in costs(summary)] == [
        ("red light 2 times", pytest.approx(0.49), pytest.approx(0.8)),
        ("route quarter 2 at 50 % of traffic speed", pytest.approx(0.85), pytest.approx(0.2)),
    ]
    assert costs({"route_completion": 0.9999}) == [{"what": "route 99.9 % done", "factor": 0.9999, "weight": None}]
    assert costs({"route_completion": 1.0, "outside_fraction": 0.0, "infractions": {}, "min_speed": ()}) == []


@pytest.mark.parametrize(
    "summary",
    [
        {"route_completion": "x", "outside_fraction": None, "infractions": [1], "min_speed": "fast"},
        {"route_completion": float("nan"), "outside_fraction": -1, "min_speed": [None, "a", float("inf")]},
        {"infractions": {"red_light": True, "stop_sign": -3, "collision_vehicle": 1e9, "x" * 9: 1}},
    ],
)
def test_a_summary_from_anywhere_is_no_trouble(summary):
    assert costs(summary) == []
