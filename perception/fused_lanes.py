"""The learned lane finder: the network's lane boundaries and the paint of the full picture, fitted together.

1. The network looks at the whole width, and again at twice the resolution around where the road vanishes.
2. The picture's own edges and the lines that the network saw each say where the road vanishes; the point from which
   more of the evidence lies in lines is taken.
3. Points of paint, weighed by what the network saw there, and the network's rows vote for lines that bend alike and
   meet in one point. Of what stands side by side, those are chosen that bound lanes of likely widths.

Where the network tells sharply where its boundaries are, as in pictures like those that it learned from, they stand as
they are: it knows more of bends and crossings than lines that share one road do.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perception.any_picture import AnyPicture, Look
from perception.classical_lanes import FinderRules, on_road, rows_seen, slotted, told_line
from perception.lane_bundle import BundleRule, fit_bundle, own_line
from perception.lane_evidence import Evidence, Trust, gather
from perception.lane_fit import FitRule, FittedLine, RoadDirection, choose, peaks, road_direction
from perception.lane_marks import Warp, make_warp
from perception.lane_view import CLOSER, LaneView, closer_view, whole_view
from perception.road_point import meeting_point
from perception.row_lines import row_lines, sideways
from perception.vanishing import camera_at
from world.camera import CameraSpec

F64 = NDArray[np.float64]
_SHARP = 1.5  # [px] of its picture: mean error sideways up to which the network is believed; a cell is 4 px wide
_APART = 0.5  # [m] between two lines of paint that are told apart, as those of a double line
_SAME = 0.3  # [m] within which two fits are one line
_PART = 0.3  # of the support of an outer line that the inner one of a pair must have
_SUPPORT = 0.05  # part of the rows that a line must be seen in


class FoundLine(NamedTuple):
    """One line found."""

    slot: int  # 0 to 3, left to right; 1 and 2 bound the vehicle's lane, as in world.camera_labels
    px: F64  # (P, 2) [px] in the picture, near to far
    sigma_px: F64  # (P,) [px] standard deviation across
    score: float  # in [0, 1]


class FusedFinder:
    """Finds up to four lines in RGB pictures.

    Args:
        look: the network, with the pictures' camera where that is known.
        rules: what is assumed of roads; its `memory` is not used.
    """

    def __init__(self, look: AnyPicture, rules: FinderRules | None = None):
        self.look, self.rules = look, rules or FinderRules()
        self.bundle, self.trust = BundleRule(), Trust()

    def __call__(self, picture: NDArray[np.uint8]) -> list[FoundLine]:
        """Lines of one picture, left to right. Raises: ValueError: as AnyPicture does."""
        return self.lines(picture, self.look(picture))

    def lines(self, rgb: NDArray[np.uint8], seen: Look) -> list[FoundLine]:
        """Lines of a picture that the network has seen. Args: rgb: (H, W, 3). seen: its whole width."""
        error = sideways(seen.lines, seen.fitted.spec.focal)
        if len(error) and float(error.mean()) < _SHARP:
            return network_lines(seen)
        views = [whole_view(seen)]
        specs = self._cameras(rgb, seen, views)
        best: tuple[float, CameraSpec, Warp, Evidence, RoadDirection] | None = None
        for spec in specs:
            try:
                warp = make_warp(spec, self.rules.warp)
            except ValueError:  # no road ahead in its picture
                continue
            points = gather(rgb, spec, warp, views, self.rules.marks, self.trust)
            if len(points.x) < 12:
                continue
            road = road_direction(points, self.rules.fit)
            gathered = float((road.histogram**2).sum())
            if best is None or gathered > best[0]:
                best = gathered, spec, warp, points, road
        if best is None:
            return network_lines(seen)
        _, spec, warp, points, road = best
        found = slotted(self._chosen(points, warp, road), float(warp.x[0]), self.rules.fit)
        told = [told_line(slot, line, spec, warp) for slot, line in sorted(found.items())]
        return [FoundLine(t.slot, t.px, t.sigma_px, t.confidence) for t in told if t is not None]

    def _cameras(self, rgb: NDArray[np.uint8], seen: Look, views: list[LaneView]) -> list[CameraSpec]:
        """Cameras that may have taken the picture; the closer view is added to the views where it shows more."""
        height, width = rgb.shape[:2]
        closer = seen.fitted.scale * CLOSER >= 1.0
        if self.look.camera is not None:
            if closer:
                views.append(closer_view(self.look.net, rgb, seen.spec))
            return [seen.spec]
        guess = self.look.guess or self.rules.guess
        point = meeting_point(seen.lines.slot, seen.lines.px, seen.lines.score, width, height, guess)
        if closer:
            spec = seen.spec if point is None else camera_at(width, height, point, guess)
            views.append(closer_view(self.look.net, rgb, spec))
            own = views[-1].lines
            again = meeting_point(own.slot, own.px, own.score, width, height, guess)
            point = point if again is None else again
        return [seen.spec] if point is None else [seen.spec, camera_at(width, height, point, guess)]

    def _chosen(self, points: Evidence, warp: Warp, road: RoadDirection) -> list[FittedLine]:
        """Lines of the vehicle's lane and its neighbours, left to right."""
        rule, rows, far = self.rules.fit, len(warp.x), float(warp.x[-1])
        starts = [a for a, _ in peaks(road.histogram, rule, 0.12 * rule.support * rows, _APART)]
        if not starts:
            return []
        road, middles = fit_bundle(points, starts, road, far, rule, self.bundle)
        lines = [
            own_line(points, float(a), road, rows_seen(float(a), road, points, warp), far, rule, self.bundle)
            for a in middles
        ]
        lines = [line for line in lines if line.support >= _SUPPORT]
        kept = inner_lines(lines, float(warp.x[rows // 2]), rule)
        return choose(on_road(kept, points, warp, rule), float(warp.x[0]), rule)


def network_lines(seen: Look) -> list[FoundLine]:
    """Lines as the network alone tells them. Args: seen: the whole width of a picture."""
    points = seen.lines
    error = sideways(points, seen.fitted.spec.focal) * seen.fitted.scale
    out = []
    for slot, px, score in row_lines(
        points.slot, points.px, points.score, seen.spec.width, seen.spec.height, seen.horizon
    ):
        mine = np.flatnonzero(points.slot == slot)
        mine = mine[np.argsort(points.px[mine, 1], kind="stable")]
        # Beyond the rows that were seen it is as at the last
        out.append(FoundLine(slot, px, np.interp(px[:, 1], points.px[mine, 1], error[mine]), score))
    return out


def inner_lines(lines: list[FittedLine], at: float, rule: FitRule) -> list[FittedLine]:
    """The lines, one where two are nearer to each other than lanes: the inner one, which bounds the vehicle's lane.

    Args:
        at: [m] ahead, where they are looked at.
    """

    def y(line: FittedLine) -> float:
        return float(line.y(np.array(at)))

    distinct: list[FittedLine] = []
    for line in sorted(lines, key=lambda k: -k.support):
        if all(abs(y(line) - y(k)) > _SAME for k in distinct):
            distinct.append(line)
    kept: list[FittedLine] = []
    for line in sorted(distinct, key=lambda k: abs(y(k))):
        strong = [k for k in distinct if abs(y(k) - y(line)) < rule.apart and line.support < _PART * k.support]
        if not strong and all(abs(y(line) - y(k)) > rule.apart for k in kept):
            kept.append(line)
    return kept
