"""From road coordinates (s, t, height) to the inertial frame."""

import numpy as np
from numpy.typing import NDArray

from world.budget import spend
from world.opendrive.lanes import bank
from world.opendrive.model import RoadModel

F64 = NDArray[np.float64]


def road_points(road: RoadModel, s: F64, t: F64, height: F64) -> F64:
    """Inertial points (n, 3) [m] at road coordinates; s beyond the road is held at its ends."""
    spend("places of objects and signals")
    s = np.clip(s, 0.0, road.length)
    x, y, heading, _, _ = road.reference(s)
    flat, up = bank(road, s, np.array([t, np.zeros_like(t), np.zeros_like(t)]))
    z = road.elevation(s)[0] + up + height
    return np.stack([x - flat[0] * np.sin(heading), y + flat[0] * np.cos(heading), z], axis=1)


def road_point(road: RoadModel, s: float, t: float, height: float) -> tuple[F64, float]:
    """One inertial point (3,) [m] and the road's heading [rad] there."""
    at = np.array([min(max(s, 0.0), road.length)])
    return road_points(road, at, np.array([t]), np.array([height]))[0], float(road.reference(at)[2][0])
