"""What environments show of a driver: the observers by name, each with its space and its buffer.

An observer writes straight into its buffer, (B, K, ...), whose rows are drivers. What it shows comes from the driver's
Scene by `agents.codec`, or by a fused kernel that is tested to give the same; `rich` alone reads the engine's state.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agents.codec import make_codec
from simulator.engine import Engine
from simulator.entries import scene_worlds
from simulator.observe_vector import observe_vector_worlds
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
    """An observation that is one array a driver."""

    def __init__(self, space: spaces.Box, engine: Engine):
        shape = (*engine.model.judge.active.shape, *space.shape)
        self.space, self._engine = space, engine
        self.buffer = np.zeros(shape, space.dtype)
        self._rows: NDArray = self.buffer.reshape(-1, *space.shape)

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

    def __init__(self, engine: Engine):
        super().__init__(make_codec("vector").space(), engine)

    def observe(self, first: int, last: int) -> None:
        observe_vector_worlds(self._engine.address, first, last, self.buffer)


class CodecObserver(ArrayObserver):
    """An encoding of the true Scene into one array."""

    def __init__(self, name: str, engine: Engine):
        self._codec = make_codec(name)
        super().__init__(self._codec.space(), engine)
        self._scene = engine.scene_record

    def observe(self, first: int, last: int) -> None:
        scene_worlds(self._engine.address, first, last)
        self._codec.encode(self._scene, self.buffer, first, last)

    def begin(self, world: int) -> None:
        mask = np.zeros(len(self.buffer), np.bool_)
        mask[world] = True
        self._codec.reset(mask)

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        self._codec.reset(drivers)


class SceneObserver:
    """The typed Scene as a dictionary of arrays."""

    def __init__(self, engine: Engine):
        self._engine, self._codec, self._scene = engine, make_codec("scene"), engine.scene_record
        self.space = self._codec.space()
        self.buffers = self._codec.buffer(*engine.model.judge.active.shape)
        self._rows = {n: a.reshape(-1, *a.shape[2:]) for n, a in self.buffers.items()}

    def begin(self, world: int) -> None:
        """Nothing is remembered."""

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Nothing is remembered."""

    def observe(self, first: int, last: int) -> None:
        scene_worlds(self._engine.address, first, last)
        self._codec.encode(self._scene, self.buffers, first, last)

    def value(self, copy: bool) -> dict[str, NDArray]:
        return {n: a.copy() if copy else a for n, a in self._rows.items()}

    def row(self, index: int, copy: bool = True) -> dict[str, NDArray]:
        return {n: a[index].copy() if copy else a[index] for n, a in self._rows.items()}


OBSERVATIONS: dict[str, Callable[[Engine], Observer]] = {
    "vector": VectorObserver,
    "lidar": lambda engine: CodecObserver("lidar", engine),
    "bev": lambda engine: CodecObserver("bev", engine),
    "scene": SceneObserver,
}


def check_observation(name: str) -> str:
    """The name of an observation.

    Raises:
        ValueError: there is none of that name, with the nearest match.
    """
    if name not in OBSERVATIONS:
        raise ValueError(unknown_name("observation", str(name), OBSERVATIONS))
    return name


def make_observer(name: str, engine: Engine) -> Observer:
    """The observer of an engine's drivers. Raises ValueError: unknown name, with the nearest match."""
    return OBSERVATIONS[check_observation(name)](engine)
