"""Sensor noise: its statistics, and that it is a function of (seed, driver, step)."""

import numpy as np
import pytest

from simulator.sensors import (
    SensorConfig,
    make_sensors,
    reset_sensors_one,
    sense_world,
    sensor_frame,
    sensor_noise,
)
from simulator.state import make_slots, make_worlds

DT = 0.05
NOISE = sensor_noise(SensorConfig(), DT)


def car(drivers=1, seed=3):
    slots, worlds = make_slots(1, drivers), make_worlds(1, 1)
    slots.valid[:], slots.x[:], slots.y[:], worlds.seed[0] = True, 100.0, -50.0, seed
    slots.speed[:], slots.yaw_rate[:], slots.accel[:], slots.steer[:] = 10.0, 0.2, 1.0, 0.05
    return slots, worlds


def record(steps, every=1, drivers=1, seed=3):
    slots, worlds = car(drivers, seed)
    sensors = make_sensors(1, drivers)
    frame = sensor_frame(sensors)
    out = {name: [] for name in ("gnss_xy", "gnss_valid", "accel_xy", "yaw_rate", "wheel_speed", "steer", "time")}
    out["bias"] = []
    for step in range(0, steps, every):
        worlds.step[0] = step
        sense_world(0, slots, worlds, sensors, NOISE)
        for name in out:
            out[name].append((sensors.bias_xy if name == "bias" else getattr(frame, name)).copy())
    return {name: np.array(values)[:, 0, 0] for name, values in out.items()}


@pytest.fixture(scope="module")
def long_run():
    return record(60_000)  # 50 minutes


def test_white_noise_has_the_stated_sigma(long_run):
    r, n = long_run, 60_000
    white = (r["gnss_xy"] - r["bias"] - [100.0, -50.0])[r["gnss_valid"]]
    for values, mean, sigma in (
        (white[:, 0], 0.0, 1.0),
        (white[:, 1], 0.0, 1.0),
        (r["accel_xy"][:, 0], 1.0, 0.1),
        (r["accel_xy"][:, 1], 2.0, 0.1),
        (r["yaw_rate"], 0.2, 0.005),
        (r["wheel_speed"], 10.0, 0.02 + 0.01 * 10),
        (r["steer"], 0.05, 0.002),
    ):
        assert values.std() == pytest.approx(sigma, rel=0.03)
        assert values.mean() == pytest.approx(mean, abs=5 * sigma / np.sqrt(n / 2))
        assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.03


def test_the_bias_is_slow_and_as_large_as_stated():
    runs = np.array([record(1200, every=100, seed=s)["bias"][:, 0] for s in range(1, 400)])
    assert runs[:, 0].std() == pytest.approx(0.5, rel=0.12)
    assert runs[:, -1].std() == pytest.approx(0.5, rel=0.12)
    lag = 6 * 100 * DT  # [s]
    got = np.mean(runs[:, :6] * runs[:, 6:12]) / np.mean(runs**2)
    assert got == pytest.approx(np.exp(-lag / 60.0), abs=0.12)


def test_a_fix_comes_every_tenth_of_a_second(long_run):
    assert (long_run["gnss_valid"][:10] == [True, False] * 5).all()
    assert (long_run["gnss_xy"][~long_run["gnss_valid"]] == 0).all()
    assert long_run["time"][20] == pytest.approx(1.0)


def test_asking_twice_in_one_step_changes_nothing_and_padding_drivers_neither():
    slots, worlds = car(3)
    sensors = make_sensors(1, 3)
    sense_world(0, slots, worlds, sensors, NOISE)
    first = sensors.gnss_xy.copy()
    sense_world(0, slots, worlds, sensors, NOISE)
    assert (sensors.gnss_xy == first).all()
    alone = make_sensors(1, 1)
    sense_world(0, *car(1), alone, NOISE)
    assert (alone.gnss_xy[0, 0] == first[0, 0]).all()
    assert len(np.unique(first[0, :, 0])) == 3  # drivers have noise of their own


def test_reset_forgets_the_bias():
    slots, worlds = car()
    sensors = make_sensors(1, 1)
    worlds.step[0] = 500
    sense_world(0, slots, worlds, sensors, NOISE)
    reset_sensors_one(0, 0, sensors)
    worlds.step[0], worlds.seed[0] = 0, 9
    sense_world(0, slots, worlds, sensors, NOISE)
    fresh = make_sensors(1, 1)
    sense_world(0, slots, worlds, fresh, NOISE)
    assert (fresh.bias_xy == sensors.bias_xy).all()


def test_a_standing_car_reads_no_wheel_speed_and_an_empty_slot_reads_zeros():
    slots, worlds = car()
    sensors = make_sensors(1, 1)
    slots.speed[:] = 0.0
    sense_world(0, slots, worlds, sensors, NOISE)
    assert sensors.wheel_speed[0, 0] == 0.0
    slots.valid[:] = False
    sense_world(0, slots, worlds, sensors, NOISE)
    assert not sensors.gnss_valid[0, 0] and (sensors.gnss_xy == 0).all() and sensors.yaw_rate[0, 0] == 0
