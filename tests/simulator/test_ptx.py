"""The step's kernels compile to PTX without a GPU (extra `cuda`)."""

import pytest

from simulator.ptx import PHASES, PtxError, make_ptx


def ptx_or_skip(phase: str) -> str:
    try:
        return make_ptx(phase)
    except PtxError as error:
        pytest.skip(str(error))


def test_light_and_motion_kernels_become_ptx():
    for phase in ("lights", "move"):
        text = ptx_or_skip(phase)
        assert ".visible .entry" in text and ".target sm_80" in text


@pytest.mark.slow
@pytest.mark.parametrize("phase", [p for p in PHASES if p not in ("lights", "move")])
def test_every_phase_becomes_ptx(phase):
    assert ".visible .entry" in ptx_or_skip(phase)


def test_an_unknown_phase_is_named():
    with pytest.raises(ValueError, match="allowed: lights"):
        make_ptx("lihgts")
