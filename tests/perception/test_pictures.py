"""Pictures of strangers: what is read, what is refused, and by which words; calibration; drawings; the command."""

import json
import zlib

import cv2
import numpy as np
import pytest

from perception import overlay
from perception.__main__ import main
from perception.calibration import calibrate, read_calibration, write_calibration
from perception.classical_lanes import LaneFinder
from perception.pictures import as_rgb, frames, read_picture
from tests.data import shared_data
from tests.perception.road_picture import road_picture
from world.camera import CameraSpec

SPEC = CameraSpec("front", 320, 160, fov=1.2, x=0.0, z=1.4, pitch=-0.05)
ROAD = road_picture(SPEC, [(1.8, 0.0, 0.0), (-1.7, 0.0, 0.0)])


def save(path, picture=ROAD):
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = picture if picture.ndim == 2 else picture[..., [2, 1, 0, *range(3, picture.shape[2])]]
    assert cv2.imwrite(str(path), np.ascontiguousarray(bgr))
    return path


def test_channels_are_converted(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    np.testing.assert_array_equal(read_picture(save(tmp_path / "a.png", rgb)), rgb)
    alpha = np.dstack([rgb, np.full((20, 30), 7, np.uint8)])
    np.testing.assert_array_equal(read_picture(save(tmp_path / "b.png", alpha)), rgb)
    grey = read_picture(save(tmp_path / "c.png", rgb[..., 0]))
    np.testing.assert_array_equal(grey, np.repeat(rgb[..., :1], 3, axis=2))
    deep = rgb[..., 0].astype(np.uint16) * 257
    np.testing.assert_array_equal(read_picture(save(tmp_path / "d.png", deep)), np.repeat(rgb[..., :1], 3, axis=2))


def huge_png(width: int, height: int) -> bytes:
    """A PNG whose header alone states its size."""
    head = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    data = zlib.compress(b"\x00")
    parts = [head, b"IDAT" + data, b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (len(p) - 4).to_bytes(4, "big") + p + zlib.crc32(p).to_bytes(4, "big") for p in parts
    )


def test_phone_pictures_are_turned_and_may_have_films_behind_them(tmp_path):
    rgb = np.zeros((16, 48, 3), np.uint8)
    rgb[:, :24] = 200  # the left half is bright
    data = save(tmp_path / "a.jpg", rgb).read_bytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # turn by 90 degrees
    turned = data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:] + b"film" * 5000
    (tmp_path / "b.jpg").write_bytes(turned)
    own = read_picture(tmp_path / "b.jpg")
    assert own.shape == (48, 16, 3) and own[:20].mean() > 180 and own[30:].mean() < 20


def huge_jpeg(width: int, height: int) -> bytes:
    """A small JPEG that states another size."""
    data = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[at + 4 :]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".ppm", ".tif"])
def test_truncated_pictures_are_refused(tmp_path, suffix):
    whole = save(tmp_path / f"a{suffix}").read_bytes()
    for part in (0.1, 0.5, 0.99):
        (tmp_path / f"b{suffix}").write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(ValueError, match=f"b{suffix}: (truncated|no picture)"):
            read_picture(tmp_path / f"b{suffix}")


def test_odd_files_are_refused(tmp_path):
    for name, data, says in (
        ("empty.jpg", b"", "an empty file"),
        ("text.jpg", b"hello" * 100, "no picture"),
        ("dot.png", None, "1x1 pixels"),
        ("huge.png", huge_png(60000, 60000), "60000x60000 pixels"),
        ("huge.jpg", huge_jpeg(65000, 65000), "65000x65000 pixels"),
    ):
        path = tmp_path / name
        if data is None:
            save(path, np.zeros((1, 1, 3), np.uint8))
        else:
            path.write_bytes(data)
        with pytest.raises(ValueError, match=f"{name}: {says}"):
            read_picture(path)
    with pytest.raises(ValueError, match="cannot be read"):
        read_picture(tmp_path / "absent.jpg")
    for array, says in (
        (np.zeros((20, 20, 2), np.uint8), r"shape \(20, 20, 2\)"),
        (np.zeros((20, 20, 3), np.float32), "float32"),
        (np.zeros((5000, 5000), np.uint8), "20 megapixels"),
        (np.zeros(20, np.uint8), r"shape \(20,\)"),
    ):
        with pytest.raises(ValueError, match=says):
            as_rgb(array)


def test_folders_are_walked_in_order(tmp_path):
    for name in ("b.jpg", "a.png", "sub/c.jpg", "out/d.jpg"):
        save(tmp_path / name)
    (tmp_path / "note.txt").write_text("no picture")
    total, each = frames(tmp_path, tmp_path / "out", known=lambda name: name == "b.jpg")
    got = list(each)
    assert total == 3 and [f.name for f in got] == ["a.png", "b.jpg", "sub/c.jpg"]
    assert [f.rgb is None for f in got] == [False, True, False] and not any(f.error for f in got)
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match="no pictures here"):
        frames(tmp_path / "bare")
    with pytest.raises(ValueError, match="no such picture, folder or video"):
        frames(tmp_path / "absent")
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 50)
    with pytest.raises(ValueError, match="no video that OpenCV can open"):
        frames(tmp_path / "bad.mp4")


def predict(*args) -> int:
    return main(["predict", *map(str, args)])


def test_command_on_a_folder(tmp_path, capsys):
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "deep" / "a.jpg", ROAD[::-1])
    out = tmp_path / "out"
    assert predict(tmp_path / "in", "--out", out, "--method", "classical") == 0
    assert "2 seen, 0 done before" in capsys.readouterr().out
    report = json.loads((out / "a.png.json").read_text())
    assert (report["width"], report["height"]) == (320, 160) and [x["slot"] for x in report["lines"]] == [1, 2]
    assert (out / "deep" / "a.jpg.json").is_file()
    drawn = read_picture(out / "a.png.overlay.jpg")
    assert drawn.shape == ROAD.shape and np.abs(drawn.astype(int) - ROAD).max() > 60
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*.*")}
    (tmp_path / "in" / "cut.jpg").write_bytes((tmp_path / "in" / "deep" / "a.jpg").read_bytes()[:900])
    assert predict(tmp_path / "in", "--out", out, "--method", "classical") == 1
    said = capsys.readouterr()
    assert "0 seen, 2 done before, 1 could not be used" in said.out and "cut.jpg: truncated" in said.err
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*.*")} == before
    (out / "a.png.json").write_text("{")  # a broken report is made anew
    (tmp_path / "in" / "cut.jpg").unlink()
    assert predict(tmp_path / "in", "--out", out, "--method", "classical") == 0
    assert "1 seen, 1 done before" in capsys.readouterr().out
    assert predict(tmp_path / "in", "--out", out, "--method", "classical", "--pitch", "-3") == 0
    assert "2 seen, 0 done before" in capsys.readouterr().out  # other settings, other answers


def test_command_on_a_video(tmp_path, capsys):
    path = tmp_path / "road.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (320, 160))
    for k in range(4):
        writer.write(np.ascontiguousarray(np.roll(ROAD, k, axis=1)[..., ::-1]))
    writer.release()
    out = tmp_path / "out"
    assert predict(path, "--out", out, "--method", "classical") == 0
    lines = (out / "road.mp4.jsonl").read_text().splitlines()
    assert len(lines) == 4 and json.loads(lines[3])["name"] == "frame000003"
    total, each = frames(out / "road.mp4.overlay.mp4")
    assert total == len(list(each)) == 4
    assert predict(path, "--out", out, "--method", "classical") == 0
    assert "0 seen, 4 done before" in capsys.readouterr().out


def test_pictures_of_another_size_than_the_calibration(tmp_path, capsys):
    numbers = [[300.0, 0.0, 159.5], [0.0, 300.0, 79.5], [0.0, 0.0, 1.0]]
    data = {"format": "tarmac.calibration/1", "width": 320, "height": 160, "matrix": numbers, "distortion": [0.0] * 5}
    (tmp_path / "lens.json").write_text(json.dumps(data | {"error": 0.1, "pictures": 9}))
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "b.png", ROAD[:100])
    more = ["--method", "classical", "--calibration", tmp_path / "lens.json"]
    assert predict(tmp_path / "in", "--out", tmp_path / "out", *more) == 1
    said = capsys.readouterr()
    assert "1 seen" in said.out and "b.png: a picture of 320x100; the calibration is for 320x160" in said.err


@pytest.mark.parametrize(
    "more, says",
    [
        (["--method", "cnm"], "did you mean cnn"),
        (["--camera-fov", "500"], "--camera-fov is 500; allowed are 2 to 160"),
        (["--camera-height", "nan"], "--camera-height is nan"),
        (["--method", "classical", "--calibration", "absent.json"], "absent.json: no calibration"),
        (["--calibration", "absent.json"], "goes with --method classical"),
        (["--weights", "absent.onnx"], "absent.onnx: there is no such file"),
    ],
)
def test_bad_requests_end_with_two(tmp_path, capsys, more, says):
    save(tmp_path / "a.png")
    assert predict(tmp_path / "a.png", "--out", tmp_path / "out", *more) == 2
    assert says in capsys.readouterr().err


def test_calibration_of_drawn_boards(tmp_path):
    """Chessboards drawn through a known lens give the lens back."""
    true = CameraSpec("lens", 480, 360, fov=1.0, distortion=(-0.25, 0.06, 0.001, -0.001, 0.0))
    paths = []
    for k, (tilt, turn, far, dx) in enumerate(
        [(0.4, 0.1, 9, -1.5), (-0.4, 0.3, 9, 1.5), (0.1, 0.6, 8, 0.0), (0.2, -0.6, 10, 1.0), (-0.5, -0.2, 8, -0.5)]
    ):
        paths.append(save(tmp_path / f"{k}.png", draw_board(true, tilt, turn, far, dx)))
    save(tmp_path / "none.png")
    found = calibrate([*paths, tmp_path / "none.png"], (7, 5))
    assert found.pictures == 5 and found.error < 0.25
    assert found.matrix[0][0] == pytest.approx(true.focal, rel=0.02)
    px = np.stack(np.meshgrid(np.linspace(45, 435, 6), np.linspace(45, 315, 6)), axis=-1).reshape(-1, 2)
    rays = true.rays(px)  # what the found lens says of the same rays
    plane = rays @ true.camera_from_body.T
    straight = plane[:, :2] * found.straight_matrix[0, 0] + found.straight_matrix[:2, 2]
    assert np.abs(found.distort(straight) - px).max() < 6.0
    np.testing.assert_allclose(found.straighten(found.distort(straight)), straight, atol=1e-3)
    write_calibration(found, tmp_path / "lens.json")
    assert read_calibration(tmp_path / "lens.json") == found
    with pytest.raises(ValueError, match="480x360"):
        found.undistort(ROAD)
    with pytest.raises(ValueError, match="seen whole in 0 of 1"):
        calibrate([tmp_path / "none.png"], (7, 5))


def draw_board(spec: CameraSpec, tilt: float, turn: float, far: float, dx: float) -> np.ndarray:
    """A board of 8x6 squares, seen by the camera."""
    px = np.stack(np.meshgrid(np.arange(spec.width), np.arange(spec.height)), axis=-1).astype(float)
    total = np.zeros((spec.height, spec.width))
    c, s, ct, st = np.cos(turn), np.sin(turn), np.cos(tilt), np.sin(tilt)
    board = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.array([[1, 0, 0], [0, ct, -st], [0, st, ct]])
    for shift in ((-0.25, -0.25), (0.25, 0.25)):
        ray = spec.rays(px + shift) @ spec.camera_from_body.T
        local = ray @ board  # columns of the board's axes
        centre = np.array([dx, 0.0, far]) @ board
        at = local * (centre[2] / local[..., 2])[..., None] - centre
        i, j = np.floor(at[..., 0] + 4.0), np.floor(at[..., 1] + 3.0)
        inside = (i >= 0) & (i < 8) & (j >= 0) & (j < 6)
        total += np.where(inside & ((i + j) % 2 == 0), 20.0, 230.0)
    return np.repeat((total / 2.0).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    "more, says", [(["--board", "9"], "--board is 9"), ([], "no pictures here"), (["--board", "2x9"], "3 to 50 each")]
)
def test_bad_calibration_requests(tmp_path, capsys, more, says):
    assert main(["calibrate", str(tmp_path), "--out", str(tmp_path / "c.json"), *more]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": "other"}', '{"format": "tarmac.calibration/1", "matrix": [[1]]}', "[" * 5000]
)
def test_broken_calibrations_are_refused(tmp_path, text):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(ValueError, match="c.json: no calibration"):
        read_calibration(tmp_path / "c.json")


def test_real_chessboards(tmp_path, capsys):
    folder = shared_data("lanes/udacity_advanced")
    assert main(["calibrate", str(folder / "camera_cal"), "--out", str(tmp_path / "lens.json")]) == 0
    assert "of 20 pictures" in capsys.readouterr().out
    lens = read_calibration(tmp_path / "lens.json")
    assert lens.pictures >= 14 and lens.error < 1.5 and (lens.width, lens.height) == (1280, 720)
    lines = LaneFinder(calibration=lens)(read_picture(folder / "test_images" / "straight_lines1.jpg"))
    own = {line.slot: line for line in lines}
    assert abs(own[1].curvature) < 5e-4 and 3.0 < own[1].offset - own[2].offset < 5.0


def test_drawings_stay_where_they_belong():
    picture = np.full((100, 200, 3), 100, np.uint8)
    mask = np.zeros((100, 200), bool)
    mask[60:, 50:150] = True
    overlay.tint(picture, mask, (255, 255, 255), 0.2)
    assert (picture[mask] == 131).all() and (picture[~mask] == 100).all()
    with pytest.raises(ValueError, match=r"a mask of \(5, 5\)"):
        overlay.tint(picture, np.zeros((5, 5), bool), (0, 0, 0))
    clean = picture.copy()
    line = np.array([(50.0, 95.0), (90.0, 40.0)])
    overlay.draw_line(picture, line, np.array([4.0, 1.0]), (255, 0, 0))
    touched = (picture != clean).any(axis=2)
    rows, columns = np.nonzero(touched)
    assert 40 - 2 <= rows.min() and rows.max() <= 97 and 44 <= columns.min() and columns.max() <= 94
    assert touched[95, 47] and not touched[95, 40]  # the band is as wide as its sigma
    overlay.draw_line(picture, line[:1], None, (0, 0, 0))
    for box in ((-50.0, -50.0, 10.0, 10.0), (190.0, 90.0, 400.0, 400.0)):
        overlay.draw_thing(picture, 4, box, 0.5, 12.0, sign="stop")
    overlay.draw_thing(picture, 3, (20, 20, 30, 40), 0.9, 30.0, state=1)
    assert np.abs(picture[30, 20].astype(int) - overlay.STATE_COLORS[1]).max() < 30
    overlay.draw_ground(picture, mask, ~mask)
