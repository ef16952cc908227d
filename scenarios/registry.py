"""The named scenarios, and a scenario from any OpenDRIVE file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from world.names import unknown_name
from world.scenario import Scenario, ScenarioError

if TYPE_CHECKING:  # it brings numpy, without which names are listed and errors told at once
    from world.roadmap import RoadMap

MAPS = Path(__file__).resolve().parent / "maps"
MAP_SUFFIXES = (".xodr", ".xodr.gz")

SCENARIOS: dict[str, Scenario] = {
    s.name: s
    for s in (
        Scenario(
            name="town01",
            map_path=MAPS / "town01.xodr",
            vehicles=60,
            pedestrians=30,
            description="Small town: two-lane streets, T-junctions with lights, stop and yield signs, crosswalks.",
        ),
        Scenario(
            name="town02",
            map_path=MAPS / "town02.xodr",
            vehicles=40,
            pedestrians=20,
            description="Smaller, denser town of the same kind; kept out of all training.",
        ),
        Scenario(
            name="highway",
            map_path=MAPS / "highway.xodr",
            vehicles=150,
            route_min_length=2000.0,
            description="Closed motorway, three lanes each way, 100-120 km/h, two interchanges with exits and entries.",
        ),
        Scenario(
            name="roundabout",
            map_path=MAPS / "roundabout.xodr",
            vehicles=30,
            pedestrians=15,
            description="A single-lane and a two-lane roundabout with yield signs, joined by four streets.",
        ),
        Scenario(
            name="intersection",
            map_path=MAPS / "intersection.xodr",
            vehicles=50,
            pedestrians=15,
            description="A large crossing with lights and turn lanes, left turns with and without their own phase.",
        ),
        Scenario(
            name="procedural",
            map_path=Path("procedural"),
            map_maker="town",
            vehicles=30,
            pedestrians=15,
            route_min_length=500.0,
            description="Random towns, one for every seed: bends, T and X junctions, roundabouts, slip roads, signs.",
        ),
    )
}

MAKERS = ("town",)  # what a Scenario's map_maker may be


def for_seed(scenario: Scenario, seed: int) -> Scenario:
    """The scenario of one episode: where every seed has its own map, the one with that map."""
    return replace(scenario, map_seed=seed) if scenario.map_maker else scenario


def scenario_map(scenario: Scenario) -> RoadMap:
    """The map that a scenario is driven on.

    Raises:
        MapError: the map cannot be used.
        ScenarioError: the scenario names a maker that does not exist.
    """
    from world.opendrive import load_map

    if not scenario.map_maker:
        return load_map(scenario.map_path)
    if scenario.map_maker not in MAKERS:
        reason = f"got {scenario.map_maker!r}, allowed are {', '.join(MAKERS)}"
        raise ScenarioError(scenario.name, "map_maker", reason)
    from scenarios.procedural import town

    return town(scenario.map_seed)


def find_scenario(name: str) -> Scenario:
    """The named scenario, or one that drives a random route over an OpenDRIVE file.

    Raises:
        ValueError: unknown name, with the nearest match.
        ScenarioError: a file that does not exist.
    """
    if name in SCENARIOS:
        return SCENARIOS[name]
    if name.endswith(MAP_SUFFIXES):
        path = Path(name).expanduser()
        if not path.is_file():
            raise ScenarioError(name, "file", "there is no such file")
        stem = path.name.split(".")[0]
        return Scenario(
            name=stem,
            map_path=path.resolve(),
            vehicles=30,
            pedestrians=15,
            route_min_length=200.0,  # the map may be small
            route_may_be_shorter=True,
            description=f"Random routes on {path.name}.",
        )
    raise ValueError(unknown_name("scenario", name, SCENARIOS) + "; or give the path of an .xodr file")


def adapt(scenario: Scenario, vehicles: int | None, pedestrians: int | None, max_time: float | None) -> Scenario:
    """The scenario with the given numbers in place of its own.

    Raises:
        ScenarioError: a negative count or a time that is not positive.
    """
    for what, value in (("vehicles", vehicles), ("pedestrians", pedestrians)):
        if value is not None and not 0 <= value <= 10_000:
            raise ScenarioError(scenario.name, what, f"got {value}, allowed are 0 to 10000")
    if max_time is not None and not 0 < max_time < 1e6:
        raise ScenarioError(scenario.name, "max-time", f"got {max_time} s, allowed is more than 0, below 1000000")
    changes = {"vehicles": vehicles, "pedestrians": pedestrians, "max_time": max_time}
    return replace(scenario, **{k: v for k, v in changes.items() if v is not None})
