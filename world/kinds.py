"""Every enumeration of the vocabulary, as IntEnum: arrays hold the values as int8 or int32.

Kernels read the members through module-level ints (`DRIVING = int(LaneKind.DRIVING)`), so that the same
source compiles for the CPU and for CUDA.
"""

from enum import IntEnum


class LaneKind(IntEnum):
    """What a lane is for. DRIVING and BIDIRECTIONAL lanes carry motor traffic; SIDEWALK carries walkers."""

    OTHER = 0
    DRIVING = 1
    BIDIRECTIONAL = 2
    BIKING = 3
    SIDEWALK = 4
    SHOULDER = 5
    PARKING = 6
    BORDER = 7
    MEDIAN = 8
    RESTRICTED = 9
    STOP = 10
    ENTRY = 11
    EXIT = 12
    ON_RAMP = 13
    OFF_RAMP = 14
    CURB = 15
    NONE = 16


class MarkKind(IntEnum):
    """Road mark type on one side of a lane, at one point."""

    NONE = 0
    SOLID = 1
    BROKEN = 2
    SOLID_SOLID = 3
    SOLID_BROKEN = 4
    BROKEN_SOLID = 5
    BROKEN_BROKEN = 6
    BOTTS_DOTS = 7
    GRASS = 8
    CURB = 9
    EDGE = 10
    OTHER = 11


class MarkColor(IntEnum):
    """Road mark colour. OpenDRIVE's `standard` is WHITE."""

    WHITE = 0
    YELLOW = 1
    BLUE = 2
    GREEN = 3
    RED = 4
    ORANGE = 5


class Turn(IntEnum):
    """What a lane does inside a junction (NONE outside of one)."""

    NONE = 0
    STRAIGHT = 1
    LEFT = 2
    RIGHT = 3
    U_TURN = 4


class ConflictKind(IntEnum):
    """How two lanes of a junction share ground."""

    CROSS = 0  # paths intersect
    MERGE = 1  # paths end in the same lane
    DIVERGE = 2  # paths begin in the same lane


class Priority(IntEnum):
    """Right of way of a lane against the conflicting one."""

    GOES = 0  # this lane has the right of way
    YIELDS = 1  # this lane gives way
    EQUAL = 2  # first come, first served (all-way stop, unmarked)


class StopKind(IntEnum):
    """Why a lane has a stop line."""

    LIGHT = 0
    STOP = 1
    YIELD = 2


class LightState(IntEnum):
    """State of a traffic light head."""

    OFF = 0
    RED = 1
    RED_AMBER = 2
    GREEN = 3
    AMBER = 4


class SignKind(IntEnum):
    """Meaning of a sign face."""

    OTHER = 0
    STOP = 1
    YIELD = 2
    SPEED_LIMIT = 3
    SPEED_LIMIT_END = 4
    PRIORITY_ROAD = 5
    NO_ENTRY = 6
    PEDESTRIAN_CROSSING = 7


class EdgeKind(IntEnum):
    """What bounds the drivable surface."""

    ROAD_EDGE = 0
    CURB = 1
    BARRIER = 2


class WalkKind(IntEnum):
    """What a walking path is."""

    PAVEMENT = 0
    CROSSWALK = 1


class BodyKind(IntEnum):
    """Class of a road user. VAN is a car-like body of larger size."""

    CAR = 0
    VAN = 1
    TRUCK = 2
    BUS = 3
    MOTORCYCLE = 4
    BICYCLE = 5
    PEDESTRIAN = 6


class Controller(IntEnum):
    """Who moves a slot."""

    TRAFFIC = 0  # the engine's own drivers and walkers
    EXTERNAL = 1  # an agent, through Control
    SCRIPTED = 2  # a Director, through hooks (targets, speeds, teleports)


class Command(IntEnum):
    """Route command at a sparse waypoint (numbers as in the CARLA leaderboard's RoadOption)."""

    LEFT = 1
    RIGHT = 2
    STRAIGHT = 3
    LANE_FOLLOW = 4
    CHANGE_LANE_LEFT = 5
    CHANGE_LANE_RIGHT = 6


class Relation(IntEnum):
    """What a local lane of a Scene is to the driver."""

    EGO = 0  # the lane driven in, and what follows it along the route
    LEFT = 1  # neighbour, same direction
    RIGHT = 2
    OPPOSITE = 3  # neighbour, opposite direction
    CROSSING = 4  # crosses the route in a junction
    MERGING = 5  # ends in a lane of the route
    OTHER = 6


class EventKind(IntEnum):
    """What the judge reports of a driver. `docs/types.md` states the value that goes with each."""

    COLLISION_PEDESTRIAN = 0
    COLLISION_VEHICLE = 1
    COLLISION_STATIC = 2
    RED_LIGHT = 3
    STOP_SIGN = 4
    OFF_ROAD = 5
    WRONG_WAY = 6
    OUTSIDE_ROUTE_LANES = 7
    SPEEDING = 8
    BLOCKED = 9
    ROUTE_DEVIATION = 10
    TIMEOUT = 11
    COMPLETED = 12


class Fault(IntEnum):
    """Who caused a collision (nuPlan's notion of at-fault)."""

    OTHER = 0
    DRIVER = 1
