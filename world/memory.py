"""Copies of blocks of memory by address, for what is copied too often to be told to NumPy array by array."""

# Numba's internals are not typed.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from world.kernel import kernel


@intrinsic
def copy_bytes(typing_context: Any, target: Any, source: Any, count: Any) -> Any:
    """copy_bytes(target, source, count): `count` bytes to address `target`; the two do not overlap."""

    def generate(context, builder, signature, args):
        byte = ir.IntType(8).as_pointer()
        target, source = (builder.inttoptr(a, byte) for a in args[:2])
        cgutils.raw_memcpy(builder, target, source, args[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@kernel
def put_rows(blocks, row, source):
    """Write row `row` of all blocks from one piece of memory at address `source`.

    Args:
        blocks: (n, 2) int64 address of each block's first row, and bytes of a row.
    """
    for i in range(blocks.shape[0]):
        size = blocks[i, 1]
        copy_bytes(blocks[i, 0] + row * size, source, size)
        source += size


@kernel
def take_rows(blocks, row, target):
    """The inverse of `put_rows`: gather row `row` of all blocks at address `target`."""
    for i in range(blocks.shape[0]):
        size = blocks[i, 1]
        copy_bytes(target, blocks[i, 0] + row * size, size)
        target += size


@kernel
def put_parts(blocks, row, used, source):
    """Write the used parts of row `row` of all blocks from one piece of memory at address `source`.

    Args:
        blocks: (n, 4) int64 address of each block's first row, bytes to the next, bytes of an entry, column of `used`.
        used: (columns,) int64 entries that are used.
    """
    for i in range(blocks.shape[0]):
        size = blocks[i, 2] * used[blocks[i, 3]]
        copy_bytes(blocks[i, 0] + row * blocks[i, 1], source, size)
        source += size


@kernel
def take_parts(blocks, row, used, target):
    """The inverse of `put_parts`."""
    for i in range(blocks.shape[0]):
        size = blocks[i, 2] * used[blocks[i, 3]]
        copy_bytes(target, blocks[i, 0] + row * blocks[i, 1], size)
        target += size


def address_of(array: np.ndarray) -> int:
    """Address of a C-contiguous array's first byte. Raises TypeError: it does not lie in one piece."""
    if not array.flags.c_contiguous:
        raise TypeError(f"an array that is copied by address must lie in one piece, got strides {array.strides}")
    return int(array.ctypes.data)
