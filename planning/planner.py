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
from planning.memory import note_lead
from planning.occupancy import Occupancy, leader, make_occupancy
from planning.passing import find_obstacle, pass_shape, stop_behind, watch_obstacle
from planning.path import make_path, path_one, point_at, project_near, shift_path
from planning.proposals import EMERGENCY, GO, decide
from planning.rules import FAR, rule_stop
from planning.scene_forecast import forecast_by_scene
from planning.scoring import FREE
from planning.speed import JUNCTION, LEADER, Rollouts, allow_speeds, brake_in_time, cap_speed, make_rollouts
from world.bicycle import wrap_angle
from world.kernel import kernel
from world.pack import Pack

PASS_DT = 0.35  # [s] step of the forecasts that decide on a pass: they must see its end


OUTPUT_ROW = np.dtype(
    [
        ("steer", "f8"),  # [rad] command
        ("drive", "f8"),  # [m/s^2] command
        ("safe", "f8"), ("progress", "f8"), ("ttc", "f8"), ("comfort", "f8"), ("rules", "f8"),  # chosen one's terms
        ("reason", "i8"),  # what binds its speed (planning.speed.REASONS)
        ("choice", "i8"),  # index of the proposal
        ("source", "i8"),  # object that it follows or would meet, -1
        ("error", "f8"),  # [m] from the planned path
    ]
)  # fmt: skip
PLAN_ROW = np.dtype([("x", "f4"), ("y", "f4"), ("yaw", "f4"), ("speed", "f4"), ("accel", "f4")])  # world frame


class Output(NamedTuple):
    """What the planner fills."""

    driver: np.ndarray  # (B, K) OUTPUT_ROW
    plan: np.ndarray  # (B, K, STEPS) PLAN_ROW


class Scratch(NamedTuple):
    """Working memory that drivers share one after the other."""

    path: np.ndarray  # (PATH_POINTS,) PATH_ROW
    occ: Occupancy
    rolls: Rollouts
    map: MapView


def make_scratch() -> Pack:
    """An empty Scratch."""
    return Pack(Scratch(make_path(), make_occupancy(), make_rollouts(), make_map_view()))


def make_output(worlds: int, drivers: int) -> Pack:
    """An empty Output."""
    return Pack(Output(np.zeros((worlds, drivers), OUTPUT_ROW), np.zeros((worlds, drivers, STEPS), PLAN_ROW)))


@kernel
def plan_by_map(rows, tables, routes, dt, memories, scratch, out, config):
    """Plan for every active driver with the map.

    Args:
        rows: SceneRows. tables: MapTables. routes: RouteTable. dt: [s] between two calls. memories: (B, K) MEMORY_ROW.
        scratch: Scratch. out: Output. config: row of a PlannerConfig. Tuples of arrays as Packs.
    """
    for b in range(rows.driver.shape[0]):
        for k in range(rows.driver.shape[1]):
            me, memory, told = rows.driver[b, k], memories[b, k], out.driver[b, k]
            objects = rows.objects[b, k]
            if me.active:
                passing = lay_path(me, rows.route[b, k], memory, scratch.path, config)
                fill_route_lanes(b, k, me, routes, scratch.map)
                find_zones(tables, scratch.map)
                note_green(me, tables, scratch.map, memory, 0.5 * me.length)
                note_lead(objects, find_lead(objects, memory.lead), memory, dt, config.lead_smooth)
                forecast_by_map(me, objects, scratch.path, scratch.occ, tables, scratch.map, memory, config, STEP_DT)
                drive_one(me, objects, passing, dt, memory, scratch, told, config)
                note_plan(me, told.choice, scratch.path, scratch.rolls, out.plan[b, k])
                consider_pass(me, objects, tables, memory, scratch, config)
            else:
                told.steer, told.drive = 0.0, config.hold


@kernel
def find_lead(objects, track):
    """Index of the object with a track; -1 where it is not there, or the track is -1."""
    for o in range(len(objects)):
        if track >= 0 and objects[o].valid and objects[o].track == track:
            return o
    return -1


@kernel
def plan_by_scene(rows, dt, memories, scratch, out, config):
    """Plan for every active driver from its Scene alone; arguments as of `plan_by_map`. Nothing is passed."""
    scratch.map.lanes[0] = scratch.map.zones[0] = 0
    for b in range(rows.driver.shape[0]):
        for k in range(rows.driver.shape[1]):
            me, memory, told = rows.driver[b, k], memories[b, k], out.driver[b, k]
            objects = rows.objects[b, k]
            if me.active:
                passing = lay_path(me, rows.route[b, k], memory, scratch.path, config)
                forecast_by_scene(me, objects, scratch.path, scratch.occ, config, STEP_DT)
                drive_one(me, objects, passing, dt, memory, scratch, told, config)
                note_plan(me, told.choice, scratch.path, scratch.rolls, out.plan[b, k])
            else:
                told.steer, told.drive = 0.0, config.hold


@kernel
def lay_path(me, route, memory, path, config):
    """Fill the path and the speeds that road and pass allow; returns whether it passes something."""
    path_one(route, path)
    passing = apply_pass(me, memory, path)
    allow_speeds(path, config)
    if passing:
        cap_speed(path, 0.0, 200.0, config.pass_speed, LEADER)
    return passing


@kernel
def drive_one(me, objects, passing, dt, memory, scratch, out, config):
    """Rules, proposals, choice and controls of one driver whose path and forecasts are laid."""
    path, occ, rolls, lanes = scratch.path, scratch.occ, scratch.rolls, scratch.map
    half = 0.5 * me.length
    stop, why = rule_stop(me, objects, memory, path, half, config)
    zone0, zone1 = next_zone(lanes, half)
    wait = wait_place(zone0, half)
    if wait < stop and blocked_exit(occ, zone0, zone1, half, me.speed):
        stop, why = wait, JUNCTION
    row = -1 if passing else find_obstacle(me, objects, occ, half)
    watch_obstacle(objects, occ, memory, row, dt)
    behind = stop_behind(occ, row, half, me.speed, config.brake)
    if 0.0 < behind < stop:
        stop, why = behind, LEADER
    brake_in_time(path, config.brake)
    q = decide(
        path, rolls, occ, me.speed, me.accel, half, me.max_brake, stop, why, zone0, zone1, wait, memory.choice, STEP_DT,
        config,
    )  # fmt: skip
    memory.choice = q
    source = leader(occ)
    if source < 0 or objects[source].track != memory.lead:
        note_lead(objects, source, memory, dt, config.lead_smooth)
    control_one(me, q, path, rolls, dt, out, config)


@kernel
def apply_pass(me, memory, path):
    """Shift the path by the pass in memory, if there is one; returns whether there is."""
    if math.isnan(memory.pass_from):
        return False
    start, end, ramp = me.remaining - memory.pass_from, me.remaining - memory.pass_to, memory.pass_ramp
    if end + ramp < 0.0:
        memory.pass_from = math.nan
        return False
    shift_path(path, start, ramp, end, memory.pass_offset)
    return True


@kernel
def consider_pass(me, objects, tables, memory, scratch, config):
    """Begin to pass what has stood ahead for long, if the marks allow it and nobody comes; overwrites the scratch."""
    path, occ, rolls, lanes = scratch.path, scratch.occ, scratch.rolls, scratch.map
    half = 0.5 * me.length
    if memory.obstacle < 0 or me.speed > 1.0 or memory.obstacle_time < config.pass_wait:
        return
    row = find_obstacle(me, objects, occ, half)
    if row < 0:
        return
    start, end, ramp, offset = pass_shape(objects, path, occ, row, 0.5 * me.width, half, config)
    if ramp == 0.0 or end + ramp > me.remaining or not may_use_left(tables, lanes, max(start - ramp, 0.0), end + ramp):
        return
    for i in range(lanes.zones[0]):
        if lanes.zone[i, 0] < end + ramp and lanes.zone[i, 1] > 0.0:
            return
    shift_path(path, start, ramp, end, offset)
    allow_speeds(path, config)
    cap_speed(path, 0.0, 200.0, config.pass_speed, LEADER)
    brake_in_time(path, config.brake)
    forecast_by_map(me, objects, path, occ, tables, lanes, memory, config, PASS_DT)
    q = decide(path, rolls, occ, me.speed, 0.0, half, me.max_brake, FAR, 0, FAR, FAR, FAR, -1, PASS_DT, config)
    if q == GO and rolls.proposal[GO].collision == FREE and rolls.roll[GO, STEPS - 1].s > end:
        memory.pass_from, memory.pass_to = me.remaining - start, me.remaining - end
        memory.pass_ramp, memory.pass_offset = ramp, offset


@kernel
def control_one(me, q, path, rolls, dt, out, config):
    """Controls of the chosen proposal, and why it was chosen."""
    chosen = rolls.proposal[q]
    out.steer, out.error = steer_one(
        path, rolls.roll[q], STEP_DT, me.speed, me.steer, me.wheelbase, me.rear_axle, me.steer_lag, config
    )
    urgent = q == EMERGENCY or chosen.collision < 2.0
    out.drive = accel_one(rolls.roll[q], STEP_DT, me.speed, me.accel, dt, urgent, config)
    out.safe, out.progress, out.ttc = chosen.safe, chosen.progress, chosen.ttc
    out.comfort, out.rules = chosen.comfort, chosen.rules
    out.reason, out.choice, out.source = chosen.reason, q, chosen.source


@kernel
def note_plan(me, q, path, rolls, plan):
    """Write the chosen proposal as a plan in the world frame."""
    c, sn = math.cos(me.yaw), math.sin(me.yaw)
    foot, error = project_near(path, 0.0, 0.0, 0.0)
    fade = max(2.0 * me.speed, 3.0)  # [m] over which the present offset goes
    for j in range(STEPS):
        now = rolls.roll[q, j]
        x, y, yaw = point_at(path, now.s + foot)
        aside = error * max(1.0 - now.s / fade, 0.0)
        x, y = x - math.sin(yaw) * aside, y + math.cos(yaw) * aside
        plan[j].x, plan[j].y = me.x + c * x - sn * y, me.y + sn * x + c * y
        plan[j].yaw, plan[j].speed, plan[j].accel = wrap_angle(yaw + me.yaw), now.v, now.a
