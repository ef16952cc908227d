"""Speed limits where no record states one: from signs, then from the lanes before, after and beside, then a default."""

import numpy as np

from world.budget import spend
from world.draft import LaneDraft, LaneKey
from world.kinds import SignKind
from world.opendrive.furniture import Lanes
from world.opendrive.links import MOTOR
from world.opendrive.model import RoadModel
from world.opendrive.signals import Use
from world.opendrive.xml import Reading

MAX_SIGNS = 10_000
DEFAULT = 50 / 3.6  # [m/s]
BY_TYPE = {
    "motorway": 130 / 3.6, "rural": 100 / 3.6, "town": 50 / 3.6, "lowSpeed": 20 / 3.6, "pedestrian": 7 / 3.6,
    "townLocal": 30 / 3.6, "townPlayStreet": 7 / 3.6, "townPrivate": 20 / 3.6, "townExpressway": 70 / 3.6,
}  # fmt: skip


def fill_limits(reading: Reading, lanes: Lanes, roads: dict[str, RoadModel], uses: list[Use]) -> None:
    """Leaves no NaN in any lane's limit. Roads whose limit is assumed are counted."""
    _signs(lanes, roads, uses)
    drafts = lanes.drafts
    for draft in drafts.values():
        _within(draft.limit)
    before: dict[LaneKey, list[LaneKey]] = {}
    for draft in drafts.values():
        for key in draft.successors:
            before.setdefault(key, []).append(draft.key)
    after = {draft.key: draft.successors for draft in drafts.values()}
    beside = {d.key: [k for k in (d.left, d.right, d.opposite) if k is not None] for d in drafts.values()}
    for neighbours, end in ((before, -1), (after, 0), (beside, 0)):
        _spread(drafts, neighbours, end)
    assumed = set()
    for draft in drafts.values():
        if np.isnan(draft.limit[0]):
            town = roads[draft.key[0]].town
            draft.limit[:] = BY_TYPE.get(town, DEFAULT)
            if draft.kind in MOTOR:
                assumed.add(draft.key[0])
    reading.skipped_if("road without a speed limit (assumed from its type; 50 km/h without one)", len(assumed))


def _signs(lanes: Lanes, roads: dict[str, RoadModel], uses: list[Use]) -> None:
    """Limit signs rule from their place to the next sign or the road's end, on roads without any speed record."""
    placed: dict[LaneKey, list[tuple[float, float]]] = {}
    for use in uses:
        spend("speed limit signs")
        known = use.signal.meaning
        if known.sign not in (SignKind.SPEED_LIMIT, SignKind.SPEED_LIMIT_END) or any(r.limit for r in use.road.speeds):
            continue
        if known.sign == SignKind.SPEED_LIMIT and not known.value:
            continue
        value = known.value if known.sign == SignKind.SPEED_LIMIT else BY_TYPE.get(use.road.town, DEFAULT)
        for key in lanes.held(use):
            draft = lanes.drafts[key]
            forward = draft.road_s[1] > draft.road_s[0]
            rest = range(key[1], len(use.road.sections)) if forward else range(key[1], -1, -1)
            for section in rest:
                if (key[0], section, key[2]) in lanes.drafts:
                    placed.setdefault((key[0], section, key[2]), []).append((use.s, value))
    for key, signs in placed.items():
        spend("speed limit signs", len(signs), MAX_SIGNS, "limit signs on one lane")
        draft, at = lanes.drafts[key], lanes.road_s[key]
        way = 1.0 if draft.road_s[1] > draft.road_s[0] else -1.0
        draft.limit = draft.limit.copy()
        for s, value in sorted(signs, key=lambda sign: sign[0] * way):
            draft.limit[at * way >= s * way - 1e-6] = value


def _within(limit: np.ndarray) -> None:
    """Gaps inside a lane take the limit before them, or else the first one after."""
    known = np.flatnonzero(~np.isnan(limit))
    if 0 < len(known) < len(limit):
        i = np.maximum(np.searchsorted(known, np.arange(len(limit)), side="right") - 1, 0)
        limit[:] = limit[known[i]]


def _spread(drafts: dict[LaneKey, LaneDraft], neighbours: dict[LaneKey, list[LaneKey]], end: int) -> None:
    """Lanes without a limit take the lowest of their neighbours' at `end` (0 first point, -1 last), until none can."""
    waiting = {key for key, draft in drafts.items() if np.isnan(draft.limit[0]) and draft.kind in MOTOR}
    asking: dict[LaneKey, list[LaneKey]] = {}  # by neighbour
    for key in waiting:
        for other in neighbours.get(key, []):
            asking.setdefault(other, []).append(key)
    front = waiting
    while front:
        spend("speed limits")
        found = {}
        for key in front & waiting:
            known = [v for k in neighbours.get(key, []) if not np.isnan(v := drafts[k].limit[end])]
            if known:
                found[key] = min(known)
        for key, value in found.items():
            drafts[key].limit = np.full(len(drafts[key].width), value)
        waiting -= found.keys()
        front = {other for key in found for other in asking.get(key, [])}
