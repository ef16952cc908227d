"""A device for tests that is the host: its memory is NumPy's, its kernels the device's own, compiled for the CPU."""

import time

import numpy as np
from numba import njit

from simulator.cuda_entries import Entry
from world.pack import pack_reader


class HostDevice:
    """Runs entries thread after thread, the last first: on a device they run in any order. Poisons new memory."""

    def __init__(self, entries: dict[str, Entry]):
        self._entries, self._memory, self._functions = entries, {}, {}
        self.blocks = dict.fromkeys(entries, 64)

    def reserve(self, size: int) -> int:
        memory = np.full(size + 512, 0xA5, np.uint8)
        address = -(-memory.ctypes.data // 256) * 256
        self._memory[address] = memory
        return address

    def release(self, address: int) -> None:
        del self._memory[address]

    def _view(self, address: int, size: int) -> np.ndarray:
        for first, memory in self._memory.items():
            at = address - memory.ctypes.data
            if 0 <= at and at + size <= len(memory):
                assert address >= first
                return memory[at : at + size]
        raise AssertionError(f"no memory at {address}")

    def fill(self, address: int, size: int, value: int) -> None:
        self._view(address, size)[:] = value

    def write(self, address: int, data: np.ndarray, rows: int, pitch: int) -> None:
        assert data.flags.c_contiguous
        flat = data.reshape(-1).view(np.uint8).reshape(rows, -1)
        for n, row in enumerate(flat):
            self._view(address + n * pitch, len(row))[:] = row

    def read(self, address: int, data: np.ndarray) -> None:
        data.reshape(-1).view(np.uint8)[:] = self._view(address, data.nbytes)

    def spread(self, address: int, rows: int, width: int, pitch: int) -> None:
        for n in range(rows):
            row = self._view(address + n * pitch, pitch)
            row[:] = np.resize(row[:width].copy(), pitch)

    def launch(self, name: str, threads: int, addresses: tuple[int, ...]) -> None:
        self._compiled(name)(threads, *addresses)

    def wait(self) -> None:
        """All is done when a launch returns."""

    def mark(self) -> float:
        return time.perf_counter()

    def between(self, first: float, last: float) -> float:
        return last - first

    def _compiled(self, name: str):
        if name not in self._functions:
            entry = self._entries[name]
            assert len(entry.packs) in (1, 2, 3)
            self._functions[name] = _loop(entry.body, [pack_reader(kind) for kind in entry.packs])
        return self._functions[name]


def _loop(body, readers):
    one, two, three = (*readers, *readers[:1] * 2)[:3]
    options = {"error_model": "numpy", "_nrt": False}

    @njit(**options)
    def threads_1(count, a):
        for t in range(count - 1, -1, -1):
            body(t, one(a))

    @njit(**options)
    def threads_2(count, a, b):
        for t in range(count - 1, -1, -1):
            body(t, one(a), two(b))

    @njit(**options)
    def threads_3(count, a, b, c):
        for t in range(count - 1, -1, -1):
            body(t, one(a), two(b), three(c))

    return (threads_1, threads_2, threads_3)[len(readers) - 1]
