"""The route ahead as a driver without a map knows it: sparse waypoints, and the lane that it sees.

Each driver keeps a curve of points in the frame of its dead reckoning (`Localiser.odometry`), so that what was seen
stays where it is when the belief about the world frame moves. The curve begins as the line laid through the waypoints
(perception.waypoints). With every picture it is pulled towards the centre of the lane seen, which is gathered in bins
along the route, and, less strongly, towards the waypoints; on the turns of junctions, where nothing is painted, towards
the arc between entry and exit. Waypoints lie on lane centres, so those seen beside their lane correct the pose.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perception.curve import (
    BAND,
    BIN_ROW,
    CURVE_ROW,
    OBSERVED_ROW,
    POINTS,
    cut_tail,
    drop_head,
    even_out,
    foot_on,
    grow_tail,
    index_after,
    index_of,
    is_sound,
    last_seen,
    length_between,
    line_of_bins,
    place_on,
    relax,
    see_bins,
    u_at,
)  # fmt: skip
from perception.lanes import CENTRE_ROW, CHANGES, CROSSES, STRETCH_ROW, TURNS, lane_centres, take_lanes
from perception.localise import Localiser
from perception.records import LINE_X, Percept
from perception.waypoints import CHANGE, JUNCTION, LaidRoute, join, lay_route
from world.kernel import kernel
from world.kinds import Command
from world.records import SCENE_ROUTE_POINTS, SCENE_ROUTE_STEP, Task

F64, BOOL = NDArray[np.float64], NDArray[np.bool_]
X_STATIONS = LINE_X.astype(np.float64)
_BEHIND = 5  # points kept behind the driver
_REACH = 112.0  # [m] of curve ahead
_SURE = 12.0  # [m] ahead within which the curve stays as it is
_ARC = 9  # places on a junction's arc that the curve is pulled towards


@dataclass(frozen=True)
class RouteConfig:
    """Sigmas [m] of what pulls the curve."""

    waypoint: float = 0.3
    arc: float = 0.4
    on_lane: float = 0.4  # a waypoint against the lane that it is seen on, a picture
    half_width: float = 1.75  # of a lane before one is seen


@dataclass(eq=False)
class DriverRoute:
    """What is known of one driver's route."""

    laid: LaidRoute
    curve: NDArray[np.void]  # (POINTS,) CURVE_ROW in the odometry's frame
    bins: NDArray[np.void]  # BIN_ROW, one a metre of u
    stretches: list[tuple[int, int, int]]  # first and last waypoint, kind (lanes.TURNS, ...)
    count: int = 0  # points of the curve
    passed: int = 0  # waypoint that lies behind
    foot: float = 0.0  # index on the curve
    offset: float = 0.0  # [m] of the driver from it, left positive
    half: float = 1.75  # [m] half the lane's width
    aligned: bool = False  # heading and curve agree with the first lane seen
    at: dict[int, float] = field(default_factory=dict)  # index on the curve of the waypoints near by

    def ahead(self, waypoint: int) -> float:
        """[m] along the route from the foot to a waypoint that has not been passed."""
        near = self.at.get(waypoint)
        if near is not None:
            if near < self.foot:
                return -length_between(self.curve, self.count, near, self.foot)
            return length_between(self.curve, self.count, self.foot, near)
        known = [w for w in self.at if self.passed < w < waypoint]
        if known:
            return self.ahead(max(known)) + float(self.laid.place[waypoint] - self.laid.place[max(known)])
        return float(self.laid.place[waypoint]) - u_at(self.curve, self.count, self.foot)


class RouteFinder:
    """The routes of all (B, K) drivers; `routes[b][k]` is None without one."""

    def __init__(self, config: RouteConfig | None = None):
        self.config = config or RouteConfig()
        self.routes: list[list[DriverRoute | None]] = []
        self._bands, self._right = np.zeros((POINTS, BAND)), np.zeros(POINTS)
        self._spare, self._seen = np.zeros(POINTS, CURVE_ROW), np.zeros(256, OBSERVED_ROW)
        self._centres = np.zeros((3, len(LINE_X)), CENTRE_ROW)

    def reset(self, task: Task, localiser: Localiser, mask: BOOL | None = None) -> None:
        """Lay the routes anew. Args: localiser: already reset. mask: (B, K) who; None: all."""
        worlds, drivers = task.waypoint.shape[:2]
        if mask is None or len(self.routes) != worlds or any(len(row) != drivers for row in self.routes):
            self.routes, mask = [[None] * drivers for _ in range(worlds)], None
        for b in range(worlds):
            for k in range(drivers):
                if mask is None or mask[b, k]:
                    valid = task.waypoint_valid[b, k]
                    way, command = task.waypoint[b, k][valid], task.command[b, k][valid]
                    self.routes[b][k] = self._lay(way, command, None, localiser, b, k) if len(way) > 1 else None

    def _lay(
        self, way: NDArray, command: NDArray, yaw: float | None, localiser: Localiser, b: int, k: int
    ) -> DriverRoute:
        laid = lay_route(way, command, yaw)
        kinds = [(first, last, CHANGES) for first, last in laid.stretches(CHANGE)]
        for first, last in laid.stretches(JUNCTION):
            straight = int(laid.command[first]) == int(Command.STRAIGHT)
            kinds.append((first, last, CROSSES if straight else TURNS))
        curve, bins = np.zeros(POINTS, CURVE_ROW), np.zeros(int(laid.length) + 8, BIN_ROW)
        route = DriverRoute(laid, curve, bins, sorted(kinds), half=self.config.half_width)
        dx, dy, turn = _odometry_from_world(localiser, b, k)
        c, s = math.cos(turn), math.sin(turn)
        for i in range(2):
            x, y = float(laid.points["x"][i]), float(laid.points["y"][i])
            curve[i] = (dx + c * x - s * y, dy + s * x + c * y, float(laid.points["u"][i]))
        route.count = grow_tail(curve, 2, laid.points, dx, dy, turn, _REACH)
        return route

    def update(self, percept: Percept, localiser: Localiser) -> None:
        """Bring all routes to the localiser's time; takes in what a fresh percept shows, and corrects the localiser."""
        for b, row in enumerate(self.routes):
            for k in range(len(row)):
                if row[k] is not None:
                    self._update_one(b, k, percept, localiser)

    def _update_one(self, b: int, k: int, percept: Percept, localiser: Localiser) -> None:
        route = self.routes[b][k]
        assert route is not None
        fresh = bool(percept.fresh[b, k])
        if fresh:
            route.half = lane_centres(
                percept.line_y[b, k], percept.line_sigma[b, k], percept.line_valid[b, k], X_STATIONS, route.half,
                self._centres,
            )  # fmt: skip
            if not route.aligned:
                route = self._align(b, k, route, localiser)
        self._advance(route, localiser, b, k)
        if not fresh:
            return
        x, y, yaw = (float(v) for v in localiser.odometry[b, k])
        take_lanes(self._centres, route.curve, route.count, route.foot, x, y, yaw, self._stretches(route), route.bins)
        self._renew_tail(route, localiser, b, k)
        count = see_bins(route.curve, route.count, route.bins, self._seen, 0)
        count = self._see_waypoints(route, localiser, b, k, count)
        relax(route.curve, route.count, self._seen, count, self._bands, self._right)
        route.count = even_out(route.curve, route.count, self._spare)
        if not is_sound(route.curve, route.count):
            self._start_over(route, localiser, b, k)
        self._advance(route, localiser, b, k)
        self._correct(route, localiser, b, k)

    def _advance(self, route: DriverRoute, localiser: Localiser, b: int, k: int) -> None:
        """Foot point, ends of the curve, waypoints on it."""
        curve, (x, y, _) = route.curve, localiser.odometry[b, k]
        near = int(route.foot)
        route.foot, route.offset = foot_on(curve, route.count, x, y, max(near - 4, 0), near + 8)
        spare = int(route.foot) - _BEHIND
        if spare > 0:
            route.count = drop_head(curve, route.count, spare)
            route.foot -= spare
        dx, dy, turn = _odometry_from_world(localiser, b, k)
        reach = u_at(curve, route.count, route.foot) + _REACH
        route.count = grow_tail(curve, route.count, route.laid.points, dx, dy, turn, reach)
        self._place_waypoints(route, dx, dy, turn)

    def _renew_tail(self, route: DriverRoute, localiser: Localiser, b: int, k: int) -> None:
        """Lay what lies beyond all that is seen as the pose of now has it."""
        here = u_at(route.curve, route.count, route.foot)
        seen = max(last_seen(route.bins, here, _REACH), here + _SURE)
        route.count = cut_tail(route.curve, route.count, seen)
        dx, dy, turn = _odometry_from_world(localiser, b, k)
        route.count = grow_tail(route.curve, route.count, route.laid.points, dx, dy, turn, here + _REACH)
        self._place_waypoints(route, dx, dy, turn)

    def _start_over(self, route: DriverRoute, localiser: Localiser, b: int, k: int) -> None:
        """Lay the curve anew from the waypoint passed last on, and forget what was seen along it."""
        dx, dy, turn = _odometry_from_world(localiser, b, k)
        c, s = math.cos(turn), math.sin(turn)
        px, py = (float(v) for v in localiser.mean[b, k, :2])
        laid = route.laid.points
        here = u_at(route.curve, route.count, route.foot)
        away = np.hypot(laid["x"] - px, laid["y"] - py) + 0.2 * np.abs(laid["u"] - here)  # a route may pass here twice
        first = int(np.argmin(away))
        first = min(max(first - _BEHIND, 0), len(laid) - 2)
        for i in range(2):
            x, y = float(laid["x"][first + i]), float(laid["y"][first + i])
            route.curve[i] = (dx + c * x - s * y, dy + s * x + c * y, float(laid["u"][first + i]))
        route.count = grow_tail(route.curve, 2, laid, dx, dy, turn, float(laid["u"][first]) + _REACH)
        route.foot = min(float(_BEHIND), route.count - 2.0)
        route.bins[:] = 0

    def _place_waypoints(self, route: DriverRoute, dx: float, dy: float, turn: float) -> None:
        """Where the waypoints near by lie on the curve, and which of them is behind."""
        curve, n, laid = route.curve, route.count, route.laid
        c, s = math.cos(turn), math.sin(turn)
        low, high = float(curve[0]["u"]) - 1.0, float(curve[n - 1]["u"]) + 0.01
        route.at = {}
        for i in range(max(route.passed - 1, 0), len(laid.place)):
            if laid.place[i] > high:
                break
            if laid.place[i] < low:
                continue
            wx, wy = laid.waypoint[i]
            near = int(index_of(curve, n, float(laid.place[i])))
            t, _ = foot_on(curve, n, dx + c * wx - s * wy, dy + s * wx + c * wy, max(near - 8, 0), near + 8)
            route.at[i] = t
        last = len(laid.place) - 1
        while route.passed < last - 1 and route.at.get(route.passed + 1, math.inf) <= route.foot:
            route.passed += 1

    def _stretches(self, route: DriverRoute) -> NDArray[np.void]:
        """Junctions and changes of lanes near by, in u of the curve as it lies."""
        rows = []
        for first, last, kind in route.stretches:
            if last < route.passed or first not in route.at and last not in route.at:
                continue
            ends = []
            for i in (first, last):
                t = route.at.get(i)
                ends.append(float(route.laid.place[i]) if t is None else u_at(route.curve, route.count, t))
            rows.append((ends[0], ends[1], kind))
        return np.array(rows, STRETCH_ROW)

    def _see_waypoints(self, route: DriverRoute, localiser: Localiser, b: int, k: int, count: int) -> int:
        """Append waypoints and arcs to what the curve is pulled towards."""
        dx, dy, turn = _odometry_from_world(localiser, b, k)
        c, s = math.cos(turn), math.sin(turn)
        curve, n, laid = route.curve, route.count, route.laid
        spread = 0.5 * float(localiser.covariance[b, k, 0, 0] + localiser.covariance[b, k, 1, 1])

        def pull(x: float, y: float, near: int, sigma: float) -> None:
            nonlocal count
            t, d = foot_on(curve, n, x, y, max(near - 8, 0), near + 8)
            if 0.0 <= t <= n - 1.0 and count < len(self._seen):
                self._seen[count] = (t, d, 1.0 / (sigma**2 + spread))
                count += 1

        for i, t in route.at.items():
            wx, wy = laid.waypoint[i]
            pull(dx + c * wx - s * wy, dy + s * wx + c * wy, int(t), self.config.waypoint)
        for first, last, kind in route.stretches:
            if kind == CROSSES or first not in route.at or last not in route.at:
                continue
            for i in range(first, last):
                arc = join(laid.waypoint[i], laid.waypoint[i + 1], laid.yaw[i], laid.yaw[i + 1], _ARC_AT)
                t0, t1 = route.at[i], route.at[i + 1]
                for u, (wx, wy) in zip(_ARC_AT, arc, strict=True):
                    pull(dx + c * wx - s * wy, dy + s * wx + c * wy, int(t0 + u * (t1 - t0)), self.config.arc)
        return count

    def _correct(self, route: DriverRoute, localiser: Localiser, b: int, k: int) -> None:
        """Waypoints beside a lane seen correct the localiser."""
        x, y, yaw = (float(v) for v in localiser.odometry[b, k])
        c, s = math.cos(yaw), math.sin(yaw)
        shape = localiser.mean.shape[:2]
        for i, t in route.at.items():
            if not -6.0 < t - route.foot < 25.0:
                continue
            mx, my, direction, weight = line_of_bins(route.bins, u_at(route.curve, route.count, t), 5.0)
            if weight == 0.0:
                continue
            who, foot = np.zeros(shape, np.bool_), np.zeros((*shape, 2))
            way, angle = np.zeros((*shape, 2)), np.zeros(shape)
            who[b, k], way[b, k] = True, route.laid.waypoint[i]
            foot[b, k] = c * (mx - x) + s * (my - y), c * (my - y) - s * (mx - x)
            angle[b, k] = direction - yaw
            localiser.see_lane(way, foot, angle, np.full(shape, self.config.on_lane), who)

    def _align(self, b: int, k: int, route: DriverRoute, localiser: Localiser) -> DriverRoute:
        """Turn the first heading so that the second waypoint lies on the lane seen, and lay the route along it."""
        own = self._centres[1]
        own = own[own["valid"]]
        if len(own) < 6 or own["x"][-1] < 10.0 or own["x"][0] > 9.0:
            return route
        way = route.laid.waypoint
        goal = way[1] - way[0]
        far = float(np.hypot(*goal))
        bearing, unseen = _bearing_at(own, far)
        who = np.zeros(localiser.mean.shape[:2], np.bool_)
        who[b, k] = True
        yaw = np.full(who.shape, math.atan2(goal[1], goal[0]) - bearing)
        localiser.align(yaw, 0.03 + 0.3 * unseen, who)
        near = own[: max(4, len(own) // 4)]
        slope = float(np.polyfit(near["x"], near["y"], 1)[0]) - _bow(near)
        lane = float(localiser.mean[b, k, 2]) + math.atan(slope)
        new = self._lay(way, route.laid.command, lane, localiser, b, k)
        new.half, new.aligned = route.half, True
        self.routes[b][k] = new
        return new

    def ahead_xy(self, b: int, k: int, localiser: Localiser) -> tuple[F64, int]:
        """((R, 2) [m] the route from the foot on, body frame, SCENE_ROUTE_STEP apart; how many points there are)."""
        route = self.routes[b][k]
        out = np.zeros((SCENE_ROUTE_POINTS, 2))
        if route is None:
            return out, 0
        x, y, yaw = (float(v) for v in localiser.odometry[b, k])
        count = sample(route.curve, route.count, route.foot, x, y, yaw, out)
        left = route.ahead(len(route.laid.place) - 1)
        count = min(count, max(int(left / SCENE_ROUTE_STEP) + 1, 0))
        out[count:] = 0.0
        return out, count


def _bow(near: NDArray[np.void]) -> float:
    """By how much the slope of a centre line changes from the vehicle to the middle of its first places."""
    if len(near) < 5:
        return 0.0
    second = float(np.polyfit(near["x"], near["y"], 2)[0])
    return 2.0 * second * float(near["x"].mean())


def _bearing_at(own: NDArray[np.void], far: float) -> tuple[float, float]:
    """(direction [rad] in the body frame in which a centre line is `far` m away, share of the way that is not seen).

    Beyond what is seen it goes straight on.
    """
    x, y = np.append(0.0, own["x"]), np.append(0.0, own["y"])
    away = np.hypot(x, y)
    if away[-1] >= far:
        i = int(np.argmax(away >= far))
        f = (far - away[i - 1]) / max(away[i] - away[i - 1], 1e-6)
        return math.atan2(y[i - 1] + f * (y[i] - y[i - 1]), x[i - 1] + f * (x[i] - x[i - 1])), 0.0
    tail = slice(max(len(x) - 4, 1), None)
    slope = float(np.polyfit(x[tail], y[tail], 1)[0])
    ux, uy = np.array([1.0, slope]) / math.hypot(1.0, slope)
    along = float(ux * x[-1] + uy * y[-1])
    rest = -along + math.sqrt(max(along**2 + far**2 - float(away[-1]) ** 2, 0.0))
    return math.atan2(y[-1] + rest * uy, x[-1] + rest * ux), rest / far


_ARC_AT = np.linspace(0.0, 1.0, _ARC + 2)[1:-1]


@kernel
def sample(curve, n, t, x, y, yaw, out):
    """Fill `out` (R, 2) with places SCENE_ROUTE_STEP apart from index t on, as seen from (x, y, yaw); returns how many.

    Those beyond the curve's end are left out.
    """
    c, s = math.cos(yaw), math.sin(yaw)
    for r in range(len(out)):
        if t > n - 1.0 + 1e-9:
            return r
        px, py, _ = place_on(curve, n, t)
        out[r, 0], out[r, 1] = c * (px - x) + s * (py - y), c * (py - y) - s * (px - x)
        t = index_after(curve, n, t, SCENE_ROUTE_STEP)
    return len(out)


def _odometry_from_world(localiser: Localiser, b: int, k: int) -> tuple[float, float, float]:
    """(dx, dy, turn) [m, m, rad] of the world frame, as believed, in the odometry's."""
    ox, oy, oyaw = (float(v) for v in localiser.odometry[b, k])
    px, py, pyaw = (float(v) for v in localiser.mean[b, k, :3])
    turn = oyaw - pyaw
    c, s = math.cos(turn), math.sin(turn)
    return ox - (c * px - s * py), oy - (s * px + c * py), turn
