"""Rows of the `rich` observation: from 32-byte table rows into an ego frame, eight at a time, and one at a time.

A table row is (x, y, a, b, cos, sin, e, -) in float32; what is written of it, without gaps, are the seven numbers

    ((x - px) c + (y - py) s) scale, ((y - py) c - (x - px) s) scale, a, b, cos c + sin s, sin c - cos s, e

of an observer at (px, py) whose heading has cosine c and sine s. `write_8_rows` loads each row as one vector of eight
floats, so that the two rotations are a swap within pairs, two products and a sum; seven vectors then hold the 56
numbers without gaps. `write_row` does the same sums in the same order in plain code, for other devices and for tests.
"""

# Numba's internals are not typed.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportPrivateImportUsage=false

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from world.kernel import inline_kernel

RICH_COLUMNS = 7
_WIDE, _ROW_BYTES = 8, 32
_FLOAT, _INT32, _INT64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_FLOAT, _WIDE)
_ONE, _ZERO = np.float32(1.0), np.float32(0.0)


@intrinsic
def data_address(typing_context, array):
    """Address (int64) of an array's first element."""

    def generate(context, builder, signature, args):
        header = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.ptrtoint(header.data, _INT64)

    return types.int64(array), generate


def _prefetch(builder: Any, address: Any, write: int) -> None:
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, _INT32, _INT32, _INT32])
    function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
    builder.call(function, [builder.inttoptr(address, byte), _INT32(write), _INT32(3), _INT32(1)])


@intrinsic
def prefetch(typing_context, address):
    """Ask for the cache line at an address (int64), which is about to be read."""

    def generate(context, builder, signature, args):
        _prefetch(builder, args[0], 0)
        return context.get_dummy_value()

    return types.void(types.int64), generate


def _constant(values: list[int]) -> Any:
    """Vector of int32."""
    return ir.Constant(ir.VectorType(_INT32, len(values)), values)


def _spread(builder: Any, lanes: list[Any]) -> Any:
    """Vector of eight scalars."""
    vector = ir.Constant(_VECTOR, ir.Undefined)
    for n, lane in enumerate(lanes):
        vector = builder.insert_element(vector, lane, _INT32(n))
    return vector


def _load_rows(builder: Any, rows: Any, ids: Any) -> list[Any]:
    """Eight table rows: those of the uint16 numbers at address `ids`, in the table at address `rows`."""
    short = ir.IntType(16)
    out = []
    for n in range(_WIDE):
        place = builder.inttoptr(builder.add(ids, _INT64(2 * n)), short.as_pointer())
        number = builder.zext(builder.load(place, align=2), _INT64)
        row = builder.add(rows, builder.mul(number, _INT64(_ROW_BYTES)))
        out.append(builder.load(builder.inttoptr(row, _VECTOR.as_pointer()), align=4))
    return out


def _turn_rows(builder: Any, rows: list[Any], observer: list[Any]) -> list[Any]:
    """The rows in the frame of an observer (x, y, c, s, scale)."""
    x, y, c, s, scale = observer
    zero, one = _FLOAT(0.0), _FLOAT(1.0)
    place = _spread(builder, [x, y] + [zero] * 6)
    cs, ss = builder.fmul(c, scale), builder.fmul(s, scale)
    back_s, back_ss = builder.fneg(s), builder.fneg(ss)
    own = _spread(builder, [cs, cs, one, one, c, c, one, zero])
    other = _spread(builder, [ss, back_ss, zero, zero, s, back_s, zero, zero])
    pairs = _constant([1, 0, 3, 2, 5, 4, 7, 6])
    out = []
    for row in rows:
        seen = builder.fsub(row, place)
        swapped = builder.shuffle_vector(seen, seen, pairs)
        out.append(builder.fadd(builder.fmul(seen, own), builder.fmul(swapped, other)))
    return out


def _store_rows(builder: Any, rows: list[Any], out: Any, count: Any = None) -> None:
    """Seven numbers of each of eight rows, without gaps, at address `out`; zeros from row `count` on."""
    columns, nothing = RICH_COLUMNS, ir.Constant(_VECTOR, [_FLOAT(0.0)] * _WIDE)
    for n in range(columns):
        flat = [_WIDE * n + e for e in range(_WIDE)]
        lanes = _constant([(f // columns - n) * _WIDE + f % columns for f in flat])
        packed = builder.shuffle_vector(rows[n], rows[n + 1], lanes)
        if count is not None:
            end = builder.trunc(builder.mul(count, _INT64(columns)), _INT32)
            ends = builder.insert_element(ir.Constant(ir.VectorType(_INT32, _WIDE), ir.Undefined), end, _INT32(0))
            ends = builder.shuffle_vector(ends, ends, _constant([0] * _WIDE))
            packed = builder.select(builder.icmp_signed("<", _constant(flat), ends), packed, nothing)
        place = builder.inttoptr(builder.add(out, _INT64(4 * _WIDE * n)), _VECTOR.as_pointer())
        builder.store(packed, place, align=4)


@intrinsic
def write_8_rows(typing_context, rows, ids, out, x, y, c, s, scale):
    """Write the table rows of eight uint16 numbers.

    Args:
        rows, ids, out: addresses (int64) of the table, of the numbers and of where 56 float32 go.
        x, y, c, s, scale: float32 of the observer.
    """

    def generate(context, builder, signature, args):
        _store_rows(builder, _turn_rows(builder, _load_rows(builder, args[0], args[1]), args[3:]), args[2])
        return context.get_dummy_value()

    real = types.float32
    return types.void(types.int64, types.int64, types.int64, real, real, real, real, real), generate


@intrinsic
def write_last_rows(typing_context, rows, ids, out, count, x, y, c, s, scale):
    """As `write_8_rows`, with zeros in place of the rows from `count` (int64) on; all eight numbers are of rows."""

    def generate(context, builder, signature, args):
        turned = _turn_rows(builder, _load_rows(builder, args[0], args[1]), args[4:])
        _store_rows(builder, turned, args[2], args[3])
        return context.get_dummy_value()

    real = types.float32
    return types.void(types.int64, types.int64, types.int64, types.int64, real, real, real, real, real), generate


@inline_kernel
def write_rows(rows, ids, out, count, x, y, c, s, scale):
    """Write `count` rows, and zeros up to the next multiple of eight; arguments as of `write_last_rows`."""
    full = count >> 3
    for _ in range(full):
        write_8_rows(rows, ids, out, x, y, c, s, scale)
        ids += 16
        out += 224
    if count & 7:
        write_last_rows(rows, ids, out, count & 7, x, y, c, s, scale)


@inline_kernel
def turn_row(x, y, cos, sin, px, py, c, s, scale):
    """(x, y, cos, sin) of a table row in the frame of an observer, all float32: the sums of `write_8_rows`."""
    dx, dy = x - px, y - py
    cs, ss = c * scale, s * scale
    return dx * cs + dy * ss, dy * cs - dx * ss, cos * c + sin * s, sin * c - cos * s
