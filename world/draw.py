"""Draws a RoadMap from above, into an RGB picture that others can draw vehicles onto (envs.render does).

    view = View.fit(road_map, 1600)
    picture = draw_map(road_map, view)

Many views of one map: make its Sheet once, then `draw_ground(sheet, view)`. Needs OpenCV.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from world.canvas import Color, View, fill, stroke
from world.draw_furniture import draw_buildings, draw_lights, draw_signs, draw_trees, near
from world.kinds import ConflictKind, EdgeKind, LaneKind, MarkColor, MarkKind, StopKind
from world.roadmap import RoadMap

GROUND: Color = (205, 219, 190)
ASPHALT: Color = (88, 91, 97)
JUNCTION: Color = (94, 97, 103)
FILLS: dict[int, Color] = {
    LaneKind.SIDEWALK: (214, 209, 200), LaneKind.SHOULDER: (118, 120, 124), LaneKind.BORDER: (160, 166, 150),
    LaneKind.PARKING: (104, 108, 122), LaneKind.BIKING: (150, 92, 84), LaneKind.MEDIAN: (168, 186, 150),
    LaneKind.CURB: (190, 188, 184), LaneKind.STOP: (110, 112, 116), LaneKind.RESTRICTED: (126, 122, 114),
    LaneKind.BIDIRECTIONAL: (98, 98, 92),
}  # fmt: skip
HIDDEN = {LaneKind.NONE, LaneKind.OTHER}
MOTOR = {
    LaneKind.DRIVING, LaneKind.BIDIRECTIONAL, LaneKind.ENTRY, LaneKind.EXIT, LaneKind.ON_RAMP, LaneKind.OFF_RAMP,
}  # fmt: skip
PAINT: dict[int, Color] = {
    MarkColor.WHITE: (240, 240, 236), MarkColor.YELLOW: (240, 196, 60), MarkColor.BLUE: (90, 130, 230),
    MarkColor.GREEN: (90, 190, 110), MarkColor.RED: (220, 80, 70), MarkColor.ORANGE: (240, 150, 50),
}  # fmt: skip
DOUBLE = {
    MarkKind.SOLID_SOLID: (True, True), MarkKind.SOLID_BROKEN: (True, False), MarkKind.BROKEN_SOLID: (False, True),
    MarkKind.BROKEN_BROKEN: (False, False),
}  # fmt: skip
UNPAINTED = {MarkKind.NONE, MarkKind.GRASS, MarkKind.CURB}
KERB: Color = (146, 144, 140)
KERB_WIDTH = 0.2  # [m]
EDGES: dict[int, tuple[Color, float]] = {
    EdgeKind.CURB: ((176, 172, 165), 0.2), EdgeKind.BARRIER: ((132, 138, 146), 0.3),
}  # fmt: skip
STOREY = 4.0  # [m]
DASH, GAP = 3.0, 6.0  # [m] of broken lines
LINE_WIDTH = 0.15  # [m]
ARROW_EVERY = 25.0  # [m]


class Sheet:
    """A map made ready to be drawn in many views: outlines, boxes and storeys of its lanes, and their paint.

    Attributes: `level` (L,) storey of each lane, 4 m high; `crosses` (L,) it lies in a junction where ways cross;
    `center`, `left`, `right` (P, 2) [m] of all lane points.
    """

    def __init__(self, road_map: RoadMap):
        m = road_map
        side = np.stack([-np.sin(m.point_heading), np.cos(m.point_heading)], axis=1) * (m.point_width / 2)[:, None]
        self.map = m
        self.center = m.point_xyz[:, :2]
        self.left, self.right = self.center + side, self.center - side
        self.rows = [slice(int(a), int(b)) for a, b in zip(m.lane_start[:-1], m.lane_start[1:], strict=True)]
        starts = m.lane_start[:-1]
        self.level = np.round(np.add.reduceat(m.point_xyz[:, 2], starts) / np.diff(m.lane_start) / STOREY).astype(int)
        self.edge_middle = m.edge_xyz.mean(axis=1)
        self.edge_level = np.round(self.edge_middle[:, 2] / STOREY).astype(int)
        self.crosses = _in_crossings(m)
        self._low = np.minimum.reduceat(np.minimum(self.left, self.right), starts)
        self._high = np.maximum.reduceat(np.maximum(self.left, self.right), starts)
        self._paint: dict[int, list[tuple[Color, NDArray]]] = {}

    def lanes_in(self, view: View) -> NDArray[np.intp]:
        """Lanes whose boxes touch the picture, low ones first, so that bridges come to lie on top."""
        low, high = view.box(1.0)
        seen = np.flatnonzero((self._high >= low).all(axis=1) & (self._low <= high).all(axis=1))
        return seen[np.argsort(self.level[seen], kind="stable")]

    def paint(self, lane: int) -> list[tuple[Color, NDArray]]:
        """Lines of the borders of a lane: their colours and points."""
        if lane not in self._paint:
            self._paint[lane] = _lane_paint(self, lane)
        return self._paint[lane]


def _in_crossings(m: RoadMap) -> NDArray[np.bool_]:
    """(L,) lanes of junctions where ways cross, not only part or join as on motorways."""
    lane = np.repeat(np.arange(m.lane_count), np.diff(m.conflict_start))
    where = np.unique(m.lane_junction[lane[m.conflict_kind == ConflictKind.CROSS]])
    return np.isin(m.lane_junction, where[where >= 0])


def draw_map(road_map: RoadMap, view: View, light_state: NDArray | None = None) -> NDArray[np.uint8]:
    """The whole map.

    Args:
        light_state: (T,) LightState of every light; all lamps are lit without it.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    sheet = Sheet(road_map)
    picture = draw_ground(sheet, view)
    _draw_arrows(picture, view, road_map, sheet)
    draw_signs(picture, view, road_map)
    draw_lights(picture, view, road_map, light_state)
    return picture


def draw_ground(sheet: Sheet, view: View) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 RGB: all that neither changes nor is a symbol: roads, their paint, buildings, trees."""
    picture = np.empty((view.height_px, view.width_px, 3), np.uint8)
    cv2.rectangle(picture, (0, 0), (view.width_px, view.height_px), GROUND, cv2.FILLED)
    road_map, seen = sheet.map, sheet.lanes_in(view)
    for level in np.unique(sheet.level[seen]):
        lanes = seen[sheet.level[seen] == level]
        _draw_lanes(picture, view, sheet, lanes)
        _draw_edges(picture, view, sheet, int(level))
        _draw_marks(picture, view, sheet, lanes)
    _draw_crosswalks(picture, view, road_map)
    _draw_stop_lines(picture, view, road_map)
    draw_buildings(picture, view, road_map)
    draw_trees(picture, view, road_map)
    return picture


def _draw_lanes(picture: NDArray, view: View, sheet: Sheet, lanes: NDArray) -> None:
    m = sheet.map
    for motor in (False, True):
        for lane in lanes:
            kind = LaneKind(int(m.lane_kind[lane]))
            if kind in HIDDEN or (kind in MOTOR) != motor:
                continue
            crosses = sheet.crosses[lane]
            plain = JUNCTION if crosses else ASPHALT
            color = JUNCTION if crosses and kind == LaneKind.SHOULDER else FILLS.get(kind, plain)
            row = sheet.rows[lane]
            fill(picture, view, np.concatenate([sheet.left[row], sheet.right[row][::-1]]), color)


def _draw_edges(picture: NDArray, view: View, sheet: Sheet, level: int) -> None:
    """Kerbs and barriers of a storey."""
    m = sheet.map
    seen = (sheet.edge_level == level) & near(view, sheet.edge_middle, 3.0)
    for kind, (color, width) in EDGES.items():
        stroke(picture, view, list(m.edge_xyz[seen & (m.edge_kind == kind)][:, :, :2]), color, width)


def _draw_marks(picture: NDArray, view: View, sheet: Sheet, lanes: NDArray) -> None:
    strokes: dict[Color, list[NDArray]] = {}
    for lane in lanes:
        for color, line in sheet.paint(int(lane)):
            strokes.setdefault(color, []).append(line)
    for color, lines in strokes.items():
        stroke(picture, view, lines, color, KERB_WIDTH if color == KERB else LINE_WIDTH)


def _lane_paint(sheet: Sheet, lane: int) -> list[tuple[Color, NDArray]]:
    """Every border once: the right one of each lane, the left one where no lane for traffic lies beyond it."""
    m, row = sheet.map, sheet.rows[lane]
    kind, other = LaneKind(int(m.lane_kind[lane])), int(m.lane_opposite[lane])
    if kind in HIDDEN:
        return []
    sides = [("right", sheet.right)]
    if kind in MOTOR and m.lane_left[lane] < 0 and (other < 0 or lane < other):
        sides.append(("left", sheet.left))
    paint: list[tuple[Color, NDArray]] = []
    for side, border in sides:
        kinds, colors = getattr(m, f"point_mark_{side}")[row], getattr(m, f"point_color_{side}")[row]
        for a, b in _runs(kinds.astype(int) * 16 + colors):
            line = border[row][a : b + 1]
            if kinds[a] == MarkKind.CURB:
                paint.append((KERB, line))
            paint += [(PAINT[int(colors[a])], part) for part in _painted(line, MarkKind(int(kinds[a])))]
    return paint


def _runs(values: NDArray) -> list[tuple[int, int]]:
    """First and last point of each stretch of equal values; stretches share their end points."""
    ends = np.flatnonzero(np.diff(values)) + 1
    return [(int(a), int(b)) for a, b in zip([0, *ends], [*ends, len(values) - 1], strict=True) if b > a]


def _painted(line: NDArray, kind: MarkKind) -> list[NDArray]:
    """Polylines of paint of a border."""
    if kind in UNPAINTED:
        return []
    if kind in DOUBLE:
        tangent = np.gradient(line, axis=0)
        normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1) / np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
        left, right = DOUBLE[kind]
        both = ((line + 0.13 * normal, left), (line - 0.13 * normal, right))
        return [part for copy, solid in both for part in ([copy] if solid else _dashes(copy, DASH, GAP))]
    if kind == MarkKind.BROKEN:
        return _dashes(line, DASH, GAP)
    return _dashes(line, 0.1, 1.2) if kind == MarkKind.BOTTS_DOTS else [line]


def _dashes(line: NDArray, dash: float, gap: float) -> list[NDArray]:
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    starts = np.arange(gap / 2, arc[-1], dash + gap)
    ends = np.minimum(starts + dash, arc[-1])
    at = np.stack([starts, 0.5 * (starts + ends), ends], axis=1)
    return list(np.stack([np.interp(at, arc, line[:, 0]), np.interp(at, arc, line[:, 1])], axis=2))


def _draw_crosswalks(picture: NDArray, view: View, m: RoadMap) -> None:
    """Bars across the walking direction, which is the longer side of the outline's smallest rectangle."""
    for i in np.flatnonzero(near(view, m.crosswalk_xyz[m.crosswalk_start[:-1]], 60.0)):
        a, b = m.crosswalk_start[i], m.crosswalk_start[i + 1]
        (x, y), size, angle = cv2.minAreaRect(np.asarray(m.crosswalk_xyz[a:b, :2], np.float32).copy())
        turn = math.radians(angle) + (0.0 if size[0] >= size[1] else math.pi / 2)
        length, width = max(size), min(size)
        along, across = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
        for k in range(int(length)):
            u = -0.5 * int(length) + k + 0.25
            bar = [(u, -1), (u + 0.5, -1), (u + 0.5, 1), (u, 1)]
            corners = np.array([(x, y) + s * along + side * width / 2 * across for s, side in bar])
            fill(picture, view, corners, (238, 238, 234))


def _draw_stop_lines(picture: NDArray, view: View, m: RoadMap) -> None:
    for kind, width in ((StopKind.LIGHT, 0.35), (StopKind.STOP, 0.5), (StopKind.YIELD, 0.35)):
        lines = [line for line in m.stop_line[m.stop_kind == kind]]
        if kind == StopKind.YIELD:
            lines = [part for line in lines for part in _dashes(line, 0.5, 0.4)]
        stroke(picture, view, lines, (244, 244, 240), width)


def _draw_arrows(picture: NDArray, view: View, m: RoadMap, sheet: Sheet) -> None:
    """A small arrow in the direction of travel on every lane for motor traffic, outside junctions."""
    shape = np.array([(-1.6, 0.09), (0.4, 0.09), (0.4, 0.38), (1.7, 0), (0.4, -0.38), (0.4, -0.09), (-1.6, -0.09)])
    for lane, row in enumerate(sheet.rows):
        if LaneKind(int(m.lane_kind[lane])) not in MOTOR or m.lane_junction[lane] >= 0 or m.lane_length[lane] < 8:
            continue
        count = max(1, round(float(m.lane_length[lane]) / ARROW_EVERY))
        for s in (np.arange(count) + 0.5) * float(m.lane_length[lane]) / count:
            k = min(row.start + int(s / m.lane_step[lane]), row.stop - 1)
            if m.point_width[k] > 2:
                yaw = float(m.point_heading[k])
                turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
                fill(picture, view, shape @ turn.T + sheet.center[k], (186, 188, 190))
