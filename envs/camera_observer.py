"""`camera`: what a camera on the driver's vehicle shows, and `camera+state`: with the driver's state beside it.

A picture is taken once an action, and drawn straight into the observation's buffer. Stacked pictures lie behind one
another in the channels, the present one last; a driver that begins sees its first picture in all of them.
"""

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.observer import ArrayObserver
from simulator.engine import Engine
from world.camera import CameraSpec
from world.kernel import kernel
from world.names import unknown_name
from world.observation import STATE_SIZE

CAMERA = CameraSpec("camera", width=96, height=96, fov=math.radians(90.0), pitch=-0.1)  # looks down a little


def find_camera(value: CameraSpec | Mapping[str, Any] | None) -> CameraSpec:
    """The camera of an observation: CAMERA, or that with changes.

    Raises:
        ValueError: an unknown field, with the nearest match, or a number that is not allowed.
    """
    if value is None or isinstance(value, CameraSpec):
        return value or CAMERA
    if not isinstance(value, Mapping):
        raise ValueError(f"camera: got {value!r}, expected a world.camera.CameraSpec or a dict of some of its fields")
    allowed = [f.name for f in fields(CameraSpec)]
    for key in value:
        if key not in allowed:
            raise ValueError(unknown_name("field of camera", str(key), allowed))
    try:
        return replace(CAMERA, **value)
    except TypeError as error:
        raise ValueError(f"camera: got {dict(value)!r} ({error})") from None


@kernel
def push_picture(picture, before, out):
    """Write the pictures of `before` without the first, then `picture`. Args: before, out: (H, W, 3 S), or the same."""
    height, width, channels = out.shape
    for v in range(height):
        for u in range(width):
            for c in range(channels - 3):
                out[v, u, c] = before[v, u, c + 3]
            for c in range(3):
                out[v, u, channels - 3 + c] = picture[v, u, c]


class CameraObserver(ArrayObserver):
    """`camera`: uint8 (H, W, 3 * stack)."""

    def __init__(self, engine: Engine, buffers: int, spec: CameraSpec = CAMERA, stack: int = 1):
        super().__init__(spaces.Box(0, 255, (spec.height, spec.width, 3 * stack), np.uint8), engine, buffers)
        self.spec, self.stack = spec, stack
        self._renderer = engine.camera_sensors.renderer
        shape = self.buffer.shape[:2]
        self._taken = np.zeros((*shape, spec.height, spec.width, 3), np.uint8) if stack > 1 else None
        self._step = np.full(shape, -1, np.int64)  # of the last picture; -1: the driver begins
        self._place = np.zeros(shape, np.int64)  # the buffer of the ring that the last observation is in

    def begin(self, world: int) -> None:
        self._step[world] = -1

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        self._step[drivers] = -1

    def observe(self, first: int, last: int) -> None:
        active, now = self._engine.model.judge.active, self._engine.state.step
        for b in range(first, last):
            for k in range(active.shape[1]):
                if not active[b, k]:
                    self.buffer[b, k] = 0
                elif self._step[b, k] != now[b]:
                    self._look(b, k)
                    self._step[b, k] = now[b]
                elif self._place[b, k] != self.at:
                    self.buffer[b, k] = self._buffers[self._place[b, k]][b, k]
                self._place[b, k] = self.at

    def _look(self, b: int, k: int) -> None:
        """Take a picture of driver k of world b."""
        out = self.buffer[b, k]
        if self._taken is None:
            self._renderer.render(self.spec, b, k, out=out)
            return
        picture = self._taken[b, k]
        self._renderer.render(self.spec, b, k, out=picture)
        begins = self._step[b, k] < 0
        before = out if begins else self._buffers[self._place[b, k]][b, k]
        for _ in range(self.stack if begins else 1):
            push_picture(picture, before, out)


class CameraStateObserver:
    """`camera+state`: a dictionary of `camera`, and `state`, the first STATE_SIZE numbers of the vector."""

    def __init__(self, camera: CameraObserver, vector: ArrayObserver):
        self._camera, self._vector = camera, vector
        whole = vector.space
        space = spaces.Box(whole.low[:STATE_SIZE], whole.high[:STATE_SIZE], (STATE_SIZE,), np.float32)
        self._state = ArrayObserver(space, camera._engine, len(camera.ring))
        self.space = spaces.Dict({"camera": camera.space, "state": space})

    @property
    def _parts(self) -> dict[str, ArrayObserver]:
        return {"camera": self._camera, "state": self._state}

    def begin(self, world: int) -> None:
        for part in (self._camera, self._vector):
            part.begin(world)

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        for part in (self._camera, self._vector):
            part.forget(drivers)

    def turn(self) -> None:
        for part in (self._camera, self._state):
            part.turn()

    def observe(self, first: int, last: int) -> None:
        for part in (self._camera, self._vector):
            part.observe(first, last)
        self._state.buffer[first:last] = self._vector.buffer[first:last, :, :STATE_SIZE]

    def value(self, copy: bool) -> dict[str, NDArray]:
        return {name: part.value(copy) for name, part in self._parts.items()}

    def row(self, index: int, copy: bool = True) -> dict[str, NDArray]:
        return {name: part.row(index, copy) for name, part in self._parts.items()}
