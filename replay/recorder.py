"""EpisodeRecorder: one world's episode as an MCAP file that can be re-driven, drawn and opened in Foxglove and Rerun.

The file is written as it happens, in blocks of a few seconds that are flushed to disk, so that a run that is killed
leaves a record that opens (which is why this file, unlike others, is not written elsewhere and renamed).
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from mcap.writer import CompressionType, Writer
from numpy.typing import NDArray

from replay import channels as ch
from replay.blocks import RowBuffer
from replay.camera_channels import CameraChannels
from replay.codec import pack_arrays
from replay.drawing import draw_map, simplify
from replay.scene_channels import SceneChannels
from world.kinds import EventKind
from world.records import Bodies, Control, Decision, Event, HookOp, WorldState
from world.roadmap import RoadMap

BODY_FIELDS = tuple(f.name for f in fields(Bodies))
SLOT_FIELDS = tuple(n for n in (f.name for f in fields(WorldState)) if n not in ("light", "map_id", "seed", "step"))
DRIVER_FIELDS = ("x", "y", "yaw", "speed", "accel", "steer")
MAX_PLAN = 1e7  # [m] from the origin; a plan with a point beyond, or none, is no plan
CHUNK_BYTES = 8 << 20  # a block's messages stay together in one chunk


class RecordWriteError(OSError):
    """A record that cannot be written on; names the file, the reason, and how far it can be read."""


@dataclass(frozen=True)
class RecorderRates:
    """How often what is written. A rate above the tick's is the tick's."""

    block_s: float = 5.0  # [s] between flushes: what a killed run loses at most
    track_hz: float = 10.0
    scene_hz: float = 5.0  # Foxglove messages; 0: none
    keyframe_s: float = 10.0
    camera_hz: float = 4.0  # pictures of each camera that the agent looks through; 0: none


class EpisodeRecorder:
    """Records one world. Call `tick` with the state after the reset (control None), then after every control step."""

    def __init__(
        self,
        path: Path | str,
        header: Mapping[str, Any],
        road_map: RoadMap,
        *,
        drivers: int = 1,
        world: int = 0,
        series: Sequence[str] = (),
        routes: Sequence[NDArray] = (),
        rates: RecorderRates | None = None,
    ):
        """Open the file and write header and map.

        Args:
            path: of the file; replaced where it exists.
            header: what is needed to drive the episode again, plain values; `dt` [s] and `control_every` are required.
            road_map: that is driven on.
            drivers: K, the first slots.
            world: index of the world in the batch.
            series: names of further numbers a driver that every tick gives.
            routes: (R, 2) [m] points of each driver's route, for the picture.
            rates: see RecorderRates.
        """
        for name in ("dt", "control_every"):
            if name not in header:
                raise ValueError(f"record header lacks {name!r}; got {sorted(header)}")
        self.path, self.world, self.drivers, self.series = Path(path), world, drivers, tuple(series)
        self.rates = rates or RecorderRates()
        self.tick_s = float(header["dt"]) * int(header["control_every"])
        self.header = {**header, "format": ch.FORMAT, "drivers": drivers, "series": list(self.series)}
        self.drawing = draw_map(road_map)
        self._blocks: dict[str, RowBuffer] = {}
        self._life: list[NDArray] = []
        self._light_rows: list[tuple[int, float, int, int]] = []
        self._ticks, self._time, self._open = 0, 0.0, True
        self._whole: float | None = None  # [s] up to which whole blocks lie on the disk
        self._whole_bytes = 0
        try:
            self._file = self.path.open("wb")
        except OSError as error:
            raise RecordWriteError(f"record {self.path}: {error.strerror or error}") from error
        with self._writing():
            self._start(routes)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Where writing fails (a full disk), close the file behind its last whole block, and say so.

        Raises:
            RecordWriteError: it failed.
        """
        try:
            yield
        except OSError as error:
            self._open = False
            with suppress(OSError):
                self._file.close()  # tries to write once more what is left
            with suppress(OSError):
                self._cut_back()
            held = "nothing is left of it" if self._whole is None else f"it can be read up to {self._whole:.1f} s"
            reason = error.strerror or error
            raise RecordWriteError(f"record {self.path}: {reason} at {self._time:.1f} s; {held}") from error

    def _cut_back(self) -> None:
        """Leave whole chunks only; no file, if there are none."""
        if self.path.is_file():  # and no device
            os.truncate(self.path, self._whole_bytes)
            if self._whole is None:
                self.path.unlink()

    def _start(self, routes: Sequence[NDArray]) -> None:
        """The file's beginning: header, map, routes."""
        self._writer = Writer(self._file, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)
        self._writer.start(profile=ch.PROFILE, library="tarmac")
        self._channels = {topic: self._register(topic, encoding) for topic, encoding in ch.ENCODINGS.items()}
        self._scene = SceneChannels(self._writer, self.drawing, self.drivers) if self.rates.scene_hz > 0 else None
        self._cameras = CameraChannels(self._writer, self.world, hz) if (hz := self.rates.camera_hz) > 0 else None
        self._add(ch.HEADER, 0.0, json.dumps(self.header).encode())
        self._add(ch.MAP, 0.0, self.drawing.pack())
        thin = {k: xy[simplify(xy)] for k, xy in enumerate(routes) if len(xy)}
        dense = {f"{k}/xy_cm": np.rint(xy * 100.0).astype(np.int32) for k, xy in thin.items()}
        self._add(ch.ROUTES, 0.0, pack_arrays(dense, dict.fromkeys(dense, "diff")))
        if self._scene is not None:
            self._scene.begin()
        self._close_chunk()

    def _close_chunk(self) -> None:
        """Bring everything to the disk as whole chunks."""
        self._writer.flush()
        self._file.flush()
        self._whole_bytes = self._file.tell()
        if self._ticks:
            self._whole = self._time

    def _register(self, topic: str, encoding: str) -> int:
        schema = 0
        if encoding == ch.JSON:
            text = json.dumps({"type": "object", "title": topic})
            schema = self._writer.register_schema(name=topic.strip("/"), encoding="jsonschema", data=text.encode())
        return self._writer.register_channel(topic=topic, message_encoding=encoding, schema_id=schema)

    def _add(self, topic: str, time: float, data: bytes) -> None:
        nanos = round(time * 1e9)
        self._writer.add_message(self._channels[topic], log_time=nanos, data=data, publish_time=nanos)

    def _add_arrays(self, topic: str, arrays: Mapping[str, NDArray]) -> None:
        self._add(topic, self._time, pack_arrays(arrays, ch.CODINGS))

    def tick(
        self,
        time: float,
        state: WorldState,
        bodies: Bodies,
        control: Control | None = None,
        events: Sequence[Event] = (),
        decision: Decision | None = None,
        hook_ops: Sequence[HookOp] = (),
        state_hash: int | None = None,
        *,
        slot_control: Control | None = None,
        series: Mapping[str, NDArray] | None = None,
    ) -> None:
        """Record a tick.

        Args:
            time: [s] since reset.
            state: after the step, (B, N).
            bodies: (B, N).
            control: what the drivers asked for in this step, (B, K); None for the state right after the reset.
            events: of this step, of any world.
            decision: the agent's, whose plan is recorded.
            hook_ops: since the last tick, in order.
            state_hash: of everything up to this state, uint64.
            slot_control: what every slot was told, (B, N); without it, steer and accel as they act are recorded.
            series: name -> (K,) further numbers a driver; exactly the names given at creation.
        """
        if not self._open:
            raise ValueError(f"{self.path}: the record is closed")
        with self._writing():
            self._tick(time, state, bodies, control, events, decision, hook_ops, state_hash, slot_control, series)

    def _tick(
        self,
        time: float,
        state: WorldState,
        bodies: Bodies,
        control: Control | None,
        events: Sequence[Event],
        decision: Decision | None,
        hook_ops: Sequence[HookOp],
        state_hash: int | None,
        slot_control: Control | None,
        series: Mapping[str, NDArray] | None,
    ) -> None:
        self._time = time
        if not self._blocks:
            self._begin(state)
        self._driver_row(state, control, state_hash, series or {})
        self._slot_row(state, slot_control)
        self._note_life(state, bodies)
        self._note_lights(state)
        for event in events:
            if event.world == self.world:
                self._event(event)
        for op in hook_ops:
            self._add(ch.HOOKS, time, json.dumps({"step": op.step, "name": op.name, "args": op.args}).encode())
        if self._due(self.rates.track_hz):
            self._track_row(state)
        plan = decision.plan if decision is not None else None
        if plan is not None and self._due(self.rates.scene_hz or 5.0):
            self._plan_row(plan, state)
        if self._scene is not None and self._due(self.rates.scene_hz):
            self._scene.tick(time, state, bodies, self.world)
        if self._cameras is not None and decision is not None and decision.pictures and self.drivers:
            self._cameras.tick(time, decision.pictures)
        if self._ticks % max(1, round(self.rates.keyframe_s / self.tick_s)) == 0:
            self._keyframe(state, bodies, state_hash)
        self._ticks += 1
        if self._blocks[ch.DRIVERS].full:
            self.flush()

    def _due(self, rate: float) -> bool:
        return self._ticks % max(1, round(1.0 / (rate * self.tick_s))) == 0

    def _begin(self, state: WorldState) -> None:
        """Allocate the blocks, now that the sizes are known."""
        n, k, capacity = state.x.shape[1], self.drivers, max(1, round(self.rates.block_s / self.tick_s))
        driver = {"step": ("int64", ()), "time": ("float64", ()), "state_hash": ("uint64", ()), "hashed": ("bool", ())}
        driver |= {"controlled": ("bool", ()), "control_steer": ("float32", (k,)), "control_accel": ("float32", (k,))}
        driver |= {name: ("float32", (k,)) for name in DRIVER_FIELDS}
        driver |= {f"series/{name}": ("float32", (k,)) for name in self.series}
        track = {"step": ("int64", ()), "time": ("float64", ()), "yaw": ("int16", (n,)), "speed_cms": ("int16", (n,))}
        track |= {name: ("int32", (n,)) for name in ("x_cm", "y_cm", "z_cm", "generation")} | {"valid": ("bool", (n,))}
        self._blocks = {
            ch.DRIVERS: RowBuffer(capacity, driver),
            ch.SLOTS: RowBuffer(capacity, {"steer": ("float32", (n,)), "accel": ("float32", (n,))}),
            ch.TRACK: RowBuffer(capacity, track),
        }
        self._old_valid = np.zeros(n, np.bool_)
        self._old_generation = np.zeros(n, np.int32)
        self._old_light = np.full(state.light.shape[1], -1, np.int8)

    def _driver_row(self, state: WorldState, control: Control | None, state_hash: int | None, series: Mapping) -> None:
        w, k = self.world, self.drivers
        if set(series) != set(self.series):
            raise ValueError(f"tick has series {sorted(series)}; allowed: exactly {sorted(self.series)}")
        row: dict[str, Any] = {name: getattr(state, name)[w, :k] for name in DRIVER_FIELDS}
        row |= {"step": int(state.step[w]), "time": self._time, "controlled": control is not None}
        row |= {"state_hash": np.uint64(state_hash or 0), "hashed": state_hash is not None}
        row["control_steer"] = 0.0 if control is None else control.steer[w]
        row["control_accel"] = 0.0 if control is None else control.accel[w]
        row |= {f"series/{name}": values for name, values in series.items()}
        self._blocks[ch.DRIVERS].append(row)

    def _slot_row(self, state: WorldState, slot_control: Control | None) -> None:
        told = state if slot_control is None else slot_control
        self._blocks[ch.SLOTS].append({"steer": told.steer[self.world], "accel": told.accel[self.world]})

    def _track_row(self, state: WorldState) -> None:
        w = self.world
        row: dict[str, Any] = {f"{c}_cm": np.rint(getattr(state, c)[w] * np.float64(100)) for c in "xyz"}
        row |= {"step": int(state.step[w]), "time": self._time}
        row["yaw"] = np.rint(state.yaw[w] / ch.YAW_UNIT).astype(np.int32).astype(np.int16)  # pi wraps to -pi
        row["speed_cms"] = np.clip(np.rint(state.speed[w] * 100.0), -32768, 32767)
        row |= {"generation": state.generation[w], "valid": state.valid[w]}
        self._blocks[ch.TRACK].append(row)

    def _note_life(self, state: WorldState, bodies: Bodies) -> None:
        w = self.world
        valid, generation = state.valid[w], state.generation[w]
        replaced = valid & self._old_valid & (generation != self._old_generation)
        changed = np.flatnonzero((valid != self._old_valid) | replaced)
        if changed.size == 0:
            return
        rows = np.zeros(len(changed), life_dtype())
        rows["step"], rows["time"], rows["slot"] = state.step[w], self._time, changed
        rows["generation"], rows["spawned"] = generation[changed], valid[changed]
        for name in BODY_FIELDS:
            rows[name] = getattr(bodies, name)[w, changed]
        self._life.append(rows)
        self._old_valid[:], self._old_generation[:] = valid, generation
        if self._scene is not None:
            self._scene.bodies_changed()

    def _note_lights(self, state: WorldState) -> None:
        light = state.light[self.world]
        changed = np.flatnonzero(light != self._old_light)
        if changed.size:
            step = int(state.step[self.world])
            self._light_rows += [(step, self._time, int(i), int(light[i])) for i in changed]
            self._old_light[:] = light
            if self._scene is not None:
                self._scene.lights(self._time, light)

    def _event(self, event: Event) -> None:
        row = {f.name: getattr(event, f.name) for f in fields(event) if f.name != "world"}
        row = {name: value.item() if isinstance(value, np.generic) else value for name, value in row.items()}
        row |= {"name": EventKind(event.kind).name.lower(), "time": self._time}
        self._add(ch.EVENTS, self._time, json.dumps(row).encode())
        if self._scene is not None:
            self._scene.event(self._time, event)

    def _plan_row(self, plan: Any, state: WorldState) -> None:
        w, points = self.world, plan.xy.shape[2]
        block = self._blocks.get(ch.PLANS)
        if block is None or block.columns["xy_cm"].shape[2] != points:
            self._write_block(ch.PLANS)
            columns = {"time": ("float64", ()), "xy_cm": ("int32", (self.drivers, points, 2))}
            columns |= {"speed_cms": ("int16", (self.drivers, points)), "valid": ("bool", (self.drivers,))}
            capacity = self._blocks[ch.DRIVERS].capacity
            block = self._blocks[ch.PLANS] = RowBuffer(capacity, columns)
        valid = plan.valid[w].astype(np.bool_) & (np.abs(plan.xy[w]) < MAX_PLAN).all(axis=(1, 2))
        xy = np.where(valid[:, None, None], plan.xy[w], 0.0)
        speed = np.nan_to_num(plan.speed[w].astype(np.float64) * 100.0)
        row = {"time": self._time, "xy_cm": np.rint(xy * 100.0), "valid": valid}
        block.append(row | {"speed_cms": np.clip(np.rint(speed), -32768, 32767)})
        if self._scene is not None:
            self._scene.plans(self._time, xy, valid, state.z[w])

    def _keyframe(self, state: WorldState, bodies: Bodies, state_hash: int | None) -> None:
        w = self.world
        arrays = {f"state/{name}": getattr(state, name)[w] for name in SLOT_FIELDS}
        arrays |= {f"bodies/{name}": getattr(bodies, name)[w] for name in BODY_FIELDS}
        arrays |= {"light": state.light[w], "step": np.array(state.step[w], np.int64)}
        arrays |= {"seed": np.array(state.seed[w], np.uint64), "state_hash": np.array(state_hash or 0, np.uint64)}
        self._add(ch.KEYFRAME, self._time, pack_arrays(arrays))

    def _write_block(self, topic: str) -> None:
        block = self._blocks.get(topic)
        if block is not None and block.count:
            self._add_arrays(topic, block.take())

    def flush(self) -> None:
        """Write what has been gathered and close the chunk, so that it survives the process."""
        for topic in list(self._blocks):
            self._write_block(topic)
        if self._life:
            rows = np.concatenate(self._life)
            self._add_arrays(ch.LIFE, {name: rows[name] for name in rows.dtype.names or ()})
            self._life = []
        if self._light_rows:
            step, time, light, value = (np.array(column) for column in zip(*self._light_rows, strict=True))
            columns = {"step": step.astype(np.int64), "time": time.astype(np.float64)}
            self._add_arrays(ch.LIGHTS, columns | {"light": light.astype(np.int32), "state": value.astype(np.int8)})
            self._light_rows = []
        self._close_chunk()

    def close(self, summary: Mapping[str, Any] | None = None) -> None:
        """Write the summary and the file's end. Closing twice does nothing.

        Raises:
            RecordWriteError: there is no room for them; the blocks before stay readable.
        """
        if not self._open:
            return
        with self._writing():
            self.flush()
            self._add(ch.SUMMARY, self._time, json.dumps(dict(summary or {})).encode())
            self._writer.finish()
            self._file.close()
        self._open = False

    def __enter__(self) -> "EpisodeRecorder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def life_dtype() -> np.dtype:
    """Rows of the life channel: who came or went, and with which body."""
    kinds = {"kind": "i1"}
    body = [(name, kinds.get(name, "f4")) for name in BODY_FIELDS]
    return np.dtype([("step", "i8"), ("time", "f8"), ("slot", "i4"), ("generation", "i4"), ("spawned", "?"), *body])
