"""The simulators by name, and how a scenario is put into one."""

from typing import Any

from scenarios.registry import adapt, find_scenario
from simulator.engine import Engine
from world.mapset import pack_maps
from world.names import unknown_name
from world.opendrive import load_map
from world.protocols import Backend
from world.scenario import Scenario

BACKENDS = ("light",)


def make_backend(name: str, scenario: Scenario, worlds: int = 1, threads: int = 1) -> Backend:
    """A simulator with `worlds` worlds of the scenario, not yet reset.

    Raises:
        ValueError: unknown backend, with the nearest match.
        MapError: the scenario's map cannot be used.
    """
    if name not in BACKENDS:
        raise ValueError(unknown_name("backend", name, BACKENDS))
    maps = pack_maps([load_map(scenario.map_path)])
    return Engine(maps, scenario, worlds=worlds, threads=threads)


def backend_from_header(header: dict[str, Any]) -> Backend:
    """The simulator that a record's header describes.

    Raises:
        ValueError: the map is not the one that was driven, or a figure is missing.
    """
    try:
        told = header["scenario"]
        scenario = adapt(find_scenario(told["source"]), told["vehicles"], told["pedestrians"], told["max_time"] or None)
        name, expected = header["backend"], header["map_hash"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"the record's header lacks {error}") from None
    backend = make_backend(name, scenario)
    found = backend.privilege.maps.maps[0].source_hash
    if found != expected:
        raise ValueError(f"map {scenario.map_path} has hash {found[:12]}, the record was driven on {expected[:12]}")
    return backend
