"""Road users as pictures show them: a few convex parts each, with wheels, windows and lamps.

Colours, shapes and clothes are a function of (seed of the light, slot, generation). Parts are given in the body frame
(x forward, y left, z up from the ground under the box's centre).
"""

import math

import numpy as np

from simulator.camera_polygon import ellipse, fill, set_corner
from world.camera_tags import Tag
from world.kernel import inline_kernel, kernel
from world.kinds import BodyKind

_CAR, _VAN, _TRUCK, _BUS = int(BodyKind.CAR), int(BodyKind.VAN), int(BodyKind.TRUCK), int(BodyKind.BUS)
_MOTORCYCLE, _BICYCLE, _PEDESTRIAN = int(BodyKind.MOTORCYCLE), int(BodyKind.BICYCLE), int(BodyKind.PEDESTRIAN)
_T_CAR, _T_TRUCK, _T_BUS = int(Tag.CAR), int(Tag.TRUCK), int(Tag.BUS)
_T_MOTORCYCLE, _T_BICYCLE, _T_RIDER, _T_WALKER = (
    int(Tag.MOTORCYCLE), int(Tag.BICYCLE), int(Tag.RIDER), int(Tag.PEDESTRIAN)
)  # fmt: skip
_BRAKES = np.float32(-0.3)  # [m/s^2] below which brake lights burn
_DETAIL = 9.0  # [px] of height below which lamps and wheels are left out
PAINT = np.array(
    [
        (225, 225, 228), (200, 203, 206), (150, 153, 158), (95, 98, 104), (40, 42, 46), (28, 28, 30), (168, 30, 34),
        (120, 22, 28), (36, 62, 128), (70, 110, 170), (44, 82, 60), (196, 178, 140), (214, 168, 40), (120, 84, 58),
        (236, 236, 232), (62, 66, 72),
    ],
    np.float64,
)  # fmt: skip
CLOTH = np.array(
    [
        (40, 42, 52), (70, 74, 90), (170, 40, 44), (220, 214, 200), (50, 90, 150), (60, 110, 70), (190, 150, 60),
        (120, 70, 110), (24, 24, 26), (150, 150, 155), (200, 110, 60), (90, 60, 40),
    ],
    np.float64,
)  # fmt: skip
SKIN = np.array([(224, 184, 152), (196, 150, 116), (150, 104, 74), (98, 66, 48)], np.float64)


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
def _wheels(canvas, at, half, wide, radius, front, rear, tag, instance):
    side = wide + 0.01
    wheel(canvas, at, half * front, side, radius, tag, instance)
    wheel(canvas, at, half * front, -side, radius, tag, instance)
    wheel(canvas, at, -half * rear, side, radius, tag, instance)
    wheel(canvas, at, -half * rear, -side, radius, tag, instance)


@kernel
def _lamp(canvas, at, x, y0, y1, z0, z1, r, g, b, tag, instance, glows):
    """A lamp on the front (x > 0.0) or the rear of a body."""
    if x > 0:
        face(canvas, at, x, y0, z0, x, y1, z0, x, y1, z1, x, y0, z1, r, g, b, tag, instance, glows, False)
    else:
        face(canvas, at, x, y1, z0, x, y0, z0, x, y0, z1, x, y1, z1, r, g, b, tag, instance, glows, False)


@kernel
def _lamps(canvas, at, half, wide, low, high, brakes, blink, tag, instance):
    """Head and tail lamps, plate and indicators. Args: blink: -1 right, 1 left, 0 none."""
    light = canvas.light[0]
    out, inner = wide * 0.96, wide * 0.62
    dark = light.night > 0.5 or light.fog > 0.01 or light.rain > 0.3
    x = half + 0.015
    head = 255.0 if dark else 190.0
    tail = 255.0 if brakes else (165.0 if dark else 110.0)
    glow = 60.0 if brakes else 12.0
    _lamp(canvas, at, x, inner, out, low, high, head, head, head * 0.92, tag, instance, dark)
    _lamp(canvas, at, x, -out, -inner, low, high, head, head, head * 0.92, tag, instance, dark)
    _lamp(canvas, at, -x, inner, out, low, high, tail, glow, glow, tag, instance, dark or brakes)
    _lamp(canvas, at, -x, -out, -inner, low, high, tail, glow, glow, tag, instance, dark or brakes)
    plate = 0.26
    _lamp(canvas, at, -x, -plate, plate, low - 0.16, low - 0.05, 225.0, 225.0, 215.0, tag, instance, False)
    _lamp(canvas, at, x, -plate, plate, low - 0.3, low - 0.19, 225.0, 225.0, 215.0, tag, instance, False)
    grill = wide * 0.55
    _lamp(canvas, at, x, -grill, grill, low - 0.14, high - 0.02, 30.0, 30.0, 32.0, tag, instance, False)
    if blink != 0 and float(light.time) % 0.8 < 0.4:
        y0, y1 = (out - 0.1, out + 0.02) if blink > 0 else (-out - 0.02, -out + 0.1)
        _lamp(canvas, at, x + 0.01, y0, y1, low, high, 255.0, 160.0, 20.0, tag, instance, True)
        _lamp(canvas, at, -x - 0.01, y0, y1, low, high, 255.0, 150.0, 20.0, tag, instance, True)


@kernel
def draw_car(canvas, at, length, width, height, h, brakes, blink, near, tag, instance):
    """Hatchback, saloon, estate, off-roader or van: body, glass house, roof."""
    half, wide = 0.5 * length, 0.5 * width
    shape = np.int64(h % np.uint32(5))
    paint = np.int64((h >> np.uint32(4)) % np.uint32(16))
    r, g, b = PAINT[paint, 0], PAINT[paint, 1], PAINT[paint, 2]
    belt = height * (0.62 if shape != 3 else 0.6)
    floor = 0.2 if shape != 3 else 0.3
    bonnet, boot = half * 0.42, -half * 0.95
    front, rear = 0.55, 0.35
    if shape == 1:
        boot, rear = -half * 0.62, 0.55
    elif shape == 2:
        rear = 0.15
    elif shape == 4:
        bonnet, front, rear = half * 0.62, 0.75, 0.1
    frustum(canvas, at, -half, half, -wide, wide, floor, belt, 0.12, 0.06, 0.04, r, g, b, 1.0, tag, instance)
    glass = 38.0
    frustum(
        canvas, at, boot, bonnet, -wide + 0.06, wide - 0.06, belt, height, front, rear, 0.16,
        glass, glass + 4.0, glass + 8.0, 1.0, tag, instance,
    )  # fmt: skip
    u0, u1, v = boot + rear, bonnet - front, wide - 0.22
    top = height + 0.012
    face(canvas, at, u0, -v, top, u1, -v, top, u1, v, top, u0, v, top, r, g, b, tag, instance, False, False)
    if not near:
        return
    _pillars(canvas, at, boot, bonnet, rear, front, wide - 0.06, belt, height, r, g, b, tag, instance)
    _wheels(canvas, at, half, wide, 0.33, 0.6, 0.58, tag, instance)
    _lamps(canvas, at, half, wide, height * 0.42, height * 0.54, brakes, blink, tag, instance)


@kernel
def _pillars(canvas, at, boot, bonnet, rear, front, wide, belt, height, r, g, b, tag, instance):
    """Painted pillars between the side windows."""
    for k in range(3):
        along = 0.5 * k
        low = boot + (bonnet - boot) * along
        high = boot + rear + (bonnet - front - boot - rear) * along
        size = 0.09
        z = height - 0.02
        y0, y1 = wide + 0.005, wide - 0.15
        a, b0, c, d = low + size, low - size, high - size, high + size
        face(canvas, at, a, y0, belt, b0, y0, belt, c, y1, z, d, y1, z, r, g, b, tag, instance, False, False)
        face(canvas, at, b0, -y0, belt, a, -y0, belt, d, -y1, z, c, -y1, z, r, g, b, tag, instance, False, False)


@kernel
def draw_truck(canvas, at, length, width, height, h, brakes, blink, near, tag, instance):
    """Cab and load."""
    half, wide = 0.5 * length, 0.5 * width
    paint, load = np.int64((h >> np.uint32(4)) % np.uint32(16)), np.int64((h >> np.uint32(8)) % np.uint32(16))
    r, g, b = PAINT[paint, 0], PAINT[paint, 1], PAINT[paint, 2]
    cab = half - min(2.1, 0.32 * length)
    frustum(
        canvas,
        at,
        -half,
        half,
        -wide * 0.9,
        wide * 0.9,
        0.45,
        0.95,
        0.0,
        0.0,
        0.0,
        45.0,
        45.0,
        48.0,
        1.0,
        tag,
        instance,
    )
    frustum(canvas, at, cab, half, -wide, wide, 0.5, height * 0.86, 0.15, 0.0, 0.03, r, g, b, 1.0, tag, instance)
    c0, c1, c2 = PAINT[load, 0], PAINT[load, 1], PAINT[load, 2]
    frustum(canvas, at, -half, cab - 0.25, -wide, wide, 0.95, height, 0.0, 0.0, 0.0, c0, c1, c2, 1.0, tag, instance)
    z0, z1 = height * 0.48, height * 0.76
    x, y = half - 0.04, wide * 0.86
    face(
        canvas,
        at,
        x,
        -y,
        z0,
        x,
        y,
        z0,
        x - 0.06,
        y,
        z1,
        x - 0.06,
        -y,
        z1,
        36.0,
        40.0,
        46.0,
        tag,
        instance,
        False,
        False,
    )
    y = wide + 0.01
    face(
        canvas,
        at,
        x - 0.2,
        y,
        z0,
        cab + 0.5,
        y,
        z0,
        cab + 0.5,
        y,
        z1,
        x - 0.4,
        y,
        z1,
        36.0,
        40.0,
        46.0,
        tag,
        instance,
        False,
        False,
    )
    face(
        canvas,
        at,
        cab + 0.5,
        -y,
        z0,
        x - 0.2,
        -y,
        z0,
        x - 0.4,
        -y,
        z1,
        cab + 0.5,
        -y,
        z1,
        36.0,
        40.0,
        46.0,
        tag,
        instance,
        False,
        False,
    )
    if near:
        _wheels(canvas, at, half, wide, 0.48, 0.72, 0.62, tag, instance)
        _lamps(canvas, at, half, wide, 0.75, 0.93, brakes, blink, tag, instance)


@kernel
def draw_bus(canvas, at, length, width, height, h, brakes, blink, near, tag, instance):
    """One box with a band of windows."""
    half, wide = 0.5 * length, 0.5 * width
    paint = np.int64((h >> np.uint32(4)) % np.uint32(16))
    r, g, b = PAINT[paint, 0], PAINT[paint, 1], PAINT[paint, 2]
    frustum(canvas, at, -half, half, -wide, wide, 0.3, height, 0.06, 0.04, 0.03, r, g, b, 1.0, tag, instance)
    z0, z1, y, x = height * 0.42, height * 0.84, wide + 0.01, half - 0.5
    face(canvas, at, x, y, z0, -x, y, z0, -x, y, z1, x, y, z1, 38.0, 42.0, 48.0, tag, instance, False, False)
    face(canvas, at, -x, -y, z0, x, -y, z0, x, -y, z1, -x, -y, z1, 38.0, 42.0, 48.0, tag, instance, False, False)
    x, y, z0 = half + 0.01, wide * 0.9, height * 0.36
    face(canvas, at, x, -y, z0, x, y, z0, x, y, z1, x, -y, z1, 34.0, 38.0, 44.0, tag, instance, False, False)
    z0 = height * 0.5
    face(canvas, at, -x, y, z0, -x, -y, z0, -x, -y, z1, -x, y, z1, 34.0, 38.0, 44.0, tag, instance, False, False)
    if near:
        _wheels(canvas, at, half, wide, 0.48, 0.55, 0.5, tag, instance)
        _lamps(canvas, at, half, wide, 0.65, 0.85, brakes, blink, tag, instance)


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
        canvas,
        at,
        -half,
        -half + 2 * radius,
        -rim,
        rim,
        0.0,
        2 * radius,
        0.2,
        0.2,
        0.0,
        28.0,
        28.0,
        28.0,
        1.0,
        tag,
        instance,
    )
    frustum(
        canvas,
        at,
        half - 2 * radius,
        half,
        -rim,
        rim,
        0.0,
        2 * radius,
        0.2,
        0.2,
        0.0,
        28.0,
        28.0,
        28.0,
        1.0,
        tag,
        instance,
    )
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
        _lamp(canvas, at, -half * 0.8, -0.06, 0.06, 0.6, 0.7, 230 if burns else 120.0, 20.0, 20.0, tag, instance, burns)


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
        canvas,
        at,
        -0.12,
        0.12,
        -wide,
        wide,
        hip - 0.05,
        neck,
        0.02,
        0.02,
        0.02,
        c[0],
        c[1],
        c[2],
        1.0,
        _T_WALKER,
        instance,
    )
    if near:
        _leg_between(canvas, at, -swing, wide + 0.05, hip, neck - 0.03, 0.05, c, instance)
        _leg_between(canvas, at, swing, -wide - 0.05, hip, neck - 0.03, 0.05, c, instance)
    ox, oy, oz, _, _ = at
    ellipse(canvas, ox, oy, oz + height * 0.92, 0.1, height * 0.075, p[0], p[1], p[2], _T_WALKER, instance, False)
    if near:
        hair = 30.0 + 20.0 * ((h >> np.uint32(20)) % np.uint32(5))
        ellipse(
            canvas,
            ox,
            oy,
            oz + height * 0.96,
            0.105,
            height * 0.04,
            hair,
            hair * 0.8,
            hair * 0.6,
            _T_WALKER,
            instance,
            False,
        )


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
        canvas,
        at,
        x1,
        y - t,
        low,
        x1,
        y + t,
        low,
        t,
        y + t,
        high,
        t,
        y - t,
        high,
        r,
        g,
        b,
        _T_WALKER,
        instance,
        False,
        False,
    )
    face(
        canvas,
        at,
        x0,
        y + t,
        low,
        x0,
        y - t,
        low,
        -t,
        y - t,
        high,
        -t,
        y + t,
        high,
        r,
        g,
        b,
        _T_WALKER,
        instance,
        False,
        False,
    )
    face(
        canvas,
        at,
        x1,
        y + t,
        low,
        x0,
        y + t,
        low,
        -t,
        y + t,
        high,
        t,
        y + t,
        high,
        r,
        g,
        b,
        _T_WALKER,
        instance,
        False,
        False,
    )
    face(
        canvas,
        at,
        x0,
        y - t,
        low,
        x1,
        y - t,
        low,
        t,
        y - t,
        high,
        -t,
        y - t,
        high,
        r,
        g,
        b,
        _T_WALKER,
        instance,
        False,
        False,
    )


@kernel
def draw_body(canvas, b, i, slots, depth):
    """Draw the body in slot i of world b, `depth` [m] in front of the camera."""
    camera, light = canvas.camera[0], canvas.light[0]
    yaw = slots.yaw[b, i]
    at = (float(slots.x[b, i]), float(slots.y[b, i]), float(slots.z[b, i]), math.cos(yaw), math.sin(yaw))
    length, width, height = float(slots.length[b, i]), float(slots.width[b, i]), float(slots.height[b, i])
    kind = slots.kind[b, i]
    h = mix(light.seed, i, slots.generation[b, i])
    near = height * camera.f / depth > _DETAIL
    brakes = slots.accel[b, i] < _BRAKES or (slots.speed[b, i] == 0.0 and kind != _PEDESTRIAN)
    steer = slots.steer[b, i]
    blink = 1 if steer > 0.12 else (-1 if steer < -0.12 else 0)
    instance = 1 + i
    if kind == _CAR:
        draw_car(canvas, at, length, width, height, h, brakes, blink, near, _T_CAR, instance)
    elif kind == _VAN:
        draw_car(
            canvas,
            at,
            length,
            width,
            height,
            h - h % np.uint32(5) + np.uint32(4),
            brakes,
            blink,
            near,
            _T_CAR,
            instance,
        )
    elif kind == _TRUCK:
        draw_truck(canvas, at, length, width, height, h, brakes, blink, near, _T_TRUCK, instance)
    elif kind == _BUS:
        draw_bus(canvas, at, length, width, height, h, brakes, blink, near, _T_BUS, instance)
    elif kind == _MOTORCYCLE:
        draw_two_wheeler(canvas, at, length, height, h, True, brakes, near, _T_MOTORCYCLE, instance)
    elif kind == _BICYCLE:
        draw_two_wheeler(canvas, at, length, height, h, False, brakes, near, _T_BICYCLE, instance)
    else:
        stride = float(slots.speed[b, i] * light.time) + 0.1 * i
        draw_walker(canvas, at, height, h, stride, near, instance)
