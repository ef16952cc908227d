"""Savitzky-Golay smoothing and derivatives of evenly sampled series.

Each sample is replaced by the value or derivative, at that sample, of the polynomial that fits its window best; near
the ends the polynomial of the first or last whole window is evaluated.

Source: Savitzky, Golay: Smoothing and Differentiation of Data by Simplified Least Squares Procedures, Anal. Chem. 36
(1964); edges as in `scipy.signal.savgol_filter(mode="interp")`, which nuPlan's metrics use.
"""

from math import factorial

import numpy as np
from numpy.typing import NDArray


def savitzky_golay(
    values: NDArray[np.float64], dt: float, window: int, degree: int, order: int = 0
) -> NDArray[np.float64]:
    """The `order`-th derivative of a series.

    Args:
        values: (n,) samples.
        dt: [s] between samples.
        window: samples in a window, odd, > degree; shortened to n where the series is shorter.
        degree: of the polynomial.
        order: of the derivative, 0 smooths.

    Returns:
        (n,) in the unit of values / s^order; zeros where there are too few samples for the polynomial.

    Raises:
        ValueError: window even or <= degree, or order > degree.
    """
    if window <= degree or window % 2 == 0 or not 0 <= order <= degree:
        raise ValueError(f"window {window}, degree {degree}, order {order}; allowed: odd window > degree >= order >= 0")
    values = np.asarray(values, np.float64)
    n = len(values)
    window = min(window, n)
    if window <= degree:
        return np.zeros(n)
    out = np.empty(n)
    first = (window - 1) // 2  # samples before the first whole window's middle
    weights = _weights(window, degree, order, float(first)) / dt**order
    middle = np.convolve(values, weights[::-1], mode="valid")  # (n - window + 1,)
    out[first : first + len(middle)] = middle
    ends = [(range(first), 0), (range(first + len(middle), n), n - window)]
    for indices, start in ends:
        for i in indices:
            out[i] = _weights(window, degree, order, float(i - start)) / dt**order @ values[start : start + window]
    return out


def _weights(window: int, degree: int, order: int, at: float) -> NDArray[np.float64]:
    """(window,) linear weights that give the derivative at position `at` (in samples) of the window's best fit."""
    t = np.arange(window) - at
    design = np.vander(t, degree + 1, increasing=True)
    return np.linalg.pinv(design)[order] * factorial(order)
