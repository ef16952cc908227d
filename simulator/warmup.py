"""Compile the engine's kernels once a machine: by one process, in two halves at a time, and say so.

`warm_up` returns at once where the kernels are in memory or in the cache. The first of several processes that start
together compiles, the others wait for it.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from filelock import FileLock
from numba import types

from simulator import entries
from world.kernel import ROOT, kernel_cache_dir
from world.random import draw_index, draw_unit

ANNOUNCEMENT = "tarmac: compiling kernels, first run only (a minute or two)"
_I, _F = types.int64, types.float64
SIGNATURES = {
    "step_worlds": (_I, _I, _I, _I),
    "start_world": (_I, _I),
    "clear_world": (_I, _I),
    "start_driver": (_I, _I, _I, _F),
    "scene_worlds": (_I, _I, _I),
    "sense_worlds": (_I, _I, _I),
    "empty_one": (_I, _I, _I),
    "body_one": (_I, _I, _I, _I),
    "free_one": (_I, _I, _I),
    "spawned_one": (_I, _I, _I),
    "ground_one": (_I, _I, _F, _F, _F),
    "take_lane": (_I, _I, _I, _I, _F),
}
GROUPS = (("step_worlds",), tuple(name for name in SIGNATURES if name != "step_worlds"))
_ready = [False]  # in this process
# A child ends, silently, with its parent, whatever ends that: then nobody holds the other end of its input any more.
_CHILD = """
import os, signal, sys, threading
signal.signal(signal.SIGINT, signal.SIG_IGN)
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
sys.path.insert(0, {root!r})
from simulator.warmup import compile_group
compile_group({group})
sys.stdout.flush()
os._exit(0)
"""


def compile_group(group: int) -> None:
    """Compile one half of the kernels, or load them from the cache."""
    for name in GROUPS[group]:
        getattr(entries, name).compile(SIGNATURES[name])
    if group == 1:
        draw_unit.compile((_I, _I, _I, _I))
        draw_index.compile((_I, _I, _I, _I, _I))


def _compile_in_children() -> bool:
    """Compile each group in a process of its own; whether all of them managed."""
    try:
        jobs = [
            subprocess.Popen([sys.executable, "-c", _CHILD.format(root=str(ROOT), group=g)], stdin=subprocess.PIPE)
            for g in range(len(GROUPS))
        ]
    except OSError:
        return False
    return all([job.wait() == 0 for job in jobs])


def marker(folder: Path) -> Path:
    """The file that says that a cache folder is complete."""
    return folder / "complete"


def warm_up() -> None:
    """Make sure that every kernel of the engine is compiled."""
    if _ready[0]:
        return
    _ready[0] = True
    folder = kernel_cache_dir(Path(entries.__file__).resolve())
    if folder is None:
        print(ANNOUNCEMENT.replace(", first run only", ""), file=sys.stderr)
        for group in range(len(GROUPS)):
            compile_group(group)
        return
    if marker(folder).exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(str(folder) + ".lock"):
            if not marker(folder).exists():
                _fill(folder)
    except OSError as error:  # another user's folder, or a full disk: kernels are compiled when they are called
        print(f"tarmac: kernels cannot be cached in {folder} ({error})", file=sys.stderr)


def _fill(folder: Path) -> None:
    """Compile everything into the cache, and mark it as complete."""
    print(ANNOUNCEMENT, file=sys.stderr, flush=True)
    start = time.perf_counter()
    if (os.cpu_count() or 1) < 2 or not _compile_in_children():
        for group in range(len(GROUPS)):
            compile_group(group)
    marker(folder).write_text(f"{time.perf_counter() - start:.1f} s\n")
