"""Passing something that stands in the lane without a reason: when, where, and how far to the side."""

import math

from planning.path import PATH_POINTS, PATH_STEP
from planning.rules import FAR
from world.kernel import kernel

_STANDS = 0.3  # [m/s]
_QUEUE_GAP = 15.0  # [m] somebody slow this close ahead of it: a queue, not an obstacle
_LINE_REACH = 30.0  # [m] before a light, stop or give-way line a standing car has a reason
_AFTER = 4.0  # [m] beyond it before the way back
_TAIL = 3.0  # [m] the ramp may reach past the obstacle's rear corner
_MIN_RAMP = 7.0  # [m]
_EARLY_GAP = 7.5  # [m] distance to keep from something that stands, so that one can still steer around it


@kernel
def find_obstacle(b, k, view, occ, half):
    """Row of the nearest thing that stands on the path ahead without a visible reason, -1 if there is none."""
    best, low = -1, FAR
    for e in range(occ.count[0]):
        if occ.first[e] == 0 and occ.low[e, 0] > 0.5 * half and occ.low[e, 0] < low:
            best, low = e, occ.low[e, 0]
    if best < 0 or occ.walker[best]:
        return -1
    o = occ.source[best]
    if math.hypot(view.object_velocity[b, k, o, 0], view.object_velocity[b, k, o, 1]) > _STANDS:
        return -1
    end = occ.high[best, 0]
    for e in range(occ.count[0]):
        if occ.first[e] == 0 and e != best and occ.source[e] != o and end - 1.0 < occ.low[e, 0] < end + _QUEUE_GAP:
            return -1
    line = FAR
    if view.light_valid[b, k]:
        line = min(line, float(view.light_distance[b, k]))
    if view.stop_valid[b, k]:
        line = min(line, float(view.stop_distance[b, k]))
    if view.yield_valid[b, k]:
        line = min(line, float(view.yield_distance[b, k]))
    if line + half > low and line + half - end < _LINE_REACH:
        return -1
    return best


@kernel
def watch_obstacle(b, k, view, occ, memory, row, dt):
    """Count the time [s] for which the same obstacle has stood."""
    track = view.object_track[b, k, occ.source[row]] if row >= 0 else -1
    if row < 0 or track != memory.obstacle[b, k]:
        memory.obstacle[b, k], memory.obstacle_time[b, k] = track, 0.0
    else:
        memory.obstacle_time[b, k] += dt


@kernel
def stop_behind(occ, row, half):
    """Path coordinate [m] to stand at behind an obstacle so that it can still be passed."""
    return FAR if row < 0 else occ.low[row, 0] - half - _EARLY_GAP


@kernel
def pass_shape(b, k, view, path, occ, row, own_half_width, half, config):
    """(start, end, ramp, offset) [m] of the shift that clears the obstacle on its left; ramp 0 where there is no room.

    The shift is full from `start` to `end` (path coordinates of the box centre).
    """
    o = occ.source[row]
    x, y = float(view.object_xy[b, k, o, 0]), float(view.object_xy[b, k, o, 1])
    p = int(min(max(0.5 * (occ.low[row, 0] + occ.high[row, 0]) / PATH_STEP, 0.0), PATH_POINTS - 1.0))
    across = math.cos(path.yaw[p]) * (y - path.y[p]) - math.sin(path.yaw[p]) * (x - path.x[p])
    turn = float(view.object_yaw[b, k, o]) - path.yaw[p]
    length, width = view.object_size[b, k, o, 0], view.object_size[b, k, o, 1]
    reach = 0.5 * (abs(math.cos(turn)) * width + abs(math.sin(turn)) * length)
    offset = across + reach + config.pass_gap + own_half_width
    start = occ.low[row, 0] - half + _TAIL
    ramp = min(start, config.pass_ramp)
    if ramp < _MIN_RAMP or offset <= 0.3:
        return 0.0, 0.0, 0.0, 0.0
    return start, occ.high[row, 0] + half + _AFTER - _TAIL, ramp, offset
