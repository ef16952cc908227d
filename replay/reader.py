"""Read an episode record back into arrays; whole, or as far as a cut file goes."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replay import channels as ch
from replay.camera_channels import read_pictures
from replay.codec import RecordError, unpack_arrays
from replay.drawing import MapDrawing
from replay.mcap_scan import read_file, scan
from replay.recorder import DRIVER_FIELDS, life_dtype
from world.records import HookOp

Arrays = dict[str, NDArray]
MAX_JSON = 1 << 20  # [bytes] of a message: parsed JSON takes twenty times its bytes
MAX_JSON_TOTAL = 1 << 24  # of all messages of a topic together


@dataclass(frozen=True, eq=False)
class Track:
    """Where everybody was, quantised. F samples, N slots."""

    time: NDArray[np.float64]  # (F,) [s]
    x: NDArray[np.float32]  # (F, N) [m] to the centimetre
    y: NDArray[np.float32]
    z: NDArray[np.float32]
    yaw: NDArray[np.float32]  # (F, N) [rad] to 1e-4
    speed: NDArray[np.float32]  # (F, N) [m/s] to the centimetre a second
    valid: NDArray[np.bool_]  # (F, N)
    generation: NDArray[np.int32]  # (F, N)


@dataclass(frozen=True, eq=False)
class Drivers:
    """What drivers did, exactly, every tick. n ticks, K drivers."""

    step: NDArray[np.int64]  # (n,) engine steps since reset
    time: NDArray[np.float64]  # (n,) [s]
    controlled: NDArray[np.bool_]  # (n,) a control led here (false: the state after the reset)
    control_steer: NDArray[np.float32]  # (n, K) [rad] asked for
    control_accel: NDArray[np.float32]  # (n, K) [m/s^2] asked for
    state_hash: NDArray[np.uint64]  # (n,)
    hashed: NDArray[np.bool_]  # (n,) state_hash means something
    x: NDArray[np.float32]  # (n, K) [m]
    y: NDArray[np.float32]
    yaw: NDArray[np.float32]  # (n, K) [rad]
    speed: NDArray[np.float32]  # (n, K) [m/s]
    accel: NDArray[np.float32]  # (n, K) [m/s^2] as it acts
    steer: NDArray[np.float32]  # (n, K) [rad] as it acts
    series: dict[str, NDArray[np.float32]]  # name -> (n, K)


@dataclass(frozen=True, eq=False)
class PlanBlock:
    """Plans of the same number of points H, P of them."""

    time: NDArray[np.float64]  # (P,) [s]
    xy: NDArray[np.float32]  # (P, K, H, 2) [m]
    speed: NDArray[np.float32]  # (P, K, H) [m/s]
    valid: NDArray[np.bool_]  # (P, K)


@dataclass(frozen=True, eq=False)
class Record:
    """An episode record in memory."""

    path: str
    header: dict[str, Any]
    drawing: MapDrawing
    routes: dict[int, NDArray[np.float32]]  # driver -> (R, 2) [m]
    drivers: Drivers
    slot_steer: NDArray[np.float32]  # (n, N) [rad]
    slot_accel: NDArray[np.float32]  # (n, N) [m/s^2]
    track: Track
    life: NDArray[np.void]  # (.,) life_dtype
    light_step: NDArray[np.int64]  # (.,) changes of lights
    light_time: NDArray[np.float64]  # (.,) [s]
    light_index: NDArray[np.int32]  # (.,)
    light_state: NDArray[np.int8]  # (.,) LightState
    plans: tuple[PlanBlock, ...]
    events: tuple[dict[str, Any], ...]
    hooks: tuple[HookOp, ...]
    keyframes: tuple[Arrays, ...]
    pictures: dict[str, tuple[list[float], list[bytes]]]  # camera -> [s] when they were taken, JPEG files
    summary: dict[str, Any] | None
    complete: bool  # the file has its end
    trouble: str = field(default="")  # why it has not

    @property
    def dt(self) -> float:
        """[s] between ticks."""
        return float(self.header["dt"]) * int(self.header["control_every"])


def read_record(path: Path | str) -> Record:
    """Read a record. A cut file gives all of its whole blocks, with `complete` false and the reason in `trouble`.

    Raises:
        RecordError: the file is no record, is damaged beyond its first block, or its parts do not fit together.
        OSError: the file cannot be read.
    """
    try:
        data = read_file(Path(path))
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    return parse_record(data, str(path))


def parse_record(data: bytes, path: str = "record") -> Record:
    """`read_record` from bytes."""
    try:
        found = scan(data, lambda topic: topic in ch.ENCODINGS or topic.startswith(ch.CAMERA))
        if found.profile != ch.PROFILE:
            raise RecordError(f"MCAP profile is {found.profile!r}; allowed: {ch.PROFILE!r}")
        return _build(found.messages, path, found.complete, found.trouble)
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error


def _build(messages: dict[str, list[tuple[int, bytes]]], path: str, complete: bool, trouble: str) -> Record:
    for topic, encoding in ch.ENCODINGS.items():
        size = sum(len(data) for _, data in messages.get(topic, []))
        if encoding == ch.JSON and size > MAX_JSON_TOTAL:
            raise RecordError(f"{topic} has {size} bytes; allowed: up to {MAX_JSON_TOTAL}")
    for topic in (ch.HEADER, ch.MAP):
        if topic not in messages:
            raise RecordError(f"{topic} is missing ({trouble or 'nothing was recorded'})")
    header = _header(_json(messages[ch.HEADER][0][1], ch.HEADER))
    k = header["drivers"]
    drivers = _drivers(_blocks(messages, ch.DRIVERS, _driver_columns(k, header["series"])), header["series"])
    n = len(drivers.step)
    slots = _blocks(messages, ch.SLOTS, {"steer": ("float32", 1), "accel": ("float32", 1)})
    if slots["steer"].shape != slots["accel"].shape or len(slots["steer"]) != n:
        raise RecordError(f"{ch.SLOTS} has {slots['steer'].shape} rows, {ch.DRIVERS} has {n}")
    track = _track(_blocks(messages, ch.TRACK, _TRACK_COLUMNS))
    life = _life(_blocks(messages, ch.LIFE, _life_columns()), track.x.shape[1])
    lights = _blocks(messages, ch.LIGHTS, _LIGHT_COLUMNS)
    summary = _json(messages[ch.SUMMARY][-1][1], ch.SUMMARY) if ch.SUMMARY in messages else None
    return Record(
        path=path,
        header=header,
        drawing=MapDrawing.unpack(messages[ch.MAP][0][1]),
        routes=_routes(messages.get(ch.ROUTES, [])),
        drivers=drivers,
        slot_steer=slots["steer"],
        slot_accel=slots["accel"],
        track=track,
        life=life,
        light_step=lights["step"],
        light_time=lights["time"],
        light_index=lights["light"],
        light_state=lights["state"],
        plans=_plans(messages.get(ch.PLANS, []), k),
        events=tuple(_event(_json(data, ch.EVENTS)) for _, data in messages.get(ch.EVENTS, [])),
        hooks=tuple(_hook(_json(data, ch.HOOKS)) for _, data in messages.get(ch.HOOKS, [])),
        keyframes=tuple(unpack_arrays(data) for _, data in messages.get(ch.KEYFRAME, [])),
        pictures={
            topic.removeprefix(ch.CAMERA): read_pictures(topic, found)
            for topic, found in messages.items()
            if topic.startswith(ch.CAMERA)
        },
        summary=summary,
        complete=complete,
        trouble=trouble,
    )


_TRACK_COLUMNS = {"step": ("int64", 0), "time": ("float64", 0), "yaw": ("int16", 1), "speed_cms": ("int16", 1)}
_TRACK_COLUMNS |= {name: ("int32", 1) for name in ("x_cm", "y_cm", "z_cm", "generation")} | {"valid": ("bool", 1)}
_LIGHT_COLUMNS = {"step": ("int64", 0), "time": ("float64", 0), "light": ("int32", 0), "state": ("int8", 0)}


def _driver_columns(k: int, series: list[str]) -> dict[str, tuple[str, int]]:
    columns = {"step": ("int64", 0), "time": ("float64", 0), "state_hash": ("uint64", 0), "hashed": ("bool", 0)}
    columns |= {"controlled": ("bool", 0), "control_steer": ("float32", k), "control_accel": ("float32", k)}
    columns |= {name: ("float32", k) for name in DRIVER_FIELDS}
    return columns | {f"series/{name}": ("float32", k) for name in series}


def _life_columns() -> dict[str, tuple[str, int]]:
    dtype = life_dtype()
    return {name: (str(dtype[name]), 0) for name in dtype.names or ()}


def _json(data: bytes, topic: str) -> dict[str, Any]:
    if len(data) > MAX_JSON:
        raise RecordError(f"{topic} has {len(data)} bytes; allowed: up to {MAX_JSON}")
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
        raise RecordError(f"{topic} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise RecordError(f"{topic} is a {type(value).__name__}; allowed: an object")
    return value


def _header(header: dict[str, Any]) -> dict[str, Any]:
    if header.get("format") != ch.FORMAT:
        raise RecordError(f"record format is {header.get('format')!r}; allowed: {ch.FORMAT}")
    checks = {
        "dt": lambda v: type(v) in (int, float) and 0 < v < 1e3,
        "control_every": lambda v: type(v) is int and 0 < v < 1 << 20,
        "drivers": lambda v: type(v) is int and 0 <= v < 1 << 16,
        "series": lambda v: isinstance(v, list) and len(v) <= 64 and all(isinstance(s, str) for s in v),
    }
    for name, fine in checks.items():
        if name not in header or not fine(header[name]):
            raise RecordError(f"{ch.HEADER}: {name} is {header.get(name)!r}")
    return header


def _blocks(messages: dict[str, list[tuple[int, bytes]]], topic: str, columns: dict[str, tuple[str, int]]) -> Arrays:
    """Concatenated blocks. Args: columns: name -> (dtype, 0 for a number a row, else a row's length or 1)."""
    parts = [unpack_arrays(data) for _, data in messages.get(topic, [])]
    out: Arrays = {}
    for name, (dtype, width) in columns.items():
        for part in parts:
            array = part.get(name)
            if array is None or str(array.dtype) != dtype or array.ndim != (2 if width else 1):
                raise RecordError(f"{topic}: {name} is missing or not {dtype} of {2 if width else 1} dimensions")
        try:
            empty = np.zeros((0, width) if width else 0, dtype)
            out[name] = np.concatenate([part[name] for part in parts]) if parts else empty
        except ValueError as error:
            raise RecordError(f"{topic}: blocks of {name} do not fit together: {error}") from error
    if len({len(array) for array in out.values()}) > 1:
        raise RecordError(f"{topic}: columns differ in length")
    return out


def _drivers(rows: Arrays, series: list[str]) -> Drivers:
    own = {name: rows[f"series/{name}"] for name in series}
    return Drivers(**{n: a for n, a in rows.items() if not n.startswith("series/")}, series=own)


def _track(rows: Arrays) -> Track:
    shapes = {rows[name].shape for name in _TRACK_COLUMNS if _TRACK_COLUMNS[name][1]}
    if len(shapes) > 1:
        raise RecordError(f"{ch.TRACK}: columns have shapes {sorted(shapes)}; allowed: one")
    if not (np.isfinite(rows["time"]).all() and (np.diff(rows["time"]) >= 0).all()):
        raise RecordError(f"{ch.TRACK}: times do not rise")
    metres = {c: (rows[f"{c}_cm"] / 100.0).astype(np.float32) for c in "xyz"}
    return Track(
        time=rows["time"],
        **metres,
        yaw=(rows["yaw"] * ch.YAW_UNIT).astype(np.float32),
        speed=(rows["speed_cms"] / 100.0).astype(np.float32),
        valid=rows["valid"],
        generation=rows["generation"],
    )


def _life(rows: Arrays, slots: int) -> NDArray[np.void]:
    out = np.zeros(len(rows["step"]), life_dtype())
    for name, column in rows.items():
        out[name] = column
    if len(out) and not ((out["slot"] >= 0) & (out["slot"] < max(slots, 1))).all():
        raise RecordError(f"{ch.LIFE}: slots outside 0 to {slots - 1}")
    return out


def _plans(messages: list[tuple[int, bytes]], k: int) -> tuple[PlanBlock, ...]:
    out = []
    for _, data in messages:
        rows = unpack_arrays(data)
        shape = rows["xy_cm"].shape if "xy_cm" in rows else ()
        fine = len(shape) == 4 and shape[1] == k and shape[3] == 2
        wanted = {"time": shape[:1], "speed_cms": shape[:3], "valid": shape[:2]}
        if not fine or any(name not in rows or rows[name].shape != size for name, size in wanted.items()):
            raise RecordError(f"{ch.PLANS}: columns are missing or do not fit together")
        xy, speed = (rows["xy_cm"] / 100.0).astype(np.float32), (rows["speed_cms"] / 100.0).astype(np.float32)
        out.append(PlanBlock(rows["time"].astype(np.float64), xy, speed, rows["valid"].astype(np.bool_)))
    return tuple(out)


def _routes(messages: list[tuple[int, bytes]]) -> dict[int, NDArray[np.float32]]:
    out = {}
    for _, data in messages:
        for name, cm in unpack_arrays(data).items():
            driver = name.split("/")[0]
            if not (driver.isdecimal() and len(driver) < 6) or cm.ndim != 2 or cm.shape[1] != 2:
                raise RecordError(f"{ch.ROUTES}: array {name!r} of shape {cm.shape} is no route")
            out[int(driver)] = (cm / 100.0).astype(np.float32)
    return out


def _event(event: dict[str, Any]) -> dict[str, Any]:
    numbers = ("driver", "step", "kind", "value", "other", "fault", "x", "y", "time")
    if any(type(event.get(name)) not in (int, float) for name in numbers) or not isinstance(event.get("name"), str):
        raise RecordError(f"{ch.EVENTS}: {event!r} is no event")
    return event


def _hook(op: dict[str, Any]) -> HookOp:
    if type(op.get("step")) is not int or not isinstance(op.get("name"), str) or not isinstance(op.get("args"), dict):
        raise RecordError(f"{ch.HOOKS}: {op!r} is no operation")
    return HookOp(op["step"], op["name"], op["args"])
