"""What pictures of maps are drawn with: the view, and fills and strokes of map points. Needs OpenCV.

Coordinates are the map frame's (x right, y up in the picture, unless the view is turned).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from world.roadmap import RoadMap

Color = tuple[int, int, int]
SHIFT = 4  # fractional bits of pixel coordinates


@dataclass(frozen=True)
class View:
    """Which part of a map a picture shows."""

    width_px: int
    height_px: int
    px_per_m: float
    center: tuple[float, float]  # [m] map point in the middle of the picture
    turn: float = 0.0  # [rad] direction of the map that points to the right in the picture

    @classmethod
    def fit(cls, road_map: RoadMap, size_px: int, margin_m: float = 12.0) -> "View":
        """The whole map; the longer side is `size_px` long."""
        low = road_map.point_xyz[:, :2].min(axis=0).astype(float) - margin_m
        high = road_map.point_xyz[:, :2].max(axis=0).astype(float) + margin_m
        scale = size_px / float((high - low).max())
        width, height = np.maximum(1, np.round((high - low) * scale)).astype(int)
        x, y = (low + high) / 2
        return cls(int(width), int(height), scale, (float(x), float(y)))

    def box(self, margin_m: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower left and upper right corner (2,) [m] of the map's part in the picture, and a margin around it."""
        cos, sin = abs(math.cos(self.turn)), abs(math.sin(self.turn))
        wide, tall = self.width_px / 2 / self.px_per_m, self.height_px / 2 / self.px_per_m
        half = np.array([wide * cos + tall * sin, wide * sin + tall * cos]) + margin_m
        return np.asarray(self.center) - half, np.asarray(self.center) + half

    def to_px(self, xy: NDArray) -> NDArray[np.float64]:
        """Pixels (n, 2), x to the right and y down, of map points (n, 2) [m]."""
        gap = np.asarray(xy, np.float64)[..., :2] - self.center
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        right, up = gap[..., 0] * cos + gap[..., 1] * sin, gap[..., 1] * cos - gap[..., 0] * sin
        return np.stack([self.width_px / 2 + right * self.px_per_m, self.height_px / 2 - up * self.px_per_m], axis=-1)

    def shows(self, pixels: NDArray, margin_px: float = 50.0) -> bool:
        """Whether any of the pixels' bounding box lies in the picture."""
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        size = (self.width_px, self.height_px)
        return bool((high >= -margin_px).all() and (low <= np.array(size) + margin_px).all())


def fixed(pixels: NDArray) -> NDArray[np.int32]:
    """Pixels as OpenCV's fixed-point numbers."""
    return np.round((pixels - 0.5) * (1 << SHIFT)).astype(np.int32)


def fill(picture: NDArray[np.uint8], view: View, xy: NDArray, color: Color) -> None:
    """Fills a polygon of map points."""
    pixels = view.to_px(xy)
    if view.shows(pixels):
        cv2.fillPoly(picture, [fixed(pixels)], color, cv2.LINE_AA, SHIFT)


def stroke(picture: NDArray[np.uint8], view: View, lines: list[NDArray], color: Color, width_m: float) -> None:
    """Draws polylines of map points; lines thinner than a pixel are blended into what is there."""
    parts = _seen(view, lines)
    width_px = width_m * view.px_per_m
    if not parts:
        return
    if width_px >= 0.9:
        cv2.polylines(picture, parts, False, color, max(1, round(width_px)), cv2.LINE_AA, SHIFT)
        return
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.polylines(mask, parts, False, 255, 1, cv2.LINE_AA, SHIFT)
    rows = mask > 0
    weight = mask[rows, None].astype(np.float32) / 255 * max(0.35, width_px)
    picture[rows] = (picture[rows] * (1 - weight) + np.array(color, np.float32) * weight).astype(np.uint8)


def _seen(view: View, lines: list[NDArray], margin_px: float = 50.0) -> list[NDArray[np.int32]]:
    """The polylines whose bounding boxes touch the picture, in fixed-point pixels."""
    lines = [line for line in lines if len(line)]
    if not lines:
        return []
    pixels = view.to_px(np.concatenate([line[:, :2] for line in lines]))
    counts = np.array([len(line) for line in lines], np.intp)
    ends = np.cumsum(counts)
    starts = ends - counts
    low, high = np.minimum.reduceat(pixels, starts), np.maximum.reduceat(pixels, starts)
    size = np.array((view.width_px, view.height_px)) + margin_px
    shown = np.flatnonzero((high >= -margin_px).all(axis=1) & (low <= size).all(axis=1))
    return [fixed(pixels[starts[i] : ends[i]]) for i in shown]
