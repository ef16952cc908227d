"""Lidars and radars of a vehicle: where they sit, where they look, how well they measure.

Body frame: x forward, y left, z up, origin at the box centre on the ground. Azimuth counter-clockwise from straight
ahead, elevation up, both [rad].
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def _check(what: str, spec: object, allowed: dict[str, tuple[float, float]]) -> None:
    for name, (low, high) in allowed.items():
        value = getattr(spec, name)
        if not low <= value <= high:
            raise ValueError(f"{what}: {name} is {value}, allowed are {low} to {high}")


@dataclass(frozen=True)
class LidarSpec:
    """One lidar: `columns` x `channels` rays a scan. Its points are x, y, z [m] in the body frame and intensity."""

    name: str
    channels: int = 32  # evenly from the lowest to the highest elevation
    columns: int = 900  # evenly over `fov`
    low: float = math.radians(-25.0)  # [rad] elevation of the lowest channel
    high: float = math.radians(10.0)
    fov: float = 2.0 * math.pi  # [rad] horizontal; a whole turn
    range: float = 80.0  # [m] up to which a target that throws a tenth of the light back is seen, in clear air
    least: float = 1.0  # [m] nearer ones are not seen
    x: float = 0.0  # [m] body frame
    y: float = 0.0
    z: float = 1.9
    yaw: float = 0.0  # [rad] where the middle of `fov` looks
    period: float = 0.1  # [s] between two scans, each of one moment
    offset: float = 0.0  # [s] of the first one
    range_sigma: float = 0.02  # [m] standard deviation
    dropout: float = 0.02  # part of the rays that return nothing, whatever they hit

    def __post_init__(self):
        _check(f"lidar {self.name}", self, _LIDAR)
        if not self.low <= self.high:
            raise ValueError(f"lidar {self.name}: low is {self.low}, allowed is up to high, {self.high}")

    @property
    def rays(self) -> int:
        return self.channels * self.columns

    def directions(self) -> NDArray[np.float32]:
        """(rays, 3) unit vectors in the body frame; ray j * channels + i is channel i of column j."""
        around = self.yaw - 0.5 * self.fov + self.step * np.arange(self.columns)
        up = np.linspace(self.low, self.high, self.channels)
        level = np.cos(up)[None] * np.ones((self.columns, 1))
        parts = level * np.cos(around)[:, None], level * np.sin(around)[:, None], np.sin(up)[None] + 0.0 * level
        return np.stack(parts, axis=-1).reshape(-1, 3).astype(np.float32)

    @property
    def step(self) -> float:
        """[rad] between two columns."""
        return self.fov / self.columns


@dataclass(frozen=True)
class RadarSpec:
    """One radar: a return of every side of a road user that it sees. Points are x, y, z [m] and radial speed [m/s]."""

    name: str
    fov: float = math.radians(90.0)  # [rad] horizontal
    high: float = math.radians(10.0)  # [rad] elevation up and down to which it sees
    range: float = 120.0  # [m]
    returns: int = 64  # at most, the nearest
    x: float = 2.2  # [m] body frame
    y: float = 0.0
    z: float = 0.6
    yaw: float = 0.0  # [rad]
    period: float = 0.05  # [s] between two measurements
    offset: float = 0.0  # [s] of the first one
    range_sigma: float = 0.25  # [m] standard deviations
    azimuth_sigma: float = math.radians(0.5)  # [rad]
    speed_sigma: float = 0.1  # [m/s]
    dropout: float = 0.05  # part of the returns that are missed

    def __post_init__(self):
        _check(f"radar {self.name}", self, _RADAR)


_TIME = {"period": (1e-3, 3600.0), "offset": (0.0, 3600.0), "range_sigma": (0.0, 10.0), "dropout": (0.0, 1.0)}
_LIDAR = _TIME | {
    "channels": (1, 256), "columns": (1, 7200), "low": (-1.57, 1.57), "high": (-1.57, 1.57), "fov": (0.01, 6.2832),
    "range": (1.0, 500.0), "least": (0.0, 100.0),
}  # fmt: skip
_RADAR = _TIME | {
    "fov": (0.01, 3.14), "high": (0.0, 1.57), "range": (1.0, 500.0), "returns": (1, 4096),
    "azimuth_sigma": (0.0, 1.0), "speed_sigma": (0.0, 100.0),
}  # fmt: skip

LIDAR, RADAR = LidarSpec("top"), RadarSpec("front")
Ranger = LidarSpec | RadarSpec
RANGERS: tuple[Ranger, ...] = (LIDAR, RADAR)  # what every driver carries, if asked for


def sensor_name(spec: Ranger) -> str:
    """The name by which an agent asks for a lidar or radar."""
    return ("lidar:" if isinstance(spec, LidarSpec) else "radar:") + spec.name


def check_rangers(rangers: Sequence[Ranger]) -> tuple[Ranger, ...]:
    """The sensors. Raises ValueError: two of one name, under which frames tell their points."""
    names = [spec.name for spec in rangers]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Engine: {names.count(name)} lidars and radars are called {name!r}, allowed is 1")
    return tuple(rangers)
