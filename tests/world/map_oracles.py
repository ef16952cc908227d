"""Brute-force answers to map questions, in float64 NumPy, and toy maps built once."""

from functools import cache

import numpy as np

from world.lane_arrays import DRIVABLE_KINDS
from world.roadmap import RoadMap
from world.toy import toy_map

TOWNS = ("Town01.xodr", "Town02.xodr", "Town03.xodr.gz", "Town04.xodr.gz", "Town10HD.xodr")


@cache
def toy(name: str, **options) -> RoadMap:
    """A toy map, built once a test run."""
    return toy_map(name, **options)


@cache
def town(path: str) -> RoadMap:
    """A map from an OpenDRIVE file, read once a test run."""
    from world.opendrive import load_map

    return load_map(path)


def drivable(m: RoadMap) -> np.ndarray:
    return np.isin(m.lane_kind, [int(k) for k in DRIVABLE_KINDS])


def segments(m: RoadMap) -> tuple[np.ndarray, np.ndarray]:
    """First point and lane of every segment."""
    lane = np.repeat(np.arange(m.lane_count), np.diff(m.lane_start) - 1)
    return np.arange(len(lane)) + lane, lane


def to_segments(m: RoadMap, point: np.ndarray, x: float, y: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(t, planar distance, z of the nearest point) of one position to many segments."""
    a, b = m.point_xyz[point].astype(float), m.point_xyz[point + 1].astype(float)
    u = b[:, :2] - a[:, :2]
    t = np.clip(((np.array([x, y]) - a[:, :2]) * u).sum(1) / np.maximum((u * u).sum(1), 1e-9), 0, 1)
    near = a + t[:, None] * (b - a)
    return t, np.hypot(near[:, 0] - x, near[:, 1] - y), near[:, 2]


def nearest_cost(m: RoadMap, mask: int, x: float, y: float, z: float, heading: float | None) -> np.ndarray:
    """(segments,) cost [m] as `world.queries` defines it; inf for lanes of unwanted kinds."""
    point, lane = segments(m)
    _, flat, height = to_segments(m, point, x, y)
    cost = flat**2 + (2 * (height - z)) ** 2
    if heading is not None:
        turn = 25 * np.sin((heading - m.point_heading[point].astype(float)) / 2) ** 2
        cost += np.where(m.lane_kind[lane] == 2, np.minimum(turn, 25 - turn), turn)
    wanted = (mask >> m.lane_kind[lane].astype(int)) & 1 == 1
    return np.sqrt(np.where(wanted, cost, np.inf))


def random_positions(m: RoadMap, n: int, seed: int, spread: float = 6.0) -> tuple[np.ndarray, ...]:
    """(x, y, z, heading) around the map's lanes, some far off it."""
    rng = np.random.default_rng(seed)
    p = m.point_xyz[rng.integers(0, len(m.point_xyz), n)].astype(float)
    xy = p[:, :2] + rng.normal(0, spread, (n, 2))
    far = rng.random(n) < 0.1
    xy[far] += rng.normal(0, 150, (int(far.sum()), 2))
    z = p[:, 2] + rng.normal(0, 0.3, n)
    return tuple(v.astype(np.float32) for v in (xy[:, 0], xy[:, 1], z, rng.uniform(-np.pi, np.pi, n)))
