"""Our towns in CARLA's own map library, which runs in a child process because a bad file can crash it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data import ROOT, shared_data

MAPS = ROOT / "scenarios" / "maps"
PROBE = """
import json, math, sys
import carla

def read(path):
    return carla.Map("probe", open(path, encoding="utf-8").read())

def side(a, b):
    return abs((b.yaw - a.yaw + 180.0) % 360.0 - 180.0)

ours, theirs = read(sys.argv[1]), read(sys.argv[2]) if sys.argv[2] else None
lights = ours.get_all_landmarks_of_type("1000001")
crosswalks = ours.get_crosswalks()
out = {
    "topology": len(ours.get_topology()),
    "lights": len(lights),
    "light_lanes": [light.get_lane_validities() for light in lights],
    "light_z": [light.transform.location.z for light in lights],
    "crosswalk_points": len(crosswalks),
    "crosswalks_closed": all(crosswalks[i].distance(crosswalks[i + 4]) < 0.01 for i in range(0, len(crosswalks), 5)),
    "signs": {kind: len(ours.get_all_landmarks_of_type(kind)) for kind in ("205", "206", "274")},
    "dead_ends": sum(not w.next(2.0) for w in ours.generate_waypoints(2.0)),
    "limits": sorted({landmark.value for landmark in ours.get_all_landmarks_of_type("274")}),
}
seen = {}
for a, b in ours.get_topology():
    if b.is_junction and not a.is_junction:
        end = a.next_until_lane_end(1.0)[-1]
        ahead = a.get_landmarks_of_type(600.0, "1000001", True) + end.get_landmarks_of_type(20.0, "1000001", True)
        seen[(a.road_id, a.lane_id)] = any(light.road_id == a.road_id for light in ahead)
out["approaches"], out["approaches_with_light"] = len(seen), sum(seen.values())
if theirs is not None:
    road, angle, width, count = 0.0, 0.0, 0.0, 0
    for w in theirs.generate_waypoints(2.0):
        if w.is_junction:  # lanes overlap there; CARLA returns any of them
            continue
        place = w.transform.location
        best = ours.get_waypoint(place)
        count += 1
        road = max(road, best.transform.location.distance(place))
        angle = max(angle, side(best.transform.rotation, w.transform.rotation))
        width = max(width, abs(best.lane_width - w.lane_width))
    out["against"] = {"count": count, "road": road, "angle": angle, "width": width}
print(json.dumps(out))
"""


def probe(ours: Path, theirs: Path | None = None) -> dict:
    pytest.importorskip("carla")
    command = [sys.executable, "-c", PROBE, str(ours), str(theirs or "")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "error" not in done.stderr.lower() and "warn" not in done.stderr.lower(), done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("town", "lights", "signed", "ways"), [("town01", 36, 2, 192), ("town02", 24, 1, 120)])
def test_carla_reads_roads_lights_signs_and_crosswalks(town, lights, signed, ways):
    got = probe(MAPS / f"{town}.xodr")
    assert got["topology"] == ways  # roads each way, and six ways through every junction
    assert got["lights"] == got["approaches_with_light"] == lights
    assert got["approaches"] == lights + 6 * signed
    assert all(first == last and abs(first) == 1 for lanes in got["light_lanes"] for first, last in lanes)
    assert all(4.0 < z < 5.5 for z in got["light_z"])
    assert got["crosswalk_points"] > 5 * 15 and got["crosswalks_closed"]
    assert got["signs"]["205"] == got["signs"]["206"] == signed
    assert got["limits"] == [30.0, 40.0, 50.0]
    assert got["dead_ends"] == 0


@pytest.mark.parametrize(("town", "name"), [("town01", "Town01"), ("town02", "Town02")])
def test_carlas_waypoints_lie_on_our_lanes(town, name):
    got = probe(MAPS / f"{town}.xodr", shared_data(f"opendrive/carla_0915_py123d/{name}.xodr"))["against"]
    assert got["count"] > 900
    assert got["road"] < 0.25
    assert got["angle"] < 6.0  # the corners' compound curves share their turn otherwise
    assert got["width"] < 0.02
