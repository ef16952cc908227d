"""How Packs lie in a device's memory: the types that its kernels read.

A device runs one thread a world, and neighbouring threads should read neighbouring memory. So what the CPU keeps as
(B, N), worlds outermost, lies on a device with worlds innermost: the same axes, in Fortran's order. Kernels index by
the type that their Pack has, so their source is the same.
"""

from collections.abc import Callable
from enum import Enum

from numba import types

from simulator.model import MODEL_TYPE
from world.pack import PackType


class Way(Enum):
    """What happens to an array on its way to a device."""

    WORLDS = "worlds"  # a row a world: rows repeated for the worlds of the device, worlds innermost
    ROWS = "rows"  # worlds outermost, or flat with some rows a world: all of it repeated as it is
    SHARED = "shared"  # of all worlds alike
    ABSENT = "absent"  # left out: no kernel that is launched may look at it


Ways = Callable[[str], Way]  # of the path of an array in its Pack, such as "slots.x"

_WORLD_GROUPS = ("slots", "worlds", "traffic", "walkers", "broad", "judge", "bits", "scene", "sensors")
_SHARED = ("traffic.path", "traffic.path_points")


def model_way(path: str) -> Way:
    """Of the arrays of a Model."""
    group = path.split(".", 1)[0]
    if group == "routes":  # a thread looks along its own route, from point to point
        return Way.ROWS
    if path == "state_hash" or (group in _WORLD_GROUPS and path not in _SHARED):
        return Way.WORLDS
    return Way.SHARED


def device_kind(kind: PackType, ways: Ways, path: str = "") -> PackType:
    """The type of a Pack whose arrays went these ways."""
    fields = []
    for name, own in kind.fields:
        if isinstance(own, PackType):
            own = device_kind(own, ways, f"{path}{name}.")
        elif isinstance(own, types.Array) and own.ndim > 1 and ways(path + name) in (Way.WORLDS, Way.ABSENT):
            own = own.copy(layout="F")
        fields.append((name, own))
    return PackType(kind.label, tuple(fields), kind.same_shape)


DEVICE_MODEL = device_kind(MODEL_TYPE, model_way)
