"""The benchmark of the perception tells its parts and its memory."""

import io

from rich.console import Console

from benchmarks.eyes import EyesConfig, measure_eyes, show_eyes


def test_a_tick_has_figures():
    found = measure_eyes(EyesConfig(scenario="town02", seconds=1.0, warm=0.5))
    assert all(0 < part["mean"] <= part["p95"] * 3 for part in found["ms"].values())
    assert 50 < found["memory_mb"] < 8000
    show_eyes(found, Console(file=io.StringIO()))
