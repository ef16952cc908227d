"""A small stage for behaviour tests: one driver, scripted others, a toy map; the expert in a closed loop.

It observes by the definitions of world.records, apart from the engine's observer.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from agents.expert import ExpertAgent
from tests.planning.track import CAR, route_from
from world.bicycle import bicycle_step
from world.build import build_road_map
from world.draft import LaneKey, MapDraft
from world.kinds import BodyKind, LightState, StopKind
from world.mapset import pack_maps
from world.protocols import Privilege
from world.records import (
    SCENE_EDGES,
    SCENE_LANE_POINTS,
    SCENE_LANES,
    SCENE_OBJECTS,
    SCENE_RANGE,
    SCENE_ROUTE_POINTS,
    Ahead,
    Bodies,
    EgoStatus,
    LocalLanes,
    Objects,
    RouteAhead,
    Scene,
    Task,
)  # fmt: skip
from world.route_table import make_route_table

DT = 0.05
F = np.float32
LENGTH, WIDTH = 4.5, 1.9


@dataclass
class Other:
    """A scripted road user that moves along a polyline; `speed` maps time [s] to [m/s]."""

    line: np.ndarray  # (n, 2)
    speed: Callable[[float], float]
    s: float = 0.0  # [m] along the line
    kind: BodyKind = BodyKind.CAR
    size: tuple[float, float] = (4.5, 1.9)
    accel: float = 0.0

    def pose(self) -> tuple[float, float, float]:
        steps = np.hypot(*np.diff(self.line, axis=0).T)
        at = np.concatenate(([0.0], np.cumsum(steps)))
        i = min(int(np.searchsorted(at, self.s, side="right")) - 1, len(steps) - 1)
        u = (self.s - at[i]) / steps[i]
        a, b = self.line[i], self.line[i + 1]
        return float(a[0] + u * (b[0] - a[0])), float(a[1] + u * (b[1] - a[1])), math.atan2(b[1] - a[1], b[0] - a[0])


@dataclass
class Track:
    """What happened, one entry a step."""

    t: list[float] = field(default_factory=list)
    s: list[float] = field(default_factory=list)  # [m] along the route, box centre
    v: list[float] = field(default_factory=list)
    a: list[float] = field(default_factory=list)
    offset: list[float] = field(default_factory=list)  # [m] from the route
    gap: list[float] = field(default_factory=list)  # [m] to the nearest other body
    reason: list[str] = field(default_factory=list)

    def arrays(self) -> "Track":
        return Track(**{k: np.array(v) for k, v in vars(self).items()})

    @property
    def front(self):
        return self.s + LENGTH / 2


def lane_line(stage_map, lane: int) -> np.ndarray:
    """Centre line (n, 2) of a lane of a RoadMap."""
    return stage_map.point_xyz[stage_map.lane_start[lane] : stage_map.lane_start[lane + 1], :2].astype(np.float64)


class Stage:
    """A drive of the expert over a chain of lanes of a toy map."""

    def __init__(self, draft: MapDraft, keys: list[LaneKey], speed: float = 0.0, at: float = 5.0, agent=None):
        self.map = build_road_map(draft)
        names = [lane.key for lane in draft.lanes]
        index = {k: i for i, k in enumerate(self._lane_keys(names))}
        self.lanes = [index[k] for k in keys]
        self.line = self._join(self.lanes)
        self.starts = np.concatenate(([0.0], np.cumsum([self.map.lane_length[i] for i in self.lanes])))
        self.others: list[Other] = []
        self.light: Callable[[float], LightState] = lambda t: LightState.GREEN
        p, q = self._at(at), self._at(at + 0.5)
        self.state = (*p, math.atan2(q[1] - p[1], q[0] - p[0]), speed, 0.0, 0.0)
        self.agent = agent or ExpertAgent()
        self._privilege_and_task()
        self.track = Track()
        self.last = 0

    def _lane_keys(self, names):
        """Keys of the built lanes, by road, section and id."""
        m = self.map
        return [(m.road_ids[m.lane_road[i]], int(m.lane_section[i]), int(m.lane_id[i])) for i in range(m.lane_count)]

    def _join(self, lanes) -> np.ndarray:
        raw = np.concatenate([lane_line(self.map, i) for i in lanes])
        keep = np.concatenate(([True], np.hypot(*np.diff(raw, axis=0).T) > 1e-3))
        raw = raw[keep]
        s = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(raw, axis=0).T))))
        n = max(int(s[-1] / 0.25), 2)
        at = np.linspace(0, s[-1], n + 1)
        return np.stack((np.interp(at, s, raw[:, 0]), np.interp(at, s, raw[:, 1])), 1)

    def _at(self, s: float):
        i = min(int(s / 0.25), len(self.line) - 2)
        return self.line[i]

    def _privilege_and_task(self):
        routes = make_route_table(1, 1, 2, len(self.lanes))
        for i, lane in enumerate(self.lanes):
            routes.piece_lane[0, 0, i], routes.piece_start[0, 0, i] = lane, self.starts[i]
            routes.piece_s1[0, 0, i] = self.map.lane_length[lane]
        routes.piece_count[0, 0], routes.length[0, 0] = len(self.lanes), self.starts[-1]
        routes.count[0, 0] = 2
        one = np.ones((1, 1), F)
        limits = {k: F(v) * one for k, v in CAR.items() if k != "friction"}
        size = dict(length=LENGTH * one, width=WIDTH * one, height=1.5 * one)
        vehicle = Bodies(kind=np.zeros((1, 1), np.int8), **size, **limits)
        task = Task(
            waypoint=np.zeros((1, 1, 2, 2), F), command=np.zeros((1, 1, 2), np.int8),
            waypoint_valid=np.ones((1, 1, 2), np.bool_), goal_radius=10.0, vehicle=vehicle, dt=DT, control_every=1,
        )  # fmt: skip
        self.task, self.privilege = task, Privilege(pack_maps([self.map]), np.zeros(1, np.int32), routes)
        self.agent.reset(task, privilege=self.privilege)

    def add(self, other: Other) -> Other:
        self.others.append(other)
        return other

    def scene(self, t: float) -> Scene:
        """The driver's true Scene."""
        x, y, yaw, v, a, steer = self.state
        xy, ok, offset, self.last = route_from(self.line, x, y, yaw, self.last)
        self.offset = offset
        length = 0.25 * (len(self.line) - 1)
        foot = np.hypot(*(self.line - [x, y]).T).argmin() * 0.25
        self.s = foot
        shape = (1, 1)
        limit = np.array([[[self._limit(foot + 2.0 * i) for i in range(SCENE_ROUTE_POINTS)]]], F)
        ego = EgoStatus(
            pose=np.array([[[x, y, yaw]]], F), speed=np.full(shape, v, F), accel=np.full(shape, a, F),
            yaw_rate=np.zeros(shape, F), steer=np.full(shape, steer, F), size=np.array([[[LENGTH, WIDTH]]], F),
            wheelbase=np.full(shape, CAR["wheelbase"], F), rear_axle=np.full(shape, CAR["rear_axle"], F),
            lane_offset=np.full(shape, offset, F), lane_angle=np.zeros(shape, F), on_lane=np.ones(shape, np.bool_),
        )  # fmt: skip
        route = RouteAhead(
            xy=xy, half_width=np.full((1, 1, SCENE_ROUTE_POINTS), 1.75, F), limit=limit, valid=ok,
            command=np.full(shape, 4, np.int8), remaining=np.full(shape, length - foot, F),
            offset=np.full(shape, offset, F),
        )  # fmt: skip
        return Scene(
            ego=ego, lanes=_no_lanes(), edge_xy=np.zeros((1, 1, SCENE_EDGES, 2, 2), F),
            edge_valid=np.zeros((1, 1, SCENE_EDGES), np.bool_), objects=self._objects(t), route=route,
            ahead=self._ahead(foot, t), speed_limit=limit[..., 0], time=np.full(shape, t, F),
            active=np.ones(shape, np.bool_),
        )  # fmt: skip

    def _limit(self, s: float) -> float:
        i = int(np.clip(np.searchsorted(self.starts, s, side="right") - 1, 0, len(self.lanes) - 1))
        return float(self.map.point_limit[self.map.lane_start[self.lanes[i]]])

    def _objects(self, t: float) -> Objects:
        x, y, yaw = self.state[:3]
        rows = []
        c, sn = math.cos(yaw), math.sin(yaw)
        for i, o in enumerate(self.others):
            ox, oy, oyaw = o.pose()
            dx, dy = ox - x, oy - y
            v = o.speed(t)
            away, h = math.hypot(dx, dy), oyaw - yaw
            if away < SCENE_RANGE:
                rows.append((away, c * dx + sn * dy, c * dy - sn * dx, h, v * math.cos(h), v * math.sin(h), i))
        rows.sort()
        n = SCENE_OBJECTS
        out = Objects(
            xy=np.zeros((1, 1, n, 2), F), yaw=np.zeros((1, 1, n), F), velocity=np.zeros((1, 1, n, 2), F),
            size=np.zeros((1, 1, n, 2), F), kind=np.zeros((1, 1, n), np.int8), track=np.zeros((1, 1, n), np.int64),
            score=np.ones((1, 1, n), F), valid=np.zeros((1, 1, n), np.bool_),
        )  # fmt: skip
        for j, (_, px, py, h, vx, vy, i) in enumerate(rows[:n]):
            out.xy[0, 0, j], out.yaw[0, 0, j], out.velocity[0, 0, j] = (px, py), h, (vx, vy)
            out.size[0, 0, j], out.kind[0, 0, j] = self.others[i].size, self.others[i].kind
            out.track[0, 0, j], out.valid[0, 0, j] = i, True
        return out

    def _ahead(self, s: float, t: float) -> Ahead:
        front = s + LENGTH / 2
        found: dict[int, float] = {}
        for i, lane in enumerate(self.lanes):
            for q in range(self.map.stop_start[lane], self.map.stop_start[lane + 1]):
                at, kind = self.starts[i] + self.map.stop_s[q] - front, int(self.map.stop_kind[q])
                if 0 <= at < SCENE_RANGE and kind not in found:
                    found[kind] = at
        cross = [
            (self.starts[i] + self.map.crossing_span[q, 0] - front, np.ptp(self.map.crossing_span[q]))
            for i, lane in enumerate(self.lanes)
            for q in range(self.map.crossing_start[lane], self.map.crossing_start[lane + 1])
        ]
        cross = [c for c in cross if -c[1] - LENGTH < c[0] < SCENE_RANGE]
        one = np.ones((1, 1), F)

        def near(kind):
            return found.get(int(kind), 0.0) * one, (one > 0) & (int(kind) in found)

        light, stop, give = near(StopKind.LIGHT), near(StopKind.STOP), near(StopKind.YIELD)
        return Ahead(
            light_state=np.full((1, 1), int(self.light(t)), np.int8), light_distance=light[0], light_valid=light[1],
            stop_distance=stop[0], stop_valid=stop[1], yield_distance=give[0], yield_valid=give[1],
            crosswalk_distance=(cross[0][0] if cross else 0) * one,
            crosswalk_length=(cross[0][1] if cross else 0) * one,
            crosswalk_valid=(one > 0) & bool(cross),
        )  # fmt: skip

    def run(self, seconds: float, until: Callable[["Stage"], bool] | None = None) -> Track:
        """Drive; stops early at the route's end or when `until` says so."""
        from planning.speed import REASONS

        t0 = self.track.t[-1] + DT if self.track.t else 0.0
        for i in range(int(seconds / DT)):
            t = t0 + i * DT
            decision = self.agent.act(self.scene(t))
            u, a = float(decision.control.steer[0, 0]), float(decision.control.accel[0, 0])
            self.state = tuple(map(float, bicycle_step(*map(F, (*self.state, u, a)), *map(F, CAR.values()), F(DT))))[:6]
            for o in self.others:
                o.s += o.speed(t) * DT
            row = self.track
            row.t.append(t), row.s.append(self.s), row.v.append(self.state[3]), row.a.append(self.state[4])
            row.offset.append(self.offset), row.gap.append(self._gap())
            row.reason.append(next((r for r in REASONS[1:] if decision.plan.terms[r][0, 0]), "none"))
            if (until and until(self)) or self.s > 0.25 * len(self.line) - 12.0:
                break
        return self.track.arrays()

    def _gap(self) -> float:
        from shapely.affinity import rotate, translate
        from shapely.geometry import box

        def shape(x, y, yaw, size):
            return translate(rotate(box(-size[0] / 2, -size[1] / 2, size[0] / 2, size[1] / 2), yaw, (0, 0), True), x, y)

        me = shape(*self.state[:3], (LENGTH, WIDTH))
        near = [o for o in self.others if math.hypot(o.pose()[0] - self.state[0], o.pose()[1] - self.state[1]) < 20]
        return min((me.distance(shape(*o.pose(), o.size)) for o in near), default=20.0)


def _no_lanes() -> LocalLanes:
    rows, dims = (1, 1, SCENE_LANES), (1, 1, SCENE_LANES, SCENE_LANE_POINTS)
    flags = {f: np.zeros(rows, np.bool_) for f in ("change_left", "change_right", "yields", "valid")}
    marks = {f: np.zeros(rows, np.int8) for f in ("mark_left", "mark_right", "relation")}
    return LocalLanes(
        xy=np.zeros((*dims, 2), F), half_width=np.zeros(dims, F), point_valid=np.zeros(dims, np.bool_),
        limit=np.zeros(rows, F), **flags, **marks,
    )  # fmt: skip


def beside(line: np.ndarray, offset: float) -> np.ndarray:
    """The polyline moved `offset` m to the left."""
    d = np.gradient(line, axis=0)
    return line + offset * np.stack((-d[:, 1], d[:, 0]), 1) / np.hypot(*d.T)[:, None]
