"""Signals -> stop lines on lanes, light heads with plan and phase, and signs.

A light (or stop or yield sign, or a reference to one) on a junction's connecting road holds the lanes of its validity
where they begin; on any other road it holds them at its own s, or at the painted stop line next to it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.budget import spend
from world.draft import LaneDraft, LaneKey, LightDraft, MapDraft, SignDraft, StopDraft
from world.kinds import SignKind, StopKind
from world.opendrive.frame import road_point
from world.opendrive.links import MOTOR
from world.opendrive.model import JunctionModel, RoadModel, SectionModel
from world.opendrive.signals import Signal, Use
from world.opendrive.xml import Element, Reading, children

LOWEST_HEAD = 1.8  # [m] centre of a head or face above the road; lower ones are export errors
POST_HEAD, OVERHEAD = 3.0, 5.2  # [m] what is assumed then: beside the road, above a lane
LINE_REACH = 12.0  # [m] a stop line this near to a sign or light is the one it is about
AHEAD = 30.0  # [m] of lanes that are followed to find the junction a light stands before
STOPS = {SignKind.STOP: StopKind.STOP, SignKind.YIELD: StopKind.YIELD}


Point = tuple[float, float, float]


@dataclass(frozen=True)
class StopLine:
    """A painted line across lanes."""

    s: float  # [m] on its road
    t: float | None  # [m] of its middle; None: it spans all lanes of its orientation
    half_width: float  # [m]
    orientation: str


@dataclass
class Lanes:
    """Lane drafts and the road s of their points, for finding places on them."""

    drafts: dict[LaneKey, LaneDraft]
    road_s: dict[LaneKey, NDArray[np.float64]]  # per lane: (n,) in travel direction

    def arc(self, key: LaneKey, s: float) -> float:
        """Arc length [m] along a lane, in travel direction, at road s."""
        at, length = self.road_s[key], self.drafts[key].length
        arc = np.linspace(0.0, length, len(at))
        return float(np.interp(s, at, arc) if at[-1] > at[0] else np.interp(s, at[::-1], arc[::-1]))

    def held(self, use: Use) -> list[LaneKey]:
        """Motor lanes that a signal holds at a place: those of its validity, or of its orientation without one."""
        road, found = use.road, []
        for section in _sections_at(road, use.s):
            for i, lane in section.lanes.items():
                key = (road.id, section.index, i)
                named = not use.ranges or any(low <= i <= high for low, high in use.ranges)
                if named and lane.kind in MOTOR and key in self.drafts:
                    found.append((key, lane.forward, section.index))
        if road.junction is not None:  # held where the connecting lane begins
            last = len(road.sections) - 1
            found = [(k, f, i) for k, f, i in found if i == (0 if f else last)] or found
        both = len({forward for _, forward, _ in found}) == 2
        if (not use.ranges or both) and use.orientation in "+-" and use.orientation:
            found = [row for row in found if row[1] == (use.orientation == "+")]
        return [key for key, _, _ in found]


def _sections_at(road: RoadModel, s: float) -> list[SectionModel]:
    if road.junction is not None:
        return list({id(x): x for x in (road.sections[0], road.sections[-1])}.values())
    starts = [section.start for section in road.sections]
    return [road.sections[max(0, int(np.searchsorted(starts, s, side="right")) - 1)]]


def place_controls(
    reading: Reading,
    draft: MapDraft,
    lanes: Lanes,
    signals: list[Signal],
    uses: list[Use],
    lines: dict[str, list[StopLine]],
) -> dict[str, list[LaneKey]]:
    """Fills stops and signs of the draft; returns the lanes held by each light."""
    held_by: dict[str, list[LaneKey]] = {signal.id: [] for signal in signals}
    seen: set[tuple[LaneKey, str]] = set()
    for use in uses:
        spend(f"signal {use.signal.id[:40]!r}")
        kind = StopKind.LIGHT if use.signal.meaning.light else STOPS.get(use.signal.meaning.sign)  # type: ignore[arg-type]
        for key in lanes.held(use):
            if (key, use.signal.id) in seen:
                continue
            seen.add((key, use.signal.id))
            held_by[use.signal.id].append(key)
            if kind is not None:
                s = 0.0 if use.road.junction is not None else lanes.arc(key, _line_s(use, key, lanes, lines))
                draft.stops.append(StopDraft(key, s, kind, use.signal.id if kind == StopKind.LIGHT else None))
    _drop_repeated(draft, lanes)
    for signal in signals:
        spend(f"signal {signal.id[:40]!r}")
        known = signal.meaning
        if known.sign in STOPS and not held_by[signal.id]:
            reading.skip("stop or yield sign that holds no lane")
        if known.sign is not None:
            xyz, yaw = pose(reading, signal, [lanes.drafts[k] for k in held_by[signal.id]], "sign")
            draft.signs.append(SignDraft(signal.id, xyz, yaw, known.sign, known.value))
    return held_by


def _line_s(use: Use, key: LaneKey, lanes: Lanes, lines: dict[str, list[StopLine]]) -> float:
    """Road s of the stop line that belongs to a use on a lane; the use's own s without one."""
    draft = lanes.drafts[key]
    forward = draft.road_s[1] > draft.road_s[0]
    best, gap = use.s, LINE_REACH
    spend(f"stop lines of road {use.road.id}")
    for line in lines.get(use.road.id, []):
        if line.t is None:
            fits = line.orientation not in ("+", "-") or (line.orientation == "+") == forward
        else:
            i = int(np.argmin(np.abs(lanes.road_s[key] - line.s)))
            ground, _ = road_point(use.road, line.s, line.t, 0.0)
            fits = np.hypot(*(ground - draft.xyz[i])[:2]) < max(line.half_width, draft.width[i] / 2)
        low, high = sorted(draft.road_s)
        if fits and abs(line.s - use.s) < gap and low <= line.s <= high:
            best, gap = line.s, abs(line.s - use.s)
    return best


def _drop_repeated(draft: MapDraft, lanes: Lanes) -> None:
    """A lane in a junction needs no line of a light that holds every lane leading into it already."""
    into: dict[LaneKey, list[LaneKey]] = {}
    for lane in draft.lanes:
        for key in lane.successors:
            into.setdefault(key, []).append(lane.key)
    held = {(stop.lane, stop.light) for stop in draft.stops if stop.light is not None}
    kept = []
    for stop in draft.stops:
        spend("stop lines")
        before = into.get(stop.lane)
        if stop.light is None or not before or any((k, stop.light) not in held for k in before):
            kept.append(stop)
    draft.stops = kept


def pose(reading: Reading, signal: Signal, held: list[LaneDraft], what: str) -> tuple[Point, float]:
    """Centre [m] and facing [rad] of a head or face.

    A face looks against the traffic it is for: along -s for orientation "+". Where the file says otherwise (CARLA's
    maps use the opposite sign), the lanes it holds decide.
    """
    above = signal.z + 0.5 * signal.height
    if signal.inertial is not None:
        x, y, z, heading = signal.inertial
        point, yaw = np.array([x, y, z + 0.5 * signal.height]), heading + math.pi  # hdg is that of the traffic
    else:
        if above < LOWEST_HEAD:
            overhead = any(np.hypot(*_nearest(d, signal)[:2]) < d.width.max() / 2 for d in held)
            above = OVERHEAD if overhead else POST_HEAD
            reading.skip(f"{what} without a usable height ({above:g} m assumed)")
        point, heading = road_point(signal.road, signal.s, signal.t, above)
        yaw = heading + signal.turn + (0.0 if signal.orientation == "-" else math.pi)
    if held:
        at = [d.heading[_stopped(d, point)] for d in held]
        back = math.atan2(-sum(np.sin(at)), -sum(np.cos(at)))
        if math.cos(yaw - back) < 0.2:
            reading.skip(f"{what} that faces away from its lanes (turned to them)")
            yaw = back
    return (float(point[0]), float(point[1]), float(point[2])), (yaw + math.pi) % (2 * math.pi) - math.pi


def _stopped(lane: LaneDraft, point: NDArray[np.float64]) -> int:
    """Point of a lane from where a face is looked at: its beginning in a junction, else the one next to the face."""
    if lane.junction is not None:
        return 0
    return int(np.argmin(np.hypot(*(lane.xyz[:, :2] - point[:2]).T)))


def _nearest(lane: LaneDraft, signal: Signal) -> NDArray[np.float64]:
    """From the signal's foot to the nearest point of a lane (3,) [m]."""
    foot, _ = road_point(signal.road, signal.s, signal.t, 0.0)
    gap = lane.xyz - foot
    return gap[int(np.argmin(np.hypot(gap[:, 0], gap[:, 1])))]


def place_lights(
    reading: Reading,
    draft: MapDraft,
    lanes: Lanes,
    signals: list[Signal],
    held_by: dict[str, list[LaneKey]],
    junctions: dict[str, JunctionModel],
    root: Element,
) -> None:
    """Fills the draft's lights: pose, the junction whose plan they follow, and their phase in it."""
    controllers = _controllers(root)
    controller_of: dict[str, str] = {}
    for controller, members in controllers.items():
        for member in members:
            controller_of.setdefault(member, controller)
    owner = {c: j.id for j in junctions.values() for _, c in sorted(j.controllers, reverse=True)}
    for signal in signals:
        if not signal.meaning.light:
            continue
        spend(f"light {signal.id[:40]!r}")
        held = held_by[signal.id]
        if not held:
            reading.skip("light that holds no lane")
        xyz, yaw = pose(reading, signal, [lanes.drafts[k] for k in held], "light")
        junction = _junction_ahead(lanes, held) or owner.get(controller_of.get(signal.id, ""))
        draft.lights.append(LightDraft(signal.id, xyz, yaw, junction or signal.id))
    _set_phases(draft, junctions, controllers, controller_of)


def _controllers(root: Element) -> dict[str, list[str]]:
    """Signals of every controller, in the order of the file."""
    return {
        str(element.get("id")): [str(c.get("signalId")) for c in children(element, "control")]
        for element in children(root, "controller")
    }


def _junction_ahead(lanes: Lanes, held: list[LaneKey]) -> str | None:
    """The junction that most of the held lanes lie in or lead into."""
    votes: dict[str, int] = {}
    for start in held:
        front, seen = [(start, 0.0)], set()
        while front:
            key, gone = front.pop()
            lane = lanes.drafts[key]
            if key in seen:
                continue
            seen.add(key)
            if lane.junction is not None:
                votes[lane.junction] = votes.get(lane.junction, 0) + 1
                break
            if gone < AHEAD:
                front += [(k, gone + (lane.length if gone else 0.1)) for k in lane.successors]
    return max(votes, key=lambda k: votes[k]) if votes else None


def _set_phases(
    draft: MapDraft,
    junctions: dict[str, JunctionModel],
    controllers: dict[str, list[str]],
    controller_of: dict[str, str],
) -> None:
    """A controller's lights share a phase; phases follow the junction's sequence of controllers.

    A plan in which some light has no controller is left to the builder as a whole.
    """
    position = {controller: i for i, controller in enumerate(controllers)}
    plans: dict[str, list[LightDraft]] = {}
    for light in draft.lights:
        plans.setdefault(light.plan, []).append(light)
    for plan, own in plans.items():
        used = {controller_of.get(light.id) for light in own}
        if None in used:
            continue
        listed = junctions[plan].controllers if plan in junctions else []
        order = {c: (sequence, i) for i, (sequence, c) in enumerate(listed)}
        ranked = sorted(used, key=lambda c: (*order.get(str(c), (1 << 30, 0)), position[str(c)]))
        phase = {controller: i for i, controller in enumerate(ranked)}
        for light in own:
            light.phase = phase[controller_of[light.id]]
