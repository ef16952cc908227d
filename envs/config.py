"""What a run is told: checked names and numbers. Imports no engine, so that `--list` and errors come at once."""

from dataclasses import dataclass
from pathlib import Path

from agents.registry import AGENTS
from envs.backends import BACKENDS
from scenarios.registry import SCENARIOS, adapt, find_scenario
from world.names import unknown_name
from world.scenario import Scenario
from world.weather import PRESETS, find_weather


class RunError(RuntimeError):
    """A run that cannot start or go on; the message is for the person at the terminal."""


@dataclass(frozen=True)
class RunConfig:
    """What `envs.run.run` needs to know."""

    scenario: Scenario
    source: str  # the scenario's name, or the path of the map
    agent: str
    backend: str
    seed: int
    episodes: int
    out: Path | None  # run folder; None: runs/<time>-<scenario>
    record: bool
    json: Path | None  # a copy of summary.json
    weather: str | None = None  # a preset; None: the scenario's, a clear noon


def list_text() -> str:
    """Scenarios, agents and backends, for a person."""
    width = max(map(len, SCENARIOS))
    lines = ["scenarios:", *(f"  {s.name:<{width}}  {s.description}" for s in SCENARIOS.values())]
    return "\n".join([*lines, "  or the path of an .xodr or .xodr.gz file", "agents:", *(f"  {a}" for a in AGENTS),
                      "backends:", *(f"  {b}" for b in BACKENDS),
                      "weathers:", *(f"  {w}" for w in PRESETS)])  # fmt: skip


def make_config(
    scenario: str,
    agent: str = "pipeline",
    backend: str = "light",
    seed: int = 0,
    episodes: int = 1,
    vehicles: int | None = None,
    pedestrians: int | None = None,
    max_time: float | None = None,
    out: Path | None = None,
    record: bool = True,
    json: Path | None = None,
    weather: str | None = None,
) -> RunConfig:
    """A checked RunConfig.

    Raises:
        ValueError: unknown name or number out of range, naming what is allowed.
    """
    found = adapt(find_scenario(scenario), vehicles, pedestrians, max_time)
    for what, name, allowed in (("agent", agent, AGENTS), ("backend", backend, BACKENDS)):
        if name not in allowed:
            raise ValueError(unknown_name(what, name, allowed))
    if not 1 <= episodes <= 100_000:
        raise ValueError(f"episodes: got {episodes}, allowed are 1 to 100000")
    if not 0 <= seed < 2**62:
        raise ValueError(f"seed: got {seed}, allowed are 0 to 2^62 - 1")
    source = scenario if scenario in SCENARIOS else str(found.map_path)
    if weather is not None:
        find_weather(weather)
    return RunConfig(found, source, agent, backend, seed, episodes, out, record, json, weather)
