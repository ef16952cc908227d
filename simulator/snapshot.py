"""Stored starts: everything that one world remembers, as one block of bytes, and its way back into a world.

A reset draws a world anew; a restore copies it, which is much cheaper where episodes begin again and again from the
same places. What comes after is bit for bit what came after the store. Behind `Engine.store` and `Engine.restore`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.model import Model
from world.memory import address_of, put_parts, put_rows, take_parts, take_rows
from world.route_line import RouteLine
from world.route_table import RouteTable

if TYPE_CHECKING:
    from simulator.engine import Engine

_GROUPS = ("slots", "worlds", "traffic", "walkers", "broad", "judge", "sensors")
# Pools that worlds share, and what the engine derives from the rest whenever it is asked
_SHARED = ("path", "path_points")


@dataclass(frozen=True, eq=False)
class Start:
    """One world at one moment, detached from the engine that it was taken from."""

    data: NDArray[np.uint8]  # rows of all arrays of `world_rows`, one after the other
    fits: dict[str, object]  # what an engine, its map and its clock must be like to take it
    lines: tuple[RouteLine | None, ...]  # route of each driver
    paths: tuple[tuple[int, NDArray[np.float32]], ...]  # (slot, (M, 2) [m]) that scripted slots follow
    weather: dict[str, float]


class WorldRows:
    """The engine's arrays that have a row a world, as bytes: [name] -> (B, bytes of a row)."""

    def __init__(self, model: Model):
        self.rows: dict[str, NDArray[np.uint8]] = {}
        for group in _GROUPS:
            for name, array in getattr(model, group)._asdict().items():
                if name not in _SHARED and array.size:
                    self.rows[f"{group}.{name}"] = _as_bytes(array)
        self.rows["state_hash"] = _as_bytes(model.state_hash)
        self._blocks = np.array([(address_of(row), row.shape[1]) for row in self.rows.values()], np.int64)
        self.size = int(self._blocks[:, 1].sum())  # [bytes] of a world

    def take(self, world: int) -> NDArray[np.uint8]:
        """A copy of a world's rows, one after the other."""
        data = np.empty(self.size, np.uint8)
        take_rows(self._blocks, world, address_of(data))
        return data

    def put(self, world: int, data: NDArray[np.uint8]) -> None:
        """Write what `take` gave into a world's rows.

        Raises:
            ValueError: data of another size.
        """
        if data.shape != (self.size,) or data.dtype != np.uint8:
            raise ValueError(f"a world's rows are {self.size} bytes, got {data.dtype} of shape {data.shape}")
        put_rows(self._blocks, world, address_of(data))


class RouteRows:
    """The used parts of the engine's table of routes, world by world."""

    def __init__(self, routes: RouteTable):
        self.routes = routes
        drivers = routes.count.shape[1]
        blocks = []
        for name, array in routes._asdict().items():
            item, stride = array.itemsize, array.strides[0]
            if array.ndim == 2:
                blocks.append((address_of(array), stride, stride, 2 * drivers))
                continue
            first = drivers if name.startswith("piece") else 0
            for k in range(drivers):
                blocks.append((address_of(array) + k * array.strides[1], stride, item, first + k))
        self._blocks = np.array(blocks, np.int64)

    def _used(self, world: int) -> NDArray[np.int64]:
        """Points and pieces of each driver's route, and 1 for what there is once a driver."""
        count, pieces = self.routes.count[world], self.routes.piece_count[world]
        return np.concatenate([count, pieces, [1]]).astype(np.int64)

    def take(self, world: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """A copy of a world's routes: sizes, and bytes."""
        used = self._used(world)
        data = np.empty(int((self._blocks[:, 2] * used[self._blocks[:, 3]]).sum()), np.uint8)
        take_parts(self._blocks, world, used, address_of(data))
        return used, data

    def put(self, world: int, kept: tuple[NDArray[np.int64], NDArray[np.uint8]]) -> None:
        """Write what `take` gave into a world's rows; what lies beyond a route's last point means nothing."""
        used, data = kept
        put_parts(self._blocks, world, used, address_of(data))


def _as_bytes(array: NDArray) -> NDArray[np.uint8]:
    """(B, bytes) of an array with a row a world, without a copy."""
    if not array.flags.c_contiguous:
        raise TypeError(f"a world's rows must lie in one piece, got strides {array.strides}")
    return array.reshape(len(array), -1).view(np.uint8)


def store_world(engine: "Engine", world: int) -> Start:
    """Copy world `world`; see `Engine.store`."""
    world = _check_world(engine, world, "store")
    if not engine._started[world]:
        raise ValueError(f"store: world {world} was never reset")
    traffic = engine.model.traffic
    index = traffic.row["path"][world]
    slots = np.flatnonzero(index >= 0)
    paths = [(int(i), traffic.path[index[i], : traffic.path_points[index[i]]].copy()) for i in slots]
    data = engine._rows.take(world)
    data.flags.writeable = False
    lines = tuple(engine._errands.lines[world])
    return Start(data, _fits(engine, world), lines, tuple(paths), dict(engine.hooks.weather[world]))


def restore_world(engine: "Engine", world: int, start: Start) -> None:
    """Bring world `world` back to a start; see `Engine.restore`."""
    world = _check_world(engine, world, "restore")
    _check_fit(start, _fits(engine, world), world)
    row = engine.model.traffic.row["path"]
    _free_paths(engine, row[world])
    engine._rows.put(world, start.data)
    row[world] = -1  # numbers of paths are the engine's own, not the start's
    for slot, points in start.paths:
        index = engine.free_path()
        traffic = engine.model.traffic
        traffic.path[index, : len(points)] = points
        traffic.path_points[index] = len(points)
        row[world, slot] = index
    if engine._errands.put(world, start.lines, int(engine.model.worlds.map_id[world])):
        engine._use_routes()
    engine.hooks.forget(np.array([world]))
    engine.hooks.weather[world] = dict(start.weather)
    engine._started[world] = True


def _free_paths(engine: "Engine", index: NDArray[np.int32]) -> None:
    held = index[index >= 0]
    if len(held):
        engine.model.traffic.path_points[held] = 0


def _fits(engine: "Engine", world: int) -> dict[str, object]:
    """What must be equal where a start is taken and where it is put."""
    model, map_id = engine.model, int(engine.model.worlds.map_id[world])
    return {
        "map set": engine.maps.source_hash[:16],  # lanes are numbered over the whole set
        "map": map_id,
        "drivers": model.drivers,
        "vehicles": model.vehicles,
        "pedestrians": model.pedestrians,
        "traffic radius": float(model.radius),
        "slots": model.slots.x.shape[1],
        "bytes": engine._rows.size,
        "dt": float(model.dt),
        "judge limits": tuple(model.limits),
        "sensor noise": tuple(model.noise),
    }


def _check_world(engine: "Engine", world: int, what: str) -> int:
    count = len(engine.state_hash)
    if not 0 <= world < count:
        raise ValueError(f"{what}: world {world} does not exist; allowed are 0 to {count - 1}")
    if engine.director is not None:
        raise ValueError(f"{what}: the engine has a director, whose memory a start does not hold; allowed is none")
    return int(world)


def _check_fit(start: Start, wanted: dict[str, object], world: int) -> None:
    """Raises ValueError where a start belongs to another kind of engine."""
    if start.fits != wanted:
        odd = [f"{name} {start.fits.get(name)} (here {here})" for name, here in wanted.items()
               if start.fits.get(name) != here]  # fmt: skip
        raise ValueError(f"restore: the start does not fit world {world}: it is of {', '.join(odd)}")
