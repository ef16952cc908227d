"""Pictures in records: what the agent saw comes back when it was taken, hostile messages are refused, pages show it."""

import base64
import json
import re

import cv2
import numpy as np
import pytest
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from mcap.writer import Writer

from replay import camera_channels, foxglove
from replay.camera_channels import read_pictures
from replay.codec import RecordError
from replay.reader import parse_record, read_record
from replay.record import EpisodeRecorder, RecorderRates
from replay.viewer.html import page
from tests.replay.synthetic import Crowd
from tests.replay.test_record import HEADER
from world.records import Control, Decision, DrawPicture
from world.toy import toy_map

DT = 0.05
TOPIC = "/camera/wide"


class Eyes:
    """Cameras that take a picture each `every` ticks, one after the other; a picture's grey tells its tick."""

    def __init__(self, names, every=2, size=(24, 48)):
        self.tick, self.asked = 0, []
        self.every, self.size = every, size
        self.pictures: dict[str, DrawPicture] = {
            name: lambda world, driver, n=n: self.draw(n, world, driver) for n, name in enumerate(names)
        }

    def draw(self, n, world, driver):
        self.asked.append((self.tick, n, world, driver))
        taken = (self.tick - n) // self.every * self.every + n
        if taken < n:
            return None
        rgb = np.full((*self.size, 3), taken % 200 + 20, np.uint8)
        rgb[:, : self.size[1] // 2, 2] = 200  # the left half is blue: channels keep their order
        return taken * DT, rgb


def record(path, eyes, ticks=60, rates=None):
    crowd = Crowd(drivers=1, vehicles=2)
    crowd.scatter()
    with EpisodeRecorder(path, HEADER, toy_map("junction"), rates=rates) as recorder:
        for i in range(ticks + 1):
            crowd.step()
            eyes.tick = i
            control = Control(*np.zeros((2, 1, 1), np.float32))
            decision = Decision(control, pictures=eyes.pictures)
            recorder.tick(i * DT, crowd.state, crowd.bodies, control if i else None, (), decision)
        recorder.close({})
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    eyes = Eyes(["wide", "narrow"])
    return record(tmp_path_factory.mktemp("record") / "episode.mcap", eyes), eyes


def test_pictures_come_back_at_their_rate(made):
    path, eyes = made
    pictures = read_record(path).pictures
    assert sorted(pictures) == ["narrow", "wide"]
    for name, first in (("wide", 0), ("narrow", 1)):
        times, files = pictures[name]
        assert 11 <= len(times) <= 13 and len(files) == len(times)  # 4 Hz of 3 s
        assert np.diff(times).mean() == pytest.approx(0.25, abs=0.02) and (np.diff(times) > 0.0).all()
        for time, file in zip(times, files, strict=True):
            tick = round(time / DT)
            assert tick % 2 == first  # when it was taken, not when it was written
            bgr = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
            assert bgr is not None and bgr.shape == (24, 48, 3)
            assert np.abs(bgr[:, 40:].astype(int) - (tick % 200 + 20)).max() <= 4
            assert bgr[:, 4:16, 0].mean() > bgr[:, 4:16, 2].mean() + 50.0
    assert {(world, driver) for _, _, world, driver in eyes.asked} == {(0, 0)}


def test_cameras_are_drawn_in_turns(made):
    _, eyes = made
    ticks = {n: {tick for tick, camera, *_ in eyes.asked if camera == n} for n in (0, 1)}
    shared = ticks[0] & ticks[1]
    assert len(shared) <= 1 and len(eyes.asked) < 30  # drawing is what costs: at no tick is it done for both


@pytest.mark.parametrize("hz, most", [(10.0, 31), (1.0, 4), (100.0, 31)])
def test_rates(tmp_path, hz, most):
    path = record(tmp_path / "a.mcap", Eyes(["wide"]), rates=RecorderRates(camera_hz=hz))
    times, _ = read_record(path).pictures["wide"]
    assert most - 2 <= len(times) <= most and (np.diff(times) > 0.0).all()  # each picture once


def test_records_without_pictures(tmp_path):
    for eyes, rates in (
        (Eyes([]), None),
        (Eyes(["wide"]), RecorderRates(camera_hz=0.0)),
        (Eyes(["wide"], every=1000), RecorderRates(camera_hz=4.0)),
    ):
        if eyes.every == 1000:
            eyes.pictures = {"wide": lambda world, driver: None}  # no picture yet, and none ever
        path = record(tmp_path / "a.mcap", eyes, ticks=10, rates=rates)
        assert read_record(path).pictures == {}
        path.unlink()


def test_large_pictures_are_made_to_fit(tmp_path, monkeypatch):
    monkeypatch.setattr(camera_channels, "MAX_PICTURE", 8000)
    eyes = Eyes(["wide"])
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    eyes.pictures = {"wide": lambda world, driver: (eyes.tick * DT, noise)}
    times, files = read_record(record(tmp_path / "a.mcap", eyes, ticks=20)).pictures["wide"]
    assert len(times) >= 4 and all(len(file) < 8000 for file in files)
    first = cv2.imdecode(np.frombuffer(files[0], np.uint8), cv2.IMREAD_COLOR)
    assert first is not None and first.shape[1] in (75, 150)


JPEG = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
GOOD = foxglove.image_message(0.5, "wide", JPEG)


def message(data: bytes, kind: str) -> bytes:
    return CompressedImage(data=data, format=kind).SerializeToString()


HOSTILE = {
    "no protobuf": ([(0, b"\xff" * 40)], "a message is no compressed picture"),
    "cut": ([(0, GOOD[:-20])], "a message is no compressed picture"),
    "png": ([(0, message(b"\x89PNG\r\n\x1a\n", "png"))], "a picture is 'png'"),
    "script": ([(0, message(b"<script>alert(1)</script>", "jpeg"))], "begins with '3c7363'; allowed"),
    "empty": ([(0, b"")], "a picture is ''"),
    "too large": ([(0, message(JPEG + bytes(1 << 20), "jpeg"))], "allowed: up to 1048576"),
    "falling times": ([(9, GOOD), (10, GOOD), (8, GOOD)], "times do not rise"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_messages(kind):
    messages, says = HOSTILE[kind]
    with pytest.raises(RecordError, match=says) as caught:
        read_pictures(TOPIC, messages)
    assert TOPIC in str(caught.value) and len(str(caught.value)) < 300


def test_all_pictures_together_are_bounded(monkeypatch):
    monkeypatch.setattr(camera_channels, "MAX_PICTURES", 3 * len(GOOD))
    assert read_pictures(TOPIC, [(0, GOOD), (5, GOOD), (5, GOOD)]) == ([0.0, 5e-9, 5e-9], [JPEG] * 3)
    with pytest.raises(RecordError, match="more than .* bytes of pictures"):
        read_pictures(TOPIC, [(0, GOOD)] * 4)


@pytest.mark.parametrize("kind", HOSTILE)
def test_records_with_hostile_pictures(tmp_path, kind):
    """A whole record, to which somebody added a camera."""
    path = tmp_path / "bad.mcap"
    write = Writer.finish

    def finish(self):
        number = self.register_channel(topic=TOPIC, message_encoding="protobuf", schema_id=0)
        for nanos, data in HOSTILE[kind][0]:
            self.add_message(number, log_time=nanos, data=data, publish_time=nanos)
        write(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "finish", finish)
        record(path, Eyes([]), ticks=4)
    with pytest.raises(RecordError, match=rf"bad\.mcap: {TOPIC}"):
        read_record(path)
    with pytest.raises(RecordError):
        parse_record(path.read_bytes())


def test_the_page_holds_the_pictures(made):
    record = read_record(made[0])
    text = page(record)
    found = re.search(r'<script[^>]*id="pictures"[^>]*>(.*?)</script>', text, re.S)
    assert found is not None
    cameras = {one["name"]: one for one in json.loads(found[1])}
    assert cameras.keys() == {"wide", "narrow"}
    for name, (times, files) in record.pictures.items():
        np.testing.assert_allclose(cameras[name]["time"], times, atol=1e-3)
        assert [base64.b64decode(file) for file in cameras[name]["jpeg"]] == files


def test_names_of_cameras_cannot_leave_their_script(tmp_path):
    eyes = Eyes(["</script><b>"])
    text = page(read_record(record(tmp_path / "a.mcap", eyes, ticks=20)))
    assert "</script><b>" not in text and "\\u003c/script\\u003e\\u003cb\\u003e" in text


def test_a_page_without_pictures(tmp_path):
    text = page(read_record(record(tmp_path / "a.mcap", Eyes([]), ticks=10)))
    assert re.search(r'id="pictures"[^>]*>\[\]</script>', text)
