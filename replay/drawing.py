"""MapDrawing: what of a RoadMap a picture needs, in centimetres, small enough to go into every record.

Outlines are simplified to 3 cm (Douglas, Peucker 1973). Names end in `_cm` where the unit is a centimetre; frame: map.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from replay.codec import RecordError, pack_arrays, unpack_arrays
from world.kinds import LaneKind, MarkKind
from world.roadmap import RoadMap

TOLERANCE = 0.03  # [m] of simplified outlines
MARKED = {
    int(k)
    for k in (
        LaneKind.DRIVING,
        LaneKind.BIDIRECTIONAL,
        LaneKind.BIKING,
        LaneKind.ENTRY,
        LaneKind.EXIT,
        LaneKind.ON_RAMP,
        LaneKind.OFF_RAMP,
        LaneKind.PARKING,
    )
}
I8, I32 = NDArray[np.int8], NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class MapDrawing:
    """Everything of a map that is drawn. CSR pairs as in RoadMap; all positions int32 [cm]."""

    lane_start: I32  # (L + 1,) outline of each lane: left border forward, right border back
    lane_cm: I32  # (., 2)
    lane_kind: I8  # (L,) LaneKind
    lane_junction: I8  # (L,) 1 inside a junction
    lane_z_cm: I32  # (L,) mean height
    mark_start: I32  # (M + 1,) painted lines
    mark_cm: I32  # (., 2)
    mark_kind: I8  # (M,) MarkKind
    mark_color: I8  # (M,) MarkColor
    mark_z_cm: I32  # (M,) mean height
    crosswalk_start: I32  # (W + 1,)
    crosswalk_cm: I32  # (., 2) outline
    walk_start: I32  # (Y + 1,)
    walk_cm: I32  # (., 2) centre line
    walk_width_cm: I32  # (Y,)
    walk_crosswalk: I32  # (Y,) crosswalk or -1
    building_start: I32  # (. + 1,)
    building_cm: I32  # (., 2) outline
    building_height_cm: I32  # (.,)
    tree_cm: I32  # (., 2)
    tree_radius_cm: I32  # (.,)
    light_cm: I32  # (T, 3) head
    light_yaw_deg: I32  # (T,) the face looks there
    stop_cm: I32  # (Q, 4) both ends of the line
    stop_kind: I8  # (Q,) StopKind
    stop_light: I32  # (Q,) light or -1
    sign_cm: I32  # (G, 2)
    sign_yaw_deg: I32  # (G,)
    sign_kind: I8  # (G,) SignKind
    sign_value_cms: I32  # (G,) [cm/s] of limits

    def pack(self) -> bytes:
        """As an array bundle."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        return pack_arrays(arrays, {name: "diff" for name in arrays if name.endswith(("_cm", "_start"))})

    @staticmethod
    def unpack(data: bytes) -> "MapDrawing":
        """From an array bundle. Raises: RecordError: arrays are missing or do not fit together."""
        arrays = unpack_arrays(data)
        names = [f.name for f in fields(MapDrawing)]
        missing = [name for name in names if name not in arrays]
        if missing:
            raise RecordError(f"map drawing lacks {', '.join(missing)}")
        drawing = MapDrawing(**{name: arrays[name] for name in names})
        drawing.check()
        return drawing

    def check(self) -> None:
        """Raises RecordError where offsets or lengths do not fit together."""
        for name in ("lane", "mark", "crosswalk", "walk", "building"):
            start, points = getattr(self, f"{name}_start"), getattr(self, f"{name}_cm")
            fine = start.ndim == 1 and len(start) >= 1 and points.ndim == 2 and points.shape[1] == 2
            if not fine or start[0] != 0 or start[-1] != len(points) or (np.diff(start) < 0).any():
                raise RecordError(f"map drawing: {name}_start does not fit {name}_cm")
        groups = {
            "lane_kind": ("lane_junction", "lane_z_cm"),
            "mark_kind": ("mark_color", "mark_z_cm"),
            "light_cm": ("light_yaw_deg",),
            "stop_cm": ("stop_kind", "stop_light"),
            "sign_cm": ("sign_yaw_deg", "sign_kind", "sign_value_cms"),
            "tree_cm": ("tree_radius_cm",),
            "walk_width_cm": ("walk_crosswalk",),
        }
        for first, others in groups.items():
            for other in others:
                if len(getattr(self, first)) != len(getattr(self, other)):
                    raise RecordError(f"map drawing: {first} and {other} differ in length")
        for name, width in (("tree_cm", 2), ("sign_cm", 2), ("light_cm", 3), ("stop_cm", 4)):
            if getattr(self, name).shape[1:] != (width,):
                raise RecordError(f"map drawing: {name} has shape {getattr(self, name).shape}; allowed: (n, {width})")


def simplify(points: NDArray, tolerance: float = TOLERANCE) -> NDArray[np.intp]:
    """Indices of the points kept of an open polyline (n, 2), first and last always (Douglas, Peucker 1973)."""
    keep = np.zeros(len(points), np.bool_)
    keep[[0, -1]] = True
    stack = [(0, len(points) - 1)]
    while stack:
        a, b = stack.pop()
        if b - a < 2:
            continue
        chord = points[b] - points[a]
        rel = points[a + 1 : b] - points[a]
        length = float(np.hypot(*chord))
        away = np.abs(rel[:, 0] * chord[1] - rel[:, 1] * chord[0]) / length if length > 0 else np.hypot(*rel.T)
        far = int(np.argmax(away))
        if away[far] > tolerance:
            keep[a + 1 + far] = True
            stack += [(a, a + 1 + far), (a + 1 + far, b)]
    return np.flatnonzero(keep)


def _cm(values: NDArray) -> I32:
    return np.rint(np.asarray(values, np.float64) * 100.0).astype(np.int32)


def _csr(rows: list[NDArray]) -> tuple[I32, I32]:
    start = np.concatenate(([0], np.cumsum([len(r) for r in rows]))).astype(np.int32)
    return start, _cm(np.concatenate(rows) if rows else np.zeros((0, 2)))


def draw_map(road_map: RoadMap) -> MapDrawing:
    """The drawing of a map."""
    m = road_map
    lanes, marks = [], _Marks()
    heights = []
    for lane in range(m.lane_count):
        part = slice(int(m.lane_start[lane]), int(m.lane_start[lane + 1]))
        left, right = _borders(m, part)
        lanes.append(np.concatenate((left[simplify(left)], right[simplify(right)][::-1])))
        heights.append(float(m.point_xyz[part, 2].mean()))
        if int(m.lane_kind[lane]) in MARKED:
            marks.add_lane(m, lane, part, left, right)
    lane_start, lane_cm = _csr(lanes)
    mark_start, mark_cm = _csr(marks.rows)
    deg = 180.0 / np.pi
    return MapDrawing(
        lane_start=lane_start,
        lane_cm=lane_cm,
        lane_kind=m.lane_kind.astype(np.int8),
        lane_junction=(m.lane_junction >= 0).astype(np.int8),
        lane_z_cm=_cm(np.array(heights)),
        mark_start=mark_start,
        mark_cm=mark_cm,
        mark_kind=np.array(marks.kinds, np.int8),
        mark_color=np.array(marks.colors, np.int8),
        mark_z_cm=_cm(np.array(marks.heights)),
        crosswalk_start=m.crosswalk_start.astype(np.int32),
        crosswalk_cm=_cm(m.crosswalk_xyz[:, :2]),
        walk_start=m.walk_start.astype(np.int32),
        walk_cm=_cm(m.walk_xyz[:, :2]),
        walk_width_cm=_cm(m.walk_width),
        walk_crosswalk=m.walk_crosswalk.astype(np.int32),
        building_start=m.building_start.astype(np.int32),
        building_cm=_cm(m.building_xyz[:, :2]),
        building_height_cm=_cm(m.building_height),
        tree_cm=_cm(m.tree_xyz[:, :2]),
        tree_radius_cm=_cm(m.tree_radius),
        light_cm=_cm(m.light_xyz),
        light_yaw_deg=np.rint(m.light_yaw * deg).astype(np.int32),
        stop_cm=_cm(m.stop_line.reshape(-1, 4)),
        stop_kind=m.stop_kind.astype(np.int8),
        stop_light=m.stop_light.astype(np.int32),
        sign_cm=_cm(m.sign_xyz[:, :2]),
        sign_yaw_deg=np.rint(m.sign_yaw * deg).astype(np.int32),
        sign_kind=m.sign_kind.astype(np.int8),
        sign_value_cms=_cm(m.sign_value),
    )


def _borders(m: RoadMap, part: slice) -> tuple[NDArray, NDArray]:
    """(n, 2) left and right border of the lane points `part`."""
    xy = m.point_xyz[part, :2].astype(np.float64)
    heading = m.point_heading[part].astype(np.float64)
    side = 0.5 * m.point_width[part, None].astype(np.float64) * np.stack((-np.sin(heading), np.cos(heading)), axis=1)
    return xy + side, xy - side


class _Marks:
    """Collects painted lines; a line between two lanes is taken from one of them only."""

    def __init__(self) -> None:
        self.rows: list[NDArray] = []
        self.kinds: list[int] = []
        self.colors: list[int] = []
        self.heights: list[float] = []

    def add_lane(self, m: RoadMap, lane: int, part: slice, left: NDArray, right: NDArray) -> None:
        z = m.point_xyz[part, 2]
        self._add(right, m.point_mark_right[part], m.point_color_right[part], z)
        opposite = int(m.lane_opposite[lane])
        if m.lane_left[lane] < 0 and (opposite < 0 or lane < opposite):
            self._add(left, m.point_mark_left[part], m.point_color_left[part], z)

    def _add(self, border: NDArray, kinds: NDArray, colors: NDArray, z: NDArray) -> None:
        """Runs of equal kind and colour; a run reaches to the first point of the next."""
        change = np.flatnonzero((np.diff(kinds) != 0) | (np.diff(colors) != 0)) + 1
        for a, b in zip([0, *change], [*change, len(border) - 1], strict=True):
            if kinds[a] in (MarkKind.NONE, MarkKind.GRASS, MarkKind.CURB) or b <= a:
                continue
            run = border[a : b + 1]
            self.rows.append(run[simplify(run)])
            self.kinds.append(int(kinds[a]))
            self.colors.append(int(colors[a]))
            self.heights.append(float(z[a : b + 1].mean()))
