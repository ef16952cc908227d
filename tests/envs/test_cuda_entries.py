"""What environments run on a CUDA device compiles without one, as the engine's kernels do."""

import pytest

from envs.cuda_entries import ENTRIES
from simulator import cuda_entries
from tests.simulator.test_ptx import check, toolchain  # noqa: F401

QUICK = ("over", "begin", "restore", "draw")
OWN = [name for name in ENTRIES if name not in cuda_entries.ENTRIES and name not in QUICK]


@pytest.mark.parametrize("name", QUICK)
def test_a_kernel_is_one_entry_that_allocates_nothing(toolchain, name):  # noqa: F811
    check(name, ENTRIES)


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN)
def test_every_kernel_is_one_entry_that_allocates_nothing(toolchain, name):  # noqa: F811
    check(name, ENTRIES)
