"""The engine's kernels compile for CUDA, without a GPU: PTX with one entry each that calls nothing outside."""

import os
import re

import pytest

from simulator.__main__ import main
from simulator.cuda_entries import ENTRIES
from simulator.ptx import PtxError, assemble, check_toolchain, entry_names, make_ptx, outside_calls, write_ptx

QUICK = ("lights", "hash", "sense")


@pytest.fixture(scope="module")
def toolchain():
    try:
        check_toolchain()
    except PtxError as error:
        pytest.skip(f"no CUDA compiler: {error}")


def check(phase: str, entries=ENTRIES) -> None:
    text = make_ptx(phase, entries=entries)
    names = entry_names(text)
    assert len(names) == 1 and f"tarmac_{phase}" in names[0]
    assert ".target sm_80" in text
    head = text[text.index(".entry") : text.index("{", text.index(".entry"))]
    assert head.count(".param .u64") == 1 + len(entries[phase].packs)
    assert outside_calls(text) == []
    for word in ("malloc", "vprintf", "NRT_"):
        assert word not in text
    needs = assemble(text)
    assert needs is None or 16 <= needs.registers <= 255


@pytest.mark.parametrize("phase", QUICK)
def test_a_phase_is_one_entry_that_allocates_nothing(toolchain, phase):
    check(phase)


@pytest.mark.slow
@pytest.mark.parametrize("phase", [p for p in ENTRIES if p not in QUICK])
def test_every_phase_is_one_entry_that_allocates_nothing(toolchain, phase):
    check(phase)


@pytest.mark.slow
@pytest.mark.parametrize(("phase", "writes"), [("decide", 2), ("judge", 1)])
def test_what_several_threads_write_is_written_whole(toolchain, phase, writes):
    assert len(re.findall(r"\b(?:atom|red)\.", make_ptx(phase))) >= writes


def test_products_and_sums_are_not_fused(toolchain):
    text = make_ptx("clock") + make_ptx("sense")
    assert "mul.rn.f64" in text and not re.search(r"\bmul\.f(32|64)|\badd\.f(32|64)", text)


def test_the_device_is_the_one_asked_for(toolchain):
    assert ".target sm_90" in make_ptx("lights", (9, 0))


def test_unknown_phases_and_devices_are_refused(toolchain):
    with pytest.raises(ValueError, match="lights"):
        make_ptx("lihgts")
    with pytest.raises(ValueError, match="3.0 is unknown; allowed: 7.5"):
        make_ptx("lights", (3, 0))


def test_calls_that_leave_the_module_are_seen():
    text = (
        ".extern .func  (.param .b64 func_retval0) malloc\n(\n.param .b64 malloc_param_0\n)\n;\n.extern .func free(\n);"
    )
    assert outside_calls(text) == ["malloc", "free"]


def test_files_are_whole_or_absent(tmp_path):
    path = tmp_path / "deep" / "a.ptx"
    write_ptx("one", path)
    write_ptx("two", path)
    assert path.read_text() == "two"
    assert os.listdir(path.parent) == ["a.ptx"]


def test_the_command_writes_a_file_and_a_line_for_each_kernel(toolchain, tmp_path, capsys):
    assert main(["ptx", "--out", str(tmp_path), "--cc", "90", "--phase", "hash", "--no-ptxas"]) == 0
    assert ".target sm_90" in (tmp_path / "hash.ptx").read_text()
    assert capsys.readouterr().out.splitlines()[1].split()[0] == "hash"
    assert main(["ptx", "--out", str(tmp_path), "--phase", "paint"]) == 2
    assert "paint" in capsys.readouterr().err


def test_numba_is_left_as_it_was_found(toolchain):
    from numba.cuda import dispatcher

    before = dispatcher.get_current_device, dispatcher.CUDADispatcher.get_call_template
    make_ptx("hash")
    assert (dispatcher.get_current_device, dispatcher.CUDADispatcher.get_call_template) == before
