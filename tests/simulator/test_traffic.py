"""What traffic does, in plain English, on toy maps. Distances in m, speeds in m/s."""

import numpy as np
import pytest

from simulator.audit import run_audit
from tests.simulator.engine_rig import drive, make_engine
from world.kinds import BodyKind, Controller

TRAFFIC, SCRIPTED = int(Controller.TRAFFIC), int(Controller.SCRIPTED)


def stage(name: str, *, spare: int = 6, **options):
    """A world without traffic of its own, to be filled by hooks."""
    engine = make_engine(name, vehicles=0, pedestrians=0, drivers=0, spare=spare, **options)
    engine.reset([1])
    return engine


def front_gap(engine, rear: int, ahead: int) -> float:
    """Bumper to bumper on a straight road along x."""
    x, length = engine.state.x[0], engine.bodies.length[0]
    return float(x[ahead] - x[rear] - 0.5 * (length[ahead] + length[rear]))


def test_a_car_follows_a_slower_one_at_its_headway():
    with stage("straight") as engine:
        slow = engine.hooks.spawn(0, 0, (60.0, -1.75), 0.0, 6.0)
        engine.hooks.set_target_speed(0, slow, 6.0)
        car = engine.hooks.spawn(0, 0, (20.0, -1.75), 0.0, 10.0, controller=TRAFFIC)
        drive(engine, 600)
        row = engine.model.traffic.row[0, car]
        assert engine.state.speed[0, car] == pytest.approx(6.0, abs=0.3)
        assert front_gap(engine, car, slow) == pytest.approx(row["min_gap"] + 6.0 * row["headway"], abs=1.5)


def test_a_car_brakes_for_somebody_who_steps_out():
    with stage("straight") as engine:
        car = engine.hooks.spawn(0, 0, (20.0, -1.75), 0.0, 10.0, controller=TRAFFIC)
        person = engine.hooks.spawn(0, int(BodyKind.PEDESTRIAN), (75.0, -6.0), np.pi / 2)
        drive(engine, 40)
        engine.hooks.set_target_speed(0, person, 1.5)
        audit = run_audit(engine, 12.0)
        assert not audit.contacts
        assert engine.state.y[0, person] > 4.0 and engine.state.x[0, car] > 80.0


def test_a_car_stops_for_one_that_comes_towards_it_on_its_lane():
    with stage("straight") as engine:
        car = engine.hooks.spawn(0, 0, (20.0, -1.75), 0.0, 10.0, controller=TRAFFIC)
        ghost = engine.hooks.spawn(0, 0, (160.0, -1.75), np.pi, 5.0)
        engine.hooks.set_target_speed(0, ghost, 5.0)
        while front_gap(engine, car, ghost) > 4.0:
            drive(engine, 1)
        assert engine.state.speed[0, car] < 1.0


def test_oncoming_traffic_on_its_own_lane_is_passed_without_braking():
    with stage("straight") as engine:
        car = engine.hooks.spawn(0, 0, (20.0, -1.75), 0.0, 10.0, controller=TRAFFIC)
        engine.hooks.spawn(0, 0, (150.0, 1.75), np.pi, 10.0, controller=TRAFFIC)
        slowest = 99.0
        for _ in range(160):
            drive(engine, 1)
            slowest = min(slowest, float(engine.state.speed[0, car]))
        assert slowest > 9.5


def approach(control: str):
    """A junction whose western arm holds a car 70 m before the line; returns the engine, the car, and the line's x."""
    engine = stage(f"junction/{control}")
    car = engine.hooks.spawn(0, 0, (-85.0, -1.75), 0.0, 10.0, controller=TRAFFIC)
    return engine, car


def test_a_main_road_is_driven_without_stopping():
    engine, car = approach("stop")  # arms 1 and 3 stop, the car comes on arm 2
    with engine:
        slowest = 99.0
        for _ in range(200):
            drive(engine, 1)
            slowest = min(slowest, float(engine.state.speed[0, car]))
        assert slowest > 2.0


def test_traffic_does_not_drive_into_a_driver_who_stands_in_the_junction():
    with make_engine("junction/none", vehicles=8, pedestrians=0, drivers=1) as engine:
        engine.reset([2])
        engine.hooks.teleport(0, 0, (0.0, -1.0), 0.4)
        audit = run_audit(engine, 60.0)
    assert [c for c in audit.contacts if 0 in c.slots] == []
