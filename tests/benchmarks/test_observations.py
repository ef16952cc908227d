"""The benchmark of observations measures all of them."""

from agents.codec import OBSERVATIONS
from benchmarks.observations import ObservationConfig, measure_observations


def test_every_observation_has_a_figure():
    found = measure_observations(ObservationConfig(worlds=1, drivers=2, vehicles=5, steps=2, blocks=2))
    names = {"scene filled", "vector from state"} | {f"{name} from scene" for name in OBSERVATIONS}
    assert set(found["nanoseconds"]) == names and found["drivers"] == 2
    assert all(0 < least <= median for median, least in found["nanoseconds"].values())
