"""The browser replay: one file, nothing from outside, no markup from data, and it shows what was recorded."""

import base64
import gzip
import json
import os
import re
import shutil

import numpy as np
import pytest

from replay.codec import unpack_arrays
from replay.reader import read_record
from replay.record import EpisodeRecorder
from replay.viewer.html import page, write_html
from tests.replay.synthetic import Crowd
from world.kinds import EventKind
from world.records import Control, Event
from world.toy import toy_map

EVIL = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked=1">@@DATA@@'


def make_record(path, ticks=100, vehicles=9, name="toy", summary=None):
    road_map = toy_map("junction")
    crowd = Crowd(drivers=1, vehicles=vehicles, walkers=max(1, vehicles // 3), lights=len(road_map.light_xyz))
    crowd.scatter(60.0)
    header = {"dt": 0.05, "control_every": 1, "scenario": {"name": name}, "map": name, "agent": name, "seed": 1}
    with EpisodeRecorder(path, header, road_map, series=("limit",), routes=[np.eye(2) * 40]) as recorder:
        for i in range(ticks + 1):
            if i:
                crowd.step()
            control = Control(crowd.state.steer[:, :1], crowd.state.accel[:, :1]) if i else None
            here = float(crowd.state.x[0, 0]), float(crowd.state.y[0, 0])
            events = (Event(0, 0, i, int(EventKind.RED_LIGHT), 1.0, -1, 0, *here),) if i == 40 else ()
            series = {"limit": np.array([float("nan") if i < 10 else 13.9])}
            recorder.tick(i * 0.05, crowd.state, crowd.bodies, control, events, state_hash=i, series=series)
        recorder.close(summary if summary is not None else {"ds_lb20": 70.0, "ds_lb21": 71.4, "outcome": name})
    return path


def meta_of(text):
    found = re.search(r'<script type="application/json" id="meta">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found[1])


def test_the_page_holds_the_track(tmp_path):
    record = read_record(make_record(tmp_path / "e.mcap"))
    text = page(record)
    data = re.search(r'id="data">(.*?)</script>', text, re.S)
    assert data
    arrays = unpack_arrays(gzip.decompress(base64.b64decode(data[1])))
    np.testing.assert_allclose(arrays["track_x"] / 100.0, record.track.x, atol=0.0051)
    assert max(a.dtype.itemsize for a in arrays.values()) == 4
    assert meta_of(text)["duration"] == pytest.approx(5.0) and meta_of(text)["events"][0]["name"] == "red_light"


def test_nothing_is_asked_from_outside(tmp_path):
    text = page(read_record(make_record(tmp_path / "e.mcap")))
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in text
    assert not re.search(r"https?://|src\s*=|@import|url\(", text)
    assert "@@" not in text


def test_names_cannot_become_markup(tmp_path):
    summary = {"ds_lb20": 1.0, "ds_lb21": float("nan"), "outcome": EVIL, "infractions": {EVIL: 3}}
    text = page(read_record(make_record(tmp_path / "e.mcap", name=EVIL, summary=summary)))
    assert text.count("<script") == 4 and "<img" not in text
    meta = meta_of(text)
    assert meta["title"] == EVIL and meta["summary"]["ds_lb21"] is None


def test_half_a_file_is_never_seen(tmp_path):
    out = write_html(make_record(tmp_path / "e.mcap"), tmp_path / "replay.html")
    assert sorted(os.listdir(tmp_path)) == ["e.mcap", "replay.html"] and out == tmp_path / "replay.html"
    with pytest.raises(ValueError, match="no moment"):
        empty = tmp_path / "empty.mcap"
        EpisodeRecorder(empty, {"dt": 0.05, "control_every": 1}, toy_map("straight")).close()
        write_html(empty, tmp_path / "no.html")
    assert not (tmp_path / "no.html").exists()


def test_five_minutes_of_a_hundred_road_users_are_under_10_mb(tmp_path):
    sizes = [len(page(read_record(make_record(tmp_path / f"{n}.mcap", ticks=n, vehicles=75)))) for n in (100, 400)]
    assert sizes[0] + (sizes[1] - sizes[0]) / 15.0 * 295.0 < 10e6


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        chrome = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield chrome
        chrome.close()


def test_it_plays_in_a_browser(browser, tmp_path):
    record = make_record(tmp_path / "e.mcap", name=EVIL)
    tab = browser.new_page(viewport={"width": 1000, "height": 700})
    errors, requests = [], []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(write_html(record, tmp_path / "replay.html").as_uri())
    tab.wait_for_function("window.replay && replay.view.t > 0", timeout=20_000)
    assert tab.title() == EVIL and tab.evaluate("window.hacked") is None
    tab.keyboard.press("Space")
    assert tab.evaluate("replay.view.playing") is False
    tab.keyboard.press("Home")
    tab.keyboard.press("n")  # to the next event
    assert tab.evaluate("replay.view.t") == pytest.approx(2.0)
    ours = read_record(record).track
    shown = tab.evaluate("replay.world.agents(2.0).map(a => [a.slot, a.x, a.y, a.yaw])")
    at = int(np.argmin(np.abs(ours.time - 2.0)))
    assert len(shown) == ours.valid[at].sum()
    for slot, x, y, yaw in shown:
        assert (x, y) == pytest.approx((float(ours.x[at, slot]), float(ours.y[at, slot])), abs=0.006)
        assert np.cos(yaw - ours.yaw[at, slot]) > 0.9999
    middle = tab.evaluate("replay.world.agents(2.05).find(a => a.slot === 0).x")
    assert middle == pytest.approx(float(ours.x[at : at + 2, 0].mean()), abs=0.01)
    assert tab.evaluate("Number.isNaN(replay.world.number('limit', 0.2, 0))")
    for key in "frmptsd?[]+-":
        tab.keyboard.press(key)
    tab.wait_for_timeout(200)
    assert errors == [] and len(requests) == 1
    tab.close()
