"""Piecewise cubic polynomials, the form of almost every curve in OpenDRIVE (width, border, offset, elevation, ...)."""

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


class PiecewiseCubic:
    """f(s) = a + b ds + c ds^2 + d ds^3 with ds = s - s_i on [s_i, s_{i+1}); the first record also holds before s_0.

    Source: ASAM OpenDRIVE 1.8, 7.7.1 (elements elevation, laneOffset, width share this form).
    """

    __slots__ = ("start", "coefficients", "is_zero", "is_constant")

    def __init__(self, start: F64, coefficients: F64):
        """
        Args:
            start: (n,) [m] ascending s of the records, n >= 1.
            coefficients: (n, 4) a, b, c, d.
        """
        self.start, self.coefficients = start, coefficients
        self.is_zero = not coefficients.any()
        self.is_constant = self.is_zero or (len(start) == 1 and not coefficients[0, 1:].any())

    def __call__(self, s: F64, end: float = np.inf) -> tuple[F64, F64, F64]:
        """Value, first and second derivative at `s` (n,). A record that starts at or after `end` is not used."""
        if self.is_constant:
            zero = np.zeros(len(s))
            return (zero if self.is_zero else np.full(len(s), self.coefficients[0, 0])), zero, zero
        if len(self.start) == 1:
            ds = s - self.start[0]
            a, b, c, d = self.coefficients[0]
        else:
            last = np.searchsorted(self.start, end - 1e-7) - 1
            i = np.searchsorted(self.start, s, side="right") - 1
            np.minimum(i, max(last, 0), out=i)
            np.maximum(i, 0, out=i)
            ds = s - self.start[i]
            a, b, c, d = self.coefficients[i].T
        return a + ds * (b + ds * (c + ds * d)), b + ds * (2 * c + 3 * d * ds), 2 * c + 6 * d * ds


ZERO = PiecewiseCubic(np.zeros(1), np.zeros((1, 4)))
