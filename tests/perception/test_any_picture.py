"""What the network says of a fitted picture is told in that picture's pixels; with a network that says as we wish."""

import json

import numpy as np
import pytest

from perception import any_picture, crops, layout
from perception.__main__ import main
from perception.any_picture import AnyPicture
from perception.infer import Answer
from perception.lane_finders import cnn_finder
from perception.pictures import read_picture
from tests.perception.test_pictures import save
from world.camera_labels import LINE_SLOTS
from world.camera_tags import ThingKind
from world.kinds import LightState

H, W = layout.INPUT_HEIGHT // layout.STRIDE, layout.INPUT_WIDTH // layout.STRIDE
MIDDLE = 0.5 * (layout.STRIDE - 1)
FAR, NEAR = 24, H  # rows of cells that show the line


def column(row: float) -> float:
    """[cells] of the line that is told, in a row of cells."""
    return 40.0 - 0.8 * (row - 20.0)


def told(pictures: np.ndarray) -> Answer:
    """Slot 1 a slanted line, road below row 22, one red light and one sign."""
    n = len(pictures)
    assert pictures.shape[1:] == (layout.INPUT_HEIGHT, layout.INPUT_WIDTH, 3)
    seg = np.zeros((n, layout.SEG_CLASSES, H, W), np.float32)
    seg[:, layout.OTHER, :22], seg[:, layout.ROAD, 22:] = 9.0, 9.0
    line = np.full((n, LINE_SLOTS + layout.LINE_TRAITS, H, W), -9.0, np.float32)
    none = np.full((n, LINE_SLOTS, H), 9.0, np.float32)
    for row in range(FAR, NEAR):
        at = column(row)
        for k in (int(at), int(at) + 1):
            line[:, 1, row, k] = 20.0 + np.log(max(1.0 - abs(at - k), 1e-6))
        none[:, 1, row] = 0.0
    thing = np.full((n, layout.DETECTION_CHANNELS, H, W), -9.0, np.float32)
    for kind, x in ((ThingKind.LIGHT, 20), (ThingKind.SIGN, 60)):
        cell = np.zeros(layout.DETECTION_CHANNELS)
        cell[layout.HEAT] = -9.0
        cell[int(kind)], cell[layout.EXTENT] = 3.0, np.log(4.0)
        cell[layout.STATE], cell[layout.FRONT] = np.eye(5)[LightState.RED] * 9.0, 9.0
        thing[:, :, 15, x] = cell
    return Answer(seg, line, none, thing)


SIZES = [(1640, 590), (1280, 720), (640, 380), (320, 160)]


def picture(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(60, 120, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", SIZES)
def test_lines_and_boxes_in_own_pixels(size):
    seen = AnyPicture(told)(picture(*size))
    fitted = seen.fitted
    assert set(seen.lines.slot) == {1}
    cells = (fitted.forth(seen.lines.px) - MIDDLE) / layout.STRIDE
    np.testing.assert_allclose(cells[:, 0], column(cells[:, 1]), atol=0.02)
    scale = size[0] / layout.INPUT_WIDTH
    assert fitted.scale == pytest.approx(scale)
    wide = seen.things.box[:, 2] - seen.things.box[:, 0]
    np.testing.assert_allclose(wide, 4 * layout.STRIDE * scale, rtol=0.05)
    assert sorted(seen.things.kind) == [ThingKind.LIGHT, ThingKind.SIGN]
    big = seen.full_seg(*size)
    assert big.shape == size[::-1]
    horizon = round(float(fitted.back(np.array([0.0, 22 * layout.STRIDE - 0.5]))[1]))
    assert (big[max(horizon - 8, 0)] == layout.OTHER).all() and (big[horizon + 8] == layout.ROAD).all()


def test_finder_draws_on_to_the_edge(monkeypatch):
    monkeypatch.setattr(any_picture, "EyeNet", lambda path: told)
    for width, height in SIZES:
        (line,) = cnn_finder()(picture(width, height))
        assert (np.diff(line[np.argsort(-line[:, 1]), 1]) <= 0.0).all()
        assert line[:, 1].max() == pytest.approx(height - 1.0) or line[:, 0].min() <= 1.0


def test_command_with_a_network(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(any_picture, "EyeNet", lambda path: told)
    monkeypatch.setattr(crops, "SignClassifier", lambda: lambda own: (np.full(len(own), 14), np.ones((len(own), 60))))
    path = save(tmp_path / "a.png", picture(640, 320))
    assert main(["predict", str(path), "--out", str(tmp_path / "out"), "--pitch", "-2", "--camera-fov", "80"]) == 0
    report = json.loads((tmp_path / "out" / "a.png.json").read_text())
    assert report["camera"]["sure"] == 1.0 and report["camera"]["fov"] == pytest.approx(80.0, abs=0.01)
    things = {t["kind"]: t for t in report["things"]}
    assert things["light"]["state"] == "red" and things["sign"]["sign"] == "stop"
    assert [x["slot"] for x in report["lines"]] == [1] and 0.4 < report["drivable"] < 0.5
    drawn = read_picture(tmp_path / "out" / "a.png.overlay.jpg")
    assert (drawn[200:].astype(int)[..., 1] - drawn[200:].astype(int)[..., 0]).mean() > 15.0  # green road


def test_pictures_of_another_size_than_the_camera():
    look = AnyPicture(told)
    look.camera = look(picture(640, 320)).fitted.spec
    with pytest.raises(ValueError, match="takes 320x160"):
        look(picture(640, 320))
