"""What is known of one driver's route: the line laid through the waypoints, and the curve that follows what is seen.

The curve's tail, beyond all that is seen, is laid along the waypoints anew as the pose of now has it; what was seen is
believed as far as a road may go on from there to the next waypoint.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perception.curve import POINTS, STEP, foot_on, index_of, length_between, place_on, u_at
from perception.lanes import STRETCH_ROW
from perception.waypoints import LaidRoute, join
from world.lane_arrays import wrap

F64 = NDArray[np.float64]
Frame = tuple[float, float, float]  # dx, dy, turn [m, m, rad] of the world frame, as believed, in the odometry's
_REACH = 112.0  # [m] of curve ahead
_CLOSE = 8.0  # [m]
_TIGHT = 5.0  # [m] radius of a tight bend of a lane
_NEAR = 4.0  # points ahead of the foot, that many what was seen always holds
_TURN, _MOST_TURN = 0.5, 2.2  # [rad] turns that are a bend ahead
_VAGUE = 0.1  # [rad] of the direction at a waypoint
_DETOUR, _ROUGH = 1.05, 1.0  # times, and [m], that the way between two waypoints may be longer than it was laid
_JOIN_AT = np.linspace(0.0, 1.0, 25)


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
        """(n,) [m] places ahead, on the curve as it lies, where the line is known as well as the pose."""
        near = [u_at(self.curve, self.count, t) + self.laid.anchors[i][:, 0] for i, t in self.at.items()]
        places = np.concatenate([np.zeros(0), *near])
        return places[places > u_at(self.curve, self.count, self.foot)]

    def place_waypoints(self, frame: Frame) -> None:
        """Where the waypoints near by lie on the curve, and which of them is behind."""
        curve, n, laid, place = self.curve, self.count, self.laid, self.laid.place
        self.at, near = {}, self.foot
        for i in range(self.passed, len(place)):
            wx, wy = moved(laid.waypoint[i : i + 1], frame)[0]
            if i == self.passed:
                low, high = 0, int(self.foot) + 6
            else:
                low, high = max(int(near) - 1, 0), int(near + (place[i] - place[i - 1]) * 1.5 / STEP) + 10
            t, _ = foot_on(curve, n, wx, wy, low, min(high, n - 1))
            if t > n - 0.4:
                break
            self.at[i] = t
            near = max(t, self.foot)
        last = len(place) - 1
        while self.passed < last - 1 and self.at.get(self.passed + 1, math.inf) <= self.foot:
            self.passed += 1

    def near_stretches(self) -> NDArray[np.void]:
        """Junctions and changes of lanes near by, in u of the curve as it lies."""
        rows = []
        for first, last, kind in self.stretches:
            if last < self.passed or first not in self.at and last not in self.at:
                continue
            low, high = (self.at.get(i) for i in (first, last))
            begin = -1e9 if low is None else u_at(self.curve, self.count, low)
            rows.append((begin, 1e9 if high is None else u_at(self.curve, self.count, high), kind))
        return np.array(rows, STRETCH_ROW)

    def without_detour(self, seen: float, frame: Frame) -> float:
        """[m] place up to which what was seen may be the route; what the bins hold beyond it is forgotten.

        A street that went on as seen, and from there straight to the next waypoint, is not much longer than the line
        through the waypoints, and it has not run past the street that leads through that waypoint: one that does leads
        elsewhere, as the far end of a lane that seems to pass by a bend.
        """
        curve, n, laid, last = self.curve, self.count, self.laid, len(self.laid.place) - 1
        cut = min(index_of(curve, n, seen), n - 1.0)
        goal = self.passed + 1
        while goal < last and self.at.get(goal, math.inf) < cut:
            goal += 1
        start = self.at.get(goal - 1, self.foot)
        way = moved(laid.waypoint[goal : goal + 1], frame)[0]
        most = _DETOUR * laid.most(goal - 1) + _ROUGH
        least = max(self.foot + _NEAR, start + 1.0)
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
        self.bins[max(int(place) + 1, 0) : int(seen) + 1] = 0
        return place

    def grow(self, beyond: int, frame: Frame) -> None:
        """Lay the curve on from its end to waypoint `beyond` and those after it, until it is _REACH long.

        A waypoint close by is left out: what is between it and the curve's end is the error of the pose.
        """
        curve, n, laid = self.curve, self.count, self.laid
        last, back = len(laid.place) - 1, max(n - 4, 0)
        end = np.array([curve["x"][n - 1], curve["y"][n - 1]])
        yaw = math.atan2(end[1] - float(curve["y"][back]), end[0] - float(curve["x"][back]))
        way = moved(laid.waypoint[beyond : beyond + 1], frame)[0]
        if beyond < last and float(np.hypot(*(way - end))) < _CLOSE:
            beyond += 1
            way = moved(laid.waypoint[beyond : beyond + 1], frame)[0]
        parts = [join(end, way, yaw, float(laid.yaw[beyond]) + frame[2], _JOIN_AT)]
        room = (POINTS - n - 1) * STEP
        length = float(np.hypot(*(way - end)))
        while beyond < last and length < min(room, _REACH):
            parts.append(moved(laid.parts[beyond], frame)[1:])
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
        self.count = n + len(at)


def moved(xy: F64, frame: Frame) -> F64:
    """Places (n, 2) of the world in the frame of the odometry, given by the world's in it."""
    dx, dy, turn = frame
    c, s = math.cos(turn), math.sin(turn)
    return np.stack((dx + c * xy[:, 0] - s * xy[:, 1], dy + s * xy[:, 0] + c * xy[:, 1]), axis=1)


def _is_past(dx: float, dy: float, yaw: float, turn: float) -> bool:
    """Whether no bend of _TIGHT leads into the line through (dx, dy), on which the direction is yaw + turn."""
    if abs(turn) < _TURN:
        return False
    ahead = (dx * math.sin(yaw + turn) - dy * math.cos(yaw + turn)) / math.sin(turn)  # [m] to where the lines meet
    return ahead + _VAGUE * math.hypot(dx, dy) < _TIGHT * math.tan(0.5 * min(abs(turn), _MOST_TURN))
