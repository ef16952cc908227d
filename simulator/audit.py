"""Audit: drive an engine and count what must not happen: contacts, red lights run, vehicles that stand for long.

For tests, docs and tuning; it looks at the public state only, apart from the reasons that it reports.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator.engine import Engine
from simulator.overlap import slots_overlap
from simulator.traffic import REASONS
from world.kinds import BodyKind, LightState, StopKind
from world.pack import Pack
from world.records import Control

_REACH = 13.0  # [m] bodies further apart cannot touch


@dataclass
class Contact:
    """Two bodies that began to overlap."""

    step: int
    world: int
    slots: tuple[int, int]
    kinds: tuple[str, str]
    x: float
    y: float
    reasons: tuple[str, str]


@dataclass
class Audit:
    """What was seen."""

    contacts: list[Contact] = field(default_factory=list)
    red: list[tuple[int, int, int]] = field(default_factory=list)  # (step, world, slot)
    mean_speed: float = 0.0  # [m/s] of all vehicles over all time
    standing: float = 0.0  # share of vehicle time below 0.1 m/s
    longest_wait: float = 0.0  # [s]
    respawns: int = 0
    walker_speed: float = 0.0  # [m/s]
    waiting: Counter = field(default_factory=Counter)  # reason -> vehicle steps of standing


class Auditor:
    """Watches an engine step by step."""

    def __init__(self, engine: Engine, every: int = 1):
        self.engine, self.audit, self.every = engine, Audit(), every
        self._slots = Pack(engine.model.slots)
        self._touching: set[tuple[int, int, int]] = set()
        self._speed: list[float] = []
        self._stand: list[float] = []
        self._walk: list[float] = []
        self._seen = 0
        self._before = self._fronts()

    def _fronts(self) -> tuple[NDArray, NDArray, NDArray]:
        """Lane, front bumper's s on it, and light of each slot."""
        s = self.engine.model.slots
        return s.lane.copy(), s.lane_s + 0.5 * s.length, s.generation.copy()

    def look(self) -> None:
        """Look at the present state."""
        for b in range(len(self.engine.state_hash)):
            self._contacts(b)
            self._red(b)
        self._figures()
        self._before = self._fronts()

    def _contacts(self, b: int) -> None:
        s, step = self.engine.model.slots, int(self.engine.state.step[b])
        index = np.flatnonzero(s.valid[b])
        x, y = s.x[b, index], s.y[b, index]
        near = np.hypot(x[:, None] - x, y[:, None] - y) < _REACH
        now = set()
        for p, q in np.argwhere(np.triu(near, 1)):
            i, j = int(index[p]), int(index[q])
            if slots_overlap(b, i, j, self._slots, 0.0):
                now.add((b, i, j))
        row = self.engine.model.traffic.row[b]
        for _, i, j in sorted(k for k in now if k not in self._touching):
            kinds = BodyKind(s.kind[b, i]).name, BodyKind(s.kind[b, j]).name
            why = REASONS[row["reason"][i]], REASONS[row["reason"][j]]
            self.audit.contacts.append(Contact(step, b, (i, j), kinds, float(s.x[b, i]), float(s.y[b, i]), why))
        self._touching = {k for k in self._touching if k[0] != b} | now

    def _red(self, b: int) -> None:
        """A front that passed a light's line since the last look while the light was red."""
        model, tables = self.engine.model, self.engine.maps.tables
        lane, front, generation = self._before
        light0 = int(tables.maps["light0"][model.worlds.map_id[b]])
        for i in np.flatnonzero(model.slots.valid[b] & (lane[b] >= 0) & (generation[b] == model.slots.generation[b])):
            row = tables.lanes[lane[b, i]]
            moved = float(np.hypot(model.slots.vx[b, i], model.slots.vy[b, i])) * float(model.dt) * self.every
            for q in range(row["stop0"], row["stop1"]):
                stop = tables.stops[q]
                if stop["kind"] == StopKind.LIGHT and front[b, i] <= stop["s"] < front[b, i] + moved:
                    if model.worlds.light[b, stop["light"] - light0] == LightState.RED:
                        self.audit.red.append((int(self.engine.state.step[b]), b, int(i)))

    def _figures(self) -> None:
        model = self.engine.model
        s, row = model.slots, model.traffic.row
        vehicle = s.valid & (s.kind != BodyKind.PEDESTRIAN) & (s.controller == 0)
        standing = vehicle & (s.speed < 0.1)
        self._speed.append(float(s.speed[vehicle].mean()) if vehicle.any() else 0.0)
        self._stand.append(float(standing.sum() / max(vehicle.sum(), 1)))
        walker = s.valid & (s.kind == BodyKind.PEDESTRIAN)
        self._walk.append(float(s.speed[walker].mean()) if walker.any() else 0.0)
        audit = self.audit
        if vehicle.any():
            audit.longest_wait = max(audit.longest_wait, float(row["waited"][vehicle].max()))
        audit.waiting.update(REASONS[r] for r in row["reason"][standing])
        audit.mean_speed, audit.standing = float(np.mean(self._speed)), float(np.mean(self._stand))
        audit.walker_speed = float(np.mean(self._walk))
        audit.respawns = int(np.maximum(s.generation - 1, 0).sum())


def run_audit(engine: Engine, seconds: float, every: int = 1) -> Audit:
    """Step an engine with idle drivers for a time, looking after each `every` steps; the engine has been reset."""
    model = engine.model
    zero = np.zeros((len(engine.state_hash), model.drivers), np.float32)
    control = Control(zero, zero)
    auditor = Auditor(engine, every * engine.scenario.control_every)
    for step in range(int(round(seconds / (float(model.dt) * engine.scenario.control_every)))):
        engine.step(control)
        if step % every == every - 1:
            auditor.look()
    return auditor.audit
