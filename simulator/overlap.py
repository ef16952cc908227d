"""Broad and narrow phase over the bodies of one world, without allocation.

Broad phase: slots sorted along x, kept from step to step (insertion sort of an almost sorted list). A query looks
from a slot's rank to both sides until nothing can reach it any more. Narrow phase: `world.boxes`. Bodies on
different levels (a bridge and the road below) never touch: their height intervals must overlap.
"""

import math
from typing import NamedTuple

import numpy as np

from simulator.state import Slots
from world.boxes import boxes_overlap, swept_contact
from world.kernel import kernel

STEP_CLEARANCE = 0.3  # [m] height below which a body's box does not collide (ramps, kerbs)
TELEPORT_SPEED = 100.0  # [m/s] a move faster than this is a teleport, which sweeps over nothing


class Broad(NamedTuple):
    """Slots of each world sorted by x."""

    order: np.ndarray  # int32 (B, N) slots by (x, slot); invalid ones last
    rank: np.ndarray  # int32 (B, N) inverse of order
    count: np.ndarray  # int32 (B,) valid slots
    reach: np.ndarray  # float32 (B,) [m] largest half diagonal plus motion of a step of any body


def make_broad(worlds: int, slots: int) -> Broad:
    """A broad phase that is not sorted yet."""
    order = np.tile(np.arange(slots, dtype=np.int32), (worlds, 1))
    return Broad(order, order.copy(), np.zeros(worlds, np.int32), np.zeros(worlds, np.float32))


@kernel
def _comes_before(b, i, j, slots):
    """Whether slot i sorts before slot j: valid first, then by x, then by index (a total order)."""
    if slots.valid[b, i] != slots.valid[b, j]:
        return slots.valid[b, i]
    if slots.valid[b, i] and slots.x[b, i] != slots.x[b, j]:
        return slots.x[b, i] < slots.x[b, j]
    return i < j


@kernel
def slot_radius(b, i, slots):
    """[m] half diagonal of a slot's box."""
    length, width = slots.length[b, i], slots.width[b, i]
    return 0.5 * math.sqrt(length * length + width * width)


@kernel
def slot_motion(b, i, slots):
    """[m] distance of a slot's centre since the step before."""
    dx, dy = slots.x[b, i] - slots.old_x[b, i], slots.y[b, i] - slots.old_y[b, i]
    return math.sqrt(dx * dx + dy * dy)


@kernel
def sort_world(b, slots, broad):
    """Bring the broad phase of world b up to date with the positions in `slots`."""
    order, rank = broad.order, broad.rank
    n = order.shape[1]
    count, reach = 0, 0.0
    for p in range(n):
        i = order[b, p]
        q = p
        while q > 0 and _comes_before(b, i, order[b, q - 1], slots):
            order[b, q] = order[b, q - 1]
            q -= 1
        order[b, q] = i
        if slots.valid[b, i]:
            count += 1
            reach = max(reach, slot_radius(b, i, slots) + slot_motion(b, i, slots))
    for p in range(n):
        rank[b, order[b, p]] = p
    broad.count[b] = count
    broad.reach[b] = reach


@kernel
def first_rank(b, x, slots, broad):
    """First rank in world b whose slot has x >= the given x (binary search); `count` when there is none."""
    low, high = 0, broad.count[b]
    while low < high:
        mid = (low + high) // 2
        if slots.x[b, broad.order[b, mid]] < x:
            low = mid + 1
        else:
            high = mid
    return low


@kernel
def levels_meet(z_a, height_a, z_b, height_b):
    """Whether two bodies' height intervals overlap; the lowest STEP_CLEARANCE of each does not count."""
    return z_a + STEP_CLEARANCE < z_b + height_b and z_b + STEP_CLEARANCE < z_a + height_a


@kernel
def slots_overlap(b, i, j, slots, margin):
    """Whether the boxes of two slots overlap now; the first is grown by `margin` [m] on every side."""
    if not levels_meet(slots.z[b, i], slots.height[b, i], slots.z[b, j], slots.height[b, j]):
        return False
    return boxes_overlap(
        slots.x[b, i], slots.y[b, i], slots.yaw[b, i],
        slots.length[b, i] + 2.0 * margin, slots.width[b, i] + 2.0 * margin,
        slots.x[b, j], slots.y[b, j], slots.yaw[b, j], slots.length[b, j], slots.width[b, j],
    )  # fmt: skip


@kernel
def slots_touched(b, i, j, slots, dt):
    """Whether two slots touched during the last step, on their way from old to new pose.

    Returns:
        (hit, fraction): fraction of the step in [0, 1] at which they first touched.
    """
    if not levels_meet(slots.z[b, i], slots.height[b, i], slots.z[b, j], slots.height[b, j]):
        return False, 1.0
    dx, dy = slots.x[b, j] - slots.x[b, i], slots.y[b, j] - slots.y[b, i]
    move_i, move_j = slot_motion(b, i, slots), slot_motion(b, j, slots)
    reach = slot_radius(b, i, slots) + slot_radius(b, j, slots) + move_i + move_j
    if dx * dx + dy * dy > reach * reach:
        return False, 1.0
    jump = TELEPORT_SPEED * dt
    if move_i > jump or move_j > jump:
        return slots_overlap(b, i, j, slots, 0.0), 1.0
    return swept_contact(
        slots.old_x[b, i], slots.old_y[b, i], slots.old_yaw[b, i], slots.x[b, i], slots.y[b, i], slots.yaw[b, i],
        slots.length[b, i], slots.width[b, i],
        slots.old_x[b, j], slots.old_y[b, j], slots.old_yaw[b, j], slots.x[b, j], slots.y[b, j], slots.yaw[b, j],
        slots.length[b, j], slots.width[b, j],
    )  # fmt: skip


@kernel
def is_free(b, x, y, z, yaw, length, width, height, margin, slots, ignore):
    """Whether a box grown by `margin` [m] would overlap no valid slot of world b except `ignore` (-1: none).

    Looks at every slot, so it may be called while slots are being filled.
    """
    for j in range(slots.x.shape[1]):
        if slots.valid[b, j] and j != ignore and levels_meet(z, height, slots.z[b, j], slots.height[b, j]):
            if boxes_overlap(
                x, y, yaw, length + 2.0 * margin, width + 2.0 * margin,
                slots.x[b, j], slots.y[b, j], slots.yaw[b, j], slots.length[b, j], slots.width[b, j],
            ):  # fmt: skip
                return False
    return True


def overlapping_pairs(b: int, slots: Slots) -> list[tuple[int, int]]:
    """All pairs of valid slots of world b whose boxes overlap now (for tests and checks, not for the step)."""
    n = slots.x.shape[1]
    valid = slots.valid[b]
    pairs = ((i, j) for i in range(n) for j in range(i + 1, n) if valid[i] and valid[j])
    return [(i, j) for i, j in pairs if slots_overlap(b, i, j, slots, 0.0)]
