"""Record a run of a backend: `with open_recorder(path) as recorder: ...`, to be given to the episode loop.

`EpisodeRecorder` writes one world's states; `RunRecorder` feeds it from any Backend.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replay.recorder import EpisodeRecorder, RecorderRates
from world.protocols import Backend
from world.records import Decision, HookOp, StepResult

__all__ = ["EpisodeRecorder", "HookOp", "RecorderRates", "RunRecorder", "open_recorder"]
SERIES = ("progress", "limit")


class RunRecorder:
    """Records world `world` of a backend into `path`.

    A backend may also have `state_hash` (B,) uint64, without which nothing can be verified, and
    `take_hook_ops(world) -> list[HookOp]`, operations since the last call.
    """

    def __init__(self, path: Path | str, world: int = 0, rates: RecorderRates | None = None):
        self.path, self.world, self.rates = Path(path), world, rates
        self.recorder: EpisodeRecorder | None = None

    def begin(self, backend: Backend, header: Mapping[str, Any]) -> None:
        """Open the file with the state right after the reset. Args: header: what drives the episode again."""
        w, privilege, task = self.world, backend.privilege, backend.task
        routes = privilege.routes
        drivers = routes.count.shape[1]
        lines = [np.stack((routes.x[w, k, :n], routes.y[w, k, :n]), axis=1) for k, n in enumerate(routes.count[w])]
        self.recorder = EpisodeRecorder(
            self.path,
            {"dt": task.dt, "control_every": task.control_every, **header},
            privilege.maps.maps[int(privilege.map_id[w])],
            drivers=drivers,
            world=w,
            series=SERIES,
            routes=[line.astype(np.float64) for line in lines],
            rates=self.rates,
        )
        self._tick(backend, None, None)

    def tick(self, backend: Backend, decision: Decision, result: StepResult) -> None:
        """Record a control step that has just been made."""
        if self.recorder is None:
            raise ValueError(f"{self.path}: tick before begin")
        self._tick(backend, decision, result)

    def _tick(self, backend: Backend, decision: Decision | None, result: StepResult | None) -> None:
        assert self.recorder is not None
        w, state = self.world, backend.state
        progress = np.zeros(self.recorder.drivers, np.float32) if result is None else result.progress[w]
        hashes, take = getattr(backend, "state_hash", None), getattr(backend, "take_hook_ops", None)
        self.recorder.tick(
            float(state.step[w]) * backend.task.dt,
            state,
            backend.bodies,
            None if decision is None else decision.control,
            () if result is None else result.events,
            decision,
            () if take is None else take(w),
            None if hashes is None else int(hashes[w]),
            series={"progress": progress, "limit": _limit(backend, w, progress)},
        )

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Close the file with the episode's figures."""
        if self.recorder is not None:
            self.recorder.close(summary)


def _limit(backend: Backend, w: int, progress: NDArray[np.float32]) -> NDArray[np.float32]:
    """(K,) [m/s] speed limit of the route at the drivers' progress (route points are a metre apart)."""
    routes = backend.privilege.routes
    last = np.maximum(routes.count[w] - 1, 0)
    at = np.clip(np.rint(progress).astype(np.int64), 0, last)
    return routes.limit[w, np.arange(len(at)), at]


@contextmanager
def open_recorder(path: Path | str, world: int = 0, rates: RecorderRates | None = None) -> Iterator[RunRecorder]:
    """A RunRecorder whose file is closed at the end, whatever happens."""
    recorder = RunRecorder(path, world, rates)
    try:
        yield recorder
    finally:
        recorder.finish({})
