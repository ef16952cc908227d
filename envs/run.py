"""A run: episodes of one scenario, driven, scored, recorded, written to a run folder."""

import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

from rich.console import Console

from agents.registry import make_agent
from envs import checked
from envs.backends import make_backend
from envs.checked import AgentError
from envs.config import RunConfig
from envs.console import RunConsole, live_progress, results_table
from envs.episode import Episode, Tick, drive_episode
from envs.folder import drop_folder, make_folder, plan_folder
from envs.provenance import command, commit, versions, write_json
from envs.stop import Stop
from replay.metrics import mean_scores
from replay.recorder import RecordWriteError
from scenarios.registry import for_seed
from world.kinds import EventKind
from world.protocols import Agent, Backend
from world.weather import find_weather

INFRACTIONS = frozenset(k for k in EventKind if k not in (EventKind.COMPLETED, EventKind.TIMEOUT))


@dataclass(frozen=True)
class FinishedRun:
    """What a run left behind."""

    folder: Path
    summary: dict[str, Any]
    replay: Path | None
    interrupted: bool
    trouble: str = ""  # why it ended before its time, for the person at the terminal


def run(config: RunConfig, console: Console | None = None, stop: Stop | None = None) -> FinishedRun:
    """Drive all episodes, show progress, write the run folder, print the closing table.

    When `stop` is requested, or at Ctrl-C, the episode in progress ends; so does it when the agent or the disk fails.
    What was driven so far is scored, recorded and written.

    Raises:
        RunError: the run folder cannot be made or holds a run, or what was driven cannot be written.
        MapError: the map cannot be used.
        AgentError: the agent cannot be prepared.
    """
    console, stop = console or RunConsole(stderr=False), stop or Stop()
    folder = plan_folder(config)
    agent = make_agent(config.agent)
    preparing = _Preparing(agent)  # the agent's kernels compile, or load, beside the simulator's
    with _Backends(config) as backends:
        preparing.result()
        return _run(config, console, folder, backends, agent, stop)


class _Backends:
    """The backend of every episode: one for all, or a new one each where every seed has a map of its own."""

    def __init__(self, config: RunConfig):
        self._config = config
        self._backend = make_backend(config.backend, for_seed(config.scenario, config.seed))

    def episode(self, k: int) -> Backend:
        """The backend of episode k, not yet reset."""
        config = self._config
        if k and config.scenario.map_maker:
            self._backend.close()
            self._backend = make_backend(config.backend, for_seed(config.scenario, config.seed + k))
        return self._backend

    def __enter__(self) -> "_Backends":
        return self

    def __exit__(self, *_: object) -> None:
        self._backend.close()


def _map(backend: Backend) -> dict[str, str]:
    road_map = backend.privilege.maps.maps[0]
    return {"map": road_map.name, "map_hash": road_map.source_hash}


class _Preparing(Thread):
    """The agent's preparation, in a thread of its own."""

    def __init__(self, agent: Agent):
        super().__init__(daemon=True)
        self._agent = agent
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            checked.prepare(self._agent)
        except Exception as error:  # raised where it is waited for
            self._error = error

    def result(self) -> None:
        self.join()
        if self._error is not None:
            raise self._error


def _origin(config: RunConfig, backend: Backend) -> dict[str, Any]:
    """What was driven by whom, and where it comes from: the part that records and summary share; asked once a run."""
    return {
        **_map(backend),
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
    if config.weather is not None:
        told["weather"] = config.weather
    clock = {"dt": scenario.dt, "control_every": scenario.control_every}
    return {"scenario": told, **origin, "seed": seed, **clock}


def _run(
    config: RunConfig, console: Console, folder: Path, backends: _Backends, agent: Agent, stop: Stop
) -> FinishedRun:
    origin = _origin(config, backends.episode(0))
    episodes: list[Episode] = []
    pages: list[Path] = []
    summary: dict[str, Any] = {}
    trouble: list[str] = []
    stop.driving = True
    new = make_folder(folder)
    try:
        write_json(folder / "config.json", _plain(asdict(config)))
        for k in range(config.episodes):
            seed, record = config.seed + k, folder / f"episode{f'-{k}' if k else ''}.mcap"
            backend = backends.episode(k)
            header = _header(config, origin | _map(backend), seed)
            episode = _drive(config, console, backend, agent, header, record, stop)
            episodes.append(episode)
            trouble += _failure(episode, folder)
            summary = _summary(config, origin, episodes)
            trouble += _kept(lambda: write_json(folder / "summary.json", summary))  # noqa: B023 (called at once)
            if record.exists():
                trouble += _kept(lambda: pages.append(_write_replay(record)))  # noqa: B023 (called at once)
            if trouble or episode.interrupted or stop.requested:
                break
    except BaseException:
        if not episodes:
            drop_folder(folder, new)
        raise
    if (copy := config.json) is not None:
        trouble += _kept(lambda: write_json(copy, summary))
    _tell(config, console, folder, summary, pages)
    interrupted = stop.requested or episodes[-1].interrupted
    return FinishedRun(folder, summary, pages[0] if pages else None, interrupted, "; ".join(trouble))


def _failure(episode: Episode, folder: Path) -> list[str]:
    """What ended the episode before its time, for a person; an agent's traceback goes into the run folder."""
    error = episode.failure
    if not isinstance(error, AgentError) or error.__cause__ is None:
        return [] if error is None else [str(error)]
    path = folder / "agent_error.txt"
    text = "".join(traceback.format_exception(error.__cause__))
    return [f"{error} (traceback: {path})", *_kept(lambda: path.write_text(text))]


def _kept(write: Callable[[], object]) -> list[str]:
    """What keeps a file from being written, for a person; the run goes on to write the others."""
    try:
        write()
    except OSError as error:
        return [f"{error.filename}: {error.strerror}" if error.filename else str(error)]
    return []


def _tell(config: RunConfig, console: Console, folder: Path, summary: dict[str, Any], pages: Sequence[Path]) -> None:
    """The closing table, and where the files are."""
    weather = f", {config.weather}" if config.weather else ""
    title = f"{config.scenario.name}{weather}, {config.agent}, {config.backend} backend"
    console.print(results_table(title, summary["episodes"], summary["mean"]))
    files = {"summary": folder / "summary.json", "record": folder / "episode.mcap"}
    lines = {name: str(path) for name, path in files.items() if path.exists()}
    if pages:
        lines["replay"] = pages[0].as_uri()
    for name, value in lines.items():
        console.print(f"{name:<8} {value}", soft_wrap=True, highlight=False, markup=False)


def _drive(
    config: RunConfig,
    console: Console,
    backend: Backend,
    agent: Agent,
    header: dict[str, Any],
    record: Path,
    stop: Stop,
) -> Episode:
    """One episode with its progress, and its record if wanted."""
    infractions, seed = 0, int(header["seed"])
    weather = None if config.weather is None else find_weather(config.weather)
    with live_progress(f"{config.scenario.name} seed {seed}", console) as progress:

        def watch(tick: Tick) -> None:
            nonlocal infractions
            infractions += sum(e.kind in INFRACTIONS for e in tick.events)
            progress.update(tick.completion, tick.time, tick.speed, infractions, tick.time / max(tick.wall, 1e-9))

        if not config.record:
            return drive_episode(backend, agent, seed, watch=watch, stop=stop, weather=weather)
        from replay.record import open_recorder

        with open_recorder(record) as recorder:
            episode = drive_episode(backend, agent, seed, recorder, header, watch, stop, weather)
            try:
                recorder.finish(_episode_row(episode))
            except RecordWriteError as error:  # there was no room for the figures
                return replace(episode, failure=episode.failure or error)
        return episode


def _write_replay(record: Path) -> Path:
    """The browser's replay of a record, beside it."""
    from replay.reader import read_record
    from replay.viewer.html import write_html

    page = record.with_name(record.name.replace("episode", "replay")).with_suffix(".html")
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
    vehicles, pedestrians = episode.users
    row |= {"outcome": _outcome(episode)} | ({"error": str(episode.failure)} if episode.failure else {})
    return {
        "seed": episode.seed,
        "vehicles": vehicles,
        "pedestrians": pedestrians,
        **row,
        "wall_time_s": wall,
        "realtime_factor": row["sim_time_s"] / wall if wall > 0 else 0.0,
        "state_hash": episode.state_hash,
    }


def _outcome(episode: Episode) -> str:
    """The score's, or what ended the episode before it had one."""
    if isinstance(episode.failure, AgentError):
        return "agent error"
    if episode.failure is not None and episode.score.outcome == "running":
        return "record error"
    return "interrupted" if episode.interrupted else episode.score.outcome


def _summary(config: RunConfig, origin: dict[str, Any], episodes: Sequence[Episode]) -> dict[str, Any]:
    rows = [_episode_row(e) for e in episodes]
    mean = mean_scores([e.score for e in episodes])
    mean["outcomes"] = dict(Counter(row["outcome"] for row in rows))
    for name in ("vehicles", "pedestrians", "wall_time_s", "realtime_factor"):
        mean[name] = sum(r[name] for r in rows) / len(rows)
    asked = {"vehicles": config.scenario.vehicles, "pedestrians": config.scenario.pedestrians}
    return {
        "scenario": config.scenario.name,
        **asked,
        **origin,
        "weather": config.weather,
        "seed": config.seed,
        "episodes": rows,
        "mean": mean,
    }
