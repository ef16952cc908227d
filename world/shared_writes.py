"""Writes into what several threads of a CUDA device write at the same time: whole there, plain on the CPU.

On the CPU one thread has a world to itself. On a device the drivers or vehicles of a world may be different threads'.
"""

# Numba's internals are not typed.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.cpu import CPUContext
from numba.extending import intrinsic


def _place(context: Any, builder: Any, kind: Any, value: Any, index: list[Any]) -> Any:
    """Pointer to an element of an array."""
    array = context.make_array(kind)(context, builder, value)
    return cgutils.get_item_pointer(context, builder, kind, array, index, wraparound=False)


def _change(context: Any, builder: Any, operation: str, pointer: Any, value: Any) -> Any:
    """Combine what lies at a pointer with a value. Returns what lay there."""
    if not isinstance(context, CPUContext):
        return builder.atomic_rmw(operation, pointer, value, "monotonic")
    old = builder.load(pointer)
    builder.store(builder.or_(old, value) if operation == "or" else builder.add(old, value), pointer)
    return old


@intrinsic
def set_bits(typing_context: Any, array: Any, b: Any, i: Any, bits: Any) -> Any:
    """set_bits(array, b, i, bits): array[b, i] |= bits, of an array of whole numbers; (b, i) must lie in it."""

    def generate(context, builder, signature, args):
        kind = signature.args[0]
        index = [context.cast(builder, args[n], signature.args[n], types.intp) for n in (1, 2)]
        value = context.cast(builder, args[3], signature.args[3], kind.dtype)
        _change(context, builder, "or", _place(context, builder, kind, args[0], index), value)
        return context.get_dummy_value()

    return types.void(array, b, i, bits), generate


@intrinsic
def count_up(typing_context: Any, array: Any, b: Any) -> Any:
    """count_up(array, b): array[b] += 1, of an array of whole numbers; b must lie in it. Returns what it was before."""

    def generate(context, builder, signature, args):
        kind = signature.args[0]
        index = [context.cast(builder, args[1], signature.args[1], types.intp)]
        one = ir.Constant(context.get_data_type(kind.dtype), 1)
        old = _change(context, builder, "add", _place(context, builder, kind, args[0], index), one)
        return context.cast(builder, old, kind.dtype, types.int64)

    return types.int64(array, b), generate
