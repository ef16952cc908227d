"""MapQuery: the kernels of `world.queries` for NumPy arrays of any (broadcastable) shape."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from world.kernel import kernel
from world.queries import DRIVABLE_MASK, is_drivable, lane_point, lanes_ahead, nearest_lane, project_to_lane
from world.roadmap import MapSet


class LanePosition(NamedTuple):
    """Where positions lie with respect to lanes; shape (...) each."""

    lane: NDArray[np.int32]  # -1 where none was found
    s: NDArray[np.float32]  # [m] along the lane
    d: NDArray[np.float32]  # [m] left of travel
    dist: NDArray[np.float32]  # [m] planar distance to the centre line


class LanePoint(NamedTuple):
    """Centre-line values at (lane, s); shape (...) each."""

    x: NDArray[np.float32]  # [m]
    y: NDArray[np.float32]  # [m]
    z: NDArray[np.float32]  # [m]
    heading: NDArray[np.float32]  # [rad]
    curvature: NDArray[np.float32]  # [1/m]
    width: NDArray[np.float32]  # [m]
    limit: NDArray[np.float32]  # [m/s]


@kernel
def _nearest_all(tables, map_id, x, y, z, heading, use_heading, mask, lane, s, d, dist):
    for i in range(len(lane)):
        lane[i], s[i], d[i], dist[i] = nearest_lane(tables, map_id[i], x[i], y[i], z[i], heading[i], use_heading, mask)


@kernel
def _project_all(tables, lane, x, y, hint, use_hint, s, d, dist):
    for i in range(len(lane)):
        s[i], d[i], dist[i] = project_to_lane(tables, lane[i], x[i], y[i], hint[i], use_hint)


@kernel
def _points_all(tables, lane, s, out):
    for i in range(len(lane)):
        x, y, z, heading, curvature, width, limit = lane_point(tables, lane[i], s[i])
        out[0, i], out[1, i], out[2, i], out[3, i] = x, y, z, heading
        out[4, i], out[5, i], out[6, i] = curvature, width, limit


@kernel
def _drivable_all(tables, map_id, x, y, z, out):
    for i in range(len(out)):
        out[i] = is_drivable(tables, map_id[i], x[i], y[i], z[i])


@kernel
def _ahead_all(tables, lane, s, distance, route, at, count, out, size):
    for i in range(len(lane)):
        size[i] = lanes_ahead(tables, lane[i], s[i], distance[i], route[i], at[i], count[i], out[i])


def _flat(dtypes: tuple, *values: ArrayLike) -> tuple[tuple[int, ...], list[NDArray]]:
    arrays = np.broadcast_arrays(*[np.asarray(v, t) for v, t in zip(values, dtypes, strict=True)])
    return arrays[0].shape, [np.ascontiguousarray(a).reshape(-1) for a in arrays]


_F, _I = np.float32, np.int32


class MapQuery:
    """Batched questions to a MapSet. Inputs broadcast against each other; map_id 0 is the first map."""

    def __init__(self, mapset: MapSet):
        self.mapset = mapset
        self.tables = mapset.tables

    def _lanes(self, lane: NDArray) -> None:
        if lane.size and not (lane.min() >= 0 and lane.max() < len(self.tables.lanes)):
            raise IndexError(f"lane {lane.min()}..{lane.max()} is not within 0..{len(self.tables.lanes) - 1}")

    def _maps(self, map_id: NDArray) -> None:
        if map_id.size and not (map_id.min() >= 0 and map_id.max() < len(self.tables.maps)):
            raise IndexError(f"map_id {map_id.min()}..{map_id.max()} is not within 0..{len(self.tables.maps) - 1}")

    def nearest_lane(
        self,
        x: ArrayLike,
        y: ArrayLike,
        z: ArrayLike = 0.0,
        heading: ArrayLike | None = None,
        *,
        kind_mask: int = DRIVABLE_MASK,
        map_id: ArrayLike = 0,
    ) -> LanePosition:
        """Nearest lane of the wanted kinds for each position [m] (and heading [rad]); see `queries.nearest_lane`."""
        use = heading is not None
        values = (map_id, x, y, z, heading if use else 0.0)
        shape, (m, fx, fy, fz, fh) = _flat((_I, _F, _F, _F, _F), *values)
        self._maps(m)
        lane = np.empty(m.size, _I)
        s, d, dist = (np.empty(m.size, _F) for _ in range(3))
        _nearest_all(self.tables, m, fx, fy, fz, fh, use, int(kind_mask), lane, s, d, dist)
        return LanePosition(lane.reshape(shape), s.reshape(shape), d.reshape(shape), dist.reshape(shape))

    def project(self, lane: ArrayLike, x: ArrayLike, y: ArrayLike, s_hint: ArrayLike | None = None) -> LanePosition:
        """Projection of positions [m] onto given lanes; near `s_hint` [m] where given (`queries.project_to_lane`)."""
        use = s_hint is not None
        shape, (own, fx, fy, hint) = _flat((_I, _F, _F, _F), lane, x, y, s_hint if use else 0.0)
        self._lanes(own)
        s, d, dist = (np.empty(own.size, _F) for _ in range(3))
        _project_all(self.tables, own, fx, fy, hint, use, s, d, dist)
        return LanePosition(own.reshape(shape), s.reshape(shape), d.reshape(shape), dist.reshape(shape))

    def point(self, lane: ArrayLike, s: ArrayLike) -> LanePoint:
        """Centre-line position, heading, curvature, width and limit at (lane, s)."""
        shape, (own, fs) = _flat((_I, _F), lane, s)
        self._lanes(own)
        out = np.empty((7, own.size), _F)
        _points_all(self.tables, own, fs, out)
        return LanePoint(*(row.reshape(shape) for row in out))

    def drivable(self, x: ArrayLike, y: ArrayLike, z: ArrayLike = 0.0, *, map_id: ArrayLike = 0) -> NDArray[np.bool_]:
        """Whether positions [m] lie inside a drivable lane of their level."""
        shape, (m, fx, fy, fz) = _flat((_I, _F, _F, _F), map_id, x, y, z)
        self._maps(m)
        out = np.empty(m.size, np.bool_)
        _drivable_all(self.tables, m, fx, fy, fz, out)
        return out.reshape(shape)

    def lanes_ahead(
        self,
        lane: ArrayLike,
        s: ArrayLike,
        distance: ArrayLike,
        route: NDArray[np.int32] | None = None,
        at: ArrayLike = 0,
        *,
        most: int = 32,
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Lanes from (lane, s) on within `distance` [m]: (..., most) lanes and their valid mask.

        Args:
            lane: (...) where to begin.
            s: (...) [m] along it.
            distance: (...) [m].
            route: (R,) lanes to follow, or None for the straightest successor.
            at: (...) place in `route` of `lane`.
            most: lanes at most.
        """
        shape, (own, fs, fd, place) = _flat((_I, _F, _F, _I), lane, s, distance, at)
        self._lanes(own)
        given = np.zeros(1, _I) if route is None else np.ascontiguousarray(route, _I)
        count = np.full(own.size, 0 if route is None else len(given), _I)
        rows = np.tile(given, (own.size, 1))
        out, size = np.zeros((own.size, most), _I), np.empty(own.size, _I)
        _ahead_all(self.tables, own, fs, fd, rows, place, count, out, size)
        valid = np.arange(most) < size[:, None]
        return out.reshape(*shape, most), valid.reshape(*shape, most)
