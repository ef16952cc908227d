"""Right of way between conflicting lanes of a junction (lights aside).

In this order: the map's own junction priorities; a stop- or yield-controlled approach gives way to one that is not
(all approaches stop: first come, first served); a turn across oncoming traffic gives way to it; a turn gives way to
the straight lane it merges into; else priority to the right (to the left in left-hand traffic). The answer for (a, b)
is always the mirror of the answer for (b, a).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.budget import spend
from world.conflicts import Conflicts, chain_ends
from world.controls import Stops
from world.draft import MapDraft
from world.kinds import ConflictKind, Priority, StopKind, Turn
from world.lane_arrays import LaneArrays, wrap

_UPSTREAM = 30.0  # [m] a stop line this far before the junction still controls it
_SAME_WAY = np.deg2rad(45.0)
_OPPOSED = np.deg2rad(135.0)
_NOTHING, _YIELD, _STOP = 0, 1, 2  # control of an approach, by how much it gives way
_FIRST, _EQUAL, _SECOND = -1, 0, 1


@dataclass
class _Approach:
    """What the rules need to know of one connecting lane."""

    heading: float  # [rad] on entering the junction
    control: int
    turn: int
    roads: frozenset[str]  # the connecting road and those that lead into it


def set_priorities(draft: MapDraft, lanes: LaneArrays, stops: Stops, conflicts: Conflicts) -> None:
    """Fill `conflicts.priority`."""
    known = {int(lane): _approach(lanes, stops, int(lane)) for lane in np.unique(conflicts.lane)}
    all_stop = _all_way_stops(lanes, stops)
    ranks: dict[str, set[tuple[str, str]]] = {}
    for junction, high, low in draft.priorities:
        ranks.setdefault(junction, set()).add((high, low))
    answer = {_FIRST: int(Priority.GOES), _EQUAL: int(Priority.EQUAL), _SECOND: int(Priority.YIELDS)}
    for c in range(len(conflicts.lane)):
        a, b = int(conflicts.lane[c]), int(conflicts.other[c])
        spend("right of way in junctions")
        low, high = min(a, b), max(a, b)
        junction = int(lanes.junction[low])
        first = _who_goes(
            known[low],
            known[high],
            int(conflicts.kind[c]),
            all_stop[junction],
            ranks.get(lanes.junction_ids[junction], set()),
            draft.left_hand_traffic,
        )
        conflicts.priority[c] = answer[first if a == low else -first]


def _who_goes(
    a: _Approach, b: _Approach, kind: int, all_stop: bool, ranks: set[tuple[str, str]], left_hand: bool
) -> int:
    """-1 where a goes before b, 1 where b goes before a, 0 where neither has the right of way."""
    if kind == int(ConflictKind.DIVERGE):
        return _EQUAL
    above = any(high in a.roads and low in b.roads for high, low in ranks)
    below = any(high in b.roads and low in a.roads for high, low in ranks)
    if above != below:
        return _FIRST if above else _SECOND
    if a.control != b.control:
        return _FIRST if a.control < b.control else _SECOND
    if a.control == _STOP and all_stop:
        return _EQUAL
    return _by_turn(a, b, kind, left_hand)


def _by_turn(a: _Approach, b: _Approach, kind: int, left_hand: bool) -> int:
    """The rule of the road between approaches of equal control."""
    near, across = (Turn.LEFT, Turn.RIGHT) if left_hand else (Turn.RIGHT, Turn.LEFT)
    rank = {int(Turn.NONE): 0, int(Turn.STRAIGHT): 0, int(near): 1, int(across): 2, int(Turn.U_TURN): 3}
    mine, other = rank[a.turn], rank[b.turn]
    between = float(wrap(b.heading - a.heading))
    facing = abs(between) > _OPPOSED or abs(between) < _SAME_WAY
    u_turn = max(mine, other) == 3
    into_straight = kind == int(ConflictKind.MERGE) and min(mine, other) == 0
    if facing or ((u_turn or into_straight) and mine != other):
        return int(np.sign(mine - other))
    from_right = between > 0  # b travels towards a's left, so it comes from a's right
    return _SECOND if from_right != left_hand else _FIRST


def _approach(lanes: LaneArrays, stops: Stops, lane: int) -> _Approach:
    first, _ = chain_ends(lanes, lane)
    before = [lanes.road_ids[lanes.road[j]] for j in lanes.predecessors(first)]
    return _Approach(
        heading=float(lanes.heading[lanes.start[first]]),
        control=_control(lanes, stops, lane),
        turn=int(lanes.turn[lane]),
        roads=frozenset([lanes.road_ids[lanes.road[lane]], *before]),
    )


def _control(lanes: LaneArrays, stops: Stops, lane: int) -> int:
    """How a connecting lane is controlled, by a stop line on it or within 30 m before it; a light counts as none."""
    seen: set[int] = set()
    queue = [(lane, 0.0)]
    found: set[int] = set()
    while queue:
        spend("right of way in junctions")
        at, beyond = queue.pop()
        if at in seen:
            continue
        seen.add(at)
        length = float(lanes.length[at])
        inside = lanes.junction[at] == lanes.junction[lane]
        near = [q for q in stops.on(at) if inside or beyond + length - stops.s[q] <= _UPSTREAM]
        found.update(int(stops.kind[q]) for q in near)
        ahead = beyond + (0.0 if inside else length)
        if not near and ahead < _UPSTREAM:
            before = [int(j) for j in lanes.predecessors(at)]
            queue += [(j, ahead) for j in before if lanes.junction[j] in (-1, lanes.junction[lane])]
    if int(StopKind.LIGHT) in found:
        return _NOTHING
    if int(StopKind.STOP) in found:
        return _STOP
    return _YIELD if int(StopKind.YIELD) in found else _NOTHING


def _all_way_stops(lanes: LaneArrays, stops: Stops) -> NDArray[np.bool_]:
    """(junctions,) whether every lane that enters the junction must stop."""
    out = np.ones(len(lanes.junction_ids), bool)
    for lane in np.flatnonzero((lanes.junction >= 0) & lanes.drivable):
        before = lanes.predecessors(int(lane))
        enters = not any(lanes.junction[j] == lanes.junction[lane] for j in before)
        if enters and _control(lanes, stops, int(lane)) != _STOP:
            out[lanes.junction[lane]] = False
    return out
