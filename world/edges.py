"""Edges of the drivable surface: as the reader gives them, or the outer borders of the drivable lanes."""

import numpy as np
from numpy.typing import NDArray

from world.draft import MapDraft
from world.lane_arrays import LaneArrays


def place_edges(draft: MapDraft, lanes: LaneArrays) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Segments (E, 2, 3) [m] and EdgeKind (E,)."""
    parts, kinds = [], []
    shift = np.append(lanes.origin, 0.0)
    for line, kind in draft.edges:
        points = np.asarray(line, np.float64) - shift
        parts.append(np.stack([points[:-1], points[1:]], axis=1))
        kinds.append(np.full(len(points) - 1, int(kind), np.int8))
    if not parts:
        return np.zeros((0, 2, 3)), np.zeros(0, np.int8)
    return np.concatenate(parts), np.concatenate(kinds)
