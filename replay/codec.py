"""Array bundles: named numpy arrays as bytes that compress well, and back, exactly.

A bundle is `<u4 length of the index> index json, payload`. The index maps a name to [dtype, shape, coding]; the payload
holds the arrays in that order. Every array is coded along axis 0 (time) and then split into byte planes (all lowest
bytes, then all second bytes, ...), which is what makes zstd effective on it. Codings, all on the raw integer bits:

- `plain`: as it is;
- `xor`: each row xor the row before (floats that repeat or change little);
- `diff`: each row minus the row before, zigzag (counters, changes of state);
- `diff2`: the difference of differences, zigzag (positions of things that move).
"""

import json
import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
CODINGS = ("plain", "xor", "diff", "diff2")
MAX_ARRAYS = 4096
MAX_BYTES = 1 << 27  # of a bundle's arrays together
MAX_INDEX = 1 << 20  # [bytes] of a bundle's index: parsed JSON takes twenty times its bytes


class RecordError(ValueError):
    """A record that cannot be read; names the file or part and the reason."""


def pack_arrays(arrays: Mapping[str, NDArray], codings: Mapping[str, str] | None = None) -> bytes:
    """A bundle of arrays. Args: codings: name -> coding; others are `plain`."""
    codings = codings or {}
    index, parts = {}, []
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        coding = codings.get(name, "plain")
        if str(array.dtype) not in DTYPES:
            raise ValueError(f"array {name!r} has dtype {array.dtype}; allowed: {', '.join(DTYPES)}")
        index[name] = [str(array.dtype), list(array.shape), coding]
        parts.append(_encode(array, coding))
    head = json.dumps(index, separators=(",", ":")).encode()
    return b"".join([struct.pack("<I", len(head)), head, *parts])


def unpack_arrays(data: bytes) -> dict[str, NDArray]:
    """The arrays of a bundle, new and writable.

    Raises:
        RecordError: the bytes are no bundle.
    """
    index, at = _read_index(data)
    out: dict[str, NDArray] = {}
    total = 0
    for name, entry in index.items():
        dtype, shape, coding = _checked_entry(name, entry)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        total += size
        if total > MAX_BYTES or at + size > len(data):
            raise RecordError(f"array {name!r} of {size} bytes does not fit in a bundle of {len(data)} bytes")
        out[name] = _decode(data[at : at + size], dtype, shape, coding)
        at += size
    if at != len(data):
        raise RecordError(f"array bundle has {len(data) - at} bytes too many")
    return out


def _read_index(data: bytes) -> tuple[dict, int]:
    if len(data) < 4:
        raise RecordError("array bundle is shorter than its head")
    (length,) = struct.unpack_from("<I", data)
    if length > MAX_INDEX:
        raise RecordError(f"array bundle has an index of {length} bytes; allowed: up to {MAX_INDEX}")
    try:
        index = json.loads(data[4 : 4 + length].decode())
    except (ValueError, RecursionError) as error:
        raise RecordError(f"array bundle has no readable index: {error}") from error
    if not isinstance(index, dict) or len(index) > MAX_ARRAYS or 4 + length > len(data):
        raise RecordError("array bundle has no usable index")
    return index, 4 + length


def _checked_entry(name: str, entry: object) -> tuple[np.dtype, tuple[int, ...], str]:
    if not (isinstance(entry, list) and len(entry) == 3 and entry[0] in DTYPES and entry[2] in CODINGS):
        raise RecordError(f"array {name!r} is described as {entry!r}; allowed: [dtype, shape, coding]")
    shape = entry[1]
    if not isinstance(shape, list) or len(shape) > 6 or any(type(n) is not int or not 0 <= n < 1 << 31 for n in shape):
        raise RecordError(f"array {name!r} has shape {shape!r}; allowed: up to 6 sizes")
    return np.dtype(entry[0]), tuple(shape), entry[2]


def _unsigned(dtype: np.dtype) -> np.dtype:
    return np.dtype(f"u{dtype.itemsize}")


def _encode(array: NDArray, coding: str) -> bytes:
    if coding not in CODINGS:
        raise ValueError(f"coding {coding!r} is unknown; allowed: {', '.join(CODINGS)}")
    bits = array.view(_unsigned(array.dtype)) if array.ndim else array.reshape(1).view(_unsigned(array.dtype))
    if coding == "xor":
        bits = np.concatenate((bits[:1], bits[1:] ^ bits[:-1]))
    for _ in range({"diff": 1, "diff2": 2}.get(coding, 0)):
        bits = np.concatenate((bits[:1], bits[1:] - bits[:-1]))
    if coding in ("diff", "diff2"):
        top = np.array(8 * bits.itemsize - 1, bits.dtype)
        one = np.array(1, bits.dtype)
        bits = (bits << one) ^ -(bits >> top)
    planes = np.ascontiguousarray(bits).reshape(-1, 1).view(np.uint8).T
    return np.ascontiguousarray(planes).tobytes()


def _decode(data: bytes, dtype: np.dtype, shape: tuple[int, ...], coding: str) -> NDArray:
    size = dtype.itemsize
    planes = np.frombuffer(data, np.uint8).reshape(size, -1)
    bits = np.ascontiguousarray(planes.T).reshape(-1).view(_unsigned(dtype)).reshape(shape)
    if coding in ("diff", "diff2"):
        one = np.array(1, bits.dtype)
        bits = (bits >> one) ^ np.negative(bits & one)
    if coding != "plain" and not shape:
        raise RecordError(f"a single number cannot have coding {coding!r}")
    if coding == "xor":
        bits = np.bitwise_xor.accumulate(bits, axis=0)
    for _ in range({"diff": 1, "diff2": 2}.get(coding, 0)):
        bits = np.cumsum(bits, axis=0, dtype=bits.dtype)
    if dtype == np.bool_:
        return bits != 0
    return np.ascontiguousarray(bits).view(dtype)
