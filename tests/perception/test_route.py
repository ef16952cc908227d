"""The route ahead on a street whose shape is known: straight, a bend between two waypoints, straight."""

import math

import numpy as np
import pytest

from perception.localise import Localiser
from perception.records import LINE_X, empty_percept
from perception.route import RouteFinder
from tests.perception.test_localise import make_task
from world.records import SCENE_ROUTE_POINTS, SCENE_ROUTE_STEP

RADIUS, BEFORE, HALF = 12.0, 60.0, 1.9
BEND = RADIUS * math.pi / 2


def street(s):
    """((n, 2) [m] places, (n,) [rad] headings) along the street's lane."""
    s = np.asarray(s, float)
    turn = np.clip((s - BEFORE) / RADIUS, 0.0, math.pi / 2)
    rest = np.maximum(s - BEFORE - BEND, 0.0)
    x = np.minimum(s, BEFORE) + RADIUS * np.sin(turn)
    y = RADIUS * (1.0 - np.cos(turn)) + rest
    return np.stack((x, y), axis=-1), turn


WAY = street([0.0, 45.0, 100.0, 150.0])[0]  # the bend lies between the second and the third
GOAL = 150.0


def look(s):
    """Percept of a driver on the lane at s, without errors: both boundaries as far as they run ahead."""
    percept = empty_percept(1, 1)
    percept.fresh[:] = True
    (here,), (yaw,) = street([s])
    along = np.arange(s, min(s + 80.0, GOAL + 20.0), 0.5)
    xy, heading = street(along)
    c, sn = math.cos(yaw), math.sin(yaw)
    for slot, side in ((1, HALF), (2, -HALF)):
        edge = xy + side * np.stack((-np.sin(heading), np.cos(heading)), axis=1) - here
        x, y = c * edge[:, 0] + sn * edge[:, 1], c * edge[:, 1] - sn * edge[:, 0]
        stop = np.flatnonzero(np.diff(x) < 0.1)
        n = int(stop[0]) + 1 if len(stop) else len(x)
        valid = (x[0] < LINE_X) & (x[n - 1] > LINE_X)
        percept.line_y[0, 0, slot] = np.where(valid, np.interp(LINE_X, x[:n], y[:n]), 0.0)
        percept.line_valid[0, 0, slot], percept.line_sigma[0, 0, slot] = valid, np.where(valid, 0.05, 0.0)
    return percept


class Drive:
    """A driver on rails along the lane, whose pose is known but for an error of its world frame."""

    def __init__(self, off=(0.0, 0.0, 0.0)):
        self.off = np.array(off)
        self.localiser, self.finder = Localiser(), RouteFinder()
        task = make_task(way=[tuple(p) for p in WAY])
        self.localiser.reset(task)
        self.place(0.0)
        self.finder.reset(task, self.localiser)

    def place(self, s):
        (xy,), (yaw,) = street([s])
        self.localiser.odometry[0, 0] = *xy, yaw
        self.localiser.mean[0, 0, :3] = self.localiser.odometry[0, 0] + self.off
        self.localiser.covariance[0, 0] = np.diag([0.04, 0.04, 1e-4, 0.1, 0.1, 0.1])

    def to(self, start, end, blind=False):
        percept = empty_percept(1, 1)
        for s in np.arange(start, end, 0.4):
            self.place(s)
            self.finder.update(percept if blind else look(s), self.localiser)

    def ahead(self):
        """(n, 2) [m] the route ahead in the odometry's frame, in which the street is where it is."""
        xy, count = self.finder.ahead_xy(0, 0, self.localiser)
        x, y, yaw = self.localiser.odometry[0, 0]
        c, s = math.cos(yaw), math.sin(yaw)
        return np.stack((x + c * xy[:, 0] - s * xy[:, 1], y + s * xy[:, 0] + c * xy[:, 1]), axis=1)[:count]


def aside(points):
    """[m] of points from the street's lane."""
    line, _ = street(np.arange(0.0, GOAL + 30.0, 0.1))
    return np.array([np.hypot(*(line - p).T).min() for p in points])


@pytest.mark.parametrize("off", [(0.0, 0.0, 0.0), (0.5, -0.4, 0.01)])
def test_it_follows_the_bend_that_it_sees(off):
    drive = Drive(off)
    drive.to(0.0, 50.0)
    assert aside(drive.ahead()[:6]).max() < 0.1
    drive.to(50.0, 72.0)  # in the middle of the bend
    assert aside(drive.ahead()[:4]).max() < 0.25
    drive.to(72.0, 100.0)
    assert aside(drive.ahead()[:15]).max() < 0.15


def test_points_are_evenly_spaced_and_end_at_the_goal():
    drive = Drive()
    drive.to(0.0, 110.0)
    ahead = drive.ahead()
    assert np.allclose(np.hypot(*np.diff(ahead, axis=0).T), SCENE_ROUTE_STEP, atol=0.03)
    assert len(ahead) == pytest.approx(40.0 / SCENE_ROUTE_STEP + 1, abs=1)
    route = drive.finder.routes[0][0]
    assert route is not None and route.ahead(3) == pytest.approx(40.4, abs=1.0) and route.passed == 2
    assert len(Drive().ahead()) == SCENE_ROUTE_POINTS


def test_waypoints_on_the_lane_correct_the_pose():
    """The believed pose lies 0.6 m to the left; what is seen of the lane beside the waypoints says so."""
    drive = Drive()
    drive.to(0.0, 30.0)
    drive.localiser.mean[0, 0, 1] += 0.6
    for _ in range(30):
        drive.finder.update(look(29.6), drive.localiser)
    assert abs(drive.localiser.mean[0, 0, 1]) < 0.3
    assert abs(drive.localiser.mean[0, 0, 0] - 29.6) < 0.15


def test_without_eyes_it_goes_by_the_waypoints():
    drive = Drive()
    drive.to(0.0, 40.0, blind=True)
    assert np.isfinite(drive.ahead()).all()
    assert min(np.hypot(*(drive.ahead() - WAY[2]).T)) < 1.5


def test_a_spoilt_curve_is_laid_anew():
    drive = Drive()
    drive.to(0.0, 30.0)
    route = drive.finder.routes[0][0]
    assert route is not None
    route.curve["x"][8] -= 6.0
    route.curve["y"][10] += 5.0
    drive.to(30.0, 44.0)
    assert aside(drive.ahead()[:6]).max() < 0.2


def test_half_the_width_is_that_of_the_lane():
    drive = Drive()
    drive.to(0.0, 40.0)
    route = drive.finder.routes[0][0]
    assert route is not None and route.half == pytest.approx(HALF, abs=0.03)


def test_who_has_no_route_is_left_out():
    task, localiser, finder = make_task(), Localiser(), RouteFinder()
    task.waypoint_valid[:] = False
    localiser.reset(task)
    finder.reset(task, localiser)
    finder.update(look(0.0), localiser)
    assert finder.routes == [[None]]
    assert finder.ahead_xy(0, 0, localiser)[1] == 0


@pytest.mark.parametrize("turned", [0.0, 0.7])
def test_a_waypoint_in_a_bend_does_not_turn_the_first_heading(turned):
    """The street is seen to go straight on, as it does at first; the second waypoint lies in the corner beyond."""
    street_way = [(0.0, 0.0), (43.4, -3.8), (45.0, -48.6), (45.0, -90.0)]
    c, s = math.cos(turned), math.sin(turned)
    way = [(c * x - s * y, s * x + c * y) for x, y in street_way]
    localiser, finder = Localiser(), RouteFinder()
    task = make_task(way=way)
    localiser.reset(task)
    finder.reset(task, localiser)
    percept = empty_percept(1, 1)
    percept.fresh[:] = True
    for slot, side in ((1, HALF), (2, -HALF)):
        percept.line_y[0, 0, slot], percept.line_valid[0, 0, slot] = side, LINE_X < 40.0
        percept.line_sigma[0, 0, slot] = np.where(LINE_X < 40.0, 0.05, 0.0)
    finder.update(percept, localiser)
    assert abs(localiser.mean[0, 0, 2] - turned) < math.radians(1.5)
