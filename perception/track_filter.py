"""The filter of one track: constant velocity in the plane, heading from motion, size and kind by what was seen.

State: x, y [m], vx, vy [m/s] in a frame that does not move (the driver's dead reckoning). Accelerations are white
noise. A vehicle does not move sideways: the part of its velocity across its heading is measured as zero.

Source: Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), section 6.2.2
(discretised white-noise acceleration).
"""

import math

import numpy as np

from world.kernel import kernel
from world.kinds import BodyKind

PEDESTRIAN, BICYCLE, MOTORCYCLE = int(BodyKind.PEDESTRIAN), int(BodyKind.BICYCLE), int(BodyKind.MOTORCYCLE)
KINDS = len(BodyKind)
TRACK_ROW = np.dtype(
    [
        ("x", "f8"), ("y", "f8"), ("vx", "f8"), ("vy", "f8"),
        ("p", "f8", (4, 4)),  # covariance
        ("yaw", "f8"),  # [rad]
        ("length", "f8"), ("width", "f8"),  # [m] running means
        ("seen", "f8"),  # pictures that it was seen in
        ("votes", "f8", (KINDS,)),  # for each kind
        ("score", "f8"),  # probability that it exists
        ("unseen", "f8"),  # [s] since it was last seen
        ("id", "i8"),
        ("live", "?"),
    ]
)  # fmt: skip
SEEN_ROW = np.dtype(
    [("x", "f8"), ("y", "f8"), ("along", "f8"), ("across", "f8"), ("bearing", "f8"), ("yaw", "f8"), ("length", "f8"),
     ("width", "f8"), ("kind", "i8"), ("score", "f8")]
)  # fmt: skip
_PUSH = 1.6  # [m/s^2] accelerations that vehicles make
_PUSH_WALKER = 0.8  # [m/s^2]
_SIDE = 0.25  # [m/s] by which a vehicle may move sideways
_JUMP = 1.0  # [m] by which one may be nearer or further than was thought, besides errors of sight: nobody leaps
_MOVES = 1.5  # [m/s] from which on motion shows the heading


@kernel
def kind_of(track):
    """The BodyKind with most votes."""
    best = 0
    for i in range(KINDS):
        if track.votes[i] > track.votes[best]:
            best = i
    return best


@kernel
def predict(track, dt):
    """Move the track dt [s] on."""
    push = _PUSH_WALKER if kind_of(track) == PEDESTRIAN else _PUSH
    track.x += track.vx * dt
    track.y += track.vy * dt
    p, q = track.p, push * push
    for i in range(2):  # P <- F P F' + Q for each of x, y with its velocity, and their mixed terms
        for j in range(2):
            p[i, j] += dt * (p[i + 2, j] + p[i, j + 2]) + dt * dt * p[i + 2, j + 2]
    for i in range(2):
        for j in range(2):
            p[i, j + 2] += dt * p[i + 2, j + 2]
            p[j + 2, i] = p[i, j + 2]
    for i in range(2):
        p[i, i] += 0.25 * q * dt**4 + 1e-4 * dt
        p[i, i + 2] += 0.5 * q * dt**3
        p[i + 2, i] = p[i, i + 2]
        p[i + 2, i + 2] += q * dt * 0.5
    track.unseen += dt


@kernel
def _scalar(track, hx, hy, hvx, hvy, off, variance):
    """Kalman update with measurement row (hx, hy, hvx, hvy), innovation and variance."""
    p = track.p
    g0 = p[0, 0] * hx + p[0, 1] * hy + p[0, 2] * hvx + p[0, 3] * hvy
    g1 = p[1, 0] * hx + p[1, 1] * hy + p[1, 2] * hvx + p[1, 3] * hvy
    g2 = p[2, 0] * hx + p[2, 1] * hy + p[2, 2] * hvx + p[2, 3] * hvy
    g3 = p[3, 0] * hx + p[3, 1] * hy + p[3, 2] * hvx + p[3, 3] * hvy
    s = hx * g0 + hy * g1 + hvx * g2 + hvy * g3 + variance
    track.x += g0 / s * off
    track.y += g1 / s * off
    track.vx += g2 / s * off
    track.vy += g3 / s * off
    for i in range(4):
        gi = g0 if i == 0 else (g1 if i == 1 else (g2 if i == 2 else g3))
        for j in range(4):
            gj = g0 if j == 0 else (g1 if j == 1 else (g2 if j == 2 else g3))
            p[i, j] -= gi * gj / s


@kernel
def distance2(track, seen):
    """Squared Mahalanobis distance of a SEEN_ROW from a track."""
    c, s = math.cos(seen.bearing), math.sin(seen.bearing)
    a2, b2 = seen.along * seen.along, seen.across * seen.across
    xx = track.p[0, 0] + c * c * a2 + s * s * b2
    yy = track.p[1, 1] + s * s * a2 + c * c * b2
    xy = track.p[0, 1] + c * s * (a2 - b2)
    dx, dy = seen.x - track.x, seen.y - track.y
    return (yy * dx * dx - 2.0 * xy * dx * dy + xx * dy * dy) / max(xx * yy - xy * xy, 1e-12)


@kernel
def born(track, seen, number):
    """A new track from what was seen."""
    c, s = math.cos(seen.bearing), math.sin(seen.bearing)
    a2, b2 = seen.along * seen.along, seen.across * seen.across
    track.x, track.y, track.vx, track.vy = seen.x, seen.y, 0.0, 0.0
    for i in range(4):
        for j in range(4):
            track.p[i, j] = 0.0
    track.p[0, 0], track.p[1, 1] = c * c * a2 + s * s * b2, s * s * a2 + c * c * b2
    track.p[0, 1] = track.p[1, 0] = c * s * (a2 - b2)
    track.p[2, 2] = track.p[3, 3] = 4.0 if seen.kind == PEDESTRIAN else 64.0
    track.yaw, track.length, track.width = seen.yaw, seen.length, seen.width
    for i in range(KINDS):
        track.votes[i] = 0.0
    track.votes[seen.kind] = seen.score
    track.seen, track.score, track.unseen, track.id, track.live = 1.0, 0.45 * seen.score, 0.0, number, True


@kernel
def update(track, seen):
    """Take in what was seen of a track."""
    c, s = math.cos(seen.bearing), math.sin(seen.bearing)
    dx, dy = seen.x - track.x, seen.y - track.y
    _scalar(track, c, s, 0.0, 0.0, c * dx + s * dy, seen.along * seen.along)
    dx, dy = seen.x - track.x, seen.y - track.y
    _scalar(track, -s, c, 0.0, 0.0, c * dy - s * dx, seen.across * seen.across)
    track.seen = min(track.seen + 1.0, 200.0)
    share = 1.0 / min(track.seen, 30.0)
    track.length += share * (seen.length - track.length)
    track.width += share * (seen.width - track.width)
    for i in range(KINDS):
        track.votes[i] *= 0.97
    track.votes[seen.kind] += seen.score
    track.score += (1.0 - track.score) * 0.6 * seen.score
    track.unseen = 0.0
    _turn_towards(track, seen.yaw, 0.15)
    if kind_of(track) != PEDESTRIAN:
        _no_sliding(track)


@kernel
def _turn_towards(track, yaw, share):
    track.yaw += share * math.atan2(math.sin(yaw - track.yaw), math.cos(yaw - track.yaw))


@kernel
def _no_sliding(track):
    """Heading from motion where it moves, and no velocity across it."""
    speed = math.sqrt(track.vx * track.vx + track.vy * track.vy)
    if speed > _MOVES and track.seen > 4.0:
        course = math.atan2(track.vy, track.vx)
        if math.cos(course - track.yaw) > 0.5:
            _turn_towards(track, course, min(0.1 * (speed - _MOVES), 0.3))
    sideways = -math.sin(track.yaw) * track.vx + math.cos(track.yaw) * track.vy
    _scalar(track, 0.0, 0.0, -math.sin(track.yaw), math.cos(track.yaw), -sideways, _SIDE * _SIDE + 0.04 * speed * speed)


@kernel
def predict_all(tracks, dt):
    """Move all live tracks of a driver on."""
    for i in range(len(tracks)):
        if tracks[i].live:
            predict(tracks[i], dt)


@kernel
def price_all(tracks, live, count, seen, found, gate, far, prices):
    """Fill prices[i, j] for the `count` tracks listed in `live` and the `found` SEEN_ROWs; `far` beyond the gate."""
    for i in range(count):
        for j in range(found):
            walks, walker = kind_of(tracks[live[i]]) == PEDESTRIAN, seen[j].kind == PEDESTRIAN
            d = distance2(tracks[live[i]], seen[j])
            dx, dy = seen[j].x - tracks[live[i]].x, seen[j].y - tracks[live[i]].y
            if walks != walker:
                d += 6.0
            track = tracks[live[i]]
            jump = abs(math.cos(seen[j].bearing) * dx + math.sin(seen[j].bearing) * dy)
            speed = math.sqrt(track.vx * track.vx + track.vy * track.vy)
            room = _JUMP + 3.0 * seen[j].along + 0.5 * min(track.unseen, 1.0) + speed * track.unseen
            prices[i, j] = d if d < gate and jump < room and dx * dx + dy * dy < 144.0 else far
