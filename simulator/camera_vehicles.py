"""Cars, vans, lorries and buses as pictures show them. Colours and shapes are a function of a hash `h`."""

import numpy as np

from simulator.camera_parts import PAINT, face, frustum, lamp, wheel
from world.kernel import kernel


@kernel
def _wheels(canvas, at, half, wide, radius, front, rear, tag, instance):
    side = wide + 0.01
    wheel(canvas, at, half * front, side, radius, tag, instance)
    wheel(canvas, at, half * front, -side, radius, tag, instance)
    wheel(canvas, at, -half * rear, side, radius, tag, instance)
    wheel(canvas, at, -half * rear, -side, radius, tag, instance)


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
    lamp(canvas, at, x, inner, out, low, high, head, head, head * 0.92, tag, instance, dark)
    lamp(canvas, at, x, -out, -inner, low, high, head, head, head * 0.92, tag, instance, dark)
    lamp(canvas, at, -x, inner, out, low, high, tail, glow, glow, tag, instance, dark or brakes)
    lamp(canvas, at, -x, -out, -inner, low, high, tail, glow, glow, tag, instance, dark or brakes)
    plate = 0.26
    lamp(canvas, at, -x, -plate, plate, low - 0.16, low - 0.05, 225.0, 225.0, 215.0, tag, instance, False)
    lamp(canvas, at, x, -plate, plate, low - 0.3, low - 0.19, 225.0, 225.0, 215.0, tag, instance, False)
    grill = wide * 0.55
    lamp(canvas, at, x, -grill, grill, low - 0.14, high - 0.02, 30.0, 30.0, 32.0, tag, instance, False)
    if blink != 0 and float(light.time) % 0.8 < 0.4:
        y0, y1 = (out - 0.1, out + 0.02) if blink > 0 else (-out - 0.02, -out + 0.1)
        lamp(canvas, at, x + 0.01, y0, y1, low, high, 255.0, 160.0, 20.0, tag, instance, True)
        lamp(canvas, at, -x - 0.01, y0, y1, low, high, 255.0, 150.0, 20.0, tag, instance, True)


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
        canvas, at, -half, half, -wide * 0.9, wide * 0.9, 0.45, 0.95, 0.0, 0.0, 0.0, 45.0, 45.0, 48.0, 1.0, tag,
        instance,
    )  # fmt: skip
    frustum(canvas, at, cab, half, -wide, wide, 0.5, height * 0.86, 0.15, 0.0, 0.03, r, g, b, 1.0, tag, instance)
    c0, c1, c2 = PAINT[load, 0], PAINT[load, 1], PAINT[load, 2]
    frustum(canvas, at, -half, cab - 0.25, -wide, wide, 0.95, height, 0.0, 0.0, 0.0, c0, c1, c2, 1.0, tag, instance)
    z0, z1 = height * 0.48, height * 0.76
    x, y = half - 0.04, wide * 0.86
    face(
        canvas, at, x, -y, z0, x, y, z0, x - 0.06, y, z1, x - 0.06, -y, z1, 36.0, 40.0, 46.0, tag, instance, False,
        False,
    )  # fmt: skip
    y = wide + 0.01
    face(
        canvas, at, x - 0.2, y, z0, cab + 0.5, y, z0, cab + 0.5, y, z1, x - 0.4, y, z1, 36.0, 40.0, 46.0, tag, instance,
        False, False,
    )  # fmt: skip
    face(
        canvas, at, cab + 0.5, -y, z0, x - 0.2, -y, z0, x - 0.4, -y, z1, cab + 0.5, -y, z1, 36.0, 40.0, 46.0, tag,
        instance, False, False,
    )  # fmt: skip
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
