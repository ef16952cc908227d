"""Engine: the embedded simulator, a batch of worlds behind `world.protocols.Backend`.

All state lives in arrays that are allocated here once; a step is one compiled call per slice of worlds. Records that
the engine hands out (`state`, `bodies`, `scene()`) are views that the next step overwrites.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.entries import clear_world, scene_worlds, sense_worlds, start_driver, start_world, step_worlds
from simulator.errands import make_errands
from simulator.hooks import EngineHooks
from simulator.judge import clear_events, collect_events
from simulator.model import Model, make_model, pack_model
from simulator.scene import scene_view
from simulator.sensors import SensorConfig, sensor_frame
from simulator.snapshot import Start, WorldRows, restore_world, store_world
from simulator.state import bodies_view, state_view
from simulator.traffic import PATH_POINTS
from simulator.warmup import warm_up
from world.camera import RIG, CameraSpec
from world.protocols import Director, Privilege
from world.ranging import RANGERS, LidarSpec, RadarSpec, check_rangers, sensor_name
from world.records import Bodies, Control, HookOp, Scene, SensorFrame, StepResult, Task
from world.roadmap import MapSet
from world.scenario import Scenario

if TYPE_CHECKING:
    from simulator.camera_sensor import CameraSensors
    from simulator.ranging_sensor import RangingSensors

SENSORS = ("gnss", "imu", "odometry")
CAMERA = "camera:"  # begins the name of a camera as a sensor
GOAL_RADIUS = 10.0  # [m]


class Engine:
    """Worlds with traffic, walkers and drivers.

    Attributes: `bodies`, `state`, `task`, `privilege`, `hooks` (world.protocols.Backend) and `state_hash`, (B,) uint64
    over all bodies and lights of all steps since reset.

    Args:
        maps: the maps; world b drives on maps.maps[map_id[b]].
        scenario: traffic, routes, clock and judge of all worlds.
        worlds: B.
        map_id: (B,) map of each world; None: the first.
        threads: slices of worlds that step at the same time; results do not depend on it.
        spare: slots a world that hooks may fill.
        sensor_config: noise of the sensors.
        director: called in every world before every engine step.
        cameras: what every driver carries; nothing is drawn until `sensors` asks for "camera:NAME".
        rangers: lidars and radars that it carries; they are "lidar:NAME" and "radar:NAME".
    """

    def __init__(
        self,
        maps: MapSet,
        scenario: Scenario,
        worlds: int = 1,
        map_id: Sequence[int] | NDArray[np.integer] | None = None,
        threads: int = 1,
        spare: int = 8,
        sensor_config: SensorConfig | None = None,
        director: Director | None = None,
        cameras: Sequence[CameraSpec] = RIG,
        rangers: Sequence[LidarSpec | RadarSpec] = RANGERS,
    ):
        _check(maps, scenario, worlds, map_id, threads, spare)
        self.maps, self.scenario, self.director = maps, scenario, director
        self.cameras = tuple(cameras)
        self._camera_sensors: CameraSensors | None = None
        self.rangers = check_rangers(rangers)
        self._ranging_sensors: RangingSensors | None = None
        self._errands = make_errands(maps, scenario, worlds)
        self._use(make_model(maps, self._errands.routes, worlds, scenario, spare, sensor_config or SensorConfig()))
        model = self.model
        self._rows = WorldRows(model)
        if map_id is not None:
            model.worlds.map_id[:] = map_id
        self.bodies = bodies_view(model.slots)
        self.state = state_view(model.slots, model.worlds)
        self.state_hash = model.state_hash
        self._scene = scene_view(model.scene)
        self.hooks = EngineHooks(self)
        self._pool: ThreadPoolExecutor | None = None
        self._pool_process = -1
        self._slices = _slices(worlds, threads)
        self._started = np.zeros(worlds, np.bool_)
        warm_up()

    def _use(self, model: Model) -> None:
        """Work on these arrays from now on."""
        self.model = model
        self._packed = pack_model(model)
        self.address = self._packed.address

    def _use_routes(self) -> None:
        """Work on the errands' table of routes, which may have grown."""
        if self.model.routes is not self._errands.routes:
            self._use(self.model._replace(routes=self._errands.routes))

    def free_path(self) -> int:
        """Index of a path that no slot uses, after making room if there is none."""
        traffic = self.model.traffic
        free = np.flatnonzero(traffic.path_points == 0)
        if not len(free):  # slots that were emptied leave their paths behind
            held = traffic.row["path"]
            traffic.path_points[np.setdiff1d(np.arange(len(traffic.path_points)), held[held >= 0])] = 0
            free = np.flatnonzero(traffic.path_points == 0)
        if not len(free):
            count = len(traffic.path_points)
            path, points = np.zeros((2 * count, PATH_POINTS, 2), np.float32), np.zeros(2 * count, np.int32)
            path[:count], points[:count] = traffic.path, traffic.path_points
            self._use(self.model._replace(traffic=traffic._replace(path=path, path_points=points)))
            free = np.array([count])
        return int(free[0])

    # --- What a driver is told ----------------------------------------------------------------------------------

    @property
    def task(self) -> Task:
        """Route, vehicle and clock of every driver."""
        drivers = self.model.drivers
        vehicle = Bodies(**{n: getattr(self.bodies, n)[:, :drivers] for n in Bodies.__dataclass_fields__})
        scenario = self.scenario
        waypoint, command, waypoint_valid = self._errands.waypoints()
        return Task(
            waypoint=waypoint,
            command=command,
            waypoint_valid=waypoint_valid,
            goal_radius=GOAL_RADIUS,
            vehicle=vehicle,
            dt=scenario.dt,
            control_every=scenario.control_every,
        )

    @property
    def privilege(self) -> Privilege:
        """Maps and dense routes, for agents that declare that they use them."""
        return Privilege(self.maps, self.state.map_id, self._errands.routes)

    # --- Episodes -----------------------------------------------------------------------------------------------

    def reset(self, seeds: Sequence[int], mask: NDArray[np.bool_] | None = None) -> None:
        """Start new episodes in the worlds of `mask` (all, if None), each a function of its seed and map alone.

        Raises:
            ValueError: not one seed or mask value a world; a map has no route of the scenario's length.
        """
        worlds = len(self.state_hash)
        if len(seeds) != worlds:
            raise ValueError(f"reset: got {len(seeds)} seeds, expected one for each of {worlds} worlds")
        chosen = np.ones(worlds, np.bool_) if mask is None else np.asarray(mask)
        if chosen.shape != (worlds,) or chosen.dtype != np.bool_:
            raise ValueError(f"reset: mask is {chosen.dtype} {chosen.shape}, expected bool of shape ({worlds},)")
        which = np.flatnonzero(chosen)
        model = self.model
        for b in map(int, which):
            clear_world(self.address, b)
            seed = int(seeds[b])
            model.worlds.seed[b] = np.uint64(seed & 0xFFFFFFFFFFFFFFFF)
            model.worlds.friction[b] = 1.0
            lengths = self._errands.assign(int(b), seed, int(model.worlds.map_id[b]))
            for k, length in enumerate(lengths):
                start_driver(self.address, b, k, float(self.scenario.time_limit(length)))
        self._use_routes()
        model = self.model
        model.judge.event_count[which] = 0
        model.judge.event_lost[which] = 0
        self.hooks.forget(which)
        for b in map(int, which):
            start_world(self.address, b)
        self._started[which] = True
        if self.director is not None:
            for b in which:
                self.director.reset(int(b), self.hooks, self.state)

    def store(self, world: int) -> Start:
        """All that a world is at this moment, for `restore`.

        Raises:
            ValueError: no such world, never reset, or a director is at work, whose memory is not the engine's.
        """
        return store_world(self, world)

    def restore(self, world: int, start: Start) -> None:
        """Bring a world back to a stored start: it goes on bit for bit as after the store, hash included.

        Any world will do whose map is the same, of any engine with the same maps, head counts, clock, judge and
        sensors. Its log of hook operations is empty afterwards. Costs a copy; see docs/benchmarks.md.

        Raises:
            ValueError: no such world, a start of another kind of engine or map, or a director is at work.
        """
        restore_world(self, world, start)

    def step(self, control: Control) -> StepResult:
        """Apply (B, K) controls for `control_every` engine steps.

        Raises:
            RuntimeError: a world was never reset. ValueError: controls of another shape, or not finite.
        """
        self._take(control)
        judge = self.model.judge
        before = judge.progress.copy()
        every = self.scenario.control_every
        if self.director is None:
            self._run(every)
        else:
            for _ in range(every):
                for b in range(len(self.state_hash)):
                    time = float(self.state.step[b]) * self.scenario.dt
                    self.director.tick(b, self.hooks, self.state, time)
                self._run(1)
        events = collect_events(judge)
        clear_events(judge)
        return StepResult(
            reward={"progress": judge.progress - before},
            events=events,
            terminated=judge.terminated.copy(),
            truncated=judge.truncated.copy(),
            progress=judge.progress.copy(),
        )

    def _take(self, control: Control) -> None:
        """Check and store the controls."""
        if not self._started.all():
            raise RuntimeError(f"step: world {int(np.argmin(self._started))} was never reset")
        drivers = self.model.drivers
        slots, shape = self.model.slots, (len(self.state_hash), drivers)
        for name, held in (("steer", slots.control_steer), ("accel", slots.control_accel)):
            value = np.asarray(getattr(control, name), np.float32)
            if value.shape != shape:
                raise ValueError(f"control.{name} has shape {value.shape}, expected (worlds, drivers) = {shape}")
            if not np.isfinite(value).all():
                b, k = np.argwhere(~np.isfinite(value))[0]
                raise ValueError(f"control.{name}[{b}, {k}] is {value[b, k]}, expected a finite number")
            held[:, :drivers] = value

    def _run(self, steps: int) -> None:
        """Step all worlds, each slice in a thread of its own where there are several."""
        if len(self._slices) == 1:
            step_worlds(self.address, 0, len(self.state_hash), steps)
            return
        if self._pool is None or self._pool_process != os.getpid():  # a forked process has none of its parent's threads
            self._pool, self._pool_process = ThreadPoolExecutor(len(self._slices)), os.getpid()
        jobs = [self._pool.submit(step_worlds, self.address, first, last, steps) for first, last in self._slices]
        for job in jobs:
            job.result()

    # --- What is seen -------------------------------------------------------------------------------------------

    @property
    def scene_record(self) -> Scene:
        """The Scene that `scene()` fills, as it is."""
        return self._scene

    def scene(self) -> Scene:
        """The true scene of every driver, as of now."""
        scene_worlds(self.address, 0, len(self.state_hash))
        return self._scene

    def sensors(self, names: Sequence[str], first: int = 0, last: int | None = None) -> SensorFrame:
        """What the named sensors measure now.

        Args:
            first, last: only the worlds first .. last - 1 measure (None: to the end); the others keep their rows.

        Raises:
            ValueError: a sensor that the engine does not have.
        """
        ranging = [sensor_name(spec) for spec in self.rangers]
        known = [*SENSORS, *(CAMERA + spec.name for spec in self.cameras), *ranging]
        for name in names:
            if name not in known:
                raise ValueError(f"sensor {name!r} is unknown; allowed: {', '.join(known)}")
        last = len(self.state_hash) if last is None else last
        sense_worlds(self.address, first, last)
        frame = sensor_frame(self.model.sensors)
        seen = [name.removeprefix(CAMERA) for name in names if name.startswith(CAMERA)]
        if seen:
            taken = {name: self.camera_sensors.take(name, first, last) for name in seen}
            images, fresh = ({name: pair[i] for name, pair in taken.items()} for i in (0, 1))
            frame = replace(frame, images=images, image_fresh=fresh)
        found = {n.split(":", 1)[1]: self.ranging_sensors.take(n, first, last) for n in names if n in ranging}
        if found:
            points, count, new = ({name: each[i] for name, each in found.items()} for i in (0, 1, 2))
            frame = replace(frame, points=points, points_count=count, points_fresh=new)
        return frame

    @property
    def camera_sensors(self) -> "CameraSensors":
        """The drivers' cameras and their renderer; made when they are first asked for."""
        if self._camera_sensors is None:
            from simulator.camera_sensor import CameraSensors

            self._camera_sensors = CameraSensors(self, self.cameras)
        return self._camera_sensors

    @property
    def ranging_sensors(self) -> "RangingSensors":
        """The drivers' lidars and radars; made when they are first asked for."""
        if self._ranging_sensors is None:
            from simulator.ranging_sensor import RangingSensors

            self._ranging_sensors = RangingSensors(self, self.rangers)
        return self._ranging_sensors

    def take_hook_ops(self, world: int) -> list[HookOp]:
        """What hooks did to a world since the last call (or its reset), for a record."""
        return self.hooks.take(world)

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None and self._pool_process == os.getpid():
            self._pool.shutdown()
        self._pool = None

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _slices(worlds: int, threads: int) -> list[tuple[int, int]]:
    bounds = np.linspace(0, worlds, min(threads, worlds) + 1).astype(int)
    return [(int(a), int(c)) for a, c in zip(bounds[:-1], bounds[1:], strict=True)]


def _check(maps: MapSet, scenario: Scenario, worlds: int, map_id: object, threads: int, spare: int) -> None:
    """Raises ValueError where the arguments make no engine."""
    low = {"worlds": (worlds, 1), "threads": (threads, 1), "spare": (spare, 0), "drivers": (scenario.drivers, 0)}
    low |= {"vehicles": (scenario.vehicles, 0), "pedestrians": (scenario.pedestrians, 0)}
    low |= {"control_every": (scenario.control_every, 1)}
    for name, (value, least) in low.items():
        if value < least:
            raise ValueError(f"Engine: {name} is {value}, allowed is {least} or more")
    if not 0.001 <= scenario.dt <= 0.2:
        raise ValueError(f"Engine: scenario {scenario.name} has dt {scenario.dt} s, allowed is 0.001 to 0.2")
    if map_id is not None:
        ids = np.asarray(map_id)
        if ids.shape != (worlds,):
            raise ValueError(f"Engine: map_id has shape {ids.shape}, expected ({worlds},)")
        if ((ids < 0) | (ids >= len(maps.maps))).any():
            raise ValueError(f"Engine: map_id has {ids.min()} to {ids.max()}, allowed are 0 to {len(maps.maps) - 1}")
