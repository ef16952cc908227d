"""The route ahead as a driver without a map knows it: sparse waypoints, and the lane that it sees.

Each driver keeps a curve of points in the frame of its dead reckoning (`Localiser.odometry`), so that what was seen
stays where it is when the belief about the world frame moves. The curve begins as the line laid through the waypoints
(perception.waypoints). With every picture it is pulled towards the centre of the lane seen, which is gathered in bins
along the route, and, less strongly, towards the waypoints; on the turns of junctions, where nothing is painted, towards
the arc between entry and exit. Waypoints lie on lane centres, so those seen beside their lane correct the pose.
"""

import math
from dataclasses import dataclass
from typing import Any

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
    is_sound,
    last_seen,
    line_of_bins,
    place_on,
    relax,
    see_bins,
    u_at,
)  # fmt: skip
from perception.driver_route import DriverRoute, Frame, moved
from perception.lanes import CENTRE_ROW, CHANGES, CROSSES, TURNS, lane_centres, take_lanes
from perception.localise import Localiser
from perception.records import LINE_X, Percept
from perception.street_directions import CHANGE, JUNCTION
from perception.waypoints import lay_route
from world.kernel import kernel
from world.kinds import Command
from world.lane_arrays import wrap
from world.records import SCENE_ROUTE_POINTS, SCENE_ROUTE_STEP, Task

F64, BOOL = NDArray[np.float64], NDArray[np.bool_]
X_STATIONS = LINE_X.astype(np.float64)
_BEHIND = 5  # points kept behind the driver
_SURE = 12.0  # [m] ahead within which the curve stays as it is
_TRUSTED = 60.0  # [m] ahead up to which it follows what is seen
_NEAR, _NEAR_BEND = 25.0, 8.0  # [m] ahead up to which a waypoint is compared with the lane, straight on and in a bend:
# from afar a lane is seen to go straight on where it bends
_BENDS = math.radians(15.0)  # between the chords at a waypoint that lies in a bend
_CORNERS = 0.16  # [rad] by which a street's first heading may differ from a right angle to the next street
_LONGER = 1.4  # times the route as laid that the way may be
_ARC_AT = np.arange(4, 40, 4)  # places on a junction's arc that the curve is pulled towards, of a part's 41


@dataclass(frozen=True)
class RouteConfig:
    """Sigmas [m] of what pulls the curve."""

    waypoint: float = 0.3
    anchor: float = 0.5  # what the waypoints tell of the street between them
    arc: float = 0.4
    on_lane: float = 0.4  # a waypoint against the lane that it is seen on, a picture
    half_width: float = 1.75  # of a lane before one is seen


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
        x, y = moved(np.stack((points["x"], points["y"]), axis=1), frame).T
        route.count = len(points)
        for i in range(len(points)):
            route.curve[i] = (x[i], y[i], start + float(points["u"][i] - points["u"][0]))
        beyond = int(np.searchsorted(route.laid.place, float(points["u"][-1]) + 1.0))
        route.grow(min(beyond, len(route.laid.place) - 1), frame)

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
        sure = route.sure()
        unsure = np.sqrt(_spread(localiser, b, k, sure - u_at(route.curve, route.count, route.foot)))
        take_lanes(
            self._centres, route.curve, route.count, route.foot, x, y, yaw, route.near_stretches(), sure,
            unsure, route.bins,
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
        route.place_waypoints(_odometry_from_world(localiser, b, k))

    def _renew_tail(self, route: DriverRoute, localiser: Localiser, b: int, k: int) -> None:
        """Lay what lies beyond all that is seen as the pose of now has it."""
        here = u_at(route.curve, route.count, route.foot)
        seen = max(last_seen(route.bins, here, _TRUSTED), here + _SURE)
        frame = _odometry_from_world(localiser, b, k)
        seen = route.without_detour(seen, frame)
        route.count = cut_tail(route.curve, route.count, seen)
        last = len(route.laid.place) - 1
        beyond = route.passed + 1
        while beyond < last and route.at.get(beyond, math.inf) < route.count - 1.0:
            beyond += 1
        route.grow(beyond, frame)
        route.place_waypoints(frame)

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

    def _see_waypoints(self, route: DriverRoute, localiser: Localiser, b: int, k: int, count: int) -> int:
        """Append waypoints and arcs to what the curve is pulled towards."""
        frame = _odometry_from_world(localiser, b, k)
        curve, n, laid = route.curve, route.count, route.laid
        here = u_at(curve, n, route.foot)

        def pull(x: float, y: float, near: int, sigma: float) -> None:
            nonlocal count
            t, d = foot_on(curve, n, x, y, max(near - 8, 0), near + 8)
            if 0.0 <= t <= n - 1.0 and count < len(self._seen):
                spread = float(_spread(localiser, b, k, u_at(curve, n, t) - here))
                self._seen[count] = (t, d, 1.0 / (sigma**2 + spread))
                count += 1

        for i, t in route.at.items():
            anchors = laid.anchors[i]
            for s, (x, y) in zip(anchors[:, 0], moved(anchors[:, 1:], frame), strict=True):
                pull(x, y, int(t + s / STEP), self.config.anchor if s else self.config.waypoint)
        for first, last, kind in route.stretches:
            for i in range(first, last):
                if kind == CROSSES or i not in route.at or i + 1 not in route.at:
                    continue
                arc = moved(laid.parts[i][_ARC_AT], frame)
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
            bends = abs(route.laid.turn(i)) > _BENDS
            if not -6.0 < t - route.foot < (_NEAR_BEND if bends else _NEAR):
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
        heading, sigma = math.atan2(goal[1], goal[0]) - bearing, 0.03 + 0.3 * unseen
        if abs(route.laid.turn(1)) > _BENDS:
            heading, sigma = _before_bend(way, heading)
        localiser.align(np.full(who.shape, heading), sigma, who)
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


def _before_bend(way: F64, heading: float) -> tuple[float, float]:
    """([rad] heading at the first waypoint where the second lies in a bend, [rad] sigma of it).

    Corners are right angles, as most are, where that does not differ much from the heading by which the second waypoint
    is straight ahead.
    """
    i = min(len(way) - 1, 3)
    street = math.atan2(*(way[i] - way[i - 1])[::-1])
    off = float(wrap(street - heading))
    corner = heading + off - math.copysign(0.5 * math.pi, off)
    return (corner, 0.05) if abs(wrap(corner - heading)) < _CORNERS else (heading, _CORNERS)


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


def _spread(localiser: Localiser, b: int, k: int, ahead: Any) -> Any:
    """[m^2] variance of where the world is believed to be, sideways, `ahead` [m] of the driver."""
    p = localiser.covariance[b, k]
    return 0.5 * (p[0, 0] + p[1, 1]) + p[2, 2] * ahead**2


def _odometry_from_world(localiser: Localiser, b: int, k: int) -> Frame:
    """(dx, dy, turn) [m, m, rad] of the world frame, as believed, in the odometry's."""
    ox, oy, oyaw = (float(v) for v in localiser.odometry[b, k])
    px, py, pyaw = (float(v) for v in localiser.mean[b, k, :3])
    turn = oyaw - pyaw
    c, s = math.cos(turn), math.sin(turn)
    return ox - (c * px - s * py), oy - (s * px + c * py), turn
