"""The light that a weather makes."""

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from simulator.camera_frame import LIGHT_ROW
from world.weather import CLEAR


def make_light(weather: Mapping[str, float], time: float = 0.0, seed: int = 0) -> np.void:
    """LIGHT_ROW of a weather; what it does not tell is as on a clear noon.

    Args:
        time: [s] of indicators and walking.
        seed: of textures and colours.
    """
    row = _light(tuple({**CLEAR, **weather}.values())).copy()
    row["time"], row["seed"] = time, seed & 0xFFFFFFFF
    return row


@lru_cache(maxsize=64)
def _light(weather: tuple[float, ...]) -> np.void:
    """LIGHT_ROW without time and seed. Args: weather: values of all keys, in the order of CLEAR."""
    w = dict(zip(CLEAR, weather, strict=True))
    row = np.zeros(1, LIGHT_ROW)[0]
    height, azimuth, cloud = w["sun_height"], w["sun_azimuth"], min(max(w["cloud"], 0.0), 1.0)
    up = max(math.sin(height), 0.0)
    day = min(max((height + 0.12) / 0.24, 0.0), 1.0)
    day = day * day * (3.0 - 2.0 * day)
    low = math.exp(-up / 0.2)  # a low sun is red and weak
    row["sun"] = (math.cos(height) * math.cos(azimuth), math.cos(height) * math.sin(azimuth), math.sin(height))
    strength = 0.72 * day * (1.0 - 0.92 * cloud) * (1.0 - 0.5 * low)
    row["direct"] = strength * np.array([1.0, 0.97 - 0.25 * low, 0.9 - 0.5 * low])
    shade = day * (0.42 + 0.22 * cloud * (1.0 - 0.35 * w["rain"])) * (1.0 - 0.3 * low)
    row["ambient"] = shade * np.array([0.94, 1.0, 1.08]) + (1.0 - day) * np.array([0.07, 0.075, 0.1])
    blue, grey = np.array([(70.0, 120.0, 200.0), (185.0, 205.0, 225.0)]), np.array([(150.0,) * 3, (190.0,) * 3])
    sky = ((1.0 - cloud) * blue + cloud * grey) * day + (1.0 - day) * np.array([(6.0, 8.0, 18.0), (22.0, 22.0, 30.0)])
    sky[1] += low * day * (1.0 - cloud) * np.array([35.0, -10.0, -60.0])
    row["sky_top"], row["sky_low"] = sky * (1.0 - 0.25 * w["rain"])
    row["fog_color"] = row["sky_low"] * (0.97 if day > 0.5 else 0.8)
    row["cloud"], row["fog"], row["wet"], row["rain"] = cloud, max(w["fog"], 0.0), w["wetness"], w["rain"]
    row["night"] = 1.0 - day
    return row
