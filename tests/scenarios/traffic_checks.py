"""Traffic on a map without a driver: collisions (by shapely), standing times, speeds.

`python -m tests.scenarios.traffic_checks NAME|SEED... [--seconds S]` prints them for scenarios or procedural towns.
"""

import argparse
from dataclasses import dataclass, replace

import numpy as np

from world.kinds import BodyKind
from world.mapset import pack_maps
from world.records import Control
from world.roadmap import RoadMap
from world.scenario import Scenario

EVERY = 10  # steps between two looks
OVERLAP = 0.01  # [m^2]
LEVEL = 3.0  # [m]


@dataclass(frozen=True)
class Found:
    """What traffic did."""

    collisions: int  # pairs of road users that were seen to overlap
    longest_stand: float  # [s] of any vehicle
    early_speed: float  # [m/s] mean of the vehicles in the first quarter of the time
    late_speed: float  # [m/s] in the last quarter
    vehicles: int


def drive_traffic(road_map: RoadMap, scenario: Scenario, seconds: float, seed: int) -> Found:
    """Lets the scenario's traffic run on a map."""
    from simulator.engine import Engine

    engine = Engine(pack_maps([road_map]), replace(scenario, drivers=0), worlds=1)
    engine.reset([seed])
    nothing = np.zeros((1, 0), np.float32)
    control, hits = Control(steer=nothing, accel=nothing), set()
    stood = np.zeros(engine.state.x.shape[1])
    longest, speeds, vehicles = 0.0, [], np.zeros(0, int)
    for step in range(round(seconds / scenario.dt)):
        engine.step(control)
        if step % EVERY:
            continue
        state = engine.state
        there = np.flatnonzero(state.valid[0])
        hits |= _overlaps(state, engine.bodies, there)
        vehicles = there[engine.bodies.kind[0, there] != BodyKind.PEDESTRIAN]
        standing = state.valid[0] & (np.abs(state.speed[0]) < 0.2)
        stood = np.where(standing, stood + EVERY * scenario.dt, 0.0)
        longest = max(longest, float(stood[vehicles].max(initial=0.0)))
        speeds.append(float(state.speed[0, vehicles].mean()) if len(vehicles) else 0.0)
    quarter = max(1, len(speeds) // 4)
    return Found(len(hits), longest, float(np.mean(speeds[:quarter])), float(np.mean(speeds[-quarter:])), len(vehicles))


def _overlaps(state, bodies, there: np.ndarray) -> set[tuple[int, int]]:
    import shapely

    yaw, half = state.yaw[0, there], 0.5 * np.stack([bodies.length[0, there], bodies.width[0, there]])
    u, v = np.stack([np.cos(yaw), np.sin(yaw)], 1) * half[0][:, None], np.stack([-np.sin(yaw), np.cos(yaw)], 1)
    v = v * half[1][:, None]
    middle = np.stack([state.x[0, there], state.y[0, there]], 1)
    boxes = shapely.polygons(np.stack([middle + u + v, middle + u - v, middle - u - v, middle - u + v], axis=1))
    a, b = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    z = state.z[0, there]
    keep = (a < b) & (np.abs(z[a] - z[b]) < LEVEL)
    a, b = a[keep], b[keep]
    deep = shapely.area(shapely.intersection(boxes[a], boxes[b])) > OVERLAP
    return set(zip(there[a[deep]].tolist(), there[b[deep]].tolist(), strict=True))


if __name__ == "__main__":
    from scenarios.registry import find_scenario, for_seed, scenario_map

    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="+", help="names of scenarios, or seeds of procedural towns")
    parser.add_argument("--seconds", type=float, default=240.0)
    options = parser.parse_args()
    for what in options.what:
        chosen = find_scenario("procedural" if what.isdigit() else what)
        chosen = for_seed(chosen, int(what) if what.isdigit() else 0)
        print(what, drive_traffic(scenario_map(chosen), chosen, options.seconds, chosen.map_seed), flush=True)
