"""What stands beside roads, from above: buildings, trees, signs, and the heads of traffic lights."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from world.canvas import SHIFT, Color, View, fill, fixed, stroke
from world.kinds import LightState, SignKind
from world.roadmap import RoadMap

LAMPS: dict[int, tuple[bool, bool, bool]] = {
    LightState.OFF: (False, False, False), LightState.RED: (True, False, False), LightState.AMBER: (False, True, False),
    LightState.RED_AMBER: (True, True, False), LightState.GREEN: (False, False, True),
}  # fmt: skip


_REACH = 150.0  # [m] from a building's first corner to its others at most; of larger ones a part may be missing


def near(view: View, xyz: NDArray, margin_m: float) -> NDArray[np.bool_]:
    """(n,) which map points (n, 2 or 3) lie in the picture or within a margin of it."""
    low, high = view.box(margin_m)
    x, y = xyz[:, 0], xyz[:, 1]
    return (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1])


def draw_buildings(picture: NDArray, view: View, m: RoadMap) -> None:
    """Flat roofs, and the shadows that they cast."""
    outlines, heights = [], []
    for i in np.flatnonzero(near(view, m.building_xyz[m.building_start[:-1]], _REACH)).tolist():
        outlines.append((i, m.building_xyz[m.building_start[i] : m.building_start[i + 1], :2].astype(float)))
        heights.append(float(m.building_height[i]))
    if not outlines:
        return
    mask = np.zeros(picture.shape[:2], np.uint8)
    for (_, outline), height in zip(outlines, heights, strict=True):
        _cast_shadow(mask, view, outline, min(0.25 * height, 6.0) * np.array([0.7, -0.7]))
    darken(picture, mask, 0.18)
    for i, outline in outlines:
        tone = (13 * i) % 24
        fill(picture, view, outline, (196 + tone, 176 + tone, 158 + tone // 2))
        stroke(picture, view, [np.concatenate([outline, outline[:1]])], (140, 122, 108), 0.3)


def _cast_shadow(mask: NDArray, view: View, outline: NDArray, shadow: NDArray) -> None:
    ahead = np.roll(outline, -1, axis=0)
    for quad in fixed(view.to_px(np.stack([outline, ahead, ahead + shadow, outline + shadow], axis=1))):
        cv2.fillConvexPoly(mask, quad, 255, cv2.LINE_AA, SHIFT)


def darken(picture: NDArray, mask: NDArray[np.uint8], share: float) -> None:
    """Takes `share` of the light away where the mask is 255, less where it is less."""
    rows = mask > 0
    weight = 1.0 - mask[rows, None].astype(np.float32) * np.float32(share / 255)
    picture[rows] = (picture[rows] * weight).astype(np.uint8)


def draw_trees(picture: NDArray, view: View, m: RoadMap) -> None:
    for i in np.flatnonzero(near(view, m.tree_xyz, 10.0)):
        (x, y), radius = m.tree_xyz[i, :2], m.tree_radius[i]
        for scale, shift, color in ((1.0, 0.0, (96, 138, 82)), (0.6, 0.22, (122, 164, 100))):
            place = view.to_px(np.array([[x - shift * radius, y + shift * radius]]))
            if view.shows(place):
                size = max(1, round(float(radius) * scale * view.px_per_m * (1 << SHIFT)))
                cv2.circle(picture, tuple(map(int, fixed(place)[0])), size, color, -1, cv2.LINE_AA, SHIFT)


def _symbol(view: View, metres: float, least_px: float) -> float:
    """Size [px] of a symbol: true to scale, but never too small to be seen."""
    return max(metres * view.px_per_m, least_px)


def draw_signs(picture: NDArray, view: View, m: RoadMap) -> None:
    size = _symbol(view, 1.0, 4.0)
    for i in np.flatnonzero(near(view, m.sign_xyz, 5.0)):
        place = view.to_px(m.sign_xyz[i, None, :2])[0]
        _draw_sign(picture, place, size, SignKind(int(m.sign_kind[i])), float(m.sign_value[i]))


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


def draw_lights(picture: NDArray, view: View, m: RoadMap, state: NDArray | None) -> None:
    """Heads as seen from above, lamps in a row along the face; a tick shows where the face looks.

    Args:
        state: (T,) LightState of every light; all lamps are lit without it.
    """
    size = _symbol(view, 0.5, 2.2)
    for i in np.flatnonzero(near(view, m.light_xyz, 5.0)):
        at, yaw = view.to_px(m.light_xyz[i, None, :2])[0], float(m.light_yaw[i])
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
