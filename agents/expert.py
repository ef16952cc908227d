"""The rule-based expert: true Scene and map in, planned controls out."""

import numpy as np
from numpy.typing import NDArray

from planning.config import STEP_DT, STEPS, PlannerConfig
from planning.memory import forget, make_memory
from planning.planner import make_output, make_scratch, plan_by_map
from planning.speed import REASONS
from planning.view import scene_view
from world.protocols import Privilege
from world.records import Control, Decision, Plan, Scene, SensorFrame, Task

TERMS = ("safe", "progress", "ttc", "comfort", "rules")


class ExpertAgent:
    """A privileged driver: follows its route by the rules of the road.

    Plan.terms hold the score terms of the chosen proposal, and one flag a reason ("leader", "light", ...) that says
    what binds its speed.
    """

    name = "expert"
    sensors: tuple[str, ...] = ()
    privileged = True

    def __init__(self, config: PlannerConfig | None = None):
        self.config = config or PlannerConfig()
        self._scratch = make_scratch()
        self._ready = False

    def reset(self, task: Task, mask: NDArray[np.bool_] | None = None, privilege: Privilege | None = None) -> None:
        """Start new episodes.

        Raises:
            ValueError: no privilege was given.
        """
        if privilege is None:
            raise ValueError("the expert drives by the map: reset() got privilege=None, a Privilege is needed")
        shape = task.waypoint.shape[:2]
        if not self._ready or self._memory.plan.shape != shape:
            self._memory, self._out = make_memory(*shape), make_output(*shape)
            self._ready, mask = True, None
        forget(self._memory, np.ones(shape, np.bool_) if mask is None else mask)
        self._privilege = privilege
        self._lag = np.ascontiguousarray(task.vehicle.steer_lag)
        self._brake = np.ascontiguousarray(task.vehicle.max_brake)
        self._dt = float(task.dt * task.control_every)

    def act(self, observation: SensorFrame | Scene) -> Decision:
        """One decision a driver.

        Raises:
            ValueError: a SensorFrame was given, or reset() has not been called.
        """
        if not isinstance(observation, Scene):
            raise ValueError(f"the expert needs a Scene, got {type(observation).__name__}")
        if not self._ready:
            raise ValueError("act() before reset()")
        p = self._privilege
        plan_by_map(
            scene_view(observation), p.map_id, p.maps.tables, p.routes, self._lag, self._brake, self._dt, self._memory,
            self._scratch, self._out, self.config,
        )  # fmt: skip
        return self._decision(observation)

    def _decision(self, scene: Scene) -> Decision:
        out = self._out
        terms = {name: out.terms[..., i].copy() for i, name in enumerate(TERMS)}
        terms |= {name: (out.reason == i).astype(np.float32) for i, name in enumerate(REASONS) if i > 0}
        plan = Plan(
            time=np.arange(STEPS, dtype=np.float32) * np.float32(STEP_DT),
            xy=np.stack((out.x, out.y), axis=-1),
            yaw=out.yaw.copy(),
            speed=out.speed.copy(),
            accel=out.accel.copy(),
            valid=scene.active.copy(),
            terms=terms,
        )
        debug = {"choice": out.choice.copy(), "path_error": out.error.copy(), "source": out.source.copy()}
        control = Control(steer=out.steer.copy(), accel=out.drive.copy())
        return Decision(control=control, plan=plan, scene=scene, debug=debug)
