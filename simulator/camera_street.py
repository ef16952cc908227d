"""Street lamps: where they stand, how they look, and the light that they give at night.

A lamp lights a level place r [m] beside its foot by cos^4 of the angle at the lamp, (h^2 / (h^2 + r^2))^2 of what it
gives the place below, h [m] its height: the light falls off with the square of the way, lies flatter on the ground, and
the lamp throws less of it aside.
"""

import math

import numpy as np
from numpy.typing import NDArray

from simulator.camera_frame import STREET_LAMPS
from simulator.camera_parts import frustum
from simulator.camera_polygon import STREET_HIGH, ellipse, street_light
from world.camera_tags import Tag
from world.kernel import kernel
from world.kinds import LaneKind
from world.roadmap import RoadMap

LAMP_ROW = np.dtype(
    [
        ("x", "f4"), ("y", "f4"), ("z", "f4"),  # [m] foot of the pole
        ("yaw", "f4"),  # [rad] the way its arm reaches over the road
    ]
)  # fmt: skip
HEIGHT, ARM = math.sqrt(float(STREET_HIGH)), 1.6  # [m]
_APART, _FIRST = 30.0, 12.0  # [m] along a street, and from where it leaves a junction
_BESIDE, _FREE = 0.7, 0.35  # [m] from the lane's border; from the border of any lane that is driven on
_FASTEST = 70.0 / 3.6  # [m/s] limit of streets; there are none beside country roads and motorways
_DRIVEN = (LaneKind.DRIVING, LaneKind.BIDIRECTIONAL, LaneKind.BIKING, LaneKind.PARKING, LaneKind.SHOULDER)
_POLE = int(Tag.POLE)
_REACH = np.float32(26.0)  # [m] beyond which a lamp gives no light
_FAR = np.float32(110.0)  # [m] from the camera to lamps whose light is drawn
_ONE, _ZERO, _HALF = np.float32(1.0), np.float32(0.0), np.float32(0.5)


def stand_lamps(road_map: RoadMap) -> NDArray[np.void]:
    """(S,) LAMP_ROW beside the outer lanes of a map's streets, on both sides of the road."""
    m = road_map
    counts = np.diff(m.lane_start)
    driven = np.repeat(np.isin(m.lane_kind, [int(k) for k in _DRIVEN]), counts)
    points, half = m.point_xyz[driven, :2].astype(np.float64), 0.5 * m.point_width[driven]
    rows = []
    for lane in np.flatnonzero((m.lane_kind == LaneKind.DRIVING) & (m.lane_right < 0) & (m.lane_junction < 0)):
        first, last = int(m.lane_start[lane]), int(m.lane_start[lane + 1])
        if m.point_limit[first:last].max() > _FASTEST:
            continue
        for s in np.arange(_FIRST, float(m.lane_length[lane]) - 0.5 * _FIRST, _APART):
            at = first + min(round(s / float(m.lane_step[lane])), last - first - 1)
            (x, y, z), yaw = (float(v) for v in m.point_xyz[at]), float(m.point_heading[at])
            out = 0.5 * float(m.point_width[at]) + _BESIDE
            x, y = x + math.sin(yaw) * out, y - math.cos(yaw) * out
            if (np.hypot(points[:, 0] - x, points[:, 1] - y) > half + _FREE).all():
                rows.append((x, y, z, yaw + 0.5 * math.pi))
    return np.array(rows, LAMP_ROW)


@kernel
def gather_lamps(canvas, lamps):
    """Note the lamps whose light may be seen: the nearest, as far as there is room. Nothing by day."""
    camera, count = canvas.camera[0], 0
    if canvas.light[0].night > _ZERO:
        for n in range(len(lamps)):
            c, s = np.float32(math.cos(lamps[n].yaw)), np.float32(math.sin(lamps[n].yaw))
            x, y = lamps[n].x + np.float32(ARM) * c, lamps[n].y + np.float32(ARM) * s
            dx, dy = x - camera.x, y - camera.y
            away = dx * dx + dy * dy
            if away > _FAR * _FAR or dx * camera.rz[0] + dy * camera.rz[1] < -_REACH:
                continue
            k = min(count, STREET_LAMPS - 1)
            if count == STREET_LAMPS and canvas.street[k, 2] < away:
                continue
            while k > 0 and canvas.street[k - 1, 2] > away:
                for i in range(3):
                    canvas.street[k, i] = canvas.street[k - 1, i]
                k -= 1
            canvas.street[k, 0], canvas.street[k, 1], canvas.street[k, 2] = x, y, away
            count = min(count + 1, STREET_LAMPS)
    canvas.street_count[0] = count


@kernel
def shine_row(canvas, n, x0, y0, dx, dy, ddx, ddy, w0, wu):
    """Add the lamps' light to the glow of a row of ground.

    Args:
        n: pixels. x0, y0: [m] of the camera. dx, dy, ddx, ddy: [-] map frame a metre of depth, at pixel 0 and their
            change a pixel. w0, wu: [1/m] inverse depth, likewise.
    """
    glow = canvas.glow[:n]
    t0, t1 = _ONE / w0, _ONE / (w0 + wu * np.float32(n - 1))
    ax, ay = x0 + t0 * dx, y0 + t0 * dy  # a row of level ground is a line
    bx, by = x0 + t1 * (dx + np.float32(n - 1) * ddx), y0 + t1 * (dy + np.float32(n - 1) * ddy)
    size = max((bx - ax) * (bx - ax) + (by - ay) * (by - ay), np.float32(1e-6))
    for k in range(canvas.street_count[0]):
        lx, ly = canvas.street[k, 0], canvas.street[k, 1]
        part = min(max(((lx - ax) * (bx - ax) + (ly - ay) * (by - ay)) / size, _ZERO), _ONE)
        ox, oy = ax + part * (bx - ax) - lx, ay + part * (by - ay) - ly
        if ox * ox + oy * oy > _REACH * _REACH:
            continue
        px, py = x0 - lx, y0 - ly
        for i in range(n):
            u = np.float32(i)
            t = _ONE / (w0 + wu * u)
            glow[i] += street_light(px + t * (dx + u * ddx), py + t * (dy + u * ddy))


@kernel
def draw_street_lamp(canvas, lamp, depth):
    """Pole, arm and head; at night it glows. Args: lamp: LAMP_ROW. depth: [m] of its foot."""
    light, camera = canvas.light[0], canvas.camera[0]
    c, s = math.cos(lamp.yaw), math.sin(lamp.yaw)
    at, g, t = (float(lamp.x), float(lamp.y), float(lamp.z), c, s), 104.0, 0.06
    if 2.0 * t * camera.f > 0.3 * depth:  # a pole that is finer is hardly ever in a pixel's middle
        frustum(canvas, at, -t, t, -t, t, 0.0, HEIGHT, 0.0, 0.0, 0.0, g, g, g, 1.0, _POLE, 0)
        frustum(canvas, at, 0.0, ARM, -0.04, 0.04, HEIGHT - 0.08, HEIGHT, 0.0, 0.0, 0.0, g, g, g, 1.0, _POLE, 0)
        frustum(canvas, at, ARM - 0.3, ARM + 0.35, -0.13, 0.13, HEIGHT - 0.12, HEIGHT + 0.03, 0.05, 0.05, 0.03,
                g, g, g, 1.0, _POLE, 0)  # fmt: skip
    if light.night > 0.3:
        x, y = lamp.x + np.float32(ARM * c), lamp.y + np.float32(ARM * s)
        ellipse(canvas, x, y, lamp.z + np.float32(HEIGHT - 0.14), 0.24, 0.1, 255.0, 222.0, 168.0, _POLE, 0, True)
