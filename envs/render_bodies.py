"""Road users from above, at their true size: paint, glass, lamps, riders; and walkers."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from world.canvas import SHIFT, Color, fixed
from world.kinds import BodyKind

DRIVER: Color = (28, 112, 246)  # the learning driver that a picture is of
OTHER_DRIVER: Color = (150, 84, 214)  # learning drivers beside it
PAINTS: tuple[Color, ...] = (
    (240, 241, 242), (203, 207, 211), (226, 205, 168), (170, 176, 182), (176, 82, 72), (110, 140, 120), (224, 186, 92),
    (132, 146, 158),
)  # fmt: skip
CLOTHES: tuple[Color, ...] = ((206, 72, 92), (240, 240, 236), (46, 128, 120), (222, 148, 52), (92, 74, 128))
GLASS: Color = (38, 46, 56)
LAMP: Color = (255, 246, 214)
REAR: Color = (120, 26, 24)
BRAKE: Color = (255, 36, 28)
SKIN: Color = (84, 62, 50)
DARK: Color = (44, 48, 54)
_PAINT, _ROOF, _EDGE, _GLASS, _LAMP, _REAR, _DARK, _SKIN, _BOX = range(9)


@dataclass(frozen=True, eq=False)
class Shape:
    """A body in its own frame (x forward): parts from the lowest to the uppermost, and its outline."""

    points: NDArray[np.float64]  # (P, 2) [m] of all parts
    parts: tuple[tuple[int, int, int], ...]  # first point, last point + 1, role
    outline: NDArray[np.float64]  # (., 2) [m]


def _box(x0: float, x1: float, y0: float, y1: float) -> NDArray:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _rounded(x0: float, x1: float, half: float, rear: float, front: float) -> NDArray:
    """A box from x0 to x1 and -half to half, its corners rounded by radii [m]."""
    corners = []
    for x, y, radius, start in ((x1, half, front, 0), (x0, half, rear, 1), (x0, -half, rear, 2), (x1, -half, front, 3)):
        angle = (start + np.array([0.0, 1 / 3, 2 / 3, 1.0])) * np.pi / 2
        center = np.array([x - np.sign(x) * radius, y - np.sign(y) * radius])
        corners.append(center + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    return np.concatenate(corners)


def _ellipse(x: float, a: float, b: float, count: int = 12) -> NDArray:
    angle = np.arange(count) * 2 * np.pi / count
    return np.stack([x + a * np.cos(angle), b * np.sin(angle)], axis=1)


def _trapezoid(x0: float, x1: float, half0: float, half1: float) -> NDArray:
    """From half width half0 at x0 to half1 at x1."""
    return np.array([(x0, -half0), (x1, -half1), (x1, half1), (x0, half0)])


def _lamps(u: float, v: float, deep: float) -> list[tuple[int, NDArray]]:
    """Lamps at the corners: white ahead, red behind."""
    parts = []
    for side in (-1.0, 1.0):
        inner, outer = side * 0.5 * v, side * 0.88 * v
        parts.append((_LAMP, _box(u - 0.1 - deep, u - 0.1, inner, outer)))
        parts.append((_REAR, _box(-u + 0.1, -u + 0.1 + deep, side * 0.38 * v, outer)))
    return parts


def _car_parts(u: float, v: float, van: bool) -> list[tuple[int, NDArray]]:
    front, rear = (0.62, -0.9) if van else (0.36, -0.66)
    roof_front, roof_rear = (0.38, -0.8) if van else (0.12, -0.42)
    return [
        *_lamps(u, v, 0.2),
        (_GLASS, _trapezoid(rear * u, front * u, 0.7 * v, 0.82 * v)),
        (_ROOF, _trapezoid(roof_rear * u, roof_front * u, 0.74 * v, 0.78 * v)),
    ]


def _bus_parts(u: float, v: float) -> list[tuple[int, NDArray]]:
    vents = [(_BOX, _box(x - 0.7, x + 0.7, -0.45 * v, 0.45 * v)) for x in (-0.55 * u, 0.45 * u)]
    return [*_lamps(u, v, 0.25), (_GLASS, _trapezoid(u - 0.75, u - 0.2, 0.86 * v, 0.78 * v)),
            (_ROOF, _box(-u + 0.5, u - 0.95, -0.84 * v, 0.84 * v)), *vents]  # fmt: skip


def _truck_parts(u: float, v: float) -> list[tuple[int, NDArray]]:
    cab = u - min(2.1, 0.6 * u)
    load = [(_BOX, _box(-u + 0.05, cab - 0.35, -v, v)), (_ROOF, _box(-u + 0.25, cab - 0.55, -0.86 * v, 0.86 * v))]
    gap = (_DARK, _box(cab - 0.35, cab, -0.8 * v, 0.8 * v))
    lamps = _lamps(u, v, 0.25)
    return [gap, *load, *lamps, (_GLASS, _trapezoid(u - 0.95, u - 0.3, 0.84 * v, 0.78 * v))]


def _bike_parts(u: float, v: float, motor: bool) -> list[tuple[int, NDArray]]:
    wheel = 0.16 if motor else 0.1
    rim = _ellipse(-0.05 * u, 0.48, max(0.9 * v, 0.26) + 0.14)
    parts = [(_EDGE, rim), (_DARK, _box(-u, u, -wheel, wheel)), (_DARK, _box(0.42 * u, 0.42 * u + 0.12, -v, v))]
    if motor:
        parts += [(_LAMP, _box(u - 0.3, u - 0.1, -wheel, wheel)), (_REAR, _box(-u, -u + 0.35, -0.2, 0.2))]
    return [*parts, (_PAINT, _ellipse(-0.05 * u, 0.34, max(0.9 * v, 0.26))), (_SKIN, _ellipse(0.06 * u, 0.15, 0.15))]


@lru_cache(maxsize=256)
def find_shape(kind: int, length: float, width: float) -> Shape:
    """The shape of a body kind of a size [m]."""
    u, v = length / 2, width / 2
    body = _rounded(-u, u, v, min(0.3, 0.3 * v), min(0.45, 0.45 * v))
    rim = _rounded(-u - 0.07, u + 0.07, v + 0.07, min(0.35, 0.3 * v + 0.05), min(0.5, 0.45 * v + 0.05))
    if kind == BodyKind.PEDESTRIAN:
        body = _ellipse(0.0, u, v)
        rim = _ellipse(0.0, u + 0.1, v + 0.1)
        parts = [(_EDGE, rim), (_PAINT, body), (_SKIN, _ellipse(0.02, 0.13, 0.12))]
    elif kind in (BodyKind.BICYCLE, BodyKind.MOTORCYCLE):
        parts = _bike_parts(u, v, kind == BodyKind.MOTORCYCLE)
        body = _ellipse(0.0, u, 0.6 * v)
    else:
        inner = {
            BodyKind.BUS: lambda: _bus_parts(u, v),
            BodyKind.TRUCK: lambda: _truck_parts(u, v),
            BodyKind.VAN: lambda: _car_parts(u, v, True),
        }.get(BodyKind(kind), lambda: _car_parts(u, v, False))
        parts = [(_EDGE, rim), (_PAINT, body), *inner()]
    ends = np.cumsum([len(p) for _, p in parts]).tolist()
    spans = tuple((end - len(p), end, role) for end, (role, p) in zip(ends, parts, strict=True))
    return Shape(np.concatenate([p for _, p in parts]), spans, body)


def _shade(color: Color, factor: float) -> Color:
    r, g, b = (max(0, min(255, round(c * factor))) for c in color)
    return r, g, b


@lru_cache(maxsize=256)
def role_colors(paint: Color, light_rim: bool, brakes: bool) -> tuple[Color, ...]:
    """Colours of the roles of a body's parts."""
    edge = (250, 250, 248) if light_rim else _shade(paint, 0.45)
    # The roof is the paint itself, the bonnet a little darker; small bodies get a light rim, so that they are seen.
    body = paint if light_rim else _shade(paint, 0.86)
    return body, paint, edge, GLASS, LAMP, BRAKE if brakes else REAR, DARK, SKIN, _shade(paint, 0.74)


def draw_shape(picture: NDArray[np.uint8], shape: Shape, pixels: NDArray, colors: tuple[Color, ...]) -> None:
    """Draws a body.

    Args:
        pixels: (P, 2) where the shape's points are in the picture.
        colors: of the roles.
    """
    points = fixed(pixels)
    for first, last, role in shape.parts:
        cv2.fillConvexPoly(picture, points[first:last], colors[role], cv2.LINE_AA, SHIFT)
