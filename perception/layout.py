"""What the channels of the eyes' network mean: shared by training and inference."""

import numpy as np

from world.camera_tags import Tag, ThingKind

STRIDE = 4  # [px] of the picture a cell of the answers
INPUT_WIDTH, INPUT_HEIGHT = 320, 160  # [px]

# Segmentation
OTHER, ROAD, LINE, CROSSWALK, STOP_LINE = range(5)
SEG_CLASSES = 5
IGNORE = 255
SEG_OF_TAG = np.zeros(256, np.uint8)
SEG_OF_TAG[int(Tag.ROAD)] = ROAD
SEG_OF_TAG[int(Tag.ROAD_LINE)] = LINE
SEG_OF_TAG[int(Tag.CROSSWALK)] = CROSSWALK
SEG_OF_TAG[int(Tag.STOP_LINE)] = STOP_LINE

# Lines: LINE_SLOTS maps of where, then what they look like
LINE_TRAITS = 2  # kerb rather than paint; dashed rather than solid

# Things
KINDS = tuple(ThingKind)
HEAT = slice(0, 5)  # one map a ThingKind
OFFSET = slice(5, 7)  # [cells] of the box's centre from the middle of its cell: x, y
EXTENT = slice(7, 9)  # log [px / STRIDE] of width and height of the box
DEPTH = slice(9, 11)  # log(Z [m] / f [px]) + DEPTH_SHIFT, and the log of its variance
SIZE = slice(11, 14)  # log [m / mean of its kind] of length, width, height
YAW = slice(14, 16)  # sin, cos of the yaw relative to the ray; lights and signs as well
STATE = slice(16, 21)  # world.kinds.LightState
FRONT = slice(21, 22)  # the face of a light or a sign is seen
DETECTION_CHANNELS = 22
DEPTH_SHIFT = 2.5
MEAN_SIZE = np.array([(4.6, 1.9, 1.6), (1.9, 0.7, 1.7), (0.6, 0.6, 1.75), (0.22, 0.36, 0.98), (0.03, 0.75, 0.75)])
