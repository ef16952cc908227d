"""Counter-based randomness: every draw is a pure function of (seed, entity, step, purpose).

A world therefore unfolds the same whatever the batch size, the padding, the thread count or the recording.
The mixer is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
Generators, OOPSLA 2014), applied once per counter word.
"""

import math

import numpy as np

from world.kernel import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S40 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(40)
_S16, _LOW24 = np.uint64(16), np.uint64((1 << 24) - 1)
_TO_UNIT = np.float32(1.0 / (1 << 24))
_ONE, _TWO, _TWO_PI = np.float32(1.0), np.float32(2.0), np.float32(2.0 * math.pi)


@kernel
def mix64(x):
    """SplitMix64 finaliser, uint64 -> uint64."""
    z = np.uint64(x) + _GOLDEN
    z = (z ^ (z >> _S30)) * _MIX_A
    z = (z ^ (z >> _S27)) * _MIX_B
    return z ^ (z >> _S31)


@kernel
def draw_bits(seed, entity, step, purpose):
    """64 random bits of (seed, entity, step, purpose), each an integer."""
    h = mix64(np.uint64(seed))
    h = mix64(h ^ np.uint64(entity))
    h = mix64(h ^ np.uint64(step))
    return mix64(h ^ np.uint64(purpose))


@kernel
def draw_unit(seed, entity, step, purpose):
    """float32 uniform in [0, 1) of (seed, entity, step, purpose)."""
    return np.float32(draw_bits(seed, entity, step, purpose) >> _S40) * _TO_UNIT


@kernel
def draw_range(seed, entity, step, purpose, low, high):
    """float32 uniform in [low, high)."""
    return np.float32(low) + (np.float32(high) - np.float32(low)) * draw_unit(seed, entity, step, purpose)


@kernel
def draw_index(seed, entity, step, purpose, n):
    """int uniform in [0, n), n >= 1."""
    return np.int64(draw_bits(seed, entity, step, purpose) >> _S40) * np.int64(n) >> np.int64(24)


@kernel
def draw_normal(seed, entity, step, purpose):
    """Standard normal float of (seed, entity, step, purpose); its two uniforms (Box-Muller) are of one 64-bit draw."""
    bits = draw_bits(seed, entity, step, purpose)
    u = _ONE - np.float32(bits >> _S40) * _TO_UNIT  # in (0, 1]
    v = np.float32((bits >> _S16) & _LOW24) * _TO_UNIT
    return np.float32(math.sqrt(-_TWO * np.float32(math.log(u))) * math.cos(_TWO_PI * v))
