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
    STEP,
    cut_tail,
    drop_head,
    even_out,
    foot_on,
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
from world.lane_arrays import wrap
from world.records import SCENE_ROUTE_POINTS, SCENE_ROUTE_STEP, Task

F64, BOOL = NDArray[np.float64], NDArray[np.bool_]
X_STATIONS = LINE_X.astype(np.float64)
_BEHIND = 5  # points kept behind the driver
_REACH = 112.0  # [m] of curve ahead
_SURE = 12.0  # [m] ahead within which the curve stays as it is
_TRUSTED = 60.0  # [m] ahead up to which it follows what is seen
_CLOSE = 8.0  # [m]
_TIGHT = 4.0  # [m] radius of the tightest bend
_TURN, _MOST_TURN = 0.5, 2.2  # [rad] turns that are a bend ahead
_DETOUR, _ROUGH = 1.05, 1.0  # times, and [m], that the way between two waypoints may be longer than it was laid
_LONGER = 1.4  # times the route as laid that the way may be
_ARC_AT = np.arange(4, 40, 4)  # places on a junction's arc that the curve is pulled towards, of a part's 41
_JOIN_AT = np.linspace(0.0, 1.0, 25)


@dataclass(frozen=True)
class RouteConfig:
    """Sigmas [m] of what pulls the curve."""

    waypoint: float = 0.3
    anchor: float = 0.5  # what the waypoints tell of the street between them
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

    def along(self, t: float) -> float:
        """[m] from the foot to index t of the curve, negative behind it."""
        if t < self.foot:
            return -length_between(self.curve, self.count, t, self.foot)
        return length_between(self.curve, self.count, self.foot, t)

    def ahead(self, waypoint: int) -> float:
        """[m] along the route from the foot to a waypoint that has not been passed."""
        near = self.at.get(waypoint)
        if near is not None:
            return self.along(near)
        known = [w for w in self.at if self.passed < w < waypoint]
        if known:
            return self.ahead(max(known)) + float(self.laid.place[waypoint] - self.laid.place[max(known)])
        way = float(self.laid.place[waypoint] - self.laid.place[self.passed])
        behind = self.at.get(self.passed, self.foot)
        return way - length_between(self.curve, self.count, behind, self.foot)

    def sure(self) -> F64:
        """(n,) [m] places near by, on the curve as it lies, where the line is known as well as the pose."""
        near = [u_at(self.curve, self.count, t) + self.laid.anchors[i][:, 0] for i, t in self.at.items()]
        places = np.concatenate([np.zeros(0), *near])
        return places[places > u_at(self.curve, self.count, self.foot)]


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
        curve, bins = np.zeros(POINTS, CURVE_ROW), np.zeros(int(_LONGER * laid.length) + 64, BIN_ROW)
        route = DriverRoute(laid, curve, bins, sorted(kinds), half=self.config.half_width)
        self._begin(route, 0, localiser, b, k)
        return route

    def _begin(self, route: DriverRoute, first: int, localiser: Localiser, b: int, k: int) -> None:
        """Lay the curve along the route's line from its point `first` on; places begin at 0 there, or go on."""
        frame = _odometry_from_world(localiser, b, k)
        points = route.laid.points[first : first + _BEHIND + 2]
        start = float(route.curve["u"][0])
        x, y = _moved(np.stack((points["x"], points["y"]), axis=1), frame).T
        route.count = len(points)
        for i in range(len(points)):
            route.curve[i] = (x[i], y[i], start + float(points["u"][i] - points["u"][0]))
        beyond = int(np.searchsorted(route.laid.place, float(points["u"][-1]) + 1.0))
        _grow(route, min(beyond, len(route.laid.place) - 1), frame)

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
        take_lanes(
            self._centres, route.curve, route.count, route.foot, x, y, yaw, self._stretches(route), route.sure(),
            math.sqrt(_spread(localiser, b, k)), route.bins,
        )  # fmt: skip
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
        self._place_waypoints(route, _odometry_from_world(localiser, b, k))

    def _renew_tail(self, route: DriverRoute, localiser: Localiser, b: int, k: int) -> None:
        """Lay what lies beyond all that is seen as the pose of now has it."""
        here = u_at(route.curve, route.count, route.foot)
        seen = max(last_seen(route.bins, here, _TRUSTED), here + _SURE)
        frame = _odometry_from_world(localiser, b, k)
        seen = self._without_detour(route, seen, frame)
        route.count = cut_tail(route.curve, route.count, seen)
        last = len(route.laid.place) - 1
        beyond = route.passed + 1
        while beyond < last and route.at.get(beyond, math.inf) < route.count - 1.0:
            beyond += 1
        _grow(route, beyond, frame)
        self._place_waypoints(route, frame)

    def _without_detour(self, route: DriverRoute, seen: float, frame: tuple[float, float, float]) -> float:
        """[m] place up to which what was seen may be the route; what the bins hold beyond it is forgotten.

        A street that went on as seen, and from there straight to the next waypoint, is not much longer than the line
        through the waypoints, and it has not run past the street that leads through that waypoint: one that does leads
        elsewhere, as the far end of a lane that seems to pass by a bend.
        """
        curve, n, laid, last = route.curve, route.count, route.laid, len(route.laid.place) - 1
        cut = min(index_of(curve, n, seen), n - 1.0)
        goal = route.passed + 1
        while goal < last and route.at.get(goal, math.inf) < cut:
            goal += 1
        start = route.at.get(goal - 1, route.foot)
        way = _moved(laid.waypoint[goal : goal + 1], frame)[0]
        most = _DETOUR * laid.most(goal - 1) + _ROUGH
        least = max(route.foot, start) + 1.0
        first = cut
        while cut > least:
            x, y, yaw = place_on(curve, n, cut)
            dx, dy, turn = way[0] - x, way[1] - y, float(wrap(laid.yaw[goal] + frame[2] - yaw))
            if length_between(curve, n, start, cut) + math.hypot(dx, dy) < most and not _is_past(dx, dy, yaw, turn):
                break
            cut -= 1.0
        if cut == first:
            return seen
        cut = max(cut, least)
        place = u_at(curve, n, cut)
        route.bins[max(int(place) + 1, 0) : int(seen) + 1] = 0
        return place

    def _start_over(self, route: DriverRoute, localiser: Localiser, b: int, k: int) -> None:
        """Lay the curve anew, and forget what was seen along it."""
        px, py = (float(v) for v in localiser.mean[b, k, :2])
        laid = route.laid.points
        low, high = route.laid.place[route.passed] - 8.0, route.laid.place[route.passed + 1] + 8.0
        near = np.flatnonzero((laid["u"] > low) & (laid["u"] < high))
        first = int(near[np.argmin(np.hypot(laid["x"][near] - px, laid["y"][near] - py))])
        self._begin(route, min(max(first - _BEHIND, 0), len(laid) - 2), localiser, b, k)
        route.foot = min(float(_BEHIND), route.count - 2.0)
        route.bins[:] = 0

    def _place_waypoints(self, route: DriverRoute, frame: tuple[float, float, float]) -> None:
        """Where the waypoints near by lie on the curve, and which of them is behind."""
        curve, n, laid, place = route.curve, route.count, route.laid, route.laid.place
        route.at, near = {}, route.foot
        for i in range(route.passed, len(place)):
            wx, wy = _moved(laid.waypoint[i : i + 1], frame)[0]
            if i == route.passed:
                low, high = 0, int(route.foot) + 6
            else:
                low, high = max(int(near) - 1, 0), int(near + (place[i] - place[i - 1]) * 1.5 / STEP) + 10
            t, _ = foot_on(curve, n, wx, wy, low, min(high, n - 1))
            if t > n - 0.4:
                break
            route.at[i] = t
            near = max(t, route.foot)
        last = len(place) - 1
        while route.passed < last - 1 and route.at.get(route.passed + 1, math.inf) <= route.foot:
            route.passed += 1

    def _stretches(self, route: DriverRoute) -> NDArray[np.void]:
        """Junctions and changes of lanes near by, in u of the curve as it lies."""
        rows = []
        for first, last, kind in route.stretches:
            if last < route.passed or first not in route.at and last not in route.at:
                continue
            low, high = (route.at.get(i) for i in (first, last))
            begin = -1e9 if low is None else u_at(route.curve, route.count, low)
            rows.append((begin, 1e9 if high is None else u_at(route.curve, route.count, high), kind))
        return np.array(rows, STRETCH_ROW)

    def _see_waypoints(self, route: DriverRoute, localiser: Localiser, b: int, k: int, count: int) -> int:
        """Append waypoints and arcs to what the curve is pulled towards."""
        frame = _odometry_from_world(localiser, b, k)
        curve, n, laid = route.curve, route.count, route.laid
        spread = _spread(localiser, b, k)

        def pull(x: float, y: float, near: int, sigma: float) -> None:
            nonlocal count
            t, d = foot_on(curve, n, x, y, max(near - 8, 0), near + 8)
            if 0.0 <= t <= n - 1.0 and count < len(self._seen):
                self._seen[count] = (t, d, 1.0 / (sigma**2 + spread))
                count += 1

        for i, t in route.at.items():
            anchors = laid.anchors[i]
            for s, (x, y) in zip(anchors[:, 0], _moved(anchors[:, 1:], frame), strict=True):
                pull(x, y, int(t + s / STEP), self.config.anchor if s else self.config.waypoint)
        for first, last, kind in route.stretches:
            for i in range(first, last):
                if kind == CROSSES or i not in route.at or i + 1 not in route.at:
                    continue
                arc = _moved(laid.parts[i][_ARC_AT], frame)
                t0, t1 = route.at[i], route.at[i + 1]
                for u, (x, y) in zip(_ARC_AT / len(laid.parts[i]), arc, strict=True):
                    pull(x, y, int(t0 + u * (t1 - t0)), self.config.arc)
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


def _moved(xy: F64, frame: tuple[float, float, float]) -> F64:
    """Places (n, 2) of the world in the frame of the odometry, given as `_odometry_from_world` does."""
    dx, dy, turn = frame
    c, s = math.cos(turn), math.sin(turn)
    return np.stack((dx + c * xy[:, 0] - s * xy[:, 1], dy + s * xy[:, 0] + c * xy[:, 1]), axis=1)


def _grow(route: DriverRoute, beyond: int, frame: tuple[float, float, float]) -> None:
    """Lay the curve on from its end to waypoint `beyond` and those after it, until it is _REACH long.

    A waypoint close by is left out: what is between it and the curve's end is the error of the pose.
    """
    curve, n, laid = route.curve, route.count, route.laid
    last, back = len(laid.place) - 1, max(n - 4, 0)
    end = np.array([curve["x"][n - 1], curve["y"][n - 1]])
    yaw = math.atan2(end[1] - float(curve["y"][back]), end[0] - float(curve["x"][back]))
    way = _moved(laid.waypoint[beyond : beyond + 1], frame)[0]
    if beyond < last and float(np.hypot(*(way - end))) < _CLOSE:
        beyond += 1
        way = _moved(laid.waypoint[beyond : beyond + 1], frame)[0]
    parts = [join(end, way, yaw, float(laid.yaw[beyond]) + frame[2], _JOIN_AT)]
    room = (POINTS - n - 1) * STEP
    length = float(np.hypot(*(way - end)))
    while beyond < last and length < min(room, _REACH):
        parts.append(_moved(laid.parts[beyond], frame)[1:])
        length += float(laid.place[beyond + 1] - laid.place[beyond])
        beyond += 1
    line = np.concatenate(parts)
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))))
    most = min(float(along[-1]), room)
    at = np.arange(STEP, most + 0.5 * STEP, STEP)
    if len(at):
        at[-1] = min(at[-1], most) if most < room else at[-1]
    new = curve[n : n + len(at)]
    new["x"], new["y"] = np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])
    new["u"] = float(curve["u"][n - 1]) + at
    route.count = n + len(at)


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


def _is_past(dx: float, dy: float, yaw: float, turn: float) -> bool:
    """Whether no bend of _TIGHT leads into the line through (dx, dy), on which the direction is yaw + turn."""
    if abs(turn) < _TURN:
        return False
    ahead = (dx * math.sin(yaw + turn) - dy * math.cos(yaw + turn)) / math.sin(turn)  # [m] to where the lines meet
    return ahead < _TIGHT * math.tan(0.5 * min(abs(turn), _MOST_TURN))


def _spread(localiser: Localiser, b: int, k: int) -> float:
    """[m^2] variance of the believed position along one axis."""
    return 0.5 * float(localiser.covariance[b, k, 0, 0] + localiser.covariance[b, k, 1, 1])


def _odometry_from_world(localiser: Localiser, b: int, k: int) -> tuple[float, float, float]:
    """(dx, dy, turn) [m, m, rad] of the world frame, as believed, in the odometry's."""
    ox, oy, oyaw = (float(v) for v in localiser.odometry[b, k])
    px, py, pyaw = (float(v) for v in localiser.mean[b, k, :3])
    turn = oyaw - pyaw
    c, s = math.cos(turn), math.sin(turn)
    return ox - (c * px - s * py), oy - (s * px + c * py), turn
