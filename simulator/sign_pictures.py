"""The pictures on traffic signs: each drawn within [-1, 1], y down, in the colour of its kind of sign."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.sign_pen import Color, Pen, Point

BLACK = (22, 22, 24)


def _car(pen: "Pen", x: float, y: float, color: "Color") -> None:
    """A car from behind: little more than a frame about its window, above a broad body."""
    pen.polygon([(x - 0.38, y - 0.02), (x - 0.28, y - 0.34), (x + 0.28, y - 0.34), (x + 0.38, y - 0.02)], color)
    pen.polygon(
        [(x - 0.28, y - 0.06), (x - 0.21, y - 0.27), (x + 0.21, y - 0.27), (x + 0.28, y - 0.06)], pen.style.white
    )
    body = [(x - 0.43, y - 0.06), (x + 0.43, y - 0.06), (x + 0.43, y + 0.2), (x - 0.43, y + 0.2)]
    pen.round_polygon(body, 0.06, color)
    for inner, outer in ((-0.24, -0.4), (0.24, 0.4)):
        pen.polygon([(x + outer, y + 0.18), (x + inner, y + 0.18), (x + inner, y + 0.34), (x + outer, y + 0.34)], color)


def two_cars(pen: "Pen", left: "Color", right: "Color") -> None:
    _car(pen, -0.5, 0.0, left)
    _car(pen, 0.5, 0.0, right)


def lorry_and_car(pen: "Pen", left: "Color", right: "Color") -> None:
    """Both from behind; the lorry is the taller one."""
    pen.polygon([(-0.84, -0.54), (-0.1, -0.54), (-0.1, 0.24), (-0.84, 0.24)], left)
    for x in (-0.78, -0.33):
        pen.polygon([(x, 0.22), (x + 0.17, 0.22), (x + 0.17, 0.42), (x, 0.42)], left)
    _car(pen, 0.48, 0.1, right)


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
    """A broad road with a blunt point above and a notched foot, crossed by a thin and short one."""
    half = [(0.0, -0.92), (0.29, -0.68), (0.29, 0.78), (0.0, 0.48)]
    pen.polygon(half + [(-x, y) for x, y in half[::-1]], BLACK)
    pen.polygon([(-0.7, -0.14), (0.7, -0.14), (0.7, 0.06), (-0.7, 0.06)], BLACK)


def exclamation(pen: "Pen") -> None:
    pen.polygon([(-0.19, -1.2), (0.19, -1.2), (0.09, 0.38), (-0.09, 0.38)], BLACK)
    pen.disc(0, 0.7, 0.18, BLACK)


def bend_right(pen: "Pen") -> None:
    _bend(pen, 1.0)


def bend_left(pen: "Pen") -> None:
    _bend(pen, -1.0)


def _bend(pen: "Pen", side: float) -> None:
    """A broad road that turns off: notched where it comes from, bluntly pointed where it goes."""
    arc = [(math.sin(a), -math.cos(a)) for a in [k * math.pi / 20 for k in range(11)]]
    outer = [(-0.08 + 0.56 * x, 0.02 + 0.56 * y) for x, y in arc]
    inner = [(-0.08 + 0.18 * x, 0.04 + 0.18 * y) for x, y in arc[::-1]]
    foot: list[Point] = [(0.48, 0.72), (0.29, 0.54), (0.1, 0.72)]
    head: list[Point] = [(-0.4, -0.08), (-0.76, -0.34), (-0.4, -0.6)]
    pen.polygon([(-side * x, y) for x, y in [*outer, *foot, *inner, *head]], BLACK)


def double_bend(pen: "Pen") -> None:
    """First to the left: two upright pieces of a broad road, the lower one to the right, joined askew."""
    left = [(-0.46, 0.2), (-0.46, -0.56), (-0.28, -0.88), (-0.09, -0.6), (-0.09, -0.06), (0.32, -0.24)]
    right = [(0.62, -0.06), (0.62, 0.78), (0.44, 0.62), (0.26, 0.78), (0.26, 0.18), (-0.14, 0.38)]
    pen.polygon([*left, *right], BLACK)


def bumps(pen: "Pen") -> None:
    """Two smooth waves on a thin road."""
    wave = [math.sin(math.pi * k / 20) for k in range(20)]
    top = [(-0.88 + 0.044 * k, 0.62 - 0.34 * height) for k, height in enumerate([*wave, *wave, 0.0])]
    pen.polygon([(-1.04, 0.62), *top, (1.04, 0.62), (1.04, 0.82), (-1.04, 0.82)], BLACK)


def skid(pen: "Pen") -> None:
    """A car from behind, aslant, that leaves winding tracks."""
    c, n = 1.1 * math.cos(0.14), 1.1 * math.sin(0.14)

    def turned(points: "list[Point]") -> "list[Point]":
        return [(-0.02 + c * x - n * y, -0.34 + n * x + c * y) for x, y in points]

    pen.polygon(turned([(-0.46, 0.0), (-0.34, -0.44), (0.34, -0.44), (0.46, 0.0)]), BLACK)
    pen.polygon(turned([(-0.39, -0.06), (-0.3, -0.38), (0.3, -0.38), (0.39, -0.06)]), pen.style.white)
    pen.polygon(turned([(-0.56, -0.04), (0.56, -0.04), (0.56, 0.28), (-0.56, 0.28)]), BLACK)
    for x in (-0.48, 0.3):
        pen.polygon(turned([(x, 0.24), (x + 0.18, 0.24), (x + 0.18, 0.42), (x, 0.42)]), BLACK)
    left = [(-0.5, 0.26), (-0.2, 0.32), (-0.16, 0.42), (-0.56, 0.52), (-0.84, 0.6), (-0.74, 0.74), (-0.36, 0.8)]
    right = [(0.38, 0.36), (0.1, 0.46), (0.04, 0.58), (0.32, 0.67), (0.74, 0.65), (1.04, 0.76)]
    for track in (left, right):
        pen.line(track, 0.1, BLACK)


def narrows(pen: "Pen") -> None:
    pen.line([(-0.3, 0.94), (-0.3, -0.74)], 0.22, BLACK)
    pen.line([(0.52, 0.94), (0.52, 0.3), (0.2, -0.1), (0.2, -0.74)], 0.22, BLACK)


def works(pen: "Pen") -> None:
    """Somebody who bends over a shovel, before a large heap."""
    pen.disc(-0.06, -0.82, 0.18, BLACK)
    pen.line([(-0.32, -0.56), (-0.6, -0.06)], 0.32, BLACK, round_ends=True)
    pen.line([(-0.58, 0.0), (-0.34, 0.36), (-0.3, 0.84)], 0.17, BLACK)
    pen.line([(-0.64, 0.0), (-0.72, 0.42), (-0.98, 0.84)], 0.17, BLACK)
    pen.line([(-0.22, -0.56), (0.04, -0.16), (-0.14, 0.1)], 0.13, BLACK)
    pen.line([(-0.5, -0.2), (0.34, 0.6)], 0.08, BLACK)
    pen.polygon([(0.06, 0.84), (0.5, 0.3), (0.7, 0.26), (1.22, 0.84)], BLACK)


def signals(pen: "Pen") -> None:
    for y, color in ((-0.86, (206, 40, 36)), (-0.12, (240, 170, 20)), (0.62, (30, 130, 80))):
        pen.disc(0, y, 0.29, color)


def pedestrian(pen: "Pen") -> None:
    """Somebody who walks to the left with long steps."""
    pen.disc(-0.08, -0.92, 0.16, BLACK)
    pen.polygon([(-0.26, -0.62), (0.2, -0.62), (0.17, 0.08), (-0.17, 0.08)], BLACK)
    pen.line([(-0.07, 0.06), (-0.2, 0.46), (-0.48, 0.88)], 0.17, BLACK)
    pen.line([(0.08, 0.06), (0.22, 0.46), (0.44, 0.9)], 0.17, BLACK)
    pen.line([(-0.2, -0.58), (-0.32, -0.2), (-0.56, -0.06)], 0.11, BLACK)
    pen.line([(0.16, -0.58), (0.34, -0.26), (0.32, 0.08)], 0.11, BLACK)


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
    """Thin strokes; the handlebar is to the left."""
    with pen.placed(0.0, 0.0, 1.12):
        for x in (-0.55, 0.55):
            pen.arc(x, 0.3, 0.38, 0, 360, 0.08, BLACK)
        pen.line([(0.55, 0.3), (0.24, -0.22), (-0.34, -0.22), (-0.02, 0.28), (0.55, 0.3)], 0.07, BLACK)
        pen.line([(-0.02, 0.28), (0.28, -0.36)], 0.07, BLACK)
        pen.line([(0.14, -0.38), (0.42, -0.38)], 0.09, BLACK)
        pen.line([(-0.55, 0.3), (-0.28, -0.46), (-0.5, -0.5)], 0.07, BLACK)


def snow(pen: "Pen") -> None:
    """A flake of six thick arms, each with two short ones near its end."""
    reach, fork, barb = 0.74, 0.38, 0.33
    for k in range(6):
        a = math.pi / 2 + k * math.pi / 3
        c, s = math.cos(a), math.sin(a)
        pen.line([(0.0, 0.04), (reach * c, 0.04 + reach * s)], 0.15, BLACK, round_ends=True)
        for b in (a - 0.82, a + 0.82):
            x, y = fork * c, 0.04 + fork * s
            pen.line([(x, y), (x + barb * math.cos(b), y + barb * math.sin(b))], 0.14, BLACK, round_ends=True)


def deer(pen: "Pen") -> None:
    """A deer that leaps to the left: neck upright, slim body aslant, forelegs drawn up, hind legs stretched out."""
    body = [(-0.36, -0.06), (-0.06, -0.3), (0.2, -0.08), (0.56, 0.08), (0.78, 0.3), (0.7, 0.5), (0.42, 0.4)]
    pen.polygon([*body, (0.04, 0.26), (-0.3, 0.16)], BLACK)
    pen.polygon([(-0.36, 0.0), (-0.34, -0.6), (-0.16, -0.74), (-0.08, -0.48), (0.0, -0.2)], BLACK)
    pen.polygon([(-0.56, -0.6), (-0.5, -0.68), (-0.24, -0.8), (-0.04, -0.72), (-0.18, -0.56), (-0.5, -0.52)], BLACK)
    pen.line([(-0.24, -0.74), (-0.36, -1.0)], 0.06, BLACK)
    pen.line([(-0.22, -0.74), (0.0, -0.86), (0.02, -1.0)], 0.06, BLACK)
    pen.line([(0.0, -0.86), (0.2, -0.9)], 0.05, BLACK)
    pen.line([(-0.24, 0.08), (-0.62, 0.06), (-0.5, 0.3)], 0.1, BLACK)
    pen.line([(-0.2, 0.14), (-0.5, 0.2), (-0.36, 0.42)], 0.09, BLACK)
    pen.line([(0.66, 0.36), (0.84, 0.68), (1.1, 1.04)], 0.12, BLACK)
    pen.line([(0.58, 0.4), (0.8, 0.74), (0.98, 1.04)], 0.1, BLACK)


def ahead_arrow(pen: "Pen") -> None:
    w = pen.style.white
    pen.polygon([(-0.16, 1.0), (0.16, 1.0), (0.16, -0.5), (-0.16, -0.5)], w)
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
    pen.polygon([(x0 + 0.12, -0.7), (x0 - 0.12, -0.7), (x0 - 0.12, -0.4), (x0 + 0.12, -0.4)], w)
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
