"""What every map of ours must hold: links without jumps, one strongly connected whole, controls that hold lanes.

`python -m tests.scenarios.map_checks FIRST LAST` checks the procedural towns of seeds FIRST to LAST - 1, in our reader
and in carla.Map (in child processes), and prints what it found.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from world.kinds import LaneKind, StopKind
from world.roadmap import RoadMap
from world.routing import Router

GAP, TURN = 0.01, np.deg2rad(0.1)  # largest jump [m], [rad] between a lane and its successor
CARLA = """
import json, sys
import carla
for path in sys.argv[1:]:
    m = carla.Map("probe", open(path, encoding="utf-8").read())
    points = m.generate_waypoints(5.0)
    dead = sum(not w.next(5.0) for w in points)
    lights = len(m.get_all_landmarks_of_type("1000001"))
    print(json.dumps({"points": len(points), "dead": dead, "lights": lights, "ways": len(m.get_topology())}))
"""


def driving(road_map: RoadMap) -> np.ndarray:
    return np.flatnonzero(road_map.lane_kind == LaneKind.DRIVING)


def links(road_map: RoadMap) -> tuple[np.ndarray, np.ndarray]:
    """(from, to) driving lanes of all links."""
    source = np.repeat(np.arange(road_map.lane_count), np.diff(road_map.successor_start))
    kind = road_map.lane_kind
    keep = (kind[source] == LaneKind.DRIVING) & (kind[road_map.successor] == LaneKind.DRIVING)
    return source[keep], road_map.successor[keep]


def jumps(road_map: RoadMap) -> tuple[float, float, float]:
    """Largest gap [m], turn [rad] and step of width [m] between a driving lane's end and its successor's start."""
    a, b = links(road_map)
    end, start = road_map.lane_start[a + 1] - 1, road_map.lane_start[b]
    gap = np.linalg.norm(road_map.point_xyz[end].astype(float) - road_map.point_xyz[start], axis=1)
    turn = np.abs((road_map.point_heading[end] - road_map.point_heading[start] + np.pi) % (2 * np.pi) - np.pi)
    step = np.abs(road_map.point_width[end] - road_map.point_width[start])
    return float(gap.max()), float(turn.max()), float(step.max())


def kinks(road_map: RoadMap) -> tuple[float, float]:
    """Inside of driving lanes: largest turn [rad] from one point to the next, smallest width [m]."""
    lane = np.repeat(np.arange(road_map.lane_count), np.diff(road_map.lane_start))
    own = road_map.lane_kind[lane] == LaneKind.DRIVING
    same = own[1:] & (lane[1:] == lane[:-1])
    turn = np.abs((np.diff(road_map.point_heading) + np.pi) % (2 * np.pi) - np.pi)
    return float(turn[same].max()), float(road_map.point_width[own].min())


def tightest(road_map: RoadMap) -> float:
    """[m] least radius of a driving lane's middle."""
    lane = np.repeat(np.arange(road_map.lane_count), np.diff(road_map.lane_start))
    return 1.0 / float(np.abs(road_map.point_curvature[road_map.lane_kind[lane] == LaneKind.DRIVING]).max())


def parts(road_map: RoadMap) -> int:
    """Number of strongly connected parts of the driving lanes, by links and by lane changes that the marks allow."""
    router = Router(road_map)
    pairs = [(lane, after) for lane, ways in enumerate(router.after) for after in ways]
    pairs += [(lane, change.other) for lane, changes in enumerate(router.changes) for change in changes]
    a, b = np.array(pairs).T
    graph = coo_matrix((np.ones(len(a)), (a, b)), shape=(road_map.lane_count, road_map.lane_count))
    part = connected_components(graph, directed=True, connection="strong")[1]
    return len(np.unique(part[driving(road_map)]))


def dead_ends(road_map: RoadMap) -> int:
    """Driving lanes that nothing follows, or that nothing leads to."""
    a, b = links(road_map)
    own = driving(road_map)
    return int((~np.isin(own, a)).sum() + (~np.isin(own, b)).sum())


def lights_without_lane(road_map: RoadMap) -> int:
    held = road_map.stop_light[road_map.stop_kind == StopKind.LIGHT]
    return len(set(range(len(road_map.light_ids))) - set(held.tolist()))


def faults(road_map: RoadMap) -> list[str]:
    """What is wrong with a map, in words; nothing if it is sound."""
    gap, turn, step = jumps(road_map)
    kink, width = kinks(road_map)
    radius = tightest(road_map)
    found = {
        f"a gap of {gap:.3f} m between linked lanes": gap > GAP,
        f"a jump of {np.rad2deg(turn):.2f} degrees between linked lanes": turn > TURN,
        f"a step of {step:.3f} m in width between linked lanes": step > 0.01,
        f"a kink of {np.rad2deg(kink):.1f} degrees inside of a lane": kink > np.deg2rad(15.0),
        f"a lane {width:.2f} m wide": width < 2.5,
        f"a bend of {radius:.1f} m": radius < 5.0,
        f"{parts(road_map)} parts instead of one": parts(road_map) != 1,
        f"{dead_ends(road_map)} lanes without a way on or into them": dead_ends(road_map) > 0,
        f"{lights_without_lane(road_map)} lights that hold no lane": lights_without_lane(road_map) > 0,
        f"skipped {road_map.skipped}": bool(road_map.skipped),
    }
    return [f"{road_map.name}: {words}" for words, wrong in found.items() if wrong]


def carla_reads(paths: list[Path]) -> list[dict]:
    """What carla.Map finds in files, read in a child process because a bad file can crash it."""
    done = subprocess.run(
        [sys.executable, "-c", CARLA, *map(str, paths)], capture_output=True, text=True, timeout=60 + 2 * len(paths)
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "error" not in done.stderr.lower() and "warn" not in done.stderr.lower(), done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def check_towns(first: int, last: int, carla: bool = True, batch: int = 50) -> tuple[list[str], dict[str, float]]:
    """Faults of the towns of some seeds, and figures: seconds a map for generating, reading, and totals."""
    from scenarios.procedural import town_xodr
    from world.opendrive import map_from_bytes

    found: list[str] = []
    sums = {"make_s": 0.0, "read_s": 0.0, "slowest_s": 0.0, "lanes": 0.0, "lights": 0.0, "stops": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        for low in range(first, last, batch):
            maps, paths = [], []
            for seed in range(low, min(low + batch, last)):
                t0 = time.process_time()
                data = town_xodr(seed)
                t1 = time.process_time()
                maps.append(map_from_bytes(data, f"procedural-{seed}", cache=False))
                t2 = time.process_time()
                paths.append(Path(folder) / f"{seed}.xodr")
                paths[-1].write_bytes(data)
                sums["make_s"] += (t1 - t0) / (last - first)
                sums["read_s"] += (t2 - t1) / (last - first)
                sums["slowest_s"] = max(sums["slowest_s"], t2 - t0)
                sums["lanes"] += len(driving(maps[-1]))
                sums["lights"] += len(maps[-1].light_ids)
                sums["stops"] += int((maps[-1].stop_kind != StopKind.LIGHT).sum())
                found += faults(maps[-1])
            for road_map, got in zip(maps, carla_reads(paths) if carla else [], strict=False):
                if got["dead"] or got["lights"] != len(road_map.light_ids) or got["points"] < 100:
                    found.append(f"{road_map.name}: carla.Map finds {got}, we {len(road_map.light_ids)} lights")
            print(f"seeds {low} to {min(low + batch, last) - 1}: {len(found)} faults so far", file=sys.stderr)
    return found, sums


if __name__ == "__main__":
    begin, end = map(int, sys.argv[1:3])
    wrong, figures = check_towns(begin, end)
    print(json.dumps({"seeds": [begin, end], "faults": wrong, **{k: round(v, 3) for k, v in figures.items()}}))
