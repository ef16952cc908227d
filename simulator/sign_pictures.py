"""The pictures on traffic signs: each drawn within [-1, 1], y down, in the colour of its kind of sign."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.sign_pen import Color, Pen, Point

BLACK = (22, 22, 24)


def _car(pen: "Pen", x: float, color: "Color") -> None:
    """A car from behind."""
    pen.polygon([(x - 0.34, -0.02), (x - 0.26, -0.26), (x + 0.26, -0.26), (x + 0.34, -0.02)], color)
    pen.round_polygon([(x - 0.46, -0.06), (x + 0.46, -0.06), (x + 0.46, 0.2), (x - 0.46, 0.2)], 0.06, color)
    for side in (-1, 1):
        pen.polygon(
            [(x + side * 0.4, 0.18), (x + side * 0.24, 0.18), (x + side * 0.24, 0.33), (x + side * 0.4, 0.33)], color
        )
    pen.polygon([(x - 0.22, -0.08), (x - 0.18, -0.19), (x + 0.18, -0.19), (x + 0.22, -0.08)], pen.style.white)


def two_cars(pen: "Pen", left: "Color", right: "Color") -> None:
    _car(pen, -0.52, left)
    _car(pen, 0.52, right)


def lorry_and_car(pen: "Pen", left: "Color", right: "Color") -> None:
    pen.polygon([(-0.96, -0.45), (-0.14, -0.45), (-0.14, 0.2), (-0.96, 0.2)], left)
    for x in (-0.84, -0.4):
        pen.polygon([(x, 0.18), (x + 0.17, 0.18), (x + 0.17, 0.34), (x, 0.34)], left)
    _car(pen, 0.5, right)


def lorry(pen: "Pen") -> None:
    """A lorry from the side, on its way to the left."""
    pen.polygon([(-0.42, -0.42), (0.98, -0.42), (0.98, 0.2), (-0.42, 0.2)], BLACK)
    pen.polygon([(-0.5, -0.28), (-0.78, -0.28), (-0.96, 0.02), (-0.96, 0.24), (-0.5, 0.24)], BLACK)
    pen.polygon([(-0.6, -0.2), (-0.76, -0.2), (-0.86, -0.02), (-0.6, -0.02)], pen.style.white)
    pen.polygon([(-0.96, 0.17), (0.98, 0.17), (0.98, 0.26), (-0.96, 0.26)], BLACK)
    for x in (-0.68, 0.4, 0.72):
        pen.disc(x, 0.32, 0.17, BLACK)
        pen.disc(x, 0.32, 0.07, pen.style.white)


def crossing_ahead(pen: "Pen") -> None:
    """A broad bar with a point above and a notched foot, crossed by a thin road."""
    half = [(0.0, -0.92), (0.4, -0.4), (0.33, -0.4), (0.33, 0.92), (0.0, 0.56)]
    pen.polygon(half + [(-x, y) for x, y in half[::-1]], BLACK)
    pen.polygon([(-0.78, -0.14), (0.78, -0.14), (0.78, 0.1), (-0.78, 0.1)], BLACK)


def exclamation(pen: "Pen") -> None:
    pen.polygon([(-0.17, -0.95), (0.17, -0.95), (0.09, 0.38), (-0.09, 0.38)], BLACK)
    pen.disc(0, 0.66, 0.16, BLACK)


def bend_right(pen: "Pen") -> None:
    _bend(pen, 1.0)


def bend_left(pen: "Pen") -> None:
    _bend(pen, -1.0)


def _bend(pen: "Pen", side: float) -> None:
    arc = [(-0.2 + 0.42 * (1 - math.cos(a)), 0.0 - 0.42 * math.sin(a)) for a in [k * math.pi / 20 for k in range(11)]]
    pen.line([(side * x, y) for x, y in [(-0.2, 0.86), *arc, (0.34, -0.42)]], 0.27, BLACK)
    pen.polygon([(side * x, y) for x, y in [(0.28, -0.76), (0.78, -0.42), (0.28, -0.08)]], BLACK)


def double_bend(pen: "Pen") -> None:
    """First to the left: two bars, the one from below to the right of the other, joined askew."""
    left = [(-0.4, -0.95), (-0.08, -0.75), (-0.08, -0.02), (0.4, -0.2)]
    right = [(0.4, 0.95), (0.08, 0.7), (0.08, 0.12), (-0.4, 0.3)]
    pen.polygon([*left, *right], BLACK)


def bumps(pen: "Pen") -> None:
    pen.polygon([(-1.0, 0.5), (1.0, 0.5), (1.0, 0.28), (-1.0, 0.28)], BLACK)
    for x in (-0.46, 0.46):
        pen.disc(x, 0.3, 0.42, BLACK, squeeze=0.85)
    pen.polygon([(-1.0, 0.5), (1.0, 0.5), (1.0, 0.74), (-1.0, 0.74)], pen.style.white)


def skid(pen: "Pen") -> None:
    """A car from behind, aslant, that leaves winding tracks."""
    c, n = math.cos(0.17), math.sin(0.17)

    def turned(points: "list[Point]") -> "list[Point]":
        return [(-0.02 + c * x - n * y, -0.34 + n * x + c * y) for x, y in points]

    pen.polygon(turned([(-0.46, 0.0), (-0.34, -0.44), (0.34, -0.44), (0.46, 0.0)]), BLACK)
    pen.polygon(turned([(-0.36, -0.08), (-0.28, -0.36), (0.28, -0.36), (0.36, -0.08)]), pen.style.white)
    pen.polygon(turned([(-0.56, -0.04), (0.56, -0.04), (0.56, 0.28), (-0.56, 0.28)]), BLACK)
    for x in (-0.48, 0.3):
        pen.polygon(turned([(x, 0.24), (x + 0.18, 0.24), (x + 0.18, 0.42), (x, 0.42)]), BLACK)
    left = [(-0.5, 0.24), (-0.22, 0.3), (-0.16, 0.4), (-0.5, 0.5), (-0.72, 0.58), (-0.62, 0.74), (-0.3, 0.8)]
    right = [(0.34, 0.34), (0.1, 0.44), (0.04, 0.56), (0.28, 0.66), (0.62, 0.64), (0.84, 0.74)]
    for track in (left, right):
        pen.line(track, 0.11, BLACK)


def narrows(pen: "Pen") -> None:
    pen.line([(-0.3, 0.86), (-0.3, -0.8)], 0.2, BLACK)
    pen.line([(0.5, 0.86), (0.5, 0.22), (0.2, -0.2), (0.2, -0.8)], 0.2, BLACK)


def works(pen: "Pen") -> None:
    """Somebody with a shovel before a heap."""
    pen.disc(-0.18, -0.78, 0.17, BLACK)
    pen.line([(-0.2, -0.56), (-0.36, 0.02)], 0.3, BLACK, round_ends=True)
    pen.line([(-0.36, 0.05), (-0.16, 0.42), (-0.24, 0.84)], 0.17, BLACK)
    pen.line([(-0.38, 0.05), (-0.6, 0.42), (-0.82, 0.84)], 0.17, BLACK)
    pen.line([(-0.16, -0.5), (0.12, -0.16), (-0.04, 0.1)], 0.13, BLACK)
    pen.line([(-0.44, -0.2), (0.34, 0.34)], 0.08, BLACK)
    pen.polygon([(0.3, 0.22), (0.5, 0.44), (0.3, 0.5)], BLACK)
    pen.polygon([(0.14, 0.86), (0.42, 0.46), (0.62, 0.34), (0.92, 0.86)], BLACK)


def signals(pen: "Pen") -> None:
    for y, color in ((-0.52, (206, 40, 36)), (0.08, (240, 170, 20)), (0.68, (30, 130, 80))):
        pen.disc(0, y, 0.26, color)


def pedestrian(pen: "Pen") -> None:
    """Somebody who walks to the left."""
    pen.disc(0.06, -0.82, 0.16, BLACK)
    pen.line([(0.04, -0.5), (0.06, 0.04)], 0.34, BLACK, round_ends=True)
    pen.line([(0.06, 0.1), (-0.22, 0.46), (-0.4, 0.86)], 0.18, BLACK)
    pen.line([(0.08, 0.1), (0.26, 0.46), (0.42, 0.86)], 0.18, BLACK)
    pen.line([(0.0, -0.5), (-0.24, -0.16), (-0.4, 0.06)], 0.12, BLACK)
    pen.line([(0.1, -0.5), (0.3, -0.18), (0.4, 0.06)], 0.12, BLACK)


def stripes(pen: "Pen") -> None:
    """A crosswalk under somebody's feet."""
    for k in range(4):
        x = -0.84 + 0.48 * k
        pen.polygon([(x, 0.92), (x + 0.24, 0.92), (x + 0.2, 1.02), (x - 0.04, 1.02)], BLACK)


def children(pen: "Pen") -> None:
    """Two that run to the left, the smaller one ahead."""
    for x, y, k in ((0.34, -0.02, 1.0), (-0.5, 0.24, 0.74)):
        pen.disc(x + 0.02 * k, y - 0.72 * k, 0.17 * k, BLACK)
        pen.line([(x, y - 0.46 * k), (x + 0.1 * k, y + 0.06 * k)], 0.22 * k, BLACK, round_ends=True)
        pen.line(
            [(x + 0.06 * k, y + 0.1 * k), (x - 0.26 * k, y + 0.3 * k), (x - 0.3 * k, y + 0.84 * k)], 0.16 * k, BLACK
        )
        pen.line(
            [(x + 0.1 * k, y + 0.1 * k), (x + 0.34 * k, y + 0.5 * k), (x + 0.62 * k, y + 0.66 * k)], 0.16 * k, BLACK
        )
        pen.line([(x - 0.04 * k, y - 0.44 * k), (x - 0.46 * k, y - 0.18 * k)], 0.12 * k, BLACK)
        pen.line([(x + 0.06 * k, y - 0.42 * k), (x + 0.46 * k, y - 0.1 * k)], 0.12 * k, BLACK)


def bicycle(pen: "Pen") -> None:
    for x in (-0.55, 0.55):
        pen.arc(x, 0.38, 0.36, 0, 360, 0.09, BLACK)
    pen.line([(-0.55, 0.38), (-0.22, -0.18), (0.34, -0.18), (0.02, 0.36), (-0.55, 0.38)], 0.08, BLACK)
    pen.line([(0.02, 0.36), (-0.26, -0.3)], 0.08, BLACK)
    pen.line([(-0.4, -0.32), (-0.12, -0.32)], 0.1, BLACK)
    pen.line([(0.55, 0.38), (0.28, -0.4), (0.48, -0.46)], 0.08, BLACK)


def snow(pen: "Pen") -> None:
    for k in range(3):
        a = math.pi / 2 + k * math.pi / 3
        c, s = math.cos(a), math.sin(a)
        pen.line([(-0.8 * c, 0.06 - 0.8 * s), (0.8 * c, 0.06 + 0.8 * s)], 0.11, BLACK)
        for end in (-1, 1):
            for side in (-1, 1):
                b = a + side * 0.6
                x, y = 0.48 * end * c, 0.06 + 0.48 * end * s
                pen.line([(x, y), (x + 0.28 * end * math.cos(b), y + 0.28 * end * math.sin(b))], 0.1, BLACK)


def deer(pen: "Pen") -> None:
    """A deer that leaps to the left: head and antlers high, forelegs drawn up, hind legs stretched out below."""
    with pen.placed(-0.02, -0.08, 0.86):
        pen.polygon(
            [
                (-0.5, -0.12), (-0.3, -0.32), (0.0, -0.14), (0.34, 0.06), (0.54, 0.34), (0.48, 0.52), (0.16, 0.42),
                (-0.2, 0.34), (-0.46, 0.16),
            ],
            BLACK,
        )  # fmt: skip
        pen.polygon([(-0.56, -0.08), (-0.58, -0.62), (-0.36, -0.68), (-0.2, -0.24)], BLACK)
        pen.polygon([(-0.36, -0.74), (-0.56, -0.76), (-0.86, -0.58), (-0.8, -0.48), (-0.44, -0.5)], BLACK)
        pen.line([(-0.46, -0.72), (-0.6, -0.98)], 0.06, BLACK)
        pen.line([(-0.42, -0.72), (-0.28, -0.92), (-0.32, -1.06)], 0.06, BLACK)
        pen.line([(-0.28, -0.92), (-0.1, -0.98)], 0.05, BLACK)
        pen.line([(-0.44, 0.06), (-0.84, 0.04), (-0.82, 0.26)], 0.1, BLACK)
        pen.line([(-0.36, 0.2), (-0.68, 0.26), (-0.6, 0.44)], 0.1, BLACK)
        pen.line([(0.46, 0.4), (0.6, 0.7), (0.9, 1.04)], 0.11, BLACK)
        pen.line([(0.38, 0.46), (0.56, 0.8), (0.72, 1.04)], 0.1, BLACK)


def ahead_arrow(pen: "Pen") -> None:
    w = pen.style.white
    pen.polygon([(-0.16, 1.0), (0.16, 1.0), (0.16, -0.3), (-0.16, -0.3)], w)
    pen.polygon(
        [(0, -1.1), (0.56, -0.26), (0.36, -0.14), (0.16, -0.44), (-0.16, -0.44), (-0.36, -0.14), (-0.56, -0.26)], w
    )


def turn_arrow(pen: "Pen", side: int) -> None:
    w = pen.style.white
    arc = [(-0.3 + 0.42 * (1 - math.cos(a)), 0.0 - 0.42 * math.sin(a)) for a in [k * math.pi / 20 for k in range(11)]]
    pen.line([(side * x, y) for x, y in [(-0.3, 0.86), *arc, (0.6, -0.42)]], 0.3, w)
    pen.polygon(
        [
            (side * x, y)
            for x, y in [
                (0.96, -0.42),
                (0.4, -0.98),
                (0.24, -0.82),
                (0.48, -0.54),
                (0.48, -0.3),
                (0.24, -0.02),
                (0.4, 0.14),
            ]
        ],
        w,
    )


def fork_arrow(pen: "Pen", side: int) -> None:
    w, x0 = pen.style.white, -0.24 * side
    pen.line([(x0, 1.0), (x0, -0.5)], 0.26, w)
    pen.polygon([(x0, -1.12), (x0 + 0.42, -0.5), (x0, -0.66), (x0 - 0.42, -0.5)], w)
    pen.polygon([(x0 + 0.1, -0.62), (x0 - 0.1, -0.62), (x0 - 0.1, -0.4), (x0 + 0.1, -0.4)], w)
    pen.line([(x0, 0.78), (x0 + 0.08 * side, 0.44), (x0 + 0.34 * side, 0.3), (x0 + 0.6 * side, 0.28)], 0.25, w)
    pen.polygon(
        [(x0 + 1.1 * side, 0.28), (x0 + 0.54 * side, -0.12), (x0 + 0.66 * side, 0.28), (x0 + 0.54 * side, 0.68)], w
    )
    pen.polygon([(x0 + 0.5 * side, 0.16), (x0 + 0.78 * side, 0.16), (x0 + 0.78 * side, 0.4), (x0 + 0.5 * side, 0.4)], w)


def slant_arrow(pen: "Pen", side: int) -> None:
    """Down to one side."""
    w = pen.style.white
    pen.line([(-0.66 * side, -0.66), (0.44 * side, 0.44)], 0.32, w)
    pen.polygon(
        [
            (side * x, y)
            for x, y in [(0.8, 0.8), (0.8, -0.22), (0.56, -0.22), (0.5, 0.26), (0.26, 0.5), (-0.22, 0.56), (-0.22, 0.8)]
        ],
        w,
    )


def roundabout(pen: "Pen") -> None:
    """Three arrows that run counter-clockwise."""
    w = pen.style.white
    for k in range(3):
        a0 = -90 + 120 * k
        pen.arc(0, 0, 0.76, a0 + 96, a0 + 30, 0.2, w)
        a = math.radians(a0 + 30)
        c, s = math.cos(a), math.sin(a)
        tip = math.radians(a0 + 2)
        pen.polygon([(1.04 * c, 1.04 * s), (0.8 * math.cos(tip), 0.8 * math.sin(tip)), (0.46 * c, 0.46 * s)], w)
