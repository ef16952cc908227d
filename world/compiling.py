"""Lean compilation of kernels that call kernels.

Numba compiles every callee as if Python would call it: it optimises the callee's module with all that is linked into
it, makes machine code and wraps it for Python. A caller uses none of that: it links the callee's LLVM code and
optimises the whole once more. So each kernel gets a second dispatcher for callers, whose code is only tidied up
function by function; the kernel that Python calls is optimised, once, with everything that it inlines. Its machine code
is as good as before; compilation takes less than half of the time.

This reaches into Numba's code generation. Where a version of Numba lacks what is reached for, `LEAN` is false and
kernels compile in the ordinary way.
"""

# Numba's internals are not typed.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportPrivateImportUsage=false

import weakref
from contextlib import contextmanager

from numba import _dynfunc, njit
from numba.core import codegen, cpu, ir
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.targetconfig import TargetConfig
from numba.core.types import unliteral

_LIBRARY, _CONTEXT = codegen.CPUCodeLibrary, cpu.CPUContext
_PARTS = ("_optimize_final_module", "_finalize_final_module", "_finalize_dynamic_globals")
LEAN = all(hasattr(_LIBRARY, name) for name in _PARTS) and hasattr(_CONTEXT, "get_executable")

_PLAIN = (str, int, float, type(None), ir.Loc)
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
    """Teach Numba's libraries to stay unoptimised as a whole while a kernel is compiled for callers."""
    optimize_final, finalize_final = _LIBRARY._optimize_final_module, _LIBRARY._finalize_final_module
    get_executable = _CONTEXT.get_executable

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

    _LIBRARY._optimize_final_module, _LIBRARY._finalize_final_module = lean_final, lean_finalize
    _CONTEXT.get_executable = lean_executable


def share(dispatcher: Dispatcher, inline: bool = False, **options) -> Dispatcher:
    """The same dispatcher, which other kernels from now on reach through a lean one.

    Int constants count as their type: Numba would compile a callee once for every value it is called with.

    Args:
        dispatcher: of a kernel.
        inline: callers always take its code into theirs.
        options: of njit, those that the kernel was compiled with, without caching.
    """
    callee = dispatcher
    if LEAN:
        callee = njit(no_cpython_wrapper=True, forceinline=inline, **options)(dispatcher.py_func)
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


def _hash_quickly() -> None:
    """Let compiler flags be hashed and compared without spelling all of them out, as Numba does thousands of times."""
    hashes: dict[type, int] = {}

    def quick_hash(self):
        return hashes.setdefault(type(self), hash(type(self)))

    compare = TargetConfig.__eq__

    def quick_compare(self, other):
        if self is other or (type(self) is type(other) and self._values == other._values):
            return True
        return compare(self, other)

    TargetConfig.__hash__, TargetConfig.__eq__ = quick_hash, quick_compare


def _list_quickly() -> None:
    """Let variables of Numba's intermediate code be listed without a call for each number and string on the way."""

    def quick_list(self, value):
        kind = type(value)
        if kind is ir.Var:
            return [value]
        if kind is tuple or kind is list:
            parts = value
        elif kind is dict:
            parts = value.values()
        elif isinstance(value, ir.Inst):
            return value.list_vars()
        else:
            return []
        found = []
        for part in parts:
            if type(part) is ir.Var:
                found.append(part)
            elif not isinstance(part, _PLAIN):
                found += quick_list(self, part)
        return found

    ir.Inst._rec_list_vars = quick_list


if LEAN:
    _install()
    _hash_quickly()
    _list_quickly()
