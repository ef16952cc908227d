"""The driver behind the eyes in a closed loop, with an oracle for eyes; and that it looks at nothing else."""

import copy
import gc
import pickle
import subprocess
import sys
from types import FunctionType, ModuleType, SimpleNamespace

import numpy as np
import pytest

from agents.pipeline import PipelineAgent
from agents.registry import make_agent
from envs.backends import make_backend
from perception.records import empty_percept
from scenarios.registry import adapt, find_scenario
from simulator.engine import Engine
from tests.data import ROOT
from tests.perception.oracle import OraclePercept
from world.kinds import EventKind
from world.protocols import Agent, Privilege
from world.records import Decision
from world.roadmap import MapSet, RoadMap
from world.scenario import Scenario

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


@pytest.fixture(scope="module")
def seen():
    """3 s behind the real eyes: the driver, its last decision, its task, all frames, its controls."""
    backend = make_backend("light", adapt(find_scenario("town01"), 20, 10, None))
    backend.reset([7])
    agent = make_agent("pipeline")
    agent.reset(backend.task)
    task, frames, controls = copy.deepcopy(backend.task), [], []
    for _ in range(60):
        frames.append(copy.deepcopy(backend.sensors(agent.sensors)))
        decision = agent.act(frames[-1])
        controls.append((decision.control.steer.copy(), decision.control.accel.copy()))
        backend.step(decision.control)
    yield SimpleNamespace(agent=agent, decision=decision, task=task, frames=frames, controls=np.array(controls))
    backend.close()


_ALONE = """
import pickle, sys

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"simulator", "scenarios", "envs", "replay"} or name.startswith("world.opendrive"):
            raise ImportError(name + " is not there")

sys.meta_path.insert(0, Gone())
from agents.pipeline import PipelineAgent
with open(sys.argv[1], "rb") as file:
    task, frames = pickle.load(file)
agent = PipelineAgent()
agent.reset(task)
controls = [agent.act(frame).control for frame in frames]
with open(sys.argv[2], "wb") as file:
    pickle.dump([(c.steer.copy(), c.accel.copy()) for c in controls], file)
"""


def test_pictures_and_task_alone_make_the_same_controls_where_there_is_no_map(seen, tmp_path):
    """Another process, without simulator, scenarios or a reader of maps, is handed what the sensors said."""
    (tmp_path / "frames").write_bytes(pickle.dumps((seen.task, seen.frames)))
    command = [sys.executable, "-c", _ALONE, str(tmp_path / "frames"), str(tmp_path / "controls")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    alone = np.array(pickle.loads((tmp_path / "controls").read_bytes()))
    assert alone.tobytes() == seen.controls.tobytes() and np.ptp(alone[:, 1]) > 0.1


def reachable(*roots):
    """All objects that some hold, by attributes, items, closures and array bases; not what modules and classes hold."""
    found, todo = {}, list(roots)
    while todo:
        this = todo.pop()
        if id(this) in found:
            continue
        found[id(this)] = this
        if isinstance(this, (type, ModuleType)):
            continue
        if isinstance(this, FunctionType):
            todo += [*(this.__closure__ or ()), *(this.__defaults__ or ()), *(this.__kwdefaults__ or {}).values()]
        else:
            todo += gc.get_referents(this)
        if isinstance(this, np.ndarray) and this.base is not None:
            todo.append(this.base)
    return found.values()


def test_no_map_is_within_its_reach(seen):
    """After a drive nothing that it holds, and no module it is made of, holds a map, a scenario or the engine."""
    secret = (RoadMap, MapSet, Privilege, Scenario, Engine)
    own = ("agents", "perception", "planning")
    held = [v for name, module in sys.modules.items() if name.split(".")[0] in own for v in vars(module).values()]
    held = [v for v in held if not isinstance(v, (type, ModuleType))]
    things = list(reachable(seen.agent, seen.decision, *held))
    assert any(thing is seen.agent.localiser for thing in things) and len(things) > 500
    assert not [thing for thing in things if isinstance(thing, secret)]
    hidden = RoadMap.__new__(RoadMap)
    seen.agent.hidden = {"deep": [lambda: hidden]}  # that one would be found
    assert any(isinstance(thing, secret) for thing in reachable(seen.agent))
    del seen.agent.hidden


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
