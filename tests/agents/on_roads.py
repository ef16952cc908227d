"""Rows of the behaviour table: following, being cut in on, and things in the way, away from junctions."""

import numpy as np

from tests.agents.places import BEND, MAIN, RAMP, ROAD, bend, fast_road, ramp, solid_road
from tests.agents.situations import situation
from tests.agents.street import EXPERT, Street, shifted
from world.kinds import BodyKind
from world.toy import straight_road

CAR = 4.5  # [m] length of a scripted car
LIMIT = 50 / 3.6  # [m/s] of the toy roads


def brakes(speed: float, at: float, by: float):
    """Speed over time of somebody who brakes to a stand from time `at` on."""
    return lambda t: max(min(speed, speed - by * (t - at)), 0.0)


@situation(
    "An empty road, limit 50 km/h", "driven within 6 % of the limit or 15 % of it (traffic), in the lane's middle"
)
def free_road(who):
    drive = Street(straight_road(400), ROAD, who).run(25)
    assert drive.v.max() > (0.94 if who == EXPERT else 0.85) * LIMIT
    assert drive.v.max() < (1.0 if who == EXPERT else 1.06) * LIMIT
    assert np.abs(drive.offset).max() < 0.05
    assert drive.a.max() < 2.41


@situation("A car 35 m ahead brakes at 5 m/s² from 20 m/s", "no collision, braking below 6 m/s²")
def lead_brakes(who):
    street = Street(fast_road(500, 20.0), ROAD, who, speed=20.0, at=20.0)
    street.add(street.line, brakes(20.0, 2.0, 5.0), s=20 + CAR + 35)
    drive = street.run(14)
    assert drive.gap.min() > 0.8
    assert drive.a.min() > -6.0
    assert drive.v[-1] < 0.3


@situation("A car 25 m ahead brakes at 8 m/s² from 15 m/s", "no collision")
def lead_brakes_hard(who):
    street = Street(fast_road(500, 15.0), ROAD, who, speed=15.0, at=20.0)
    street.add(street.line, brakes(15.0, 1.0, 8.0), s=20 + CAR + 25)
    drive = street.run(12)
    assert drive.gap.min() > 0.5 and drive.v[-1] < 0.3


@situation("The same at 12 m/s and 4 m/s², on a wet road (friction 0.5)", "no collision, no more than the grip")
def lead_brakes_wet(who):
    street = Street(fast_road(500, 15.0), ROAD, who, speed=12.0, at=20.0)
    street.engine.hooks.set_friction(0, 0.5)
    street.add(street.line, brakes(12.0, 1.0, 4.0), s=20 + CAR + 25)
    drive = street.run(14)
    assert drive.gap.min() > 0.5 and drive.v[-1] < 0.3
    assert drive.a.min() > -4.95


@situation("A car 45 m ahead keeps 6 m/s", "followed at its speed with 0.7 to 3 s between")
def slow_lead(who):
    street = Street(straight_road(600), ROAD, who, speed=12.0, at=10.0)
    street.add(street.line, 6.0, s=10 + CAR + 45)
    drive = street.run(40)
    assert abs(drive.v[-1] - 6.0) < 0.4
    assert 0.7 * 6 < drive.gap[-1] < 3.0 * 6


@situation("Stop-and-go ahead: 0 to 6 m/s and back every 12 s", "no collision, braking below 4 m/s²")
def stop_and_go(who):
    street = Street(straight_road(500), ROAD, who, speed=5.0, at=10.0)
    street.add(street.line, lambda t: 3.0 + 3.0 * np.cos(2 * np.pi * t / 12.0), s=10 + CAR + 10)
    drive = street.run(60)
    assert drive.gap.min() > 0.8 and drive.a.min() > -4.0
    assert drive.s[-1] > 100


@situation(
    "A car swings in 0.8 s ahead at 14 m/s, the own speed 15 m/s",
    "no collision, braking below 6 m/s²",
    traffic="fails: no collision, but it brakes with 8 m/s²",
)
def cut_in(who):
    street = Street(fast_road(500, 15.0), ROAD, who, speed=15.0, at=20.0)
    lane = street.line
    move = np.clip((lane[:, 0] - lane[0, 0] - 50) / 25, 0, 1)[:, None]
    street.add(shifted(lane, 3.5) * (1 - move) + lane * move, 14.0, s=20 + CAR + 0.8 * 15)
    drive = street.run(15)
    assert drive.gap.min() > 0.5 and drive.a.min() > -6.0


@situation("A car swings in 12 m ahead at 8 m/s, the own speed 12 m/s", "no collision")
def slow_cut_in(who):
    street = Street(straight_road(400), ROAD, who, speed=12.0, at=20.0)
    lane = street.line
    move = np.clip((lane[:, 0] - lane[0, 0] - 45) / 20, 0, 1)[:, None]
    street.add(shifted(lane, 3.5) * (1 - move) + lane * move, 8.0, s=20 + CAR + 12)
    drive = street.run(15)
    assert drive.gap.min() > 0.5


@situation("A car 4 m behind keeps up at the same speed", "nothing changes: no braking, no fleeing")
def tailgater(who):
    street = Street(straight_road(500), ROAD, who, speed=11.0, at=20.0)
    street.add(street.line, lambda t: min(11.0 + 0.5 * t, 11.5), s=20 - CAR - 4)
    drive = street.run(20)
    assert drive.a.min() > -0.6
    assert drive.v.max() < LIMIT * 1.06


@situation("A cyclist 30 m ahead keeps 4 m/s in the middle of the lane", "followed, at least 1.2 m behind")
def cyclist(who):
    street = Street(straight_road(400), ROAD, who, speed=12.0, at=10.0)
    street.add(street.line, 4.0, s=10 + 32, kind=BodyKind.BICYCLE)
    drive = street.run(40)
    assert drive.gap.min() > 1.2
    assert abs(drive.v[-1] - 4.0) < 0.5


@situation("A cyclist 1.6 m right of the lane's edge, at 4 m/s", "passed without braking")
def cyclist_beside(who):
    street = Street(straight_road(400), ROAD, who, speed=12.0, at=10.0)
    street.add(shifted(street.line, -3.3), 4.0, s=50, kind=BodyKind.BICYCLE)
    drive = street.run(20)
    assert drive.v.min() > 10.5 and not drive.collided


@situation(
    "Cars parked on both sides, 0.35 m into the lane",
    "passed between them without stopping or touching",
    traffic="fails: it stops behind the first and waits, though 0.48 m are left beside it",
)
def narrow(who):
    street = Street(straight_road(400), ROAD, who, speed=8.0, at=10.0)
    for i in range(4):
        street.add(shifted(street.line, -2.3), 0.0, s=70 + 8 * i)
        street.add(shifted(street.line, 5.8), 0.0, s=74 + 8 * i)
    drive = street.run(30)
    assert drive.s[-1] > 150 and not drive.collided
    assert drive.v[drive.s < 150].min() > 3.0


@situation(
    "A car stalled 80 m ahead, broken middle line, nobody comes",
    "waited for, then passed on the left with 0.5 m or more, and back in the lane",
    traffic="no: traffic waits until the stalled car is gone",
)
def stalled(who):
    street = Street(straight_road(400), ROAD, who, speed=10.0, at=10.0)
    street.add(street.line, 0.0, s=95)
    drive = street.run(60)
    assert drive.s[-1] > 200 and drive.gap.min() > 0.5
    assert np.abs(drive.offset[-40:]).max() < 0.1


@situation(
    "The same with a column of cars coming the other way",
    "passed behind them, never in their way",
    traffic="no: as above",
)
def stalled_with_oncoming(who):
    street = Street(straight_road(400), ROAD, who, speed=10.0, at=10.0)
    street.add(street.line, 0.0, s=95)
    back = shifted(street.line, 3.5)[::-1]
    for s in (150, 190, 230, 270):
        street.add(back, 7.0, s=s - 60)
    drive = street.run(70)
    assert drive.gap.min() > 0.5 and drive.s[-1] > 200


@situation("A car stalled 80 m ahead, solid middle line", "waited for; the line is not crossed")
def stalled_solid(who):
    street = Street(solid_road(400), ROAD, who, speed=10.0, at=10.0)
    street.add(street.line, 0.0, s=95)
    drive = street.run(30)
    assert drive.s[-1] < 93 and drive.gap.min() > 0.5
    assert np.abs(drive.offset).max() < 0.3


@situation("A car stands 12 m behind the end of a bend of 30 m radius", "stopped behind it, braking below 5 m/s²")
def stop_behind_bend(who):
    street = Street(bend(), BEND, who, speed=12.0, at=10.0)
    street.add(street.line, 0.0, s=80 + 30 * np.pi / 2 + 12)
    drive = street.run(25)
    assert drive.gap.min() > 0.5 and drive.a.min() > -5.0
    assert drive.v[-1] < 0.5


@situation("A bend of 30 m radius, 50 km/h before it", "driven below 4.9 m/s² sideways, within 0.3 m of the middle")
def take_bend(who):
    drive = Street(bend(), BEND, who, speed=13.0, at=10.0).run(25)
    inside = (drive.s > 85) & (drive.s < 122)
    assert (drive.v[inside] ** 2 / 31.75).max() < 4.9
    assert np.abs(drive.offset).max() < 0.3


@situation("Somebody comes 1.2 m over the middle line for 3 s, 90 m ahead", "no collision")
def over_the_line(who):
    street = Street(straight_road(400), ROAD, who, speed=11.0, at=30.0)
    lane = shifted(street.line, 3.5)[::-1]
    along = np.arange(len(lane)) * 0.5
    over = np.interp(along, [255, 270, 290, 305], [0.0, 1.2, 1.2, 0.0])[:, None]
    side = shifted(lane, 1.0) - lane
    street.add(lane + over * side, 10.0, s=400 - 30 - 130)
    drive = street.run(15)
    assert not drive.collided


@situation("Oncoming cars on their own side", "met without braking")
def oncoming(who):
    street = Street(straight_road(400), ROAD, who, speed=11.0, at=20.0)
    back = shifted(street.line, 3.5)[::-1]
    for s in (150, 190, 230):
        street.add(back, 11.0, s=s)
    drive = street.run(18)
    assert drive.v.min() > 10.5 and drive.gap.min() > 1.0


@situation("A ramp joins a road on which cars follow each other every 4 s", "merges without making anybody brake hard")
def merge(who):
    street = Street(ramp(), RAMP, who, speed=10.0, at=20.0)
    slots = [street.add_traffic(MAIN, s, 12.0) for s in (6.0, 50.0, 94.0)]
    drive = street.run(45)
    assert drive.s[-1] > 200 and drive.gap.min() > 0.7
    assert (np.diff(drive.others[:, : len(slots)], axis=0) / 0.05).min() > -5.5


@situation("On the main road, a car comes up the ramp, which gives way", "the speed is kept")
def ramp_beside(who):
    street = Street(ramp(), MAIN, who, speed=12.0, at=20.0)
    street.add_traffic(RAMP, 30.0, 9.0)
    drive = street.run(14)
    assert drive.v.min() > 9.0 and not drive.collided
