"""Traffic lights of a running world: order of states, and never two phases green at a time."""

import numpy as np

from tests.simulator.engine_rig import drive, make_engine
from world.kinds import LightState

ALLOWED = {
    (LightState.GREEN, LightState.AMBER),
    (LightState.AMBER, LightState.RED),
    (LightState.AMBER, LightState.RED_AMBER),
    (LightState.RED, LightState.RED_AMBER),
    (LightState.RED_AMBER, LightState.GREEN),
    (LightState.RED, LightState.GREEN),
}


def test_states_follow_each_other_and_phases_exclude_each_other():
    with make_engine("grid", vehicles=20, pedestrians=0, drivers=0) as engine:
        engine.reset([4])
        m = engine.maps.maps[0]
        plan, phase = m.light_plan, m.light_phase
        count = len(plan)
        before, greens = engine.state.light[0, :count].copy(), 0
        for _ in range(2400):
            drive(engine, 1)
            now = engine.state.light[0, :count].copy()
            for k in np.flatnonzero(now != before):
                assert (LightState(before[k]), LightState(now[k])) in ALLOWED
                greens += now[k] == LightState.GREEN
            going = (now == LightState.GREEN) | (now == LightState.AMBER)
            for p in np.unique(plan):
                assert len(set(phase[going & (plan == p)].tolist())) <= 1
            before = now
    assert greens > 20
