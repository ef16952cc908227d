"""The `bev` observation of a Scene: a picture from above, the driver at a quarter of its height, looking up.

Channels of bytes: see BEV_CHANNELS. Past road users come from past Scenes: their boxes are kept in world coordinates
(`History`), by the pose that the driver believed in at the time, and drawn as seen from the present pose.
"""

import math
from typing import NamedTuple

import numpy as np

from agents.raster import draw_line, fill_quad
from agents.scene_pack import scene_at
from world.encode import cos_sin
from world.kernel import inline_kernel, kernel
from world.kinds import BodyKind, LightState, MarkKind
from world.pack import Pack, pack_reader
from world.records import SCENE_LANES, SCENE_OBJECTS, SCENE_ROUTE_POINTS, SCENE_ROUTE_STEP

BEV_CHANNELS = (
    "drivable", "route", "marks", "ahead",
    "vehicles", "vehicles 0.5 s ago", "vehicles 1 s ago", "walkers", "walkers 1 s ago",
)  # fmt: skip
LAGS = (0.5, 1.0)  # [s] of the past vehicles; walkers: the last
SOLID_LEVEL, BROKEN_LEVEL = 255, 128  # of the channel "marks"
RED_LEVEL, AMBER_LEVEL, GIVE_WAY_LEVEL, GREEN_LEVEL, CROSSWALK_LEVEL = 255, 204, 153, 102, 51  # of "ahead"
HISTORY = 24  # Scenes kept
SPACING = 0.045  # [s] at least between them, so that HISTORY of them reach back further than the last lag

_DRIVABLE, _ROUTE, _MARKS, _AHEAD, _VEHICLES, _VEHICLES_HALF, _VEHICLES_ONE, _WALKERS, _WALKERS_ONE = range(9)
_FULL, _NONE = np.uint8(255), np.uint8(0)
_SOLID, _BROKEN = np.uint8(SOLID_LEVEL), np.uint8(BROKEN_LEVEL)
_RED_BYTE, _AMBER_BYTE, _GREEN_BYTE = np.uint8(RED_LEVEL), np.uint8(AMBER_LEVEL), np.uint8(GREEN_LEVEL)
_GIVE_WAY_BYTE, _CROSSWALK_BYTE = np.uint8(GIVE_WAY_LEVEL), np.uint8(CROSSWALK_LEVEL)
_NO_MARK, _BROKEN_MARK = int(MarkKind.NONE), int(MarkKind.BROKEN)
_BROKEN_BROKEN, _DOTS = int(MarkKind.BROKEN_BROKEN), int(MarkKind.BOTTS_DOTS)
_OFF, _GREEN, _RED = int(LightState.OFF), int(LightState.GREEN), int(LightState.RED)
_PEDESTRIAN = int(BodyKind.PEDESTRIAN)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_TINY = np.float32(1e-6)
_STRAIGHT = np.float32(0.02**2)  # [m^2] square of how far a point of a straight piece may lie off it
_SAME_WIDTH = np.float32(0.02)  # [m]
_LEAST = np.float32(0.75)  # [px] half a side of what is drawn at least: any square of it holds a pixel's centre
_LINE = np.float32(0.5)  # [m] half the thickness of a stop line
_ROUTE_STEP = np.float32(SCENE_ROUTE_STEP)
_LAST_POINT = np.float32(SCENE_ROUTE_POINTS - 1)
_SAME_TIME = np.float32(1e-3)  # [s]
_HALF_LAG, _ONE_LAG, _SPACING = np.float32(LAGS[0]), np.float32(LAGS[1]), np.float32(SPACING)


class History(NamedTuple):
    """Road users of past Scenes, a ring of HISTORY a driver."""

    box: np.ndarray  # float32 (B, K, HISTORY, SCENE_OBJECTS, 7) x, y [m] world, cos, sin of yaw, length, width, walker
    count: np.ndarray  # int32 (B, K, HISTORY) boxes in it
    time: np.ndarray  # float32 (B, K, HISTORY) [s] since reset
    filled: np.ndarray  # int32 (B, K) entries in use
    newest: np.ndarray  # int32 (B, K) the last one written


def make_history(worlds: int, drivers: int) -> History:
    """Nothing seen yet."""
    shape = (worlds, drivers)
    return History(
        box=np.zeros((*shape, HISTORY, SCENE_OBJECTS, 7), np.float32),
        count=np.zeros((*shape, HISTORY), np.int32),
        time=np.zeros((*shape, HISTORY), np.float32),
        filled=np.zeros(shape, np.int32),
        newest=np.zeros(shape, np.int32),
    )


history_at = pack_reader(Pack(make_history(1, 1))._numba_type_)


class BevView(NamedTuple):
    """Where the ego frame's origin lies in the picture, and its scale. float32."""

    px_per_m: np.float32
    u0: np.float32  # [px] column of the driver's centre
    v0: np.float32  # [px] row of it


@inline_kernel
def _to_px(x, y, view):
    """(u, v) [px] of a point of the ego frame."""
    return view.u0 - y * view.px_per_m, view.v0 - x * view.px_per_m


@inline_kernel
def _band(b, k, x0, y0, nx0, ny0, x1, y1, nx1, ny1, channel, level, view, out):
    """Fill the piece of a band between two centre points; n reaches from the centre to the left border [m]."""
    u0, v0 = _to_px(x0 + nx0, y0 + ny0, view)
    u1, v1 = _to_px(x1 + nx1, y1 + ny1, view)
    u2, v2 = _to_px(x1 - nx1, y1 - ny1, view)
    u3, v3 = _to_px(x0 - nx0, y0 - ny0, view)
    fill_quad(out, b, k, channel, level, u0, v0, u1, v1, u2, v2, u3, v3)


@inline_kernel
def _border(dx, dy, half):
    """Vector of length `half` to the left of the direction (dx, dy)."""
    scale = half / np.float32(math.sqrt(max(dx * dx + dy * dy, _TINY)))
    return -dy * scale, dx * scale


@inline_kernel
def _mark_level(mark):
    if mark == _NO_MARK:
        return _NONE
    return _BROKEN if mark == _BROKEN_MARK or mark == _BROKEN_BROKEN or mark == _DOTS else _SOLID


@kernel
def _draw_marks(b, k, x0, y0, nx0, ny0, x1, y1, nx1, ny1, left, right, view, out):
    """Draw both borders of a piece of a lane."""
    if left > _NONE:
        u0, v0 = _to_px(x0 + nx0, y0 + ny0, view)
        u1, v1 = _to_px(x1 + nx1, y1 + ny1, view)
        draw_line(out, b, k, _MARKS, left, u0, v0, u1, v1)
    if right > _NONE:
        u0, v0 = _to_px(x0 - nx0, y0 - ny0, view)
        u1, v1 = _to_px(x1 - nx1, y1 - ny1, view)
        draw_line(out, b, k, _MARKS, right, u0, v0, u1, v1)


@inline_kernel
def _goes_on(dx, dy, half, x, y, own_half):
    """Whether a point at (x, y) from the start of a straight band of direction (dx, dy) lies on it, and is as wide."""
    off = dx * y - dy * x
    return off * off <= _STRAIGHT * (dx * dx + dy * dy) and abs(own_half - half) <= _SAME_WIDTH


@kernel
def _draw_way(b, k, n, way, channel, left, right, view, out):
    """Draw the band of way n and its borders, whatever is straight of it in one piece; left, right: their levels."""
    x0 = y0 = nx0 = ny0 = x1 = y1 = nx1 = ny1 = ux = uy = half = _ZERO  # first and last point of the piece
    points = 0  # of the piece
    size = way.xy.shape[3]
    for p in range(size + 1):
        there = p < size and way.point_valid[b, k, n, p]
        x = way.xy[b, k, n, p, 0] if there else _ZERO
        y = way.xy[b, k, n, p, 1] if there else _ZERO
        own_half = way.half_width[b, k, n, p] if there else _ZERO
        if points > 1 and not (there and _goes_on(ux, uy, half, x - x0, y - y0, own_half)):
            _band(b, k, x0, y0, nx0, ny0, x1, y1, nx1, ny1, channel, _FULL, view, out)
            _draw_marks(b, k, x0, y0, nx0, ny0, x1, y1, nx1, ny1, left, right, view, out)
            x0, y0, nx0, ny0, points = x1, y1, nx1, ny1, 1
        if not there:
            points = 0
            continue
        after = p + 1 < size and way.point_valid[b, k, n, p + 1]
        dx = (way.xy[b, k, n, p + 1, 0] if after else x) - (x1 if points > 0 else x)
        dy = (way.xy[b, k, n, p + 1, 1] if after else y) - (y1 if points > 0 else y)
        nx1, ny1 = _border(dx, dy, own_half)
        x1, y1, points = x, y, points + 1
        if points == 1:
            x0, y0, nx0, ny0 = x1, y1, nx1, ny1
        elif points == 2:
            ux, uy, half = x1 - x0, y1 - y0, own_half  # a bend is held against how the piece began


@kernel
def _route_at(b, k, s, route):
    """(x, y, half_width, there) of the route `s` [m] ahead of the foot point, straight between its points."""
    u = max(s, _ZERO) / _ROUTE_STEP
    if not u <= _LAST_POINT:
        return _ZERO, _ZERO, _ZERO, False
    i = min(np.int64(u), np.int64(SCENE_ROUTE_POINTS - 2))
    if not (route.valid[b, k, i] and route.valid[b, k, i + 1]):
        return _ZERO, _ZERO, _ZERO, False
    t = u - np.float32(i)
    x = route.xy[b, k, i, 0] + t * (route.xy[b, k, i + 1, 0] - route.xy[b, k, i, 0])
    y = route.xy[b, k, i, 1] + t * (route.xy[b, k, i + 1, 1] - route.xy[b, k, i, 1])
    return x, y, route.half_width[b, k, i], True


@kernel
def _draw_across(b, k, s0, s1, level, route, view, out):
    """Draw a bar across the route from s0 to s1 [m] ahead of the foot point."""
    x0, y0, half, there = _route_at(b, k, s0, route)
    x1, y1, _, there_too = _route_at(b, k, s1, route)
    if there and there_too and s1 > s0:
        nx, ny = _border(x1 - x0, y1 - y0, half)
        _band(b, k, x0, y0, nx, ny, x1, y1, nx, ny, _AHEAD, level, view, out)


@kernel
def _draw_ahead(b, k, front, ahead, route, view, out):
    """Draw what the route meets next; front [m]: from the driver's centre to its bumper."""
    if ahead.crosswalk_valid[b, k]:
        at = front + ahead.crosswalk_distance[b, k]
        _draw_across(b, k, at, at + ahead.crosswalk_length[b, k], _CROSSWALK_BYTE, route, view, out)
    if ahead.yield_valid[b, k]:
        at = front + ahead.yield_distance[b, k]
        _draw_across(b, k, at - _LINE, at + _LINE, _GIVE_WAY_BYTE, route, view, out)
    if ahead.light_valid[b, k] and ahead.light_state[b, k] != _OFF:
        at, state = front + ahead.light_distance[b, k], ahead.light_state[b, k]
        level = _GREEN_BYTE if state == _GREEN else (_RED_BYTE if state == _RED else _AMBER_BYTE)
        _draw_across(b, k, at - _LINE, at + _LINE, level, route, view, out)
    if ahead.stop_valid[b, k]:
        at = front + ahead.stop_distance[b, k]
        _draw_across(b, k, at - _LINE, at + _LINE, _RED_BYTE, route, view, out)


@kernel
def _draw_box(b, k, x, y, c, s, length, width, channel, view, out):
    """Fill a road user's box, ego frame, at least 1.5 px to a side."""
    least = _LEAST / view.px_per_m
    half_length, half_width = max(_HALF * length, least), max(_HALF * width, least)
    lx, ly, wx, wy = half_length * c, half_length * s, -half_width * s, half_width * c
    _band(b, k, x - lx, y - ly, wx, wy, x + lx, y + ly, wx, wy, channel, _FULL, view, out)


@kernel
def _draw_objects(b, k, objects, view, out):
    for n in range(SCENE_OBJECTS):
        if objects.valid[b, k, n]:
            c, s = cos_sin(objects.yaw[b, k, n])
            channel = _WALKERS if objects.kind[b, k, n] == _PEDESTRIAN else _VEHICLES
            x, y = objects.xy[b, k, n, 0], objects.xy[b, k, n, 1]
            _draw_box(b, k, x, y, c, s, objects.size[b, k, n, 0], objects.size[b, k, n, 1], channel, view, out)


@kernel
def _entry_before(b, k, time, history):
    """The latest entry of the ring that is of `time` [s] or earlier, -1 where none is."""
    for back in range(history.filled[b, k]):
        i = (history.newest[b, k] - back + HISTORY) % HISTORY
        if history.time[b, k, i] <= time + _SAME_TIME:
            return i
    return -1


@kernel
def _draw_past(b, k, entry, px, py, c, s, vehicles, walkers, history, view, out):
    """Draw an entry's boxes as seen from the pose (px, py, cos, sin); a channel of -1 is left out."""
    if entry < 0:
        return
    box = history.box
    for n in range(history.count[b, k, entry]):
        channel = walkers if box[b, k, entry, n, 6] > _HALF else vehicles
        if channel < 0:
            continue
        dx, dy = box[b, k, entry, n, 0] - px, box[b, k, entry, n, 1] - py
        bc, bs = box[b, k, entry, n, 2], box[b, k, entry, n, 3]
        _draw_box(
            b, k, dx * c + dy * s, dy * c - dx * s, bc * c + bs * s, bs * c - bc * s,
            box[b, k, entry, n, 4], box[b, k, entry, n, 5], channel, view, out,
        )  # fmt: skip


@kernel
def _remember(b, k, time, px, py, c, s, objects, history):
    """Write the road users of the present Scene into the ring, unless the last entry is hardly older."""
    if history.filled[b, k] > 0 and time - history.time[b, k, history.newest[b, k]] < _SPACING:
        return
    entry = (history.newest[b, k] + 1) % HISTORY
    box, count = history.box, 0
    for n in range(SCENE_OBJECTS):
        if objects.valid[b, k, n]:
            x, y = objects.xy[b, k, n, 0], objects.xy[b, k, n, 1]
            oc, os = cos_sin(objects.yaw[b, k, n])
            box[b, k, entry, count, 0], box[b, k, entry, count, 1] = px + x * c - y * s, py + x * s + y * c
            box[b, k, entry, count, 2], box[b, k, entry, count, 3] = oc * c - os * s, os * c + oc * s
            box[b, k, entry, count, 4] = objects.size[b, k, n, 0]
            box[b, k, entry, count, 5] = objects.size[b, k, n, 1]
            box[b, k, entry, count, 6] = _ONE if objects.kind[b, k, n] == _PEDESTRIAN else _ZERO
            count += 1
    history.count[b, k, entry], history.time[b, k, entry] = count, time
    history.newest[b, k] = entry
    history.filled[b, k] = min(history.filled[b, k] + 1, HISTORY)


@kernel
def _clear(b, k, out):
    for channel in range(out.shape[2]):
        for row in range(out.shape[3]):
            for column in range(out.shape[4]):
                out[b, k, channel, row, column] = _NONE


@kernel
def encode_bev_one(b, k, scene, history, view, out):
    """Draw the picture of driver k of world b; black where it takes no part."""
    _clear(b, k, out)
    if not scene.active[b, k]:
        history.filled[b, k] = 0
        return
    time = scene.time[b, k]
    if history.filled[b, k] > 0 and time < history.time[b, k, history.newest[b, k]]:
        history.filled[b, k] = 0  # another episode, or an earlier moment of this one
    lanes, pose = scene.lanes, scene.ego.pose
    for n in range(SCENE_LANES):
        if lanes.valid[b, k, n]:
            left, right = _mark_level(lanes.mark_left[b, k, n]), _mark_level(lanes.mark_right[b, k, n])
            _draw_way(b, k, n, lanes, _DRIVABLE, left, right, view, out)
    _draw_way(b, k, 0, scene.route_way, _ROUTE, _NONE, _NONE, view, out)
    _draw_ahead(b, k, _HALF * scene.ego.size[b, k, 0], scene.ahead, scene.route, view, out)
    _draw_objects(b, k, scene.objects, view, out)
    px, py = pose[b, k, 0], pose[b, k, 1]
    c, s = cos_sin(pose[b, k, 2])
    half = _entry_before(b, k, time - _HALF_LAG, history)
    _draw_past(b, k, half, px, py, c, s, _VEHICLES_HALF, -1, history, view, out)
    one = _entry_before(b, k, time - _ONE_LAG, history)
    _draw_past(b, k, one, px, py, c, s, _VEHICLES_ONE, _WALKERS_ONE, history, view, out)
    _remember(b, k, time, px, py, c, s, scene.objects, history)


@kernel
def encode_bev(address, history_address, px_per_m, u0, v0, first, last, out):
    """Draw out uint8 (B, K, C, H, W) from the packed Scene and the packed History at the addresses."""
    scene, history = scene_at(address), history_at(history_address)
    view = BevView(np.float32(px_per_m), np.float32(u0), np.float32(v0))
    for b in range(first, last):
        for k in range(out.shape[1]):
            encode_bev_one(b, k, scene, history, view, out)
