"""Worlds of a device that begin anew: the rows of their starts, copied back.

The counterpart of `simulator.snapshot` where the starts lie in the device's memory, worlds innermost.
"""

# pyright: reportCallIssue=false
# (intrinsics take a typing context more than their callers give)

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulator.device import DevicePack
from simulator.device_kinds import Way, device_kind, model_way
from world.kernel import kernel
from world.pack import Pack

_GROUPS = ("slots", "worlds", "traffic", "walkers", "broad", "judge", "sensors")
_KEPT = ("worlds.seed",)  # what a world has of its own, whatever its start
_TO, _FROM, _ELEMENTS, _ITEM = range(4)
_WORD = 4  # [B]


class Restore(NamedTuple):
    """What is copied where, and which worlds begin anew."""

    rows: np.ndarray  # int64 (arrays, 4): address of the array, address of the starts', elements a world, their bytes
    over: np.ndarray  # int32 (B,) 1 where the world begins anew
    worlds: int  # B
    starts: int
    seeds: int  # by which the seed of a world grows with each start: a multiple of `starts`


def restore_way(path: str) -> Way:
    """Of the arrays of a Restore."""
    return Way.SHARED


def start_way(path: str) -> Way:
    """Of the arrays of a Model of which only what a start holds is wanted."""
    way = model_way(path)
    restored = path.split(".", 1)[0] in _GROUPS or path == "state_hash"
    return way if way is Way.WORLDS and restored and path not in _KEPT else Way.ABSENT


def _pointer(builder: Any, address: Any, bits: int) -> Any:
    return builder.inttoptr(address, ir.IntType(bits).as_pointer())


@intrinsic
def _copy_word(typing_context, target, source):
    """Copy the four bytes at address `source` to address `target`; both are multiples of four."""

    def generate(context, builder, signature, args):
        word = builder.load(_pointer(builder, args[1], 32), align=4)
        builder.store(word, _pointer(builder, args[0], 32), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def _copy_byte(typing_context, target, source):
    """Copy the byte at address `source` to address `target`."""

    def generate(context, builder, signature, args):
        byte = builder.load(_pointer(builder, args[1], 8), align=1)
        builder.store(byte, _pointer(builder, args[0], 8), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@kernel
def restore_thread(t, restore):
    """Copy one array of one world, if it begins anew; thread a * B + b is array a of world b."""
    b, a, rows = t % restore.worlds, t // restore.worlds, restore.rows
    if restore.over[b] == 0:
        return
    item, start = rows[a, _ITEM], b % restore.starts
    for e in range(rows[a, _ELEMENTS]):
        target = rows[a, _TO] + (e * restore.worlds + b) * item
        source = rows[a, _FROM] + (e * restore.starts + start) * item
        if item % _WORD == 0:
            for at in range(0, item, _WORD):
                _copy_word(target + at, source + at)
        else:
            for at in range(item):
                _copy_byte(target + at, source + at)


def make_restore(model: DevicePack, starts: DevicePack) -> Pack:
    """The table of all rows of a start.

    Args:
        model: the worlds. starts: the same arrays of the starts, left out where `start_way` says so.
    """
    rows, seen = [], set()
    for path, placed in starts.placed.items():
        wanted = start_way(path) is Way.WORLDS and model.placed[path].way is Way.WORLDS
        if wanted and placed.size and placed.address not in seen:
            seen.add(placed.address)
            elements = int(np.prod(placed.shape[1:], dtype=np.int64))
            rows.append((model.placed[path].address, placed.address, elements, placed.dtype.itemsize))
    seeds = -(-model.worlds // starts.worlds) * starts.worlds
    over = np.zeros(model.worlds, np.int32)
    return Pack(Restore(np.array(rows, np.int64), over, model.worlds, starts.worlds, seeds))


DEVICE_RESTORE = device_kind(
    Pack(Restore(np.zeros((1, 4), np.int64), np.zeros(1, np.int32), 1, 1, 1))._numba_type_, restore_way
)
