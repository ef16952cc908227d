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
_EARLY_GAP = 9.0  # [m] distance to keep from something that stands, so that one can still steer around it


@kernel
def find_obstacle(me, objects, occ, half):
    """Row of the nearest thing that stands on the path ahead without a visible reason, -1 if there is none."""
    best, low = -1, FAR
    for e in range(occ.count[0]):
        if occ.entry[e].first == 0 and occ.cell[e, 0].low > 0.5 * half and occ.cell[e, 0].low < low:
            best, low = e, occ.cell[e, 0].low
    if best < 0 or occ.entry[best].walker:
        return -1
    o = occ.entry[best].source
    if math.hypot(objects[o].vx, objects[o].vy) > _STANDS:
        return -1
    end = occ.cell[best, 0].high
    for e in range(occ.count[0]):
        other = occ.entry[e].first == 0 and occ.entry[e].source != o
        if other and end - 1.0 < occ.cell[e, 0].low < end + _QUEUE_GAP:
            return -1
    line = FAR
    if me.light_valid:
        line = min(line, me.light_distance)
    if me.stop_valid:
        line = min(line, me.stop_distance)
    if me.yield_valid:
        line = min(line, me.yield_distance)
    if line + half > low and line + half - end < _LINE_REACH:
        return -1
    return best


@kernel
def watch_obstacle(objects, occ, memory, row, dt):
    """Count the time [s] for which the same obstacle has stood."""
    track = objects[occ.entry[row].source].track if row >= 0 else -1
    if row < 0 or track != memory.obstacle:
        memory.obstacle, memory.obstacle_time = track, 0.0
    else:
        memory.obstacle_time += dt


@kernel
def stop_behind(occ, row, half, speed, brake):
    """Path coordinate [m] to stand at behind an obstacle so that it can still be passed.

    FAR where the deceleration `brake` [m/s^2] does not do: then one stops nearer, as behind anybody.
    """
    if row < 0:
        return FAR
    place = occ.cell[row, 0].low - half - _EARLY_GAP
    return FAR if speed * speed > 2.0 * brake * place else place


@kernel
def pass_shape(objects, path, occ, row, own_half_width, half, config):
    """(start, end, ramp, offset) [m] of the shift that clears the obstacle on its left; ramp 0 where there is no room.

    The shift is full from `start` to `end` (path coordinates of the box centre).
    """
    o = occ.entry[row].source
    x, y = objects[o].x, objects[o].y
    p = int(min(max(0.5 * (occ.cell[row, 0].low + occ.cell[row, 0].high) / PATH_STEP, 0.0), PATH_POINTS - 1.0))
    across = math.cos(path[p].yaw) * (y - path[p].y) - math.sin(path[p].yaw) * (x - path[p].x)
    turn = objects[o].yaw - path[p].yaw
    length, width = objects[o].length, objects[o].width
    reach = 0.5 * (abs(math.cos(turn)) * width + abs(math.sin(turn)) * length)
    offset = across + reach + config.pass_gap + own_half_width
    start = occ.cell[row, 0].low - half + _TAIL
    ramp = min(start, config.pass_ramp)
    if ramp < _MIN_RAMP or offset <= 0.3:
        return 0.0, 0.0, 0.0, 0.0
    return start, occ.cell[row, 0].high + half + _AFTER - _TAIL, ramp, offset
