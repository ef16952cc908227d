"""The proposals of one driver: fractions of the allowed speed, places to give way at, and two ways to brake."""

from planning.config import STEPS
from planning.rules import FAR
from planning.scoring import choose, score_one
from planning.speed import CONFLICT, JUNCTION, WALKER, roll_one
from world.kernel import kernel

GO, EASE, SLOW, CREEP, YIELD_NEAR, YIELD_FAR, WAIT, BRAKE, EMERGENCY = range(9)
COUNT = 9
_BONUS = 0.03  # score that the last choice gets on top, against dithering
_APART = 2.0  # [m] between two places to give way at


@kernel
def yield_places(occ, half, config):
    """(nearest, second nearest) path coordinates [m] to stand at before the paths of others, FAR if none; walker."""
    first, second, walks = FAR, FAR, False
    for e in range(occ.count[0]):
        if occ.entry[e].first == 0 and occ.entry[e].same_way:
            continue  # a leader: IDM keeps the distance
        low = FAR
        for j in range(STEPS):
            if occ.cell[e, j].inside:
                low = min(low, occ.cell[e, j].low)
        place = low - half - config.yield_gap
        if place < 0.2:
            continue
        if place < first - _APART:
            first, second, walks = place, first, occ.entry[e].walker
        elif place < first:
            first = place
        elif first + _APART < place < second:
            second = place
    return first, second, walks


@kernel
def fill_proposals(rolls, occ, rule_stop, wait_at, half, max_brake, config):
    """Speed factors, stop points and brake limits of all proposals; returns whether the nearest yield is a walker's."""
    near, far, walks = yield_places(occ, half, config)
    for q in range(COUNT):
        rolls.proposal[q].factor, rolls.proposal[q].stop, rolls.proposal[q].brake = 1.0, rule_stop, config.full_brake
    rolls.proposal[EASE].factor, rolls.proposal[SLOW].factor, rolls.proposal[CREEP].factor = 0.75, 0.5, 0.25
    for q in (EASE, SLOW, CREEP):
        rolls.proposal[q].brake = config.hard_brake
    rolls.proposal[YIELD_NEAR].stop = min(near, rule_stop)
    rolls.proposal[YIELD_FAR].stop = min(far, rule_stop)
    rolls.proposal[WAIT].stop = min(wait_at, rule_stop)
    rolls.proposal[BRAKE].factor, rolls.proposal[BRAKE].brake = 0.0, 3.0
    rolls.proposal[EMERGENCY].factor, rolls.proposal[EMERGENCY].brake = 0.0, max_brake
    return walks


@kernel
def decide(
    path, rolls, occ, speed, accel, half, max_brake, rule_stop, rule_why, zone0, zone1, wait_at, last, dt, config
):
    """Roll out, score and choose; returns the chosen proposal.

    Args:
        rule_stop, rule_why: where rules make everyone stand [m], and why. zone0, zone1: the next ground to keep clear.
        wait_at: [m] where to wait before it. last: proposal chosen before.
    """
    walks = fill_proposals(rolls, occ, rule_stop, wait_at, half, max_brake, config)
    best_way = 1.0
    for q in range(COUNT):
        why = rule_why
        if rolls.proposal[q].stop < rule_stop:
            why = JUNCTION if q == WAIT else (WALKER if walks else CONFLICT)
        roll_one(q, path, rolls, occ, speed, accel, half, max_brake, why, dt, config)
        best_way = max(best_way, rolls.roll[q, STEPS - 1].s)
    for q in range(COUNT):
        score_one(q, rolls, occ, half, rule_stop, zone0, zone1, best_way, dt, config)
        if (q == YIELD_NEAR or q == YIELD_FAR or q == WAIT) and rolls.proposal[q].stop >= rule_stop:
            rolls.proposal[q].score = -1.0
    return choose(rolls, COUNT, last, _BONUS)
