"""Scores of rolled-out proposals: collision, progress, time to collision, comfort and rules, and the choice.

The shape of the score, products of hard terms times a weighted mean of soft ones, is that of the PDM planner
(D. Dauner et al., Parting with Misconceptions about Learning-based Vehicle Motion Planning, CoRL 2023, section 3).
"""

from planning.config import STEPS
from world.kernel import kernel

W_PROGRESS, W_TTC, W_COMFORT = 5.0, 4.0, 2.0
FREE = 1e9  # [s] collision time of a proposal that meets nobody


@kernel
def counts(rolls, occ, q, e, j, half, dt, config):
    """Whether an overlap of proposal q with entry e at step j is the driver's business.

    Somebody on the path behind the own middle, or who comes onto it behind the own tail, follows and keeps his own
    distance; but in front of one with right of way a merge must leave him `follow_time`.
    """
    first = occ.first[e]
    if first == 0 and occ.low[e, 0] + occ.high[e, 0] < 0.0:
        return False
    if occ.same_way[e] and occ.high[e, first] < rolls.s[q, first] - half + 1.0:
        return occ.prior[e] and (j - first) * dt <= config.follow_time
    return True


@kernel
def score_one(q, rolls, occ, half, zone0, zone1, best_way, dt, config):
    """Fill score, collision and terms of proposal q.

    Args:
        half: [m] half the own length. zone0, zone1: [m] the next ground to keep clear, along the path.
        best_way: [m] that the fastest proposal covers.
    """
    hit, near, hardest = FREE, 1.0, 0.0
    for j in range(STEPS):
        s, v = rolls.s[q, j], rolls.v[q, j]
        hardest = max(hardest, -rolls.a[q, j])
        for e in range(occ.count[0]):
            if not occ.inside[e, j] or occ.high[e, j] < s - half:
                continue
            closing = v - max(occ.speed[e], 0.0) if occ.same_way[e] else v
            if occ.low[e, j] > s + half + max(closing, 0.0) * 0.95:
                continue
            if not counts(rolls, occ, q, e, j, half, dt, config):
                continue
            if occ.low[e, j] <= s + half:
                if v > 0.1 and j * dt < hit:
                    hit = j * dt
                    rolls.source[q] = occ.source[e]
            elif v > 0.5:
                near = 0.0
        if hit < FREE:
            break
    end, speed = rolls.s[q, STEPS - 1], rolls.v[q, STEPS - 1]
    blocks = speed < 1.0 and zone0 > half and end + half > zone0 + 0.3 and end - half < zone1
    progress = min(max(end, 0.0) / max(best_way, 1.0), 1.0)
    comfort = 1.0 - min(max((hardest - 2.5) / 3.0, 0.0), 1.0)
    soft = (W_PROGRESS * progress + W_TTC * near + W_COMFORT * comfort) / (W_PROGRESS + W_TTC + W_COMFORT)
    safe = 1.0 if hit == FREE else 0.3 * hit / ((STEPS - 1) * dt)
    rules = 0.4 if blocks else 1.0
    rolls.terms[q, 0], rolls.terms[q, 1], rolls.terms[q, 2] = safe, progress, near
    rolls.terms[q, 3], rolls.terms[q, 4] = comfort, rules
    rolls.collision[q] = hit
    rolls.score[q] = safe * rules * soft


@kernel
def choose(rolls, count, last, bonus):
    """The best proposal; the one chosen last time gets `bonus` on top."""
    best, where = -1.0, 0
    for q in range(count):
        score = rolls.score[q] + (bonus if q == last and rolls.collision[q] == FREE else 0.0)
        if score > best + 1e-9:
            best, where = score, q
    return where
