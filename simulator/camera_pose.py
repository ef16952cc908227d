"""Where a camera on a vehicle is in the map: the vehicle's axes on a slope, and the CAMERA_ROW of kernels."""

import math
from functools import lru_cache
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
    up = -slope[0], -slope[1], 1.0
    ahead = c, s, slope[0] * c + slope[1] * s
    u, a = math.hypot(*up), math.hypot(*ahead)  # numpy takes longer than the rest of a small picture
    ux, uy, uz = up[0] / u, up[1] / u, up[2] / u
    ax, ay, az = ahead[0] / a, ahead[1] / a, ahead[2] / a
    return np.array(((ax, uy * az - uz * ay, ux), (ay, uz * ax - ux * az, uy), (az, ux * ay - uy * ax, uz)), np.float64)


@lru_cache(maxsize=64)
def _camera_from_body(yaw: float, pitch: float) -> NDArray[np.float64]:
    """(3, 3) rotation of a camera without roll."""
    return AXES @ rotation(yaw, pitch, 0.0).T


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
    row["rx"], row["ry"], row["rz"] = _camera_from_body(spec.yaw, spec.pitch).dot(world_from_body.T)
    a, b, c = world_from_body.tolist()
    row["x"] = x + a[0] * spec.x + a[1] * spec.y + a[2] * spec.z
    row["y"] = y + b[0] * spec.x + b[1] * spec.y + b[2] * spec.z
    row["z"] = z + c[0] * spec.x + c[1] * spec.y + c[2] * spec.z
    row["f"] = spec.focal if focal is None else focal
    row["cx"], row["cy"] = spec.centre if centre is None else centre
    row["ground_z"], row["slope_x"], row["slope_y"] = z, slope[0], slope[1]
    row["ego_x"], row["ego_y"], row["ego_yaw"] = x, y, yaw
