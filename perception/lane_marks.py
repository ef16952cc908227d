"""Paint in a picture, seen from above: a warp whose rows are spaced as the picture's, and the marks found in it.

The warped picture has a row per distance, uniform in 1 / x, so that no row is stretched, and columns of equal width on
the ground: a line of paint is equally wide in all rows, and a straight road's lines are straight.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from world.camera import CameraSpec

F32, F64, BOOL = NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_]


@dataclass(frozen=True)
class WarpShape:
    """The ground that is looked at."""

    rows: int = 128
    columns: int = 384
    half_width: float = 8.5  # [m] to each side of the vehicle's axis
    reach: float = 14.0  # the farthest row over the nearest one's distance
    farthest: float = 90.0  # [m]
    most_px: int = 900  # [px] wider pictures are shrunk first, or near rows would miss pixels


@dataclass(frozen=True, eq=False)
class Warp:
    """Where the cells of the warped picture come from."""

    spec: CameraSpec  # of the shrunk picture
    x: F64  # (R,) [m] ahead of the camera's foot, near to far
    y: F64  # (M,) [m] left to right: falling
    map_x: F32  # (R, M) [px]
    map_y: F32
    inside: BOOL  # (R, M) within the picture


def shrunk(spec: CameraSpec, most: int) -> CameraSpec:
    """The camera of the picture resized to a width of at most `most`."""
    if spec.width <= most:
        return spec
    height = max(8, round(spec.height * most / spec.width))
    values = {k: getattr(spec, k) for k in ("fov", "x", "y", "z", "yaw", "pitch", "roll", "distortion")}
    return CameraSpec(spec.name, most, height, **values)


def make_warp(spec: CameraSpec, shape: WarpShape) -> Warp:
    """The warp of a camera that looks ahead.

    Raises:
        ValueError: the camera sees no road ahead.
    """
    small = shrunk(spec, shape.most_px)
    foot, falls = small.ground(np.array([(small.centre[0], small.height - 1.0)]))
    near = float(foot[0, 0]) - small.x
    if not falls[0] or not 0.3 < near < 60.0:
        raise ValueError(
            f"camera {spec.name}: the bottom of its picture shows no road ahead "
            f"(pitch {math.degrees(spec.pitch):.1f} deg, height {spec.z} m)"
        )
    far = min(near * shape.reach, shape.farthest)
    x = 1.0 / np.linspace(1.0 / near, 1.0 / max(far, 2.0 * near), shape.rows)
    step = 2.0 * shape.half_width / shape.columns
    y = shape.half_width - step * (np.arange(shape.columns) + 0.5)
    grid = np.stack(np.broadcast_arrays(x[:, None] + small.x, y[None], 0.0), axis=-1)
    px, depth = small.project(grid)
    inside = (depth > 0.1) & (px >= -0.5).all(axis=-1) & (px <= (small.width - 0.5, small.height - 0.5)).all(axis=-1)
    px = np.where(inside[..., None], px, -10.0).astype(np.float32)
    return Warp(
        small, x, y.astype(np.float64), np.ascontiguousarray(px[..., 0]), np.ascontiguousarray(px[..., 1]), inside
    )


def apply_warp(rgb: NDArray[np.uint8], warp: Warp) -> NDArray[np.uint8]:
    """(R, M, 3) the picture from above; black outside."""
    size = warp.spec.width, warp.spec.height
    small = rgb if rgb.shape[1::-1] == size else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    above = cv2.remap(small, warp.map_x, warp.map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(above, np.uint8)


@dataclass(frozen=True)
class MarkRule:
    """What counts as paint."""

    widths: tuple[float, ...] = (0.12, 0.24)  # [m] of lines sought
    flank: float = 0.35  # [m] of road looked at on each side
    contrast: float = 0.07  # [log brightness] at least, over both sides
    noise: float = 3.0  # and so many times the row's own roughness
    yellow: float = 0.8  # weight of yellowness beside brightness
    separate: float = 0.4  # [m] between two marks of a row
    bonnet: float = 2.0  # [m] half its width, seen from the camera
    verge: float = 0.25  # weight of marks around which nothing looks like road


@dataclass(frozen=True, eq=False)
class Marks:
    """N points of paint."""

    row: NDArray[np.int64]  # (N,) of the warp
    x: F64  # (N,) [m] ahead of the camera's foot
    y: F64  # (N,) [m] left
    weight: F64  # (N,) in (0, 1]
    paved: BOOL  # (R, M) of the warp: coloured as the road ahead of the vehicle is
    bonnet: int  # rows, from the nearest, in which the vehicle itself hides the road ahead of it


def paved(image: NDArray[np.uint8], warp: Warp) -> BOOL:
    """(R, M) where the ground has the road's colour: light may differ, so shadows stay road, verges do not."""
    logs = np.log(cv2.blur(image, (7, 3)).astype(np.float32) + 12.0)  # colours of single pixels are noise
    warm, green = logs[..., 0] - logs[..., 2], logs[..., 1] - 0.5 * (logs[..., 0] + logs[..., 2])
    ahead = (np.abs(warp.y) < 3.5)[None] & warp.inside
    ahead[: len(warp.x) // 2] = False  # the bonnet may lie there
    if not ahead.any():
        return warp.inside
    # The commonest colour, not the median one: half of it may be verge
    bins = np.histogram2d(warm[ahead], green[ahead], bins=(40, 40), range=((-1.0, 1.0), (-0.5, 0.5)))[0]
    bins = cv2.blur(bins, (3, 3), borderType=cv2.BORDER_CONSTANT)
    if bins.max() == 0.0:  # no road has such colours
        return np.zeros_like(warp.inside)
    i, j = np.unravel_index(int(np.argmax(bins)), bins.shape)
    off_warm, off_green = warm - (-1.0 + (i + 0.5) / 20.0), green - (-0.5 + (j + 0.5) / 40.0)
    # In the shade the light is the sky's: bluer; where the commonest colour is shade, the sun's is yellower
    light = logs[..., 1] - float(np.median(logs[..., 1][ahead & (np.abs(off_warm) < 0.1) & (np.abs(off_green) < 0.05)]))
    low, high = np.where(light < -0.5, -1.1, -0.6), np.where(light > 0.5, 0.6, 0.35)
    greenest = np.where(light < -0.5, 0.13, 0.09)
    return warp.inside & (off_warm > low) & (off_warm < high) & (np.abs(off_green) < greenest)


def bonnet_rows(road: BOOL, warp: Warp) -> int:
    """How many of the nearest rows show something else than road where the vehicle's own bonnet would be."""
    ego = (np.abs(warp.y) < 1.0)[None] & warp.inside
    count = ego.sum(axis=1)
    part = np.where(count > 0, (road & ego).sum(axis=1) / np.maximum(count, 1), 0.0)
    smooth = cv2.blur(part[:, None], (1, 7), borderType=cv2.BORDER_REPLICATE)[:, 0]
    low = smooth[: int(0.6 * len(smooth))]
    covered = np.flatnonzero(low < 0.7)  # some of a bonnet may well be road-grey: its last row counts
    return int(covered[-1]) + 4 if len(covered) > 4 else 0


def ridges(image: NDArray[np.uint8], width: float, warp: Warp, rule: MarkRule) -> F32:
    """(R, M) how much a strip of `width` [m] stands out over the road on both sides, in logs."""
    light = cv2.transform(image, np.array([[0.5, 0.45, 0.05]])).astype(np.float32)  # yellow paint is bright as well
    low_blue = image[..., 2].astype(np.float32)
    bright = np.log(light + 12.0)
    yellow = np.log((light + 12.0) / (low_blue + 12.0))
    step = abs(float(warp.y[1] - warp.y[0]))
    core = max(1, round(width / step)) | 1
    side = max(2, round(rule.flank / step))
    shift = core // 2 + 1 + side // 2
    out = None
    for picture, gain in ((bright, 1.0), (yellow, rule.yellow)):
        middle = cv2.blur(picture, (core, 1))
        road = cv2.blur(picture, (side | 1, 1))
        left, right = np.roll(road, shift, axis=1), np.roll(road, -shift, axis=1)
        stands = gain * (middle - np.maximum(left, right)) - 0.3 * gain * np.abs(left - right)
        out = stands if out is None else np.maximum(out, stands)
    return np.asarray(out, np.float32)


def find_marks(rgb: NDArray[np.uint8], warp: Warp, rule: MarkRule) -> Marks:
    """Points of paint in a picture (H, W, 3)."""
    image = apply_warp(rgb, warp)
    answer = np.max([ridges(image, w, warp, rule) for w in rule.widths], axis=0)
    answer = cv2.blur(answer, (1, 3))
    step = abs(float(warp.y[1] - warp.y[0]))
    margin = round((rule.flank + max(rule.widths)) / step)
    usable = cv2.erode(warp.inside.astype(np.uint8), np.ones((1, 2 * margin + 1)), borderValue=0).astype(np.bool_)
    rough = np.array([np.median(np.abs(r[u])) if u.any() else 1.0 for r, u in zip(answer, usable, strict=True)])
    least = np.maximum(rule.contrast, rule.noise * cv2.blur(rough[:, None], (1, 9))[:, 0])
    peak = cv2.dilate(answer, np.ones((1, max(3, round(rule.separate / step)) | 1)))
    row, column = np.nonzero(usable & (answer >= peak) & (answer > least[:, None]))
    road = paved(image, warp)
    around = cv2.blur(road.astype(np.float32), (2 * margin + 1, 5))[row, column]
    weight = np.minimum(answer[row, column] / 0.35, 1.0) * np.clip(around / 0.6, rule.verge, 1.0)
    bonnet = bonnet_rows(road, warp)
    keep = (row >= bonnet) | (np.abs(warp.y[column]) > rule.bonnet)  # mirrored in the bonnet, all is in line with it
    row, column, weight = row[keep], column[keep], weight[keep].astype(np.float64)
    return Marks(row, warp.x[row], warp.y[column], weight, road, bonnet)
