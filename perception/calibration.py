"""A camera's lens by pictures of a chessboard (OpenCV), and pictures freed of its distortion."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.pictures import read_picture
from world.camera import undistort
from world.files import whole

F64 = NDArray[np.float64]
_FORMAT = "tarmac.calibration/1"
_FINE = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 1e-3)


@dataclass(frozen=True)
class Calibration:
    """Intrinsics and distortion of one camera at one picture size."""

    width: int  # [px]
    height: int
    matrix: tuple[tuple[float, ...], ...]  # (3, 3)
    distortion: tuple[float, float, float, float, float]  # OpenCV's k1 k2 p1 p2 k3
    error: float  # [px] root mean square of reprojection
    pictures: int  # that it rests on

    @cached_property
    def _maps(self) -> tuple[NDArray, NDArray]:
        return cv2.initUndistortRectifyMap(
            np.array(self.matrix), np.array(self.distortion), None, self.straight_matrix,  # type: ignore[arg-type]
            (self.width, self.height), cv2.CV_16SC2,
        )  # fmt: skip

    @property
    def straight_matrix(self) -> F64:
        """(3, 3) intrinsics of undistorted pictures: the same focal length, square pixels, the centre in the middle."""
        f = 0.5 * (self.matrix[0][0] + self.matrix[1][1])
        return np.array([[f, 0.0, 0.5 * (self.width - 1)], [0.0, f, 0.5 * (self.height - 1)], [0.0, 0.0, 1.0]])

    @property
    def fov(self) -> float:
        """[rad] horizontal, of undistorted pictures: what world.camera.CameraSpec takes."""
        return 2.0 * float(np.arctan(0.5 * self.width / self.straight_matrix[0, 0]))

    def undistort(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (height, width, ...) as a pinhole camera of `straight_matrix` would take it.

        Raises:
            ValueError: it has another size.
        """
        if picture.shape[:2] != (self.height, self.width):
            raise ValueError(
                f"a picture of {picture.shape[1]}x{picture.shape[0]}; the calibration is for {self.width}x{self.height}"
            )
        return np.asarray(cv2.remap(picture, *self._maps, cv2.INTER_LINEAR), np.uint8)

    def distort(self, px: NDArray) -> F64:
        """(P, 2) [px] in the picture as taken, of pixels (P, 2) of the undistorted one."""
        straight = self.straight_matrix
        plane = (np.asarray(px, np.float64) - straight[:2, 2]) / straight[0, 0]
        rays = np.concatenate([plane, np.ones((len(plane), 1))], axis=1)
        out, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), np.array(self.matrix), np.array(self.distortion))
        return np.asarray(out, np.float64).reshape(-1, 2)

    def straighten(self, px: NDArray) -> F64:
        """(P, 2) [px] in the undistorted picture, of pixels (P, 2) of the one taken: the inverse of `distort`."""
        (fx, _, cx), (_, fy, cy), _ = self.matrix
        plane = (np.asarray(px, np.float64) - (cx, cy)) / (fx, fy)
        straight = self.straight_matrix
        return undistort(plane, self.distortion) * straight[0, 0] + straight[:2, 2]


def find_corners(rgb: NDArray[np.uint8], board: tuple[int, int]) -> F64 | None:
    """(N, 2) [px] inner corners of a chessboard to a part of a pixel; None where it is not seen whole."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    flags = cv2.CALIB_CB_ADAPTIVE_THRESH + cv2.CALIB_CB_NORMALIZE_IMAGE + cv2.CALIB_CB_FAST_CHECK
    found, corners = cv2.findChessboardCorners(grey, board, flags=flags)
    if not found:
        return None
    return cv2.cornerSubPix(grey, corners, (7, 7), (-1, -1), _FINE).reshape(-1, 2).astype(np.float64)


def calibrate(paths: Sequence[Path | str], board: tuple[int, int] = (9, 6), square: float = 1.0) -> Calibration:
    """Calibration from pictures of one chessboard held at several angles.

    Pictures in which the whole board is not seen, or of another size than most, are left out.

    Args:
        paths: the pictures.
        board: inner corners across, down.
        square: side of a square, in any unit.

    Raises:
        ValueError: fewer than three pictures are left; a file is no picture.
    """
    pictures = [(str(p), read_picture(p)) for p in paths]
    if not pictures:
        raise ValueError("calibrate: no pictures given")
    sizes = [p.shape[1::-1] for _, p in pictures]
    width, height = max(sorted(set(sizes)), key=sizes.count)
    corners = [
        c for _, p in pictures if p.shape[1::-1] == (width, height) and (c := find_corners(p, board)) is not None
    ]
    if len(corners) < 3:
        raise ValueError(
            f"calibrate: a {board[0]}x{board[1]} chessboard is seen whole in {len(corners)} of {len(pictures)} "
            f"pictures; 3 are needed. The board is counted in inner corners"
        )
    flat = np.zeros((board[0] * board[1], 3), np.float32)
    flat[:, :2] = square * np.mgrid[: board[0], : board[1]].T.reshape(-1, 2)
    error, matrix, distortion, _, _ = cv2.calibrateCamera(
        [flat] * len(corners), [c.astype(np.float32) for c in corners], (width, height), None, None  # type: ignore
    )  # fmt: skip
    k = tuple(float(v) for v in np.ravel(distortion)[:5])
    rows = tuple(tuple(float(v) for v in row) for row in matrix)
    return Calibration(int(width), int(height), rows, k, float(error), len(corners))  # type: ignore[arg-type]


def write_calibration(calibration: Calibration, path: Path | str) -> None:
    """Write it as JSON: to a temporary name, then renamed."""
    path = Path(path)
    with whole(path) as part:
        part.write_text(json.dumps({"format": _FORMAT} | asdict(calibration), indent=1) + "\n")


def read_calibration(path: Path | str) -> Calibration:
    """The calibration in a JSON file.

    Raises:
        ValueError: it is none, or its numbers make no camera.
    """
    try:
        data = json.loads(Path(path).read_text())
        if data.pop("format") != _FORMAT:
            raise ValueError(f"its format is not {_FORMAT}")
        matrix = tuple(tuple(float(v) for v in row) for row in data["matrix"])
        distortion = tuple(float(v) for v in data["distortion"])
        shape = [len(row) for row in matrix], len(distortion)
        size = int(data["width"]), int(data["height"])
        told = float(data["error"]), int(data["pictures"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path}: no calibration ({type(error).__name__}: {error})") from error
    numbers = np.array([*np.ravel(matrix), *distortion]) if shape == ([3, 3, 3], 5) else np.array([np.nan])
    if not np.isfinite(numbers).all() or min(size) < 8 or matrix[0][0] <= 0.0 or matrix[1][1] <= 0.0:
        raise ValueError(f"{path}: no calibration: a 3x3 matrix, 5 distortions, a focal length and a size are needed")
    return Calibration(*size, matrix, distortion, *told)  # type: ignore[arg-type]
