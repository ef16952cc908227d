"""The driver behind the eyes in a closed loop, with an oracle for eyes; and that it looks at nothing else."""

from types import SimpleNamespace

import numpy as np
import pytest

from agents.pipeline import PipelineAgent
from agents.registry import make_agent
from envs.backends import make_backend
from perception.records import empty_percept
from scenarios.registry import adapt, find_scenario
from simulator.engine import Engine
from tests.perception.oracle import OraclePercept
from world.kinds import EventKind
from world.protocols import Agent
from world.records import Decision

SENSORS = ("gnss", "imu", "odometry")


def start(seed, vehicles=30, walkers=10, oracle_seed=0):
    backend = make_backend("light", adapt(find_scenario("town01"), vehicles, walkers, None))
    backend.reset([seed])
    assert isinstance(backend, Engine)
    agent = PipelineAgent(OraclePercept(backend, oracle_seed))
    return backend, agent


def drive(backend, agent, steps):
    """(controls (steps, 2), events) of a drive."""
    controls, events = [], []
    for _ in range(steps):
        control = agent.act(backend.sensors(SENSORS)).control
        controls.append((control.steer[0, 0], control.accel[0, 0]))
        result = backend.step(control)
        events += result.events
        if result.terminated[0, 0]:
            break
    return np.array(controls), events


def test_it_drives_through_a_light_and_a_turn_without_harm():
    backend, agent = start(seed=4)
    agent.reset(backend.task)
    _, events = drive(backend, agent, 1200)
    bad = [EventKind(e.kind).name for e in events if e.kind != EventKind.COMPLETED]
    assert not bad
    before = backend.privilege.routes.length[0, 0]
    assert float(agent.builder.scene.route.remaining[0, 0]) < before - 250.0


def test_a_map_swapped_behind_its_back_changes_nothing():
    """The task and the sensors are all it gets: another map, a privilege that fails when touched: not noticed."""

    class Trap:
        def __getattr__(self, name):
            raise AssertionError(f"the driver looked at {name} of what only privileged drivers may see")

    def controls(swapped):
        backend, agent = start(seed=7)
        agent.reset(backend.task, privilege=Trap() if swapped else None)  # pyright: ignore[reportArgumentType]
        if swapped:
            assert isinstance(backend, Engine)
            backend.maps = make_backend("light", adapt(find_scenario("town02"), 0, 0, None)).privilege.maps
        return drive(backend, agent, 200)[0]

    assert np.array_equal(controls(swapped=False), controls(swapped=True))


def test_same_seeds_same_controls():
    def controls():
        backend, agent = start(seed=2)
        agent.reset(backend.task)
        return drive(backend, agent, 150)[0]

    assert np.array_equal(controls(), controls())


def test_a_new_episode_begins_anew():
    """After another drive an agent drives an episode as one that has not driven does."""
    backend, agent = start(seed=3)
    agent.reset(backend.task)
    drive(backend, agent, 100)
    backend.reset([5])
    assert isinstance(backend, Engine)
    agent._perceive = OraclePercept(backend, 9)
    agent.reset(backend.task)
    again, _ = drive(backend, agent, 80)
    fresh_backend, fresh = start(seed=5, oracle_seed=9)
    fresh.reset(fresh_backend.task)
    assert np.array_equal(again, drive(fresh_backend, fresh, 80)[0])


def test_what_it_answers():
    backend, agent = start(seed=1)
    agent.reset(backend.task)
    decision = agent.act(backend.sensors(SENSORS))
    assert isinstance(decision, Decision) and isinstance(agent, Agent)
    assert decision.plan is not None and decision.plan.valid.all()
    assert decision.scene is agent.builder.scene and decision.detections is not None
    assert all(v.shape[:2] == (1, 1) for v in decision.debug.values())


def test_it_is_known_by_name_and_wants_its_sensors():
    agent = make_agent("pipeline")
    assert agent.name == "pipeline" and not agent.privileged
    assert set(agent.sensors) == {"gnss", "imu", "odometry", "camera:wide", "camera:narrow"}


def test_bad_calls():
    agent = PipelineAgent(lambda frame: empty_percept(1, 1))
    with pytest.raises(ValueError, match="needs a SensorFrame, got SimpleNamespace"):
        agent.act(SimpleNamespace())  # pyright: ignore[reportArgumentType]
    backend, agent = start(seed=1)
    with pytest.raises(ValueError, match="before reset"):
        agent.act(backend.sensors(SENSORS))
