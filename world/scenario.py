"""Scenario: what is to be driven, as data. `scenarios/` makes them; the engine runs them."""

from dataclasses import dataclass, field
from pathlib import Path


class ScenarioError(ValueError):
    """A scenario that cannot be used; names the scenario or file, the element and the reason."""

    def __init__(self, scenario: str, element: str, reason: str):
        super().__init__(f"{scenario}: {element}: {reason}")
        self.scenario, self.element, self.reason = scenario, element, reason


@dataclass(frozen=True)
class JudgeConfig:
    """Thresholds of the judge. Source: CARLA leaderboard 2.x criteria where it has the criterion."""

    deviation_limit: float = 30.0  # [m] from the route ends the run
    blocked_speed: float = 0.1  # [m/s]
    blocked_time: float = 180.0  # [s] below blocked_speed ends the run
    arrive_distance: float = 10.0  # [m] to the goal, with arrive_fraction of the route done
    arrive_fraction: float = 0.99
    speeding_margin: float = 0.1  # fraction of the limit over which speeding counts
    stop_speed: float = 0.1  # [m/s] that counts as stopped at a stop sign
    stop_zone: float = 4.0  # [m] before the line in which the stop must happen
    collision_ends: bool = False  # end the run at the first collision


@dataclass(frozen=True)
class Scenario:
    """One thing to drive. Times in s, lengths in m."""

    name: str
    map_path: Path  # not used where `map_maker` is set
    vehicles: int = 0  # background vehicles a world
    pedestrians: int = 0
    traffic_radius: float = 0.0  # [m] around the drivers that vehicles are kept to; 0: they drive all over the map
    drivers: int = 1  # K
    route_min_length: float = 700.0  # [m] random route of at least this length, unless `route` is given
    route_may_be_shorter: bool = False  # drive as far as the map goes where it has no route of route_min_length
    route: tuple[tuple[float, float], ...] = ()  # sparse waypoints, map frame; overrides the random route
    max_time: float = 0.0  # [s]; 0: from the route's length, see `time_limit`
    dt: float = 0.05  # engine step
    control_every: int = 1
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    description: str = ""
    map_maker: str = ""  # what makes a map of its own for every seed, a name in scenarios.registry.MAKERS; "": map_path
    map_seed: int = 0  # of `map_maker`: the seed of the episode

    def time_limit(self, route_length: float) -> float:
        """[s] after which a run over `route_length` m is cut off: `max_time`, or 5 s + 0.8 s/m.

        Source: CARLA leaderboard 2, RouteScenario (INITIAL_SECONDS_DELAY, SECONDS_GIVEN_PER_METERS).
        """
        return self.max_time or 5.0 + 0.8 * route_length
