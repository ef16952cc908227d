"""PTX of the step's kernels, for a CUDA device that need not be there.

One thread a world: the same `step_world(b, model)` that the CPU loops over. Needs the extra `cuda` (numba-cuda and
NVRTC) and libNVVM with libdevice, which come with the CUDA toolkit (`CUDA_HOME`) or as wheels.
"""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from simulator.model import MODEL_TYPE
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
from world import pack

PHASES: dict[str, Callable] = {
    "lights": lights_phase,
    "lists": lists_of_world,
    "decide": decide_world,
    "move": move_world,
    "walkers": walkers_phase,
    "life": life_world,
    "judge": judge_phase,
    "step": step_world,
    "reset": reset_world,
}


class PtxError(RuntimeError):
    """PTX cannot be made here; says what is missing."""


def _cuda() -> Any:
    """numba.cuda, taught about Packs, compiling for a device that is not there.

    Raises:
        PtxError: numba-cuda or a CUDA library is absent.
    """
    try:
        from numba import cuda
        from numba.cuda import dispatcher
        from numba.cuda.extending import core_models, infer_getattr, lower_getattr_generic, register_model
        from numba.cuda.typing.templates import AttributeTemplate
    except ImportError as error:
        raise PtxError(f"numba-cuda is not installed ({error}); pip install 'tarmac[cuda]'") from None
    if not getattr(_cuda, "taught", False):
        register_model(pack.PackType)(type("PackModel", (core_models.OpaqueModel,), {}))

        class PackAttributes(AttributeTemplate):
            key = pack.PackType

            def generic_resolve(self, typ, attr):
                found = typ.where.get(attr)
                return None if found is None else found[1]

        infer_getattr(PackAttributes)
        lower_getattr_generic(pack.PackType)(pack._read_field)
        _cuda.taught = True  # type: ignore[attr-defined]
    return cuda, dispatcher


def _global_kernel(phase: Callable, cuda: Any) -> Callable:
    """A kernel over worlds, one thread each."""

    def worlds(model):
        b = cuda.grid(1)
        if b < model.state_hash.shape[0]:
            phase(b, model)

    worlds.__name__ = worlds.__qualname__ = f"{phase.__name__}_kernel"
    return worlds


def make_ptx(phase: str, compute_capability: tuple[int, int] = (8, 0)) -> str:
    """PTX text of one phase of the step (see PHASES), as a kernel that takes the address of a Model.

    Raises:
        ValueError: an unknown phase. PtxError: something that it takes is not installed.
    """
    if phase not in PHASES:
        raise ValueError(f"phase {phase!r} is unknown; allowed: {', '.join(PHASES)}")
    if "CUDA_HOME" not in os.environ and Path("/usr/local/cuda").is_dir():
        os.environ["CUDA_HOME"] = "/usr/local/cuda"
    cuda, dispatcher = _cuda()
    ask = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=compute_capability)
    try:
        ptx, _ = cuda.compile_ptx(_global_kernel(PHASES[phase], cuda), (MODEL_TYPE,), cc=compute_capability)
    except Exception as error:
        if "NotFound" in type(error).__name__ or "NvvmSupport" in type(error).__name__:
            raise PtxError(f"a CUDA library is missing: {str(error).splitlines()[0]}") from None
        raise
    finally:
        dispatcher.get_current_device = ask
    return ptx
