"""GNSS, IMU, wheel odometry and steering sensor of the drivers.

Noise is a function of (seed, driver, step, purpose); the slow GNSS bias is a first-order Gauss-Markov process, advanced
by the time since the last call, so calling twice in one step gives the same frame. Poses are those of the box centre.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from world.kernel import kernel
from world.random import draw_normal
from world.records import SensorFrame

# Purposes of draws: 400-419 are this module's
_GNSS_X, _GNSS_Y, _BIAS_X, _BIAS_Y, _IMU_X, _IMU_Y, _GYRO, _WHEEL, _STEER = range(400, 409)


@dataclass(frozen=True)
class SensorConfig:
    """Noise of the default sensor set; sigmas are standard deviations."""

    gnss_sigma: float = 1.0  # [m] an axis, white
    gnss_bias_sigma: float = 0.5  # [m] an axis, slow
    gnss_bias_time: float = 60.0  # [s] correlation time of the bias
    gnss_period: float = 0.1  # [s] between fixes
    accel_sigma: float = 0.1  # [m/s^2] an axis
    yaw_rate_sigma: float = 0.005  # [rad/s]
    wheel_scale_sigma: float = 0.01  # of the speed, white
    wheel_sigma: float = 0.02  # [m/s]
    steer_sigma: float = 0.002  # [rad]


class Sensors(NamedTuple):
    """What a SensorFrame shows, and the memory of the bias. (B, K) unless noted."""

    time: np.ndarray  # float32 [s]
    gnss_xy: np.ndarray  # float32 (B, K, 2) [m]
    gnss_valid: np.ndarray  # bool
    accel_xy: np.ndarray  # float32 (B, K, 2) [m/s^2]
    yaw_rate: np.ndarray  # float32 [rad/s]
    wheel_speed: np.ndarray  # float32 [m/s]
    steer: np.ndarray  # float32 [rad]
    bias_xy: np.ndarray  # float32 (B, K, 2) [m]
    last_step: np.ndarray  # int64 step of the last call, -1: none yet


class SensorNoise(NamedTuple):
    """SensorConfig as numbers that kernels take, and the step."""

    gnss_sigma: float
    gnss_bias_sigma: float
    gnss_bias_time: float
    gnss_period: float
    accel_sigma: float
    yaw_rate_sigma: float
    wheel_scale_sigma: float
    wheel_sigma: float
    steer_sigma: float
    dt: float


def make_sensors(worlds: int, drivers: int) -> Sensors:
    """Sensors that have not measured yet."""
    shape = (worlds, drivers)
    scalars = {n: np.zeros(shape, np.float32) for n in ("time", "yaw_rate", "wheel_speed", "steer")}
    pairs = {n: np.zeros((*shape, 2), np.float32) for n in ("gnss_xy", "accel_xy", "bias_xy")}
    return Sensors(**scalars, **pairs, gnss_valid=np.zeros(shape, np.bool_), last_step=np.full(shape, -1, np.int64))


def sensor_noise(config: SensorConfig, dt: float) -> SensorNoise:
    """The numbers kernels take. Args: dt: [s] engine step."""
    return SensorNoise(**{name: float(getattr(config, name)) for name in SensorNoise._fields[:-1]}, dt=float(dt))


def sensor_frame(sensors: Sensors) -> SensorFrame:
    """The public record over the arrays, without a copy; images and points are the caller's to add."""
    names = ("time", "gnss_xy", "gnss_valid", "accel_xy", "yaw_rate", "wheel_speed", "steer")
    return SensorFrame(**{name: getattr(sensors, name) for name in names})


@kernel
def reset_sensors_one(b, k, sensors):
    """Forget the past of driver k of world b; the next call of sense_world draws a new bias."""
    sensors.last_step[b, k] = -1


@kernel
def _advance_bias_one(b, k, worlds, sensors, noise):
    """Gauss-Markov bias: b' = phi b + sqrt(1 - phi^2) sigma w, phi = exp(-dt / T); drawn from its long run at first."""
    step, last = worlds.step[b], sensors.last_step[b, k]
    if last == step:
        return
    phi = 0.0 if last < 0 or last > step else math.exp(-(step - last) * noise.dt / noise.gnss_bias_time)
    scale = math.sqrt(1.0 - phi * phi) * noise.gnss_bias_sigma
    seed = worlds.seed[b]
    sensors.bias_xy[b, k, 0] = phi * sensors.bias_xy[b, k, 0] + scale * draw_normal(seed, k, step, _BIAS_X)
    sensors.bias_xy[b, k, 1] = phi * sensors.bias_xy[b, k, 1] + scale * draw_normal(seed, k, step, _BIAS_Y)
    sensors.last_step[b, k] = step


@kernel
def _sense_one(b, k, slots, worlds, sensors, noise):
    seed, step = worlds.seed[b], worlds.step[b]
    _advance_bias_one(b, k, worlds, sensors, noise)
    sensors.time[b, k] = step * noise.dt
    fixes, before = math.floor(step * noise.dt / noise.gnss_period + 1e-6), -1.0
    if step > 0:
        before = math.floor((step - 1) * noise.dt / noise.gnss_period + 1e-6)
    sensors.gnss_valid[b, k] = fixes > before
    sigma = noise.gnss_sigma
    sensors.gnss_xy[b, k, 0] = slots.x[b, k] + sensors.bias_xy[b, k, 0] + sigma * draw_normal(seed, k, step, _GNSS_X)
    sensors.gnss_xy[b, k, 1] = slots.y[b, k] + sensors.bias_xy[b, k, 1] + sigma * draw_normal(seed, k, step, _GNSS_Y)
    lateral = slots.speed[b, k] * slots.yaw_rate[b, k]
    sensors.accel_xy[b, k, 0] = slots.accel[b, k] + noise.accel_sigma * draw_normal(seed, k, step, _IMU_X)
    sensors.accel_xy[b, k, 1] = lateral + noise.accel_sigma * draw_normal(seed, k, step, _IMU_Y)
    sensors.yaw_rate[b, k] = slots.yaw_rate[b, k] + noise.yaw_rate_sigma * draw_normal(seed, k, step, _GYRO)
    spread = noise.wheel_sigma + noise.wheel_scale_sigma * abs(slots.speed[b, k])
    if slots.speed[b, k] == 0.0:
        spread = 0.0  # a standing wheel gives no pulses
    sensors.wheel_speed[b, k] = slots.speed[b, k] + spread * draw_normal(seed, k, step, _WHEEL)
    sensors.steer[b, k] = slots.steer[b, k] + noise.steer_sigma * draw_normal(seed, k, step, _STEER)


@kernel
def sense_world(b, slots, worlds, sensors, noise):
    """Fill `sensors` for the drivers (slots 0 .. K - 1) of world b at its present step.

    Without a fix (`gnss_valid` false) gnss_xy is zero. Drivers whose slot is empty read zeros.

    Args:
        b: world. slots, worlds: `simulator.state`. sensors: Sensors. noise: SensorNoise.
    """
    for k in range(sensors.time.shape[1]):
        if slots.valid[b, k]:
            _sense_one(b, k, slots, worlds, sensors, noise)
        else:
            sensors.gnss_valid[b, k] = False
            sensors.time[b, k] = worlds.step[b] * noise.dt
            sensors.accel_xy[b, k, 0] = sensors.accel_xy[b, k, 1] = 0.0
            sensors.yaw_rate[b, k] = sensors.wheel_speed[b, k] = sensors.steer[b, k] = 0.0
        if not sensors.gnss_valid[b, k]:
            sensors.gnss_xy[b, k, 0] = sensors.gnss_xy[b, k, 1] = 0.0
