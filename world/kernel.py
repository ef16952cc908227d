"""The one decorator for compiled kernels, and where their machine code is kept.

`@kernel` is Numba's `njit` with the runtime off (`_nrt=False`): a kernel that allocates, or that would count
references, does not compile. Numba's own disk cache does not notice an edited callee in another file, so the
cache folder is keyed by a hash of every kernel source, Numba's version and the processor.
"""

import hashlib
import os
import platform
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import llvmlite.binding as llvm
import numba
from numba import njit
from numba.core.dispatcher import Dispatcher
from platformdirs import user_cache_dir

from world.compiling import share

ROOT = Path(__file__).resolve().parent.parent
KERNEL_PACKAGES = ("world", "simulator", "planning", "agents", "replay")


def cache_root() -> Path:
    """Folder for everything Tarmac caches; `TARMAC_CACHE_DIR` overrides the platform's default."""
    return Path(os.environ.get("TARMAC_CACHE_DIR") or user_cache_dir("tarmac", appauthor=False))


def kernel_sources() -> list[Path]:
    """Every Python file of the packages that hold kernels, sorted by path relative to the checkout."""
    files = [p for package in KERNEL_PACKAGES for p in (ROOT / package).rglob("*.py")]
    return sorted((p for p in files if b"@kernel" in p.read_bytes() or p.name == "kinds.py"), key=str)


@lru_cache(maxsize=1)
def kernel_cache_dir() -> Path:
    """Folder of compiled kernels for these sources, this checkout, this Numba and this processor."""
    digest = hashlib.sha256()
    for part in (numba.__version__, platform.machine(), llvm.get_host_cpu_name(), platform.python_version(), str(ROOT)):
        digest.update(part.encode() + b"\0")
    for path in kernel_sources():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return cache_root() / "kernels" / digest.hexdigest()[:20]


numba.config.CACHE_DIR = str(kernel_cache_dir())
_OPTIONS = dict(nogil=True, error_model="numpy", fastmath=False, _nrt=False, no_cfunc_wrapper=True)


def kernel(function: Callable) -> Dispatcher:
    """Compile a function that allocates nothing (see above); other kernels may call it."""
    return share(njit(cache=True, **_OPTIONS)(function), **_OPTIONS)
