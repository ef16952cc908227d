"""write_html: a record as one HTML file that opens from disk, without network or server.

The page is viewer/template.html with the style sheet, the scripts, the run's description as JSON and its arrays as a
gzipped array bundle in base64. Whatever text comes from the record reaches the page as JSON whose `<` is escaped, and
the scripts only ever set it as text, so that a name cannot become markup.
"""

import base64
import gzip
import html
import json
import math
import os
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replay.channels import YAW_UNIT
from replay.codec import pack_arrays
from replay.costs import costs
from replay.reader import Record, read_record

FOLDER = Path(__file__).resolve().parent
SCRIPTS = ("decode.js", "world.js", "paint.js", "panels.js", "main.js")
DRIVER_NUMBERS = ("speed", "accel", "steer")
CODINGS = {
    "track_time": "xor",
    "track_x": "diff2",
    "track_y": "diff2",
    "track_yaw": "diff2",
    "track_speed": "diff2",
    "track_valid": "xor",
    "track_generation": "diff",
    "light_time": "xor",
    "driver_time": "xor",
}
SUMMARY_KEYS = (
    "ds_lb20",
    "ds_lb21",
    "outcome",
    "route_completion",
    "route_length_m",
    "sim_time_s",
    "mean_speed",
    "ttc_fraction",
    "comfort_fraction",
    "infractions",
)


def write_html(record: Record | Path | str, path: Path | str) -> Path:
    """Write the replay of a record.

    Args:
        record: or the path of its file.
        path: of the HTML file; written beside it and renamed, so that no half file is ever seen.

    Returns:
        The path.

    Raises:
        RecordError: the file is no record, or holds no moment to show.
    """
    if not isinstance(record, Record):
        record = read_record(record)
    text = page(record)
    path = Path(path)
    half = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        half.write_text(text, encoding="utf-8")
        os.replace(half, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # not the half file's name
    finally:
        with suppress(OSError):
            half.unlink()
    return path


def page(record: Record) -> str:
    """The HTML text of a record's replay."""
    if len(record.track.time) == 0:
        raise ValueError(f"{record.path}: the record holds no moment that could be shown")
    arrays, codings = _arrays(record)
    data = gzip.compress(pack_arrays(arrays, codings), compresslevel=9, mtime=0)
    meta = _meta(record)
    parts = {
        "@@TITLE@@": html.escape(meta["title"]),
        "@@CSS@@": (FOLDER / "viewer.css").read_text(encoding="utf-8"),
        "@@META@@": _script_json(meta),
        "@@PICTURES@@": _script_json(_pictures(record)),
        "@@DATA@@": base64.b64encode(data).decode(),
        "@@JS@@": "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS),
    }
    template = (FOLDER / "template.html").read_text(encoding="utf-8")
    out = []
    for i, piece in enumerate(template.split("@@")):  # odd pieces are names; what is put in is never searched again
        out.append(parts[f"@@{piece}@@"] if i % 2 else piece)
    return "".join(out)


def _pictures(record: Record) -> list[dict[str, Any]]:
    """Cameras with the times of their pictures and the pictures, ready for the source of an image."""
    return [
        {"name": name, "time": [round(t, 3) for t in times], "jpeg": [base64.b64encode(f).decode() for f in files]}
        for name, (times, files) in sorted(record.pictures.items(), reverse=True)
    ]


def _script_json(value: Any) -> str:
    """JSON that is safe within a script element: no `<`, no line separators, no NaN."""
    text = json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028")


def _plain(value: Any) -> Any:
    """The value with numbers that JSON cannot hold as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _meta(record: Record) -> dict[str, Any]:
    header, drivers = record.header, record.drivers
    scenario = header.get("scenario")
    name = scenario.get("name") if isinstance(scenario, dict) else scenario
    told = (("map", "map"), ("driver", "agent"), ("seed", "seed"), ("", "date"))
    about = [f"{label} {header[key]}".strip() for label, key in told if header.get(key) is not None]
    top = float(np.abs(drivers.speed).max(initial=0.0))
    summary = record.summary or {}
    return {
        "title": f"{name or header.get('map') or 'Drive'}",
        "subtitle": " \u00b7 ".join(about),
        "slots": record.track.x.shape[1],
        "drivers": int(header["drivers"]),
        "lights": len(record.drawing.light_cm),
        "duration": float(record.track.time[-1]),
        "tick": record.dt,
        "topSpeed": round(100.0 * max(top, float(np.nanmax(drivers.series.get("limit", np.zeros(1)), initial=0.0)))),
        "events": [e for e in record.events if isinstance(e["name"], str)],
        "summary": {key: summary[key] for key in SUMMARY_KEYS if key in summary} or None,
        "costs": costs(summary) if summary else [],
        "trouble": record.trouble,
        "plans": [{"points": plan.xy.shape[2]} for plan in record.plans],
    }


def _arrays(record: Record) -> tuple[dict[str, NDArray], dict[str, str]]:
    """All arrays of the page, none wider than 4 bytes an element, and their codings."""
    track, life, drivers = record.track, record.life[record.life["spawned"]], record.drivers
    arrays: dict[str, NDArray] = {
        "track_time": track.time.astype(np.float32),
        "track_x": _units(track.x, 0.01, np.int32),
        "track_y": _units(track.y, 0.01, np.int32),
        "track_yaw": _units(track.yaw, YAW_UNIT, np.int32).astype(np.int16),
        "track_speed": _units(track.speed, 0.01, np.int16),
        "track_valid": track.valid,
        "track_generation": track.generation,
        "life_slot": life["slot"].astype(np.int32),
        "life_generation": life["generation"].astype(np.int32),
        "life_kind": life["kind"].astype(np.int8),
        "life_length_cm": _units(life["length"], 0.01, np.int32),
        "life_width_cm": _units(life["width"], 0.01, np.int32),
        "light_time": record.light_time.astype(np.float32),
        "light_index": record.light_index.astype(np.int32),
        "light_state": record.light_state.astype(np.int8),
        "driver_time": drivers.time.astype(np.float32),
    }
    arrays |= {f"driver_{name}": getattr(drivers, name) for name in DRIVER_NUMBERS}
    arrays |= {f"driver_{name}": values for name, values in drivers.series.items() if name not in DRIVER_NUMBERS}
    arrays |= {f"route/{k}": _units(xy, 0.01, np.int32) for k, xy in record.routes.items()}
    for i, plan in enumerate(record.plans):
        arrays[f"plan_time/{i}"] = plan.time.astype(np.float32)
        arrays[f"plan_xy/{i}"] = _units(plan.xy, 0.01, np.int32)
        arrays[f"plan_valid/{i}"] = plan.valid
    drawing = {f.name: getattr(record.drawing, f.name) for f in fields(record.drawing)}
    codings = dict(CODINGS) | {name: "diff" for name in drawing if name.endswith(("_cm", "_start"))}
    codings |= {name: "diff" for name in arrays if name.startswith(("route/", "plan_xy/"))}
    codings |= {name: "diff" for name in arrays if name.startswith("driver_")}
    return arrays | drawing, codings


def _units(values: NDArray, unit: float, dtype: type) -> NDArray:
    """Whole numbers of a unit, clipped to what the type holds."""
    limits = np.iinfo(dtype)
    whole = np.rint(np.nan_to_num(np.asarray(values, np.float64)) / unit)
    return np.clip(whole, limits.min, limits.max).astype(dtype)
