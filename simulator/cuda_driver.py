"""NVIDIA's driver, as far as Tarmac takes it: memory, modules, launches, events. Through ctypes, nothing to install.

Source: NVIDIA, CUDA Driver API reference, version 13.0; the numbers are those of its cuda.h.
"""

import ctypes
from collections.abc import Mapping
from ctypes import byref, c_char_p, c_float, c_int, c_size_t, c_uint, c_uint64, c_void_p
from typing import Any, NamedTuple

from numpy.typing import NDArray

_LIBRARIES = ("libcuda.so.1", "libcuda.so", "nvcuda.dll")
_HOST, _DEVICE = 1, 2  # CUmemorytype
_LOCAL_SIZE, _REGISTERS = 3, 4  # CUfunction_attribute
_PREFER_L1, _STACK_LIMIT = 2, 0  # CUfunc_cache, CUlimit
_ERROR_LOG, _ERROR_LOG_SIZE = 5, 6  # CUjit_option
_PROCESSORS, _MAJOR, _MINOR = 16, 75, 76  # CUdevice_attribute
BLOCK = 64  # threads of a block, until told otherwise
_LEAST_STACK = 1024  # [B] the driver's own


class CudaError(RuntimeError):
    """No device, or a call of the driver that failed, with its name and why."""


class _Copy2D(ctypes.Structure):
    """CUDA_MEMCPY2D."""

    _fields_ = [
        ("src_x", c_size_t), ("src_y", c_size_t), ("src_kind", c_int), ("src_host", c_void_p), ("src", c_uint64),
        ("src_array", c_void_p), ("src_pitch", c_size_t),
        ("dst_x", c_size_t), ("dst_y", c_size_t), ("dst_kind", c_int), ("dst_host", c_void_p), ("dst", c_uint64),
        ("dst_array", c_void_p), ("dst_pitch", c_size_t),
        ("width", c_size_t), ("height", c_size_t),
    ]  # fmt: skip


class Image(NamedTuple):
    """A compiled kernel."""

    name: str  # of its entry in the code
    code: bytes  # machine code (cubin), or PTX text
    stack: int  # [B] of local memory a thread, 0: unknown


class Taken(NamedTuple):
    """What a kernel takes on the device."""

    registers: int  # a thread
    local: int  # [B] a thread
    blocks: int  # of BLOCK threads that fit on a multiprocessor at a time


def _library() -> Any:
    """Raises CudaError: there is no driver."""
    for name in _LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise CudaError(f"no NVIDIA driver: none of {', '.join(_LIBRARIES)} can be loaded")


class Driver:
    """Checked calls of the driver."""

    def __init__(self) -> None:
        self._library = _library()
        self.call("cuInit", 0)

    def call(self, name: str, *args: Any) -> None:
        """Raises CudaError: it did not answer 0."""
        status = getattr(self._library, name)(*args)
        if status:
            told, why = c_char_p(), c_char_p()
            self._library.cuGetErrorName(status, byref(told))
            self._library.cuGetErrorString(status, byref(why))
            text = [(t.value or b"?").decode() for t in (told, why)]
            raise CudaError(f"{name}: {text[0]} ({status}): {text[1]}")

    def number(self, name: str, *args: Any) -> int:
        """The int that a call writes first."""
        out = c_int()
        self.call(name, byref(out), *args)
        return out.value


def find_device(driver: Driver | None = None) -> tuple[str, tuple[int, int]]:
    """Name and compute capability of the first device; nothing is taken of it.

    Raises:
        CudaError: no driver or no device.
    """
    driver = driver or Driver()
    if driver.number("cuDeviceGetCount") < 1:
        raise CudaError("the NVIDIA driver sees no device")
    device = driver.number("cuDeviceGet", 0)
    text = ctypes.create_string_buffer(128)
    driver.call("cuDeviceGetName", text, 128, device)
    major, minor = (driver.number("cuDeviceGetAttribute", a, device) for a in (_MAJOR, _MINOR))
    return text.value.decode(), (major, minor)


class CudaDevice:
    """The first CUDA device that this process sees, in its primary context; a `simulator.device.Device`.

    Attributes: `name`; `capability`, (major, minor); `processors`; `blocks`, threads of a block of each
    kernel.

    Raises:
        CudaError: no driver or no device.
    """

    def __init__(self) -> None:
        self.driver = Driver()
        self.blocks: dict[str, int] = {}
        call = self.driver.call
        self.name, self.capability = find_device(self.driver)
        device = self.driver.number("cuDeviceGet", 0)
        self.processors = self.driver.number("cuDeviceGetAttribute", _PROCESSORS, device)
        context = c_void_p()
        call("cuDevicePrimaryCtxRetain", byref(context), device)
        call("cuCtxSetCurrent", context)
        self._functions: dict[str, c_void_p] = {}
        self._arguments: dict[tuple, Any] = {}
        self._stack = _LEAST_STACK

    # --- Memory -------------------------------------------------------------------------------------------------

    def memory(self) -> tuple[int, int]:
        """(free, total) [B]."""
        free, total = c_size_t(), c_size_t()
        self.driver.call("cuMemGetInfo_v2", byref(free), byref(total))
        return free.value, total.value

    def reserve(self, size: int) -> int:
        """Address of new memory. Raises CudaError: there is not so much, saying how much."""
        free, total = self.memory()
        if size > free:
            raise CudaError(f"{size / 2**30:.2f} GiB of device memory asked for, {free / 2**30:.2f} of "
                            f"{total / 2**30:.2f} GiB are free")  # fmt: skip
        address = c_uint64()
        self.driver.call("cuMemAlloc_v2", byref(address), c_size_t(size))
        return address.value

    def release(self, address: int) -> None:
        """Give memory back."""
        self.driver.call("cuMemFree_v2", c_uint64(address))

    def fill(self, address: int, size: int, value: int) -> None:
        """Set every byte."""
        self.driver.call("cuMemsetD8_v2", c_uint64(address), ctypes.c_ubyte(value), c_size_t(size))

    def write(self, address: int, data: NDArray, rows: int, pitch: int) -> None:
        """Copy C-contiguous data: `rows` equal rows, `pitch` [B] apart on the device."""
        width = data.nbytes // rows
        if width == pitch or rows == 1:
            self.driver.call("cuMemcpyHtoD_v2", c_uint64(address), c_void_p(data.ctypes.data), c_size_t(data.nbytes))
            return
        copy = _Copy2D(
            src_kind=_HOST, src_host=data.ctypes.data, src_pitch=width, dst_kind=_DEVICE, dst=address,
            dst_pitch=pitch, width=width, height=rows,
        )  # fmt: skip
        self.driver.call("cuMemcpy2DUnaligned_v2", byref(copy))

    def read(self, address: int, data: NDArray) -> None:
        """Copy to C-contiguous data, once all launches so far are done."""
        self.driver.call("cuMemcpyDtoH_v2", c_void_p(data.ctypes.data), c_uint64(address), c_size_t(data.nbytes))

    def spread(self, address: int, rows: int, width: int, pitch: int) -> None:
        """Repeat the first `width` [B] of each row until the row, `pitch` [B] long, is full."""
        have = width
        while have < pitch:
            more = min(have, pitch - have)
            if rows == 1:
                self.driver.call("cuMemcpyDtoD_v2", c_uint64(address + have), c_uint64(address), c_size_t(more))
            else:
                copy = _Copy2D(
                    src_kind=_DEVICE, src=address, src_pitch=pitch, dst_kind=_DEVICE, dst=address + have,
                    dst_pitch=pitch, width=more, height=rows,
                )  # fmt: skip
                self.driver.call("cuMemcpy2DUnaligned_v2", byref(copy))
            have += more

    # --- Kernels ------------------------------------------------------------------------------------------------

    def load(self, images: Mapping[str, Image]) -> dict[str, Taken]:
        """Make kernels known by the names of their entries. Returns what each takes.

        Raises:
            CudaError: the driver does not take the code; with its log.
        """
        taken = {}
        for name, image in images.items():
            function = c_void_p()
            self.driver.call("cuModuleGetFunction", byref(function), self._module(name, image), image.name.encode())
            self._functions[name], self.blocks[name] = function, BLOCK
            self.driver.call("cuFuncSetCacheConfig", function, _PREFER_L1)
            number = self.driver.number
            registers, local = (number("cuFuncGetAttribute", what, function) for what in (_REGISTERS, _LOCAL_SIZE))
            blocks = number("cuOccupancyMaxActiveBlocksPerMultiprocessor", function, BLOCK, c_size_t(0))
            if blocks < 1:
                raise CudaError(f"kernel {name}: no block of {BLOCK} threads fits on the device")
            taken[name] = Taken(registers, local, blocks)
            self._stack = max(self._stack, local, image.stack)
        self.driver.call("cuCtxSetLimit", _STACK_LIMIT, c_size_t(-(-self._stack // 256) * 256))
        return taken

    def _module(self, name: str, image: Image) -> c_void_p:
        module, log = c_void_p(), ctypes.create_string_buffer(4096)
        options = (c_int * 2)(_ERROR_LOG, _ERROR_LOG_SIZE)
        values = (c_void_p * 2)(ctypes.cast(log, c_void_p), c_void_p(len(log)))
        try:
            self.driver.call("cuModuleLoadDataEx", byref(module), c_char_p(image.code), 2, options, values)
        except CudaError as error:
            said = log.value.decode(errors="replace").strip()
            raise CudaError(f"kernel {name}: {error} {said}".strip()) from None
        return module

    def launch(self, name: str, threads: int, addresses: tuple[int, ...]) -> None:
        """Start the kernel of an entry, one thread for each of 0 .. threads - 1."""
        key = (name, threads, addresses)
        arguments = self._arguments.get(key)
        if arguments is None:
            values = [ctypes.c_int64(v) for v in (threads, *addresses)]
            pointers = (c_void_p * len(values))(*(ctypes.cast(byref(v), c_void_p) for v in values))
            arguments = self._arguments[key] = (values, pointers)
        block = self.blocks[name]
        grid = -(-threads // block)
        self.driver.call(
            "cuLaunchKernel", self._functions[name], c_uint(grid), c_uint(1), c_uint(1), c_uint(block), c_uint(1),
            c_uint(1), c_uint(0), c_void_p(0), arguments[1], c_void_p(0),
        )  # fmt: skip

    def wait(self) -> None:
        """Until all is done. Raises CudaError: a kernel failed."""
        self.driver.call("cuCtxSynchronize")

    # --- Time ---------------------------------------------------------------------------------------------------

    def mark(self) -> c_void_p:
        """An event: the moment at which all that was launched so far is done."""
        event = c_void_p()
        self.driver.call("cuEventCreate", byref(event), 0)
        self.driver.call("cuEventRecord", event, c_void_p(0))
        return event

    def between(self, first: c_void_p, last: c_void_p) -> float:
        """[s] between two marks; waits for the last."""
        out = c_float()
        self.driver.call("cuEventSynchronize", last)
        self.driver.call("cuEventElapsedTime", byref(out), first, last)
        return out.value * 1e-3
