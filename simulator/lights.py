"""Traffic lights: each plan serves its phases as traffic calls for them.

A phase is green for at least MIN_GREEN. While nobody calls another phase it stays green. Once somebody does, it ends
as soon as nobody comes towards its own lines for PASSAGE seconds (it "gaps out"), at the latest after MAX_GREEN; amber
and all-red follow, then the next phase in order that is called, its last second of red shown as red-amber.

Source: vehicle-actuated control as in FHWA, Traffic Signal Timing Manual (2008), chapters 5 and 6 (minimum green,
passage time, maximum green, gap-out, phase skipping, yellow change and red clearance).
"""

# pyright: reportCallIssue=false
# (intrinsics take a typing context more than their callers give)

import numpy as np

from world.kernel import inline_kernel, kernel
from world.kinds import LightState, StopKind
from world.random import draw_index, draw_unit
from world.shared_writes import set_bits

MIN_GREEN = np.float32(6.0)  # [s]
MAX_GREEN = np.float32(20.0)  # [s] while somebody else waits
PASSAGE = np.float32(2.5)  # [s] before a line within which a vehicle on its way keeps the phase green
QUEUE = np.float32(8.0)  # [m] before a line within which a standing vehicle does
CALL_REACH = np.float32(40.0)  # [m] before a line from which a vehicle calls for its phase
AMBER_TIME = np.float32(3.0)  # [s]
ALL_RED_TIME = np.float32(2.0)  # [s]
RED_AMBER_TIME = np.float32(1.0)  # [s] last part of the red time
LONE_RED_TIME = np.float32(8.0)  # [s] extra red of a plan of one phase, which has nobody to give way to
ENTITY_PLAN = 3 << 20
FIRST_PHASE, FIRST_CLOCK = 121, 122  # purposes of draws
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_RED, _RED_AMBER = int(LightState.RED), int(LightState.RED_AMBER)
_GREEN, _AMBER = int(LightState.GREEN), int(LightState.AMBER)
_LIGHT = int(StopKind.LIGHT)


@kernel
def phase_bit(phase):
    """The bit of a phase in plan_calls and plan_holds; phases beyond 32 share bits."""
    return np.int64(1) << np.int64(phase & 31)


@inline_kernel
def call_light(b, stop, room, speed, tables, worlds):
    """Note for the next step that somebody `room` [m] before the line of a light, row `stop`, calls for its phase."""
    if room < CALL_REACH and room > -_ONE:
        light = tables.lights[tables.stops[stop].light]
        plan, bit = light.plan - tables.maps[worlds.map_id[b]].plan0, phase_bit(light.phase)
        set_bits(worlds.plan_calls, b, plan, bit)
        if room < max(QUEUE, PASSAGE * speed):  # and keeps it green
            set_bits(worlds.plan_holds, b, plan, bit)


@kernel
def next_light(b, i, tables, slots):
    """(stop row, room [m] from the bumper) of the next light's line on the way; row -1: none on the next lanes."""
    start = -slots.lane_s[b, i] - _HALF * slots.length[b, i]
    for k in range(3):
        lane = np.int64(slots.route_lane[b, i, k])
        if lane < 0:
            break
        for q in range(tables.lanes[lane].stop0, tables.lanes[lane].stop1):
            if tables.stops[q].kind == _LIGHT and start + tables.stops[q].s > -_ONE:
                return np.int64(q), start + tables.stops[q].s
        start += tables.lanes[lane].length
    return np.int64(-1), start


@kernel
def plan_one(b, plan, phases, worlds, dt):
    """Let the clock of one plan run, and end or begin its phase."""
    clock = worlds.plan_clock[b, plan] + dt
    phase = worlds.plan_phase[b, plan]
    if worlds.plan_clearing[b, plan] == 0:
        calls, held = worlds.plan_calls[b, plan], worlds.plan_holds[b, plan] & phase_bit(phase)
        others = calls & ~phase_bit(phase)
        ends = clock >= MAX_GREEN if held else clock >= MIN_GREEN
        if ends and (others or phases == 1):
            following = phase
            for n in range(1, phases):
                following = (phase + n) % phases
                if calls & phase_bit(following):
                    break
            worlds.plan_next[b, plan] = following
            worlds.plan_clearing[b, plan] = 1
            clock = _ZERO
    else:
        if clock >= clearing_time(phases):
            worlds.plan_phase[b, plan] = worlds.plan_next[b, plan]
            worlds.plan_clearing[b, plan] = 0
            clock = _ZERO
    worlds.plan_clock[b, plan] = clock


@kernel
def clearing_time(phases):
    """[s] from the end of one green to the begin of the next."""
    return AMBER_TIME + ALL_RED_TIME + (LONE_RED_TIME if phases == 1 else _ZERO)


@kernel
def light_state(phase, current, following, clearing, clock, phases):
    """LightState of a head.

    Args:
        phase: in which the head is green. current, following: the plan's phase and the one to come.
        clearing: 0 during green. clock: [s] since the green or the clearing began. phases: of the plan.
    """
    if clearing == 0:
        return _GREEN if phase == current else _RED
    if phase == current and clock < AMBER_TIME:
        return _AMBER
    if phase == following and clock >= clearing_time(phases) - RED_AMBER_TIME:
        return _RED_AMBER
    return _RED


@kernel
def light_one(b, light, tables, worlds):
    """Set the state of one light (index within the map) of world b for the present step."""
    held = worlds.light_hold[b, light]
    if held >= 0:
        worlds.light[b, light] = held
        return
    row = tables.maps[worlds.map_id[b]]
    head = tables.lights[row.light0 + light]
    plan = head.plan - row.plan0
    worlds.light[b, light] = light_state(
        head.phase, worlds.plan_phase[b, plan], worlds.plan_next[b, plan], worlds.plan_clearing[b, plan],
        worlds.plan_clock[b, plan], tables.plans[head.plan].phases,
    )  # fmt: skip


@kernel
def start_lights_world(b, tables, worlds):
    """Plans of world b at the begin of an episode: some phase, green for some time, so that a town is not in step."""
    row = tables.maps[worlds.map_id[b]]
    for plan in range(row.plan1 - row.plan0):
        phases, entity = tables.plans[row.plan0 + plan].phases, ENTITY_PLAN + plan
        worlds.plan_phase[b, plan] = draw_index(worlds.seed[b], entity, 0, FIRST_PHASE, phases)
        worlds.plan_clock[b, plan] = MAX_GREEN * draw_unit(worlds.seed[b], entity, 0, FIRST_CLOCK)
        worlds.plan_next[b, plan] = worlds.plan_phase[b, plan]
        worlds.plan_clearing[b, plan] = 0
        worlds.plan_calls[b, plan] = worlds.plan_holds[b, plan] = 0
    for light in range(row.light1 - row.light0):
        light_one(b, light, tables, worlds)


@kernel
def lights_world(b, tables, worlds, dt):
    """One step of all plans and lights of world b, on the calls of the step before."""
    row = tables.maps[worlds.map_id[b]]
    plans = row.plan1 - row.plan0
    for plan in range(plans):
        plan_one(b, plan, tables.plans[row.plan0 + plan].phases, worlds, dt)
        worlds.plan_calls[b, plan] = worlds.plan_holds[b, plan] = 0
    for light in range(row.light1 - row.light0):
        light_one(b, light, tables, worlds)
