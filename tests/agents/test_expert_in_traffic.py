"""The expert in the real engine: two worlds of town01 with traffic and pedestrians, a minute each."""

import numpy as np
import pytest

from agents.expert import ExpertAgent
from scenarios.registry import find_scenario
from simulator.engine import Engine
from world.kinds import EventKind
from world.mapset import pack_maps
from world.opendrive import load_map

FINE = {EventKind.COMPLETED}


@pytest.fixture(scope="module")
def drive():
    scenario = find_scenario("town01")
    engine = Engine(pack_maps([load_map(scenario.map_path)]), scenario, worlds=2)
    engine.reset([3, 7])
    agent = ExpertAgent()
    agent.reset(engine.task, privilege=engine.privilege)
    out = {"events": [], "offset": [], "speed": [], "accel": [], "limit": []}
    for _ in range(1200):
        scene = engine.scene()
        result = engine.step(agent.act(scene).control)
        out["events"] += result.events
        out["offset"].append(scene.route.offset[:, 0].copy())
        out["speed"].append(scene.ego.speed[:, 0].copy())
        out["accel"].append(scene.ego.accel[:, 0].copy())
        out["limit"].append(scene.speed_limit[:, 0].copy())
    out["progress"] = result.progress[:, 0].copy()
    engine.close()
    return {k: v if k == "events" else np.array(v) for k, v in out.items()}


def test_no_infraction(drive):
    assert [e for e in drive["events"] if EventKind(e.kind) not in FINE] == []


def test_it_makes_way(drive):
    assert (drive["progress"] > 100).all()


def test_lateral_error_is_small(drive):
    assert np.percentile(np.abs(drive["offset"]), 95) < 0.25


def test_speed_limit_is_kept(drive):
    assert (drive["speed"] <= drive["limit"] + 0.7).all()


def test_braking_and_thrust_are_comfortable(drive):
    inside = (drive["accel"] < 2.4) & (drive["accel"] > -4.05)
    assert inside.mean() > 0.97
