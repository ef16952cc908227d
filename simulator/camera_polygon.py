"""Convex polygons and upright ellipses with a depth test, shaded by the light and veiled by fog.

A polygon's corners lie in canvas.corner in the map frame, counter-clockwise as seen from outside; one that turns its
back to the camera is not drawn. Its inverse depth is affine on the screen, from the plane that it lies in.
"""

import math

import numpy as np

from simulator.camera_color import HAZE, beam, blue, green, pack_word, red
from simulator.camera_frame import CORNERS
from world.camera_tags import Tag
from world.kernel import inline_kernel, kernel

NEAR = np.float32(0.25)  # [m] in front of the camera
SHADOW = 65535  # instance of ground that lies in a shadow
_SKY = np.uint32(int(Tag.SKY))
LAMP_REACH = np.float32(35.0)  # [m] things stand upright in the beam
STREET_HIGH = np.float32(7.0 * 7.0)  # [m^2] height of a street lamp, squared
STREET_SHARE = np.float32(0.32)  # its light below it, of that in the middle of a head lamp's beam
_ONE, _ZERO, _HALF = np.float32(1.0), np.float32(0.0), np.float32(0.5)


@inline_kernel
def set_corner(canvas, i, x, y, z):
    """Corner i of the next polygon, map frame [m]."""
    canvas.corner[i, 0], canvas.corner[i, 1], canvas.corner[i, 2] = x, y, z


@kernel
def place(canvas, n, both):
    """(corners on the screen, a, b, c, nearest depth [m], facing -1 or 1) with inverse depth = a u + b v + c.

    Zero corners: nothing of it is to be seen. The screen's corners go into canvas.screen. Args: both: two-sided.
    """
    camera = canvas.camera[0]
    seen, corner = canvas.seen, canvas.corner
    behind = 0
    near = np.float32(1e9)
    for i in range(n):
        dx, dy, dz = corner[i, 0] - camera.x, corner[i, 1] - camera.y, corner[i, 2] - camera.z
        seen[0, i, 0] = dx * camera.rx[0] + dy * camera.rx[1] + dz * camera.rx[2]
        seen[0, i, 1] = dx * camera.ry[0] + dy * camera.ry[1] + dz * camera.ry[2]
        seen[0, i, 2] = dx * camera.rz[0] + dy * camera.rz[1] + dz * camera.rz[2]
        near = min(near, seen[0, i, 2])
        if seen[0, i, 2] < NEAR:
            behind += 1
    if behind == n:
        return 0, _ZERO, _ZERO, _ZERO, near, 1
    ux, uy, uz = seen[0, 1, 0] - seen[0, 0, 0], seen[0, 1, 1] - seen[0, 0, 1], seen[0, 1, 2] - seen[0, 0, 2]
    vx, vy, vz = seen[0, 2, 0] - seen[0, 0, 0], seen[0, 2, 1] - seen[0, 0, 1], seen[0, 2, 2] - seen[0, 0, 2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    d = nx * seen[0, 0, 0] + ny * seen[0, 0, 1] + nz * seen[0, 0, 2]
    facing = 1
    if d > _ZERO:
        if not both:
            return 0, _ZERO, _ZERO, _ZERO, near, -1
        facing = -1
    if abs(d) < np.float32(1e-9):
        return 0, _ZERO, _ZERO, _ZERO, near, 1
    a, b = nx / (d * camera.f), ny / (d * camera.f)
    c = nz / d - a * camera.cx - b * camera.cy
    row, m = 0, n
    if behind > 0:
        m = _clip(seen, n)
        row = 1
        if m < 3:
            return 0, _ZERO, _ZERO, _ZERO, near, 1
    left, right, low, high = np.float32(1e9), np.float32(-1e9), np.float32(1e9), np.float32(-1e9)
    for i in range(m):
        scale = camera.f / seen[row, i, 2]
        x, y = seen[row, i, 0] * scale + camera.cx, seen[row, i, 1] * scale + camera.cy
        canvas.screen[i, 0], canvas.screen[i, 1] = x, y
        left, right, low, high = min(left, x), max(right, x), min(low, y), max(high, y)
    height, width = canvas.word.shape
    if right <= _ZERO or left > np.float32(width - 1) or high <= _ZERO or low > np.float32(height - 1):
        return 0, _ZERO, _ZERO, _ZERO, near, 1
    return m, a, b, c, max(near, NEAR), facing


@kernel
def _clip(seen, n):
    """Corners of what of the polygon lies beyond the near plane, into seen[1]."""
    m = 0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        zi, zj = seen[0, i, 2], seen[0, j, 2]
        if zi >= NEAR and m < CORNERS:
            for k in range(3):
                seen[1, m, k] = seen[0, i, k]
            m += 1
        if (zi >= NEAR) != (zj >= NEAR) and m < CORNERS:
            t = (NEAR - zi) / (zj - zi)
            for k in range(3):
                seen[1, m, k] = seen[0, i, k] + t * (seen[0, j, k] - seen[0, i, k])
            seen[1, m, 2] = NEAR
            m += 1
    return m


@inline_kernel
def rows_of(screen, m, height):
    """First row and the row after the last that a polygon on the screen may cover."""
    low, high = screen[0, 1], screen[0, 1]
    for i in range(1, m):
        low, high = min(low, screen[i, 1]), max(high, screen[i, 1])
    low, high = max(low, np.float32(-1.0)), min(high, np.float32(height))
    return max(np.int64(math.ceil(low)), 0), min(np.int64(math.ceil(high)), height)


@inline_kernel
def span_of(screen, m, v, width):
    """First column and the column after the last that a convex polygon covers in row v."""
    left, right = np.float32(1e9), np.float32(-1e9)
    y = np.float32(v)
    for i in range(m):
        j = i + 1 if i + 1 < m else 0
        y0, y1 = screen[i, 1], screen[j, 1]
        if (y0 <= y) != (y1 <= y):
            x = screen[i, 0] + (y - y0) / (y1 - y0) * (screen[j, 0] - screen[i, 0])
            left, right = min(left, x), max(right, x)
    left, right = max(left, np.float32(-1.0)), min(right, np.float32(width))
    return max(np.int64(math.ceil(left)), 0), min(np.int64(math.ceil(right)), width)


@inline_kernel
def ray_of(camera, u, v):
    """(x, y, z) direction of a pixel's ray, of depth 1 along the optical axis, map frame."""
    du, dv = (np.float32(u) - camera.cx) / camera.f, (np.float32(v) - camera.cy) / camera.f
    return (
        camera.rz[0] + du * camera.rx[0] + dv * camera.ry[0],
        camera.rz[1] + du * camera.rx[1] + dv * camera.ry[1],
        camera.rz[2] + du * camera.rx[2] + dv * camera.ry[2],
    )


@inline_kernel
def shading(canvas, facing):
    """RGB factors of light on the polygon in canvas.corner."""
    light, q = canvas.light[0], canvas.corner
    ux, uy, uz = q[1, 0] - q[0, 0], q[1, 1] - q[0, 1], q[1, 2] - q[0, 2]
    vx, vy, vz = q[2, 0] - q[0, 0], q[2, 1] - q[0, 1], q[2, 2] - q[0, 2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    size = max(math.sqrt(nx * nx + ny * ny + nz * nz), np.float32(1e-9)) * facing
    lit = max((nx * light.sun[0] + ny * light.sun[1] + nz * light.sun[2]) / size, _ZERO)
    up = np.float32(0.8) + np.float32(0.2) * nz / size  # less light comes from below
    return (
        light.ambient[0] * up + light.direct[0] * lit,
        light.ambient[1] * up + light.direct[1] * lit,
        light.ambient[2] * up + light.direct[2] * lit,
    )


@inline_kernel
def street_light(dx, dy):
    """Light of a street lamp (dx, dy) [m] beside the place below it, of that in the middle of a head lamp's beam."""
    q = STREET_HIGH / (STREET_HIGH + dx * dx + dy * dy)
    return STREET_SHARE * q * q


@inline_kernel
def lamp_at(canvas, x, y):
    """What the own lamps and street lamps add to the light on something that stands at (x, y)."""
    light, lit = canvas.light[0], own_lamp_at(canvas, x, y)
    for k in range(canvas.street_count[0]):
        lit += light.night * street_light(x - canvas.street[k, 0], y - canvas.street[k, 1])
    return np.float32(lit)


@inline_kernel
def own_lamp_at(canvas, x, y):
    """What the own lamps add to it."""
    camera, light = canvas.camera[0], canvas.light[0]
    if light.night == _ZERO:
        return _ZERO
    c, s = math.cos(camera.ego_yaw), math.sin(camera.ego_yaw)
    ahead = c * (x - camera.ego_x) + s * (y - camera.ego_y) - np.float32(2.0)
    aside = c * (y - camera.ego_y) - s * (x - camera.ego_x)
    return np.float32(light.night * beam(ahead, aside, LAMP_REACH))


@inline_kernel
def veiled(canvas, r, g, b, depth, tag):
    """Word of a colour seen through `depth` [m] of air."""
    light = canvas.light[0]
    veil = _ONE - math.exp(-(light.fog + HAZE) * depth)
    r += veil * (light.fog_color[0] - r)
    g += veil * (light.fog_color[1] - g)
    b += veil * (light.fog_color[2] - b)
    return pack_word(r, g, b, tag)


@kernel
def fill(canvas, n, r, g, b, tag, instance, glows, both):
    """Draw the polygon of the first n corners in one colour (0-255). Args: glows: gives its own light, takes none."""
    m, wa, wb, wc, near, facing = place(canvas, n, both)
    if m == 0:
        return
    if not glows:
        k0, k1, k2 = shading(canvas, np.float32(facing))
        lamp = lamp_at(canvas, canvas.corner[0, 0], canvas.corner[0, 1])
        r, g, b = r * (k0 + lamp), g * (k1 + lamp), b * (k2 + lamp)
    word = veiled(canvas, np.float32(r), np.float32(g), np.float32(b), near, tag)
    height, width = canvas.word.shape
    v0, v1 = rows_of(canvas.screen, m, height)
    for v in range(v0, v1):
        u0, u1 = span_of(canvas.screen, m, v, width)
        base = wb * np.float32(v) + wc
        for u in range(u0, u1):
            w = wa * np.float32(u) + base
            if w > canvas.inverse_depth[v, u]:
                canvas.inverse_depth[v, u] = w
                canvas.word[v, u] = word
                canvas.instance[v, u] = instance


@kernel
def darken(canvas, n, factor):
    """Let the ground under the polygon of the first n corners lie in a shadow: once, however many shadows meet."""
    m, _, _, _, _, _ = place(canvas, n, True)
    if m == 0:
        return
    height, width = canvas.word.shape
    v0, v1 = rows_of(canvas.screen, m, height)
    for v in range(v0, v1):
        u0, u1 = span_of(canvas.screen, m, v, width)
        for u in range(u0, u1):
            word = canvas.word[v, u]
            tag = word >> np.uint32(24)
            if canvas.instance[v, u] != 0 or tag == _SKY:
                continue
            canvas.instance[v, u] = SHADOW
            canvas.word[v, u] = pack_word(red(word) * factor, green(word) * factor, blue(word) * factor, tag)


@kernel
def ellipse(canvas, x, y, z, wide, high, r, g, b, tag, instance, glows):
    """Draw an upright ellipse that faces the camera. Args: x, y, z: [m] map frame. wide, high: [m] half axes."""
    camera, light = canvas.camera[0], canvas.light[0]
    dx, dy, dz = x - camera.x, y - camera.y, z - camera.z
    depth = np.float32(dx * camera.rz[0] + dy * camera.rz[1] + dz * camera.rz[2])
    if depth < NEAR:
        return
    scale = camera.f / depth
    u = np.float32(dx * camera.rx[0] + dy * camera.rx[1] + dz * camera.rx[2]) * scale + camera.cx
    v = np.float32(dx * camera.ry[0] + dy * camera.ry[1] + dz * camera.ry[2]) * scale + camera.cy
    if not glows:
        side = _HALF * (_ONE + (light.sun[2]))  # half of a round thing lies in the sun
        lamp = lamp_at(canvas, np.float32(x), np.float32(y))
        r = r * (light.ambient[0] + np.float32(0.6) * side * light.direct[0] + lamp)
        g = g * (light.ambient[1] + np.float32(0.6) * side * light.direct[1] + lamp)
        b = b * (light.ambient[2] + np.float32(0.6) * side * light.direct[2] + lamp)
    word = veiled(canvas, np.float32(r), np.float32(g), np.float32(b), depth, tag)
    w, a, h = _ONE / depth, np.float32(wide) * scale, np.float32(high) * scale
    height, width = canvas.word.shape
    low, high_row = max(v - h, np.float32(-1.0)), min(v + h, np.float32(height))
    for row in range(max(np.int64(math.ceil(low)), 0), min(np.int64(math.ceil(high_row)), height)):
        q = (np.float32(row) - v) / h
        half = a * math.sqrt(max(_ONE - q * q, _ZERO))
        left, right = max(u - half, np.float32(-1.0)), min(u + half, np.float32(width))
        for column in range(max(np.int64(math.ceil(left)), 0), min(np.int64(math.ceil(right)), width)):
            if w > canvas.inverse_depth[row, column]:
                canvas.inverse_depth[row, column] = w
                canvas.word[row, column] = word
                canvas.instance[row, column] = instance
