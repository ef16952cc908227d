"""What the judge and the lane search remember to search less changes nothing: a run that forgets it is the same."""

from dataclasses import replace

import numpy as np

from scenarios.registry import find_scenario, scenario_map
from simulator.engine import Engine
from simulator.judge import NOT_ASKED
from world.mapset import pack_maps
from world.records import Control
from world.roadmap import STATIC_REACH, TRUNK

WORLDS, DRIVERS, STEPS = 3, 6, 120
MEMORY = {
    "piece",
    "corner_point",
    "near_x",
    "near_y",
    "near_z",
    "near_yaw",
    "near_lane",
    "near_s",
    "near_d",
    "near_away",
}


def forget(engine):
    judge = engine.model.judge
    judge.piece[:] = 0
    judge.corner_point[:] = -1
    judge.near_yaw[:] = NOT_ASKED
    engine.model.traffic.row["way"][:, :DRIVERS] = -1


def test_a_run_that_forgets_is_the_same():
    scenario = replace(find_scenario("town01"), drivers=DRIVERS, vehicles=10, pedestrians=0)
    maps = pack_maps([scenario_map(scenario)])
    draw, shape = np.random.default_rng(3), (WORLDS, DRIVERS)
    with Engine(maps, scenario, WORLDS) as one, Engine(maps, scenario, WORLDS) as two:
        one.reset(range(WORLDS))
        two.reset(range(WORLDS))
        steer, events = np.zeros(shape, np.float32), 0
        for _ in range(STEPS):
            steer = np.clip(0.9 * steer + draw.normal(0.0, 0.03, shape), -0.5, 0.5).astype(np.float32)
            control = Control(steer, draw.uniform(0.0, 4.0, shape).astype(np.float32))
            forget(two)
            first, second = one.step(control), two.step(control)
            assert [str(e) for e in first.events] == [str(e) for e in second.events]
            assert (one.state_hash == two.state_hash).all()
            events += len(first.events)
            for name, value in one.model.judge._asdict().items():
                if name not in MEMORY:
                    assert value.tobytes() == getattr(two.model.judge, name).tobytes(), name
            assert (one.model.slots.route_lane == two.model.slots.route_lane).all()
        assert events > 5 and one.model.judge.off_road.any()  # they left their lanes and the road


def test_cells_list_what_stands_near_them():
    """All buildings and trees whose circle comes within STATIC_REACH of a point are in the list of its cell."""
    t = pack_maps([scenario_map(find_scenario("town01"))]).tables
    row, draw = t.maps[0], np.random.default_rng(5)
    x = row["x0"] + draw.uniform(0.0, row["nx"] * row["cell"], 500)
    y = row["y0"] + draw.uniform(0.0, row["ny"] * row["cell"], 500)
    cell = ((x - row["x0"]) / row["cell"]).astype(int) * row["ny"] + ((y - row["y0"]) / row["cell"]).astype(int)
    for px, py, c in zip(x, y, cell, strict=True):
        listed = set(t.cell_statics[t.cell_static0[c] : t.cell_static0[c + 1]].tolist())
        near = np.hypot(t.buildings["x"] - px, t.buildings["y"] - py) <= t.buildings["radius"] + STATIC_REACH
        trunks = np.hypot(t.trees["x"] - px, t.trees["y"] - py) <= TRUNK + STATIC_REACH
        assert listed >= set(np.flatnonzero(near).tolist()) | set((-1 - np.flatnonzero(trunks)).tolist())
