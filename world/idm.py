"""Car-following and lane-change formulas shared by the traffic model and the planners; scalars in, scalar out.

Sources: IDM: M. Treiber, A. Hennecke, D. Helbing, Congested traffic states in empirical observations and microscopic
simulations, Phys. Rev. E 62, 1805 (2000). Published parameter ranges (cars on city roads: T 1.0-1.6 s, s0 2 m,
a 1-1.5 m/s^2, b 1.5-2 m/s^2): M. Treiber, A. Kesting, Traffic Flow Dynamics (2013), table 11.2. MOBIL: A. Kesting,
M. Treiber, D. Helbing, General lane-changing model MOBIL for car-following models, TRR 1999 (2007).
"""

import math

import numpy as np

from world.kernel import kernel

IDM_EXPONENT = 4  # of the free-road term
_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
_MIN_GAP = np.float32(0.1)  # [m] keeps the interaction finite when bumpers touch


@kernel
def idm_free(speed, desired, max_accel, comfort_brake):
    """Acceleration [m/s^2] on a free road: a (1 - (v / v0)^4), no harder than the comfortable brake above v0."""
    ratio = speed / max(desired, _MIN_GAP)
    r2 = ratio * ratio
    return max(max_accel * (_ONE - r2 * r2), -comfort_brake)


@kernel
def idm_desired_gap(speed, closing, min_gap, headway, max_accel, comfort_brake):
    """s* = s0 + max(0, v T + v dv / (2 sqrt(a b))) [m]; closing = v - v_leader."""
    root = np.float32(math.sqrt(max_accel * comfort_brake))
    return min_gap + max(_ZERO, speed * headway + speed * closing / (_TWO * root))


@kernel
def idm_softness(max_accel, comfort_brake):
    """1 / (2 sqrt(a b)) [s^2/m], what a driver makes of closing speed; a constant of the driver."""
    return _ONE / (_TWO * np.float32(math.sqrt(max_accel * comfort_brake)))


@kernel
def idm_braking(speed, closing, gap, min_gap, headway, max_accel, softness):
    """`idm_interaction` for those who keep `idm_softness`."""
    wanted = min_gap + max(_ZERO, speed * (headway + closing * softness))
    ratio = wanted / max(gap, _MIN_GAP)
    return max_accel * ratio * ratio


@kernel
def idm_interaction(speed, closing, gap, min_gap, headway, max_accel, comfort_brake):
    """The braking term a (s* / s)^2 [m/s^2], positive; subtract it from the free term."""
    ratio = idm_desired_gap(speed, closing, min_gap, headway, max_accel, comfort_brake) / max(gap, _MIN_GAP)
    return max_accel * ratio * ratio


@kernel
def idm_accel(speed, leader_speed, gap, desired, min_gap, headway, max_accel, comfort_brake):
    """Acceleration [m/s^2] behind a leader at bumper-to-bumper gap [m]; dv/dt = a (1 - (v/v0)^4 - (s*/s)^2).

    Args:
        speed, leader_speed, desired: [m/s]. gap, min_gap (s0): [m]. headway (T): [s].
        max_accel (a), comfort_brake (b): [m/s^2], positive.
    """
    free = idm_free(speed, desired, max_accel, comfort_brake)
    return free - idm_interaction(speed, speed - leader_speed, gap, min_gap, headway, max_accel, comfort_brake)


@kernel
def idm_equilibrium_gap(speed, desired, min_gap, headway):
    """Gap [m] at which a platoon keeps its common speed: (s0 + v T) / sqrt(1 - (v / v0)^4), speed < desired."""
    ratio = speed / desired
    r2 = ratio * ratio
    return (min_gap + speed * headway) / np.float32(math.sqrt(_ONE - r2 * r2))


@kernel
def mobil_gain(own_new, own_old, follower_new, follower_new_before, follower_old, follower_old_before, politeness):
    """MOBIL's incentive [m/s^2]: own gain plus politeness times the gain of the new and of the old follower.

    Each argument is an IDM acceleration: `_before` without the change, else after it.
    """
    others = (follower_new - follower_new_before) + (follower_old - follower_old_before)
    return own_new - own_old + politeness * others


@kernel
def mobil_allows(gain, threshold, follower_new, safe_brake):
    """Change lanes: the incentive passes the threshold and the new follower need not brake beyond safe_brake."""
    return gain > threshold and follower_new > -safe_brake
