"""Pictures from above of what a driver of a batch drives through.

    picture = draw_row(env.batch, 0)
    picture = draw_row(env.batch, 0, RenderConfig(width_px=1200, height_px=800, follow_heading=True))

Drawing reads the batch and changes nothing in it. The map lies in tiles that all pictures of a process share. Trails
are made of the states of which pictures were drawn, so they are there from the second picture of an episode on.
"""

import math
from collections import deque
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray

from envs.events import event_names
from envs.render_bodies import (
    CLOTHES,
    DRIVER,
    OTHER_DRIVER,
    PAINTS,
    Shape,
    draw_shape,
    find_shape,
    role_colors,
)
from envs.render_ground import CLEAR, find_ground
from envs.render_hud import LEAST_PX, LIGHTS, Numbers, draw_north, draw_numbers, draw_scale
from world.canvas import SHIFT, Color, View, fixed, stroke
from world.draw_furniture import draw_lights, near
from world.kinds import BodyKind, LightState, StopKind
from world.route_line import ROUTE_STEP

if TYPE_CHECKING:
    from envs.batch import DriveBatch

ROUTE: Color = (86, 156, 255)
TRAIL: Color = (246, 248, 250)
SHADOW: Color = (20, 24, 28)
ROUTE_WIDTH = 1.5  # [m]
BRAKING = -0.5  # [m/s^2] from here on, and when a vehicle stands, its brake lamps are lit
STANDING = 0.1  # [m/s]
PASSED = 0.5  # [m] a light is the next one until the front bumper is this far past its line
LIGHT_RANGE = 100.0  # [m]
SMALL = (BodyKind.PEDESTRIAN, BodyKind.BICYCLE, BodyKind.MOTORCYCLE)


@dataclass(frozen=True)
class RenderConfig:
    """What pictures look like."""

    width_px: int = 600
    height_px: int = 600
    m_per_px: float = 0.2  # [m] a pixel
    follow_heading: bool = False  # the driver looks up the picture; else north is up
    driver_at: tuple[float, float] = (
        0.5,
        0.5,
    )  # shares of width and height, from the upper left
    route: bool = True  # the driver's route ahead
    trail: float = 3.0  # [s] of driven ways behind vehicles; 0: none
    numbers: bool = True  # the panel with speed, limit, rewards, time, next light
    scale: bool = True  # the bar of a round number of metres

    def __post_init__(self) -> None:
        """Raises ValueError for numbers that give no picture."""
        ranges = {"width_px": (32, 8192), "height_px": (32, 8192), "m_per_px": (0.01, 10.0), "trail": (0.0, 60.0)}
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            whole = name.endswith("_px") and name != "m_per_px"
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                raise ValueError(f"RenderConfig.{name}: got {value!r}, allowed are {'whole ' if whole else ''}numbers")
            if not low <= value <= high:
                raise ValueError(f"RenderConfig.{name}: got {value!r}, allowed are {low:g} to {high:g}")
        if len(self.driver_at) != 2 or not all(0.0 <= share <= 1.0 for share in self.driver_at):
            raise ValueError(f"RenderConfig.driver_at: got {self.driver_at!r}, allowed are two shares from 0 to 1")


def render_config(value: RenderConfig | dict[str, Any] | None) -> RenderConfig:
    """The config that an environment is given: one, some of its fields by name, or nothing.

    Raises:
        ValueError: an unknown field, with the nearest match, or a number that is not allowed.
    """
    from world.names import unknown_name

    if isinstance(value, RenderConfig):
        return value
    allowed = [f.name for f in fields(RenderConfig)]
    for name in value or {}:
        if name not in allowed:
            raise ValueError(unknown_name("render option", str(name), allowed))
    return RenderConfig(**(value or {}))


def draw_row(batch: "DriveBatch", row: int, config: RenderConfig | None = None) -> NDArray[np.uint8]:
    """A picture from above of the world of a row, around that row's driver.

    Args:
        batch: environments that have been reset.
        row: driver row % K of world row // K.
        config: size, scale and content; None: the defaults.

    Returns:
        (height_px, width_px, 3) uint8 RGB, an array of its own.

    Raises:
        ValueError: no such row.
    """
    if not 0 <= row < batch.rows:
        raise ValueError(f"draw_row: row {row} does not exist; allowed are 0 to {batch.rows - 1}")
    if batch not in _TRAILS:
        _TRAILS[batch] = {}
    config = config or RenderConfig()
    world, driver = divmod(int(row), batch.config.drivers)
    trail = _TRAILS[batch].setdefault(world, Trail())
    trail.add(batch, world, config.trail)
    return _Drawing(batch, world, driver, config).draw(trail)


class Trail:
    """Where the road users of a world have been in the pictures of its present episode."""

    def __init__(self) -> None:
        self._episode: tuple[int, int] | None = None
        self._seconds = 0.0  # [s] the longest trail that was asked for
        self._kept: deque[tuple[int, NDArray, NDArray]] = deque()  # step, (N, 2) [m], generation or -1

    def add(self, batch: "DriveBatch", world: int, seconds: float) -> None:
        """Note the present state; what is of another episode, or too long ago to be joined to it, is forgotten.

        Args:
            seconds: [s] that trails are long.
        """
        model = batch.engine.model
        slots, step = model.slots, int(model.worlds.step[world])
        episode = int(batch.seeds[world]), int(model.worlds.map_id[world])
        gap = max(1.0 / batch.config.dt, batch.config.action_every) + 0.5  # [engine steps]
        if self._kept and (episode != self._episode or not 0 <= step - self._kept[-1][0] <= gap):
            self._kept.clear()
        if self._kept and self._kept[-1][0] == step:
            self._kept.pop()
        self._episode, self._seconds = episode, max(self._seconds, seconds)
        while self._kept and step - self._kept[0][0] > self._seconds / batch.config.dt:
            self._kept.popleft()
        who = np.where(slots.valid[world], slots.generation[world], -1)
        self._kept.append((step, np.stack([slots.x[world], slots.y[world]], axis=1), who))

    def ways(self, slots: list[int], steps: float) -> dict[int, NDArray]:
        """(n, 2) [m] of each slot that has moved, the oldest point first, within the last `steps` engine steps."""
        last, _, now = self._kept[-1]
        kept = [k for k in self._kept if last - k[0] <= steps]
        found: dict[int, NDArray] = {}
        for slot in slots:
            points = [xy[slot] for _, xy, who in kept if who[slot] == now[slot]]
            if len(points) > 1:
                way = np.array(points, np.float64)
                moved = np.hypot(*np.diff(way, axis=0).T) > 0.02
                way = way[np.concatenate([moved, [True]])]
                if len(way) > 1:
                    found[slot] = way
        return found


_TRAILS: "WeakKeyDictionary[DriveBatch, dict[int, Trail]]" = WeakKeyDictionary()


class _Drawing:
    """One picture in the making."""

    def __init__(self, batch: "DriveBatch", world: int, driver: int, config: RenderConfig):
        self.batch, self.b, self.k, self.config = batch, world, driver, config
        model = batch.engine.model
        self.slots, self.model = model.slots, model
        self.map = batch.engine.maps.maps[int(model.worlds.map_id[world])]
        self.light = model.worlds.light[world, : len(self.map.light_xyz)]
        self.ground = find_ground(self.map, 1.0 / config.m_per_px)
        self.view = self.ground.snapped(self._place_view())
        self.picture, self.heights = self.ground.cut(self.view)

    def _place_view(self) -> View:
        config, b, k = self.config, self.b, self.k
        turn = float(self.slots.yaw[b, k]) - math.pi / 2 if config.follow_heading else 0.0
        right = (0.5 - config.driver_at[0]) * config.width_px * config.m_per_px
        up = (config.driver_at[1] - 0.5) * config.height_px * config.m_per_px
        x = float(self.slots.x[b, k]) + right * math.cos(turn) - up * math.sin(turn)
        y = float(self.slots.y[b, k]) + right * math.sin(turn) + up * math.cos(turn)
        return View(config.width_px, config.height_px, 1.0 / config.m_per_px, (x, y), turn)

    def draw(self, trail: Trail) -> NDArray[np.uint8]:
        bodies = self._bodies()
        self._draw_soft(bodies, trail)
        self._draw_stop_lights()
        for slot, shape, pixels, colors in bodies:
            self._draw_body(slot, shape, pixels, colors)
        if len(self.light):
            draw_lights(self.picture, self.view, self.map, self.light)
        config = self.config
        if min(config.width_px, config.height_px) >= LEAST_PX:
            if config.numbers:
                draw_numbers(self.picture, self._numbers())
            if config.follow_heading:
                draw_north(self.picture, self.view.turn)
        if config.scale:
            draw_scale(self.picture, self.view.px_per_m)
        return self.picture

    # --- Road users ---------------------------------------------------------------------------------------------

    def _bodies(self) -> list[tuple[int, Shape, NDArray, tuple[Color, ...]]]:
        """Slot, shape, its pixels and colours of everybody in the picture, low ones first, the driver last."""
        slots, b = self.slots, self.b
        xy = np.stack([slots.x[b], slots.y[b]], axis=1)
        seen = np.flatnonzero(slots.valid[b] & near(self.view, xy, 12.0))
        order = np.lexsort((seen == self.k, slots.kind[b, seen] != BodyKind.PEDESTRIAN, np.round(slots.z[b, seen] / 2)))
        return [(int(i), *self._body(int(i))) for i in seen[order]]

    def _body(self, slot: int) -> tuple[Shape, NDArray, tuple[Color, ...]]:
        slots, b = self.slots, self.b
        kind = int(slots.kind[b, slot])
        shape = find_shape(kind, round(float(slots.length[b, slot]), 2), round(float(slots.width[b, slot]), 2))
        brakes = slots.accel[b, slot] < BRAKING or abs(slots.speed[b, slot]) < STANDING
        colors = role_colors(self._paint(slot, kind), kind in SMALL, bool(brakes))
        return shape, self._to_px(slot, shape.points), colors

    def _paint(self, slot: int, kind: int) -> Color:
        if slot < self.model.drivers:
            return DRIVER if slot == self.k else OTHER_DRIVER
        mixed = (slot * 7 + int(self.slots.generation[self.b, slot]) * 3) & 0x7FFFFFFF
        paints = CLOTHES if kind == BodyKind.PEDESTRIAN or kind == BodyKind.BICYCLE else PAINTS
        return paints[mixed % len(paints)]

    def _to_px(self, slot: int, points: NDArray) -> NDArray[np.float64]:
        """Pixels of points in a slot's body frame."""
        slots, b = self.slots, self.b
        cos, sin = math.cos(slots.yaw[b, slot]), math.sin(slots.yaw[b, slot])
        turned = points @ np.array([[cos, sin], [-sin, cos]])
        return self.view.to_px(turned + (float(slots.x[b, slot]), float(slots.y[b, slot])))

    def _draw_body(self, slot: int, shape: Shape, pixels: NDArray, colors: tuple[Color, ...]) -> None:
        """A body, less what a bridge above it hides."""
        if self.heights is None:
            draw_shape(self.picture, shape, pixels, colors)
            return
        low = np.clip(np.floor(pixels.min(axis=0)).astype(int) - 2, 0, None)
        high = np.clip(np.ceil(pixels.max(axis=0)).astype(int) + 3, 0, None)
        part = self.picture[low[1] : high[1], low[0] : high[0]]
        hidden = self.heights[low[1] : high[1], low[0] : high[0]] > float(self.slots.z[self.b, slot]) + CLEAR
        before = part[hidden]
        draw_shape(self.picture, shape, pixels, colors)
        part[hidden] = before

    # --- What lies on the ground --------------------------------------------------------------------------------

    def _draw_soft(self, bodies: list[tuple[int, Shape, NDArray, tuple[Color, ...]]], trail: Trail) -> None:
        """Route, trails and shadows, through which the road is seen."""
        over = self.picture.copy()
        if self.config.route:
            self._draw_route(over)
        if self.config.trail > 0.0:
            self._draw_trails(over, [slot for slot, *_ in bodies], trail)
        for slot, shape, _, _ in bodies:
            self._draw_shadow(over, slot, shape)
        if self.heights is not None:
            driver = float(self.slots.z[self.b, self.k])
            hidden = self.heights > driver + CLEAR
            over[hidden] = self.picture[hidden]
        cv2.addWeighted(over, 0.5, self.picture, 0.5, 0.0, dst=self.picture)

    def _draw_route(self, over: NDArray) -> None:
        routes, b, k = self.model.routes, self.b, self.k
        count = int(routes.count[b, k])
        if count < 2:
            return
        first = int(float(self.model.judge.route_s[b, k]) / ROUTE_STEP) + 1
        line = np.stack([routes.x[b, k, first:count], routes.y[b, k, first:count]], axis=1)
        inside = near(self.view, line, 20.0)
        pieces = np.split(line, np.flatnonzero(inside[1:] != inside[:-1]) + 1)
        parts = [piece for piece in pieces if len(piece) > 1 and near(self.view, piece[:1], 20.0)[0]]
        stroke(over, self.view, parts, ROUTE, ROUTE_WIDTH)
        goal = np.array([[routes.x[b, k, count - 1], routes.y[b, k, count - 1]]])
        if near(self.view, goal, 5.0)[0]:
            x, y = fixed(self.view.to_px(goal))[0].tolist()
            radius = 2.2 * self.view.px_per_m * (1 << SHIFT)
            for share, color in ((1.0, ROUTE), (0.62, (255, 255, 255)), (0.34, ROUTE)):
                cv2.circle(over, (x, y), round(share * radius), color, -1, cv2.LINE_AA, SHIFT)

    def _draw_trails(self, over: NDArray, slots: list[int], trail: Trail) -> None:
        for slot, way in trail.ways(slots, self.config.trail / self.batch.config.dt).items():
            drives = slot < self.model.drivers
            color = self._paint(slot, int(self.slots.kind[self.b, slot])) if drives else TRAIL
            half = (0.34 if drives else 0.26) * float(self.slots.width[self.b, slot])
            cv2.fillPoly(over, [fixed(self.view.to_px(_tapered(way, half)))], color, cv2.LINE_AA, SHIFT)

    def _draw_shadow(self, over: NDArray, slot: int, shape: Shape) -> None:
        """The outline, moved away from a sun in the north west."""
        reach = 0.22 * min(float(self.slots.height[self.b, slot]), 4.0)
        light = np.array([math.cos(self.view.turn + math.pi / 4), math.sin(self.view.turn + math.pi / 4)])
        moved = self._to_px(slot, shape.outline) + reach * self.view.px_per_m * light
        cv2.fillPoly(over, [fixed(moved)], SHADOW, cv2.LINE_AA, SHIFT)

    def _draw_stop_lights(self) -> None:
        """The stop lines of lights, in the lights' colours."""
        m = self.map
        ruled = (m.stop_kind == StopKind.LIGHT) & near(self.view, m.stop_line.mean(axis=1), 8.0)
        for state in np.unique(self.light[m.stop_light[ruled]]) if ruled.any() else ():
            if state != LightState.OFF:
                lines = list(m.stop_line[ruled][self.light[m.stop_light[ruled]] == state])
                stroke(self.picture, self.view, lines, LIGHTS[int(state)], 0.8)

    # --- Numbers ------------------------------------------------------------------------------------------------

    def _numbers(self) -> Numbers:
        batch, b, k = self.batch, self.b, self.k
        row, routes = b * batch.config.drivers + k, self.model.routes
        count, s = int(routes.count[b, k]), float(self.model.judge.route_s[b, k])
        limit, share = None, 0.0
        if count >= 2:
            limit = float(routes.limit[b, k, min(max(round(s / ROUTE_STEP), 0), count - 1)])
            share = float(batch.progress[row]) / float(routes.length[b, k])
        return Numbers(
            speed=float(self.slots.speed[b, k]),
            limit=limit,
            reward=float(batch.reward[row]),
            total=float(batch.episode_return[row]),
            time=float(batch.episode_steps[row]) * batch.config.control_time,
            progress=share,
            light=self._next_light(s),
            events=event_names(int(batch.events[row])),
        )

    def _next_light(self, s: float) -> tuple[int, float] | None:
        """State and distance [m] from the front bumper of the next light on the route, as a Scene tells it."""
        routes, tables, b, k = self.model.routes, self.model.tables, self.b, self.k
        if routes.count[b, k] < 2:
            return None
        front = s + 0.5 * float(self.slots.length[b, k])
        count = int(routes.piece_count[b, k])
        first = max(int(np.searchsorted(routes.piece_start[b, k, :count], s, side="right")) - 2, 0)
        for m in range(first, count):
            s0, s1 = float(routes.piece_s0[b, k, m]), float(routes.piece_s1[b, k, m])
            base = float(routes.piece_start[b, k, m]) - s0 - front
            if base + s0 > LIGHT_RANGE:
                return None
            lane = tables.lanes[routes.piece_lane[b, k, m]]
            for stop in tables.stops[lane["stop0"] : lane["stop1"]]:
                at = float(stop["s"])
                if stop["kind"] == StopKind.LIGHT and s0 <= at <= s1 and -PASSED <= base + at <= LIGHT_RANGE:
                    first_light = int(tables.maps[int(self.model.worlds.map_id[b])]["light0"])
                    return int(self.light[int(stop["light"]) - first_light]), base + at
        return None


def _tapered(way: NDArray, half: float) -> NDArray:
    """Outline of a way (n, 2) that is 2 `half` [m] wide at its last point and comes from nothing."""
    tangent = np.gradient(way, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) / np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    width = half * np.linspace(0.0, 1.0, len(way))[:, None]
    return np.concatenate([way + normal * width, (way - normal * width)[::-1]])
