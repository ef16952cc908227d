"""Errands: the route of every driver, dense for the judge and privileged agents, sparse for the task."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from world.roadmap import MapSet
from world.route_line import RouteLine, pack_waypoints, route_line
from world.route_table import RouteTable, make_route_table, put_route
from world.routing import RouteError, Router
from world.scenario import Scenario

ATTEMPTS = 16  # routes drawn for a driver until one begins clear of the other drivers
SHORTEST = 30.0  # [m] of a random route: the goal is reached 10 m before its end
END_ROOM = 6.0  # [m] between the end of the longest route and that of the road, so that the car still stands on it
CLEAR = 15.0  # [m] between two drivers' starts


class Errands:
    """Routes of (B, K) drivers. `routes` may be replaced by a larger table at a reset."""

    def __init__(self, maps: MapSet, scenario: Scenario, worlds: int):
        self.maps, self.scenario = maps, scenario
        self.lines: list[list[RouteLine | None]] = [[None] * scenario.drivers for _ in range(worlds)]
        self._routers: dict[int, Router] = {}
        points = int(scenario.route_min_length * 1.5) + 400
        self.routes: RouteTable = make_route_table(worlds, scenario.drivers, points, 128)
        self._waypoints = pack_waypoints(self.lines)
        self._stale: set[int] = set()  # worlds whose waypoints are not those of their routes

    def router(self, map_id: int) -> Router:
        """The router of a map, made at its first use."""
        if map_id not in self._routers:
            self._routers[map_id] = Router(self.maps.maps[map_id])
        return self._routers[map_id]

    def assign(self, b: int, seed: int, map_id: int) -> list[float]:
        """Give the drivers of world b new routes; their lengths [m].

        Raises:
            ValueError: the map has no such route.
        """
        starts: list[tuple[float, float]] = []
        for k in range(self.scenario.drivers):
            line = self._line(seed, map_id, k, starts)
            starts.append((float(line.x[0]), float(line.y[0])))
            self._put_line(b, k, line, map_id)
        self._stale.add(b)
        return [line.length for line in self.lines[b] if line is not None]

    def _put_line(self, b: int, k: int, line: RouteLine | None, map_id: int) -> None:
        """Give driver k of world b a route."""
        self.lines[b][k] = line
        if line is not None:
            points, pieces = len(line.x), len(line.piece_lane)
            if points > self.routes.x.shape[2] or pieces > self.routes.piece_lane.shape[2]:
                self._grow(points, pieces)
        put_route(self.routes, b, k, line, int(self.maps.tables.maps["lane0"][map_id]))

    def put(self, b: int, lines: Sequence[RouteLine | None], map_id: int) -> bool:
        """Give the drivers of world b these routes; whether they were others before.

        Routes are never changed, only replaced: where all are the same objects, nothing is to be done.
        """
        if all(new is old for new, old in zip(lines, self.lines[b], strict=True)):
            return False
        for k, line in enumerate(lines):
            self._put_line(b, k, line, map_id)
        self._stale.add(b)
        return True

    def adopt(self, b: int, lines: Sequence[RouteLine | None]) -> None:
        """Take note that the caller has written these routes of world b into the table itself."""
        self.lines[b] = list(lines)
        self._stale.add(b)

    def waypoints(self) -> tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.bool_]]:
        """Sparse (B, K, W, 2) waypoints [m], commands and validity of all routes."""
        room = self._waypoints[0].shape[2]
        for b in sorted(self._stale):
            own = pack_waypoints([self.lines[b]], room)
            if own[0].shape[2] > room:
                self._waypoints = pack_waypoints(self.lines)
                break
            for kept, new in zip(self._waypoints, own, strict=True):
                kept[b] = new[0]
        self._stale.clear()
        return self._waypoints

    def _line(self, seed: int, map_id: int, k: int, starts: list[tuple[float, float]]) -> RouteLine:
        """Driver k's route, clear of the starts of the drivers before it."""
        router, scenario = self.router(map_id), self.scenario
        try:
            for attempt in range(ATTEMPTS):
                if scenario.route:
                    route = router.through(np.asarray(scenario.route, np.float64))
                else:
                    length = self._length(router)
                    route = router.random(seed, length, entity=k + attempt * scenario.drivers)
                line = route_line(router.map, route)
                gaps = [np.hypot(line.x[0] - x, line.y[0] - y) for x, y in starts]
                if not gaps or min(gaps) > CLEAR:
                    return line
        except RouteError as error:
            raise ValueError(f"scenario {scenario.name}: {error}") from error
        raise ValueError(
            f"scenario {scenario.name}: {ATTEMPTS} routes of driver {k} begin within {CLEAR} m of another driver's; "
            f"map {router.map.name} is too small for {scenario.drivers} drivers"
        )

    def _length(self, router: Router) -> float:
        """[m] that a random route on a map has at least.

        Raises:
            RouteError: the map is so short that a drive over it says nothing.
        """
        wanted = self.scenario.route_min_length
        if not self.scenario.route_may_be_shorter or router.longest_random > wanted:
            return wanted
        if router.longest_random < SHORTEST:
            reason = f"its longest route has {router.longest_random:.0f} m; {SHORTEST:.0f} m are the least to drive"
            raise RouteError(f"map {router.map.name}: {reason}")
        return router.longest_random - END_ROOM

    def _grow(self, points: int, pieces: int) -> None:
        """A larger table with the same routes."""
        old = self.routes
        worlds, drivers, room = old.x.shape
        points, pieces = max(points + points // 4, room), max(pieces + pieces // 4, old.piece_lane.shape[2])
        self.routes = make_route_table(worlds, drivers, points, pieces)
        for name in RouteTable._fields:
            source, target = getattr(old, name), getattr(self.routes, name)
            if source.ndim == 3:
                target[:, :, : source.shape[2]] = source
            else:
                target[:] = source


def make_errands(maps: MapSet, scenario: Scenario, worlds: int) -> Errands:
    """Errands without any route yet."""
    return Errands(maps, scenario, worlds)
