"""`python -m benchmarks observations`: what each observation costs, per driver."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from agents.codec import OBSERVATIONS, make_codec
from benchmarks.machine import describe
from scenarios.registry import find_scenario, scenario_map
from simulator.engine import Engine
from simulator.observe_vector import observe_vector_worlds
from world.mapset import pack_maps
from world.observation import VECTOR_SIZE
from world.records import Control


@dataclass(frozen=True)
class ObservationConfig:
    """What is driven before and while it is measured."""

    scenario: str = "town01"
    worlds: int = 64
    drivers: int = 14
    vehicles: int = 10
    steps: int = 100  # before measuring
    blocks: int = 40  # of which the median and the least count


def measure_observations(config: ObservationConfig) -> dict[str, Any]:
    """Nanoseconds of processor time a driver of each observation, median and least of `blocks` calls."""
    scenario = replace(find_scenario(config.scenario), drivers=config.drivers, vehicles=config.vehicles, pedestrians=0)
    engine = Engine(pack_maps([scenario_map(scenario)]), scenario, worlds=config.worlds)
    engine.reset(list(range(config.worlds)))
    shape = (config.worlds, config.drivers)
    control = Control(np.zeros(shape, np.float32), np.full(shape, 0.5, np.float32))
    for _ in range(config.steps):
        engine.step(control)
    scene, active = engine.scene(), int(engine.scene().active.sum())
    vector = np.zeros((*shape, VECTOR_SIZE), np.float32)
    calls: dict[str, Callable[[], Any]] = {
        "scene filled": engine.scene,
        "vector from state": lambda: observe_vector_worlds(engine.address, 0, config.worlds, vector),
    }
    for name in OBSERVATIONS:
        codec = make_codec(name)
        out = codec.buffer(*shape)
        calls[f"{name} from scene"] = lambda codec=codec, out=out: codec.encode(scene, out)
    found = {name: _each(call, config.blocks, active) for name, call in calls.items()}
    return {"machine": describe(), "drivers": active, "nanoseconds": found}


def _each(call: Callable[[], Any], blocks: int, drivers: int) -> tuple[float, float]:
    """(median, least) [ns a driver]."""
    call()
    taken = []
    for _ in range(blocks):
        start = time.thread_time()
        call()
        taken.append((time.thread_time() - start) / drivers * 1e9)
    return float(np.median(taken)), float(np.min(taken))


def show_observations(found: dict[str, Any], console: Console) -> None:
    """Print the table."""
    table = Table("observation", "median [ns a driver]", "least")
    for name, (median, least) in found["nanoseconds"].items():
        table.add_row(name, f"{median:.0f}", f"{least:.0f}")
    console.print(table)
    machine = found["machine"]
    console.print(f"{found['drivers']} drivers; {machine['processor']}, load {machine['load']}")
