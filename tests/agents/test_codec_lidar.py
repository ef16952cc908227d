"""The `lidar` observation against casting every ray at everything, and closed forms."""

import math

import numpy as np
import pytest
from shapely import LineString, Polygon, box
from shapely.affinity import rotate, translate

from agents.codec import LidarCodec, LidarConfig
from agents.encode_lidar import rough_angle
from agents.scene_fields import empty_scene
from tests.agents.scenes import driven_engine, made_up_scene, on
from tests.agents.test_codec_vector import encoded
from world.observation import STATE_SIZE
from world.records import Scene

RANGE, RAYS = 50.0, 240


def segments_of(scene: Scene, b: int, k: int) -> np.ndarray:
    """(n, 2, 2) all sides of all boxes, and all edges."""
    o, found = scene.objects, [scene.edge_xy[b, k][scene.edge_valid[b, k]].astype(float)]
    for n in np.flatnonzero(o.valid[b, k]):
        c, s = math.cos(o.yaw[b, k, n]), math.sin(o.yaw[b, k, n])
        half = 0.5 * o.size[b, k, n].astype(float)
        corner = half * [[1, 1], [-1, 1], [-1, -1], [1, -1]] @ np.array([[c, s], [-s, c]]) + o.xy[b, k, n]
        found.append(np.stack([corner, np.roll(corner, -1, 0)], 1))
    return np.concatenate(found)


def brute_force(segments: np.ndarray, rays: int, reach: float) -> np.ndarray:
    """(rays,) distances: every ray at every segment."""
    angle = 2 * np.pi * np.arange(rays) / rays
    d = np.stack([np.cos(angle), np.sin(angle)], 1)[:, None]
    a, u = segments[None, :, 0], segments[None, :, 1] - segments[None, :, 0]
    with np.errstate(all="ignore"):
        det = d[..., 0] * u[..., 1] - d[..., 1] * u[..., 0]
        t = (a[..., 0] * u[..., 1] - a[..., 1] * u[..., 0]) / det
        w = (a[..., 0] * d[..., 1] - a[..., 1] * d[..., 0]) / det
        hit = (t >= 0) & (w >= 0) & (w <= 1)
    return np.minimum(np.where(hit, t, np.inf).min(1, initial=np.inf), reach)


def agree(got: np.ndarray, want: np.ndarray, segments: np.ndarray, rays: int) -> int:
    """How many rays differ by more than a centimetre, not counting those that graze an end within 1e-4 rad."""
    off = np.flatnonzero(np.abs(got - want) > 0.01)
    ends = np.arctan2(segments[..., 1], segments[..., 0]).ravel()
    angle = 2 * np.pi * off / rays
    near = np.abs((ends[None] - angle[:, None] + np.pi) % (2 * np.pi) - np.pi).min(1, initial=9.0)
    return int((near > 1e-4).sum())


@pytest.mark.parametrize("config", [LidarConfig(), LidarConfig(rays=37, range=20.0), LidarConfig(rays=1000)])
def test_rays_are_those_cast_one_by_one(config):
    for seed in range(6):
        scene = made_up_scene(seed)
        codec = LidarCodec(config)
        out = codec.buffer(2, 3)
        codec.encode(scene, out)
        for b, k in np.argwhere(scene.active):
            segments = segments_of(scene, b, k)
            want = brute_force(segments, config.rays, config.range)
            assert agree(out[b, k, : config.rays] * config.range, want, segments, config.rays) == 0


@pytest.mark.parametrize("name", ["town01", "highway", "roundabout"])
def test_rays_of_true_scenes_are_those_cast_one_by_one(name):
    engine = driven_engine(name, worlds=2, drivers=3)
    rays = 0
    for _ in range(5):
        scene = on(engine, 15)
        got = encoded("lidar", scene)
        for b, k in np.argwhere(scene.active):
            segments = segments_of(scene, b, k)
            want = brute_force(segments, RAYS, RANGE)
            inside = (got[b, k, :RAYS] == 0).all()  # two bodies in one place
            assert inside or agree(got[b, k, :RAYS] * RANGE, want, segments, RAYS) == 0
            rays += int((want < RANGE).sum())
    assert rays > 1000


def one_box(x, y, yaw, length=4.0, width=2.0) -> Scene:
    scene = empty_scene(1, 1)
    scene.active[:] = True
    o = scene.objects
    o.valid[0, 0, 0], o.xy[0, 0, 0], o.yaw[0, 0, 0], o.size[0, 0, 0] = True, (x, y), yaw, (length, width)
    return scene


def test_a_box_straight_ahead_and_to_the_left():
    rays = encoded("lidar", one_box(12.0, 0.0, 0.0))[0, 0, :RAYS] * RANGE
    assert rays[0] == pytest.approx(10.0, abs=1e-4) and rays[1] == pytest.approx(
        10 / math.cos(math.tau / 240), abs=1e-3
    )
    half = math.atan2(1.0, 10.0) / math.tau * RAYS  # rays on either side that the front covers
    assert (rays < RANGE).sum() == 2 * math.floor(half) + 1
    rays = encoded("lidar", one_box(0.0, 12.0, np.pi / 2))[0, 0, :RAYS] * RANGE
    assert rays[60] == pytest.approx(10.0, abs=1e-4)  # counter-clockwise: a quarter turn is the left
    assert (rays[[0, 120, 180]] == RANGE).all()


@pytest.mark.parametrize("turn", [0.3, 2.0, -1.1])
def test_against_shapely(turn):
    scene = one_box(20.0, 5.0, turn, 8.0, 2.5)
    shape = translate(rotate(box(-4, -1.25, 4, 1.25), turn, origin=(0, 0), use_radians=True), 20.0, 5.0)
    rays = encoded("lidar", scene)[0, 0, :RAYS] * RANGE
    for i in range(RAYS):
        a = math.tau * i / RAYS
        cut = LineString([(0, 0), (60 * math.cos(a), 60 * math.sin(a))]).intersection(Polygon(shape.exterior))
        want = RANGE if cut.is_empty else min(math.hypot(*c) for c in cut.coords)
        assert rays[i] == pytest.approx(want, abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_a_mirrored_scene_is_seen_mirrored(seed):
    scene, other = made_up_scene(seed, 1, 1), made_up_scene(seed, 1, 1)
    for array in (other.objects.xy, other.edge_xy):
        array[..., 1] *= -1
    other.objects.yaw[:] *= -1
    one, mirrored = encoded("lidar", scene)[0, 0, :RAYS], encoded("lidar", other)[0, 0, :RAYS]
    assert np.abs(one - mirrored[-np.arange(RAYS) % RAYS] > 1e-4).sum() <= 1
    assert (one < 1).sum() > 20


def test_far_things_are_not_seen_and_near_ones_hide_them():
    scene = one_box(60.0, 0.0, 0.0)
    assert (encoded("lidar", scene)[0, 0, :RAYS] == 1).all()
    scene = one_box(12.0, 0.0, 0.0)
    scene.edge_valid[0, 0, 0], scene.edge_xy[0, 0, 0] = True, ((6.0, -1.0), (6.0, 1.0))
    rays = encoded("lidar", scene)[0, 0, :RAYS] * RANGE
    assert rays[0] == pytest.approx(6.0, abs=1e-4)
    assert (encoded("lidar", one_box(0.5, 0.2, 1.0))[0, 0, :RAYS] == 0).all()  # the driver's centre in a box


def test_the_drivers_state_follows_the_rays():
    scene = made_up_scene(4)
    out, vector = encoded("lidar", scene), encoded("vector", scene)
    assert out.shape[2] == RAYS + STATE_SIZE == 296
    assert (out[:, :, RAYS:] == vector[:, :, :STATE_SIZE]).all()


def test_the_rough_angle_is_good_enough():
    angle = np.linspace(-np.pi + 1e-3, np.pi, 5000)
    got = [rough_angle(np.float32(7 * math.cos(a)), np.float32(7 * math.sin(a))) for a in angle]
    assert np.abs(np.array(got) - angle).max() < 5e-4
