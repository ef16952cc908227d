"""Labelled pictures on disk: shards of a few dozen pictures of one size, each a plain .npz that appears whole.

A shard holds arrays only (nothing is unpickled). Boxes of all its pictures lie one after the other; `box_start` says
where each picture's begin. A folder of shards is read into memory as one Pictures.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from world.camera import CameraSpec
from world.camera_labels import BoxLabels, LineLabels
from world.files import whole

CAMERA_FIELDS = ("fov", "x", "y", "z", "yaw", "pitch", "roll")
_SUFFIX = ".npz"


@dataclass(frozen=True, eq=False)
class Pictures:
    """N pictures with their labels. D boxes in all, M lines a picture, P points a line."""

    rgb: NDArray[np.uint8]  # (N, H, W, 3)
    tag: NDArray[np.uint8]  # (N, H, W) world.camera_tags.Tag
    camera: NDArray[np.float64]  # (N, len(CAMERA_FIELDS)) see world.camera.CameraSpec
    distortion: NDArray[np.float64]  # (N, 5)
    box_start: NDArray[np.int64]  # (N + 1,)
    box_kind: NDArray[np.int8]  # (D,) and so on, as in world.camera_labels.BoxLabels
    box_body: NDArray[np.int8]
    box_box: NDArray[np.float32]
    box_whole: NDArray[np.float32]
    box_visible: NDArray[np.float32]
    box_xyz: NDArray[np.float32]
    box_size: NDArray[np.float32]
    box_yaw: NDArray[np.float32]
    box_state: NDArray[np.int8]
    box_face: NDArray[np.int16]
    line_kind: NDArray[np.int8]  # (N, M) as in world.camera_labels.LineLabels
    line_mark: NDArray[np.int8]  # (N, M)
    line_xyz: NDArray[np.float32]  # (N, M, P, 3)
    line_px: NDArray[np.float32]  # (N, M, P, 2)
    line_valid: NDArray[np.bool_]  # (N, M, P)
    line_seen: NDArray[np.bool_]  # (N, M, P)

    def __len__(self) -> int:
        return len(self.rgb)

    def spec(self, i: int) -> CameraSpec:
        """The camera that took picture i."""
        height, width = self.rgb.shape[1:3]
        k1, k2, p1, p2, k3 = map(float, self.distortion[i])
        pose = dict(zip(CAMERA_FIELDS, map(float, self.camera[i]), strict=True))
        return CameraSpec("picture", int(width), int(height), distortion=(k1, k2, p1, p2, k3), **pose)

    def boxes(self, i: int) -> slice:
        """Where the boxes of picture i lie."""
        return slice(int(self.box_start[i]), int(self.box_start[i + 1]))


_NAMES = tuple(f.name for f in fields(Pictures))
_BOX = tuple(n for n in _NAMES if n.startswith("box_") and n != "box_start")
_LINE = tuple(n for n in _NAMES if n.startswith("line_"))


class ShardWriter:
    """Collects labelled pictures and writes them as one shard."""

    def __init__(self, path: Path):
        self.path = path
        self._rows: list[dict[str, NDArray]] = []

    def add(self, rgb: NDArray, tag: NDArray, spec: CameraSpec, boxes: BoxLabels, lines: LineLabels) -> None:
        """One picture; the arrays are copied."""
        row = {
            "rgb": rgb.copy(), "tag": tag.copy(), "camera": np.array([getattr(spec, n) for n in CAMERA_FIELDS]),
            "distortion": np.array(spec.distortion),
        }  # fmt: skip
        row |= {n: getattr(boxes, n[4:]) for n in _BOX} | {n: getattr(lines, n[5:]) for n in _LINE}
        self._rows.append(row)

    def close(self) -> None:
        """Write the shard: to a temporary name, then renamed."""
        arrays = {n: np.stack([r[n] for r in self._rows]) for n in ("rgb", "tag", "camera", "distortion", *_LINE)}
        arrays |= {n: np.concatenate([r[n] for r in self._rows]) for n in _BOX}
        arrays["box_start"] = np.cumsum([0] + [len(r["box_kind"]) for r in self._rows])
        with whole(self.path) as part, open(part, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)


def read_shard(path: Path) -> Pictures:
    """One shard.

    Raises:
        ValueError: it is no shard, or arrays of it are missing or do not fit.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in _NAMES}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path}: no shard of labelled pictures ({error})") from error
    n, start = len(arrays["rgb"]), arrays["box_start"]
    lengths = {name: len(arrays[name]) for name in ("tag", "camera", "distortion", *_LINE)}
    odd = [name for name, size in lengths.items() if size != n]
    odd += [name for name in _BOX if len(arrays[name]) != int(start[-1] if len(start) else -1)]
    if odd or len(start) != n + 1 or arrays["rgb"].ndim != 4 or arrays["rgb"].dtype != np.uint8:
        raise ValueError(f"{path}: arrays of different lengths: {', '.join(odd) or 'box_start'}")
    return Pictures(**arrays)


def shard_paths(folder: Path) -> list[Path]:
    """The shards of a folder, in order.

    Raises:
        ValueError: there is none.
    """
    paths = sorted(p for p in Path(folder).glob(f"*{_SUFFIX}") if not p.name.startswith("."))
    if not paths:
        raise ValueError(
            f"{folder}: no shards (*{_SUFFIX}) here; `python -m perception generate --out {folder}` makes them"
        )
    return paths


def read_pictures(folders: Sequence[Path], most: int | None = None) -> Pictures:
    """All shards of some folders as one. Args: most: pictures at most.

    Raises:
        ValueError: a folder without shards, a broken shard, pictures of different sizes.
    """
    shards: list[Pictures] = []
    for path in [p for folder in folders for p in shard_paths(folder)]:
        if most is None or sum(map(len, shards)) < most:
            shards.append(read_shard(path))
            if shards[0].rgb.shape[1:] != shards[-1].rgb.shape[1:]:
                raise ValueError(f"{path}: pictures of {shards[-1].rgb.shape[1:]}, before {shards[0].rgb.shape[1:]}")
    if len(shards) == 1:
        return shards[0]
    arrays = {n: np.concatenate([getattr(s, n) for s in shards]) for n in _NAMES if n != "box_start"}
    sizes = np.concatenate([np.diff(s.box_start) for s in shards])
    return Pictures(**arrays, box_start=np.concatenate([[0], np.cumsum(sizes)]))
