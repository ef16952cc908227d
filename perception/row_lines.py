"""Lines of the network alone, told row by row: fitted, and drawn on to the lower edge of the picture."""

import numpy as np
from numpy.typing import NDArray

from perception.decode import LinePoints

F64 = NDArray[np.float64]
_LEAST = 4  # rows of a line
_NEAREST = 0.01  # of the picture's height: rows below the horizon from which on a line is taken
_SPREAD = 0.006  # of the picture's width: how far points lie beside their line
_BEND = 0.3  # of the picture's width: how far lines bend at the nearest row below the horizon
_ALIKE = 0.4  # of a line's points that have to lie where the other lines say
_POINTS = 24  # of a line


def row_lines(
    slot: NDArray, px: NDArray, score: NDArray, width: int, height: int, horizon: float
) -> list[tuple[int, F64, float]]:  # fmt: skip
    """(slot, (P, 2) [px] near to far, score) of lines told row by row: fitted, and drawn on to the lower edge.

    Labels of public data run down to the edge of the picture, through the vehicle's bonnet. A line whose curvature is
    constant on flat ground is x = a + b v + c / v in a picture, with v rows below the horizon.

    Args:
        slot: (n,) of each point.
        px: (n, 2) [px].
        score: (n,) in [0, 1].
        width: [px] of the picture.
        height: [px] of the picture.
        horizon: [px] row.
    """
    least = _NEAREST * height
    slots = [int(s) for s in np.unique(slot) if (slot == s).sum() >= _LEAST]
    used = np.isin(slot, slots)
    slot, px, score = slot[used], px[used], score[used].astype(np.float64)
    v = np.maximum(px[:, 1] - horizon, least)
    spread, bend = _SPREAD * width, _BEND * width
    # lanes lie side by side: their lines meet far away and bend alike, and differ in slope alone
    slopes = (slot[:, None] == np.array(slots, np.int64)) * (v / height)[:, None]
    shared, near = _robust(np.column_stack([np.ones_like(v), slopes, least / v]), px[:, 0], score, spread, bend)
    out = []
    for n, s in enumerate(slots):
        mine = slot == s
        fit, good = shared[[0, 1 + n, -1]], near[mine]
        if good.mean() < _ALIKE:  # this one goes its own way
            own = np.stack((np.ones_like(v[mine]), v[mine] / height, least / v[mine]), axis=1)
            fit, good = _robust(own, px[mine, 0], score[mine], spread, bend)
        if good.sum() < _LEAST:
            continue
        rows = np.linspace(height - 1.0, px[mine, 1][good].min(), _POINTS)
        u = np.maximum(rows - horizon, least)
        x = np.stack((np.ones_like(u), u / height, least / u), axis=1) @ fit
        line = np.stack((x, rows), axis=1)[(x > -0.5) & (x < width - 0.5)]
        if len(line) >= 2:
            out.append((s, line, float(score[mine].mean())))
    return out


def _robust(basis: F64, x: F64, weight: F64, spread: float, bend: float) -> tuple[F64, NDArray[np.bool_]]:
    """(coefficients, which points lie on it) of x = basis @ coefficients, by weights of a Cauchy likelihood.

    Args:
        spread: [px] of the points. bend: [px] standard deviation of the last coefficient before anything is seen.
    """
    ridge = np.zeros((basis.shape[1], basis.shape[1]))
    ridge[-1, -1] = (spread / bend) ** 2
    off = np.zeros_like(x)
    fit = np.zeros(basis.shape[1])
    for _ in range(12):
        w = weight / (1.0 + (off / spread) ** 2)
        fit = np.linalg.solve(basis.T @ (w[:, None] * basis) + ridge + 1e-9 * np.eye(len(fit)), basis.T @ (w * x))
        off = x - basis @ fit
    return fit, np.abs(off) < 3.0 * spread


def sideways(lines: LinePoints, focal: float) -> F64:
    """(n,) [px] standard deviation of each point across. Args: focal: [px] of the picture that sigma is told of."""
    return lines.sigma * focal / np.maximum(np.hypot(*lines.xy.T), 1.0)
