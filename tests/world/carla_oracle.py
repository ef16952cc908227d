"""Compares a RoadMap with `carla.Map` (in a child process) and lists every difference.

python -m tests.world.carla_oracle FILE.xodr... [--list N]
"""

import argparse
import gzip
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.world.carla_child import PROBE
from world.kinds import LaneKind, MarkColor, MarkKind, SignKind, StopKind
from world.opendrive import load_map
from world.roadmap import RoadMap

CHILD = Path(__file__).with_name("carla_child.py")
Key = tuple[int, int, int]
KIND_NAMES = [kind.name.replace("_", "") for kind in MarkKind]
COLOR_NAMES = [color.name for color in MarkColor]


@dataclass
class Comparison:
    """Counts of what was compared, and of what differs; `notes` says where."""

    name: str
    compared: Counter = field(default_factory=Counter)
    differs: Counter = field(default_factory=Counter)
    notes: dict[str, list[str]] = field(default_factory=dict)
    worst: dict[str, float] = field(default_factory=dict)

    def note(self, what: str, text: str) -> None:
        self.differs[what] += 1
        self.notes.setdefault(what, []).append(text)

    def share(self, what: str) -> float:
        """Part of the compared items that agree."""
        return 1.0 - self.differs[what] / max(1, self.compared[what])


def compare(path: Path, timeout_s: float = 120.0) -> Comparison:
    """Runs both readers on a file.

    Raises:
        RuntimeError: the child process failed.
    """
    ours = load_map(path)
    theirs = _ask(path, [[int(r), i, s] for r, i, s in _ends(ours)], timeout_s)
    result = Comparison(ours.name)
    lanes = {_key(ours, i): i for i in range(ours.lane_count)}
    _compare_waypoints(result, ours, lanes, theirs["waypoints"])
    _compare_successors(result, ours, lanes, theirs["successors"])
    _compare_landmarks(result, ours, theirs["landmarks"])
    return result


def _ask(path: Path, ends: list, timeout_s: float) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        source, queries, answers = (Path(folder) / name for name in ("map.xodr", "queries.json", "answers.json"))
        data = path.read_bytes()
        source.write_bytes(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
        queries.write_text(json.dumps(ends))
        child = [sys.executable, str(CHILD), str(source), str(queries), str(answers)]
        done = subprocess.run(child, capture_output=True, text=True, timeout=timeout_s)
        if done.returncode != 0:
            raise RuntimeError(f"carla.Map failed on {path} ({done.returncode}): {done.stderr[-500:]}")
        return json.loads(answers.read_text())


def _key(m: RoadMap, lane: int) -> Key:
    return int(m.road_ids[m.lane_road[lane]]), int(m.lane_section[lane]), int(m.lane_id[lane])


def _driving(m: RoadMap) -> np.ndarray:
    return np.flatnonzero(np.isin(m.lane_kind, [LaneKind.DRIVING, LaneKind.BIDIRECTIONAL]))


def _ends(m: RoadMap) -> list[tuple[str, int, float]]:
    """Road, lane id and a road s just before the end of every driving lane."""
    found = []
    for lane in _driving(m):
        first, last = (float(s) for s in m.lane_road_s[lane])
        found.append((m.road_ids[m.lane_road[lane]], int(m.lane_id[lane]), last - math.copysign(PROBE, last - first)))
    return found


class _Lane:
    """Points of one lane, in the inertial frame, and what is asked of them."""

    def __init__(self, m: RoadMap, lane: int):
        rows = slice(int(m.lane_start[lane]), int(m.lane_start[lane + 1]))
        self.points = m.point_xyz[rows, :2].astype(np.float64) + m.origin
        self.step = np.diff(self.points, axis=0)
        self.square = np.maximum((self.step * self.step).sum(1), 1e-12)
        self.heading, self.width = m.point_heading[rows].tolist(), m.point_width[rows].tolist()
        self.z = m.point_xyz[rows, 2].tolist()
        self.beside = [None if i < 0 else list(_key(m, int(i))) for i in (m.lane_left[lane], m.lane_right[lane])]
        self.sides = [
            [getattr(m, f"point_{what}_{side}")[rows].tolist() for what in ("change", "mark", "color")]
            for side in ("left", "right")
        ]

    def project(self, xy: np.ndarray) -> tuple[float, int, float]:
        """Distance [m] from the polyline, the segment and the fraction on it."""
        u = np.clip(((xy - self.points[:-1]) * self.step).sum(1) / self.square, 0.0, 1.0)
        gap = self.points[:-1] + u[:, None] * self.step - xy
        square = (gap * gap).sum(1)
        i = int(square.argmin())
        return math.sqrt(square[i]), i, float(u[i])


def _compare_waypoints(result: Comparison, m: RoadMap, lanes: dict[Key, int], waypoints: list[dict]) -> None:
    tables: dict[Key, _Lane] = {}
    for w in waypoints:
        key = tuple(w["key"])
        where = f"road {key[0]} section {key[1]} lane {key[2]} s={w['s']:.2f}"
        result.compared["lane"] += 1
        if key not in lanes:
            result.note("lane", where)
            continue
        lane = tables.get(key) or tables.setdefault(key, _Lane(m, lanes[key]))
        gap, i, u = lane.project(np.array(w["xyz"][:2]))
        heading = lane.heading[i] + u * math.remainder(lane.heading[i + 1] - lane.heading[i], 2 * math.pi)
        _within(result, "centre", gap, 0.05, where)
        _within(result, "heading", abs(math.degrees(math.remainder(heading - w["heading"], 2 * math.pi))), 1.0, where)
        _within(result, "width", abs((1 - u) * lane.width[i] + u * lane.width[i + 1] - w["width"]), 0.02, where)
        _within(result, "height", abs((1 - u) * lane.z[i] + u * lane.z[i + 1] - w["xyz"][2]), 0.05, where)
        _compare_marks(result, lane, i, w, where)
        result.compared["neighbour"] += 2
        for mine, other in zip(lane.beside, w["beside"], strict=True):
            if mine != other:
                result.note("neighbour", f"{where}: {mine}, carla {other}")


def _within(result: Comparison, what: str, value: float, limit: float, where: str) -> None:
    result.compared[what] += 1
    result.worst[what] = max(result.worst.get(what, 0.0), value)
    if value > limit:
        result.note(what, f"{where}: {value:.3f}")


def _compare_marks(result: Comparison, lane: _Lane, i: int, w: dict, where: str) -> None:
    """Lane changes, and kind and colour of marks, at one of the two points around a waypoint."""
    for number, side in enumerate(("left", "right")):
        change, mark, color = lane.sides[number]
        kinds = {KIND_NAMES[mark[i]], KIND_NAMES[mark[i + 1]]}
        uneven = " (solid and broken line)" if kinds & {"SOLIDBROKEN", "BROKENSOLID"} else ""
        result.compared["lane change" + uneven] += 1
        if w[side] not in change[i : i + 2]:
            result.note("lane change" + uneven, f"{where}: {side} {change[i : i + 2]}, carla {w[side]}")
        if w["marks"][number] is None:
            continue  # CARLA has no mark at all there
        result.compared["mark" + uneven] += 1
        theirs = w["marks"][number].upper()
        if theirs not in kinds:
            result.note("mark" + uneven, f"{where}: {side} {sorted(kinds)}, carla {theirs}")
        elif theirs not in ("NONE", "CURB", "OTHER"):
            colors = {COLOR_NAMES[color[i]], COLOR_NAMES[color[i + 1]]}
            result.compared["colour"] += 1
            if w["colors"][number].upper().replace("STANDARD", "WHITE").replace("OTHER", "WHITE") not in colors:
                result.note("colour", f"{where}: {side} {sorted(colors)}, carla {w['colors'][number]}")


def _compare_successors(result: Comparison, m: RoadMap, lanes: dict[Key, int], answers: list) -> None:
    for lane, theirs in zip(_driving(m), answers, strict=True):
        mine = sorted(_key(m, int(i)) for i in m.successor[m.successor_start[lane] : m.successor_start[lane + 1]])
        driving = [key for key in mine if m.lane_kind[lanes[key]] in (LaneKind.DRIVING, LaneKind.BIDIRECTIONAL)]
        result.compared["successors"] += 1
        if theirs is None:
            result.note("successors", f"lane {_key(m, int(lane))}: carla has no such lane")
        elif driving != [tuple(key) for key in theirs] and mine != [tuple(key) for key in theirs]:
            result.note("successors", f"lane {_key(m, int(lane))}: {mine}, carla {theirs}")


def _held(m: RoadMap, kind: StopKind) -> Counter:
    """(signal id or "", road, lane id) of every stop line of a kind."""
    lane = np.repeat(np.arange(m.lane_count), np.diff(m.stop_start))
    rows = np.flatnonzero(m.stop_kind == kind)
    names = [m.light_ids[m.stop_light[r]] if kind == StopKind.LIGHT else "" for r in rows]
    roads = [int(m.road_ids[m.lane_road[lane[r]]]) for r in rows]
    return Counter(zip(names, roads, (int(m.lane_id[lane[r]]) for r in rows), strict=True))


def _compare_landmarks(result: Comparison, m: RoadMap, landmarks: list[dict]) -> None:
    kinds = ((StopKind.LIGHT, "1000001", "lights"), (StopKind.STOP, "206", "stops"), (StopKind.YIELD, "205", "stops"))
    for kind, code, what in kinds:
        theirs = Counter()
        for mark in landmarks:
            if mark["type"] == code:
                for low, high in mark["lanes"]:
                    for lane in range(min(low, high), max(low, high) + 1):
                        name = mark["id"] if kind == StopKind.LIGHT else ""
                        theirs[(name, mark["road"], lane)] = 1
        mine = Counter(dict.fromkeys(_held(m, kind), 1))
        result.compared[what] += len(theirs | mine)
        for item in theirs - mine:
            result.note(what, f"{kind.name} {item}: carla only")
        for item in mine - theirs:
            result.note(what, f"{kind.name} {item}: ours only")
    _compare_limits(result, m, landmarks)
    _compare_heads(result, m, landmarks)


def _compare_limits(result: Comparison, m: RoadMap, landmarks: list[dict]) -> None:
    """Limit signs by id: number on the face (CARLA names the unit mph; its signs read km/h), and place in the plane."""
    theirs = {mark["id"]: mark for mark in landmarks if mark["type"] == "274"}
    mine = {m.sign_ids[r].removeprefix("object "): r for r in np.flatnonzero(m.sign_kind == SignKind.SPEED_LIMIT)}
    result.compared["limits"] += len(theirs.keys() | mine.keys())
    for name in sorted(theirs.keys() ^ mine.keys()):
        result.note("limits", f"sign {name} is {'ours' if name in mine else 'theirs'} only")
    for name in theirs.keys() & mine.keys():
        speed = float(m.sign_value[mine[name]]) * 3.6
        if abs(speed - theirs[name]["value"]) > 0.1:
            result.note("limits", f"sign {name}: {speed:.1f}, carla {theirs[name]['value']}")
        gap = np.hypot(*(m.sign_xyz[mine[name], :2] + m.origin - theirs[name]["xyz"][:2]))
        _within(result, "sign place", float(gap), 0.1, f"sign {name}")


def _compare_heads(result: Comparison, m: RoadMap, landmarks: list[dict]) -> None:
    """Places of light heads in the plane; CARLA sets every one back by 0.25 m."""
    places = {mark["id"]: mark["xyz"] for mark in landmarks if mark["type"] == "1000001"}
    for i, name in enumerate(m.light_ids):
        if name in places:
            gap = float(np.hypot(*(m.light_xyz[i, :2] + m.origin - places[name][:2])))
            _within(result, "light place", gap, 0.26, f"light {name}")


def main(arguments: list[str] | None = None) -> int:
    """Prints a table a file, and the first differences of every kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--list", type=int, default=0, metavar="N", help="differences to print of every kind")
    options = parser.parse_args(arguments)
    for path in options.files:
        result = compare(path)
        print(result.name)
        for what, count in result.compared.items():
            worst = f", worst {result.worst[what]:.4f}" if what in result.worst else ""
            print(
                f"  {what:36s} {count:6d} compared, {result.differs[what]:4d} differ ({result.share(what):.3%}){worst}"
            )
            for text in result.notes.get(what, [])[: options.list]:
                print(f"      {text}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
