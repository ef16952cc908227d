"""Sky and ground of a picture: every pixel's ray is followed to the plane of the road under the vehicle.

Inverse depth is affine on the screen for a plane, so a pixel costs one division. The ground's colour comes from the
baked texture at the mipmap of its sideways footprint, from as many samples along the view as the footprint is long.
Approximation: the road is the plane through the vehicle's foot with its slope; crests and bridges are not seen.
"""

import math

import numpy as np

from simulator.camera_bake import LEVELS, TILE, TILE_TEXELS
from simulator.camera_color import HAZE, beam, blue, green, pack_word, red
from world.camera_tags import Tag
from world.kernel import inline_kernel, kernel

_SKY = int(Tag.SKY)
_TAPS = 4
_FAR = np.float32(1.0 / 600.0)  # [1/m] ground that is further away is haze
_ONE, _ZERO, _HALF = np.float32(1.0), np.float32(0.0), np.float32(0.5)
CLOUD_CELLS = 128  # of the table of clouds, which is square and seamless
HEAD_LAMP = np.float32(1.25)  # factor on colours that lie in the middle of the beam
LAMP_REACH = np.float32(28.0)  # [m]


@inline_kernel
def texel_at(ground, x, y, level, far_x, far_y):
    """Texel of the ground at (x, y), in texels of level 0 from the corner of the page, at a mipmap level.

    Args: far_x, far_y: [texels] beyond which the page ends; its outermost tiles are terrain.
    """
    ix = np.int64(min(max(x, _ZERO), far_x))
    iy = np.int64(min(max(y, _ZERO), far_y))
    tile = ground.page[ix >> 8, iy >> 8]
    if tile < 0:
        return np.uint32(ground.terrain)
    at = np.int64(tile) * TILE_TEXELS + ground.start[level]
    return ground.texel[at + ((iy & 255) >> level) * (TILE >> level) + ((ix & 255) >> level)]


@kernel
def draw_ground(canvas, ground, clouds):
    """Fill every pixel with sky or ground.

    Args:
        canvas: Canvas. ground: Ground. clouds: float32 (CLOUD_CELLS, CLOUD_CELLS) of about unit range.
    """
    camera = canvas.camera[0]
    height, width = canvas.word.shape
    above = camera.z - camera.ground_z
    above -= camera.slope_x * (camera.x - camera.ego_x) + camera.slope_y * (camera.y - camera.ego_y)
    above = max(above, np.float32(0.05))
    # inverse depth = (fall . ray) / above with fall = (slope_x, slope_y, -1), for each of the camera's axes
    wu = (camera.slope_x * camera.rx[0] + camera.slope_y * camera.rx[1] - camera.rx[2]) / (above * camera.f)
    wv = (camera.slope_x * camera.ry[0] + camera.slope_y * camera.ry[1] - camera.ry[2]) / (above * camera.f)
    w0 = (camera.slope_x * camera.rz[0] + camera.slope_y * camera.rz[1] - camera.rz[2]) / above
    w0 -= wu * camera.cx + wv * camera.cy
    for v in range(height):
        left = w0 + wv * np.float32(v)
        right = left + wu * np.float32(width - 1)
        first, last = 0, width  # columns of ground
        if left < _FAR and right < _FAR:
            last = 0
        elif left < _FAR:
            first = np.int64(math.ceil((_FAR - left) / wu))
        elif right < _FAR:
            last = np.int64(math.ceil((_FAR - left) / wu))
        _sky_row(canvas, v, 0, min(first, last), clouds)
        if last > first:
            _ground_row(canvas, ground, v, first, last, left, wu, wv, above)
        _sky_row(canvas, v, last, width, clouds)


@kernel
def _ground_row(canvas, ground, v, first, last, left, wu, wv, above):
    """Pixels first .. last - 1 of a row. Args: left: [1/m] inverse depth at column 0; wu, wv: its change a pixel."""
    camera, light = canvas.camera[0], canvas.light[0]
    inverse = np.float32(1.0) / np.float32(ground.size)
    far_x = np.float32(ground.page.shape[0] * TILE - 1)
    far_y = np.float32(ground.page.shape[1] * TILE - 1)
    px, py = (camera.x - np.float32(ground.x0)) * inverse, (camera.y - np.float32(ground.y0)) * inverse
    middle = max(left + wu * np.float32(0.5) * np.float32(first + last), _FAR)
    t = _ONE / middle  # what varies slowly along a row is taken from its middle
    foot, level = t / camera.f * inverse, 0  # [texels] sideways
    while level < LEVELS - 1 and foot > np.float32(1.5):
        foot *= _HALF
        level += 1
    enlarged = level == 0 and foot < np.float32(0.7)
    taps = min(max(np.int64(abs(t * t * wv) * inverse / np.float32(1 << level) * np.float32(0.7) + _HALF), 1), _TAPS)
    part = _ONE / np.float32(taps)
    veil = _ONE - math.exp(-(light.fog + HAZE) * t)
    clear = (_ONE - veil) * (_ONE - np.float32(0.45) * light.wet)
    sun = max(light.sun[2], _ZERO)
    k0 = clear * (light.ambient[0] + light.direct[0] * sun)
    k1 = clear * (light.ambient[1] + light.direct[1] * sun)
    k2 = clear * (light.ambient[2] + light.direct[2] * sun)
    mirror = _ONE - min(above * middle, _ONE)  # a film of water shows the sky under flat angles
    mirror = (_ONE - veil) * light.wet * np.float32(0.75) * mirror * mirror * mirror * mirror
    m0 = mirror * light.sky_low[0] + veil * light.fog_color[0]
    m1 = mirror * light.sky_low[1] + veil * light.fog_color[1]
    m2 = mirror * light.sky_low[2] + veil * light.fog_color[2]
    dry = _ONE - mirror
    dv = (np.float32(v) - camera.cy) / camera.f
    dx0 = (camera.rz[0] + dv * camera.ry[0]) * inverse
    dy0 = (camera.rz[1] + dv * camera.ry[1]) * inverse
    ddx, ddy = camera.rx[0] * inverse / camera.f, camera.rx[1] * inverse / camera.f
    c, s = np.float32(math.cos(camera.ego_yaw)), np.float32(math.sin(camera.ego_yaw))
    cx, night, metres = camera.cx, light.night, _ONE / inverse
    ex0, ey0 = camera.x - camera.ego_x, camera.y - camera.ego_y
    for u in range(first, last):
        w = left + wu * np.float32(u)
        du = np.float32(u) - cx
        dx, dy = dx0 + du * ddx, dy0 + du * ddy  # [texels] for each metre of depth
        t = _ONE / w
        if enlarged:  # between four texels
            fx, fy = px + t * dx - _HALF, py + t * dy - _HALF
            ux, uy = fx - np.float32(math.floor(fx)), fy - np.float32(math.floor(fy))
            q00 = texel_at(ground, fx, fy, 0, far_x, far_y)
            q10 = texel_at(ground, fx + _ONE, fy, 0, far_x, far_y)
            q01 = texel_at(ground, fx, fy + _ONE, 0, far_x, far_y)
            q11 = texel_at(ground, fx + _ONE, fy + _ONE, 0, far_x, far_y)
            a00, a10, a01, a11 = (_ONE - ux) * (_ONE - uy), ux * (_ONE - uy), (_ONE - ux) * uy, ux * uy
            r = _mix(q00, q10, q01, q11, np.uint32(0), a00, a10, a01, a11)
            g = _mix(q00, q10, q01, q11, np.uint32(8), a00, a10, a01, a11)
            b = _mix(q00, q10, q01, q11, np.uint32(16), a00, a10, a01, a11)
            near = q00
            if ux > _HALF:
                near = q10 if uy <= _HALF else q11
            elif uy > _HALF:
                near = q01
            tag = near >> np.uint32(24)
        elif taps == 1:
            q = texel_at(ground, px + t * dx, py + t * dy, level, far_x, far_y)
            r, g, b, tag = red(q), green(q), blue(q), q >> np.uint32(24)
        else:
            r, g, b, tag = _ZERO, _ZERO, _ZERO, np.uint32(0)
            for k in range(taps):
                tk = _ONE / (w + wv * ((np.float32(k) + _HALF) * part - _HALF))
                q = texel_at(ground, px + tk * dx, py + tk * dy, level, far_x, far_y)
                r, g, b = r + part * red(q), g + part * green(q), b + part * blue(q)
                if k == taps // 2:
                    tag = q >> np.uint32(24)
        l0, l1, l2 = k0, k1, k2
        if night > _ZERO:
            ex, ey = ex0 + t * dx * metres, ey0 + t * dy * metres
            lamp = HEAD_LAMP * beam(c * ex + s * ey - np.float32(2.0), c * ey - s * ex, LAMP_REACH)
            lamp = clear * night * lamp
            l0, l1, l2 = l0 + lamp, l1 + lamp * np.float32(0.97), l2 + lamp * np.float32(0.85)
        canvas.word[v, u] = pack_word(r * l0 * dry + m0, g * l1 * dry + m1, b * l2 * dry + m2, tag)
        canvas.inverse_depth[v, u] = w
        canvas.instance[v, u] = 0


@inline_kernel
def _mix(q00, q10, q01, q11, shift, a00, a10, a01, a11):
    """One channel of four texels with their weights."""
    return a00 * red(q00 >> shift) + a10 * red(q10 >> shift) + a01 * red(q01 >> shift) + a11 * red(q11 >> shift)


@kernel
def _sky_row(canvas, v, first, last, clouds):
    """Pixels first .. last - 1 of a row."""
    camera, light = canvas.camera[0], canvas.light[0]
    dv = (np.float32(v) - camera.cy) / camera.f
    bx, by = camera.rz[0] + dv * camera.ry[0], camera.rz[1] + dv * camera.ry[1]
    bz = camera.rz[2] + dv * camera.ry[2]
    inverse_f, cx = _ONE / camera.f, camera.cx
    ax, ay, az = camera.rx[0] * inverse_f, camera.rx[1] * inverse_f, camera.rx[2] * inverse_f
    r0, g0, b0 = light.sky_low[0], light.sky_low[1], light.sky_low[2]
    r1, g1, b1 = light.sky_top[0] - r0, light.sky_top[1] - g0, light.sky_top[2] - b0
    sx, sy, sz = light.sun[0], light.sun[1], light.sun[2]
    shines = light.direct[0] * np.float32(120.0)
    cover = np.float32(1.6) * light.cloud - np.float32(0.45)
    seen = np.float32(0.8) * (_ONE - light.night) if light.fog < np.float32(0.01) else _ZERO
    white = np.float32(235.0) - np.float32(80.0) * light.cloud
    for u in range(first, last):
        du = np.float32(u) - cx
        dx, dy, dz = bx + du * ax, by + du * ay, bz + du * az
        inverse = _ONE / np.float32(math.sqrt(dx * dx + dy * dy + dz * dz))
        dx, dy, dz = dx * inverse, dy * inverse, dz * inverse
        rise = max(dz, _ZERO)
        up = np.float32(math.sqrt(rise))
        r, g, b = r0 + r1 * up, g0 + g1 * up, b0 + b1 * up
        if seen > _ZERO:
            far = np.float32(14.0) / (rise + np.float32(0.12))
            ix = np.int64(dx * far + np.float32(CLOUD_CELLS)) & (CLOUD_CELLS - 1)
            iy = np.int64(dy * far + np.float32(CLOUD_CELLS)) & (CLOUD_CELLS - 1)
            some = (clouds[ix, iy] + cover) * min(rise * np.float32(8.0), _ONE)
            some = min(max(some, _ZERO), _ONE) * seen
            r, g, b = r + some * (white - r), g + some * (white - g), b + some * (white - b)
        glow = dx * sx + dy * sy + dz * sz
        if glow > np.float32(0.9):
            glow = (glow - np.float32(0.9)) * np.float32(10.0)
            glow = glow * glow * glow * shines
            r, g, b = r + glow, g + glow, b + glow * np.float32(0.8)
        canvas.word[v, u] = pack_word(r, g, b, _SKY)
        canvas.inverse_depth[v, u] = _ZERO
        canvas.instance[v, u] = 0
