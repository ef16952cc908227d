"""What the camera's kernels share: the camera as a row, the picture's buffers, the light of the scene as a row.

Draw order: sky and ground fill every pixel; things (buildings, trees, bodies, lights, signs) come with a depth test;
fog, rain, noise and the rest go over the picture afterwards. All colours are display values 0-255 (float32 while they
are shaded). World positions are in the map frame; a picture has no distortion and no roll until it is remapped.
"""

from typing import NamedTuple

import numpy as np

CAMERA_ROW = np.dtype(
    [
        ("f", "f4"),  # [px] focal length
        ("cx", "f4"), ("cy", "f4"),  # [px] principal point
        ("x", "f4"), ("y", "f4"), ("z", "f4"),  # [m] where it is, map frame
        ("r", "f4", (3, 3)),  # camera_from_world rotation: camera x right, y down, z forward
        ("ground_z", "f4"),  # [m] height of the road under the vehicle
        ("ground_nx", "f4"), ("ground_ny", "f4"),  # [-] slope of the road plane there: dz/dx, dz/dy
        ("exposure", "f4"),  # factor on every colour
        ("noise", "f4"),  # [0-255] standard deviation of the sensor's noise
    ]
)  # fmt: skip

LIGHT_ROW = np.dtype(
    [
        ("sun", "f4", 3),  # unit vector towards the sun, map frame
        ("direct", "f4", 3),  # RGB factor of sunlight on a surface that faces the sun; 0 at night or overcast
        ("ambient", "f4", 3),  # RGB factor of light from everywhere; a white wall in shade has 255 * ambient
        ("sky_top", "f4", 3), ("sky_low", "f4", 3),  # RGB 0-255 of the sky at the zenith and at the horizon
        ("cloud", "f4"),  # 0 clear to 1 overcast
        ("fog", "f4"),  # [1/m] extinction; 0 none
        ("fog_color", "f4", 3),  # RGB 0-255
        ("wet", "f4"),  # 0 dry to 1 wet road
        ("rain", "f4"),  # 0 to 1
        ("night", "f4"),  # 0 day to 1 night: lamps, headlights and windows glow
        ("seed", "u4"),  # of textures, wear and rain
    ]
)  # fmt: skip


class Frame(NamedTuple):
    """One picture in the making; reused. H x W."""

    rgbt: np.ndarray  # uint8 (H, W, 4): R, G, B, world.camera_tags.Tag
    inverse_depth: np.ndarray  # float32 (H, W) [1/m] 1 / Z along the optical axis; 0 is the sky
    instance: np.ndarray  # uint16 (H, W): 0 none; 1 + slot: body; LIGHT0 + light; SIGN0 + sign; BUILDING0 + building, ...


LIGHT0, SIGN0, BUILDING0, TREE0 = 4096, 8192, 16384, 32768  # first instance number of each sort (index within the map)


def make_frame(height: int, width: int) -> Frame:
    """Empty buffers."""
    return Frame(
        np.zeros((height, width, 4), np.uint8),
        np.zeros((height, width), np.float32),
        np.zeros((height, width), np.uint16),
    )
