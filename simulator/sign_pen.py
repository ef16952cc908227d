"""The pen that draws sign faces: filled shapes, strokes and digits in the coordinates of a face."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simulator.sign_faces import FaceStyle

Point = tuple[float, float]
Color = tuple[int, int, int]
_SHIFT = 6


class Pen:
    """Draws on a square of `side` pixels, whose coordinates run from -1 to 1, y down."""

    def __init__(self, side: int, style: "FaceStyle"):
        self.style = style
        self._rgb = np.zeros((side, side, 3), np.uint8)
        self._alpha = np.zeros((side, side), np.uint8)
        self._half = side / 2.0
        self._x, self._y, self._k = 0.0, 0.0, 1.0

    @contextmanager
    def placed(self, x: float, y: float, scale: float) -> Iterator[None]:
        """Within it, coordinates are scaled and moved."""
        kept = self._x, self._y, self._k
        self._x, self._y, self._k = self._x + self._k * x, self._y + self._k * y, self._k * scale
        try:
            yield
        finally:
            self._x, self._y, self._k = kept

    def _fixed(self, points: Sequence[Point]) -> NDArray[np.int32]:
        xy = np.asarray(points, np.float64) * self._k + (self._x, self._y)
        at = (xy + 1.0) * self._half - 0.5  # OpenCV counts from the middle of the first pixel
        return (at * (1 << _SHIFT)).round().astype(np.int32)

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        """A filled outline."""
        fixed = self._fixed(points)
        cv2.fillPoly(self._rgb, [fixed], color, cv2.LINE_AA, _SHIFT)
        cv2.fillPoly(self._alpha, [fixed], 255, cv2.LINE_AA, _SHIFT)

    def round_polygon(self, points: Sequence[Point], radius: float, color: Color) -> None:
        """A filled convex outline whose corners are rounded."""
        out: list[Point] = []
        n = len(points)
        for i in range(n):
            p, q, r = (np.array(points[(i + k) % n], np.float64) for k in (-1, 0, 1))
            a, b = (p - q) / np.linalg.norm(p - q), (r - q) / np.linalg.norm(r - q)
            half = 0.5 * math.acos(float(np.clip(a @ b, -1.0, 1.0)))
            reach = radius / math.tan(half)
            start, end = q + a * reach, q + b * reach
            for t in np.linspace(0.0, 1.0, 7):
                out.append(tuple((1 - t) ** 2 * start + 2 * t * (1 - t) * q + t * t * end))
        self.polygon(out, color)

    def disc(self, x: float, y: float, radius: float, color: Color, squeeze: float = 1.0) -> None:
        """A filled circle, or an ellipse whose height is `squeeze` of its width."""
        angles = np.linspace(0.0, 2.0 * math.pi, 72, endpoint=False)
        self.polygon([(x + radius * math.cos(a), y + squeeze * radius * math.sin(a)) for a in angles], color)

    def line(self, points: Sequence[Point], width: float, color: Color, round_ends: bool = False) -> None:
        """A stroke; its width follows the style's weight."""
        half = 0.5 * width * self.style.weight
        for i in range(len(points) - 1):
            a, b = np.array(points[i], np.float64), np.array(points[i + 1], np.float64)
            along = b - a
            size = float(np.linalg.norm(along))
            if size < 1e-9:
                continue
            side = np.array([-along[1], along[0]]) / size * half
            self.polygon([tuple(a + side), tuple(b + side), tuple(b - side), tuple(a - side)], color)
            if round_ends or i + 2 < len(points):
                self.disc(float(b[0]), float(b[1]), half, color)
            if round_ends or i > 0:
                self.disc(float(a[0]), float(a[1]), half, color)

    def arc(self, x: float, y: float, radius: float, start: float, end: float, width: float, color: Color) -> None:
        """A stroke along a circle, angles [deg] clockwise from the right."""
        angles = np.radians(np.linspace(start, end, 24))
        self.line([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles], width, color)

    def arrow(self, a: Point, b: Point, width: float, head: float, color: Color) -> None:
        """A stroke that ends in a triangular head at b."""
        p, q = np.array(a, np.float64), np.array(b, np.float64)
        along = (q - p) / np.linalg.norm(q - p)
        side, neck = np.array([-along[1], along[0]]), q - along * head
        self.line([a, tuple(neck + along * 0.02)], width, color)
        self.polygon([tuple(q), tuple(neck + side * 0.62 * head), tuple(neck - side * 0.62 * head)], color)

    def rgba(self) -> NDArray[np.uint8]:
        """(side, side, 4) what was drawn."""
        return np.dstack([self._rgb, self._alpha])


def _arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float) -> list[Point]:
    angles = np.radians(np.linspace(start, end, 20))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


# Strokes of digits in a box of 0.56 x 1, corner at the upper left; angles clockwise from the right
_GLYPHS: dict[str, list[list[Point]]] = {
    "0": [[*_arc(0.28, 0.28, 0.21, 0.21, 180, 360), *_arc(0.28, 0.72, 0.21, 0.21, 0, 180), (0.07, 0.28)]],
    "1": [[(0.1, 0.24), (0.33, 0.07), (0.33, 0.93)]],
    "2": [[*_arc(0.28, 0.29, 0.21, 0.22, 180, 385), (0.08, 0.92), (0.5, 0.92)]],
    "3": [
        [*_arc(0.27, 0.28, 0.2, 0.21, 195, 450), (0.2, 0.49)],
        [(0.22, 0.49), *_arc(0.27, 0.71, 0.22, 0.22, -90, 165)],
    ],
    "4": [[(0.3, 0.07), (0.07, 0.7), (0.52, 0.7)], [(0.38, 0.42), (0.38, 0.93)]],
    "5": [[(0.48, 0.08), (0.13, 0.08), (0.1, 0.45), *_arc(0.27, 0.67, 0.22, 0.25, -125, 160)]],
    "6": [[(0.4, 0.07), (0.12, 0.5), *_arc(0.28, 0.7, 0.21, 0.22, 205, 570)]],
    "7": [[(0.06, 0.08), (0.5, 0.08), (0.23, 0.93)]],
    "8": [_arc(0.28, 0.28, 0.18, 0.2, 0, 360), _arc(0.28, 0.7, 0.21, 0.22, 0, 360)],
    "9": [[(0.16, 0.93), (0.44, 0.5), *_arc(0.28, 0.3, 0.21, 0.22, 25, 390)]],
}


_INK = {digit: (0.07, 0.49) for digit in _GLYPHS} | {"1": (0.1, 0.33)}  # from where to where a digit's strokes run


def digits(pen: Pen, number: str, x: float, y: float, height: float, color: Color, narrow: bool = False) -> None:
    """A number about (x, y), as road signs write it: the same room between all strokes. Args: height: of a digit."""
    wide, room = (0.63 * height, 0.41) if narrow else (0.9 * height, 0.35)
    lefts = [0.0]
    room *= pen.style.spacing
    for digit, following in zip(number, number[1:], strict=False):
        lefts.append(lefts[-1] + _INK[digit][1] + room - _INK[following][0])
    middle = 0.5 * (lefts[0] + _INK[number[0]][0] + lefts[-1] + _INK[number[-1]][1])
    for left, digit in zip(lefts, number, strict=True):
        for stroke in _GLYPHS[digit]:
            points = [(x + (left - middle + px) * wide, y + (py - 0.5) * height) for px, py in stroke]
            pen.line(points, 0.14 * height, color)


def text(pen: Pen, words: str, x: float, y: float, height: float, color: Color, width: float | None = None) -> None:
    """Capital letters about (x, y), stretched to a width where one is given."""
    box = {letter: _LETTERS[letter] for letter in words}
    step = 0.72 * height if width is None else width / (len(words) - 1 + 0.8)
    scale = step / 0.72
    left = x - 0.5 * (step * (len(words) - 1) + 0.56 * scale)
    for i, letter in enumerate(words):
        for stroke in box[letter]:
            points = [(left + i * step + px * scale, y + (py - 0.5) * height) for px, py in stroke]
            pen.line(points, 0.16 * min(height, scale), color)


_LETTERS: dict[str, list[list[Point]]] = {
    "S": [[*_arc(0.28, 0.29, 0.2, 0.21, -20, -270), *_arc(0.28, 0.71, 0.21, 0.22, -90, 160)]],
    "T": [[(0.03, 0.08), (0.53, 0.08)], [(0.28, 0.08), (0.28, 0.97)]],
    "O": _GLYPHS["0"],
    "P": [[(0.1, 0.97), (0.1, 0.08), (0.3, 0.08), *_arc(0.28, 0.3, 0.21, 0.22, -90, 90), (0.1, 0.52)]],
    "E": [[(0.48, 0.08), (0.1, 0.08), (0.1, 0.92), (0.48, 0.92)], [(0.1, 0.5), (0.42, 0.5)]],
    "D": [[(0.1, 0.08), (0.26, 0.08), *_arc(0.26, 0.5, 0.24, 0.42, -90, 90), (0.1, 0.92), (0.1, 0.05)]],
    "L": [[(0.1, 0.03), (0.1, 0.92), (0.48, 0.92)]],
    "I": [[(0.28, 0.03), (0.28, 0.97)]],
    "M": [[(0.06, 0.97), (0.06, 0.08), (0.28, 0.6), (0.5, 0.08), (0.5, 0.97)]],
    "Y": [[(0.05, 0.04), (0.28, 0.48), (0.28, 0.97)], [(0.51, 0.04), (0.28, 0.48)]],
}
