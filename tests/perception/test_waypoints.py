"""Routes laid through waypoints: closed forms."""

import math

import numpy as np
import pytest

from perception.curve import STEP
from perception.waypoints import join, lay_route
from world.kinds import Command

FOLLOW, LEFT, STRAIGHT = int(Command.LANE_FOLLOW), int(Command.LEFT), int(Command.STRAIGHT)


def test_a_corner_is_straight_arc_straight():
    line = join(np.zeros(2), np.array([10.0, 12.0]), 0.0, math.pi / 2, np.linspace(0, 1, 400))
    cut = 0.88 * 10.0
    centre = np.array([10.0 - cut, cut])
    on_arc = (line[:, 0] > 10.0 - cut) & (line[:, 1] < cut)
    assert np.allclose(np.hypot(*(line[on_arc] - centre).T), cut, atol=1e-6)
    assert np.allclose(line[-1], [10.0, 12.0]) and np.allclose(line[0], 0.0)
    assert np.allclose(line[line[:, 1] > cut, 0], 10.0)


def test_mirrored_waypoints_give_the_mirrored_line():
    u = np.linspace(0, 1, 50)
    for goal, yaw in (((10.0, 12.0), 1.4), ((30.0, 2.0), 0.1), ((20.0, 6.0), 0.0)):
        left = join(np.zeros(2), np.array(goal), 0.0, yaw, u)
        right = join(np.zeros(2), np.array(goal) * (1, -1), 0.0, -yaw, u)
        assert np.allclose(left * (1, -1), right)


def test_streets_set_the_directions_of_a_turn():
    way = np.array([(0, 0), (40, 0), (80, 0), (92, 12), (92, 50), (92, 90)])
    route = lay_route(way, np.array([FOLLOW, FOLLOW, LEFT, FOLLOW, FOLLOW, FOLLOW]))
    assert np.allclose(route.yaw, np.array([0, 0, 0, 1, 1, 1]) * math.pi / 2)
    cut = 0.88 * 12.0
    assert route.length == pytest.approx(80 + 24 - 2 * cut + cut * math.pi / 2 + 78, abs=0.02)
    assert route.stretches((LEFT,)) == [(2, 3)]
    gaps = np.hypot(np.diff(route.points["x"]), np.diff(route.points["y"]))
    assert (gaps[:-1] > STEP - 0.1).all() and gaps.max() < 1.5 * STEP + 1e-6
    assert route.points["u"][-1] == route.length


def test_a_circle_stays_a_circle():
    angle = np.linspace(0.0, 2.0, 6)
    way = 100.0 * np.stack((np.sin(angle), 1 - np.cos(angle)), axis=1)
    route = lay_route(way, np.full(6, FOLLOW), first_yaw=0.0)
    inner = (route.points["u"] > 30) & (route.points["u"] < 150)
    radius = np.hypot(route.points["x"], route.points["y"] - 100.0)
    assert np.abs(radius[inner] - 100.0).max() < 0.4


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("turned", [0.3, 0.8, 1.4])
def test_a_waypoint_on_a_bend_between_straights_tells_how_far_it_has_turned(turned, side):
    radius, whole = 8.0, math.radians(100.0)
    on_arc = np.array([60.0 + radius * math.sin(turned), radius * (1.0 - math.cos(turned))])
    end = np.array([60.0 + radius * math.sin(whole), radius * (1.0 - math.cos(whole))])
    out = np.array([math.cos(whole), math.sin(whole)])
    way = np.array([(-30, 0), (0, 0), (30, 0), on_arc, end + 18 * out, end + 45 * out, end + 75 * out]) * (1, side)
    for points, yaw in ((way, side * turned), (way[::-1], side * turned + math.pi)):
        assert math.sin(lay_route(points, np.full(7, FOLLOW)).yaw[3] - yaw) == pytest.approx(0.0, abs=1e-6)
    line = lay_route(way, np.full(7, FOLLOW)).points
    angle = np.linspace(0.0, whole, 60)
    arc = np.stack((60.0 + radius * np.sin(angle), side * radius * (1.0 - np.cos(angle))), axis=1)
    anchors = np.concatenate(lay_route(way, np.full(7, FOLLOW)).anchors)[:, 1:]
    on_bend = anchors[np.hypot(*(anchors - (60.0, side * radius)).T) < radius + 1.0]
    assert len(on_bend) >= 6 and np.hypot(*(on_bend - (60.0, side * radius)).T) == pytest.approx(radius, abs=0.02)
    off = np.hypot(arc[:, None, 0] - line["x"], arc[:, None, 1] - line["y"]).min(axis=1)
    assert off.max() < 1.1  # half a step between points, and how far an arc that is cut leaves it


def test_a_turn_tells_the_direction_of_the_street_behind_it():
    way = np.array([(0, 0), (40, 0), (80, 0), (92, 13), (90, 50), (60, 70)])  # the street after the turn bends at once
    command = np.array([FOLLOW, FOLLOW, LEFT, FOLLOW, FOLLOW, FOLLOW])
    assert lay_route(way, command).yaw[3] == pytest.approx(math.pi / 2)
    back = np.array([FOLLOW, FOLLOW, int(Command.RIGHT), FOLLOW, FOLLOW, FOLLOW])
    assert math.sin(lay_route(way[::-1], back).yaw[2]) == pytest.approx(-1.0)


def test_a_corner_before_the_end_is_a_right_angle():
    way = np.array([(0, 0), (40, 0), (80, 0), (112, 20)])
    for points, yaw in ((way, [0, 0, 0, 90]), (way * (1, -1), [0, 0, 0, -90]), (way[::-1], [-90, 180, 180, 180])):
        off = lay_route(points, np.full(4, FOLLOW)).yaw - np.radians(yaw)
        assert np.allclose(np.sin(off), 0.0, atol=1e-9) and np.allclose(np.cos(off), 1.0)


def test_straight_streets_are_known_between_their_waypoints():
    way = np.array([(0, 0), (40, 0), (80, 0), (92, 12), (92, 50), (92, 90)])
    anchors = lay_route(way, np.array([FOLLOW, FOLLOW, LEFT, FOLLOW, FOLLOW, FOLLOW])).anchors
    assert np.allclose(anchors[0], [(s, s, 0.0) for s in (0.0, 10.0, 20.0, 30.0)])
    assert np.allclose(anchors[2], [(0.0, 80.0, 0.0)])  # a turn
    assert np.allclose(anchors[3], [(s, 92.0, 12.0 + s) for s in (0.0, 10.0, 20.0, 30.0)])


def test_stretches_of_the_same_command_are_one():
    way = np.stack((np.arange(6) * 30.0, np.zeros(6)), axis=1)
    route = lay_route(way, np.array([FOLLOW, LEFT, LEFT, STRAIGHT, FOLLOW, FOLLOW]))
    assert route.stretches((LEFT, STRAIGHT)) == [(1, 3), (3, 4)]


def test_one_waypoint_is_no_route():
    with pytest.raises(ValueError, match="2 waypoints or more"):
        lay_route(np.zeros((1, 2)), np.array([FOLLOW]))
