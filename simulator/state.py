"""The engine's own arrays, as NamedTuples that kernels take. Everything is allocated once, at engine creation.

B worlds, N slots: the first K are drivers, then V vehicles, then walkers. `d` and angles are left positive.
"""

from typing import NamedTuple

import numpy as np

from world.records import Bodies, WorldState

# Lanes a traffic vehicle plans ahead, the current one first. Kernels loop to `route_lane.shape[2]`: over a constant
# LLVM would unroll the loops, which makes compilation slow and code large.
ROUTE_LANES = 12


class Slots(NamedTuple):
    """Per slot, (B, N) unless noted."""

    SAME_SHAPE = True  # see world.pack

    # WorldState
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    yaw: np.ndarray
    speed: np.ndarray
    vx: np.ndarray
    vy: np.ndarray
    yaw_rate: np.ndarray
    accel: np.ndarray
    steer: np.ndarray
    valid: np.ndarray  # bool
    generation: np.ndarray  # int32
    controller: np.ndarray  # int8 Controller
    # Bodies
    kind: np.ndarray  # int8 BodyKind
    length: np.ndarray
    width: np.ndarray
    height: np.ndarray
    wheelbase: np.ndarray
    rear_axle: np.ndarray
    max_speed: np.ndarray
    max_accel: np.ndarray
    max_brake: np.ndarray
    max_steer: np.ndarray
    max_steer_rate: np.ndarray
    steer_lag: np.ndarray
    max_jerk: np.ndarray
    # Where on the map (kept up to date for every valid vehicle, driven by whom it may)
    lane: np.ndarray  # int32 global lane index, -1 off the map
    lane_s: np.ndarray  # [m]
    lane_d: np.ndarray  # [m] offset from the lane's centre line
    route_lane: np.ndarray  # int32 (B, N, ROUTE_LANES) lanes ahead, [0] == lane, -1 past the end
    # What it was told
    control_steer: np.ndarray  # [rad] last command
    control_accel: np.ndarray  # [m/s^2]
    target_speed: np.ndarray  # [m/s] of hooks; NaN: the model's own
    target_offset: np.ndarray  # [m] lateral offset of hooks
    # Previous step (for the judge: swept tests)
    old_x: np.ndarray
    old_y: np.ndarray
    old_yaw: np.ndarray


class Worlds(NamedTuple):
    """Per world, (B,) unless noted."""

    SAME_SHAPE = ("plan_",)  # see world.pack

    map_id: np.ndarray  # int32
    seed: np.ndarray  # uint64
    step: np.ndarray  # int64
    light: np.ndarray  # int8 (B, T) LightState, index within the map
    light_hold: np.ndarray  # int8 (B, T) LightState that hooks hold, -1: the plan rules
    friction: np.ndarray  # float32
    # Signal plans, (B, P), index within the map (see simulator.lights)
    plan_phase: np.ndarray  # int32 the phase that is green, or was until the clearing began
    plan_next: np.ndarray  # int32 the phase that follows the clearing
    plan_clearing: np.ndarray  # int32 1 between two greens
    plan_clock: np.ndarray  # float32 [s] since the green or the clearing began
    plan_calls: np.ndarray  # int64 a bit for each phase that somebody wants
    plan_holds: np.ndarray  # int64 a bit for each phase that somebody is about to use


_FLOATS = (
    "x y z yaw speed vx vy yaw_rate accel steer length width height wheelbase rear_axle max_speed max_accel max_brake "
    "max_steer max_steer_rate steer_lag max_jerk lane_s lane_d control_steer control_accel target_speed target_offset "
    "old_x old_y old_yaw"
).split()


def make_slots(worlds: int, slots: int) -> Slots:
    """Empty slots (all invalid)."""
    shape = (worlds, slots)
    arrays = {name: np.zeros(shape, np.float32) for name in _FLOATS}
    arrays["target_speed"].fill(np.nan)
    return Slots(
        **arrays,
        valid=np.zeros(shape, np.bool_),
        generation=np.zeros(shape, np.int32),
        controller=np.zeros(shape, np.int8),
        kind=np.zeros(shape, np.int8),
        lane=np.full(shape, -1, np.int32),
        route_lane=np.full((*shape, ROUTE_LANES), -1, np.int32),
    )


def make_worlds(worlds: int, lights: int, plans: int = 1) -> Worlds:
    """Worlds at step 0 on map 0; `lights` and `plans` are the largest numbers of lights and plans of any map."""
    plan = (worlds, plans)
    return Worlds(
        map_id=np.zeros(worlds, np.int32),
        seed=np.zeros(worlds, np.uint64),
        step=np.zeros(worlds, np.int64),
        light=np.zeros((worlds, lights), np.int8),
        light_hold=np.full((worlds, lights), -1, np.int8),
        friction=np.ones(worlds, np.float32),
        plan_phase=np.zeros(plan, np.int32),
        plan_next=np.zeros(plan, np.int32),
        plan_clearing=np.zeros(plan, np.int32),
        plan_clock=np.zeros(plan, np.float32),
        plan_calls=np.zeros(plan, np.int64),
        plan_holds=np.zeros(plan, np.int64),
    )


def bodies_view(slots: Slots) -> Bodies:
    """The public record over the engine's arrays, without a copy."""
    return Bodies(**{name: getattr(slots, name) for name in Bodies.__dataclass_fields__})


def state_view(slots: Slots, worlds: Worlds) -> WorldState:
    """The public record over the engine's arrays, without a copy."""
    shared = {n: getattr(slots, n) for n in WorldState.__dataclass_fields__ if hasattr(slots, n)}
    return WorldState(**shared, light=worlds.light, map_id=worlds.map_id, seed=worlds.seed, step=worlds.step)
