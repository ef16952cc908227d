"""Scenes to encode: made up ones with everything in them, and engines that fill true ones."""

from functools import cache
from pathlib import Path

import numpy as np

from agents.scene_fields import empty_scene
from scenarios.registry import find_scenario, scenario_map
from simulator.engine import Engine
from tests.simulator.engine_stage import controls
from world.kinds import BodyKind, LightState, MarkKind, Relation
from world.mapset import pack_maps
from world.records import (
    SCENE_LANE_BEHIND,
    SCENE_LANE_POINTS,
    SCENE_LANE_STEP,
    SCENE_ROUTE_POINTS,
    SCENE_ROUTE_STEP,
    Scene,
)
from world.scenario import Scenario


def made_up_scene(seed: int, worlds: int = 2, drivers: int = 3) -> Scene:
    """Every array filled with plausible values; the last driver of the last world takes no part."""
    r = np.random.default_rng(seed)
    scene = empty_scene(worlds, drivers)
    scene.active[:] = True
    scene.time[:] = 10.0
    scene.active[-1, -1] = drivers == 1
    scene.speed_limit[:] = r.uniform(0, 35, scene.speed_limit.shape)
    _ego(scene, r)
    for b in range(worlds):
        for k in range(drivers):
            _objects(scene, b, k, r)
            _edges(scene, b, k, r)
            _ways(scene, b, k, r)
    ahead = scene.ahead
    for name in ("light", "stop", "yield", "crosswalk"):
        valid = r.random(scene.active.shape) < 0.7
        getattr(ahead, f"{name}_valid")[:] = valid
        getattr(ahead, f"{name}_distance")[:] = r.uniform(2, 30, valid.shape) * valid
    ahead.light_state[:] = r.integers(0, len(LightState), ahead.light_state.shape) * ahead.light_valid
    ahead.crosswalk_length[:] = 3.0 * ahead.crosswalk_valid
    return scene


def _ego(scene: Scene, r: np.random.Generator) -> None:
    ego, shape = scene.ego, scene.active.shape
    ego.pose[:] = r.uniform([-500, -500, -np.pi], [500, 500, np.pi], ego.pose.shape)
    for array, low, high in (
        (ego.speed, -3, 40), (ego.accel, -9, 5), (ego.yaw_rate, -1.5, 1.5), (ego.steer, -0.7, 0.7),
        (ego.lane_offset, -5, 5), (ego.lane_angle, -1.5, 1.5),
    ):  # fmt: skip
        array[:] = r.uniform(low, high, shape)
    ego.size[:] = (4.6, 1.9)
    ego.on_lane[:] = r.random(shape) < 0.7
    scene.route.remaining[:] = r.uniform(0, 900, shape)
    scene.route.offset[:] = r.uniform(-12, 12, shape)


def _objects(scene: Scene, b: int, k: int, r: np.random.Generator) -> None:
    """Road users apart from the driver, nearest first."""
    o, n = scene.objects, int(r.integers(0, 33))
    xy = r.uniform(-60, 60, (n, 2))
    xy[np.hypot(*xy.T) < 6] += 15.0
    xy = xy[np.argsort(np.hypot(*xy.T))]
    o.xy[b, k, :n], o.yaw[b, k, :n] = xy, r.uniform(-np.pi, np.pi, n)
    o.velocity[b, k, :n] = r.uniform(-15, 15, (n, 2))
    kind = r.integers(0, len(BodyKind), n)
    o.kind[b, k, :n] = kind
    walks = kind == BodyKind.PEDESTRIAN
    o.size[b, k, :n, 0] = np.where(walks, 0.5, r.uniform(1.8, 12, n))
    o.size[b, k, :n, 1] = np.where(walks, 0.5, r.uniform(0.6, 2.6, n))
    o.track[b, k, :n], o.score[b, k, :n], o.valid[b, k, :n] = np.arange(n), 1, True


def _edges(scene: Scene, b: int, k: int, r: np.random.Generator) -> None:
    n = int(r.integers(0, 65))
    a = r.uniform(-60, 60, (n, 2))
    a[np.hypot(*a.T) < 8] += 20.0
    scene.edge_xy[b, k, :n, 0], scene.edge_xy[b, k, :n, 1] = a, a + r.uniform(-5, 5, (n, 2))
    scene.edge_valid[b, k, :n] = True


def _arc(s: np.ndarray, y0: float, yaw: float, bend: float) -> np.ndarray:
    """(n, 2) points at arc lengths s of a curve through (0, y0) at s = 0."""
    fine = np.linspace(s[0], s[-1], 20 * len(s))
    xy = np.cumsum(np.stack([np.cos(yaw + bend * fine), np.sin(yaw + bend * fine)], 1), 0) * (fine[1] - fine[0])
    xy = np.stack([np.interp(s, fine, xy[:, 0]), np.interp(s, fine, xy[:, 1])], 1)
    zero = np.array([np.interp(0.0, s, xy[:, 0]), np.interp(0.0, s, xy[:, 1])])
    return xy - zero + [0.0, y0]


def _ways(scene: Scene, b: int, k: int, r: np.random.Generator) -> None:
    """A bend of lanes side by side, and the route along the first."""
    lanes, route = scene.lanes, scene.route
    yaw, bend, half = r.uniform(-0.2, 0.2), r.uniform(-0.02, 0.02), r.uniform(1.5, 2.0)
    s = SCENE_LANE_STEP * np.arange(SCENE_LANE_POINTS) - SCENE_LANE_BEHIND
    relations = [Relation.EGO, Relation.LEFT, Relation.RIGHT, Relation.OPPOSITE][: int(r.integers(1, 5))]
    sides = {Relation.EGO: 0, Relation.LEFT: 1, Relation.RIGHT: -1, Relation.OPPOSITE: 2}
    for n, relation in enumerate(relations):
        xy = _arc(s, 2 * half * sides[relation], yaw, bend)
        lanes.xy[b, k, n] = xy[::-1] if relation == Relation.OPPOSITE else xy
        lanes.half_width[b, k, n], lanes.point_valid[b, k, n], lanes.valid[b, k, n] = half, True, True
        lanes.relation[b, k, n], lanes.limit[b, k, n] = relation, 13.9
        lanes.mark_left[b, k, n], lanes.mark_right[b, k, n] = r.integers(0, len(MarkKind), 2)
        lanes.change_left[b, k, n], lanes.change_right[b, k, n] = r.random(2) < 0.5
    count = int(r.integers(2, SCENE_ROUTE_POINTS + 1))
    at = SCENE_ROUTE_STEP * np.arange(count)
    route.xy[b, k, :count] = _arc(at, 0.5, yaw, bend)
    route.half_width[b, k, :count], route.limit[b, k, :count], route.valid[b, k, :count] = half, 13.9, True


@cache
def _maps(name: str):
    return pack_maps([scenario_map(find_scenario(name))])


def driven_engine(name: str, worlds: int = 3, drivers: int = 3, vehicles: int = 30, pedestrians: int = 25) -> Engine:
    """An engine on a scenario's map, reset, in which `on` moves everybody."""
    scenario = Scenario(
        name, Path(name), vehicles=vehicles, pedestrians=pedestrians, drivers=drivers, route_min_length=300.0,
        route_may_be_shorter=True,
    )  # fmt: skip
    engine = Engine(_maps(name), scenario, worlds=worlds)
    engine.reset(list(range(5, 5 + worlds)))
    return engine


def on(engine: Engine, steps: int) -> Scene:
    """The Scene after some steps of drivers who wander."""
    for _ in range(steps):
        engine.step(controls(engine))
    return engine.scene()
