"""The `vector` observation: which number stands where, and how it is scaled.

128 float32 in [-1, 1], each a quantity of a driver's Scene divided by its scale and clipped; what is absent is zero,
and so is all of a driver that takes no part. Five blocks: ego, route, lanes, ahead, objects. The first four,
`STATE_SIZE` numbers, also end the `lidar` observation. The codec (`agents.encode_vector`) and the engine's fused kernel
(`simulator.observe_vector`) write them by the same kernels (`world.encode`). docs/observations.md is made from here.
"""

from dataclasses import dataclass

import numpy as np

from world.records import F32, SCENE_ROUTE_POINTS, SCENE_ROUTE_STEP

VECTOR_ROUTE_INDEX = (1, 2, 3, 5, 7, 10, 14, 20, 30, 44)  # points of Scene.route
VECTOR_OBJECTS = 8  # nearest road users

SPEED_SCALE = 30.0  # [m/s]
ACCEL_SCALE = 8.0  # [m/s^2]
STEER_SCALE = 0.7  # [rad]
LANE_SCALE = 4.0  # [m] offset from the lane, and its half width
OFFSET_SCALE = 10.0  # [m] offset from the route
REMAINING_SCALE = 500.0  # [m]
LENGTH_SCALE = 10.0  # [m] of a vehicle
LIMIT_SCALE = 40.0  # [m/s]
DISTANCE_SCALE = 100.0  # [m]
KIND_VEHICLE, KIND_CYCLE, KIND_WALKER = 0.0, 0.5, 1.0  # motorcycles are vehicles


@dataclass(frozen=True)
class Entry:
    """One number of an observation: value / scale, clipped to [low, 1]."""

    name: str
    scale: float
    unit: str
    meaning: str
    low: float = -1.0


EGO = (
    Entry("speed", SPEED_SCALE, "m/s", "signed, along the body"),
    Entry("accel", ACCEL_SCALE, "m/s^2", "along the body"),
    Entry("yaw_rate", 1.0, "rad/s", "left positive"),
    Entry("steer", STEER_SCALE, "rad", "front wheel, left positive"),
    Entry("lane_offset", LANE_SCALE, "m", "of the box centre from the lane's centre line, left positive"),
    Entry("lane_angle", float(np.pi), "rad", "body yaw minus lane heading"),
    Entry("on_lane", 1.0, "flag", "the two before mean something", 0.0),
    Entry("route_offset", OFFSET_SCALE, "m", "of the box centre from the route, left positive"),
    Entry("remaining", REMAINING_SCALE, "m", "along the route to the goal"),
    Entry("length", LENGTH_SCALE, "m", "of the own vehicle", 0.0),
    Entry("speed_limit", LIMIT_SCALE, "m/s", "of the lane driven on, 0 off all lanes", 0.0),
)
ROUTE_POINT = (
    Entry("x", DISTANCE_SCALE, "m", "forward"),
    Entry("y", DISTANCE_SCALE, "m", "left"),
    Entry("limit", LIMIT_SCALE, "m/s", "speed limit there; 0: the route has ended before", 0.0),
)
LANES = (
    Entry("left_lane", 1.0, "flag", "there is a neighbouring lane of the same direction", 0.0),
    Entry("left_change", 1.0, "flag", "and the marks allow changing into it here", 0.0),
    Entry("right_lane", 1.0, "flag", "as to the left", 0.0),
    Entry("right_change", 1.0, "flag", "as to the left", 0.0),
    Entry("half_width", LANE_SCALE, "m", "of the route's lane at the driver", 0.0),
)
AHEAD = (
    Entry("light_red", 1.0, "flag", "the next light on the route is red", 0.0),
    Entry("light_amber", 1.0, "flag", "amber, or red and amber", 0.0),
    Entry("light_green", 1.0, "flag", "green; a light that is off has no flag", 0.0),
    Entry("light_distance", DISTANCE_SCALE, "m", "front bumper to its stop line"),
    Entry("stop", 1.0, "flag", "a stop sign is ahead", 0.0),
    Entry("stop_distance", DISTANCE_SCALE, "m", "front bumper to its line"),
    Entry("give_way", 1.0, "flag", "a give-way line is ahead", 0.0),
    Entry("give_way_distance", DISTANCE_SCALE, "m", "front bumper to it"),
    Entry("crosswalk", 1.0, "flag", "a crosswalk is ahead or under the bumper", 0.0),
    Entry("crosswalk_distance", DISTANCE_SCALE, "m", "front bumper to its near side; negative on it"),
)
OBJECT = (
    Entry("valid", 1.0, "flag", "there is somebody", 0.0),
    Entry("x", DISTANCE_SCALE, "m", "box centre, forward"),
    Entry("y", DISTANCE_SCALE, "m", "left"),
    Entry("relative_vx", SPEED_SCALE, "m/s", "its velocity minus the own along x; ego axes, which do not turn along"),
    Entry("relative_vy", SPEED_SCALE, "m/s", "its velocity along y"),
    Entry("cos_yaw", 1.0, "", "cosine of its yaw relative to the own"),
    Entry("sin_yaw", 1.0, "", "sine of it"),
    Entry("length", LENGTH_SCALE, "m", "of its box", 0.0),
    Entry("kind", 1.0, "code", f"{KIND_VEHICLE:g} vehicle, {KIND_CYCLE:g} bicycle, {KIND_WALKER:g} pedestrian", 0.0),
)

EGO_AT = 0
ROUTE_AT = EGO_AT + len(EGO)
LANES_AT = ROUTE_AT + len(VECTOR_ROUTE_INDEX) * len(ROUTE_POINT)
AHEAD_AT = LANES_AT + len(LANES)
OBJECTS_AT = AHEAD_AT + len(AHEAD)
STATE_SIZE = OBJECTS_AT  # numbers without the objects
VECTOR_SIZE = OBJECTS_AT + VECTOR_OBJECTS * len(OBJECT)


def vector_entries() -> list[Entry]:
    """All VECTOR_SIZE entries in order, with names such as `route.3.x`; index = place in the observation."""
    blocks = [("ego", EGO)]
    blocks += [(f"route.{i}", ROUTE_POINT) for i in range(len(VECTOR_ROUTE_INDEX))]
    blocks += [("lanes", LANES), ("ahead", AHEAD)]
    blocks += [(f"object.{i}", OBJECT) for i in range(VECTOR_OBJECTS)]
    return [Entry(f"{block}.{e.name}", e.scale, e.unit, e.meaning, e.low) for block, own in blocks for e in own]


def vector_low() -> F32:
    """(VECTOR_SIZE,) least value of each entry; the largest is 1."""
    return np.array([entry.low for entry in vector_entries()], np.float32)


def vector_table() -> str:
    """The layout as a Markdown table, a row an entry; of points and road users the first."""
    rows = ["| place | name | scale | range | meaning |", "| --- | --- | --- | --- | --- |"]
    for at, entry in enumerate(vector_entries()):
        block, _, rest = entry.name.partition(".")
        number = rest.partition(".")[0]
        if block in ("route", "object") and number != "0":
            continue
        repeat = {"route": len(ROUTE_POINT), "object": len(OBJECT)}.get(block)
        place = f"{at}" if repeat is None else f"{at} + {repeat} i"
        name = entry.name.replace(f"{block}.0.", f"{block}.i.") if repeat else entry.name
        scale = f"{entry.scale:.4g} {entry.unit}" if entry.unit not in ("flag", "code") else entry.unit
        rows.append(f"| {place} | `{name}` | {scale.strip()} | [{entry.low:g}, 1] | {entry.meaning} |")
    return "\n".join(rows)


def route_distances() -> tuple[float, ...]:
    """[m] along the route from the driver's foot point to the points of the vector."""
    assert max(VECTOR_ROUTE_INDEX) < SCENE_ROUTE_POINTS
    return tuple(SCENE_ROUTE_STEP * i for i in VECTOR_ROUTE_INDEX)


if __name__ == "__main__":
    print(vector_table())
