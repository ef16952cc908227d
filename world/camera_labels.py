"""Exact labels of one picture: boxes of things and the boundaries of the lanes. Made by the simulator's renderer.

Body frame of the vehicle that carries the camera: x forward, y left, z up, origin at the box centre on the ground.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32, I16, I8, BOOL = NDArray[np.float32], NDArray[np.int16], NDArray[np.int8], NDArray[np.bool_]
LINE_SLOTS = (
    4  # boundaries: left neighbour lane's far one, the own lane's left and right, the right neighbour's far one
)
OWN_LEFT, OWN_RIGHT = 1, 2


@dataclass(frozen=True, eq=False)
class BoxLabels:
    """D things in view (some part of the box within the picture, in front of the camera), nearest first."""

    kind: I8  # (D,) world.camera_tags.ThingKind
    body: I8  # (D,) BodyKind of road users, -1 of others
    box: F32  # (D, 4) [px] x0 y0 x1 y1 of the whole thing's outline, clipped to the picture
    whole: F32  # (D, 4) [px] the same, not clipped
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

    slot: I8  # (M,) 0 .. LINE_SLOTS - 1, or -1: a boundary of some other lane (beyond a junction, across)
    kind: I8  # (M,) world.camera_tags.LineKind
    mark: I8  # (M,) MarkKind at the nearest point
    color: I8  # (M,) MarkColor
    xyz: F32  # (M, P, 3) [m] body frame, near to far
    px: F32  # (M, P, 2) [px] where they are in the picture
    valid: BOOL  # (M, P) the point exists, is in front of the camera and within the picture
    seen: BOOL  # (M, P) and nothing hides it
