"""Where the rules of the road want the driver to stand or to slow down: lights, stop signs, give-way lines, crosswalks.

All of it comes from Scene.ahead, so it works with and without a map. Distances there are from the front bumper; stop
points here are path coordinates of the box centre.
"""

import math

from planning.path import path_at, project
from planning.speed import CONFLICT, GOAL, LIGHT, NONE, STOP_SIGN, WALKER, cap_speed
from world.kernel import kernel
from world.kinds import BodyKind, LightState

RED, RED_AMBER, AMBER = int(LightState.RED), int(LightState.RED_AMBER), int(LightState.AMBER)
PEDESTRIAN = int(BodyKind.PEDESTRIAN)
FAR = 1e6  # [m] no stop
KERB_REACH = 9.0  # [m] from the path to somebody who may use the crosswalk


@kernel
def light_stop(b, k, view, memory, half, config):
    """Path coordinate [m] to stand at for the next light, FAR if it may be passed.

    Amber: stop if that takes no more than `amber_brake`; the decision to go is kept. Red: stop unless impossible.
    """
    if not view.light_valid[b, k]:
        return FAR
    state, distance, v = view.light_state[b, k], float(view.light_distance[b, k]), float(view.speed[b, k])
    line = view.remaining[b, k] - distance - half
    if state != RED and state != RED_AMBER and state != AMBER:
        memory.amber_go[b, k] = math.nan
        return FAR
    if abs(memory.amber_go[b, k] - line) < 2.0:
        return FAR
    needed = v * v / (2.0 * max(distance - 0.2, 0.05))
    if v > 1.0 and needed > (config.amber_brake if state == AMBER else config.red_brake):
        memory.amber_go[b, k] = line
        return FAR
    return distance - min(config.line_gap, max(distance - v * v / (2.0 * config.brake) - 0.1, 0.3))


@kernel
def sign_stop(b, k, view, memory, half, config):
    """Path coordinate [m] to stand at for the next stop sign, FAR once it has been served."""
    if not view.stop_valid[b, k]:
        return FAR
    distance = float(view.stop_distance[b, k])
    line = view.remaining[b, k] - distance - half
    if abs(memory.stopped_at[b, k] - line) < 3.0:
        return FAR
    if distance < 2.5 and view.speed[b, k] < config.stop_speed:
        memory.stopped_at[b, k] = line
        return FAR
    return distance - config.line_gap


@kernel
def walker_at_kerb(b, k, view, path, near, length):
    """Whether somebody on foot is beside the crosswalk at path coordinates [near, near + length] and may cross."""
    for o in range(view.object_valid.shape[2]):
        if not view.object_valid[b, k, o] or view.object_kind[b, k, o] != PEDESTRIAN:
            continue
        s, d = project(path, view.object_xy[b, k, o, 0], view.object_xy[b, k, o, 1])
        if s < near - 2.0 or s > near + length + 2.0 or abs(d) > KERB_REACH:
            continue
        yaw = path_at(path.yaw, s)
        sideways = math.cos(yaw) * view.object_velocity[b, k, o, 1] - math.sin(yaw) * view.object_velocity[b, k, o, 0]
        if not (sideways * d > 0.3 and abs(d) > 2.0):  # not on the way out
            return True
    return False


@kernel
def rule_stop(b, k, view, memory, path, rolls, length, half, config):
    """(path coordinate [m] to stand at, what for); also caps speeds at give-way lines and crosswalks.

    Args:
        length: [m] of route within the path; the goal is a place to stand.
    """
    stop, why = FAR, NONE
    light = light_stop(b, k, view, memory, half, config)
    if light < stop:
        stop, why = light, LIGHT
    sign = sign_stop(b, k, view, memory, half, config)
    if sign < stop:
        stop, why = sign, STOP_SIGN
    if view.remaining[b, k] < length + 1.0 and view.remaining[b, k] < stop:
        stop, why = max(float(view.remaining[b, k]), 0.0), GOAL
    if view.yield_valid[b, k]:
        at = view.yield_distance[b, k] + half
        cap_speed(rolls, at - 1.0, at + 2.0, config.yield_speed, CONFLICT)
    if view.crosswalk_valid[b, k]:
        near = view.crosswalk_distance[b, k] + half
        if near < 60.0:
            size = view.crosswalk_length[b, k]
            if walker_at_kerb(b, k, view, path, near, size):
                cap_speed(rolls, near - 2.0, near + size, config.crosswalk_speed, WALKER)
    return stop, why
