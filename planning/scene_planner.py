"""ScenePlanner: the planner of `world.protocols.Planner` that needs nothing but a Scene."""

import numpy as np
from numpy.typing import NDArray

from planning.config import STEP_DT, STEPS, PlannerConfig
from planning.memory import forget, make_memory
from planning.planner import make_output, make_scratch, plan_by_scene
from planning.speed import REASONS
from planning.view import fill_rows, make_rows
from world.pack import Pack
from world.records import Control, Plan, Scene, Task

TERMS = ("safe", "progress", "ttc", "comfort", "rules")


class ScenePlanner:
    """Plans and controls all (B, K) drivers from their Scenes, true or perceived.

    Args:
        config: thresholds; None: the defaults.
    """

    def __init__(self, config: PlannerConfig | None = None):
        self._row = (config or PlannerConfig()).row()
        self._scratch = make_scratch()
        self._dt = 0.05
        self._memory: NDArray[np.void] | None = None

    def reset(self, task: Task, mask: NDArray[np.bool_] | None = None) -> None:
        """Start new episodes. Args: mask: (B, K) drivers that start anew; None means all."""
        shape = task.waypoint.shape[:2]
        if self._memory is None or self._memory.shape != shape:
            self._memory, self._out, self._rows = make_memory(*shape), make_output(*shape), make_rows(*shape)
            mask = None
        forget(self._memory, np.ones(shape, np.bool_) if mask is None else mask)
        self._rows.driver["steer_lag"], self._rows.driver["max_brake"] = task.vehicle.steer_lag, task.vehicle.max_brake
        self._dt = float(task.dt * task.control_every)

    def plan(self, scene: Scene) -> Plan:
        """One plan a driver; `control` then follows it.

        Raises:
            ValueError: reset() has not been called.
        """
        if self._memory is None:
            raise ValueError("plan() before reset()")
        fill_rows(self._rows, scene)
        plan_by_scene(self._rows, self._dt, self._memory, self._scratch, self._out, self._row)
        return plan_record(self._out, scene)

    def control(self) -> Control:
        """The controls of the last plan."""
        return control_record(self._out)


def plan_record(out: Pack, scene: Scene) -> Plan:
    """A planner.Output as a Plan; terms are the chosen proposal's scores and one flag a reason."""
    driver, rows = out.driver, out.plan
    terms = {name: driver[name].astype(np.float32) for name in TERMS}
    terms |= {name: (driver["reason"] == i).astype(np.float32) for i, name in enumerate(REASONS) if i > 0}
    return Plan(
        time=np.arange(STEPS, dtype=np.float32) * np.float32(STEP_DT),
        xy=np.stack((rows["x"], rows["y"]), axis=-1),
        yaw=rows["yaw"].copy(),
        speed=rows["speed"].copy(),
        accel=rows["accel"].copy(),
        valid=scene.active.copy(),
        terms=terms,
    )


def control_record(out: Pack) -> Control:
    """A planner.Output as a Control."""
    return Control(steer=out.driver["steer"].astype(np.float32), accel=out.driver["drive"].astype(np.float32))
