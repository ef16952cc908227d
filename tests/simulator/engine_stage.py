"""Engines to test with: towns and toy maps packed once, seeded controls, and copies of all state."""

from functools import cache
from pathlib import Path

import numpy as np

from scenarios.registry import find_scenario
from simulator.engine import Engine
from world.mapset import pack_maps
from world.opendrive import load_map
from world.records import Bodies, Control, WorldState
from world.roadmap import MapSet, RoadMap
from world.scenario import Scenario
from world.toy import toy_map

IDS = ("map_id", "light", "seed", "step")  # fields of WorldState that are not (B, N)


@cache
def road_map(name: str, **options) -> RoadMap:
    """A town of the registry or a toy map."""
    return load_map(find_scenario(name).map_path) if name.startswith("town") else toy_map(name, **options)


@cache
def map_set(*names: str) -> MapSet:
    """The named maps in one set."""
    return pack_maps([road_map(name) for name in names])


def scenario(drivers: int = 0, vehicles: int = 0, pedestrians: int = 0, **more) -> Scenario:
    """A scenario that the maps given to the engine need not know."""
    more = {"route_min_length": 300.0, **more}
    return Scenario("test", Path("test"), vehicles=vehicles, pedestrians=pedestrians, drivers=drivers, **more)


def toy_engine(name: str = "junction", vehicles: int = 0, pedestrians: int = 0, seed: int = 1, **more) -> Engine:
    """One world without drivers on a toy map, reset. Options of the map by `options`, of the engine by name."""
    maps = pack_maps([road_map(name, **more.pop("options", {}))])
    engine = Engine(maps, scenario(vehicles=vehicles, pedestrians=pedestrians), **more)
    engine.reset([seed] * len(engine.state_hash))
    return engine


def controls(engine: Engine) -> Control:
    """Controls that are a function of each world's seed and step, so that runs of any batch can be compared."""
    k = np.arange(engine.model.drivers)
    phase = (engine.state.seed % 97).astype(np.float64)[:, None] + k
    time = engine.state.step.astype(np.float64)[:, None] * engine.scenario.dt
    steer = 0.05 * np.sin(0.7 * time + phase)
    accel = 1.5 * np.cos(0.2 * time + phase) + 0.4
    return Control(steer.astype(np.float32), accel.astype(np.float32))


def idle(engine: Engine) -> Control:
    """Drivers that brake."""
    zero = np.zeros((len(engine.state_hash), engine.model.drivers), np.float32)
    return Control(zero, zero - 3)


def drive(engine: Engine, steps: int, before=None) -> np.ndarray:
    """(steps, B) hashes of `steps` control steps; `before` is called ahead of each."""
    hashes = []
    for _ in range(steps):
        if before is not None:
            before()
        engine.step(controls(engine))
        hashes.append(engine.state_hash.copy())
    return np.array(hashes)


def run_for(engine: Engine, seconds: float, look=None) -> None:
    """Step with drivers that brake; `look` is called after each step."""
    for _ in range(round(seconds / engine.scenario.dt)):
        engine.step(idle(engine))
        if look is not None:
            look()


def snapshot(engine: Engine, b: int = 0) -> dict[str, np.ndarray]:
    """Copies of all that is public of world b: valid slots of state and bodies, lanes within the map, lights."""
    valid = engine.state.valid[b]
    out = {"who": np.flatnonzero(valid)}
    for record, kind in ((engine.state, WorldState), (engine.bodies, Bodies)):
        for name in kind.__dataclass_fields__:
            if name not in IDS:
                out[name] = getattr(record, name)[b][valid].copy()
    row = engine.maps.tables.maps[engine.state.map_id[b]]
    lane = engine.model.slots.lane[b][valid]
    out["lane"] = np.where(lane >= 0, lane - row["lane0"], -1)
    out["light"] = engine.state.light[b, : row["light1"] - row["light0"]].copy()
    out["step"] = engine.state.step[b].copy()
    out["hash"] = engine.state_hash[b].copy()
    return out


def assert_same(a: dict[str, np.ndarray], b: dict[str, np.ndarray], what: str = "") -> None:
    """Two snapshots are equal bit for bit."""
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype and a[name].tobytes() == b[name].tobytes(), f"{what}: {name} differs"
