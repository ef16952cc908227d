"""The profile `traffic`: both sides get the same streets and demand, and the figures come under the promised keys."""

import json
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from benchmarks import peers, traffic
from benchmarks.grid_traffic import SIZES, Grid, Size
from benchmarks.report import show_traffic
from benchmarks.sumo_network import Streets, write_demand, write_network
from benchmarks.traffic import TrafficConfig, run_traffic
from benchmarks.worker import Worker, WorkerError
from scenarios.registry import find_scenario, scenario_map
from world.kinds import LaneKind

TINY = Size(vehicles=20, side=2, block=100.0)
SHORT = TrafficConfig(sizes=(TINY,), pairs=2, warm=1.0, wall=0.02, peers=False, thread_worlds=2, resets=20)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """SUMO's files of the tiny grid, and its streets."""
    folder = tmp_path_factory.mktemp("sumo")
    streets = write_network(TINY.road_map(), folder)
    write_demand(streets, 300, 1, 2000.0, folder)
    return {name: ElementTree.parse(folder / f"{name}.xml").getroot() for name in
            ("plain.nod", "plain.edg", "plain.con", "demand.rou", "net")
            if (folder / f"{name}.xml").exists()}, streets  # fmt: skip


def _length(shape: str) -> float:
    xy = np.array([[float(v) for v in point.split(",")] for point in shape.split()])
    return float(np.hypot(*np.diff(xy, axis=0).T).sum())


def test_sumo_gets_our_streets_limits_and_lights(files):
    xml, _ = files
    m = TINY.road_map()
    driving = np.asarray(m.lane_kind) == LaneKind.DRIVING
    ours = np.asarray(m.lane_length)[driving & (m.lane_junction < 0)]
    edges = xml["plain.edg"].findall("edge")
    assert len(edges) == len(ours)
    assert sum(_length(e.get("shape")) for e in edges) == pytest.approx(ours.sum(), rel=2e-3)
    assert {e.get("speed") for e in edges} == {"13.889"}
    kinds = [n.get("type") for n in xml["plain.nod"].findall("node")]
    assert kinds.count("traffic_light") == 4
    names = {n.get("id") for n in xml["plain.nod"].findall("node")}
    assert {e.get(end) for e in edges for end in ("from", "to")} == names


def test_sumo_gets_our_turns(files):
    xml, _ = files
    m = TINY.road_map()
    driving = np.asarray(m.lane_kind) == LaneKind.DRIVING
    turns = xml["plain.con"].findall("connection")
    joints = sum(n.get("type") == "priority" for n in xml["plain.nod"].findall("node"))
    assert len(turns) == int((driving & (m.lane_junction >= 0)).sum()) + joints


def test_demand_drives_along_turns_and_lasts(files):
    xml, streets = files
    turns = {(c.get("from"), c.get("to")) for c in xml["plain.con"].findall("connection")}
    vehicles = xml["demand.rou"].findall("vehicle")
    assert len(vehicles) == 300
    for vehicle in vehicles:
        way = vehicle.find("route").get("edges").split()
        assert all(pair in turns for pair in zip(way, way[1:], strict=False))
        assert sum(streets.length[int(e[1:])] for e in way) >= 2000.0
    share = np.mean([v.get("type") == "k0" for v in vehicles])
    assert 0.6 < share < 0.8  # cars, as in simulator.fleet


def test_streets_of_several_lanes_are_refused():
    with pytest.raises(ValueError, match="several lanes a direction; allowed is one"):
        Streets(scenario_map(find_scenario("highway")))


def test_both_sizes_have_the_same_density():
    assert [s.vehicles for s in SIZES] == [500, 5000]
    per_crossing = [s.vehicles / s.side**2 for s in SIZES]
    assert per_crossing[0] == pytest.approx(per_crossing[1], rel=0.1)


def test_the_grid_keeps_its_vehicles_and_they_drive():
    grid = Grid(TINY)
    for _ in range(5):
        grid.run()
    seen = grid.look()
    assert grid.count() == seen["vehicles"] == 20 and seen["mean_speed"] > 1.0


def test_figures_come_under_the_promised_keys(capsys):
    found = json.loads(json.dumps(run_traffic(SHORT, print)))
    ours = found["ours"]["n20"]
    assert ours["range"][0] <= ours["vehicle_updates_per_s"] <= ours["range"][1]
    assert ours["vehicles"] == 20 and 0 <= ours["standing"] <= 1 and ours["start_up_s"] > 0.1
    assert found["ratio"] == {} and found["sumo"] == {}
    assert set(found["threads"]["factor"]) == {"median", "min", "max"}
    resets = found["resets"]["n20"]
    assert resets["restore_us"] > 0 and resets["bytes"] > 1000 and resets["resets_and_restores"] == 20
    show_traffic(found, Console(width=100))
    said = capsys.readouterr().out
    assert "vehicle updates/s" in said and "goal of 10,000,000" in said and "memory grew" in said


def test_a_peer_that_cannot_be_installed_is_named_and_left_out(monkeypatch, tmp_path):
    monkeypatch.setenv("TARMAC_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(peers.venv, "create", lambda folder, **_: folder.mkdir(parents=True, exist_ok=True))
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: no connection\n")
    monkeypatch.setattr(peers.subprocess, "run", lambda *_, **__: failed)
    said, out = [], {"sumo": {}}
    assert traffic._sumo(TrafficConfig(), said.append, out) is None
    assert "no connection" in out["sumo"]["missing"] and "without SUMO" in said[0]
    with pytest.raises(peers.PeerError, match="pip install libsumo"):  # it is tried again, not taken for installed
        peers.peer_python("sumo")


def test_a_worker_that_dies_says_why():
    with pytest.raises(WorkerError, match="peer ended with status 1: out of luck"):
        Worker("peer", [sys.executable, "-c", "raise SystemExit('out of luck')"])


@pytest.mark.slow
def test_beside_sumo():
    config = TrafficConfig(sizes=(TINY,), pairs=2, warm=5.0, wall=0.1, thread_worlds=2, resets=20)
    found = run_traffic(config, print)
    assert "missing" not in found["sumo"], found["sumo"]
    assert found["sumo"]["n20"]["vehicles"] == pytest.approx(20, abs=1)
    ratio = found["ratio"]["n20"]
    assert 1.0 < ratio["min"] <= ratio["median"] <= ratio["max"]
