"""`python -m benchmarks camera`: pictures of the renderer on a core, with all their labels; CarRacing-v3 beside it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.windows import rates
from scenarios.registry import find_scenario, scenario_map
from simulator.camera import CameraLook, CameraRenderer
from simulator.camera_frame import BUILDING0, LIGHT0, SIGN0, TREE0
from simulator.engine import Engine
from world.camera import CameraSpec
from world.kinds import BodyKind
from world.mapset import pack_maps
from world.records import Control
from world.weather import find_weather

WANTED = {"vehicles": 20, "signs and walkers": 10, "buildings": 40}  # in view
SIZES = {"320 x 160": (320, 160), "96 x 96": (96, 96)}
_FOV = math.radians(100.0)
_LOOKS: dict[str, tuple[CameraLook, dict[str, Any], str]] = {  # what is on: look, changes of the camera, weather
    "clear noon, noise": (CameraLook(shadows=False), {}, "clear_noon"),
    "and shadows": (CameraLook(), {}, "clear_noon"),
    "and rain": (CameraLook(), {}, "rain"),
    "and motion blur": (CameraLook(blur=3.0), {}, "clear_noon"),
    "and roll": (CameraLook(), {"roll": math.radians(3.0)}, "clear_noon"),
    "and a bent lens": (CameraLook(), {"distortion": (-0.05, 0.0, 0.0, 0.0, 0.0)}, "clear_noon"),
    "and JPEG": (CameraLook(jpeg=80), {}, "clear_noon"),
}


@dataclass(frozen=True)
class CameraConfig:
    """How long to measure, and what is seen."""

    scenario: str = "town01"
    vehicles: int = 250
    pedestrians: int = 150
    places: int = 60  # that the fullest view is taken from
    windows: int = 9
    wall: float = 1.0  # [s] of a window


QUICK = CameraConfig(places=10, windows=3, wall=0.2)


def measure_camera(config: CameraConfig) -> dict[str, Any]:
    """{"machine", "in_view": {what: count}, "rates": {what: {"median", "min", "max"}}, "peer"} of processor time."""
    scenario = find_scenario(config.scenario)
    scenario = replace(scenario, vehicles=config.vehicles, pedestrians=config.pedestrians, drivers=0)
    with Engine(pack_maps([scenario_map(scenario)]), scenario) as engine:
        engine.reset([0])
        for _ in range(200):
            engine.step(Control(np.zeros((1, 0), np.float32), np.zeros((1, 0), np.float32)))
        renderer = CameraRenderer(engine)
        slot, seen = _fullest(engine, renderer, config.places)
        found = {}
        for size, (width, height) in SIZES.items():
            for what, (look, changes, weather) in _LOOKS.items():
                spec = CameraSpec("bench", width, height, fov=_FOV, **changes)
                told = find_weather(weather)

                def take(spec: CameraSpec = spec, look: CameraLook = look, told: dict[str, float] = told) -> int:
                    renderer.render(spec, 0, slot, look, told)
                    return 1

                found[f"{size}, {what}"] = rates(take, config.windows, config.wall)
    return {"machine": describe(), "in_view": seen, "rates": found, "peer": _car_racing(config)}


def _fullest(engine: Engine, renderer: CameraRenderer, places: int) -> tuple[int, dict[str, int]]:
    """(slot whose view comes nearest to WANTED, what it shows: things of which a pixel at least is seen)."""
    cars = np.flatnonzero(engine.state.valid[0] & (engine.bodies.kind[0] == BodyKind.CAR))[:places]
    spec = CameraSpec("bench", 640, 320, fov=_FOV)  # larger, so that what is small counts as well
    views = {int(slot): _count(engine, renderer.render(spec, 0, int(slot)).instance) for slot in cars}
    worth = {slot: sum(min(seen[name] / n, 1.2) for name, n in WANTED.items()) for slot, seen in views.items()}
    best = max(worth, key=lambda slot: worth[slot])
    return best, views[best]


def _count(engine: Engine, instance: np.ndarray) -> dict[str, int]:
    """Things in an instance mask."""
    ids = np.unique(instance)
    bodies = ids[(ids > 0) & (ids < LIGHT0)].astype(np.int64) - 1
    walkers = int((engine.bodies.kind[0, bodies] == BodyKind.PEDESTRIAN).sum())
    signs = int(((ids >= SIGN0) & (ids < BUILDING0)).sum())
    return {
        "vehicles": len(bodies) - walkers, "signs and walkers": signs + walkers,
        "buildings": int(((ids >= BUILDING0) & (ids < TREE0)).sum()),
    }  # fmt: skip


def _car_racing(config: CameraConfig) -> dict[str, float] | str:
    """Steps/s of CarRacing-v3, whose observation is a picture of 96 x 96; or why there are none."""
    import gymnasium

    try:
        env = gymnasium.make("CarRacing-v3")
        env.reset(seed=0)
    except (gymnasium.error.DependencyNotInstalled, ImportError):
        return "CarRacing-v3 skipped: pip install 'gymnasium[box2d]'"
    env.action_space.seed(0)

    def step() -> int:
        _, _, done, cut, _ = env.step(env.action_space.sample())
        if done or cut:
            env.reset()
        return 1

    return rates(step, config.windows, config.wall)


def show_camera(found: dict[str, Any], console: Console) -> None:
    """Print the table."""
    table = Table("pictures with class, depth and instance", "median /s", "least", "most")
    rows: dict[str, Callable | dict[str, float] | str] = dict(found["rates"])
    peer = found["peer"]
    if isinstance(peer, dict):
        rows["CarRacing-v3, 96 x 96"] = peer
    for name, rate in rows.items():
        assert isinstance(rate, dict)
        table.add_row(name, *(f"{rate[part]:,.0f}" for part in ("median", "min", "max")))
    console.print(table)
    if isinstance(peer, dict):
        ours = found["rates"]["96 x 96, clear noon, noise"]["median"]
        console.print(f"96 x 96: {ours / peer['median']:.0f} times CarRacing-v3")
    else:
        console.print(peer, markup=False)
    console.print("in view: " + ", ".join(f"{n} {name}" for name, n in found["in_view"].items()))
    console.print(f"{found['machine']['processor']}, load {found['machine']['load']}; by processor time")
