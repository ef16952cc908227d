"""The eyes' network learns: targets in a mirror, what is not judged, losses, one batch by heart, going on."""

import math
from dataclasses import replace

import numpy as np
import pytest

from perception import layout
from perception.dataset import ShardWriter, read_pictures, read_shard
from perception.targets import FACING, judged, make_target
from tests.perception.test_eyes import SPEC, labels, perfect
from world.camera import CameraSpec
from world.camera_labels import LINE_SLOTS
from world.camera_tags import Tag, ThingKind
from world.kinds import LightState

torch = pytest.importorskip("torch", reason="training needs torch")


def write(path, spec=SPEC, boxes=None, count=2):
    """A shard of pictures in which each thing is a block of a colour of its kind, and the lines are white."""
    own, lines = labels()
    boxes = boxes or own
    tag = np.full((160, 320), Tag.TERRAIN, np.uint8)
    tag[84:, 60:260] = Tag.ROAD
    rgb = np.full((160, 320, 3), 90, np.uint8)
    rgb[84:, 60:260] = 130
    for x, y in lines.px[lines.valid].round().astype(int):
        if 0 <= x < 320 and 0 <= y < 160:
            rgb[y, max(x - 1, 0) : x + 2] = 250
    for kind, (x0, y0, x1, y1) in zip(boxes.kind, boxes.box.round().astype(int), strict=True):
        rgb[max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1] = np.eye(5, 3)[kind] * 200 + 20
    writer = ShardWriter(path)
    for n in range(count):
        writer.add(np.roll(rgb, n, axis=2) if n else rgb, tag, spec, boxes, lines)
    writer.close()
    return read_shard(path)


def batch_of(pictures, count=1, turned=False):
    """The first pictures' targets as training takes them."""
    from perception.networks.batches import encode, target_batch

    return target_batch(encode(pictures), np.arange(count), np.full(count, turned))


def light_at(x, z, turn=0.0, pitch=0.0, state=LightState.RED, visible=1.0):
    """(pictures of one light, its camera): x ahead, z up, turned away from us by an angle."""
    boxes, _ = labels()
    one = {n: getattr(boxes, n)[2:3].copy() for n in boxes.__dataclass_fields__}
    one["xyz"][:] = x, 0.0, z
    one["yaw"][:], one["state"][:], one["visible"][:] = math.pi - turn, state, visible
    return replace(boxes, **one), CameraSpec("picture", fov=SPEC.fov, pitch=pitch)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"x": 20.0, "z": 4.0}, (True, True)),
        ({"x": 20.0, "z": 4.0, "turn": math.acos(FACING) + 0.05}, (False, False)),
        ({"x": 20.0, "z": 4.0, "turn": math.acos(FACING) - 0.05}, (True, True)),
        ({"x": 20.0, "z": 4.0, "visible": 0.4}, (False, True)),
        ({"x": 20.0, "z": 6.9}, (False, True)),  # the upper edge, at 7.13 m, cuts the red lamp off
        ({"x": 20.0, "z": 6.9, "state": LightState.GREEN}, (True, True)),  # and the green one is seen
        ({"x": 20.0, "z": 6.9, "state": LightState.OFF}, (False, True)),
    ],
)
def test_lights_that_nobody_could_read_are_not_asked_for(tmp_path, where, expected):
    boxes, spec = light_at(**where)
    pictures = write(tmp_path / "train-0-00000.npz", spec, boxes, count=1)
    assert SPEC.z + (20.0 - SPEC.x) * 80.0 / SPEC.focal == pytest.approx(7.13, abs=0.01)
    assert judged(pictures, 0, spec) == expected


def test_the_mirrored_target_is_that_of_the_mirrored_world(tmp_path):
    boxes, lines = labels()
    sides = np.array([1.0, -1.0, 1.0], np.float32)
    turned = boxes.box[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32) + np.array([319, 0, 319, 0], np.float32)
    other = replace(boxes, xyz=boxes.xyz * sides, yaw=-boxes.yaw, box=turned, whole=turned)
    px = np.where(lines.valid[..., None], np.stack((319.0 - lines.px[..., 0], lines.px[..., 1]), axis=-1), 0.0)
    other_lines = replace(
        lines, xyz=(lines.xyz * sides)[::-1], px=px[::-1].astype(np.float32), valid=lines.valid[::-1],
        seen=lines.seen[::-1], kind=lines.kind[::-1], mark=lines.mark[::-1],
    )  # fmt: skip
    writer = ShardWriter(tmp_path / "train-0-00001.npz")
    tag = np.full((160, 320), Tag.ROAD, np.uint8)
    writer.add(np.zeros((160, 320, 3), np.uint8), tag, SPEC, other, other_lines)
    writer.close()
    mirror = batch_of(read_shard(tmp_path / "train-0-00001.npz"))
    found = batch_of(write(tmp_path / "train-0-00000.npz", count=1), turned=True)
    there = mirror.line_state == 1
    np.testing.assert_array_equal(found.line_state, mirror.line_state)
    np.testing.assert_allclose(found.line_x[there], mirror.line_x[there], atol=1e-3)
    np.testing.assert_array_equal(found.line_trait, mirror.line_trait)
    np.testing.assert_allclose(found.heat, mirror.heat, atol=1e-3)
    order = [np.lexsort(batch.where.numpy().T) for batch in (found, mirror)]
    for name in ("where", "kind", "judged", "share", "value"):
        a, b = (getattr(batch, name).numpy()[at] for batch, at in zip((found, mirror), order, strict=True))
        np.testing.assert_allclose(a, b, atol=1e-4, err_msg=name)


def test_the_right_answer_costs_less_than_others(tmp_path):
    from perception.networks.losses import TASKS, eye_losses

    pictures = write(tmp_path / "train-0-00000.npz", count=1)
    target = batch_of(pictures)
    one = make_target(pictures, 0)
    answer = perfect(one)
    for slot, row in np.argwhere(one.line_state == 1):
        column = int(one.line_x[slot, row])
        answer.line[0, LINE_SLOTS:, row, column] = 20.0 * one.line_trait[slot] - 10.0
    best = eye_losses(tuple(torch.from_numpy(part) for part in answer), target)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    for _ in range(5):
        noisy = tuple(torch.from_numpy(part + rng.normal(0, 2.0, part.shape).astype(np.float32)) for part in answer)
        worse = eye_losses(noisy, target)  # type: ignore[arg-type]
        assert all(float(best[name]) < float(worse[name]) for name in TASKS if name not in ("trait", "state"))
    opposite = eye_losses(tuple(torch.from_numpy(-part) for part in answer), target)  # type: ignore[arg-type]
    assert all(float(best[name]) < float(opposite[name]) - 1.0 for name in ("trait", "state"))


def test_the_state_of_a_light_that_is_not_judged_costs_nothing(tmp_path):
    from perception.networks.losses import eye_losses

    pictures = write(tmp_path / "train-0-00000.npz", count=1)
    target = batch_of(pictures)
    assert target.judged[target.kind == int(ThingKind.LIGHT), 0].all()
    h, w = target.heat.shape[2:]
    parts = [torch.zeros(1, n, h, w) for n in (layout.SEG_CLASSES, LINE_SLOTS + layout.LINE_TRAITS)]
    answer = (*parts, torch.zeros(1, LINE_SLOTS, h), torch.zeros(1, layout.DETECTION_CHANNELS, h, w))
    assert float(eye_losses(answer, target)["state"]) == pytest.approx(math.log(5.0) + math.log(2.0), rel=1e-4)
    unasked = target._replace(judged=torch.zeros_like(target.judged))
    assert float(eye_losses(answer, unasked)["state"]) == 0.0


def test_one_batch_is_learned_by_heart(tmp_path):
    """After some steps on one batch the things come out of the network where they are."""
    from perception.decode import decode_things
    from perception.infer import Answer
    from perception.networks.eye_net import EyeNet
    from perception.networks.losses import Balance, eye_losses

    torch.manual_seed(0)
    torch.set_num_threads(1)
    pictures = write(tmp_path / "train-0-00000.npz")
    x, target = torch.from_numpy(pictures.rgb), batch_of(pictures, 2)
    net, balance = EyeNet((16, 16, 16, 16, 16), (0, 0, 0), 32).train(), Balance()
    optimiser = torch.optim.AdamW([*net.parameters(), *balance.parameters()], lr=4e-3)
    first = last = {}
    for step in range(160):
        losses = eye_losses(net(x), target)
        first, last = (losses if step == 0 else first), losses
        optimiser.zero_grad()
        balance(losses).backward()
        optimiser.step()
    assert all(float(last[name].detach()) < 0.5 * float(first[name].detach()) for name in ("seg", "line", "heat"))
    with torch.no_grad():  # in training mode: the running means of so few steps say little
        found = decode_things(Answer(*(part.numpy() for part in net(x))), 0, SPEC)
    boxes, _ = labels()
    for kind, box in zip(boxes.kind, boxes.box, strict=True):
        near = np.abs(found.box[found.kind == kind] - box).max(axis=1) if (found.kind == kind).any() else [np.inf]
        assert min(near) < 4.0, ThingKind(int(kind)).name


def test_going_on_is_as_if_never_stopped(tmp_path, monkeypatch):
    """The same weights, bit for bit, whether a training was cut in two or not."""
    from safetensors.torch import load_file

    import training.fit_eye as fit_eye

    for n in range(2):
        write(tmp_path / f"train-0-0000{n}.npz", count=2)
    small = fit_eye.EyeNet
    monkeypatch.setattr(fit_eye, "EyeNet", lambda: small((16, 16, 16, 16, 16), (0, 0, 0), 32))
    torch.set_num_threads(1)
    whole = fit_eye.fit_eye([tmp_path], tmp_path, tmp_path / "whole", 3, batch=2)
    real = fit_eye._Trainer.end_epoch
    monkeypatch.setattr(fit_eye._Trainer, "end_epoch", lambda self, *held: real(self, *held) or True)
    fit_eye.fit_eye([tmp_path], tmp_path, tmp_path / "cut", 3, batch=2)
    monkeypatch.setattr(fit_eye._Trainer, "end_epoch", real)
    cut = fit_eye.fit_eye([tmp_path], tmp_path, tmp_path / "cut", 3, batch=2)
    a, b = (load_file(path.parent / "last.safetensors") for path in (whole, cut))
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_trainings_that_cannot_be(tmp_path):
    from training.fit_eye import fit_eye

    write(tmp_path / "train-0-00000.npz")
    with pytest.raises(ValueError, match="batches of 9: allowed are 1 to 2"):
        fit_eye([tmp_path], tmp_path, tmp_path / "out", 1, batch=9)
    with pytest.raises(ValueError, match="epochs 0"):
        fit_eye([tmp_path], tmp_path, tmp_path / "out", 0, batch=2)
    (tmp_path / "odd.safetensors").write_bytes(b"rubbish")
    with pytest.raises(ValueError, match=r"odd\.safetensors"):
        fit_eye([tmp_path], tmp_path, tmp_path / "out", 1, batch=2, start=tmp_path / "odd.safetensors")


def test_a_flipped_byte_is_found(tmp_path):
    path = tmp_path / "train-0-00000.npz"
    write(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0x40
    path.write_bytes(data)
    with pytest.raises(ValueError, match=path.name):
        read_pictures([tmp_path])
