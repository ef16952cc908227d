"""Reference lines of generated roads: straight lines joined by tangent arcs.

Frame: OpenDRIVE's inertial frame, x east, y north, headings counter-clockwise [rad]. Every path is continuous in
position and heading by construction.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]
STRAIGHT = 1e-9  # [rad] a turn smaller than this is no turn


@dataclass(frozen=True)
class Segment:
    """A line (curvature 0) or an arc.

    From (x, y) [m] at `heading` [rad], `length` [m] long, `curvature` [1/m] left positive.
    """

    x: float
    y: float
    heading: float
    length: float
    curvature: float = 0.0

    def at(self, s: float) -> tuple[float, float, float]:
        """x, y [m] and heading [rad] at s [m] from the segment's start."""
        if self.curvature == 0.0:
            return self.x + s * math.cos(self.heading), self.y + s * math.sin(self.heading), self.heading
        half = 0.5 * s * self.curvature  # [rad] between the tangent and the chord
        chord = s * math.sin(half) / half if half != 0.0 else s  # sines' differences lose the digits of slight bends
        course = self.heading + half
        return self.x + chord * math.cos(course), self.y + chord * math.sin(course), self.heading + 2.0 * half

    def project(self, x: float, y: float) -> tuple[float, float] | None:
        """s along the segment and lateral offset t [m] of a point that lies beside it, else None."""
        dx, dy = x - self.x, y - self.y
        c, sn = math.cos(self.heading), math.sin(self.heading)
        s, t = dx * c + dy * sn, dy * c - dx * sn
        if self.curvature != 0.0:  # seen from the arc's centre, left or right of the start
            s = math.atan2(s * self.curvature, 1.0 - t * self.curvature) / self.curvature
            radius = 1.0 / self.curvature
            t = radius - math.copysign(math.hypot(dx + radius * sn, dy - radius * c), radius)
        if not -1e-6 <= s <= self.length + 1e-6:
            return None
        return min(max(s, 0.0), self.length), t


class Path:
    """A chain of segments with s [m] from its start."""

    def __init__(self, segments: Sequence[Segment]):
        if not segments:
            raise ValueError("a path needs at least one segment")
        self.segments = tuple(segments)
        starts = [0.0]
        for segment in self.segments:
            starts.append(starts[-1] + segment.length)
        self.starts, self.length = tuple(starts[:-1]), starts[-1]

    def at(self, s: float, t: float = 0.0) -> tuple[float, float, float]:
        """x, y [m] and heading [rad] at station s, clamped to the path, and lateral offset t, left positive [m]."""
        s = min(max(s, 0.0), self.length)
        k = max(i for i, start in enumerate(self.starts) if start <= s)
        x, y, h = self.segments[k].at(s - self.starts[k])
        return x - t * math.sin(h), y + t * math.cos(h), h

    def samples(self, step: float, t: float = 0.0) -> list[Point]:
        """Points at offset t at most `step` [m] apart, both ends included."""
        n = max(1, math.ceil(self.length / step))
        return [self.at(self.length * i / n, t)[:2] for i in range(n + 1)]

    def curves(self) -> list[tuple[float, float]]:
        """(begin, end) stations [m] of the arcs."""
        pairs = zip(self.starts, self.segments, strict=True)
        return [(start, start + seg.length) for start, seg in pairs if seg.curvature != 0.0]


def heading_of(a: Point, b: Point) -> float:
    """Heading [rad] from a to b."""
    return math.atan2(b[1] - a[1], b[0] - a[0])


def wrap(angle: float) -> float:
    """The angle in [-pi, pi)."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def advance(p: Point, heading: float, distance: float) -> Point:
    """The point `distance` [m] from p along `heading` [rad]."""
    return p[0] + distance * math.cos(heading), p[1] + distance * math.sin(heading)


def polyline_path(points: Sequence[Point], radii: Sequence[tuple[float, ...]]) -> Path:
    """Path through straight legs between `points`, rounded at the inner ones.

    `radii[i]` rounds points[i + 1]: one radius [m] makes an arc, two make a compound curve of two arcs that turn by
    half of the angle each, both tangent to the legs.
    """
    if len(radii) != len(points) - 2:
        raise ValueError(f"{len(points)} points need {len(points) - 2} corner radii, got {len(radii)}")
    segments: list[Segment] = []
    here = points[0]
    for i, corner in enumerate(points[1:-1]):
        h0, h1 = heading_of(points[i], corner), heading_of(corner, points[i + 2])
        turn = wrap(h1 - h0)
        before, arcs = _corner(turn, radii[i])
        leg = math.dist(here, corner) - before
        if leg < 0.0:
            raise ValueError(
                f"corner {corner} with radii {radii[i]} needs {before:.2f} m; the leg has {leg + before:.2f}"
            )
        segments.append(Segment(*here, h0, leg))
        x, y, h = segments[-1].at(leg)
        for radius, angle in arcs:
            segments.append(Segment(x, y, h, radius * abs(angle), math.copysign(1.0 / radius, turn)))
            x, y, h = segments[-1].at(segments[-1].length)
        here = (x, y)
    segments.append(Segment(*here, heading_of(points[-2], points[-1]), math.dist(here, points[-1])))
    return Path(segments)


def _corner(turn: float, radii: tuple[float, ...]) -> tuple[float, list[tuple[float, float]]]:
    """Distance [m] from the corner at which the first arc begins, and (radius, angle) of each arc."""
    if len(radii) == 1:
        return radii[0] * math.tan(abs(turn) / 2.0), [(radii[0], turn)]
    first, second = radii
    quarter = math.tan(abs(turn) / 4.0)
    joint = (first + second) * quarter  # side of the triangle corner - tangent point - tangent point
    return first * quarter + joint / (2.0 * math.cos(turn / 2.0)), [(first, turn / 2.0), (second, turn / 2.0)]


def turn_path(start: Point, node: Point, end: Point, radius: float) -> Path:
    """Path from start towards node, round it by an arc of `radius` [m], and on to end.

    A turn too slight to matter is a line; a radius that does not fit is cut to the shorter leg's length.
    """
    h0, h1 = heading_of(start, node), heading_of(node, end)
    before, after = math.dist(start, node), math.dist(node, end)
    turn = wrap(h1 - h0)
    if abs(turn) < STRAIGHT:
        return Path([Segment(*start, heading_of(start, end), math.dist(start, end))])
    half = math.tan(abs(turn) / 2.0)
    tangent = min(radius * half, before, after)
    radius = tangent / half
    segments = []
    if before - tangent > 1e-6:
        segments.append(Segment(*start, h0, before - tangent))
    entry = advance(start, h0, before - tangent)
    segments.append(Segment(*entry, h0, radius * abs(turn), math.copysign(1.0 / radius, turn)))
    if after - tangent > 1e-6:
        segments.append(Segment(*advance(node, h1, tangent), h1, after - tangent))
    return Path(segments)
