"""What loops over slots ask of the memory in advance."""

# pyright: reportCallIssue=false
# (intrinsics take a typing context more than their callers give)

import numpy as np

from world.kernel import inline_kernel
from world.prefetch import prefetch, prefetch_slot

FETCH = 6  # slots ahead of the present one


@inline_kernel
def fetch_rows(b, i, network, slots, traffic):
    """Ask for the traffic row of a slot to come, and for the lane of one nearer by, whose number is here by now."""
    last = slots.x.shape[1] - 1
    far, near = min(i + 2 * FETCH, last), min(i + FETCH, last)
    prefetch_slot(traffic.row, b, far, 0)
    prefetch_slot(traffic.row, b, far, 64)
    prefetch_slot(traffic.row, b, far, 128)
    prefetch(network.rails, max(np.int64(slots.lane[b, near]), np.int64(0)))


@inline_kernel
def fetch_leader(b, i, slots, traffic):
    """Ask for what following the leader of a slot to come takes."""
    near = min(i + FETCH, slots.x.shape[1] - 1)
    leader = max(np.int64(traffic.row[b, near].ahead), np.int64(0))
    prefetch_slot(slots.lane_s, b, leader, 0)
    prefetch_slot(slots.speed, b, leader, 0)
    prefetch_slot(slots.length, b, leader, 0)
