"""Judge: arrays, limits and events. `judge_step` holds the kernel `judge_world`.

The judge is a function of (map, bodies, states before and after, routes, its own state): it judges the states of any
backend that fills Slots-like arrays.
"""

# pyright: reportCallIssue=false
# (intrinsics take a typing context more than their callers give)

from typing import NamedTuple

import numpy as np

from world.kernel import kernel
from world.records import Event
from world.scenario import JudgeConfig
from world.shared_writes import count_up

NOT_ASKED = np.float32(9.0)  # no yaw
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

    SAME_SHAPE = ("event_", "corner_")  # see world.pack

    active: np.ndarray  # bool the driver is judged (false: no task, or done)
    max_time: np.ndarray  # float32 [s] of the run; inf: none
    steps: np.ndarray  # int32 judged so far
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
    off_road_timer: np.ndarray  # float32 [s] until leaving the road counts again
    wrong_way: np.ndarray  # bool it stands or drives against its lane
    against: np.ndarray  # float32 [m] driven in the present stretch against the lane
    speeding: np.ndarray  # float32 [m] driven in the present stretch of speeding
    stop_row: np.ndarray  # int32 row of tables.stops whose zone the driver is in, -1 none
    stop_done: np.ndarray  # bool it has stopped there
    static_timer: np.ndarray  # float32 [s] until a static collision counts again
    contact: np.ndarray  # float32 (B, K, N) [s] until a collision with that slot counts again
    contact_generation: np.ndarray  # int32 (B, K, N) who that was
    contact_left: np.ndarray  # float32 [s] the longest of them
    # Where the next searches begin
    piece: np.ndarray  # int32 piece of the route the driver is on
    # The nearest lane, when that was looked for last: where from, and what was found (queries.nearest_lane)
    near_x: np.ndarray  # float32 [m]
    near_y: np.ndarray  # float32 [m]
    near_z: np.ndarray  # float32 [m]
    near_yaw: np.ndarray  # float32 [rad]; NOT_ASKED: nothing yet
    near_lane: np.ndarray  # int32
    near_s: np.ndarray  # float32 [m]
    near_d: np.ndarray  # float32 [m]
    near_away: np.ndarray  # float32 [m]
    corner_point: np.ndarray  # int32 (B, K, 4) first point of the drivable segment that a corner is on, -1 none
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


def judge_limits(config: JudgeConfig, dt: float) -> JudgeLimits:
    """The numbers that kernels take. Args: dt: [s] between the states before and after."""
    return JudgeLimits(**{name: float(getattr(config, name)) for name in JudgeLimits._fields[:-1]}, dt=float(dt))


_BOOLS = ("active", "off_road", "wrong_way", "stop_done", "terminated", "truncated")
_INDICES = ("lane", "stop_row", "steps", "piece", "near_lane")
_EVENTS = {
    "event_step": np.int64, "event_driver": np.int32, "event_kind": np.int8, "event_value": np.float32,
    "event_other": np.int32, "event_fault": np.int8, "event_x": np.float32, "event_y": np.float32,
}  # fmt: skip


def make_judge(worlds: int, slots: int, drivers: int) -> Judge:
    """A judge that judges nobody yet; `reset_judge_one` starts a driver.

    Args:
        worlds: B. slots: N. drivers: K, the first K slots.
    """
    shape = (worlds, drivers)
    arrays: dict[str, np.ndarray] = {name: np.zeros(shape, np.bool_) for name in _BOOLS}
    arrays |= {name: np.full(shape, -1, np.int32) for name in _INDICES}
    arrays |= {name: np.zeros((worlds, drivers * EVENTS_A_DRIVER), dtype) for name, dtype in _EVENTS.items()}
    arrays |= {name: np.zeros(worlds, np.int32) for name in ("event_count", "event_lost")}
    arrays["contact"] = np.zeros((worlds, drivers, slots), np.float32)
    arrays["contact_generation"] = np.full((worlds, drivers, slots), -1, np.int32)
    arrays["corner_point"] = np.full((worlds, drivers, 4), -1, np.int32)
    for name in Judge._fields:
        if name not in arrays:
            arrays[name] = np.zeros(shape, np.float32)
    arrays["near_yaw"].fill(NOT_ASKED)
    return Judge(**arrays)


@kernel
def reset_judge_one(b, k, judge, max_time):
    """Start judging driver k of world b; max_time [s], inf for none. Events already reported stay in the buffer."""
    judge.active[b, k] = True
    judge.max_time[b, k] = max_time
    judge.route_s[b, k] = judge.route_d[b, k] = judge.progress[b, k] = 0.0
    judge.driven[b, k] = judge.outside[b, k] = judge.stopped[b, k] = 0.0
    judge.lane[b, k] = judge.stop_row[b, k] = -1
    judge.lane_s[b, k] = judge.lane_d[b, k] = 0.0
    judge.off_road[b, k] = judge.wrong_way[b, k] = judge.stop_done[b, k] = False
    judge.speeding[b, k] = judge.against[b, k] = judge.static_timer[b, k] = judge.off_road_timer[b, k] = 0.0
    judge.steps[b, k] = judge.piece[b, k] = 0
    judge.contact_left[b, k], judge.near_yaw[b, k] = 0.0, NOT_ASKED
    for n in range(judge.corner_point.shape[2]):
        judge.corner_point[b, k, n] = -1
    judge.terminated[b, k] = judge.truncated[b, k] = False
    for j in range(judge.contact.shape[2]):
        judge.contact[b, k, j] = 0.0
        judge.contact_generation[b, k, j] = -1


@kernel
def emit(b, k, kind, value, other, fault, x, y, worlds, judge):
    """Write an event of driver k into the buffer of world b.

    Args:
        kind: EventKind. value: see docs/judge.md. other: slot or -1. fault: Fault. x, y: [m] where.
    """
    n = count_up(judge.event_count, b)
    if n >= judge.event_kind.shape[1]:
        judge.event_count[b] = judge.event_kind.shape[1]
        count_up(judge.event_lost, b)
        return
    judge.event_step[b, n], judge.event_driver[b, n], judge.event_kind[b, n] = worlds.step[b], k, kind
    judge.event_value[b, n], judge.event_other[b, n], judge.event_fault[b, n] = value, other, fault
    judge.event_x[b, n], judge.event_y[b, n] = x, y


def collect_events(judge: Judge) -> tuple[Event, ...]:
    """The events in the buffer, in order of (world, driver, step, kind); the buffer stays as it is.

    Raises:
        RuntimeError: the buffer overflowed since the last `clear_events`.
    """
    if judge.event_lost.any():
        lost = int(judge.event_lost.sum())
        raise RuntimeError(f"{lost} events did not fit into {judge.event_kind.shape[1]} a world; collect more often")
    events = []
    for b in np.flatnonzero(judge.event_count):
        for i in range(judge.event_count[b]):
            values = {name[6:]: getattr(judge, name)[b, i].item() for name in _EVENTS}
            events.append(Event(world=int(b), **values))
    return tuple(sorted(events, key=lambda e: (e.world, e.driver, e.step, e.kind, e.other)))


def clear_events(judge: Judge) -> None:
    """Empty the buffer of all worlds."""
    judge.event_count.fill(0)
    judge.event_lost.fill(0)
