"""A small, independent reading of OpenDRIVE files of lines and arcs, for the tests of our maps.

`python -m tests.scenarios.xodr_sampling OURS THEIRS` prints how far the driving lanes of THEIRS lie from those of OURS.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lxml import etree
from numpy.typing import NDArray
from scipy.spatial import cKDTree


@dataclass
class SampledRoad:
    """A road's reference line: stations, positions and headings at most `step` apart, and its XML element."""

    id: str
    junction: str
    element: etree._Element
    s: NDArray[np.float64]
    xyh: NDArray[np.float64]  # (n, 3)
    length: float

    def offset(self, lane: int, part: float = 0.5) -> NDArray[np.float64]:
        """(n,) t [m] across a lane: part 0 at its inner border, 1 at its outer."""
        sign = 1 if lane > 0 else -1
        t = self._polynomial(self.element.findall("lanes/laneOffset"), "s", self.s)
        for i in range(1, abs(lane) + 1):
            width = self.width(sign * i)
            t = t + sign * width * (part if i == abs(lane) else 1.0)
        return t

    def width(self, lane: int) -> NDArray[np.float64]:
        """(n,) width [m] of a lane of the road's first section."""
        (element,) = self.element.xpath(f"lanes/laneSection[1]//lane[@id='{lane}']")
        return self._polynomial(element.findall("width"), "sOffset", self.s)

    def lanes(self, kind: str) -> list[int]:
        return [int(lane.get("id")) for lane in self.element.xpath(f"lanes/laneSection[1]//lane[@type='{kind}']")]

    def points(self, lane: int, part: float = 0.5) -> NDArray[np.float64]:
        """(n, 3) x, y, heading of travel along a lane."""
        t, (x, y, h) = self.offset(lane, part), self.xyh.T
        return np.stack([x - t * np.sin(h), y + t * np.cos(h), h + (math.pi if lane > 0 else 0.0)], axis=1)

    @staticmethod
    def _polynomial(records: list, start: str, s: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.zeros_like(s)
        for record in records:
            here = s >= float(record.get(start)) - 1e-9
            ds = s[here] - float(record.get(start))
            a, b, c, d = (float(record.get(name)) for name in "abcd")
            out[here] = a + ds * (b + ds * (c + ds * d))
        return out


def sample_roads(path: Path, step: float = 0.25) -> dict[str, SampledRoad]:
    """Every road of a file by id."""
    roads = {}
    for element in etree.parse(path).getroot().iter("road"):
        s, xyh = [], []
        for geometry in element.iter("geometry"):
            x, y, h, s0, length = (float(geometry.get(name)) for name in ("x", "y", "hdg", "s", "length"))
            k = float(geometry[0].get("curvature", 0.0))
            ds = np.linspace(0.0, length, max(2, math.ceil(length / step) + 1))
            half = 0.5 * k * ds
            chord = ds * np.sinc(half / math.pi)
            s.append(s0 + ds)
            xyh.append(np.stack([x + chord * np.cos(h + half), y + chord * np.sin(h + half), h + k * ds], axis=1))
        road = SampledRoad(
            element.get("id"),
            element.get("junction"),
            element,
            np.concatenate(s),
            np.concatenate(xyh),
            float(element.get("length")),
        )
        roads[road.id] = road
    return roads


def driving_lanes(roads: dict[str, SampledRoad]) -> NDArray[np.float64]:
    """(n, 5) x, y, 3 cos h, 3 sin h and whether in a junction, of all driving lanes."""
    rows = []
    for road in roads.values():
        for lane in road.lanes("driving"):
            x, y, h = road.points(lane).T
            rows.append(np.stack([x, y, 3 * np.cos(h), 3 * np.sin(h), np.full_like(x, road.junction != "-1")], axis=1))
    return np.concatenate(rows)


def deviation(ours: dict[str, SampledRoad], theirs: dict[str, SampledRoad]) -> tuple[NDArray, NDArray]:
    """Distances [m] of their lane centres from ours of like heading: on roads, in junctions."""
    mine, real = driving_lanes(ours), driving_lanes(theirs)
    nearest = cKDTree(mine[:, :4]).query(real[:, :4])[1]
    error = np.hypot(*(real[:, :2] - mine[nearest, :2]).T)
    inside = real[:, 4] > 0
    return error[~inside], error[inside]


def movements(roads: dict[str, SampledRoad]) -> NDArray[np.float64]:
    """(m, 6) x, y, heading where a driving lane of a junction begins and where it ends, in travel direction."""
    out = []
    for road in roads.values():
        if road.junction == "-1":
            continue
        for lane in road.lanes("driving"):
            points = road.points(lane)[:: -1 if lane > 0 else 1]
            out.append(np.concatenate([points[0], points[-1]]))
    return np.array(out)


def wrapped(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return (angle + math.pi) % (2 * math.pi) - math.pi


if __name__ == "__main__":
    for where, error in zip(
        ("roads", "junctions"), deviation(*map(sample_roads, map(Path, sys.argv[1:3]))), strict=True
    ):
        print(f"{where}: mean {error.mean():.3f} m, 99 % {np.quantile(error, 0.99):.3f} m, largest {error.max():.3f} m")
