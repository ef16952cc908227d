"""Keeping junctions clear: no entry while there is no room behind the junction or somebody stands in it."""

from planning.rules import FAR
from world.kernel import kernel

_SLOW = 2.0  # [m/s] somebody who may not be gone in time
_ROOM = 1.5  # [m] to leave behind the junction
_BEFORE = 0.5  # [m] between the bumper and the ground to keep clear


@kernel
def next_zone(scratch, half):
    """(begin, end) [m] of the next ground to keep clear that the bumper has not reached; FAR, FAR if none."""
    for i in range(scratch.zones[0]):
        if scratch.zone[i, 0] > half - 0.3:
            return scratch.zone[i, 0], scratch.zone[i, 1]
    return FAR, FAR


@kernel
def blocked_exit(occ, zone0, zone1, half, speed):
    """Whether somebody slow stands in the next zone, or so close behind it that the own body would not fit."""
    if zone0 >= FAR or zone0 - half > 10.0 + speed * speed / 3.0:
        return False
    room = zone1 + 2.0 * half + _ROOM
    for e in range(occ.count[0]):
        if occ.entry[e].first != 0 or occ.entry[e].walker or abs(occ.entry[e].speed) > _SLOW:
            continue
        if occ.cell[e, 0].high > zone0 and occ.cell[e, 0].low < room:
            return True
    return False


@kernel
def wait_place(zone0, half):
    """Path coordinate [m] of the centre when the bumper stands before the zone."""
    return FAR if zone0 >= FAR else zone0 - half - _BEFORE
