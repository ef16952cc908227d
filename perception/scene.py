"""What is perceived as a Scene: the same record, with the same meaning, as the true observer fills.

Lights: of the heads beyond the entry of the next junction that look at the driver, the one nearest to the line along
which the route enters it holds. Where one stands: at the stop line seen before the junction, else shortly before the
entry that the route's commands tell of. Speed limits are those of signs read; until one is read DEFAULT_LIMIT holds,
and after a turn the last one goes on. Which lanes cross the route, and who gives way, is not known: `lanes` holds the
own lane and its neighbours.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception.curve import foot_on, place_on
from perception.driver_route import DriverRoute
from perception.landmarks import Landmarks, Paint, Post
from perception.lanes import CHANGES
from perception.localise import Localiser
from perception.records import LINE_X, Percept
from perception.route import RouteFinder
from perception.tracker import Tracker
from world.camera_labels import OWN_LEFT, OWN_RIGHT
from world.kinds import BodyKind, Command, LightState, MarkKind, Relation
from world.lane_arrays import wrap
from world.records import (
    SCENE_EDGES,
    SCENE_LANE_BEHIND,
    SCENE_LANE_POINTS,
    SCENE_LANE_STEP,
    SCENE_LANES,
    SCENE_OBJECTS,
    SCENE_RANGE,
    SCENE_ROUTE_POINTS,
    SCENE_ROUTE_STEP,
    Ahead,
    EgoStatus,
    LocalLanes,
    Objects,
    RouteAhead,
    Scene,
    SensorFrame,
    Task,
)  # fmt: skip
from world.sign_names import face_of, sign_limit

BOOL = NDArray[np.bool_]
DEFAULT_LIMIT = 50.0 / 3.6  # [m/s] until a sign is read: the law in towns
END_LIMIT = 50.0 / 3.6  # [m/s] after the end of all limits
_THERE = 0.05  # [m] before a line
_LINE_ERROR = 0.8  # [m] by which a stop line may be nearer than it was seen: who stops on it has run the light
_NEARER = 0.8  # [m] that vehicles are told longer than seen: their distance is not known better
_CRAWLS, _BESIDE, _ALONG = 1.5, 6.0, 0.6  # [m/s]; [m] from the route; cosine of the angle to it
STOP_FACES, YIELD_FACES = (face_of("stop"),), (face_of("yield"), face_of("us yield"))
END_FACE = face_of("end of all limits")
OFF, RED = int(LightState.OFF), int(LightState.RED)


@dataclass(frozen=True)
class SceneConfig:
    """Where things that belong to the driver's way may be."""

    head_before: float = 8.0  # [m] that a light head may stand before the junction's entry
    head_after: float = 12.0  # [m] or after it, plus
    head_scale: float = 2.0  # times the distance from entry to exit
    head_far: float = 0.06  # [m/m] sideways that a metre further away is worth
    head_habit: float = 1.5  # [m] sideways that another head must lie better to be taken instead
    head_turned: float = 6.0  # [m] sideways that a head which looks across the entry is worth, twice that: away from it
    head_vague: float = 4.0  # [m] sideways that a head whose state is hardly read is worth: a far look may see it twice
    head_aside: float = 6.0  # [m] from the line along which the route enters
    head_lost: float = 2.0  # [s] after which a light that is not seen any more is unknown
    hides: float = 20.0  # [m] ahead within which a tall vehicle hides a light head
    creeps: float = 3.0  # [m/s] up to which one stands at once where the line is reached
    around: float = 30.0  # [m] from its entry to the light heads of a junction
    line_before: float = 9.0  # [m] before the entry that its stop line may lie
    line_after: float = 2.5  # [m]
    line_unseen: float = 4.5  # [m] before the entry where one stands if no line is seen: there may be a crosswalk
    sign_aside: float = 7.0  # [m] from the route to a sign that holds for it
    sign_inner: float = 0.6  # [m] it stands at least so far outside of the lane's centre
    looks: int = 3  # before a sign or paint is acted on
    passed: float = 1.3  # [m] behind the bumper until which a line, taken as near as it may be, is the next one


class SceneBuilder:
    """Builds one Scene of all (B, K) drivers; its arrays are those of every call."""

    def __init__(self, config: SceneConfig | None = None):
        self.config = config or SceneConfig()
        self.marks: list[list[Landmarks]] = []

    def reset(self, task: Task, mask: BOOL | None = None) -> None:
        """Forget signs and lights. Args: mask: (B, K) whose; None: all."""
        worlds, drivers = task.waypoint.shape[:2]
        if len(self.marks) != worlds or any(len(row) != drivers for row in self.marks):
            self.marks = [[Landmarks() for _ in range(drivers)] for _ in range(worlds)]
            self.scene, self._limit = empty_scene(worlds, drivers), np.full((worlds, drivers), DEFAULT_LIMIT)
            mask = None
        for b in range(worlds):
            for k in range(drivers):
                if mask is None or mask[b, k]:
                    self.marks[b][k], self._limit[b, k] = Landmarks(), DEFAULT_LIMIT
        self._vehicle = task.vehicle

    def build(
        self, frame: SensorFrame, percept: Percept, localiser: Localiser, routes: RouteFinder, tracker: Tracker
    ) -> Scene:
        """The Scene at the frame's time. All parts have been updated to it."""
        scene = self.scene
        self._ego(frame, localiser)
        scene.time[:] = frame.time
        for b, row in enumerate(routes.routes):
            for k, route in enumerate(row):
                scene.active[b, k] = route is not None
                tracker.tell(b, k, localiser.odometry[b, k], scene.objects)
                if route is not None:
                    if percept.fresh[b, k]:
                        self.marks[b][k].update(b, k, percept, localiser.odometry[b, k], float(frame.time[b, k]))
                        self._lanes(b, k, percept, route, localiser, routes)
                        self._edges(b, k, percept)
                    self.scene.objects.size[b, k, :, 0] += np.where(self._wheels(b, k), _NEARER, 0.0)
                    self._along_lanes(b, k, route, localiser.odometry[b, k])
                    self._route(b, k, route, localiser, routes)
                    self._ahead(b, k, route, float(frame.time[b, k]))
        return scene

    def _ego(self, frame: SensorFrame, localiser: Localiser) -> None:
        ego, vehicle = self.scene.ego, self._vehicle
        ego.pose[:] = localiser.mean[..., :3]
        ego.speed[:], ego.accel[:] = localiser.mean[..., 3], localiser.accel
        ego.yaw_rate[:], ego.steer[:] = localiser.yaw_rate, frame.steer
        ego.size[..., 0], ego.size[..., 1] = vehicle.length, vehicle.width
        ego.wheelbase[:], ego.rear_axle[:] = vehicle.wheelbase, vehicle.rear_axle

    def _wheels(self, b: int, k: int) -> BOOL:
        """(O,) which objects are not pedestrians."""
        return self.scene.objects.valid[b, k] & (self.scene.objects.kind[b, k] != BodyKind.PEDESTRIAN)

    def _along_lanes(self, b: int, k: int, route: DriverRoute, pose: NDArray) -> None:
        """Turn vehicles that stand or crawl beside the route along its lanes: a standing one does not show its heading.

        One that seems to stand askew in the next lane would seem to block this one.
        """
        objects, curve, n = self.scene.objects, route.curve, route.count
        cos, sin = math.cos(pose[2]), math.sin(pose[2])
        slow = np.hypot(objects.velocity[b, k, :, 0], objects.velocity[b, k, :, 1]) < _CRAWLS
        for i in np.flatnonzero(slow & self._wheels(b, k)):
            x, y = (float(v) for v in objects.xy[b, k, i])
            t, d = foot_on(curve, n, pose[0] + cos * x - sin * y, pose[1] + sin * x + cos * y, 0, n - 1)
            if not 0.0 < t < n - 1.0 or abs(d) > _BESIDE:
                continue
            _, _, yaw = place_on(curve, n, t)
            lane = float(yaw - pose[2])
            if math.cos(lane - objects.yaw[b, k, i]) < 0.0:
                lane += math.pi
            if math.cos(lane - objects.yaw[b, k, i]) > _ALONG:
                objects.yaw[b, k, i] = wrap(lane)

    # --- Route -------------------------------------------------------------------------------------------------

    def _route(self, b: int, k: int, route: DriverRoute, localiser: Localiser, routes: RouteFinder) -> None:
        out, ego = self.scene.route, self.scene.ego
        xy, count = routes.ahead_xy(b, k, localiser)
        out.xy[b, k] = xy
        out.valid[b, k] = np.arange(SCENE_ROUTE_POINTS) < count
        out.half_width[b, k] = np.where(out.valid[b, k], route.half, 0.0)
        out.command[b, k] = route.laid.command[route.passed]
        out.remaining[b, k] = max(route.ahead(len(route.laid.place) - 1), 0.0)
        out.offset[b, k] = route.offset
        _, _, yaw = place_on(route.curve, route.count, route.foot)
        ego.lane_offset[b, k] = route.offset
        ego.lane_angle[b, k] = wrap(float(localiser.odometry[b, k, 2]) - yaw)
        ego.on_lane[b, k] = abs(route.offset) < route.half
        self._limits(b, k, route)

    def _limits(self, b: int, k: int, route: DriverRoute) -> None:
        """Speed limits along the route: that in force, and those of signs ahead."""
        out = self.scene.route
        changes: list[tuple[float, float]] = []
        for post, s, face in self._signs_along(b, k, route):
            limit = END_LIMIT if face == END_FACE else sign_limit(face)
            if limit is None:
                continue
            if s <= 0.0:
                self._limit[b, k] = limit
                self.marks[b][k].signs.remove(post)
            else:
                changes.append((s, limit))
        at = np.arange(SCENE_ROUTE_POINTS) * SCENE_ROUTE_STEP
        limit = np.full(SCENE_ROUTE_POINTS, self._limit[b, k])
        for s, value in sorted(changes):
            limit[at >= s] = value
        out.limit[b, k] = np.where(out.valid[b, k], limit, 0.0)
        self.scene.speed_limit[b, k] = self._limit[b, k]

    def _signs_along(self, b: int, k: int, route: DriverRoute) -> list[tuple[Post, float, int]]:
        """(sign, [m] along the route from the foot, face) of signs that stand beside the route and hold for it."""
        c, found = self.config, []
        for post in self.marks[b][k].signs:
            face = int(post.votes.argmax())
            if post.looks < c.looks or post.votes[face] < 0.6 * post.votes.sum():
                continue
            t, d = foot_on(route.curve, route.count, post.x, post.y, 0, route.count - 1)
            if 0.0 <= t <= route.count - 1.0 and c.sign_inner < -d - 0.5 * route.half < c.sign_aside:
                found.append((post, route.along(t), face))
        return found

    # --- What is ahead -----------------------------------------------------------------------------------------

    def _ahead(self, b: int, k: int, route: DriverRoute, time: float) -> None:
        ahead, marks, c = self.scene.ahead, self.marks[b][k], self.config
        half = 0.5 * float(self.scene.ego.size[b, k, 0])
        for name in ("light", "stop", "yield", "crosswalk"):
            getattr(ahead, f"{name}_valid")[b, k] = False
        lines = self._paint_along(route, marks.stop_lines)
        walks = self._paint_along(route, marks.crosswalks)
        for near, far, _ in sorted(walks, key=lambda w: w[0]):
            if far - half > 0.0 and near - half < SCENE_RANGE:
                ahead.crosswalk_valid[b, k] = True
                ahead.crosswalk_distance[b, k], ahead.crosswalk_length[b, k] = near - half, far - near
                break
        for _, s, face in sorted(self._signs_along(b, k, route), key=lambda w: w[1]):
            name = "stop" if face in STOP_FACES else ("yield" if face in YIELD_FACES else "")
            if not name or getattr(ahead, f"{name}_valid")[b, k]:
                continue
            distance = self._line_near(lines, s, 4.0, 4.0, s) - half
            if distance >= -c.passed:
                getattr(ahead, f"{name}_valid")[b, k] = True
                getattr(ahead, f"{name}_distance")[b, k] = distance
        self._light(b, k, route, time, lines, walks, half)

    def _light(self, b: int, k: int, route: DriverRoute, time: float, lines: list, walks: list, half: float) -> None:
        """The light of the next junction that has one and whose line has not been passed."""
        ahead, c = self.scene.ahead, self.config
        for first, last, kind in route.stretches:
            if kind == CHANGES or last <= route.passed or first not in route.at:
                continue
            entry = route.ahead(first)
            if entry > SCENE_RANGE:
                return
            head = self._head(b, k, route, first, last, time)
            if head is None and not self._may_be_hidden(b, k, route, first):
                continue
            unseen = entry - c.line_unseen
            for near, far, _ in walks:  # the line lies before a crosswalk at the junction's mouth
                if entry - 7.0 < far < entry + 1.0:
                    unseen = min(unseen, near - 0.7)
            distance = self._line_near(lines, entry, c.line_before, c.line_after, unseen) - half
            if distance < -c.passed:
                continue
            lost = head is None or time - head.seen_at > c.head_lost and distance + half > 12.0
            ahead.light_valid[b, k] = True
            if float(self.scene.ego.speed[b, k]) < c.creeps:  # there already: stand, rather than roll out over the line
                distance = max(distance, _THERE)
            ahead.light_distance[b, k] = distance
            ahead.light_state[b, k] = RED if head is None or lost else head.state
            return

    def _may_be_hidden(self, b: int, k: int, route: DriverRoute, first: int) -> bool:
        """Whether the junction entered at waypoint `first` has lights, and a tall vehicle may hide the own one."""
        objects, c = self.scene.objects, self.config
        tall = objects.valid[b, k] & np.isin(objects.kind[b, k], [int(BodyKind.TRUCK), int(BodyKind.BUS)])
        x, y = objects.xy[b, k, :, 0], objects.xy[b, k, :, 1]
        if not (tall & (x > 0.0) & (x < c.hides) & (np.abs(y) < route.half)).any():
            return False
        x, y, _ = place_on(route.curve, route.count, route.at[first])
        return any(p.looks >= c.looks and math.hypot(p.x - x, p.y - y) < c.around for p in self.marks[b][k].lights)

    def _head(self, b: int, k: int, route: DriverRoute, first: int, last: int, time: float) -> Post | None:
        """The light head that holds for the junction between two waypoints, None where none is known."""
        c, marks, best, least = self.config, self.marks[b][k], None, math.inf
        x, y, _ = place_on(route.curve, route.count, route.at[first] - 1.0)
        _, _, yaw = place_on(route.curve, route.count, route.at[first] - 4.0)  # of the street, before the turn begins
        reach = c.head_after + c.head_scale * float(np.hypot(*(route.laid.waypoint[last] - route.laid.waypoint[first])))
        for post in marks.lights:
            if post.looks < c.looks or post.state == OFF:
                continue
            dx, dy = post.x - x, post.y - y
            along, aside = math.cos(yaw) * dx + math.sin(yaw) * dy, math.cos(yaw) * dy - math.sin(yaw) * dx
            toward = -(math.cos(yaw) * post.looks_x + math.sin(yaw) * post.looks_y)
            price = (
                abs(aside)
                + c.head_turned * (1.0 - toward)
                + c.head_vague * (1.0 - min(float(post.votes.sum()), 1.0))
                + c.head_far * abs(along)
                + min(time - post.seen_at, 4.0)
                - (c.head_habit if marks.chosen == (first, post) else 0.0)
            )
            room = c.head_aside * (1.5 if marks.chosen == (first, post) else 1.0)
            if -c.head_before < along < reach and abs(aside) < room and toward > 0.0 and price < least:
                best, least = post, price
        marks.chosen = None if best is None else (first, best)
        return best

    @staticmethod
    def _line_near(lines: list, s: float, before: float, after: float, otherwise: float) -> float:
        """[m] along the route of the stop line from s - before to s + after; else `otherwise`.

        Of several, the nearest of those that were seen about as often as any: one line may be known twice.
        """
        fits = [(paint.looks, near - _LINE_ERROR) for near, far, paint in lines]
        fits = [fit for fit in fits if s - before <= fit[1] <= s + after]
        most = max((looks for looks, _ in fits), default=0)
        return min((at for looks, at in fits if 2 * looks >= most), default=otherwise)

    def _paint_along(self, route: DriverRoute, paints: list[Paint]) -> list[tuple[float, float, Paint]]:
        """([m] near, [m] far, paint) along the route from the foot, of what lies across it."""
        found = []
        for paint in paints:
            if paint.looks < self.config.looks:
                continue
            x, y = 0.5 * (paint.near + paint.far)
            t, d = foot_on(route.curve, route.count, x, y, 0, route.count - 1)
            if not 0.0 <= t <= route.count - 1.0 or abs(d) > paint.half + 0.3:
                continue
            size, s = float(np.hypot(*(paint.far - paint.near))), route.along(t)
            found.append((s - 0.5 * size, s + 0.5 * size, paint))
        return found

    # --- Lanes and edges: for those who look at them; the planner drives by the route ----------------------------

    def _lanes(
        self, b: int, k: int, percept: Percept, route: DriverRoute, localiser: Localiser, routes: RouteFinder
    ) -> None:
        """The own lane along the route, and the neighbours that are seen."""
        lanes = self.scene.lanes
        for name in type(lanes).__dataclass_fields__:
            getattr(lanes, name)[b, k] = 0
        at = np.arange(SCENE_LANE_POINTS) * SCENE_LANE_STEP - SCENE_LANE_BEHIND
        xy, count = routes.ahead_xy(b, k, localiser)
        if count < 2:
            return
        s = np.arange(count) * SCENE_ROUTE_STEP
        own = np.stack([np.interp(at, s, xy[:count, i]) for i in range(2)], axis=1)
        first = xy[1] - xy[0]
        first = first / max(float(np.hypot(*first)), 1e-6)
        own = np.where((at < 0.0)[:, None], xy[0] + at[:, None] * first, own)
        valid = at <= s[-1]
        self._put(b, k, 0, own, valid, route.half, Relation.EGO)
        marks = [_mark(percept, b, k, slot) for slot in (OWN_LEFT, OWN_RIGHT)]
        lanes.mark_left[b, k, 0], lanes.mark_right[b, k, 0] = marks
        lanes.change_left[b, k, 0], lanes.change_right[b, k, 0] = (m == MarkKind.BROKEN for m in marks)
        n = 1
        for slot, beside, side in ((0, OWN_LEFT, 1.0), (3, OWN_RIGHT, -1.0)):
            both = percept.line_valid[b, k, slot] & percept.line_valid[b, k, beside] & (LINE_X < 25.0)
            if both.sum() < 3:
                continue
            width = float(np.mean(np.abs(percept.line_y[b, k, slot] - percept.line_y[b, k, beside])[both]))
            if not 2.2 < width < 6.0:
                continue
            turn = np.arctan2(np.gradient(own[:, 1]), np.gradient(own[:, 0]))
            normal = np.stack((-np.sin(turn), np.cos(turn)), axis=1)
            xy_beside = own + side * (route.half + 0.5 * width) * normal
            changes = Command.CHANGE_LANE_LEFT if side > 0 else Command.CHANGE_LANE_RIGHT
            same = side < 0 or int(changes) in route.laid.command[route.passed : route.passed + 2]
            relation = Relation.RIGHT if side < 0 else (Relation.LEFT if same else Relation.OPPOSITE)
            ok = valid & (at < 30.0)
            if relation == Relation.OPPOSITE:
                xy_beside, ok = xy_beside[::-1], ok[::-1]
            self._put(b, k, n, xy_beside, ok, 0.5 * width, relation)
            n += 1

    def _put(self, b: int, k: int, n: int, xy: NDArray, valid: NDArray, half: float, relation: Relation) -> None:
        lanes = self.scene.lanes
        lanes.xy[b, k, n] = np.where(valid[:, None], xy, 0.0)
        lanes.point_valid[b, k, n], lanes.half_width[b, k, n] = valid, np.where(valid, half, 0.0)
        lanes.relation[b, k, n], lanes.limit[b, k, n], lanes.valid[b, k, n] = int(relation), self._limit[b, k], True

    def _edges(self, b: int, k: int, percept: Percept) -> None:
        """Segments between neighbouring columns whose drivable ground ends close to each other, nearest first."""
        scene = self.scene
        valid, xy = percept.edge_valid[b, k], percept.edge_xy[b, k]
        joined = valid[:-1] & valid[1:] & (np.hypot(*(xy[1:] - xy[:-1]).T) < 3.0)
        which = np.flatnonzero(joined)
        middle = 0.5 * (xy[which] + xy[which + 1])
        which = which[np.argsort(np.hypot(middle[:, 0], middle[:, 1]), kind="stable")][:SCENE_EDGES]
        scene.edge_xy[b, k], scene.edge_valid[b, k] = 0.0, False
        scene.edge_xy[b, k, : len(which), 0], scene.edge_xy[b, k, : len(which), 1] = xy[which], xy[which + 1]
        scene.edge_valid[b, k, : len(which)] = True


def _mark(percept: Percept, b: int, k: int, slot: int) -> int:
    """MarkKind of a boundary of the own lane."""
    if not percept.line_valid[b, k, slot].any():
        return int(MarkKind.NONE)
    if percept.line_kind[b, k, slot] == 1:
        return int(MarkKind.CURB)
    return int(MarkKind.BROKEN if percept.line_dashed[b, k, slot] else MarkKind.SOLID)


def empty_scene(worlds: int, drivers: int) -> Scene:
    """A Scene of writable arrays in which nothing is."""
    lead = (worlds, drivers)

    def f(*shape: int) -> NDArray[np.float32]:
        return np.zeros((*lead, *shape), np.float32)

    def i(*shape: int) -> NDArray[np.int8]:
        return np.zeros((*lead, *shape), np.int8)

    def t(*shape: int) -> NDArray[np.bool_]:
        return np.zeros((*lead, *shape), np.bool_)

    n, p, o, r = SCENE_LANES, SCENE_LANE_POINTS, SCENE_OBJECTS, SCENE_ROUTE_POINTS
    ego = EgoStatus(pose=f(3), speed=f(), accel=f(), yaw_rate=f(), steer=f(), size=f(2), wheelbase=f(), rear_axle=f(),
                    lane_offset=f(), lane_angle=f(), on_lane=t())  # fmt: skip
    lanes = LocalLanes(xy=f(n, p, 2), half_width=f(n, p), point_valid=t(n, p), mark_left=i(n), mark_right=i(n),
                       change_left=t(n), change_right=t(n), relation=i(n), yields=t(n), limit=f(n),
                       valid=t(n))  # fmt: skip
    objects = Objects(xy=f(o, 2), yaw=f(o), velocity=f(o, 2), size=f(o, 2), kind=i(o),
                      track=np.zeros((*lead, o), np.int64), score=f(o), valid=t(o))  # fmt: skip
    route = RouteAhead(xy=f(r, 2), half_width=f(r), limit=f(r), valid=t(r), command=i(), remaining=f(), offset=f())
    ahead = Ahead(light_state=i(), light_distance=f(), light_valid=t(), stop_distance=f(), stop_valid=t(),
                  yield_distance=f(), yield_valid=t(), crosswalk_distance=f(), crosswalk_length=f(),
                  crosswalk_valid=t())  # fmt: skip
    return Scene(ego=ego, lanes=lanes, edge_xy=f(SCENE_EDGES, 2, 2), edge_valid=t(SCENE_EDGES), objects=objects,
                 route=route, ahead=ahead, speed_limit=f(), time=f(), active=t())  # fmt: skip
