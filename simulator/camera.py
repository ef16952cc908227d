"""CameraRenderer: pictures and exact labels of any cameras on the vehicles of a batch of worlds, in software.

A picture is a function of (map, state, camera, look, seed, driver, step) alone: the same whatever the batch, the order
or the process. What a camera sees is drawn on one canvas a size, which all vehicles share one after the other.
"""

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.camera_bake import GroundLook, bake_ground, smooth_noise
from simulator.camera_develop import NOISE_SIZE, blur_along, compress, develop, draw_rain, noise_table
from simulator.camera_frame import make_canvas
from simulator.camera_ground import CLOUD_CELLS, draw_ground
from simulator.camera_pose import fill_camera, road_slope
from simulator.camera_street import gather_lamps
from simulator.camera_things import draw_shadows, draw_things, make_props
from simulator.weather import make_light
from world.camera import CameraSpec
from world.pack import Pack
from world.random import draw_index

if TYPE_CHECKING:
    from simulator.engine import Engine

_Key = TypeVar("_Key")
_Made = TypeVar("_Made")
_PICTURE = 420  # purpose of the draws of a picture's noise
_MOST_PIXELS = 1 << 24  # of a picture: its buffers take 10 bytes each


@dataclass(frozen=True)
class CameraLook:
    """What happens to a picture besides the weather."""

    exposure: float = 1.0  # factor; at night it is raised to `night_exposure`
    night_exposure: float = 1.6
    noise: float = 3.0  # [0-255] standard deviation
    shadows: bool = True
    blur: float = 0.0  # [px] of motion
    blur_angle: float = 0.0  # [rad] its direction in the picture
    jpeg: int = 0  # quality of a round trip; 0: none
    ground: GroundLook = GroundLook()


class Picture(NamedTuple):
    """One picture with what is in each of its pixels."""

    rgb: NDArray[np.uint8]  # (H, W, 3)
    tag: NDArray[np.uint8]  # (H, W) world.camera_tags.Tag; CARLA_TAG[tag] for CARLA's numbers
    inverse_depth: NDArray[np.float32]  # (H, W) [1/m] along the optical axis; 0: sky
    instance: NDArray[np.uint16]  # (H, W) see simulator.camera_frame


class _Lens(NamedTuple):
    """How a picture with roll or distortion is taken out of one without."""

    spec: CameraSpec
    focal: float
    centre: tuple[float, float]
    map_x: NDArray[np.float32]
    map_y: NDArray[np.float32]


def _make_lens(spec: CameraSpec) -> _Lens:
    """The upright pinhole picture that holds all that the camera sees, and where each pixel comes from."""
    v, u = np.mgrid[0 : spec.height, 0 : spec.width].astype(np.float64)
    rays = replace(spec, yaw=0.0, pitch=0.0).rays(np.stack((u, v), axis=-1))  # x forward, y left, z up of the mount
    right, down = -rays[..., 1], -rays[..., 2]
    f = spec.focal
    left, top = math.floor(right.min() * f) - 1, math.floor(down.min() * f) - 1
    width, height = math.ceil(right.max() * f) + 2 - left, math.ceil(down.max() * f) + 2 - top
    source = replace(spec, width=max(width, 8), height=max(height, 8), distortion=(0.0, 0.0, 0.0, 0.0, 0.0))
    return _Lens(source, f, (-left, -top), (right * f - left).astype(np.float32), (down * f - top).astype(np.float32))


def _bend(part: NDArray, lens: _Lens, mode: int) -> NDArray:
    """A picture, or what is in its pixels, as the lens throws it."""
    source = np.ascontiguousarray(part)
    out = cv2.remap(source, lens.map_x, lens.map_y, mode, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, part.dtype)


def _kept(cache: dict[_Key, _Made], key: _Key, most: int, make: Callable[[], _Made]) -> _Made:
    """What a cache holds for a key, made if it is not there; the oldest go where there are more than `most`."""
    if key not in cache:
        while len(cache) > most:
            cache.pop(next(iter(cache)))
        cache[key] = make()
    return cache[key]


class CameraRenderer:
    """Draws what cameras on the vehicles of an engine see. Threads may share it: each has canvases of its own.

    Args:
        engine: whose worlds are drawn, as they are at the time of the call.
        look: of all pictures that are not given their own.
    """

    def __init__(self, engine: "Engine", look: CameraLook | None = None):
        self.engine, self.look = engine, look or CameraLook()
        self._grounds: dict[tuple[int, GroundLook], Pack] = {}
        self._props: dict[int, Pack] = {}
        self._own = threading.local()  # canvases: dict[tuple[int, int], Pack]
        self._making = threading.Lock()  # what all threads share is made once
        self._lenses: dict[CameraSpec, _Lens] = {}
        self._clouds = smooth_noise(np.random.default_rng(0xC1), CLOUD_CELLS, (4, 16, 32), (0.5, 0.3, 0.2))
        self._noise = noise_table()

    def props(self, map_id: int) -> Pack:
        """Signs and poles of a map."""
        with self._making:
            if map_id not in self._props:
                self._props[map_id] = make_props(self.engine.maps.maps[map_id])
            return self._props[map_id]

    def put_signs(self, map_id: int, signs: NDArray) -> None:
        """Let more signs stand on a map. Args: signs: (E,) camera_things.SIGN_ROW."""
        self._props[map_id] = make_props(self.engine.maps.maps[map_id], signs)

    def ground(self, map_id: int, look: GroundLook) -> Pack:
        """The ground's texture of a map; the last few looks are kept."""
        road_map = self.engine.maps.maps[map_id]
        with self._making:
            return _kept(self._grounds, (map_id, look), 8, lambda: Pack(bake_ground(road_map, look)))

    def render(
        self,
        spec: CameraSpec,
        b: int = 0,
        slot: int = 0,
        look: CameraLook | None = None,
        weather: Mapping[str, float] | None = None,
        seed: int | None = None,
        out: NDArray[np.uint8] | None = None,
    ) -> Picture:
        """The picture of a camera on the vehicle in a slot. Its arrays are overwritten by the next call of this size.

        Args:
            weather: None: what hooks.set_weather told the world.
            seed: of colours and clothes; None: the world's.
            out: (H, W, 3) contiguous, where its colours are written; None: an array of their own.
        """
        look = look or self.look
        lens = self._lens(spec)
        source = spec if lens is None else lens.spec
        canvas = self._canvas(source.height, source.width)
        self._draw(canvas, spec, lens, b, slot, look, weather, seed)
        height, width = source.height, source.width
        rgb = np.empty((height, width, 3), np.uint8) if out is None or lens is not None else out
        state = self.engine.state
        world_seed, step = int(state.seed[b : b + 1].view(np.int64)[0]), int(state.step[b])
        start = draw_index(
            world_seed, slot, step, _PICTURE + spec_number(spec), max(NOISE_SIZE - rgb.size, NOISE_SIZE // 2)
        )
        develop(canvas, rgb, self._noise, start)
        tag = canvas.word.view(np.uint8)[:, 3::4]
        instance, depth = canvas.instance, canvas.inverse_depth
        if lens is not None:
            rgb = _bend(rgb, lens, cv2.INTER_LINEAR)
            tag, depth, instance = (_bend(part, lens, cv2.INTER_NEAREST) for part in (tag, depth, instance))
        rain = float(canvas.light[0]["rain"])
        if rain > 0.0:
            draw_rain(rgb, np.float32(rain), start & 0xFFFFFF, np.float32(0.15))
        if look.blur > 1.0:
            rgb = blur_along(rgb, look.blur, look.blur_angle)
        if look.jpeg:
            rgb = compress(rgb, look.jpeg)
        if out is not None and rgb is not out:
            out[:] = rgb
            rgb = out
        return Picture(rgb, tag, depth, instance)

    def _draw(self, canvas: Pack, spec: CameraSpec, lens: _Lens | None, b: int, slot: int, look: CameraLook,
              weather: Mapping[str, float] | None, seed: int | None) -> None:  # fmt: skip
        """Sky, ground, shadows and things."""
        engine = self.engine
        state, model = engine.state, engine.model
        map_id = int(state.map_id[b])
        canvas.light[0] = light = light_of(engine, b, weather, seed)
        x, y, z, yaw = (float(getattr(state, name)[b, slot]) for name in ("x", "y", "z", "yaw"))
        pose = x, y, z, yaw
        row = canvas.camera[0]
        slope = road_slope(model, b, slot)
        if lens is None:
            fill_camera(row, spec, pose, slope)
        else:
            fill_camera(row, spec, pose, slope, lens.focal, lens.centre)
        night = float(light["night"])
        row["exposure"] = look.exposure * (1.0 + night * (look.night_exposure - 1.0))
        row["noise"] = look.noise * (1.0 + night)
        gather_lamps(canvas, self.props(map_id).lamps)
        draw_ground(canvas, self.ground(map_id, look.ground), self._clouds)
        tables, slots = engine._packed.tables, engine._packed.slots
        if look.shadows:
            draw_shadows(canvas, b, tables, map_id, slots)
        draw_things(canvas, b, slot, tables, map_id, slots, model.worlds.light, self.props(map_id))

    def _canvas(self, height: int, width: int) -> Pack:
        if height * width > _MOST_PIXELS:
            raise ValueError(f"a picture of {width} x {height} is too large; allowed are {_MOST_PIXELS} pixels")
        canvases = vars(self._own).setdefault("canvases", {})
        return _kept(canvases, (height, width), 24, lambda: make_canvas(height, width))

    def _lens(self, spec: CameraSpec) -> _Lens | None:
        if spec.roll == 0.0 and not any(spec.distortion):
            return None
        with self._making:
            return _kept(self._lenses, spec, 8, lambda: _make_lens(spec))


def light_of(engine: "Engine", b: int, weather: Mapping[str, float] | None = None, seed: int | None = None) -> np.void:
    """LIGHT_ROW of a world now. Args: weather, seed: as `CameraRenderer.render` takes them."""
    told = engine.hooks.weather[b] if weather is None else weather
    own_seed = int(engine.state.seed[b]) if seed is None else seed
    return make_light(told, float(engine.state.step[b]) * engine.scenario.dt, own_seed)


@lru_cache(maxsize=64)
def spec_number(spec: CameraSpec) -> int:
    """A number of a camera's name, so that two cameras do not share their noise."""
    return sum((i + 1) * ord(c) for i, c in enumerate(spec.name)) % 64
