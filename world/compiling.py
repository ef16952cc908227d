"""Lean compilation of kernels that call kernels.

Numba compiles every callee as if Python would call it: it optimises the callee's module with all that is linked into
it, makes machine code and wraps it for Python. A caller uses none of that: it links the callee's LLVM code and
optimises the whole once more. So each kernel gets a second dispatcher for callers, whose code stays as it was lowered;
only the kernel that Python calls is optimised, once, with everything that it inlines. The machine code of that kernel
is as good as before; compilation takes less than half of the time.

This reaches into Numba's code generation. Where a version of Numba lacks what is reached for, `LEAN` is false and
kernels compile in the ordinary way.
"""

import weakref
from contextlib import contextmanager

from numba import _dynfunc, njit
from numba.core import codegen, cpu
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.types import unliteral

_LIBRARY, _CONTEXT = codegen.CPUCodeLibrary, cpu.CPUContext
_PARTS = ("_optimize_functions", "_optimize_final_module", "_finalize_final_module", "_finalize_dynamic_globals")
LEAN = all(hasattr(_LIBRARY, name) for name in _PARTS) and hasattr(_CONTEXT, "get_executable")

_for_callers = [False]  # whether what is being compiled now is for callers (a stack, guarded by Numba's lock)


@contextmanager
def _compiling(for_callers: bool):
    with global_compiler_lock:
        _for_callers.append(for_callers)
        try:
            yield
        finally:
            _for_callers.pop()


def _install() -> None:
    """Teach Numba's libraries to stay as they were lowered while a kernel is compiled for callers."""
    optimize_functions, optimize_final = _LIBRARY._optimize_functions, _LIBRARY._optimize_final_module
    finalize_final, get_executable = _LIBRARY._finalize_final_module, _CONTEXT.get_executable

    def lean_functions(self, module):
        if not _for_callers[-1]:
            return optimize_functions(self, module)
        module.data_layout = self._codegen._data_layout

    def lean_final(self):
        if not _for_callers[-1]:
            optimize_final(self)

    def lean_finalize(self):
        if not _for_callers[-1]:
            return finalize_final(self)
        self._finalize_dynamic_globals()
        self._final_module._CPUCodeLibrary__library = weakref.proxy(self)
        self._finalized = True

    def lean_executable(self, library, fndesc, env):
        if not _for_callers[-1]:
            return get_executable(self, library, fndesc, env)
        library._ensure_finalized()
        # Nobody calls it: it is the key under which callers find the library
        return _dynfunc.make_function(fndesc.lookup_module(), fndesc.qualname, "for callers", 1, env, (library,))

    _LIBRARY._optimize_functions, _LIBRARY._optimize_final_module = lean_functions, lean_final
    _LIBRARY._finalize_final_module, _CONTEXT.get_executable = lean_finalize, lean_executable


def share(dispatcher: Dispatcher, **options) -> Dispatcher:
    """The same dispatcher, which other kernels from now on reach through a lean one.

    Int constants count as their type: Numba would compile a callee once for every value it is called with.

    Args:
        dispatcher: of a kernel.
        options: of njit, those that the kernel was compiled with, without caching.
    """
    callee = njit(no_cpython_wrapper=True, **options)(dispatcher.py_func) if LEAN else dispatcher
    resolve = callee.get_call_template

    def without_literals(args, kws):
        return resolve(tuple(unliteral(a) for a in args), {name: unliteral(a) for name, a in kws.items()})

    if LEAN:
        compile_callee, compile_kernel = callee.compile, dispatcher.compile

        def compile_for_callers(signature):
            with _compiling(True):
                return compile_callee(signature)

        def compile_for_python(signature):
            with _compiling(False):
                return compile_kernel(signature)

        callee.compile, dispatcher.compile = compile_for_callers, compile_for_python
        dispatcher.get_overload = callee.get_overload
    dispatcher.get_call_template = without_literals
    return dispatcher


if LEAN:
    _install()
