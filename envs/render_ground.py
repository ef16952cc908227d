"""The ground of pictures from above: a map drawn once into tiles, of which every picture is cut.

Tiles are drawn at twice their size and averaged down, so all lines are smooth. Pixel (0, 0) of the whole map's picture
lies at the map frame's origin, x to the right and y down; tile (i, j) begins at pixel (i TILE, j TILE).
"""

import math
from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from world.canvas import SHIFT, View, fixed
from world.draw import HIDDEN, Sheet, draw_ground
from world.draw_furniture import draw_signs, near
from world.roadmap import RoadMap

TILE = 256  # [px]
FINE = 2  # times as many pixels are drawn
KEPT = 256  # tiles of a ground that are kept at most: 50 MB of colours, and 67 MB of heights if all had bridges
CLEAR = 2.5  # [m] a road that lies higher than this above a point hides it
_LOWEST = np.float32(-1e9)


class Ground:
    """A map's ground at one scale.

    Args:
        sheet: the map.
        px_per_m: scale of the tiles.
    """

    def __init__(self, sheet: Sheet, px_per_m: float):
        self.sheet, self.px_per_m = sheet, px_per_m
        self._tiles: OrderedDict[tuple[int, int], tuple[NDArray[np.uint8], NDArray[np.float32] | None]] = OrderedDict()

    def snapped(self, view: View) -> View:
        """The view with its corner on a whole pixel, if it is not turned: its ground is then a plain copy."""
        if view.turn != 0.0:
            return view
        left, top = self._corner(view)
        x, y = (left + view.width_px / 2) / self.px_per_m, -(top + view.height_px / 2) / self.px_per_m
        return replace(view, center=(x, y))

    def cut(self, view: View) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        """What a view of the tiles' scale shows: (H, W, 3) colours and, where there are bridges, (H, W) [m] heights."""
        if view.turn == 0.0:
            return self._area(*self._corner(view), view.width_px, view.height_px)
        low, high = view.box(2.0 / self.px_per_m)
        left, top = math.floor(low[0] * self.px_per_m), math.floor(-high[1] * self.px_per_m)
        wide, tall = (math.ceil(float(n) * self.px_per_m) + 2 for n in high - low)
        corners = np.array([(0.0, 0.0), (view.width_px, 0.0), (0.0, view.height_px)])
        source = np.array([self._from_picture(view, c) for c in corners]) - (left, top)
        matrix = cv2.getAffineTransform((source - 0.5).astype(np.float32), (corners - 0.5).astype(np.float32))
        colors, heights = self._area(left, top, wide, tall)
        size = (view.width_px, view.height_px)
        turned = np.empty((view.height_px, view.width_px, 3), np.uint8)
        cv2.warpAffine(colors, matrix, size, dst=turned, flags=cv2.INTER_LINEAR)
        if heights is None:
            return turned, None
        high = np.empty((view.height_px, view.width_px), np.float32)
        cv2.warpAffine(heights, matrix, size, dst=high, flags=cv2.INTER_NEAREST)
        return turned, high

    def _corner(self, view: View) -> tuple[int, int]:
        x, y = view.center
        return round(x * self.px_per_m - view.width_px / 2), round(-y * self.px_per_m - view.height_px / 2)

    def _from_picture(self, view: View, pixel: NDArray) -> tuple[float, float]:
        """Pixel of the whole map's picture of a pixel of the view's."""
        right, up = pixel[0] - view.width_px / 2, view.height_px / 2 - pixel[1]
        cos, sin = math.cos(view.turn), math.sin(view.turn)
        x, y = view.center
        return x * self.px_per_m + right * cos - up * sin, -(y * self.px_per_m + right * sin + up * cos)

    def _area(self, left: int, top: int, wide: int, tall: int) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        """Colours, and heights where there are bridges, of wide x tall pixels of the whole map's picture."""
        colors = np.empty((tall, wide, 3), np.uint8)
        heights: NDArray[np.float32] | None = None
        for i in range(left // TILE, (left + wide - 1) // TILE + 1):
            for j in range(top // TILE, (top + tall - 1) // TILE + 1):
                tile, high = self._tile(i, j)
                x, y = i * TILE - left, j * TILE - top
                x0, x1, y0, y1 = max(x, 0), min(x + TILE, wide), max(y, 0), min(y + TILE, tall)
                colors[y0:y1, x0:x1] = tile[y0 - y : y1 - y, x0 - x : x1 - x]
                if high is not None:
                    heights = np.full((tall, wide), _LOWEST, np.float32) if heights is None else heights
                    heights[y0:y1, x0:x1] = high[y0 - y : y1 - y, x0 - x : x1 - x]
        return colors, heights

    def _tile(self, i: int, j: int) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        if (i, j) not in self._tiles:
            self._tiles[(i, j)] = self._draw(i, j)
            if len(self._tiles) > KEPT:
                self._tiles.popitem(last=False)
        self._tiles.move_to_end((i, j))
        return self._tiles[(i, j)]

    def _draw(self, i: int, j: int) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        center = ((i + 0.5) * TILE / self.px_per_m, -(j + 0.5) * TILE / self.px_per_m)
        view = View(FINE * TILE, FINE * TILE, FINE * self.px_per_m, center)
        fine = draw_ground(self.sheet, view)
        draw_signs(fine, view, self.sheet.map)
        tile = np.empty((TILE, TILE, 3), np.uint8)
        cv2.resize(fine, (TILE, TILE), dst=tile, interpolation=cv2.INTER_AREA)
        return tile, self._heights(View(TILE, TILE, self.px_per_m, center))

    def _heights(self, view: View) -> NDArray[np.float32] | None:
        """(TILE, TILE) [m] height of the uppermost road at each pixel; None where all roads are on one storey."""
        sheet = self.sheet
        if len(np.unique(sheet.level[sheet.lanes_in(view)])) < 2:
            return None
        heights = np.full((TILE, TILE), _LOWEST, np.float32)
        for lane in sheet.lanes_in(view):
            if int(sheet.map.lane_kind[lane]) in HIDDEN:
                continue
            row = sheet.rows[lane]
            seen = near(view, sheet.center[row], 5.0)
            left, right = fixed(view.to_px(sheet.left[row])), fixed(view.to_px(sheet.right[row]))
            z = sheet.map.point_xyz[row, 2]
            for k in np.flatnonzero(seen[:-1] | seen[1:]):
                quad = np.stack([left[k], left[k + 1], right[k + 1], right[k]])
                cv2.fillPoly(heights, [quad], float(z[k]), cv2.LINE_8, SHIFT)
        return heights


@lru_cache(maxsize=16)
def _sheet(road_map: RoadMap) -> Sheet:
    return Sheet(road_map)


@lru_cache(maxsize=16)
def find_ground(road_map: RoadMap, px_per_m: float) -> Ground:
    """The ground of a map at a scale, shared by all pictures of a process; those used last are kept."""
    return Ground(_sheet(road_map), px_per_m)
