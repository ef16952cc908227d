"""Pictures of any source: a file, a folder, a video; what is no usable picture is refused by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff")
VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")
SMALLEST = 8  # [px] side
LARGEST = 20_000_000  # [px] in all
_MARKS = {b"\xff\xd8": b"\xff\xd9", b"\x89PNG": b"IEND"}  # how a file begins: what its end must hold


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source; `rgb` is None where it could not be read, and `error` says why."""

    name: str  # unique within the source: a relative path, with / between folders, or frameNNNNNN
    rgb: U8 | None  # (H, W, 3)
    error: str = ""


def read_picture(path: Path | str) -> U8:
    """(H, W, 3) RGB of a picture file; grey and RGBA are converted.

    Raises:
        ValueError: there is no such file, or it is no picture, truncated, too small, too large, of other channels.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    if not data:
        raise ValueError(f"{path}: an empty file")
    _check_whole(path, data)
    _check_size(path, data)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ValueError(f"{path}: no picture ({error.err})") from error
    if picture is None:
        raise ValueError(f"{path}: no picture, or a broken one (of {len(data)} bytes)")
    if picture.dtype == np.uint16:
        picture = (np.asarray(picture) // 256).astype(np.uint8)
    if picture.ndim == 3 and picture.shape[2] == 4:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB)
    elif picture.ndim == 3 and picture.shape[2] == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    return as_rgb(picture, str(path))


def _check_whole(path: Path, data: bytes) -> None:
    """OpenCV fills in what is missing of a truncated JPEG with grey: so its end is looked for."""
    for begin, end in _MARKS.items():
        if data.startswith(begin) and end not in data[-4096:]:
            raise ValueError(f"{path}: truncated (the end of the file is missing)")


def _check_size(path: Path, data: bytes) -> None:
    """Sizes that the header of a PNG states are checked before anything is unpacked."""
    if data.startswith(b"\x89PNG") and len(data) >= 24:
        width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
        _allowed_size(str(path), width, height)


def _allowed_size(what: str, width: int, height: int) -> None:
    if width < SMALLEST or height < SMALLEST or width * height > LARGEST:
        raise ValueError(
            f"{what}: {width}x{height} pixels; allowed are sides of {SMALLEST} and more, "
            f"and {LARGEST / 1e6:.0f} megapixels in all"
        )


def as_rgb(picture: NDArray, what: str = "picture") -> U8:
    """(H, W, 3) RGB of an array: grey (H, W) or (H, W, 1), RGB, or RGBA whose last channel is dropped.

    Raises:
        ValueError: another shape, not uint8, too small or too large.
    """
    array = np.asarray(picture)
    if array.dtype != np.uint8:
        raise ValueError(f"{what}: numbers of type {array.dtype}; uint8 is needed")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ValueError(f"{what}: an array of shape {array.shape}; (H, W), or (H, W, 1, 3 or 4), is needed")
    _allowed_size(what, array.shape[1], array.shape[0])
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array[..., :3])


def frames(
    path: Path | str, without: Path | None = None, known: Callable[[str], bool] = lambda _: False
) -> tuple[int, Iterator[Frame]]:
    """(how many, each in turn) of a picture, a folder (with those below it) or a video.

    Pictures that cannot be read come with their error. The number of a video's frames is its header's word.

    Args:
        path: what to read.
        without: a folder whose pictures are left out.
        known: of a picture's name: it need not be read; it comes without rgb and without error.

    Raises:
        ValueError: no such path, a folder without pictures, a video that does not open, another kind of file.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
        if without is not None:
            files = [p for p in files if without.resolve() not in p.resolve().parents]
        if not files:
            raise ValueError(f"{path}: no pictures here (of {', '.join(PICTURE_SUFFIXES)})")
        return len(files), _each(files, path, known)
    if not path.exists():
        raise ValueError(f"{path}: no such picture, folder or video")
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return _video(path)
    return 1, _each([path], path.parent, known)


def _each(files: list[Path], root: Path, known: Callable[[str], bool]) -> Iterator[Frame]:
    for path in files:
        name = path.relative_to(root).as_posix()  # the suffix stays: a.jpg and a.png are two pictures
        if known(name):
            yield Frame(name, None)
            continue
        try:
            yield Frame(name, read_picture(path))
        except ValueError as error:
            yield Frame(name, None, str(error))


def _video(path: Path) -> tuple[int, Iterator[Frame]]:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise ValueError(f"{path}: no video that OpenCV can open")
    total = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    _allowed_size(str(path), width, height)

    def each() -> Iterator[Frame]:
        number = 0
        try:
            while True:
                got, picture = capture.read()
                if not got:
                    break
                yield Frame(f"frame{number:06d}", as_rgb(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)))
                number += 1
        finally:
            capture.release()
        if number == 0:
            yield Frame("frame000000", None, f"{path}: a video without a frame that can be read")
        elif number < total:  # headers overstate by a frame or so; a truncated file by many
            if total - number > max(2, total // 50):
                yield Frame(f"frame{number:06d}", None, f"{path}: ends after {number} of {total} frames")

    return total, each()
