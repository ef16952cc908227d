"""What reaches behind the camera is neither to be found nor wrong to be found: targets and scores."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from perception.crops import SignClassifier
from perception.dataset import ShardWriter, read_shard
from perception.layout import STRIDE
from perception.targets import make_target
from tests.perception.test_eyes import SPEC, labels
from training.evaluate import _Tally
from world.camera_labels import reaches_behind
from world.camera_tags import Tag, ThingKind

BESIDE = np.array([-0.5, 60.5, 99.5, 159.5], np.float32)  # [px] of a car of which the camera sees the front half


@pytest.fixture
def take(tmp_path):
    def write(near: bool, visible: float = 1.0, x: float = 1.5):
        """A picture of what `labels` has, with or without a car beside us."""
        boxes, lines = labels()
        if near:
            one = {n: getattr(boxes, n)[:1].copy() for n in boxes.__dataclass_fields__}
            one |= {
                "xyz": [(x, 2.5, 0.8)],
                "yaw": [0.0],
                "box": [BESIDE],
                "whole": [BESIDE * 3.0],
                "visible": [visible],
            }
            joined = {n: np.concatenate((one[n], getattr(boxes, n))) for n in one}
            boxes = replace(boxes, **{n: value.astype(getattr(boxes, n).dtype) for n, value in joined.items()})
        writer = ShardWriter(tmp_path / "shard.npz")
        tag = np.full((160, 320), Tag.ROAD, np.uint8)
        writer.add(np.zeros((160, 320, 3), np.uint8), tag, SPEC, boxes, lines)
        writer.close()
        return read_shard(tmp_path / "shard.npz")

    return write


def test_targets_ask_for_nothing_where_it_is(take):
    plain, own = make_target(take(False), 0), make_target(take(True), 0)
    for name in ("heat", "cell", "share", "value", "kind", "judged"):
        np.testing.assert_array_equal(getattr(own, name), getattr(plain, name), err_msg=name)
    vehicle = int(ThingKind.VEHICLE)
    others = np.arange(5) != vehicle
    assert (plain.weight == 1.0).all() and (own.weight[others] == 1.0).all()
    v, u = np.indices(own.weight.shape[1:]) * STRIDE + 1.5
    inside = (u > BESIDE[0]) & (v > BESIDE[1]) & (u < BESIDE[2]) & (v < BESIDE[3])
    assert (own.weight[vehicle][inside] == 0.0).all()
    far = (u > BESIDE[2] + STRIDE) | (v < BESIDE[1] - STRIDE)
    assert (own.weight[vehicle][far] == 1.0).all()


def test_what_is_to_be_found_before_it_stays_so(take):
    pictures = take(True)
    car = pictures.box_box[1]  # the car ahead now stands in what the near one covers
    car[0::2] += 60.0 - 0.5 * (car[0] + car[2])
    car[1::2] += 90.0 - 0.5 * (car[1] + car[3])
    target = make_target(pictures, 0)
    heat, weight = target.heat[ThingKind.VEHICLE], target.weight[ThingKind.VEHICLE]
    row, column = round((90.0 - 1.5) / STRIDE), round((60.0 - 1.5) / STRIDE)
    assert heat[row, column] == 1.0 and (weight[heat > 0.0] == 1.0).all()
    assert weight[row + 10, column] == 0.0
    assert (target.cell[target.share == 1.0] == (row, column)).all(axis=1).any()


def test_what_is_hidden_or_just_ahead_is_treated_as_before(take):
    assert (make_target(take(True, visible=0.01), 0).weight == 1.0).all()
    ahead = make_target(take(True, x=3.2), 0)  # its rear at depth 0.45 m
    assert (ahead.share == 1.0).sum() == 5 and (ahead.weight == 1.0).all()


def tallied(pictures, things, tally=None):
    """Scores of what is said of one picture, on top of others."""
    tally = tally or _Tally()
    tally.things(pictures, 0, things, cast(SignClassifier, None))  # no sign is found
    return tally


def found(*boxes, kind=ThingKind.VEHICLE):
    """What a network says: boxes, each surer than the next, 10 m away."""
    n = len(boxes)
    return SimpleNamespace(
        kind=np.full(n, kind), box=np.array(boxes, np.float32).reshape(n, 4), score=0.9 - 0.1 * np.arange(n),
        xyz=np.tile((10.0, 0.0, 0.8), (n, 1)), state=np.zeros(n, int),
    )  # fmt: skip


@pytest.mark.parametrize("shown", [(), (BESIDE,), (BESIDE - (0, 0, 30, 0),)], ids=["missed", "found", "half"])
def test_scores_pass_it_over(take, shown):
    pictures = take(True)
    near = reaches_behind(pictures.box_xyz, pictures.box_size, pictures.box_yaw, SPEC)
    assert near.tolist() == [True, False, False, False, False]
    tally = tallied(pictures, found(pictures.box_box[1], *shown))
    matches = tally.matches[ThingKind.VEHICLE]
    assert matches.wanted == 1 and matches.hits == [True] and matches.average_precision() == 1.0
    assert len(tally.distance[ThingKind.VEHICLE]) == 1
    tallied(pictures, found((250, 100, 300, 150)), tally)
    assert matches.wanted == 2 and matches.hits == [True, False]  # elsewhere it is wrong


def test_just_ahead_it_is_asked_for(take):
    tally = tallied(take(True, x=3.2), found(BESIDE))
    assert tally.matches[ThingKind.VEHICLE].wanted == 2 and tally.matches[ThingKind.VEHICLE].hits == [True]
    assert math.isclose(tally.matches[ThingKind.VEHICLE].average_precision(), 0.5)
