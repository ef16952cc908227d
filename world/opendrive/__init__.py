"""OpenDRIVE 1.4 to 1.8 -> MapDraft -> RoadMap.

`load_map(path)` gives the finished map, from the cache where it was read before; `read_draft(path)` what the file says.
"""

import dataclasses
from pathlib import Path

from world.budget import limited
from world.draft import MapDraft
from world.opendrive import cache as _cache
from world.opendrive.xml import content_hash, map_name, read_bytes
from world.roadmap import MapError, RoadMap

__all__ = ["load_map", "map_from_bytes", "read_draft"]


def read_draft(path: str | Path) -> MapDraft:
    """What an OpenDRIVE file says; see `world.opendrive.reader.read_draft`."""
    from world.opendrive.reader import read_draft

    return read_draft(path)


def load_map(path: str | Path, *, cache: bool = True) -> RoadMap:
    """Reads an OpenDRIVE file (.xodr or .xodr.gz).

    Args:
        cache: keep the finished map under `world.kernel.cache_root()/maps`, and take it from there next time.

    Time, memory and sizes are limited (`world.budget`).

    Raises:
        MapError: the file cannot be used; names file, element (with its line) and reason.
    """
    path = Path(path)
    return map_from_bytes(read_bytes(path), map_name(path), cache=cache, path=path)


def map_from_bytes(data: bytes, name: str, *, cache: bool = True, path: Path | None = None) -> RoadMap:
    """As `load_map`, from the uncompressed bytes of a file; `path` serves for errors."""
    path = path or Path(f"{name}.xodr")
    if not cache:
        return dataclasses.replace(_build(data, path), name=name)
    file = _cache.cache_file(content_hash(data))
    found = _cache.load(file)
    if found is None:
        found = _build(data, path)
        _cache.store(file, found)
    return found if found.name == name else dataclasses.replace(found, name=name)


def _build(data: bytes, path: Path) -> RoadMap:
    """The finished map. Reader and builder take scipy, half a second to import, which a cached map does without."""
    from world.build import build_road_map
    from world.opendrive.reader import draft_from_bytes

    with limited(str(path)):
        draft = draft_from_bytes(data, path)
        try:
            return build_road_map(draft)
        except MapError as error:
            raise MapError(str(path), error.element, error.reason) from error
