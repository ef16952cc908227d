"""Prefetching: let a kernel ask for memory that it will need a few bodies later.

With thousands of vehicles the state of a world is larger than the near caches, and a vehicle's leader and lane lie
anywhere in it. A hint changes no result. On a CUDA device, which hides latency by itself, it is left out.
"""

# Numba's internals are not typed.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.cpu import CPUContext
from numba.extending import intrinsic


def _ask(context: Any, builder: Any, kind: Any, value: Any, index: list[Any], offset: int) -> None:
    """llvm.prefetch of the element of an array, `offset` bytes on: to be read, soon, into the nearest cache."""
    if not isinstance(context, CPUContext):
        return
    array = context.make_array(kind)(context, builder, value)
    pointer = cgutils.get_item_pointer(context, builder, kind, array, index, wraparound=False)
    byte = ir.IntType(8).as_pointer()
    address = builder.gep(builder.bitcast(pointer, byte), [ir.Constant(ir.IntType(64), offset)])
    i32 = ir.IntType(32)
    hint = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [byte, i32, i32, i32]), "llvm.prefetch.p0"
    )
    builder.call(hint, [address, ir.Constant(i32, 0), ir.Constant(i32, 3), ir.Constant(i32, 1)])


@intrinsic
def prefetch(typing_context: Any, array: Any, i: Any) -> Any:
    """prefetch(array, i): ask for array[i]; i must be a place in the array."""

    def generate(context, builder, signature, args):
        index = context.cast(builder, args[1], signature.args[1], types.intp)
        _ask(context, builder, signature.args[0], args[0], [index], 0)
        return context.get_dummy_value()

    return types.void(array, i), generate


@intrinsic
def prefetch_slot(typing_context: Any, array: Any, b: Any, i: Any, offset: Any) -> Any:
    """prefetch_slot(array, b, i, offset): ask for array[b, i], `offset` bytes (a literal) on; (b, i) must lie in it."""
    if not isinstance(offset, types.IntegerLiteral):
        return None
    at = offset.literal_value

    def generate(context, builder, signature, args):
        index = [context.cast(builder, args[n], signature.args[n], types.intp) for n in (1, 2)]
        _ask(context, builder, signature.args[0], args[0], index, at)
        return context.get_dummy_value()

    return types.void(array, b, i, offset), generate


@intrinsic
def prefetch_entry(typing_context: Any, array: Any, b: Any, k: Any, i: Any) -> Any:
    """prefetch_entry(array, b, k, i): ask for array[b, k, i]; (b, k) must lie in it, i may lie beyond."""

    def generate(context, builder, signature, args):
        index = [context.cast(builder, args[n], signature.args[n], types.intp) for n in (1, 2, 3)]
        _ask(context, builder, signature.args[0], args[0], index, 0)
        return context.get_dummy_value()

    return types.void(array, b, k, i), generate
