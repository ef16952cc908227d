"""Kernels that call kernels: the same numbers as Python, constants do not multiply code, the cache is hit."""

import os
import subprocess
import sys

import numpy as np

from world.compiling import LEAN
from world.kernel import kernel

_THREE, _FOUR = 3, 4


@kernel
def _times(x, n):
    total = 0.0
    for _ in range(n):
        total += x
    return total


@kernel
def both(x):
    """3 x + 4 x"""
    return _times(x, _THREE) + _times(x, _FOUR)


@kernel
def fill(out, x):
    for i in range(len(out)):
        out[i] = both(x) + i


def test_nested_kernels_compute_what_python_does():
    out = np.zeros(3)
    fill(out, 2.0)
    assert out.tolist() == [14.0, 15.0, 16.0]
    assert both(2.0) == both.py_func(2.0) == 14.0 and _times(2.0, 5) == 10.0


def test_this_version_of_numba_compiles_lean():
    assert LEAN


def test_constants_of_one_type_share_one_callee():
    fill(np.zeros(1), 1.0)
    assert len(_times.signatures) <= 1  # compiled at most for Python, not once for 3 and once for 4


CHILD = """
import numpy as np
from world.boxes import boxes_overlap
assert boxes_overlap(0.0, 0.0, 0.0, 4.0, 2.0, 1.0, 0.0, 0.0, 4.0, 2.0)
print(sum(boxes_overlap.stats.cache_hits.values()), sum(boxes_overlap.stats.cache_misses.values()))
"""


def test_a_second_process_loads_from_the_cache(tmp_path):
    env = {**os.environ, "TARMAC_CACHE_DIR": str(tmp_path)}
    runs = [subprocess.run([sys.executable, "-c", CHILD], env=env, capture_output=True, text=True) for _ in range(2)]
    assert [r.returncode for r in runs] == [0, 0], runs[-1].stderr
    assert [r.stdout.split() for r in runs] == [["0", "1"], ["1", "0"]]
