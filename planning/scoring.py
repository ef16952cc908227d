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
    row = occ.entry[e]
    if row.first == 0 and occ.cell[e, 0].low + occ.cell[e, 0].high < 0.0:
        return row.prior and row.enters > 0
    if row.same_way and occ.cell[e, row.first].high < rolls.roll[q, row.first].s - half + 1.0:
        return row.prior and (j - row.enters) * dt <= config.follow_time
    return True


@kernel
def score_one(q, rolls, occ, half, rule_stop, zone0, zone1, best_way, dt, config):
    """Fill score, collision and terms of proposal q.

    Args:
        half: [m] half the own length. rule_stop: [m] where the rules make everyone stand.
        zone0, zone1: [m] the next ground to keep clear, along the path.
        best_way: [m] that the fastest proposal covers.
    """
    p = rolls.proposal[q]
    hit, near, hardest = FREE, 1.0, 0.0
    for j in range(STEPS):
        s, v = rolls.roll[q, j].s, rolls.roll[q, j].v
        hardest = max(hardest, -rolls.roll[q, j].a)
        for e in range(occ.count[0]):
            if not occ.cell[e, j].inside or occ.cell[e, j].high < s - half:
                continue
            row = occ.entry[e]
            low = occ.cell[e, j].low
            if row.prior and not (row.enters == 0 and row.same_way):
                low -= config.prior_gap
            elif row.first == 0 and row.same_way:
                low -= config.stand_gap
            closing = v - max(occ.entry[e].speed, 0.0) if occ.entry[e].same_way else v
            if low > s + half + max(closing, 0.0) * 0.95:
                continue
            if not counts(rolls, occ, q, e, j, half, dt, config):
                continue
            if low <= s + half:
                if v > 0.1 and j * dt < hit:
                    hit = j * dt
                    p.source = occ.entry[e].source
            elif v > 0.5:
                near = 0.0
        if hit < FREE:
            break
    end, speed = rolls.roll[q, STEPS - 1].s, rolls.roll[q, STEPS - 1].v
    blocks = speed < 1.0 and zone0 > half and end + half > zone0 + 0.3 and end - half < zone1
    progress = min(max(end, 0.0) / max(best_way, 1.0), 1.0)
    comfort = 1.0 - min(max((hardest - 2.5) / 3.0, 0.0), 1.0)
    soft = (W_PROGRESS * progress + W_TTC * near + W_COMFORT * comfort) / (W_PROGRESS + W_TTC + W_COMFORT)
    safe = 1.0 if hit == FREE else 0.3 * hit / ((STEPS - 1) * dt)
    rules = 0.4 if blocks else 1.0
    if rule_stop < end - config.line_slack:
        rules *= 0.1
    p.safe, p.progress, p.ttc, p.comfort, p.rules = safe, progress, near, comfort, rules
    p.collision = hit
    p.score = safe * rules * soft


@kernel
def choose(rolls, count, last, bonus):
    """The best proposal; the one chosen last time gets `bonus` on top."""
    best, where = -1.0, 0
    for q in range(count):
        score = rolls.proposal[q].score + (bonus if q == last and rolls.proposal[q].collision == FREE else 0.0)
        if score > best + 1e-9:
            best, where = score, q
    return where
