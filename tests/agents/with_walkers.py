"""Rows of the behaviour table: people on foot."""

import numpy as np

from tests.agents.places import LINE, ROAD, STRAIGHT
from tests.agents.situations import situation
from tests.agents.street import EXPERT, Street, shifted
from world.kinds import BodyKind, EventKind
from world.toy import junction, straight_road


def across(street: Street, x: float, y0: float, speed: float, begin: float):
    """Somebody who crosses the road at x, from y0 to the other side, after `begin` s."""
    y = np.linspace(y0, -y0, 40)
    line = np.stack((np.full(40, x), y), 1)
    return street.add(line, lambda t: speed if t >= begin else 0.0, kind=BodyKind.PEDESTRIAN)


@situation("Somebody steps on a crosswalk ahead, from either side", "let across, at least 0.7 m away; then driven on")
def crosswalk(who):
    for side in (-1, 1):
        street = Street(junction(control="none"), STRAIGHT, who, speed=10.0)
        across(street, -15.0, side * 5.0, 1.4, 3.0)
        drive = street.run(25)
        assert drive.gap.min() > 0.7 and not drive.seen(EventKind.COLLISION_PEDESTRIAN)
        assert drive.s[-1] > LINE + 20


@situation("Somebody stands on the crosswalk and does not move on", "stopped before it")
def stands_on_crosswalk(who):
    street = Street(junction(control="none"), STRAIGHT, who, speed=10.0)
    line = np.array([[-15.0, -1.5], [-15.0, 5.0]])
    street.add(line, 0.0, kind=BodyKind.PEDESTRIAN)
    drive = street.run(15)
    assert drive.gap.min() > 0.7 and drive.v[-1] < 0.3


@situation("Somebody walks out from behind a parked van 30 m ahead, at 1.5 m/s", "no collision")
def from_behind_a_van(who):
    street = Street(straight_road(300), ROAD, who, speed=11.0, at=20.0)
    x = street.line[0, 0] + 20 + 30
    street.add(shifted(street.line, -3.2), 0.0, s=20 + 26, kind=BodyKind.VAN)
    across(street, x, -4.6, 1.5, 0.2)
    drive = street.run(12)
    assert not drive.collided and not drive.seen(EventKind.COLLISION_PEDESTRIAN)


@situation("A child runs out at 3 m/s, 28 m ahead of a car at 9 m/s", "no collision")
def child(who):
    street = Street(straight_road(300), ROAD, who, speed=9.0, at=20.0)
    across(street, street.line[0, 0] + 48.0, -6.5, 3.0, 0.6)
    drive = street.run(12)
    assert not drive.collided


@situation("Somebody walks along the pavement", "passed without braking")
def pavement(who):
    street = Street(straight_road(300), ROAD, who, speed=11.0, at=20.0)
    street.add(shifted(street.line, -3.0), 1.3, s=50, kind=BodyKind.PEDESTRIAN)
    drive = street.run(10)
    assert drive.v.min() > 10.5


@situation("Somebody waits at the kerb of a crosswalk", "slowed for or passed, never touched; 25 m beyond it in 20 s")
def waits_at_kerb(who):
    street = Street(junction(control="none"), STRAIGHT, who, speed=10.0)
    street.add(np.array([[-15.0, -4.6], [-15.0, 4.6]]), 0.0, kind=BodyKind.PEDESTRIAN)
    drive = street.run(20)
    assert drive.gap.min() > 0.7 and drive.s[-1] > LINE + 25
    if who == EXPERT:
        assert drive.v[(drive.s > 74) & (drive.s < 80)].max() < 7.0
