"""Lidars and radars of an engine's drivers as sensors: each measures at its own times, and shows the last points."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.camera_pose import body_axes, road_slope
from simulator.camera_things import stand_props
from simulator.lidar import RAIN_EXTINCTION, cast_scan, lidar_numbers, make_scan, read_scan
from simulator.radar import make_scratch, measure_radar, radar_numbers
from simulator.sensor_clock import SensorClock
from world.ranging import LidarSpec, RadarSpec, sensor_name

if TYPE_CHECKING:
    from simulator.engine import Engine

_LIDAR_NOISE, _RADAR_NOISE = 1000, 2000  # purposes of draws; 16 a sensor


class Points(NamedTuple):
    """What a lidar or radar measured, uncopied."""

    points: NDArray[np.float32]  # (B, K, M, 4)
    count: NDArray[np.int32]  # (B, K) how many of them there are
    fresh: NDArray[np.bool_]  # (B, K) they are of this step


class RangingSensors:
    """Points of the drivers' lidars and radars.

    Args:
        engine: whose drivers carry them.
        rangers: what each driver has.
    """

    def __init__(self, engine: "Engine", rangers: Sequence[LidarSpec | RadarSpec]):
        self.rangers = {sensor_name(spec): spec for spec in rangers}
        self._engine, self._own, self._making = engine, threading.local(), threading.Lock()
        self._props: dict[int, tuple[NDArray, NDArray]] = {}
        shape, dt = (len(engine.state_hash), engine.model.drivers), engine.scenario.dt
        most = {n: s.rays if isinstance(s, LidarSpec) else s.returns for n, s in self.rangers.items()}
        self._points = {name: np.zeros((*shape, rows, 4), np.float32) for name, rows in most.items()}
        self._count = {name: np.zeros(shape, np.int32) for name in self.rangers}
        self._clocks = {n: SensorClock(shape, s.period, s.offset, dt) for n, s in self.rangers.items()}

    def forget(self, drivers: NDArray[np.bool_]) -> None:
        """Those of the (B, K) drivers begin: their next call measures, whatever was before."""
        for clock in self._clocks.values():
            clock.forget(drivers)

    def take(self, name: str, first: int = 0, last: int | None = None) -> Points:
        """The points of one sensor. Only worlds first .. last - 1 (None: to the end) measure; threads may share them.

        Args:
            name: such as "lidar:top".
        """
        spec, points, count, clock = self.rangers[name], self._points[name], self._count[name], self._clocks[name]
        for b in range(first, len(points) if last is None else last):
            for k in range(points.shape[1]):
                if clock.due(b, k, self._engine.state):
                    out = points[b, k]
                    scans = isinstance(spec, LidarSpec)
                    count[b, k] = self._scan(spec, b, k, out) if scans else self._ping(spec, b, k, out)
        return Points(points, count, clock.fresh)

    def hits(self, spec: LidarSpec, b: int = 0, k: int = 0) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """(distances (R,) [m], what was hit (R,), `simulator.lidar`) of a scan's rays without noise, limits or weather.

        The arrays are overwritten by the next scan; a ray that hits nothing has 0 in the second.
        """
        scan = self._cast(spec, b, k)
        return scan.distance, scan.hit

    def _scratch(self, spec: Any) -> Any:
        """This thread's room for measurements of a sensor."""
        rooms = vars(self._own)
        key = repr(spec)
        if key not in rooms:
            rooms[key] = make_scan(spec) if isinstance(spec, LidarSpec) else make_scratch(spec.returns)
        return rooms[key]

    def _place(self, scratch: Any, spec: Any, b: int, k: int) -> tuple[float, float, float]:
        """Put a sensor on its vehicle; ([m] its height above the plane through the foot, dz/dx, dz/dy of the plane)."""
        state, slope = self._engine.state, road_slope(self._engine.model, b, k)
        scratch.axes[:] = body_axes(float(state.yaw[b, k]), slope)
        arm = scratch.axes @ (spec.x, spec.y, spec.z)
        scratch.origin[:] = arm + (state.x[b, k], state.y[b, k], state.z[b, k])
        return float(arm[2] - slope[0] * arm[0] - slope[1] * arm[1]), *slope

    def _cast(self, spec: LidarSpec, b: int, k: int) -> Any:
        engine, scan = self._engine, self._scratch(spec)
        plane = self._place(scan, spec, b, k)
        map_id, packed = int(engine.state.map_id[b]), engine._packed
        signs, heads = self._stand(map_id)
        cast_scan(scan, b, k, *plane, packed.tables, map_id, packed.slots, signs, heads, lidar_numbers(spec))
        return scan

    def _scan(self, spec: LidarSpec, b: int, k: int, out: NDArray[np.float32]) -> int:
        scan, state, weather = self._cast(spec, b, k), self._engine.state, self._engine.hooks.weather[b]
        air = max(float(weather.get("fog", 0.0)), 0.0) + RAIN_EXTINCTION * max(float(weather.get("rain", 0.0)), 0.0)
        seed, purpose = int(state.seed[b : b + 1].view(np.int64)[0]), _LIDAR_NOISE + _number(spec)
        return read_scan(scan, seed, k, int(state.step[b]), purpose, air, lidar_numbers(spec), out)

    def _ping(self, spec: RadarSpec, b: int, k: int, out: NDArray[np.float32]) -> int:
        engine, scratch = self._engine, self._scratch(spec)
        state, packed = engine.state, engine._packed
        self._place(scratch, spec, b, k)
        x, y, rate = scratch.origin[0] - state.x[b, k], scratch.origin[1] - state.y[b, k], float(state.yaw_rate[b, k])
        scratch.velocity[:] = state.vx[b, k] - rate * y, state.vy[b, k] + rate * x
        seed, purpose = int(state.seed[b : b + 1].view(np.int64)[0]), _RADAR_NOISE + _number(spec)
        return measure_radar(
            scratch, b, k, seed, k, int(state.step[b]), purpose, packed.tables, int(state.map_id[b]), packed.slots,
            radar_numbers(spec), out,
        )  # fmt: skip

    def _stand(self, map_id: int) -> tuple[NDArray, NDArray]:
        """Signs and heads of a map."""
        with self._making:
            if map_id not in self._props:
                self._props[map_id] = stand_props(self._engine.maps.maps[map_id])
            return self._props[map_id]


def _number(spec: LidarSpec | RadarSpec) -> int:
    """A number of a sensor's name, so that two do not share their noise."""
    return 16 * (sum((i + 1) * ord(c) for i, c in enumerate(spec.name)) % 61)
