"""The fundamental diagram: its measures by hand, and that our traffic on a ring looks like traffic."""

import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from benchmarks.diagram import (
    CAPACITY,
    Cells,
    DiagramConfig,
    _points,
    drive,
    ring_places,
    run_diagram,
    show_diagram,
    wave_speed,
)
from scenarios.procedural import ring

ONE = DiagramConfig(seeds=(1,), measure=300.0)


@pytest.fixture(scope="module")
def road():
    return ring(2000.0)


def test_density_and_flow_are_edies(road):
    """12 vehicles on each third of a 2 km ring at 20 m/s: 18 a kilometre, 1296 an hour."""
    cells = Cells(road)
    assert cells.count == 3 and cells.length.sum() == pytest.approx(2000.0, rel=1e-3)
    lanes = np.flatnonzero(cells.of_lane < 3).repeat(12)
    sums = np.array([[cells.sums(lanes, np.full(36, 20.0))]] * 60)
    points = _points(sums, cells, replace(ONE, interval=30.0))
    assert points.shape == (6, 2)
    assert points == pytest.approx(np.array([[18.0, 1296.0]] * 6), rel=2e-3)


def test_places_along_the_ring_follow_each_other(road):
    lanes = np.flatnonzero(Cells(road).of_lane < 3)
    places = sorted(ring_places(road)[lanes])
    assert places == pytest.approx([0.0, 2000.0 / 3, 4000.0 / 3], rel=1e-3)


@pytest.mark.parametrize("kmh", [-10.0, -18.0, -30.0])
def test_speed_of_waves_is_found(kmh):
    """Vehicles all along a ring, slow within 200 m of a place that moves against them."""
    s = np.tile(np.arange(0.0, 2000.0, 10.0), (500, 1))
    jam = (kmh / 3.6 * np.arange(500.0)[:, None]) % 2000.0
    distance = np.abs((s - jam + 1000.0) % 2000.0 - 1000.0)
    tracks = np.stack([s, np.where(distance < 100.0, 1.0, 12.0)], axis=-1)
    assert wave_speed(tracks, 2000.0) == pytest.approx(kmh, rel=0.07)
    tracks[..., 1] = 12.0
    assert wave_speed(tracks, 2000.0) is None


def test_free_traffic_on_the_ring_is_fast_and_even(road):
    seen = drive(road, 20, replace(ONE, settle=120.0))
    assert seen.whole[0] == pytest.approx(10.0, rel=0.01)
    assert seen.whole[1] / seen.whole[0] > 75.0 and seen.stopped == 0.0


def test_capacity_of_the_ring_is_that_of_a_real_lane(road):
    flows = [drive(road, n, replace(ONE, settle=300.0)).whole[1] for n in (56, 64, 72)]
    assert CAPACITY[0] < max(flows) < CAPACITY[1]


def test_beyond_capacity_there_are_stop_and_go_waves(road):
    seen = drive(road, 100, replace(ONE, settle=900.0), ring_places(road))
    assert seen.spread > 3.0 and seen.stopped > 0.05
    speed = wave_speed(seen.tracks, 2000.0)
    assert speed is not None and -22.0 < speed < -10.0


def test_figures_table_and_picture(tmp_path, capsys):
    config = DiagramConfig(
        ring_densities=(10.0, 20.0), wave_density=20.0, highway_vehicles=(40,), settle=5.0, measure=20.0,
        highway_settle=5.0, highway_measure=10.0, interval=5.0, seeds=(1,),
    )  # fmt: skip
    found, pictures = run_diagram(config)
    found = json.loads(json.dumps(found))
    assert len(found["ring"]["rows"]) == 2 and found["highway"]["bins"]
    assert found["ring"]["capacity"] > 500 and "wave_speed_kmh" in found["ring"]["waves"]
    show_diagram(found, Console(width=100))
    assert "real roads" in capsys.readouterr().out
    pytest.importorskip("matplotlib")
    from benchmarks.plots import plot_diagram

    plot_diagram(found, pictures, tmp_path / "new" / "diagram.png")
    assert (tmp_path / "new" / "diagram.png").read_bytes().startswith(b"\x89PNG")
