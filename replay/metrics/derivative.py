"""Savitzky-Golay smoothing and derivatives of evenly sampled series, also of short ones."""

import numpy as np
from numpy.typing import NDArray


def savitzky_golay(
    values: NDArray[np.float64], dt: float, window: int, degree: int, order: int = 0
) -> NDArray[np.float64]:
    """The `order`-th derivative of a series, by `scipy.signal.savgol_filter(mode="interp")` as in nuPlan's metrics.

    Args:
        values: (n,) samples.
        dt: [s] between samples.
        window: samples in a window, > degree; shortened to n where the series is shorter.
        degree: of the polynomial.
        order: of the derivative, 0 smooths.

    Returns:
        (n,) in the unit of values / s^order; zeros where there are too few samples for the polynomial.

    Raises:
        ValueError: window <= degree, or order > degree.
    """
    if window <= degree or not 0 <= order <= degree:
        raise ValueError(f"window {window}, degree {degree}, order {order}; allowed: window > degree >= order >= 0")
    values = np.asarray(values, np.float64)
    window = min(window, len(values))
    if window <= degree:
        return np.zeros(len(values))
    from scipy.signal import savgol_filter  # half a second to import, and wanted at the end of an episode only

    return np.asarray(savgol_filter(values, window, degree, deriv=order, delta=dt))
