"""Our towns as RoadMaps: what the engine will find in them."""

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from scenarios.mapgen.towns import TOWNS
from tests.data import ROOT
from world.build import build_road_map
from world.kinds import LaneKind, Priority, SignKind, StopKind
from world.opendrive import read_draft
from world.roadmap import RoadMap


def wrapped(angle):
    """[rad] in [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


@pytest.fixture(scope="module", params=TOWNS)
def town(request) -> RoadMap:
    return build_road_map(read_draft(ROOT / "scenarios" / "maps" / f"{request.param}.xodr"))


def driving(town: RoadMap) -> np.ndarray:
    return np.flatnonzero(town.lane_kind == LaneKind.DRIVING)


def test_every_driving_lane_leads_on_and_all_reach_each_other(town):
    degree = np.diff(town.successor_start)
    assert (degree[driving(town)] >= 1).all()
    source = np.repeat(np.arange(town.lane_count), degree)
    graph = coo_matrix((np.ones(len(source)), (source, town.successor)), shape=(town.lane_count, town.lane_count))
    part = connected_components(graph, directed=True, connection="strong")[1]
    assert len(np.unique(part[driving(town)])) == 1


def test_every_light_has_one_lane_and_approaches_that_face_each_other_share_a_phase(town):
    light = town.stop_light[town.stop_kind == StopKind.LIGHT]
    assert sorted(light) == list(range(len(town.light_ids)))
    assert (town.plan_phases == 2).all()
    for plan in range(len(town.plan_ids)):
        yaw, phase = town.light_yaw[town.light_plan == plan], town.light_phase[town.light_plan == plan]
        apart = np.abs(wrapped(yaw[:, None] - yaw))
        assert ((apart > np.deg2rad(150)) <= (phase[:, None] == phase)).all()  # face to face: together
        crossing = (apart > np.deg2rad(45)) & (apart < np.deg2rad(135))
        assert (phase[:, None] != phase)[crossing].all()


def test_lights_look_at_the_drivers_they_stop(town):
    for q in np.flatnonzero(town.stop_kind == StopKind.LIGHT):
        line, head = town.stop_line[q].mean(axis=0), town.light_xyz[town.stop_light[q]]
        to_driver = np.arctan2(*(line - head[:2])[::-1])
        assert abs(wrapped(town.light_yaw[town.stop_light[q]] - to_driver)) < np.deg2rad(10)


def test_walkers_can_go_everywhere(town):
    walks = len(town.walk_width)
    degree = np.diff(town.walk_link_start)
    assert (degree >= 1).all(), "a walk ends in nothing"
    source = np.repeat(np.arange(2 * walks) // 2, degree)
    graph = coo_matrix((np.ones(len(source)), (source, town.walk_link // 2)), shape=(walks, walks))
    assert connected_components(graph, directed=False)[0] == 1


def test_signed_approaches_give_way_to_the_street(town):
    """From a crescent, every conflict with a lane from the street says YIELDS."""
    held = {int(np.searchsorted(town.stop_start, q, side="right") - 1) for q in _signed(town)}
    assert len(held) == len(_signed(town))
    checked = 0
    for lane in held:
        for way in town.successor[town.successor_start[lane] : town.successor_start[lane + 1]]:
            for c in range(town.conflict_start[way], town.conflict_start[way + 1]):
                other = int(town.conflict_lane[c])
                before = town.predecessor[town.predecessor_start[other] : town.predecessor_start[other + 1]]
                if not held.intersection(before.tolist()):
                    assert town.conflict_priority[c] == Priority.YIELDS
                    checked += 1
    assert checked >= 3 * len(held)


def _signed(town: RoadMap) -> np.ndarray:
    return np.flatnonzero(town.stop_kind != StopKind.LIGHT)


def test_limits_are_a_towns(town):
    lane = np.repeat(np.arange(town.lane_count), np.diff(town.lane_start))
    limits = town.point_limit[town.lane_kind[lane] == LaneKind.DRIVING] * 3.6
    assert set(np.round(limits).astype(int)) == {30, 40, 50}


def test_signs_tell_the_limits(town):
    values = town.sign_value[town.sign_kind == SignKind.SPEED_LIMIT] * 3.6
    assert set(np.round(values).astype(int)) == {30, 40, 50}
