"""From labels to targets, and from answers to things and lines: each undoes the other."""

import math

import numpy as np
import pytest

from perception import layout
from perception.dataset import ShardWriter, read_pictures, read_shard
from perception.decode import decode_edges, decode_lines, decode_paint, decode_seg, decode_things
from perception.infer import Answer, EyeNet
from perception.line_fit import fit_line
from perception.records import LINE_X
from perception.targets import make_target
from world.camera import CameraSpec
from world.camera_labels import LINE_SLOTS, BoxLabels, LineLabels
from world.camera_tags import Tag, ThingKind
from world.kinds import LightState

SPEC = CameraSpec("picture", fov=math.radians(60.0), pitch=0.0)


def labels():
    """A car, a walker, a light and a sign before us; two straight boundaries."""
    xyz = np.array([[20.0, 1.0, 0.8], [12.0, -4.0, 0.9], [30.0, 3.0, 5.0], [18.0, -5.0, 2.3]], np.float32)
    size = np.array([[4.5, 1.8, 1.5], [0.6, 0.6, 1.8], [0.22, 0.36, 0.98], [0.03, 0.75, 0.75]], np.float32)
    px, depth = SPEC.project(xyz)
    half = 0.5 * SPEC.focal * size[:, 1:] / depth[:, None]
    box = np.concatenate([px - half, px + half], axis=1).astype(np.float32)
    n = len(xyz)
    boxes = BoxLabels(
        kind=np.array([ThingKind.VEHICLE, ThingKind.PEDESTRIAN, ThingKind.LIGHT, ThingKind.SIGN], np.int8),
        body=np.array([0, 6, -1, -1], np.int8), box=box, whole=box, visible=np.ones(n, np.float32), xyz=xyz, size=size,
        yaw=np.array([0.3, 1.0, math.pi - 0.01, 3.0], np.float32), velocity=np.zeros((n, 2), np.float32),
        state=np.array([-1, -1, LightState.RED, -1], np.int8), face=np.array([-1, -1, -1, 14], np.int16),
        instance=np.arange(1, n + 1, dtype=np.uint16),
    )  # fmt: skip
    x = np.arange(1.0, 60.0)
    line = np.zeros((LINE_SLOTS, len(x), 3), np.float32)
    line[1], line[2] = np.stack([x, 1.75 + 0 * x, 0 * x], 1), np.stack([x, -1.75 + 0.02 * x, 0 * x], 1)
    lpx, depth = SPEC.project(line)
    valid = np.zeros((LINE_SLOTS, len(x)), np.bool_)
    valid[1:3] = depth[1:3] > 0.5
    lines = LineLabels(
        slot=np.arange(LINE_SLOTS, dtype=np.int8), kind=np.array([0, 0, 1, 0], np.int8),
        mark=np.array([0, 2, 9, 0], np.int8), color=np.zeros(LINE_SLOTS, np.int8), xyz=line,
        px=lpx.astype(np.float32), valid=valid, seen=valid,
    )  # fmt: skip
    return boxes, lines


@pytest.fixture
def pictures(tmp_path):
    tag = np.full((160, 320), Tag.TERRAIN, np.uint8)
    tag[92:, 60:260] = Tag.ROAD
    tag[130:142, 100:200] = Tag.STOP_LINE
    writer = ShardWriter(tmp_path / "train-0-00000.npz")
    for _ in range(2):
        writer.add(np.zeros((160, 320, 3), np.uint8), tag, SPEC, *labels())
    writer.close()
    return read_pictures([tmp_path])


def perfect(target):
    """The answer of a network that has learned a target by heart."""
    h, w = target.heat.shape[1:]
    thing = np.zeros((1, layout.DETECTION_CHANNELS, h, w), np.float32)
    p = np.clip(target.heat, 1e-4, 1 - 1e-4)
    thing[0, layout.HEAT] = np.log(p / (1 - p))
    for (row, column), value in zip(target.cell, target.value, strict=True):
        thing[0, 5:, row, column] = value[5:]
        thing[0, layout.STATE, row, column] *= 20.0
        thing[0, layout.FRONT, row, column] = 20.0 * value[layout.FRONT] - 10.0
    line = np.full((1, LINE_SLOTS + layout.LINE_TRAITS, h, w), -20.0, np.float32)
    none = np.zeros((1, LINE_SLOTS, h), np.float32)
    for slot, row in np.argwhere(target.line_state == 1):
        x = float(target.line_x[slot, row])
        left = min(int(x), w - 2)
        line[0, slot, row, left] = 10.0 + math.log(max(1.0 - (x - left), 1e-6))
        line[0, slot, row, left + 1] = 10.0 + math.log(max(x - left, 1e-6))
    seg = np.log(target.seg[None].astype(np.float32) / 255.0 + 1e-3)
    return Answer(seg, line, none, thing)


def test_things_come_back(pictures):
    target = make_target(pictures, 0)
    found = decode_things(perfect(target), 0, SPEC)
    boxes, _ = labels()
    assert sorted(found.kind) == sorted(boxes.kind)
    for d in range(len(boxes.kind)):
        n = int(np.flatnonzero(found.kind == boxes.kind[d])[0])
        np.testing.assert_allclose(found.xyz[n], boxes.xyz[d], atol=0.05)
        np.testing.assert_allclose(found.box[n], boxes.box[d], atol=0.1)
        np.testing.assert_allclose(found.size[n], boxes.size[d], rtol=1e-3)
        off = (found.yaw[n] - boxes.yaw[d] + math.pi) % (2 * math.pi) - math.pi
        assert abs(off) < 1e-3
        if boxes.kind[d] == ThingKind.LIGHT:
            assert found.state[n] == LightState.RED and found.front[n] > 0.9


def test_lines_come_back(pictures):
    points = decode_lines(perfect(make_target(pictures, 0)), 0, SPEC)
    for slot, y0, slope in ((1, 1.75, 0.0), (2, -1.75, 0.02)):
        xy, sigma = points.xy[points.slot == slot], points.sigma[points.slot == slot]
        y, sure, valid = fit_line(xy, sigma)
        near = valid & (LINE_X < 30.0)
        assert near.sum() > 12
        np.testing.assert_allclose(y[near], y0 + slope * LINE_X[near], atol=0.06)
        assert (sure[near] > 0).all()
    assert set(points.slot) == {1, 2}


def test_paint_and_edges(pictures):
    seg = decode_seg(perfect(make_target(pictures, 0)), 0)
    bars = decode_paint(seg, layout.STOP_LINE, SPEC)
    assert len(bars) == 1
    far, near = SPEC.ground(np.array([[150.0, 130.0], [150.0, 142.0]]))[0][:, 0]
    assert near - 0.5 < bars[0, 0] < bars[0, 1] < far + 0.5
    xy, valid = decode_edges(seg, SPEC, 64)
    assert not valid[0] and valid[32]  # grass at the left, road to the horizon in the middle
    assert np.hypot(*xy[32]) > 20.0


def test_a_hidden_thing_is_neither_right_nor_wrong(pictures):
    pictures.box_visible[pictures.boxes(0)][0] = 0.1
    target = make_target(pictures, 0)
    assert (target.share == 1.0).sum() == 3
    assert (target.weight[ThingKind.VEHICLE] == 0).any() and (target.weight[ThingKind.PEDESTRIAN] == 1).all()


def test_fit_line_passes_over_what_lies_off():
    rng = np.random.default_rng(0)
    x = np.linspace(4.0, 40.0, 40)
    y = 1.5 + 0.01 * x + 0.0005 * x * x + rng.normal(0.0, 0.03, 40)
    y[::10] += 2.0
    found, _, valid = fit_line(np.stack([x, y], axis=1), np.full(40, 0.1))
    at = LINE_X[valid].astype(np.float64)
    keep = at < 36.0
    np.testing.assert_allclose(found[valid][keep], (1.5 + 0.01 * at + 0.0005 * at * at)[keep], atol=0.12)


def test_broken_shards_are_named(tmp_path, pictures):
    path = next(tmp_path.glob("*.npz"))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=path.name):
        read_shard(path)
    with pytest.raises(ValueError, match="generate"):
        read_pictures([tmp_path / "nowhere"])


def test_broken_weights_are_named(tmp_path):
    path = tmp_path / "eye.onnx"
    with pytest.raises(ValueError, match="no such file"):
        EyeNet(path)
    path.write_bytes(b"rubbish" * 100)
    with pytest.raises(ValueError, match=r"eye\.onnx"):
        EyeNet(path)


def test_a_network_leaves_the_arithmetic_of_its_caller_alone():
    """Small numbers stay what they are: states, hashes and trees of other code depend on them."""
    small = np.array([1e-310])
    EyeNet()(np.zeros((1, 160, 320, 3), np.uint8))
    assert (small * 0.5)[0] > 0.0


def test_threads_change_no_bit():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 160, 320, 3), dtype=np.uint8)
    for one, two in zip(EyeNet()(pictures), EyeNet(threads=2)(pictures), strict=True):
        np.testing.assert_array_equal(one, two)
