"""What environments show of a driver: the observers by name, each with its space and its buffer.

An observer writes straight into its buffer, (B, K, ...), whose rows are drivers. What it shows comes from the driver's
Scene by `agents.codec`, or by a fused kernel that is tested to give the same; `rich` alone reads the engine's state.
Which Scene that is, the true one or the perceived one, a `SceneSource` says (`envs.scene_sources`).
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agents.codec import make_codec
from envs.scene_sources import SceneSource, TrueScenes, make_scene_source
from simulator.engine import Engine
from simulator.observe_rich import RICH_FLOATS, observe_rich_worlds
from simulator.observe_vector import observe_vector_worlds
from simulator.rich_observer import RichObserver
from world.names import unknown_name


class Observer(Protocol):
    """Sees for the drivers of a batch."""

    @property
    def space(self) -> spaces.Space:
        """Of one driver."""
        ...

    def begin(self, world: int) -> None:
        """The drivers of a world begin: what was seen before is another episode's."""
        ...

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Those of the (B, K) drivers begin in the midst of their world's episode."""
        ...

    def turn(self) -> None:
        """The next observations go into the next buffer of the ring."""
        ...

    def observe(self, first: int, last: int) -> None:
        """Bring the rows of the worlds first .. last - 1 up to date."""
        ...

    def value(self, copy: bool) -> Any:
        """Observations of all rows, batched as gymnasium.vector does."""
        ...

    def row(self, index: int, copy: bool = True) -> Any:
        """The observation of one row."""
        ...


class ArrayObserver:
    """An observation that is one array a driver.

    Attributes: `ring`, (S, B, K, *shape), the last S observations; `buffer`, (B, K, *shape), the present one of them.
    """

    def __init__(self, space: spaces.Box, engine: Engine, buffers: int, ring: NDArray | None = None):
        shape = (buffers, *engine.model.judge.active.shape, *space.shape)
        self.space, self._engine = space, engine
        self.ring = np.zeros(shape, space.dtype) if ring is None else ring
        self._buffers = [self.ring[i] for i in range(buffers)]
        self._all_rows = [buffer.reshape(-1, *space.shape) for buffer in self._buffers]
        self.at = 0
        self.buffer, self._rows = self._buffers[0], self._all_rows[0]

    def turn(self) -> None:
        self.at = (self.at + 1) % len(self._buffers)
        self.buffer, self._rows = self._buffers[self.at], self._all_rows[self.at]

    def value(self, copy: bool) -> NDArray:
        return self._rows.copy() if copy else self._rows

    def row(self, index: int, copy: bool = True) -> NDArray:
        return self._rows[index].copy() if copy else self._rows[index]

    def begin(self, world: int) -> None:
        """Nothing is remembered."""

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Nothing is remembered."""


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


def _vector(engine: Engine, buffers: int, source: SceneSource) -> Observer:
    if isinstance(source, TrueScenes):  # without the way over a Scene, to the same numbers
        return VectorObserver(engine, buffers)
    return CodecObserver("vector", engine, buffers, source)


OBSERVATIONS: dict[str, Callable[[Engine, int, SceneSource], Observer]] = {
    "vector": _vector,
    "rich": lambda engine, buffers, source: RichRowsObserver(engine, buffers),
    "lidar": lambda engine, buffers, source: CodecObserver("lidar", engine, buffers, source),
    "bev": lambda engine, buffers, source: CodecObserver("bev", engine, buffers, source),
    "scene": SceneObserver,
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


def make_observer(name: str, engine: Engine, buffers: int = 1, source: str = "truth") -> Observer:
    """The observer of an engine's drivers.

    Args:
        buffers: observations that are kept, the present one included.
        source: a name of envs.scene_sources.SCENE_SOURCES.

    Raises:
        ValueError: unknown name, with the nearest match; no buffer, or more than `scene` has.
    """
    if buffers < 1:
        raise ValueError(f"buffers: got {buffers}, allowed is 1 or more")
    return OBSERVATIONS[check_observation(name, source)](engine, buffers, make_scene_source(source, engine))
