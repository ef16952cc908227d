"""A route as first laid: a smooth line through sparse waypoints, before anything of it has been seen.

Where the directions at two waypoints meet in a corner between them, the line is straight, then a circular arc, then
straight, as roads are laid out; elsewhere it is a cubic Hermite curve. The directions: perception.street_directions.

Source: RAL, Richtlinien für die Anlage von Landstraßen, section 5.2 (elements of the alignment), without clothoids.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.curve import CURVE_ROW, STEP
from perception.street_directions import BEND, CHANGE, JUNCTION, STRAIGHT, directions, turn_between
from world.lane_arrays import wrap

F64 = NDArray[np.float64]
_FINE = 40  # points between two waypoints before the line is laid out evenly
_ON_BEND, _ON_STREET = 2.0, 10.0  # [m] between anchors
_CUT = 0.88  # of the shorter leg of a corner that its arc takes


@dataclass(frozen=True, eq=False)
class LaidRoute:
    """W waypoints and the line through them."""

    points: NDArray[np.void]  # (P,) curve.CURVE_ROW, world frame, STEP apart (the last step may be shorter)
    waypoint: F64  # (W, 2) [m] world frame
    command: NDArray[np.int64]  # (W,) Command from each waypoint on
    place: F64  # (W,) [m] u of the waypoints
    yaw: F64  # (W,) [rad] direction of the line there
    anchors: tuple[F64, ...]  # (W) of (n, 3) places near each waypoint that the street is known to go through: [m]
    # along the line from the waypoint, x, y
    parts: tuple[F64, ...]  # (W - 1) of (n, 2) [m] the line from each waypoint to the next, finely

    @property
    def length(self) -> float:
        """[m]"""
        return float(self.place[-1])

    def turn(self, i: int) -> float:
        """[rad] between the chords before and after waypoint i of a street, left positive; 0 at junctions and ends."""
        if (
            not 0 < i < len(self.waypoint) - 1
            or int(self.command[i - 1]) in JUNCTION
            or int(self.command[i]) in JUNCTION
        ):
            return 0.0
        before, after = self.waypoint[i] - self.waypoint[i - 1], self.waypoint[i + 1] - self.waypoint[i]
        return math.atan2(_cross(before, after), float(before @ after))

    def most(self, i: int) -> float:
        """[m] that the way from waypoint i to the next may take: around the corner of the streets before and after it.

        Where there is no such corner, the line's length.
        """
        way, length = self.waypoint, float(self.place[i + 1] - self.place[i])
        if i == 0 or i + 2 >= len(way):
            return length
        ta, tb = way[i] - way[i - 1], way[i + 2] - way[i + 1]
        ta, tb = ta / np.hypot(*ta), tb / np.hypot(*tb)
        if abs(math.atan2(_cross(ta, tb), float(ta @ tb))) < BEND:
            return length
        la, lb = _legs(ta, tb, way[i + 1] - way[i])
        return max(length, la + lb) if min(la, lb) > 0.0 else length

    def stretches(self, commands: tuple[int, ...]) -> list[tuple[int, int]]:
        """(first, last) waypoints of the maximal stretches on which one of `commands` holds, in order."""
        found: list[tuple[int, int]] = []
        for i in range(len(self.command) - 1):
            if int(self.command[i]) not in commands:
                continue
            same = found and found[-1][1] == i and self.command[i] == self.command[found[-1][0]]
            if same:
                found[-1] = (found[-1][0], i + 1)
            else:
                found.append((i, i + 1))
        return found


def _cross(a: F64, b: F64) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _legs(ta: F64, tb: F64, chord: F64) -> tuple[float, float]:
    """[m] to the corner and on from it, where the way by `chord` (2,) leaves along ta and arrives along tb (unit)."""
    sine = _cross(ta, tb)
    return _cross(chord, tb) / sine, _cross(ta, chord) / sine


def join(a: F64, b: F64, yaw_a: float, yaw_b: float, u: F64, cut: float = _CUT) -> F64:
    """(n, 2) [m] places at u in [0, 1] of the line from a to b (2,) with directions [rad] at the ends.

    Args:
        cut: of the shorter leg of a corner that its arc takes.
    """
    ta, tb = (np.array([math.cos(yaw), math.sin(yaw)]) for yaw in (yaw_a, yaw_b))
    turn, chord = turn_between(yaw_a, yaw_b), b - a
    if 0.15 < abs(turn) < 2.6:
        la, lb = _legs(ta, tb, chord)
        if min(la, lb) > 1.0:
            return _arc(a, ta, la, lb, turn, u, cut * min(la, lb))
    size = float(np.hypot(*chord)) / math.cos(0.25 * turn) ** 2  # as long as an arc's of that chord and turn
    u = u[:, None]
    h0, h1, h2, h3 = 2 * u**3 - 3 * u**2 + 1, u**3 - 2 * u**2 + u, 3 * u**2 - 2 * u**3, u**3 - u**2
    return h0 * a + h1 * size * ta + h2 * b + h3 * size * tb


def _arc(a: F64, ta: F64, la: float, lb: float, turn: float, u: F64, cut: float) -> F64:
    """Straight, arc, straight around a corner la [m] ahead of a and lb before the end, `cut` of which the arc takes."""
    radius = cut / math.tan(0.5 * abs(turn))
    bow = radius * abs(turn)
    s = u * (la + lb - 2.0 * cut + bow)
    first, side = la - cut, math.copysign(1.0, turn)
    angle = np.clip((s - first) / radius, 0.0, abs(turn))
    x = np.minimum(s, first) + radius * np.sin(angle)
    y = side * radius * (1.0 - np.cos(angle))
    rest = np.maximum(s - first - bow, 0.0)
    x, y = x + rest * math.cos(turn), y + rest * math.sin(turn)
    return a + x[:, None] * ta + y[:, None] * np.array([-ta[1], ta[0]])


def lay_route(waypoint: NDArray, command: NDArray, first_yaw: float | None = None) -> LaidRoute:
    """The line through the waypoints of one driver.

    Args:
        waypoint: (W, 2) [m]. command: (W,) Command. Valid ones only.
        first_yaw: [rad] direction at the first one, where it is known.

    Raises:
        ValueError: fewer than two waypoints.
    """
    if len(waypoint) < 2:
        raise ValueError(f"a route needs 2 waypoints or more to be driven, got {len(waypoint)}")
    way = waypoint.astype(np.float64)
    yaw, bend = directions(way, command, first_yaw)
    u = np.linspace(0.0, 1.0, _FINE + 1)
    cut = [1.0 if bend[i : i + 2].any() else _CUT for i in range(len(way) - 1)]  # a bend begins where it is known to
    parts = [join(way[i], way[i + 1], yaw[i], yaw[i + 1], u, cut[i]) for i in range(len(way) - 1)]
    fine = np.concatenate([way[:1], *(part[1:] for part in parts)])
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(fine, axis=0).T))))
    place = along[::_FINE]
    anchors = tuple(_anchors(i, way, command, bend, place, along, fine) for i in range(len(way)))
    at = np.arange(0.0, place[-1], STEP)
    if place[-1] - at[-1] < 0.5 * STEP and len(at) > 1:
        at = at[:-1]
    at = np.append(at, place[-1])
    points = np.zeros(len(at), CURVE_ROW)
    points["x"], points["y"], points["u"] = np.interp(at, along, fine[:, 0]), np.interp(at, along, fine[:, 1]), at
    return LaidRoute(points, way, command.astype(np.int64), place, yaw, anchors, tuple(parts))


def _anchors(i: int, way: F64, command: NDArray, bend: F64, place: F64, along: F64, fine: F64) -> F64:
    """(n, 3) LaidRoute.anchors of waypoint i: the waypoint, the bend that it lies on, the straight street after it."""
    offsets = [np.arange(-bend[i, 0], 0.0, _ON_BEND), [0.0], np.arange(bend[i, 1], 0.0, -_ON_BEND)]
    if i + 1 < len(way) and int(command[i]) not in JUNCTION + CHANGE:
        first, last = bend[i, 1], place[i + 1] - place[i] - bend[i + 1, 0]  # between bends
        at = np.array([first, first + 1.0, last - 1.0, last])
        x, y = (np.interp(place[i] + at, along, fine[:, n]) for n in (0, 1))
        headings = np.arctan2(np.diff(y), np.diff(x))
        if last - first > _ON_STREET and np.abs(wrap(headings - headings[1])).max() < STRAIGHT:
            offsets.append(np.arange(first + _ON_STREET, last - 1.0, _ON_STREET))
    s = np.concatenate(offsets)
    return np.stack([s, *(np.interp(place[i] + s, along, fine[:, n]) for n in (0, 1))], axis=1)
