"""Kernels that draw into a picture of bytes, channels first: convex quadrilaterals and lines.

Pictures are uint8 (B, K, C, H, W). Pixel coordinates: u to the right, v down, pixel (row, column) has its centre at
(v, u) = (row + 0.5, column + 0.5). A pixel belongs to a shape that holds its centre.
"""

import math

import numpy as np

from world.kernel import inline_kernel, kernel

_HALF, _ONE = np.float32(0.5), np.float32(1.0)
_FAR = np.float32(1e9)


@inline_kernel
def _side(u0, v0, u1, v1, v, left, right):
    """(left, right) [px] of a row's stretch after looking at one side of the shape."""
    if (v0 <= v) != (v1 <= v):
        u = u0 + (v - v0) / (v1 - v0) * (u1 - u0)
        return min(left, u), max(right, u)
    return left, right


@kernel
def fill_quad(picture, b, k, channel, level, u0, v0, u1, v1, u2, v2, u3, v3):
    """Fill the quadrilateral of four corners in order with `level`, where less stands there now."""
    height, width = picture.shape[3], picture.shape[4]
    low, high = min(min(v0, v1), min(v2, v3)), max(max(v0, v1), max(v2, v3))
    if high < _HALF or low > height or max(max(u0, u1), max(u2, u3)) < _HALF or min(min(u0, u1), min(u2, u3)) > width:
        return
    first = max(np.int64(math.ceil(low - _HALF)), np.int64(0))
    last = min(np.int64(math.floor(high - _HALF)), np.int64(height - 1))
    for row in range(first, last + 1):
        v = np.float32(row) + _HALF
        left, right = _side(u0, v0, u1, v1, v, _FAR, -_FAR)
        left, right = _side(u1, v1, u2, v2, v, left, right)
        left, right = _side(u2, v2, u3, v3, v, left, right)
        left, right = _side(u3, v3, u0, v0, v, left, right)
        if left > right:
            continue
        begin = max(np.int64(math.ceil(max(left, np.float32(-9.0)) - _HALF)), np.int64(0))
        end = min(np.int64(math.floor(min(right, np.float32(width + 9)) - _HALF)), np.int64(width - 1))
        for column in range(begin, end + 1):
            if picture[b, k, channel, row, column] < level:
                picture[b, k, channel, row, column] = level


@kernel
def draw_line(picture, b, k, channel, level, u0, v0, u1, v1):
    """Draw a line one pixel wide, where less than `level` stands now."""
    height, width = picture.shape[3], picture.shape[4]
    if max(u0, u1) < 0 or max(v0, v1) < 0 or min(u0, u1) >= width or min(v0, v1) >= height:
        return
    steps = np.int64(max(abs(u1 - u0), abs(v1 - v0))) + 1
    du, dv = (u1 - u0) / np.float32(steps), (v1 - v0) / np.float32(steps)
    for i in range(steps + 1):
        column = np.int64(math.floor(u0 + np.float32(i) * du))
        row = np.int64(math.floor(v0 + np.float32(i) * dv))
        if 0 <= row < height and 0 <= column < width and picture[b, k, channel, row, column] < level:
            picture[b, k, channel, row, column] = level
