"""The pose filter: against a simulated vehicle whose truth is known, and in closed form."""

import math

import numpy as np
import pytest

from perception.localise import BIAS_X, YAW, Localiser, N
from world.bicycle import bicycle_step
from world.records import Bodies, SensorFrame, Task

DT, REAR = 0.05, 1.33


def make_task(drivers=1, way=((0.0, 0.0), (40.0, 0.0))):
    one = np.ones((1, drivers), np.float32)
    fields = {n: one for n in Bodies.__dataclass_fields__}
    vehicle = Bodies(**{**fields, "rear_axle": REAR * one, "max_jerk": 10.0 * one, "kind": one.astype(np.int8)})
    waypoint = np.tile(np.array(way, np.float32), (1, drivers, 1, 1))
    shape = waypoint.shape[:3]
    return Task(waypoint=waypoint, command=np.full(shape, 4, np.int8), waypoint_valid=np.ones(shape, np.bool_),
                goal_radius=10.0, vehicle=vehicle, dt=DT, control_every=1)  # fmt: skip


def drive(drivers, steps, seed):
    """Yield (time, true pose (drivers, 3), SensorFrame) of vehicles that weave, with the engine's noise models."""
    rng = np.random.default_rng(seed)
    pose = 0.25 * rng.standard_normal((drivers, 3)) * (1.0, 1.0, 0.0)
    speed, steer, accel = (np.zeros(drivers) for _ in range(3))
    bias = 0.5 * rng.standard_normal((drivers, 2))
    phi = math.exp(-DT / 60.0)
    phase = rng.uniform(0.0, 6.0, drivers)
    for step in range(steps):
        rate = np.zeros(drivers)
        if step:
            for i in range(drivers):
                asked = 0.08 * math.sin(0.15 * step * DT + phase[i])
                push = 1.5 if speed[i] < 9.0 else -0.5
                x, y, yaw, speed[i], accel[i], steer[i], rate[i] = bicycle_step(
                    *(np.float32(v) for v in (*pose[i], speed[i], accel[i], steer[i], asked, push, 2.65, REAR, 40.0,
                                              4.0, 8.0, 0.6, 1.0, 0.1, 10.0, 1.0, DT))
                )  # fmt: skip
                pose[i] = x, y, yaw
            bias = phi * bias + math.sqrt(1 - phi**2) * 0.5 * rng.standard_normal((drivers, 2))
        n = rng.standard_normal((drivers, 6))
        fix = step % 2 == 0
        f = np.float32
        wheel = speed + (0.02 + 0.01 * speed) * n[:, 3] * (speed > 0)
        frame = SensorFrame(
            time=np.full((1, drivers), step * DT, f), gnss_xy=((pose[:, :2] + bias + n[:, :2]) * fix)[None].astype(f),
            gnss_valid=np.full((1, drivers), fix),
            accel_xy=np.stack((accel + 0.1 * n[:, 2], 0 * accel), -1)[None].astype(f),
            yaw_rate=(rate + 0.005 * n[:, 4])[None].astype(f), wheel_speed=wheel[None].astype(f),
            steer=steer[None].astype(f),
        )  # fmt: skip
        yield step * DT, pose.copy(), frame


def errors(localiser, pose):
    off = localiser.mean[0, :, :3] - pose
    off[:, 2] = (off[:, 2] + np.pi) % (2 * np.pi) - np.pi
    return off


def test_the_filter_is_consistent():
    """Mean normalised squared error of (x, y, yaw) over 40 vehicles lies around its 3 degrees of freedom."""
    drivers, localiser = 40, Localiser()
    localiser.reset(make_task(drivers))
    nees = []
    for time, pose, frame in drive(drivers, 1200, seed=3):
        localiser.update(frame)
        if time > 5.0 and round(time / DT) % 100 == 0:
            off, p = errors(localiser, pose), localiser.covariance[0, :, :3, :3]
            nees.append(np.einsum("ki,kij,kj->k", off, np.linalg.inv(p), off).mean())
    assert 2.0 < np.mean(nees) < 4.2  # chi-square: 3 +- 0.39 (one sigma) for each of correlated moments
    assert np.percentile(np.abs(errors(localiser, pose)[:, 2]), 90) < 0.03
    assert np.hypot(*errors(localiser, pose)[:, :2].T).mean() < 0.75  # the bias is all that is left


def test_dead_reckoning_follows_the_arc():
    """Without noise the odometry is exact: the box centre's own circle, not the rear axle's."""
    localiser = Localiser()
    localiser.reset(make_task())
    speed, rate, f = 5.0, 0.4, np.float32
    yaw = 0.0
    for step in range(101):
        frame = SensorFrame(
            time=np.full((1, 1), step * DT, f), gnss_xy=np.zeros((1, 1, 2), f), gnss_valid=np.zeros((1, 1), np.bool_),
            accel_xy=np.zeros((1, 1, 2), f), yaw_rate=np.full((1, 1), rate, f), wheel_speed=np.full((1, 1), speed, f),
            steer=np.zeros((1, 1), f),
        )  # fmt: skip
        if step == 0:
            localiser.mean[..., 3] = speed
        localiser.update(frame)
    yaw, radius = rate * 5.0, speed / rate
    axle = radius * np.array([math.sin(yaw), 1 - math.cos(yaw)])
    expected = axle + REAR * np.array([math.cos(yaw) - 1, math.sin(yaw)])
    assert np.allclose(localiser.odometry[0, 0, :2], expected, atol=0.01)
    assert abs(localiser.odometry[0, 0, 2] - yaw) < 1e-5


def test_a_waypoint_on_the_lane_corrects_sideways_only():
    localiser = Localiser()
    localiser.reset(make_task())
    who, sigma = np.ones((1, 1), np.bool_), np.full((1, 1), 0.05)
    localiser.covariance[0, 0, YAW] = localiser.covariance[0, 0, :, YAW] = 0.0
    before = localiser.mean.copy()
    # the waypoint (10, 0) is believed straight ahead; the lane is seen 0.6 m to the right there
    taken = localiser.see_lane(np.array([[[10.0, 0.0]]]), np.array([[[9.0, -0.6]]]), np.zeros((1, 1)), sigma, who)
    off = localiser.mean - before
    start = Localiser().config.start_sigma ** 2
    gain = start / (start + 0.05**2)
    assert taken.all() and abs(off[0, 0, 1] - 0.6 * gain) < 1e-9
    assert abs(off[0, 0, 0]) < 1e-12 and abs(off[0, 0, 2]) < 1e-12


def test_what_cannot_be_is_not_taken():
    localiser = Localiser()
    localiser.reset(make_task())
    who = np.ones((1, 1), np.bool_)
    localiser.covariance[0, 0, YAW, YAW] = 1e-6
    before = localiser.mean.copy()
    far, sigma = np.array([[[9.0, 9.0]]]), np.full((1, 1), 0.3)
    taken = localiser.see_lane(np.array([[[10.0, 0.0]]]), far, np.zeros((1, 1)), sigma, who)
    assert not taken.any() and np.array_equal(localiser.mean, before)


def test_a_fix_far_off_is_refused_and_many_are_believed():
    localiser = Localiser()
    localiser.reset(make_task())
    f = np.float32
    moved = []
    for step in range(200):
        frame = SensorFrame(
            time=np.full((1, 1), step * DT, f), gnss_xy=np.full((1, 1, 2), 60.0, f),
            gnss_valid=np.ones((1, 1), np.bool_), accel_xy=np.zeros((1, 1, 2), f), yaw_rate=np.zeros((1, 1), f),
            wheel_speed=np.zeros((1, 1), f),
            steer=np.zeros((1, 1), f),
        )  # fmt: skip
        localiser.update(frame)
        moved.append(float(np.hypot(*localiser.mean[0, 0, :2])))
    assert max(moved[:20]) < 0.5
    assert abs(moved[-1] - 60.0 * math.sqrt(2.0)) < 2.0


def test_standing_does_not_turn():
    localiser = Localiser()
    localiser.reset(make_task())
    f, rng = np.float32, np.random.default_rng(0)
    for step in range(400):
        frame = SensorFrame(
            time=np.full((1, 1), step * DT, f), gnss_xy=np.zeros((1, 1, 2), f), gnss_valid=np.zeros((1, 1), np.bool_),
            accel_xy=rng.normal(0, 0.1, (1, 1, 2)).astype(f), yaw_rate=rng.normal(0.0, 0.005, (1, 1)).astype(f),
            wheel_speed=np.zeros((1, 1), f), steer=np.zeros((1, 1), f),
        )  # fmt: skip
        localiser.update(frame)
    assert np.array_equal(localiser.odometry[0, 0], [0.0, 0.0, 0.0])
    assert abs(localiser.mean[0, 0, 3]) < 1e-3


def test_drivers_do_not_mix_and_a_mask_resets_one():
    task, localiser = make_task(2), Localiser()
    localiser.reset(task)
    last = None
    for _, _, frame in drive(2, 100, seed=1):
        localiser.update(frame)
        last = frame
    alone = Localiser()
    alone.reset(make_task(1))
    for _, _, frame in drive(2, 100, seed=1):
        one = {n: getattr(frame, n)[:, 1:] for n in ("time", "gnss_xy", "gnss_valid", "accel_xy", "yaw_rate",
                                                      "wheel_speed", "steer")}  # fmt: skip
        alone.update(SensorFrame(**one))
    assert last is not None and np.allclose(alone.mean[0, 0], localiser.mean[0, 1])
    kept = localiser.mean[0, 1].copy()
    localiser.reset(task, np.array([[True, False]]))
    assert np.array_equal(localiser.mean[0, 1], kept) and np.array_equal(localiser.mean[0, 0], np.zeros(N))


@pytest.mark.parametrize("yaw", [-2.0, 0.7])
def test_the_first_heading_is_that_of_the_first_waypoints(yaw):
    localiser = Localiser()
    localiser.reset(make_task(way=((3.0, 4.0), (3.0 + 20 * math.cos(yaw), 4.0 + 20 * math.sin(yaw)))))
    assert np.allclose(localiser.pose[0, 0], [3.0, 4.0, yaw], atol=1e-5)
    assert localiser.mean[0, 0, BIAS_X] == 0.0
