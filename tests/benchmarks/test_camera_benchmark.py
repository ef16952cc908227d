"""The benchmark of the renderer measures all of its looks."""

import io

from rich.console import Console

from benchmarks.camera import SIZES, WANTED, CameraConfig, measure_camera, show_camera


def test_every_look_has_a_figure():
    config = CameraConfig(scenario="town02", vehicles=40, pedestrians=20, places=3, windows=1, wall=0.02)
    found = measure_camera(config)
    assert len(found["rates"]) == 7 * len(SIZES)
    assert all(0 < r["min"] <= r["median"] <= r["max"] for r in found["rates"].values())
    assert set(found["in_view"]) == set(WANTED) and all(n >= 0 for n in found["in_view"].values())
    show_camera(found, Console(file=io.StringIO()))
    show_camera(found | {"peer": "skipped"}, Console(file=io.StringIO()))
