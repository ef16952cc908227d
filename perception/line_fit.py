"""Lane boundaries as curves: a cubic through the points of one boundary, with what it does not know."""

import numpy as np
from numpy.typing import NDArray

from perception.records import LINE_X

F64 = NDArray[np.float64]
_SCALE = 30.0  # [m] so that the four coefficients are alike
_PRIOR = np.array([3.0, 6.0, 6.0, 5.0])  # [m] standard deviations of the coefficients at that scale
LEAST = 4  # points of a boundary
_ROUNDS = 3  # of weights, against points that lie off
_OVER = 2.0  # [m] beyond the last point that the curve is believed


def fit_line(xy: F64, sigma: F64) -> tuple[F64, F64, NDArray[np.bool_]]:
    """(y, sigma, valid) at the stations LINE_X of a cubic y(x) through points.

    Args:
        xy: (n, 2) [m] body frame. sigma: (n,) [m] sideways.
    """
    stations = LINE_X.astype(np.float64)
    if len(xy) < LEAST:
        return np.zeros(len(stations)), np.zeros(len(stations)), np.zeros(len(stations), np.bool_)
    basis = _basis(xy[:, 0])
    weight = 1.0 / np.maximum(sigma, 0.03) ** 2
    middle = np.median(xy[:, 1])
    coefficients, cover = np.zeros(4), np.eye(4)
    for _ in range(_ROUNDS):
        normal = (basis * weight[:, None]).T @ basis + np.diag(1.0 / _PRIOR**2)
        cover = np.linalg.inv(normal)
        coefficients = cover @ ((basis * weight[:, None]).T @ (xy[:, 1] - middle))
        off = np.abs(basis @ coefficients + middle - xy[:, 1]) / np.maximum(sigma, 0.03)
        weight = 1.0 / (np.maximum(sigma, 0.03) ** 2 * (1.0 + (off / 2.5) ** 2))  # Cauchy
    at = _basis(stations)
    # neighbouring rows err together: their number does not count in full
    sure = np.sqrt(np.einsum("ij,jk,ik->i", at, cover, at) * 4.0 + 0.03**2)
    near, far = xy[:, 0].min(), xy[:, 0].max()
    valid = (stations > min(near - 1.0, 3.0)) & (stations < far + _OVER) & (sure < 2.0)
    return at @ coefficients + middle, sure, valid


def _basis(x: F64) -> F64:
    u = x / _SCALE
    return np.stack((np.ones_like(u), u, u * u, u * u * u), axis=1)
