"""The records that flow through a tick, from Bodies and WorldState over Scene to Decision and StepResult.

B worlds, N slots a world (drivers first, then vehicles, then walkers), K drivers a world (the first K slots), T lights.
World frame: x east, y north, z up; body and ego frame: x forward, y left, origin at the box centre on the ground;
angles counter-clockwise [rad] in [-pi, pi); SI units. Every array has an explicit `valid` mask where entries can be
absent; an absent entry's numbers are zero and mean nothing. Arrays may be views that live until the next step.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
U8, I8, I32, I64, U64 = NDArray[np.uint8], NDArray[np.int8], NDArray[np.int32], NDArray[np.int64], NDArray[np.uint64]
BOOL = NDArray[np.bool_]

SCENE_LANES = 16  # local lanes of a Scene
SCENE_LANE_POINTS = 20  # points of a local lane
SCENE_LANE_STEP = 3.0  # [m] between them; the first lies SCENE_LANE_BEHIND behind the driver's foot point
SCENE_LANE_BEHIND = 6.0  # [m]
SCENE_EDGES = 64  # edge segments, nearest first
SCENE_OBJECTS = 32  # road users, nearest first
SCENE_ROUTE_POINTS = 50  # points of the route ahead
SCENE_ROUTE_STEP = 2.0  # [m]
SCENE_RANGE = 100.0  # [m] nothing beyond it is in a Scene


@dataclass(frozen=True, eq=False)
class Bodies:
    """What a slot's body is; constant between spawn and despawn. All (B, N)."""

    kind: I8  # BodyKind
    length: F32  # [m]
    width: F32  # [m]
    height: F32  # [m]
    wheelbase: F32  # [m]; 0 for pedestrians
    rear_axle: F32  # [m] distance of the rear axle behind the box centre
    max_speed: F32  # [m/s]
    max_accel: F32  # [m/s^2]
    max_brake: F32  # [m/s^2] positive number
    max_steer: F32  # [rad] of the front wheel
    max_steer_rate: F32  # [rad/s]
    steer_lag: F32  # [s] first-order time constant of steering
    max_jerk: F32  # [m/s^3] of the drive train; brakes act faster (see world.bicycle)


@dataclass(frozen=True, eq=False)
class WorldState:
    """Where everything is. (B, N) unless noted; world frame relative to the map's origin."""

    x: F32  # [m] box centre
    y: F32  # [m]
    z: F32  # [m] ground under the centre
    yaw: F32  # [rad]
    speed: F32  # [m/s] signed, along the body axis
    vx: F32  # [m/s] world frame
    vy: F32  # [m/s]
    yaw_rate: F32  # [rad/s]
    accel: F32  # [m/s^2] along the body axis, as it acts
    steer: F32  # [rad] front wheel, as it acts, left positive
    valid: BOOL  # the slot holds somebody
    generation: I32  # counts the spawns of the slot: (slot, generation) is an identity
    controller: I8  # Controller
    light: I8  # (B, T) LightState; padded with OFF
    map_id: I32  # (B,)
    seed: U64  # (B,)
    step: I64  # (B,) engine steps since reset; time = step * dt

    @property
    def xy(self) -> F32:
        """(B, N, 2) [m] box centres (a copy)."""
        return np.stack((self.x, self.y), axis=-1)


@dataclass(frozen=True, eq=False)
class Task:
    """What a driver is told at reset: a sparse route, its vehicle, its clock. Leading dims (B, K)."""

    waypoint: F32  # (B, K, W, 2) [m] world frame, every 20-50 m, start and goal included
    command: I8  # (B, K, W) Command: what to do from this waypoint on
    waypoint_valid: BOOL  # (B, K, W)
    goal_radius: float  # [m] arrival distance
    vehicle: Bodies  # (B, K) limits and size of the driver's vehicle
    dt: float  # [s] engine step
    control_every: int  # engine steps between two acts


@dataclass(frozen=True, eq=False)
class SensorFrame:
    """What the sensors of each driver say now. Cameras and lidar arrive by name. Leading dims (B, K)."""

    time: F32  # (B, K) [s] since reset
    gnss_xy: F32  # (B, K, 2) [m] world frame, noisy
    gnss_valid: BOOL  # (B, K) a fix arrived this tick
    accel_xy: F32  # (B, K, 2) [m/s^2] body frame, IMU
    yaw_rate: F32  # (B, K) [rad/s] IMU
    wheel_speed: F32  # (B, K) [m/s] odometry
    steer: F32  # (B, K) [rad] measured front wheel angle
    images: dict[str, U8] = field(default_factory=dict)  # (B, K, H, W, 3) RGB a camera, the latest picture
    image_fresh: dict[str, BOOL] = field(default_factory=dict)  # (B, K) a camera: the picture was taken this tick
    # A lidar's and a radar's points, the latest; the fourth number is intensity, or radial speed [m/s], positive away
    points: dict[str, F32] = field(default_factory=dict)  # (B, K, M, 4) [m] x y z, intensity or speed, body frame
    points_count: dict[str, I32] = field(default_factory=dict)  # (B, K) how many points there are
    points_fresh: dict[str, BOOL] = field(default_factory=dict)  # (B, K) they were measured this tick


@dataclass(frozen=True, eq=False)
class Detections:
    """What perception found in one SensorFrame, body frame. Leading dims (B, K), D detections."""

    xy: F32  # (B, K, D, 2) [m] box centre
    yaw: F32  # (B, K, D) [rad]
    velocity: F32  # (B, K, D, 2) [m/s] body frame axes, over ground
    size: F32  # (B, K, D, 2) [m] length, width
    kind: I8  # (B, K, D) BodyKind
    score: F32  # (B, K, D) in [0, 1]
    valid: BOOL  # (B, K, D)
    boxes_px: dict[str, F32] = field(default_factory=dict)  # (B, K, D, 4) x0 y0 x1 y1 a camera


@dataclass(frozen=True, eq=False)
class EgoStatus:
    """The driver's own vehicle. All (B, K) unless noted."""

    pose: F32  # (B, K, 3) [m, m, rad] believed x, y, yaw, world frame (true scene: the truth)
    speed: F32  # [m/s] signed
    accel: F32  # [m/s^2]
    yaw_rate: F32  # [rad/s]
    steer: F32  # [rad]
    size: F32  # (B, K, 2) [m] length, width
    wheelbase: F32  # [m]
    rear_axle: F32  # [m] behind the box centre
    lane_offset: F32  # [m] of the box centre from its lane's centre line, left positive
    lane_angle: F32  # [rad] body yaw minus lane heading
    on_lane: BOOL  # offset and angle mean something


@dataclass(frozen=True, eq=False)
class LocalLanes:
    """Lanes around the driver, ego frame, route's lanes first. L = SCENE_LANES, P = SCENE_LANE_POINTS."""

    xy: F32  # (B, K, L, P, 2) [m] centre line in travel direction, SCENE_LANE_STEP apart
    half_width: F32  # (B, K, L, P) [m]
    point_valid: BOOL  # (B, K, L, P)
    mark_left: I8  # (B, K, L) MarkKind at the driver's height
    mark_right: I8  # (B, K, L)
    change_left: BOOL  # (B, K, L) marks allow it at the driver's height
    change_right: BOOL  # (B, K, L)
    relation: I8  # (B, K, L) Relation
    yields: BOOL  # (B, K, L) traffic on this lane gives way to the driver's route
    limit: F32  # (B, K, L) [m/s]
    valid: BOOL  # (B, K, L)


@dataclass(frozen=True, eq=False)
class Objects:
    """Road users around the driver, ego frame, nearest first. O = SCENE_OBJECTS."""

    xy: F32  # (B, K, O, 2) [m] box centre
    yaw: F32  # (B, K, O) [rad] relative to the driver's
    velocity: F32  # (B, K, O, 2) [m/s] over ground, ego axes
    size: F32  # (B, K, O, 2) [m] length, width
    kind: I8  # (B, K, O) BodyKind
    track: I64  # (B, K, O) identity over time
    score: F32  # (B, K, O) in [0, 1]; 1 in the true scene
    valid: BOOL  # (B, K, O)


@dataclass(frozen=True, eq=False)
class RouteAhead:
    """The route from the driver's foot point on, ego frame. R = SCENE_ROUTE_POINTS, SCENE_ROUTE_STEP apart."""

    xy: F32  # (B, K, R, 2) [m]
    half_width: F32  # (B, K, R) [m] of the lane
    limit: F32  # (B, K, R) [m/s]
    valid: BOOL  # (B, K, R)
    command: I8  # (B, K) Command in force
    remaining: F32  # (B, K) [m] to the goal
    offset: F32  # (B, K) [m] of the driver from the route, left positive


@dataclass(frozen=True, eq=False)
class Ahead:
    """The next thing of each sort along the route: distance of the driver's front bumper to its line. All (B, K)."""

    light_state: I8  # LightState
    light_distance: F32  # [m]
    light_valid: BOOL
    stop_distance: F32  # [m] stop sign line
    stop_valid: BOOL
    yield_distance: F32  # [m] give-way line
    yield_valid: BOOL
    crosswalk_distance: F32  # [m] near side
    crosswalk_length: F32  # [m] along the route
    crosswalk_valid: BOOL


@dataclass(frozen=True, eq=False)
class Scene:
    """What a driver knows of the world around it; the same type from the true observer and from perception."""

    ego: EgoStatus
    lanes: LocalLanes
    edge_xy: F32  # (B, K, E, 2, 2) [m] ego frame, segments, nearest first; E = SCENE_EDGES
    edge_valid: BOOL  # (B, K, E)
    objects: Objects
    route: RouteAhead
    ahead: Ahead
    speed_limit: F32  # (B, K) [m/s] in force
    time: F32  # (B, K) [s] since reset
    active: BOOL  # (B, K) the driver takes part


@dataclass(frozen=True, eq=False)
class Plan:
    """Where a planner wants to be. H points; leading dims (B, K); world frame as believed in EgoStatus.pose."""

    time: F32  # (H,) [s] from now
    xy: F32  # (B, K, H, 2) [m] box centre
    yaw: F32  # (B, K, H) [rad]
    speed: F32  # (B, K, H) [m/s]
    accel: F32  # (B, K, H) [m/s^2]
    valid: BOOL  # (B, K)
    terms: dict[str, F32] = field(default_factory=dict)  # (B, K) named score terms, and why: "leader", "light", ...


@dataclass(frozen=True, eq=False)
class Control:
    """What a driver asks of its vehicle; the engine applies the vehicle's limits. All (B, K)."""

    steer: F32  # [rad] front wheel, left positive
    accel: F32  # [m/s^2] negative brakes


# (world, driver) -> ([s] when it was taken, (H, W, 3) RGB), None: no picture yet; good until the agent acts again
DrawPicture = Callable[[int, int], tuple[float, U8] | None]


@dataclass(frozen=True, eq=False)
class Decision:
    """An agent's answer, with what it believed and planned, so that a replay can show it."""

    control: Control
    plan: Plan | None = None
    scene: Scene | None = None
    detections: Detections | None = None
    debug: dict[str, F32] = field(default_factory=dict)  # (B, K) numbers, and (B, K, ...) arrays
    pictures: dict[str, DrawPicture] = field(default_factory=dict)  # by camera; what was seen, drawn when asked for


@dataclass(frozen=True, eq=False)
class Event:
    """One thing that the judge reports. Point events have value 1; OUTSIDE_ROUTE_LANES, ... see docs/types.md."""

    world: int
    driver: int
    step: int
    kind: int  # EventKind
    value: float
    other: int  # slot of the other party, -1 for none
    fault: int  # Fault
    x: float  # [m] where, world frame
    y: float


@dataclass(frozen=True)
class HookOp:
    """Something done to the world through hooks, before engine step `step` was made."""

    step: int
    name: str  # method of world.protocols.Hooks
    args: dict[str, Any]  # plain values, by parameter name


@dataclass(frozen=True, eq=False)
class StepResult:
    """What a control step led to. Leading dims (B, K)."""

    reward: dict[str, F32]  # (B, K) named terms, which sum to the reward
    events: tuple[Event, ...]  # of this control step, in order of (world, driver, step, kind)
    terminated: BOOL  # (B, K) the task's own end: completed, or an ending infraction
    truncated: BOOL  # (B, K) cut off: time limit
    progress: F32  # (B, K) [m] route travelled, monotone
