"""The maps highway, roundabout and intersection, the grid and the ring: what they are for is in them."""

import numpy as np
import pytest

from scenarios.procedural import grid, ring
from scenarios.registry import SCENARIOS
from tests.scenarios.map_checks import carla_reads, driving, faults, links
from world.kinds import ConflictKind, LaneKind, Priority, StopKind, Turn
from world.opendrive import load_map
from world.roadmap import RoadMap
from world.routing import Router

NAMES = ("highway", "roundabout", "intersection")


@pytest.fixture(scope="module", params=NAMES)
def site(request) -> RoadMap:
    return load_map(SCENARIOS[request.param].map_path, cache=False)


def named(name: str) -> RoadMap:
    return load_map(SCENARIOS[name].map_path)


def test_sites_are_sound(site):
    assert faults(site) == []


def test_carla_reads_the_sites_without_dead_ends():
    pytest.importorskip("carla")
    for name, got in zip(NAMES, carla_reads([SCENARIOS[n].map_path for n in NAMES]), strict=True):
        assert got["dead"] == 0 and got["points"] > 500, name
        assert got["lights"] == len(named(name).light_ids)


def test_walkers_reach_every_crosswalk():
    for name in ("roundabout", "intersection"):
        road_map = named(name)
        ends = np.diff(road_map.walk_link_start).reshape(-1, 2)
        assert (ends[road_map.walk_crosswalk >= 0] >= 1).all(), name


# --- Highway -----------------------------------------------------------------------------------------------------


def test_the_highway_has_three_lanes_each_way_and_changes_between_them():
    road_map = named("highway")
    router = Router(road_map)
    main = [k for k in driving(road_map) if road_map.lane_junction[k] < 0 and road_map.lane_length[k] > 700.0]
    assert len(main) == 2 * 2 * 3 + 2 * 2 * 3  # both bends and both straights between the ramps, each way
    sides = [sorted(change.side for change in router.changes[k]) for k in main]
    assert sorted(map(tuple, sides)) == sorted([(-1,), (-1, 1), (1,)] * (len(main) // 3))


def test_the_highways_limits_and_ramps():
    road_map = named("highway")
    lane = np.repeat(np.arange(road_map.lane_count), np.diff(road_map.lane_start))
    own = road_map.lane_kind[lane] == LaneKind.DRIVING
    assert set(np.round(road_map.point_limit[own] * 3.6).astype(int)) == {70, 80, 100, 120}
    assert road_map.point_xyz[own, 2].max() == pytest.approx(6.5, abs=0.01)  # the bridges
    four = [k for k in driving(road_map) if road_map.lane_id[k] == -4 and road_map.lane_junction[k] < 0]
    assert (
        len(four) == 8 and road_map.lane_length[four].min() > 250.0
    )  # a lane to slow down or to speed up at each ramp


def test_lanes_that_end_on_the_highway_give_way():
    road_map = named("highway")
    merges = 0
    for lane in range(road_map.lane_count):
        for c in range(road_map.conflict_start[lane], road_map.conflict_start[lane + 1]):
            if road_map.conflict_kind[c] == ConflictKind.MERGE and road_map.conflict_priority[c] == Priority.YIELDS:
                merges += 1
    assert merges >= 4  # where lanes to speed up end, at least


def test_highway_routes_are_long():
    router = Router(named("highway"))
    for seed in range(10):
        route = router.random(seed, SCENARIOS["highway"].route_min_length)
        assert route is not None


# --- Roundabout --------------------------------------------------------------------------------------------------


def test_who_enters_a_roundabout_gives_way_to_the_ring():
    road_map = named("roundabout")
    yields = np.flatnonzero(road_map.stop_kind == StopKind.YIELD)
    assert len(yields) == 4 + 2 * 4  # one lane each at the small one, two at the large one
    held = {int(np.searchsorted(road_map.stop_start, q, side="right") - 1) for q in yields}
    checked = 0
    for lane in held:
        for way in road_map.successor[road_map.successor_start[lane] : road_map.successor_start[lane + 1]]:
            for c in range(road_map.conflict_start[way], road_map.conflict_start[way + 1]):
                if road_map.conflict_kind[c] != ConflictKind.DIVERGE:
                    assert road_map.conflict_priority[c] == Priority.YIELDS
                    checked += 1
    assert checked >= 8


def test_one_can_go_round_a_roundabout():
    """From every lane of a ring, keeping left leads back to it."""
    road_map = named("roundabout")
    a, b = links(road_map)
    after: dict[int, list[int]] = {}
    for i, j in zip(a.tolist(), b.tolist(), strict=True):
        after.setdefault(i, []).append(j)
    names = {k for k, road in enumerate(road_map.road_ids)}
    ring_lanes = [k for k in driving(road_map) if 0 < road_map.lane_length[k] < 25.0 and road_map.lane_junction[k] < 0]
    assert len(names) > 30 and len(ring_lanes) == 4 + 2 * 4
    inner = [k for k in ring_lanes if road_map.lane_id[k] == -1]
    for start in inner:
        lane, turned = start, 0.0
        for _ in range(8):
            ways = after[lane]
            bend = [
                float(road_map.point_curvature[road_map.lane_start[w] : road_map.lane_start[w + 1]].mean())
                for w in ways
            ]
            lane = ways[int(np.argmax(bend))]
            turned += 1
        assert lane == start


# --- Intersection ------------------------------------------------------------------------------------------------


def test_left_turns_are_protected_one_way_and_give_way_the_other():
    road_map = named("intersection")
    assert road_map.plan_phases.tolist() == [3]
    phases: dict[int, set[int]] = {}
    for q in np.flatnonzero(road_map.stop_kind == StopKind.LIGHT):
        lane = int(np.searchsorted(road_map.stop_start, q, side="right") - 1)
        phases.setdefault(int(road_map.lane_road[lane]), set()).add(int(road_map.light_phase[road_map.stop_light[q]]))
    assert sorted(map(sorted, phases.values())) == [[0, 1], [0, 1], [2], [2]]


def test_every_way_through_the_intersection_is_there():
    road_map = named("intersection")
    lights = np.flatnonzero(road_map.stop_kind == StopKind.LIGHT)
    held = [int(np.searchsorted(road_map.stop_start, q, side="right") - 1) for q in lights]
    assert len(held) == len(set(held)) == 12
    turns = [
        int(road_map.lane_turn[w])
        for lane in held
        for w in road_map.successor[road_map.successor_start[lane] : road_map.successor_start[lane + 1]]
    ]
    count = {kind: turns.count(int(kind)) for kind in (Turn.LEFT, Turn.STRAIGHT, Turn.RIGHT)}
    assert count == {Turn.LEFT: 4, Turn.STRAIGHT: 8, Turn.RIGHT: 4}


# --- Grid and ring -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "rows", "phases"), [(1, 1, 2), (3, 2, 2), (2, 3, 4)])
def test_a_grid_is_closed_and_has_lights_everywhere(columns, rows, phases):
    road_map = grid(columns, rows, 90.0, phases=phases)
    assert faults(road_map) == []
    assert len(road_map.plan_ids) == columns * rows and (road_map.plan_phases == phases).all()
    assert len(road_map.light_ids) == 4 * columns * rows
    straight = [k for k in driving(road_map) if road_map.lane_turn[k] == Turn.STRAIGHT]
    assert len(straight) == 4 * columns * rows


@pytest.mark.parametrize(("length", "lanes"), [(500.0, 1), (2000.0, 3)])
def test_a_ring_is_as_long_as_asked(length, lanes):
    road_map = ring(length, lanes)
    assert faults(road_map) == []
    left = [k for k in driving(road_map) if road_map.lane_id[k] == -1]
    assert road_map.lane_length[left].sum() == pytest.approx(length, rel=1e-5)
    assert len(driving(road_map)) == lanes * len(left)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: grid(0, 3), "allowed are 1 to 40"),
        (lambda: grid(2, 2, 20.0), "block of 20.0 m"),
        (lambda: grid(2, 2, phases=3), "allowed are 2 and 4"),
        (lambda: ring(20.0), "allowed are 100 to 50000"),
        (lambda: ring(500.0, 9), "allowed are 1 to 6"),
    ],
)
def test_bad_figures_are_told(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_nobody_cycles_on_the_highway():
    from simulator.engine import Engine
    from world.kinds import BodyKind
    from world.mapset import pack_maps

    kinds = {}
    for name in ("highway", "town01"):
        engine = Engine(pack_maps([named(name)]), SCENARIOS[name], worlds=4)
        engine.reset([0, 1, 2, 3])
        kinds[name] = set(np.unique(engine.bodies.kind[engine.state.valid]).tolist())
    assert BodyKind.BICYCLE in kinds["town01"] and BodyKind.BICYCLE not in kinds["highway"]
