"""What the camera's kernels share: the camera and the light as rows, the picture's buffers.

Draw order: sky and ground fill every pixel; things (buildings, trees, bodies, lights, signs) come with a depth test;
noise, rain and the rest go over the picture afterwards. All colours are display values 0-255. World positions are in
the map frame; a picture has neither distortion nor roll until it is remapped.
"""

from typing import NamedTuple

import numpy as np

from world.pack import Pack

CAMERA_ROW = np.dtype(
    [
        ("f", "f4"),  # [px] focal length
        ("cx", "f4"), ("cy", "f4"),  # [px] principal point
        ("x", "f4"), ("y", "f4"), ("z", "f4"),  # [m] where it is, map frame
        ("rx", "f4", 3), ("ry", "f4", 3), ("rz", "f4", 3),  # axes right, down, forward of the camera, map frame
        ("ground_z", "f4"),  # [m] height of the road under the vehicle
        ("slope_x", "f4"), ("slope_y", "f4"),  # [-] of the road there, along map x and y
        ("ego_x", "f4"), ("ego_y", "f4"), ("ego_yaw", "f4"),  # the vehicle that carries it, whose lamps shine at night
        ("exposure", "f4"),  # factor on every colour
        ("noise", "f4"),  # [0-255] standard deviation of the sensor's noise
    ]
)  # fmt: skip

LIGHT_ROW = np.dtype(
    [
        ("sun", "f4", 3),  # unit vector towards the sun, map frame
        ("direct", "f4", 3),  # RGB factor of sunlight on a surface that faces the sun
        ("ambient", "f4", 3),  # RGB factor of light from everywhere
        ("sky_top", "f4", 3), ("sky_low", "f4", 3),  # RGB of the sky at the zenith and at the horizon
        ("cloud", "f4"),  # 0 clear to 1 overcast
        ("fog", "f4"),  # [1/m] extinction
        ("fog_color", "f4", 3),  # RGB
        ("wet", "f4"),  # 0 dry to 1 wet road
        ("rain", "f4"),  # 0 to 1
        ("night", "f4"),  # 0 day to 1 night: lamps, headlights and windows glow
        ("time", "f4"),  # [s] of the indicators and of walking
        ("seed", "u4"),  # of textures, clothes and paint
    ]
)  # fmt: skip

LIGHT0, SIGN0, BUILDING0, TREE0 = 4096, 8192, 16384, 32768  # first instance number of each sort, by index in the map
LANES = 8  # rows of whole numbers that a row of ground is worked out in
STREET_LAMPS = 24  # most street lamps whose light is drawn
CORNERS = 16  # most corners of a polygon, before and after it is clipped


class Canvas(NamedTuple):
    """One picture in the making and the scratch of what draws on it. H x W."""

    word: np.ndarray  # uint32 (H, W) R | G << 8 | B << 16 | Tag << 24
    inverse_depth: np.ndarray  # float32 (H, W) [1/m] 1 / Z along the optical axis; 0 is the sky
    instance: np.ndarray  # uint16 (H, W) 0 none, 1 + slot a body, LIGHT0 + light, SIGN0 + sign, ...
    camera: np.ndarray  # (1,) CAMERA_ROW
    light: np.ndarray  # (1,) LIGHT_ROW
    corner: np.ndarray  # float32 (CORNERS, 3) polygon in the map frame
    seen: np.ndarray  # float32 (2, CORNERS, 3) the same in the camera frame, before and after the near plane
    screen: np.ndarray  # float32 (CORNERS, 2) [px]
    lane: np.ndarray  # int32 (LANES, W) of the row in the making
    glow: np.ndarray  # float32 (W,) of the row in the making
    street: np.ndarray  # float32 (STREET_LAMPS, 3) street lamps that shine here: x, y [m], [m^2] from the camera
    street_count: np.ndarray  # int64 (1,) of them


def make_canvas(height: int, width: int) -> Pack:
    """Empty buffers."""
    return Pack(
        Canvas(
            word=np.zeros((height, width), np.uint32),
            inverse_depth=np.zeros((height, width), np.float32),
            instance=np.zeros((height, width), np.uint16),
            camera=np.zeros(1, CAMERA_ROW),
            light=np.zeros(1, LIGHT_ROW),
            corner=np.zeros((CORNERS, 3), np.float32),
            seen=np.zeros((2, CORNERS, 3), np.float32),
            screen=np.zeros((CORNERS, 2), np.float32),
            lane=np.zeros((LANES, width), np.int32),
            glow=np.zeros(width, np.float32),
            street=np.zeros((STREET_LAMPS, 3), np.float32),
            street_count=np.zeros(1, np.int64),
        )
    )
