"""Stop lines on lanes, and traffic lights with the phases of their plans."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from world.budget import spend
from world.conflicts import Conflicts
from world.crossings import at_s
from world.draft import MapDraft, StopDraft
from world.kinds import ConflictKind, StopKind, Turn
from world.lane_arrays import LaneArrays, csr, wrap
from world.roadmap import MapError

_SAME_WAY = np.deg2rad(45.0)
_OPPOSED = np.deg2rad(135.0)


@dataclass
class Stops:
    """Stop lines sorted by lane, then s."""

    start: NDArray[np.int32]  # (L + 1,)
    lane: NDArray[np.int32]  # (Q,)
    s: NDArray[np.float64]  # (Q,) [m]
    kind: NDArray[np.int8]  # (Q,)
    light: NDArray[np.int32]  # (Q,) or -1
    line: NDArray[np.float64]  # (Q, 2, 2) [m]

    def on(self, lane: int) -> range:
        """Rows of a lane's stops."""
        return range(int(self.start[lane]), int(self.start[lane + 1]))

    def fields(self) -> dict[str, Any]:
        return {
            "stop_start": self.start,
            "stop_s": self.s.astype(np.float32),
            "stop_kind": self.kind,
            "stop_light": self.light,
            "stop_line": self.line.astype(np.float32),
        }


def place_stops(draft: MapDraft, lanes: LaneArrays) -> Stops:
    """Stop lines of a draft with their painted ends (left end first, across the lane's width).

    Raises:
        MapError: a stop names an unknown lane or light, or lies beyond its lane.
    """
    lights = {light.id: i for i, light in enumerate(draft.lights)}
    rows = [_stop_row(stop, lanes, lights) for stop in draft.stops]
    rows.sort()
    lane = np.array([r[0] for r in rows], np.int32)
    s = np.array([r[1] for r in rows], np.float64)
    start = np.zeros(lanes.count + 1, np.int32)
    np.cumsum(np.bincount(lane, minlength=lanes.count), out=start[1:])
    line = np.zeros((len(rows), 2, 2))
    for i in range(len(rows)):
        k = int(lanes.start[lane[i]]) + min(
            int(round(s[i] / lanes.step[lane[i]])), int(np.diff(lanes.start)[lane[i]]) - 1
        )
        middle = at_s(lanes, int(lane[i]), s[i : i + 1])[0]
        across = np.array([-np.sin(lanes.heading[k]), np.cos(lanes.heading[k])]) * lanes.width[k] / 2
        line[i] = middle + across, middle - across
    kind = np.array([r[2] for r in rows], np.int8)
    return Stops(start, lane, s, kind, np.array([r[3] for r in rows], np.int32), line)


def _stop_row(stop: StopDraft, lanes: LaneArrays, lights: dict[str, int]) -> tuple[int, float, int, int]:
    element = f"stop line on lane {stop.lane} at s = {stop.s:.2f} m"
    if stop.lane not in lanes.index:
        raise MapError(lanes.name, element, "the lane is not in the map")
    if (stop.kind == StopKind.LIGHT) != (stop.light is not None):
        raise MapError(lanes.name, element, f"kind {stop.kind.name} goes with light {stop.light!r}")
    if stop.light is not None and stop.light not in lights:
        raise MapError(lanes.name, element, f"light {stop.light!r} is not in the map")
    lane = lanes.index[stop.lane]
    length = float(lanes.length[lane])
    if not -0.5 <= stop.s <= length + 0.5:
        raise MapError(lanes.name, element, f"lies beyond the lane, which is {length:.2f} m long")
    light = -1 if stop.light is None else lights[stop.light]
    return lane, min(max(stop.s, 0.0), length), int(stop.kind), light


def place_lights(draft: MapDraft, lanes: LaneArrays, stops: Stops, conflicts: Conflicts) -> dict:
    """RoadMap's light and plan fields; phases that the draft leaves open are worked out by `_phases`."""
    xyz = np.array([light.xyz for light in draft.lights], np.float64).reshape(-1, 3)
    xyz[:, :2] -= lanes.origin
    plan_ids = tuple(dict.fromkeys(light.plan for light in draft.lights))
    number = {plan: i for i, plan in enumerate(plan_ids)}
    plan = np.array([number[light.plan] for light in draft.lights], np.int32)
    phase = np.zeros(len(draft.lights), np.int32)
    phases = np.ones(len(plan_ids), np.int32)
    start, members = csr(plan, np.arange(len(plan)), len(plan_ids))
    for p in range(len(plan_ids)):
        own = members[start[p] : start[p + 1]]
        phase[own] = _phases(draft, lanes, stops, conflicts, own)
        phases[p] = phase[own].max() + 1
    return {
        "light_xyz": xyz.astype(np.float32),
        "light_yaw": np.array([light.yaw for light in draft.lights], np.float32),
        "light_plan": plan,
        "light_phase": phase,
        "light_ids": tuple(light.id for light in draft.lights),
        "plan_phases": phases,
        "plan_ids": plan_ids,
    }


def _phases(draft: MapDraft, lanes: LaneArrays, stops: Stops, conflicts: Conflicts, own: NDArray) -> NDArray[np.int32]:
    """Phase of each light of one plan: lights of one approach together, opposed approaches together where they may.

    Two approaches share a phase only if they come from opposite directions and no straight stream of one crosses a
    straight stream of the other. Given phases are kept; the rest take the numbers after them.
    """
    given = [draft.lights[i].phase for i in own]
    out = np.array([-1 if g is None else g for g in given], np.int32)
    if (out >= 0).all():
        return out
    heading = {int(i): _approach_heading(draft, lanes, stops, int(i)) for i in own}
    straight = {int(i): _straight_lanes(lanes, stops, int(i)) for i in own}
    groups: list[list[int]] = []
    for i in (int(own[k]) for k in np.flatnonzero(out < 0)):
        for group in groups:
            if all(_together(heading, straight, conflicts, i, j) for j in group):
                group.append(i)
                break
        else:
            groups.append([i])
    base = int(out.max()) + 1
    for number, group in enumerate(_pair_up(groups, heading, straight, conflicts)):
        out[np.isin(own, group)] = base + number
    return out


def _together(heading: dict, straight: dict, conflicts: Conflicts, i: int, j: int) -> bool:
    """Whether two lights belong to one approach."""
    spend("phases of lights")
    return abs(float(wrap(heading[i] - heading[j]))) < _SAME_WAY and not _cross(straight, conflicts, [i], [j])


def _pair_up(groups: list[list[int]], heading: dict, straight: dict, conflicts: Conflicts) -> list[list[int]]:
    """Approaches joined two and two: the most nearly opposed first."""
    spend("phases of lights", len(groups), 2000, "groups of lights at one junction")
    ways = [np.arctan2(*np.sum([(np.sin(heading[i]), np.cos(heading[i])) for i in g], axis=0)) for g in groups]
    pairs = sorted(
        (np.pi - abs(float(wrap(ways[a] - ways[b]))), a, b)
        for a in range(len(groups))
        for b in range(a + 1, len(groups))
        if abs(float(wrap(ways[a] - ways[b]))) > _OPPOSED and not _cross(straight, conflicts, groups[a], groups[b])
    )
    partner: dict[int, int] = {}
    for _, a, b in pairs:
        if a not in partner and b not in partner:
            partner[a], partner[b] = b, a
    out = []
    for a in range(len(groups)):
        b = partner.get(a)
        if b is None:
            out.append(groups[a])
        elif a < b:
            out.append(groups[a] + groups[b])
    return out


def _cross(straight: dict, conflicts: Conflicts, a: list[int], b: list[int]) -> bool:
    """Whether a straight stream under lights `a` crosses or meets one under lights `b`."""
    mine = {lane for i in a for lane in straight[i]}
    other = {lane for i in b for lane in straight[i]}
    return any(
        int(conflicts.other[c]) in other and conflicts.kind[c] != int(ConflictKind.DIVERGE)
        for lane in mine
        for c in conflicts.on(lane)
    )


def _approach_heading(draft: MapDraft, lanes: LaneArrays, stops: Stops, light: int) -> float:
    """[rad] direction of travel at the light's stop lines; against its face where no lane obeys it."""
    spend("phases of lights")
    held = np.flatnonzero(stops.light == light)
    if not len(held):
        return float(wrap(draft.lights[light].yaw + np.pi))
    points = [lanes.start[stops.lane[q]] + int(stops.s[q] / lanes.step[stops.lane[q]]) for q in held]
    h = lanes.heading[points]
    return float(np.arctan2(np.sin(h).sum(), np.cos(h).sum()))


def _straight_lanes(lanes: LaneArrays, stops: Stops, light: int) -> set[int]:
    """Straight lanes of junctions entered past the light's stop lines."""
    out: set[int] = set()
    for q in np.flatnonzero(stops.light == light):
        lane = int(stops.lane[q])
        for _ in range(10):  # over short sections between the line and the junction
            if lanes.junction[lane] >= 0:
                out.add(lane)
                break
            after = lanes.successors(lane)
            inside = [int(j) for j in after if lanes.junction[j] >= 0]
            out.update(inside)
            if inside or len(after) != 1:
                break
            lane = int(after[0])
    return {lane for lane in out if lanes.turn[lane] == int(Turn.STRAIGHT)}
