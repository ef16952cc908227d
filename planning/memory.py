"""What the planner remembers of each driver between two calls."""

import math

import numpy as np
from numpy.typing import NDArray

from world.kernel import kernel

# Places on the route are kept as distance to the goal [m], which a moving origin does not change; NaN is no place.
MEMORY_ROW = np.dtype(
    [
        ("stopped_at", "f8"),  # [m to go] of the stop line that was served
        ("amber_go", "f8"),  # [m to go] of the light whose amber is run
        ("amber_stop", "f8"),  # [m to go] of the light whose amber is stopped for
        ("red_amber_at", "f8"),  # [s] since when the light ahead has shown red and amber, NaN
        ("plan", "i8"),  # light plan that the driver has green of, -1 none
        ("phase", "i8"),  # its phase
        ("green_at", "f8"),  # [s] when that was last seen
        ("choice", "i8"),  # proposal chosen last, -1 none
        ("lead", "i8"),  # track of the road user followed last, -1 none
        ("lead_speed", "f8"),  # [m/s] it had
        ("lead_accel", "f8"),  # [m/s^2] smoothed change of that
        ("obstacle", "i8"),  # track of the thing ahead that stands, -1 none
        ("obstacle_time", "f8"),  # [s] how long it has stood there
        ("pass_from", "f8"),  # [m to go] where a pass is fully beside the lane
        ("pass_to", "f8"),  # [m to go] where it begins to come back
        ("pass_offset", "f8"),  # [m] left positive
        ("pass_ramp", "f8"),  # [m] of path before and after it
    ]
)
_EMPTY = np.array(
    [(np.nan, np.nan, np.nan, np.nan, -1, -1, 0.0, -1, -1, 0.0, 0.0, -1, 0.0, np.nan, np.nan, 0.0, 0.0)], MEMORY_ROW
)[0]


@kernel
def note_lead(objects, source, memory, dt, smooth):
    """Keep the acceleration of the road user that the driver follows, smoothed over `smooth` s.

    Args:
        source: its index among the objects now, -1: nobody is followed.
        dt: [s] since the call before.
    """
    if source < 0:
        memory.lead = -1
        return
    speed = math.sqrt(objects[source].vx ** 2 + objects[source].vy ** 2)
    if objects[source].track != memory.lead:
        memory.lead, memory.lead_accel = objects[source].track, 0.0
    else:
        memory.lead_accel += ((speed - memory.lead_speed) / dt - memory.lead_accel) * min(dt / smooth, 1.0)
    memory.lead_speed = speed


def make_memory(worlds: int, drivers: int) -> NDArray[np.void]:
    """(B, K) MEMORY_ROW of drivers that have seen nothing yet."""
    return np.full((worlds, drivers), _EMPTY, MEMORY_ROW)


def forget(memory: NDArray[np.void], mask: NDArray[np.bool_]) -> None:
    """Clear the drivers of `mask` (B, K)."""
    memory[mask] = _EMPTY
