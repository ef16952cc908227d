"""Real files, the cache and the command line."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from tests.data import shared_data
from tests.world.xodr_text import document, road
from world.opendrive import cache, load_map
from world.opendrive.__main__ import main
from world.roadmap import RoadMap

UNUSABLE = {
    "negative16.xodr": "no planView", "negative17.xodr": "no planView", "negative18.xodr": "no planView",
    "unsupported_schema.xodr": "revMajor",
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TARMAC_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "maps"


@pytest.mark.parametrize("folder", ["esmini_resources", "alks", "ncap", "asam_qc_opendrive/valid_schema"])
def test_every_file_loads_or_says_why_not(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(shared_data(f"opendrive/{folder}").glob("*.xodr"))
    bad = [file.name for file in files if file.name in UNUSABLE]
    assert main([*map(str, files), "--no-cache"]) == (1 if bad else 0)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == len(files)
    for row in rows:
        name = Path(row["file"]).name
        assert row["ok"] == (name not in UNUSABLE)
        if row["ok"]:
            assert row["error"] is None and row["driving_length_m"] > 0 and row["roads"] > 0
        else:
            assert UNUSABLE[name] in row["error"]["reason"] and row["error"]["element"]


def same(a: RoadMap, b: RoadMap) -> bool:
    for name, value in vars(a).items():
        other = getattr(b, name)
        if isinstance(value, np.ndarray):
            if value.dtype != other.dtype or not np.array_equal(value, other):
                return False
        elif value != other or type(value) is not type(other):
            return False
    return True


def test_cache_gives_the_same_map_and_notices_damage(
    tmp_path: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "small.xodr"
    source.write_bytes(document(road()))
    fresh = load_map(source, cache=False)
    assert not own_cache.exists()
    assert same(load_map(source), fresh)
    (file,) = own_cache.iterdir()
    assert same(load_map(source), fresh)
    good = file.read_bytes()
    for broken in (good[: len(good) // 2], b"", good.replace(good[1000:1040], bytes(40))):
        file.write_bytes(broken)
        with caplog.at_level(logging.WARNING):
            caplog.clear()
            assert same(load_map(source), fresh)
        assert "damaged" in caplog.text
        assert file.read_bytes()[:100] == good[:100]
    other = tmp_path / "copy.xodr"
    other.write_bytes(source.read_bytes())
    assert load_map(other).name == "copy" and len(list(own_cache.iterdir())) == 1


def test_an_edited_map_or_reader_is_read_again(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "small.xodr"
    source.write_bytes(document(road()))
    load_map(source)
    source.write_bytes(document(road(length=90)))
    assert load_map(source).lane_length.max() == pytest.approx(90)
    monkeypatch.setattr(cache, "reader_version", lambda: "other")
    load_map(source)
    assert len(list(own_cache.iterdir())) == 3


def test_an_unwritable_cache_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TARMAC_CACHE_DIR", str(tmp_path / "file"))
    source = tmp_path / "small.xodr"
    source.write_bytes(document(road()))
    assert load_map(source).lane_count == 2
    assert "cannot be cached" in caplog.text


def test_command_line_writes_json_and_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2")
    good, bad = tmp_path / "good.xodr", tmp_path / "bad.xodr"
    good.write_bytes(document(road()))
    bad.write_bytes(b"<OpenDRIVE>")
    assert main([str(good), "--json", str(tmp_path / "out.json"), "--plot", str(tmp_path / "map.png")]) == 0
    (row,) = json.loads((tmp_path / "out.json").read_text())
    keys = "file ok error roads lanes driving_length_m junctions lights stops speed_limits crosswalks skipped seconds"
    assert list(row) == keys.split()
    assert (row["roads"], row["lanes"], row["driving_length_m"]) == (1, 2, 200.0)
    assert (tmp_path / "map.png").read_bytes()[:4] == b"\x89PNG"
    assert main([str(good), str(bad)]) == 1
    assert "not well-formed" in capsys.readouterr().err


def test_a_cached_map_with_damage_anywhere_is_never_used_and_never_an_error(tmp_path: Path, own_cache: Path) -> None:
    source = tmp_path / "small.xodr"
    source.write_bytes(document(road()))
    fresh = load_map(source)
    (file,) = own_cache.iterdir()
    good = file.read_bytes()
    rng = np.random.default_rng(3)
    refused = 0
    for i in range(60):
        at = int(rng.integers(len(good)))
        flipped = good[:at] + bytes([good[at] ^ 1 << int(rng.integers(8))]) + good[at + 1 :]
        file.write_bytes(good[:at] if i % 3 == 0 else flipped)
        found = cache.load(file)
        assert found is None or same(found, fresh)  # some bytes of an archive mean nothing
        refused += found is None
    assert refused > 40
