"""Every threshold of the planner, in one place."""

from typing import NamedTuple

import numpy as np

STEPS = 31  # points of a forecast, the first is now
STEP_DT = 0.2  # [s] between them
ENTRIES = 96  # forecasts (object x mode) that meet the path
PROPOSALS = 10


class PlannerConfig(NamedTuple):
    """Thresholds; SI units."""

    # Free driving
    max_accel: float = 2.3  # [m/s^2] nuPlan's comfort bound is 2.40
    brake: float = 2.6  # [m/s^2] of planned stops
    hard_brake: float = 4.0  # [m/s^2] of proposals that drive slower than they may
    full_brake: float = 6.0  # [m/s^2] of those that stop or follow
    lateral_accel: float = 3.4  # [m/s^2] in curves; nuPlan's comfort bound is 4.89
    yaw_rate: float = 0.85  # [rad/s] in curves; nuPlan's comfort bound is 0.95
    limit_factor: float = 0.995  # of the speed limit: speeding counts against a driver
    jerk: float = 3.8  # [m/s^3]
    tracking: float = 0.4  # [s] time constant towards the speed profile
    preview: float = 0.15  # [s] that the profile is read ahead, plus the time that the jerk limit costs
    # Following (IDM)
    min_gap: float = 1.8  # [m]
    headway: float = 0.8  # [s]
    stand_gap: float = 0.5  # [m] that a proposal keeps behind whoever is ahead
    coolness: float = 0.99  # share of the IDM's excess braking that is taken off
    lead_smooth: float = 0.25  # [s] over which a leader's acceleration is taken
    lead_brake: float = 8.0  # [m/s^2] of braking that is expected to go on until he stands
    lead_accel: float = 1.5  # [m/s^2] of thrust that is expected to go on,
    lead_thrust: float = 2.0  # [s] for so long
    # Corridor
    margin: float = 0.35  # [m] either side of the own body, for vehicles
    margin_cyclist: float = 0.6  # [m]
    margin_walker: float = 0.8  # [m]
    # Giving way
    early: float = 1.0  # [s] those with right of way may come earlier than forecast
    late: float = 1.4  # [s] or leave later: they slow down when they see one coming
    other_brake: float = 3.5  # [m/s^2] that those who must give way are trusted to brake with
    prior_side: float = 0.4  # [m] more room sideways for those with right of way
    prior_gap: float = 0.8  # [m] a proposal keeps from the paths of those with right of way
    yield_gap: float = 1.5  # [m] between the own bumper and the paths of those let through
    follow_time: float = 3.0  # [s] after merging in front of somebody that his forecast may not reach us
    # Lights, stops, crosswalks
    line_gap: float = 1.0  # [m] bumper to stop line when standing
    line_slack: float = 0.5  # [m] that a proposal may miss it by
    amber_brake: float = 3.0  # [m/s^2] an amber light is worth
    amber_time: float = 2.6  # [s] in which the line must be reached at the present speed
    red_brake: float = 6.5  # [m/s^2] a red light is worth
    amber_sure: float = 1.0  # [m/s^2] of braking from which on one who stops for amber does not think again
    line_over: float = 0.8  # [m] in which one can stand is near enough to the line, however near that is
    line_moves: float = 4.0  # [m] that a line may turn out to be elsewhere than it seemed when amber was decided on
    red_amber_time: float = 1.0  # [s] that red and amber show before green (RiLSA, as most of Europe has it)
    green_margin: float = 0.2  # [s] after the expected green at which the line may be crossed
    goal_room: float = 8.0  # [m] beyond the route's end at which one stands: arriving needs no stop
    stop_speed: float = 0.05  # [m/s] that counts as a full stop
    yield_speed: float = 6.0  # [m/s] at a give-way line
    crosswalk_speed: float = 6.0  # [m/s] at a crosswalk with somebody at its kerb
    # Passing
    pass_wait: float = 6.0  # [s] behind something that stands without a reason
    pass_speed: float = 5.0  # [m/s]
    pass_ramp: float = 12.0  # [m] of path to change sides
    pass_gap: float = 1.0  # [m] sideways between the bodies
    # Steering: weights of the preview LQR
    lateral_error: float = 1.0  # [1/m^2]
    lateral_heading: float = 2.0  # [1/rad^2]
    lateral_steer: float = 0.5  # [1/rad^2] of w - d, which is lag times the steer rate
    lateral_jerk: float = 1e-3  # [s^4/m^2] of the lateral jerk that w - d makes: grows with v^4, calms high speed
    # Pedals
    accel_gain: float = 0.8  # [1/s] of the speed error against the plan
    accel_preview: float = 0.1  # [s] ahead that the plan is read
    accel_jerk: float = 3.6  # [m/s^3] a driver's comfort; nuPlan's bound is 4.13
    urgent_jerk: float = 60.0  # [m/s^3] of an emergency
    hold: float = -1.5  # [m/s^2] brake at standstill
    creep: float = 0.15  # [m/s] below which a car that plans to stand is held

    def row(self) -> np.void:
        """The thresholds as a row that kernels take."""
        return np.array([tuple(self)], np.dtype([(name, "f8") for name in self._fields]))[0]
