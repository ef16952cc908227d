"""Kernels that draw into a picture of bytes, channels first: convex quadrilaterals and lines.

Pictures are uint8 (B, K, C, H, W). Pixel coordinates: u to the right, v down, pixel (row, column) has its centre at
(v, u) = (row + 0.5, column + 0.5). A pixel belongs to a shape that holds its centre.
"""

import numpy as np

from world.kernel import inline_kernel, kernel
from world.rounding import ceil_int, floor_int

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
    if not (high >= _HALF and low <= height):
        return
    if not (max(max(u0, u1), max(u2, u3)) >= _HALF and min(min(u0, u1), min(u2, u3)) <= width):
        return
    first = ceil_int(max(low - _HALF, np.float32(0.0)))
    last = floor_int(min(high - _HALF, np.float32(height - 1)))
    for row in range(first, last + 1):
        v = np.float32(row) + _HALF
        left, right = _side(u0, v0, u1, v1, v, _FAR, -_FAR)
        left, right = _side(u1, v1, u2, v2, v, left, right)
        left, right = _side(u2, v2, u3, v3, v, left, right)
        left, right = _side(u3, v3, u0, v0, v, left, right)
        if not left <= right:
            continue
        begin = ceil_int(max(left - _HALF, np.float32(0.0)))
        end = floor_int(min(right - _HALF, np.float32(width - 1)))
        for column in range(begin, end + 1):
            if picture[b, k, channel, row, column] < level:
                picture[b, k, channel, row, column] = level


@inline_kernel
def _within(start, delta, size, begin, end):
    """(begin, end) of the line's parameter cut to where start + t delta lies within [0, size]."""
    if delta == 0.0:
        return (begin, end) if 0.0 <= start <= size else (_ONE, -_ONE)
    a, b = -start / delta, (size - start) / delta
    return max(begin, min(a, b)), min(end, max(a, b))


@kernel
def draw_line(picture, b, k, channel, level, u0, v0, u1, v1):
    """Draw a line one pixel wide, where less than `level` stands now."""
    height, width = picture.shape[3], picture.shape[4]
    du, dv = u1 - u0, v1 - v0
    begin, end = _within(u0, du, np.float32(width), np.float32(0.0), _ONE)
    begin, end = _within(v0, dv, np.float32(height), begin, end)
    extent = max(abs(du), abs(dv))
    if not (begin <= end and extent < _FAR):
        return
    steps = min(np.int64((end - begin) * extent) + 1, np.int64(height + width))
    step = (end - begin) / np.float32(steps)
    for i in range(steps + 1):
        t = begin + np.float32(i) * step
        column, row = floor_int(u0 + t * du), floor_int(v0 + t * dv)
        if 0 <= row < height and 0 <= column < width and picture[b, k, channel, row, column] < level:
            picture[b, k, channel, row, column] = level
