"""The one loop of Backend + Agent + Record + Score."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from envs import checked
from envs.checked import AgentError
from envs.stop import Stop
from replay.metrics import EpisodeScore, EpisodeScorer, in_junction
from replay.recorder import RecordWriteError
from world.kinds import BodyKind
from world.protocols import Agent, Backend, apply_hook
from world.records import Control, Decision, Event, HookOp, StepResult


class Recorder(Protocol):
    """What the loop tells a record."""

    def begin(self, backend: Backend, header: dict[str, Any]) -> None: ...

    def tick(self, backend: Backend, decision: Decision, result: StepResult) -> None: ...


@dataclass(frozen=True)
class Tick:
    """What a watcher of an episode sees after each control step of driver 0 of world 0."""

    time: float  # [s] simulated
    wall: float  # [s]
    completion: float  # in [0, 1]
    speed: float  # [m/s]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Episode:
    """One driven episode of a world with one driver."""

    seed: int
    score: EpisodeScore
    wall_time_s: float
    state_hash: str  # of all bodies and lights of all steps
    users: tuple[int, int]  # vehicles and pedestrians at the start, without the drivers
    interrupted: bool = False
    failure: AgentError | RecordWriteError | None = None  # what ended it before its time


def observe(backend: Backend, agent: Agent) -> Any:
    """The observation that an agent declares: the true Scene for a privileged one, else its sensors."""
    return backend.scene() if agent.privileged else backend.sensors(agent.sensors)


def drive_episode(
    backend: Backend,
    agent: Agent,
    seed: int,
    recorder: Recorder | None = None,
    header: dict[str, Any] | None = None,
    watch: Callable[[Tick], None] | None = None,
    stop: Stop | None = None,
    weather: Mapping[str, float] | None = None,
) -> Episode:
    """Drive one episode to its end, or until it is interrupted or fails: then the figures so far stand.

    Args:
        backend: one world, one driver.
        seed: of the episode.
        recorder: told of the start and of every control step.
        header: for the recorder.
        watch: called after every control step.
        stop: looked at after every control step.
        weather: of the whole episode, as `hooks.set_weather` takes it; None: the backend's own.
    """
    backend.reset([seed])
    if weather is not None:
        backend.hooks.set_weather(0, **weather)
    dt = backend.task.dt * backend.task.control_every
    scorer = EpisodeScorer(1, 1, dt, backend.privilege.maps)
    routes = backend.privilege.routes
    length = routes.length[:1, :1]
    scorer.reset(length)
    users = _users(backend)
    start, steps, interrupted, failure = time.perf_counter(), 0, False, None
    try:
        if recorder is not None:
            recorder.begin(backend, header or {})
        checked.reset(agent, backend.task, backend.privilege if agent.privileged else None)
        while not (stop is not None and stop.requested):
            decision = checked.act(agent, observe(backend, agent), length.shape, steps)
            result = backend.step(decision.control)
            scorer.tick(backend.state, backend.bodies, result, wide=in_junction(routes, result.progress))
            steps += 1
            if recorder is not None:
                recorder.tick(backend, decision, result)
            if watch is not None:
                completion = float(result.progress[0, 0] / max(length[0, 0], 1e-6))
                speed = float(backend.state.speed[0, 0])
                watch(Tick(steps * dt, time.perf_counter() - start, min(completion, 1.0), speed, result.events))
            if result.terminated[0, 0] or result.truncated[0, 0]:
                break
        else:
            interrupted = True
    except KeyboardInterrupt:
        interrupted = True
    except (AgentError, RecordWriteError) as error:
        failure = error
    wall = time.perf_counter() - start
    state_hash = f"{int(backend.state_hash[0]):016x}"
    return Episode(seed, scorer.score(0, 0), wall, state_hash, users, interrupted, failure)


def _users(backend: Backend) -> tuple[int, int]:
    """Vehicles and pedestrians of world 0 now, without its driver."""
    valid, walks = backend.state.valid[0, 1:], backend.bodies.kind[0, 1:] == BodyKind.PEDESTRIAN
    return int((valid & ~walks).sum()), int((valid & walks).sum())


def resimulate(
    header: dict[str, Any],
    controls: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    hook_ops: Sequence[HookOp] = (),
) -> Iterator[int]:
    """Drive a recorded episode again; yields the state hash after each control step.

    Args:
        header: as written by `envs.run` (scenario, seed).
        controls: (K,) steer [rad] and accel [m/s^2] of each control step.
        hook_ops: what was done to the world, each before its engine step.
    """
    from envs.backends import backend_from_header

    seed = header.get("seed")
    if type(seed) is not int:
        raise ValueError(f"the record's header: seed is {seed!r}")
    backend = backend_from_header(header)
    backend.reset([seed])
    waiting = deque(hook_ops)
    try:
        for steer, accel in controls:
            while waiting and waiting[0].step <= int(backend.state.step[0]):
                apply_hook(backend.hooks, 0, waiting.popleft())
            backend.step(Control(steer=np.asarray(steer)[None], accel=np.asarray(accel)[None]))
            yield int(backend.state_hash[0])
    finally:
        backend.close()
