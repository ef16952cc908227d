"""Walkers: they stay on pavements and crosswalks, keep clear, look before they cross, and are reproducible."""

import math

import numpy as np
import pytest

from simulator.overlap import make_broad, overlapping_pairs, sort_world
from simulator.state import make_slots, make_worlds
from simulator.walkers import WalkPhase, make_walkers
from simulator.walkers_spawn import PACE_MAX, PACE_MIN, spawn_walkers_world
from simulator.walkers_step import step_walkers_world
from world.kinds import BodyKind, LightState, WalkKind
from world.mapset import pack_maps
from world.toy import toy_map

DT = 0.05


class Town:
    """One world of walkers; slots before `first` are for vehicles."""

    def __init__(self, road_map, count, *, seed=1, first=1, spare=0, worlds=1, b=0):
        self.b, self.first = b, first
        self.tables = pack_maps([road_map]).tables
        row = self.tables.maps[0]
        self.slots, self.worlds = make_slots(worlds, first + count + spare), make_worlds(worlds, 8)
        self.worlds.seed[b] = seed
        self.walkers = make_walkers(worlds, first + count + spare, row["crosswalk1"] - row["crosswalk0"])
        self.broad = make_broad(worlds, first + count + spare)
        self.placed = spawn_walkers_world(b, self.tables, self.slots, self.worlds, self.walkers, first, count)

    def step(self, seconds=DT):
        for _ in range(max(1, round(seconds / DT))):
            self.worlds.step[self.b] += 1
            sort_world(self.b, self.slots, self.broad)
            args = self.tables, self.slots, self.worlds, self.walkers, self.broad, DT
            step_walkers_world(self.b, *args)

    def xy(self):
        return np.stack([self.slots.x[self.b], self.slots.y[self.b]], -1)[self.first :]

    def vehicle(self, lane, s, speed, i=0):
        """Put a car on a lane, heading along it."""
        t, sl = self.tables, self.slots
        row = t.lanes[lane]
        p = t.points[row["point0"] + int(s / row["step"])]
        sl.x[self.b, i], sl.y[self.b, i], sl.yaw[self.b, i] = p["x"], p["y"], p["heading"]
        sl.speed[self.b, i], sl.valid[self.b, i], sl.kind[self.b, i] = speed, True, int(BodyKind.CAR)
        sl.vx[self.b, i], sl.vy[self.b, i] = speed * math.cos(p["heading"]), speed * math.sin(p["heading"])
        sl.length[self.b, i], sl.width[self.b, i], sl.height[self.b, i] = 4.5, 1.9, 1.5
        sl.lane[self.b, i], sl.lane_s[self.b, i] = lane, s
        sl.route_lane[self.b, i] = -1
        sl.route_lane[self.b, i, 0] = lane


@pytest.fixture(scope="module")
def grid():
    return toy_map("grid")


@pytest.fixture(scope="module")
def long_walk(grid):
    """Three minutes of 60 walkers, looked at once a second."""
    town = Town(grid, 60)
    track = []
    for _ in range(180):
        town.step(1.0)
        track.append((town.xy(), town.walkers.phase[0, 1:].copy(), town.walkers.walk[0, 1:].copy()))
    return town, track


def distance_to_walk(town, walk, xy):
    row = town.tables.walks[walk]
    p = town.tables.walk_points[row["point0"] : row["point0"] + row["points"]]
    a = np.stack([p["x"], p["y"]], -1)
    u = np.diff(a, axis=0)
    t = np.clip(((xy - a[:-1]) * u).sum(1) / (u * u).sum(1), 0, 1)
    return np.linalg.norm(xy - a[:-1] - t[:, None] * u, axis=1).min()


def test_they_start_on_pavements_apart_from_each_other(grid):
    town = Town(grid, 80)
    assert town.placed == 80 and not overlapping_pairs(0, town.slots)
    for i, xy in enumerate(town.xy(), 1):
        walk = town.walkers.walk[0, i]
        assert town.tables.walks[walk]["kind"] == int(WalkKind.PAVEMENT)
        assert distance_to_walk(town, walk, xy) < 0.5 * town.tables.walks[walk]["width"]
    pace = town.walkers.pace[0, 1:]
    assert PACE_MIN <= pace.min() and pace.max() <= PACE_MAX and abs(pace.mean() - 1.34) < 0.1


def test_a_map_without_pavements_has_no_walkers():
    town = Town(toy_map("ring"), 5)
    assert town.placed == 0 and not town.slots.valid.any()


def test_they_stay_on_their_walk_unless_they_cross_freely(long_walk):
    town, track = long_walk
    out = []
    for xy, phase, walk in track:
        for i in np.flatnonzero(phase != WalkPhase.CROSS_FREE):
            out.append(distance_to_walk(town, walk[i], xy[i]) - 0.5 * town.tables.walks[walk[i]]["width"])
    assert np.max(out) < 3.0  # where the ends of two walks that are linked lie apart
    assert np.mean(np.array(out) > 0.3) < 0.03


def test_they_get_on_and_use_crosswalks_and_the_road_between(long_walk):
    _, track = long_walk
    xy = np.array([t[0] for t in track])
    way = np.linalg.norm(np.diff(xy, axis=0), axis=2).sum(0)
    assert way.min() > 0.5 * 180 * PACE_MIN and np.median(way) > 200
    phases = np.array([t[1] for t in track])
    assert (phases == WalkPhase.CROSS).any() and (phases == WalkPhase.CROSS_FREE).any()
    assert (phases == WalkPhase.WALK).mean() > 0.7


def test_they_hardly_ever_touch_each_other(grid):
    town = Town(grid, 60, seed=4)
    touching = []
    for _ in range(100):
        town.step(0.5)
        touching.append(len(overlapping_pairs(0, town.slots)))
    assert np.mean(touching) < 0.3


def test_a_world_is_the_same_with_more_slots_and_beside_others(grid):
    alone, padded, second = Town(grid, 20, seed=9), Town(grid, 20, seed=9, first=7, spare=5), None
    second = Town(grid, 20, seed=9, worlds=3, b=2)
    for town in (alone, padded, second):
        town.step(30.0)
    n = 20
    assert (alone.xy()[:n] == padded.xy()[:n]).all() and (alone.xy()[:n] == second.xy()[:n]).all()
    other = Town(grid, 20, seed=10)
    assert (other.xy()[:n] != alone.xy()[:n]).any()


# --- crossing: one walker, one crosswalk, one car ------------------------------------------------------------------


def at_the_kerb(control="none"):
    """A walker who is about to step on a crosswalk of an arm, and that crosswalk's row in tables.crossings."""
    road_map = toy_map("junction", control=control)
    town = Town(road_map, 1, seed=2)
    t, w, sl = town.tables, town.walkers, town.slots
    end = next(
        e
        for e in range(2 * len(t.walks))
        if t.walks[e // 2]["kind"] == int(WalkKind.PAVEMENT)
        and any(
            t.walks[o // 2]["kind"] == int(WalkKind.CROSSWALK)
            for o in t.walk_links[t.walk_link0[e] : t.walk_link0[e + 1]]
        )
    )
    onto = next(
        o
        for o in t.walk_links[t.walk_link0[end] : t.walk_link0[end + 1]]
        if t.walks[o // 2]["kind"] == int(WalkKind.CROSSWALK)
    )
    row = t.walks[end // 2]
    p = t.walk_points[row["point0"] + (row["points"] - 1 if end % 2 else 0)]
    sl.x[0, 1], sl.y[0, 1] = p["x"], p["y"]
    w.walk[0, 1], w.way[0, 1], w.s[0, 1] = end // 2, (1 if end % 2 else -1), (row["length"] if end % 2 else 0.0)
    w.lateral[0, 1], w.next_end[0, 1], w.pace[0, 1] = 0.0, onto, 1.3
    crosswalk = t.walks[onto // 2]["crosswalk"]
    lanes = [
        (int(lane), row)
        for lane in range(len(t.lanes))
        for row in t.crossings[t.lanes[lane]["cross0"] : t.lanes[lane]["cross1"]]
        if row["crosswalk"] == crosswalk and t.lanes[lane]["junction"] < 0 and row["s0"] > 40
    ]
    return town, lanes[0]


def crosses_within(town, seconds):
    for _ in range(round(seconds / DT)):
        town.step()
        if town.walkers.phase[0, 1] == WalkPhase.CROSS:
            return True
    return False


def test_with_no_car_about_a_walker_crosses_and_is_counted():
    town, (_, crossing) = at_the_kerb()
    assert crosses_within(town, 1.0)
    c = crossing["crosswalk"]
    assert town.walkers.crosswalk_busy[0, c] == 1 and town.walkers.crossing[0, 1]
    town.step(15.0)
    assert town.walkers.crosswalk_busy[0, c] == 0 and not town.walkers.crossing[0, 1]


def test_a_walker_waits_for_a_car_that_comes_and_does_not_brake():
    town, (lane, crossing) = at_the_kerb()
    town.vehicle(lane, crossing["s0"] - 30.0, 13.0)
    assert not crosses_within(town, 1.0)
    assert town.walkers.crosswalk_waiting[0, crossing["crosswalk"]] == 1
    town.slots.valid[0, 0] = False
    assert crosses_within(town, 1.0)


@pytest.mark.parametrize(("distance", "speed", "accel"), [(30.0, 0.0, 0.0), (25.0, 8.0, -2.0), (60.0, 3.0, 0.0)])
def test_a_walker_crosses_before_a_car_that_stands_or_brakes_or_is_far(distance, speed, accel):
    town, (lane, crossing) = at_the_kerb()
    town.vehicle(lane, crossing["s0"] - distance, speed)
    town.slots.accel[0, 0] = accel
    assert crosses_within(town, 1.0)


def test_a_red_light_between_holds_the_car_so_the_walker_goes():
    town, (lane, crossing) = at_the_kerb("lights")
    town.vehicle(lane, crossing["s0"] - 40.0, 13.0)
    town.worlds.light[:] = int(LightState.GREEN)
    assert not crosses_within(town, 1.0)
    town.worlds.light[:] = int(LightState.RED)
    has_line = any(
        town.tables.stops[q]["s"] < crossing["s0"]
        for q in range(town.tables.lanes[lane]["stop0"], town.tables.lanes[lane]["stop1"])
    )
    assert has_line and crosses_within(town, 1.0)


def test_a_walker_on_the_crosswalk_stops_for_a_car_that_stands_in_the_way_and_walks_around_it():
    town, (lane, crossing) = at_the_kerb()
    assert crosses_within(town, 1.0)
    town.vehicle(lane, 0.5 * (crossing["s0"] + crossing["s1"]), 0.0)
    for _ in range(30 * 20):
        town.step()
        assert not overlapping_pairs(0, town.slots)
    assert town.walkers.phase[0, 1] != WalkPhase.CROSS  # it got across


def test_a_walker_gets_past_every_joint_of_its_way():
    """The place at the end of a segment is the joint exactly, however single precision rounds."""
    from typing import NamedTuple

    from simulator.walk_path import advance_on_walk
    from world.roadmap import WALK_POINT_ROW, WALK_ROW

    class Tables(NamedTuple):
        walks: np.ndarray
        walk_points: np.ndarray

    walks, points = np.zeros(1, WALK_ROW), np.zeros(4, WALK_POINT_ROW)
    walks["points"] = 4
    rounded = 0
    for first in np.linspace(0.3, 3.0, 200):
        points["x"] = points["s"] = np.array([0.0, first, first + 8.6, first + 9.35], np.float32)
        joint = points["s"][2]
        rounded += points["s"][1] + np.float32(1.0) * (joint - points["s"][1]) != joint
        assert advance_on_walk(Tables(walks, points), 0, np.float32(first), 1, joint + 0.5, 0.0) == joint
        assert advance_on_walk(Tables(walks, points), 0, joint, 1, joint + 0.5, 0.0) > joint
    assert rounded > 10  # the case does occur
