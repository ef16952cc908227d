"""Radars: where returns lie and how fast they go, against closed forms; what hides what; noise and limits."""

import math
from dataclasses import replace

import numpy as np
import pytest

from simulator.engine import Engine
from simulator.ranging_sensor import RangingSensors
from tests.simulator.camera_stage import Stage
from tests.simulator.engine_stage import scenario
from world.kinds import BodyKind
from world.mapset import pack_maps
from world.ranging import RadarSpec

EXACT = RadarSpec("x", range_sigma=0.0, azimuth_sigma=0.0, speed_sigma=0.0, dropout=0.0)


def ping(stage, spec=EXACT):
    """Returns (n, 4) of a measurement."""
    points, count, _ = RangingSensors(stage.engine, (spec,)).take("radar:x")
    assert not points[0, 0, count[0, 0] :].any()
    return points[0, 0, : count[0, 0]].astype(np.float64)


def stage(*bodies, speed=0.0, yaw_rate=0.0):
    """The driver at a speed, and bodies (kind, x, y, yaw, speed, yaw_rate) about it."""
    out, slots = Stage(), None
    slots = out.engine.model.slots
    slots.vx[0, 0], slots.vy[0, 0], slots.yaw_rate[0, 0] = speed, 0.0, yaw_rate
    for n, (kind, x, y, yaw, v, turn) in enumerate(bodies):
        vx, vy = v * math.cos(yaw), v * math.sin(yaw)
        out.put(3 + n, kind, x, y, yaw, vx=vx, vy=vy, yaw_rate=turn)
    return out


def test_a_car_straight_ahead_returns_from_the_middle_of_its_rear():
    points = ping(stage((BodyKind.CAR, 30.0, 0.0, 0.0, 8.0, 0.0), speed=13.0))
    assert points == pytest.approx(np.array([[27.75, 0.0, EXACT.z, -5.0]]), abs=1e-4)


def test_what_comes_near_is_negative_and_what_goes_away_positive():
    oncoming = ping(stage((BodyKind.CAR, 40.0, 0.0, math.pi, 10.0, 0.0), speed=10.0))
    leaving = ping(stage((BodyKind.CAR, 40.0, 0.0, 0.0, 25.0, 0.0), speed=10.0))
    assert oncoming[0, 3] == pytest.approx(-20.0, abs=1e-4) and leaving[0, 3] == pytest.approx(15.0, abs=1e-4)


def test_a_car_beside_shows_two_sides():
    points = ping(stage((BodyKind.CAR, 20.0, 8.0, 0.0, 0.0, 0.0), speed=5.0))
    assert len(points) == 2
    rear, right = sorted(points.tolist())
    assert rear[:2] == pytest.approx([17.75, 8.0], abs=1e-4) and right[:2] == pytest.approx([20.0, 7.075], abs=1e-4)
    for x, y, _, speed in points:
        assert speed == pytest.approx(-5.0 * (x - EXACT.x) / math.hypot(x - EXACT.x, y), abs=1e-4)


def test_bodies_that_turn_move_at_their_ends():
    """A bus that turns on the spot: its rear moves sideways, which a radar off its axis sees."""
    bus = (BodyKind.BUS, 20.0, 5.0, 0.0, 0.0, 0.5)
    for x, y, _, speed in ping(stage(bus)):
        vx, vy, dx, dy = -0.5 * (y - 5.0), 0.5 * (x - 20.0), x - EXACT.x, y
        assert speed == pytest.approx((vx * dx + vy * dy) / math.hypot(dx, dy), abs=1e-4)
    turning = ping(stage((BodyKind.CAR, 20.0, 6.0, 0.0, 0.0, 0.0), yaw_rate=0.4))  # the radar swings round
    for x, y, _, speed in turning:
        dx, dy = x - EXACT.x, y
        assert speed == pytest.approx(-0.4 * EXACT.x * dy / math.hypot(dx, dy), abs=1e-4)


def test_what_stands_behind_is_not_seen_and_what_looks_out_is():
    truck, car = (BodyKind.TRUCK, 15.0, 0.0, 0.0, 0.0, 0.0), (BodyKind.CAR, 30.0, 0.0, 0.0, 0.0, 0.0)
    assert len(ping(stage(truck, car))) == 1 and len(ping(stage(car))) == 1
    aside = ping(stage(truck, (BodyKind.CAR, 30.0, 3.6, 0.0, 0.0, 0.0)))
    behind = aside[aside[:, 0] > 20.0]
    assert len(behind) == 1 and 3.6 < behind[0, 1] < 4.5, "the part of the rear that is seen"


def test_a_house_hides_what_is_behind():
    engine = Stage().engine
    m, (x, y) = engine.maps.maps[0], (float(engine.state.x[0, 0]), float(engine.state.y[0, 0]))
    outline = np.array([[15, -5, 0], [25, -5, 0], [25, 5, 0], [15, 5, 0]], np.float32) + np.float32([x, y, 0.0])
    m = replace(
        m, building_start=np.array([0, 4], np.int32), building_xyz=outline.astype(np.float32),
        building_height=np.array([6.0], np.float32),
    )  # fmt: skip
    s = stage((BodyKind.CAR, 40.0, 0.0, 0.0, 0.0, 0.0))
    hidden = Engine(pack_maps([m]), scenario(drivers=1, route_min_length=50.0), spare=24)
    hidden.reset([3])
    for name in s.engine.model.slots._fields:
        getattr(hidden.model.slots, name)[:] = getattr(s.engine.model.slots, name)
    assert len(ping(s)) == 1
    s.engine = hidden
    assert len(ping(s)) == 0


def test_it_sees_within_its_view_and_range():
    for x, y, seen in ((30.0, 0.0, True), (130.0, 0.0, False), (-20.0, 0.0, False), (10.0, 30.0, False)):
        assert bool(len(ping(stage((BodyKind.CAR, x, y, 0.0, 0.0, 0.0))))) == seen
    behind = replace(EXACT, yaw=math.pi, x=-2.2)
    assert len(ping(stage((BodyKind.CAR, -20.0, 0.0, 0.0, 0.0, 0.0)), behind)) == 1


def test_the_nearest_are_kept():
    cars = [(BodyKind.CAR, 80.0 - 7.0 * n, 4.0 * (n % 7) - 12.0, 0.0, 0.0, 0.0) for n in range(10)]
    every = ping(stage(*cars))
    few = ping(stage(*cars), replace(EXACT, returns=4))
    nearest = np.sort(np.hypot(every[:, 0] - EXACT.x, every[:, 1]))[:4]
    assert len(every) > 8 and np.sort(np.hypot(few[:, 0] - EXACT.x, few[:, 1])) == pytest.approx(nearest, abs=1e-4)


def test_noise_is_what_the_spec_says():
    s, found = stage((BodyKind.CAR, 40.0, 0.0, 0.0, 6.0, 0.0)), []
    spec = RadarSpec("x", range_sigma=0.3, azimuth_sigma=0.01, speed_sigma=0.2, dropout=0.2, period=0.001)
    sensors = RangingSensors(s.engine, (spec,))
    for step in range(2000):
        s.engine.model.worlds.step[0] = step
        points, count, _ = sensors.take("radar:x")
        found += points[0, 0, : count[0, 0]].tolist()
    x, y, _, speed = np.array(found).T
    x = x - spec.x
    assert len(found) / 2000 == pytest.approx(0.8, abs=0.03)
    assert np.hypot(x, y).std() == pytest.approx(0.3, rel=0.1) and np.hypot(x, y).mean() == pytest.approx(
        35.55, abs=0.05
    )
    assert np.arctan2(y, x).std() == pytest.approx(0.01, rel=0.1)
    assert speed.std() == pytest.approx(0.2, rel=0.1) and speed.mean() == pytest.approx(6.0, abs=0.02)
