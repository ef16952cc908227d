"""From points of paint to lines: one direction and curvature for the road, peaks of a histogram across it, robust fits.

A line is y = a + b x + c x^2 / 2 with x [m] ahead of the camera's foot and y [m] left of the vehicle's axis.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.lane_marks import Marks

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class FitRule:
    """What a road is like."""

    heading: float = 0.12  # [rad] greatest, of the road to the vehicle
    curvature: float = 0.008  # [1/m] greatest
    fan: float = 0.012  # [1/m] greatest
    bin: float = 0.12  # [m] of the histogram
    extent: float = 8.5  # [m] of it, to each side
    apart: float = 1.2  # [m] between two lines at least
    lane: tuple[float, float] = (3.5, 0.6)  # [m] mean and standard deviation of a lane's width
    off_middle: float = 0.9  # [m] standard deviation of the vehicle from the middle of its lane
    support: float = 0.12  # part of the rows that a line must be seen in
    window: float = 0.45  # [m] around the road's direction that a line's points lie in, at first
    lines: int = 4
    paved: float = 0.5  # part of the ground between two lines that must look like road


@dataclass(frozen=True, eq=False)
class FittedLine:
    """One line."""

    coefficients: F64  # (3,) a [m], b, c [1/m]
    covariance: F64  # (3, 3)
    support: float  # part of the rows it could be seen in that it was seen in, weighed by contrast
    residual: float  # [m] root mean square
    fan: float = 0.0  # see RoadDirection

    def y(self, x: NDArray) -> F64:
        """[m] left, at x [m] ahead of the camera's foot."""
        a, b, c = self.coefficients
        return a + b * x + 0.5 * c * x * x

    def sigma(self, x: NDArray) -> F64:
        """[m] standard deviation of y."""
        basis = np.stack([np.ones_like(x), x, 0.5 * x * x], axis=-1)
        return np.sqrt(np.maximum(np.einsum("...i,ij,...j->...", basis, self.covariance, basis), 0.0))


@dataclass(frozen=True, eq=False)
class RoadDirection:
    """What the lines of a road share: y = a (1 + fan x) + b x + c x^2 / 2, each with its own a."""

    b: float
    c: float  # [1/m]
    fan: float  # [1/m] lines that part ahead: the camera looks lower, by fan times its height [rad], than was thought
    histogram: F64  # weight of the points across the road

    def line(self, a: float) -> F64:
        """(3,) coefficients of the line at a [m]."""
        return np.array([a, self.b + self.fan * a, self.c])


def road_direction(marks: Marks, rule: FitRule) -> RoadDirection:
    """The direction, bend and fan at which the paint of all rows lies most in lines: coarse, then fine."""
    reach = np.array([rule.heading, rule.curvature, rule.fan])
    best, histogram = np.zeros(3), np.zeros(int(2.0 * rule.extent / rule.bin))
    for size, part in (((17, 1, 7), 1.0), ((5, 13, 5), 1.0), ((7, 5, 5), 0.2), ((5, 5, 5), 0.06)):
        # The second pass looks for bends around the straight road that the first one found
        around = reach * np.where(np.array(size) > 5, part, min(part, 0.25))
        axes = [
            m + r * np.linspace(-1.0, 1.0, n) if n > 1 else np.array([m])
            for m, r, n in zip(best, around, size, strict=True)
        ]
        grid = np.clip(np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1), -reach, reach)
        table = _histograms(marks, grid, len(histogram), rule)
        # What is unlikely is believed only where it gathers clearly more paint
        score = (table**2).sum(axis=1) * (1.0 - 0.1 * np.abs(grid / np.maximum(reach, 1e-9)).sum(axis=1))
        k = int(np.argmax(score))
        best, histogram = grid[k], table[k]
    return RoadDirection(float(best[0]), float(best[1]), float(best[2]), histogram)


def _histograms(marks: Marks, grid: F64, bins: int, rule: FitRule) -> F64:
    """(G, bins) weight of the points across the road for each (b, c, fan), smoothed over three bins."""
    b, c, fan = grid[:, 0, None], grid[:, 1, None], grid[:, 2, None]
    across = (marks.y - b * marks.x - 0.5 * c * marks.x**2) / np.maximum(1.0 + fan * marks.x, 0.3)
    at = np.floor((across + rule.extent) / rule.bin).astype(np.int64)
    ok = (at >= 0) & (at < bins)
    flat = (np.arange(len(grid))[:, None] * bins + at)[ok]
    weight = np.broadcast_to(marks.weight, at.shape)[ok]
    table = np.asarray(np.bincount(flat, weight, len(grid) * bins), np.float64).reshape(len(grid), bins)
    table[:, 1:-1] = 0.25 * (table[:, :-2] + 2.0 * table[:, 1:-1] + table[:, 2:])
    return table


def peaks(histogram: F64, rule: FitRule, least: float, apart: float | None = None) -> list[tuple[float, float]]:
    """(a [m], weight) of its peaks, strongest first, none within `apart` [m] (None: the rule's) of a stronger one."""
    apart = rule.apart if apart is None else apart
    total = histogram.copy()
    total[1:-1] = histogram[:-2] + histogram[1:-1] + histogram[2:]
    out: list[tuple[float, float]] = []
    for k in np.argsort(-total, kind="stable"):
        if total[k] < least or len(out) == 10:
            break
        a = (k + 0.5) * rule.bin - rule.extent
        if all(abs(a - other) >= apart for other, _ in out):
            out.append((float(a), float(total[k])))
    return out


def choose(found: list[FittedLine], at: float, rule: FitRule) -> list[FittedLine]:
    """Up to four lines, left to right, of those found: the most support in lanes of likely widths around the vehicle.

    Args:
        found: candidates.
        at: [m] ahead, where the widths are looked at.
    """
    lines = sorted(found, key=lambda f: -float(f.y(np.array(at))))
    y = [float(f.y(np.array(at))) for f in lines]
    best, chosen = 0.0, ()
    for n in range(1, rule.lines + 1):
        for some in itertools.combinations(range(len(lines)), n):
            score = _likely([y[i] for i in some], [lines[i].support for i in some], rule)
            if score > best:
                best, chosen = score, some
    return [lines[i] for i in chosen]


def _likely(y: list[float], support: list[float], rule: FitRule) -> float:
    """How likely lines at y [m], left to right, are the lines of the vehicle's lane and its neighbours."""
    if sum(v > 0.0 for v in y) > 2 or sum(v <= 0.0 for v in y) > 2:
        return 0.0
    mean, sigma = rule.lane
    score = sum(min(s, 0.5) for s in support) - rule.support * 0.5 * len(y)
    for left, right in itertools.pairwise(y):
        lanes = max(1, round((left - right) / mean))
        off = ((left - right) / lanes - mean) / sigma
        score -= 0.06 * min(off * off, 9.0) + 0.08 * (lanes - 1)
        if left > 0.0 >= right:
            score -= 0.05 * (0.5 * (left + right) / rule.off_middle) ** 2
    if not any(left > 0.0 >= right for left, right in itertools.pairwise(y)):
        nearest = min(abs(v) for v in y)
        score -= 0.04 * max(nearest - 0.5 * mean, 0.0) ** 2
    return score


def fit_line(marks: Marks, a: float, road: RoadDirection, seen_rows: int, far: float, rule: FitRule) -> FittedLine:
    """The line near road.line(a): least squares held to the road's direction, reweighted (Tukey), narrowing."""
    line = road.line(a)
    # How far a line may differ from the road's direction: a metre at the far end
    hold = np.diag([1e-4, (0.08 * far) ** 2, (0.25 * far * far) ** 2]) * 0.5
    start = line.copy()
    basis = np.stack([np.ones_like(marks.x), marks.x, 0.5 * marks.x**2], axis=1)
    system, weight = np.eye(3), np.zeros(len(marks.x))
    for scale in (1.0, 0.8, 0.6, 0.5):
        off = (marks.y - basis @ line) / (rule.window * scale)
        weight = marks.weight * np.where(np.abs(off) < 1.0, (1.0 - off**2) ** 2, 0.0)
        system = (basis * weight[:, None]).T @ basis + hold
        line = np.linalg.solve(system, (basis * weight[:, None]).T @ marks.y + hold @ start)
    off = marks.y - basis @ line
    total = max(float(weight.sum()), 1e-9)
    residual = float(np.sqrt((weight * off**2).sum() / total))
    near = np.abs(off) < 0.5 * rule.window
    strongest = np.zeros(int(marks.row.max()) + 1)
    np.maximum.at(strongest, marks.row[near], np.minimum(2.0 * marks.weight[near], 1.0))
    support = float(strongest.sum()) / max(seen_rows, 1)
    return FittedLine(line, np.linalg.inv(system) * max(residual, 0.03) ** 2, support, residual, road.fan)
