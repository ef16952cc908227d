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
_KINDS = ", ".join(PICTURE_SUFFIXES)


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source; `rgb` is None where it could not be read, and `error` says why."""

    name: str  # unique within the source: a relative path, with / between folders, or frameNNNNNN
    rgb: U8 | None  # (H, W, 3)
    error: str = ""


def read_picture(path: Path | str, smallest: int = SMALLEST) -> U8:
    """(H, W, 3) RGB of a picture file; grey, RGBA and 16 bit are converted. Args: smallest: [px] side that is allowed.

    Raises:
        ValueError: there is no such file, or it is no picture, truncated, too small, too large, of other channels.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    if not data:
        raise ValueError(f"{path}: an empty file; a picture is needed ({_KINDS})")
    if data.startswith(b"\x89PNG"):
        _check_png(str(path), data, smallest)
    elif data.startswith(b"\xff\xd8"):
        _check_jpeg(str(path), data, smallest)
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # the error below says it
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)  # turned as its EXIF says
    except cv2.error as error:
        raise ValueError(f"{path}: no picture ({error.err})") from error
    finally:
        cv2.utils.logging.setLogLevel(level)
    if picture is None:
        raise ValueError(
            f"{path}: no picture, or a broken one ({len(data)} bytes); allowed are {_KINDS} of 8 or 16 bits a channel"
        )
    return as_rgb(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), str(path), smallest)


def _check_png(what: str, data: bytes, smallest: int) -> None:
    """Its end is there, and its size is allowed, before anything is unpacked."""
    if len(data) >= 24:
        allowed_size(what, int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"), smallest)
    if b"IEND" not in data[24:]:
        raise ValueError(f"{what}: truncated (the end of the picture is missing)")


def _check_jpeg(what: str, data: bytes, smallest: int) -> None:
    """Its size is allowed, and its end is there: some versions of OpenCV fill in grey what is missing."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if kind == 0xFF:  # padding
            at += 1
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):  # a frame header
            height, width = (int.from_bytes(data[at + k : at + k + 2], "big") for k in (5, 7))
            allowed_size(what, width, height, smallest)
        if kind == 0xDA:  # the picture itself: its end is a mark that cannot be within it
            if b"\xff\xd9" in data[at:]:
                return
            break
        at += 2 + length
    raise ValueError(f"{what}: truncated (the end of the picture is missing)")


def allowed_size(what: str, width: int, height: int, smallest: int = SMALLEST) -> None:
    """Raises ValueError: a picture of that size is too small or too large."""
    if width < smallest or height < smallest or width * height > LARGEST:
        raise ValueError(
            f"{what}: {width}x{height} pixels; allowed are sides of {smallest} and more, "
            f"and {LARGEST / 1e6:.0f} megapixels in all"
        )


def as_rgb(picture: NDArray, what: str = "picture", smallest: int = SMALLEST) -> U8:
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
    allowed_size(what, array.shape[1], array.shape[0], smallest)
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
            raise ValueError(f"{path}: no pictures here (of {_KINDS})")
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
        raise ValueError(
            f"{path}: no video that OpenCV can open ({path.stat().st_size} bytes; "
            f"a video that was cut off may lack its index); allowed are {', '.join(VIDEO_SUFFIXES)}"
        )
    total = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    allowed_size(str(path), width, height)

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
