"""Draws a RoadMap from above, into an RGB picture that others can draw vehicles onto.

    view = View.fit(road_map, 1600)
    picture = draw_map(road_map, view)
    draw_box(picture, view, x, y, yaw, length, width, (255, 80, 40))

Needs OpenCV. Coordinates are the map frame's (x right, y up in the picture).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from world.kinds import LaneKind, LightState, MarkColor, MarkKind, SignKind, StopKind
from world.roadmap import RoadMap

Color = tuple[int, int, int]
SHIFT = 4  # fractional bits of pixel coordinates
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
LAMPS: dict[int, tuple[bool, bool, bool]] = {
    LightState.OFF: (False, False, False), LightState.RED: (True, False, False), LightState.AMBER: (False, True, False),
    LightState.RED_AMBER: (True, True, False), LightState.GREEN: (False, False, True),
}  # fmt: skip
DASH, GAP = 3.0, 6.0  # [m] of broken lines
LINE_WIDTH = 0.15  # [m]
ARROW_EVERY = 25.0  # [m]


@dataclass(frozen=True)
class View:
    """Which part of a map a picture shows."""

    width_px: int
    height_px: int
    px_per_m: float
    center: tuple[float, float]  # [m] map point in the middle of the picture
    turn: float = 0.0  # [rad] direction of the map that points to the right in the picture

    @classmethod
    def fit(cls, road_map: RoadMap, size_px: int, margin_m: float = 12.0) -> "View":
        """The whole map; the longer side is `size_px` long."""
        low = road_map.point_xyz[:, :2].min(axis=0).astype(float) - margin_m
        high = road_map.point_xyz[:, :2].max(axis=0).astype(float) + margin_m
        scale = size_px / float((high - low).max())
        width, height = np.maximum(1, np.round((high - low) * scale)).astype(int)
        x, y = (low + high) / 2
        return cls(int(width), int(height), scale, (float(x), float(y)))

    def to_px(self, xy: NDArray) -> NDArray[np.float64]:
        """Pixels (n, 2), x to the right and y down, of map points (n, 2) [m]."""
        gap = np.asarray(xy, np.float64)[..., :2] - self.center
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        right, up = gap[..., 0] * cos + gap[..., 1] * sin, gap[..., 1] * cos - gap[..., 0] * sin
        return np.stack([self.width_px / 2 + right * self.px_per_m, self.height_px / 2 - up * self.px_per_m], axis=-1)

    def shows(self, pixels: NDArray, margin_px: float = 50.0) -> bool:
        """Whether any of the pixels' bounding box lies in the picture."""
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        size = (self.width_px, self.height_px)
        return bool((high >= -margin_px).all() and (low <= np.array(size) + margin_px).all())


def fixed(pixels: NDArray) -> NDArray[np.int32]:
    """Pixels as OpenCV's fixed-point numbers."""
    return np.round((pixels - 0.5) * (1 << SHIFT)).astype(np.int32)


def fill(picture: NDArray[np.uint8], view: View, xy: NDArray, color: Color) -> None:
    """Fills a polygon of map points."""
    pixels = view.to_px(xy)
    if view.shows(pixels):
        cv2.fillPoly(picture, [fixed(pixels)], color, cv2.LINE_AA, SHIFT)


def stroke(picture: NDArray[np.uint8], view: View, lines: list[NDArray], color: Color, width_m: float) -> None:
    """Draws polylines of map points; lines thinner than a pixel are blended into what is there."""
    pixels = [p for line in lines if view.shows(p := view.to_px(line))]
    width_px = width_m * view.px_per_m
    if not pixels:
        return
    if width_px >= 0.9:
        cv2.polylines(picture, [fixed(p) for p in pixels], False, color, max(1, round(width_px)), cv2.LINE_AA, SHIFT)
        return
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.polylines(mask, [fixed(p) for p in pixels], False, 255, 1, cv2.LINE_AA, SHIFT)
    rows = mask > 0
    weight = mask[rows, None].astype(np.float32) / 255 * max(0.35, width_px)
    picture[rows] = (picture[rows] * (1 - weight) + np.array(color, np.float32) * weight).astype(np.uint8)


def draw_box(
    picture: NDArray[np.uint8], view: View, x: float, y: float, yaw: float, length: float, width: float, color: Color
) -> None:
    """A road user: its outline filled, with a lighter front."""
    u, v = length / 2, width / 2
    turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
    corners = np.array([[-u, -v], [u, -v], [u, v], [-u, v]]) @ turn.T + (x, y)
    nose = np.array([[0.45 * u, -0.8 * v], [0.75 * u, -0.7 * v], [0.75 * u, 0.7 * v], [0.45 * u, 0.8 * v]]) @ turn.T + (
        x,
        y,
    )
    fill(picture, view, corners, color)
    light = tuple(min(255, int(c * 0.5 + 128)) for c in color)
    fill(picture, view, nose, (light[0], light[1], light[2]))


def draw_map(road_map: RoadMap, view: View, light_state: NDArray | None = None) -> NDArray[np.uint8]:
    """The whole map.

    Args:
        light_state: (T,) LightState of every light; all off without it.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    picture = np.empty((view.height_px, view.width_px, 3), np.uint8)
    picture[:] = GROUND
    ways = _Ways(road_map)
    order = np.argsort(ways.level, kind="stable")
    for level in np.unique(ways.level):  # low roads first, so that bridges lie on top
        lanes = order[ways.level[order] == level]
        _draw_lanes(picture, view, road_map, ways, lanes)
        _draw_marks(picture, view, road_map, ways, lanes)
    _draw_crosswalks(picture, view, road_map)
    _draw_stop_lines(picture, view, road_map)
    _draw_arrows(picture, view, road_map, ways)
    _draw_buildings(picture, view, road_map)
    _draw_trees(picture, view, road_map)
    _draw_signs(picture, view, road_map)
    _draw_lights(picture, view, road_map, light_state)
    return picture


class _Ways:
    """Borders of all lane points, and the storey of every lane."""

    def __init__(self, m: RoadMap):
        side = np.stack([-np.sin(m.point_heading), np.cos(m.point_heading)], axis=1) * (m.point_width / 2)[:, None]
        self.center = m.point_xyz[:, :2]
        self.left, self.right = self.center + side, self.center - side
        self.rows = [slice(int(a), int(b)) for a, b in zip(m.lane_start[:-1], m.lane_start[1:], strict=True)]
        self.level = np.array([round(float(m.point_xyz[r, 2].mean()) / 4.0) for r in self.rows])


def _draw_lanes(picture: NDArray, view: View, m: RoadMap, ways: _Ways, lanes: NDArray) -> None:
    for motor in (False, True):
        for lane in lanes:
            kind = LaneKind(int(m.lane_kind[lane]))
            if kind in HIDDEN or (kind in MOTOR) != motor:
                continue
            plain = JUNCTION if m.lane_junction[lane] >= 0 else ASPHALT
            row = ways.rows[lane]
            fill(picture, view, np.concatenate([ways.left[row], ways.right[row][::-1]]), FILLS.get(kind, plain))


def _draw_marks(picture: NDArray, view: View, m: RoadMap, ways: _Ways, lanes: NDArray) -> None:
    """Every border once: the right one of each lane, the left one where no lane for traffic lies beyond it."""
    strokes: dict[Color, list[NDArray]] = {}
    kerbs: list[NDArray] = []
    for lane in lanes:
        kind, row = LaneKind(int(m.lane_kind[lane])), ways.rows[lane]
        if kind in HIDDEN:
            continue
        other = int(m.lane_opposite[lane])
        sides = [("right", ways.right)]
        if kind in MOTOR and m.lane_left[lane] < 0 and (other < 0 or lane < other):
            sides.append(("left", ways.left))
        for side, border in sides:
            kinds, colors = getattr(m, f"point_mark_{side}")[row], getattr(m, f"point_color_{side}")[row]
            for a, b in _runs(kinds.astype(int) * 16 + colors):
                line = border[row][a : b + 1]
                if kinds[a] == MarkKind.CURB:
                    kerbs.append(line)
                for part in _painted(line, MarkKind(int(kinds[a]))):
                    strokes.setdefault(PAINT[int(colors[a])], []).append(part)
    stroke(picture, view, kerbs, (146, 144, 140), 0.2)
    for color, lines in strokes.items():
        stroke(picture, view, lines, color, LINE_WIDTH)


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
    for a, b in zip(m.crosswalk_start[:-1], m.crosswalk_start[1:], strict=True):
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


def _draw_arrows(picture: NDArray, view: View, m: RoadMap, ways: _Ways) -> None:
    """A small arrow in the direction of travel on every lane for motor traffic, outside junctions."""
    shape = np.array([(-1.6, 0.09), (0.4, 0.09), (0.4, 0.38), (1.7, 0), (0.4, -0.38), (0.4, -0.09), (-1.6, -0.09)])
    for lane, row in enumerate(ways.rows):
        if LaneKind(int(m.lane_kind[lane])) not in MOTOR or m.lane_junction[lane] >= 0 or m.lane_length[lane] < 8:
            continue
        count = max(1, round(float(m.lane_length[lane]) / ARROW_EVERY))
        for s in (np.arange(count) + 0.5) * float(m.lane_length[lane]) / count:
            k = min(row.start + int(s / m.lane_step[lane]), row.stop - 1)
            if m.point_width[k] > 2:
                yaw = float(m.point_heading[k])
                turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
                fill(picture, view, shape @ turn.T + ways.center[k], (186, 188, 190))


def _draw_buildings(picture: NDArray, view: View, m: RoadMap) -> None:
    for i, (a, b) in enumerate(zip(m.building_start[:-1], m.building_start[1:], strict=True)):
        outline = m.building_xyz[a:b, :2].astype(float)
        shadow = min(0.25 * float(m.building_height[i]), 6.0) * np.array([0.7, -0.7])
        for part in range(len(outline)):
            pair = outline[[part, (part + 1) % len(outline)]]
            fill(picture, view, np.concatenate([pair, pair[::-1] + shadow]), (172, 184, 158))
        tone = (13 * i) % 24
        fill(picture, view, outline, (196 + tone, 176 + tone, 158 + tone // 2))
        stroke(picture, view, [np.concatenate([outline, outline[:1]])], (140, 122, 108), 0.3)


def _draw_trees(picture: NDArray, view: View, m: RoadMap) -> None:
    for (x, y, _), radius in zip(m.tree_xyz, m.tree_radius, strict=True):
        for scale, shift, color in ((1.0, 0.0, (96, 138, 82)), (0.6, 0.22, (122, 164, 100))):
            place = view.to_px(np.array([[x - shift * radius, y + shift * radius]]))
            if view.shows(place):
                size = max(1, round(float(radius) * scale * view.px_per_m * (1 << SHIFT)))
                cv2.circle(picture, tuple(map(int, fixed(place)[0])), size, color, -1, cv2.LINE_AA, SHIFT)


def _symbol(view: View, metres: float, least_px: float) -> float:
    """Size [px] of a symbol: true to scale, but never too small to be seen."""
    return max(metres * view.px_per_m, least_px)


def _draw_signs(picture: NDArray, view: View, m: RoadMap) -> None:
    size = _symbol(view, 1.0, 4.0)
    for xyz, kind, value in zip(m.sign_xyz, m.sign_kind, m.sign_value, strict=True):
        place = view.to_px(xyz[None, :2])[0]
        if view.shows(place[None]):
            _draw_sign(picture, place, size, SignKind(int(kind)), float(value))


def _draw_sign(picture: NDArray, at: NDArray, size: float, kind: SignKind, value: float) -> None:
    def polygon(corners: int, turn: float, scale: float, color: Color) -> None:
        angle = turn + np.arange(corners) * 2 * math.pi / corners
        points = at + scale * size * np.stack([np.cos(angle), -np.sin(angle)], 1)
        cv2.fillPoly(picture, [fixed(points)], color, cv2.LINE_AA, SHIFT)

    if kind == SignKind.STOP:
        polygon(8, math.pi / 8, 1.1, (250, 250, 250))
        polygon(8, math.pi / 8, 0.9, (196, 40, 40))
    elif kind == SignKind.YIELD:
        polygon(3, -math.pi / 2, 1.3, (196, 40, 40))
        polygon(3, -math.pi / 2, 0.75, (250, 250, 250))
    elif kind == SignKind.PRIORITY_ROAD:
        polygon(4, 0.0, 1.1, (250, 250, 250))
        polygon(4, 0.0, 0.8, (240, 190, 40))
    elif kind in (SignKind.SPEED_LIMIT, SignKind.NO_ENTRY):
        polygon(24, 0.0, 1.0, (196, 40, 40))
        polygon(24, 0.0, 0.72, (250, 250, 250) if kind == SignKind.SPEED_LIMIT else (196, 40, 40))
        if kind == SignKind.SPEED_LIMIT and size >= 7:
            text = f"{value * 3.6:.0f}"
            (wide, tall), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 2)
            scale = 1.1 * size / wide
            corner = (int(at[0] - wide * scale / 2), int(at[1] + tall * scale / 2))
            cv2.putText(picture, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, (20, 20, 20), 1, cv2.LINE_AA)
    else:
        polygon(24, 0.0, 0.9, (250, 250, 250))
        polygon(24, 0.0, 0.65, (60, 100, 180))


def _draw_lights(picture: NDArray, view: View, m: RoadMap, state: NDArray | None) -> None:
    """Heads as seen from above, lamps in a row along the face; a tick shows where the face looks."""
    size = _symbol(view, 0.5, 2.2)
    for i, (xyz, yaw) in enumerate(zip(m.light_xyz, m.light_yaw, strict=True)):
        at = view.to_px(xyz[None, :2])[0]
        if not view.shows(at[None]):
            continue
        face = np.array([math.cos(yaw - view.turn), -math.sin(yaw - view.turn)])
        side = np.array([-face[1], face[0]])
        box = np.array(
            [at + a * 3.2 * size * side + b * 1.2 * size * face for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        )
        cv2.fillPoly(picture, [fixed(box)], (34, 36, 40), cv2.LINE_AA, SHIFT)
        tip = np.array(
            [
                at + 1.2 * size * face + 0.9 * size * side,
                at + 2.6 * size * face,
                at + 1.2 * size * face - 0.9 * size * side,
            ]
        )
        cv2.fillPoly(picture, [fixed(tip)], (34, 36, 40), cv2.LINE_AA, SHIFT)
        lit = (True, True, True) if state is None else LAMPS[int(state[i])]
        for k, color in enumerate(((235, 64, 52), (245, 190, 50), (70, 200, 90))):
            lamp = fixed((at + (k - 1) * 2.0 * size * side)[None])[0]
            shown = color if lit[k] else tuple(c // 4 for c in color)
            cv2.circle(
                picture, (int(lamp[0]), int(lamp[1])), round(0.85 * size * (1 << SHIFT)), shown, -1, cv2.LINE_AA, SHIFT
            )
