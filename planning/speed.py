"""Speed along the path: what road and rules allow, and the rollout of one proposal against the space-time table."""

import math
from typing import NamedTuple

import numpy as np

from planning.config import PROPOSALS, STEPS
from planning.path import PATH_POINTS, PATH_STEP
from world.idm import idm_interaction
from world.kernel import kernel

NONE, LIMIT, CURVE, LEADER, LIGHT, STOP_SIGN, CONFLICT, WALKER, JUNCTION, GOAL = range(10)  # what binds the speed
REASONS = ("none", "limit", "curve", "leader", "light", "stop_sign", "conflict", "walker", "junction", "goal")


class Rollouts(NamedTuple):
    """Scratch of one driver: Q = PROPOSALS, T = STEPS."""

    s: np.ndarray  # (Q, T) [m] box centre along the path
    v: np.ndarray  # (Q, T) [m/s]
    a: np.ndarray  # (Q, T) [m/s^2]
    factor: np.ndarray  # (Q,) of the allowed speed
    stop: np.ndarray  # (Q,) [m] path coordinate of the centre at which it wants to stand
    brake: np.ndarray  # (Q,) [m/s^2] the most it may brake
    score: np.ndarray  # (Q,)
    collision: np.ndarray  # (Q,) [s] first overlap, inf if none
    terms: np.ndarray  # (Q, 5) collision, progress, ttc, comfort, rules
    reason: np.ndarray  # (Q,) int what binds at the start
    source: np.ndarray  # (Q,) int object that it collides with or follows, -1
    energy: np.ndarray  # (PATH_POINTS,) [m^2/s^2] allowed speed squared
    why: np.ndarray  # (PATH_POINTS,) int what made it so


def make_rollouts() -> Rollouts:
    """Empty scratch."""
    table, row = (PROPOSALS, STEPS), PROPOSALS
    return Rollouts(
        s=np.zeros(table), v=np.zeros(table), a=np.zeros(table), factor=np.ones(row), stop=np.zeros(row),
        brake=np.zeros(row), score=np.zeros(row), collision=np.zeros(row), terms=np.zeros((row, 5)),
        reason=np.zeros(row, np.int64), source=np.zeros(row, np.int64), energy=np.zeros(PATH_POINTS),
        why=np.zeros(PATH_POINTS, np.int64),
    )  # fmt: skip


@kernel
def allow_speeds(path, rolls, config):
    """Fill energy and why: speed limit and curves at each path point, before braking distances."""
    for p in range(PATH_POINTS):
        v = path.limit[p] * config.limit_factor
        rolls.energy[p], rolls.why[p] = v * v, LIMIT
        bend = abs(path.curvature[p])
        if bend * v * v > config.lateral_accel:
            rolls.energy[p], rolls.why[p] = config.lateral_accel / bend, CURVE


@kernel
def cap_speed(rolls, s0, s1, speed, why):
    """At most `speed` [m/s] between s0 and s1 [m]."""
    for p in range(max(int(math.ceil(s0 / PATH_STEP)), 0), min(int(s1 / PATH_STEP), PATH_POINTS - 1) + 1):
        if rolls.energy[p] > speed * speed:
            rolls.energy[p], rolls.why[p] = speed * speed, why


@kernel
def brake_in_time(rolls, brake):
    """Backward sweep: v_p^2 <= v_{p+1}^2 + 2 b ds."""
    for i in range(PATH_POINTS - 1):
        p = PATH_POINTS - 2 - i
        reachable = rolls.energy[p + 1] + 2.0 * brake * PATH_STEP
        if rolls.energy[p] > reachable:
            rolls.energy[p], rolls.why[p] = reachable, rolls.why[p + 1]


@kernel
def profile_accel(rolls, s, v, factor, stop, brake, tracking, preview):
    """(acceleration [m/s^2], binds at the stop) that tracks the allowed speed and the stop point."""
    at = s + v * preview
    u = min(max(at / PATH_STEP, 0.0), PATH_POINTS - 1.001)
    i = int(u)
    slope = (rolls.energy[i + 1] - rolls.energy[i]) / PATH_STEP
    energy = rolls.energy[i] + (u - i) * PATH_STEP * slope
    feed = 0.5 * min(slope, 0.0)
    if factor < 1.0:
        energy *= factor * factor
        feed *= factor * factor
    held = False
    left = stop - at
    if 2.0 * brake * left < energy:
        held = True
        energy, feed = max(2.0 * brake * left, 0.0), -brake
        if stop - s < v * v / (2.0 * brake):  # late: the constant deceleration that still makes it
            return max(-v * v / (2.0 * max(stop - s, 0.05)), (0.0 - v) / 0.1), True
    accel = (math.sqrt(max(energy, 0.0)) - v) / tracking
    if feed < 0.0 and accel < 0.0 - feed:  # on the braking curve, not still below it
        accel += feed
    return accel, held


@kernel
def roll_one(q, rolls, occ, v0, a0, half, max_brake, stop_why, dt, config):
    """Simulate proposal q from (v0, a0): speed profile, its stop point, and IDM behind whatever is on the path ahead.

    Args:
        half: [m] half the own length. max_brake: [m/s^2] of the vehicle. stop_why: reason to note when the stop binds.
    """
    s, v, a = 0.0, v0, a0
    factor, stop, most = rolls.factor[q], rolls.stop[q], min(rolls.brake[q], max_brake)
    rolls.reason[q], rolls.source[q] = NONE, -1
    for j in range(STEPS):
        rolls.s[q, j], rolls.v[q, j], rolls.a[q, j] = s, v, a
        want, held = profile_accel(rolls, s, v, factor, stop, config.brake, config.tracking, config.preview)
        want = min(want, config.max_accel)
        lead, who = 1e9, -1
        for e in range(occ.count[0]):
            if not occ.inside[e, j]:
                continue
            gap = occ.low[e, j] - (s + half)
            if occ.low[e, j] + occ.high[e, j] < 2.0 * s or gap < -half:
                continue
            if gap > 10.0 + 3.0 * v + 0.2 * v * v:
                continue
            other = max(occ.speed[e], 0.0) if occ.same_way[e] else 0.0
            pull = config.max_accel - idm_interaction(
                v, v - other, max(gap, 0.1), config.min_gap, config.headway, config.max_accel, config.brake + 0.5
            )
            if pull < lead:
                lead, who = pull, e
        if lead < want:
            want = lead
        if j == 0:
            if who >= 0 and lead <= want + 1e-9:
                rolls.reason[q] = WALKER if occ.walker[who] else LEADER
                rolls.source[q] = occ.source[who]
            elif held:
                rolls.reason[q] = stop_why
            else:
                rolls.reason[q] = rolls.why[min(int(v0 * config.preview / PATH_STEP), PATH_POINTS - 1)]
        want = max(want, -most)
        limit = config.jerk * dt
        if want < -3.0 or most > 5.0:
            limit *= 5.0
        if v < 0.2 and want > 0.0:
            a = max(a, 0.0)
        a = min(max(want, a - limit), a + limit)
        new = v + a * dt
        if new < 0.0:
            s += 0.5 * v * min(dt, v / max(-a, 1e-3))
            v, a = 0.0, 0.0
        else:
            s += 0.5 * (v + new) * dt
            v = new
