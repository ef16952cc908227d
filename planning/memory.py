"""What the planner remembers of each driver between two calls."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Memory(NamedTuple):
    """All (B, K). Places on the route are kept as distance to the goal, which a moving origin does not change."""

    stopped_at: np.ndarray  # [m to go] of the stop line that was served; NaN none
    amber_go: np.ndarray  # [m to go] of the light whose amber (or late red) is run; NaN none
    plan: np.ndarray  # int light plan that the driver has green of, -1 none
    phase: np.ndarray  # int its phase
    green_at: np.ndarray  # [s] when that was last seen
    choice: np.ndarray  # int proposal chosen last
    obstacle: np.ndarray  # int track of the thing ahead that stands, -1 none
    obstacle_time: np.ndarray  # [s] how long it has stood there
    pass_from: np.ndarray  # [m to go] where the shifted part of a pass begins; NaN no pass
    pass_to: np.ndarray  # [m to go] where it ends
    pass_offset: np.ndarray  # [m] left positive
    pass_ramp: np.ndarray  # [m] of path before and after it


def make_memory(worlds: int, drivers: int) -> Memory:
    """Memory of drivers that have seen nothing yet."""
    shape = (worlds, drivers)
    whole = {"plan", "phase", "choice", "obstacle"}
    memory = Memory(*(np.zeros(shape, np.int64 if f in whole else np.float64) for f in Memory._fields))
    forget(memory, np.ones(shape, np.bool_))
    return memory


def forget(memory: Memory, mask: NDArray[np.bool_]) -> None:
    """Clear the drivers of `mask` (B, K)."""
    for name in ("stopped_at", "amber_go", "pass_from", "pass_to"):
        getattr(memory, name)[mask] = np.nan
    for name in ("plan", "phase", "choice", "obstacle"):
        getattr(memory, name)[mask] = -1
    for name in ("green_at", "obstacle_time", "pass_offset", "pass_ramp"):
        getattr(memory, name)[mask] = 0.0
