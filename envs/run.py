"""A run: episodes of one scenario, driven, scored, recorded, written to a run folder."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from rich.console import Console

from agents.registry import AGENTS, make_agent
from envs.backends import BACKENDS, make_backend
from envs.console import LiveProgress, results_table
from envs.episode import Episode, Tick, drive_episode
from envs.provenance import command, commit, versions, write_json
from replay.metrics import mean_scores
from scenarios.registry import SCENARIOS, adapt, find_scenario
from world.kinds import EventKind
from world.names import unknown_name
from world.protocols import Agent, Backend
from world.scenario import Scenario

INFRACTIONS = frozenset(k for k in EventKind if k not in (EventKind.COMPLETED, EventKind.TIMEOUT))


class RunError(RuntimeError):
    """A run that cannot start or go on; the message is for the person at the terminal."""


@dataclass(frozen=True)
class RunConfig:
    """What `run` needs to know."""

    scenario: Scenario
    source: str  # the scenario's name, or the path of the map
    agent: str
    backend: str
    seed: int
    episodes: int
    out: Path | None  # run folder; None: runs/<time>-<scenario>
    record: bool
    json: Path | None  # a copy of summary.json


@dataclass(frozen=True)
class FinishedRun:
    """What a run left behind."""

    folder: Path
    summary: dict[str, Any]
    replay: Path | None
    interrupted: bool


def list_text() -> str:
    """Scenarios, agents and backends, for a person."""
    width = max(map(len, SCENARIOS))
    lines = ["scenarios:", *(f"  {s.name:<{width}}  {s.description}" for s in SCENARIOS.values())]
    return "\n".join([*lines, "  or the path of an .xodr or .xodr.gz file", "agents:", *(f"  {a}" for a in AGENTS),
                      "backends:", *(f"  {b}" for b in BACKENDS)])  # fmt: skip


def make_config(
    scenario: str,
    agent: str = "expert",
    backend: str = "light",
    seed: int = 0,
    episodes: int = 1,
    vehicles: int | None = None,
    pedestrians: int | None = None,
    max_time: float | None = None,
    out: Path | None = None,
    record: bool = True,
    json: Path | None = None,
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
    return RunConfig(found, source, agent, backend, seed, episodes, out, record, json)


def run(config: RunConfig, console: Console | None = None) -> FinishedRun:
    """Drive all episodes, show progress, write the run folder, print the closing table.

    Ctrl-C ends the episode in progress; what was driven so far is scored, recorded and written.

    Raises:
        RunError: the run folder cannot be made.
        MapError: the map cannot be used.
    """
    console = console or Console(stderr=False)
    folder = _make_folder(config)
    agent = make_agent(config.agent)
    preparing = Thread(target=getattr(agent, "prepare", lambda: None), daemon=True)
    preparing.start()  # the agent's kernels compile beside the simulator's
    backend = make_backend(config.backend, config.scenario)
    try:
        preparing.join()
        return _run(config, console, folder, backend, agent)
    finally:
        backend.close()


def _make_folder(config: RunConfig) -> Path:
    if config.out is not None:
        folder = config.out
    else:
        base = f"{time.strftime('%Y%m%d-%H%M%S')}-{config.scenario.name}"
        folder = next(
            f for i in range(1000) if not (f := Path("runs") / (base + (f"-{i}" if i else ""))).exists()
        )  # fmt: skip
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"run folder {folder}: {error.strerror or error}") from error
    return folder.resolve()


def _origin(config: RunConfig, backend: Backend) -> dict[str, Any]:
    """What was driven by whom, and where it comes from: the part that records and summary share; asked once a run."""
    road_map = backend.privilege.maps.maps[0]
    return {
        "map": road_map.name,
        "map_hash": road_map.source_hash,
        "agent": config.agent,
        "backend": config.backend,
        "versions": versions(),
        "commit": commit(),
        "command": command(),
    }


def _header(config: RunConfig, origin: dict[str, Any], seed: int) -> dict[str, Any]:
    """What a record needs to be driven again, and where it comes from."""
    scenario = config.scenario
    told = {
        "name": scenario.name,
        "source": config.source,
        "vehicles": scenario.vehicles,
        "pedestrians": scenario.pedestrians,
        "max_time": scenario.max_time,
    }
    clock = {"dt": scenario.dt, "control_every": scenario.control_every}
    return {"scenario": told, **origin, "seed": seed, **clock}


def _run(config: RunConfig, console: Console, folder: Path, backend: Backend, agent: Agent) -> FinishedRun:
    write_json(folder / "config.json", _plain(asdict(config)))
    origin = _origin(config, backend)
    episodes: list[Episode] = []
    replays: list[Path] = []
    for k in range(config.episodes):
        seed = config.seed + k
        name = "" if k == 0 else f"-{k}"
        episode = _drive(config, console, backend, agent, _header(config, origin, seed), folder / f"episode{name}.mcap")
        episodes.append(episode)
        if config.record:
            replays.append(_write_replay(folder / f"episode{name}.mcap", folder / f"replay{name}.html"))
        summary = _summary(config, origin, episodes)
        write_json(folder / "summary.json", summary)
        if episode.interrupted:
            break
    if config.json is not None:
        write_json(config.json, summary)
    title = f"{config.scenario.name}, {config.agent}, {config.backend} backend"
    console.print(results_table(title, summary["episodes"], summary["mean"]))
    console.print(f"summary  {folder / 'summary.json'}", soft_wrap=True, highlight=False)
    if replays:
        console.print(f"record   {folder / 'episode.mcap'}", soft_wrap=True, highlight=False)
        console.print(f"replay   {replays[0].as_uri()}", soft_wrap=True, highlight=False)
    return FinishedRun(folder, summary, replays[0] if replays else None, episodes[-1].interrupted)


def _drive(
    config: RunConfig, console: Console, backend: Backend, agent: Agent, header: dict[str, Any], record: Path
) -> Episode:
    """One episode with its progress bar, and its record if wanted."""
    from replay.record import open_recorder

    infractions, seed = 0, int(header["seed"])
    with LiveProgress(f"{config.scenario.name} seed {seed}", console) as progress:

        def watch(tick: Tick) -> None:
            nonlocal infractions
            infractions += sum(e.kind in INFRACTIONS for e in tick.events)
            progress.update(tick.completion, tick.time, tick.speed, infractions, tick.time / max(tick.wall, 1e-9))

        if not config.record:
            return drive_episode(backend, agent, seed, watch=watch)
        with open_recorder(record) as recorder:
            episode = drive_episode(backend, agent, seed, recorder, header, watch)
            recorder.finish(_episode_row(episode))
        return episode


def _write_replay(record: Path, page: Path) -> Path:
    """The browser's replay of a record."""
    from replay.reader import read_record
    from replay.viewer.html import write_html

    return write_html(read_record(record), page).resolve()


def _plain(value: Any) -> Any:
    """Configuration as JSON takes it."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def _episode_row(episode: Episode) -> dict[str, Any]:
    row = episode.score.to_dict()
    wall = episode.wall_time_s
    return {
        "seed": episode.seed,
        **row,
        "outcome": "interrupted" if episode.interrupted else row["outcome"],
        "wall_time_s": wall,
        "realtime_factor": row["sim_time_s"] / wall if wall > 0 else 0.0,
        "state_hash": episode.state_hash,
    }


def _summary(config: RunConfig, origin: dict[str, Any], episodes: Sequence[Episode]) -> dict[str, Any]:
    rows = [_episode_row(e) for e in episodes]
    mean = mean_scores([e.score for e in episodes])
    for name in ("wall_time_s", "realtime_factor"):
        mean[name] = sum(r[name] for r in rows) / len(rows)
    return {"scenario": config.scenario.name, **origin, "seed": config.seed, "episodes": rows, "mean": mean}
