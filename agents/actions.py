"""What a policy may say, and how it becomes a Control: the same code in training and in driving.

| action | space | meaning |
| --- | --- | --- |
| continuous | Box(-1, 1, (2,)) | steer x max_steer [rad, left positive]; accel x max_accel, below zero x max_brake |
| jerk | Discrete(12) | longitudinal jerk (-15, -4, 0, 4) [m/s^3] x lateral jerk (-4, 0, 4), index = 3 lon + lat |
| meta | Discrete(5) | 0 lane left, 1 idle, 2 lane right, 3 faster, 4 slower: the order of HighwayEnv |
| waypoints | Box(-1, 1, (8,)) | four points (x, y) x WAYPOINT_RANGE [m], ego frame, WAYPOINT_STEP [s] apart |

Meta actions and waypoints name a path and a speed, which `track_path` follows in every engine step.

Sources: jerk grid: Cusumano-Towner et al., Robust autonomy emerges from self-play (2025), section 3.2; meta actions and
TAU_SPEED: HighwayEnv's DiscreteMetaAction and its ControlledVehicle (Leurent, 2018); pure pursuit: Coulter, CMU 1992.
"""

import math

import numpy as np

from world.kernel import inline_kernel, kernel
from world.names import unknown_name

CONTINUOUS, JERK, META, WAYPOINTS = range(4)
ACTIONS = {"continuous": CONTINUOUS, "jerk": JERK, "meta": META, "waypoints": WAYPOINTS}
CHOICES = {"jerk": 12, "meta": 5}  # discrete actions: number of choices
WIDTH = {"continuous": 2, "waypoints": 8}  # continuous ones: numbers in [-1, 1]
LANE_LEFT, IDLE, LANE_RIGHT, FASTER, SLOWER = range(5)
WAYPOINT_COUNT, WAYPOINT_STEP, WAYPOINT_RANGE = 4, 0.5, 50.0
LONGITUDINAL_JERK = tuple(np.float32(v) for v in (-15.0, -4.0, 0.0, 4.0))  # [m/s^3]
LATERAL_JERK = tuple(np.float32(v) for v in (-4.0, 0.0, 4.0))  # [m/s^3]
MAX_LATERAL = np.float32(4.0)  # [m/s^2] that jerks may add up to
TAU_SPEED = np.float32(0.6)  # [s] in which a speed error is taken away
LOOK_TIME, LOOK_MIN = np.float32(0.8), np.float32(5.0)  # [s], [m] ahead of the rear axle that pure pursuit aims at
_SLOW = np.float32(1.5)  # [m/s] below which a lateral acceleration says nothing about the wheel
_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)


def check_action(name: str) -> str:
    """The name of an action set.

    Raises:
        ValueError: there is none of that name, with the nearest match.
    """
    if name not in ACTIONS:
        raise ValueError(unknown_name("action", name, ACTIONS))
    return name


@inline_kernel
def decode_continuous(steer, accel, max_steer, max_accel, max_brake):
    """(steer [rad], accel [m/s^2]) of two numbers in [-1, 1]."""
    return steer * max_steer, accel * (max_accel if accel >= _ZERO else max_brake)


@inline_kernel
def decode_jerk(index, accel, lateral, speed, wheelbase, max_accel, max_brake, max_steer, dt):
    """(accel, lateral, steer): commanded accelerations [m/s^2] after `dt` of jerk, and the wheel [rad] for them.

    Args:
        accel, lateral: [m/s^2] commanded so far. speed: [m/s]. dt: [s] between two actions.
    """
    accel = min(max(accel + LONGITUDINAL_JERK[index // 3] * dt, -max_brake), max_accel)
    lateral = min(max(lateral + LATERAL_JERK[index % 3] * dt, -MAX_LATERAL), MAX_LATERAL)
    v = max(speed, _SLOW)
    curvature = lateral / (v * v)
    steer = np.float32(math.atan(wheelbase * curvature))
    return accel, lateral, min(max(steer, -max_steer), max_steer)


@inline_kernel
def speed_control(speed, goal, max_accel, max_brake):
    """[m/s^2] that takes a speed error away in TAU_SPEED, within the vehicle's limits."""
    return min(max((goal - speed) / TAU_SPEED, -max_brake), max_accel)


@kernel
def track_path(b, k, path, count, x, y, yaw, speed, wheelbase, rear_axle):
    """Front wheel [rad, left positive] of pure pursuit over path[b, k, :count] (world frame, [m]), not limited.

    Aims from the rear axle at the point LOOK_TIME ahead of the path's nearest one; beyond its end the path goes
    straight on.
    """
    c, s = np.float32(math.cos(yaw)), np.float32(math.sin(yaw))
    rx, ry = x - rear_axle * c, y - rear_axle * s
    best, best_u, best_cost = 0, _ZERO, np.float32(1e18)
    for i in range(count - 1):
        ax, ay = path[b, k, i, 0], path[b, k, i, 1]
        ux, uy = path[b, k, i + 1, 0] - ax, path[b, k, i + 1, 1] - ay
        u = min(max(((rx - ax) * ux + (ry - ay) * uy) / max(ux * ux + uy * uy, np.float32(1e-6)), _ZERO), _ONE)
        ex, ey = rx - ax - u * ux, ry - ay - u * uy
        cost = ex * ex + ey * ey
        if cost < best_cost:
            best, best_u, best_cost = i, u, cost
    left = max(LOOK_TIME * speed, LOOK_MIN)
    for i in range(best, count - 1):
        ax, ay = path[b, k, i, 0], path[b, k, i, 1]
        ux, uy = path[b, k, i + 1, 0] - ax, path[b, k, i + 1, 1] - ay
        size = max(np.float32(math.sqrt(ux * ux + uy * uy)), np.float32(1e-3))
        start = best_u if i == best else _ZERO
        room = (_ONE - start) * size
        if left <= room or i == count - 2:
            at = start + left / size
            dx, dy = ax + at * ux - rx, ay + at * uy - ry
            away2 = max(dx * dx + dy * dy, _ONE)
            return np.float32(math.atan(wheelbase * _TWO * (c * dy - s * dx) / away2))
        left -= room
    return _ZERO
