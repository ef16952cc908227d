"""A stage in the engine itself: a toy map, scripted others, and a car under test that the expert or traffic drives.

Scripted road users move exactly as their script says; traffic among the others decides for itself. The judge watches
the car under test whoever drives it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agents.expert import ExpertAgent
from simulator.engine import Engine
from world.boxes import box_distance
from world.build import build_road_map
from world.draft import LaneKey, MapDraft
from world.kinds import BodyKind, Controller, EventKind, LightState
from world.mapset import pack_maps
from world.records import Control, Event
from world.roadmap import RoadMap
from world.scenario import Scenario

EXPERT, TRAFFIC = "expert", "traffic"
DT = 0.05  # [s]
SEED = 4  # of the world: it draws the traffic's driver
_NEAR = 25.0  # [m] beyond it nobody's gap is looked at
_STEP = 0.5  # [m] of the route's points


@dataclass
class Other:
    """A road user on a polyline; `speed` maps time [s] to [m/s]."""

    line: np.ndarray  # (n, 2)
    speed: Callable[[float], float]
    s: float = 0.0  # [m] of its centre along the line
    kind: BodyKind = BodyKind.CAR
    slot: int = -1

    def pose(self) -> tuple[float, float, float]:
        steps = np.hypot(*np.diff(self.line, axis=0).T)
        at = np.concatenate(([0.0], np.cumsum(steps)))
        i = int(np.clip(np.searchsorted(at, self.s, side="right") - 1, 0, len(steps) - 1))
        (ax, ay), (bx, by) = self.line[i], self.line[i + 1]
        u = (self.s - at[i]) / steps[i]
        return float(ax + u * (bx - ax)), float(ay + u * (by - ay)), math.atan2(by - ay, bx - ax)


@dataclass
class Drive:
    """What the car under test did, one entry a step."""

    t: np.ndarray  # [s]
    s: np.ndarray  # [m] of its centre along the route
    offset: np.ndarray  # [m] left of the route
    v: np.ndarray  # [m/s]
    a: np.ndarray  # [m/s^2] change of speed
    gap: np.ndarray  # [m] to the nearest other body, at most 25
    front: np.ndarray  # [m] of its bumper along the route
    others: np.ndarray  # (steps, n) [m/s] speeds of the others
    events: list[Event] = field(default_factory=list)

    @property
    def collided(self) -> bool:
        return bool((self.gap <= 0.0).any())

    def seen(self, kind: EventKind) -> bool:
        """Whether the judge reported such an event."""
        return any(e.kind == kind for e in self.events)

    def when(self, t: float) -> int:
        """Index of a time [s]."""
        return int(np.searchsorted(self.t, t))


def lane_line(road_map: RoadMap, lane: int) -> np.ndarray:
    """Centre line (n, 2) of a lane."""
    first, last = road_map.lane_start[lane], road_map.lane_start[lane + 1]
    return road_map.point_xyz[first:last, :2].astype(np.float64)


def shifted(line: np.ndarray, offset: float) -> np.ndarray:
    """A polyline moved `offset` m to its left."""
    d = np.gradient(line, axis=0)
    return line + offset * np.stack((-d[:, 1], d[:, 0]), 1) / np.hypot(*d.T)[:, None]


class Street:
    """A drive along a chain of lanes.

    Args:
        draft: of the map. keys: lanes of the route, in order.
        who: EXPERT or TRAFFIC drives the car under test.
        speed: [m/s] of it at the start. at: [m] of its centre along the route.
    """

    def __init__(self, draft: MapDraft, keys: list[LaneKey], who: str, speed: float = 0.0, at: float = 6.0):
        if who not in (EXPERT, TRAFFIC):
            raise ValueError(f"who is {who!r}; allowed: {EXPERT}, {TRAFFIC}")
        self.who = who
        self.map = build_road_map(draft)
        self.line = self.way(keys)
        points = tuple(map(tuple, self.line[int(at / _STEP) :: int(8 / _STEP)]))  # the route begins at the car
        scenario = Scenario("street", Path("toy"), drivers=1, route=points, route_min_length=10.0, max_time=300.0)
        self.engine = Engine(pack_maps([self.map]), scenario, worlds=1, spare=16)
        self.engine.reset([SEED])
        x, y, yaw = Other(self.line, lambda t: 0.0, at).pose()
        self.engine.hooks.teleport(0, 0, (x, y), yaw, speed)
        if who == TRAFFIC:
            self.engine.hooks.set_controller(0, 0, int(Controller.TRAFFIC))
            self.send(0, keys)
        self.agent = ExpertAgent()
        self.agent.reset(self.engine.task, privilege=self.engine.privilege)
        self.half = 0.5 * float(self.engine.bodies.length[0, 0])
        self.others: list[Other] = []
        self.lights: Callable[[float], dict[int, LightState]] = lambda t: {}
        self._shown: dict[int, LightState] = {}

    def lane(self, key: LaneKey) -> int:
        """Index of a lane by its key."""
        m = self.map
        keys = [(m.road_ids[m.lane_road[i]], int(m.lane_section[i]), int(m.lane_id[i])) for i in range(m.lane_count)]
        return keys.index(key)

    def way(self, keys: list[LaneKey]) -> np.ndarray:
        """(n, 2) points half a metre apart along a chain of lanes."""
        raw = np.concatenate([lane_line(self.map, self.lane(k)) for k in keys])
        raw = raw[np.concatenate(([True], np.hypot(*np.diff(raw, axis=0).T) > 1e-3))]
        s = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(raw, axis=0).T))))
        at = np.linspace(0, s[-1], max(int(s[-1] / _STEP), 2) + 1)
        return np.stack((np.interp(at, s, raw[:, 0]), np.interp(at, s, raw[:, 1])), 1)

    def send(self, slot: int, keys: list[LaneKey]) -> None:
        """Make a traffic vehicle, which is on the first of these lanes, take this way."""
        lanes = self.engine.model.slots.route_lane[0, slot]
        lanes[:] = -1
        lanes[: len(keys)] = [self.lane(k) for k in keys]

    def add(
        self, line: np.ndarray, speed: float | Callable[[float], float], s: float = 0.0, kind: BodyKind = BodyKind.CAR
    ) -> Other:
        """A scripted road user."""
        fixed = None if callable(speed) else float(speed)
        other = Other(line, speed if fixed is None else lambda t: fixed, s, kind)  # type: ignore[arg-type]
        x, y, yaw = other.pose()
        other.slot = self.engine.hooks.spawn(0, int(kind), (x, y), yaw, other.speed(0.0))
        self.others.append(other)
        return other

    def add_traffic(self, keys: list[LaneKey], s: float, speed: float) -> int:
        """A traffic vehicle on the first of these lanes, which takes this way; its slot."""
        x, y, yaw = Other(lane_line(self.map, self.lane(keys[0])), lambda t: 0.0, s).pose()
        slot = self.engine.hooks.spawn(0, int(BodyKind.CAR), (x, y), yaw, speed, controller=int(Controller.TRAFFIC))
        self.send(slot, keys)
        return slot

    def run(self, seconds: float) -> Drive:
        """Drive for so long, or until the car is 12 m from the route's end; closes the engine."""
        rows, others, events, clock = [], [], [], 0.0
        state, control = self.engine.state, Control(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
        length = _STEP * (len(self.line) - 1)
        with self.engine:
            for _ in range(round(seconds / DT)):
                self._direct(clock)
                if self.who == EXPERT:
                    control = self.agent.act(self.engine.scene()).control
                before = float(state.speed[0, 0])
                events += self.engine.step(control).events
                clock += DT
                s, offset = self._foot(float(state.x[0, 0]), float(state.y[0, 0]))
                v = float(state.speed[0, 0])
                rows.append((clock, s, offset, v, (v - before) / DT, self._gap()))
                others.append(state.speed[0, 1:][state.valid[0, 1:]].copy())
                if s > length - 12.0:
                    break
        t, s, offset, v, a, gap = np.array(rows).T
        return Drive(t, s, offset, v, a, gap, s + self.half, np.array(others), events)

    def _direct(self, t: float) -> None:
        """Put the scripted ones where they are, and show the lights, before the step from time t on."""
        hooks = self.engine.hooks
        for other in self.others:
            x, y, yaw = other.pose()
            speed = other.speed(t)
            hooks.teleport(0, other.slot, (x, y), yaw, speed)
            other.s += speed * DT
        for light, shown in self.lights(t).items():
            if self._shown.get(light) != shown:
                hooks.set_light(0, light, int(shown))
                self._shown[light] = shown

    def _foot(self, x: float, y: float) -> tuple[float, float]:
        """(s, offset) [m] of a point on the route."""
        a, v = self.line[:-1], np.diff(self.line, axis=0)
        u = np.clip((([x, y] - a) * v).sum(1) / (v * v).sum(1), 0, 1)
        d = [x, y] - (a + u[:, None] * v)
        i = int((d * d).sum(1).argmin())
        side = v[i, 0] * d[i, 1] - v[i, 1] * d[i, 0]
        return _STEP * (i + u[i]), float(math.copysign(math.hypot(*d[i]), side))

    def _gap(self) -> float:
        """[m] from the car to the nearest other body; 0 where they touch."""
        q, size = self.engine.state, self.engine.bodies
        away = np.hypot(q.x[0] - q.x[0, 0], q.y[0] - q.y[0, 0])
        near = _NEAR
        for j in np.flatnonzero(q.valid[0] & (away < _NEAR + 10.0)):
            if j > 0:
                box = [(q.x[0, i], q.y[0, i], q.yaw[0, i], size.length[0, i], size.width[0, i]) for i in (0, j)]
                near = min(near, float(box_distance(*box[0], *box[1])))
        return near
