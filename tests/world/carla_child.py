"""What `carla.Map` says about an OpenDRIVE file, as JSON. Run in a process of its own: the library may crash.

    python carla_child.py FILE.xodr QUERIES.json ANSWERS.json

CARLA's frame has y flipped and angles in degrees; everything written here is in OpenDRIVE's frame, in radians.
"""

import json
import math
import sys

import carla

STEP = 2.0  # [m] between waypoints
PROBE = 0.02  # [m] before a lane's end, from where its successors are asked


def main(path: str, queries: str, answers: str) -> None:
    with open(path, encoding="utf-8") as file:
        road_map = carla.Map("map", file.read())
    with open(queries, encoding="utf-8") as file:
        ends = json.load(file)
    result = {
        "waypoints": [_waypoint(w) for w in road_map.generate_waypoints(STEP)],
        "successors": [_successors(road_map, *end) for end in ends],
        "landmarks": [_landmark(mark) for mark in road_map.get_all_landmarks()],
        "topology": len(road_map.get_topology()),
    }
    with open(answers, "w", encoding="utf-8") as file:
        json.dump(result, file)


def _key(w: "carla.Waypoint") -> list[int]:
    return [w.road_id, w.section_id, w.lane_id]


def _waypoint(w: "carla.Waypoint") -> dict:
    place, change = w.transform.location, int(w.lane_change)
    return {
        "key": _key(w),
        "s": w.s,
        "xyz": [place.x, -place.y, place.z],
        "heading": -math.radians(w.transform.rotation.yaw),
        "width": w.lane_width,
        "kind": str(w.lane_type),
        "right": bool(change & int(carla.LaneChange.Right)),
        "left": bool(change & int(carla.LaneChange.Left)),
        "marks": [None if m is None else str(m.type) for m in (w.left_lane_marking, w.right_lane_marking)],
        "colors": [None if m is None else str(m.color) for m in (w.left_lane_marking, w.right_lane_marking)],
        "beside": [_beside(w, w.get_left_lane()), _beside(w, w.get_right_lane())],
        "junction": w.is_junction,
    }


def _beside(w: "carla.Waypoint", other: "carla.Waypoint | None") -> list[int] | None:
    """Neighbour for motor traffic that drives the same way."""
    motor = (carla.LaneType.Driving, carla.LaneType.Bidirectional)
    if other is None or other.lane_type not in motor or other.lane_id * w.lane_id < 0:
        return None
    return _key(other)


def _successors(road_map: "carla.Map", road: int, lane: int, s: float) -> list[list[int]] | None:
    """Lanes after a lane, asked from road s, which lies just before its end."""
    w = road_map.get_waypoint_xodr(road, lane, s)
    return None if w is None else sorted({tuple(_key(n)) for n in w.next(3 * PROBE)} - {tuple(_key(w))})


def _landmark(mark: "carla.Landmark") -> dict:
    place = mark.transform.location
    return {
        "id": mark.id,
        "road": mark.road_id,
        "s": mark.s,
        "type": mark.type,
        "value": mark.value,
        "unit": mark.unit,
        "xyz": [place.x, -place.y, place.z],
        "lanes": [list(pair) for pair in mark.get_lane_validities()],
    }


if __name__ == "__main__":
    main(*sys.argv[1:4])
