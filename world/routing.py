"""Route search over the lane graph: between two places, through sparse waypoints, or at random.

A Router holds one map's graph. Lanes follow each other by their links; a lane change leads to the neighbour that runs
the same way, outside of junctions, where the marks allow it for long enough. Cost: metres driven plus CHANGE_COST a
lane change.
"""

import heapq
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from world.lane_arrays import DRIVABLE_KINDS
from world.random import draw_index, draw_unit
from world.roadmap import RoadMap
from world.route_line import (
    BLEND,
    ROUTE_STEP,
    Route,
    RouteLine,
    centre_xy,
    pack_waypoints,
    route_line,
    sparse_waypoints,
)
from world.route_table import (
    RouteTable,
    make_route_table,
    pack_routes,
    project_on_route,
    put_route,
    route_lane,
    route_point,
)

__all__ = [
    "CHANGE_COST",
    "ROUTE_STEP",
    "Place",
    "Route",
    "RouteError",
    "RouteLine",
    "RouteTable",
    "Router",
    "make_route_table",
    "pack_routes",
    "pack_waypoints",
    "project_on_route",
    "put_route",
    "route_lane",
    "route_line",
    "route_point",
    "sparse_waypoints",
]

CHANGE_COST = 30.0  # [m] that a lane change counts as
CHANGE_ROOM = 12.0  # [m] of allowing marks that a lane change needs
_MATCH_REACH = 4.0  # [m] a waypoint is matched to lanes this near
_MATCH_WEIGHT = 10.0  # [m] of detour that a waypoint 1 m off a lane's centre is worth (squared distance)
_SHORTEST_START = 8.0  # [m] of a lane on which a random route begins
_STARTS, _TURNS, _CHANGES, _WHETHER = 500, 501, 502, 503  # purposes of draws: 500-509 are this module's


class RouteError(ValueError):
    """No such route; names the map, the places and the reason."""


class Place(NamedTuple):
    """A place on a lane."""

    lane: int
    s: float  # [m]


class _Change(NamedTuple):
    """Where a lane change is allowed."""

    other: int  # lane
    side: int  # 1: left, -1: right
    low: float  # [m] s on the lane
    high: float


class Router:
    """Routes on one map. Lanes are the RoadMap's own numbers."""

    def __init__(self, road_map: RoadMap):
        m = self.map = road_map
        self.drivable = np.isin(m.lane_kind, [int(k) for k in DRIVABLE_KINDS])
        self.length = m.lane_length.astype(np.float64)
        self.after: list[list[int]] = [
            [int(j) for j in m.successor[m.successor_start[i] : m.successor_start[i + 1]] if self.drivable[j]]
            for i in range(m.lane_count)
        ]
        self.changes: list[list[_Change]] = [self._changes_of(i) for i in range(m.lane_count)]

    def _changes_of(self, lane: int) -> list[_Change]:
        m = self.map
        if not self.drivable[lane] or m.lane_junction[lane] >= 0:
            return []
        out = []
        rows = slice(int(m.lane_start[lane]), int(m.lane_start[lane + 1]))
        for side, other, allowed in (
            (1, int(m.lane_left[lane]), m.point_change_left[rows]),
            (-1, int(m.lane_right[lane]), m.point_change_right[rows]),
        ):
            if other < 0 or not self.drivable[other] or not allowed.any():
                continue
            step = np.diff(np.concatenate(([0], allowed.astype(np.int8), [0])))
            first, end = np.flatnonzero(step == 1), np.flatnonzero(step == -1) - 1
            k = int(np.argmax(end - first))
            low, high = float(first[k] * m.lane_step[lane]), float(end[k] * m.lane_step[lane])
            if high - low >= CHANGE_ROOM:
                out.append(_Change(other, side, low, high))
        return out

    # --- Search ------------------------------------------------------------------------------------------------

    def search(self, start: Place | tuple[int, float], goal: Place | tuple[int, float]) -> Route:
        """The cheapest route between two places (Dijkstra).

        Raises:
            RouteError: a place is not on a drivable lane, or no route leads there.
        """
        start, goal = self._checked("start", start), self._checked("goal", goal)
        reached = self._expand(start, {goal.lane})
        found = self._best_arrival(reached, goal)
        if found is None:
            raise RouteError(f"map {self.map.name}: no route from {self._where(start)} to {self._where(goal)}")
        cost, node = found
        return self._route(reached, node, start, goal, cost)

    def distance(self, start: Place | tuple[int, float], goal: Place | tuple[int, float]) -> float:
        """[m] cost of the cheapest route, inf where there is none."""
        start, goal = self._checked("start", start), self._checked("goal", goal)
        found = self._best_arrival(self._expand(start, {goal.lane}), goal)
        return np.inf if found is None else found[0]

    def _checked(self, what: str, place: Place | tuple[int, float]) -> Place:
        lane, s = int(place[0]), float(place[1])
        if not 0 <= lane < self.map.lane_count or not self.drivable[lane]:
            raise RouteError(f"map {self.map.name}: {what} lane {lane} is not a drivable lane of the map")
        if not -0.5 <= s <= self.length[lane] + 0.5:
            raise RouteError(
                f"map {self.map.name}: {what} s = {s:.2f} m is not on lane {lane} of {self.length[lane]:.2f} m"
            )
        return Place(lane, min(max(s, 0.0), float(self.length[lane])))

    def _where(self, place: Place) -> str:
        m = self.map
        road = m.road_ids[m.lane_road[place.lane]] if m.road_ids else "?"
        return f"lane {place.lane} (road {road}, lane id {m.lane_id[place.lane]}) s = {place.s:.1f} m"

    def _expand(self, start: Place, wanted: set[int]) -> dict:
        """Dijkstra from a place. Nodes are (lane, entry s): value (cost, node before, side of the change into it).

        Stops once every wanted lane has been entered at its beginning.
        """
        first = (start.lane, start.s)
        done: dict[tuple[int, float], tuple[float, tuple[int, float] | None, int]] = {}
        heap: list[tuple[float, int, float, tuple[int, float] | None, int]] = [(0.0, start.lane, start.s, None, 0)]
        entered: dict[int, list[tuple[float, float]]] = {}
        missing = set(wanted)
        while heap:
            cost, lane, s, before, side = heapq.heappop(heap)
            node = (lane, s)
            if any(at <= s and least + s - at <= cost + 1e-9 for at, least in entered.get(lane, ())):
                continue  # been there earlier on the lane at no more cost
            done[node] = (cost, before, side)
            entered.setdefault(lane, []).append((s, cost))
            if s == 0.0 and node != first:
                missing.discard(lane)
                if not missing:
                    break
            rest = cost + self.length[lane] - s
            for other in self.after[lane]:
                if (other, 0.0) not in done:
                    heapq.heappush(heap, (rest, other, 0.0, node, 0))
            for change in self.changes[lane]:
                begin = max(s, change.low)
                if change.high - begin < CHANGE_ROOM:
                    continue
                end = begin + CHANGE_ROOM
                entry = round(end * self.length[change.other] / self.length[lane], 3)
                if (change.other, entry) not in done:
                    heapq.heappush(heap, (cost + end - s + CHANGE_COST, change.other, entry, node, change.side))
        return done

    def _best_arrival(self, reached: dict, goal: Place) -> tuple[float, tuple[int, float]] | None:
        """(cost, node) of the cheapest way to be at the goal, over all entries to its lane."""
        arrivals = [
            (value[0] + goal.s - node[1], node)
            for node, value in reached.items()
            if node[0] == goal.lane and node[1] <= goal.s + 1e-6
        ]
        return min(arrivals) if arrivals else None

    def _route(self, reached: dict, node: tuple[int, float], start: Place, goal: Place, cost: float) -> Route:
        """Lane pieces of the way back from a node; lane changes are put where there is most room."""
        nodes = [node]
        while reached[nodes[-1]][1] is not None:
            nodes.append(reached[nodes[-1]][1])
        nodes.reverse()
        lanes = [n[0] for n in nodes]
        sides = [reached[n][2] for n in nodes]
        return self.assemble(lanes, sides, start.s, goal.s, cost)

    def assemble(self, lanes: Sequence[int], sides: Sequence[int], s0: float, s1: float, cost: float = 0.0) -> Route:
        """Route over given lanes from s0 on the first to s1 on the last; sides[i] != 0: lane i is a lane change away.

        Raises:
            RouteError: a lane change has no room.
        """
        pieces: list[tuple[int, float, float, int]] = []
        i, at = 0, float(s0)
        while i < len(lanes):
            j = i  # lanes i..j lie beside each other
            while j + 1 < len(lanes) and sides[j + 1] != 0:
                j += 1
            end = float(s1) if j + 1 == len(lanes) else float(self.length[lanes[j]])
            margin = 0.0  # that the change before takes
            for k in range(i, j):
                until = end / float(self.length[lanes[j]])
                leave = self._change_place(lanes[k], lanes[k + 1], sides[k + 1], at + margin, until, j - k)
                pieces.append((lanes[k], at, leave, sides[k] if k > i else 0))
                margin = leave - at - margin
                at = self._beside(lanes[k], leave, lanes[k + 1])
            pieces.append((lanes[j], at, max(at, end), sides[j] if j > i else 0))
            i, at = j + 1, 0.0
        lane, begin, end_s, change = zip(*pieces, strict=True)
        f32 = np.float32
        return Route(
            np.array(lane, np.int32), np.array(begin, f32), np.array(end_s, f32), np.array(change, np.int8), cost
        )

    def _change_place(self, lane: int, other: int, side: int, at: float, until: float, left: int) -> float:
        """[m] s on `lane` of the middle of the change to `other`.

        Each of the `left` changes to come gets an equal share of what remains of the lane up to the fraction `until`,
        and lies early in its share: 0.6 BLEND after its begin where there is room, else in its middle.
        """
        change = next((c for c in self.changes[lane] if c.other == other and c.side == side), None)
        if change is None:
            raise RouteError(f"map {self.map.name}: no lane change from lane {lane} to lane {other} is allowed")
        low, high = max(at, change.low), min(until * float(self.length[lane]), change.high)
        if high < low:
            raise RouteError(f"map {self.map.name}: no room for the change from lane {lane} to lane {other}")
        return low + min((high - low) / (2 * left), 0.6 * BLEND)

    def _beside(self, lane: int, s: float, other: int) -> float:
        """[m] s on `other` of the place next to (lane, s)."""
        x, y = centre_xy(self.map, lane, s)
        rows = slice(int(self.map.lane_start[other]), int(self.map.lane_start[other + 1]))
        p = self.map.point_xyz[rows, :2].astype(np.float64)
        u = np.diff(p, axis=0)
        t = np.clip(((np.array([x, y]) - p[:-1]) * u).sum(axis=1) / np.maximum((u * u).sum(axis=1), 1e-12), 0.0, 1.0)
        k = int(np.argmin(np.hypot(*(p[:-1] + t[:, None] * u - [x, y]).T)))
        return float((k + t[k]) * self.map.lane_step[other])

    # --- Through waypoints -----------------------------------------------------------------------------------------

    def matches(
        self, x: float, y: float, z: float | None = None, heading: float | None = None
    ) -> list[tuple[Place, float]]:
        """Places on drivable lanes near a point, with their match cost [m]; nearest lane if none lies within 4 m."""
        lane, p, a, u, norm2, heading_of = self._segments
        t = np.clip(((np.array([x, y]) - a[:, :2]) * u[:, :2]).sum(axis=1) / norm2, 0.0, 1.0)
        gap = np.linalg.norm(a[:, :2] + t[:, None] * u[:, :2] - [x, y], axis=1)
        if z is not None:
            gap = np.hypot(gap, 2 * (a[:, 2] + t * u[:, 2] - z))
        if heading is not None:
            gap = np.hypot(gap, 5 * np.sin((heading_of - heading) / 2))
        m = self.map
        out = []
        reach = max(_MATCH_REACH, float(gap.min()) + 0.01)
        for i in np.unique(lane[gap <= reach]):
            rows = np.flatnonzero(lane == i)
            k = rows[np.argmin(gap[rows])]
            s = float((p[k] - m.lane_start[i] + t[k]) * m.lane_step[i])
            out.append((Place(int(i), s), _MATCH_WEIGHT * float(gap[k]) ** 2))
        return sorted(out, key=lambda item: item[1])

    @cached_property
    def _segments(self) -> tuple[NDArray, ...]:
        """Drivable segments: lane, first point, start (n, 3) [m], vector (n, 3) [m], its planar length^2, heading."""
        m = self.map
        size = np.diff(m.lane_start) - 1
        lane = np.repeat(np.arange(m.lane_count), size)
        point = np.arange(len(lane)) + lane  # every lane before has one point more than segments
        lane, point = lane[self.drivable[lane]], point[self.drivable[lane]]
        a = m.point_xyz[point].astype(np.float64)
        u = m.point_xyz[point + 1] - a
        norm2 = np.maximum((u[:, :2] ** 2).sum(axis=1), 1e-12)
        return lane, point, a, u, norm2, m.point_heading[point].astype(np.float64)

    def through(self, points: NDArray | Sequence[Sequence[float]]) -> Route:
        """Route along sparse waypoints (n, 2) or (n, 3) [m], map frame, n >= 2.

        Every waypoint is matched to the lanes near it; of all ways to pick one lane each, the cheapest is taken: route
        cost plus 10 m for each squared metre between waypoint and lane.

        Raises:
            RouteError: fewer than two waypoints, or no route leads from one to the next.
        """
        points = np.asarray(points, np.float64)
        if points.ndim != 2 or len(points) < 2 or points.shape[1] not in (2, 3):
            raise RouteError(f"waypoints have shape {points.shape}, expected (n >= 2, 2 or 3)")
        stages = [self.matches(*p) for p in points]
        best = {place: (cost, None) for place, cost in stages[0]}
        history = [best]
        legs: list[dict] = []
        for n, stage in enumerate(stages[1:], start=1):
            lanes = {place.lane for place, _ in stage}
            step, leg = {}, {}
            for place, (cost, _) in best.items():
                reached = self._expand(place, lanes)
                for target, extra in stage:
                    found = self._best_arrival(reached, target)
                    if found is not None and (target not in step or cost + found[0] + extra < step[target][0]):
                        step[target] = (cost + found[0] + extra, place)
                        leg[target] = self._trace(reached, found[1])
            if not step:
                raise RouteError(
                    f"map {self.map.name}: no route from waypoint {n - 1} {points[n - 1]} to {n} {points[n]}"
                )
            best = step
            history.append(best)
            legs.append(leg)
        return self._joined(history, legs)

    def _trace(self, reached: dict, node: tuple[int, float]) -> list[tuple[int, int]]:
        """(lane, side) of every node on the way to `node`."""
        out = []
        at: tuple[int, float] | None = node
        while at is not None:
            out.append((at[0], reached[at][2]))
            at = reached[at][1]
        return out[::-1]

    def _joined(self, history: list[dict], legs: list[dict]) -> Route:
        """One route of the legs that lead to the cheapest last place."""
        place = min(history[-1], key=lambda p: history[-1][p][0])
        cost = history[-1][place][0]
        chain = [place]
        for best in history[:0:-1]:
            chain.append(best[chain[-1]][1])
        chain.reverse()
        pieces: list[Route] = []
        for n in range(len(legs)):
            trace = legs[n][chain[n + 1]]
            lanes, sides = [t[0] for t in trace], [t[1] for t in trace]
            pieces.append(self.assemble(lanes, sides, chain[n].s, chain[n + 1].s))
        return _concatenate(pieces, cost)

    # --- At random -------------------------------------------------------------------------------------------------

    def random(
        self, seed: int, min_length: float, entity: int = 0, *, start: Place | None = None, change_rate: float = 0.1
    ) -> Route:
        """A random route of at least `min_length` [m] that ends outside of junctions; a function of (seed, entity).

        Turns are drawn among the successors from which the rest can still be driven, lanes not yet visited first.

        Args:
            seed: of the episode.
            min_length: [m].
            entity: driver's number, so that drivers of one seed get different routes.
            start: where to begin; drawn if not given.
            change_rate: chance of a lane change on a lane that has room for it.

        Raises:
            RouteError: the map has no route of that length.
        """
        need = min_length + 2.0
        room = self._longest
        first = self._random_start(seed, entity, room, need) if start is None else self._checked("start", start)
        if room[first.lane] - first.s < need:
            raise RouteError(f"map {self.map.name}: no route of {min_length:.0f} m begins on {self._where(first)}")
        lanes, sides = [first.lane], [0]
        driven, visited, entry = -first.s, {first.lane}, first.s
        for step in range(100_000):
            lane = lanes[-1]
            change = self._random_change(seed, entity, step, lane, entry, need - driven, room, change_rate)
            if change is not None:
                lanes.append(change.other)
                sides.append(change.side)
                lane = change.other
                visited.add(lane)
            if driven + self.length[lane] >= need and self.map.lane_junction[lane] < 0:
                break
            driven += self.length[lane]
            lane = self._random_turn(seed, entity, step, lane, need - driven, room, visited)
            if lane < 0:
                raise RouteError(f"map {self.map.name}: a route of {min_length:.0f} m ends in a junction only")
            lanes.append(lane)
            sides.append(0)
            visited.add(lane)
            entry = 0.0
        last = lanes[-1]
        end = min(max(need - driven, 10.0), float(self.length[last]))
        if sides[-1] != 0:
            end = float(self.length[last])
        return self.assemble(lanes, sides, first.s, end, driven + end)

    @cached_property
    def longest_random(self) -> float:
        """[m] up to which `random` finds a place to begin; inf on maps with loops, 0 without a place."""
        length = np.where(self.drivable & (self.map.lane_junction < 0), self.length, 0.0)
        room = np.where(length > _SHORTEST_START, self._longest - np.minimum(5.0, length / 4), 0.0)
        return max(0.0, float(room.max(initial=0.0)) - 2.0)

    def _random_start(self, seed: int, entity: int, room: NDArray, need: float) -> Place:
        length = np.where(self.drivable & (self.map.lane_junction < 0), self.length, 0.0)
        low, high = np.minimum(5.0, length / 4), length * 0.6  # not in the last part of a lane
        high = np.minimum(high, room - need)
        fits = np.flatnonzero((length > _SHORTEST_START) & (high >= low))
        if not len(fits):
            raise RouteError(f"map {self.map.name}: no route of {need - 2:.0f} m on it")
        span = np.cumsum((high - low)[fits] + 1.0)
        at = float(draw_unit(seed, entity, 0, _STARTS)) * span[-1]
        k = min(int(np.searchsorted(span, at, side="right")), len(fits) - 1)
        offset = at - (span[k - 1] if k else 0.0)
        lane = int(fits[k])
        return Place(lane, float(min(low[lane] + offset, high[lane])))

    def _random_change(
        self, seed: int, entity: int, step: int, lane: int, entry: float, need: float, room: NDArray, rate: float
    ) -> _Change | None:
        options = [
            c
            for c in self.changes[lane]
            if c.high - max(c.low, entry) >= 2 * BLEND and room[c.other] >= min(need, room[lane]) - 1e-6
        ]
        if not options or draw_unit(seed, entity, step, _WHETHER) >= rate:
            return None
        return options[int(draw_index(seed, entity, step, _CHANGES, len(options)))]

    def _random_turn(
        self, seed: int, entity: int, step: int, lane: int, need: float, room: NDArray, visited: set[int]
    ) -> int:
        """A successor from which `need` metres can be driven; -1 where there is none."""
        options = [j for j in self.after[lane] if room[j] >= need]
        if not options:
            return -1
        fresh = [j for j in options if j not in visited and not all(k in visited for k in self.after[j])]
        options = fresh or [j for j in options if j not in visited] or options
        return options[int(draw_index(seed, entity, step, _TURNS, len(options)))]

    @cached_property
    def _longest(self) -> NDArray[np.float64]:
        """(L,) [m] that can be driven from the start of each lane, see `longest_way`."""
        return longest_way(self.after, self.length, self.map.lane_junction < 0)


def longest_way(after: list[list[int]], length: NDArray, may_end: NDArray) -> NDArray[np.float64]:
    """(L,) [m] longest way from the start of each lane that ends on a lane where it may end; inf where it never ends.

    A way never ends on a lane that lies on a cycle or leads to one; the rest is a graph without cycles.
    """
    count = len(after)
    waiting = np.array([len(a) for a in after])
    before: list[list[int]] = [[] for _ in range(count)]
    for i, successors in enumerate(after):
        for j in successors:
            before[j].append(i)
    out = np.full(count, np.inf)
    stack = [i for i in range(count) if waiting[i] == 0]
    while stack:
        i = stack.pop()
        beyond = max((out[j] for j in after[i]), default=0.0)
        out[i] = length[i] + beyond if may_end[i] or beyond > 0 else 0.0
        for j in before[i]:
            waiting[j] -= 1
            if waiting[j] == 0:
                stack.append(j)
    return out


def _concatenate(routes: list[Route], cost: float) -> Route:
    """Routes that follow each other as one; pieces of one lane that touch are joined."""
    lane, s0, s1, change = (np.concatenate([getattr(r, f) for r in routes]) for f in ("lane", "s0", "s1", "change"))
    keep = np.ones(len(lane), bool)
    for i in range(1, len(lane)):
        if lane[i] == lane[i - 1] and change[i] == 0 and abs(s0[i] - s1[i - 1]) < 1e-3:
            s0[i], change[i], keep[i - 1] = s0[i - 1], change[i - 1], False
    return Route(lane[keep], s0[keep], s1[keep], change[keep], cost)
