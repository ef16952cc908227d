"""`python -m benchmarks eyes`: what a tick of the perception costs on a core, and the memory of a process with it."""

import time
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from agents.pipeline import PipelineAgent
from benchmarks.machine import describe
from perception.perceive import Perceiver
from scenarios.registry import find_scenario, scenario_map
from simulator.engine import Engine
from world.camera import RIG
from world.mapset import pack_maps


@dataclass(frozen=True)
class EyesConfig:
    """How long to measure, and where."""

    scenario: str = "town01"
    seconds: float = 40.0  # driven
    warm: float = 5.0  # [s] of them that do not count


QUICK = EyesConfig(seconds=4.0, warm=1.0)


def measure_eyes(config: EyesConfig) -> dict[str, Any]:
    """{"machine", "ms": {part: {"mean", "median", "p95"}}, "memory_mb"}: processor time of a tick of 50 ms.

    The driver drives; `perceive` is the networks and what reads their answers, averaged over the rig's own rates.
    """
    scenario = replace(find_scenario(config.scenario), drivers=1)
    eyes = Perceiver()
    parts: dict[str, list[float]] = {"perceive": [], "locate, track, build the scene, plan": []}
    spent = [0.0]

    def timed(frame: Any) -> Any:
        start = time.process_time()
        percept = eyes(frame)
        spent[0] = time.process_time() - start
        return percept

    agent = PipelineAgent(timed)
    with Engine(pack_maps([scenario_map(scenario)]), scenario, cameras=RIG) as engine:
        engine.reset([0])
        agent.reset(engine.task)
        tick = scenario.dt * scenario.control_every
        for n in range(round(config.seconds / tick)):
            frame = engine.sensors(agent.sensors)
            start = time.process_time()
            decision = agent.act(frame)
            whole = time.process_time() - start
            engine.step(decision.control)
            if n * tick >= config.warm:
                parts["perceive"].append(1e3 * spent[0])
                parts["locate, track, build the scene, plan"].append(1e3 * (whole - spent[0]))
    ms = {
        name: {"mean": float(np.mean(v)), "median": median(v), "p95": float(np.percentile(v, 95))}
        for name, v in parts.items()
    }
    return {"machine": describe(), "ms": ms, "memory_mb": memory_mb()}


def memory_mb() -> float:
    """[MB] of this process in memory, at most so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def show_eyes(found: dict[str, Any], console: Console) -> None:
    """Print the table."""
    table = Table("a tick of 50 ms", "mean ms", "median", "95 %")
    for name, part in found["ms"].items():
        table.add_row(name, *(f"{part[key]:.1f}" for key in ("mean", "median", "p95")))
    console.print(table)
    console.print(f"{found['memory_mb']:.0f} MB at most, simulator and renderer included")
    console.print(f"{found['machine']['processor']}, load {found['machine']['load']}; by processor time")
