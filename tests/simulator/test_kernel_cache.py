"""The kernels' disk cache: keyed by all that matters, filled once, and never in the way."""

import ast
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

from simulator import entries, warmup
from tests.data import ROOT
from world import kernel

PACKAGES = ("world", "simulator")
ENTRIES = Path(entries.__file__).resolve()


def _forget():
    for cached in (kernel._read, kernel.kernel_cache_dir, kernel.usable_cache_root):
        cached.cache_clear()


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A copy of our sources that takes the place of the checkout, with a cache of its own."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(kernel, "ROOT", tmp_path)
    monkeypatch.setenv("TARMAC_CACHE_DIR", str(tmp_path / "cache"))
    _forget()
    yield tmp_path
    _forget()


def _key(tree: Path, file: str) -> str:
    _forget()
    folder = kernel.kernel_cache_dir(tree / file)
    assert folder is not None
    return folder.name


def _edit(file: Path) -> None:
    file.write_text(file.read_text() + "\n# edited\n")


# --- What the key depends on ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edited",
    [
        "simulator/entries.py",
        "simulator/step.py",  # imported by it
        "simulator/follow.py",  # imported by what that imports
        "world/idm.py",
        "world/kinds.py",  # constants
        "world/kernel.py",  # options of the compiler
        "world/compiling.py",
        "world/pack.py",
    ],
)
def test_editing_a_file_on_which_kernels_depend_changes_their_key(tree, edited):
    before = _key(tree, "simulator/entries.py")
    assert _key(tree, "simulator/entries.py") == before
    text = (tree / edited).read_text()
    _edit(tree / edited)
    assert _key(tree, "simulator/entries.py") != before
    (tree / edited).write_text(text)
    assert _key(tree, "simulator/entries.py") == before


@pytest.mark.parametrize("edited", ["simulator/engine.py", "simulator/hooks.py", "simulator/audit.py", "world/toy.py"])
def test_editing_any_other_file_does_not(tree, edited):
    before = _key(tree, "simulator/entries.py")
    _edit(tree / edited)
    assert _key(tree, "simulator/entries.py") == before


def test_editing_a_kernel_keeps_the_cache_of_those_that_do_not_use_it(tree):
    before = {f: _key(tree, f) for f in ("world/boxes.py", "simulator/entries.py")}
    _edit(tree / "simulator/lights.py")
    assert _key(tree, "world/boxes.py") == before["world/boxes.py"]
    assert _key(tree, "simulator/entries.py") != before["simulator/entries.py"]


def test_another_numba_processor_or_place_is_another_key(tree, monkeypatch, tmp_path):
    keys = [_key(tree, "world/boxes.py")]
    monkeypatch.setattr(kernel.numba, "__version__", "0.0")
    keys.append(_key(tree, "world/boxes.py"))
    monkeypatch.setattr(kernel.llvm, "get_host_cpu_name", lambda: "z80")
    keys.append(_key(tree, "world/boxes.py"))
    shutil.copytree(tree / "world", tmp_path / "elsewhere" / "world")
    monkeypatch.setattr(kernel, "ROOT", tmp_path / "elsewhere")
    keys.append(_key(tmp_path / "elsewhere", "world/boxes.py"))
    assert len(set(keys)) == 4


@cache
def _imports(file: Path) -> set[Path]:
    """Our files that a file imports, by Python's own parser."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        modules = []
        if isinstance(node, ast.Import):
            modules = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: relative imports are not followed"
            modules = [node.module] + [f"{node.module}.{a.name}" for a in node.names]
        found |= {ROOT.joinpath(*m.split(".")).with_suffix(".py") for m in modules}
    return {f for f in found if f.is_file()}


def test_no_import_is_overlooked():
    checked = 0
    for package in kernel.KERNEL_PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            if "@kernel" not in file.read_text():
                continue
            checked += 1
            seen, todo = set(), [file]
            while todo:
                at = todo.pop()
                if at not in seen:
                    seen.add(at)
                    todo += _imports(at)
            assert seen <= set(kernel.kernel_sources(file)), f"{file}: its kernels' key overlooks a file"
    assert checked > 25


# --- Second process ------------------------------------------------------------------------------------------------

RUN = """
import numpy as np, sys, time
start = time.perf_counter()
from tests.simulator.engine_stage import drive, toy_engine
from simulator import entries
engine = toy_engine("junction", vehicles=4, pedestrians=2)
drive(engine, 3)
took = time.perf_counter() - start
used = [entries.step_worlds, entries.start_world, entries.clear_world]
hits, misses = (sum(sum(getattr(k.stats, w).values()) for k in used) for w in ("cache_hits", "cache_misses"))
print(int(engine.state_hash[0]), hits, misses, took)
"""


def _run(code=RUN, **env) -> subprocess.CompletedProcess:
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, timeout=580,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    return child


def test_a_second_process_compiles_nothing():
    warmup.warm_up()
    child = _run()
    _, hits, misses, took = child.stdout.split()
    assert (int(hits), int(misses)) == (3, 0)
    assert "compiling" not in child.stderr
    assert float(took) < 20.0  # a machine that is busy; compiling takes longer by far


# --- Processes that start together ---------------------------------------------------------------------------------


@pytest.fixture
def cold(tmp_path, monkeypatch):
    """An empty cache, and a compiler that takes half a second and writes down who it ran for."""
    monkeypatch.setenv("TARMAC_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(warmup, "_ready", [False])
    _forget()

    def compile_slowly():
        with open(tmp_path / "compiled", "a") as log:
            log.write(f"{os.getpid()}\n")
        time.sleep(0.5)
        return True

    monkeypatch.setattr(warmup, "_compile_in_children", compile_slowly)
    monkeypatch.setattr(warmup, "compile_group", lambda group: compile_slowly())
    monkeypatch.setattr(warmup.os, "cpu_count", lambda: 2)
    yield tmp_path
    _forget()


def _compiled(folder: Path) -> int:
    return len((folder / "compiled").read_text().split())


def _warm_up_in_child(ready):
    ready.wait()
    warmup.warm_up()
    assert warmup.marker(kernel.kernel_cache_dir(ENTRIES)).exists()


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_that_start_together_compile_once(cold, capfd):
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(3)
    children = [context.Process(target=_warm_up_in_child, args=(ready,)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert _compiled(cold) == 1
    assert capfd.readouterr().err.count("compiling kernels, first run only") == 1


def test_a_process_warms_up_once_and_says_so(cold, capfd):
    warmup.warm_up()
    warmup.warm_up()
    assert _compiled(cold) == 1
    assert capfd.readouterr().err.count(warmup.ANNOUNCEMENT) == 1
    warmup._ready[0] = False
    warmup.warm_up()  # as another process would
    assert _compiled(cold) == 1 and "compiling" not in capfd.readouterr().err


def test_who_is_killed_while_compiling_leaves_the_work_to_the_next(cold, monkeypatch):
    finish = warmup._compile_in_children

    def killed():
        raise KeyboardInterrupt

    monkeypatch.setattr(warmup, "_compile_in_children", killed)
    with pytest.raises(KeyboardInterrupt):
        warmup.warm_up()
    monkeypatch.setattr(warmup, "_compile_in_children", finish)
    warmup._ready[0] = False
    warmup.warm_up()
    assert _compiled(cold) == 1


def test_where_no_child_can_start_the_process_compiles_by_itself(cold, monkeypatch):
    monkeypatch.setattr(warmup, "_compile_in_children", lambda: False)
    warmup.warm_up()
    assert _compiled(cold) == len(warmup.GROUPS)


def test_every_entry_point_is_warmed_up():
    compiled = {
        name for name, f in vars(entries).items() if hasattr(f, "py_func") and f.py_func.__module__ == entries.__name__
    }
    assert compiled == set(warmup.SIGNATURES)
    assert sorted(n for group in warmup.GROUPS for n in group) == sorted(warmup.SIGNATURES)


# --- Caches that do not work ---------------------------------------------------------------------------------------

BOXES = """
from world.boxes import boxes_overlap
{before}
assert boxes_overlap(0.0, 0.0, 0.0, 4.0, 2.0, 1.0, 0.0, 0.0, 4.0, 2.0)
assert not boxes_overlap(0.0, 0.0, 0.0, 4.0, 2.0, 9.0, 0.0, 0.0, 4.0, 2.0)
print("fine")
"""


def test_kernels_work_where_no_folder_can_be_made(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    child = _run(BOXES.format(before=""), TARMAC_CACHE_DIR=str(tmp_path / "file"))
    assert child.stdout == "fine\n" and child.stderr.count("kernels cannot be cached in") == 1


def test_kernels_work_where_the_folder_cannot_be_written_any_more(tmp_path):
    spoil = """
import shutil
from pathlib import Path
folder = Path(boxes_overlap._cache.cache_path)
shutil.rmtree(folder.parent)
folder.parent.write_text("not a folder")
"""
    child = _run(BOXES.format(before=spoil), TARMAC_CACHE_DIR=str(tmp_path))
    assert child.stdout == "fine\n" and "kernel cannot be cached in" in child.stderr


def test_damaged_files_are_compiled_anew(tmp_path):
    def run():
        child = _run(BOXES.format(before=""), TARMAC_CACHE_DIR=str(tmp_path))
        assert child.stdout == "fine\n"
        return child.stderr

    def cut(data: bytes) -> bytes:
        return data[:60]

    def flip(data: bytes) -> bytes:  # in machine code it would end the process, or be driven with
        return data[:-900] + bytes([data[-900] ^ 4]) + data[-899:]

    run()
    for suffix, spoil in (("*.nbi", cut), ("*.nbc", flip)):
        files = [f for f in tmp_path.rglob(suffix) if f.name.startswith("boxes.boxes_overlap")]
        assert files
        for file in files:
            file.write_bytes(spoil(file.read_bytes()))
        assert "is damaged (" in run()
    assert "damaged" not in run()


def test_an_unreadable_cache_of_the_engine_is_said_and_kernels_are_compiled_as_needed(cold, monkeypatch, capfd):
    def refused(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(warmup, "FileLock", refused)
    warmup.warm_up()
    assert "kernels cannot be cached in" in capfd.readouterr().err


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_children_that_compile_end_with_their_parent(monkeypatch):
    monkeypatch.setattr(
        warmup, "_CHILD", warmup._CHILD.split("sys.path")[0] + "import time; time.sleep(100) # {root} {group}"
    )
    code = (
        "import os, sys; from simulator import warmup; warmup._CHILD = sys.argv[1]\n"
        "import subprocess; P = subprocess.Popen\n"
        "subprocess.Popen = lambda *a, **k: [p := P(*a, **k), print(p.pid, flush=True)][0]\n"
        "warmup._compile_in_children()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, warmup._CHILD], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    time.sleep(0.3)
    parent.kill()
    _, said = parent.communicate(timeout=30)
    end = time.monotonic() + 20
    while any(_alive(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in pids) and said == ""


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_engine_without_a_cache_compiles_in_memory_and_says_so(cold, monkeypatch, capfd):
    monkeypatch.setattr(warmup, "kernel_cache_dir", lambda path: None)
    warmup.warm_up()
    said = capfd.readouterr().err
    assert "compiling kernels" in said and "first run" not in said and _compiled(cold) == len(warmup.GROUPS)


# --- The whole engine ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_cold_engines_at_once_compile_once_and_the_third_run_is_warm(tmp_path):
    env = {**os.environ, "TARMAC_CACHE_DIR": str(tmp_path)}
    children = [
        subprocess.Popen([sys.executable, "-c", RUN], cwd=ROOT, env=env, text=True, stdout=-1, stderr=-1)
        for _ in range(2)
    ]
    outs = [child.communicate(timeout=580) for child in children]
    assert [child.returncode for child in children] == [0, 0], outs
    assert "".join(err for _, err in outs).count(warmup.ANNOUNCEMENT) == 1
    warm = _run(TARMAC_CACHE_DIR=str(tmp_path))
    assert "compiling" not in warm.stderr
    results = [out.split() for out, _ in outs] + [warm.stdout.split()]
    assert len({r[0] for r in results}) == 1 and all(r[1:3] == ["3", "0"] for r in results)
