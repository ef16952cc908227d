"""Lines of one road fitted together: they bend alike and meet in one point, so that each dash of one helps them all.

A line is y = a (1 + fan x) + b x + c x^2 / 2 with x [m] ahead of the camera's foot and y [m] left, each with its own a.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.lane_evidence import Evidence
from perception.lane_fit import FitRule, FittedLine, RoadDirection

F64 = NDArray[np.float64]
_WINDOWS = (1.0, 0.8, 0.6, 0.5, 1.0, 0.8, 0.6, 0.5)  # of the rule's, round by round


@dataclass(frozen=True)
class BundleRule:
    """Standard deviations, at the far end of what is seen where they are in metres there."""

    paint: float = 0.1  # [m] of a point of paint from its line
    alike: float = 4.0  # rows that err together
    turn: float = 1.5  # [m] there, of the road's direction from the one found first
    bend: float = 1.0  # [m] there, of the road's bend from none: most are straight where they are seen
    fan: float = 0.004  # [1/m] of the fan: a quarter of a degree of the camera's pitch
    own_turn: float = 0.3  # [m] there, of a line's direction from the road's
    own_bend: float = 0.2  # [m] there, of a line's bend from the road's


def fit_bundle(
    points: Evidence, starts: Sequence[float], road: RoadDirection, far: float, rule: FitRule, bundle: BundleRule
) -> tuple[RoadDirection, F64]:  # fmt: skip
    """(the road's direction, (L,) a [m] of each line) by Gauss-Newton with Tukey's weights.

    Args:
        starts: (L,) a [m] of the lines, L >= 1.
        road: the direction found first.
        far: [m] where what is seen ends.
    """
    a, b, c, fan = np.array(starts, np.float64), road.b, road.c, road.fan
    hold = np.array([(far / bundle.turn) ** 2, (0.5 * far**2 / bundle.bend) ** 2, bundle.fan**-2.0])
    at, x = np.arange(len(points.x)), points.x
    jacobian = np.zeros((len(x), 3 + len(a)))
    jacobian[:, 0], jacobian[:, 1] = x, 0.5 * x**2
    for part in _WINDOWS:
        window = rule.window * part
        off = points.y - (a[:, None] * (1.0 + fan * x) + b * x + 0.5 * c * x**2)  # (L, N)
        near = np.abs(off).argmin(axis=0)
        off = off[near, at]
        weight = _tukey(points.weight, off / window) / (bundle.paint**2 * bundle.alike)
        jacobian[:, 2], jacobian[:, 3:] = a[near] * x, 0.0
        jacobian[at, 3 + near] = 1.0 + fan * x
        system = (jacobian * weight[:, None]).T @ jacobian
        system[np.diag_indices(3 + len(a))] += np.concatenate([hold, np.full(len(a), 1e-3)])
        right = (jacobian * weight[:, None]).T @ off
        right[:3] += hold * (np.array([road.b, 0.0, road.fan]) - (b, c, fan))
        step = np.linalg.solve(system, right)
        b, c, fan, a = b + step[0], c + step[1], fan + step[2], a + step[3:]
    return RoadDirection(float(b), float(c), float(fan), road.histogram), a


def own_line(
    points: Evidence, a: float, road: RoadDirection, rows: int, far: float, rule: FitRule, bundle: BundleRule
) -> FittedLine:  # fmt: skip
    """The line near road.line(a), which may leave the road's direction a little.

    Args:
        rows: in which it could be seen.
        far: [m] where what is seen ends.
    """
    line = road.line(a)
    start, hold = line, np.diag([1e-4, (far / bundle.own_turn) ** 2, (0.5 * far**2 / bundle.own_bend) ** 2])
    basis = np.stack([np.ones_like(points.x), points.x, 0.5 * points.x**2], axis=1)
    weight, system = points.weight, hold
    for part in _WINDOWS[2:4]:
        weight = _tukey(points.weight, (points.y - basis @ line) / (rule.window * part))
        weighed = basis * (weight / (bundle.paint**2 * bundle.alike))[:, None]
        system = weighed.T @ basis + hold
        line = np.linalg.solve(system, weighed.T @ points.y + hold @ start)
    off = points.y - basis @ line
    residual = float(np.sqrt((weight * off**2).sum() / max(float(weight.sum()), 1e-9)))
    near = np.abs(off) < 0.5 * rule.window
    strongest = np.zeros(int(points.row.max()) + 1)
    np.maximum.at(strongest, points.row[near], points.proof[near])
    return FittedLine(line, np.linalg.inv(system), float(strongest.sum()) / rows, residual, road.fan)


def _tukey(weight: F64, off: F64) -> F64:
    """Weights by how far off points are; none beyond 1."""
    return weight * np.where(np.abs(off) < 1.0, (1.0 - off**2) ** 2, 0.0)
