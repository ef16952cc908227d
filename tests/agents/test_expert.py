"""The expert as an Agent: protocol, batch laws, errors, and the planner without a map on the same stage."""

import numpy as np
import pytest

from agents.expert import ExpertAgent
from agents.registry import make_agent
from planning.scene_planner import ScenePlanner
from tests.agents.stage import Other, Stage
from tests.agents.test_behaviour import LEFT, LINE, STRAIGHT, column, line_through
from world.kinds import LightState
from world.protocols import Agent, Planner, Privilege
from world.records import Decision, Scene, Task
from world.route_table import RouteTable
from world.toy import junction, straight_road


def stacked(records, kind, worlds):
    """B records of one driver as one record of (B, 1)."""
    out = {}
    for name in kind.__dataclass_fields__:
        parts = [getattr(r, name) for r in records]
        if hasattr(parts[0], "__dataclass_fields__"):
            out[name] = stacked(parts, type(parts[0]), worlds)
        elif isinstance(parts[0], np.ndarray):
            out[name] = np.concatenate(parts)
        else:
            out[name] = parts[0]
    return kind(**out)


def test_it_is_an_agent_and_says_so():
    agent = make_agent("expert")
    assert isinstance(agent, Agent) and isinstance(agent, ExpertAgent)
    assert agent.privileged and agent.sensors == ()
    assert isinstance(ScenePlanner(), Planner)


def test_it_refuses_to_drive_without_a_map_or_before_reset():
    stage = Stage(straight_road(100), [("r", 0, -1)])
    agent = ExpertAgent()
    with pytest.raises(ValueError, match="before reset"):
        agent.act(stage.scene(0.0))
    with pytest.raises(ValueError, match="Privilege"):
        agent.reset(stage.task)


def test_two_drivers_decide_as_each_would_alone():
    scenes, alone, tasks, privileges = [], [], [], []
    for speed, keys in ((8.0, LEFT), (11.0, STRAIGHT)):
        stage = Stage(junction(control="none"), keys, speed=speed, at=50)
        column(stage, line_through(STRAIGHT), (20, 40), 8.0)
        scene = stage.scene(0.0)
        scenes.append(scene)
        alone.append(stage.agent.act(scene))
        tasks.append(stage.task)
        privileges.append(stage.privilege)
    agent = ExpertAgent()
    routes = RouteTable(*(np.concatenate(p) for p in zip(*(p.routes for p in privileges), strict=True)))
    privilege = Privilege(privileges[0].maps, np.zeros(2, np.int32), routes)
    agent.reset(stacked(tasks, Task, 2), privilege=privilege)
    both: Decision = agent.act(stacked(scenes, Scene, 2))
    for b in range(2):
        assert both.control.steer[b, 0] == alone[b].control.steer[0, 0]
        assert both.control.accel[b, 0] == alone[b].control.accel[0, 0]
        assert np.array_equal(both.plan.xy[b], alone[b].plan.xy[0])


def test_plan_starts_at_the_driver_and_is_smooth():
    stage = Stage(junction(), STRAIGHT, speed=9, at=30)
    stage.light = lambda t: LightState.RED
    decision = stage.agent.act(stage.scene(0.0))
    plan = decision.plan
    assert plan.xy[0, 0, 0] == pytest.approx(stage.state[:2], abs=1e-3)
    assert plan.speed[0, 0, 0] == pytest.approx(9.0)
    moved = np.hypot(*np.diff(plan.xy[0, 0], axis=0).T)
    expected = 0.5 * (plan.speed[0, 0, 1:] + plan.speed[0, 0, :-1]) * np.diff(plan.time)
    assert moved == pytest.approx(expected, abs=0.05)
    assert sum(plan.terms[name][0, 0] for name in ("limit", "curve", "leader", "light", "junction")) == 1
    assert 0 <= plan.terms["safe"][0, 0] <= 1


def test_partial_reset_forgets_one_driver_only():
    stage = Stage(junction(control="stop"), [("a1", 0, 1), ("c131", 0, -1), ("a3", 0, -1)], speed=8)
    stage.run(12)
    memory = stage.agent._memory
    assert not np.isnan(memory["stopped_at"][0, 0])
    stage.agent.reset(stage.task, mask=np.zeros((1, 1), bool), privilege=stage.privilege)
    assert not np.isnan(memory["stopped_at"][0, 0])
    stage.agent.reset(stage.task, mask=np.ones((1, 1), bool), privilege=stage.privilege)
    assert np.isnan(memory["stopped_at"][0, 0])


class MapFree:
    """ScenePlanner behind the stage's agent interface."""

    def __init__(self):
        self.planner = ScenePlanner()

    def reset(self, task, mask=None, privilege=None):
        self.planner.reset(task, mask)

    def act(self, scene):
        plan = self.planner.plan(scene)
        return Decision(control=self.planner.control(), plan=plan, scene=scene)


def test_without_a_map_lights_are_obeyed_and_leaders_followed():
    stage = Stage(junction(), STRAIGHT, speed=11, agent=MapFree())
    stage.light = lambda t: LightState.RED if t < 14 else LightState.GREEN
    stage.add(Other(stage.line, lambda t: 0.0 if t < 18 else 7.0, s=LINE + 25))
    track = stage.run(30)
    assert LINE - 3 < track.front[track.t < 14].max() < LINE
    assert track.gap.min() > 1.0
    assert track.s[-1] > LINE + 40


@pytest.mark.parametrize("start", [5, 20, 35])
def test_without_a_map_oncoming_traffic_is_given_way_to(start):
    stage = Stage(junction(control="none"), LEFT, speed=8, agent=MapFree())
    column(stage, line_through([("a0", 0, 1), ("c021", 0, -1), ("a2", 0, -1)]), (start, start + 25), 9.0)
    track = stage.run(30)
    assert track.gap.min() > 0.5
    assert track.s[-1] > LINE + 30
