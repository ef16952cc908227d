"""Parts that things are made of in pictures: quads, boxes, wheels and lamps in a body's frame, and a hash for looks."""

import math

import numpy as np

from simulator.camera_polygon import fill, set_corner
from world.kernel import inline_kernel, kernel

PAINT = np.array(
    [
        (225, 225, 228), (200, 203, 206), (150, 153, 158), (95, 98, 104), (40, 42, 46), (28, 28, 30), (168, 30, 34),
        (120, 22, 28), (36, 62, 128), (70, 110, 170), (44, 82, 60), (196, 178, 140), (214, 168, 40), (120, 84, 58),
        (236, 236, 232), (62, 66, 72),
    ],
    np.float64,
)  # fmt: skip


@inline_kernel
def mix(seed, a, b):
    """uint32 hash of three numbers."""
    h = np.uint32(seed) ^ (np.uint32(a) * np.uint32(0x9E3779B1)) ^ (np.uint32(b) * np.uint32(0x85EBCA77))
    h = np.uint32(h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    h = np.uint32(h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39)
    return np.uint32(h ^ (h >> np.uint32(15)))


@kernel
def face(canvas, at, x0, y0, z0, x1, y1, z1, x2, y2, z2, x3, y3, z3, r, g, b, tag, instance, glows, both):
    """A quad in the body frame. Args: at: (x, y, z, cos yaw, sin yaw) of the body, map frame."""
    ox, oy, oz, c, s = at
    set_corner(canvas, 0, ox + c * x0 - s * y0, oy + s * x0 + c * y0, oz + z0)
    set_corner(canvas, 1, ox + c * x1 - s * y1, oy + s * x1 + c * y1, oz + z1)
    set_corner(canvas, 2, ox + c * x2 - s * y2, oy + s * x2 + c * y2, oz + z2)
    set_corner(canvas, 3, ox + c * x3 - s * y3, oy + s * x3 + c * y3, oz + z3)
    fill(canvas, 4, np.float32(r), np.float32(g), np.float32(b), tag, instance, glows, both)


@kernel
def frustum(canvas, at, x0, x1, y0, y1, z0, z1, front, rear, side, r, g, b, top, tag, instance):
    """A box that narrows upwards by `front`, `rear` and `side` [m]. Args: top: factor on the colour of its roof."""
    u0, u1, v0, v1 = x0 + rear, x1 - front, y0 + side, y1 - side
    face(canvas, at, x1, y0, z0, x1, y1, z0, u1, v1, z1, u1, v0, z1, r, g, b, tag, instance, False, False)
    face(canvas, at, x0, y1, z0, x0, y0, z0, u0, v0, z1, u0, v1, z1, r, g, b, tag, instance, False, False)
    face(canvas, at, x1, y1, z0, x0, y1, z0, u0, v1, z1, u1, v1, z1, r, g, b, tag, instance, False, False)
    face(canvas, at, x0, y0, z0, x1, y0, z0, u1, v0, z1, u0, v0, z1, r, g, b, tag, instance, False, False)
    face(
        canvas, at, u0, v0, z1, u1, v0, z1, u1, v1, z1, u0, v1, z1, r * top, g * top, b * top, tag, instance, False,
        False,
    )  # fmt: skip


@kernel
def wheel(canvas, at, x, y, radius, tag, instance):
    """A wheel in the plane of a side: an octagon with a hub."""
    ox, oy, oz, c, s = at
    for ring in range(2):
        size = radius if ring == 0 else radius * 0.55
        out = y + (0.01 * ring if y > 0 else -0.01 * ring)
        for i in range(8):
            angle = 0.3927 + 0.7854 * i
            px, pz = x + size * math.cos(angle), radius + size * math.sin(angle)
            set_corner(canvas, i, ox + c * px - s * out, oy + s * px + c * out, oz + pz)
        shade = 26.0 if ring == 0 else 125.0
        fill(canvas, 8, shade, shade, shade, tag, instance, False, True)


@kernel
def lamp(canvas, at, x, y0, y1, z0, z1, r, g, b, tag, instance, glows):
    """A lamp on the front (x > 0) or the rear of a body."""
    if x > 0:
        face(canvas, at, x, y0, z0, x, y1, z0, x, y1, z1, x, y0, z1, r, g, b, tag, instance, glows, False)
    else:
        face(canvas, at, x, y1, z0, x, y0, z0, x, y0, z1, x, y1, z1, r, g, b, tag, instance, glows, False)
