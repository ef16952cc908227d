"""Where people walk."""

import numpy as np
from numpy.typing import NDArray

from world.crossings import Outlines
from world.draft import MapDraft
from world.lane_arrays import LaneArrays


def build_walks(draft: MapDraft, lanes: LaneArrays, crosswalks: Outlines) -> dict[str, NDArray]:
    i32 = np.int32
    return {
        "walk_start": np.zeros(1, i32),
        "walk_xyz": np.zeros((0, 3), np.float32),
        "walk_width": np.zeros(0, np.float32),
        "walk_kind": np.zeros(0, np.int8),
        "walk_crosswalk": np.zeros(0, i32),
        "walk_link_start": np.zeros(1, i32),
        "walk_link": np.zeros(0, i32),
    }
