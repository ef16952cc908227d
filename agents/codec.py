"""Observation encodings by name: Scene -> numbers, the one encoding that both trains and drives.

    codec = make_codec("vector")
    out = codec.buffer(worlds, drivers)
    codec.encode(engine.scene(), out)

Names: `vector` (128 numbers), `lidar` (rays and the driver's state), `bev` (a picture from above), `scene` (the Scene
itself as a dictionary). docs/observations.md says what stands where.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.encode_bev import BEV_CHANNELS, encode_bev, make_history
from agents.encode_lidar import encode_lidar
from agents.encode_vector import encode_vector
from agents.scene_fields import FIELDS, scene_arrays
from agents.scene_pack import pack_scene
from world.names import unknown_name
from world.observation import STATE_SIZE, VECTOR_SIZE, vector_low
from world.pack import Pack
from world.records import Scene

if TYPE_CHECKING:
    from gymnasium import spaces

Mask = NDArray[np.bool_]


class Codec(ABC):
    """An encoding into one array. What is particular to an encoding is `_write`; what it remembers, `reset`.

    Attributes:
        name: in OBSERVATIONS.
        shape, dtype: of one driver's observation.
        low, high: arrays of `shape`, the bounds of every number.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    low: NDArray[Any]
    high: NDArray[Any]

    def __init__(self) -> None:
        self._scene: Scene | None = None
        self._out: NDArray[Any] | None = None
        self._pack: Pack | None = None
        self._address = 0

    def space(self) -> "spaces.Box":
        """Gymnasium's space of one driver's observation."""
        from gymnasium import spaces

        return spaces.Box(self.low, self.high, self.shape, self.dtype.type)

    def buffer(self, worlds: int, drivers: int) -> NDArray[Any]:
        """An array that `encode` can write into."""
        return np.zeros((worlds, drivers, *self.shape), self.dtype)

    def encode(self, scene: Scene, out: NDArray[Any], first: int = 0, last: int | None = None) -> None:
        """Write the observations of (B, K) drivers into `out` (B, K, *shape); zeros for those that take no part.

        Only those of the worlds first .. last - 1 (None: to the end), so that threads may share the work. Nothing is
        allocated as long as `scene` and `out` are the objects of the last call, as the engine's are.

        Raises:
            ValueError: arrays of another shape or type than told.
        """
        if scene is not self._scene or out is not self._out:
            self._take(scene, out)
        self._write(out, first, len(out) if last is None else last)

    @abstractmethod
    def reset(self, mask: Mask | None = None) -> None:
        """Forget what was seen. Args: mask: (B,) or (B, K) that start anew; None: all."""

    def _take(self, scene: Scene, out: NDArray[Any]) -> None:
        """Check and hold what `encode` was given."""
        if scene is not self._scene:
            self._pack = pack_scene(scene)
            self._scene, self._address = scene, self._pack.address
        shape = (*scene.active.shape, *self.shape)
        if out.shape != shape or out.dtype != self.dtype or not out.flags.c_contiguous or not out.flags.writeable:
            raise ValueError(
                f"{self.name}: out is {out.dtype} of shape {out.shape}, expected {self.dtype} of shape {shape}, "
                "C-contiguous and writeable"
            )
        self._out = out

    @abstractmethod
    def _write(self, out: NDArray[Any], first: int, last: int) -> None:
        """Encode the Scene at `_address`."""


class VectorCodec(Codec):
    """128 numbers: ego, route, lanes, what is ahead, the 8 nearest road users (`world.observation`)."""

    name = "vector"

    def __init__(self) -> None:
        super().__init__()
        self.shape, self.dtype = (VECTOR_SIZE,), np.dtype(np.float32)
        self.low, self.high = vector_low(), np.ones(VECTOR_SIZE, np.float32)

    def reset(self, mask: Mask | None = None) -> None:
        """Nothing is remembered."""

    def _write(self, out: NDArray[Any], first: int, last: int) -> None:
        encode_vector(self._address, first, last, out)


@dataclass(frozen=True)
class LidarConfig:
    """Rays of the `lidar` observation."""

    rays: int = 240
    range: float = 50.0  # [m]


class LidarCodec(Codec):
    """Distances along rays, counter-clockwise from straight ahead, then the vector's first STATE_SIZE numbers.

    Raises:
        ValueError: fewer than 4 rays or more than 7200; a range that is not within (0, 100] m.
    """

    name = "lidar"

    def __init__(self, config: LidarConfig = LidarConfig()) -> None:
        super().__init__()
        if not 4 <= config.rays <= 7200:
            raise ValueError(f"LidarConfig: rays is {config.rays}, allowed is 4 to 7200")
        if not 0.0 < config.range <= 100.0:
            raise ValueError(f"LidarConfig: range is {config.range} m, allowed is more than 0 to 100")
        self.config = config
        self.shape, self.dtype = (config.rays + STATE_SIZE,), np.dtype(np.float32)
        self.low = np.concatenate([np.zeros(config.rays, np.float32), vector_low()[:STATE_SIZE]])
        self.high = np.ones(self.shape, np.float32)
        angle = np.arange(config.rays) * (2 * np.pi / config.rays)
        self._directions = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
        self._range = np.float32(config.range)

    def reset(self, mask: Mask | None = None) -> None:
        """Nothing is remembered."""

    def _write(self, out: NDArray[Any], first: int, last: int) -> None:
        encode_lidar(self._address, self._range, self._directions, first, last, out)


@dataclass(frozen=True)
class BevConfig:
    """The picture of the `bev` observation."""

    size_px: int = 96  # height and width
    m_per_px: float = 0.5
    behind: float = 0.25  # part of the height that shows what is behind the driver's centre


class BevCodec(Codec):
    """A picture from above, uint8 (C, size, size), channels BEV_CHANNELS, the driver looks up.

    Raises:
        ValueError: a picture of less than 8 or more than 1024 pixels, a scale outside of [0.05, 4] m, `behind` outside
            of [0, 1].
    """

    name = "bev"

    def __init__(self, config: BevConfig = BevConfig()) -> None:
        super().__init__()
        if not 8 <= config.size_px <= 1024:
            raise ValueError(f"BevConfig: size_px is {config.size_px}, allowed is 8 to 1024")
        if not 0.05 <= config.m_per_px <= 4.0:
            raise ValueError(f"BevConfig: m_per_px is {config.m_per_px}, allowed is 0.05 to 4")
        if not 0.0 <= config.behind <= 1.0:
            raise ValueError(f"BevConfig: behind is {config.behind}, allowed is 0 to 1")
        self.config = config
        self.shape, self.dtype = (len(BEV_CHANNELS), config.size_px, config.size_px), np.dtype(np.uint8)
        self.low, self.high = np.zeros(self.shape, np.uint8), np.full(self.shape, 255, np.uint8)
        self._view = (1.0 / config.m_per_px, 0.5 * config.size_px, (1.0 - config.behind) * config.size_px)
        self._history = make_history(0, 0)
        self._history_pack = Pack(self._history)

    def reset(self, mask: Mask | None = None) -> None:
        """Forget the past road users of the drivers of `mask` (B,) or (B, K); None: of all."""
        filled = self._history.filled
        if mask is None or not filled.size:  # before the first Scene nothing has been seen
            filled[:] = 0
            return
        if mask.shape not in (filled.shape[:1], filled.shape):
            raise ValueError(f"bev: mask has shape {mask.shape}, expected {filled.shape[:1]} or {filled.shape}")
        filled[mask] = 0

    def _take(self, scene: Scene, out: NDArray[Any]) -> None:
        super()._take(scene, out)
        if self._history.filled.shape != scene.active.shape:
            self._history = make_history(*scene.active.shape)
            self._history_pack = Pack(self._history)

    def _write(self, out: NDArray[Any], first: int, last: int) -> None:
        encode_bev(self._address, self._history_pack.address, *self._view, first, last, out)


class SceneCodec:
    """The Scene itself as a dictionary of arrays by flat names (`agents.scene_fields`); flags are int8."""

    name = "scene"

    def space(self) -> "spaces.Dict":
        """Gymnasium's space of one driver's observation."""
        return scene_space()

    def buffer(self, worlds: int, drivers: int) -> dict[str, NDArray[Any]]:
        """Arrays that `encode` can write into."""
        return {n: np.zeros((worlds, drivers, *(f.shape or (1,))), _shown_type(f.dtype)) for n, f in FIELDS.items()}

    def view(self, scene: Scene) -> dict[str, NDArray[Any]]:
        """The Scene's own arrays, uncopied; drivers that take no part (`active`) show what they last saw."""
        return {n: _shown(a) for n, a in scene_arrays(scene).items()}

    def encode(self, scene: Scene, out: dict[str, NDArray[Any]], first: int = 0, last: int | None = None) -> None:
        """Copy the Scene of the worlds first .. last - 1 into `out`; zeros for drivers that take no part."""
        gone = ~scene.active[first:last]
        some_gone = bool(gone.any())
        for name, array in scene_arrays(scene).items():
            shown = out[name][first:last]
            np.copyto(shown, _shown(array)[first:last])
            if some_gone:
                shown[gone] = 0

    def reset(self, mask: Mask | None = None) -> None:
        """Nothing is remembered."""


def _shown(array: NDArray[Any]) -> NDArray[Any]:
    """A Scene's array as the dictionary has it, uncopied: flags as int8, single numbers of shape (1,)."""
    array = array.view(np.int8) if array.dtype == np.bool_ else array
    return array[..., None] if array.ndim == 2 else array


def _shown_type(dtype: type) -> type:
    return np.int8 if dtype is np.bool_ else dtype


def scene_space() -> "spaces.Dict":
    """Gymnasium's space of one driver's Scene: Boxes with the bounds of FIELDS; single numbers have shape (1,)."""
    from gymnasium import spaces

    def box(low: float, high: float, shape: tuple[int, ...], dtype: Any) -> Any:
        return spaces.Box(np.array(low, dtype).item(), np.array(high, dtype).item(), shape, dtype)

    return spaces.Dict({n: box(f.low, f.high, f.shape or (1,), _shown_type(f.dtype)) for n, f in FIELDS.items()})


OBSERVATIONS: dict[str, Callable[..., Codec | SceneCodec]] = {
    "vector": VectorCodec,
    "lidar": LidarCodec,
    "bev": BevCodec,
    "scene": SceneCodec,
}


def make_codec(name: str, *config: Any) -> Any:
    """A new codec. Args: name: in OBSERVATIONS; config: LidarConfig or BevConfig of those that take one.

    Raises:
        ValueError: unknown name, with the nearest match; a config that is not allowed.
    """
    if name not in OBSERVATIONS:
        raise ValueError(unknown_name("observation", name, OBSERVATIONS))
    return OBSERVATIONS[name](*config)
