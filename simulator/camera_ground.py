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
_TAG = np.uint32(24)  # bits below the class in a word
_TAG_BITS, _ODD, _EVEN = np.uint32(0xFF000000), np.uint32(0x00FF00FF), np.uint32(0x0000FF00)  # class; red, blue; green
_FINE, _FINE_BITS = np.float32(4096.0), np.int32(12)
_STEPS, _MIDDLE = np.float32(256.0), np.uint32(128)  # places between two texels
CLOUD_CELLS = 128  # of the table of clouds, which is square and seamless
HEAD_LAMP = np.float32(1.25)  # factor on colours that lie in the middle of the beam
LAMP_REACH = np.float32(28.0)  # [m]


@inline_kernel
def _texel(ground, ix, iy, level):
    """Texel of the ground at (ix, iy) of level 0 from the corner of the page, at a mipmap level."""
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
    px, py = (camera.x - np.float32(ground.x0)) * inverse, (camera.y - np.float32(ground.y0)) * inverse
    middle = max(left + wu * np.float32(0.5) * np.float32(first + last), _FAR)
    t = _ONE / middle  # what varies slowly along a row is taken from its middle
    foot, level = t / camera.f * inverse, 0  # [texels] sideways
    while level < LEVELS - 1 and foot > np.float32(1.5):
        foot *= _HALF
        level += 1
    enlarged = level == 0 and foot < np.float32(0.7)
    taps = min(max(np.int64(abs(t * t * wv) * inverse / np.float32(1 << level) * np.float32(0.7) + _HALF), 1), _TAPS)
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
    dx0, dy0 = dx0 - camera.cx * ddx, dy0 - camera.cx * ddy
    for u in range(first, last):
        canvas.inverse_depth[v, u] = left + wu * np.float32(u)
    for u in range(first, last):
        canvas.instance[v, u] = 0
    if enlarged:
        _enlarged_row(canvas, ground, v, first, last, px - _HALF, py - _HALF, dx0, dy0, ddx, ddy)
    else:
        _reduced_row(canvas, ground, v, first, last, px, py, dx0, dy0, ddx, ddy, level, taps, wv)
    if light.night > _ZERO:
        lamp = clear * light.night * HEAD_LAMP
        _night_row(canvas, v, first, last, dx0, dy0, ddx, ddy, _ONE / inverse, lamp, dry, k0, k1, k2, m0, m1, m2)
        return
    _day_row(canvas.word[v, first:last], k0 * dry, k1 * dry, k2 * dry, m0, m1, m2)


@kernel
def _day_row(words, k0, k1, k2, m0, m1, m2):
    """Light the texels of a row: colour * k + m, in whole numbers, so that the loop becomes vectors."""
    a0, a1, a2 = np.int32(k0 * _FINE), np.int32(k1 * _FINE), np.int32(k2 * _FINE)
    b0, b1, b2 = np.int32((m0 + _HALF) * _FINE), np.int32((m1 + _HALF) * _FINE), np.int32((m2 + _HALF) * _FINE)
    byte, white = np.int32(255), np.int32(255)
    for u in range(len(words)):
        word = np.int32(words[u])
        r = np.int32(np.int32(np.int32(word & byte) * a0) + b0) >> _FINE_BITS
        g = np.int32(np.int32(np.int32(word >> np.int32(8) & byte) * a1) + b1) >> _FINE_BITS
        b = np.int32(np.int32(np.int32(word >> np.int32(16) & byte) * a2) + b2) >> _FINE_BITS
        r, g, b = min(np.int32(r), white), min(np.int32(g), white), min(np.int32(b), white)
        words[u] = np.uint32(r | g << np.int32(8) | b << np.int32(16)) | (words[u] & _TAG_BITS)


@kernel
def _night_row(canvas, v, first, last, dx0, dy0, ddx, ddy, metres, lamp, dry, k0, k1, k2, m0, m1, m2):
    """Light the texels of a row with what the day gives and the vehicle's own lamps.

    Args:
        metres: [m] a texel. lamp: factor of the lamps. dry, k0 .. k2, m0 .. m2: colour * k * dry + m without them.
    """
    camera = canvas.camera[0]
    c, s = np.float32(math.cos(camera.ego_yaw)) * metres, np.float32(math.sin(camera.ego_yaw)) * metres
    ex0, ey0 = camera.x - camera.ego_x, camera.y - camera.ego_y
    ahead0 = (c * ex0 + s * ey0) / metres - np.float32(2.0)
    aside0 = (c * ey0 - s * ex0) / metres
    for u in range(first, last):
        t = _ONE / canvas.inverse_depth[v, u]
        dx, dy = dx0 + np.float32(u) * ddx, dy0 + np.float32(u) * ddy
        glow = lamp * beam(ahead0 + t * (c * dx + s * dy), aside0 + t * (c * dy - s * dx), LAMP_REACH)
        word = canvas.word[v, u]
        r = red(word) * (k0 + glow) * dry + m0
        g = green(word) * (k1 + glow * np.float32(0.97)) * dry + m1
        b = blue(word) * (k2 + glow * np.float32(0.85)) * dry + m2
        canvas.word[v, u] = pack_word(r, g, b, word >> _TAG)


@kernel
def _enlarged_row(canvas, ground, v, first, last, px, py, dx0, dy0, ddx, ddy):
    """Texels of the finest level into a row, mixed from the four around each point.

    Args:
        px, py: [texels] of the camera. dx0, dy0, ddx, ddy: [texels] for each metre of depth, at column 0 and a pixel.
    """
    pages_x, pages_y = ground.page.shape
    far_x, far_y = np.float32(pages_x * TILE - 2), np.float32(pages_y * TILE - 2)
    plain, texel = np.uint32(ground.terrain), ground.texel
    tile_x, tile_y, base = np.int32(-1), np.int32(-1), np.int64(-1)
    for u in range(first, last):
        t = _ONE / canvas.inverse_depth[v, u]
        fx = min(max(px + t * (dx0 + np.float32(u) * ddx), _ZERO), far_x)
        fy = min(max(py + t * (dy0 + np.float32(u) * ddy), _ZERO), far_y)
        ix, iy = np.int32(fx), np.int32(fy)
        ax = np.uint32(np.int32((fx - np.float32(ix)) * _STEPS))  # of _STEPS
        ay = np.uint32(np.int32((fy - np.float32(iy)) * _STEPS))
        if ix >> 8 != tile_x or iy >> 8 != tile_y:
            tile_x, tile_y = ix >> 8, iy >> 8
            base = np.int64(ground.page[tile_x, tile_y]) * TILE_TEXELS
        lx, ly = ix & 255, iy & 255
        if lx < 255 and ly < 255:
            if base < 0:
                q00 = q10 = q01 = q11 = plain
            else:
                at = base + ly * TILE + lx
                q00, q10, q01, q11 = texel[at], texel[at + 1], texel[at + TILE], texel[at + TILE + 1]
        else:
            q00, q10 = _texel(ground, ix, iy, 0), _texel(ground, ix + 1, iy, 0)
            q01, q11 = _texel(ground, ix, iy + 1, 0), _texel(ground, ix + 1, iy + 1, 0)
        w11 = (ax * ay) >> np.uint32(8)
        w10, w01 = ax - w11, ay - w11
        w00 = np.uint32(256) - w11 - w10 - w01
        odd = (q00 & _ODD) * w00 + (q10 & _ODD) * w10 + (q01 & _ODD) * w01 + (q11 & _ODD) * w11
        even = (q00 & _EVEN) * w00 + (q10 & _EVEN) * w10 + (q01 & _EVEN) * w01 + (q11 & _EVEN) * w11
        upper = q00 if ax <= _MIDDLE else q10
        lower = q01 if ax <= _MIDDLE else q11
        near = upper if ay <= _MIDDLE else lower
        canvas.word[v, u] = ((odd >> np.uint32(8)) & _ODD) | ((even >> np.uint32(8)) & _EVEN) | (near & _TAG_BITS)


@kernel
def _reduced_row(canvas, ground, v, first, last, px, py, dx0, dy0, ddx, ddy, level, taps, wv):
    """Texels of a mipmap level into a row, from 1 to 4 samples along the view. Args: as `_enlarged_row`; wv: [1/m]."""
    pages_x, pages_y = ground.page.shape
    far_x, far_y = np.float32(pages_x * TILE - 1), np.float32(pages_y * TILE - 1)
    plain, texel = np.uint32(ground.terrain), ground.texel
    tile_x, tile_y, base = np.int32(-1), np.int32(-1), np.int64(-1)
    shift, stride, start = np.int32(level), np.int64(TILE >> level), np.int64(ground.start[level])
    part = np.uint32(256 // taps)
    step = wv / np.float32(taps)
    for u in range(first, last):
        dx, dy = dx0 + np.float32(u) * ddx, dy0 + np.float32(u) * ddy
        w = canvas.inverse_depth[v, u] + step * np.float32(0.5) - np.float32(0.5) * wv
        odd, even, tag = np.uint32(0), np.uint32(0), np.uint32(0)
        for k in range(taps):
            t = _ONE / (w + step * np.float32(k))
            ix = np.int32(min(max(px + t * dx, _ZERO), far_x))
            iy = np.int32(min(max(py + t * dy, _ZERO), far_y))
            if ix >> 8 != tile_x or iy >> 8 != tile_y:
                tile_x, tile_y = ix >> 8, iy >> 8
                base = np.int64(ground.page[tile_x, tile_y]) * TILE_TEXELS
            q = plain
            if base >= 0:
                q = texel[base + start + ((iy & 255) >> shift) * stride + ((ix & 255) >> shift)]
            odd, even = odd + (q & _ODD), even + ((q & _EVEN) >> np.uint32(8))
            if k == taps >> 1:
                tag = q & _TAG_BITS
        odd = ((odd & np.uint32(0xFFFF)) * part >> np.uint32(8)) | (
            ((odd >> np.uint32(16)) * part >> np.uint32(8)) << np.uint32(16)
        )
        canvas.word[v, u] = odd | ((even * part) & _EVEN) | tag


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
    for u in range(first, last, 2):
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
    for u in range(first + 1, last, 2):  # colours of the sky change slowly: every other pixel is between its neighbours
        a, b = canvas.word[v, u - 1], canvas.word[v, min(u + 1, last - 1 - (last - 1 - first) % 2)]
        canvas.word[v, u] = (a & b) + (((a ^ b) >> np.uint32(1)) & np.uint32(0x7F7F7F7F))
    for u in range(first, last):
        canvas.inverse_depth[v, u] = _ZERO
    for u in range(first, last):
        canvas.instance[v, u] = 0
