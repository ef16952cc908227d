"""PTX of the engine's kernels, for a CUDA device that need not be there.

One thread a world: the very functions `phase(b, model)` over which the CPU loops become device functions. Needs the
extra `cuda`: numba-cuda, and NVIDIA's libNVVM, libdevice and NVRTC as wheels. No driver, no GPU.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from numba import types
from numba.core.types import unliteral

from simulator.hashing import hash_world
from simulator.model import model_at
from simulator.scene_fill import scene_world
from simulator.sensors import sense_world
from simulator.step import (
    decide_world,
    judge_phase,
    life_world,
    lights_phase,
    lists_of_world,
    move_world,
    reset_world,
    step_world,
    walkers_phase,
)
from world.kernel import kernel

PTXAS_TIMEOUT = 600.0  # [s]


@kernel
def hash_phase(b, model):
    """Mix the state of world b into its hash."""
    hash_world(b, model.tables, model.slots, model.worlds, model.bits, model.state_hash)


@kernel
def scene_phase(b, model):
    """Fill the true scenes of the drivers of world b."""
    scene_world(b, model.tables, model.slots, model.worlds, model.routes, model.judge, model.scene, model.dt)


@kernel
def sense_phase(b, model):
    """Fill what the sensors of the drivers of world b measure."""
    sense_world(b, model.slots, model.worlds, model.sensors, model.noise)


PHASES: dict[str, Callable] = {
    "lights": lights_phase,
    "lists": lists_of_world,
    "decide": decide_world,
    "move": move_world,
    "walkers": walkers_phase,
    "life": life_world,
    "judge": judge_phase,
    "hash": hash_phase,
    "step": step_world,
    "reset": reset_world,
    "scene": scene_phase,
    "sense": sense_phase,
}


class PtxError(RuntimeError):
    """PTX cannot be made here; says what is missing."""


class Resources(NamedTuple):
    """What a thread of a kernel takes on a device."""

    registers: int
    stack: int  # [B] of local memory


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
    """Let callees compile for a device that is not there, and once for all integer constants.

    numba-cuda asks the present device when it compiles a callee, even if the caller is compiled for a named one.
    """
    kind = dispatcher.CUDADispatcher
    ask, resolve = dispatcher.get_current_device, kind.get_call_template

    def without_literals(self, args, kws):
        return resolve(self, tuple(unliteral(a) for a in args), {name: unliteral(a) for name, a in kws.items()})

    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=compute_capability)
    kind.get_call_template = without_literals
    try:
        yield
    finally:
        dispatcher.get_current_device, kind.get_call_template = ask, resolve


def _over_worlds(name: str, phase: Callable, cuda: Any) -> Callable:
    """A kernel that takes the address of a Model and runs a phase, one thread a world."""

    def worlds(address):
        model = model_at(address)
        b = cuda.grid(1)
        if b < model.state_hash.shape[0]:
            phase(b, model)

    worlds.__name__ = worlds.__qualname__ = f"tarmac_{name}"
    return worlds


def make_ptx(phase: str, compute_capability: tuple[int, int] = (8, 0)) -> str:
    """PTX text of one of PHASES, as a kernel that takes the address (int64) of a Model.

    The Model and the arrays that it points to lie where the device can read them.

    Raises:
        ValueError: an unknown phase or device. PtxError: something that it takes is not installed.
    """
    if phase not in PHASES:
        raise ValueError(f"phase {phase!r} is unknown; allowed: {', '.join(PHASES)}")
    check_toolchain(compute_capability)
    cuda, dispatcher = _cuda()
    with _device(dispatcher, compute_capability):
        text, _ = cuda.compile_ptx(
            _over_worlds(phase, PHASES[phase], cuda), types.void(types.int64), cc=compute_capability
        )
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


def assemble(text: str, compute_capability: tuple[int, int] = (8, 0)) -> Resources | None:
    """Let ptxas check PTX and count what it takes; None where ptxas is absent.

    Raises:
        PtxError: ptxas rejects the text.
    """
    ptxas = _find_ptxas()
    if ptxas is None:
        return None
    arch = f"sm_{compute_capability[0]}{compute_capability[1]}"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(text)
        command = [ptxas, "-v", f"--gpu-name={arch}", str(source), "-o", str(Path(folder) / "kernel.cubin")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PTXAS_TIMEOUT, check=False)
    if done.returncode:
        raise PtxError(f"{ptxas} rejects the PTX: {done.stderr.strip()[:400]}")
    # Only the kernel itself has such a line; stack counts what its callees take
    used = re.search(r"Used (\d+) registers(?:.*?(\d+) bytes cumulative stack size)?", done.stderr)
    if used is None:
        raise PtxError(f"{ptxas} does not say what the kernel takes: {done.stderr.strip()[:400]}")
    return Resources(int(used[1]), int(used[2] or 0))


def write_ptx(text: str, path: Path) -> None:
    """Write PTX so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    os.replace(temporary, path)
