"""Indicators of vehicles in pictures: they tell the turn that comes."""

import numpy as np
import pytest

from scenarios.registry import find_scenario, scenario_map
from simulator.camera_things import indicator
from simulator.engine import Engine
from world.kinds import Turn
from world.mapset import pack_maps


@pytest.mark.parametrize(("turn", "told"), [(Turn.LEFT, 1), (Turn.RIGHT, -1), (Turn.STRAIGHT, 0)])
def test_a_turn_is_told_before_and_in_the_junction(turn, told):
    scenario = find_scenario("intersection")
    m = scenario_map(scenario)
    with Engine(pack_maps([m]), scenario) as engine:
        engine.reset([1])
        slots, lanes = engine.model.slots, engine._packed.tables.lanes
        turns = np.flatnonzero((m.lane_junction >= 0) & (m.lane_turn == int(turn)))
        into = {int(s): lane for lane in range(m.lane_count)
                for s in m.successor[m.successor_start[lane] : m.successor_start[lane + 1]]}  # fmt: skip
        lane = next(int(t) for t in turns if int(t) in into and m.lane_length[into[int(t)]] > 50.0)
        before, i = into[lane], int(np.flatnonzero(engine.state.valid[0])[0])
        slots.steer[0, i] = 0.0
        slots.lane[0, i], slots.route_lane[0, i, :2] = before, (before, lane)
        for left, expected in ((45.0, 0), (20.0, told)):
            slots.lane_s[0, i] = m.lane_length[before] - left
            assert indicator(0, i, slots, lanes) == expected
        slots.lane[0, i], slots.lane_s[0, i], slots.route_lane[0, i, 0] = lane, 1.0, lane
        assert indicator(0, i, slots, lanes) == told


def test_off_the_map_it_goes_by_the_wheels():
    scenario = find_scenario("intersection")
    with Engine(pack_maps([scenario_map(scenario)]), scenario) as engine:
        engine.reset([1])
        slots, lanes = engine.model.slots, engine._packed.tables.lanes
        slots.lane[0, 0] = -1
        for steer, told in ((0.3, 1), (-0.3, -1), (0.05, 0)):
            slots.steer[0, 0] = steer
            assert indicator(0, 0, slots, lanes) == told
