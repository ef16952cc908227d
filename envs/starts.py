"""Where episodes begin: a pool of starts that is filled as they come up, each then a copy away.

The episode of seed s begins like that of seed s % starts, on map s % starts % maps; its traffic and walkers then draw
with s itself. So an episode is a function of its seed, whatever was driven before.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from envs.options import EnvConfig
from scenarios.registry import for_seed, scenario_map
from simulator.engine import Engine
from simulator.entries import clear_world
from simulator.snapshot import RouteRows
from world.mapset import pack_maps
from world.roadmap import MapSet
from world.route_line import RouteLine
from world.scenario import Scenario

ATTEMPTS, FURTHER = 64, 1_000_003  # starts that are drawn until one suits; from one's seed to the next
FIRM = 3.0  # [m/s^2] sideways in a bend
_MASK = 0xFFFFFFFFFFFFFFFF


@lru_cache(maxsize=8)
def _maps(scenario: Scenario, count: int) -> MapSet:
    return pack_maps([scenario_map(for_seed(scenario, seed)) for seed in range(count)])


def env_maps(scenario: Scenario, count: int) -> MapSet:
    """The maps that a scenario's episodes are driven on, shared by all environments of a process.

    Args:
        count: of maps, where the scenario has one for every seed.
    """
    return _maps(scenario, count if scenario.map_maker else 1)


@dataclass(frozen=True, eq=False)
class _Kept:
    """A start: the rows of one world, of state and of routes."""

    state: NDArray[np.uint8]
    routes: tuple[NDArray[np.int64], NDArray[np.uint8]]
    lines: tuple[RouteLine | None, ...]


class Starts:
    """Puts worlds of an engine at the start of an episode."""

    def __init__(self, engine: Engine, config: EnvConfig):
        self._engine, self._config, self._count = engine, config, config.starts
        self._kept: dict[int, _Kept] = {}
        self._routes = RouteRows(engine.model.routes)

    def begin(self, world: int, seed: int) -> None:
        """World `world` is at the start of the episode of a seed."""
        engine = self._engine
        key = seed % self._count if self._count else seed
        kept = self._kept.get(key)
        if kept is None:
            self._draw(world, key)
            if self._count:
                self._keep(world, key)
        else:
            self._copy(world, kept)
        engine.model.worlds.seed[world] = np.uint64(seed & _MASK)

    def _draw(self, world: int, key: int) -> None:
        engine = self._engine
        clear_world(engine.address, world)  # its lists are those of the map that it had
        engine.model.worlds.map_id[world] = key % len(engine.maps.maps)
        mask = np.zeros(len(engine.state_hash), np.bool_)
        mask[world] = True
        for attempt in range(ATTEMPTS):
            engine.reset([key + attempt * FURTHER] * len(mask), mask)
            if self._suits(world):
                break
        else:
            raise ValueError(
                f"scenario {engine.scenario.name}: none of {ATTEMPTS} routes can be driven at {self._slowest:g} m/s "
                f"for {self._config.time_limit:g} s, which is the slowest of meta_speeds {self._config.meta_speeds}"
            )
        if self._routes.routes is not engine.model.routes:  # a longer route came: the table has grown
            self._routes = RouteRows(engine.model.routes)

    @property
    def _slowest(self) -> float:
        """[m/s] below which a driver cannot choose to drive."""
        return self._config.meta_speeds[0] if self._config.action == "meta" else 0.0

    def _suits(self, world: int) -> bool:
        """Whether every driver may drive its route at the slowest speed that it can choose, as far as that takes it."""
        slowest, routes = self._slowest, self._engine.model.routes
        if slowest <= 0.0:
            return True
        for k, count in enumerate(routes.count[world].tolist()):
            last = min(count, int(self._config.time_limit * self._config.meta_speeds[-1]) + 1)
            bend = np.abs(routes.curvature[world, k, :last]).max(initial=0.0)
            if routes.limit[world, k, :last].min(initial=np.inf) < slowest or slowest * slowest * bend > FIRM:
                return False
        return True

    def _keep(self, world: int, key: int) -> None:
        engine = self._engine
        lines = tuple(engine._errands.lines[world])
        self._kept[key] = _Kept(engine._rows.take(world), self._routes.take(world), lines)

    def _copy(self, world: int, kept: _Kept) -> None:
        engine = self._engine
        engine._rows.put(world, kept.state)
        engine.model.traffic.row["path"][world] = -1
        self._routes.put(world, kept.routes)
        engine._errands.adopt(world, kept.lines)
        engine.hooks.forget(np.array([world]))
        engine._started[world] = True
