"""Drawings over pictures: lines with what is uncertain about them, boxes, lights, signs, drivable ground.

All take a picture (H, W, 3) RGB uint8 and draw into it, from plain arrays in its own pixels.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from world.camera_tags import ThingKind
from world.kinds import LightState

U8 = NDArray[np.uint8]
LINE_COLORS = ((255, 205, 60), (70, 160, 255), (70, 160, 255), (255, 205, 60))  # by slot: the own lane's are blue
KIND_COLORS = {
    ThingKind.VEHICLE: (255, 120, 40), ThingKind.CYCLIST: (240, 80, 220), ThingKind.PEDESTRIAN: (255, 60, 90),
    ThingKind.LIGHT: (230, 230, 230), ThingKind.SIGN: (40, 220, 220),
}  # fmt: skip
STATE_COLORS = {
    LightState.OFF: (150, 150, 150), LightState.RED: (255, 40, 40), LightState.RED_AMBER: (255, 120, 0),
    LightState.GREEN: (40, 220, 80), LightState.AMBER: (255, 190, 0),
}  # fmt: skip
ROAD_TINT, PAINT_TINT = (60, 200, 110), (255, 255, 255)
_SHIFT = 4  # bits of a pixel's parts


def unit(picture: U8) -> float:
    """How thick things are drawn: 1 in a picture 640 pixels wide."""
    return max(picture.shape[1] / 640.0, 0.5)


def tint(picture: U8, mask: NDArray[np.bool_], color: tuple[int, int, int], part: float = 0.3) -> None:
    """Mix a colour into the pixels of a mask (H, W).

    Raises:
        ValueError: the mask is of another size.
    """
    if mask.shape != picture.shape[:2]:
        raise ValueError(f"a mask of {mask.shape} for a picture of {picture.shape[:2]}")
    mixed = picture[mask].astype(np.float32) * (1.0 - part) + np.array(color, np.float32) * part
    picture[mask] = mixed.astype(np.uint8)


def draw_line(
    picture: U8, px: NDArray, sigma_px: NDArray | None, color: tuple[int, int, int], text: str = ""
) -> None:  # fmt: skip
    """A lane line, and a band of one standard deviation to each side.

    Args:
        picture: drawn into.
        px: (P, 2) [px].
        sigma_px: (P,) [px] across; None: unknown.
        color: RGB.
        text: written beside it.
    """
    points = np.asarray(px, np.float64)
    if len(points) < 2:
        return
    if sigma_px is not None:
        side = np.stack([np.asarray(sigma_px, np.float64), np.zeros(len(points))], axis=1)
        band = np.concatenate([points - side, (points + side)[::-1]])
        mask = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(mask, [_fixed(band)], 1, cv2.LINE_AA, _SHIFT)  # type: ignore[arg-type]
        tint(picture, mask.astype(np.bool_), color, 0.35)
    thick = max(1, round(2.0 * unit(picture)))
    cv2.polylines(picture, [_fixed(points)], False, color, thick, cv2.LINE_AA, _SHIFT)  # type: ignore[arg-type]
    if text:
        write(picture, text, points[len(points) // 3], color)


def _fixed(points: NDArray) -> NDArray[np.int32]:
    return np.rint(np.clip(points, -8192.0, 16384.0) * (1 << _SHIFT)).astype(np.int32)


def write(picture: U8, text: str, at: NDArray, color: tuple[int, int, int]) -> None:
    """Text on a dark ground, kept within the picture. Args: at: [px] of its lower left corner."""
    scale, thick = 0.38 * unit(picture), max(1, round(unit(picture)))
    (wide, high), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    x = int(np.clip(at[0], 1, max(picture.shape[1] - wide - 2, 1)))
    y = int(np.clip(at[1], high + 2, max(picture.shape[0] - below - 1, high + 2)))
    ground = picture[max(y - high - 2, 0) : y + below, max(x - 1, 0) : x + wide + 1]
    ground[:] = ground * np.float32(0.45)
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, color, thick, cv2.LINE_AA)


def draw_box(picture: U8, box: Sequence[float], color: tuple[int, int, int], text: str = "") -> None:
    """A box x0 y0 x1 y1 [px], with text above it."""
    x0, y0, x1, y1 = (round(float(v)) for v in box)
    cv2.rectangle(picture, (x0, y0), (x1, y1), color, max(1, round(1.5 * unit(picture))), cv2.LINE_AA)
    if text:
        write(picture, text, np.array([x0, y0 - 2.0 * unit(picture)]), color)


def draw_thing(
    picture: U8, kind: int, box: Sequence[float], score: float, distance: float | None = None,
    state: int | None = None, sign: str = "",
) -> None:  # fmt: skip
    """A thing found.

    Args:
        picture: drawn into.
        kind: ThingKind.
        box: x0 y0 x1 y1 [px].
        score: in [0, 1].
        distance: [m]; None: unknown.
        state: LightState; None: unknown, or it is no light.
        sign: name of the sign's face.
    """
    which = ThingKind(kind)
    color = KIND_COLORS[which] if state is None else STATE_COLORS[LightState(state)]
    name = sign or (LightState(state).name.lower() if state is not None else which.name.lower())
    far = "" if distance is None else f" {distance:.0f} m"
    draw_box(picture, box, color, f"{name}{far} {score:.2f}")


def draw_ground(picture: U8, drivable: NDArray[np.bool_], paint: NDArray[np.bool_] | None = None) -> None:
    """Tint drivable ground (H, W), outline it, and lighten paint (H, W)."""
    tint(picture, drivable, ROAD_TINT, 0.25)
    if paint is not None:
        tint(picture, paint, PAINT_TINT, 0.5)
    outlines, _ = cv2.findContours(drivable.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    large = [c for c in outlines if len(c) > 2 and cv2.contourArea(c) > 4e-4 * drivable.size]
    cv2.drawContours(picture, large, -1, ROAD_TINT, 1, cv2.LINE_AA)
