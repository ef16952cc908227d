"""What environments show of a driver: the observers by name, each with its space and its buffer.

What they show comes from the driver's Scene by `agents.codec`, or by a fused kernel that is tested to give the same;
`rich` alone reads the engine's state, and `camera` shows pictures.
Which Scene that is, the true one or the perceived one, a `SceneSource` says (`envs.scene_sources`).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agents.codec import make_codec
from envs.camera_observer import CameraObserver, CameraStateObserver, find_camera
from envs.observer import ArrayObserver, Observer
from envs.scene_sources import SceneSource, TrueScenes, make_scene_source
from simulator.engine import Engine
from simulator.observe_rich import RICH_FLOATS, observe_rich_worlds
from simulator.observe_vector import observe_vector_worlds
from simulator.rich_observer import RichObserver
from world.camera import CameraSpec
from world.names import unknown_name


class VectorObserver(ArrayObserver):
    """`vector` by the fused kernel."""

    def __init__(self, engine: Engine, buffers: int):
        super().__init__(make_codec("vector").space(), engine, buffers)

    def observe(self, first: int, last: int) -> None:
        observe_vector_worlds(self._engine.address, first, last, self.buffer)


class RichRowsObserver(ArrayObserver):
    """`rich`, straight from the engine's state; its buffers are cleared only where rows are there no more."""

    def __init__(self, engine: Engine, buffers: int):
        self._rich = RichObserver(engine, buffers)
        space = spaces.Box(-1.0, 1.0, (RICH_FLOATS,), np.float32)
        super().__init__(space, engine, buffers, self._rich.out)

    def observe(self, first: int, last: int) -> None:
        observe_rich_worlds(self._engine.address, self._rich.address, first, last, self.at)


class CodecObserver(ArrayObserver):
    """An encoding of a Scene into one array."""

    def __init__(self, name: str, engine: Engine, buffers: int, source: SceneSource):
        self._codec, self._source = make_codec(name), source
        super().__init__(self._codec.space(), engine, buffers)

    def observe(self, first: int, last: int) -> None:
        self._source.update(first, last)
        self._codec.encode(self._source.scene, self.buffer, first, last)

    def begin(self, world: int) -> None:
        mask = np.zeros(len(self.buffer), np.bool_)
        mask[world] = True
        self._source.begin(world)
        self._codec.reset(mask)

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        self._source.forget(drivers)
        self._codec.reset(drivers)


class SceneObserver:
    """The typed Scene as a dictionary of arrays."""

    def __init__(self, engine: Engine, buffers: int, source: SceneSource):
        if buffers != 1:
            raise ValueError(f"buffers: got {buffers}, the observation scene has 1")
        self._codec, self._source = make_codec("scene"), source
        self.space = self._codec.space()
        self.buffers = self._codec.buffer(*engine.model.judge.active.shape)
        self._rows = {n: a.reshape(-1, *a.shape[2:]) for n, a in self.buffers.items()}

    def begin(self, world: int) -> None:
        self._source.begin(world)

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        self._source.forget(drivers)

    def turn(self) -> None:
        """There is one buffer."""

    def observe(self, first: int, last: int) -> None:
        self._source.update(first, last)
        self._codec.encode(self._source.scene, self.buffers, first, last)

    def value(self, copy: bool) -> dict[str, NDArray]:
        return {n: a.copy() if copy else a for n, a in self._rows.items()}

    def row(self, index: int, copy: bool = True) -> dict[str, NDArray]:
        return {n: a[index].copy() if copy else a[index] for n, a in self._rows.items()}


class Asked(NamedTuple):
    """What an observer is to be like."""

    buffers: int
    source: SceneSource
    camera: CameraSpec
    stack: int


def _codec(name: str) -> Callable[[Engine, Asked], ArrayObserver]:
    return lambda engine, asked: CodecObserver(name, engine, asked.buffers, asked.source)


def _vector(engine: Engine, asked: Asked) -> ArrayObserver:
    if isinstance(asked.source, TrueScenes):  # without the way over a Scene, to the same numbers
        return VectorObserver(engine, asked.buffers)
    return _codec("vector")(engine, asked)


def _camera(engine: Engine, asked: Asked) -> CameraObserver:
    return CameraObserver(engine, asked.buffers, asked.camera, asked.stack)


OBSERVATIONS: dict[str, Callable[[Engine, Asked], Observer]] = {
    "vector": _vector,
    "rich": lambda engine, asked: RichRowsObserver(engine, asked.buffers),
    "lidar": _codec("lidar"),
    "bev": _codec("bev"),
    "scene": lambda engine, asked: SceneObserver(engine, asked.buffers, asked.source),
    "camera": _camera,
    "camera+state": lambda engine, asked: CameraStateObserver(
        _camera(engine, asked), _vector(engine, asked._replace(buffers=1))
    ),
}
TRUTH_ONLY = ("rich",)  # made from the engine's state, which nobody perceives


def check_observation(name: str, source: str = "truth") -> str:
    """The name of an observation that can be made from a source of Scenes.

    Raises:
        ValueError: there is none of that name, with the nearest match; or not from that source.
    """
    if name not in OBSERVATIONS:
        raise ValueError(unknown_name("observation", str(name), OBSERVATIONS))
    if name in TRUTH_ONLY and source != "truth":
        others = ", ".join(n for n in OBSERVATIONS if n not in TRUTH_ONLY)
        raise ValueError(f"observation: {name!r} is of the truth alone; with scene_source {source!r}: {others}")
    return name


def make_observer(
    name: str,
    engine: Engine,
    buffers: int = 1,
    source: str = "truth",
    camera: CameraSpec | Mapping[str, Any] | None = None,
    stack: int = 1,
) -> Observer:
    """The observer of an engine's drivers.

    Args:
        buffers: observations that are kept, the present one included.
        source: a name of envs.scene_sources.SCENE_SOURCES.
        camera, stack: of `camera` and `camera+state`.

    Raises:
        ValueError: unknown name, with the nearest match; no buffer, or more than `scene` has.
    """
    if buffers < 1:
        raise ValueError(f"buffers: got {buffers}, allowed is 1 or more")
    make = OBSERVATIONS[check_observation(name, source)]
    return make(engine, Asked(buffers, make_scene_source(source, engine), find_camera(camera), stack))
