"""Where the Scenes come from that observations encode, by name: the truth, or what a driver perceives.

`perception` gives every driver the eyes of the camera pipeline (agents.pipeline): cameras, GNSS, IMU, odometry and a
sparse route, and no map. Each driver has a pipeline of its own, so that what it sees depends neither on the others nor
on threads. It is loaded when it is first asked for.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agents.scene_fields import FIELDS, empty_scene, scene_arrays
from simulator.engine import Engine
from simulator.entries import scene_worlds
from world.names import unknown_name
from world.records import Scene, SensorFrame

if TYPE_CHECKING:
    from agents.pipeline import PipelineAgent


class SceneSource(Protocol):
    """The Scenes of the drivers of a batch."""

    @property
    def scene(self) -> Scene:
        """(B, K), always the same record."""
        ...

    def begin(self, world: int) -> None:
        """The drivers of a world begin: what was seen before is another episode's."""
        ...

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Those of the (B, K) drivers begin in the midst of their world's episode."""
        ...

    def update(self, first: int, last: int) -> None:
        """Bring the Scenes of the worlds first .. last - 1 up to the present step; again is no change."""
        ...


class TrueScenes:
    """The engine's own Scenes."""

    def __init__(self, engine: Engine):
        self._engine, self.scene = engine, engine.scene_record

    def begin(self, world: int) -> None:
        """Nothing is remembered."""

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Nothing is remembered."""

    def update(self, first: int, last: int) -> None:
        scene_worlds(self._engine.address, first, last)


class PerceivedScenes:
    """What the drivers perceive. One that takes no part sees nothing, and its Scene is not active."""

    def __init__(self, engine: Engine):
        shape = engine.model.judge.active.shape
        self._engine, self._making = engine, Lock()
        self.scene = empty_scene(*shape)
        self._arrays = scene_arrays(self.scene)
        self._nets: dict[str, Any] = {}  # the networks, which all drivers share
        self._pipelines: dict[tuple[int, int], PipelineAgent] = {}
        self._step = np.full(shape, -1, np.int64)  # of what is seen; -1: the driver begins

    def begin(self, world: int) -> None:
        mask = np.zeros(self._step.shape, np.bool_)
        mask[world] = True
        self.forget(mask)

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        self._step[drivers] = -1
        self._engine.camera_sensors.forget(drivers)

    def update(self, first: int, last: int) -> None:
        from agents.pipeline import PipelineAgent

        engine = self._engine
        active = engine.model.judge.active
        self.scene.active[first:last] = active[first:last]
        for b in range(first, last):
            due = np.flatnonzero(active[b] & (self._step[b] != engine.state.step[b])).tolist()
            if due:
                frame = engine.sensors(PipelineAgent.sensors, b, b + 1)
                for k in due:
                    self._see(b, k, frame)

    def _see(self, b: int, k: int, frame: SensorFrame) -> None:
        """Driver k of world b sees what is around it now."""
        engine, pipeline = self._engine, self._pipeline(b, k)
        if self._step[b, k] < 0:
            pipeline.reset(_of_driver(engine.task, b, k))
        pipeline.localiser.asked(engine.model.slots.control_accel[b : b + 1, k : k + 1])
        scene, _ = pipeline.see(_of_driver(frame, b, k))
        for name, array in scene_arrays(scene).items():
            field = FIELDS[name]
            if field.dtype is np.float32:  # a filter may believe what no space holds
                np.clip(array[0, 0], field.low, field.high, out=self._arrays[name][b, k, ...])
            else:
                self._arrays[name][b, k] = array[0, 0]
        self.scene.active[b, k] = True
        self._step[b, k] = engine.state.step[b]

    def _pipeline(self, b: int, k: int) -> "PipelineAgent":
        if (b, k) not in self._pipelines:
            with self._making:
                self._pipelines[b, k] = self._make()
        return self._pipelines[b, k]

    def _make(self) -> "PipelineAgent":
        from agents.pipeline import PipelineAgent
        from perception.crops import LightClassifier, SignClassifier
        from perception.infer import EyeNet
        from perception.perceive import Perceiver

        if not self._nets:
            self._nets = {"net": EyeNet(), "read_sign": SignClassifier(), "read_light": LightClassifier()}
        return PipelineAgent(Perceiver(**self._nets))


def _of_driver(record: Any, b: int, k: int) -> Any:
    """The part (1, 1, ...) of a record of arrays (B, K, ...) that is driver k's of world b: views."""

    def part(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value[b : b + 1, k : k + 1]
        if isinstance(value, dict):
            return {name: part(one) for name, one in value.items()}
        return _of_driver(value, b, k) if is_dataclass(value) else value

    return replace(record, **{f.name: part(getattr(record, f.name)) for f in fields(record)})


SCENE_SOURCES: dict[str, Callable[[Engine], SceneSource]] = {"truth": TrueScenes, "perception": PerceivedScenes}


def check_scene_source(name: str) -> str:
    """The name of a source of Scenes.

    Raises:
        ValueError: there is none of that name, with the nearest match.
    """
    if name not in SCENE_SOURCES:
        raise ValueError(unknown_name("scene_source", str(name), SCENE_SOURCES))
    return name


def make_scene_source(name: str, engine: Engine) -> SceneSource:
    """The Scenes of an engine's drivers. Raises ValueError: unknown name, with the nearest match."""
    return SCENE_SOURCES[check_scene_source(name)](engine)
