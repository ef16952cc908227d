"""Pinhole cameras: intrinsics, pose on the vehicle, lens distortion; projection and its inverse on the ground.

Camera frame: x right, y down, z forward. Pixel (0, 0) is the centre of the upper left pixel, so a picture covers
[-0.5, width - 0.5] x [-0.5, height - 0.5]. Body frame: x forward, y left, z up, origin at the box centre on the ground.
A camera's yaw, pitch and roll turn it from looking along body x: yaw to the left, pitch up, roll clockwise as the
picture's viewer sees the camera turn (the picture turns the other way). Distortion is OpenCV's (k1, k2, p1, p2, k3).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
AXES = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])  # camera_from_body of a camera that looks ahead


@dataclass(frozen=True)
class CameraSpec:
    """One camera of a vehicle."""

    name: str
    width: int = 320  # [px]
    height: int = 160  # [px]
    fov: float = math.radians(100.0)  # [rad] horizontal, of the undistorted picture
    x: float = 0.5  # [m] body frame
    y: float = 0.0
    z: float = 1.5
    yaw: float = 0.0  # [rad]
    pitch: float = 0.0
    roll: float = 0.0
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    period: float = 0.05  # [s] between two pictures
    offset: float = 0.0  # [s] of the first one: cameras that take turns spread their work

    def __post_init__(self):
        for what, value, low, high in (
            ("width", self.width, 8, 8192), ("height", self.height, 8, 8192), ("fov", self.fov, 0.02, 2.8),
            ("period", self.period, 1e-3, 3600.0),
        ):  # fmt: skip
            if not low <= value <= high:
                raise ValueError(f"camera {self.name}: {what} is {value}, allowed are {low} to {high}")

    @property
    def focal(self) -> float:
        """[px] focal length; pixels are square."""
        return 0.5 * self.width / math.tan(0.5 * self.fov)

    @property
    def centre(self) -> tuple[float, float]:
        """[px] principal point."""
        return 0.5 * (self.width - 1), 0.5 * (self.height - 1)

    @property
    def matrix(self) -> F64:
        """(3, 3) intrinsics, as OpenCV takes them."""
        (cx, cy), f = self.centre, self.focal
        return np.array([[f, 0.0, cx], [0.0, f, cy], [0.0, 0.0, 1.0]])

    @cached_property
    def camera_from_body(self) -> F64:
        """(3, 3) rotation: directions in the body frame to directions in the camera frame."""
        return AXES @ rotation(self.yaw, self.pitch, self.roll).T

    def project(self, xyz: NDArray) -> tuple[F64, F64]:
        """((..., 2) [px], (...) depth [m] along the optical axis) of points (..., 3) [m] in the body frame.

        Where depth is not positive the pixel means nothing.
        """
        at = (np.asarray(xyz, np.float64) - (self.x, self.y, self.z)) @ self.camera_from_body.T
        depth = at[..., 2]
        plane = at[..., :2] / np.where(depth == 0.0, 1e-9, depth)[..., None]
        return distort(plane, self.distortion) * self.focal + self.centre, depth

    def rays(self, px: NDArray) -> F64:
        """(..., 3) directions in the body frame, of depth 1 along the optical axis, of pixels (..., 2)."""
        plane = undistort((np.asarray(px, np.float64) - self.centre) / self.focal, self.distortion)
        return np.concatenate([plane, np.ones((*plane.shape[:-1], 1))], axis=-1) @ self.camera_from_body

    def ground(self, px: NDArray) -> tuple[F64, NDArray[np.bool_]]:
        """((..., 2) [m] where the rays of pixels (..., 2) meet the plane z = 0 of the body frame, whether they do)."""
        ray = self.rays(px)
        falls = ray[..., 2] < -1e-6
        far = -self.z / np.where(falls, ray[..., 2], -1.0)
        return ray[..., :2] * far[..., None] + (self.x, self.y), falls


def rotation(yaw: float, pitch: float, roll: float) -> F64:
    """(3, 3) body_from_mount: yaw left about z, then pitch up, then roll clockwise about the view axis."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (math.cos, math.sin))
    about_z = np.array([[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]])
    about_y = np.array([[cp, 0.0, -sp], [0.0, 1.0, 0.0], [sp, 0.0, cp]])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cr, -sr], [0.0, sr, cr]])
    return about_z @ about_y @ about_x


def distort(plane: F64, k: tuple[float, ...]) -> F64:
    """(..., 2) distorted normalised coordinates (Source: OpenCV, camera calibration model)."""
    if not any(k):
        return plane
    x, y = plane[..., 0], plane[..., 1]
    k1, k2, p1, p2, k3 = k
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        [
            x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
            y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y,
        ],
        axis=-1,
    )


def undistort(plane: F64, k: tuple[float, ...]) -> F64:
    """(..., 2) the inverse of `distort`, by fixed-point iteration."""
    if not any(k):
        return plane
    guess = plane
    with np.errstate(over="ignore", invalid="ignore"):  # where it does not converge, which is told below
        for _ in range(50):
            guess = guess + plane - distort(guess, k)
        off = np.abs(distort(guess, k) - plane)
    if not np.isfinite(off).all() or off.max(initial=0.0) > 1e-3:
        raise ValueError(f"lens distortion {k} folds the picture over: no ray belongs to some of its pixels")
    return guess


WIDE = CameraSpec("wide", fov=math.radians(100.0), period=0.1)
# a little upwards: the lights beyond a junction are in its picture where one waits for them
NARROW = CameraSpec("narrow", fov=math.radians(30.0), pitch=math.radians(2.0), period=0.1, offset=0.05)
RIG = (WIDE, NARROW)  # the rig of the camera pipeline: one sees the junction, the other far ahead
