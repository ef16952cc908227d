"""Faces of traffic signs as small pictures, drawn from the outlines that the road laws prescribe.

Coordinates: the face's centre is (0, 0), x to the right, y down, the outline lies within [-1, 1]. Everything is drawn
large and averaged, so that edges are smooth.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator import sign_pictures
from simulator.sign_pen import Pen, digits, text
from world.names import unknown_name
from world.sign_names import SIGN_NAMES

RED, BLUE, WHITE, BLACK = (196, 28, 38), (28, 84, 170), (244, 244, 240), (22, 22, 24)
YELLOW, GREY, DARK_GREY = (244, 190, 32), (128, 130, 132), (84, 86, 88)


@dataclass(frozen=True)
class FaceStyle:
    """How a face is made: what differs from maker to maker and year to year."""

    weight: float = 1.0  # factor on the width of strokes
    scale: float = 1.0  # factor on what is drawn inside the border
    border: float = 1.0  # factor on the width of borders
    spacing: float = 1.0  # factor on the room between digits
    rim: bool = True  # a white edge about red borders
    red: tuple[int, int, int] = RED
    blue: tuple[int, int, int] = BLUE
    white: tuple[int, int, int] = WHITE
    yellow: tuple[int, int, int] = YELLOW


def face_texture(face: int, size: int, style: FaceStyle | None = None) -> NDArray[np.uint8]:
    """(size, size, 4) RGBA of a face; alpha is its outline.

    Raises:
        ValueError: there is no such face.
    """
    if not 0 <= face < len(SIGN_NAMES):
        raise ValueError(f"sign face {face}: allowed are 0 to {len(SIGN_NAMES) - 1}")
    side = size
    while side < 256:
        side *= 2
    pen = Pen(side, style or FaceStyle())
    name = SIGN_NAMES[face]
    if name.startswith("limit "):
        _limit(pen, name[6:])
    elif name.startswith("us limit "):
        _us_limit(pen, name[9:])
    elif name in _FACES:
        _FACES[name](pen)
    else:
        raise ValueError(unknown_name("sign face", name, _FACES))
    return np.asarray(cv2.resize(pen.rgba(), (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _prohibition(pen: Pen) -> None:
    """White disc with a red ring."""
    s = pen.style
    pen.disc(0, 0, 0.99, s.white if s.rim else s.red)
    pen.disc(0, 0, 0.95, s.red)
    pen.disc(0, 0, 0.95 - 0.225 * s.border, s.white)


def _limit(pen: Pen, number: str) -> None:
    _prohibition(pen)
    digits(pen, number, 0.0, 0.0, 0.8 * pen.style.scale, BLACK, narrow=len(number) > 2)


def _us_limit(pen: Pen, number: str) -> None:
    pen.polygon([(-0.78, -0.98), (0.78, -0.98), (0.78, 0.98), (-0.78, 0.98)], pen.style.white)
    pen.line([(-0.7, -0.9), (0.7, -0.9), (0.7, 0.9), (-0.7, 0.9), (-0.7, -0.9)], 0.05, BLACK)
    text(pen, "SPEED", 0.0, -0.62, 0.3, BLACK)
    text(pen, "LIMIT", 0.0, -0.24, 0.3, BLACK)
    digits(pen, number, 0.0, 0.42, 0.74, BLACK)


def _triangle(pen: Pen, down: bool = False) -> None:
    """White triangle with a red border, rounded at its corners."""
    s = pen.style
    sign = -1.0 if down else 1.0
    corners = [(0.0, -0.86 * sign), (0.93, 0.76 * sign), (-0.93, 0.76 * sign)]
    pen.round_polygon(corners, 0.09, s.white if s.rim else s.red)
    cy = 0.22 * sign

    def shrink(k: float) -> list[tuple[float, float]]:
        return [(x * k, cy + (y - cy) * k) for x, y in corners]

    pen.round_polygon(shrink(0.95), 0.07, s.red)
    pen.round_polygon(shrink(0.95 - 0.27 * s.border), 0.02, s.white)


def _framed(frame: Callable[[Pen], None], draw: Callable[[Pen], None], y: float, scale: float) -> Callable[[Pen], None]:
    """A face of a frame and a picture within it. Args: y, scale: where the picture lies and how large it is."""

    def face(pen: Pen) -> None:
        frame(pen)
        with pen.placed(0.0, y, scale * pen.style.scale):
            draw(pen)

    return face


def _warning(draw: Callable[[Pen], None]) -> Callable[[Pen], None]:
    return _framed(_triangle, draw, 0.17, 0.4)  # so that pictures stay clear of the border, as the law's do


def _order(draw: Callable[[Pen], None]) -> Callable[[Pen], None]:
    """Blue disc with white arrows."""
    return _framed(lambda pen: _disc(pen, pen.style.white, pen.style.blue, 0.94), draw, 0.0, 0.72)


def _ban(draw: Callable[[Pen], None]) -> Callable[[Pen], None]:
    return _framed(_prohibition, draw, 0.0, 0.66)


def _disc(pen: Pen, edge: tuple[int, int, int], inner: tuple[int, int, int], radius: float) -> None:
    pen.disc(0, 0, 0.99, edge)
    pen.disc(0, 0, radius, inner)


def _ends(draw: Callable[[Pen], None]) -> Callable[[Pen], None]:
    """White disc, grey symbol, five black strokes across."""
    inner = _framed(lambda pen: _disc(pen, BLACK, pen.style.white, 0.95), draw, 0.0, 0.66)

    def face(pen: Pen) -> None:
        inner(pen)
        _strokes(pen)

    return face


def _end_limit(pen: Pen) -> None:
    _disc(pen, BLACK, pen.style.white, 0.95)
    digits(pen, "80", 0.0, 0.0, 0.9 * pen.style.scale, DARK_GREY)
    _strokes(pen)


def _strokes(pen: Pen) -> None:
    """Five black strokes across a disc: what it shows ends here."""
    for k in range(-2, 3):
        o, c = 0.088 * k, 0.65 - 0.02 * abs(k)
        pen.line([(-c + o * 0.71, c + o * 0.71), (c + o * 0.71, -c + o * 0.71)], 0.045, BLACK)


def _yield(pen: Pen) -> None:
    _triangle(pen, down=True)


def _us_yield(pen: Pen) -> None:
    s = pen.style
    corners = [(0.0, 0.9), (-0.97, -0.75), (0.97, -0.75)]
    pen.round_polygon(corners, 0.08, s.red)
    pen.round_polygon([(x * 0.42, -0.22 + (y + 0.22) * 0.42) for x, y in corners], 0.04, s.white)
    text(pen, "YIELD", 0.0, -0.3, 0.17, s.red)


def _stop(pen: Pen) -> None:
    s = pen.style
    for radius, color in ((1.0, s.white), (0.94, s.red)):
        angles = [math.pi / 8 + k * math.pi / 4 for k in range(8)]
        pen.polygon([(1.04 * radius * math.cos(a), 1.04 * radius * math.sin(a)) for a in angles], color)
    text(pen, "STOP", 0.0, 0.0, 0.66, s.white, width=1.62)


def _priority(pen: Pen) -> None:
    s = pen.style
    for size, color in ((0.99, s.white), (0.94, BLACK), (0.91, s.white), (0.56, BLACK), (0.53, s.yellow)):
        pen.round_polygon([(0, -size), (size, 0), (0, size), (-size, 0)], 0.05, color)


def _no_entry(pen: Pen) -> None:
    s = pen.style
    pen.disc(0, 0, 0.99, s.white)
    pen.disc(0, 0, 0.95, s.red)
    pen.polygon([(-0.72, -0.18), (0.72, -0.18), (0.72, 0.18), (-0.72, 0.18)], s.white)


def _crossing(pen: Pen) -> None:
    """Blue square with a white triangle and somebody who walks over stripes."""
    s = pen.style
    pen.round_polygon([(-0.97, -0.97), (0.97, -0.97), (0.97, 0.97), (-0.97, 0.97)], 0.08, s.white)
    pen.round_polygon([(-0.93, -0.93), (0.93, -0.93), (0.93, 0.93), (-0.93, 0.93)], 0.08, s.blue)
    pen.polygon([(0, -0.78), (0.82, 0.72), (-0.82, 0.72)], s.white)
    with pen.placed(0.0, 0.22, 0.48):
        sign_pictures.pedestrian(pen)
        sign_pictures.stripes(pen)


_FACES: dict[str, Callable[[Pen], None]] = {
    "end of limit 80": _end_limit,
    "no passing": _ban(lambda pen: sign_pictures.two_cars(pen, RED, BLACK)),
    "no passing of lorries": _ban(lambda pen: sign_pictures.lorry_and_car(pen, RED, BLACK)),
    "right of way at the crossing": _warning(sign_pictures.crossing_ahead),
    "priority road": _priority,
    "yield": _yield,
    "stop": _stop,
    "no vehicles": _prohibition,
    "no lorries": _ban(sign_pictures.lorry),
    "no entry": _no_entry,
    "danger": _warning(sign_pictures.exclamation),
    "bend left": _warning(sign_pictures.bend_left),
    "bend right": _warning(sign_pictures.bend_right),
    "double bend": _warning(sign_pictures.double_bend),
    "bumpy road": _warning(sign_pictures.bumps),
    "slippery road": _warning(sign_pictures.skid),
    "road narrows on the right": _warning(sign_pictures.narrows),
    "road works": _warning(sign_pictures.works),
    "traffic signals": _warning(sign_pictures.signals),
    "pedestrians": _warning(sign_pictures.pedestrian),
    "children": _warning(sign_pictures.children),
    "bicycles": _warning(sign_pictures.bicycle),
    "ice or snow": _warning(sign_pictures.snow),
    "wild animals": _warning(sign_pictures.deer),
    "end of all limits": _ends(lambda pen: None),
    "turn right": _order(lambda pen: sign_pictures.turn_arrow(pen, 1)),
    "turn left": _order(lambda pen: sign_pictures.turn_arrow(pen, -1)),
    "ahead only": _order(sign_pictures.ahead_arrow),
    "ahead or right": _order(lambda pen: sign_pictures.fork_arrow(pen, 1)),
    "ahead or left": _order(lambda pen: sign_pictures.fork_arrow(pen, -1)),
    "keep right": _order(lambda pen: sign_pictures.slant_arrow(pen, 1)),
    "keep left": _order(lambda pen: sign_pictures.slant_arrow(pen, -1)),
    "roundabout": _order(sign_pictures.roundabout),
    "end of no passing": _ends(lambda pen: sign_pictures.two_cars(pen, GREY, GREY)),
    "end of no passing of lorries": _ends(lambda pen: sign_pictures.lorry_and_car(pen, GREY, GREY)),
    "pedestrian crossing": _crossing,
    "us yield": _us_yield,
}
