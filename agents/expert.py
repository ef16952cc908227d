"""The rule-based expert: true Scene and map in, planned controls out."""

import numpy as np
from numpy.typing import NDArray

from planning.config import PlannerConfig
from planning.memory import forget, make_memory
from planning.planner import make_output, make_scratch, plan_by_map
from planning.scene_planner import control_record, plan_record
from planning.view import fill_rows, make_rows
from world.pack import Pack
from world.protocols import Privilege
from world.records import Decision, Scene, SensorFrame, Task
from world.roadmap import TABLE_TYPES, MapTables
from world.route_table import make_route_table


def _read_only(table: NDArray) -> NDArray:
    """The same array as a MapSet has it."""
    table.flags.writeable = False
    return table


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
        self._row = self.config.row()
        self._scratch = make_scratch()
        self._ready = False

    def prepare(self) -> None:
        """Compile the planner, or load it from the cache, before it is needed; may run in a thread of its own."""
        tables = Pack(MapTables(**{name: _read_only(np.zeros(1, kind)) for name, kind in TABLE_TYPES.items()}))
        routes = Pack(make_route_table(1, 1, 1, 1))
        nobody = make_rows(1, 1), tables, routes, 0.05, make_memory(1, 1), make_scratch(), make_output(1, 1), self._row
        plan_by_map(*nobody)

    def reset(self, task: Task, mask: NDArray[np.bool_] | None = None, privilege: Privilege | None = None) -> None:
        """Start new episodes.

        Raises:
            ValueError: no privilege was given.
        """
        if privilege is None:
            raise ValueError("the expert drives by the map: reset() got privilege=None, a Privilege is needed")
        shape = task.waypoint.shape[:2]
        if not self._ready or self._memory.shape != shape:
            self._memory, self._out, self._rows = make_memory(*shape), make_output(*shape), make_rows(*shape)
            self._ready, mask = True, None
        forget(self._memory, np.ones(shape, np.bool_) if mask is None else mask)
        self._tables, self._routes = Pack(privilege.maps.tables), Pack(privilege.routes)
        self._rows.driver["steer_lag"], self._rows.driver["max_brake"] = task.vehicle.steer_lag, task.vehicle.max_brake
        self._rows.driver["map"] = np.asarray(privilege.map_id)[:, None]
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
        fill_rows(self._rows, observation)
        plan_by_map(self._rows, self._tables, self._routes, self._dt, self._memory, self._scratch, self._out, self._row)
        debug = {name: self._out.driver[name].astype(np.float32) for name in ("choice", "source", "error")}
        plan = plan_record(self._out, observation)
        return Decision(control=control_record(self._out), plan=plan, scene=observation, debug=debug)
