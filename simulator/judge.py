"""Judge: arrays, limits and events. `judge_step` holds the kernel `judge_world`.

The judge is a function of (map, bodies, states before and after, routes, its own state): it judges the states of any
backend that fills Slots-like arrays.
"""

from typing import NamedTuple

import numpy as np

from world.records import Event
from world.scenario import JudgeConfig

EVENTS_A_DRIVER = 32  # events that one driver may cause between two `clear_events`


class JudgeLimits(NamedTuple):
    """JudgeConfig as numbers that kernels take, and the step. All float."""

    deviation_limit: float  # [m]
    blocked_speed: float  # [m/s]
    blocked_time: float  # [s]
    arrive_distance: float  # [m]
    arrive_fraction: float
    speeding_margin: float
    stop_speed: float  # [m/s]
    stop_zone: float  # [m]
    collision_ends: float  # 0 or 1
    dt: float  # [s] time between the two states


class Judge(NamedTuple):
    """What the judge remembers and reports. (B, K) unless noted; E events a world."""

    active: np.ndarray  # bool the driver is judged (false: no task, or done)
    max_time: np.ndarray  # float32 [s] of the run; inf: none
    route_s: np.ndarray  # float32 [m] where the driver is along its route now
    route_d: np.ndarray  # float32 [m] offset from the route, left positive
    progress: np.ndarray  # float32 [m] largest route_s so far
    driven: np.ndarray  # float32 [m] driven so far
    outside: np.ndarray  # float32 [m] of them outside of the route's lanes
    stopped: np.ndarray  # float32 [s] below blocked_speed
    lane: np.ndarray  # int32 lane the driver is on, -1 none (also the hint of the next search)
    lane_s: np.ndarray  # float32 [m]
    lane_d: np.ndarray  # float32 [m]
    off_road: np.ndarray  # bool a wheel was outside of the drivable surface after the last step
    wrong_way: np.ndarray  # bool
    speeding: np.ndarray  # float32 [m] driven in the present stretch of speeding
    stop_lane: np.ndarray  # int32 stop (row of tables.stops) whose zone the driver is in, -1 none
    stop_done: np.ndarray  # bool it has stopped there
    static_timer: np.ndarray  # float32 [s] until a static collision counts again
    contact: np.ndarray  # float32 (B, K, N) [s] until a collision with that slot counts again
    contact_generation: np.ndarray  # int32 (B, K, N) who that was
    terminated: np.ndarray  # bool
    truncated: np.ndarray  # bool
    event_count: np.ndarray  # int32 (B,) events in the buffer
    event_lost: np.ndarray  # int32 (B,) events that did not fit
    event_step: np.ndarray  # int64 (B, E)
    event_driver: np.ndarray  # int32 (B, E)
    event_kind: np.ndarray  # int8 (B, E) EventKind
    event_value: np.ndarray  # float32 (B, E)
    event_other: np.ndarray  # int32 (B, E) slot, -1 none
    event_fault: np.ndarray  # int8 (B, E) Fault
    event_x: np.ndarray  # float32 (B, E) [m]
    event_y: np.ndarray  # float32 (B, E) [m]
