"""The driver behind the eyes: cameras, GNSS, IMU and odometry in, planned controls out.

1. localise: where the vehicle is (perception.localise)
2. perceive: what the cameras show (perception.perceive, a network)
3. route: the way ahead, by waypoints and the lane seen (perception.route)
4. track: who else is there, and where they go (perception.tracker)
5. scene: all of it as a Scene (perception.scene)
6. plan and control: planning, as for any Scene

It is told a sparse Task and gets sensors, nothing else: no map, no scenario, no true scene.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from perception.localise import Localiser
from perception.records import Percept
from perception.route import RouteFinder
from perception.scene import SceneBuilder
from perception.tracker import Tracker
from planning.config import PlannerConfig
from planning.scene_planner import ScenePlanner
from world.protocols import Privilege
from world.records import Decision, DrawPicture, Scene, SensorFrame, Task

_THREADS = 2  # of the eyes' network
Perceive = Callable[[SensorFrame], Percept]


class PipelineAgent:
    """Drives by what it sees.

    Args:
        perceive: SensorFrame -> Percept; None: the shipped networks (`perception.perceive.Perceiver`).
        config: of the planner; None: the defaults.

    Attributes:
        localiser, routes, tracker, builder: the parts, for whoever wants to look into them.
    """

    name = "pipeline"
    sensors: tuple[str, ...] = ("gnss", "imu", "odometry", "camera:wide", "camera:narrow")
    privileged = False

    def __init__(self, perceive: Perceive | None = None, config: PlannerConfig | None = None):
        self._perceive = perceive
        self.localiser, self.routes, self.tracker = Localiser(), RouteFinder(), Tracker()
        self.builder, self.planner = SceneBuilder(), ScenePlanner(config)
        self._pictures: dict[str, DrawPicture] = {}
        self._ready = False

    def prepare(self) -> None:
        """Load the networks before they are needed; may run in a thread of its own."""
        self._eyes()

    def _eyes(self) -> Perceive:
        if self._perceive is None:
            from perception.infer import EyeNet
            from perception.perceive import Perceiver

            self._perceive = Perceiver(net=EyeNet(threads=_THREADS))
        draw = getattr(self._perceive, "draw", None)  # other eyes than cameras have nothing to show
        if draw is not None and not self._pictures:
            self._pictures = {name.removeprefix("camera:"): partial(draw, name.removeprefix("camera:"))
                              for name in self.sensors if name.startswith("camera:")}  # fmt: skip
        return self._perceive

    def reset(self, task: Task, mask: NDArray[np.bool_] | None = None, privilege: Privilege | None = None) -> None:
        """Start new episodes. Args: mask: (B, K) drivers that start anew; None: all. privilege: not looked at."""
        del privilege
        self.localiser.reset(task, mask)
        self.routes.reset(task, self.localiser, mask)
        self.tracker.reset(task, mask)
        self.builder.reset(task, mask)
        self.planner.reset(task, mask)
        eyes = self._eyes()
        if hasattr(eyes, "reset"):
            eyes.reset(mask)  # pyright: ignore[reportAttributeAccessIssue, reportFunctionMemberAccess]
        self._ready = True

    def see(self, frame: SensorFrame) -> tuple[Scene, Percept]:
        """(the Scene at the frame's time, what the eyes told); the Scene's arrays live until the next call."""
        if not self._ready:
            raise ValueError("see() before reset()")
        self.localiser.update(frame)
        percept = self._eyes()(frame)
        self.routes.update(percept, self.localiser)
        self.tracker.update(percept, self.localiser, frame.time)
        return self.builder.build(frame, percept, self.localiser, self.routes, self.tracker), percept

    def act(self, observation: SensorFrame | Scene) -> Decision:
        """One decision a driver.

        Raises:
            ValueError: a Scene was given, or reset() has not been called.
        """
        if not isinstance(observation, SensorFrame):
            raise ValueError(f"the pipeline needs a SensorFrame, got {type(observation).__name__}")
        scene, percept = self.see(observation)
        plan = self.planner.plan(scene)
        spread = np.sqrt(self.localiser.covariance[..., [0, 1], [0, 1]].sum(axis=-1)).astype(np.float32)
        debug = {"position_sigma": spread, "route_offset": scene.route.offset.copy()}
        control = self.planner.control()
        self.localiser.asked(control.accel)
        return Decision(
            control, plan=plan, scene=scene, detections=percept.users, debug=debug, pictures=self._pictures
        )  # fmt: skip
