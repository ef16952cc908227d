"""The command `evaluate`: what its JSON holds for each layout, and what it says of missing and odd files."""

import json

import cv2
import numpy as np
import pytest

from perception.__main__ import main
from perception.evaluate_crops import gtsrb_items, read_crop
from perception.evaluate_lanes import evaluate_culane, evaluate_tusimple
from perception.infer import WEIGHTS
from tests.data import shared_data
from tests.perception.test_lane_data import LANES, put_culane, put_tusimple

TRUTH = [np.array(lane) for lane in LANES]


def evaluate(*args) -> int:
    return main(["evaluate", *map(str, args)])


def put(path, width=30, height=30):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8))
    return path


def put_voc(root, name):
    put(root / f"{name}.png", 200, 100)
    box = "<bndbox><xmin>10</xmin><ymin>10</ymin><xmax>50</xmax><ymax>50</ymax></bndbox>"
    (root / f"{name}.xml").write_text(f"<annotation><object><name>car</name>{box}</object></annotation>")


def put_layout(data, root):
    """Two pictures in a layout."""
    if data == "gtsrb":
        for name in ("00007/a.png", "00014/b.png"):
            put(root / name)
    elif data == "lights":
        for name in ("red/a.png", "green/b.png"):
            put(root / name, 6, 14)  # lights far away are small
    elif data == "culane":
        put_culane(root, "a")
        put_culane(root, "b", LANES[:1])
    elif data == "tusimple":
        put_tusimple(root, ["a.jpg", "b.jpg"])
    else:
        put_voc(root, "a")
        put_voc(root, "b")


LAYOUTS = {
    "gtsrb": ("accuracy",), "lights": ("accuracy", "red_called_green"), "culane": ("f1", "ci", "method"),
    "tusimple": ("accuracy", "f1", "ci", "method"), "voc": ("ap", "iou"),
}  # fmt: skip


@pytest.mark.parametrize("data", LAYOUTS)
def test_every_layout_gives_a_report(tmp_path, capsys, data):
    root, path = tmp_path / "data", tmp_path / "scores.json"
    put_layout(data, root)
    assert evaluate("--data", data, "--root", root, "--json", path) == 0
    report = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert report["data"] == data and report["n"] == 2 and report["seconds"] > 0.0 and report["unusable"] == []
    assert {*LAYOUTS[data]} <= report.keys() and len(report["per_class"]) >= 1
    assert all(one["n"] >= 1 for one in report["per_class"].values())
    capsys.readouterr()
    for cut in sorted(p for p in root.rglob("*") if p.suffix in (".png", ".jpg"))[:1]:
        cut.write_bytes(cut.read_bytes()[:60])
        assert evaluate("--data", data, "--root", root, "--json", path) == 1
        said = capsys.readouterr().err
        assert f"{cut}: truncated" in said and "1 could not be used, 1 were judged" in said
        assert str(cut) in json.loads(path.read_text())["unusable"][0]


@pytest.mark.parametrize("data", LAYOUTS)
def test_folders_of_something_else(tmp_path, capsys, data):
    (tmp_path / "note.txt").write_text("nothing to judge")
    assert evaluate("--data", data, "--root", tmp_path) == 2
    assert f"perception evaluate: {tmp_path}: " in capsys.readouterr().err
    assert evaluate("--data", data, "--root", tmp_path / "note.txt") == 2
    assert "note.txt: a folder is needed" in capsys.readouterr().err
    put_layout(data, tmp_path)
    for path in (*tmp_path.rglob("*.png"), *tmp_path.rglob("*.jpg")):
        path.write_bytes(b"")
    assert evaluate("--data", data, "--root", tmp_path) == 2
    assert "an empty file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "data, more, says",
    [
        ("gtsrb", ["--method", "classical"], "goes with --data culane and tusimple, not gtsrb"),
        ("culane", ["--method", "clasical"], "did you mean classical"),
        ("culane", ["--method", "classical", "--weights", WEIGHTS / "eye.onnx"], "--weights goes with --method cnn"),
        ("culane", ["--weights", WEIGHTS / "signs.onnx"], "another network"),
        ("lights", ["--weights", WEIGHTS / "eye.onnx"], "another network"),
        ("voc", ["--weights", "absent.onnx"], "no such file of weights"),
        ("voc", ["--most", "3"], "--most goes with --data sim, not voc"),
        ("voc", ["--json", "absent/scores.json"], "a file in a folder that exists"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, capsys, data, more, says):
    put_layout(data, tmp_path)
    assert evaluate("--data", data, "--root", tmp_path, *more) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    "row, says",
    [
        ("a.png;0;0;9;9;43", "line 3: class 43; allowed are 0 to 42"),
        ("a.png;0;0;9;9;stop", "line 3: invalid literal"),
        ("a.png;0;0;x;9;3", "line 3: could not convert"),
        (";0;0;9;9;3", "line 3: no name of a picture"),
        ("a.png;0;0;9", "line 3: "),
        ("a.png;0;0;" + "9" * 200_000 + ";9;3", "no readable table"),
    ],
)
def test_broken_tables_of_signs(tmp_path, row, says):
    put(tmp_path / "a.png")
    head = "Filename;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"
    (tmp_path / "labels.csv").write_text(f"{head}\na.png;1;1;20;20;5\n{row}\n")
    with pytest.raises(ValueError, match=rf"labels\.csv: {says}"):
        gtsrb_items(tmp_path)


@pytest.mark.parametrize("roi", [(5, 5, 31, 20), (20, 5, 5, 20), (-9, 0, -2, 9)])
def test_regions_beyond_the_picture(tmp_path, roi):
    path = put(tmp_path / "a.png")
    with pytest.raises(ValueError, match=rf"a\.png: region of interest {roi[0]}, .*30x30"):
        read_crop((path, roi, 1))
    assert read_crop((path, (10, 10, 29, 29), 1)).shape == (21, 21, 3)
    assert read_crop((path, None, 1)).shape == (30, 30, 3)


def test_lanes_by_number_or_by_category(tmp_path):
    put_culane(tmp_path, "a")
    put_culane(tmp_path, "b", LANES[:1])
    put_culane(tmp_path, "c", [])
    report = evaluate_culane(tmp_path, finder=lambda p: TRUTH)
    assert {k: v["n"] for k, v in report["per_class"].items()} == {"0 lanes": 1, "1 lane": 1, "2 lanes": 1}
    assert report["per_class"]["2 lanes"]["f1"] == 1.0 and report["per_class"]["0 lanes"]["fp"] == 2
    assert report["per_class"]["1 lane"]["precision"] == 0.5
    again = evaluate_culane(tmp_path, finder=lambda p: TRUTH)
    assert report["ci"] == again["ci"] and 0.0 <= report["ci"][0] < report["f1"] < report["ci"][1] <= 1.0
    split = tmp_path / "list" / "test_split"
    split.mkdir(parents=True)
    (split / "test0_normal.txt").write_text("/a.jpg\n")
    (split / "test8_night.txt").write_text("b.jpg\n")
    report = evaluate_culane(tmp_path, finder=lambda p: TRUTH)
    assert {k: v["n"] for k, v in report["per_class"].items()} == {"0 lanes": 1, "night": 1, "normal": 1}
    (split / "test3_odd.txt").write_text("../b.jpg\n")
    with pytest.raises(ValueError, match=r"test3_odd\.txt: \.\./b\.jpg leaves"):
        evaluate_culane(tmp_path, finder=lambda p: TRUTH)


def test_tusimple_by_number_of_lanes(tmp_path):
    put_tusimple(tmp_path, ["a.jpg", "b.jpg"])
    one = evaluate_tusimple(tmp_path, finder=lambda p: [np.array([(200.0, 100.0), (150.0, 150.0), (100.0, 199.0)])])
    assert one["per_class"].keys() == {"2 lanes"}
    assert one["per_class"]["2 lanes"]["accuracy"] == one["accuracy"] == 0.5
    assert one["per_class"]["2 lanes"]["recall"] == one["recall"] == 0.5


def test_scores_that_are_not_are_null(tmp_path):
    put_voc(tmp_path, "a")
    (tmp_path / "a.xml").write_text((tmp_path / "a.xml").read_text().replace("car", "dog"))
    path = tmp_path / "scores.json"
    assert evaluate("--data", "voc", "--root", tmp_path, "--json", path) == 0
    report = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert report["ap"] is None and report["unmapped"] == {"dog": 1}


@pytest.mark.parametrize(
    "data, folder, n, more",
    [
        ("gtsrb", "signs/gtsrb_test_dev_430", 430, []),
        ("lights", "traffic_lights/udacity_intro", 1187, []),
        ("voc", "carla_detection", 120, []),
        ("culane", "lanes/culane_driver23", 30, ["--method", "classical"]),
    ],
)
def test_real_data(tmp_path, data, folder, n, more):
    path = tmp_path / "scores.json"
    assert evaluate("--data", data, "--root", shared_data(folder), "--json", path, *more) == 0
    report = json.loads(path.read_text())
    assert report["n"] == n and len(report["per_class"]) > 1
    assert report.get("accuracy", 1.0) > 0.8
