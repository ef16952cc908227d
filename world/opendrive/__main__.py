"""Reads OpenDRIVE files and says what they hold: one JSON object a file and line.

python -m world.opendrive FILE... [--json PATH] [--plot PNG] [--no-cache]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from world.kinds import SignKind, StopKind
from world.opendrive import load_map
from world.opendrive.links import MOTOR
from world.roadmap import MapError, RoadMap


def report(path: Path, cache: bool) -> tuple[dict, RoadMap | None]:
    """Facts about a file, or why it cannot be used.

    Returns:
        `{file, ok, error: {element, reason} | null, roads, lanes, driving_length_m, junctions, lights, stops,
        speed_limits, crosswalks, skipped: {what: count}, seconds}`, and the map. `lanes` counts lanes of every kind,
        driving_length_m adds up those for motor traffic, `lights` counts heads, `stops` stop lines of stop and yield
        signs (a sign that holds two lanes has two), `speed_limits` limit signs.
    """
    start = time.perf_counter()
    try:
        road_map, error = load_map(path, cache=cache), None
    except MapError as problem:
        road_map, error = None, {"element": problem.element, "reason": problem.reason}
    facts = {"file": str(path), "ok": road_map is not None, "error": error, **_facts(road_map)}
    return {**facts, "seconds": round(time.perf_counter() - start, 4)}, road_map


def _facts(m: RoadMap | None) -> dict:
    if m is None:
        names = ("roads", "lanes", "driving_length_m", "junctions", "lights", "stops", "speed_limits", "crosswalks")
        return {**dict.fromkeys(names, 0), "skipped": {}}
    motor = np.isin(m.lane_kind, [int(kind) for kind in MOTOR])
    return {
        "roads": len(m.road_ids),
        "lanes": m.lane_count,
        "driving_length_m": round(float(m.lane_length[motor].sum(dtype=np.float64)), 2),
        "junctions": len(m.junction_ids),
        "lights": len(m.light_ids),
        "stops": int((m.stop_kind != StopKind.LIGHT).sum()),
        "speed_limits": int((m.sign_kind == SignKind.SPEED_LIMIT).sum()),
        "crosswalks": len(m.crosswalk_start) - 1,
        "skipped": m.skipped,
    }


def plot(road_map: RoadMap, path: Path, size_px: int = 2000) -> None:
    """Draws a map into a PNG file."""
    import cv2

    from world.canvas import View
    from world.draw import draw_map

    picture = draw_map(road_map, View.fit(road_map, size_px))
    done, data = cv2.imencode(".png", picture[:, :, ::-1])
    if not done:
        raise OSError(f"{path}: cannot be encoded as PNG")
    write(path, data.tobytes())


def write(path: Path, data: bytes) -> None:
    """Writes a file under a temporary name and renames it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main(arguments: list[str] | None = None) -> int:
    """Returns 1 if a file failed."""
    parser = argparse.ArgumentParser(
        prog="python -m world.opendrive", description="Reads OpenDRIVE files and says what they hold."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=".xodr or .xodr.gz")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the facts of all files as one JSON list")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the map (several files: NAME-<map>.png)")
    parser.add_argument("--no-cache", action="store_true", help="read the file even if its map is cached")
    options = parser.parse_args(arguments)
    rows = []
    for path in options.files:
        row, road_map = report(path, not options.no_cache)
        rows.append(row)
        print(json.dumps(row), flush=True)
        if road_map is None:
            print(f"{path}: {row['error']['element']}: {row['error']['reason']}", file=sys.stderr)
        elif options.plot is not None:
            many = len(options.files) > 1
            plot(road_map, options.plot.with_stem(f"{options.plot.stem}-{road_map.name}") if many else options.plot)
    if options.json is not None:
        write(options.json, (json.dumps(rows, indent=2) + "\n").encode())
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
