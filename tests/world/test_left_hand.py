"""Left-hand traffic: lanes, right of way, turns, and where the simulator's traffic drives."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from simulator.engine import Engine
from tests.data import shared_data
from tests.world.sound import check_sound
from tests.world.xodr_seeds import crossing
from world.kinds import ConflictKind, LaneKind, Priority, Turn
from world.mapset import pack_maps
from world.opendrive import load_map, map_from_bytes
from world.records import Control
from world.roadmap import RoadMap
from world.scenario import Scenario


@cache
def crossing_map(left_hand: bool, signals: bool = False, arm: float = 300.0) -> RoadMap:
    return map_from_bytes(crossing(left_hand, signals=signals, arm=arm), "crossing", cache=False)


def connecting(m: RoadMap, start: int, end: int) -> int:
    """Lane of the connecting road from one arm to another."""
    road = m.road_ids.index(f"1{start}{end}")
    return int(np.flatnonzero(m.lane_road == road)[0])


def conflict(m: RoadMap, a: int, b: int) -> int:
    rows = range(m.conflict_start[a], m.conflict_start[a + 1])
    (row,) = (c for c in rows if m.conflict_lane[c] == b)
    return row


@pytest.mark.parametrize("left_hand", [False, True])
def test_lanes_run_on_their_side_of_the_reference_line(left_hand: bool) -> None:
    """The lane that leads away from the crossing lies left of the reference line where traffic keeps left."""
    m = crossing_map(left_hand)
    check_sound(m)
    assert m.left_hand_traffic == left_hand
    for lane in np.flatnonzero((m.lane_kind == int(LaneKind.DRIVING)) & (m.lane_junction < 0)):
        first = m.point_xyz[m.lane_start[lane], :2]
        away = np.array([np.cos(m.point_heading[m.lane_start[lane]]), np.sin(m.point_heading[m.lane_start[lane]])])
        arm = int(m.road_ids[m.lane_road[lane]])
        out = np.array([np.cos(arm * np.pi / 2), np.sin(arm * np.pi / 2)])
        beside = out[0] * first[1] - out[1] * first[0]  # left of the reference line, seen from the middle outwards
        assert (beside > 0) == ((away @ out > 0) == left_hand)


@pytest.mark.parametrize("left_hand", [False, True])
def test_who_comes_from_the_right_goes_first_or_from_the_left(left_hand: bool) -> None:
    """Straight streams that cross without signs: priority to the right, or to the left in left-hand traffic."""
    m = crossing_map(left_hand)
    east, north = connecting(m, 0, 2), connecting(m, 1, 3)  # westbound from arm 0, southbound from arm 1
    row = conflict(m, east, north)
    assert m.conflict_kind[row] == int(ConflictKind.CROSS)
    # Whoever drives west has the south-bound vehicle on its right.
    expected = Priority.GOES if left_hand else Priority.YIELDS
    assert Priority(m.conflict_priority[row]) == expected


@pytest.mark.parametrize("left_hand", [False, True])
def test_the_turn_across_oncoming_traffic_yields(left_hand: bool) -> None:
    m = crossing_map(left_hand)
    straight = connecting(m, 2, 0)  # eastbound
    across = connecting(m, 0, 3 if not left_hand else 1)  # from the east, turning over the oncoming lane
    near = connecting(m, 0, 1 if not left_hand else 3)
    assert m.lane_turn[across] == int(Turn.RIGHT if left_hand else Turn.LEFT)
    assert m.lane_turn[near] == int(Turn.LEFT if left_hand else Turn.RIGHT)
    assert Priority(m.conflict_priority[conflict(m, across, straight)]) == Priority.YIELDS
    others = m.conflict_lane[m.conflict_start[near] : m.conflict_start[near + 1]]
    assert straight not in others  # the near turn keeps clear of oncoming traffic


def test_stop_lines_and_lights_hold_the_lane_that_enters() -> None:
    for left_hand in (False, True):
        m = crossing_map(left_hand, signals=True)
        lane = np.repeat(np.arange(m.lane_count), np.diff(m.stop_start))
        assert len(lane) == 4 and len(m.light_ids) == 2
        for row, i in enumerate(lane):
            assert m.lane_id[i] == (-1 if left_hand else 1)
            assert m.lane_length[i] - m.stop_s[row] == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("left_hand", [False, True])
def test_traffic_keeps_to_its_side(left_hand: bool) -> None:
    """A minute of traffic on a crossing: every car on an arm drives on the side that the law names."""
    m = crossing_map(left_hand, signals=True)
    _keeps_side(m, left_hand, steps=600, least=300)


def test_traffic_on_a_real_left_hand_motorway_keeps_left() -> None:
    m = load_map(shared_data("opendrive/esmini_resources/e6mini-lht.xodr"))
    assert m.left_hand_traffic
    _keeps_side(m, True, steps=200, least=100)


def _keeps_side(m: RoadMap, left_hand: bool, steps: int, least: int) -> None:
    """Drives traffic and looks where each moving vehicle is against its road's reference line (t = 0)."""
    seen = 0
    scenario = Scenario("left", Path("left.xodr"), vehicles=16, drivers=0)
    with Engine(pack_maps([m]), scenario) as engine:
        engine.reset([3])
        empty = np.zeros((1, 0), np.float32)
        for step in range(steps):
            engine.step(Control(steer=empty, accel=empty))
            if step % 10:
                continue
            state, lane = engine.state, engine.model.slots.lane[0]
            for i in np.flatnonzero(state.valid[0] & (state.speed[0] > 1.0)):
                if m.lane_junction[lane[i]] >= 0:
                    continue
                yaw = float(state.yaw[0, i])
                side = np.array([-np.sin(yaw), np.cos(yaw)]) @ (
                    state.xy[0, i] - _reference(m, int(lane[i]), state.xy[0, i])
                )
                assert (side > 0) == left_hand, f"vehicle {i} at {state.xy[0, i]} is {side:.1f} m left of the middle"
                seen += 1
    assert seen > least


def _reference(m: RoadMap, lane: int, xy: np.ndarray) -> np.ndarray:
    """Place on the border between the two directions of a lane's road next to a position."""
    own = np.flatnonzero((m.lane_road == m.lane_road[lane]) & (m.lane_section == m.lane_section[lane]))
    inner = {
        sign: min((i for i in own if np.sign(m.lane_id[i]) == sign), key=lambda i: abs(m.lane_id[i]))
        for sign in (-1, 1)
    }
    near = []
    for i in inner.values():
        points = m.point_xyz[m.lane_start[i] : m.lane_start[i + 1], :2]
        near.append(points[np.argmin(np.hypot(*(points - xy).T))])
    return np.mean(near, axis=0)
