"""The benchmark of sensors measures all of them."""

import io

from rich.console import Console

from benchmarks.sensors import ENVIRONMENTS, SensorsConfig, measure_sensors, show_sensors


def test_every_sensor_has_a_figure():
    found = measure_sensors(SensorsConfig(scenario="town02", worlds=2, windows=1, wall=0.02))
    assert len(found["rates"]) == len(ENVIRONMENTS) + 2
    assert all(0 < r["min"] <= r["median"] <= r["max"] for r in found["rates"].values())
    show_sensors(found, Console(file=io.StringIO()))
