"""OraclePercept: what good eyes would tell, made from true state and map: limited view, occlusion, noise, lapses.

It stands where `perception.perceive.Perceiver` does, so that tracking, localisation, route and scene can be driven and
tested without a network. Two cameras take turns: a wide one (+-50 degrees, 60 m) and a narrow one (+-15 degrees,
100 m). Errors have a part that stays for about half a second and a white one, as a network's have.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.records import CROSSINGS, DETECTIONS, LIGHTS, LINE_X, SIGNS, Percept, empty_percept
from simulator.camera_labels import LINE_RANGE, LINE_STEP, _station, _walk
from simulator.engine import Engine
from world.camera_labels import LINE_SLOTS
from world.camera_tags import LineKind
from world.kinds import BodyKind, LightState, MarkKind, SignKind
from world.records import SensorFrame
from world.sign_names import face_of

F64 = NDArray[np.float64]
CAMERA_X = 0.5  # [m] of both cameras
VIEWS = ((math.radians(50.0), 60.0), (math.radians(15.0), 100.0))  # half angle [rad], range [m]: wide, narrow
DASHED = (MarkKind.BROKEN, MarkKind.BROKEN_BROKEN)


@dataclass(frozen=True)
class OracleNoise:
    """Errors; sigmas are standard deviations."""

    range: float = 0.05  # of the distance
    bearing: float = math.radians(2.0)
    yaw: float = 0.15  # [rad] of a vehicle
    size: float = 0.08  # of length and width
    dropout: float = 0.06  # share of detections that are missed, a picture
    phantoms: float = 0.01  # false road users a picture
    line: float = 0.06  # [m] that lasts, the same all along a boundary
    line_slope: float = 0.004  # [rad] that lasts
    line_white: float = 0.03  # [m] at the driver, growing by
    line_growth: float = 0.002  # [m/m]
    line_dropout: float = 0.03  # share of boundaries that are missed, a picture
    light_state: float = 0.03  # share of light states that are wrong
    sign_face: float = 0.03  # share of sign faces that are wrong
    paint: float = 0.02  # of the distance of stop lines and crosswalks
    memory: float = 0.5  # [s] for which the lasting part lasts


PERFECT = OracleNoise(*(0.0,) * 14, memory=0.5)


class OraclePercept:
    """Callable SensorFrame -> Percept of an engine's drivers.

    Args:
        engine: whose state and map are looked at.
        seed: of the errors.
        noise: their sizes.
    """

    def __init__(self, engine: Engine, seed: int = 0, noise: OracleNoise | None = None):
        self.engine, self.noise = engine, noise or OracleNoise()
        self._rng = np.random.default_rng(seed)
        self._lasting: dict[tuple, tuple[float, F64]] = {}  # (world, driver, what, which): time, errors
        self._ticks = 0
        self._cache: dict[tuple[str, int], tuple[NDArray, ...]] = {}  # boundaries of lanes
        self._maps = engine.maps.maps
        self._walls = [_walls(m) for m in self._maps]

    def __call__(self, frame: SensorFrame) -> Percept:
        worlds, drivers = frame.time.shape
        percept = empty_percept(worlds, drivers)
        for b in range(worlds):
            for k in range(drivers):
                if self.engine.state.valid[b, k]:
                    self._look(b, k, float(frame.time[b, k]), percept)
        self._ticks += 1
        return percept

    def _last(self, key: tuple, time: float, count: int) -> F64:
        """(count,) standard normal errors that change slowly."""
        before = self._lasting.get(key)
        fresh = self._rng.standard_normal(count)
        if before is not None and time >= before[0]:
            phi = math.exp(-(time - before[0]) / self.noise.memory)
            fresh = phi * before[1] + math.sqrt(1.0 - phi * phi) * fresh
        self._lasting[key] = (time, fresh)
        return fresh

    def _error(self, key: tuple, time: float, count: int) -> F64:
        """(count,) errors of unit variance, half of it lasting."""
        return (self._last(key, time, count) + self._rng.standard_normal(count)) * math.sqrt(0.5)

    def _look(self, b: int, k: int, time: float, percept: Percept) -> None:
        state = self.engine.state
        pose = tuple(float(getattr(state, n)[b, k]) for n in ("x", "y", "yaw"))
        view = VIEWS[self._ticks % 2]
        percept.fresh[b, k] = True
        boxes = self._boxes(b, k, pose)
        self._users(b, k, time, view, boxes, percept)
        self._lights(b, k, time, pose, view, boxes, percept)
        self._signs(b, k, time, pose, view, boxes, percept)
        self._lines(b, k, time, pose, boxes, percept)
        self._paint(b, k, time, pose, boxes, percept)

    # --- What may hide what ------------------------------------------------------------------------------------

    def _boxes(self, b: int, k: int, pose: tuple[float, ...]) -> dict[str, NDArray]:
        """Other bodies in the driver's frame."""
        state, bodies = self.engine.state, self.engine.bodies
        who = np.flatnonzero(state.valid[b])
        who = who[who != k]
        xy = _to_body(np.stack((state.x[b, who], state.y[b, who]), axis=1), pose)
        near = np.hypot(xy[:, 0], xy[:, 1]) < 110.0
        who, xy = who[near], xy[near]
        yaw = (state.yaw[b, who] - pose[2] + np.pi) % (2 * np.pi) - np.pi
        size = np.stack((bodies.length[b, who], bodies.width[b, who]), axis=1).astype(np.float64)
        return {"slot": who, "xy": xy, "yaw": yaw.astype(np.float64), "size": size, "kind": bodies.kind[b, who],
                "height": bodies.height[b, who].astype(np.float64), "edges": _box_edges(xy, yaw, size),
                "walls": _to_body(self._walls[int(state.map_id[b])].reshape(-1, 2), pose).reshape(-1, 2, 2),
                }  # fmt: skip

    def _seen(self, points: F64, boxes: dict[str, NDArray], skip: int = -1, ground: bool = False) -> NDArray[np.bool_]:
        """(n,) whether nothing stands between the cameras and points (n, 2) in the driver's frame.

        Args:
            skip: box that hides nothing (the one looked at). ground: people hide nothing, walls neither.
        """
        tall = (boxes["height"] > 1.2) & (np.arange(len(boxes["yaw"])) != skip)
        if ground:
            tall &= boxes["kind"] != BodyKind.PEDESTRIAN
        edges = boxes["edges"][tall].reshape(-1, 2, 2)
        if not ground:
            edges = np.concatenate([edges, _near_walls(boxes["walls"])])
        return ~_crossed(np.array([CAMERA_X, 0.0]), points, edges)

    # --- Road users --------------------------------------------------------------------------------------------

    def _users(self, b: int, k: int, time: float, view: tuple, boxes: dict[str, NDArray], percept: Percept) -> None:
        noise, users, found = self.noise, percept.users, 0
        xy, edge = boxes["xy"], max(view[0], 0.01)
        order = np.argsort(np.hypot(xy[:, 0], xy[:, 1]), kind="stable")
        for i in order:
            far, angle = math.hypot(*xy[i]), math.atan2(xy[i, 1], xy[i, 0] - CAMERA_X)
            if found >= DETECTIONS - 1 or far > view[1] or abs(angle) > edge:
                continue
            across = np.array([-math.sin(angle), math.cos(angle)]) * 0.4 * boxes["size"][i, 1]
            points = xy[i] + np.array([-1.0, -0.5, 0.0, 0.5, 1.0])[:, None] * across
            if self._seen(points, boxes, skip=int(i)).mean() < 0.4 or self._rng.random() < noise.dropout:
                continue
            e = self._error((b, k, "user", int(boxes["slot"][i])), time, 5)
            r, a = far * max(1.0 + noise.range * e[0], 0.3), math.atan2(xy[i, 1], xy[i, 0]) + noise.bearing * e[1]
            users.xy[b, k, found] = r * math.cos(a), r * math.sin(a)
            users.yaw[b, k, found] = _wrap(boxes["yaw"][i] + noise.yaw * e[2])
            users.size[b, k, found] = boxes["size"][i] * (1.0 + noise.size * e[3:5])
            users.kind[b, k, found] = boxes["kind"][i]
            users.score[b, k, found], users.valid[b, k, found] = 0.9, True
            percept.user_sigma[b, k, found] = max(noise.range * far, 0.1)
            percept.user_fresh[b, k, found] = True
            found += 1
        if self._rng.random() < noise.phantoms:
            r, a = self._rng.uniform(5.0, 40.0), self._rng.uniform(-edge, edge)
            users.xy[b, k, found] = r * math.cos(a), r * math.sin(a)
            users.size[b, k, found], users.kind[b, k, found] = (4.5, 1.8), BodyKind.CAR
            users.score[b, k, found], users.valid[b, k, found] = 0.5, True
            percept.user_sigma[b, k, found], percept.user_fresh[b, k, found] = max(noise.range * r, 0.1), True

    # --- Lights and signs --------------------------------------------------------------------------------------

    def _posts(self, xyz: NDArray, yaw: NDArray, pose: tuple, view: tuple, boxes: dict, most: float):
        """(index, [m] body frame x, y, z, seen from the front) of what stands in view, nearest first."""
        if not len(yaw):
            return
        xy = _to_body(xyz[:, :2].astype(np.float64), pose)
        far = np.hypot(xy[:, 0], xy[:, 1])
        angle = np.arctan2(xy[:, 1], xy[:, 0] - CAMERA_X)
        fine = np.flatnonzero((np.abs(angle) < view[0]) & (far < most) & (xy[:, 0] > CAMERA_X + 1.0))
        fine = fine[np.argsort(far[fine], kind="stable")]
        for i in fine:
            up = math.atan2(float(xyz[i, 2]) - 1.5, float(far[i]))
            if abs(up) > 0.5 * view[0] or not _crossed_less(boxes["walls"], xy[i]):
                continue
            h = float(yaw[i]) - pose[2]
            front = -(xy[i, 0] * math.cos(h) + xy[i, 1] * math.sin(h)) / max(float(far[i]), 1e-6) > 0.15
            yield int(i), (float(xy[i, 0]), float(xy[i, 1]), float(xyz[i, 2])), front

    def _lights(self, b: int, k: int, time: float, pose: tuple, view: tuple, boxes: dict, percept: Percept) -> None:
        m, noise, found = self._maps[int(self.engine.state.map_id[b])], self.noise, 0
        most = 50.0 if view is VIEWS[0] else 90.0
        for i, at, front in self._posts(m.light_xyz, m.light_yaw, pose, view, boxes, most):
            if found >= LIGHTS or self._rng.random() < noise.dropout:
                continue
            state = int(self.engine.state.light[b, i]) if front else int(LightState.OFF)
            if front and self._rng.random() < noise.light_state:
                state = int(self._rng.integers(0, 5))
            percept.light_xyz[b, k, found] = self._noisy(("light", b, k, i), time, at)
            percept.light_state[b, k, found], percept.light_valid[b, k, found] = state, True
            percept.light_score[b, k, found] = 0.9
            percept.light_yaw[b, k, found] = float(m.light_yaw[i]) - pose[2] + 0.2 * self._rng.standard_normal()
            found += 1

    def _signs(self, b: int, k: int, time: float, pose: tuple, view: tuple, boxes: dict, percept: Percept) -> None:
        m, noise, found = self._maps[int(self.engine.state.map_id[b])], self.noise, 0
        most = 20.0 if view is VIEWS[0] else 45.0
        for i, at, front in self._posts(m.sign_xyz, m.sign_yaw, pose, view, boxes, most):
            face = _face(int(m.sign_kind[i]), float(m.sign_value[i]))
            if found >= SIGNS or not front or face < 0 or self._rng.random() < noise.dropout:
                continue
            if self._rng.random() < noise.sign_face:
                face = int(self._rng.integers(0, 43))
            percept.sign_xyz[b, k, found] = self._noisy(("sign", b, k, i), time, at)
            percept.sign_face[b, k, found], percept.sign_valid[b, k, found] = face, True
            percept.sign_score[b, k, found] = 0.9
            found += 1

    def _noisy(self, key: tuple, time: float, at: tuple[float, float, float]) -> tuple[float, float, float]:
        e = self._error(key, time, 2)
        far, angle = math.hypot(at[0], at[1]), math.atan2(at[1], at[0])
        far, angle = far * max(1.0 + self.noise.range * e[0], 0.3), angle + 0.5 * self.noise.bearing * e[1]
        return far * math.cos(angle), far * math.sin(angle), at[2]

    # --- Lines and paint ---------------------------------------------------------------------------------------

    def _lines(self, b: int, k: int, time: float, pose: tuple, boxes: dict, percept: Percept) -> None:
        m, noise, model = self._maps[int(self.engine.state.map_id[b])], self.noise, self.engine.model
        base = int(model.tables.maps[int(self.engine.state.map_id[b])]["lane0"])
        lane, s = int(model.slots.lane[b, k]) - base, float(model.slots.lane_s[b, k])
        if lane < 0:
            return
        xyz, exists, kind, mark = self._boundaries(m, lane, s)
        for slot in range(LINE_SLOTS):
            if exists[slot].sum() < 3 or self._rng.random() < noise.line_dropout:
                continue
            first = int(exists[slot].argmax())
            percept.line_kind[b, k, slot] = kind[slot, first]
            percept.line_dashed[b, k, slot] = kind[slot, first] == LineKind.PAINT and mark[slot, first] in DASHED
            xy = _to_body(xyz[slot, :, :2], pose)
            y, valid = _at_stations(xy, exists[slot])
            view = np.abs(np.arctan2(y, LINE_X - CAMERA_X)) < np.where(LINE_X > 35.0, VIEWS[1][0], VIEWS[0][0])
            valid &= view
            if valid.any():
                seen = self._seen(np.stack((LINE_X, y), axis=1)[valid].astype(np.float64), boxes, ground=True)
                valid[np.flatnonzero(valid)[~seen]] = False
            white = noise.line_white + noise.line_growth * LINE_X
            e = self._last((b, k, "line", slot), time, 2)
            y = y + noise.line * e[0] + noise.line_slope * e[1] * LINE_X + white * self._rng.standard_normal(len(y))
            spread = np.sqrt(white**2 + noise.line**2 + (noise.line_slope * LINE_X) ** 2)
            percept.line_y[b, k, slot], percept.line_valid[b, k, slot] = np.where(valid, y, 0.0), valid
            percept.line_sigma[b, k, slot] = np.where(valid, np.maximum(spread, 0.02), 0.0)

    def _boundaries(self, m, lane: int, s: float) -> tuple[NDArray, ...]:
        """(xyz (S, P, 3), exists, kind, mark (S, P)) of the boundaries along the way from (lane, s) straight on."""
        at = list(_walk(m, lane, s, int(LINE_RANGE / LINE_STEP), None))
        parts = []
        for here in dict.fromkeys(lane for lane, _ in at):
            along = np.array([v for lane, v in at if lane == here])
            parts.append([part[:, np.rint(along / LINE_STEP).astype(int)] for part in self._stations(m, here)])
        return tuple(np.concatenate([part[i] for part in parts], axis=1) for i in range(4))

    def _stations(self, m, lane: int) -> tuple[NDArray, ...]:
        """The boundaries of one lane, every LINE_STEP."""
        if (m.name, lane) not in self._cache:
            n = int(float(m.lane_length[lane]) / LINE_STEP) + 2
            shape = (LINE_SLOTS, n)
            kind, mark, color = (np.zeros(shape, np.int8) for _ in range(3))
            xyz, exists = np.zeros((*shape, 3)), np.zeros(shape, np.bool_)
            for p in range(n):
                _station(m, lane, min(p * LINE_STEP, float(m.lane_length[lane])), p, xyz, exists, kind, mark, color)
            self._cache[m.name, lane] = xyz, exists, kind, mark
        return self._cache[m.name, lane]

    def _paint(self, b: int, k: int, time: float, pose: tuple, boxes: dict, percept: Percept) -> None:
        m = self._maps[int(self.engine.state.map_id[b])]
        ends = _to_body(m.stop_line.reshape(-1, 2).astype(np.float64), pose).reshape(-1, 2, 2)
        areas = [m.crosswalk_xyz[m.crosswalk_start[i] : m.crosswalk_start[i + 1], :2]
                 for i in range(len(m.crosswalk_start) - 1)]  # fmt: skip
        walks = [_to_body(a.astype(np.float64), pose) for a in areas]
        for name, shapes, thick in (("stop_line", list(ends), 0.2), ("crosswalk", walks, 0.0)):
            out, valid, found = getattr(percept, name), getattr(percept, f"{name}_valid"), 0
            middles = np.array([p.mean(axis=0) for p in shapes]).reshape(-1, 2)
            if not len(middles):
                continue
            far = np.hypot(middles[:, 0], middles[:, 1])
            for i in np.argsort(far, kind="stable"):
                if found >= CROSSINGS or far[i] > 40.0:
                    break
                x, y = middles[i]
                if x < 3.5 or abs(math.atan2(y, x - CAMERA_X)) > VIEWS[0][0]:
                    continue
                if not self._seen(middles[i : i + 1], boxes, ground=True)[0]:
                    continue
                e = self._error((b, k, name, int(i)), time, 1)[0] * self.noise.paint * float(x)
                low, high = shapes[i].min(axis=0), shapes[i].max(axis=0)
                if high[1] - low[1] < high[0] - low[0] and name == "stop_line":
                    continue
                out[b, k, found] = low[0] - thick + e, high[0] + thick + e, low[1], high[1]
                valid[b, k, found] = True
                found += 1


def _face(kind: int, value: float) -> int:
    """Face of a sign of the map as our renderer would draw it, -1 where none means anything here."""
    if kind == SignKind.STOP:
        return face_of("stop")
    if kind == SignKind.YIELD:
        return face_of("yield")
    if kind == SignKind.SPEED_LIMIT:
        limits = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130)
        best = min(limits, key=lambda v: abs(v - value * 3.6))
        return face_of(f"limit {best}") if abs(best - value * 3.6) < 2.0 else -1
    return -1


def _wrap(angle: float) -> float:
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def _to_body(xy: NDArray, pose: tuple[float, ...]) -> F64:
    """(n, 2) world places in the driver's frame."""
    c, s = math.cos(pose[2]), math.sin(pose[2])
    dx, dy = xy[:, 0] - pose[0], xy[:, 1] - pose[1]
    return np.stack((c * dx + s * dy, c * dy - s * dx), axis=1)


def _at_stations(xy: F64, exists: NDArray[np.bool_]) -> tuple[F64, NDArray[np.bool_]]:
    """(y, valid) of a boundary at LINE_X: as far as it runs ahead, and no further than its points are apart."""
    y, valid = np.zeros(len(LINE_X)), np.zeros(len(LINE_X), np.bool_)
    for i in range(len(xy) - 1):
        if not (exists[i] and exists[i + 1]):
            continue
        if xy[i + 1, 0] - xy[i, 0] < 0.2:
            if xy[i, 0] > 2.0:
                break  # it turns back: not a function of x from here on
            continue
        inside = (LINE_X >= xy[i, 0]) & (LINE_X < xy[i + 1, 0])
        f = (LINE_X[inside] - xy[i, 0]) / (xy[i + 1, 0] - xy[i, 0])
        y[inside], valid[inside] = (1.0 - f) * xy[i, 1] + f * xy[i + 1, 1], True
    return y, valid


def _walls(m) -> F64:
    """(n, 2, 2) [m] outlines of the buildings of a RoadMap."""
    parts = []
    for i in range(len(m.building_start) - 1):
        corners = m.building_xyz[m.building_start[i] : m.building_start[i + 1], :2].astype(np.float64)
        parts.append(np.stack((corners, np.roll(corners, -1, axis=0)), axis=1))
    return np.concatenate(parts) if parts else np.zeros((0, 2, 2))


def _near_walls(walls: F64) -> F64:
    return walls[(np.abs(walls).max(axis=(1, 2)) < 120.0)]


def _crossed_less(walls: F64, point: F64) -> bool:
    """Whether no wall stands before a point in the driver's frame."""
    return not _crossed(np.array([CAMERA_X, 0.0]), point[None], _near_walls(walls))[0]


def _box_edges(xy: F64, yaw: NDArray, size: F64) -> F64:
    """(n, 4, 2, 2) [m] sides of boxes, drawn in by a tenth so that touching ones do not hide each other."""
    c, s = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    u, v = 0.45 * size[:, :1] * np.array([1, -1, -1, 1]), 0.45 * size[:, 1:] * np.array([1, 1, -1, -1])
    corners = xy[:, None] + np.stack((c * u - s * v, s * u + c * v), axis=-1)
    return np.stack((corners, np.roll(corners, -1, axis=1)), axis=2)


def _crossed(start: F64, ends: F64, edges: F64) -> NDArray[np.bool_]:
    """(n,) whether the way from `start` to each of `ends` (n, 2) crosses one of `edges` (m, 2, 2)."""
    if not len(edges) or not len(ends):
        return np.zeros(len(ends), np.bool_)
    d = (ends - start)[:, None]  # (n, 1, 2)
    a, e = edges[None, :, 0] - start, (edges[:, 1] - edges[:, 0])[None]
    cross = d[..., 0] * e[..., 1] - d[..., 1] * e[..., 0]
    cross = np.where(np.abs(cross) < 1e-9, 1e-9, cross)
    t = (a[..., 0] * e[..., 1] - a[..., 1] * e[..., 0]) / cross
    u = (a[..., 0] * d[..., 1] - a[..., 1] * d[..., 0]) / cross
    return np.any((t > 0.01) & (t < 0.99) & (u >= 0.0) & (u <= 1.0), axis=1)
