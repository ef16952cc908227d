"""The kernel cache: what invalidates it, who fills it, and what happens when it is damaged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import world.kernel as kernels
from tests.simulator.engine_rig import run_hash

ROOT = Path(__file__).resolve().parents[2]
DRAW = "from world.random import draw_unit; print(float(draw_unit(1, 2, 3, 4)))"


def python(code: str, cache: Path | str | None = None) -> subprocess.CompletedProcess:
    env = dict(os.environ) | ({"TARMAC_CACHE_DIR": str(cache)} if cache else {})
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300, env=env)


def test_sources_reach_everything_that_is_imported():
    names = {p.relative_to(ROOT).as_posix() for p in kernels.kernel_sources(ROOT / "simulator" / "step.py")}
    assert {"world/kinds.py", "world/bicycle.py", "simulator/state.py", "simulator/lights.py"} <= names
    assert not any(n.startswith(("envs/", "planning/", "agents/")) for n in names)


@pytest.mark.parametrize("edited", ["world/bicycle.py", "world/kinds.py", "simulator/state.py"])
def test_editing_a_callee_or_a_constant_changes_the_folder(monkeypatch, edited):
    path = ROOT / "simulator" / "entries.py"
    folder = kernels.kernel_cache_dir(path)
    read = kernels._read

    def read_edited(file):
        source, imports = read(file)
        return (source + b"\n# edited" if file == ROOT / edited else source), imports

    monkeypatch.setattr(kernels, "_read", read_edited)
    assert kernels.kernel_cache_dir.__wrapped__(path) != folder
    unrelated = ROOT / "world" / "boxes.py"
    if edited == "world/bicycle.py":
        assert kernels.kernel_cache_dir.__wrapped__(unrelated) == kernels.kernel_cache_dir(unrelated)


def test_a_second_process_compiles_nothing():
    run_hash(steps=1)  # fills the cache if nobody has
    code = (
        "from tests.simulator.engine_rig import run_hash; from simulator import entries; run_hash(steps=1)\n"
        "for k in (entries.step_worlds, entries.start_world): print(sum(k.stats.cache_hits.values()), "
        "sum(k.stats.cache_misses.values()))"
    )
    done = python(code)
    assert done.stdout.split("\n")[:2] == ["1 0", "1 0"], done.stdout + done.stderr
    assert "compiling" not in done.stderr


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = python(DRAW, blocked / "cache")
    assert done.returncode == 0 and 0 <= float(done.stdout) < 1
    assert "cannot be cached" in done.stderr


def test_a_damaged_cache_is_a_warning(tmp_path):
    first = python(DRAW, tmp_path)
    damaged = [p for p in tmp_path.rglob("*") if p.suffix in (".nbi", ".nbc")]
    assert damaged
    for path in damaged:
        path.write_bytes(b"damaged")
    again = python(DRAW, tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout and "damaged" in again.stderr
    healed = python(DRAW, tmp_path)
    assert healed.stdout == first.stdout and healed.stderr == ""


def test_two_processes_that_start_together_compile_once(tmp_path):
    log = tmp_path / "log"
    code = f"""
import time
from simulator import warmup
def fake():
    with open({str(log)!r}, "a") as f: f.write("compiled\\n")
    time.sleep(1.0)
    return True
warmup._compile_in_children = fake
warmup.compile_group = lambda group: fake()
warmup.warm_up()
"""
    env = dict(os.environ, TARMAC_CACHE_DIR=str(tmp_path / "cache"))
    options = {"cwd": ROOT, "env": env, "stderr": subprocess.PIPE, "text": True}
    jobs = [subprocess.Popen([sys.executable, "-c", code], **options) for _ in (0, 1)]
    errors = [job.communicate(timeout=120)[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], errors
    assert set(log.read_text().split()) == {"compiled"}
    assert sum("compiling kernels, first run only" in e for e in errors) == 1
    if (os.cpu_count() or 1) > 1:
        assert log.read_text().count("compiled") == 1
