"""A Scene's arrays as one Pack, so that an encoder takes a Scene as one address.

A Scene of the engine keeps its arrays for good, so its Pack is made once; any Scene with C-contiguous arrays of the
types and shapes that world.records says will do.
"""

from collections import namedtuple
from typing import Any

from agents.scene_fields import GROUPS, OWN, check_scene, empty_scene
from world.pack import Pack, pack_reader
from world.records import Scene

_TUPLES: dict[str, Any] = {name: namedtuple(name, record.__dataclass_fields__) for name, record in GROUPS.items()}
_WAY: Any = namedtuple("way", ("xy", "half_width", "point_valid"))  # as those of the local lanes
_SCENE: Any = namedtuple("scene", (*GROUPS, "route_way", *OWN))


def _pack(scene: Scene) -> Pack:
    groups = [
        _TUPLES[name](*(getattr(getattr(scene, name), field) for field in record.__dataclass_fields__))
        for name, record in GROUPS.items()
    ]
    route = scene.route
    way = _WAY(route.xy[:, :, None], route.half_width[:, :, None], route.valid[:, :, None])
    return Pack(_SCENE(*groups, way, *(getattr(scene, name) for name in OWN)))


SCENE_TYPE = _pack(empty_scene(1, 1))._numba_type_
scene_at = pack_reader(SCENE_TYPE)


def pack_scene(scene: Scene) -> Pack:
    """The Scene laid out for kernels; it holds on to the arrays.

    Raises:
        ValueError: arrays of other types or shapes than world.records says, read-only, or not C-contiguous.
    """
    check_scene(scene)
    pack = _pack(scene)
    if pack._numba_type_ != SCENE_TYPE:
        odd = [n for (n, a), (_, c) in zip(pack._numba_type_.fields, SCENE_TYPE.fields, strict=True) if a != c]
        raise ValueError(f"Scene: arrays that are read-only or not aligned in {', '.join(odd)}")
    return pack
