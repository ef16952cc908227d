"""Random towns: sound for every seed, the same for the same seed, varied, drivable, one for every world."""

import hashlib
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from scenarios.procedural import town, town_pool, town_xodr
from scenarios.procedural.town import town as build
from scenarios.registry import find_scenario, for_seed, scenario_map
from tests.scenarios.map_checks import carla_reads, check_towns, faults
from tests.scenarios.traffic_checks import drive_traffic
from world.kinds import StopKind
from world.mapset import pack_maps
from world.records import Control
from world.scenario import ScenarioError

SAMPLE = range(8)


@pytest.fixture(scope="module")
def towns() -> list:
    return [town(seed, cache=False) for seed in SAMPLE]


@pytest.fixture(scope="module")
def networks() -> list:
    return [build(seed)[0] for seed in SAMPLE]


def digest(seed: int) -> str:
    return hashlib.sha256(town_xodr(seed)).hexdigest()


def test_towns_are_sound(towns):
    assert [fault for road_map in towns for fault in faults(road_map)] == []


def test_carla_reads_towns_without_dead_ends(tmp_path, towns):
    pytest.importorskip("carla")
    paths = [tmp_path / f"{seed}.xodr" for seed in SAMPLE]
    for seed, path in zip(SAMPLE, paths, strict=True):
        path.write_bytes(town_xodr(seed))
    for road_map, got in zip(towns, carla_reads(paths), strict=True):
        assert got["dead"] == 0 and got["lights"] == len(road_map.light_ids), road_map.name


def test_a_seed_gives_the_same_town_in_every_process():
    code = "import hashlib; from scenarios.procedural import town_xodr; print(hashlib.sha256(town_xodr(7)).hexdigest())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(7)
    assert len({digest(seed) for seed in range(4)}) == 4


def test_towns_have_everything_that_was_promised(towns, networks):
    roads = [road for network in networks for road in network.roads]
    assert any(road.name.startswith("Roundabout") for road in roads)
    assert any(road.name == "Slip Road" for road in roads)
    kinds = {int(k) for road_map in towns for k in np.unique(road_map.stop_kind)}
    assert kinds == {int(StopKind.LIGHT), int(StopKind.STOP), int(StopKind.YIELD)}
    arms = {len(junction.ends) for network in networks for junction in network.junctions}
    assert {2, 3, 4} <= arms  # lanes that begin and end, T, X
    assert {road.driving(-1) for road in roads if road.junction is None} == {1, 2}
    assert {30, 40, 50, 60} <= {limit for road in roads for _, limit in road.limits}
    for road_map in towns:
        assert len(road_map.crosswalk_start) > 1 and len(road_map.sign_ids) > 3
    assert sum(len(m.building_height) for m in towns) > 80 and sum(len(m.tree_height) for m in towns) > 40


def test_houses_stand_clear_of_the_roads_and_of_each_other(towns):
    shapely = pytest.importorskip("shapely")
    for seed, road_map in zip(SAMPLE, towns, strict=True):
        starts = road_map.building_start
        outlines = [road_map.building_xyz[a:b, :2] for a, b in zip(starts, starts[1:], strict=False)]
        houses = [shapely.Polygon(o) for o in outlines]
        lane = np.repeat(np.arange(road_map.lane_count), np.diff(road_map.lane_start))
        points = shapely.points(road_map.point_xyz[:, :2])
        tree = shapely.STRtree(points)
        for k, house in enumerate(houses):
            near = tree.query(house, predicate="dwithin", distance=0.5)
            assert len(near) == 0, f"seed {seed}: a house on lane {set(lane[near])}"
            assert not any(house.intersects(other) for other in houses[k + 1 :]), f"seed {seed}"


def test_a_negative_seed_is_told():
    with pytest.raises(ValueError, match="got seed -1"):
        town_xodr(-1)


def test_a_pool_holds_the_towns_in_order():
    assert [m.source_hash for m in town_pool([3, 1]).maps] == [digest(3), digest(1)]


def test_a_scenario_of_towns_has_the_map_of_its_seed():
    scenario = find_scenario("procedural")
    assert scenario_map(for_seed(scenario, 5)).source_hash == digest(5)
    assert for_seed(find_scenario("town02"), 5) == find_scenario("town02")
    with pytest.raises(ScenarioError, match="allowed are town"):
        scenario_map(replace(scenario, map_maker="city"))


def test_worlds_on_different_towns_drive_as_they_would_alone(towns):
    from simulator.engine import Engine

    scenario = replace(find_scenario("procedural"), vehicles=12, pedestrians=4, drivers=0)
    pool, seeds, ids = pack_maps(towns[:3]), [5, 6, 7, 8], [2, 0, 1, 2]
    still = Control(steer=np.zeros((4, 0), np.float32), accel=np.zeros((4, 0), np.float32))
    together = Engine(pool, scenario, worlds=4, map_id=ids)
    together.reset(seeds)
    for _ in range(100):
        together.step(still)
    for b in range(4):
        alone = Engine(pack_maps([pool.maps[ids[b]]]), scenario, worlds=1)
        alone.reset([seeds[b]])
        for _ in range(100):
            alone.step(Control(steer=still.steer[:1], accel=still.accel[:1]))
        assert alone.state_hash[0] == together.state_hash[b]


@pytest.mark.parametrize("name", ["highway", "roundabout", "intersection"])
def test_traffic_runs_on_the_sites(name):
    scenario = find_scenario(name)
    found = drive_traffic(scenario_map(scenario), scenario, seconds=60.0, seed=1)
    assert found.collisions == 0 and found.vehicles == scenario.vehicles
    assert found.late_speed > {"highway": 18.0, "roundabout": 5.0, "intersection": 5.0}[name]


@pytest.mark.parametrize("seed", [0, 2])
def test_traffic_runs_in_towns(seed, towns):
    """With roundabouts, lights and a slip road."""
    found = drive_traffic(towns[seed], find_scenario("procedural"), seconds=60.0, seed=seed)
    assert found.collisions == 0 and found.late_speed > 3.0


def test_every_episode_of_a_run_has_the_map_of_its_seed(tmp_path):
    """Episode k of seed S equals episode 0 of seed S + k, its map included, and its record verifies."""
    from envs.config import make_config
    from envs.episode import resimulate
    from envs.run import run
    from replay.reader import read_record
    from replay.verify import verify

    def drive(seed: int, episodes: int, folder: str) -> dict:
        return run(make_config("procedural", seed=seed, episodes=episodes, max_time=2.0, out=tmp_path / folder)).summary

    both, alone = drive(4, 2, "both"), drive(5, 1, "alone")
    assert both["episodes"][1]["state_hash"] == alone["episodes"][0]["state_hash"]
    record = read_record(tmp_path / "both" / "episode-1.mcap")
    assert record.header["map"] == "procedural-5" and record.header["map_hash"] == digest(5)
    assert verify(record, resimulate).proved


# --- Long ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_thousand_towns_are_sound():
    pytest.importorskip("carla")
    found, _ = check_towns(0, 1000)
    assert found == []


@pytest.mark.slow
@pytest.mark.sample
def test_a_pool_of_a_hundred_towns_takes_less_than_a_minute_of_one_core():
    start = time.process_time()
    assert len(town_pool(range(5000, 5100)).maps) == 100
    assert time.process_time() - start < 60.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_traffic_flows_for_minutes_in_towns(seed):
    scenario = find_scenario("procedural")
    found = drive_traffic(town(seed, cache=False), scenario, seconds=240.0, seed=seed)
    assert found.collisions == 0 and found.longest_stand < 100.0
