"""The perceiver: what two cameras see becomes one Percept; the network is replaced by one that knows the answer."""

import math

import cv2
import numpy as np
import pytest

from perception.crops import LightClassifier
from perception.dataset import ShardWriter, read_shard
from perception.decode import Things
from perception.infer import Answer
from perception.perceive import Perceiver, read_lights
from perception.records import empty_percept
from perception.targets import make_target
from tests.perception.test_eyes import labels, perfect
from world.camera import CameraSpec
from world.camera_tags import Tag, ThingKind
from world.kinds import BodyKind, LightState
from world.records import SensorFrame
from world.sign_names import NO_SIGN, SIGN_NAMES

RIG = (
    CameraSpec("wide", fov=math.radians(100.0), period=0.1),
    CameraSpec("narrow", fov=math.radians(40.0), period=0.1, offset=0.05),
)
STOP = 14


def answer_for(folder, spec) -> Answer:
    """What a network that errs never says of the scene of `labels`, seen by a camera."""
    boxes, lines = labels()
    px, depth = spec.project(boxes.xyz)
    half = 0.5 * spec.focal * boxes.size[:, 1:] / depth[:, None]
    boxes.box[:] = boxes.whole[:] = np.concatenate([px - half, px + half], axis=1)
    tag = np.full((160, 320), Tag.ROAD, np.uint8)
    tag[:85] = Tag.SKY
    writer = ShardWriter(folder / f"{spec.name}.npz")
    writer.add(np.zeros((160, 320, 3), np.uint8), tag, spec, boxes, lines)
    writer.close()
    return perfect(make_target(read_shard(folder / f"{spec.name}.npz"), 0))


@pytest.fixture
def eyes(tmp_path):
    """A perceiver whose pictures say by their first pixel which camera took them; 255: of nothing at all."""
    known = [answer_for(tmp_path, spec) for spec in RIG]
    nothing = Answer(*(np.where(part > 0, -9.0, part).astype(np.float32) for part in known[0]))
    nothing.none[:] = 9.0

    def net(pictures):
        chosen = [nothing if p[0, 0, 0] == 255 else known[p[0, 0, 0]] for p in pictures]
        return Answer(*(np.concatenate(parts) for parts in zip(*chosen, strict=True)))

    def sign(crops):
        odds = np.zeros((len(crops), NO_SIGN + 1), np.float32)
        odds[:, STOP] = 0.9
        return odds.argmax(axis=1), odds

    def light(crops):
        odds = np.zeros((len(crops), 5), np.float32)
        odds[:, LightState.RED] = 1.0
        return odds.argmax(axis=1), odds

    return Perceiver(RIG, net, sign, light)


def frame(time=0.0, fresh=(True, True), speed=0.0, rate=0.0, says=(0, 1), lead=(1, 1), shape=(160, 320, 3)):
    one, images = np.ones(lead, np.float32), {}
    for name, value in zip(("wide", "narrow"), says, strict=True):
        images[name] = np.full((*lead, *shape), value, np.uint8)
    return SensorFrame(
        time=one * time, gnss_xy=np.zeros((*lead, 2), np.float32), gnss_valid=one > 0,
        accel_xy=np.zeros((*lead, 2), np.float32), yaw_rate=one * rate, wheel_speed=one * speed, steer=0 * one,
        images=images,
        image_fresh={n: np.full(lead, f) for n, f in zip(("wide", "narrow"), fresh, strict=True)},
    )  # fmt: skip


def test_what_both_cameras_see_is_told_once(eyes):
    percept = eyes(frame())
    users = percept.users
    assert users.valid[0, 0].sum() == 2
    kinds = {int(k): n for n, k in enumerate(users.kind[0, 0, :2])}
    np.testing.assert_allclose(users.xy[0, 0, kinds[BodyKind.CAR]], (20.0, 1.0), atol=0.1)
    np.testing.assert_allclose(users.xy[0, 0, kinds[BodyKind.PEDESTRIAN]], (12.0, -4.0), atol=0.1)
    assert percept.light_valid[0, 0].sum() == 1 and percept.light_state[0, 0, 0] == LightState.RED
    np.testing.assert_allclose(percept.light_xyz[0, 0, 0], (30.0, 3.0, 5.0), atol=0.15)
    assert percept.sign_valid[0, 0].sum() == 1 and SIGN_NAMES[percept.sign_face[0, 0, 0]] == "stop"
    assert percept.line_valid[0, 0, 1].any() and percept.line_valid[0, 0, 2].any()
    assert not percept.line_valid[0, 0, 0].any() and not percept.line_valid[0, 0, 3].any()


def test_a_light_whose_state_the_long_lens_cannot_tell_is_read_in_the_wide_picture(eyes):
    def light(crops):  # of heads that are large enough: those in the long lens
        return np.zeros(len(crops), np.int64), np.full((len(crops), 5), 0.2, np.float32)

    eyes.read_light = light
    percept = eyes(frame())
    assert percept.light_valid[0, 0].sum() == 1
    assert percept.light_state[0, 0, 0] == LightState.RED and percept.light_score[0, 0, 0] > 0.1


@pytest.mark.parametrize("lit", [True, False])
def test_a_head_that_the_upper_edge_cuts_is_green_only_if_its_lamp_is_lit(lit):
    """The network says green of both; the shipped classifier looks at the lamp."""
    picture = np.full((160, 320, 3), 180, np.uint8)
    picture[:18, 100:110] = 25
    cv2.circle(picture, (105, 12), 3, (40, 240, 150) if lit else (10, 45, 25), -1)
    one = np.ones(1)
    things = Things(
        kind=one * ThingKind.LIGHT, score=one, box=np.array([[100.0, -5.0, 110.0, 18.0]]), xyz=np.zeros((1, 3)),
        sigma=one, size=np.ones((1, 3)), yaw=0 * one, state=one.astype(int) * int(LightState.GREEN), state_score=one,
        front=one,
    )  # fmt: skip
    read_lights(things, picture, LightClassifier())
    assert (things.state_score[0] > 0.5) == lit


def test_what_is_masked_out_is_zero(eyes):
    eyes(frame())
    percept = eyes(frame(time=1.0, says=(255, 255)))
    for name, mask in (("light", percept.light_valid), ("sign", percept.sign_valid), ("line", percept.line_valid)):
        assert not mask.any(), name
    for array in (
        percept.light_xyz, percept.light_state, percept.light_score, percept.sign_xyz, percept.sign_face,
        percept.sign_score, percept.line_y, percept.line_sigma, percept.users.xy, percept.users.kind,
        percept.user_sigma,
    ):  # fmt: skip
        assert not array.any()


def test_the_older_picture_moves_with_the_vehicle(eyes):
    """2 m ahead and 0.1 rad to the left between two pictures: what stood still is where it was in the world."""
    eyes(frame(time=0.0))
    percept = eyes(frame(time=0.1, fresh=(False, True), speed=20.0, rate=1.0, says=(0, 255)))
    car = int(np.flatnonzero(percept.users.kind[0, 0] == BodyKind.CAR)[0])
    heading = 0.05  # on the way
    gone = 2.0 * np.array([math.cos(heading), math.sin(heading)])
    c, s = math.cos(0.1), math.sin(0.1)
    expected = np.array([[c, s], [-s, c]]) @ (np.array([20.0, 1.0]) - gone)
    np.testing.assert_allclose(percept.users.xy[0, 0, car], expected, atol=0.1)
    assert percept.users.valid[0, 0, car] and not percept.user_fresh[0, 0, car]


def test_the_edge_of_the_road_moves_too(eyes):
    before = eyes(frame(time=0.0)).edge_xy.copy()
    after = eyes(frame(time=0.1, fresh=(False, True), speed=10.0))
    seen = after.edge_valid[0, 0]
    assert seen.any()
    np.testing.assert_allclose(after.edge_xy[0, 0, seen], before[0, 0, seen] - (1.0, 0.0), atol=1e-4)
    assert not after.edge_xy[0, 0, ~seen].any()


def test_an_old_picture_is_forgotten(eyes):
    eyes(frame(time=0.0))
    percept = eyes(frame(time=1.0, fresh=(False, True), says=(0, 255)))
    assert not percept.users.valid.any()


def test_without_a_new_picture_nothing_is_told_anew(eyes):
    first = eyes(frame(time=0.0)).users.xy.copy()
    percept = eyes(frame(time=0.05, fresh=(False, False), speed=10.0))
    assert not percept.fresh.any()
    np.testing.assert_array_equal(percept.users.xy, first)


def test_a_reset_forgets_only_whom_it_names(eyes):
    percept = eyes(frame(lead=(2, 1)))
    assert percept.users.valid[:, 0].any(axis=1).all()
    eyes.reset(np.array([[True], [False]]))
    percept = eyes(frame(time=0.0, fresh=(False, False), lead=(2, 1)))
    blank = empty_percept(1, 1)
    np.testing.assert_array_equal(percept.users.xy[:1], blank.users.xy)
    np.testing.assert_array_equal(percept.line_valid[:1], blank.line_valid)
    assert percept.users.valid[1].any()
    eyes.reset()
    assert not eyes(frame(time=0.0, fresh=(False, False), lead=(2, 1))).users.valid.any()


def test_drivers_are_told_apart(eyes):
    """Two drivers at once are told as each would be alone."""
    both = eyes(frame(lead=(1, 2)))
    alone = Perceiver(RIG, eyes.net, eyes.read_sign, eyes.read_light)(frame())
    for k in range(2):
        np.testing.assert_array_equal(both.users.xy[0, k], alone.users.xy[0, 0])
        np.testing.assert_array_equal(both.line_y[0, k], alone.line_y[0, 0])


@pytest.mark.parametrize("shape", [(160, 320, 4), (160, 320, 1), (1, 1, 3), (4000, 8000, 3), (160, 160, 3)])
def test_odd_pictures_are_named(eyes, shape):
    images = {name: np.broadcast_to(np.uint8(0), (1, 1, *shape)) for name in ("wide", "narrow")}
    odd = frame()
    odd.images.update(images)
    with pytest.raises(ValueError, match="camera wide"):
        eyes(odd)


def test_pictures_of_floats_and_missing_cameras_are_named(eyes):
    odd = frame()
    odd.images["wide"] = np.zeros((1, 1, 160, 320, 3), np.float32)  # type: ignore[assignment]
    with pytest.raises(ValueError, match="float32"):
        eyes(odd)
    del odd.images["wide"]
    with pytest.raises(ValueError, match="no pictures of camera wide; there are narrow"):
        eyes(odd)


def test_larger_pictures_are_scaled_with_their_camera(eyes):
    """Twice the size: the same things at the same places."""
    small = eyes(frame())
    xy, light = small.users.xy.copy(), small.light_xyz.copy()
    eyes.reset()
    large = eyes(frame(shape=(320, 640, 3)))
    np.testing.assert_allclose(large.users.xy, xy, atol=1e-5)
    np.testing.assert_allclose(large.light_xyz, light, atol=1e-5)
