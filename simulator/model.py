"""Everything an engine's kernels work on, as one Pack: `Model`, and its type, which is the same for every engine."""

from typing import NamedTuple

import numpy as np

from simulator.hashing import Bits, bits_view
from simulator.judge import Judge, JudgeLimits, judge_limits, make_judge
from simulator.overlap import Broad, make_broad
from simulator.scene import SceneArrays, make_scene
from simulator.sensors import SensorConfig, SensorNoise, Sensors, make_sensors, sensor_noise
from simulator.state import Slots, Worlds, make_slots, make_worlds
from simulator.traffic import Network, Traffic, empty_network, make_network, make_traffic
from simulator.walkers import Walkers, make_walkers
from world.pack import Pack, pack_reader
from world.roadmap import TABLE_TYPES, MapSet, MapTables
from world.route_table import RouteTable, make_route_table
from world.scenario import JudgeConfig, Scenario


class Model(NamedTuple):
    """Clock, head count, map, routes, state, judge and observers of all worlds."""

    dt: np.float32  # [s] engine step
    drivers: int  # slots are dealt out: drivers, then vehicles, then walkers, then spare ones
    vehicles: int
    pedestrians: int
    radius: np.float32  # [m] around the drivers that vehicles keep to; 0: all of the map
    tables: MapTables
    network: Network
    routes: RouteTable
    slots: Slots
    worlds: Worlds
    traffic: Traffic
    walkers: Walkers
    broad: Broad
    judge: Judge
    limits: JudgeLimits
    bits: Bits
    state_hash: np.ndarray  # uint64 (B,)
    scene: SceneArrays
    sensors: Sensors
    noise: SensorNoise


def _assemble(
    tables: MapTables,
    network: Network,
    routes: RouteTable,
    worlds: int,
    scenario: Scenario,
    spare: int,
    config: SensorConfig,
) -> Model:
    """All arrays of an engine, empty."""
    rows = tables.maps
    lanes, lights, plans, crosswalks = (
        int((rows[f"{n}1"] - rows[f"{n}0"]).max()) for n in ("lane", "light", "plan", "crosswalk")
    )
    n, k = scenario.drivers + scenario.vehicles + scenario.pedestrians + spare, scenario.drivers
    slots = make_slots(worlds, n)
    return Model(
        dt=np.float32(scenario.dt),
        drivers=k,
        vehicles=scenario.vehicles,
        pedestrians=scenario.pedestrians,
        radius=np.float32(scenario.traffic_radius),
        tables=tables,
        network=network,
        routes=routes,
        slots=slots,
        worlds=make_worlds(worlds, max(lights, 1), max(plans, 1)),
        traffic=make_traffic(worlds, n, lanes),
        walkers=make_walkers(worlds, n, crosswalks),
        broad=make_broad(worlds, n),
        judge=make_judge(worlds, n, k),
        limits=judge_limits(scenario.judge, scenario.dt),
        bits=bits_view(slots),
        state_hash=np.zeros(worlds, np.uint64),
        scene=make_scene(worlds, k)[1],
        sensors=make_sensors(worlds, k),
        noise=sensor_noise(config, scenario.dt),
    )


def make_model(
    maps: MapSet, routes: RouteTable, worlds: int, scenario: Scenario, spare: int, config: SensorConfig
) -> Model:
    """The arrays of an engine on these maps."""
    return _assemble(maps.tables, make_network(maps), routes, worlds, scenario, spare, config)


def _smallest() -> Pack:
    """A model of one world, to take the type from."""
    tables = {name: np.zeros(1, kind) for name, kind in TABLE_TYPES.items()}
    for table in tables.values():
        table.flags.writeable = False
    scenario = Scenario("smallest", None, judge=JudgeConfig())  # type: ignore[arg-type]
    routes = make_route_table(1, 1, 1, 1)
    return Pack(_assemble(MapTables(**tables), empty_network(), routes, 1, scenario, 1, SensorConfig()))


MODEL_TYPE = _smallest()._numba_type_
model_at = pack_reader(MODEL_TYPE)


def pack_model(model: Model) -> Pack:
    """The model laid out for kernels.

    Raises:
        TypeError: an array is of another type than kernels expect.
    """
    pack = Pack(model)
    if pack._numba_type_ != MODEL_TYPE:
        odd = [n for (n, a), (_, c) in zip(pack._numba_type_.fields, MODEL_TYPE.fields, strict=True) if a != c]
        raise TypeError(f"engine arrays of another type than the kernels': {', '.join(odd)}")
    return pack
