"""Traffic lights: the state of each head follows from its plan's clock.

A plan's cycle is, phase after phase: green, amber, all-red (with red-amber at its end for the phase that comes next).
Each plan of each world has a random offset, so that a town does not switch as one.
"""

import numpy as np

from world.kernel import kernel
from world.kinds import LightState
from world.random import draw_unit

GREEN_TIME = np.float32(12.0)  # [s]
AMBER_TIME = np.float32(3.0)  # [s]
ALL_RED_TIME = np.float32(2.0)  # [s]
RED_AMBER_TIME = np.float32(1.0)  # [s] last part of the all-red time
PHASE_TIME = GREEN_TIME + AMBER_TIME + ALL_RED_TIME
LONE_RED_TIME = np.float32(8.0)  # [s] extra red of a plan of one phase
ENTITY_PLAN = 3 << 20
OFFSET = 121  # purpose of the draw
_RED, _RED_AMBER = int(LightState.RED), int(LightState.RED_AMBER)
_GREEN, _AMBER = int(LightState.GREEN), int(LightState.AMBER)


@kernel
def light_state(time, phase, phases, offset):
    """LightState of a head.

    Args:
        time: [s] since reset. phase: the plan's phase in which the head is green. phases: of the plan.
        offset: fraction of the cycle in [0, 1) by which the plan is ahead.
    """
    cycle = PHASE_TIME * np.float32(phases)
    if phases == 1:
        cycle += LONE_RED_TIME
    clock = np.float64(time) + np.float64(offset) * cycle
    within = np.float32(clock - np.floor(clock / cycle) * cycle)
    own = within - np.float32(phase) * PHASE_TIME
    if own < np.float32(0.0):
        own += cycle
    if own < GREEN_TIME:
        return _GREEN
    if own < GREEN_TIME + AMBER_TIME:
        return _AMBER
    if own >= cycle - RED_AMBER_TIME:
        return _RED_AMBER
    return _RED


@kernel
def light_one(b, light, tables, worlds, dt):
    """Set the state of one light (index within the map) of world b for the present step."""
    held = worlds.light_hold[b, light]
    if held >= 0:
        worlds.light[b, light] = held
        return
    row = tables.maps[worlds.map_id[b]]
    head = tables.lights[row.light0 + light]
    plan = head.plan - row.plan0
    offset = draw_unit(worlds.seed[b], ENTITY_PLAN + plan, 0, OFFSET)
    time = np.float64(worlds.step[b]) * dt
    worlds.light[b, light] = light_state(time, head.phase, tables.plans[head.plan].phases, offset)


@kernel
def lights_world(b, tables, worlds, dt):
    """All lights of world b."""
    row = tables.maps[worlds.map_id[b]]
    for light in range(row.light1 - row.light0):
        light_one(b, light, tables, worlds, dt)
