"""Sky and ground of a picture: every pixel's ray is followed to the plane of the road under the vehicle.

Inverse depth is affine on the screen for a plane, so a pixel costs one division. The ground's colour comes from the
baked texture at the mipmap of its sideways footprint, from as many samples along the view as the footprint is long.
Approximation: the road is the plane through the vehicle's foot with its slope; crests and bridges are not seen.
"""

import math

import numpy as np

from simulator.camera_bake import LEVELS, TILE
from world.camera_tags import Tag
from world.kernel import inline_kernel, kernel

_SKY, _TERRAIN = int(Tag.SKY), int(Tag.TERRAIN)
_TAPS = 4
_FAR = np.float32(1.0 / 600.0)  # [1/m] ground that is further away is haze
_HAZE = np.float32(1.0 / 900.0)  # [1/m] extinction of clear air
_ONE, _ZERO, _HALF = np.float32(1.0), np.float32(0.0), np.float32(0.5)
CLOUD_CELLS = 128  # of the table of clouds, which is square and seamless
HEAD_LAMP = np.float32(1.25)  # factor on colours that lie in the middle of the beam


@inline_kernel
def texel_at(texel, page, x, y, inverse, level, terrain):
    """Texel of the ground at (x, y), in texels of level 0 from the corner of the page, at a mipmap level."""
    ix, iy = np.int64(math.floor(x)), np.int64(math.floor(y))
    tx, ty = ix >> 8, iy >> 8
    if tx < 0 or ty < 0 or tx >= page.shape[0] or ty >= page.shape[1]:
        return terrain
    tile = page[tx, ty]
    if tile < 0:
        return terrain
    at = np.int64(0)
    for m in range(level):
        at += (TILE >> m) * (TILE >> m)
    side = TILE >> level
    total = np.int64(0)
    for m in range(LEVELS):
        total += (TILE >> m) * (TILE >> m)
    return texel[tile * total + at + ((iy & 255) >> level) * side + ((ix & 255) >> level)]


@inline_kernel
def head_lamp(camera, x, y):
    """Brightness of the vehicle's own lamps at a place on the ground, 0 to HEAD_LAMP."""
    c, s = math.cos(camera.ego_yaw), math.sin(camera.ego_yaw)
    dx, dy = x - camera.ego_x, y - camera.ego_y
    ahead, aside = c * dx + s * dy - np.float32(2.0), c * dy - s * dx
    if ahead < _ZERO:
        return _ZERO
    width = np.float32(1.5) + np.float32(0.35) * ahead
    beam = math.exp(-(aside * aside) / (width * width)) * math.exp(-ahead / np.float32(28.0))
    return np.float32(HEAD_LAMP * beam)


@inline_kernel
def pack_word(r, g, b, tag):
    """uint32 of a colour (0-255, clipped) and a class."""
    ri = np.uint32(min(max(r, _ZERO), np.float32(255.0)))
    gi = np.uint32(min(max(g, _ZERO), np.float32(255.0)))
    bi = np.uint32(min(max(b, _ZERO), np.float32(255.0)))
    return np.uint32(ri | (gi << np.uint32(8)) | (bi << np.uint32(16)) | (np.uint32(tag) << np.uint32(24)))


@kernel
def draw_ground(canvas, ground, clouds):
    """Fill every pixel with sky or ground.

    Args:
        canvas: Canvas. ground: Ground. clouds: float32 (CLOUD_CELLS, CLOUD_CELLS) of about unit range.
    """
    camera, light = canvas.camera[0], canvas.light[0]
    height, width = canvas.word.shape
    f = camera.f
    above = camera.z - camera.ground_z
    above -= camera.slope_x * (camera.x - camera.ego_x) + camera.slope_y * (camera.y - camera.ego_y)
    above = max(above, np.float32(0.05))
    # inverse depth = (fall . ray) / above with fall = (slope_x, slope_y, -1), for each of the camera's axes
    wu = (camera.slope_x * camera.rx[0] + camera.slope_y * camera.rx[1] - camera.rx[2]) / (above * f)
    wv = (camera.slope_x * camera.ry[0] + camera.slope_y * camera.ry[1] - camera.ry[2]) / (above * f)
    w0 = (camera.slope_x * camera.rz[0] + camera.slope_y * camera.rz[1] - camera.rz[2]) / above
    inverse = np.float32(1.0) / np.float32(ground.size)
    shade0 = light.ambient[0] + light.direct[0] * max(light.sun[2], _ZERO)
    shade1 = light.ambient[1] + light.direct[1] * max(light.sun[2], _ZERO)
    shade2 = light.ambient[2] + light.direct[2] * max(light.sun[2], _ZERO)
    damp = _ONE - np.float32(0.45) * light.wet
    for v in range(height):
        dv = (np.float32(v) - camera.cy) / f
        for u in range(width):
            du = (np.float32(u) - camera.cx) / f
            w = w0 + wu * (np.float32(u) - camera.cx) + wv * (np.float32(v) - camera.cy)
            dx = camera.rz[0] + du * camera.rx[0] + dv * camera.ry[0]
            dy = camera.rz[1] + du * camera.rx[1] + dv * camera.ry[1]
            canvas.instance[v, u] = 0
            if w < _FAR:
                dz = camera.rz[2] + du * camera.rx[2] + dv * camera.ry[2]
                canvas.word[v, u] = _sky(dx, dy, dz, light, clouds)
                canvas.inverse_depth[v, u] = _ZERO
                continue
            canvas.inverse_depth[v, u] = w
            t = _ONE / w
            foot = t / f * inverse  # [texels] sideways
            level = 0
            while level < LEVELS - 1 and foot > np.float32(1.5):
                foot *= _HALF
                level += 1
            along = t * t * wv * inverse * math.sqrt(dx * dx + dy * dy) / (1 << level)
            if along < _ZERO:
                along = -along
            px, py = (camera.x - np.float32(ground.x0)) * inverse, (camera.y - np.float32(ground.y0)) * inverse
            r, g, b, tag = _ZERO, _ZERO, _ZERO, np.uint32(0)
            if level == 0 and foot < np.float32(0.7):  # enlarged: between four texels
                fx, fy = px + t * dx * inverse - _HALF, py + t * dy * inverse - _HALF
                ux, uy = fx - math.floor(fx), fy - math.floor(fy)
                for k in range(4):
                    ox, oy = np.float32(k & 1), np.float32(k >> 1)
                    q = texel_at(ground.texel, ground.page, fx + ox, fy + oy, inverse, 0, ground.terrain)
                    weight = (ux if k & 1 else _ONE - ux) * (uy if k >> 1 else _ONE - uy)
                    r += weight * np.float32(q & 255)
                    g += weight * np.float32((q >> 8) & 255)
                    b += weight * np.float32((q >> 16) & 255)
                tag = np.uint32(
                    texel_at(ground.texel, ground.page, fx + _HALF, fy + _HALF, inverse, 0, ground.terrain) >> 24
                )
            else:
                taps = min(max(np.int64(along * np.float32(0.7) + _HALF), 1), _TAPS)
                part = _ONE / np.float32(taps)
                for k in range(taps):
                    tk = _ONE / (w + wv * ((np.float32(k) + _HALF) * part - _HALF))
                    q = texel_at(
                        ground.texel, ground.page, px + tk * dx * inverse, py + tk * dy * inverse, inverse, level,
                        ground.terrain,
                    )  # fmt: skip
                    r += part * np.float32(q & 255)
                    g += part * np.float32((q >> 8) & 255)
                    b += part * np.float32((q >> 16) & 255)
                    if k == taps // 2:
                        tag = np.uint32(q >> 24)
            k0, k1, k2 = shade0, shade1, shade2
            if light.night > _ZERO:
                lamp = light.night * head_lamp(camera, camera.x + t * dx, camera.y + t * dy)
                k0, k1, k2 = k0 + lamp, k1 + lamp * np.float32(0.97), k2 + lamp * np.float32(0.85)
            r, g, b = r * k0 * damp, g * k1 * damp, b * k2 * damp
            if light.wet > _ZERO and tag != _TERRAIN:  # a film of water shows the sky under flat angles
                cosine = above * w / math.sqrt(_ONE + du * du + dv * dv)
                mirror = _ONE - min(cosine, _ONE)
                mirror = light.wet * np.float32(0.75) * mirror * mirror * mirror * mirror
                r += mirror * (light.sky_low[0] - r)
                g += mirror * (light.sky_low[1] - g)
                b += mirror * (light.sky_low[2] - b)
            veil = _ONE - math.exp(-(light.fog + _HAZE) * t)
            r += veil * (light.fog_color[0] - r)
            g += veil * (light.fog_color[1] - g)
            b += veil * (light.fog_color[2] - b)
            canvas.word[v, u] = pack_word(r, g, b, tag)


@inline_kernel
def _sky(dx, dy, dz, light, clouds):
    """Word of the sky in a direction (not a unit vector)."""
    size = math.sqrt(dx * dx + dy * dy + dz * dz)
    rise = max(dz / size, _ZERO)
    up = math.sqrt(rise)
    r = light.sky_low[0] + (light.sky_top[0] - light.sky_low[0]) * up
    g = light.sky_low[1] + (light.sky_top[1] - light.sky_low[1]) * up
    b = light.sky_low[2] + (light.sky_top[2] - light.sky_low[2]) * up
    if light.fog < np.float32(0.01):
        far = np.float32(14.0) / (rise + np.float32(0.12))
        cx = np.int64(math.floor(dx / size * far)) & (CLOUD_CELLS - 1)
        cy = np.int64(math.floor(dy / size * far)) & (CLOUD_CELLS - 1)
        some = (clouds[cx, cy] + np.float32(1.6) * light.cloud - np.float32(0.45)) * min(
            rise * np.float32(8.0), _ONE
        )
        some = min(max(some, _ZERO), _ONE) * np.float32(0.8) * (_ONE - light.night)
        white = np.float32(235.0) - np.float32(80.0) * light.cloud
        r, g, b = r + some * (white - r), g + some * (white - g), b + some * (white - b)
    glow = (dx * light.sun[0] + dy * light.sun[1] + dz * light.sun[2]) / size
    if glow > np.float32(0.9) and light.direct[0] > _ZERO:
        glow = (glow - np.float32(0.9)) * np.float32(10.0)
        glow = glow * glow * glow * np.float32(120.0) * light.direct[0]
        r, g, b = r + glow, g + glow, b + glow * np.float32(0.8)
    return pack_word(r, g, b, _SKY)
