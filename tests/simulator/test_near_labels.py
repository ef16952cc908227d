"""Labels of things that reach behind the camera: a car beside us, a bus right before us."""

import math

import numpy as np
import pytest

from perception.metrics import box_iou
from simulator.camera_labels import label_boxes
from tests.simulator.camera_stage import Stage
from world.camera import WIDE, CameraSpec
from world.camera_labels import BoxLabels, box_corners, reaches_behind
from world.kinds import BodyKind

BENT = CameraSpec("bent", 320, 160, math.radians(80.0), pitch=0.02, roll=0.06, distortion=(-0.1, 0.01, 0, 0, 0))
LEFT = CameraSpec("left", 320, 160, math.radians(60.0), yaw=0.9, pitch=-0.1)
CASES = [
    *((BodyKind.CAR, x, y, 0.0) for x in (1.0, 2.0, 2.5, 3.5) for y in (2.4, -2.4)),
    (BodyKind.BUS, 6.0, 3.0, 0.0),
    (BodyKind.BUS, 6.0, -2.8, 0.1),
    (BodyKind.BUS, 5.5, 2.8, math.pi),
    (BodyKind.BUS, 0.0, 2.8, 0.0),
    (BodyKind.TRUCK, 3.0, 1.5, 0.6),
    (BodyKind.MOTORCYCLE, 1.2, 1.5, 0.2),
]  # fmt: skip


@pytest.fixture(scope="module")
def shared():
    stage = Stage()
    yield stage
    stage.engine.close()


@pytest.fixture
def stage(shared):
    shared.engine.model.slots.valid[0, 1:] = False
    shared.signs()
    return shared


def look(stage, spec):
    picture = stage.render(spec)
    return picture, label_boxes(stage.engine, 0, 0, spec, picture, stage.renderer.props(0))


def cuboid_pixels(boxes: BoxLabels, d: int, spec: CameraSpec) -> np.ndarray:
    """(H, W) whether the ray of a pixel meets the cuboid of thing d ahead of the camera."""
    v, u = np.mgrid[0 : spec.height, 0 : spec.width].astype(float)
    c, s = math.cos(boxes.yaw[d]), math.sin(boxes.yaw[d])
    turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    ray = spec.rays(np.stack((u, v), axis=-1)) @ turn.T
    at = turn @ (np.array((spec.x, spec.y, spec.z)) - boxes.xyz[d])
    with np.errstate(divide="ignore"):
        one, other = (-0.5 * boxes.size[d] - at) / ray, (0.5 * boxes.size[d] - at) / ray
    enters, leaves = np.minimum(one, other).max(axis=-1), np.maximum(one, other).min(axis=-1)
    return leaves > np.maximum(enters, 0.3)


def around(mask: np.ndarray) -> np.ndarray:
    v, u = np.nonzero(mask)
    return np.array([u.min() - 0.5, v.min() - 0.5, u.max() + 0.5, v.max() + 0.5])


@pytest.mark.parametrize("spec", [WIDE, BENT, LEFT], ids=lambda spec: spec.name)
@pytest.mark.parametrize("kind, x, y, yaw", CASES)
def test_what_is_beside_us_has_a_box_around_its_pixels(stage, spec, kind, x, y, yaw):
    number = stage.put(1, kind, x, y, yaw)
    picture, boxes = look(stage, spec)
    own = picture.instance == number
    assert len(boxes.kind) <= 1 and (len(boxes.kind) == 1) >= (own.sum() > 10)
    if not own.any():
        return
    np.testing.assert_allclose(boxes.xyz[0, :2], (x, y), atol=1e-3)
    assert boxes.instance.tolist() == [number] and boxes.visible[0] == pytest.approx(1.0, abs=0.06)
    assert (boxes.whole[0, :2] <= boxes.box[0, :2]).all() and (boxes.whole[0, 2:] >= boxes.box[0, 2:]).all()
    if not reaches_behind(boxes.xyz, boxes.size, boxes.yaw, spec)[0]:
        assert spec is not WIDE or box_iou(boxes.box, around(own)[None])[0, 0] > 0.6
        return
    np.testing.assert_allclose(boxes.box[0], around(cuboid_pixels(boxes, 0, spec)), atol=1.1)
    room = 0.25 * spec.focal / max(abs(y) - 1.0, 1.0)  # [px] mirrors, lamps and wheels stand out by less than 0.25 m
    assert (boxes.box[0, :2] < around(own)[:2] + room).all() and (boxes.box[0, 2:] > around(own)[2:] - room).all()
    if own.sum() > 2000:  # a bonnet is lower than the cuboid
        assert box_iou(boxes.box, around(own)[None])[0, 0] > (0.6 if spec is WIDE else 0.5)


def test_most_of_the_cases_reach_behind_the_camera(stage):
    """And fill much of the picture."""
    pixels = {}
    for kind, x, y, yaw in CASES:
        number = stage.put(1, kind, x, y, yaw)
        picture, boxes = look(stage, WIDE)
        if reaches_behind(boxes.xyz, boxes.size, boxes.yaw, WIDE).all() and len(boxes.kind):
            pixels[kind, x, y] = int((picture.instance == number).sum())
    assert len(pixels) >= 9 and min(pixels[BodyKind.BUS, 6.0, y] for y in (3.0, -2.8)) > 5000
    assert (BodyKind.CAR, 3.5, 2.4) not in pixels and pixels[BodyKind.CAR, 2.5, 2.4] > 1000


def test_what_is_behind_the_camera_has_no_label(stage):
    for slot, (x, y) in enumerate([(-3.0, 2.4), (-2.0, -2.4), (-9.0, 0.0)], 1):
        stage.put(slot, BodyKind.CAR, x, y)
    assert len(look(stage, WIDE)[1].kind) == 0
    stage.put(4, BodyKind.CAR, 1.0, 30.0)  # across the camera's plane, far beside the picture
    assert len(look(stage, WIDE)[1].kind) == 0


def test_other_labels_are_what_they_were(stage):
    """A bus beside us changes no other label but what it hides; nearest first."""
    stage.put(1, BodyKind.CAR, 14.0, -1.0, 0.3)
    stage.put(2, BodyKind.CAR, 3.5, -2.4)
    _, before = look(stage, WIDE)
    bus = stage.put(3, BodyKind.BUS, 5.8, 3.0)
    _, after = look(stage, WIDE)
    assert after.instance.tolist() == [3, bus, 2]
    for name in BoxLabels.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(after, name)[[0, 2]], getattr(before, name), err_msg=name)


def test_corners_and_what_reaches_behind():
    xyz, size, yaw = np.array([[3.0, 0.0, 1.0]] * 3), np.array([[4.0, 2.0, 1.5]] * 3), np.array([0.0, 0.5, math.pi / 2])
    corners = box_corners(xyz, size, yaw)
    np.testing.assert_allclose(corners[0, [0, 7]], [(1.0, -1.0, 0.25), (5.0, 1.0, 1.75)])
    np.testing.assert_allclose(corners[2, 4], (4.0, 2.0, 0.25), atol=1e-9)
    spec = CameraSpec("ahead", x=0.5)  # depth 0.3 lies at x = 0.8
    assert reaches_behind(xyz, size, yaw, spec).tolist() == [False, True, False]
    assert reaches_behind(xyz - (0.25, 0.0, 0.0), size, yaw, spec).tolist() == [True, True, False]
    assert reaches_behind(xyz[:0], size[:0], yaw[:0], spec).shape == (0,)
