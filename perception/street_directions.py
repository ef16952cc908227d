"""The direction of a route's line at each of its sparse waypoints, before anything of the way has been seen.

Streets tell most of it: where one ends, the line has its direction; a waypoint lies on a straight street, or in the
bend between two; what remains is that of a circle through a waypoint and its neighbours, or of a right angle, as most
are.
"""

import math

import numpy as np
from numpy.typing import NDArray

from world.kinds import Command
from world.lane_arrays import wrap

F64 = NDArray[np.float64]
JUNCTION = (int(Command.LEFT), int(Command.RIGHT), int(Command.STRAIGHT))
CHANGE = (int(Command.CHANGE_LANE_LEFT), int(Command.CHANGE_LANE_RIGHT))
STRAIGHT = math.radians(2.0)  # two chords that turn less are one straight street
BEND = math.radians(12.0)  # two chords that turn less are one curve
_LITTLE = 0.07  # of a corner's turn that two chords before or after it may differ by
_ASKEW = math.radians(4.0)  # by which a straight way over a junction may differ from its streets
_ON_LINE, _TILT = 0.03, 0.003  # [m], [rad] beside a straight line that still is on it: streets are not quite straight
_CORNER = math.radians(20.0)  # between chords that a corner lies on, a right angle as most are


def directions(way: F64, command: NDArray, first_yaw: float | None) -> tuple[F64, F64]:
    """The line's direction at each waypoint, and the bends that waypoints lie on.

    Args:
        way: (W, 2) [m]. command: (W,) Command. first_yaw: [rad] direction at the first one, where it is known.

    Returns:
        (W,) [rad], (W, 2) [m] of the bend before the waypoint and after it, or zeros.
    """
    streets = _Streets(way, command, first_yaw)
    streets.set_ends()
    for i in range(1, streets.last):
        if not streets.meet[i]:
            streets.set_on_street(i)
    for i in range(streets.last):
        if int(command[i]) in (int(Command.LEFT), int(Command.RIGHT)):
            streets.set_turn(i)
    for i in range(streets.last + 1):
        for side in (-1, 1):
            streets.set_before_corner(i, side)
    return streets.yaw, streets.bend


def turn_between(a: float, b: float) -> float:
    """[rad] from direction a to direction b."""
    return float(wrap(b - a))


class _Streets:
    """The chords between waypoints, those that are streets, and the directions found so far.

    Attributes:
        chord, size: (W - 1,) [rad], [m]. street: (W - 1) which chords are streets, not turns, crossings, lane changes.
        meet: (W) at which waypoints a street and something else meet. yaw, bend: as `directions` returns them.
    """

    def __init__(self, way: F64, command: NDArray, first_yaw: float | None):
        step = np.diff(way, axis=0)
        self.way, self.command, self.first_yaw = way, [int(c) for c in command], first_yaw
        self.size, self.chord = np.hypot(step[:, 0], step[:, 1]), np.arctan2(step[:, 1], step[:, 0])
        self.last = len(self.chord)
        self.street = [c not in JUNCTION + CHANGE for c in self.command[: self.last]]
        self.meet = [0 < i < self.last and self.street[i - 1] != self.street[i] for i in range(self.last + 1)]
        self.yaw, self.bend = np.zeros(self.last + 1), np.zeros((self.last + 1, 2))

    # --- What the chords tell ------------------------------------------------------------------------------------

    def _end(self, i: int, way: int) -> float:
        """Direction at the end of street `i`, beyond which street i + way lies inwards: as it bends there."""
        j, chord, size = i + way, self.chord, self.size
        if not 0 <= j < self.last or not self.street[j] or not self.street[i]:
            return float(chord[i])
        turn = turn_between(chord[i], chord[j])
        if abs(turn) > BEND:  # it is straight here, and bends beyond
            return float(chord[i])
        return float(chord[i] - turn * size[i] / max(size[i] + size[j], 1e-9))

    def _beside(self, i: int) -> float:
        """Direction at waypoint i, where a street and something else meet."""
        own, other, inwards = (i - 1, i, -1) if self.street[i - 1] else (i, i - 1, 1)
        if self.command[other] != int(Command.STRAIGHT):
            return self._end(own, inwards)
        beyond = other - inwards  # straight on: of the streets on both sides the one that goes as the crossing does
        both = [self.chord[j] for j in (own, beyond) if 0 <= j < self.last and self.street[j]]
        crossing = self.chord[other]
        best = min(both, key=lambda yaw: abs(turn_between(yaw, crossing)))
        return float(best if abs(turn_between(best, crossing)) < _ASKEW else crossing)

    def _known(self, i: int, way: int) -> float | None:
        """Direction at the waypoint before (way -1) or after waypoint i of a street, not by the chord between them."""
        other = i - 2 if way < 0 else i + 1  # the chord beyond that waypoint
        if not 0 <= other < self.last:
            return None
        if self.meet[i + way]:
            return float(self.yaw[i + way]) if self.command[other] == int(Command.STRAIGHT) else None
        return float(self.chord[other])

    def _straight(self, i: int, way: int) -> bool:
        """Whether the street that comes to waypoint i from before it (way -1) or from after it (way 1) is straight."""
        first = self._known(i, way)
        return first is not None and abs(turn_between(first, self.chord[i - 1 if way < 0 else i])) < STRAIGHT

    # --- Directions ----------------------------------------------------------------------------------------------

    def set_ends(self) -> None:
        """At both ends of the route, and where streets meet something else."""
        self.yaw[0] = self._end(0, 1) if self.first_yaw is None else self.first_yaw
        self.yaw[self.last] = self._end(self.last - 1, -1)
        for i in np.flatnonzero(self.meet):
            self.yaw[i] = self._beside(int(i))

    def set_on_street(self, i: int) -> None:
        """At waypoint i, with a street (or none) on both sides."""
        before, after = self.chord[i - 1], self.chord[i]
        came, goes = self._known(i, -1), self._known(i, 1)
        off_before = math.inf if came is None else abs(turn_between(came, before))
        off_after = math.inf if goes is None else abs(turn_between(after, goes))
        if self._set_bend(i, came, goes, min(off_before, off_after)):
            return
        turn = turn_between(before, after)
        if min(off_before, off_after) < STRAIGHT:
            self.yaw[i] = before if off_before < STRAIGHT else after
        elif came is not None and self._straight(i - 1, -1) and abs(turn_between(came, after)) > _CORNER:
            self.yaw[i] = after  # the corner lies between the straight street before and the one that begins here
        elif goes is not None and self._straight(i + 1, 1) and abs(turn_between(before, goes)) > _CORNER:
            self.yaw[i] = before
        else:
            self.yaw[i] = before + turn * self.size[i - 1] / max(self.size[i - 1] + self.size[i], 1e-9)

    def _set_bend(self, i: int, came: float | None, goes: float | None, off: float) -> bool:
        """The bend between two straight streets that waypoint i lies on; returns whether it lies on one.

        Args:
            came, goes: [rad] directions of the streets at the waypoints before and after. off: [rad] by which the
                nearer of them differs from the chord to this waypoint.
        """
        before, after = float(self.chord[i - 1]), float(self.chord[i])
        first, out = came, goes
        if out is None and came is not None:
            out = _across(came, after)
        elif first is None and goes is not None:
            first = _across(goes, before)
        if first is None or out is None or not off < max(STRAIGHT, _LITTLE * abs(turn_between(before, after))):
            return False
        turned, *self.bend[i] = _bend_at(self.way[i - 1], first, self.way[i], self.way[i + 1], out)
        if not turned:
            return False
        self.yaw[i] = first + turned
        if self.meet[i - 1] or i == 1 and self.first_yaw is None:
            self.yaw[i - 1] = first
        if self.meet[i + 1] or i + 1 == self.last:
            self.yaw[i + 1] = out
        return True

    def set_turn(self, i: int) -> None:
        """At the end of a junction's turn, from waypoint i to the next, whose street is not known to be straight."""
        before = i > 0 and self.street[i - 1] and self._straight(i, -1)
        after = i + 1 < self.last and self.street[i + 1] and self._straight(i + 1, 1)
        if before == after:
            return
        yaw, right = self.yaw, math.copysign(0.5 * math.pi, 1.0 if self.command[i] == int(Command.LEFT) else -1.0)
        here, there, turn = (i, i + 1, right) if before else (i + 1, i, -right)
        guess = 2.0 * self.chord[i] - yaw[here]  # of an arc, whose ends turn alike from their chord
        square = yaw[here] + turn
        yaw[there] = square if abs(turn_between(guess, square)) < BEND + STRAIGHT else guess

    def set_before_corner(self, i: int, side: int) -> None:
        """At waypoint i, where the route turns or ends: on the street before (side -1) or after it lies a corner."""
        inner, own, other = i + side, (i - 1 if side < 0 else i), (i - 2 if side < 0 else i + 1)
        if not 0 <= other < self.last or not self.street[own] or not self.street[other]:
            return
        open_end = i == self.last or i == 0 and self.first_yaw is None
        if not open_end and not (self.meet[i] and self.command[own - side] != int(Command.STRAIGHT)):
            return
        turn, yaw = turn_between(self.chord[other], self.chord[own]), self.yaw
        straight = abs(turn_between(yaw[inner], self.chord[other])) < STRAIGHT and not self.bend[inner].any()
        if straight and abs(turn) > _CORNER:
            yaw[i] = yaw[inner] + math.copysign(0.5 * math.pi, turn)


def _across(street: float, chord: float) -> float | None:
    """Direction [rad] of a street that goes about as `chord` does and meets another at a right angle, as most do."""
    turn = turn_between(street, chord)
    right = round(turn / (0.5 * math.pi)) * 0.5 * math.pi
    return street + right if right and abs(turn - right) < BEND else None


def _bend_at(a: F64, yaw_a: float, p: F64, b: F64, yaw_b: float) -> tuple[float, float, float]:
    """A road that goes straight through a, around a bend on which p lies, and straight through b.

    An arc of radius R that has turned by f of the whole turn w is R (1 - cos f) beside the first straight line, and R
    (1 - cos(w - f)) beside the second.

    Returns:
        [rad] by which it has turned at p, [m] of the bend before p and after it; zeros where p lies on the first line
        or on no such bend.
    """
    whole = turn_between(yaw_a, yaw_b)
    side = math.copysign(1.0, whole)
    beside_a = side * (math.cos(yaw_a) * (p[1] - a[1]) - math.sin(yaw_a) * (p[0] - a[0]))
    beside_b = side * (math.cos(yaw_b) * (p[1] - b[1]) - math.sin(yaw_b) * (p[0] - b[0]))
    off_a, off_b = (_ON_LINE + _TILT * float(np.hypot(*(p - end))) for end in (a, b))
    if abs(whole) < BEND or beside_a < off_a or beside_b < off_b:
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
