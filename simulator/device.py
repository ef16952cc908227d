"""Packs in the memory of a device: uploaded once, repeated for many more worlds than the host has, read back by name.

`Device` is what a device must be able to do; `simulator.cuda_driver.CudaDevice` is one. A Pack takes two pieces of
its memory: one for all of its arrays, one for the blocks of words through which kernels find them (`world.pack`).
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numba import types
from numpy.typing import NDArray

from simulator.device_kinds import Way, Ways, device_kind
from world.pack import Pack, PackType

ALIGNMENT = 256  # [B] between arrays


class Device(Protocol):
    """Memory apart from the host's, and kernels by name. All sizes in bytes."""

    def reserve(self, size: int) -> int:
        """Address of new memory."""
        ...

    def release(self, address: int) -> None:
        """Give memory back."""
        ...

    def fill(self, address: int, size: int, value: int) -> None:
        """Set every byte."""
        ...

    def write(self, address: int, data: NDArray, rows: int, pitch: int) -> None:
        """Copy C-contiguous data: `rows` equal rows, `pitch` apart on the device."""
        ...

    def read(self, address: int, data: NDArray) -> None:
        """Copy to C-contiguous data, once all launches so far are done."""
        ...

    def spread(self, address: int, rows: int, width: int, pitch: int) -> None:
        """Repeat the first `width` of each row until the row, `pitch` long, is full."""
        ...

    def launch(self, name: str, threads: int, addresses: tuple[int, ...]) -> None:
        """Start the kernel of an entry, one thread for each of 0 .. threads - 1."""
        ...


class Placed(NamedTuple):
    """Where an array lies."""

    address: int
    shape: tuple[int, ...]  # on the device
    dtype: np.dtype
    way: Way

    @property
    def size(self) -> int:
        """[B]"""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def strides(self) -> list[int]:
        """[B] of each axis."""
        worlds_inside = self.way in (Way.WORLDS, Way.ABSENT)
        order = range(len(self.shape)) if worlds_inside else range(len(self.shape) - 1, -1, -1)
        out, step = [0] * len(self.shape), self.dtype.itemsize
        for axis in order:
            out[axis] = step
            step *= self.shape[axis]
        return out


def leaves(pack: Pack, path: str = "") -> Iterator[tuple[str, NDArray]]:
    """All arrays of a Pack, by path."""
    for name, _ in pack._numba_type_.fields:
        if name in pack.inner:
            yield from leaves(pack.inner[name], f"{path}{name}.")
        elif isinstance(value := getattr(pack, name), np.ndarray):
            yield path + name, value


class DevicePack:
    """A Pack's copy on a device.

    Attributes: `kind`, the type that kernels read it by; `address`, for launches; `placed`, of each array by path;
    `size`, bytes of its arrays; `shared_size`, those of them that all worlds share.

    Args:
        pack: on the host, of `host_worlds` worlds.
        ways: of its arrays.
        worlds: on the device: world w begins as a copy of the host's world w % host_worlds.

    Raises:
        ValueError: fewer worlds than the host has, or no multiple of them where an array is flat.
    """

    def __init__(self, device: Device, pack: Pack, ways: Ways, host_worlds: int, worlds: int):
        if worlds < host_worlds:
            raise ValueError(f"DevicePack: worlds is {worlds}, allowed is {host_worlds}, the host's number, or more")
        self.device, self.host_worlds, self.worlds = device, host_worlds, worlds
        self.kind = device_kind(pack._numba_type_, ways)
        arrays, first = dict(leaves(pack)), {}
        self.placed: dict[str, Placed] = {}
        self.size = self.shared_size = 0
        for path, array in arrays.items():
            same = first.setdefault((array.ctypes.data, array.nbytes), path)  # seen by another type, as Bits are
            if same != path and array.size and self.placed[same].way is not Way.ABSENT:
                self.placed[path] = self.placed[same]._replace(dtype=array.dtype)
            else:
                self.placed[path] = self._measure(path, array, ways(path))
        self._arena = device.reserve(max(self.size, 1))
        for path, placed in self.placed.items():
            if placed.way is not Way.ABSENT:
                self.placed[path] = placed._replace(address=self._arena + placed.address)
        for path in set(first.values()):
            self._upload(self.placed[path], arrays[path])
        self._blocks, self.address = self._write_blocks(pack)

    def _measure(self, path: str, array: NDArray, way: Way) -> Placed:
        """Shape and place, counted from the beginning of the arrays."""
        shape = array.shape
        if way is Way.ROWS:
            if self.worlds % self.host_worlds:
                raise ValueError(
                    f"DevicePack: worlds is {self.worlds}, allowed are multiples of {self.host_worlds}, the host's "
                    f"number, where arrays are flat as {path} is"
                )
            shape = (shape[0] * (self.worlds // self.host_worlds), *shape[1:])
        elif way is Way.WORLDS and shape[0] != self.host_worlds:
            raise ValueError(f"DevicePack: {path} has {shape[0]} rows, expected {self.host_worlds}, one a world")
        elif way is Way.WORLDS or (way is Way.ABSENT and shape[:1] == (self.host_worlds,)):
            shape = (self.worlds, *shape[1:])
        placed = Placed(0, shape, array.dtype, way)
        if way is Way.ABSENT:
            return placed
        placed = placed._replace(address=self.size)
        padded = -(-placed.size // ALIGNMENT) * ALIGNMENT
        self.size += padded
        self.shared_size += padded if way is Way.SHARED else 0
        return placed

    def _upload(self, placed: Placed, array: NDArray) -> None:
        if placed.way is Way.ABSENT or not array.size:
            return
        item = array.dtype.itemsize
        if placed.way is Way.WORLDS:
            rows, width, pitch = array.size // len(array), len(array) * item, self.worlds * item
            array = np.ascontiguousarray(array.T)
        else:
            rows, width, pitch = 1, array.nbytes, placed.size
        self.device.write(placed.address, array, rows, pitch)
        if width < pitch:
            self.device.spread(placed.address, rows, width, pitch)

    def _write_blocks(self, pack: Pack) -> tuple[int, int]:
        """Address of all blocks, and that of the outermost."""
        blocks: list[NDArray[np.uint64]] = []
        base = self.device.reserve(8 * _count_words(self.kind))
        last = self._block(pack, self.kind, "", base, blocks)
        words = np.concatenate(blocks)
        self.device.write(base, words, 1, words.nbytes)
        return base, last

    def _block(self, pack: Pack, kind: PackType, path: str, base: int, blocks: list) -> int:
        """Append the block of a Pack after those of its inner ones. Returns its address."""
        words = pack.words
        for name, (at, own, shape_at) in kind.where.items():
            if isinstance(own, PackType):
                words[at] = self._block(pack.inner[name], own, f"{path}{name}.", base, blocks)
            elif isinstance(own, types.Array):
                placed, axes = self.placed[path + name], own.ndim
                count = int(np.prod(placed.shape, dtype=np.int64))
                words[at : at + 5] = 0, 0, count, placed.dtype.itemsize, placed.address
                words[shape_at : shape_at + axes] = placed.shape
                words[at + 5 + axes : at + 5 + 2 * axes] = placed.strides
        address = base + 8 * sum(map(len, blocks))
        blocks.append(words)
        return address

    def read(self, path: str) -> NDArray:
        """A copy of an array, (B, ...) as on the host.

        Raises:
            KeyError: no array of that path. ValueError: it was left out.
        """
        placed = self.placed[path]
        if placed.way is Way.ABSENT:
            raise ValueError(f"DevicePack: {path} was left out")
        if placed.way is not Way.WORLDS:
            out = np.empty(placed.shape, placed.dtype)
            self.device.read(placed.address, out)
            return out
        out = np.empty(placed.shape[::-1], placed.dtype)
        self.device.read(placed.address, out)
        return out.T

    def write(self, path: str, value: NDArray) -> None:
        """Overwrite an array. Args: value: (B, ...) of its type and shape. Raises ValueError: it is of another."""
        placed = self.placed[path]
        if value.shape != placed.shape or value.dtype != placed.dtype or placed.way is Way.ABSENT:
            raise ValueError(
                f"DevicePack: {path} got {value.dtype} {value.shape}, expected {placed.dtype} {placed.shape}"
                + (", which was left out" if placed.way is Way.ABSENT else "")
            )
        data = np.ascontiguousarray(value.T if placed.way is Way.WORLDS else value)
        self.device.write(placed.address, data, 1, data.nbytes)

    def close(self) -> None:
        """Give the memory back."""
        for address in (self._arena, self._blocks):
            self.device.release(address)


def _count_words(kind: PackType) -> int:
    return kind.words + sum(_count_words(own) for _, own in kind.fields if isinstance(own, PackType))
