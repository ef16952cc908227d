"""Lidars: what rays hit against closed forms and every shape at every ray; noise, weather, laws of the batch."""

import math
from dataclasses import replace

import numpy as np
import pytest

from simulator.camera_pose import body_axes, road_slope
from simulator.camera_things import stand_props
from simulator.cast_shapes import (
    BOX,
    CYLINDER,
    ELLIPSOID,
    MISS,
    SHAPE_SIZE,
    WALL,
    hit_ground,
    hit_shape,
    set_box,
    set_cylinder,
    set_ellipsoid,
    set_wall,
)
from simulator.engine import Engine
from simulator.lidar import BUILDING, GROUND, LIGHT, LOW_TRUNK, PERSON, POLE, SIGN, VEGETATION, VEHICLE
from simulator.ranging_sensor import RangingSensors
from tests.simulator.camera_stage import Stage, facing
from tests.simulator.engine_stage import controls, map_set, scenario
from world.kernel import kernel
from world.kinds import BodyKind
from world.ranging import LIDAR, LidarSpec, RadarSpec

PLAIN = LidarSpec("plain", channels=9, columns=360, range_sigma=0.0, dropout=0.0)
ALL = {"range": 500.0, "least": 0.0}


def look(stage, spec=PLAIN):
    """(distances, what was hit), both (columns, channels)."""
    distance, hit = RangingSensors(stage.engine, (spec,)).hits(spec)
    return distance.reshape(spec.columns, -1).copy(), hit.reshape(spec.columns, -1).copy()


@pytest.mark.parametrize("rise", [0.0, 0.08, -0.12])
def test_on_a_plane_the_ground_is_as_far_as_the_elevation_says(rise):
    """In the body frame a plane road is level, whatever its slope."""
    distance, hit = look(Stage(rise))
    up = np.linspace(PLAIN.low, PLAIN.high, PLAIN.channels)
    for n, angle in enumerate(up):
        ground = hit[:, n] == GROUND
        assert ground.all() if angle < -0.01 else not ground.any()
        if angle < -0.01:
            assert np.allclose(distance[:, n], PLAIN.z / math.sin(-angle), rtol=1e-4)


def test_a_car_ahead_is_a_box_ahead():
    stage = Stage()
    stage.put(3, BodyKind.CAR, 12.0, 0.0)
    spec = replace(PLAIN, channels=1, low=-0.1, high=-0.1)
    distance, hit = look(stage, spec)
    ahead = spec.columns // 2
    assert distance[ahead, 0] == pytest.approx((12.0 - 2.25) / math.cos(0.1), abs=1e-4)
    half = math.atan2(0.5 * 1.85, 9.75)  # of its rear
    seen = int((hit == VEHICLE).sum())
    assert abs(seen - 2 * half / spec.step) <= 1.0 and (hit[ahead - 3 : ahead + 4] == VEHICLE).all()
    stage.put(3, BodyKind.PEDESTRIAN, 0.0, 6.0)
    distance, hit = look(stage, spec)
    left = ahead + spec.columns // 4
    assert hit[left, 0] == PERSON and distance[left, 0] == pytest.approx(5.75 / math.cos(0.1), abs=1e-4)


def test_it_looks_over_what_is_low_and_not_through_what_is_high():
    stage = Stage()
    stage.put(3, BodyKind.CAR, 10.0, 0.0)
    stage.put(4, BodyKind.TRUCK, 24.0, 0.0)
    distance, hit = look(stage, replace(PLAIN, channels=1, low=0.0, high=0.0))  # at 1.9 m, above the car
    assert hit[180, 0] == VEHICLE and distance[180, 0] == pytest.approx(20.0, abs=1e-4)
    stage.put(3, BodyKind.BUS, 10.0, 0.0)
    assert look(stage, replace(PLAIN, channels=1, low=0.0, high=0.0))[0][180, 0] == pytest.approx(4.5, abs=1e-4)


def test_lights_and_signs_stand_on_poles():
    stage = Stage(lights=[(15.0, 2.0, 3.0, facing())])
    distance, hit = look(stage, replace(PLAIN, channels=61, columns=3600))
    assert {LIGHT, POLE} <= set(hit.reshape(-1).tolist())
    light = distance[hit == LIGHT]
    assert math.hypot(15.0, 2.0) - 0.2 < light.min() < light.max() < math.hypot(15.0, 2.0, 1.7) + 0.3


@kernel
def keep_nearest(kind, shape, rays, material, distance, hit):
    for i in range(len(rays)):
        t, _ = hit_shape(kind, shape, rays[i, 0], rays[i, 1], rays[i, 2])
        if t < distance[i]:
            distance[i], hit[i] = t, material


def plainly(engine, spec, b=0, k=0):
    """(distance, hit) of all rays against every shape of the world, without looking whether they could meet."""
    state, slots, m = engine.state, engine.model.slots, engine.maps.maps[int(engine.state.map_id[b])]
    slope = road_slope(engine.model, b, k)
    axes = body_axes(float(state.yaw[b, k]), slope)
    arm = axes @ (spec.x, spec.y, spec.z)
    o = arm + (state.x[b, k], state.y[b, k], state.z[b, k])
    rays = (spec.directions().astype(np.float64) @ axes.T).astype(np.float32)
    height = arm[2] - slope[0] * arm[0] - slope[1] * arm[1]
    distance = np.array([hit_ground(height, *slope, *map(float, d))[0] for d in rays])
    hit, shape = np.where(distance < MISS, GROUND, 0), np.zeros(SHAPE_SIZE)
    for i in np.flatnonzero(slots.valid[b]):
        if i != k:
            x, y, z = (float(getattr(slots, n)[b, i]) for n in "xyz")
            size = (float(getattr(slots, n)[b, i]) for n in ("yaw", "length", "width", "height"))
            set_box(shape, x - o[0], y - o[1], z - o[2], *size)
            material = PERSON if slots.kind[b, i] == BodyKind.PEDESTRIAN else VEHICLE
            keep_nearest(BOX, shape, rays, material, distance, hit)
    for i in range(len(m.building_height)):
        corners = m.building_xyz[m.building_start[i] : m.building_start[i + 1]].astype(np.float64)
        for p, q in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            low = min(p[2], q[2]) - o[2]
            set_wall(shape, *(p[:2] - o[:2]), *(q[:2] - o[:2]), low, low + float(m.building_height[i]))
            keep_nearest(WALL, shape, rays, BUILDING, distance, hit)
    for xyz, radius, tall in zip(m.tree_xyz, m.tree_radius.astype(float), m.tree_height.astype(float), strict=True):
        x, y, z = xyz.astype(np.float64) - o
        half = 0.5 * (1.0 - LOW_TRUNK) * tall
        set_cylinder(shape, x, y, z, z + LOW_TRUNK * tall + half, 0.2)
        keep_nearest(CYLINDER, shape, rays, VEGETATION, distance, hit)
        set_ellipsoid(shape, x, y, z + LOW_TRUNK * tall + half, radius, half)
        keep_nearest(ELLIPSOID, shape, rays, VEGETATION, distance, hit)
    signs, heads = stand_props(m)
    for (x, y, z), yaw, head in zip(m.light_xyz.astype(np.float64) - o, m.light_yaw.astype(float), heads, strict=True):
        set_box(shape, x - 0.11 * math.cos(yaw), y - 0.11 * math.sin(yaw), z - 0.49, yaw, 0.22, 0.36, 0.98)
        keep_nearest(BOX, shape, rays, LIGHT, distance, hit)
        px, py, ground = (float(head[n]) - o[j] for j, n in enumerate(("pole_x", "pole_y", "ground_z")))
        set_cylinder(shape, px, py, ground, z + 0.49, 0.08)
        keep_nearest(CYLINDER, shape, rays, POLE, distance, hit)
    for s in signs[signs["face"] >= 0]:
        x, y, z, yaw, size = (float(s[n]) for n in ("x", "y", "z", "yaw", "size"))
        set_box(shape, x - o[0], y - o[1], z - o[2] - 0.5 * size, yaw, 0.02, size, size)
        keep_nearest(BOX, shape, rays, SIGN, distance, hit)
        px, py = x - 0.06 * math.cos(yaw) - o[0], y - 0.06 * math.sin(yaw) - o[1]
        set_cylinder(shape, px, py, float(s["ground_z"]) - o[2], z - o[2], 0.035)
        keep_nearest(CYLINDER, shape, rays, POLE, distance, hit)
    return distance, hit


@pytest.mark.parametrize(
    "spec",
    [
        LidarSpec("turn", channels=16, columns=720, range=120.0),
        LidarSpec(
            "front", channels=16, columns=200, fov=1.7, yaw=-0.6, x=2.0, y=0.4, z=0.6, low=-0.2, high=0.5, range=90
        ),
        LidarSpec("behind", channels=5, columns=100, fov=2.0, yaw=3.0, low=-0.3, range=60.0),
    ],
    ids=lambda spec: spec.name,
)
@pytest.mark.parametrize("town", ["town01", "town02"])
def test_it_hits_what_every_shape_at_every_ray_hits(spec, town):
    engine = Engine(map_set(town), scenario(drivers=1, vehicles=50, pedestrians=30, route_min_length=100.0))
    met = set()
    for seed in range(3):
        engine.reset([seed])
        for _ in range(60):
            engine.step(controls(engine))
        engine.state.yaw[0, 0] += 0.3 * seed
        distance, hit = RangingSensors(engine, (spec,)).hits(spec)
        far, what = plainly(engine, spec)
        near = np.minimum(distance, far) < spec.range  # further shapes are not cast
        alike = np.isclose(distance, far, rtol=1e-4, atol=1e-3) & (hit == what)
        assert (near & ~alike).sum() <= 1, "a ray may touch a pole, where rounding decides"
        met |= set(hit[near].tolist())
    assert {GROUND, BUILDING, VEGETATION} <= met and (VEHICLE in met or spec.columns < 200)


def test_on_a_slope_it_hits_the_same_too():
    stage = Stage(0.12, lights=[(15.0, 2.0, 3.0, facing())])
    for slot, (kind, x, y) in enumerate(
        [(BodyKind.CAR, 8.0, 3.0), (BodyKind.BUS, -9.0, -2.0), (BodyKind.TRUCK, 3.0, 4)]
    ):
        stage.put(3 + slot, kind, x, y, 0.3)
    spec = replace(PLAIN, channels=32, columns=720)
    distance, hit = RangingSensors(stage.engine, (spec,)).hits(spec)
    far, what = plainly(stage.engine, spec)
    near = np.minimum(distance, far) < spec.range
    assert np.allclose(distance[near], far[near], rtol=1e-4, atol=1e-3) and (hit[near] == what[near]).all()
    assert (hit == VEHICLE).sum() > 100


def measure(stage, spec):
    """The points (n, 4) of a scan."""
    points, count, fresh = RangingSensors(stage.engine, (spec,)).take(f"lidar:{spec.name}")
    assert fresh.all() and not points[0, 0, count[0, 0] :].any()
    return points[0, 0, : count[0, 0]].astype(np.float64)


def test_points_lie_where_rays_hit():
    stage = Stage()
    stage.put(3, BodyKind.CAR, 12.0, 1.0)
    points = measure(stage, replace(PLAIN, x=0.5, y=-0.3, z=1.7, columns=1800))
    ground = np.abs(points[:, 2]) < 1e-3
    car = ~ground
    assert ground.sum() > 1000 and car.sum() > 20
    rear, side = np.abs(points[car, 0] - 9.75) < 1e-3, np.abs(points[car, 1] - 0.075) < 1e-3
    top = np.abs(points[car, 2] - 1.5) < 1e-3
    assert (rear | side | top).all() and (rear.sum() > 10)
    assert (np.abs(points[car][:, 1] - 1.0) < 0.93).all() and (points[car][:, 2] < 1.501).all()


def test_ranges_are_noisy_and_some_rays_are_lost():
    stage, spec = (
        Stage(),
        LidarSpec("one", channels=1, columns=7200, low=-0.4, high=-0.4, range_sigma=0.05, dropout=0.1),
    )
    points = measure(stage, spec)
    off = np.linalg.norm(points[:, :3] - (0.0, 0.0, spec.z), axis=1) - spec.z / math.sin(0.4)
    assert abs(off.mean()) < 0.003 and off.std() == pytest.approx(0.05, rel=0.05)
    assert len(points) / spec.rays == pytest.approx(0.9, abs=0.02)
    assert points[:, 3] == pytest.approx(0.18 * math.sin(0.4), rel=1e-4)


def test_fog_and_rain_weaken_what_comes_back():
    stage, spec, far = Stage(), replace(PLAIN, channels=1, low=-0.3, high=-0.3), PLAIN.z / math.sin(0.3)
    clear = measure(stage, spec)
    for weather, air in (({"fog": 0.02}, 0.02), ({"rain": 0.5}, 0.005), ({"fog": 0.01, "rain": 1.0}, 0.02)):
        stage.engine.hooks.set_weather(0, **{"fog": 0.0, "rain": 0.0} | weather)
        thick = measure(stage, spec)
        assert thick[:, 3] == pytest.approx(clear[0, 3] * math.exp(-2.0 * air * far), rel=1e-4)
    stage.engine.hooks.set_weather(0, fog=0.2)
    assert len(measure(stage, LIDAR)) < 0.7 * len(measure(Stage(), LIDAR))


def test_a_dark_thing_is_lost_nearer_than_a_bright_one():
    """The ground, at a flat angle, throws back least: it ends well before a car behind it is lost."""
    stage, spec = Stage(), replace(PLAIN, channels=64, low=-0.2, high=0.05)
    stage.put(3, BodyKind.TRUCK, 70.0, 0.0)
    points = measure(stage, spec)
    ground = points[np.abs(points[:, 2]) < 1e-2]
    assert 15.0 < ground[:, 0].max() < 50.0 and points[:, 0].max() > 65.0
    assert not (measure(stage, replace(spec, range=60.0))[:, 0] > 60.0).any()


RIG = (LidarSpec("top", channels=4, columns=90, period=0.1), RadarSpec("front", period=0.05))
NAMES = ("lidar:top", "radar:front")


def record(seeds):
    """[(points, count, fresh) of both sensors] of six steps of a batch of two drivers a world."""
    town = scenario(drivers=2, vehicles=20, pedestrians=5, route_min_length=100.0, dt=0.05)
    out = []
    with Engine(map_set("town02"), town, worlds=len(seeds), rangers=RIG) as engine:
        engine.reset(seeds)
        for _ in range(6):
            for _ in range(2):  # looking twice is looking once
                frame = engine.sensors(NAMES)
            parts = frame.points, frame.points_count, frame.points_fresh
            out.append([{n: a.copy() for n, a in part.items()} for part in parts])
            engine.step(controls(engine))
    return out


def test_a_world_of_a_batch_measures_what_it_would_alone():
    both, first, second = record([3, 4]), record([3]), record([4])
    for joint, *alone in zip(both, first, second, strict=True):
        for b, single in enumerate(alone):
            for part, own in zip(joint, single, strict=True):
                assert all(np.array_equal(part[n][b], own[n][0]) for n in part)


def test_drivers_seeds_and_steps_have_their_own_noise():
    (a, *_, b), (c, *_) = record([3]), record([4])
    x, y, z = (one[0]["top"][0] for one in (a, b, c))
    assert not np.array_equal(x[0], x[1]) and not np.array_equal(x, y) and not np.array_equal(x, z)
    assert len(a[0]["front"][0, 0]) == RIG[1].returns


def test_each_measures_at_its_own_times():
    fresh = [{n: bool(a.all()) for n, a in f.items()} for _, _, f in record([3])]
    assert [f["top"] for f in fresh] == [True, False] * 3 and all(f["front"] for f in fresh)
    points = [p["top"] for p, _, _ in record([3])]
    assert np.array_equal(points[0], points[1]) and not np.array_equal(points[1], points[2])


def test_a_new_episode_measures_at_once():
    with Engine(map_set("town02"), scenario(drivers=1, vehicles=5, route_min_length=100.0), rangers=RIG) as engine:
        engine.reset([1])
        first = {n: a.copy() for n, a in engine.sensors(NAMES).points.items()}
        engine.step(controls(engine))
        engine.sensors(NAMES)
        engine.reset([1])
        frame = engine.sensors(NAMES)
        assert all(np.array_equal(a, first[n]) and frame.points_fresh[n].all() for n, a in frame.points.items())
        with pytest.raises(ValueError, match="'lidar:tpo' is unknown; allowed: .*lidar:top, radar:front"):
            engine.sensors(("lidar:tpo",))


@pytest.mark.parametrize(
    ("spec", "change", "words"),
    [
        (LidarSpec, {"channels": 0}, "lidar x: channels is 0, allowed are 1 to 256"),
        (LidarSpec, {"low": 0.2, "high": 0.1}, "low is 0.2, allowed is up to high"),
        (LidarSpec, {"dropout": 1.5}, "dropout"),
        (LidarSpec, {"range": float("nan")}, "range is nan"),
        (RadarSpec, {"returns": 0}, "radar x: returns is 0"),
        (RadarSpec, {"fov": 7.0}, "fov"),
    ],
)
def test_numbers_that_are_not_allowed_are_named(spec, change, words):
    with pytest.raises(ValueError, match=words):
        spec("x", **change)


def test_two_of_one_name_are_refused():
    with pytest.raises(ValueError, match="2 lidars and radars are called 'x'"):
        Engine(map_set("town02"), scenario(drivers=1), rangers=(LidarSpec("x"), RadarSpec("x")))
