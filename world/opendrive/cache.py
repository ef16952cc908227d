"""Finished RoadMaps on disk, keyed by the source's content and by the sources of reader and builder.

One .npz without pickles a map; its member `meta` is JSON with every plain field and the checksum of every array.
A file that does not fit its checksums is reported, and the map is read again.
"""

import dataclasses
import hashlib
import json
import logging
import os
import tempfile
import time
import zlib
from functools import lru_cache
from pathlib import Path
from typing import get_type_hints

import numpy as np

from world.kernel import cache_root
from world.roadmap import RoadMap

LOG = logging.getLogger(__name__)
KEEP = 200  # files; older ones are removed when a new one is written
WORLD = Path(__file__).resolve().parent.parent


@lru_cache(maxsize=1)
def reader_version() -> str:
    """Hash over every source that reader and builder are made of."""
    digest = hashlib.sha256(np.__version__.encode())
    for path in sorted([*WORLD.glob("*.py"), *WORLD.glob("opendrive/*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def cache_file(source_hash: str) -> Path:
    """Where the map of a source (sha256 hex of its uncompressed bytes) is kept."""
    key = hashlib.sha256(f"{source_hash} {reader_version()}".encode()).hexdigest()[:32]
    return cache_root() / "maps" / f"{key}.npz"


def load(path: Path) -> RoadMap | None:
    """The cached map; None where there is none, or where the file is damaged (which is logged)."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            meta = json.loads(stored["meta"].tobytes())
            fields = dict(meta["plain"])
            for name, checksum in meta["arrays"].items():
                array = stored[name]
                if _checksum(array) != checksum:
                    raise ValueError(f"array {name} has another checksum")
                array.flags.writeable = False
                fields[name] = array
        return _restore(fields)
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever a damaged archive raises: zipfile alone knows nine kinds
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        LOG.warning("tarmac: cached map %s is damaged or unreadable (%s); the map is read again", path, reason)
        return None


def _checksum(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).tobytes())


def _restore(fields: dict) -> RoadMap:
    """A RoadMap of stored fields; JSON has no tuples, so lists become what the field says."""
    hints = get_type_hints(RoadMap)
    for field in dataclasses.fields(RoadMap):
        if isinstance(fields[field.name], list) and "tuple" in str(hints[field.name]):
            fields[field.name] = tuple(fields[field.name])
    return RoadMap(**fields)


def store(path: Path, road_map: RoadMap) -> None:
    """Writes a map atomically. A folder that cannot be written to is logged; nothing is lost by it."""
    arrays, plain = {}, {}
    for field in dataclasses.fields(RoadMap):
        value = getattr(road_map, field.name)
        (arrays if isinstance(value, np.ndarray) else plain)[field.name] = value
    sums = {name: _checksum(a) for name, a in arrays.items()}
    meta = np.frombuffer(json.dumps({"plain": plain, "arrays": sums}).encode(), np.uint8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as out:
                np.savez(out, allow_pickle=False, meta=meta, **arrays)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        _prune(path.parent)
    except OSError as error:
        LOG.warning("tarmac: the map cannot be cached in %s: %s", path.parent, error)


def _prune(folder: Path) -> None:
    """Removes the oldest files beyond KEEP, and what killed processes left half written."""
    for file in folder.glob("*.tmp"):
        if time.time() - file.stat().st_mtime > 3600.0:
            file.unlink(missing_ok=True)
    files = sorted(folder.glob("*.npz"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[KEEP:]:
        file.unlink(missing_ok=True)
