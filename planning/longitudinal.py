"""Acceleration command: follows the plan's speed within jerk limits, and holds the car at standstill."""

from typing import NamedTuple

from planning.lateral import speed_at
from world.kernel import kernel


class LongitudinalConfig(NamedTuple):
    """Gains and limits."""

    gain: float = 0.8  # [1/s] of the speed error against the plan
    preview: float = 0.1  # [s] ahead that the plan is read
    jerk: float = 3.0  # [m/s^3] a driver's comfort; nuPlan's bound is 4.13
    urgent_jerk: float = 60.0  # [m/s^3] of an emergency
    hold: float = -1.5  # [m/s^2] brake at standstill
    creep: float = 0.15  # [m/s] below which a car that plans to stand is held


@kernel
def accel_one(speeds, accels, plan_dt, speed, accel, dt, urgent, config):
    """Command [m/s^2].

    Args:
        speeds, accels: (H,) [m/s], [m/s^2] of the plan, plan_dt [s] apart, from now on.
        speed, accel: [m/s], [m/s^2] of the vehicle now. dt: [s] until the next command. urgent: emergency braking.
    """
    wanted = speed_at(accels, plan_dt, config.preview)
    wanted += config.gain * (speed_at(speeds, plan_dt, config.preview) - (speed + accel * config.preview))
    if urgent:
        return max(min(wanted, accel), accel - config.urgent_jerk * dt)
    ahead = speed_at(speeds, plan_dt, 1.0)
    if speed < config.creep and ahead < config.creep:
        return config.hold
    step = config.jerk * dt
    if speed < config.creep and wanted > 0.0:
        accel = max(accel, 0.0)  # a held brake lets go at once
    if wanted < -4.0:
        step *= 4.0  # braking beyond comfort is not the time to be gentle
    return min(max(wanted, accel - step), accel + step)
