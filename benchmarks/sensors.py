"""`python -m benchmarks sensors`: pictures and perceived Scenes in environments, lidars and radars, on a core."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.windows import rates
from envs.vector import DriveVectorEnv
from scenarios.registry import find_scenario, scenario_map
from simulator.engine import Engine
from world.mapset import pack_maps
from world.ranging import LIDAR, RADAR
from world.records import Control


@dataclass(frozen=True)
class SensorsConfig:
    """How long to measure, and what is driven."""

    scenario: str = "town01"
    worlds: int = 32  # of an environment that sees pictures
    windows: int = 7
    wall: float = 1.5  # [s] of a window


QUICK = SensorsConfig(worlds=8, windows=3, wall=0.3)
ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "camera 96 x 96": {"observation": "camera"},
    "camera 96 x 96, 4 stacked": {"observation": "camera", "camera_stack": 4},
    "camera+state 96 x 96": {"observation": "camera+state"},
    "camera 84 x 84": {"observation": "camera", "camera": {"width": 84, "height": 84}},
    "vector, perceived": {"observation": "vector", "scene_source": "perception"},
}


def measure_sensors(config: SensorsConfig) -> dict[str, Any]:
    """{"machine", "rates": {what: {"median", "min", "max"}}} of processor time."""
    found = {f"{name}, steps/s": _environment(config, options) for name, options in ENVIRONMENTS.items()}
    return {"machine": describe(), "rates": found | _ranging(config)}


def _environment(config: SensorsConfig, options: dict[str, Any]) -> dict[str, float]:
    worlds = config.worlds if "scene_source" not in options else 4
    env = DriveVectorEnv(worlds, scenario=config.scenario, autoreset_mode="same_step", copy=False, **options)
    env.action_space.seed(0)
    env.reset(seed=0)
    found = rates(lambda: len(env.step(env.action_space.sample())[1]), config.windows, config.wall)
    env.close()
    return found


def _ranging(config: SensorsConfig) -> dict[str, dict[str, float]]:
    """Of the default lidar and radar among the scenario's traffic."""
    scenario = find_scenario(config.scenario)
    with Engine(pack_maps([scenario_map(scenario)]), scenario) as engine:
        engine.reset([0])
        for _ in range(200):
            engine.step(Control(np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)))
        sensors = engine.ranging_sensors

        def take(name: str) -> int:
            sensors.forget(np.ones((1, 1), np.bool_))
            return int(sensors.take(name).count[0, 0])

        points = rates(lambda: take(f"lidar:{LIDAR.name}"), config.windows, config.wall)
        pings = rates(lambda: min(take(f"radar:{RADAR.name}"), 0) + 1, config.windows, config.wall)
    return {f"lidar, {LIDAR.channels} x {LIDAR.columns} rays, points/s": points, "radar, measurements/s": pings}


def show_sensors(found: dict[str, Any], console: Console) -> None:
    """Print the table."""
    table = Table("what", "median", "least", "most")
    for name, rate in found["rates"].items():
        table.add_row(name, *(f"{rate[part]:,.0f}" for part in ("median", "min", "max")))
    console.print(table)
    console.print(f"{found['machine']['processor']}, load {found['machine']['load']}; by processor time")
