"""The lane finder without learning: bird's-eye warp, thresholds that adapt, histogram peaks, robust polynomial fits.

    finder = LaneFinder()                    # a picture of any camera: where it looks is found by its vanishing point
    finder = LaneFinder(camera=spec)         # a known camera: lengths in metres are right
    for line in finder(rgb): line.px, line.offset, line.confidence

The baseline that learned eyes are compared with. Its weak sides: lines without paint (kerbs), crossings, night.
"""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.calibration import Calibration
from perception.lane_fit import FitRule, FittedLine, RoadDirection, choose, fit_line, peaks, road_direction
from perception.lane_marks import MarkRule, Marks, Warp, WarpShape, find_marks, make_warp
from perception.pictures import as_rgb
from perception.vanishing import CameraGuess, camera_at, guess_camera
from world.camera import CameraSpec

F64 = NDArray[np.float64]
_POINTS = 40  # of a line's polyline


@dataclass(frozen=True)
class FinderRules:
    """All that the finder assumes."""

    guess: CameraGuess = field(default_factory=CameraGuess)
    warp: WarpShape = field(default_factory=WarpShape)
    marks: MarkRule = field(default_factory=MarkRule)
    fit: FitRule = field(default_factory=FitRule)
    least: float = 0.2  # confidence below which a line is not told
    memory: float = (
        0.0  # part of the last picture's lines and camera that is kept: 0 for single pictures, 0.7 in videos
    )


@dataclass(frozen=True, eq=False)
class LaneLine:
    """One line found. Body frame of the vehicle; with an unknown camera lengths scale with the assumed height."""

    px: F64  # (P, 2) [px] in the picture, near to far
    sigma_px: F64  # (P,) [px] standard deviation across
    offset: float  # [m] left of the vehicle's axis, abeam of its origin
    heading: float  # [rad] of the line relative to the vehicle, there
    curvature: float  # [1/m] left positive
    confidence: float  # in [0, 1]
    slot: int  # 0 to 3, left to right; 1 and 2 bound the vehicle's lane, as in world.camera_labels


class LaneFinder:
    """Finds up to four lines in RGB pictures."""

    def __init__(
        self, camera: CameraSpec | None = None, calibration: Calibration | None = None,
        rules: FinderRules | None = None,
    ):  # fmt: skip
        """Args: camera: None: found in each picture; calibration: of a lens whose pictures are undistorted first."""
        self.camera = camera
        self.calibration = calibration
        self.rules = rules or FinderRules()
        if calibration is not None:  # its field of view need not be assumed
            self.rules = replace(self.rules, guess=replace(self.rules.guess, fov=calibration.fov))
        self.last_camera: tuple[CameraSpec, float] | None = None  # of the last picture, and how sure
        self._warp: tuple[CameraSpec, Warp] | None = None
        self._point: F64 | None = None  # [px] vanishing point so far
        self._lines: dict[int, F64] = {}  # slot: coefficients of the last picture

    def reset(self) -> None:
        """Forget the pictures before."""
        self._point, self._lines = None, {}

    def __call__(self, picture: NDArray) -> list[LaneLine]:
        """Lines of one picture, left to right.

        Raises:
            ValueError: it is no picture, or not of the camera's or the calibration's size.
        """
        rgb = as_rgb(picture)
        if self.calibration is not None:
            rgb = self.calibration.undistort(rgb)
        spec = self._camera_of(rgb)
        try:
            warp = self._warp_of(spec)
        except ValueError:
            if self.camera is not None:
                raise
            self._lines = {}
            return []  # of a shape that no road picture has
        marks = find_marks(rgb, warp, self.rules.marks)
        if len(marks.x) < 12:
            self._lines = {}
            return []
        lines = self._smoothed(slotted(find_lines(marks, warp, self.rules.fit), float(warp.x[0]), self.rules.fit))
        told = [told_line(slot, line, spec, warp, self.calibration) for slot, line in sorted(lines.items())]
        return [t for t in told if t is not None and t.confidence >= self.rules.least]

    def _camera_of(self, rgb: NDArray[np.uint8]) -> CameraSpec:
        if self.camera is not None:
            self.last_camera = self.camera, 1.0
            if rgb.shape[:2] != (self.camera.height, self.camera.width):
                raise ValueError(
                    f"a picture of {rgb.shape[1]}x{rgb.shape[0]}; camera {self.camera.name} takes "
                    f"{self.camera.width}x{self.camera.height}"
                )
            return self.camera
        spec, score = guess_camera(rgb, self.rules.guess)
        self.last_camera = spec, score
        if self.rules.memory == 0.0:
            return spec
        point = spec.project(np.array([1e6, 0.0, 0.0]))[0]
        if self._point is not None:
            keep = 1.0 - (1.0 - self.rules.memory) * min(1.0, 2.0 * score)
            point = keep * self._point + (1.0 - keep) * point
        self._point = point
        spec = camera_at(spec.width, spec.height, point, self.rules.guess)
        self.last_camera = spec, score
        return spec

    def _warp_of(self, spec: CameraSpec) -> Warp:
        if self._warp is None or self._warp[0] != spec:
            self._warp = (spec, make_warp(spec, self.rules.warp))
        return self._warp[1]

    def _smoothed(self, lines: dict[int, FittedLine]) -> dict[int, FittedLine]:
        """Lines mixed with those of the picture before, where they are the same lines."""
        out = {}
        for slot, line in lines.items():
            old = self._lines.get(slot)
            mix = line.coefficients
            if old is not None and self.rules.memory > 0.0 and abs(old[0] - mix[0]) < 0.6:
                mix = self.rules.memory * old + (1.0 - self.rules.memory) * mix
            out[slot] = FittedLine(mix, line.covariance, line.support, line.residual, line.fan)
        self._lines = {slot: line.coefficients for slot, line in out.items()}
        return out


def told_line(
    slot: int, line: FittedLine, spec: CameraSpec, warp: Warp, calibration: Calibration | None = None
) -> LaneLine | None:
    """A line in the picture and in the body frame; None where the picture does not hold two points of it."""
    px, sigma = polyline(line, spec, warp)
    if len(px) < 2:
        return None
    if calibration is not None:
        px = calibration.distort(px)
    a, b, c = (float(v) for v in line.coefficients)
    foot = -spec.x  # the body's origin, ahead of the camera's foot
    offset, heading = a + b * foot + 0.5 * c * foot**2, float(np.arctan(b - line.fan * a + c * foot))
    confidence = min(1.0, line.support / 0.45) * float(np.exp(-line.residual / 0.4))
    return LaneLine(px, sigma, offset, heading, c / (1.0 + b * b) ** 1.5, confidence, slot)


def find_lines(marks: Marks, warp: Warp, rule: FitRule) -> list[FittedLine]:
    """The lines of the vehicle's lane and its neighbours, left to right."""
    road = road_direction(marks, rule)
    rows, far = len(warp.x), float(warp.x[-1])
    candidates = []
    for a, _ in peaks(road.histogram, rule, 0.4 * rule.support * rows * 0.3):
        line = fit_line(marks, a, road, rows_seen(a, road, marks, warp), far, rule)
        if line.support >= rule.support:
            candidates.append(line)
    distinct = _distinct(candidates, float(warp.x[rows // 2]), rule)
    return choose(on_road(distinct, marks, warp, rule), float(warp.x[0]), rule)


def rows_seen(a: float, road: RoadDirection, marks: Marks, warp: Warp) -> int:
    """Rows of the warp that show where road.line(a) lies, clear of the bonnet; a quarter of all at least."""
    rows = len(warp.x)
    _, b, c = road.line(a)
    y = a + b * warp.x + 0.5 * c * warp.x**2
    column = np.rint((warp.y[0] - y) / (warp.y[0] - warp.y[1])).astype(int)
    seen = warp.inside[np.arange(rows), np.clip(column, 0, len(warp.y) - 1)] & (column >= 0)
    seen &= column < len(warp.y)
    seen[: marks.bonnet] &= np.abs(y[: marks.bonnet]) > 2.0
    return max(int(seen.sum()), rows // 4)


def on_road(lines: list[FittedLine], marks: Marks, warp: Warp, rule: FitRule) -> list[FittedLine]:
    """The lines, without those beyond a verge: rails and hedges run along the road, too."""
    kept = []
    for left in (True, False):
        near = np.zeros(len(warp.x))
        side = [k for k in lines if (float(k.y(warp.x[:1])[0]) > 0.0) == left]
        for line in sorted(side, key=lambda k: abs(float(k.y(warp.x[:1])[0]))):
            y = line.y(warp.x)
            low, high = (near, y) if left else (y, near)
            between = (warp.y[None] > low[:, None] + 0.3) & (warp.y[None] < high[:, None] - 0.3) & warp.inside
            between[: max(marks.bonnet, len(warp.x) // 5)] = False
            if between.any() and float(marks.paved[between].mean()) < rule.paved:
                break
            kept.append(line)
            near = y
    return kept


def _distinct(lines: list[FittedLine], at: float, rule: FitRule) -> list[FittedLine]:
    """The lines, without those that the fit has drawn onto a stronger one."""
    kept: list[FittedLine] = []
    for line in sorted(lines, key=lambda f: -f.support):
        y = float(line.y(np.array(at)))
        if all(abs(y - float(k.y(np.array(at)))) > 0.6 * rule.apart for k in kept):
            kept.append(line)
    return kept


def slotted(lines: list[FittedLine], at: float, rule: FitRule) -> dict[int, FittedLine]:
    """Lines by their slot: 1 is the first to the left of the vehicle, 2 the first to the right."""
    y = [float(f.y(np.array(at))) for f in lines]
    left = [i for i, v in enumerate(y) if v > 0.0][-2:]
    right = [i for i, v in enumerate(y) if v <= 0.0][:2]
    slots = {}
    for i in left:
        slots[1 if i == left[-1] and y[i] < 1.05 * rule.lane[0] else 0] = lines[i]
    for i in right:
        slots[2 if i == right[0] and y[i] > -1.05 * rule.lane[0] else 3] = lines[i]
    return slots


def polyline(line: FittedLine, spec: CameraSpec, warp: Warp) -> tuple[F64, F64]:
    """((P, 2) [px] near to far, (P,) [px] sigma) of the part of a line within the picture, from its bottom on."""
    near, far = 0.6 * float(warp.x[0]), float(warp.x[-1])
    x = 1.0 / np.linspace(1.0 / near, 1.0 / far, 3 * _POINTS)
    y, sigma = line.y(x), line.sigma(x)
    body = np.stack([x + spec.x, y, np.zeros_like(x)], axis=-1)
    px, depth = spec.project(body)
    beside, _ = spec.project(body + np.stack([np.zeros_like(x), sigma, np.zeros_like(x)], axis=-1))
    inside = (depth > 0.1) & (px >= -0.5).all(axis=1) & (px <= (spec.width - 0.5, spec.height - 0.5)).all(axis=1)
    px, spread = px[inside], np.abs(beside - px)[inside, 0]
    if len(px) > _POINTS:
        pick = np.linspace(0, len(px) - 1, _POINTS).round().astype(int)
        px, spread = px[pick], spread[pick]
    return px, spread


def birdseye(
    rgb: NDArray[np.uint8], spec: CameraSpec, metres: tuple[float, float] = (40.0, 8.0), px_per_metre: float = 10.0
):
    """(H, W, 3) the ground seen from above, ahead up, drawn to scale.

    Args:
        rgb: (H, W, 3) picture of `spec`.
        spec: its camera.
        metres: how far ahead, how far to each side.
        px_per_metre: [px/m].
    """
    ahead = np.arange(metres[0], 0.0, -1.0 / px_per_metre)
    left = np.arange(metres[1], -metres[1], -1.0 / px_per_metre)
    px, depth = spec.project(np.stack(np.broadcast_arrays(ahead[:, None], left[None], 0.0), axis=-1))
    px = np.where((depth > 0.1)[..., None], px, -1e3).astype(np.float32)
    return cv2.remap(rgb, px[..., 0], px[..., 1], cv2.INTER_LINEAR)
