"""A route as first laid: a smooth line through sparse waypoints, before anything of it has been seen.

Where the directions at two waypoints meet in a corner between them, the line is straight, then a circular arc, then
straight, as roads are laid out; elsewhere it is a cubic Hermite curve. The direction at a waypoint is that of the
straight street that ends or begins there; where two streets that may bend meet, that of the circle through it and its
neighbours.

Source: RAL, Richtlinien für die Anlage von Landstraßen, section 5.2 (elements of the alignment), without clothoids.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.curve import CURVE_ROW, STEP
from world.kinds import Command
from world.lane_arrays import wrap

F64 = NDArray[np.float64]
JUNCTION = (int(Command.LEFT), int(Command.RIGHT), int(Command.STRAIGHT))
CHANGE = (int(Command.CHANGE_LANE_LEFT), int(Command.CHANGE_LANE_RIGHT))
_STRAIGHT = math.radians(2.0)  # two chords that turn less are one straight street
_FINE = 40  # points between two waypoints before the line is laid out evenly
_BEND = math.radians(12.0)  # two chords that turn less are one curve
_LITTLE = 0.07  # of a corner's turn that two chords before or after it may differ by
_ASKEW = math.radians(4.0)  # by which a straight way over a junction may differ from its streets
_ON_LINE = 0.03  # [m] beside a straight line that still is on it
_ON_BEND, _ON_STREET = 2.0, 10.0  # [m] between anchors
_CORNER = math.radians(20.0)  # between chords that a corner lies on, a right angle as most are
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
        if abs(math.atan2(_cross(ta, tb), float(ta @ tb))) < _BEND:
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


def _turn(a: float, b: float) -> float:
    """[rad] from direction a to direction b."""
    return float(wrap(b - a))


def _directions(way: F64, command: NDArray, first_yaw: float | None) -> tuple[F64, F64]:
    """The line's direction at each waypoint, and the bends that waypoints lie on.

    Returns:
        (W,) [rad], (W, 2) [m] of the bend before the waypoint and after it, or zeros.
    """
    step = np.diff(way, axis=0)
    size, chord = np.hypot(step[:, 0], step[:, 1]), np.arctan2(step[:, 1], step[:, 0])
    street = [int(c) not in JUNCTION + CHANGE for c in command[:-1]]
    last = len(chord)

    def end(i: int, way: int) -> float:
        """Direction at the end of street `i`, beyond which street i + way lies inwards: as it bends there."""
        j = i + way
        if not 0 <= j < last or not street[j] or not street[i]:
            return float(chord[i])
        turn = _turn(chord[i], chord[j])
        if abs(turn) > _BEND:  # it is straight here, and bends beyond
            return float(chord[i])
        return float(chord[i] - turn * size[i] / max(size[i] + size[j], 1e-9))

    def beside(i: int) -> float:
        """Direction at waypoint i, where a street and something else meet."""
        own, other, inwards = (i - 1, i, -1) if street[i - 1] else (i, i - 1, 1)
        if int(command[other]) != int(Command.STRAIGHT):
            return end(own, inwards)
        beyond = other - inwards  # straight on: of the streets on both sides the one that goes as the crossing does
        both = [chord[j] for j in (own, beyond) if 0 <= j < last and street[j]]
        best = min(both, key=lambda yaw: abs(_turn(yaw, chord[other])))
        return float(best if abs(_turn(best, chord[other])) < _ASKEW else chord[other])

    def known(i: int, way: int) -> float | None:
        """Direction at the waypoint before (way -1) or after waypoint i of a street, not by the chord between them."""
        other = i - 2 if way < 0 else i + 1  # the chord beyond that waypoint
        if not 0 <= other < last:
            return None
        if meet[i + way]:
            return float(yaw[i + way]) if int(command[other]) == int(Command.STRAIGHT) else None
        return float(chord[other])

    def straight(i: int, way: int) -> bool:
        """Whether the street that comes to waypoint i from before it (way -1) or from after it (way 1) is straight."""
        first = known(i, way)
        return first is not None and abs(_turn(first, chord[i - 1 if way < 0 else i])) < _STRAIGHT

    yaw, bend = np.zeros(last + 1), np.zeros((last + 1, 2))
    yaw[0], yaw[last] = end(0, 1) if first_yaw is None else first_yaw, end(last - 1, -1)
    meet = [0 < i < last and street[i - 1] != street[i] for i in range(last + 1)]
    for i in np.flatnonzero(meet):
        yaw[i] = beside(int(i))
    for i in range(1, last):
        if meet[i]:
            continue
        turn = _turn(chord[i - 1], chord[i])
        came, goes = known(i, -1), known(i, 1)
        before = math.inf if came is None else abs(_turn(came, chord[i - 1]))
        after = math.inf if goes is None else abs(_turn(chord[i], goes))
        first, out = came, goes
        if out is None and came is not None:
            out = _across(came, float(chord[i]))
        elif first is None and goes is not None:
            first = _across(goes, float(chord[i - 1]))
        turned = 0.0
        if first is not None and out is not None and min(before, after) < max(_STRAIGHT, _LITTLE * abs(turn)):
            turned, *bend[i] = _bend_at(way[i - 1], first, way[i], way[i + 1], out)
        if turned and first is not None:
            yaw[i] = first + turned
            if meet[i - 1] or i == 1 and first_yaw is None:
                yaw[i - 1] = first
            if meet[i + 1] or i + 1 == last:
                yaw[i + 1] = out
            continue
        if min(before, after) < _STRAIGHT:
            yaw[i] = chord[i - 1] if before < _STRAIGHT else chord[i]
        elif came is not None and straight(i - 1, -1) and abs(_turn(came, chord[i])) > _CORNER:
            yaw[i] = chord[i]  # the corner lies between the straight street before and the one that begins here
        elif goes is not None and straight(i + 1, 1) and abs(_turn(chord[i - 1], goes)) > _CORNER:
            yaw[i] = chord[i - 1]
        else:
            yaw[i] = chord[i - 1] + turn * size[i - 1] / max(size[i - 1] + size[i], 1e-9)
    for i in range(last):
        before = i > 0 and street[i - 1] and straight(i, -1)
        after = i + 1 < last and street[i + 1] and straight(i + 1, 1)
        if int(command[i]) in (int(Command.LEFT), int(Command.RIGHT)) and before != after:
            right = math.copysign(0.5 * math.pi, 1.0 if int(command[i]) == int(Command.LEFT) else -1.0)
            here, there, turn = (i, i + 1, right) if before else (i + 1, i, -right)
            guess = 2.0 * chord[i] - yaw[here]  # of an arc, whose ends turn alike from their chord
            yaw[there] = yaw[here] + turn if abs(_turn(guess, yaw[here] + turn)) < _BEND + _STRAIGHT else guess
    for i, way_in in ((i, side) for i in range(last + 1) for side in (-1, 1)):
        inner, own, other = i + way_in, (i - 1 if way_in < 0 else i), (i - 2 if way_in < 0 else i + 1)
        if not 0 <= other < last or not street[own] or not street[other]:
            continue
        open_end = i == last or i == 0 and first_yaw is None
        if not open_end and not (meet[i] and int(command[own - way_in]) != int(Command.STRAIGHT)):
            continue
        turn = _turn(chord[other], chord[own])
        if abs(_turn(yaw[inner], chord[other])) < _STRAIGHT and not bend[inner].any() and abs(turn) > _CORNER:
            # a corner on the way to where a route turns or ends
            yaw[i] = yaw[inner] + math.copysign(0.5 * math.pi, turn)
    return yaw, bend


def _across(street: float, chord: float) -> float | None:
    """Direction [rad] of a street that goes about as `chord` does and meets another at a right angle, as most do."""
    turn = _turn(street, chord)
    right = round(turn / (0.5 * math.pi)) * 0.5 * math.pi
    return street + right if right and abs(turn - right) < _BEND else None


def _bend_at(a: F64, yaw_a: float, p: F64, b: F64, yaw_b: float) -> tuple[float, float, float]:
    """A road that goes straight through a, around a bend on which p lies, and straight through b.

    An arc of radius R that has turned by f of the whole turn w is R (1 - cos f) beside the first straight line, and R
    (1 - cos(w - f)) beside the second.

    Returns:
        [rad] by which it has turned at p, [m] of the bend before p and after it; zeros where p lies on the first line
        or on no such bend.
    """
    whole = _turn(yaw_a, yaw_b)
    side = math.copysign(1.0, whole)
    beside_a = side * (math.cos(yaw_a) * (p[1] - a[1]) - math.sin(yaw_a) * (p[0] - a[0]))
    beside_b = side * (math.cos(yaw_b) * (p[1] - b[1]) - math.sin(yaw_b) * (p[0] - b[0]))
    if abs(whole) < _BEND or beside_a < _ON_LINE or beside_b < _ON_LINE:
        return 0.0, 0.0, 0.0
    low, high = 0.0, abs(whole)
    for _ in range(40):
        mid = 0.5 * (low + high)
        if (1.0 - math.cos(mid)) * beside_b < (1.0 - math.cos(abs(whole) - mid)) * beside_a:
            low = mid
        else:
            high = mid
    radius = beside_a / (1.0 - math.cos(low))
    return side * low, radius * low, radius * (abs(whole) - low)


def join(a: F64, b: F64, yaw_a: float, yaw_b: float, u: F64, cut: float = _CUT) -> F64:
    """(n, 2) [m] places at u in [0, 1] of the line from a to b (2,) with directions [rad] at the ends.

    Args:
        cut: of the shorter leg of a corner that its arc takes.
    """
    ta, tb = (np.array([math.cos(yaw), math.sin(yaw)]) for yaw in (yaw_a, yaw_b))
    turn, chord = _turn(yaw_a, yaw_b), b - a
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
    yaw, bend = _directions(way, command, first_yaw)
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
        if last - first > _ON_STREET and np.abs(wrap(headings - headings[1])).max() < _STRAIGHT:
            offsets.append(np.arange(first + _ON_STREET, last - 1.0, _ON_STREET))
    s = np.concatenate(offsets)
    return np.stack([s, *(np.interp(place[i] + s, along, fine[:, n]) for n in (0, 1))], axis=1)
