"""The bicycle and the car-following formulas against closed forms."""

import math

import numpy as np
import pytest

from world.bicycle import bicycle_step, centre_velocity, drive_actuator, steer_actuator, stopping_distance, wrap_angle
from world.idm import idm_accel, idm_desired_gap, idm_equilibrium_gap, idm_free, mobil_allows, mobil_gain

F = np.float32
LIMITS = dict(
    wheelbase=2.8, rear_axle=1.4, max_speed=60.0, max_accel=4.0, max_brake=8.0, max_steer=0.6, max_steer_rate=1.0,
    steer_lag=0.0, max_jerk=10.0, friction=1.0,
)  # fmt: skip


def roll(state, steer, accel, steps, dt, **changes):
    """Integrates (x, y, yaw, speed, accel, steer) for some steps; returns all states, (steps + 1, 7)."""
    limits = [F(v) for v in {**LIMITS, **changes}.values()]
    now = tuple(F(v) for v in state)
    out = [(*now, F(0))]
    for _ in range(steps):
        result = bicycle_step(*now, F(steer), F(accel), *limits, F(dt))
        out.append(result)
        now = result[:6]
    return np.array(out, np.float64)


def test_twenty_metres_a_second_for_two_seconds_is_forty_metres():
    track = roll((0, 0, 0, 20, 0, 0), 0, 0, 40, 0.05)
    assert track[-1, 0] == pytest.approx(40.0, abs=1e-4)
    assert track[-1, 1] == 0 and track[-1, 2] == 0


@pytest.mark.parametrize("steer", [0.3, -0.3, 0.05])
@pytest.mark.parametrize("dt", [0.05, 0.5])
def test_constant_steer_runs_a_circle_of_known_radius_at_any_step(steer, dt):
    """Centre radius rear_axle / sin(beta), whatever the step: the arc is exact."""
    beta = math.atan(1.4 / 2.8 * math.tan(steer))
    radius = 1.4 / abs(math.sin(beta))
    track = roll((3, -2, 0.4, 5, 0, steer), steer, 0, 60, dt)
    # The centre of the turn lies across from the rear axle
    rear = np.array([3 - 1.4 * math.cos(0.4), -2 - 1.4 * math.sin(0.4)])
    turn = rear + 2.8 / math.tan(steer) * np.array([-math.sin(0.4), math.cos(0.4)])
    distance = np.hypot(track[:, 0] - turn[0], track[:, 1] - turn[1])
    assert distance == pytest.approx(radius, abs=2e-3)
    assert track[1:, 6] == pytest.approx(5 * math.tan(steer) / 2.8, rel=1e-4)
    if dt == 0.05:
        step = np.hypot(*np.diff(track[:, :2], axis=0).T)
        assert step == pytest.approx(2 * radius * math.sin(5 / math.cos(beta) * dt / radius / 2), rel=1e-3)


def test_full_braking_stops_after_the_closed_form_distance_and_stays():
    track = roll((0, 0, 0, 20, -8, 0), 0, -8, 100, 0.05)
    assert track[-1, 0] == pytest.approx(20 * 20 / 16, abs=1e-3) == stopping_distance(F(20), F(8))
    assert track[-1, 3] == 0 and track[-1, 4] == 0
    assert (track[:, 3] >= 0).all() and (np.diff(track[:, 0]) >= 0).all()


def test_braking_at_standstill_does_not_creep():
    track = roll((0, 0, 0, 0, 0, 0), 0.3, -3, 20, 0.05)
    assert (track[:, 0] == 0).all() and (track[:, 3] == 0).all()


def test_constant_acceleration_covers_half_a_t_squared():
    track = roll((0, 0, 0, 0, 2, 0), 0, 2, 60, 0.05)
    assert track[-1, 0] == pytest.approx(0.5 * 2 * 9, abs=1e-3)
    assert track[-1, 3] == pytest.approx(6, abs=1e-4)


def test_top_speed_is_not_passed():
    track = roll((0, 0, 0, 19, 0, 0), 0, 4, 60, 0.05, max_speed=20.0)
    assert track[-1, 3] == pytest.approx(20)
    assert track[-1, 4] == pytest.approx(0, abs=1e-3)


def test_thrust_builds_up_at_the_jerk_limit_and_brakes_act_faster():
    assert drive_actuator(F(0), F(3), F(4), F(8), F(10), F(0.1)) == pytest.approx(1.0)
    assert drive_actuator(F(0), F(-8), F(4), F(8), F(10), F(0.1)) == pytest.approx(-5.0)
    assert drive_actuator(F(-5), F(-8), F(4), F(8), F(10), F(0.1)) == pytest.approx(-8.0)
    assert drive_actuator(F(-3), F(2), F(4), F(8), F(10), F(0.1)) == pytest.approx(1.0)
    assert drive_actuator(F(-8), F(2), F(4), F(8), F(10), F(0.1)) == pytest.approx(-3.0)
    assert drive_actuator(F(3), F(9), F(4), F(8), F(10), F(1.0)) == pytest.approx(4.0)


def test_steer_follows_a_first_order_lag_within_its_rate():
    one = steer_actuator(F(0), F(0.1), F(0.6), F(100), F(0.2), F(0.2))
    assert one == pytest.approx(0.1 * (1 - math.exp(-1)), rel=1e-5)
    assert steer_actuator(F(0), F(0.6), F(0.6), F(0.5), F(0), F(0.1)) == pytest.approx(0.05)
    assert steer_actuator(F(0.5), F(2), F(0.6), F(100), F(0), F(0.1)) == pytest.approx(0.6)


@pytest.mark.parametrize("friction", [0.3, 1.0])
def test_acceleration_stays_inside_the_friction_circle(friction):
    track = roll((0, 0, 0, 20, 0, 0.3), 0.3, -8, 30, 0.05, friction=friction)
    lateral = track[1:, 6] * track[:-1, 3]
    along = np.diff(track[:, 3]) / 0.05
    assert np.hypot(lateral, along).max() <= friction * 9.81 * 1.001


def test_mirror_image():
    left = roll((0, 0, 0, 10, 0, 0), 0.2, 1, 40, 0.05, steer_lag=0.2)
    right = roll((0, 0, 0, 10, 0, 0), -0.2, 1, 40, 0.05, steer_lag=0.2)
    assert np.allclose(left * [1, -1, -1, 1, 1, -1, -1], right, atol=1e-5)


def test_velocity_of_the_centre_is_the_derivative_of_its_position():
    track = roll((0, 0, 0.7, 8, 0, 0.25), 0.25, 0, 2, 0.002)
    vx, vy = centre_velocity(F(track[1, 2]), F(8), F(track[1, 6]), F(1.4))
    moved = (track[2, :2] - track[0, :2]) / 0.004
    assert moved == pytest.approx([vx, vy], abs=0.01)


def test_angles_wrap_into_the_half_open_interval():
    for k in range(-5, 6):
        assert wrap_angle(F(0.5 + 2 * math.pi * k)) == pytest.approx(0.5, abs=2e-5)
    assert wrap_angle(F(math.pi)) == pytest.approx(-math.pi, abs=1e-6)
    for a in np.linspace(-40, 40, 4001).astype(F):
        assert -F(math.pi) <= wrap_angle(a) < F(math.pi)


# v0, s0, T, a, b
CAR = (F(15), F(2), F(1.2), F(1.5), F(2.0))


def test_idm_at_the_equilibrium_gap_keeps_its_speed():
    for speed in (2, 8, 14):
        gap = idm_equilibrium_gap(F(speed), *CAR[:3])
        assert idm_accel(F(speed), F(speed), gap, *CAR) == pytest.approx(0, abs=1e-5)


def test_idm_limits():
    assert idm_accel(F(0), F(0), F(1e6), *CAR) == pytest.approx(1.5)
    assert idm_free(F(15), F(15), F(1.5), F(2)) == 0
    assert idm_free(F(30), F(15), F(1.5), F(2)) == -2
    assert idm_accel(F(0), F(0), F(2), *CAR) == pytest.approx(0)  # standing at the minimum gap
    assert idm_desired_gap(F(10), F(5), F(2), F(1.2), F(1.5), F(2)) == pytest.approx(2 + 12 + 50 / (2 * math.sqrt(3)))
    assert idm_desired_gap(F(10), F(-50), F(2), F(1.2), F(1.5), F(2)) == 2


def test_idm_stops_behind_a_standing_car_without_touching_it():
    gap, speed = 100.0, 15.0
    for _ in range(2000):
        a = float(idm_accel(F(speed), F(0), F(gap), *CAR))
        speed = max(0.0, speed + a * 0.05)
        gap -= speed * 0.05
    assert speed < 0.05 and 1.5 < gap < 2.6


def test_mobil_weighs_the_followers_by_politeness():
    assert mobil_gain(F(1), F(0.4), F(-0.5), F(0), F(0.2), F(0), F(0)) == pytest.approx(0.6)
    assert mobil_gain(F(1), F(0.4), F(-0.5), F(0), F(0.2), F(0), F(1)) == pytest.approx(0.3)
    assert mobil_allows(F(0.3), F(0.2), F(-1), F(4))
    assert not mobil_allows(F(0.3), F(0.2), F(-5), F(4))
    assert not mobil_allows(F(0.1), F(0.2), F(-1), F(4))
