"""state_hash: one number a world that every body and light of every step since reset has gone into."""

from typing import NamedTuple

import numpy as np

from simulator.state import Slots
from world.kernel import kernel
from world.random import mix64

_S32 = np.uint64(32)
_START = np.uint64(0x7461726D6163)  # "tarmac"


class Bits(NamedTuple):
    """The engine's float32 arrays seen as uint32, (B, N)."""

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


@kernel
def hash_one(h, b, i, slots, bits):
    """The hash with one valid slot mixed in; slots that hold nobody leave no trace, so padding changes nothing."""
    who = (np.uint64(i) << np.uint64(40)) ^ (np.uint64(slots.generation[b, i]) << np.uint64(16))
    h = mix64(h ^ who ^ (np.uint64(slots.kind[b, i]) << np.uint64(8)) ^ np.uint64(slots.controller[b, i]))
    h = mix64(h ^ pair(bits.x[b, i], bits.y[b, i]))
    h = mix64(h ^ pair(bits.z[b, i], bits.yaw[b, i]))
    h = mix64(h ^ pair(bits.speed[b, i], bits.accel[b, i]))
    h = mix64(h ^ pair(bits.vx[b, i], bits.vy[b, i]))
    return mix64(h ^ pair(bits.yaw_rate[b, i], bits.steer[b, i]))


@kernel
def hash_world(b, tables, slots, worlds, bits, state_hash):
    """Mix the present state of world b into its hash."""
    h = mix64(state_hash[b] ^ np.uint64(worlds.step[b]))
    for i in range(slots.x.shape[1]):
        if slots.valid[b, i]:
            h = hash_one(h, b, i, slots, bits)
    row = tables.maps[worlds.map_id[b]]
    for light in range(row.light1 - row.light0):
        h = mix64(h ^ np.uint64(worlds.light[b, light]))
    state_hash[b] = h
