"""Where the vehicle is: an extended Kalman filter over GNSS, IMU, wheel odometry, and waypoints seen on the lane.

State (N = 6): x, y [m] of the box centre, yaw [rad], speed [m/s] along the body axis, and the slow GNSS bias [m] of
both axes, all in the world frame. The centre of a vehicle of the bicycle model moves with

    x' = v cos(yaw) - r w sin(yaw),   y' = v sin(yaw) + r w cos(yaw),   yaw' = w,   v' = a,

r [m] the distance of the rear axle behind the centre, w and a measured by the IMU. The bias is a first-order
Gauss-Markov process, b' = -b / T + noise. A second pose, `odometry`, runs beside the filter and is never corrected:
what is remembered in it does not jump.

Source: Thrun, Burgard, Fox, Probabilistic Robotics (2005), sections 3.3 (EKF) and 6.6 (landmarks); gating: Bar-Shalom,
Li, Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), section 5.4 (NEES, gates).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.lane_arrays import wrap
from world.records import SensorFrame, Task

F64, BOOL = NDArray[np.float64], NDArray[np.bool_]
X, Y, YAW, SPEED, BIAS_X, BIAS_Y = range(6)
BRAKES = 5.0  # brakes build up and let go so many times faster than the drive train (world.bicycle)
N = 6


@dataclass(frozen=True)
class LocaliserConfig:
    """Noise that the filter expects; sigmas are standard deviations, and those of simulator.sensors' defaults."""

    gnss_sigma: float = 1.0  # [m] an axis, white
    bias_sigma: float = 0.5  # [m] an axis, in the long run
    bias_time: float = 60.0  # [s]
    accel_sigma: float = 0.1  # [m/s^2]
    yaw_rate_sigma: float = 0.006  # [rad/s]
    wheel_sigma: float = 0.02  # [m/s]
    wheel_scale_sigma: float = 0.01  # of the speed
    drift: float = 0.02  # [m/sqrt(s)] of the position, for what the bicycle leaves out
    start_sigma: float = 0.25  # [m] of the first waypoint against the vehicle's place, an axis: trips begin there
    start_yaw_sigma: float = 0.4  # [rad] of the first waypoints' direction against the vehicle's heading
    gate: float = 16.0  # squared Mahalanobis distance beyond which a measurement is an outlier
    lost_after: int = 30  # outliers on end after which the filter doubts itself instead


class Localiser:
    """The filter of all (B, K) drivers.

    Attributes:
        mean: (B, K, 6), see the module. covariance: (B, K, 6, 6).
        odometry: (B, K, 3) [m, m, rad] dead reckoning since reset, from (0, 0, 0) on.
        accel, yaw_rate: (B, K) [m/s^2], [rad/s] as last measured, smoothed over a few ticks.
    """

    def __init__(self, config: LocaliserConfig | None = None):
        self.config = config or LocaliserConfig()
        self.mean = np.zeros((0, 0, N))

    def reset(self, task: Task, mask: BOOL | None = None) -> None:
        """Start anew at the first waypoint, heading for the second. Args: mask: (B, K) who; None: all."""
        shape = task.waypoint.shape[:2]
        if self.mean.shape[:2] != shape:
            self._asked = np.full(shape, np.nan)
            self.mean, self.covariance = np.zeros((*shape, N)), np.zeros((*shape, N, N))
            self.odometry, self._time = np.zeros((*shape, 3)), np.zeros(shape)
            self.accel, self.yaw_rate = np.zeros(shape), np.zeros(shape)
            self._outliers, self._rear = np.zeros(shape, np.int64), np.zeros(shape)
            mask = None
        who = np.ones(shape, np.bool_) if mask is None else mask
        c = self.config
        way = task.waypoint.astype(np.float64)
        ahead = way[:, :, 1] - way[:, :, 0] if way.shape[2] > 1 else np.tile([1.0, 0.0], (*shape, 1))
        start = np.zeros((*shape, N))
        start[..., :2], start[..., YAW] = way[:, :, 0], np.arctan2(ahead[..., 1], ahead[..., 0])
        first = np.array([c.start_sigma, c.start_sigma, c.start_yaw_sigma, 0.3, c.bias_sigma, c.bias_sigma]) ** 2
        self.mean[who], self.covariance[who] = start[who], np.diag(first)
        self.odometry[who] = self.accel[who] = self.yaw_rate[who] = 0.0
        self._outliers[who] = 0
        self._time[who] = np.nan  # of the last frame: none yet
        self._rear = task.vehicle.rear_axle.astype(np.float64)
        self._jerk = task.vehicle.max_jerk.astype(np.float64)
        self._asked = np.where(who, np.nan, self._asked) if mask is not None else np.full(shape, np.nan)

    def asked(self, accel: NDArray) -> None:
        """Tell what the vehicle is asked for until the next frame: (B, K) [m/s^2]."""
        self._asked = accel.astype(np.float64)

    @property
    def pose(self) -> F64:
        """(B, K, 3) [m, m, rad] believed."""
        return self.mean[..., :3].copy()

    def update(self, frame: SensorFrame) -> None:
        """Move on to the frame's time, then take wheel speed and GNSS in."""
        self._predict(frame)
        standing = frame.wheel_speed == 0.0  # a standing wheel gives no pulses, so it is exact
        spread = self.config.wheel_sigma + self.config.wheel_scale_sigma * np.abs(frame.wheel_speed)
        row = np.zeros((*spread.shape, N))
        row[..., SPEED] = 1.0
        off = frame.wheel_speed.astype(np.float64) - self.mean[..., SPEED]
        self._correct(row, off, np.where(standing, 1e-3, spread), np.ones(spread.shape, np.bool_), gate=False)
        self._fix(frame)

    def _predict(self, frame: SensorFrame) -> None:
        """Dead reckoning of mean and covariance."""
        c, mean = self.config, self.mean
        time = frame.time.astype(np.float64)
        dt = np.where(np.isnan(self._time), 0.0, np.maximum(time - self._time, 0.0))
        self._time = time.copy()
        measured = frame.wheel_speed.astype(np.float64)
        standing = measured == 0.0
        rate = np.where(standing, 0.0, frame.yaw_rate.astype(np.float64))
        accel = np.where(standing, 0.0, frame.accel_xy[..., 0].astype(np.float64))
        self._follow_pedals(accel, standing, dt)
        self.yaw_rate += (rate - self.yaw_rate) * np.minimum(dt / 0.05, 1.0)
        speed = np.where(standing & (mean[..., SPEED] < 0.3), 0.0, mean[..., SPEED] + 0.5 * accel * dt)
        self._reckon(self.odometry, speed, rate, dt)
        yaw0 = mean[..., YAW].copy()
        pose = mean[..., :3].copy()
        self._reckon(pose, speed, rate, dt)
        decay = np.exp(-dt / c.bias_time)
        step = np.zeros((*dt.shape, N, N))
        for i in range(N):
            step[..., i, i] = 1.0
        middle = yaw0 + 0.5 * rate * dt
        step[..., X, YAW], step[..., Y, YAW] = -(pose[..., 1] - mean[..., Y]), pose[..., 0] - mean[..., X]
        step[..., X, SPEED], step[..., Y, SPEED] = np.cos(middle) * dt, np.sin(middle) * dt
        step[..., BIAS_X, BIAS_X] = step[..., BIAS_Y, BIAS_Y] = decay
        noise = np.zeros((*dt.shape, N))
        moves = np.where(standing, 0.0, 1.0)
        noise[..., X] = noise[..., Y] = c.drift**2 * dt * moves
        noise[..., YAW] = (c.yaw_rate_sigma * dt) ** 2 * moves
        noise[..., SPEED] = (2.0 * c.accel_sigma * dt) ** 2 + 1e-6
        noise[..., BIAS_X] = noise[..., BIAS_Y] = (1.0 - decay**2) * c.bias_sigma**2
        mean[..., :3] = pose
        mean[..., SPEED] += accel * dt
        mean[..., BIAS_X:] *= decay[..., None]
        self.covariance = step @ self.covariance @ step.swapaxes(-1, -2)
        for i in range(N):
            self.covariance[..., i, i] += noise[..., i]

    def _follow_pedals(self, measured: F64, standing: BOOL, dt: F64) -> None:
        """Acceleration: what was asked for within the limits of the drive train, and what the IMU says of it.

        A filter of the IMU alone would lag, and what is planned from a lagging acceleration comes late.
        """
        change = np.where(np.isnan(self._asked), 0.0, self._asked - self.accel)
        slow, fast = self._jerk * dt, BRAKES * self._jerk * dt
        low = np.where(self.accel > 0.0, -np.maximum(fast, self.accel), -fast)
        high = np.where(self.accel < 0.0, np.minimum(fast, slow - self.accel), slow)
        self.accel += np.clip(change, low, high)
        gain = np.where(np.isnan(self._asked), 1.0, 0.3)
        self.accel += (measured - self.accel) * np.where(dt > 0.0, gain, 0.0)
        self.accel[standing & ~(self._asked > 0.0)] = 0.0  # held by its brakes

    def _reckon(self, pose: F64, speed: F64, rate: F64, dt: F64) -> None:
        """Move poses (B, K, 3) in place along the arc of the rear axle."""
        turned = rate * dt
        yaw0, yaw1 = pose[..., 2], pose[..., 2] + turned
        middle = yaw0 + 0.5 * turned
        pose[..., 0] += speed * dt * np.cos(middle) + self._rear * (np.cos(yaw1) - np.cos(yaw0))
        pose[..., 1] += speed * dt * np.sin(middle) + self._rear * (np.sin(yaw1) - np.sin(yaw0))
        pose[..., 2] = wrap(yaw1)

    def _fix(self, frame: SensorFrame) -> None:
        """Take a GNSS fix in, where there is one and it is no outlier."""
        c = self.config
        h = np.zeros((2, N))
        h[0, X] = h[0, BIAS_X] = h[1, Y] = h[1, BIAS_Y] = 1.0
        off = frame.gnss_xy.astype(np.float64) - self.mean @ h.T
        ph = self.covariance @ h.T  # (B, K, 6, 2)
        s = h @ ph + c.gnss_sigma**2 * np.eye(2)
        inverse = np.linalg.inv(s)
        distance = np.einsum("...i,...ij,...j->...", off, inverse, off)
        fine = frame.gnss_valid & (distance < c.gate)
        self._outliers = np.where(frame.gnss_valid, np.where(fine, 0, self._outliers + 1), self._outliers)
        self._doubt(self._outliers >= c.lost_after, off)
        gain = np.where(fine[..., None, None], ph @ inverse, 0.0)
        self.mean += np.einsum("...ij,...j->...i", gain, off)
        self.mean[..., YAW] = wrap(self.mean[..., YAW])
        self.covariance -= gain @ ph.swapaxes(-1, -2)
        self._tidy()

    def _doubt(self, who: BOOL, off: F64) -> None:
        """Widen the belief of those whose fixes have not fitted for long, by how far (B, K, 2) [m] they are off."""
        for b, k in np.argwhere(who):
            away = max(float(off[b, k] @ off[b, k]), 9.0)
            self.covariance[b, k] += np.diag([away, away, 0.2, 0.0, 0.0, 0.0])
            self._outliers[b, k] = 0

    def align(self, yaw: F64, sigma: float, who: BOOL) -> None:
        """Take a heading [rad] of the drivers of `who` (B, K), world frame, as measured with `sigma` [rad]."""
        row = np.zeros((*who.shape, N))
        row[..., YAW] = 1.0
        self._correct(row, wrap(yaw - self.mean[..., YAW]), np.full(who.shape, sigma), who, gate=False)

    def see_lane(self, point: F64, foot: F64, direction: F64, sigma: F64, who: BOOL) -> BOOL:
        """Correct by a waypoint that must lie on a lane's centre line as it is seen.

        Args:
            point: (B, K, 2) [m] the waypoint, world frame.
            foot: (B, K, 2) [m] a place on the centre line beside it, body frame.
            direction: (B, K) [rad] of the line there, body frame.
            sigma: (B, K) [m] of the line sideways.
            who: (B, K) of whom something was seen.

        Returns:
            (B, K) whether it was taken.
        """
        c, s = np.cos(self.mean[..., YAW]), np.sin(self.mean[..., YAW])
        dx, dy = point[..., 0] - self.mean[..., X], point[..., 1] - self.mean[..., Y]
        bx, by = c * dx + s * dy, c * dy - s * dx
        nx, ny = -np.sin(direction), np.cos(direction)
        off = nx * (foot[..., 0] - bx) + ny * (foot[..., 1] - by)
        row = np.zeros((*who.shape, N))
        row[..., X], row[..., Y] = -(c * nx - s * ny), -(s * nx + c * ny)
        row[..., YAW] = nx * by - ny * bx
        return self._correct(row, off, sigma, who, gate=True)

    def _correct(self, row: F64, off: F64, sigma: F64, who: BOOL, gate: bool) -> BOOL:
        """Scalar update with measurement row (B, K, 6), innovation and sigma (B, K); returns who took it."""
        ph = np.einsum("...ij,...j->...i", self.covariance, row)
        s = np.einsum("...i,...i->...", row, ph) + sigma**2
        fine = who & (off * off < self.config.gate * s) if gate else who
        gain = np.where(fine[..., None], ph / s[..., None], 0.0)
        self.mean += gain * off[..., None]
        self.mean[..., YAW] = wrap(self.mean[..., YAW])
        self.covariance -= gain[..., :, None] * ph[..., None, :]
        self._tidy()
        return fine

    def _tidy(self) -> None:
        """Keep covariances symmetric."""
        self.covariance = 0.5 * (self.covariance + self.covariance.swapaxes(-1, -2))
