"""Readers of lane labels, finders of lines from rows, and the evaluation over pictures on disk."""

import json

import cv2
import numpy as np
import pytest

from perception.evaluate_lanes import evaluate_culane, evaluate_tusimple
from perception.lane_data import read_culane, read_tusimple
from perception.lane_finders import lane_finder
from tests.data import shared_data

LANES = [[(100.0, 199.0), (150.0, 150.0), (200.0, 100.0)], [(300.0, 199.0), (250.0, 150.0), (210.0, 100.0)]]


def put_picture(path, width=400, height=200):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))


def put_culane(root, name, lanes=LANES):
    put_picture(root / f"{name}.jpg")
    text = "\n".join(" ".join(f"{x} {y}" for x, y in lane) for lane in lanes)
    (root / f"{name}.lines.txt").write_text(text + "\n")


def put_tusimple(root, names, **change):
    rows = [100, 150, 199]
    for name in names:
        put_picture(root / name)
    line = {"lanes": [[200, 150, 100], [-2, 250, 300]], "h_samples": rows} | change
    text = "".join(json.dumps(line | {"raw_file": name}) + "\n" for name in names)
    (root / "labels.json").write_text(text)


def test_culane_round_trip(tmp_path):
    put_culane(tmp_path / "a", "1")
    put_culane(tmp_path / "b", "2", [LANES[0], [(5.0, 5.0)]])  # a lane of one point is none
    data = read_culane(tmp_path)
    assert not data.broken and [len(p.lines) for p in data.pictures] == [2, 1]
    np.testing.assert_array_equal(data.pictures[0].lines[1], LANES[1])
    (tmp_path / "list.txt").write_text("/b/2.jpg 1 1 0 0\n")
    assert [p.path.name for p in read_culane(tmp_path, tmp_path / "list.txt").pictures] == ["2.jpg"]


@pytest.mark.parametrize(
    "text, says",
    [
        ("1 2 3\n", ":1: 3 numbers"),
        ("1 2 3 4\n1 x\n", ":2: could not convert"),
        ("1 nan 3 4", "finite"),
        ("é", "no readable label"),
    ],
)
def test_broken_culane_labels_are_counted_and_named(tmp_path, text, says):
    put_culane(tmp_path, "good")
    put_culane(tmp_path, "bad")
    (tmp_path / "bad.lines.txt").write_text(text, encoding="utf-8")
    data = read_culane(tmp_path)
    assert len(data.pictures) == 1 and len(data.broken) == 1
    assert "bad.lines.txt" in data.broken[0] and says in data.broken[0]


def test_missing_culane_files(tmp_path):
    put_culane(tmp_path, "good")
    (tmp_path / "lost.lines.txt").write_text("1 2 3 4\n")
    assert "lost.jpg: no such picture" in read_culane(tmp_path).broken[0]
    (tmp_path / "list").write_text("good.jpg\nnone.jpg\n")
    assert len(read_culane(tmp_path, tmp_path / "list").broken) == 1
    (tmp_path / "list").write_text("../good.jpg\n")
    with pytest.raises(ValueError, match="leaves"):
        read_culane(tmp_path, tmp_path / "list")
    with pytest.raises(ValueError, match="no such folder"):
        read_culane(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no labels here"):
        read_culane(tmp_path / "empty")


def test_tusimple_reads_lanes_and_gaps(tmp_path):
    put_tusimple(tmp_path, ["clips/a.jpg", "clips/b.jpg"])
    data = read_tusimple(tmp_path)
    assert len(data.pictures) == 2 and not data.broken
    np.testing.assert_array_equal(data.pictures[0].lines[1], [(250, 150), (300, 199)])
    assert data.pictures[0].lanes[1] == [-2, 250, 300]


@pytest.mark.parametrize(
    "change, says",
    [
        ({"lanes": [[1, 2]]}, "lane 0 has 2 points, h_samples 3"),
        ({"lanes": 5}, "needed"),
        ({"h_samples": None}, "needed"),
        ({"lanes": [[1, 2, float("inf")]]}, "not finite"),
    ],
)
def test_broken_tusimple_lines_are_named(tmp_path, change, says):
    put_tusimple(tmp_path, ["a.jpg"], **change)
    data = read_tusimple(tmp_path)
    assert not data.pictures and "labels.json:1: " in data.broken[0] and says in data.broken[0]
    with pytest.raises(ValueError, match="none of 1 labelled"):
        evaluate_tusimple(tmp_path, finder=lambda p: [])


def test_tusimple_names_stay_inside(tmp_path):
    put_tusimple(tmp_path, ["a.jpg"])
    (tmp_path / "labels.json").write_text('{"raw_file": "../../etc/passwd", "lanes": [], "h_samples": []}\n{\n')
    broken = read_tusimple(tmp_path).broken
    assert "leaves" in broken[0] and ":2: " in broken[1]


def test_evaluation_of_known_finders(tmp_path):
    for name in ("1", "2", "3"):
        put_culane(tmp_path, name)
    truth = [np.array(lane) for lane in LANES]
    perfect = evaluate_culane(tmp_path, finder=lambda p: truth)
    assert (perfect["n"], perfect["f1"], perfect["ci"], perfect["tp"]) == (3, 1.0, [1.0, 1.0], 6)
    half = evaluate_culane(tmp_path, finder=lambda p: [truth[0], truth[0] + (150.0, 0.0)])
    assert (half["f1"], half["precision"], half["recall"]) == (0.5, 0.5, 0.5)
    (tmp_path / "3.jpg").write_bytes((tmp_path / "3.jpg").read_bytes()[:300])
    fewer = evaluate_culane(tmp_path, finder=lambda p: truth)
    assert fewer["n"] == 2 and "truncated" in fewer["unusable"][0]
    assert json.dumps(fewer)


def test_evaluation_of_tusimple(tmp_path):
    put_tusimple(tmp_path, ["a.jpg", "b.jpg"])
    truth = [np.array([(200.0, 100.0), (150.0, 150.0), (100.0, 199.0)]), np.array([(250.0, 150.0), (300.0, 199.0)])]
    report = evaluate_tusimple(tmp_path, finder=lambda p: truth)
    assert (report["accuracy"], report["false_positive"], report["f1"], report["n"]) == (1.0, 0.0, 1.0, 2)
    one = evaluate_tusimple(tmp_path, finder=lambda p: truth[:1])
    assert (one["accuracy"], one["false_negative"]) == (0.5, 0.5)


def test_unknown_finder():
    with pytest.raises(ValueError, match="did you mean classical"):
        lane_finder("clasical")


def test_classical_finder_on_culane():
    report = evaluate_culane(shared_data("lanes/culane_driver23"), "classical")
    assert report["n"] == 30 and not report["unusable"]
    assert report["f1"] > 0.45 and report["ci"][0] < report["f1"] < report["ci"][1]


def test_labels_of_tusimple_without_pictures_are_all_named():
    folder = shared_data("lanes/tusimple_labels_only")
    data = read_tusimple(folder)
    lines = sum(len(p.read_text().splitlines()) for p in folder.glob("*.json"))
    assert not data.pictures and len(data.broken) == lines and "no such picture" in data.broken[0]
