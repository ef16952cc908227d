"""Pack: a NamedTuple of arrays that kernels take as one pointer.

Numba passes a tuple of arrays to every callee as some nine numbers an array. With the hundreds of arrays of an engine
that makes compilation take minutes and each call from Python some hundred microseconds. A Pack lays the array headers
out in memory once and passes their address; inside a kernel `pack.x` reads the header. Kernels that use attributes only
(`slots.x[b, i]`) take either.

A tuple whose class says `SAME_SHAPE = True` promises that its arrays of as many axes have one shape: kernels then read
it once and compute an index once for all of them. `SAME_SHAPE = ("event_", ...)` promises it of the fields that begin
with each of these words, and of all others.

The headers of a Pack never change: growing an array takes a new Pack.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, intrinsic, unbox

_SCALARS = {"int": types.int64, "float": types.float64, "float32": types.float32, "bool": types.boolean}


SameShape = bool | tuple[str, ...]


def _group(name: str, same_shape: SameShape) -> str:
    """Which of the fields have one shape: the word that the field's name begins with, else all that begin with none."""
    words = same_shape if isinstance(same_shape, tuple) else ()
    return next((word for word in words if name.startswith(word)), "")


class PackType(types.Type):
    """Numba's type of a Pack: names and types of its fields, and where their words lie."""

    def __init__(self, label: str, fields: tuple[tuple[str, types.Type], ...], same_shape: SameShape = False):
        self.label, self.fields, self.same_shape = label, fields, same_shape
        self.where: dict[str, tuple[int, types.Type, int]] = {}  # place, type, place of the shape
        at = 0
        shapes: dict[tuple[str, int], int] = {}  # by group and number of axes
        for name, kind in fields:
            shape = at + 5
            if same_shape is not False and isinstance(kind, types.Array):
                shape = shapes.setdefault((_group(name, same_shape), kind.ndim), shape)
            self.where[name] = (at, kind, shape)
            at += 5 + 2 * kind.ndim if isinstance(kind, types.Array) else 1
        self.words = at
        # A short name, since it goes into the symbols of all functions that take the Pack
        told = ", ".join(f"{n}: {k}" for n, k in fields) + (
            f" same shape {same_shape}" if same_shape is not False else ""
        )
        digest = hashlib.sha256(told.encode()).hexdigest()[:16]
        super().__init__(name=f"Pack[{label}:{digest}]")


class Pack:
    """A NamedTuple of C-contiguous arrays, numbers and other tuples or Packs, laid out for kernels.

    Attributes of the tuple are attributes of the Pack; `address` is what an entry point takes, `inner` are the Packs of
    its fields that are tuples.
    """

    def __init__(self, fields: NamedTuple):
        self._fields_tuple = fields
        self.inner: dict[str, Pack] = {}  # the fields that are tuples
        kinds: list[tuple[str, types.Type]] = []
        words: list[int] = []
        for name, value in zip(fields._fields, fields, strict=True):
            kind, own = self._lay_out(name, value)
            kinds.append((name, kind))
            words += own
        same: SameShape = getattr(type(fields), "SAME_SHAPE", False)
        if same is not False:
            self._check_shapes(same)
        self._numba_type_ = PackType(type(fields).__name__, tuple(kinds), same)
        self._block = np.array(words, np.uint64)
        self.address = int(self._block.ctypes.data)

    def _check_shapes(self, same: SameShape) -> None:
        """Raises ValueError where arrays that are said to have the same shape have not."""
        seen: dict[tuple[str, int], tuple[str, tuple[int, ...]]] = {}
        for name, value in zip(self._fields_tuple._fields, self._fields_tuple, strict=True):
            if isinstance(value, np.ndarray):
                first, shape = seen.setdefault((_group(name, same), value.ndim), (name, value.shape))
                if shape != value.shape:
                    raise ValueError(
                        f"Pack: field {name} has shape {value.shape}, {first} has {shape}; expected the same"
                    )

    def _lay_out(self, name: str, value: Any) -> tuple[types.Type, list[int]]:
        """Type and words of one field."""
        if isinstance(value, np.ndarray):
            if not value.flags.c_contiguous:
                raise ValueError(f"Pack: field {name} is not C-contiguous")
            header = [0, 0, value.size, value.itemsize, value.ctypes.data]
            return typeof(value), header + list(value.shape) + list(value.strides)
        if isinstance(value, Pack) or hasattr(value, "_fields"):
            inner = value if isinstance(value, Pack) else Pack(value)
            self.inner[name] = inner
            return inner._numba_type_, [inner.address]
        kind = _SCALARS.get(type(value).__name__)
        if kind is None:
            raise ValueError(f"Pack: field {name} is a {type(value).__name__}; allowed are arrays, numbers and tuples")
        bits = np.zeros(1, np.uint64)
        bits.view(np.dtype(str(kind)) if kind != types.boolean else np.uint8)[0] = value
        return kind, [int(bits[0])]

    @property
    def words(self) -> np.ndarray:
        """uint64: a copy of the block that kernels read, see PackType.where."""
        return self._block.copy()

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("_fields_tuple")
        if fields is None:
            raise AttributeError(name)
        return getattr(fields, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            "an engine, and an environment over one, cannot be pickled or copied: its kernels hold addresses of its "
            "arrays; make another with the same config, or use Engine.store"
        )


@register_default(PackType)
class _PackModel(models.OpaqueModel):
    """A pointer."""


@infer_getattr
class _PackAttributes(AttributeTemplate):
    key = PackType

    def generic_resolve(self, typ: PackType, attr: str) -> types.Type | None:
        found = typ.where.get(attr)
        return None if found is None else found[1]


def _word(builder: Any, base: Any, index: int, kind: Any) -> Any:
    """The word `index` of a block as LLVM type `kind`, loaded as something that never changes."""
    pointer = builder.gep(builder.bitcast(base, ir.IntType(64).as_pointer()), [ir.Constant(ir.IntType(64), index)])
    value = builder.load(builder.bitcast(pointer, kind.as_pointer()))
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value


@lower_getattr_generic(PackType)
def _read_field(context: Any, builder: Any, typ: PackType, value: Any, attr: str) -> Any:
    at, kind, shape_at = typ.where[attr]
    if not isinstance(kind, types.Array):
        if isinstance(kind, types.Boolean):
            return builder.trunc(_word(builder, value, at, ir.IntType(8)), ir.IntType(1))
        return _word(builder, value, at, context.get_value_type(kind))
    int64 = ir.IntType(64)
    header = cgutils.create_struct_proxy(kind)(context, builder)
    header.meminfo = ir.Constant(header.meminfo.type, None)
    header.parent = ir.Constant(header.parent.type, None)
    header.nitems = _word(builder, value, at + 2, int64)
    header.itemsize = _word(builder, value, at + 3, int64)
    header.data = _word(builder, value, at + 4, header.data.type)
    shape = [_word(builder, value, shape_at + n, int64) for n in range(kind.ndim)]
    strides = [_word(builder, value, at + 5 + kind.ndim + n, int64) for n in range(kind.ndim)]
    header.shape = cgutils.pack_array(builder, shape, ty=int64)
    header.strides = cgutils.pack_array(builder, strides, ty=int64)
    return header._getvalue()


@unbox(PackType)
def _unbox_pack(typ: PackType, obj: Any, c: Any) -> NativeValue:
    number = c.pyapi.object_getattr_string(obj, "address")
    address = c.pyapi.long_as_longlong(number)
    c.pyapi.decref(number)
    failed = cgutils.is_not_null(c.builder, c.pyapi.err_occurred())
    return NativeValue(c.builder.inttoptr(address, cgutils.voidptr_t), is_error=failed)


def pack_reader(kind: PackType) -> Any:
    """A function for kernels: address (int64) -> the Pack of this type that lies there."""

    @intrinsic
    def read(typing_context, address):
        def generate(context, builder, signature, args):
            return builder.inttoptr(args[0], cgutils.voidptr_t)

        return kind(types.int64), generate

    return read
