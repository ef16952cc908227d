"""Exact labels of one picture: boxes of things and the boundaries of the lanes. Made by the simulator's renderer.

Body frame of the vehicle that carries the camera: x forward, y left, z up, origin at the box centre on the ground.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from world.camera import CameraSpec

F32, I16, I8, BOOL = NDArray[np.float32], NDArray[np.int16], NDArray[np.int8], NDArray[np.bool_]
LINE_SLOTS = 4  # boundaries: far one of the left neighbour lane, left and right of the own one, far one of the right
OWN_LEFT, OWN_RIGHT = 1, 2
NEAR_PLANE = 0.3  # [m] along the optical axis; the cuboid of a thing is cut there
_SIGNS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])


@dataclass(frozen=True, eq=False)
class BoxLabels:
    """D things in view: part of the cuboid is beyond NEAR_PLANE and within the picture. Nearest centre first.

    A thing that reaches behind NEAR_PLANE (a car beside us, a bus right before us: see `reaches_behind`) cannot be seen
    whole by the camera. Its `whole` is of what lies beyond the plane, as a lens without distortion would show it; its
    `box` is of what of that is within the picture.
    """

    kind: I8  # (D,) world.camera_tags.ThingKind
    body: I8  # (D,) BodyKind of road users, -1 of others
    box: F32  # (D, 4) [px] `whole`, clipped to the picture
    whole: F32  # (D, 4) [px] x0 y0 x1 y1 around the projected corners of its 3-D box (mirrors, arms may stand out)
    visible: F32  # (D,) pixels of it in the picture / pixels that it would have if nothing hid it; in [0, 1]
    xyz: F32  # (D, 3) [m] body frame, centre of its 3-D box
    size: F32  # (D, 3) [m] length, width, height
    yaw: F32  # (D,) [rad] relative to the body; lights and signs: the way that the face looks
    velocity: F32  # (D, 2) [m/s] over ground, body frame axes
    state: I8  # (D,) LightState of lights whose face is seen; -1 otherwise (others, and lights seen from behind)
    face: I16  # (D,) face of a sign (simulator.sign_faces) if it is seen from the front; -1 otherwise
    instance: NDArray[np.uint16]  # (D,) number in the instance mask


@dataclass(frozen=True, eq=False)
class LineLabels:
    """Lane boundaries around the vehicle. M lines, P points each, every metre or less along the lane."""

    slot: I8  # (M,) 0 .. LINE_SLOTS - 1; M is LINE_SLOTS, lines that do not exist have no valid point
    kind: I8  # (M,) world.camera_tags.LineKind
    mark: I8  # (M,) MarkKind at the nearest point
    color: I8  # (M,) MarkColor
    xyz: F32  # (M, P, 3) [m] body frame, near to far
    px: F32  # (M, P, 2) [px] where they are in the picture
    valid: BOOL  # (M, P) the point exists, is in front of the camera and within the picture
    seen: BOOL  # (M, P) and nothing hides it


def box_corners(xyz: NDArray, size: NDArray, yaw: NDArray) -> NDArray[np.float64]:
    """(D, 8, 3) [m] corners of boxes that are upright in the frame of `xyz`; corner 4 i + 2 j + k: ends of x, y and z.

    Args:
        xyz: (D, 3) [m] centres. size: (D, 3) [m] length, width, height. yaw: (D,) [rad].
    """
    x, y, z = (size[:, i : i + 1] * _SIGNS[:, i] for i in range(3))
    c, s = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    return xyz[:, None] + np.stack((c * x - s * y, s * x + c * y, z), axis=-1)


def reaches_behind(xyz: NDArray, size: NDArray, yaw: NDArray, spec: CameraSpec) -> BOOL:
    """(D,) whether part of a labelled thing is nearer than NEAR_PLANE or behind the camera.

    On a slope it may differ from what the labels were made with by some centimetres: things stand upright there.

    Args:
        xyz, size, yaw: of BoxLabels. spec: of the camera.
    """
    corners = box_corners(xyz.astype(np.float64), size.astype(np.float64), yaw.astype(np.float64))
    return spec.project(corners)[1].min(axis=1) <= NEAR_PLANE
