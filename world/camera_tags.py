"""What a pixel of a class mask may be, and what a labelled thing is."""

from enum import IntEnum

import numpy as np


class Tag(IntEnum):
    """Class of a pixel: CARLA's semantic tags (0.9.14 and later), and finer ones from 32 on."""

    UNLABELED = 0
    ROAD = 1
    SIDEWALK = 2
    BUILDING = 3
    WALL = 4
    FENCE = 5
    POLE = 6
    TRAFFIC_LIGHT = 7
    TRAFFIC_SIGN = 8
    VEGETATION = 9
    TERRAIN = 10
    SKY = 11
    PEDESTRIAN = 12
    RIDER = 13
    CAR = 14
    TRUCK = 15
    BUS = 16
    TRAIN = 17
    MOTORCYCLE = 18
    BICYCLE = 19
    STATIC = 20
    DYNAMIC = 21
    OTHER = 22
    WATER = 23
    ROAD_LINE = 24
    GROUND = 25
    BRIDGE = 26
    RAIL_TRACK = 27
    GUARD_RAIL = 28
    CROSSWALK = 32  # painted; CARLA: ROAD_LINE
    STOP_LINE = 33  # painted; CARLA: ROAD_LINE
    KERB = 34  # CARLA: SIDEWALK


CARLA_TAG = np.arange(256, dtype=np.uint8)  # CARLA_TAG[mask] is the mask in CARLA's numbers
CARLA_TAG[[Tag.CROSSWALK, Tag.STOP_LINE]] = Tag.ROAD_LINE
CARLA_TAG[Tag.KERB] = Tag.SIDEWALK


class ThingKind(IntEnum):
    """What a labelled or detected box holds."""

    VEHICLE = 0  # car, van, truck, bus
    CYCLIST = 1  # bicycle or motorcycle with its rider
    PEDESTRIAN = 2
    LIGHT = 3  # traffic light head
    SIGN = 4


class LineKind(IntEnum):
    """What a boundary of a lane looks like."""

    PAINT = 0  # painted mark
    KERB = 1  # kerb or edge of the road
