"""Where a camera on a vehicle is in the map: the vehicle's axes on a slope, and the CAMERA_ROW of kernels."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from world.camera import AXES, CameraSpec, rotation

if TYPE_CHECKING:
    from simulator.model import Model


def road_slope(model: "Model", b: int, slot: int) -> tuple[float, float]:
    """dz/dx, dz/dy of the road under a vehicle, along its lane; level where it is on none."""
    slots, tables = model.slots, model.tables
    lane = int(slots.lane[b, slot])
    if lane < 0:
        return 0.0, 0.0
    row = tables.lanes[lane]
    k = min(int(float(slots.lane_s[b, slot]) / float(row["step"])), int(row["points"]) - 2)
    p, q = tables.points[int(row["point0"]) + k], tables.points[int(row["point0"]) + k + 1]
    dx, dy, dz = (float(q[n]) - float(p[n]) for n in "xyz")
    length2 = dx * dx + dy * dy
    return (dz * dx / length2, dz * dy / length2) if length2 > 1e-6 else (0.0, 0.0)


def body_axes(yaw: float, slope: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.float64]:
    """(3, 3) world_from_body rotation of a vehicle that stands on a slope: columns ahead, left and up, map frame.

    Args:
        yaw: [rad] of the vehicle.
        slope: dz/dx, dz/dy of the road there.
    """
    c, s = math.cos(yaw), math.sin(yaw)
    up = np.array([-slope[0], -slope[1], 1.0])
    ahead = np.array([c, s, slope[0] * c + slope[1] * s])
    up, ahead = up / np.linalg.norm(up), ahead / np.linalg.norm(ahead)
    left = np.empty(3)  # up x ahead; numpy's own takes longer than the rest of this
    left[0] = up[1] * ahead[2] - up[2] * ahead[1]
    left[1] = up[2] * ahead[0] - up[0] * ahead[2]
    left[2] = up[0] * ahead[1] - up[1] * ahead[0]
    return np.stack((ahead, left, up), axis=1)


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
    world_from_body = body_axes(yaw, slope)  # the vehicle tilts with the road
    row["rx"], row["ry"], row["rz"] = AXES @ rotation(spec.yaw, spec.pitch, 0.0).T @ world_from_body.T
    row["x"], row["y"], row["z"] = np.array([x, y, z]) + world_from_body @ (spec.x, spec.y, spec.z)
    row["f"] = spec.focal if focal is None else focal
    row["cx"], row["cy"] = spec.centre if centre is None else centre
    row["ground_z"], row["slope_x"], row["slope_y"] = z, slope[0], slope[1]
    row["ego_x"], row["ego_y"], row["ego_yaw"] = x, y, yaw
