"""Small engines for tests."""

from functools import cache
from pathlib import Path

import numpy as np

from simulator.engine import Engine
from world.mapset import pack_maps
from world.records import Control
from world.roadmap import MapSet
from world.scenario import Scenario
from world.toy import toy_map


@cache
def toy_maps(*names: str) -> MapSet:
    """Toy maps by name; "junction/stop" is the junction with that control, roads that come back."""
    maps = []
    for name in names:
        kind, _, control = name.partition("/")
        options = {"control": control} if control else {}
        if kind == "junction":
            options |= {"loop": True, "arm": 120.0}
        maps.append(toy_map(kind, **options))
    return pack_maps(maps)


def make_engine(*names: str, vehicles: int = 12, pedestrians: int = 6, drivers: int = 1, **options) -> Engine:
    """An engine on toy maps, not yet reset."""
    scenario = Scenario(
        "test", Path("toy"), vehicles=vehicles, pedestrians=pedestrians, drivers=drivers, route_min_length=150.0
    )
    return Engine(toy_maps(*names), scenario, **options)


def drive(engine: Engine, steps: int, accel: float = 0.6) -> list[int]:
    """Step with a gentle push of all drivers; the hashes of the worlds."""
    shape = (len(engine.state_hash), engine.model.drivers)
    control = Control(np.zeros(shape, np.float32), np.full(shape, accel, np.float32))
    for _ in range(steps):
        engine.step(control)
    return [int(h) for h in engine.state_hash]
