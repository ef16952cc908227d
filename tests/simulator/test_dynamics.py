"""Motion of traffic: continuous poses, consistent yaw, bounded acceleration and jerk."""

import numpy as np
import pytest

from tests.simulator.engine_rig import drive, make_engine
from world.bicycle import BRAKE_JERK
from world.kinds import BodyKind

DT = 0.05


@pytest.fixture(scope="module", params=["grid", "grid/stop", "ring"])
def track(request):
    """Arrays (time, slot) of all vehicles of a world over a minute."""
    names = ("x", "y", "yaw", "speed", "accel", "yaw_rate", "vx", "vy", "generation", "valid")
    with make_engine(request.param, vehicles=10, pedestrians=0, drivers=0) as engine:
        engine.reset([11])
        log = {n: [] for n in names}
        for _ in range(1200):
            drive(engine, 1)
            for n in names:
                log[n].append(getattr(engine.state, n)[0, :10].copy())
        bodies = {n: getattr(engine.bodies, n)[0, :10].copy() for n in engine.bodies.__dataclass_fields__}
    out = {n: np.array(v) for n, v in log.items()}
    alive = (np.diff(out["generation"], axis=0) == 0).all(axis=0) & out["valid"].all(axis=0)
    return {n: v[:, alive] for n, v in out.items()}, {n: v[alive] for n, v in bodies.items()}


def test_positions_are_continuous_and_match_the_speed(track):
    log, _ = track
    step = np.hypot(np.diff(log["x"], axis=0), np.diff(log["y"], axis=0))
    assert np.abs(step / DT - log["speed"][1:]).max() < 0.1 * 14 + 0.3
    assert np.abs(np.hypot(log["vx"], log["vy"])[1:] * DT - step).max() < 1e-3


def test_yaw_is_continuous_and_runs_along_the_motion(track):
    log, bodies = track
    turn = np.angle(np.exp(1j * np.diff(log["yaw"], axis=0)))
    tightest = 0.45 / np.maximum(bodies["wheelbase"], 2.0)
    assert (np.abs(turn) <= tightest * log["speed"][1:] * DT + 0.02).all()
    moving = log["speed"] > 2.0
    slip = np.angle(np.exp(1j * (np.arctan2(log["vy"], log["vx"]) - log["yaw"])))
    assert np.abs(slip[moving]).max() < 0.12


def test_acceleration_and_jerk_keep_to_the_body(track):
    log, bodies = track
    accel = log["accel"]
    assert (accel <= bodies["max_accel"] + 1e-3).all() and (accel >= -bodies["max_brake"] - 1e-3).all()
    change = np.diff(accel, axis=0) / DT
    rolling = (log["speed"][1:] > 0) & (log["speed"][:-1] > 0)
    limit = BRAKE_JERK * bodies["max_jerk"]
    assert (np.abs(change)[rolling] <= np.broadcast_to(limit, change.shape)[rolling] * 1.01).all()
    assert (log["speed"] >= 0).all() and (log["speed"] <= bodies["max_speed"] + 1e-3).all()


def test_speed_is_the_integral_of_acceleration(track):
    log, _ = track
    gained = np.diff(log["speed"], axis=0)
    rolling = log["speed"][1:] > 0
    assert np.abs(gained - log["accel"][1:] * DT)[rolling].max() < 1e-3


def test_a_lane_change_is_smooth():
    with make_engine("multi_lane", vehicles=0, pedestrians=0, drivers=0) as engine:
        engine.reset([1])
        slow = engine.hooks.spawn(0, int(BodyKind.BUS), (90.0, -5.25), 0.0, 3.0, controller=0)
        engine.hooks.set_target_speed(0, slow, 3.0)
        fast = engine.hooks.spawn(0, int(BodyKind.CAR), (20.0, -5.25), 0.0, 12.0, controller=0)
        y, yaw, speed = [], [], []
        for _ in range(400):
            drive(engine, 1)
            y.append(float(engine.state.y[0, fast]))
            yaw.append(float(engine.state.yaw[0, fast]))
            speed.append(float(engine.state.speed[0, fast]))
    y, yaw, speed = np.array(y), np.array(yaw), np.array(speed)
    assert np.ptp(y) > 3.3  # it did change
    assert np.abs(np.diff(y)).max() < 0.15 and np.abs(yaw).max() < 0.3
    lateral = np.abs(np.diff(yaw)) / DT * speed[1:]
    assert lateral.max() < 3.0
