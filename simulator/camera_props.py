"""What stands beside the road, as pictures show it: buildings, trees, traffic lights, signs and their poles."""

import math

import numpy as np

from simulator.camera_color import HAZE, blue, decay, green, pack_word, red
from simulator.camera_frame import BUILDING0, LIGHT0, TREE0
from simulator.camera_parts import face, frustum, mix
from simulator.camera_polygon import (
    ellipse,
    lamp_at,
    own_lamp_at,
    place,
    ray_of,
    rows_of,
    set_corner,
    shading,
    span_of,
    veiled,
)
from world.camera_tags import Tag
from world.kernel import kernel
from world.kinds import LightState

_BUILDING, _VEGETATION, _POLE = int(Tag.BUILDING), int(Tag.VEGETATION), int(Tag.POLE)
_LIGHT, _SIGN = int(Tag.TRAFFIC_LIGHT), int(Tag.TRAFFIC_SIGN)
_RED, _RED_AMBER, _GREEN, _AMBER = (
    int(LightState.RED), int(LightState.RED_AMBER), int(LightState.GREEN), int(LightState.AMBER)
)  # fmt: skip
_ONE, _ZERO, _HALF = 1.0, 0.0, 0.5
WALL = np.array(
    [
        (176, 158, 136), (150, 92, 72), (196, 190, 176), (128, 128, 132), (206, 196, 160), (160, 120, 96),
        (104, 110, 122), (214, 208, 200),
    ],
    np.float64,
)  # fmt: skip
LAMP = 0.11  # [m] radius of a traffic light's lamp
HEAD_WIDTH, HEAD_HEIGHT, HEAD_DEPTH = 0.36, 0.98, 0.22  # [m]
HEAD_BACK = 0.34  # [m] from the face to the middle of what holds it
MIPS = (64, 32, 16, 8)  # [px] sizes of a sign's face in the atlas
MIP_START = (0, 4096, 5120, 5376)
FACE_TEXELS = 5440


@kernel
def draw_building(canvas, tables, i, index):
    """Walls of building i of the tables; `index` within the map."""
    row, light, camera = tables.buildings[i], canvas.light[0], canvas.camera[0]
    h = mix(light.seed, index, 77)
    wall = np.int64(h % np.uint32(8))
    n = row.corner1 - row.corner0
    for k in range(n):
        p, q = tables.corners[row.corner0 + k], tables.corners[row.corner0 + (k + 1 if k + 1 < n else 0)]
        turned = (camera.x - p.x) * (q.y - p.y) - (camera.y - p.y) * (q.x - p.x)
        if turned < np.float32(-0.01):  # its back is to the camera
            continue
        low = min(p.z, q.z)
        set_corner(canvas, 0, p.x, p.y, low)
        set_corner(canvas, 1, q.x, q.y, low)
        set_corner(canvas, 2, q.x, q.y, low + row.height)
        set_corner(canvas, 3, p.x, p.y, low + row.height)
        _fill_wall(canvas, WALL[wall, 0], WALL[wall, 1], WALL[wall, 2], BUILDING0 + index % (TREE0 - BUILDING0), h)


@kernel
def _fill_wall(canvas, r, g, b, instance, h):
    """The upright quad in canvas.corner, with a grid of windows that fades where it is too fine for the picture."""
    m, wa, wb, wc, _, facing = place(canvas, 4, False)
    if m == 0:
        return
    camera, light, q = canvas.camera[0], canvas.light[0], canvas.corner
    k0, k1, k2 = shading(canvas, np.float32(facing))
    ax, ay = q[1, 0] - q[0, 0], q[1, 1] - q[0, 1]
    size = max(np.float32(math.sqrt(ax * ax + ay * ay)), 0.1)
    ax, ay = ax / size, ay / size
    bay = 2.4 + 0.3 * np.float32((h >> np.uint32(4)) % np.uint32(5))
    storey = 2.9 + 0.15 * np.float32((h >> np.uint32(7)) % np.uint32(4))
    wide = 0.35 + 0.05 * np.float32((h >> np.uint32(10)) % np.uint32(5))
    px, py, pz = camera.x - q[0, 0], camera.y - q[0, 1], camera.z - q[0, 2]
    by_day, air, reach = light.night == _ZERO, light.fog + HAZE, np.float32(wide * _HALF + 0.08)
    colour, lit = (np.float32(r), np.float32(g), np.float32(b)), (k0, k1, k2)
    fog = light.fog_color[0], light.fog_color[1], light.fog_color[2]
    bx, by, floor = np.float32(ax / bay), np.float32(ay / bay), np.float32(storey)
    along0, up0 = px * bx + py * by, pz / floor
    along_u, up_u = (camera.rx[0] * bx + camera.rx[1] * by) / camera.f, camera.rx[2] / (camera.f * floor)
    along_v, up_v = (camera.ry[0] * bx + camera.ry[1] * by) / camera.f, camera.ry[2] / (camera.f * floor)
    along_t = camera.rz[0] * bx + camera.rz[1] * by - camera.cx * along_u - camera.cy * along_v
    up_t = camera.rz[2] / floor - camera.cx * up_u - camera.cy * up_v
    height, width = canvas.word.shape
    v0, v1 = rows_of(canvas.screen, m, height)
    for v in range(v0, v1):
        u0, u1 = span_of(canvas.screen, m, v, width)
        base = wb * np.float32(v) + wc
        if by_day:
            while u0 < u1 and base + wa * np.float32(u0) <= canvas.inverse_depth[v, u0]:  # hidden by what is nearer
                u0 += 1
            while u0 < u1 and base + wa * np.float32(u1 - 1) <= canvas.inverse_depth[v, u1 - 1]:
                u1 -= 1
            if u1 > u0:
                x, y = np.float32(u0), np.float32(v)
                _wall_row(
                    canvas.word[v][u0:u1], canvas.inverse_depth[v][u0:u1], canvas.instance[v][u0:u1], instance,
                    base + wa * x, wa, along0, along_t + x * along_u + y * along_v, along_u, up0,
                    up_t + x * up_u + y * up_v, up_u, reach, camera.f, air, colour, lit, fog,
                )  # fmt: skip
            continue
        for u in range(u0, u1):
            w = wa * np.float32(u) + base
            if w <= canvas.inverse_depth[v, u]:
                continue
            t = _ONE / w
            dx, dy, dz = ray_of(camera, u, v)
            along = (px + t * dx) * ax + (py + t * dy) * ay
            up = pz + t * dz
            fade = min(max(_ONE - (t / camera.f - 0.12) * 2.2, 0.0), _ONE)
            along, up = along / bay, up / storey
            room = mix(h, np.int64(math.floor(along)), np.int64(math.floor(up)))
            along, up = along - math.floor(along), up - math.floor(up)
            cr, cg, cb, glow = r, g, b, _ZERO
            if abs(along - _HALF) < wide * _HALF + 0.08 and 0.28 < up < 0.82:
                cr, cg, cb = r + fade * (52 - r), g + fade * (60 - g), b + fade * (72 - b)
                if light.night > _ZERO and room % np.uint32(3) == np.uint32(0):
                    glow = light.night * fade * 170.0
            lamp = _ZERO
            if light.night > _ZERO:
                lamp = lamp_at(canvas, q[0, 0] + ax * along, q[0, 1] + ay * along) * 0.5
            canvas.inverse_depth[v, u] = w
            canvas.word[v, u] = veiled(
                canvas, cr * (k0 + lamp) + glow, cg * (k1 + lamp) + glow * 0.85,
                cb * (k2 + lamp) + glow * 0.55, t, _BUILDING,
            )  # fmt: skip
            canvas.instance[v, u] = instance


@kernel
def _wall_row(words, depths, instances, instance, w0, wu, along0, along_t, along_u, up0, up_t, up_u, reach, f, air,
              colour, lit, fog):  # fmt: skip
    """A row of a wall by day, without branches, so that it becomes vectors.

    Args:
        words, depths, instances: of the row. w0, wu: [1/m] inverse depth at pixel 0, and its change a pixel.
        along0, up0: where the camera stands, in bays and storeys. along_t, up_t, along_u, up_u: what a metre of depth
            adds at pixel 0, and the change of that a pixel. reach: half the width of a window. f: [px].
        air: [1/m] extinction. colour, lit, fog: RGB of the wall, of the light and of the fog.
    """
    one, zero, half, thing = np.float32(1.0), np.float32(0.0), np.float32(0.5), np.uint16(instance)
    r0, g0, b0 = np.float32(52.0) - colour[0], np.float32(60.0) - colour[1], np.float32(72.0) - colour[2]
    for i in range(len(words)):
        u = np.float32(i)
        w = w0 + wu * u
        t = one / max(w, np.float32(1e-4))
        along, up = along0 + t * (along_t + u * along_u), up0 + t * (up_t + u * up_u)
        along, up = along - np.float32(np.int32(along)), up - np.float32(np.int32(up))
        along, up = (along + one if along < zero else along), (up + one if up < zero else up)
        fade = min(max(one - (t / f - np.float32(0.12)) * np.float32(2.2), zero), one)
        inside = abs(along - half) < reach and abs(up - np.float32(0.55)) < np.float32(0.27)
        fade = fade if inside else zero
        clear = decay(air * t)
        r = fog[0] + clear * ((colour[0] + fade * r0) * lit[0] - fog[0])
        g = fog[1] + clear * ((colour[1] + fade * g0) * lit[1] - fog[1])
        b = fog[2] + clear * ((colour[2] + fade * b0) * lit[2] - fog[2])
        word, front = pack_word(r, g, b, _BUILDING), w > depths[i]
        words[i] = word if front else words[i]
        instances[i] = thing if front else instances[i]
        depths[i] = w if front else depths[i]


@kernel
def draw_tree(canvas, row, index, depth):
    """Trunk and crown of a tree."""
    camera, light = canvas.camera[0], canvas.light[0]
    h = mix(light.seed, index, 31)
    instance = TREE0 + index % 16384
    trunk = row.height * 0.35
    at = (float(row.x), float(row.y), float(row.z), _ONE, _ZERO)
    t = 0.16
    frustum(canvas, at, -t, t, -t, t, _ZERO, trunk, _ZERO, _ZERO, _ZERO, 84.0, 66.0, 48.0, _ONE, _VEGETATION, instance)
    green = 62.0 + 10.0 * (h % np.uint32(5))
    blobs = 7 if row.height * camera.f / depth > 24 else 3
    for k in range(blobs):
        g = mix(h, k, 5)
        u = np.float32(g & np.uint32(255)) / 255.0 - _HALF
        v = np.float32((g >> np.uint32(8)) & np.uint32(255)) / 255.0 - _HALF
        size = row.radius * (0.55 + 0.2 * np.float32((g >> np.uint32(16)) & np.uint32(1)))
        shade = 0.75 + 0.45 * np.float32((g >> np.uint32(17)) & np.uint32(7)) / 7.0
        x, y = row.x + u * row.radius, row.y + v * row.radius
        z = row.z + trunk + (row.height - trunk) * (0.5 + u * 0.6)
        r, g, b = (44.0 + 0.3 * green) * shade, green * shade, (34.0 + 0.2 * green) * shade
        ellipse(canvas, x, y, z, size, size * 1.15, r, g, b,
                _VEGETATION, instance, False)  # fmt: skip


@kernel
def draw_pole(canvas, x, y, z0, z1, thick, grey, tag, instance):
    """An upright pole."""
    at = (float(x), float(y), 0.0, _ONE, _ZERO)
    t, g = float(thick), float(grey)
    frustum(canvas, at, -t, t, -t, t, float(z0), float(z1), _ZERO, _ZERO, _ZERO, g, g, g, _ONE, tag, instance)


@kernel
def draw_light(canvas, x, y, z, yaw, pole_x, pole_y, ground_z, state, index):
    """A traffic light head that looks along yaw, its arm and its pole. Args: x, y, z: [m] centre of the head."""
    light, camera = canvas.light[0], canvas.camera[0]
    c, s = math.cos(yaw), math.sin(yaw)
    at = (float(x), float(y), float(z), c, s)
    instance = LIGHT0 + index
    w, h, d = _HALF * HEAD_WIDTH, _HALF * HEAD_HEIGHT, HEAD_DEPTH
    style = mix(light.seed, index, 91)
    grey = 24.0 if style % np.uint32(3) else 52.0
    if (style >> np.uint32(3)) % np.uint32(2):  # a plate behind it, as in many countries
        p = 0.14
        face(canvas, at, -0.02, -w - p, -h - p, -0.02, w + p, -h - p, -0.02, w + p, h + p, -0.02, -w - p, h + p,
             20.0, 20.0, 22.0, _LIGHT, instance, False, True)  # fmt: skip
    frustum(canvas, at, -d, _ZERO, -w, w, -h, h, _ZERO, _ZERO, _ZERO, grey, grey, grey, _ONE, _LIGHT, instance)
    hold = (at[0] - HEAD_BACK * c, at[1] - HEAD_BACK * s, at[2] + _HALF * HEAD_HEIGHT, c, s)
    draw_pole(canvas, pole_x, pole_y, ground_z, hold[2], 0.08, 92.0, _POLE, 0)
    _arm(canvas, hold, pole_x, pole_y)
    fx, fy = camera.x - at[0], camera.y - at[1]
    away = max(math.sqrt(fx * fx + fy * fy), 0.1)
    turn = (fx * c + fy * s) / away  # cosine of the angle under which the face is seen
    if turn < 0.08:
        return
    for k in range(3):
        up = (1 - k) * 0.31
        lit = (k == 0 and (state == _RED or state == _RED_AMBER)) or (
            k == 1 and (state == _AMBER or state == _RED_AMBER)
        )
        lit = lit or (k == 2 and state == _GREEN)
        r, g, b = 46.0, 20.0, 18.0
        if k == 1:
            r, g, b = 46.0, 38.0, 16.0
        elif k == 2:
            r, g, b = 16.0, 42.0, 30.0
        if lit:
            r, g, b = 255.0, 48.0, 36.0
            if k == 1:
                r, g, b = 255.0, 176.0, 30.0
            elif k == 2:
                r, g, b = 40.0, 255.0, 150.0
        px, py = at[0] + c * 0.02, at[1] + s * 0.02
        if lit and light.night > 0.3:
            ellipse(canvas, px, py, at[2] + up, LAMP * 1.9, LAMP * 1.9, r * 0.35,
                    g * 0.35, b * 0.35, _LIGHT, instance, True)  # fmt: skip
            px, py = px + c * 0.02, py + s * 0.02
        ellipse(canvas, px, py, at[2] + up, LAMP * turn, LAMP, r, g, b, _LIGHT, instance, lit)


@kernel
def _arm(canvas, at, pole_x, pole_y):
    """A beam from a pole over the head to what holds it from behind, where they are apart."""
    dx, dy = at[0] - pole_x, at[1] - pole_y
    size = math.sqrt(dx * dx + dy * dy)
    if size < 0.3:
        return
    beam = (float(pole_x), float(pole_y), at[2], dx / size, dy / size)
    t, g = 0.05, 92.0
    frustum(canvas, beam, _ZERO, size, -t, t, _ZERO, 0.1, _ZERO, _ZERO, _ZERO, g, g, g, _ONE, _POLE, 0)


@kernel
def draw_sign(canvas, atlas, row, instance):
    """A sign board with its face, its grey back and its pole. Args: row: of SIGN_ROW."""
    c, s, half = np.float32(math.cos(row.yaw)), np.float32(math.sin(row.yaw)), _HALF * row.size
    draw_pole(canvas, row.x - c * 0.05, row.y - s * 0.05, row.ground_z, row.z, 0.035, 120.0, _POLE, 0)
    ct, st = np.float32(math.cos(row.tilt)), np.float32(math.sin(row.tilt))
    for i in range(4):  # seen from the front: left low, right low, right high, left high
        u = half if i == 0 or i == 3 else -half  # to the left of the way that the face looks is the viewer's right
        v = -half if i < 2 else half
        u, v = -(u * ct - v * st), u * st + v * ct
        set_corner(canvas, i, row.x - s * u, row.y + c * u, row.z + v)
    _fill_face(canvas, atlas, row.face, row.dirt, instance)


@kernel
def _fill_face(canvas, atlas, sign, dirt, instance):
    """The quad in canvas.corner with a sign's face on it; grey from behind; transparent outside of its outline."""
    m, wa, wb, wc, near, facing = place(canvas, 4, True)
    if m == 0:
        return
    camera, q = canvas.camera[0], canvas.corner
    k0, k1, k2 = shading(canvas, np.float32(facing))
    own = own_lamp_at(canvas, q[0, 0], q[0, 1])
    lamp = lamp_at(canvas, q[0, 0], q[0, 1]) + 1.2 * own  # signs throw light back to where it comes from
    k0, k1, k2 = (k0 + lamp) * dirt, (k1 + lamp) * dirt, (k2 + lamp) * dirt
    ax, ay, az = q[1, 0] - q[0, 0], q[1, 1] - q[0, 1], q[1, 2] - q[0, 2]
    bx, by, bz = q[3, 0] - q[0, 0], q[3, 1] - q[0, 1], q[3, 2] - q[0, 2]
    area = max(ax * ax + ay * ay + az * az, np.float32(1e-6))
    pixels, mip = np.float32(math.sqrt(area)) * camera.f / near, 0
    while mip < 3 and pixels < np.float32(MIPS[mip] * 0.6):
        mip += 1
    side = MIPS[mip]
    start = sign * FACE_TEXELS + MIP_START[mip]
    px, py, pz = camera.x - q[0, 0], camera.y - q[0, 1], camera.z - q[0, 2]
    height, width = canvas.word.shape
    v0, v1 = rows_of(canvas.screen, m, height)
    for v in range(v0, v1):
        u0, u1 = span_of(canvas.screen, m, v, width)
        base = wb * np.float32(v) + wc
        for u in range(u0, u1):
            w = wa * np.float32(u) + base
            if w <= canvas.inverse_depth[v, u]:
                continue
            t = _ONE / w
            dx, dy, dz = ray_of(camera, u, v)
            x, y, z = px + t * dx, py + t * dy, pz + t * dz
            i = np.int64(min(max((x * ax + y * ay + z * az) / area, _ZERO), 0.999) * side)
            j = np.int64(min(max((x * bx + y * by + z * bz) / area, _ZERO), 0.999) * side)
            texel = atlas[start + (side - 1 - j) * side + i]
            if (texel >> np.uint32(24)) < np.uint32(110):
                continue
            r, g, b = 128.0, 130.0, 134.0
            if facing > 0:
                r, g, b = red(texel), green(texel), blue(texel)
            canvas.inverse_depth[v, u] = w
            canvas.word[v, u] = veiled(canvas, r * k0, g * k1, b * k2, t, _SIGN)
            canvas.instance[v, u] = instance
