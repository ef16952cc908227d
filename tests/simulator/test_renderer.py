"""The renderer: geometry against the camera model, labels against pixels, the same picture whatever the batch."""

import math

import numpy as np
import pytest

from scenarios.registry import find_scenario, scenario_map
from simulator.camera import CameraLook, CameraRenderer
from simulator.camera_labels import label_boxes, label_lines
from simulator.engine import Engine
from simulator.weather import make_light
from world.camera import NARROW, WIDE, CameraSpec
from world.camera_tags import CARLA_TAG, Tag, ThingKind
from world.mapset import pack_maps
from world.records import Control
from world.weather import PRESETS, find_weather


@pytest.fixture(scope="module")
def maps():
    return pack_maps([scenario_map(find_scenario("town02"))])


def make_engine(maps, seeds, steps=120):
    engine = Engine(maps, find_scenario("town02"), worlds=len(seeds))
    engine.reset(seeds)
    zero = np.zeros((len(seeds), 1), np.float32)
    for _ in range(steps):
        engine.step(Control(zero, zero))
    return engine


@pytest.fixture(scope="module")
def engine(maps):
    return make_engine(maps, [3])


@pytest.fixture(scope="module")
def renderer(engine):
    return CameraRenderer(engine)


def copied(picture):
    return [np.array(part) for part in picture]


def test_depth_of_the_ground_is_the_closed_form(renderer):
    picture = renderer.render(WIDE)
    v, u = np.nonzero((picture.tag == Tag.ROAD) & (picture.instance == 0))
    row = v.astype(np.float64) - WIDE.centre[1]
    expected = row / (WIDE.focal * WIDE.z)  # a level camera over level ground: Z = f h / (v - cy)
    np.testing.assert_allclose(picture.inverse_depth[v, u], expected, rtol=1e-3)


def test_lane_marks_are_painted_where_the_labels_say(engine, renderer):
    checked = on_paint = 0
    for slot in np.flatnonzero(engine.state.valid[0, 1:41]) + 1:
        spec = CameraSpec("check", 320, 160, math.radians(60.0), pitch=-0.15)
        picture = renderer.render(spec, 0, int(slot), CameraLook(shadows=False))
        lines = label_lines(engine, 0, int(slot), spec, picture)
        solid = (lines.kind == 0) & (lines.mark == 1)
        near = lines.seen & solid[:, None] & (lines.xyz[..., 0] < 12.0)
        for u, v in lines.px[near].round().astype(int):
            around = picture.tag[max(v - 1, 0) : v + 2, max(u - 1, 0) : u + 2]
            checked += 1
            on_paint += bool(np.isin(around, [Tag.ROAD_LINE, Tag.CROSSWALK, Tag.STOP_LINE]).any())
    assert checked > 50
    assert on_paint / checked > 0.95


def test_boxes_hold_the_pixels_of_their_things(engine, renderer):
    seen = 0
    for slot in np.flatnonzero(engine.state.valid[0, 1:41])[:12] + 1:
        for spec in (WIDE, NARROW):
            picture = renderer.render(spec, 0, int(slot))
            boxes = label_boxes(engine, 0, int(slot), spec, picture, renderer.props(0))
            for d in np.flatnonzero(np.isin(boxes.kind, [ThingKind.VEHICLE, ThingKind.LIGHT, ThingKind.SIGN])):
                v, u = np.nonzero(picture.instance == boxes.instance[d])
                if len(v) < 4:
                    continue
                seen += 1
                x0, y0, x1, y1 = boxes.box[d]
                room = 2.0 + 0.35 * (x1 - x0) * (boxes.kind[d] == ThingKind.LIGHT)  # a head may have a plate behind it
                assert u.min() >= x0 - room and u.max() <= x1 + room
                assert v.min() >= y0 - room - 2 and v.max() <= y1 + room + 2
    assert seen > 20


def test_a_picture_is_the_same_in_every_batch(maps, engine, renderer):
    alone = copied(renderer.render(WIDE))
    batch = make_engine(maps, [9, 3, 4])
    again = copied(CameraRenderer(batch).render(WIDE, b=1))
    for a, b in zip(alone, again, strict=True):
        assert (a == b).all()


def test_shadows_and_noise_do_not_touch_the_masks(renderer):
    plain = copied(renderer.render(WIDE, look=CameraLook(noise=0.0, shadows=False)))
    full = copied(renderer.render(WIDE, look=CameraLook(noise=8.0, shadows=True)))
    assert (plain[1] == full[1]).all() and (plain[2] == full[2]).all()
    assert np.abs(plain[0].astype(int) - full[0]).mean() > 1.0


def test_roll_and_lens_move_pixels_as_the_camera_model_says(engine, renderer):
    """A sign or light far off lands where `project` puts it, through remapping too."""
    bent = CameraSpec("bent", roll=0.15, pitch=0.05, distortion=(-0.06, 0.0, 0.0, 0.0, 0.0))
    checked = 0
    for slot in np.flatnonzero(engine.state.valid[0, 1:41])[:20] + 1:
        picture = renderer.render(bent, 0, int(slot))
        boxes = label_boxes(engine, 0, int(slot), bent, picture, renderer.props(0))
        for d in np.flatnonzero((boxes.kind == ThingKind.LIGHT) & (boxes.visible > 0.8)):
            v, u = np.nonzero(picture.instance == boxes.instance[d])
            px, _ = bent.project(boxes.xyz[d])
            inside = (px > 6).all() and px[0] < 314 and px[1] < 154
            if len(v) >= 6 and inside:
                checked += 1
                assert abs(u.mean() - px[0]) < 2.0 and abs(v.mean() - px[1]) < 2.5
    assert checked > 3


def test_weather_changes_the_picture(renderer):
    mean = {n: renderer.render(WIDE, weather=find_weather(n)).rgb.mean() for n in ("clear_noon", "night", "fog")}
    assert mean["night"] < 0.8 * mean["clear_noon"]  # street lamps light the road
    far = renderer.render(WIDE, weather=find_weather("fog")).rgb
    clear = renderer.render(WIDE, weather=find_weather("clear_noon")).rgb
    assert far[60:80].std() < clear[60:80].std()


def test_every_preset_makes_light():
    for name in PRESETS:
        row = make_light(find_weather(name))
        assert all(np.isfinite(row[field]).all() for field in row.dtype.names)


def test_unknown_weather_names_the_nearest():
    with pytest.raises(ValueError, match="fog"):
        find_weather("fogg")


def test_carla_tags():
    assert CARLA_TAG[Tag.CROSSWALK] == CARLA_TAG[Tag.STOP_LINE] == Tag.ROAD_LINE
    assert (CARLA_TAG[:29] == np.arange(29)).all()


def test_cameras_take_turns_and_tell_when(maps):
    with make_engine(maps, [5], steps=0) as engine:
        zero, fresh = np.zeros((1, 1), np.float32), []
        for _ in range(6):
            frame = engine.sensors(("gnss", "camera:wide", "camera:narrow"))
            fresh.append((bool(frame.image_fresh["wide"][0, 0]), bool(frame.image_fresh["narrow"][0, 0])))
            again = engine.sensors(("camera:wide",))
            assert (again.images["wide"] == frame.images["wide"]).all()
            engine.step(Control(zero, zero))
        assert fresh == [(True, True), (False, True), (True, False), (False, True), (True, False), (False, True)]
        assert frame.images["wide"].shape == (1, 1, 160, 320, 3)
        with pytest.raises(ValueError, match="camera:wide"):
            engine.sensors(("camera:wid",))
