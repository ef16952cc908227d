"""The one decorator for compiled kernels, and where their machine code is kept.

`@kernel` is Numba's `njit` with the runtime off (`_nrt=False`): a kernel that allocates, or that would count
references, does not compile. Numba's own disk cache does not notice an edited callee or constant in another file, so
the kernels of a file are cached in a folder whose name is a hash of that file and of all our files that it imports,
directly or not, of Numba's version and of the processor.
"""

# Numba's internals are not typed.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportPrivateImportUsage=false

import hashlib
import io
import os
import pickle
import platform
import re
import shutil
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path

import llvmlite.binding as llvm
import numba
from numba import njit
from numba.core.caching import IndexDataCacheFile
from numba.core.dispatcher import Dispatcher
from platformdirs import user_cache_dir

from world.compiling import share

ROOT = Path(__file__).resolve().parent.parent
SEAL = 16  # [bytes] of checksum at the end of a cached file
KERNEL_PACKAGES = ("world", "simulator", "scenarios", "planning", "agents", "replay", "perception", "envs")
_IMPORT = re.compile(
    rf"^\s*(?:from|import)\s+((?:{'|'.join(KERNEL_PACKAGES)})(?:\.\w+)*)(?:\s+import\s+([\w, ]+))?", re.M
)


def cache_root() -> Path:
    """Folder for everything Tarmac caches; `TARMAC_CACHE_DIR` overrides the platform's default."""
    return Path(os.environ.get("TARMAC_CACHE_DIR") or user_cache_dir("tarmac", appauthor=False))


def _module_file(name: str) -> Path | None:
    """File of one of our modules, None where there is none of that name."""
    path = ROOT.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _read(path: Path) -> tuple[bytes, tuple[Path, ...]]:
    """A source file and our files that it imports."""
    source = path.read_bytes()
    found: list[Path] = []
    for module, names in _IMPORT.findall(source.decode("utf-8", "replace")):
        parts = [module] + [f"{module}.{name.strip()}" for name in names.split(",") if name.strip()]
        found += [file for part in parts if (file := _module_file(part)) is not None]
    return source, tuple(found)


def kernel_sources(path: Path) -> list[Path]:
    """A file and all of ours on which its kernels may depend: what it imports, directly or not; sorted."""
    seen: set[Path] = set()
    todo = [path.resolve()]
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo += _read(file)[1]
    return sorted(seen, key=str)


@lru_cache(maxsize=1)
def usable_cache_root() -> Path | None:
    """Where kernels are cached; None, with a warning, where nothing can be written."""
    folder = cache_root() / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        print(
            f"tarmac: kernels cannot be cached in {folder} ({error}); they are compiled anew each time", file=sys.stderr
        )
        return None
    return folder


@cache
def kernel_cache_dir(path: Path) -> Path | None:
    """Folder for the compiled kernels of a source file, for this checkout, this Numba and this processor."""
    root = usable_cache_root()
    if root is None:
        return None
    digest = hashlib.sha256()
    for part in (numba.__version__, platform.machine(), llvm.get_host_cpu_name(), platform.python_version(), str(ROOT)):
        digest.update(part.encode() + b"\0")
    for file in kernel_sources(path):
        digest.update(str(file).encode() + b"\0" + _read(file)[0] + b"\0")
    return root / f"{path.stem}-{digest.hexdigest()[:16]}"


_OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": False, "_nrt": False, "no_cfunc_wrapper": True}


def _unsealed(data: bytes) -> bytes:
    """What was sealed, without its checksum. Raises ValueError: the checksum is another."""
    body, seal = data[:-SEAL], data[-SEAL:]
    if hashlib.blake2b(body, digest_size=SEAL).digest() != seal:
        raise ValueError("wrong checksum")
    return body


def _seal(file: IndexDataCacheFile) -> None:
    """Give index and machine code a checksum: a flipped bit in machine code would end the process, or worse, not."""
    dump = file._dump

    def dump_sealed(value):
        body = dump(value)
        return body + hashlib.blake2b(body, digest_size=SEAL).digest()

    def load_index():
        try:
            stored = io.BytesIO(Path(file._index_path).read_bytes())
        except FileNotFoundError:
            return {}
        if pickle.load(stored) != file._version:
            return {}
        stamp, overloads = pickle.loads(_unsealed(stored.read()))
        return overloads if stamp == file._source_stamp else {}

    file._dump, file._load_index = dump_sealed, load_index
    file._load_data = lambda name: pickle.loads(_unsealed(Path(file._data_path(name)).read_bytes()))


def _careful(dispatcher: Dispatcher) -> Dispatcher:
    """A cached kernel that cannot be read is compiled anew, one that cannot be written is used all the same."""
    cache = dispatcher._cache
    _seal(cache._cache_file)
    load, save = cache.load_overload, cache.save_overload

    def load_carefully(signature, context):
        try:
            return load(signature, context)
        except Exception as error:  # whatever a damaged pickle or object file raises
            print(
                f"tarmac: cached kernel {cache.cache_path} is damaged ({error}); compiling it anew (a minute or two)",
                file=sys.stderr,
            )
            shutil.rmtree(cache.cache_path, ignore_errors=True)
            return None

    def save_carefully(signature, data):
        try:
            save(signature, data)
        except OSError as error:
            print(f"tarmac: kernel cannot be cached in {cache.cache_path} ({error})", file=sys.stderr)

    cache.load_overload, cache.save_overload = load_carefully, save_carefully
    return dispatcher


def kernel(function: Callable, inline: bool = False) -> Dispatcher:
    """Compile a function that allocates nothing (see above); other kernels may call it."""
    folder = kernel_cache_dir(Path(function.__code__.co_filename))
    if folder is None:
        return share(njit(**_OPTIONS)(function), inline, **_OPTIONS)
    numba.config.CACHE_DIR = str(folder)
    try:
        return share(_careful(njit(cache=True, **_OPTIONS)(function)), inline, **_OPTIONS)
    finally:
        numba.config.CACHE_DIR = ""


def inline_kernel(function: Callable) -> Dispatcher:
    """A kernel whose code goes into that of its callers: for what each vehicle calls in each step, from one place."""
    return kernel(function, inline=True)
