"""PTX of the kernels of `simulator.cuda_entries`, for a CUDA device that need not be there.

Needs the extra `cuda`: numba-cuda, and NVIDIA's libNVVM, libdevice and NVRTC as wheels. No driver, no GPU.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from numba import types
from numba.core.types import unliteral

from simulator.cuda_entries import ENTRIES, Entry
from world.names import unknown_name
from world.pack import pack_reader

PTXAS_TIMEOUT = 600.0  # [s]


class PtxError(RuntimeError):
    """PTX cannot be made here; says what is missing."""


class Assembled(NamedTuple):
    """Machine code of a kernel, and what a thread of it takes on a device."""

    registers: int
    stack: int  # [B] of local memory
    code: bytes


def _cuda() -> tuple[Any, Any]:
    """numba.cuda and its dispatcher module.

    Raises:
        PtxError: numba-cuda or a CUDA library is absent.
    """
    try:
        import numba_cuda  # noqa: F401 # pyright: ignore[reportMissingImports] # numba.cuda itself lacks min and max
        from numba import cuda
        from numba.cuda import dispatcher
        from numba.cuda.cudadrv import nvvm
    except ImportError as error:
        raise PtxError(f"numba-cuda is not installed ({error}); pip install 'tarmac[cuda]'") from None
    try:
        nvvm.NVVM()
    except Exception as error:  # of one of three kinds, by what is missing
        raise PtxError(f"libNVVM cannot be loaded: {str(error).strip().splitlines()[0]}") from None
    return cuda, dispatcher


def check_toolchain(compute_capability: tuple[int, int] = (8, 0)) -> None:
    """Raises PtxError where something is not installed, ValueError where it knows no such device."""
    _cuda()
    from numba.cuda.cudadrv import nvrtc

    try:
        known = nvrtc.get_supported_ccs()  # pyright: ignore[reportAttributeAccessIssue]
    except Exception as error:
        raise PtxError(f"NVRTC cannot be loaded: {str(error).strip().splitlines()[0]}") from None
    if tuple(compute_capability) not in [tuple(cc) for cc in known]:
        allowed = ", ".join(f"{major}.{minor}" for major, minor in known)
        raise ValueError(
            f"compute capability {compute_capability[0]}.{compute_capability[1]} is unknown; allowed: {allowed}"
        )


@contextmanager
def _device(dispatcher: Any, compute_capability: tuple[int, int]) -> Iterator[None]:
    """Let callees compile for a device that is not there, once for all integer constants, and without fused sums.

    numba-cuda asks the present device when it compiles a callee, even if the caller is compiled for a named one, and
    has no option for libNVVM to leave products and sums apart.
    """
    from numba.cuda.cudadrv import nvvm

    kind = dispatcher.CUDADispatcher
    ask, resolve, translate = dispatcher.get_current_device, kind.get_call_template, nvvm.compile_ir

    def without_literals(self, args, kws):
        return resolve(self, tuple(unliteral(a) for a in args), {name: unliteral(a) for name, a in kws.items()})

    def unfused(code, **options):
        return translate(code, **{"fma": False, **options})

    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=compute_capability)
    kind.get_call_template, nvvm.compile_ir = without_literals, unfused
    try:
        yield
    finally:
        dispatcher.get_current_device, kind.get_call_template, nvvm.compile_ir = ask, resolve, translate


def _over_threads(name: str, entry: Entry, cuda: Any) -> Callable:
    """A kernel that takes the number of threads and the addresses of an entry's Packs, all int64."""
    body, count = entry.body, len(entry.packs)
    one, two, three = (pack_reader(kind) for kind in (*entry.packs, *entry.packs[:1] * 2)[:3])

    def threads_1(threads, a):
        t = cuda.grid(1)
        if t < threads:
            body(t, one(a))

    def threads_2(threads, a, b):
        t = cuda.grid(1)
        if t < threads:
            body(t, one(a), two(b))

    def threads_3(threads, a, b, c):
        t = cuda.grid(1)
        if t < threads:
            body(t, one(a), two(b), three(c))

    made = (threads_1, threads_2, threads_3)[count - 1]
    made.__name__ = made.__qualname__ = f"tarmac_{name}"
    return made


def make_ptx(name: str, compute_capability: tuple[int, int] = (8, 0), entries: Mapping[str, Entry] = ENTRIES) -> str:
    """PTX text of an entry, as a kernel that takes a number of threads and the addresses of Packs, all int64.

    The Packs and the arrays that they point to lie where the device can read them, as `simulator.device` puts them
    there. Products and sums are not fused, so what the kernels compute with them is what the CPU computes.

    Raises:
        ValueError: an unknown entry or device. PtxError: something that it takes is not installed.
    """
    if name not in entries:
        raise ValueError(unknown_name("kernel", name, entries))
    check_toolchain(compute_capability)
    cuda, dispatcher = _cuda()
    entry = entries[name]
    signature = types.void(*[types.int64] * (1 + len(entry.packs)))
    with _device(dispatcher, compute_capability):
        text, _ = cuda.compile_ptx(_over_threads(name, entry, cuda), signature, cc=compute_capability)
    return text


def entry_names(text: str) -> list[str]:
    """Names of the kernels in PTX."""
    return re.findall(r"\.entry\s+([\w$]+)", text)


def outside_calls(text: str) -> list[str]:
    """Names of functions that PTX calls and does not hold: malloc, printf, Numba's runtime; ours has none."""
    return re.findall(r"\.extern\s+\.func\s+(?:\([^)]*\)\s*)?([\w$]+)", text)


def _find_ptxas() -> str | None:
    """NVIDIA's assembler: of the extra `cuda`, of CUDA_HOME, or on the path."""
    try:
        from cuda.pathfinder import find_nvidia_binary_utility  # pyright: ignore[reportMissingImports]

        found = find_nvidia_binary_utility("ptxas")
    except ImportError:
        found = None
    home = os.environ.get("CUDA_HOME")
    return found or (shutil.which("ptxas", path=f"{home}/bin") if home else None) or shutil.which("ptxas")


def assemble(text: str, compute_capability: tuple[int, int] = (8, 0)) -> Assembled | None:
    """Machine code of PTX, and what it takes, by ptxas; None where ptxas is absent.

    Raises:
        PtxError: ptxas rejects the text.
    """
    ptxas = _find_ptxas()
    if ptxas is None:
        return None
    arch = f"sm_{compute_capability[0]}{compute_capability[1]}"
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "kernel.ptx", Path(folder) / "kernel.cubin"
        source.write_text(text)
        command = [ptxas, "-v", "--fmad=false", f"--gpu-name={arch}", str(source), "-o", str(result)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PTXAS_TIMEOUT, check=False)
        code = result.read_bytes() if done.returncode == 0 else b""
    if done.returncode:
        raise PtxError(f"{ptxas} rejects the PTX: {done.stderr.strip()[:400]}")
    # Only the kernel itself has such a line; stack counts what its callees take
    used = re.search(r"Used (\d+) registers(?:.*?(\d+) bytes cumulative stack size)?", done.stderr)
    if used is None:
        raise PtxError(f"{ptxas} does not say what the kernel takes: {done.stderr.strip()[:400]}")
    return Assembled(int(used[1]), int(used[2] or 0), code)


def write_ptx(text: str, path: Path) -> None:
    """Write PTX so that nobody ever sees half of it."""
    write_whole(text.encode(), path)


def write_whole(data: bytes, path: Path) -> None:
    """Write a file so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    os.replace(temporary, path)
