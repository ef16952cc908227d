"""The cameras of an engine's drivers as sensors: each takes a picture at its own times, and shows the last one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.camera import CameraLook, CameraRenderer
from world.camera import CameraSpec

if TYPE_CHECKING:
    from simulator.engine import Engine


class CameraSensors:
    """Pictures of the drivers' cameras.

    Args:
        engine: whose drivers carry them.
        cameras: what each driver has.
    """

    def __init__(self, engine: "Engine", cameras: Sequence[CameraSpec], look: CameraLook | None = None):
        self.cameras = {spec.name: spec for spec in cameras}
        self.renderer = CameraRenderer(engine, look)
        self._engine = engine
        shape = len(engine.state_hash), engine.model.drivers
        self._images = {n: np.zeros((*shape, c.height, c.width, 3), np.uint8) for n, c in self.cameras.items()}
        self._fresh = {name: np.zeros(shape, np.bool_) for name in self.cameras}
        self._taken = {name: np.full(shape, -1, np.int64) for name in self.cameras}  # number of the last picture
        self._at = {name: np.full(shape, -1, np.int64) for name in self.cameras}  # step of the last call
        self._seed = {name: np.zeros(shape, np.uint64) for name in self.cameras}

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Those of the (B, K) drivers begin: their next call takes a picture, whatever they saw before."""
        for at in self._at.values():
            at[drivers] = -1

    def take(self, name: str, first: int = 0, last: int | None = None) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """(pictures (B, K, H, W, 3), whether each was taken at this step) of one camera, uncopied.

        A camera's picture n is due at offset + n * period since reset; the first call of an episode takes one anyhow.
        Only the worlds first .. last - 1 (None: to the end) look; threads may share them.
        """
        spec, state, dt = self.cameras[name], self._engine.state, self._engine.scenario.dt
        images, fresh = self._images[name], self._fresh[name]
        taken, at, seed = self._taken[name], self._at[name], self._seed[name]
        for b in range(first, images.shape[0] if last is None else last):
            step = int(state.step[b])
            due = int(np.floor((step * dt - spec.offset) / spec.period + 1e-6))
            for k in range(images.shape[1]):
                again = at[b, k] == step and seed[b, k] == state.seed[b]
                if again:
                    continue
                new = step < at[b, k] or seed[b, k] != state.seed[b] or at[b, k] < 0
                fresh[b, k] = bool(state.valid[b, k]) and (new or due != taken[b, k])
                at[b, k], seed[b, k], taken[b, k] = step, state.seed[b], due
                if fresh[b, k]:
                    images[b, k] = self.renderer.render(spec, b, k).rgb
        return images, fresh
