"""Where the behaviour table plays: variations of the toy maps, and a bend, a merging ramp and a roundabout."""

import numpy as np

from world.draft import MapDraft, StopDraft
from world.kinds import MarkKind, StopKind
from world.toy import Path, straight_road, toy_draft, toy_lane, toy_road

ROAD = [("r", 0, -1)]
STRAIGHT = [("a2", 0, 1), ("c201", 0, -1), ("a0", 0, -1)]  # west to east over the junction
LEFT = [("a2", 0, 1), ("c211", 0, -1), ("a1", 0, -1)]
RIGHT = [("a2", 0, 1), ("c231", 0, -1), ("a3", 0, -1)]
ONCOMING = [("a0", 0, 1), ("c021", 0, -1), ("a2", 0, -1)]
MINOR = [("a1", 0, 1), ("c131", 0, -1), ("a3", 0, -1)]  # north to south: the minor road
MINOR_RIGHT = [("a1", 0, 1), ("c121", 0, -1), ("a2", 0, -1)]
FROM_SOUTH = [("a3", 0, 1), ("c311", 0, -1), ("a1", 0, -1)]
LINE = 74.0  # [m] of the stop line on every arm of `junction`
BEND = [("b0", 0, -1), ("b1", 0, -1), ("b2", 0, -1)]
RAMP = [("ramp", 0, -1), ("in", 0, -1), ("m1", 0, -1)]
MAIN = [("m0", 0, -1), ("on", 0, -1), ("m1", 0, -1)]
ROUND = [("way", 0, -1), ("in", 0, -1), ("ring", 0, -1)]
CIRCLE = [("ring", 0, -1), ("past", 0, -1), ("ring", 0, -1)]
RADIUS = 20.0  # [m] of the roundabout


def fast_road(length: float, limit: float) -> MapDraft:
    """A straight two-way road with another speed limit [m/s]."""
    draft = straight_road(length)
    for lane in draft.lanes:
        lane.limit[:] = limit
    return draft


def solid_road(length: float) -> MapDraft:
    """A straight two-way road whose middle line must not be crossed."""
    draft = straight_road(length)
    for lane in draft.lanes:
        lane.mark_left[:] = MarkKind.SOLID
        lane.change_left[:] = False
    return draft


def bend(radius: float = 30.0) -> MapDraft:
    """A two-way road, its middle line solid: 80 m straight, a quarter circle to the left, 80 m straight."""
    turn = radius * np.pi / 2
    paths = [
        Path(0.0, 0.0, 0.0, 80.0),
        Path(80.0, 0.0, 0.0, turn, 1 / radius),
        Path(80.0 + radius, radius, np.pi / 2, 80.0),
    ]
    lanes = []
    for i, path in enumerate(paths):
        own = toy_road(f"b{i}", path, pavement=False)
        for lane in own:
            step = 1 if lane.key[2] < 0 else -1
            lane.mark_left[:], lane.change_left[:] = MarkKind.SOLID, False
            if 0 <= i + step < len(paths):
                lane.successors = [(f"b{i + step}", 0, lane.key[2])]
        lanes += own
    return toy_draft("bend", lanes)


def ramp() -> MapDraft:
    """A one-way road of 100 + 40 + 200 m that a ramp joins from the right; the ramp gives way."""
    angle = 0.12  # [rad] the ramp swings in by
    radius = 40.0 / np.sin(angle)
    turn = Path(0.0, 0.0, angle, radius * angle, -1 / radius)
    end = turn.sample()[0][-1]
    x, y = 140.0 - end[0], -end[1]
    before = Path(x - 100.0 * np.cos(angle), y - 100.0 * np.sin(angle), angle, 100.0)
    lanes = [
        toy_lane(("m0", 0, -1), Path(0.0, 0.0, 0.0, 100.0), successors=[("on", 0, -1)]),
        toy_lane(("on", 0, -1), Path(100.0, 0.0, 0.0, 40.0), junction="j", successors=[("m1", 0, -1)]),
        toy_lane(("m1", 0, -1), Path(140.0, 0.0, 0.0, 200.0)),
        toy_lane(("ramp", 0, -1), before, successors=[("in", 0, -1)]),
        toy_lane(
            ("in", 0, -1), Path(x, y, angle, turn.length, turn.curvature), junction="j", successors=[("m1", 0, -1)]
        ),
    ]
    return toy_draft("ramp", lanes, stops=[StopDraft(("ramp", 0, -1), 99.0, StopKind.YIELD)])


def roundabout() -> MapDraft:
    """A single-lane circle about the origin, driven counter-clockwise, that a street from the south enters."""
    first, last = np.deg2rad(300.0), np.deg2rad(240.0)  # where the entry ends, where the ground it shares begins

    def arc(begin: float, turn: float) -> Path:
        return Path(
            RADIUS * np.cos(begin), RADIUS * np.sin(begin), begin + np.pi / 2, RADIUS * turn, 1 / RADIUS
        )  # fmt: skip

    radius, heading = 15.0, first + np.pi / 2 - 2 * np.pi
    swing = Path(0.0, 0.0, np.pi / 2, radius * (np.pi / 2 - heading), -1 / radius)
    end = swing.sample()[0][-1]
    x, y = RADIUS * np.cos(first) - end[0], RADIUS * np.sin(first) - end[1]
    lanes = [
        toy_lane(("ring", 0, -1), arc(first, np.deg2rad(300.0)), successors=[("past", 0, -1)]),
        toy_lane(("past", 0, -1), arc(last, np.deg2rad(60.0)), junction="j", successors=[("ring", 0, -1)]),
        toy_lane(("way", 0, -1), Path(x, y - 60.0, np.pi / 2, 60.0), successors=[("in", 0, -1)]),
        toy_lane(
            ("in", 0, -1), Path(x, y, np.pi / 2, swing.length, swing.curvature), junction="j",
            successors=[("ring", 0, -1)],
        ),
    ]  # fmt: skip
    return toy_draft("roundabout", lanes, stops=[StopDraft(("way", 0, -1), 59.0, StopKind.YIELD)])
