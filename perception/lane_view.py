"""What the eyes' network says of lane boundaries in one cut of a picture, in the picture's own pixels."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.any_picture import Fitted, Look, fit_picture
from perception.decode import LinePoints, decode_lines
from perception.infer import Answer
from perception.layout import STRIDE
from perception.targets import MIDDLE
from world.camera import CameraSpec
from world.camera_labels import LINE_SLOTS

F64 = NDArray[np.float64]
CLOSER = 0.5  # of the width: far lines, where the near ones are hidden by a bonnet, at twice the resolution


@dataclass(frozen=True, eq=False)
class LaneView:
    """Lane boundaries in one cut."""

    fitted: Fitted
    boundary: NDArray[np.float32]  # (h, w) of the cut's cells: probability that a boundary passes there, in that row
    lines: LinePoints  # px in the picture as it was

    def believed(self, px: NDArray) -> tuple[F64, NDArray[np.bool_]]:
        """((N,) probability of a boundary at points (N, 2) [px] of the picture, (N,) whether the cut shows them)."""
        cell = ((self.fitted.forth(px) - MIDDLE) / STRIDE).astype(np.float32)
        h, w = self.boundary.shape
        shown = np.asarray(((cell > -0.5) & (cell < (w - 0.5, h - 0.5))).all(axis=1))
        if not len(px):
            return np.zeros(0), shown
        plane = cv2.remap(self.boundary, cell[:, 0], cell[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.where(shown, plane.ravel(), 0.0).astype(np.float64), shown


def boundary_plane(answer: Answer, n: int) -> NDArray[np.float32]:
    """(h, w) probability, of picture n, that a lane boundary is within a cell of each cell of its row."""
    logits = answer.line[n, :LINE_SLOTS]
    none = answer.none[n]
    top = np.maximum(logits.max(axis=2), none)
    p = np.exp(logits - top[..., None])
    p /= p.sum(axis=2, keepdims=True) + np.exp(none - top)[..., None]
    return cv2.dilate(p.max(axis=0).astype(np.float32), np.ones((1, 3), np.uint8))  # type: ignore[return-value]


def whole_view(seen: Look) -> LaneView:
    """Of the cut that holds the whole width."""
    return LaneView(seen.fitted, boundary_plane(seen.answer, 0), seen.lines)


def closer_view(net: Callable[[NDArray], Answer], rgb: NDArray[np.uint8], spec: CameraSpec) -> LaneView:
    """A second look, around where the road vanishes. Args: rgb: (H, W, 3). spec: its camera."""
    fitted = fit_picture(rgb, spec, CLOSER)
    answer = net(fitted.picture[None])
    lines = decode_lines(answer, 0, fitted.spec)
    return LaneView(fitted, boundary_plane(answer, 0), lines._replace(px=fitted.back(lines.px)))
