"""Pedestrians, and riders on bicycles and motorcycles, as pictures show them. Looks are a function of a hash `h`."""

import math

import numpy as np

from simulator.camera_parts import PAINT, face, frustum, lamp, wheel
from simulator.camera_polygon import ellipse
from world.camera_tags import Tag
from world.kernel import kernel

_T_RIDER, _T_WALKER = int(Tag.RIDER), int(Tag.PEDESTRIAN)
CLOTH = np.array(
    [
        (40, 42, 52), (70, 74, 90), (170, 40, 44), (220, 214, 200), (50, 90, 150), (60, 110, 70), (190, 150, 60),
        (120, 70, 110), (24, 24, 26), (150, 150, 155), (200, 110, 60), (90, 60, 40),
    ],
    np.float64,
)  # fmt: skip
SKIN = np.array([(224, 184, 152), (196, 150, 116), (150, 104, 74), (98, 66, 48)], np.float64)


@kernel
def draw_two_wheeler(canvas, at, length, height, h, motor, brakes, near, tag, instance):
    """A bicycle or motorcycle with its rider."""
    half = 0.5 * length
    radius = 0.34 if not motor else 0.31
    paint = np.int64((h >> np.uint32(4)) % np.uint32(16))
    cloth, legs = np.int64((h >> np.uint32(8)) % np.uint32(12)), np.int64((h >> np.uint32(12)) % np.uint32(12))
    r, g, b = PAINT[paint, 0], PAINT[paint, 1], PAINT[paint, 2]
    thick = 0.14 if motor else 0.03
    wheel(canvas, at, half - radius, 0.02, radius, tag, instance)
    wheel(canvas, at, -half + radius, 0.02, radius, tag, instance)
    rim = 0.05 if not motor else 0.08
    frustum(
        canvas, at, -half, -half + 2 * radius, -rim, rim, 0.0, 2 * radius, 0.2, 0.2, 0.0, 28.0, 28.0, 28.0, 1.0, tag,
        instance,
    )  # fmt: skip
    frustum(
        canvas, at, half - 2 * radius, half, -rim, rim, 0.0, 2 * radius, 0.2, 0.2, 0.0, 28.0, 28.0, 28.0, 1.0, tag,
        instance,
    )  # fmt: skip
    frustum(canvas, at, -half * 0.5, half * 0.55, -thick, thick, 0.45, 0.9, 0.05, 0.1, 0.0, r, g, b, 1.0, tag, instance)
    bar = 0.3
    frustum(
        canvas, at, half * 0.45, half * 0.55, -bar, bar, 0.95, 1.03, 0.0, 0.0, 0.0, 40.0, 40.0, 40.0, 1.0, tag, instance
    )
    c, q = CLOTH[cloth], CLOTH[legs]
    seat = 0.82
    frustum(canvas, at, -0.25, 0.2, -0.2, -0.08, 0.35, seat, 0.0, 0.0, 0.0, q[0], q[1], q[2], 1.0, _T_RIDER, instance)
    frustum(canvas, at, -0.25, 0.2, 0.08, 0.2, 0.35, seat, 0.0, 0.0, 0.0, q[0], q[1], q[2], 1.0, _T_RIDER, instance)
    neck = height - 0.27
    frustum(
        canvas, at, -0.3, 0.05, -0.22, 0.22, seat, neck, -0.15, 0.15, 0.03, c[0], c[1], c[2], 1.0, _T_RIDER, instance
    )
    ox, oy, oz, cs, sn = at
    head = np.int64((h >> np.uint32(16)) % np.uint32(16))
    ellipse(canvas, ox + cs * 0.05, oy + sn * 0.05, oz + height - 0.13, 0.12, 0.14, PAINT[head, 0], PAINT[head, 1],
            PAINT[head, 2], _T_RIDER, instance, False)  # fmt: skip
    if near:
        burns = brakes or canvas.light[0].night > 0.5
        lamp(canvas, at, -half * 0.8, -0.06, 0.06, 0.6, 0.7, 230 if burns else 120.0, 20.0, 20.0, tag, instance, burns)


@kernel
def draw_walker(canvas, at, height, h, stride, near, instance):
    """A pedestrian: legs that swing, trunk, arms, head. Args: stride: [m] walked."""
    cloth, legs = np.int64((h >> np.uint32(4)) % np.uint32(12)), np.int64((h >> np.uint32(8)) % np.uint32(12))
    skin = np.int64((h >> np.uint32(12)) % np.uint32(4))
    c, q, p = CLOTH[cloth], CLOTH[legs], SKIN[skin]
    hip, neck = height * 0.47, height * 0.84
    swing = 0.22 * math.sin(stride * 4.0)
    _leg(canvas, at, swing, 0.1, hip, q, instance)
    _leg(canvas, at, -swing, -0.1, hip, q, instance)
    wide = 0.2 + 0.04 * float((h >> np.uint32(16)) % np.uint32(3))
    frustum(
        canvas, at, -0.12, 0.12, -wide, wide, hip - 0.05, neck, 0.02, 0.02, 0.02, c[0], c[1], c[2], 1.0, _T_WALKER,
        instance,
    )  # fmt: skip
    if near:
        _leg_between(canvas, at, -swing, wide + 0.05, hip, neck - 0.03, 0.05, c, instance)
        _leg_between(canvas, at, swing, -wide - 0.05, hip, neck - 0.03, 0.05, c, instance)
    ox, oy, oz, _, _ = at
    ellipse(canvas, ox, oy, oz + height * 0.92, 0.1, height * 0.075, p[0], p[1], p[2], _T_WALKER, instance, False)
    if near:
        hair = 30.0 + 20.0 * ((h >> np.uint32(20)) % np.uint32(5))
        ellipse(
            canvas, ox, oy, oz + height * 0.96, 0.105, height * 0.04, hair, hair * 0.8, hair * 0.6, _T_WALKER, instance,
            False,
        )  # fmt: skip


@kernel
def _leg(canvas, at, swing, y, hip, q, instance):
    _leg_between(canvas, at, swing, y, 0.0, hip, 0.08, q, instance)


@kernel
def _leg_between(canvas, at, swing, y, low, high, thick, q, instance):
    """A limb from height `high` down to `low`, whose lower end swings forward."""
    t = thick
    r, g, b = q[0], q[1], q[2]
    x1, x0 = swing + t, swing - t
    face(
        canvas, at, x1, y - t, low, x1, y + t, low, t, y + t, high, t, y - t, high, r, g, b, _T_WALKER, instance, False,
        False,
    )  # fmt: skip
    face(
        canvas, at, x0, y + t, low, x0, y - t, low, -t, y - t, high, -t, y + t, high, r, g, b, _T_WALKER, instance,
        False, False,
    )  # fmt: skip
    face(
        canvas, at, x1, y + t, low, x0, y + t, low, -t, y + t, high, t, y + t, high, r, g, b, _T_WALKER, instance,
        False, False,
    )  # fmt: skip
    face(
        canvas, at, x0, y - t, low, x1, y - t, low, t, y - t, high, -t, y - t, high, r, g, b, _T_WALKER, instance,
        False, False,
    )  # fmt: skip
