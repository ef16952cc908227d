"""The command `predict` with bad input: what is named, what goes on, what is left behind."""

import json

import cv2
import numpy as np
import pytest

from perception.__main__ import main
from perception.crops import LightClassifier, SignClassifier
from perception.infer import WEIGHTS, EyeNet
from perception.pictures import read_picture

ROAD = np.full((160, 320, 3), 90, np.uint8)
ROAD[80:] = 130


def predict(*args) -> int:
    return main(["predict", *map(str, args)])


def put(path, picture):
    assert cv2.imwrite(str(path), picture)
    return path


def put_video(path, code, frames=30):
    """Noise, so that each frame takes about as many bytes."""
    rng = np.random.default_rng(0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), 10.0, (320, 160))
    for _ in range(frames):
        writer.write(rng.integers(0, 255, ROAD.shape, dtype=np.uint8))
    writer.release()
    return path.read_bytes()


@pytest.mark.parametrize("method", ["cnn", "classical"])
def test_a_folder_of_good_and_bad_pictures(tmp_path, capsys, method):
    folder = tmp_path / "in"
    folder.mkdir()
    alpha = np.dstack([ROAD, ROAD[..., :1]])
    good = {
        "plain.jpg": ROAD, "grey.png": ROAD[..., 0], "alpha.png": alpha, "deep.png": ROAD.astype(np.uint16) * 257,
        "deep_grey.png": ROAD[..., 0].astype(np.uint16) * 257, "deep_alpha.png": alpha.astype(np.uint16) * 257,
        "small.png": ROAD[:8, :8], "wide.png": ROAD[:8], "tall.png": ROAD[:, :8],
        "large.jpg": cv2.resize(ROAD, (5000, 4000)),
    }  # fmt: skip
    for name, picture in good.items():
        put(folder / name, picture)
    put(folder / "dot.png", ROAD[:1, :1])
    put(folder / "too_large.jpg", cv2.resize(ROAD, (5000, 4001)))
    put(folder / "float.tif", ROAD.astype(np.float32))
    (folder / "cut.jpg").write_bytes((folder / "plain.jpg").read_bytes()[:900])
    (folder / "cut.png").write_bytes((folder / "grey.png").read_bytes()[:90])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("no picture " * 20)
    bad = {
        "dot.png": "1x1 pixels; allowed are sides of 8 and more", "too_large.jpg": "5000x4001 pixels; allowed",
        "float.tif": "no picture, or a broken one (", "cut.jpg": "truncated", "cut.png": "truncated",
        "empty.jpg": "an empty file; a picture is needed (.jpg", "text.jpg": "no picture, or a broken one (220 bytes)",
    }  # fmt: skip
    assert predict(folder, "--out", tmp_path / "out", "--method", method) == 1
    said = capsys.readouterr()
    assert f"{len(good)} seen, 0 done before, {len(bad)} could not be used" in said.out
    lines = said.err.splitlines()
    for name, why in bad.items():
        assert any(f"{folder / name}: {why}" in line for line in lines), name
    assert len(lines) == len(bad)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(
        f"{name}{more}" for name in good for more in (".json", ".overlay.jpg")
    )
    for name, picture in good.items():
        assert read_picture(tmp_path / "out" / f"{name}.overlay.jpg").shape[:2] == picture.shape[:2]


def test_nothing_to_look_at(tmp_path, capsys):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "note.txt").write_text("no picture")
    assert predict(tmp_path / "bare", "--out", tmp_path / "out") == 2
    assert "bare: no pictures here (of .jpg" in capsys.readouterr().err
    (tmp_path / "text.jpg").write_text("no picture")
    assert predict(tmp_path / "text.jpg", "--out", tmp_path / "out") == 1
    assert "text.jpg: no picture" in capsys.readouterr().err
    assert predict(put(tmp_path / "a.png", ROAD), "--out", tmp_path / "text.jpg") == 2
    assert "text.jpg is a file; a folder is needed" in capsys.readouterr().err


@pytest.mark.parametrize("part, says", [(0.0, "0 bytes"), (0.4, "bytes"), (None, "8 bytes")])
def test_broken_weights_are_refused(tmp_path, capsys, part, says):
    data = (WEIGHTS / "eye.onnx").read_bytes()
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"rubbish\n" if part is None else data[: int(part * len(data))])
    assert predict(put(tmp_path / "a.png", ROAD), "--out", tmp_path / "out", "--weights", path) == 2
    said = capsys.readouterr().err
    assert f"{path}: no whole ONNX file" in said and says in said
    assert not (tmp_path / "out").exists()


def test_weights_of_another_network_are_refused():
    for make, name in ((EyeNet, "signs"), (SignClassifier, "lights"), (LightClassifier, "signs")):
        with pytest.raises(ValueError, match=rf"{name}.onnx: another network: it takes crops .*; expected are"):
            make(WEIGHTS / f"{name}.onnx")
    with pytest.raises(ValueError, match=r"takes picture \[160, 320, 3\] and answers seg 5.*expected are crops"):
        SignClassifier(WEIGHTS / "eye.onnx")


def test_a_video_that_ends_in_the_middle(tmp_path, capsys):
    path, out = tmp_path / "cut.avi", tmp_path / "out"
    whole = put_video(path, "MJPG")
    path.write_bytes(whole[: len(whole) // 2])
    count = 0
    for again in (False, True):  # said each time
        assert predict(path, "--out", out, "--method", "classical") == 1
        said = capsys.readouterr()
        words = said.out.split()
        count = int(words[2 if again else 0])
        assert count in (14, 15, 16) and int(words[0 if again else 2]) == 0 and "1 could not be used" in said.out
        assert f"{path}: ends after {count} of 30 frames" in said.err
    lines = (out / "cut.avi.jsonl").read_text().splitlines()
    assert "ends after" in json.loads(lines[-1])["error"] and len(lines) == count + 1
    assert sorted(p.name for p in out.iterdir()) == ["cut.avi.jsonl", "cut.avi.overlay.mp4"]


def test_a_video_without_its_index(tmp_path, capsys):
    path = tmp_path / "cut.mp4"
    whole = put_video(path, "mp4v")
    path.write_bytes(whole[: len(whole) // 2])
    assert predict(path, "--out", tmp_path / "out", "--method", "classical") == 2
    said = capsys.readouterr().err
    assert "cut.mp4: no video that OpenCV can open" in said and "allowed are .mp4" in said
    assert not (tmp_path / "out").exists()
