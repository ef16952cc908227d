"""Where an unknown camera looks: the vanishing point of the road by line segments and RANSAC, and a CameraSpec of it.

The camera's height and field of view cannot be told from one picture; they are assumed, and lengths along the road
scale with them. Lateral lengths scale with the height alone.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from world.camera import CameraSpec

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class CameraGuess:
    """What is assumed of a camera that nothing is known of."""

    fov: float = math.radians(60.0)  # [rad] horizontal
    height: float = 1.4  # [m] above the road
    point: tuple[float, float] = (0.5, 0.48)  # of width, of height: where roads vanish in most pictures
    spread: tuple[float, float] = (0.10, 0.10)  # standard deviation of it
    work_width: int = 480  # [px] that segments are sought at


def segments(grey: NDArray[np.uint8], below: float) -> F64:
    """(N, 4) x0 y0 x1 y1 [px] of straight edges below a row that lean as the lines of a road ahead do."""
    height, width = grey.shape
    edges = cv2.Canny(cv2.GaussianBlur(grey, (0, 0), 1.0), 40, 120)
    edges[: int(below)] = 0
    found = cv2.HoughLinesP(edges, 1.0, math.pi / 180.0, 14, minLineLength=0.03 * width, maxLineGap=0.01 * width)
    if found is None:
        return np.zeros((0, 4))
    s = found.reshape(-1, 4).astype(np.float64)
    lean = np.arctan2(np.abs(s[:, 3] - s[:, 1]), np.abs(s[:, 2] - s[:, 0]))
    s = s[(lean > math.radians(12.0)) & (lean < math.radians(80.0))]
    length = np.hypot(s[:, 2] - s[:, 0], s[:, 3] - s[:, 1])
    return s[np.argsort(-length, kind="stable")[:90]]


def vanishing_point(s: F64, prior: tuple[float, float], spread: tuple[float, float]) -> tuple[F64, float]:
    """((2,) [px] point that most segments aim at, its score in [0, 1]: 0 where nothing speaks for it).

    Every pair of segments that lean to opposite sides is tried (RANSAC without the chance), so the same picture gives
    the same point. Args: prior, spread: [px] where it is to be expected.
    """
    expected, sigma = np.asarray(prior), np.asarray(spread)
    if len(s) < 2:
        return expected, 0.0
    a, b, c = s[:, 1] - s[:, 3], s[:, 2] - s[:, 0], s[:, 0] * s[:, 3] - s[:, 2] * s[:, 1]
    norm = np.hypot(a, b)
    lines = np.stack([a, b, c], axis=1) / norm[:, None]
    left = a * b > 0.0  # rises to the right: left of the road's middle
    i, j = (k.ravel() for k in np.meshgrid(np.flatnonzero(left), np.flatnonzero(~left)))
    cross = np.cross(lines[i], lines[j])
    fine = np.abs(cross[:, 2]) > 1e-6
    points = cross[fine, :2] / cross[fine, 2:]
    off = (points - expected) / sigma
    points = points[(np.abs(off) < 3.0).all(axis=1)]
    if not len(points):
        return expected, 0.0
    score, votes = _votes(points, lines, s, norm, left, expected, sigma)
    best = int(np.argmax(score))
    point = _refined(lines, norm * votes[best], points[best], sigma)
    return point, float(score[best] / max(norm.sum(), 1e-9) * 2.0)


def _votes(points: F64, lines: F64, s: F64, norm: F64, left: NDArray, expected: F64, sigma: F64) -> tuple[F64, F64]:
    """((N,) score, (N, S) how well each segment aims at each point)."""
    middle = 0.5 * (s[:, :2] + s[:, 2:])
    miss = np.abs(points @ lines[:, :2].T + lines[:, 2])  # [px] of the segment's line from the point
    far = np.linalg.norm(points[:, None] - middle[None], axis=-1)
    votes = np.exp(-0.5 * (miss / (0.025 * far + 1.0)) ** 2)
    votes[points[:, 1:2] > middle[:, 1]] = 0.0  # what lies above the point is not on the road
    weighed = votes * norm
    sides = np.minimum(weighed[:, left].sum(axis=1), weighed[:, ~left].sum(axis=1))
    prior = np.exp(-0.5 * (((points - expected) / sigma) ** 2).sum(axis=1))
    return (0.7 * sides + 0.15 * weighed.sum(axis=1)) * prior, votes


def _refined(lines: F64, weight: F64, start: F64, sigma: F64) -> F64:
    """The point nearest to the lines by least squares, held to where it started."""
    normal = lines[:, :2]
    system = (normal * weight[:, None]).T @ normal + np.diag(20.0 / sigma**2)
    right = -(normal * (weight * lines[:, 2])[:, None]).sum(axis=0) + 20.0 / sigma**2 * start
    return np.linalg.solve(system, right)


def guess_camera(rgb: NDArray[np.uint8], guess: CameraGuess | None = None) -> tuple[CameraSpec, float]:
    """(a camera that looks at the road as this picture's does, how sure: 0 where it is all assumed).

    Args:
        rgb: (H, W, 3).
        guess: what is assumed.
    """
    g = guess or CameraGuess()
    height, width = rgb.shape[:2]
    scale = min(1.0, g.work_width / width)
    small = cv2.resize(rgb, (max(8, round(width * scale)), max(8, round(height * scale))), interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    h, w = grey.shape
    prior = g.point[0] * w, g.point[1] * h
    spread = g.spread[0] * w, g.spread[1] * h
    point, score = vanishing_point(segments(grey, prior[1] - spread[1]), prior, spread)
    return camera_at(width, height, (point + 0.5) / scale - 0.5, g), score


def camera_at(width: int, height: int, point: NDArray, guess: CameraGuess) -> CameraSpec:
    """A camera whose picture has the vanishing point of its vehicle's axis at `point` [px]."""
    level = CameraSpec("guessed", width, height, fov=guess.fov, x=0.0, z=guess.height)
    (cx, cy), f = level.centre, level.focal
    right, down = (float(point[0]) - cx) / f, (float(point[1]) - cy) / f
    pitch = math.atan(down)  # below the middle: it looks up
    yaw = math.atan(right * math.cos(pitch))
    return CameraSpec("guessed", width, height, fov=guess.fov, x=0.0, z=guess.height, pitch=pitch, yaw=yaw)
