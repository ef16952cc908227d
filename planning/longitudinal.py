"""Acceleration command: follows the plan's speed within jerk limits, and holds the car at standstill."""

from planning.lateral import speed_at
from world.kernel import kernel


@kernel
def accel_at(rolled, dt, t):
    """Planned acceleration [m/s^2] at time t [s]."""
    u = min(max(t / dt, 0.0), len(rolled) - 1.001)
    i = int(u)
    return (1.0 - (u - i)) * rolled[i].a + (u - i) * rolled[i + 1].a


@kernel
def accel_one(rolled, plan_dt, speed, accel, dt, urgent, config):
    """Command [m/s^2].

    Args:
        rolled: (H,) ROLL_ROWs of the plan, plan_dt [s] apart, from now on.
        speed, accel: [m/s], [m/s^2] of the vehicle now. dt: [s] until the next command. urgent: emergency braking.
    """
    ahead = config.accel_preview
    wanted = accel_at(rolled, plan_dt, ahead)
    wanted += config.accel_gain * (speed_at(rolled, plan_dt, ahead) - (speed + accel * ahead))
    if urgent:
        return max(min(wanted, accel), accel - config.urgent_jerk * dt)
    if speed < config.creep and speed_at(rolled, plan_dt, 1.0) < config.creep:
        return config.hold
    step = config.accel_jerk * dt
    if speed < config.creep and wanted > 0.0:
        accel = max(accel, 0.0)  # a held brake lets go at once
    if wanted < -4.0:
        step *= 4.0  # braking beyond comfort is not the time to be gentle
    return min(max(wanted, accel - step), accel + step)
