"""The ground of a map as a texture: tiles of colour and class near the roads, with mipmaps.

A texel is R | G << 8 | B << 16 | Tag << 24. Tiles are TILE x TILE texels; `page` says where a tile lies, -1 where there
is only terrain. Paint is drawn fourfold finer and averaged, so that a line keeps its width in the mean; wear changes
its colour and never its class.
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from world.camera_tags import Tag
from world.kinds import EdgeKind, LaneKind, MarkColor, MarkKind
from world.lane_arrays import DRIVABLE_KINDS
from world.roadmap import RoadMap

TILE = 256  # texels
LEVELS = 6  # mipmaps
FINER = 4  # drawing pixels a texel
MOST_TILES = 900  # more of them, and texels are twice as large
_REACH = 14.0  # [m] of a lane point within which ground is drawn
_SHIFT = 4  # fractional bits of drawing coordinates
_COARSE = 0.2  # [m] of the mask that closes gaps between lanes

TERRAIN, ROAD, PAVEMENT, KERB, PAVED = range(5)  # of the base
WHITE, YELLOW, ZEBRA, BAR = range(1, 5)  # of the paint
BASE_TAG = np.array([Tag.TERRAIN, Tag.ROAD, Tag.SIDEWALK, Tag.KERB, Tag.SIDEWALK], np.uint8)
PAINT_TAG = np.array([0, Tag.ROAD_LINE, Tag.ROAD_LINE, Tag.CROSSWALK, Tag.STOP_LINE], np.uint8)
_PAVED = {LaneKind.SHOULDER, LaneKind.PARKING, LaneKind.STOP, LaneKind.BORDER, LaneKind.BIKING, LaneKind.RESTRICTED}


@dataclass(frozen=True)
class GroundLook:
    """How the ground of a map looks; `seed` draws what is not given."""

    seed: int = 0
    asphalt: float = 92.0  # [0-255] grey of the road
    asphalt_spread: float = 10.0  # of its blotches
    paint: float = 225.0  # [0-255] of white marks
    wear: float = 0.25  # 0 fresh to 1 gone
    line_width: float = 0.13  # [m]
    dash: float = 3.0  # [m]
    gap: float = 4.5  # [m]
    grass: tuple[float, float, float] = (88.0, 112.0, 62.0)
    pavement: float = 150.0
    cracks: float = 1.0  # a tile has so many times 3


class Ground(NamedTuple):
    """What kernels read."""

    texel: np.ndarray  # uint32 (tiles * texels of all levels)
    page: np.ndarray  # int32 (nx, ny) index of a tile, -1: terrain only; so are all at the border
    start: np.ndarray  # int64 (LEVELS,) where a tile's mipmaps begin
    x0: float  # [m] corner of tile (0, 0)
    y0: float
    size: float  # [m] of a texel at level 0
    terrain: int  # texel of the terrain


TILE_TEXELS = sum((TILE >> m) ** 2 for m in range(LEVELS))


def bake_ground(road_map: RoadMap, look: GroundLook | None = None) -> Ground:
    """Draw the ground of a map; deterministic."""
    look = look or GroundLook()
    size = 0.1
    keys = _tiles(road_map, size * TILE)
    if len(keys) > MOST_TILES:
        size = 0.2
        keys = _tiles(road_map, size * TILE)
    side = size * TILE
    low, high = keys.min(axis=0) - 1, keys.max(axis=0) + 1
    page = np.full(high - low + 1, -1, np.int32)
    shapes = _Shapes(road_map, look)
    brush = _Brush(look, size)
    texels = np.zeros((len(keys), TILE_TEXELS), np.uint32)
    for n, key in enumerate(keys):
        page[tuple(key - low)] = n
        base, paint = shapes.draw(key * side, side, size / FINER)
        _fill(texels[n], *brush.colour(base, paint, key))
    grass = [int(c) for c in look.grass]
    terrain = grass[0] | grass[1] << 8 | grass[2] << 16 | int(Tag.TERRAIN) << 24
    corner = low * side
    start = np.cumsum([0] + [(TILE >> m) ** 2 for m in range(LEVELS - 1)]).astype(np.int64)
    return Ground(texels.reshape(-1), page, start, float(corner[0]), float(corner[1]), size, terrain)


def _tiles(road_map: RoadMap, side: float) -> NDArray[np.int64]:
    """(n, 2) tiles of `side` [m] that lie within _REACH of a lane."""
    xy = road_map.point_xyz[:, :2].astype(np.float64)
    keys = [np.floor((xy + (dx, dy)) / side).astype(np.int64) for dx in (-_REACH, _REACH) for dy in (-_REACH, _REACH)]
    return np.unique(np.concatenate(keys), axis=0)


class _Shapes:
    """All outlines of a map, sorted into layers, to be drawn tile by tile."""

    def __init__(self, m: RoadMap, look: GroundLook):
        kinds = np.repeat(m.lane_kind, np.diff(m.lane_start))
        lanes = _lane_quads(m)
        which = kinds[lanes[1]]
        drivable = np.isin(which, [int(k) for k in DRIVABLE_KINDS])
        paved = np.isin(which, [int(k) for k in _PAVED])
        walks = which == LaneKind.SIDEWALK
        road = lanes[0][drivable | paved]
        self.closed, self.corner = _closed_mask(road)
        self.base = [(lanes[0][walks], PAVEMENT), (road, ROAD), (_kerbs(m), KERB)]
        self.base.insert(0, (_pavements(m), PAVEMENT))
        self.base.append((lanes[0][which == LaneKind.MEDIAN], PAVED))
        self.paint = [(_zebras(m), ZEBRA), (_bars(m), BAR), *_marks(m, look)]
        self.boxes = [
            [(q.min(axis=1), q.max(axis=1)) if len(q) else None for q, _ in group] for group in (self.base, self.paint)
        ]

    def draw(self, corner: NDArray, side: float, step: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """(base, paint) of a tile with `step` [m] a pixel, row i at y = corner + i * step."""
        n = round(side / step)
        base, paint = np.zeros((n, n), np.uint8), np.zeros((n, n), np.uint8)
        at = ((corner - self.corner) / _COARSE).round().astype(int)
        cells = round(side / _COARSE)
        part = _cut(self.closed, at[1], at[0], cells)
        base[cv2.resize(part, (n, n), interpolation=cv2.INTER_NEAREST) > 0] = ROAD
        for picture, group, boxes in ((base, self.base, self.boxes[0]), (paint, self.paint, self.boxes[1])):
            for (quads, value), box in zip(group, boxes, strict=True):
                if box is None:
                    continue
                near = ((box[0] < corner + side) & (box[1] > corner)).all(axis=1)
                fixed = ((quads[near] - corner) / step * (1 << _SHIFT) - (1 << _SHIFT >> 1)).round().astype(np.int32)
                for quad in fixed:
                    cv2.fillConvexPoly(picture, quad, value, cv2.LINE_8, _SHIFT)
        return base, paint


def _cut(mask: NDArray[np.uint8], row: int, column: int, n: int) -> NDArray[np.uint8]:
    """The n x n part of a mask from (row, column) on; zero outside of it."""
    out = np.zeros((n, n), np.uint8)
    r0, c0 = max(row, 0), max(column, 0)
    r1, c1 = min(row + n, mask.shape[0]), min(column + n, mask.shape[1])
    if r1 > r0 and c1 > c0:
        out[r0 - row : r1 - row, c0 - column : c1 - column] = mask[r0:r1, c0:c1]
    return out


def _closed_mask(quads: NDArray) -> tuple[NDArray[np.uint8], NDArray]:
    """(the road as a coarse mask with the gaps between a junction's lanes closed, its corner [m])."""
    corner = np.floor(quads.min(axis=(0, 1)) / _COARSE - 20) * _COARSE
    shape = np.ceil((quads.max(axis=(0, 1)) - corner) / _COARSE + 20).astype(int)
    mask = np.zeros(shape[::-1], np.uint8)
    fixed = ((quads - corner) / _COARSE * (1 << _SHIFT) - (1 << _SHIFT >> 1)).round().astype(np.int32)
    for quad in fixed:
        cv2.fillConvexPoly(mask, quad, 1, cv2.LINE_8, _SHIFT)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, disc), np.uint8), corner


def _segments(m: RoadMap) -> NDArray[np.int64]:
    """First points of all lane segments."""
    last = np.zeros(len(m.point_xyz), np.bool_)
    last[m.lane_start[1:] - 1] = True
    return np.flatnonzero(~last)


def _beside(m: RoadMap, point: NDArray, offset: NDArray) -> NDArray:
    """(n, 2) [m] points `offset` to the left of lane points."""
    h = m.point_heading[point].astype(np.float64)
    side = np.stack((-np.sin(h), np.cos(h)), axis=1)
    return m.point_xyz[point, :2] + side * np.asarray(offset, np.float64)[:, None]


def _lane_quads(m: RoadMap) -> tuple[NDArray, NDArray[np.int64]]:
    """((n, 4, 2) [m] the ground of each lane segment, its first point)."""
    a = _segments(m)
    half = 0.5 * m.point_width.astype(np.float64) + 0.02
    left = _beside(m, a, half[a]), _beside(m, a + 1, half[a + 1])
    right = _beside(m, a, -half[a]), _beside(m, a + 1, -half[a + 1])
    return np.stack((left[0], left[1], right[1], right[0]), axis=1), a


def _strips(a: NDArray, b: NDArray, width: float) -> NDArray:
    """(n, 4, 2) quads of a width [m] about segments (n, 2)."""
    along = b - a
    length = np.linalg.norm(along, axis=1, keepdims=True)
    side = np.stack((-along[:, 1], along[:, 0]), axis=1) / np.maximum(length, 1e-6) * 0.5 * width
    return np.stack((a + side, b + side, b - side, a - side), axis=1)


def _kerbs(m: RoadMap) -> NDArray:
    edges = m.edge_xyz[m.edge_kind == EdgeKind.CURB][:, :, :2].astype(np.float64)
    return _strips(edges[:, 0], edges[:, 1], 0.16)


def _pavements(m: RoadMap) -> NDArray:
    """Ground of walking paths that are no crosswalks."""
    parts = [np.zeros((0, 4, 2))]
    for y in range(len(m.walk_width)):
        if m.walk_crosswalk[y] < 0:
            xy = m.walk_xyz[m.walk_start[y] : m.walk_start[y + 1], :2].astype(np.float64)
            parts.append(_strips(xy[:-1], xy[1:], float(m.walk_width[y])))
    return np.concatenate(parts)


def _bars(m: RoadMap) -> NDArray:
    """Stop lines, a little before the place where the law says to stand."""
    lines = m.stop_line.astype(np.float64)
    if not len(lines):
        return np.zeros((0, 4, 2))
    return _strips(lines[:, 0], lines[:, 1], 0.4)


def _zebras(m: RoadMap) -> NDArray:
    """Stripes of crosswalks: along the road, half a metre wide."""
    stripes = [np.zeros((0, 4, 2))]
    for w in range(len(m.crosswalk_start) - 1):
        outline = m.crosswalk_xyz[m.crosswalk_start[w] : m.crosswalk_start[w + 1], :2].astype(np.float32)
        corners = cv2.boxPoints(cv2.minAreaRect(outline)).astype(np.float64)
        across, along = corners[1] - corners[0], corners[3] - corners[0]
        if np.linalg.norm(across) < np.linalg.norm(along):
            across, along = along, across
        count = max(int(np.linalg.norm(across)), 1)
        u = (np.arange(count) + 0.25)[:, None] / count
        v = u + 0.5 / count
        a, b = corners[0] + u * across, corners[0] + v * across
        stripes.append(np.stack((a, b, b + along, a + along), axis=1))
    return np.concatenate(stripes)


_SINGLE = {MarkKind.SOLID: ("solid",), MarkKind.BROKEN: ("broken",), MarkKind.OTHER: ("solid",)}
_DOUBLE = {
    MarkKind.SOLID_SOLID: ("solid", "solid"), MarkKind.SOLID_BROKEN: ("solid", "broken"),
    MarkKind.BROKEN_SOLID: ("broken", "solid"), MarkKind.BROKEN_BROKEN: ("broken", "broken"),
    MarkKind.BOTTS_DOTS: ("dots",),
}  # fmt: skip


def _marks(m: RoadMap, look: GroundLook) -> list[tuple[NDArray, int]]:
    """Lane marks as quads by colour. A border of two lanes is drawn once, by the one whose left it is."""
    a = _segments(m)
    lane = np.searchsorted(m.lane_start, a, side="right") - 1
    found: dict[int, list[NDArray]] = {WHITE: [np.zeros((0, 4, 2))], YELLOW: [np.zeros((0, 4, 2))]}
    for side, marks, colors in (
        (1.0, m.point_mark_left, m.point_color_left),
        (-1.0, m.point_mark_right, m.point_color_right),
    ):
        draws = np.ones(len(a), np.bool_) if side > 0 else m.lane_right[lane] < 0
        for kind, looks in (_SINGLE | _DOUBLE).items():
            for at, style in enumerate(looks):
                aside = 0.0 if len(looks) == 1 else (0.5 - at) * 2.0 * 0.11
                pick = draws & (marks[a] == kind)
                for color in (WHITE, YELLOW):
                    own = pick & ((colors[a] == MarkColor.YELLOW) == (color == YELLOW))
                    if own.any():
                        found[color].append(_one_mark(m, a[own], lane[own], side, aside, style, look))
    return [(np.concatenate(found[c]), c) for c in (WHITE, YELLOW)]


def _one_mark(
    m: RoadMap, a: NDArray, lane: NDArray, side: float, aside: float, style: str, look: GroundLook
) -> NDArray:
    """Quads of one line beside lane segments; dashes keep the phase of the road's own s."""
    half = 0.5 * m.point_width.astype(np.float64)
    p, q = _beside(m, a, side * half[a] + aside), _beside(m, a + 1, side * half[a + 1] + aside)
    if style == "solid":
        return _strips(p, q, look.line_width)
    dash, gap = (look.dash, look.gap) if style == "broken" else (0.1, 0.9)
    period = dash + gap
    span = np.maximum(m.lane_start[lane + 1] - m.lane_start[lane] - 1, 1)
    s0, s1 = m.lane_road_s[lane, 0].astype(np.float64), m.lane_road_s[lane, 1].astype(np.float64)
    u = (a - m.lane_start[lane]) / span
    first, last = s0 + (s1 - s0) * u, s0 + (s1 - s0) * (u + 1.0 / span)
    low, high = np.minimum(first, last), np.maximum(first, last)
    parts = [np.zeros((0, 4, 2))]
    for k in range(2 + int(np.ceil((high - low).max() / period))):  # the k-th dash that begins in or before the segment
        begin = (np.floor(low / period) + k) * period
        t0, t1 = np.maximum(begin, low), np.minimum(begin + dash, high)
        some = t1 > t0 + 1e-6
        x0, x1 = ((t - first) / np.where(last == first, 1.0, last - first) for t in (t0, t1))
        parts.append(_strips((p + (q - p) * x0[:, None])[some], (p + (q - p) * x1[:, None])[some], look.line_width))
    return np.concatenate(parts)


class _Brush:
    """Colours of the ground, the same for all tiles of a map."""

    def __init__(self, look: GroundLook, size: float):
        self.look, self.size = look, size
        rng = np.random.default_rng([look.seed, 0x67])
        self.blotch = smooth_noise(rng, TILE, (4, 16, 64), (0.4, 0.35, 0.25))  # tiles seamlessly
        self.grain = rng.standard_normal((TILE, TILE)).astype(np.float32)
        self.worn = smooth_noise(rng, TILE, (8, 32, 128), (0.3, 0.4, 0.3))
        self.tint = rng.uniform(-3.0, 3.0, 3).astype(np.float32)

    def colour(self, base: NDArray, paint: NDArray, key: NDArray) -> tuple[NDArray, NDArray]:
        """((TILE, TILE, 3) float32 RGB, (TILE, TILE) uint8 tag) of a tile that is drawn FINER times as fine."""
        look, centre = self.look, FINER // 2
        ground = base[centre::FINER, centre::FINER]
        rng = np.random.default_rng([look.seed, *(int(k) & 0xFFFF for k in key)])
        grey = look.asphalt + look.asphalt_spread * self.blotch + 4.0 * self.grain
        grey = _cracks(grey, rng, look)
        slabs = look.pavement + 6.0 * self.blotch + 4.0 * self.grain
        slabs[(np.arange(TILE) % 20 == 0), :] -= 14.0
        slabs[:, (np.arange(TILE) % 20 == 0)] -= 14.0
        rgb = np.empty((TILE, TILE, 3), np.float32)
        for c in range(3):
            plane = look.grass[c] + 12.0 * self.blotch + 9.0 * self.grain
            plane = np.where(ground == ROAD, grey + self.tint[c], plane)
            plane = np.where((ground == PAVEMENT) | (ground == PAVED), slabs + (2.0 - 2.0 * c), plane)
            rgb[:, :, c] = np.where(ground == KERB, 165.0 + 8.0 * self.blotch + 3.0 * self.grain, plane)
        tag = BASE_TAG[ground]
        keep = 1.0 - np.clip(look.wear * (0.6 + 1.1 * self.worn), 0.0, 0.95)
        for value in range(1, 5):
            some = paint == value
            if not some.any():
                continue
            cover = cv2.resize(some.astype(np.float32), (TILE, TILE), interpolation=cv2.INTER_AREA)
            shade = np.array([1.0, 0.82, 0.25] if value == YELLOW else [1.0, 1.0, 0.97], np.float32) * look.paint
            alpha = (cover * keep)[:, :, None]
            rgb += alpha * (shade + 5.0 * self.grain[:, :, None] - rgb)
            tag[cover >= 0.4] = PAINT_TAG[value]
        return rgb, tag


def smooth_noise(
    rng: np.random.Generator, n: int, cells: tuple[int, ...], weights: tuple[float, ...]
) -> NDArray[np.float32]:
    """(n, n) smooth noise of about unit range that tiles without seams."""
    out = np.zeros((n, n), np.float32)
    for count, weight in zip(cells, weights, strict=True):
        grid = rng.uniform(-1.0, 1.0, (count, count)).astype(np.float32)
        wide = cv2.resize(np.pad(grid, 2, mode="wrap"), None, fx=n / count, fy=n / count, interpolation=cv2.INTER_CUBIC)
        cut = 2 * n // count
        out += weight * wide[cut : cut + n, cut : cut + n]
    return out


def _cracks(grey: NDArray, rng: np.random.Generator, look: GroundLook) -> NDArray:
    """Cracks and mended patches of asphalt."""
    for _ in range(rng.poisson(3.0 * look.cracks)):
        walk = np.cumsum(rng.normal(0.0, 3.0, (24, 2)) + rng.normal(0.0, 3.0, 2), axis=0) + rng.uniform(0, TILE, 2)
        cv2.polylines(grey, [walk.astype(np.int32)], False, look.asphalt - 28.0, 1)
    for _ in range(rng.poisson(0.7 * look.cracks)):
        box = cv2.boxPoints((tuple(rng.uniform(0, TILE, 2)), tuple(rng.uniform(5, 40, 2)), rng.uniform(0, 90)))
        mask = np.zeros(grey.shape, np.uint8)
        cv2.fillConvexPoly(mask, box.astype(np.int32), 1)
        grey = grey + mask * np.float32(rng.uniform(-18.0, 8.0))
    return grey


def _fill(out: NDArray[np.uint32], rgb: NDArray, tag: NDArray) -> None:
    """Write all mipmaps of a tile; paint keeps its class while it covers a quarter of a texel."""
    at = 0
    for _ in range(LEVELS):
        n = len(tag)
        byte = np.clip(rgb + 0.5, 0.0, 255.0).astype(np.uint32)
        word = byte[:, :, 0] | byte[:, :, 1] << 8 | byte[:, :, 2] << 16 | tag.astype(np.uint32) << 24
        out[at : at + n * n] = word.reshape(-1)
        at += n * n
        rgb = 0.25 * (rgb[0::2, 0::2] + rgb[1::2, 0::2] + rgb[0::2, 1::2] + rgb[1::2, 1::2])
        four = np.stack((tag[0::2, 0::2], tag[1::2, 0::2], tag[0::2, 1::2], tag[1::2, 1::2]))
        four.sort(axis=0)  # ROAD 1, SIDEWALK 2, TERRAIN 9, ROAD_LINE 24, CROSSWALK 32, STOP_LINE 33, KERB 34
        painted = (four == Tag.ROAD_LINE) | (four == Tag.CROSSWALK) | (four == Tag.STOP_LINE)
        best = np.where(painted, four, 0).max(axis=0)
        tag = np.where(best > 0, best, four[1]).astype(np.uint8)
