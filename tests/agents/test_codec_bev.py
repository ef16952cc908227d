"""The `bev` observation against shapes drawn by shapely, and its memory of past road users."""

import math

import numpy as np
import pytest
import shapely
from shapely import LineString, Polygon
from shapely.ops import unary_union

from agents.codec import BevCodec, BevConfig
from agents.encode_bev import (
    AMBER_LEVEL,
    BEV_CHANNELS,
    BROKEN_LEVEL,
    CROSSWALK_LEVEL,
    GIVE_WAY_LEVEL,
    GREEN_LEVEL,
    HISTORY,
    RED_LEVEL,
    SOLID_LEVEL,
    SPACING,
)
from agents.scene_fields import empty_scene
from tests.agents.scenes import driven_engine, made_up_scene, on
from tests.agents.test_codec_vector import encoded
from world.kinds import BodyKind, LightState, MarkKind
from world.records import Scene

SIZE, SCALE = 96, 0.5
DRIVABLE, ROUTE, MARKS, AHEAD, VEHICLES, VEHICLES_HALF, VEHICLES_ONE, WALKERS, WALKERS_ONE = range(len(BEV_CHANNELS))
ROW, COLUMN = np.mgrid[0:SIZE, 0:SIZE]
PIXEL_X, PIXEL_Y = (72 - (ROW + 0.5)) * SCALE, (48 - (COLUMN + 0.5)) * SCALE  # [m] ego frame, of each pixel's centre


def filled(shape) -> np.ndarray:
    """(SIZE, SIZE) pixels whose centre lies in a shape of the ego frame."""
    return shapely.contains_xy(shape, PIXEL_X, PIXEL_Y)


def unsure(shape) -> np.ndarray:
    """Pixels whose centre lies within a millimetre of the shape's border."""
    return shapely.dwithin(shape.boundary, shapely.points(PIXEL_X, PIXEL_Y), 1e-3)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    return 1.0 if not (a | b).any() else (a & b).sum() / (a | b).sum()


def ribbon(points: np.ndarray, half: float):
    return LineString(points).buffer(half, cap_style="flat", join_style="mitre")


def body(x, y, yaw, length, width) -> Polygon:
    """A road user's box, at least 1.5 pixels to a side."""
    a, b = max(length, 1.5 * SCALE) / 2, max(width, 1.5 * SCALE) / 2
    c, s = math.cos(yaw), math.sin(yaw)
    return Polygon([(x + u * c - v * s, y + u * s + v * c) for u, v in ((a, b), (-a, b), (-a, -b), (a, -b))])


def bodies(boxes) -> object:
    return unary_union([body(*b) for b in boxes])


@pytest.mark.parametrize("seed", range(6))
def test_lanes_and_route_are_their_bands(seed):
    scene = made_up_scene(seed)
    picture = encoded("bev", scene)
    for b, k in np.argwhere(scene.active):
        lanes, route = scene.lanes, scene.route
        bands = [ribbon(lanes.xy[b, k, n], lanes.half_width[b, k, n, 0]) for n in np.flatnonzero(lanes.valid[b, k])]
        assert overlap(picture[b, k, DRIVABLE] == 255, filled(unary_union(bands))) > 0.985
        points = route.xy[b, k][route.valid[b, k]]
        assert overlap(picture[b, k, ROUTE] == 255, filled(ribbon(points, route.half_width[b, k, 0]))) > 0.96
        assert set(np.unique(picture[b, k, :2])) <= {0, 255}


@pytest.mark.parametrize("seed", range(6))
def test_road_users_are_their_boxes(seed):
    scene = made_up_scene(seed)
    picture, o = encoded("bev", scene), scene.objects
    for b, k in np.argwhere(scene.active):
        for channel, walks in ((VEHICLES, False), (WALKERS, True)):
            own = np.flatnonzero(o.valid[b, k] & ((o.kind[b, k] == BodyKind.PEDESTRIAN) == walks))
            shape = bodies([(*o.xy[b, k, n], o.yaw[b, k, n], *o.size[b, k, n]) for n in own])
            assert ((picture[b, k, channel] == 255) == filled(shape))[~unsure(shape)].all()
        assert (picture[b, k, [VEHICLES_HALF, VEHICLES_ONE, WALKERS_ONE]] == 0).all()  # nothing seen before


def test_true_scenes_show_their_lanes_and_road_users():
    engine = driven_engine("town01", worlds=2, drivers=3, vehicles=60, pedestrians=60)
    scene = on(engine, 40)
    picture, o, lanes = encoded("bev", scene), scene.objects, scene.lanes
    for b, k in np.argwhere(scene.active):
        bands = []
        for n in np.flatnonzero(lanes.valid[b, k]):
            points = lanes.xy[b, k, n][lanes.point_valid[b, k, n]]
            if len(points) > 1:
                bands.append(ribbon(points, lanes.half_width[b, k, n].max()))
        assert overlap(picture[b, k, DRIVABLE] == 255, filled(unary_union(bands))) > 0.95
        boxes = [(*o.xy[b, k, n], o.yaw[b, k, n], *o.size[b, k, n]) for n in np.flatnonzero(o.valid[b, k])]
        assert overlap(picture[b, k, [VEHICLES, WALKERS]].max(0) == 255, filled(bodies(boxes))) > 0.98
    assert picture[:, :, [DRIVABLE, ROUTE, MARKS, VEHICLES]].any(axis=(3, 4)).any(axis=(0, 1)).all()


def straight() -> Scene:
    """A road of one lane, 4 m wide, straight on, with a solid line to the left and a broken one to the right."""
    scene = empty_scene(1, 1)
    scene.active[:], scene.ego.size[:] = True, (4.0, 2.0)
    r, lanes = scene.route, scene.lanes
    r.valid[:], r.half_width[:], r.xy[..., 0] = True, 2.0, 2.0 * np.arange(50)
    lanes.valid[0, 0, 0], lanes.point_valid[0, 0, 0], lanes.half_width[0, 0, 0] = True, True, 2.0
    lanes.xy[0, 0, 0, :, 0] = 3.0 * np.arange(20) - 6.0
    lanes.mark_left[0, 0, 0], lanes.mark_right[0, 0, 0] = int(MarkKind.SOLID), int(MarkKind.BROKEN)
    return scene


def test_a_straight_road_looks_up():
    picture = encoded("bev", straight())[0, 0]
    want = np.zeros((SIZE, SIZE), bool)
    want[:84, 44:52] = True  # from 6 m behind to the upper border, 2 m to either side
    assert ((picture[DRIVABLE] == 255) == want).all()
    want[72:] = False  # the route begins at the driver
    assert ((picture[ROUTE] == 255) == want).all()
    marks = picture[MARKS]
    assert set(np.flatnonzero(marks[40])) == {44, 52} and (marks[:84, 44] == SOLID_LEVEL).all()
    assert (marks[:84, 52] == BROKEN_LEVEL).all() and (marks[85:] == 0).all()


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (LightState.RED, RED_LEVEL), (LightState.AMBER, AMBER_LEVEL), (LightState.RED_AMBER, AMBER_LEVEL),
        (LightState.GREEN, GREEN_LEVEL), (LightState.OFF, 0),
    ],
)  # fmt: skip
def test_lights_are_bars_across_the_route(state, level):
    scene = straight()
    a = scene.ahead
    a.light_valid[:], a.light_state[:], a.light_distance[:] = True, int(state), 8.0
    want = np.zeros((SIZE, SIZE), int)
    want[51:53, 44:52] = level  # 2 m of bumper and 8 m before it, half a metre to either side
    assert (encoded("bev", scene)[0, 0, AHEAD] == want).all()


def test_stop_and_give_way_lines_and_crosswalks_are_bars_too():
    scene = straight()
    a = scene.ahead
    a.stop_valid[:], a.stop_distance[:] = True, 20.0
    a.yield_valid[:], a.yield_distance[:] = True, 8.0
    a.crosswalk_valid[:], a.crosswalk_distance[:], a.crosswalk_length[:] = True, 12.0, 3.0
    want = np.zeros((SIZE, SIZE), int)
    want[27:29, 44:52], want[51:53, 44:52], want[38:44, 44:52] = RED_LEVEL, GIVE_WAY_LEVEL, CROSSWALK_LEVEL
    assert (encoded("bev", scene)[0, 0, AHEAD] == want).all()


def test_the_past_is_drawn_where_it_was_seen_from_where_one_is_now():
    """Vehicles and walkers of half a second and a second ago, from memory of world poses, over a drive."""
    engine = driven_engine("town01", worlds=2, drivers=2, vehicles=60, pedestrians=80)
    codec = BevCodec()
    out = codec.buffer(2, 2)
    past: list[tuple] = []  # (time, boxes by driver)
    seen = 0
    for step in range(45):
        scene = on(engine, 1)
        o, pose, time = scene.objects, scene.ego.pose.astype(float), float(scene.time[0, 0])
        codec.encode(scene, out)
        for b, k in np.ndindex(2, 2):
            for channel, lag, walks in (
                (VEHICLES_HALF, 0.5, False),
                (VEHICLES_ONE, 1.0, False),
                (WALKERS_ONE, 1.0, True),
            ):
                then = [boxes[b, k] for t, boxes in past if abs(t - (time - lag)) < 1e-3]
                boxes = [
                    (to_ego(x, y, pose[b, k]), yaw, size) for x, y, yaw, size, w in (then or [[]])[0] if w == walks
                ]
                shape = bodies([(*xy, yaw - pose[b, k, 2], *size) for xy, yaw, size in boxes])
                got = out[b, k, channel] == 255
                assert (got == filled(shape))[~unsure(shape)].all(), (step, channel)
                seen += int(got.sum())
        past.append((time, {(b, k): in_world(o, pose[b, k], b, k) for b, k in np.ndindex(2, 2)}))
    assert seen > 500


def to_ego(x, y, pose):
    c, s = math.cos(pose[2]), math.sin(pose[2])
    return (x - pose[0]) * c + (y - pose[1]) * s, (y - pose[1]) * c - (x - pose[0]) * s


def in_world(o, pose, b, k):
    """(x, y, yaw, size, walks) in world coordinates of all that a driver sees."""
    c, s = math.cos(pose[2]), math.sin(pose[2])
    found = []
    for n in np.flatnonzero(o.valid[b, k]):
        x, y = o.xy[b, k, n].astype(float)
        walks = o.kind[b, k, n] == BodyKind.PEDESTRIAN
        size = tuple(o.size[b, k, n].tolist())
        found.append((pose[0] + x * c - y * s, pose[1] + x * s + y * c, o.yaw[b, k, n] + pose[2], size, walks))
    return found


def moving(time: float, x: float) -> Scene:
    scene = empty_scene(1, 2)
    scene.active[:], scene.time[:] = True, time
    o = scene.objects
    o.valid[:, :, 0], o.xy[:, :, 0, 0], o.size[:, :, 0] = True, x, (4.0, 2.0)
    return scene


def first_row(picture: np.ndarray) -> int:
    """Uppermost row in which something is, -1 for none."""
    rows = np.flatnonzero(picture.any(axis=1))
    return int(rows[0]) if len(rows) else -1


def test_memory_begins_anew_at_a_reset_and_when_time_goes_back():
    def run(codec, times):
        out = codec.buffer(1, 2)
        for t in times:
            codec.encode(moving(t, 10 + t), out)
        return out

    codec, times = BevCodec(), np.arange(0, 1.51, 0.1)
    out = run(codec, times)
    assert first_row(out[0, 0, VEHICLES]) == first_row(body_rows(11.5))
    assert first_row(out[0, 0, VEHICLES_HALF]) == first_row(body_rows(11.0))
    assert first_row(out[0, 0, VEHICLES_ONE]) == first_row(body_rows(10.5))
    codec.reset(np.array([[True, False]]))
    out = run(codec, [1.6])
    assert not out[0, 0, VEHICLES_HALF].any() and out[0, 1, VEHICLES_HALF].any()
    out = run(codec, [0.0])
    assert not out[0, 1, VEHICLES_HALF].any()
    run(codec, times)
    codec.reset(np.array([True]))
    assert not run(codec, [1.6])[0, :, VEHICLES_HALF].any()


def body_rows(x: float) -> np.ndarray:
    return filled(body(x, 0, 0, 4, 2))


@pytest.mark.parametrize("step", [0.01, 0.05, 0.1, 0.25])
def test_whatever_the_step_the_past_is_as_old_as_it_should_be(step):
    codec = BevCodec()
    out = codec.buffer(1, 2)
    for i in range(round(3 / step)):
        codec.encode(moving(i * step, 4.1 + 5 * i * step), out)
        codec.encode(moving(i * step, 4.1 + 5 * i * step), out)  # twice changes nothing
    for channel, lag in ((VEHICLES_HALF, 0.5), (VEHICLES_ONE, 1.0)):
        last = (round(3 / step) - 1) * step - lag
        age = step * math.ceil(SPACING / step - 1e-6)  # Scenes that close together are not all kept
        rows = [first_row(body_rows(4.1 + 5 * t)) for t in (last, last - age)]
        assert rows[0] <= first_row(out[0, 0, channel]) <= rows[1] + 1
    assert HISTORY * SPACING > 1.0


def test_other_sizes_and_scales():
    config = BevConfig(size_px=64, m_per_px=1.0, behind=0.5)
    codec = BevCodec(config)
    out = codec.buffer(1, 1)
    codec.encode(straight(), out)
    want = np.zeros((64, 64), bool)
    want[0:38, 30:34] = True  # 6 m behind to 32 m before
    assert out.shape == (1, 1, 9, 64, 64) and ((out[0, 0, DRIVABLE] == 255) == want).all()
