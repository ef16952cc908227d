"""Paths of lines and arcs from one pose to another, continuous in position and heading.

Source of the biarc: Bolton, Biarc curves (Computer-Aided Design 7, 1975); both tangents have the same length.
"""

import math

from scenarios.mapgen.geometry import Path, Segment, advance, turn_path, wrap

Pose = tuple[float, float, float]  # x, y [m], heading [rad]
TOUCH = 1e-7  # [m], [rad] below which poses lie on one line
LEAST_RADIUS = 4.0  # [m] of a single arc
LEAST_TURN, MOST_TURN = math.radians(2.0), math.radians(160.0)  # [rad] of a single arc between two lines


def join(start: Pose, end: Pose) -> Path:
    """A path between two poses: a line, a line with one arc and a line, or two arcs.

    Raises:
        ValueError: the end lies behind the start, so that no sensible road joins them.
    """
    dx, dy = end[0] - start[0], end[1] - start[1]
    turn = wrap(end[2] - start[2])
    cos, sin = math.cos(start[2]), math.sin(start[2])
    ahead, aside = dx * cos + dy * sin, dy * cos - dx * sin
    if abs(turn) < TOUCH and abs(aside) < TOUCH and ahead > 0.0:
        return Path([Segment(start[0], start[1], start[2], ahead)])
    if LEAST_TURN < abs(turn) < MOST_TURN:
        after = aside / math.sin(turn)  # [m] from where the legs meet to the end
        before = ahead - after * math.cos(turn)
        if min(before, after) > LEAST_RADIUS * math.tan(abs(turn) / 2.0):
            return turn_path(start[:2], advance(start[:2], start[2], before), end[:2], math.inf)
    return _biarc(start, end)


def _biarc(start: Pose, end: Pose) -> Path:
    """Two arcs that touch each other and both poses."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    tx, ty = math.cos(start[2]) + math.cos(end[2]), math.sin(start[2]) + math.sin(end[2])
    spread = 2.0 * (1.0 - math.cos(end[2] - start[2]))
    along, square = dx * tx + dy * ty, dx * dx + dy * dy
    if spread < 1e-12 and along <= 0.0:
        raise ValueError(f"no road joins {start} and {end}: the end lies behind the start")
    root = math.sqrt(along * along + spread * square)
    # Of the two forms of the quadratic's root, the one that adds: with a small turn the other loses every digit.
    tangent = square / (root + along) if along > 0.0 else (root - along) / spread
    mx = 0.5 * (start[0] + end[0] + tangent * (math.cos(start[2]) - math.cos(end[2])))
    my = 0.5 * (start[1] + end[1] + tangent * (math.sin(start[2]) - math.sin(end[2])))
    first = _arc(start, (mx, my))
    second = _arc(first.at(first.length), end[:2])
    return Path([first, second])


def _arc(start: Pose, end: tuple[float, float]) -> Segment:
    """The arc from a pose to a point."""
    chord = math.dist(start[:2], end)
    half = wrap(math.atan2(end[1] - start[1], end[0] - start[0]) - start[2])
    if abs(half) < 1e-10:
        return Segment(start[0], start[1], start[2], chord)
    return Segment(start[0], start[1], start[2], chord * half / math.sin(half), 2.0 * math.sin(half) / chord)
