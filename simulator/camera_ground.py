"""Sky and ground of a picture: every pixel's ray is followed to the plane of the road under the vehicle.

Inverse depth is affine on the screen for a plane, so a pixel costs one division. The ground's colour comes from the
baked texture at the mipmap of its sideways footprint, from as many samples along the view as the footprint is long.
A row goes through plain loops over scratch rows of the canvas (places, texels, colours, light): all but the look-ups
become vector instructions. Colours are sums of texels in whole numbers, red and blue in the halves of one word.
Approximation: the road is the plane through the vehicle's foot with its slope; crests and bridges are not seen.
"""

import math

import numpy as np

from simulator.camera_bake import LEVELS, TILE, TILE_TEXELS
from simulator.camera_color import HAZE, beam
from simulator.camera_street import shine_row
from world.camera_tags import Tag
from world.kernel import inline_kernel, kernel

_SKY = np.int32(int(Tag.SKY) << 24)
_TAPS = 4
_FAR = np.float32(1.0 / 600.0)  # [1/m] ground that is further away is haze
_ONE, _ZERO, _HALF, _WHITE = np.float32(1.0), np.float32(0.0), np.float32(0.5), np.float32(255.0)
_STEPS, _PART = np.float32(256.0), np.float32(1.0 / 256.0)  # places between two texels
CLOUD_CELLS = 128  # of the table of clouds, which is square and seamless
HEAD_LAMP = np.float32(1.25)  # factor on colours that lie in the middle of the beam
LAMP_REACH = np.float32(28.0)  # [m]
_I8, _I16 = np.int32(8), np.int32(16)
_EDGE, _CELLS = np.int32(TILE - 1), np.int32(CLOUD_CELLS)
_ODD, _BYTE, _LOW, _TAG = np.int32(0xFF00FF), np.int32(0xFF), np.int32(0xFFFF), np.int32(-0x1000000)
_PAGE, _TEXEL, _BESIDE, _OVER, _CORNER, _WEIGHT = range(6)  # lanes of a canvas, for one sample of each pixel
_SUM, _GREEN = 6, 7  # of all samples: red | blue << 16, and green | tag << 24


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
            first = min(np.int64(math.ceil((_FAR - left) / wu)), width)
        elif right < _FAR:
            last = min(np.int64(math.ceil((_FAR - left) / wu)), width)
        if min(first, last) > 0:
            _sky_row(canvas, v, 0, min(first, last), clouds)
        if last > first:
            _ground_row(canvas, ground, v, first, last, left, wu, wv, above)
        if last < width:
            _sky_row(canvas, v, last, width, clouds)


@kernel
def _ground_row(canvas, ground, v, first, last, left, wu, wv, above):
    """Pixels first .. last - 1 of a row. Args: left: [1/m] inverse depth at column 0; wu, wv: its change a pixel."""
    camera, n, size = canvas.camera[0], last - first, np.float32(ground.size)
    middle = max(left + wu * _HALF * np.float32(first + last), _FAR)
    t = _ONE / middle  # what varies slowly along a row is taken from its middle
    foot, level = t / (camera.f * size), 0  # [texels] sideways
    while level < LEVELS - 1 and foot > np.float32(1.5):
        foot *= _HALF
        level += 1
    taps = min(max(np.int64(abs(t * t * wv) / (size * np.float32(1 << level)) * np.float32(0.7) + _HALF), 1), _TAPS)
    px, py = (camera.x - np.float32(ground.x0)) / size, (camera.y - np.float32(ground.y0)) / size
    du, dv = (np.float32(first) - camera.cx) / camera.f, (np.float32(v) - camera.cy) / camera.f
    dx = (camera.rz[0] + dv * camera.ry[0] + du * camera.rx[0]) / size
    dy = (camera.rz[1] + dv * camera.ry[1] + du * camera.rx[1]) / size
    ddx, ddy = camera.rx[0] / (camera.f * size), camera.rx[1] / (camera.f * size)
    w0 = left + wu * np.float32(first)
    depth, none = canvas.inverse_depth[v][first:last], canvas.instance[v][first:last]
    for i in range(n):
        depth[i] = w0 + wu * np.float32(i)
    for i in range(n):
        none[i] = 0
    if level == 0 and foot < np.float32(0.7):
        scale = _PART
        _place_between(canvas, ground, n, px, py, dx, dy, ddx, ddy, w0, wu)
        _fetch_between(canvas, ground, n)
        _mix_between(canvas, n)
    else:
        scale = _ONE / np.float32(taps)
        for i in range(n):
            canvas.lane[_SUM, i], canvas.lane[_GREEN, i] = 0, 0
        for k in range(taps):
            wk = w0 + wv * ((np.float32(k) + _HALF) * scale - _HALF)
            _place(canvas, ground, n, level, px, py, dx, dy, ddx, ddy, wk, wu)
            _fetch(canvas, ground, n, level, k == taps // 2)
    if canvas.light[0].night > _ZERO:
        _shine(canvas, n, dx * size, dy * size, ddx * size, ddy * size, w0, wu)
    _light(canvas, v, first, last, scale, above, middle)


@kernel
def _place(canvas, ground, n, level, px, py, dx, dy, ddx, ddy, w0, wu):
    """Where each pixel's texel lies: in which cell of the page, and where in its tile at a mipmap level.

    Args:
        px, py: [texels] of the camera. dx, dy, ddx, ddy: [texels] for each metre of depth, at pixel 0 and their change
            a pixel. w0, wu: [1/m] inverse depth, likewise.
    """
    page, texel = canvas.lane[_PAGE][:n], canvas.lane[_TEXEL][:n]
    far_x, far_y = np.float32(ground.page.shape[0] * TILE - 1), np.float32(ground.page.shape[1] * TILE - 1)
    columns, shift, side = np.int32(ground.page.shape[1]), np.int32(level), np.int32(8 - level)
    for i in range(n):
        u = np.float32(i)
        t = _ONE / (w0 + wu * u)
        ix = np.int32(min(max(px + t * (dx + u * ddx), _ZERO), far_x))
        iy = np.int32(min(max(py + t * (dy + u * ddy), _ZERO), far_y))
        page[i] = np.int32((ix >> _I8) * columns) + (iy >> _I8)
        texel[i] = np.int32(((iy & _EDGE) >> shift) << side) + ((ix & _EDGE) >> shift)


@kernel
def _fetch(canvas, ground, n, level, tagged):
    """Add the texels of `_place` to the sums. Args: tagged: they say the class, too."""
    page, texel = canvas.lane[_PAGE][:n], canvas.lane[_TEXEL][:n]
    odd, even = canvas.lane[_SUM][:n], canvas.lane[_GREEN][:n]
    pages, texels, start = ground.page.reshape(-1), ground.texel, np.int64(ground.start[level])
    terrain, tag = np.int32(np.uint32(ground.terrain)), _TAG if tagged else np.int32(0)
    for i in range(n):
        tile, q = np.int64(pages[np.uint32(page[i])]), terrain
        if tile >= 0:
            q = np.int32(texels[np.uint64(tile * TILE_TEXELS + start + np.int64(texel[i]))])
        odd[i] = np.int32(odd[i] + (q & _ODD))
        even[i] = np.int32(even[i] + _green(q)) | (q & tag)


@kernel
def _place_between(canvas, ground, n, px, py, dx, dy, ddx, ddy, w0, wu):
    """Where the four texels about each pixel lie, from the nearest on, and how much of the others is mixed in.

    The cell of the page is complemented where they lie in more than one tile. Args: as `_place`.
    """
    page, texel, beside = canvas.lane[_PAGE][:n], canvas.lane[_TEXEL][:n], canvas.lane[_BESIDE][:n]
    over, weight = canvas.lane[_OVER][:n], canvas.lane[_WEIGHT][:n]
    far_x, far_y = np.float32(ground.page.shape[0] * TILE - 1), np.float32(ground.page.shape[1] * TILE - 1)
    columns = np.int32(ground.page.shape[1])
    for i in range(n):
        u = np.float32(i)
        t = _ONE / (w0 + wu * u)
        x = min(max(px + t * (dx + u * ddx), _ZERO), far_x)
        y = min(max(py + t * (dy + u * ddy), _ZERO), far_y)
        ix, iy = np.int32(x), np.int32(y)
        fx, fy = x - np.float32(ix) - _HALF, y - np.float32(iy) - _HALF
        kx, ky = ix & _EDGE, iy & _EDGE
        sx, sy = np.int32(-1 if fx < _ZERO else 1), np.int32(-1 if fy < _ZERO else 1)
        cell = np.int32((ix >> _I8) * columns) + (iy >> _I8)
        page[i] = cell if (np.int32(kx + sx) | np.int32(ky + sy)) & ~_EDGE == 0 else ~cell
        texel[i] = np.int32(ky << _I8) + kx
        beside[i] = sx
        over[i] = np.int32(sy << _I8)
        weight[i] = np.int32(abs(fx) * _STEPS) + np.int32(np.int32(abs(fy) * _STEPS) << _I16)


@kernel
def _fetch_between(canvas, ground, n):
    """The texels of `_place_between`, in place of what said where they lie."""
    page, texel, beside = canvas.lane[_PAGE][:n], canvas.lane[_TEXEL][:n], canvas.lane[_BESIDE][:n]
    over, corner = canvas.lane[_OVER][:n], canvas.lane[_CORNER][:n]
    pages, texels, terrain = ground.page.reshape(-1), ground.texel, np.int32(np.uint32(ground.terrain))
    for i in range(n):
        cell, q0 = np.int64(page[i]), terrain
        q1 = q2 = q3 = q0
        if cell < 0:
            ix, iy = np.int64(texel[i]) & (TILE - 1), np.int64(texel[i]) >> 8
            sx, sy = np.int64(beside[i]), np.int64(over[i]) >> 8
            ix, iy = (~cell // ground.page.shape[1]) * TILE + ix, (~cell % ground.page.shape[1]) * TILE + iy
            q0, q1 = _texel(ground, ix, iy), _texel(ground, ix + sx, iy)
            q2, q3 = _texel(ground, ix, iy + sy), _texel(ground, ix + sx, iy + sy)
        else:
            tile = np.int64(pages[np.uint64(cell)])
            if tile >= 0:
                at, aside, up = tile * TILE_TEXELS + np.int64(texel[i]), np.int64(beside[i]), np.int64(over[i])
                q0, q1 = np.int32(texels[np.uint64(at)]), np.int32(texels[np.uint64(at + aside)])
                q2, q3 = np.int32(texels[np.uint64(at + up)]), np.int32(texels[np.uint64(at + up + aside)])
        texel[i], beside[i], over[i], corner[i] = q0, q1, q2, q3


@inline_kernel
def _texel(ground, ix, iy):
    """int32 texel of level 0 at (ix, iy) from the corner of the page; terrain beyond it."""
    if ix < 0 or iy < 0 or ix >> 8 >= ground.page.shape[0] or iy >> 8 >= ground.page.shape[1]:
        return np.int32(np.uint32(ground.terrain))
    tile = np.int64(ground.page[ix >> 8, iy >> 8])
    if tile < 0:
        return np.int32(np.uint32(ground.terrain))
    return np.int32(ground.texel[tile * TILE_TEXELS + (iy & 255) * TILE + (ix & 255)])


@kernel
def _mix_between(canvas, n):
    """_STEPS times the colours of `_fetch_between`, mixed, with the class of the nearest."""
    texel, beside, over = canvas.lane[_TEXEL][:n], canvas.lane[_BESIDE][:n], canvas.lane[_OVER][:n]
    corner, weight = canvas.lane[_CORNER][:n], canvas.lane[_WEIGHT][:n]
    odd, even = canvas.lane[_SUM][:n], canvas.lane[_GREEN][:n]
    for i in range(n):
        q0, q1, q2, q3 = texel[i], beside[i], over[i], corner[i]
        a, b = weight[i] & _LOW, weight[i] >> _I16
        a3 = np.int32(np.int32(a * b) + np.int32(128)) >> _I8
        a1, a2 = np.int32(a - a3), np.int32(b - a3)
        a0 = np.int32(256 - a1 - b)
        p0, p1 = np.int32((q0 & _ODD) * a0), np.int32((q1 & _ODD) * a1)
        p2, p3 = np.int32((q2 & _ODD) * a2), np.int32((q3 & _ODD) * a3)
        odd[i] = np.int32(np.int32(p0 + p1) + np.int32(p2 + p3))
        p0, p1 = np.int32(_green(q0) * a0), np.int32(_green(q1) * a1)
        p2, p3 = np.int32(_green(q2) * a2), np.int32(_green(q3) * a3)
        even[i] = np.int32(np.int32(p0 + p1) + np.int32(p2 + p3)) | (q0 & _TAG)


@inline_kernel
def _green(word):
    """int32 green of a word."""
    return (word >> _I8) & _BYTE


@kernel
def _shine(canvas, n, dx, dy, ddx, ddy, w0, wu):
    """How much of the light of the own lamps and of street lamps lies on each pixel.

    Args: dx, dy, ddx, ddy: [-] map frame a metre of depth.
    """
    camera, glow = canvas.camera[0], canvas.glow[:n]
    c, s = np.float32(math.cos(camera.ego_yaw)), np.float32(math.sin(camera.ego_yaw))
    ex0, ey0 = camera.x - camera.ego_x, camera.y - camera.ego_y
    for i in range(n):
        u = np.float32(i)
        t = _ONE / (w0 + wu * u)
        ex, ey = ex0 + t * (dx + u * ddx), ey0 + t * (dy + u * ddy)
        glow[i] = beam(c * ex + s * ey - np.float32(2.0), c * ey - s * ex, LAMP_REACH)
    shine_row(canvas, n, camera.x, camera.y, dx, dy, ddx, ddy, w0, wu)


@kernel
def _light(canvas, v, first, last, scale, above, middle):
    """Pixels of a row from their sums, in the light and the air. Args: scale: of the sums. middle: [1/m]."""
    light, n = canvas.light[0], last - first
    veil = _ONE - np.float32(math.exp(-(light.fog + HAZE) / middle))
    sun = max(light.sun[2], _ZERO)
    mirror = _ONE - min(above * middle, _ONE)  # a film of water shows the sky under flat angles
    mirror = (_ONE - veil) * light.wet * np.float32(0.75) * mirror * mirror * mirror * mirror
    m0 = mirror * light.sky_low[0] + veil * light.fog_color[0]
    m1 = mirror * light.sky_low[1] + veil * light.fog_color[1]
    m2 = mirror * light.sky_low[2] + veil * light.fog_color[2]
    clear = (_ONE - veil) * (_ONE - np.float32(0.45) * light.wet) * (_ONE - mirror) * scale
    k0 = clear * (light.ambient[0] + light.direct[0] * sun)
    k1 = clear * (light.ambient[1] + light.direct[1] * sun)
    k2 = clear * (light.ambient[2] + light.direct[2] * sun)
    out, odd, even = canvas.word[v][first:last], canvas.lane[_SUM][:n], canvas.lane[_GREEN][:n]
    if light.night > _ZERO:
        lamp, glow = clear * light.night * HEAD_LAMP, canvas.glow[:n]
        l1, l2 = lamp * np.float32(0.97), lamp * np.float32(0.85)
        for i in range(n):
            r = np.float32(odd[i] & _LOW) * (k0 + lamp * glow[i]) + m0
            g = np.float32(even[i] & _LOW) * (k1 + l1 * glow[i]) + m1
            b = np.float32((odd[i] >> _I16) & _LOW) * (k2 + l2 * glow[i]) + m2
            out[i] = _word(r, g, b, even[i] & _TAG)
    else:
        for i in range(n):
            r = np.float32(odd[i] & _LOW) * k0 + m0
            g = np.float32(even[i] & _LOW) * k1 + m1
            b = np.float32((odd[i] >> _I16) & _LOW) * k2 + m2
            out[i] = _word(r, g, b, even[i] & _TAG)


@inline_kernel
def _word(r, g, b, tag):
    """uint32 of a colour (0-255, not negative, clipped) and a class << 24."""
    ri, gi, bi = np.int32(min(r, _WHITE)), np.int32(min(g, _WHITE)), np.int32(min(b, _WHITE))
    return np.uint32(ri | np.int32(gi << _I8) | np.int32(bi << _I16) | tag)


@kernel
def _sky_row(canvas, v, first, last, clouds):
    """Pixels first .. last - 1 of a row."""
    camera, light = canvas.camera[0], canvas.light[0]
    n, inverse_f = last - first, _ONE / camera.f
    du, dv = (np.float32(first) - camera.cx) * inverse_f, (np.float32(v) - camera.cy) * inverse_f
    ax, ay, az = camera.rx[0] * inverse_f, camera.rx[1] * inverse_f, camera.rx[2] * inverse_f
    bx = camera.rz[0] + dv * camera.ry[0] + du * camera.rx[0]
    by = camera.rz[1] + dv * camera.ry[1] + du * camera.rx[1]
    bz = camera.rz[2] + dv * camera.ry[2] + du * camera.rx[2]
    depth, none = canvas.inverse_depth[v][first:last], canvas.instance[v][first:last]
    for i in range(n):
        depth[i] = _ZERO
    for i in range(n):
        none[i] = 0
    seen = np.float32(0.8) * (_ONE - light.night) if light.fog < np.float32(0.01) else _ZERO
    cell, cloud, table, mask = canvas.lane[_PAGE][:n], canvas.glow[:n], clouds.reshape(-1), np.int32(CLOUD_CELLS - 1)
    if seen > _ZERO:
        for i in range(n):
            u = np.float32(i)
            dx, dy, dz = bx + u * ax, by + u * ay, bz + u * az
            inverse = _ONE / np.float32(math.sqrt(dx * dx + dy * dy + dz * dz))
            far = np.float32(14.0) * inverse / (max(dz * inverse, _ZERO) + np.float32(0.12))
            ix, iy = np.int32(dx * far + np.float32(CLOUD_CELLS)), np.int32(dy * far + np.float32(CLOUD_CELLS))
            cell[i] = np.int32((ix & mask) * _CELLS) + (iy & mask)
        for i in range(n):
            cloud[i] = table[np.uint32(cell[i])]
    r0, g0, b0 = light.sky_low[0], light.sky_low[1], light.sky_low[2]
    r1, g1, b1 = light.sky_top[0] - r0, light.sky_top[1] - g0, light.sky_top[2] - b0
    sx, sy, sz = light.sun[0], light.sun[1], light.sun[2]
    shines, cover = light.direct[0] * np.float32(120.0), np.float32(1.6) * light.cloud - np.float32(0.45)
    white = np.float32(235.0) - np.float32(80.0) * light.cloud
    out = canvas.word[v][first:last]
    for i in range(n):
        u = np.float32(i)
        dx, dy, dz = bx + u * ax, by + u * ay, bz + u * az
        inverse = _ONE / np.float32(math.sqrt(dx * dx + dy * dy + dz * dz))
        rise = max(dz * inverse, _ZERO)
        up = np.float32(math.sqrt(rise))
        some = (cloud[i] + cover) * min(rise * np.float32(8.0), _ONE)
        some = min(max(some, _ZERO), _ONE) * seen
        r, g, b = r0 + r1 * up, g0 + g1 * up, b0 + b1 * up
        r, g, b = r + some * (white - r), g + some * (white - g), b + some * (white - b)
        glow = max((dx * sx + dy * sy + dz * sz) * inverse - np.float32(0.9), _ZERO) * np.float32(10.0)
        glow = glow * glow * glow * shines
        out[i] = _word(r + glow, g + glow, b + glow * np.float32(0.8), _SKY)
