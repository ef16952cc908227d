"""The named scenarios, and a scenario from any OpenDRIVE file."""

from dataclasses import replace
from pathlib import Path

from world.names import unknown_name
from world.scenario import Scenario, ScenarioError

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
    )
}


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
