"""state_hash: one number a world that every body and light of every step since reset has gone into."""

from typing import NamedTuple

import numpy as np

from simulator.state import Slots
from world.kernel import inline_kernel, kernel
from world.random import mix64

_S32 = np.uint64(32)
_WORD = tuple(  # odd, random: the first draws of SplitMix64 from 0
    np.uint64(word)
    for word in (
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F5,
        0x06C45D188009454F,
        0xF88BB8A8724C81ED,
        0x1B39896A51A8749B,
    )
)
_START = np.uint64(0x7461726D6163)  # "tarmac"


class Bits(NamedTuple):
    """The engine's float32 arrays seen as uint32, (B, N)."""

    SAME_SHAPE = True  # see world.pack

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    yaw: np.ndarray
    speed: np.ndarray
    vx: np.ndarray
    vy: np.ndarray
    yaw_rate: np.ndarray
    accel: np.ndarray
    steer: np.ndarray


def bits_view(slots: Slots) -> Bits:
    """The bits of the state, without a copy."""
    return Bits(*(getattr(slots, name).view(np.uint32) for name in Bits._fields))


@kernel
def pair(high, low):
    """Two uint32 in a uint64."""
    return (np.uint64(high) << _S32) | np.uint64(low)


@kernel
def hash_start(seed):
    """The hash of a world before its first state."""
    return mix64(_START ^ np.uint64(seed))


@inline_kernel
def hash_one(b, i, slots, bits):
    """A number of one valid slot's state: a multilinear hash of its words, which one change of a word always changes.

    Source: Lemire, Kaser, Strongly universal string hashing is fast, The Computer Journal 57 (2014).
    """
    who = (np.uint64(i) << np.uint64(40)) ^ (np.uint64(slots.generation[b, i]) << np.uint64(16))
    who ^= (np.uint64(slots.kind[b, i]) << np.uint64(8)) ^ np.uint64(slots.controller[b, i])
    h = pair(bits.x[b, i], bits.y[b, i]) * _WORD[0]
    h += pair(bits.z[b, i], bits.yaw[b, i]) * _WORD[1]
    h += pair(bits.speed[b, i], bits.accel[b, i]) * _WORD[2]
    h += pair(bits.vx[b, i], bits.vy[b, i]) * _WORD[3]
    h += pair(bits.yaw_rate[b, i], bits.steer[b, i]) * _WORD[4]
    return mix64(h ^ mix64(who))


@kernel
def hash_world(b, tables, slots, worlds, bits, state_hash):
    """Mix the present state of world b into its hash."""
    h = mix64(state_hash[b] ^ np.uint64(worlds.step[b]))
    bodies = np.uint64(0)  # slots that hold nobody leave no trace, so padding changes nothing
    for i in range(slots.x.shape[1]):
        if slots.valid[b, i]:
            bodies += hash_one(b, i, slots, bits)
    h = mix64(h ^ bodies)
    row = tables.maps[worlds.map_id[b]]
    for light in range(row.light1 - row.light0):
        h = mix64(h ^ np.uint64(worlds.light[b, light]))
    state_hash[b] = h
