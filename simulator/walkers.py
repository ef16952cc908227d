"""Walkers: the arrays of pedestrians. `walkers_spawn` puts them into a world, `walkers_step` moves them.

A walker is a slot of kind PEDESTRIAN under Controller.TRAFFIC. It follows the map's walks (pavements and crosswalks),
joined at their ends by links: end 2y is the first point of walk y, end 2y + 1 its last.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np


class WalkPhase(IntEnum):
    """What a walker is doing."""

    WALK = 0  # along a pavement
    WAIT = 1  # at the kerb, for a gap
    CROSS = 2  # on a crosswalk
    CROSS_FREE = 3  # crosses the road away from crosswalks


class Walkers(NamedTuple):
    """Per slot (B, N) unless noted; rows of slots that hold no walker mean nothing. C crosswalks of a map."""

    identity: np.ndarray  # int32 entity of its random draws, whatever the layout of slots
    walk: np.ndarray  # int32 global walk index, -1 none
    s: np.ndarray  # float32 [m] along the walk, in the direction of its points
    way: np.ndarray  # int8 +1 with the walk's points, -1 against them
    lateral: np.ndarray  # float32 [m] wanted offset, left of the direction of the walk's points
    pace: np.ndarray  # float32 [m/s] desired walking speed
    phase: np.ndarray  # int8 WalkPhase
    next_end: np.ndarray  # int32 walk end to step onto after this walk; -1 not chosen, -2 turn round
    waited: np.ndarray  # float32 [s] at the kerb
    goal_x: np.ndarray  # float32 [m] landing of CROSS_FREE
    goal_y: np.ndarray  # float32 [m]
    goal_walk: np.ndarray  # int32 walk landed on
    goal_s: np.ndarray  # float32 [m] along it
    crossing: np.ndarray  # bool the walker is on the carriageway: on a crosswalk or crossing freely
    crosswalk: np.ndarray  # int32 crosswalk (index within the map) it is on or waits at, -1 none
    crosswalk_busy: np.ndarray  # int16 (B, C) walkers on the crosswalk or stepping onto it
    busy_count: np.ndarray  # int32 (B,) walkers on crosswalks
    crosswalk_waiting: np.ndarray  # int16 (B, C) walkers who wait at its kerb
    arrival: np.ndarray  # float32 (B, C) [s] until the next vehicle that will not stop reaches it; inf: none


def make_walkers(worlds: int, slots: int, crosswalks: int) -> Walkers:
    """Empty walkers.

    Args:
        worlds: B.
        slots: N, all slots of a world; rows are indexed by slot.
        crosswalks: largest number of crosswalks of any map (`maps.crosswalk1 - maps.crosswalk0`).
    """
    shape, per_crosswalk = (worlds, slots), (worlds, max(crosswalks, 1))
    floats = {n: np.zeros(shape, np.float32) for n in ("s", "lateral", "pace", "waited", "goal_x", "goal_y", "goal_s")}
    return Walkers(
        **floats,
        identity=np.zeros(shape, np.int32),
        walk=np.full(shape, -1, np.int32),
        way=np.ones(shape, np.int8),
        phase=np.zeros(shape, np.int8),
        next_end=np.full(shape, -1, np.int32),
        goal_walk=np.full(shape, -1, np.int32),
        crossing=np.zeros(shape, np.bool_),
        crosswalk=np.full(shape, -1, np.int32),
        crosswalk_busy=np.zeros(per_crosswalk, np.int16),
        busy_count=np.zeros(worlds, np.int32),
        crosswalk_waiting=np.zeros(per_crosswalk, np.int16),
        arrival=np.full(per_crosswalk, np.inf, np.float32),
    )
