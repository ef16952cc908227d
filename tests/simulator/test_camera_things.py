"""What stands in a picture, and its labels."""

import math

import cv2
import numpy as np
import pytest

from simulator.camera_frame import LIGHT0, SIGN0
from simulator.camera_labels import label_boxes, label_lines
from simulator.camera_things import sign_face
from simulator.sign_faces import face_texture
from tests.simulator.camera_stage import SIZE, Stage, facing
from world.camera import CameraSpec
from world.camera_tags import Tag, ThingKind
from world.kinds import BodyKind, LightState, SignKind
from world.sign_names import SIGN_NAMES
from world.weather import find_weather

SPEC = CameraSpec("test", 320, 160, math.radians(60.0))
BENT = CameraSpec("bent", 320, 160, math.radians(70.0), pitch=0.02, roll=0.06, distortion=(-0.15, 0.02, 0, 0, 0))
TAGS = {
    BodyKind.CAR: {Tag.CAR}, BodyKind.VAN: {Tag.CAR}, BodyKind.TRUCK: {Tag.TRUCK}, BodyKind.BUS: {Tag.BUS},
    BodyKind.MOTORCYCLE: {Tag.MOTORCYCLE, Tag.RIDER}, BodyKind.BICYCLE: {Tag.BICYCLE, Tag.RIDER},
    BodyKind.PEDESTRIAN: {Tag.PEDESTRIAN},
}  # fmt: skip


@pytest.fixture(scope="module")
def shared():
    return Stage()


@pytest.fixture
def stage(shared):
    shared.engine.model.slots.valid[0, 1:] = False
    shared.signs()
    return shared


def boxes_of(stage, spec, picture, **options):
    return label_boxes(stage.engine, 0, 0, spec, picture, stage.renderer.props(0), **options)


@pytest.mark.parametrize("kind", list(SIZE))
@pytest.mark.parametrize("yaw", [0.0, 0.9, math.pi / 2, math.pi])
def test_a_body_has_its_tags_and_fills_its_box(stage, kind, yaw):
    number = stage.put(1, kind, 14.0, 1.0, yaw)
    picture = stage.render(SPEC)
    own = picture.instance == number
    assert set(np.unique(picture.tag[own]).tolist()) == {int(t) for t in TAGS[kind]}
    boxes = boxes_of(stage, SPEC, picture)
    assert boxes.instance.tolist() == [number] and boxes.visible[0] == 1.0 and boxes.body[0] == kind
    v, u = np.nonzero(own)
    x0, y0, x1, y1 = boxes.box[0]
    room = 0.25 * SPEC.focal / 14.0  # [px] lamps, wheels and arms stand out by less than 0.25 m
    assert u.min() > x0 - room and u.max() < x1 + room and v.min() > y0 - room and v.max() < y1 + room
    assert v.max() - v.min() > 0.8 * (y1 - y0) and len(u) > 0.3 * (x1 - x0) * (y1 - y0)
    np.testing.assert_allclose(boxes.xyz[0], (14.0, 1.0, 0.5 * SIZE[kind][2]), atol=1e-3)
    assert math.cos(boxes.yaw[0] - yaw) > 0.9999


@pytest.mark.parametrize("spec", [SPEC, BENT])
@pytest.mark.parametrize("aside", [0.0, 0.35, 0.6, 3.0])
def test_the_visible_part_is_what_is_left_of_the_picture_without_the_rest(stage, spec, aside):
    far = stage.put(1, BodyKind.CAR, 22.0, 0.0)
    whole = np.count_nonzero(stage.render(spec).instance == far)
    stage.put(2, BodyKind.CAR, 9.0, 0.4 + aside, accel=-2.0)
    picture = stage.render(spec)
    boxes = boxes_of(stage, spec, picture)
    part = np.count_nonzero(picture.instance == far) / whole
    at = int(np.flatnonzero(boxes.instance == far)[0])
    assert boxes.visible[at] == pytest.approx(part, abs=0.01 if spec is SPEC else 0.06)
    assert boxes.instance[0] == 3 and boxes.visible[0] == pytest.approx(1.0, abs=0.06)
    assert (part < 0.2) == (aside == 0.0) and (part == 1.0) == (aside == 3.0)


def test_shapes_of_another_seed_need_that_seed(stage):
    """Whose shape differs covers other pixels; the label asks for the seed of the picture."""
    stage.put(1, BodyKind.CAR, 10.0, 0.0, 0.6)
    for seed in range(8):
        boxes = boxes_of(stage, SPEC, stage.render(SPEC, seed=seed), seed=seed)
        assert boxes.visible[0] == 1.0


@pytest.mark.parametrize("rise", [-0.08, 0.08])
def test_labels_on_a_slope_lie_where_the_picture_shows_things(rise):
    stage = Stage(rise=rise)
    with stage.engine:
        stage.signs((30.0, -4.0, 2.0, facing(), 14), (60.0, 4.0, 2.0, facing(), 14))
        car = stage.put(1, BodyKind.CAR, 25.0, 0.0)
        picture = stage.render(SPEC)
        boxes = boxes_of(stage, SPEC, picture)
        assert set(boxes.instance.tolist()) == {car, SIGN0, SIGN0 + 1}
        for d in range(3):
            v, u = np.nonzero(picture.instance == boxes.instance[d])
            px, _ = SPEC.project(boxes.xyz[d])
            slack = 0.7 + 0.2 * SPEC.focal / 25.0 * (boxes.instance[d] == car)
            assert abs(0.5 * (u.min() + u.max()) - px[0]) < slack and abs(0.5 * (v.min() + v.max()) - px[1]) < slack
        lines = label_lines(stage.engine, 0, 0, SPEC, picture)
        near = lines.seen & (lines.mark == 1)[:, None] & (lines.xyz[..., 0] < 20.0)
        assert near.sum() > 8
        np.testing.assert_allclose(lines.xyz[near][:, 2], 0.0, atol=1e-3)  # the road is the body frame's plane
        for u, v in lines.px[near].round().astype(int):
            assert (picture.tag[max(v - 1, 0) : v + 2, max(u - 1, 0) : u + 2] == Tag.ROAD_LINE).any()


@pytest.fixture(scope="module")
def lights():
    """Low ones on poles and high ones over the road, five each, that face the driver; two that do not."""
    low = [(16.0, 4.0 - 2.0 * k, 2.6, facing()) for k in range(5)]
    high = [(20.0, 4.0 - 2.0 * k, 5.1, facing()) for k in range(5)]
    stage = Stage(lights=[*low, *high, (16.0, -6.0, 2.6, 0.0), (16.0, -7.0, 2.6, facing(1.5))])
    for k in range(12):
        stage.engine.model.worlds.light[0, k] = k % 5
    yield stage
    stage.engine.close()


@pytest.mark.parametrize("weather", ["clear_noon", "night"])
@pytest.mark.parametrize("spec", [SPEC, BENT])
def test_the_lamps_that_burn_are_those_of_the_state_and_nothing_hides_them(lights, spec, weather):
    sharp = CameraSpec(
        **{n: getattr(spec, n) for n in ("name", "fov", "pitch", "roll", "distortion")}, width=640, height=320
    )
    picture = lights.render(sharp, weather=find_weather(weather))
    x0, y0, z0, _ = lights.pose
    m = lights.engine.maps.maps[0]
    burning = {
        LightState.OFF: (0, 0, 0), LightState.RED: (1, 0, 0), LightState.RED_AMBER: (1, 1, 0),
        LightState.GREEN: (0, 0, 1), LightState.AMBER: (0, 1, 0),
    }  # fmt: skip
    for n in range(10):
        for lamp, burns in enumerate(burning[LightState(n % 5)]):
            at = m.light_xyz[n] - (x0, y0, z0) + (0.0, 0.0, 0.31 * (1 - lamp))
            u, v = sharp.project(at)[0].round().astype(int)
            assert picture.instance[v, u] == LIGHT0 + n
            r, g, b = picture.rgb[v, u].astype(int)
            assert (max(r, g, b) > 180) == bool(burns)
            if burns:
                assert [r > 1.5 * g, r > 1.1 * g > 1.5 * b or weather == "night", g > 1.1 * r][lamp]


def test_states_are_told_of_faces_that_are_seen(lights):
    picture = lights.render(SPEC)
    boxes = boxes_of(lights, SPEC, picture)
    n = boxes.instance.astype(int) - LIGHT0
    assert sorted(n.tolist()) == list(range(12)) and (boxes.kind == ThingKind.LIGHT).all()
    expected = np.where(n < 10, n % 5, -1)
    assert (boxes.state == expected).all()


@pytest.mark.parametrize("face", [1, 12, 13, 14, 17, 33, SIGN_NAMES.index("us limit 45")])
def test_a_sign_shows_its_face_upright_and_not_mirrored(stage, face):
    spec = CameraSpec("close", 160, 160, math.radians(20.0))
    stage.signs((7.0, 0.0, 1.5, facing(), face))
    picture = stage.render(spec)
    boxes = boxes_of(stage, spec, picture)
    assert boxes.face.tolist() == [face] and boxes.visible[0] == 1.0
    x0, y0, x1, y1 = boxes.whole[0].round().astype(int)
    crop = picture.rgb[y0:y1, x0:x1].astype(np.float64)
    texture = cv2.resize(face_texture(face, 64), (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA).astype(np.float64)
    inside = (texture[..., 3] > 200) & (picture.instance[y0:y1, x0:x1] == SIGN0)
    assert inside.mean() > 0.35

    def likeness(a):
        return np.corrcoef(a[inside].reshape(-1), texture[..., :3][inside].reshape(-1))[0, 1]

    turned = [likeness(crop[:, ::-1]), likeness(crop[::-1]), likeness(crop[::-1, ::-1])]
    assert likeness(crop) > 0.7
    if face not in (12, 17):  # these look the same both ways
        assert likeness(crop) >= max(turned) - (0.02 if face == 13 else 0.0)


def test_signs_from_behind_are_grey_and_have_no_face(stage):
    stage.signs((10.0, 0.0, 1.5, 0.0, 14))
    picture = stage.render(SPEC)
    boxes = boxes_of(stage, SPEC, picture)
    assert boxes.kind.tolist() == [ThingKind.SIGN] and boxes.face.tolist() == [-1]
    colors = picture.rgb[picture.instance == SIGN0].astype(int)
    assert len(colors) > 20 and np.ptp(colors, axis=1).max() < 25


def test_faces_of_the_maps_signs():
    def name(kind, value=0.0):
        return SIGN_NAMES[sign_face(int(kind), value)]

    assert name(SignKind.STOP) == "stop" and name(SignKind.YIELD) == "yield"
    assert name(SignKind.SPEED_LIMIT, 50 / 3.6) == "limit 50" and name(SignKind.SPEED_LIMIT, 30 / 3.6) == "limit 30"
    assert name(SignKind.SPEED_LIMIT, 25 * 0.44704) == "us limit 25"
    assert name(SignKind.PRIORITY_ROAD) == "priority road" and name(SignKind.NO_ENTRY) == "no entry"
    assert name(SignKind.PEDESTRIAN_CROSSING) == "pedestrian crossing"
    assert sign_face(int(SignKind.OTHER), 0.0) == -1


def test_brake_lights_and_indicators_burn(stage):
    def lit(time=0.0, **values):
        stage.engine.state.step[0] = round(time / stage.engine.scenario.dt)
        stage.put(1, BodyKind.CAR, 8.0, 0.0, **values)
        picture = stage.render(SPEC)
        stage.engine.state.step[0] = 0
        rgb = picture.rgb[picture.instance == 2].astype(int)
        red = (rgb[:, 0] > 220) & (rgb[:, 1] < 100) & (rgb[:, 2] < 100)
        amber = (rgb[:, 0] > 220) & (rgb[:, 1] > 110) & (rgb[:, 1] < 190) & (rgb[:, 2] < 60)
        return int(red.sum()), int(amber.sum())

    assert lit() == (0, 0)
    assert lit(accel=-2.0)[0] > 20
    assert lit(steer=0.3)[1] > 3 and lit(0.5, steer=0.3)[1] == 0  # they blink


def test_looks_are_a_function_of_seed_slot_and_generation(stage):
    def colors(seed=1, generation=0):
        stage.put(1, BodyKind.CAR, 8.0, 0.0, generation=generation)
        picture = stage.render(SPEC, seed=seed)
        return picture.rgb[picture.instance == 2]

    assert np.array_equal(colors(), colors())
    others = [colors(generation=n) for n in range(1, 9)] + [colors(seed=n) for n in range(2, 10)]
    assert sum(o.shape != colors().shape or not np.array_equal(o, colors()) for o in others) >= 14


def test_walkers_move_their_legs(stage):
    masks = []
    for time in (0.0, 0.3):
        stage.engine.state.step[0] = round(time / stage.engine.scenario.dt)
        stage.put(1, BodyKind.PEDESTRIAN, 6.0, 0.0, math.pi / 2, speed=1.4)
        masks.append(stage.render(SPEC).instance == 2)
    stage.engine.state.step[0] = 0
    changed = np.nonzero(masks[0] != masks[1])[0]
    assert len(changed) > 10
    rows = np.nonzero(masks[0])[0]
    assert np.median(changed) > 0.5 * (rows.min() + rows.max())  # the lower half
