"""CAMERA_ROW of a camera on a vehicle somewhere in the map."""

import math

import numpy as np

from world.camera import AXES, CameraSpec, rotation


def fill_camera(
    row: np.void,
    spec: CameraSpec,
    pose: tuple[float, float, float, float],
    slope: tuple[float, float] = (0.0, 0.0),
    focal: float | None = None,
    centre: tuple[float, float] | None = None,
) -> None:
    """Fill a CAMERA_ROW; exposure and noise are left as they are.

    Args:
        row: of CAMERA_ROW.
        spec: of the camera; its roll and distortion are not in the row (they are remapped).
        pose: x, y, z of the vehicle's foot [m] and its yaw [rad], map frame.
        slope: dz/dx, dz/dy of the road there.
        focal, centre: [px] of the picture that is rendered; None: the spec's.
    """
    x, y, z, yaw = pose
    c, s = math.cos(yaw), math.sin(yaw)
    along = slope[0] * c + slope[1] * s  # the vehicle tilts with the road
    aside = slope[1] * c - slope[0] * s
    level = np.array([[1.0, 0.0, -along], [0.0, 1.0, -aside], [along, aside, 1.0]])
    world_from_body = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ level
    axes = AXES @ rotation(spec.yaw, spec.pitch, 0.0).T @ world_from_body.T
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    row["rx"], row["ry"], row["rz"] = axes
    row["x"], row["y"], row["z"] = np.array([x, y, z]) + world_from_body @ (spec.x, spec.y, spec.z)
    row["f"] = spec.focal if focal is None else focal
    row["cx"], row["cy"] = spec.centre if centre is None else centre
    row["ground_z"], row["slope_x"], row["slope_y"] = z, slope[0], slope[1]
    row["ego_x"], row["ego_y"], row["ego_yaw"] = x, y, yaw
