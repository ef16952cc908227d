"""Rounding to whole numbers without the C library: Numba makes `math.floor` a call, which costs its callers' registers.

For values that fit an int64; the same numbers as math.floor and math.ceil.
"""

import numpy as np

from world.kernel import inline_kernel

_PI, _TWO_PI = np.float32(np.pi), np.float32(2 * np.pi)


@inline_kernel
def floor_int(value):
    """int64, the largest whole number that is not above a float32."""
    n = np.int64(value)
    return n - 1 if np.float32(n) > value else n


@inline_kernel
def ceil_int(value):
    """int64, the smallest whole number that is not below a float32."""
    n = np.int64(value)
    return n + 1 if np.float32(n) < value else n


@inline_kernel
def wrap_float(angle):
    """float32 angle wrapped to [-pi, pi): bit for bit as by math.floor."""
    a = angle - _TWO_PI * np.float32(floor_int((angle + _PI) / _TWO_PI))
    return -_PI if a >= _PI else a
