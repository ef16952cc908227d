"""The cameras of an engine's drivers as sensors: each takes a picture at its own times, and shows the last one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.camera import CameraLook, CameraRenderer
from simulator.sensor_clock import SensorClock
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
        shape, dt = (len(engine.state_hash), engine.model.drivers), engine.scenario.dt
        self._images = {n: np.zeros((*shape, c.height, c.width, 3), np.uint8) for n, c in self.cameras.items()}
        self._clocks = {n: SensorClock(shape, c.period, c.offset, dt) for n, c in self.cameras.items()}

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Those of the (B, K) drivers begin: their next call takes a picture, whatever they saw before."""
        for clock in self._clocks.values():
            clock.forget(drivers)

    def take(self, name: str, first: int = 0, last: int | None = None) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """(pictures (B, K, H, W, 3), whether each was taken at this step) of one camera, uncopied.

        A camera's picture n is due at offset + n * period since reset; the first call of an episode takes one anyhow.
        Only the worlds first .. last - 1 (None: to the end) look; threads may share them.
        """
        spec, images, clock = self.cameras[name], self._images[name], self._clocks[name]
        for b in range(first, len(images) if last is None else last):
            for k in range(images.shape[1]):
                if clock.due(b, k, self._engine.state):
                    images[b, k] = self.renderer.render(spec, b, k).rgb
        return images, clock.fresh
