"""Weather, paint and what the sensor does to a picture, on one view of a straight road."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from simulator.camera_bake import GroundLook
from tests.simulator import camera_stage
from tests.simulator.camera_stage import PLAIN, Stage
from tests.simulator.engine_stage import road_map
from world.camera import CameraSpec
from world.camera_tags import CARLA_TAG, Tag
from world.kinds import EdgeKind, MarkKind
from world.weather import CLEAR, PRESETS, find_weather

SPEC = CameraSpec("test", 320, 160, math.radians(60.0))
SHARP = replace(SPEC, width=640, height=320, fov=math.radians(40.0))
MIDDLE, SIDE = 1.75, -1.75  # [m] the road's middle and its right edge in the driver's frame


@pytest.fixture(scope="module")
def stage():
    stage = Stage()
    yield stage
    stage.engine.close()


@pytest.fixture(scope="module")
def clear(stage):
    return stage.render(SPEC, weather=CLEAR)


def grey(picture):
    return picture.rgb.mean(axis=2)


def seen(picture, tag, near, far):
    """Pixels of a class between two distances [m]."""
    return (picture.tag == tag) & (picture.inverse_depth < 1.0 / near) & (picture.inverse_depth > 1.0 / far)


def contrast(picture, near=4.0, far=20.0):
    """How much brighter paint is than the road at a distance [m]."""
    paint, road = (seen(picture, tag, near, far) for tag in (Tag.ROAD_LINE, Tag.ROAD))
    return grey(picture)[paint].mean() - grey(picture)[road].mean()


def tags_at(picture, spec, x, y):
    """Class of the pixels that show points (x, y) [m] of the road, driver's frame."""
    px, _ = spec.project(np.stack((x, np.full_like(x, y), np.zeros_like(x)), axis=1))
    u, v = px.round().astype(int).T
    return picture.tag[v, u]


@pytest.mark.parametrize("fog", (0.01, 0.03))
def test_fog_takes_contrast_by_distance(stage, clear, fog):
    """What is left is exp(-fog distance)."""
    foggy = stage.render(SPEC, weather=CLEAR | {"fog": fog})
    assert (foggy.tag == clear.tag).all()
    for near, far in ((4.0, 8.0), (8.0, 16.0), (16.0, 32.0)):
        paint = seen(clear, Tag.ROAD_LINE, near, far)
        left = np.exp(-fog / clear.inverse_depth[paint]).mean()
        assert contrast(foggy, near, far) / contrast(clear, near, far) == pytest.approx(left, rel=0.08)


def test_a_wet_road_is_darker_nearby_and_shows_the_sky_far_off(stage):
    def road(spec, near, far):
        pictures = [stage.render(spec, weather=CLEAR | {"wetness": wetness}) for wetness in (0.0, 0.3, 1.0)]
        where = seen(pictures[0], Tag.ROAD, near, far)
        return [grey(picture)[where].mean() for picture in pictures]

    dry, damp, wet = road(replace(SPEC, pitch=-0.7), 1.5, 3.0)
    assert 0.95 * dry > damp > 1.1 * wet
    dry, damp, wet = road(SPEC, 25.0, 100.0)
    assert dry + 8.0 < damp < wet - 20.0


def test_each_weather_looks_different_and_hides_no_class(stage, clear):
    pictures = {name: stage.render(SPEC, weather=find_weather(name)) for name in PRESETS}
    assert (pictures["clear_noon"].rgb == clear.rgb).all()
    for a, b in combinations(PRESETS, 2):
        assert np.abs(pictures[a].rgb.astype(int) - pictures[b].rgb).mean() > 3.0, (a, b)
    ground = np.isin(clear.tag, (Tag.ROAD, Tag.ROAD_LINE, Tag.SIDEWALK, Tag.TERRAIN))  # street lamps glow above it
    assert all((picture.tag == clear.tag)[ground].all() for picture in pictures.values())


def test_rain_falls_anew_in_each_picture(stage):
    """Streaks are elsewhere a step later, and the more the harder it rains."""

    def changed(rain):
        pictures = []
        for step in (0, 1):
            stage.engine.state.step[0] = step
            pictures.append(stage.render(SPEC, weather=CLEAR | {"rain": rain}))
        stage.engine.state.step[0] = 0
        assert (pictures[0].tag == pictures[1].tag).all()
        return (pictures[0].rgb != pictures[1].rgb).any(axis=2).mean()

    none, some, much = map(changed, (0.0, 0.3, 1.0))
    assert none == 0.0 and some > 0.005 and much > 2.0 * some


def test_night_is_dark_but_for_what_the_head_lamps_light(monkeypatch):
    plain = road_map("straight", length=400.0)
    fast = replace(plain, point_limit=np.full_like(plain.point_limit, 100.0 / 3.6))  # no street lamps out of town
    monkeypatch.setattr(camera_stage, "road_map", lambda *_, **__: fast)
    stage = Stage()
    with stage.engine:
        clear, night = (stage.render(SPEC, weather=find_weather(name)) for name in ("clear_noon", "night"))
    lit, day = grey(night), grey(clear)
    assert (night.tag == clear.tag).all()
    assert lit.mean() < 0.6 * day.mean() and lit[clear.tag == Tag.SKY].mean() < 0.3 * day[clear.tag == Tag.SKY].mean()
    roads = [seen(clear, Tag.ROAD, a, b) for a, b in ((5.0, 9.0), (20.0, 30.0), (45.0, 200.0))]
    near, middle, far = (lit[road].mean() for road in roads)
    assert near > middle > far and near > 2.5 * far
    assert np.ptp([day[road].mean() for road in roads]) < 0.3 * day[roads[0]].mean()


@pytest.mark.parametrize("sigma", (2.0, 5.0))
def test_noise_has_the_deviation_asked_for(stage, clear, sigma):
    noisy = stage.render(SPEC, weather=CLEAR, look=replace(PLAIN, noise=sigma))
    inner = (clear.rgb > 40) & (clear.rgb < 215)  # where nothing is cut off
    error = (noisy.rgb.astype(int) - clear.rgb)[inner]
    assert error.std() == pytest.approx(math.hypot(sigma, math.sqrt(1.0 / 12.0)), rel=0.03)
    assert abs(error.mean()) < 0.05


@pytest.mark.parametrize("turn", range(4))
def test_blur_smooths_along_its_angle(stage, turn):
    """Grain, the same in all directions without blur, keeps its edges across the motion and loses those along it."""
    steps = ((0, 1), (1, 1), (1, 0), (1, -1))  # rows, columns of a step along turn * 45 degrees

    def edges(blur):
        look = replace(PLAIN, noise=25.0, blur=blur, blur_angle=0.25 * math.pi * turn)
        picture = grey(stage.render(SPEC, weather=CLEAR, look=look))[2:-2, 2:-2]
        return [np.abs(picture - np.roll(picture, step, (0, 1)))[2:-2, 2:-2].mean() for step in steps]

    kept = np.divide(edges(5.0), edges(0.0))
    assert kept.argmin() == turn and kept[turn] < 0.6 * kept[(turn + 2) % 4]


def test_jpeg_loses_more_the_lower_its_quality(stage, clear):
    def error(quality):
        look = replace(PLAIN, jpeg=quality)
        return np.abs(stage.render(SPEC, weather=CLEAR, look=look).rgb.astype(int) - clear.rgb).mean()

    errors = [error(quality) for quality in (95, 60, 25, 5)]
    assert 0.0 < errors[0] < 3.0 and all(b > 1.2 * a for a, b in zip(errors, errors[1:], strict=False))


@pytest.mark.parametrize(("dash", "gap"), ((3.0, 4.5), (6.0, 3.0)))
def test_dashes_alternate_along_a_broken_line(stage, dash, gap):
    picture = stage.render(SHARP, weather=CLEAR, look=replace(PLAIN, ground=GroundLook(dash=dash, gap=gap)))
    x = np.arange(9.0, 32.0, 0.1)
    s = (stage.pose[0] + x) % (dash + gap)  # the dashes begin where the road does
    clearly = np.abs((s - 0.5 * dash + 0.5 * (dash + gap)) % (dash + gap) - 0.5 * (dash + gap)) - 0.5 * dash
    sure = np.abs(clearly) > 0.7  # [m] from a dash's end
    found = tags_at(picture, SHARP, x, MIDDLE)
    assert (found[sure] == np.where(clearly[sure] < 0.0, Tag.ROAD_LINE, Tag.ROAD)).all()
    assert (clearly[sure] < 0.0).any() and (clearly[sure] > 0.0).any()
    assert (tags_at(picture, SHARP, x, SIDE) == Tag.ROAD_LINE).mean() > 0.95  # that one is solid


def test_worn_paint_is_fainter_and_keeps_its_class(stage):
    pictures = [
        stage.render(SPEC, weather=CLEAR, look=replace(PLAIN, ground=GroundLook(wear=wear))) for wear in (0.0, 0.4, 0.8)
    ]
    fresh, worn, gone = map(contrast, pictures)
    assert 0.9 * fresh > worn > 1.08 * gone
    assert all((picture.tag == pictures[0].tag).all() for picture in pictures)


@pytest.mark.parametrize("kind", (EdgeKind.CURB, EdgeKind.ROAD_EDGE))
def test_kerbs_are_seen_as_their_class(monkeypatch, kind):
    """Between road and pavement where no line is painted over them; a bare edge of a road is none."""
    plain = road_map("straight", length=400.0)
    marks = np.full_like(plain.point_mark_right, int(MarkKind.NONE))
    bare = replace(plain, point_mark_right=marks, edge_kind=np.full_like(plain.edge_kind, int(kind)))
    monkeypatch.setattr(camera_stage, "road_map", lambda *_, **__: bare)
    stage = Stage()
    with stage.engine:
        picture = stage.render(SHARP, weather=CLEAR)
    x = np.arange(9.0, 15.0, 0.2)
    is_kerb = tags_at(picture, SHARP, x, SIDE) == Tag.KERB
    assert is_kerb.all() if kind == EdgeKind.CURB else not (picture.tag == Tag.KERB).any()
    assert (tags_at(picture, SHARP, x, SIDE + 0.4) == Tag.ROAD).all()
    assert CARLA_TAG[Tag.KERB] == Tag.SIDEWALK
    if kind == EdgeKind.CURB:
        kerb, road = (grey(picture)[seen(picture, tag, 5.0, 15.0)].mean() for tag in (Tag.KERB, Tag.ROAD))
        assert kerb > road + 20.0
