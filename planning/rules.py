"""Where the rules of the road want the driver to stand or to slow down: lights, stop signs, give-way lines, crosswalks.

All of it comes from Scene.ahead, so it works with and without a map. Distances there are from the front bumper; stop
points here are path coordinates of the box centre.
"""

import math

from planning.path import project, yaw_at
from planning.speed import CONFLICT, GOAL, LIGHT, NONE, STOP_SIGN, WALKER, cap_speed
from world.kernel import kernel
from world.kinds import BodyKind, LightState

RED, RED_AMBER, AMBER = int(LightState.RED), int(LightState.RED_AMBER), int(LightState.AMBER)
PEDESTRIAN = int(BodyKind.PEDESTRIAN)
FAR = 1e6  # [m] no stop
_TICK = 0.05  # [s]
KERB_REACH = 9.0  # [m] from the path to somebody who may use the crosswalk


@kernel
def soonest(distance, speed, accel, config):
    """[s] in which a distance [m] is covered at the most with full thrust; counts to 2 s."""
    a, v, s, t = max(accel, 0.0), speed, 0.0, 0.0
    while s < distance and t < 2.0:
        a = min(a + config.jerk * _TICK, config.max_accel)
        v += a * _TICK
        s += v * _TICK
        t += _TICK
    return t


@kernel
def light_stop(me, memory, half, config):
    """Path coordinate [m] to stand at for the next light, FAR if it may be passed.

    Amber: go if stopping takes more than `amber_brake` and the line is near in time; who goes, or brakes, keeps to it.
    Red: stop unless one would come to stand well beyond the line. Red and amber: go if the line cannot be reached
    before green.
    """
    if not me.light_valid:
        return FAR
    state, distance, v = me.light_state, me.light_distance, me.speed
    if state != RED_AMBER:
        memory.red_amber_at = math.nan
    elif math.isnan(memory.red_amber_at):
        memory.red_amber_at = me.time
    if state == RED_AMBER:
        green = memory.red_amber_at + config.red_amber_time + config.green_margin - me.time
        if soonest(distance, v, me.accel, config) > green > 0.0:
            return FAR
    line = me.remaining - distance - half
    if state != RED and state != RED_AMBER and state != AMBER:
        memory.amber_go = memory.amber_stop = math.nan
        return FAR
    room = max(distance - 0.2, config.line_over)
    if v * v / (2.0 * config.red_brake) > room:
        return FAR
    if state == AMBER and not abs(memory.amber_stop - line) < config.line_moves:
        if abs(memory.amber_go - line) < 2.0:
            return FAR
        if v * v / (2.0 * config.amber_brake) > room and distance < v * config.amber_time:
            memory.amber_go = line
            return FAR
    if state == AMBER and me.accel < -config.amber_sure:
        memory.amber_stop = line
    return distance - min(config.line_gap, max(distance - v * v / (2.0 * config.brake) - 0.1, 0.3))


@kernel
def sign_stop(me, memory, half, config):
    """Path coordinate [m] to stand at for the next stop sign, FAR once it has been served."""
    if not me.stop_valid:
        return FAR
    distance = me.stop_distance
    line = me.remaining - distance - half
    if abs(memory.stopped_at - line) < 3.0:
        return FAR
    if distance < 2.5 and me.speed < config.stop_speed:
        memory.stopped_at = line
        return FAR
    return distance - config.line_gap


@kernel
def walker_at_kerb(objects, path, near, length):
    """Whether somebody on foot is beside the crosswalk at path coordinates [near, near + length] and may cross."""
    for o in range(len(objects)):
        if not objects[o].valid or objects[o].kind != PEDESTRIAN:
            continue
        s, d = project(path, objects[o].x, objects[o].y)
        if s < near - 2.0 or s > near + length + 2.0 or abs(d) > KERB_REACH:
            continue
        yaw = yaw_at(path, s)
        sideways = math.cos(yaw) * objects[o].vy - math.sin(yaw) * objects[o].vx
        if not (sideways * d > 0.3 and abs(d) > 2.0):  # not on the way out
            return True
    return False


@kernel
def rule_stop(me, objects, memory, path, half, config):
    """(path coordinate [m] to stand at, what for); also caps speeds at give-way lines and crosswalks.

    One stands `goal_room` beyond the route's end.
    """
    stop, why = FAR, NONE
    light = light_stop(me, memory, half, config)
    if light < stop:
        stop, why = light, LIGHT
    sign = sign_stop(me, memory, half, config)
    if sign < stop:
        stop, why = sign, STOP_SIGN
    goal = me.remaining + config.goal_room
    if goal < stop:
        stop, why = max(goal, 0.0), GOAL
    if me.yield_valid:
        at = me.yield_distance + half
        cap_speed(path, at - 1.0, at + 2.0, config.yield_speed, CONFLICT)
    if me.crosswalk_valid:
        near = me.crosswalk_distance + half
        if near < 60.0:
            size = me.crosswalk_length
            if walker_at_kerb(objects, path, near, size):
                cap_speed(path, near - 2.0, near + size, config.crosswalk_speed, WALKER)
    return stop, why
