"""Lane boundaries of a Percept to centre lines, and these to the bins that hold what has been seen along the route."""

import math

import numpy as np

from perception.curve import add_to_bin, foot_on, place_on, u_at
from world.camera_labels import LINE_SLOTS
from world.kernel import kernel

LEFT, OWN, RIGHT = range(3)  # lanes whose centre may be seen
TURNS, CHANGES, CROSSES = 1, 2, 3  # what a stretch of the route is: a turn, a change of lanes, straight over a junction
CENTRE_ROW = np.dtype([("x", "f8"), ("y", "f8"), ("sigma", "f8"), ("valid", "?")])  # [m] body frame
STRETCH_ROW = np.dtype([("first", "f8"), ("last", "f8"), ("kind", "i8")])  # [m] u on the curve now
_NARROW, _WIDE = 2.2, 6.0  # [m] widths that a lane may have
_NEAR = 12.0  # [m] stations that tell which lane the route is on
_HABIT = 1.3  # [m] by which a neighbour must be nearer to the curve than the own lane
_GATE = 1.2  # [m] from the curve to a lane that is the route's beyond the present street
_OWN_GATE, _OWN_SPREAD = 2.0, 0.025  # [m], [1/m] times the square of how far ahead: from the curve to the route's own
# lane, for bends come as a surprise
_WAY_SPREAD = 0.5  # [m/m] the same from a waypoint on: the lane goes through it
_KEEP = 0.955  # of what a bin holds when something new comes: a second at 20 pictures a second
_KEEP_WRONG = 0.8  # the same where what is seen now contradicts it: it was seen from further away
_SURPRISE = 0.25  # [m] beside what a bin holds, plus twice the error
_FLOOR = 0.08  # [m] error that does not average out


@kernel
def _slope(line_y, line_x, valid, i):
    """dy/dx of a boundary at station i, from its neighbours."""
    a, b = i, i
    if i > 0 and valid[i - 1]:
        a = i - 1
    if i + 1 < len(line_x) and valid[i + 1]:
        b = i + 1
    if a == b:
        return 0.0
    return (line_y[b] - line_y[a]) / (line_x[b] - line_x[a])


@kernel
def _between(line_y, sigma, valid, line_x, left, right, half, i, centre):
    """Centre of the lane between boundaries `left` and `right` at station i, from one of them where need be."""
    centre.valid = False
    centre.x = line_x[i]
    stretch = 1.0
    if valid[left, i] and valid[right, i]:
        slope = 0.5 * (_slope(line_y[left], line_x, valid[left], i) + _slope(line_y[right], line_x, valid[right], i))
        stretch = math.sqrt(1.0 + slope * slope)
        width = (line_y[left, i] - line_y[right, i]) / stretch
        if _NARROW < width < _WIDE:
            centre.y = 0.5 * (line_y[left, i] + line_y[right, i])
            centre.sigma = 0.5 * math.sqrt(sigma[left, i] ** 2 + sigma[right, i] ** 2)
            centre.valid = True
            return width
    elif half > 0.0 and (valid[left, i] or valid[right, i]):
        which, side = (left, -1.0) if valid[left, i] else (right, 1.0)
        slope = _slope(line_y[which], line_x, valid[which], i)
        centre.y = line_y[which, i] + side * half * math.sqrt(1.0 + slope * slope)
        centre.sigma = math.sqrt(sigma[which, i] ** 2 + 0.15 * 0.15)
        centre.valid = True
    return 0.0


@kernel
def lane_centres(line_y, sigma, valid, line_x, half, centres):
    """Fill the (3, X) CENTRE_ROWs of a driver; returns half the own lane's width [m], `half` where it is not seen.

    Args:
        line_y, sigma, valid: (LINE_SLOTS, X) of a Percept. line_x: (X,) stations [m].
        half: [m] half width of the own lane as known.
    """
    total, count = 0.0, 0
    for i in range(len(line_x)):
        _between(line_y, sigma, valid, line_x, 0, 1, 0.0, i, centres[LEFT, i])
        width = _between(line_y, sigma, valid, line_x, 1, 2, half, i, centres[OWN, i])
        _between(line_y, sigma, valid, line_x, 2, LINE_SLOTS - 1, 0.0, i, centres[RIGHT, i])
        if width > 0.0 and line_x[i] < 20.0:
            total += width
            count += 1
    if count < 3:
        return half
    return half + 0.05 * (0.5 * total / count - half)


@kernel
def _own_lane(centres, curve, n, t, x, y, yaw):
    """The lane that the route is on close ahead: the own one, unless a neighbour clearly is; -1 where none is seen."""
    c, s = math.cos(yaw), math.sin(yaw)
    best, least = -1, 1e9
    for lane in (OWN, LEFT, RIGHT):
        total, count = 0.0, 0
        for i in range(centres.shape[1]):
            at = centres[lane, i]
            if at.valid and at.x < _NEAR:
                _, d = foot_on(curve, n, x + c * at.x - s * at.y, y + s * at.x + c * at.y, int(t) - 2, int(t) + 14)
                total += d
                count += 1
        if count < 3:
            continue
        price = abs(total / count)
        if lane == OWN:
            price -= _HABIT
        elif price > 0.3 * _NARROW:
            continue
        if price < least:
            best, least = lane, price
    return best


@kernel
def take_lanes(centres, curve, n, t, x, y, yaw, stretches, ways, unsure, bins):
    """Put the centres seen into the bins of the route.

    On the street that the driver is in, the lane that the route is on near by is the route's as far as that street
    goes; beyond a junction it is the lane next to where the curve lies. On a turn or a change of lanes none is.

    Args:
        centres: (3, X) CENTRE_ROWs, body frame. t: index of the driver's foot on the curve.
        x, y, yaw: the driver in the curve's frame. stretches: STRETCH_ROWs in order.
        ways: (W,) [m] u of places that the route goes through. unsure: (W,) [m] standard deviation of where they lie.
    """
    c, s = math.cos(yaw), math.sin(yaw)
    here, end, inside = u_at(curve, n, t), 1e9, False
    for i in range(len(stretches)):
        inside = inside or stretches[i].first - 0.5 <= here < stretches[i].last
        if stretches[i].first > here and stretches[i].first < end:
            end = stretches[i].first
    own = -1 if inside else _own_lane(centres, curve, n, t, x, y, yaw)
    astray = False  # what is taken for the own lane has missed a waypoint: nothing of it holds from there on
    for i in range(centres.shape[1]):
        chosen, off, at_t, at_u = -1, 1e9, 0.0, 0.0
        for lane in range(3):
            at = centres[lane, i]
            if not at.valid:
                continue
            wx, wy = x + c * at.x - s * at.y, y + s * at.x + c * at.y
            where, d = foot_on(curve, n, wx, wy, 0, n - 1)
            u = u_at(curve, n, where)
            gate, kind = _GATE, 0
            for k in range(len(stretches)):
                if stretches[k].first - 0.5 < u < stretches[k].last - 0.5:
                    kind = stretches[k].kind
            if own >= 0 and u < end:
                gate = _OWN_GATE + _OWN_SPREAD * at.x * at.x if lane == own else -1.0
                if lane == own:
                    for k in range(len(ways)):
                        gate = min(gate, _GATE + 2.0 * unsure[k] + _WAY_SPREAD * abs(u - ways[k]))
                    astray = astray or abs(d) > gate
            if kind == TURNS or kind == CHANGES or where < 0.0 or where > n - 1.0:
                continue
            if abs(d) < gate and abs(d) < off and not (astray and u < end):
                chosen, off, at_t, at_u = lane, abs(d), where, u
        if chosen >= 0:
            at = centres[chosen, i]
            w = 1.0 / (20.0 * (at.sigma * at.sigma + _FLOOR * _FLOOR))
            wx, wy = x + c * at.x - s * at.y, y + s * at.x + c * at.y
            keep = _KEEP
            if 0.0 <= at_u < len(bins) and bins[int(at_u)].w > 0.0:
                held = bins[int(at_u)]
                _, _, along = place_on(curve, n, at_t)
                aside = math.cos(along) * (wy - held.y / held.w) - math.sin(along) * (wx - held.x / held.w)
                if abs(aside) > _SURPRISE + 2.0 * at.sigma:
                    keep = _KEEP_WRONG
            add_to_bin(bins, at_u, wx, wy, w, keep)
