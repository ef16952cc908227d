"""Rows of the behaviour table: lights, signs and right of way."""

import numpy as np

from tests.agents.places import (
    CIRCLE,
    FROM_SOUTH,
    LEFT,
    LINE,
    MINOR,
    MINOR_RIGHT,
    ONCOMING,
    ROUND,
    STRAIGHT,
    roundabout,
)
from tests.agents.situations import situation
from tests.agents.street import EXPERT, Street
from world.kinds import EventKind, LightState
from world.toy import junction

AMBER, GREEN, RED, RED_AMBER = LightState.AMBER, LightState.GREEN, LightState.RED, LightState.RED_AMBER
OWN, OTHERS = (0, 2), (1, 3)  # lights of the own road and of the other


def lights(street: Street, shown) -> None:
    """Let the own road's lights show what `shown` says of the time; the other road's are red."""
    street.lights = lambda t: {**{i: shown(t) for i in OWN}, **{i: RED for i in OTHERS}}


def red_then_green(at: float):
    """Red, a second of red and amber, green from time `at` on."""
    return lambda t: RED if t < at - 1.0 else RED_AMBER if t < at else GREEN


@situation("Red light, green after 15 s", "stopped less than 3 m before the line, off within 2 s of green")
def red_light(who):
    street = Street(junction(), STRAIGHT, who, speed=11.0)
    lights(street, red_then_green(15.0))
    drive = street.run(25)
    before = drive.t < 15.0
    assert LINE - 3.0 < drive.front[before].max() < LINE
    assert drive.v[drive.when(17.0)] > 1.5
    assert not drive.seen(EventKind.RED_LIGHT)


@situation(
    "Amber 30 m before the line at 50 km/h",
    "gone through while it is amber, or stopped (traffic, which is slower) below 4.05 m/s²",
)
def amber_near(who):
    street = Street(junction(), STRAIGHT, who, speed=13.8, at=LINE - 30.0 - 2.25)
    lights(street, lambda t: AMBER if t < 3 else RED)
    drive = street.run(8)
    assert drive.a.min() > -4.05
    assert drive.front.max() > LINE + 5 or (who != EXPERT and drive.front.max() < LINE)
    assert not drive.seen(EventKind.RED_LIGHT)


@situation("Amber 55 m before the line at 43 km/h", "stopped before the line, braking below 4.05 m/s²")
def amber_far(who):
    street = Street(junction(), STRAIGHT, who, speed=12.0, at=LINE - 55.0 - 2.25)
    lights(street, lambda t: AMBER if t < 3 else RED)
    drive = street.run(12)
    assert drive.front.max() < LINE and drive.v[-1] < 0.3 and drive.a.min() > -4.05


@situation("Two cars stand at a red light", "stopped behind them; when they go at green, over the line within 12 s")
def red_with_queue(who):
    street = Street(junction(), STRAIGHT, who, speed=9.0)
    lights(street, red_then_green(14.0))
    for s in (LINE - 3.5, LINE - 11.0):
        street.add(street.line, lambda t: min(max(1.8 * (t - 14.0), 0.0), 12.0), s=s)
    drive = street.run(30)
    assert drive.gap.min() > 0.8 and not drive.seen(EventKind.RED_LIGHT)
    assert drive.front[drive.when(26.0) if drive.t[-1] > 26 else -1] > LINE


@situation("Green, but the exit is full for 15 s", "the junction is kept clear until there is room")
def blocked_exit(who):
    street = Street(junction(), STRAIGHT, who, speed=8.0)
    lights(street, lambda t: GREEN)
    street.add(street.line, lambda t: 0.0 if t < 15 else 8.0, s=80 + 24 + 5)
    drive = street.run(26)
    assert drive.front[drive.t < 15].max() < 80 + 12
    assert drive.s[-1] > 115


@situation("Green; a car on the other road runs its red at 12 m/s", "no collision")
def red_runner(who):
    street = Street(junction(), STRAIGHT, who, speed=11.0, at=20.0)
    lights(street, lambda t: GREEN)
    street.add(street.way(MINOR), 12.0, s=14.0)
    drive = street.run(12)
    assert not drive.collided


@situation("Stop sign, nobody about", "stood still before the line, then gone on")
def stop_sign(who):
    drive = Street(junction(control="stop"), MINOR, who, speed=10.0).run(25)
    stands = drive.v < 0.1
    assert stands.any() and LINE - 4.0 < drive.front[stands].max() < LINE
    assert drive.s[-1] > LINE + 30 and not drive.seen(EventKind.STOP_SIGN)


@situation("Stop sign, four cars cross on the main road", "let through, then gone on")
def stop_sign_with_traffic(who):
    street = Street(junction(control="stop"), MINOR, who, speed=8.0, at=40.0)
    for s in (5, 17, 29, 41):
        street.add(street.way(STRAIGHT), 9.0, s=s)
    drive = street.run(30)
    assert drive.gap.min() > 0.8 and drive.s[-1] > LINE + 30


@situation(
    "Four cars come to a four-way stop together",
    "one after the other; through within 30 s, nobody touches",
)
def four_way_stop(who):
    street = Street(junction(control="all_stop"), STRAIGHT, who, speed=8.0, at=30.0)
    for keys in (ONCOMING, MINOR, FROM_SOUTH):
        street.add_traffic(keys, 30.0, 8.0)
    drive = street.run(30)
    assert not drive.collided and drive.s[-1] > LINE + 40 and not drive.seen(EventKind.STOP_SIGN)


@situation("Give-way line, cars on the main road at 9 m/s every 30 m", "no car is made to brake; gone on within 30 s")
def give_way(who):
    for start in (0, 15, 30):
        street = Street(junction(control="yield"), MINOR, who, speed=9.0)
        for s in (start, start + 30):
            street.add(street.way(STRAIGHT), 9.0, s=s)
        drive = street.run(30)
        assert drive.gap.min() > 0.8 and drive.s[-1] > LINE + 30


@situation("Right turn from a give-way line into a road with a car at 12 m/s", "not merged close before it")
def give_way_right(who):
    for start in (5, 13, 21, 29):
        street = Street(junction(control="yield"), MINOR_RIGHT, who, speed=9.0, at=30.0)
        street.add(street.way(ONCOMING), 12.0, s=start)
        assert street.run(25).gap.min() > 0.6


@situation("Left turn across two oncoming cars, no lights", "given way to; done within 30 s")
def unprotected_left(who):
    for start in (0, 20, 40):
        street = Street(junction(control="none"), LEFT, who, speed=8.0)
        for s in (start, start + 25):
            street.add(street.way(ONCOMING), 10.0, s=s)
        drive = street.run(30)
        assert drive.gap.min() > 0.7 and drive.s[-1] > LINE + 30


@situation(
    "Left turn at green, three oncoming cars, 7 s apart",
    "a gap is taken; over the junction within 25 s",
    traffic="fails: it lets all three pass, though 4 to 5 s are enough for most drivers",
)
def left_through_gap(who):
    street = Street(junction(arm=200.0), LEFT, who, speed=8.0, at=150.0)
    lights(street, lambda t: GREEN)
    for i in range(3):
        street.add(street.way(ONCOMING), 10.0, s=140.0 - 70.0 * i)
    drive = street.run(25)
    assert not drive.collided and drive.s[-1] > 200 + 24


@situation(
    "On the main road, a car rolls up to its stop sign",
    "the speed is kept",
    traffic="fails: it slows to 7 m/s although the other can stop with 3 m/s²",
)
def right_of_way(who):
    street = Street(junction(control="stop"), STRAIGHT, who, speed=11.5)
    street.add(street.way(MINOR), lambda t: 6.0 if t < 4 else max(6 - 3 * (t - 4), 0.0), s=LINE - 2.25 - 31)
    drive = street.run(12)
    assert drive.v[(drive.s > 30) & (drive.s < 100)].min() > 10.5


@situation(
    "On the main road, a car runs its stop sign at 9 m/s",
    "no collision",
    traffic="fails: it brakes with all it has, but too late",
)
def stop_sign_runner(who):
    street = Street(junction(control="stop"), STRAIGHT, who, speed=11.0, at=20.0)
    street.add(street.way(MINOR), 9.0, s=24.0)
    assert not street.run(12).collided


@situation("Roundabout with two cars in it", "given way to, entered within 25 s")
def enter_roundabout(who):
    street = Street(roundabout(), ROUND, who, speed=8.0, at=10.0)
    for s in (10.0, 60.0):
        street.add_traffic(CIRCLE, s, 7.0)
    drive = street.run(30)
    assert drive.gap.min() > 0.7 and drive.s[drive.when(25.0) if drive.t[-1] > 25 else -1] > 80


@situation("Red light for 20 s", "stood still all the time, within 0.05 m")
def stand_still(who):
    street = Street(junction(), STRAIGHT, who, speed=9.0, at=40.0)
    lights(street, lambda t: RED)
    drive = street.run(30)
    late = drive.t > 10.0
    assert np.ptp(drive.s[late]) < (0.05 if who == EXPERT else 0.5) and drive.front.max() < LINE
