"""Tables of the `rich` observation: road segments as 32-byte rows, and for every 5 m cell of a map which rows are near.

What is listed: centre lines of drivable lanes, painted marks on their borders, edges of the drivable surface, stop
lines, crosswalk outlines. Polylines are joined into pieces of about PIECE m that stay within 0.1 m of the line.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from world.grid import fill_cells, grid_over
from world.kinds import EdgeKind, MarkKind
from world.lane_arrays import DRIVABLE_KINDS, ranges
from world.roadmap import MapError, MapSet, RoadMap

RICH_ROADS = 200  # road rows of an observation
RICH_RANGE = 50.0  # [m] a cell lists what comes within this distance of its square
RICH_LEVEL = 4.0  # [m] roads and road users further above or below are left out
CELL = 5.0  # [m]
PIECE = 6.0  # [m] straight pieces are cut to, up to the spacing of the line's points
BEND = 0.3  # [rad] that a piece without length would turn
LISTED = 512  # rows that a cell lists where roads lie above each other, RICH_ROADS elsewhere
GROUP = 8  # rows that are written at once; lists are padded to a multiple of it
POSITION, SIZE, KINDS = 100.0, 20.0, 10.0  # [m], [m], 1: what is 1 in an observation

LANE, BROKEN_MARK, SOLID_MARK, ROAD_EDGE, CURB, BARRIER, STOP_LINE, CROSSWALK = range(1, 9)
ROW_KINDS = {
    "lane": LANE, "broken mark": BROKEN_MARK, "solid mark": SOLID_MARK, "road edge": ROAD_EDGE, "curb": CURB,
    "barrier": BARRIER, "stop line": STOP_LINE, "crosswalk": CROSSWALK,
}  # fmt: skip
MARK_WIDTH, STOP_WIDTH = 0.12, 0.3  # [m]
_EDGES = {EdgeKind.ROAD_EDGE: ROAD_EDGE, EdgeKind.CURB: CURB, EdgeKind.BARRIER: BARRIER}
_BROKEN = [int(k) for k in (MarkKind.BROKEN, MarkKind.BROKEN_BROKEN, MarkKind.BOTTS_DOTS)]
_UNPAINTED = [int(k) for k in (MarkKind.NONE, MarkKind.GRASS, MarkKind.CURB, MarkKind.EDGE)]
_MOST_IDS = 1 << 16

RICH_MAP = np.dtype([("x0", "f4"), ("y0", "f4"), ("nx", "i4"), ("ny", "i4"), ("cell0", "i4")])
RICH_CELL = np.dtype([("start", "i8"), ("base", "i4"), ("count", "i2"), ("layered", "i2")])


class RichTable(NamedTuple):
    """What kernels read; rows and cells of all maps of a set, one map after the other."""

    maps: np.ndarray  # RICH_MAP: corner of the grid [m], cells along x and y, first cell
    cells: np.ndarray  # RICH_CELL (cells,): ids[start:start + count], counted from row `base`
    ids: np.ndarray  # uint16: row - base, nearest to the cell's centre first
    rows: np.ndarray  # float32 (rows, 8): x, y [m], half length, half width, cos, sin, kind, all scaled; z [m]


@dataclass
class Segments:
    """Pieces of lines, (n,)-leading."""

    a: NDArray[np.float64]  # (n, 3) [m]
    b: NDArray[np.float64]  # (n, 3) [m]
    kind: NDArray[np.int64]
    half_width: NDArray[np.float64]  # [m]
    begins: NDArray[np.bool_]  # it does not go on where the segment before it ended

    def __len__(self) -> int:
        return len(self.kind)

    def pick(self, index: NDArray) -> "Segments":
        return Segments(self.a[index], self.b[index], self.kind[index], self.half_width[index], self.begins[index])

    @property
    def length(self) -> NDArray[np.float64]:
        """(n,) [m] in the plane."""
        return np.linalg.norm(self.b[:, :2] - self.a[:, :2], axis=1)


def _segments(a: NDArray, b: NDArray, kind: ArrayLike, width: ArrayLike, begins: NDArray | None = None) -> Segments:
    """Segments of the given kind and width [m]; lines go on where ends meet, unless `begins` says otherwise."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    kinds = np.broadcast_to(np.asarray(kind, np.int64), len(a))
    first = np.ones(len(a), np.bool_)
    first[1:] = (kinds[1:] != kinds[:-1]) | (np.abs(a[1:] - b[:-1]) > 1e-3).any(axis=1)
    half = np.broadcast_to(np.asarray(width, np.float64) / 2.0, len(a))
    return Segments(a, b, kinds, half, first if begins is None else first | begins)


def _lanes(m: RoadMap, first: NDArray, lane_begins: NDArray) -> Segments:
    """Centre lines of the lane segments that start at the points `first`."""
    width = (m.point_width[first] + m.point_width[first + 1]) / 2.0
    return _segments(m.point_xyz[first], m.point_xyz[first + 1], LANE, width, lane_begins)


def _marks(m: RoadMap, first: NDArray, lane: NDArray, lane_begins: NDArray) -> list[Segments]:
    """Painted borders: the right one of every lane, the left one where no other lane's border is the same."""
    across = np.stack([-np.sin(m.point_heading), np.cos(m.point_heading), np.zeros(len(m.point_heading))], axis=1)
    across *= m.point_width[:, None] / 2.0
    other = m.lane_opposite[lane]
    own = (m.lane_left[lane] < 0) & ((other < 0) | (lane < other))
    out = []
    for sign, mark, wanted in ((1.0, m.point_mark_left, own), (-1.0, m.point_mark_right, np.ones(len(own), np.bool_))):
        border, kind = m.point_xyz + sign * across, mark[first]
        wanted = wanted & ~np.isin(kind, _UNPAINTED)
        kinds = np.where(np.isin(kind, _BROKEN), BROKEN_MARK, SOLID_MARK)
        all_of = _segments(border[first], border[first + 1], kinds, MARK_WIDTH, lane_begins)
        all_of.begins[1:] |= ~wanted[:-1]
        out.append(all_of.pick(np.flatnonzero(wanted)))
    return out


def _stop_lines(m: RoadMap) -> Segments:
    lane = np.repeat(np.arange(m.lane_count), np.diff(m.stop_start))
    last = m.lane_start[lane + 1] - 1
    point = np.minimum(m.lane_start[lane] + np.rint(m.stop_s / m.lane_step[lane]).astype(np.int64), last)
    z = m.point_xyz[point, 2]
    a, b = (np.column_stack([m.stop_line[:, n].reshape(-1, 2), z]) for n in range(2))
    return _segments(a, b, STOP_LINE, STOP_WIDTH)


def _crosswalks(m: RoadMap) -> Segments:
    corner = np.arange(len(m.crosswalk_xyz))
    following = corner + 1
    following[m.crosswalk_start[1:] - 1] = m.crosswalk_start[:-1]
    return _segments(m.crosswalk_xyz, m.crosswalk_xyz[following], CROSSWALK, 0.0)


def road_lines(m: RoadMap) -> Segments:
    """All lines of a map that are listed, as fine as the map has them."""
    drivable = np.flatnonzero(np.isin(m.lane_kind, [int(k) for k in DRIVABLE_KINDS]))
    first = ranges(m.lane_start[drivable], m.lane_start[drivable + 1] - 1)
    lane = np.repeat(drivable, m.lane_start[drivable + 1] - 1 - m.lane_start[drivable])
    lane_begins = np.ones(len(lane), np.bool_)
    lane_begins[1:] = lane[1:] != lane[:-1]
    edge_kind = np.array([_EDGES[EdgeKind(k)] for k in range(len(EdgeKind))])[m.edge_kind]
    edges = _segments(m.edge_xyz[:, 0], m.edge_xyz[:, 1], edge_kind, 0.0)
    parts = [_lanes(m, first, lane_begins), *_marks(m, first, lane, lane_begins), edges, _stop_lines(m), _crosswalks(m)]
    return Segments(*(np.concatenate([getattr(p, name) for p in parts]) for name in Segments.__dataclass_fields__))


def _cut(lines: Segments) -> Segments:
    """Segments longer than PIECE in equal parts; those without length left out."""
    keep = np.flatnonzero(lines.length > 1e-4)
    lost = np.cumsum(lines.begins)[keep]  # number of the line: a line whose first segment is left out begins later
    lines = lines.pick(keep)
    lines.begins = np.ones(len(lines), np.bool_)
    lines.begins[1:] = lost[1:] != lost[:-1]
    parts = np.ceil(lines.length / PIECE).astype(np.int64)
    row = np.repeat(np.arange(len(lines)), parts)
    n = ranges(np.zeros(len(lines), np.int64), parts)
    u = (lines.b - lines.a)[row] / parts[row, None]
    a = lines.a[row] + n[:, None] * u
    return Segments(a, a + u, lines.kind[row], lines.half_width[row], lines.begins[row] & (n == 0))


def join_pieces(lines: Segments) -> Segments:
    """Lines as few straight pieces, which end at points of the line: as many as length / PIECE + turn / BEND says.

    A piece of length PIECE u that turns by BEND (1 - u) leaves its chord by PIECE BEND u (1 - u) / 8 < 0.06 m, which
    leaves room for ends that lie between points.
    """
    lines = _cut(lines)
    if not len(lines):
        return lines
    u, length = lines.b - lines.a, lines.length
    turn = np.zeros(len(lines))
    cross, dot = u[:-1, 0] * u[1:, 1] - u[:-1, 1] * u[1:, 0], (u[:-1, :2] * u[1:, :2]).sum(axis=1)
    turn[1:] = np.abs(np.arctan2(cross, dot))
    cost = length / PIECE + np.where(lines.begins, 0.0, turn / BEND)
    start = np.flatnonzero(lines.begins)
    number = np.cumsum(lines.begins) - 1
    total = np.add.reduceat(cost, start)
    before = np.cumsum(cost) - cost
    share = (before - before[start][number] + cost / 2.0) / total[number]
    pieces = np.ceil(total - 1e-9)[number]
    piece = np.minimum(np.floor(share * pieces), pieces - 1.0)
    begins = lines.begins.copy()
    begins[1:] |= piece[1:] != piece[:-1]
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(lines)) - 1
    weight = np.add.reduceat(length, first)
    half = np.add.reduceat(lines.half_width * length, first) / weight
    return Segments(lines.a[first], lines.b[last], lines.kind[first], half, lines.begins[first])


def _in_strips(pieces: Segments) -> Segments:
    """Pieces ordered by strips of CELL m along x, then by y: what one cell lists lies close together in memory."""
    middle = (pieces.a + pieces.b) / 2.0
    return pieces.pick(np.lexsort((middle[:, 1], np.floor(middle[:, 0] / CELL))))


def _rows(pieces: Segments) -> NDArray[np.float32]:
    """(n, 8) rows of RichTable."""
    out = np.zeros((len(pieces), 8), np.float32)
    middle, length = (pieces.a + pieces.b) / 2.0, pieces.length
    out[:, :2], out[:, 7] = middle[:, :2], middle[:, 2]
    out[:, 2] = np.minimum(length / 2.0 / SIZE, 1.0)
    out[:, 3] = np.minimum(pieces.half_width / SIZE, 1.0)
    out[:, 4:6] = (pieces.b - pieces.a)[:, :2] / np.maximum(length, 1e-9)[:, None]
    out[:, 6] = pieces.kind / KINDS
    return out


def _cells(name: str, start: NDArray, ids: NDArray, z: NDArray) -> tuple[NDArray, NDArray[np.uint16]]:
    """RICH_CELL rows and the ids of one map, from complete lists: no longer than needed, padded, from a base on."""
    cells = np.zeros(len(start) - 1, RICH_CELL)
    size = np.diff(start).astype(np.int64)
    some = np.flatnonzero(size)
    if not len(some):
        return cells, np.zeros(GROUP, np.uint16)
    at, height = start[some], z[ids]
    layered = np.zeros(len(cells), np.bool_)
    layered[some] = np.maximum.reduceat(height, at) - np.minimum.reduceat(height, at) > RICH_LEVEL
    size = np.minimum(size, np.where(layered, LISTED, RICH_ROADS))
    kept = ids[ranges(start[:-1], start[:-1] + size)]
    own = np.cumsum(size) - size
    base = np.zeros(len(cells), np.int64)
    base[some] = np.minimum.reduceat(kept, own[some])
    local = kept - np.repeat(base, size)
    if local.max() >= _MOST_IDS:
        reason = f"{len(z)} road segments, of which one cell sees more than {_MOST_IDS} apart"
        raise MapError(name, "rich observation", reason)
    room = -(-size // GROUP) * GROUP
    cells["start"], cells["base"] = np.cumsum(room) - room, base
    cells["count"], cells["layered"] = size, layered
    out = np.zeros(int(room.sum()), np.uint16)
    out[ranges(cells["start"], cells["start"] + size)] = local
    return cells, out


def _one_map(m: RoadMap) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """maps (1,), cells, ids and rows of one map, counted from zero."""
    pieces = _in_strips(join_pieces(road_lines(m)))
    a, b, rows = pieces.a[:, :2], pieces.b[:, :2], _rows(pieces)
    if not len(pieces):
        a = b = np.zeros((1, 2))  # an empty map has a grid of empty cells
    grid = grid_over(np.minimum(a, b).min(axis=0) - RICH_RANGE, np.maximum(a, b).max(axis=0) + RICH_RANGE, CELL,
                     RICH_RANGE)  # fmt: skip
    start, ids = fill_cells(grid, a[: len(pieces)], b[: len(pieces)], np.arange(len(pieces)))
    cells, local = _cells(m.name, start, ids, rows[:, 7])
    row = np.zeros(1, RICH_MAP)
    row["x0"], row["y0"] = grid.corner
    row["nx"], row["ny"] = grid.shape
    if grid.cell != CELL:
        raise MapError(m.name, "rich observation", f"its grid would have cells of {grid.cell} m, allowed is {CELL}")
    return row, cells, local, rows


def make_rich_table(maps: MapSet) -> RichTable:
    """Tables of the maps of a set, in its order.

    Raises:
        MapError: a map is too large: its lists do not fit (`world.budget`), or a cell's do not fit into 16 bits.
    """
    parts: list[tuple[NDArray, NDArray, NDArray, NDArray]] = []
    cell0 = id0 = row0 = 0
    for m in maps.maps:
        row, cells, ids, rows = _one_map(m)
        row["cell0"] = cell0
        cells["start"] += id0
        cells["base"] += row0
        parts.append((row, cells, ids, rows))
        cell0, id0, row0 = cell0 + len(cells), id0 + len(ids), row0 + len(rows)
    table = RichTable(*(np.ascontiguousarray(np.concatenate(column)) for column in zip(*parts, strict=True)))
    for array in table:
        array.flags.writeable = False
    return table
