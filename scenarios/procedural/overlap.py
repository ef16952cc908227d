"""Whether a network can be driven: no roads that lie on each other, no bend too tight for its lanes."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from scenarios.procedural.network import DRIVING, Lane, Network

STEP = 4.0  # [m] between samples of a reference line
CLEAR = 1.0  # [m] between two roads
FOLD = 0.5  # [m] radius that is left at the inner edge of a bend
LEAST_RADIUS, LANE_HALF = 6.0, 1.75  # [m] of a driving lane's middle; half a lane


def samples(network: Network, step: float = STEP) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(n, 3) x, y and half width [m] of circles along all roads, and (n,) index of their road."""
    rows, owner = [], []
    for number, road in enumerate(network.roads):
        right, left = road.half_width(-1), road.half_width(1)
        t, half = (left - right) / 2.0, (left + right) / 2.0
        for segment in road.path.segments:
            count = max(1, math.ceil(segment.length / step))
            s = np.linspace(0.0, segment.length, count + 1)
            h = segment.heading + segment.curvature * s
            chord = s * np.sinc(segment.curvature * s / (2.0 * math.pi))
            middle = segment.heading + segment.curvature * s / 2.0
            x, y = segment.x + chord * np.cos(middle), segment.y + chord * np.sin(middle)
            rows.append(np.stack([x - t * np.sin(h), y + t * np.cos(h), np.full_like(s, half)], axis=1))
            owner += [number] * (count + 1)
    return np.concatenate(rows), np.array(owner)


def overlaps(network: Network) -> bool:
    """Whether two roads that do not meet come closer than CLEAR."""
    circles, owner = samples(network)
    near = _near(network)
    pairs = KDTree(circles[:, :2]).query_pairs(2.0 * circles[:, 2].max() + CLEAR, output_type="ndarray")
    a, b = pairs.T
    apart = owner[a] != owner[b]
    a, b = a[apart], b[apart]
    gap = np.hypot(*(circles[a, :2] - circles[b, :2]).T) - circles[a, 2] - circles[b, 2]
    close = gap < CLEAR
    found = np.unique(np.stack([owner[a[close]], owner[b[close]]], axis=1), axis=0)
    return any((int(i), int(j)) not in near for i, j in found)


def _near(network: Network) -> set[tuple[int, int]]:
    """Pairs of roads that meet: those of one junction (with its streets), and those linked directly."""
    index = {road.id: k for k, road in enumerate(network.roads)}
    out: set[tuple[int, int]] = set()
    for junction in network.junctions:
        own = {index[end.road.id] for end in junction.ends} | {index[road.id] for _, road in junction.ways}
        out |= {(i, j) for i in own for j in own}
    for road in network.roads:
        for contact in (road.before, road.after):
            if contact is not None and contact.kind == "road":
                i, j = index[road.id], index[contact.id]
                out |= {(i, j), (j, i)}
    return out


def too_tight(network: Network) -> bool:
    """Whether some lane folds on the inner side of a bend, or bends tighter than a car can drive."""
    for road in network.roads:
        for sign in (-1, 1):
            bent = max((sign * segment.curvature for segment in road.path.segments), default=0.0)
            if bent <= 0.0:
                continue
            paved = sum(_widest(lane) for lane in road.side(sign) if lane.kind == DRIVING)
            if 1.0 / bent < road.half_width(sign) + FOLD or 1.0 / bent < paved - LANE_HALF + LEAST_RADIUS:
                return True
    return False


def _widest(lane: Lane) -> float:
    return max(lane.width, lane.end_width or 0.0)
