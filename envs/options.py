"""EnvConfig: everything about an environment, typed, with named presets; what is not named keeps its preset's value."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from os import PathLike, fspath
from typing import Any

from agents.actions import check_action
from envs.events import DEFAULT_ENDS, ends_mask, judge_config
from envs.rewards import Reward, find_reward
from scenarios.registry import adapt, find_scenario
from world.camera import CameraSpec
from world.names import unknown_name
from world.scenario import Scenario

MAX_LEVELS = 16  # speeds of the meta actions at most


@dataclass(frozen=True)
class EnvConfig:
    """One environment. Times in s, lengths in m."""

    scenario: str = "town01"  # a name of scenarios.registry, or the path of an .xodr file
    observation: str = "vector"  # a name of envs.observations.OBSERVATIONS
    action: str = "continuous"  # a name of agents.actions.ACTIONS
    reward: str | Reward | Mapping[str, Any] = "carl"  # preset, weights, or {"preset": name, weight: value}
    ends: tuple[str, ...] = DEFAULT_ENDS  # events that end an episode (envs.events.ENDS); an arrival always does
    time_limit: float = 60.0  # [s] after which an episode is truncated
    drivers: int = 1  # learning vehicles a world
    vehicles: int | None = None  # traffic a world; None: the scenario's
    pedestrians: int | None = None  # None: the scenario's
    route_length: float | None = None  # [m] of a route at least; None: the scenario's
    start_speed: float = 0.0  # [m/s] that drivers begin with, less behind a slower vehicle or where the limit is lower
    traffic_radius: float | None = None  # [m] around the drivers that traffic keeps to; None: the whole map
    dt: float = 0.1  # [s] an engine step
    action_every: int = 1  # engine steps that an action holds
    starts: int = 256  # different starts; an episode of seed s begins like that of seed s % starts. 0: all differ
    maps: int = 8  # maps that a scenario with a maker draws from
    meta_speeds: tuple[float, ...] = (0.0, 2.5, 5.0, 7.5, 10.0, 12.5, 15.0, 20.0, 25.0, 30.0, 35.0)  # [m/s]
    scene_source: str = "truth"  # a name of envs.scene_sources.SCENE_SOURCES: where observations come from
    camera: CameraSpec | Mapping[str, Any] | None = None  # of `camera`; changes to envs.camera_observer.CAMERA
    camera_stack: int = 1  # pictures of the last actions that an observation holds
    threads: int = 1  # slices of worlds that step at the same time

    @property
    def control_time(self) -> float:
        """[s] between two actions."""
        return self.dt * self.action_every

    @property
    def render_fps(self) -> int:
        """Pictures a second at which a drive is shown at its own pace."""
        return max(round(1.0 / self.control_time), 1)


PRESETS: dict[str, EnvConfig] = {
    "default": EnvConfig(),
    # HighwayEnv's highway-fast-v0: a decision a second, 5 steps of traffic each, 20 vehicles near the driver, 30 s
    "highway": EnvConfig(
        scenario="highway",
        action="meta",
        reward="highway",
        ends=("collision", "off_road"),
        time_limit=30.0,
        vehicles=20,
        start_speed=25.0,
        traffic_radius=250.0,
        dt=0.2,
        action_every=5,
        meta_speeds=(20.0, 25.0, 30.0),
    ),
    # MetaDrive's default: a random town, steer and throttle, lidar, 0.1 s a decision
    "metadrive": EnvConfig(scenario="procedural", observation="lidar", time_limit=100.0),
    # PufferDrive's: many learning vehicles in a world, no traffic, 9.1 s
    "puffer": EnvConfig(
        observation="rich", action="jerk", reward="sparse", drivers=14, vehicles=0, pedestrians=0,
        ends=("collision", "off_road"), time_limit=9.1, route_length=200.0, starts=64,
    ),
}  # fmt: skip


def make_config(preset: str = "default", **changes: Any) -> EnvConfig:
    """A preset with changes.

    Raises:
        ValueError: an unknown preset, key, name or a number out of range, with the nearest match or what is allowed.
    """
    if preset not in PRESETS:
        raise ValueError(unknown_name("preset", str(preset), PRESETS))
    return resolve(PRESETS[preset], preset, changes)


def resolve(config: EnvConfig | None, preset: str, changes: Mapping[str, Any]) -> EnvConfig:
    """A config with changes; without one, the preset's.

    Raises:
        ValueError: as `make_config`.
    """
    if config is None:
        return make_config(preset, **changes)
    allowed = [f.name for f in fields(EnvConfig)]
    for key in changes:
        if key not in allowed:
            raise ValueError(unknown_name("environment option", key, allowed))
    told = dict(changes)
    if isinstance(told.get("scenario"), PathLike):
        told["scenario"] = fspath(told["scenario"])
    return check_config(replace(config, **told))


def check_config(config: EnvConfig) -> EnvConfig:
    """The config, if all of it can be used.

    Raises:
        ValueError: a name or number that is not allowed, saying what is. ScenarioError: a file that does not exist.
    """
    _check_numbers(config)
    find_scenario(config.scenario)
    check_action(config.action)
    ends_mask(config.ends)
    find_reward(config.reward)
    from envs.camera_observer import find_camera
    from envs.observations import check_observation
    from envs.scene_sources import check_scene_source

    check_observation(config.observation, check_scene_source(config.scene_source))
    find_camera(config.camera)
    speeds = config.meta_speeds
    if not 1 <= len(speeds) <= MAX_LEVELS or list(speeds) != sorted(set(speeds)) or speeds[0] < 0 or speeds[-1] > 70:
        raise ValueError(f"meta_speeds: got {speeds}, allowed are 1 to {MAX_LEVELS} rising speeds from 0 to 70 m/s")
    return config


_RANGES: dict[str, tuple[float, float, bool]] = {  # least, most, whole numbers only
    "time_limit": (0.1, 1e5, False),
    "drivers": (1, 256, True),
    "vehicles": (0, 10_000, True),
    "pedestrians": (0, 10_000, True),
    "route_length": (30.0, 1e5, False),
    "start_speed": (0.0, 70.0, False),
    "traffic_radius": (100.0, 1e5, False),
    "dt": (0.01, 0.2, False),
    "action_every": (1, 1000, True),
    "starts": (0, 1_000_000, True),
    "maps": (1, 10_000, True),
    "camera_stack": (1, 16, True),
    "threads": (1, 1024, True),
}


def _check_numbers(config: EnvConfig) -> None:
    for name, (low, high, whole) in _RANGES.items():
        value = getattr(config, name)
        if value is None and name in ("vehicles", "pedestrians", "route_length", "traffic_radius"):
            continue
        kind = int if whole else int | float
        if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
            numbers = "whole numbers" if whole else "numbers"
            raise ValueError(f"{name}: got {value!r}, allowed are {numbers} from {low:g} to {high:g}")


def env_scenario(config: EnvConfig) -> Scenario:
    """The scenario that the engine runs for a config.

    Raises:
        ValueError: an unknown scenario, with the nearest match. ScenarioError: a file that does not exist.
    """
    found = adapt(find_scenario(config.scenario), config.vehicles, config.pedestrians, None)
    length = found.route_min_length if config.route_length is None else float(config.route_length)
    return replace(
        found,
        drivers=config.drivers,
        dt=config.dt,
        control_every=1,
        max_time=1e6,  # the environment counts its own steps
        judge=judge_config(config.ends),
        route_min_length=length,
        route_may_be_shorter=True,
        traffic_radius=config.traffic_radius or 0.0,
    )
