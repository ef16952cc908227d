"""The eyes' network on pictures of any size and camera: brought to its size, looked at, told in their own pixels."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.decode import LinePoints, Things, decode_lines, decode_things, full_seg
from perception.infer import Answer, EyeNet
from perception.layout import INPUT_HEIGHT, INPUT_WIDTH
from perception.pictures import as_rgb
from perception.vanishing import CameraGuess, camera_at, guess_camera
from world.camera import CameraSpec

F64 = NDArray[np.float64]
HORIZON = 0.45  # of the height: where the horizon is put in pictures that are cut


@dataclass(frozen=True, eq=False)
class Fitted:
    """A picture brought to the network's size without being stretched."""

    picture: NDArray[np.uint8]  # (INPUT_HEIGHT, INPUT_WIDTH, 3)
    spec: CameraSpec  # a camera that looks at the road as this picture does
    scale: float  # [px] of the picture as it was, a pixel of this one
    top: float  # [px] row of the picture as it was at which this one begins; negative: rows were added above
    left: float = 0.0  # [px] column at which it begins

    def back(self, px: NDArray) -> F64:
        """(..., 2) pixels of the picture as it was, of pixels of this one."""
        return (np.asarray(px, np.float64) + 0.5) * self.scale - 0.5 + (self.left, self.top)

    def forth(self, px: NDArray) -> F64:
        """The inverse of `back`."""
        return (np.asarray(px, np.float64) - (self.left, self.top) + 0.5) / self.scale - 0.5


def fit_picture(rgb: NDArray[np.uint8], spec: CameraSpec, part: float = 1.0) -> Fitted:
    """Cut, or add rows of sky, to two to one, keeping the road ahead; then resize.

    Args:
        rgb: (H, W, 3).
        spec: its camera, known or guessed.
        part: of its width that is kept, around where the road vanishes.
    """
    height, width = rgb.shape[:2]
    across = round(width * part)
    wanted = round(across * INPUT_HEIGHT / INPUT_WIDTH)
    at = spec.project(np.array([1e6, 0.0, 0.0]))[0]
    left = int(np.clip(round(at[0] - 0.5 * across), 0, width - across))
    if wanted <= height:
        top = int(np.clip(round(at[1] - HORIZON * wanted), 0, height - wanted))
        own = rgb[top : top + wanted, left : left + across]
    else:
        top = height - wanted
        own = cv2.copyMakeBorder(rgb[:, left : left + across], -top, 0, 0, 0, cv2.BORDER_REPLICATE)
    mode = cv2.INTER_AREA if across > INPUT_WIDTH else cv2.INTER_LINEAR
    picture = np.asarray(cv2.resize(own, (INPUT_WIDTH, INPUT_HEIGHT), interpolation=mode), np.uint8)
    scale = across / INPUT_WIDTH
    same_view = CameraGuess(fov=2.0 * math.atan(0.5 * across / spec.focal), height=spec.z)
    fitted = Fitted(picture, spec, scale, float(top), float(left))
    seen = camera_at(INPUT_WIDTH, INPUT_HEIGHT, fitted.forth(at), same_view)
    return Fitted(picture, seen, scale, float(top), float(left))


@dataclass(frozen=True, eq=False)
class Look:
    """What the network sees in one picture, in that picture's own pixels."""

    fitted: Fitted
    camera_sure: float  # in [0, 1]; 1 where the camera was told
    things: Things
    lines: LinePoints
    seg: NDArray[np.uint8]  # (INPUT_HEIGHT, INPUT_WIDTH) of the fitted picture: perception.layout classes
    spec: CameraSpec  # of the picture as it was
    answer: Answer  # of the network, to the fitted picture

    @property
    def horizon(self) -> float:
        """[px] row of the horizon straight ahead, in the picture as it was."""
        return float(self.fitted.back(self.fitted.spec.project(np.array([1e6, 0.0, 0.0]))[0])[..., 1])

    def full_seg(self, width: int, height: int) -> NDArray[np.uint8]:
        """(height, width) the classes, in the picture as it was; OTHER where it was cut off."""
        rows = round(INPUT_HEIGHT * self.fitted.scale)
        big = cv2.resize(self.seg, (width, rows), interpolation=cv2.INTER_NEAREST)
        out = np.zeros((height, width), np.uint8)
        top = int(self.fitted.top)
        first, last = max(top, 0), min(top + rows, height)
        out[first:last] = big[first - top : last - top]
        return out


class AnyPicture:
    """Looks at RGB pictures of any camera.

    Args:
        net: pictures -> answers; None: the network that is shipped.
        camera: of the pictures; None: guessed in each one.
        guess: what is assumed of a camera that is not known.
    """

    def __init__(
        self, net: Callable[[NDArray[np.uint8]], Answer] | Path | None = None, camera: CameraSpec | None = None,
        guess: CameraGuess | None = None,
    ):  # fmt: skip
        self.net = EyeNet(net) if net is None or isinstance(net, Path) else net
        self.camera, self.guess = camera, guess

    def __call__(self, picture: NDArray, threshold: NDArray | None = None) -> Look:
        """What is in a picture. Args: threshold: (5,) of the things' scores, by ThingKind.

        Raises:
            ValueError: it is no picture, or of another size than the camera's.
        """
        rgb = as_rgb(picture)
        spec, sure = (self.camera, 1.0) if self.camera is not None else guess_camera(rgb, self.guess)
        if rgb.shape[:2] != (spec.height, spec.width):
            raise ValueError(
                f"a picture of {rgb.shape[1]}x{rgb.shape[0]}; camera {spec.name} takes {spec.width}x{spec.height}"
            )
        fitted = fit_picture(rgb, spec)
        answer = self.net(fitted.picture[None])
        things = decode_things(answer, 0, fitted.spec, threshold)
        lines = decode_lines(answer, 0, fitted.spec)
        box = fitted.back(things.box.reshape(-1, 2)).reshape(-1, 4)
        limit = np.array([rgb.shape[1], rgb.shape[0]] * 2) - 0.5
        things = things._replace(box=np.clip(box, -0.5, limit))
        lines = lines._replace(px=fitted.back(lines.px))
        return Look(fitted, sure, things, lines, full_seg(answer, 0), spec, answer)
