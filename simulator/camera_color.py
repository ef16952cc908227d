"""Colours of pixels: words, the light of the vehicle's own lamps, the air between.

A word is R | G << 8 | B << 16 | Tag << 24, as Canvas.word and the ground's texels.
"""

import math

import numpy as np

from world.kernel import inline_kernel

HAZE = np.float32(1.0 / 900.0)  # [1/m] extinction of clear air
_ZERO, _WHITE = np.float32(0.0), np.float32(255.0)


@inline_kernel
def beam(ahead, aside, reach):
    """Brightness of the vehicle's own lamps `ahead` of them and `aside` [m], 0 to 1. Args: reach: [m] of decay."""
    if ahead < _ZERO:
        return _ZERO
    width = np.float32(1.5) + np.float32(0.35) * ahead
    return np.float32(math.exp(-(aside * aside) / (width * width)) * math.exp(-ahead / reach))


@inline_kernel
def decay(x):
    """float32 exp(-x) for x >= 0 to 1e-5, in plain arithmetic, so that loops with it become vectors."""
    z = min(x, np.float32(12.0)) * np.float32(0.0625)
    y = z * np.float32(-1.0 / 120.0) + np.float32(1.0 / 24.0)
    y = ((y * z - np.float32(1.0 / 6.0)) * z + np.float32(0.5)) * z - np.float32(1.0)
    y = y * z + np.float32(1.0)
    y *= y
    y *= y
    y *= y
    return y * y


@inline_kernel
def pack_word(r, g, b, tag):
    """uint32 of a colour (0-255, clipped) and a class."""
    ri = np.int32(min(max(r, _ZERO), _WHITE))
    gi = np.int32(min(max(g, _ZERO), _WHITE))
    bi = np.int32(min(max(b, _ZERO), _WHITE))
    return np.uint32(ri | (gi << np.int32(8)) | (bi << np.int32(16))) | (np.uint32(tag) << np.uint32(24))


@inline_kernel
def red(word):
    """float32 red of a word."""
    return np.float32(np.int32(word & np.uint32(255)))


@inline_kernel
def green(word):
    """float32 green of a word."""
    return red(word >> np.uint32(8))


@inline_kernel
def blue(word):
    """float32 blue of a word."""
    return red(word >> np.uint32(16))
