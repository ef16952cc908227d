"""Time to collision: of two boxes that go on as they move now, and of two vehicles on one line.

An absent collision is a time of infinity, which is what the formulas give.
"""

import math

from world.boxes import boxes_overlap
from world.kernel import kernel

TTC_STEP = 0.1  # [s]
TTC_HORIZON = 3.0  # [s]


@kernel
def time_to_collision(ax, ay, ayaw, alength, awidth, avx, avy, bx, by, byaw, blength, bwidth, bvx, bvy, step, horizon):
    """[s] after which two boxes overlap when both keep velocity and yaw; inf beyond the horizon.

    The times 0, step, 2 step, ... <= horizon are looked at, as nuPlan does.

    Args:
        avx: [m/s] world frame, as avy, bvx, bvy.
        step: [s] (TTC_STEP in nuPlan).
        horizon: [s] (TTC_HORIZON in nuPlan).

    Source: nuPlan devkit, metrics/evaluation_metrics/common/time_to_collision_within_bound.py.
    """
    dx, dy, vx, vy = bx - ax, by - ay, bvx - avx, bvy - avy
    reach = 0.5 * (math.sqrt(alength * alength + awidth * awidth) + math.sqrt(blength * blength + bwidth * bwidth))
    closing = vx * vx + vy * vy
    nearest = 0.0 if closing < 1e-12 else min(max(-(dx * vx + dy * vy) / closing, 0.0), horizon)
    nx, ny = dx + nearest * vx, dy + nearest * vy
    if nx * nx + ny * ny > reach * reach:  # the circles around them never meet
        return math.inf
    for k in range(int(horizon / step + 1e-6) + 1):
        t = k * step
        if boxes_overlap(ax, ay, ayaw, alength, awidth, bx + t * vx, by + t * vy, byaw, blength, bwidth):
            return t
    return math.inf


@kernel
def time_to_collision_1d(gap, rear_speed, front_speed):
    """[s] = gap / (rear_speed - front_speed) for a bumper-to-bumper gap [m]; 0 in contact, inf when not closing."""
    if gap <= 0.0:
        return 0.0
    closing = rear_speed - front_speed
    return gap / closing if closing > 1e-9 else math.inf
