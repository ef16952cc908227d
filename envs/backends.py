"""The simulators by name, and how a scenario is put into one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scenarios.registry import adapt, find_scenario, for_seed, scenario_map
from world.names import unknown_name
from world.scenario import Scenario

if TYPE_CHECKING:
    from world.protocols import Backend


def _light(scenario: Scenario, worlds: int, threads: int) -> "Backend":
    from simulator.engine import Engine
    from world.mapset import pack_maps

    return Engine(pack_maps([scenario_map(scenario)]), scenario, worlds=worlds, threads=threads)


BACKENDS: dict[str, Callable[[Scenario, int, int], "Backend"]] = {"light": _light}


def make_backend(name: str, scenario: Scenario, worlds: int = 1, threads: int = 1) -> "Backend":
    """A simulator with `worlds` worlds of the scenario, not yet reset.

    Raises:
        ValueError: unknown backend, with the nearest match.
        MapError: the scenario's map cannot be used.
    """
    if name not in BACKENDS:
        raise ValueError(unknown_name("backend", name, BACKENDS))
    return BACKENDS[name](scenario, worlds, threads)


TOLD: dict[str, tuple[type, ...]] = {  # what a header tells of its scenario
    "source": (str,),
    "vehicles": (int,),
    "pedestrians": (int,),
    "max_time": (int, float),
}


def backend_from_header(header: dict[str, Any]) -> "Backend":
    """The simulator that a record's header describes.

    Raises:
        ValueError: the map is not the one that was driven, or a figure is missing.
    """
    told = header.get("scenario")
    if not isinstance(told, dict):
        raise ValueError(f"the record's header tells no scenario: got {told!r}")
    for name, kinds in TOLD.items():
        if type(told.get(name)) not in kinds:
            raise ValueError(f"the record's header: scenario.{name} is {told.get(name)!r}")
    if type(header.get("seed")) is not int:
        raise ValueError(f"the record's header: seed is {header.get('seed')!r}")
    for name in ("backend", "map_hash"):
        if not isinstance(header.get(name), str):
            raise ValueError(f"the record's header: {name} is {header.get(name)!r}")
    scenario = adapt(find_scenario(told["source"]), told["vehicles"], told["pedestrians"], told["max_time"] or None)
    backend = make_backend(header["backend"], for_seed(scenario, header["seed"]))
    road_map, expected = backend.privilege.maps.maps[0], header["map_hash"]
    found = road_map.source_hash
    if found != expected:
        raise ValueError(f"map {road_map.name} has hash {found[:12]}, the record was driven on {expected[:12]}")
    return backend
