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


PROPOSAL_ROW = np.dtype(
    [
        ("factor", "f8"),  # of the allowed speed
        ("stop", "f8"),  # [m] path coordinate of the centre at which it wants to stand
        ("brake", "f8"),  # [m/s^2] the most it may brake
        ("score", "f8"),
        ("collision", "f8"),  # [s] first overlap, FREE if none
        ("safe", "f8"), ("progress", "f8"), ("ttc", "f8"), ("comfort", "f8"), ("rules", "f8"),  # terms in [0, 1]
        ("reason", "i8"),  # what binds at the start
        ("source", "i8"),  # object that it collides with or follows, -1
    ]
)  # fmt: skip
ROLL_ROW = np.dtype([("s", "f8"), ("v", "f8"), ("a", "f8")])  # [m, m/s, m/s^2] box centre along the path


class Rollouts(NamedTuple):
    """Scratch of one driver: Q = PROPOSALS, T = STEPS."""

    proposal: np.ndarray  # (Q,) PROPOSAL_ROW
    roll: np.ndarray  # (Q, T) ROLL_ROW


def make_rollouts() -> Rollouts:
    """Empty scratch."""
    return Rollouts(np.zeros(PROPOSALS, PROPOSAL_ROW), np.zeros((PROPOSALS, STEPS), ROLL_ROW))


@kernel
def allow_speeds(path, config):
    """Fill energy and why: speed limit and curves at each path point, before braking distances."""
    for p in range(PATH_POINTS):
        v = path[p].limit * config.limit_factor
        path[p].energy, path[p].why = v * v, LIMIT
        bend = abs(path[p].curvature)
        most = min(config.lateral_accel / max(bend, 1e-9), (config.yaw_rate / max(bend, 1e-9)) ** 2)
        if v * v > most:
            path[p].energy, path[p].why = most, CURVE


@kernel
def cap_speed(path, s0, s1, speed, why):
    """At most `speed` [m/s] between s0 and s1 [m]."""
    for p in range(max(int(math.ceil(s0 / PATH_STEP)), 0), min(int(s1 / PATH_STEP), PATH_POINTS - 1) + 1):
        if path[p].energy > speed * speed:
            path[p].energy, path[p].why = speed * speed, why


@kernel
def brake_in_time(path, brake):
    """Backward sweep: v_p^2 <= v_{p+1}^2 + 2 b ds."""
    for i in range(PATH_POINTS - 1):
        p = PATH_POINTS - 2 - i
        reachable = path[p + 1].energy + 2.0 * brake * PATH_STEP
        if path[p].energy > reachable:
            path[p].energy, path[p].why = reachable, path[p + 1].why


@kernel
def profile_accel(path, s, v, a, factor, stop, config):
    """(acceleration [m/s^2], binds at the stop) that tracks the allowed speed and the stop point.

    Both are read ahead by the way that it takes to change from acceleration a to the planned brake at the jerk limit.
    """
    brake = config.brake
    at = s + v * (config.preview + 0.5 * max(a + brake, 0.0) / config.jerk)
    u = min(max(at / PATH_STEP, 0.0), PATH_POINTS - 1.001)
    i = int(u)
    slope = (path[i + 1].energy - path[i].energy) / PATH_STEP
    energy = path[i].energy + (u - i) * PATH_STEP * slope
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
    accel = (math.sqrt(max(energy, 0.0)) - v) / config.tracking
    if feed < 0.0 and accel < 0.0 - feed:  # on the braking curve, not still below it
        accel += feed
    return accel, held


@kernel
def speed_of(entry, t, config):
    """[m/s] along the path of a forecast (ENTRY_ROW) t s from now; what only crosses the path has none."""
    if not entry.same_way:
        return 0.0
    push = t if entry.accel < 0.0 else min(t, config.lead_thrust)
    return max(entry.speed + entry.accel * push, 0.0)


@kernel
def follow_accel(v, other, braking, gap, config):
    """[m/s^2] behind something `gap` m ahead that moves at `other` m/s and changes that by `braking` <= 0 m/s^2.

    The IDM brakes far harder than it must when a gap has suddenly become short. Where it asks for more than what a
    constant deceleration needs (constant-acceleration heuristic), most of the excess is taken off.

    Source: Kesting, Treiber, Helbing, Enhanced intelligent driver model, Phil. Trans. R. Soc. A 368 (2010), section 2.
    """
    idm = config.max_accel - idm_interaction(
        v, v - other, max(gap, 0.1), config.min_gap, config.headway, config.max_accel, config.brake + 0.5
    )
    room, closing = max(gap - 0.7 * config.min_gap, 0.1), max(v - other, 0.0)
    if other * (v - other) <= -2.0 * room * braking:
        needed = v * v * braking / max(other * other - 2.0 * room * braking, 1e-6)
    else:
        needed = braking - closing * closing / (2.0 * room)
    if idm >= needed:
        return idm
    brake = config.brake
    return (1.0 - config.coolness) * idm + config.coolness * (needed + brake * math.tanh((idm - needed) / brake))


@kernel
def roll_one(q, path, rolls, occ, v0, a0, half, max_brake, stop_why, dt, config):
    """Simulate proposal q from (v0, a0): speed profile, its stop point, and IDM behind whatever is on the path ahead.

    Args:
        half: [m] half the own length. max_brake: [m/s^2] of the vehicle. stop_why: reason to note when the stop binds.
    """
    s, v, a = 0.0, v0, a0
    factor, stop, most = rolls.proposal[q].factor, rolls.proposal[q].stop, min(rolls.proposal[q].brake, max_brake)
    rolls.proposal[q].reason, rolls.proposal[q].source = NONE, -1
    for j in range(STEPS):
        rolls.roll[q, j].s, rolls.roll[q, j].v, rolls.roll[q, j].a = s, v, a
        want, held = profile_accel(path, s, v, a, factor, stop, config)
        want = min(want, config.max_accel)
        lead, who = 1e9, -1
        for e in range(occ.count[0]):
            if not occ.cell[e, j].inside:
                continue
            gap = occ.cell[e, j].low - (s + half)
            if occ.cell[e, j].low + occ.cell[e, j].high < 2.0 * s or gap < -half:
                continue
            if gap > 10.0 + 3.0 * v + 0.2 * v * v:
                continue
            other = speed_of(occ.entry[e], j * dt, config)
            braking = min(occ.entry[e].accel, 0.0) if other > 0.0 else 0.0
            pull = follow_accel(v, other, braking, gap, config)
            if pull < lead:
                lead, who = pull, e
        if lead < want:
            want = lead
        if j == 0:
            if who >= 0 and lead <= want + 1e-9:
                rolls.proposal[q].reason = WALKER if occ.entry[who].walker else LEADER
                rolls.proposal[q].source = occ.entry[who].source
            elif held:
                rolls.proposal[q].reason = stop_why
            else:
                rolls.proposal[q].reason = path[min(int(v0 * config.preview / PATH_STEP), PATH_POINTS - 1)].why
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
