"""Pascal VOC files, also hostile ones; average precision by hand; the network's frame of any picture."""

import cv2
import numpy as np
import pytest

from perception.any_picture import fit_picture
from perception.evaluate_boxes import evaluate_voc
from perception.vanishing import CameraGuess, camera_at
from perception.voc import read_voc
from tests.data import shared_data
from world.camera_tags import ThingKind

OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def put(root, name, *things, text=None):
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(root / "images" / f"{name}.png"), np.full((100, 200, 3), int(name), np.uint8))
    body = "".join(OBJECT.format(*thing) for thing in things)
    (root / "labels" / f"{name}.xml").write_text(text or f"<annotation>{body}</annotation>")


def detector(answers):
    """Answers by the grey of the picture."""

    def detect(picture):
        rows = answers.get(int(picture[0, 0, 0]), [])
        kinds = np.array([r[0] for r in rows], int)
        return kinds, np.array([r[1] for r in rows], float), np.array([r[2] for r in rows], float).reshape(-1, 4)

    return detect


def test_average_precision_by_hand(tmp_path):
    put(tmp_path, "1", ("vehicle", 10, 10, 50, 50), ("vehicle", 100, 10, 150, 50), ("Traffic_Light", 5, 5, 9, 15))
    put(tmp_path, "2", ("car", 10, 10, 50, 50), ("dog", 1, 1, 5, 5))
    answers = {
        1: [
            (0, 0.9, (10, 10, 50, 50)),
            (0, 0.8, (60, 60, 90, 90)),
            (0, 0.7, (100, 10, 150, 50)),
            (2, 0.9, (0, 0, 9, 9)),
        ],
        2: [(0, 0.6, (10, 10, 50, 20))],
    }  # hit, miss, hit, miss: recall 1/3 at precision 1, 2/3 at 2/3
    report = evaluate_voc(tmp_path, detector(answers))
    assert report["per_class"]["vehicle"] == {"ap": pytest.approx(1 / 3 + 1 / 3 * 2 / 3), "n": 3}
    assert report["per_class"]["light"] == {"ap": 0.0, "n": 1} and "pedestrian" not in report["per_class"]
    assert report["ap"] == pytest.approx(5 / 18) and report["unmapped"] == {"dog": 1} and report["n"] == 2


def test_boxes_too_small_are_neither(tmp_path):
    put(tmp_path, "1", ("person", 10, 10, 50, 50), ("person", 100, 10, 104, 14))
    answers = {1: [(2, 0.5, (10, 10, 50, 50)), (2, 0.9, (100, 10, 104, 14))]}
    report = evaluate_voc(tmp_path, detector(answers), smallest=5.0)
    assert report["per_class"]["pedestrian"] == {"ap": 1.0, "n": 1}
    assert evaluate_voc(tmp_path, detector({}), names={"person": ThingKind.SIGN})["per_class"]["sign"]["n"] == 2


HOSTILE = {
    "entity": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>',
    "bomb": '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><annotation>&y;</annotation>',
    "cut": "<annotation><object>",
    "empty": " ",
    "other": "<html></html>",
    "nameless": "<annotation><object></object></annotation>",
    "boxless": "<annotation><object><name>car</name></object></annotation>",
    "inverted": "<annotation>" + OBJECT.format("car", 50, 10, 10, 50) + "</annotation>",
    "words": "<annotation>" + OBJECT.format("car", "one", 10, 10, 50) + "</annotation>",
    "nan": "<annotation>" + OBJECT.format("car", "nan", 10, 10, 50) + "</annotation>",
    "utf16": "<!DOCTYPE a [<!ENTITY x 'y'>]><annotation>&x;</annotation>",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_labels_are_named_and_left_out(tmp_path, kind):
    put(tmp_path, "1", ("car", 10, 10, 50, 50))
    put(tmp_path, "2", text=HOSTILE[kind])
    if kind == "utf16":
        (tmp_path / "labels" / "2.xml").write_bytes(HOSTILE[kind].encode("utf-16"))
    data = read_voc(tmp_path)
    assert len(data.pictures) == 1 and len(data.broken) == 1 and "2.xml" in data.broken[0]


def test_missing_things_are_named(tmp_path):
    put(tmp_path, "1", ("car", 10, 10, 50, 50))
    (tmp_path / "images" / "1.png").unlink()
    assert "its picture (1) is not there" in read_voc(tmp_path).broken[0]
    with pytest.raises(ValueError, match="none of 1 labelled pictures"):
        evaluate_voc(tmp_path, detector({}))
    with pytest.raises(ValueError, match="no labels here"):
        read_voc(tmp_path / "images")
    with pytest.raises(ValueError, match="no such folder"):
        read_voc(tmp_path / "absent")


def test_carla_frames_are_read():
    data = read_voc(shared_data("carla_detection"))
    assert len(data.pictures) == 120 and not data.broken
    assert sum(name == "vehicle" for p in data.pictures for name in p.names) == 164


@pytest.mark.parametrize("size", [(1640, 590), (1280, 720), (640, 380), (320, 160), (300, 900), (200, 100)])
def test_any_picture_fits_the_network(size):
    width, height = size
    point = np.array([0.48 * width, 0.45 * height])
    spec = camera_at(width, height, point, CameraGuess(fov=1.1, height=1.3))
    ramp = np.stack(
        np.broadcast_arrays(np.arange(width) * 255 / width, (np.arange(height) * 255 / height)[:, None], 0), -1
    )
    fitted = fit_picture(ramp.astype(np.uint8), spec)
    assert fitted.picture.shape == (160, 320, 3)
    px = np.array([(40.0, 100.0), (160.0, 120.0), (300.0, 159.0)])
    np.testing.assert_allclose(fitted.forth(fitted.back(px)), px, atol=1e-9)
    at = np.round(fitted.back(px)).astype(int)
    for (x, y), (u, v) in zip(at, px.astype(int), strict=True):
        if 0 <= y < height and 0 <= x < width:
            assert np.abs(fitted.picture[v, u, :2] - np.array([x * 255 / width, y * 255 / height])).max() < 5.0
    # The ground is where it was: the same point of the road lies at the same place of the picture
    road = np.array([(12.0, 0.5, 0.0), (30.0, -2.0, 0.0)])
    own, there = spec.project(road)[0], fitted.back(fitted.spec.project(road)[0])
    assert np.abs(own - there).max() < 0.025 * width
