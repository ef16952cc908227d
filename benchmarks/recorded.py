"""Figures that were taken elsewhere or that others publish: they stand beside ours, marked, and enter no ratio."""

from dataclasses import asdict, dataclass

MEASURED = "measured, one pinned core of 2 vCPU (Intel Xeon with AVX-512), Python 3.11, median of 5 or more windows"
CLAIMED = "its authors' figure, not run by us"
DATE = "2026-11-21"


@dataclass(frozen=True)
class Recorded:
    """One figure of a peer that is not run in the same call.

    Attributes: `rate`, one of benchmarks.compare.RATES; `low` and `high` the range, where it is known.
    """

    profile: str
    peer: str
    rate: str
    value: float
    what: str
    source: str
    low: float | None = None
    high: float | None = None
    date: str = DATE

    def entry(self) -> dict[str, object]:
        """As it stands in the JSON, told apart from what was measured in the call."""
        return {**{k: v for k, v in asdict(self).items() if v is not None}, "interleaved": False}


_A, _E, _V, _S = "agent_steps_per_s", "env_steps_per_s", "vehicle_updates_per_s", "samples_per_s"
_PUFFER = "1024 agents in 60-80 worlds, collision and off-road, no reactive traffic"

RECORDED = (
    Recorded("rich", "PufferDrive", _A, 143e3, f"{_PUFFER}, 1848 floats (about 75 % filled)", MEASURED, 110e3, 156e3),
    Recorded("rich", "PufferDrive without observation", _A, 406e3, _PUFFER, MEASURED, 377e3, 436e3),
    Recorded("rich", "PufferDrive, training", _S, 310e3, "end to end on one RTX 4080", CLAIMED, 300e3, 320e3),
    Recorded("rich", "Nocturne", _A, 4.8e3, "9 agents, occlusion, 13.5 k floats", MEASURED),
    Recorded("rich", "Waymax, dynamics only", _V, 4.9e6, "JAX CPU, 128 objects, synthetic", MEASURED, 2.8e6, 7.0e6),
    Recorded("rich", "Waymax, with overlap", _V, 0.55e6, "JAX CPU, 128 objects, synthetic", MEASURED, 0.5e6, 0.6e6),
    Recorded("rich", "Waymax, with overlap and off-road", _V, 400.0, "JAX CPU, 128 objects, synthetic", MEASURED),
    Recorded("rich", "GPUDrive", _A, 1e6, "raw, on a GPU", CLAIMED),
    Recorded("rich", "Gigaflow", _A, 1.2e6, "transitions, on 8 A100", CLAIMED),
    Recorded("highway", "HighwayEnv 1.12.1", _E, 30.0, "highway-fast-v0: 21 cars, 5 sub-steps", MEASURED, 27.0, 33.0),
    Recorded("highway", "HighwayEnv 1.12.1, highway-v0", _E, 2.8, "51 cars, 15 sub-steps", MEASURED, 2.4, 3.2),
    Recorded("highway", "HighwayEnv 1.12.1, intersection-v1", _E, 8.6, "8 cars", MEASURED, 8.3, 8.9),
    Recorded("traffic", "SUMO 1.28, 500", _V, 82e3, "libsumo, signalised grid, 0.1 s", MEASURED, 74e3, 91e3),
    Recorded("traffic", "SUMO 1.28, 5000", _V, 57e3, "libsumo, signalised grid, 0.1 s", MEASURED),
    Recorded("lidar", "MetaDrive 0.4.3", _E, 160.0, "ego and about 4 cars, 240 rays, obs 259", MEASURED, 144.0, 174.0),
    Recorded("lidar", "MetaDrive 0.4.3 without traffic", _E, 810.0, "240 rays, obs 259", MEASURED, 740.0, 880.0),
    Recorded("lidar", "MetaDrive", _E, 1000.0, "up to", CLAIMED),
    Recorded("camera", "CarRacing-v3", _E, 100.0, "96x96x3 pixels", MEASURED, 86.0, 113.0),
    Recorded("camera", "Gigapixel", _A, 50e3, "with images, on a GPU", CLAIMED),
    Recorded("learning", "SB3 PPO, highway-fast-v0", _S, 24.5, "end to end", MEASURED),
    Recorded("learning", "SB3 PPO, CartPole, 1 environment", _S, 846.0, "end to end", MEASURED),
    Recorded("learning", "SB3 PPO, CartPole, 8 environments", _S, 1960.0, "end to end", MEASURED),
)


def recorded_for(profiles: tuple[str, ...]) -> list[Recorded]:
    """The recorded figures that belong to these profiles."""
    return [r for r in RECORDED if r.profile in profiles]
