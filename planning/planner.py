"""The planner of all drivers: Scene -> path -> forecasts -> proposals -> choice -> Plan and Control.

One driver at a time, six steps: reference path, rules, forecasts on the path, proposals, choice, controls. Kernels
work in scratch that all drivers share, so memory does not grow with them and time grows in proportion.
"""

import math
from typing import NamedTuple

import numpy as np

from planning.config import STEP_DT, STEPS
from planning.junctions import blocked_exit, next_zone, wait_place
from planning.lateral import steer_one
from planning.longitudinal import accel_one
from planning.map_forecast import (
    MapView,
    fill_route_lanes,
    find_zones,
    forecast_by_map,
    make_map_view,
    may_use_left,
    note_green,
)
from planning.occupancy import Occupancy, make_occupancy
from planning.passing import find_obstacle, pass_shape, stop_behind, watch_obstacle
from planning.path import Path, make_path, path_at, path_one, project_near, shift_path
from planning.proposals import EMERGENCY, GO, decide
from planning.rules import FAR, rule_stop
from planning.scoring import FREE
from planning.speed import JUNCTION, LEADER, Rollouts, allow_speeds, brake_in_time, cap_speed, make_rollouts
from world.bicycle import wrap_angle
from world.kernel import kernel

PASS_DT = 0.35  # [s] step of the forecasts that decide on a pass: they must see its end


class Output(NamedTuple):
    """What the planner fills, (B, K, ...); T = STEPS."""

    x: np.ndarray  # (T,) [m] world frame as believed
    y: np.ndarray
    yaw: np.ndarray
    speed: np.ndarray
    accel: np.ndarray
    steer: np.ndarray  # () [rad] command
    drive: np.ndarray  # () [m/s^2] command
    terms: np.ndarray  # (5,) of the chosen proposal: safe, progress, ttc, comfort, rules
    reason: np.ndarray  # () what binds its speed (planning.speed.REASONS)
    choice: np.ndarray  # () index of the proposal
    source: np.ndarray  # () object that it follows or would meet, -1
    error: np.ndarray  # () [m] from the planned path


class Scratch(NamedTuple):
    """Working memory that drivers share one after the other."""

    path: Path
    occ: Occupancy
    rolls: Rollouts
    map: MapView


def make_scratch() -> Scratch:
    """Empty scratch."""
    return Scratch(make_path(), make_occupancy(), make_rollouts(), make_map_view())


def make_output(worlds: int, drivers: int) -> Output:
    """Empty output."""
    shape = (worlds, drivers)
    out = {f: np.zeros((*shape, STEPS), np.float32) for f in ("x", "y", "yaw", "speed", "accel")}
    out |= {f: np.zeros(shape, np.float32) for f in ("steer", "drive", "reason", "choice", "source", "error")}
    return Output(**out, terms=np.zeros((*shape, 5), np.float32))


@kernel
def plan_by_map(view, map_id, tables, routes, steer_lag, max_brake, dt, memory, scratch, out, config):
    """Plan for every active driver with the map. Args: steer_lag, max_brake: (B, K). dt: [s] between two calls."""
    path, occ, rolls, lanes = scratch
    for b in range(view.speed.shape[0]):
        for k in range(view.speed.shape[1]):
            if not view.active[b, k]:
                out.steer[b, k], out.drive[b, k] = 0.0, config.longitudinal.hold
                continue
            half = 0.5 * float(view.size[b, k, 0])
            length = path_one(b, k, view.route_xy, view.route_half_width, view.route_limit, view.route_valid, path)
            fill_route_lanes(b, k, view, routes, lanes)
            note_green(b, k, view, tables, lanes, memory, half)
            find_zones(tables, lanes)
            passing = apply_pass(b, k, view, memory, path)
            allow_speeds(path, rolls, config)
            if passing:
                cap_speed(rolls, 0.0, 200.0, config.pass_speed, LEADER)
            stop, why = rule_stop(b, k, view, memory, path, rolls, length, half, config)
            forecast_by_map(b, k, view, path, occ, map_id[b], tables, lanes, memory, config, STEP_DT)
            zone0, zone1 = next_zone(lanes, half)
            wait = wait_place(zone0, half)
            speed = float(view.speed[b, k])
            if wait < stop and blocked_exit(occ, zone0, zone1, half, speed):
                stop, why = wait, JUNCTION
            row = -1 if passing else find_obstacle(b, k, view, occ, half)
            behind = stop_behind(occ, row, half)
            watch_obstacle(b, k, view, occ, memory, row, dt)
            if behind < stop and behind > 0.0:
                stop, why = behind, LEADER
            brake_in_time(rolls, config.brake)
            brake = float(max_brake[b, k])
            last = memory.choice[b, k]
            q = decide(
                rolls, occ, speed, float(view.accel[b, k]), half, brake, stop, why, zone0, zone1, wait, last, STEP_DT,
                config,
            )  # fmt: skip
            memory.choice[b, k] = q
            control_one(b, k, q, view, path, rolls, steer_lag, dt, out, config)
            note_output(b, k, q, view, path, rolls, out)
            if row >= 0 and speed < 1.0 and memory.obstacle_time[b, k] > config.pass_wait:
                try_pass(b, k, view, map_id, tables, memory, scratch, row, half, brake, length, config)


@kernel
def apply_pass(b, k, view, memory, path):
    """Shift the path by the pass in memory, if there is one; returns whether there is."""
    if math.isnan(memory.pass_from[b, k]):
        return False
    left = float(view.remaining[b, k])
    start, end, ramp = left - memory.pass_from[b, k], left - memory.pass_to[b, k], memory.pass_ramp[b, k]
    if end + ramp < 0.0:
        memory.pass_from[b, k] = math.nan
        return False
    shift_path(path, start, ramp, end, memory.pass_offset[b, k])
    return True


@kernel
def try_pass(b, k, view, map_id, tables, memory, scratch, row, half, max_brake, length, config):
    """Begin to pass the obstacle of table row `row` if the marks allow it and nobody comes; overwrites the scratch."""
    path, occ, rolls, lanes = scratch
    start, end, ramp, offset = pass_shape(b, k, view, path, occ, row, 0.5 * view.size[b, k, 1], half, config)
    if ramp == 0.0 or end + ramp > length or not may_use_left(tables, lanes, max(start - ramp, 0.0), end + ramp):
        return
    for i in range(lanes.zones[0]):
        if lanes.zone[i, 0] < end + ramp and lanes.zone[i, 1] > 0.0:
            return
    shift_path(path, start, ramp, end, offset)
    allow_speeds(path, rolls, config)
    cap_speed(rolls, 0.0, 200.0, config.pass_speed, LEADER)
    brake_in_time(rolls, config.brake)
    forecast_by_map(b, k, view, path, occ, map_id[b], tables, lanes, memory, config, PASS_DT)
    q = decide(rolls, occ, float(view.speed[b, k]), 0.0, half, max_brake, FAR, 0, FAR, FAR, FAR, -1, PASS_DT, config)
    if q == GO and rolls.collision[GO] == FREE and rolls.s[GO, STEPS - 1] > end:
        left = float(view.remaining[b, k])
        memory.pass_from[b, k], memory.pass_to[b, k] = left - start, left - end
        memory.pass_ramp[b, k], memory.pass_offset[b, k] = ramp, offset


@kernel
def control_one(b, k, q, view, path, rolls, steer_lag, dt, out, config):
    """Controls of the chosen proposal."""
    speed, accel = float(view.speed[b, k]), float(view.accel[b, k])
    steer, error = steer_one(
        path, rolls.v[q], STEP_DT, speed, float(view.steer[b, k]), float(view.wheelbase[b, k]),
        float(view.rear_axle[b, k]), float(steer_lag[b, k]), config.lateral,
    )  # fmt: skip
    urgent = q == EMERGENCY or rolls.collision[q] < 2.0
    out.steer[b, k] = steer
    out.drive[b, k] = accel_one(rolls.v[q], rolls.a[q], STEP_DT, speed, accel, dt, urgent, config.longitudinal)
    out.error[b, k] = error


@kernel
def note_output(b, k, q, view, path, rolls, out):
    """Write the chosen proposal as a plan in the world frame, with why."""
    c, sn = math.cos(view.pose[b, k, 2]), math.sin(view.pose[b, k, 2])
    foot, error = project_near(path, 0.0, 0.0, 0.0)
    for j in range(STEPS):
        s = rolls.s[q, j] + foot
        ease = max(1.0 - rolls.s[q, j] / max(2.0 * rolls.v[q, 0], 3.0), 0.0)  # the offset fades on the way
        yaw = path_at(path.yaw, s)
        x = path_at(path.x, s) - math.sin(yaw) * error * ease
        y = path_at(path.y, s) + math.cos(yaw) * error * ease
        out.x[b, k, j] = view.pose[b, k, 0] + c * x - sn * y
        out.y[b, k, j] = view.pose[b, k, 1] + sn * x + c * y
        out.yaw[b, k, j] = wrap_angle(yaw + view.pose[b, k, 2])
        out.speed[b, k, j], out.accel[b, k, j] = rolls.v[q, j], rolls.a[q, j]
    for i in range(5):
        out.terms[b, k, i] = rolls.terms[q, i]
    out.reason[b, k], out.choice[b, k], out.source[b, k] = rolls.reason[q], q, rolls.source[q]

