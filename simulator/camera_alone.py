"""How many pixels of a picture a thing would have if nothing hid it: each is drawn alone, on an empty canvas."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.camera import light_of
from simulator.camera_frame import make_canvas
from simulator.camera_pose import fill_camera, road_slope
from simulator.camera_things import draw_thing
from world.camera import CameraSpec
from world.pack import Pack

if TYPE_CHECKING:
    from simulator.engine import Engine

_WIDER = 1.6  # an upright picture is so many times as large as the bent one that it is to hold


@lru_cache(maxsize=8)
def _canvas(height: int, width: int) -> Pack:
    return make_canvas(height, width)


def pixels_alone(
    engine: "Engine", b: int, slot: int, spec: CameraSpec, props: Pack, numbers: NDArray,
    weather: Mapping[str, float] | None = None, seed: int | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """(D,) pixels of the picture of a camera on the vehicle in a slot that each thing would have alone.

    Args:
        props: of the world's map.
        numbers: (D,) of the things in the instance mask; 0 gives 0.
        weather, seed: as `CameraRenderer.render` was given them.
    """
    bent = spec.roll != 0.0 or any(spec.distortion)
    source = _upright(spec) if bent else spec
    canvas = _canvas(source.height, source.width)
    x, y, z, yaw = (float(getattr(engine.state, name)[b, slot]) for name in ("x", "y", "z", "yaw"))
    fill_camera(canvas.camera[0], source, (x, y, z, yaw), road_slope(engine.model, b, slot))
    canvas.light[0] = light_of(engine, b, weather, seed)
    packed, map_id = engine._packed, int(engine.state.map_id[b])
    out = np.zeros(len(numbers))
    for d in np.flatnonzero(numbers):
        canvas.inverse_depth.fill(0.0)
        canvas.instance.fill(0)
        number = int(numbers[d])
        draw_thing(canvas, b, number, packed.tables, map_id, packed.slots, engine.model.worlds.light, props)
        mask = canvas.instance == number
        out[d] = _bent_area(mask, source, spec) if bent else np.count_nonzero(mask)
    return out


def _upright(spec: CameraSpec) -> CameraSpec:
    """A pinhole camera without roll at the same place that sees what the camera does, at the same focal length."""
    width, height = math.ceil(_WIDER * spec.width), math.ceil(_WIDER * spec.height)
    if spec.roll:
        height = max(height, math.ceil(spec.height + spec.width * abs(math.sin(spec.roll))))
    fov = 2.0 * math.atan(0.5 * width / spec.focal)
    return CameraSpec(spec.name, width, height, fov, spec.x, spec.y, spec.z, spec.yaw, spec.pitch)


def _bent_area(mask: NDArray[np.bool_], source: CameraSpec, spec: CameraSpec) -> float:
    """[px] area in the picture of `spec` of pixels of that of `source`."""
    v, u = np.nonzero(mask)
    corner = np.stack((u, v), axis=-1) + np.array([(0.0, 0.0), (0.5, 0.0), (0.0, 0.5)])[:, None]
    px, _ = spec.project(source.rays(corner) + (spec.x, spec.y, spec.z))
    a, b = 2.0 * (px[1] - px[0]), 2.0 * (px[2] - px[0])
    inside = ((px[0] > -0.5) & (px[0] < (spec.width - 0.5, spec.height - 0.5))).all(axis=-1)
    return float(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])[inside].sum())
