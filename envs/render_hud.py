"""What is written onto pictures from above: the driver's numbers, the scale, the way north."""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from world.canvas import SHIFT, Color, fixed
from world.kinds import LightState

LEAST_PX = 240  # pictures with a shorter side have no room for numbers
PANEL: Color = (24, 28, 34)
TEXT: Color = (245, 246, 247)
LABEL: Color = (166, 174, 184)
ALARM: Color = (206, 44, 44)
LIGHTS: dict[int, Color] = {
    LightState.OFF: (120, 124, 130), LightState.RED: (240, 58, 48), LightState.RED_AMBER: (250, 120, 40),
    LightState.GREEN: (56, 206, 96), LightState.AMBER: (250, 190, 48),
}  # fmt: skip
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class Numbers:
    """What the panel says."""

    speed: float  # [m/s]
    limit: float | None  # [m/s]; None: no route tells it
    reward: float  # of the last action
    total: float  # of the episode so far
    time: float  # [s] of the episode so far
    progress: float  # share of the route, in [0, 1]
    light: tuple[int, float] | None  # LightState and distance [m] of the next light on the route
    events: tuple[str, ...]  # of the last action


def unit(picture: NDArray) -> float:
    """Size of what is written: 1 on a picture of 600 pixels."""
    return min(max(min(picture.shape[:2]) / 600, 0.6), 4.0)


@lru_cache(maxsize=2048)
def _letters(text: str, size: float, weight: int, halo: int) -> tuple[NDArray[np.uint8], int]:
    """A text as a mask with a margin of `halo` + 3 pixels, grown by `halo`; and the height of its base line in it."""
    (wide, tall), below = cv2.getTextSize(text, _FONT, size, weight)
    margin = halo + 3
    mask = np.zeros((tall + below + 2 * margin, wide + 2 * margin), np.uint8)
    cv2.putText(mask, text, (margin, tall + margin), _FONT, size, 255, weight, cv2.LINE_AA)
    if halo:
        round_brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * halo + 1, 2 * halo + 1))
        cv2.dilate(mask, round_brush, dst=mask)
    return mask, tall + margin


def write(
    picture: NDArray,
    text: str,
    at: tuple[float, float],
    size: float,
    color: Color,
    side: float = 0.0,
    weight: int = 1,
    halo: int = 0,
) -> float:
    """Writes a text whose base line begins at `at` (side 0), ends there (1), or has its middle there (0.5).

    Args:
        size: of OpenCV's font. weight: thickness of its strokes. halo: [px] that the letters are grown by.

    Returns:
        Its width [px].
    """
    mask, base = _letters(text, round(size, 3), weight, halo)
    margin = halo + 3
    wide = mask.shape[1] - 2 * margin
    x, y = round(at[0] - side * wide) - margin, round(at[1]) - base
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + mask.shape[1], picture.shape[1]), min(y + mask.shape[0], picture.shape[0])
    if x0 < x1 and y0 < y1:
        weights = mask[y0 - y : y1 - y, x0 - x : x1 - x, None].astype(np.float32) / 255
        under = picture[y0:y1, x0:x1]
        picture[y0:y1, x0:x1] = under + (np.array(color, np.float32) - under) * weights + 0.5
    return float(wide)


def _dot(picture: NDArray, at: tuple[float, float], radius: float, color: Color) -> None:
    x, y = fixed(np.array([at]))[0]
    cv2.circle(picture, (int(x), int(y)), round(radius * (1 << SHIFT)), color, -1, cv2.LINE_AA, SHIFT)


def _panel(picture: NDArray, left: float, top: float, wide: float, tall: float, color: Color, share: float) -> None:
    """A translucent box with round corners."""
    y0, x0 = int(top), int(left)
    part = picture[y0 : math.ceil(top + tall) + 1, x0 : math.ceil(left + wide) + 1]
    over, radius = part.copy(), min(8.0 * unit(picture), tall / 2)
    x, y = left - x0, top - y0
    corners = ((x + wide - radius, y + tall - radius), (x + radius, y + tall - radius), (x + radius, y + radius),
               (x + wide - radius, y + radius))  # fmt: skip
    angle = np.linspace(0.0, math.pi / 2, 7)
    outline = [np.add(c, radius * np.stack([np.cos(angle + k * math.pi / 2), np.sin(angle + k * math.pi / 2)], 1))
               for k, c in enumerate(corners)]  # fmt: skip
    cv2.fillPoly(over, [fixed(np.concatenate(outline) + 0.5)], color, cv2.LINE_AA, SHIFT)
    cv2.addWeighted(over, share, part, 1.0 - share, 0.0, dst=part)


def draw_numbers(picture: NDArray[np.uint8], numbers: Numbers) -> None:
    """The panel in the upper left corner, and the events of the last action at the lower edge."""
    u = unit(picture)
    left, top, wide, tall = 10.0 * u, 10.0 * u, 148.0 * u, 132.0 * u
    _panel(picture, left, top, wide, tall, PANEL, 0.82)
    x0, x1 = left + 12 * u, left + wide - 12 * u
    base = top + 37 * u
    end = x0 + write(
        picture, f"{abs(numbers.speed) * 3.6:.0f}", (x0, base), 1.05 * u, TEXT, weight=max(1, round(2 * u))
    )
    write(picture, "km/h", (end + 5 * u, base), 0.42 * u, LABEL)
    if numbers.limit is not None:
        _limit_sign(picture, (x1 - 13 * u, top + 26 * u), 14.5 * u, numbers.limit)
    rows = (("reward", f"{numbers.reward:+.3f}"), ("return", f"{numbers.total:.2f}"), ("time", f"{numbers.time:.1f} s"))
    for k, (label, value) in enumerate((*rows, ("light", ""))):
        y = top + (57 + 17 * k) * u
        write(picture, label, (x0, y), 0.42 * u, LABEL)
        if value:
            write(picture, value, (x1, y), 0.42 * u, TEXT, side=1.0)
        elif numbers.light is None:
            write(picture, "none", (x1, y), 0.42 * u, LABEL, side=1.0)
        else:
            state, distance = numbers.light
            shown = write(picture, f"{max(distance, 0.0):.0f} m", (x1, y), 0.42 * u, TEXT, side=1.0)
            _dot(picture, (x1 - shown - 10 * u, y - 4.5 * u), 4.5 * u, LIGHTS[state])
    _progress_bar(picture, x0, x1, top + tall - 11 * u, numbers.progress)
    if numbers.events:
        _draw_events(picture, numbers.events)


def _limit_sign(picture: NDArray, at: tuple[float, float], radius: float, limit: float) -> None:
    _dot(picture, at, radius, (206, 40, 40))
    _dot(picture, at, 0.76 * radius, (250, 250, 250))
    text = f"{limit * 3.6:.0f}"
    size = radius * (0.033 if len(text) < 3 else 0.025)
    write(picture, text, (at[0], at[1] + 10.5 * size), size, (24, 24, 24), side=0.5)


def _progress_bar(picture: NDArray, x0: float, x1: float, y: float, share: float) -> None:
    line = fixed(np.array([(x0, y), (x1, y), (x0 + (x1 - x0) * min(max(share, 0.0), 1.0), y)]))
    thick = max(2, round(3 * unit(picture)))
    cv2.polylines(picture, [line[:2]], False, (74, 82, 92), thick, cv2.LINE_AA, SHIFT)
    if share > 0.0:
        cv2.polylines(picture, [line[[0, 2]]], False, (86, 156, 255), thick, cv2.LINE_AA, SHIFT)


def _draw_events(picture: NDArray, events: tuple[str, ...]) -> None:
    u = unit(picture)
    text = ", ".join(name.replace("_", " ") for name in events)
    (wide, _), _ = cv2.getTextSize(text, _FONT, 0.5 * u, 1)
    middle, y = picture.shape[1] / 2, picture.shape[0] - 24 * u
    _panel(picture, max(middle - wide / 2 - 12 * u, 0.0), y - 19 * u, wide + 24 * u, 28 * u, ALARM, 0.9)
    write(picture, text, (middle, y), 0.5 * u, TEXT, side=0.5)


def draw_scale(picture: NDArray[np.uint8], px_per_m: float) -> None:
    """A bar of a round number of metres in the lower right corner."""
    u = unit(picture)
    most = 0.22 * picture.shape[1] / px_per_m
    power = 10.0 ** math.floor(math.log10(most))
    length = max(n * power for n in (1, 2, 5) if n * power <= most)
    x1, y = picture.shape[1] - 16 * u, picture.shape[0] - 16 * u
    x0, tick = x1 - length * px_per_m, 4 * u
    lines = [np.array([(x0, y), (x1, y)]), *(np.array([(x, y - tick), (x, y + tick)]) for x in (x0, x1))]
    for color, thick in (((250, 250, 250), 4.5), ((30, 34, 40), 1.6)):
        width = max(1, round(thick * u))
        cv2.polylines(picture, [fixed(p) for p in lines], False, color, width, cv2.LINE_AA, SHIFT)
    text, place = f"{length:g} m", ((x0 + x1) / 2, y - 8 * u)
    write(picture, text, place, 0.45 * u, (250, 250, 250), side=0.5, halo=max(1, round(2 * u)))
    write(picture, text, place, 0.45 * u, (30, 34, 40), side=0.5)


def draw_north(picture: NDArray[np.uint8], turn: float) -> None:
    """An arrow to the north in the upper right corner, for views that turn."""
    u = unit(picture)
    middle = np.array([picture.shape[1] - 30 * u, 30 * u])
    ahead = np.array([math.sin(turn), -math.cos(turn)])
    side = np.array([-ahead[1], ahead[0]])
    _dot(picture, (middle[0], middle[1]), 18 * u, (250, 250, 250))
    arrow = [middle + 13 * u * ahead, middle - 9 * u * ahead + 8 * u * side, middle - 4 * u * ahead,
             middle - 9 * u * ahead - 8 * u * side]  # fmt: skip
    cv2.fillPoly(picture, [fixed(np.array(arrow))], (30, 34, 40), cv2.LINE_AA, SHIFT)
