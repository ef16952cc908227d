"""Cross-sections: lanes, widths and road marks of generated roads."""

from scenariogeneration import xodr

from scenarios.mapgen.description import LaneProfile
from scenarios.mapgen.furniture import CROSSWALK_WIDTH
from scenarios.mapgen.network import Road

LINE_WIDTH = 0.12  # [m]
WALK_RADIUS = 0.5  # [m] least radius of a pavement's middle line
TAPER = 3.0  # [m] over which it narrows before a tight corner
NO_OVERTAKING = 15.0  # [m] before junctions, crosswalks and bends the middle line is solid


def cross_section(road: Road, profile: LaneProfile) -> xodr.Lanes:
    """Lanes, widths and marks of a road, links included."""
    middle = xodr.Lane(xodr.LaneType.none)
    for mark in _middle_marks(road):
        middle.add_roadmark(mark)
    section = xodr.LaneSection(0, middle)
    for n in range(1, road.left + 1):
        section.add_left_lane(_lane(road, n, profile))
    for n in range(1, road.right + 1):
        section.add_right_lane(_lane(road, -n, profile))
    lanes = xodr.Lanes()
    lanes.add_lanesection(section)
    return lanes


def _lane(road: Road, lane: int, profile: LaneProfile) -> xodr.Lane:
    kind, width = (
        (xodr.LaneType.driving, profile.driving),
        (xodr.LaneType.shoulder, profile.shoulder),
        (xodr.LaneType.sidewalk, profile.sidewalk),
    )[abs(lane) - 1]
    out = xodr.Lane(kind, width)
    if kind is xodr.LaneType.sidewalk and road.junction is not None:
        out.widths.clear()
        for s, a, c, d in corner_widths(road, profile):
            out.add_lane_width(a, 0.0, c, d, s)
    none = xodr.RoadMark(xodr.RoadMarkType.none, laneChange=xodr.LaneChange.none)
    edge = xodr.RoadMark(
        xodr.RoadMarkType.solid, LINE_WIDTH, color=xodr.RoadMarkColor.white, laneChange=xodr.LaneChange.none
    )
    kerb = xodr.RoadMark(xodr.RoadMarkType.curb, 0.15, laneChange=xodr.LaneChange.none)
    out.add_roadmark((edge if road.junction is None else none, kerb, none)[abs(lane) - 1])
    if lane in road.lane_links:
        before, after = road.lane_links[lane]
        out.add_link("predecessor", before)
        out.add_link("successor", after)
    return out


def corner_widths(road: Road, profile: LaneProfile) -> list[tuple[float, float, float, float]]:
    """(s, a, c, d): width a + c ds^2 + d ds^3 [m] of the pavement along a road through a junction.

    Round a corner whose kerb curves tighter than a pavement's middle line could, the pavement narrows, so that the
    middle line keeps a radius of `WALK_RADIUS`.
    """
    full = profile.sidewalk
    arc = next(((s, g) for s, g in zip(road.path.starts, road.path.segments, strict=True) if g.curvature < 0.0), None)
    if arc is None:
        return [(0.0, full, 0.0, 0.0)]
    begin, segment = arc
    narrow = 2.0 * (-1.0 / segment.curvature - profile.kerb - WALK_RADIUS)
    end = begin + segment.length
    after = road.path.length - end
    taper = min(TAPER, begin, after)
    if narrow >= full or taper <= 0.0:
        return [(0.0, full, 0.0, 0.0)]
    square, cube = 3.0 * (full - narrow) / taper**2, 2.0 * (full - narrow) / taper**3
    widths = [
        (0.0, full, 0.0, 0.0),
        (begin - taper, full, -square, cube),
        (begin, narrow, 0.0, 0.0),
        (end, narrow, square, -cube),
        (end + taper, full, 0.0, 0.0),
    ]
    return [row for row, follower in zip(widths, widths[1:], strict=False) if follower[0] > row[0]] + widths[-1:]


def _middle_marks(road: Road) -> list[xodr.RoadMark]:
    """Yellow middle line: broken, but solid near junctions, crosswalks and bends; none inside junctions."""
    if road.junction is not None:
        return [xodr.RoadMark(xodr.RoadMarkType.none, laneChange=xodr.LaneChange.none)]
    marks = []
    for s, solid in solid_stretches(road):
        kind = xodr.RoadMarkType.solid if solid else xodr.RoadMarkType.broken
        change = xodr.LaneChange.none if solid else xodr.LaneChange.both
        marks.append(xodr.RoadMark(kind, LINE_WIDTH, soffset=s, color=xodr.RoadMarkColor.yellow, laneChange=change))
    return marks


def solid_stretches(road: Road) -> list[tuple[float, bool]]:
    """(s [m] where it begins, whether solid) of the stretches of a street's middle line."""
    length, reach = road.path.length, NO_OVERTAKING
    zones = [(0.0, reach), (length - reach, length)]
    zones += [(a - reach, b + reach) for a, b in road.path.curves()]
    zones += [(s - reach - CROSSWALK_WIDTH / 2, s + reach + CROSSWALK_WIDTH / 2) for s in road.crosswalks]
    out: list[tuple[float, bool]] = []
    end = 0.0
    for a, b in sorted(zones):
        if a > end + reach:  # a shorter gap is not worth a broken line
            out += [(end, False), (a, True)]
        elif not out:
            out.append((0.0, True))
        end = max(end, b)
    return [(min(max(s, 0.0), length), solid) for s, solid in out]
