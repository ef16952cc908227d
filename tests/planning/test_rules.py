"""Where a light makes the planner stand, tick by tick."""

import pytest

from planning.config import PlannerConfig
from planning.memory import make_memory
from planning.rules import FAR, light_stop
from planning.view import make_rows
from world.kinds import LightState

CONFIG, HALF = PlannerConfig().row(), 2.3
GREEN, AMBER, RED = LightState.GREEN, LightState.AMBER, LightState.RED


class Light:
    """The light of one driver, 100 m before whose goal its line lies."""

    def __init__(self):
        self.me, self.memory = make_rows(1, 1).driver[0, 0], make_memory(1, 1)[0, 0]

    def stop(self, state, distance, speed, line=100.0, accel=-2.0):
        """[m] beyond the bumper at which to stand, None: goes on."""
        me = self.me
        me["light_valid"], me["light_state"], me["light_distance"] = True, state, distance
        me["speed"], me["accel"], me["remaining"] = speed, accel, line + distance + HALF
        stop = light_stop(me, self.memory, HALF, CONFIG)
        return None if stop >= FAR else stop


@pytest.mark.parametrize("state", [AMBER, RED])
@pytest.mark.parametrize("speed", [0.3, 0.9, 1.4, 1.9])
def test_who_rolls_up_to_the_line_stands(state, speed):
    light = Light()
    for distance in (0.5, 0.2, 0.05):
        assert light.stop(state, distance, speed) is not None


def test_red_is_passed_only_where_one_would_stand_well_beyond_the_line():
    assert Light().stop(RED, 16.0, 13.9) is not None
    assert Light().stop(RED, 10.0, 13.9) is None
    assert Light().stop(RED, 0.1, 5.0) is None


def test_what_was_decided_at_amber_is_kept():
    stops = Light()
    assert stops.stop(AMBER, 20.0, 10.0) is not None
    for distance, speed in ((8.0, 8.0), (5.0, 6.5), (2.0, 4.2), (0.3, 1.5)):  # braking, later than it wanted
        assert stops.stop(AMBER, distance, speed) is not None
    goes = Light()
    assert goes.stop(AMBER, 8.0, 10.0) is None
    assert goes.stop(AMBER, 7.0, 2.0) is None, "held up by somebody, and still amber"
    assert goes.stop(RED, 7.0, 2.0) is not None


def test_who_does_not_brake_yet_may_think_again():
    light = Light()
    assert light.stop(AMBER, 32.0, 13.8, accel=0.0) is not None
    assert light.stop(AMBER, 30.0, 13.8, accel=-0.3) is None


def test_a_line_that_turns_out_to_be_nearer_changes_no_decision():
    light = Light()
    assert light.stop(AMBER, 9.0, 5.0) is not None
    assert light.stop(AMBER, 4.0, 5.0, line=102.0) is not None


def test_green_begins_anew():
    light = Light()
    assert light.stop(AMBER, 20.0, 10.0) is not None
    assert light.stop(GREEN, 9.0, 10.0) is None
    assert light.stop(AMBER, 8.0, 10.0) is None
