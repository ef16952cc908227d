"""Lanes that run out into the lane on their left: who is on one changes early, and nobody changes into it."""

import numpy as np
import pytest

from scenarios.registry import find_scenario, scenario_map
from simulator.engine import Engine
from simulator.traffic import RUNS_OUT, make_network
from tests.simulator.engine_stage import idle, map_set, scenario
from world.mapset import pack_maps


@pytest.fixture(scope="module")
def highway():
    return pack_maps([scenario_map(find_scenario("highway"))])


def test_acceleration_lanes_run_out_and_nothing_else(highway):
    m, flags = highway.maps[0], make_network(highway).rails["flags"]
    found = np.flatnonzero(flags & RUNS_OUT)
    assert len(found) == 4  # two interchanges, both carriageways
    assert set(m.lane_id[found].tolist()) == {-4} and (m.lane_left[found] >= 0).all()
    assert m.lane_length[found] == pytest.approx([320.0] * 4)
    town = map_set("town01")
    assert not (make_network(town).rails["flags"] & RUNS_OUT).any()


def test_entering_traffic_merges_before_the_end(highway):
    """400 vehicles: hardly anybody has to stop."""
    plan = scenario(vehicles=400, control_every=10, dt=0.1)
    flags = make_network(highway).rails["flags"]
    m = highway.maps[0]
    fast = m.point_limit[m.lane_start[:-1]] > 99.0 / 3.6
    entered, standing, looks = 0, 0, 0
    with Engine(highway, plan) as engine:
        engine.reset([1])
        before = engine.model.slots.lane[0].copy()
        for step in range(330):
            engine.step(idle(engine))
            lane = engine.model.slots.lane[0]
            on, was = flags[lane] & RUNS_OUT > 0, flags[before] & RUNS_OUT > 0
            beside = highway.tables.lanes["right"][before] == lane
            assert not (on & ~was & beside).any(), "somebody changed into a lane that runs out"
            if step > 200:
                entered += int((was & ~on & (highway.tables.lanes["left"][before] == lane)).sum())
                motorway = engine.state.valid[0] & fast[lane]
                standing += int((engine.state.speed[0][motorway] < 1.0).sum())
                looks += int(motorway.sum())
            before = lane.copy()
    assert entered > 20
    assert standing / looks < 0.05, standing / looks
