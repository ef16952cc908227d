"""Records from anywhere: damaged inside of whole chunks, or made to take memory; and what the command line says."""

import json
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import zstandard

from replay import channels as ch
from replay.__main__ import main
from replay.codec import RecordError, pack_arrays
from replay.mcap_scan import MAX_KEPT, MAX_MESSAGES, scan
from replay.reader import parse_record
from replay.viewer.html import page
from tests.data import ROOT
from tests.replay.test_viewer import make_record

MAGIC = b"\x89MCAP0\r\n"


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()


def record(opcode: int, body: bytes) -> bytes:
    return struct.pack("<BQ", opcode, len(body)) + body


def chunk(packed: bytes, size: int) -> bytes:
    """Without a checksum, so that what is inside is all that counts."""
    head = struct.pack("<QQQI", 0, 0, size, 0) + text("zstd") + struct.pack("<Q", len(packed))
    return record(6, head + packed)


def channel(number: int, topic: str) -> bytes:
    return record(4, struct.pack("<HH", number, 0) + text(topic) + text("x") + struct.pack("<I", 0))


def message(number: int, data: bytes) -> bytes:
    return record(5, struct.pack("<HIQQ", number, 0, 0, 0) + data)


HEAD = MAGIC + record(1, text(ch.PROFILE) + text(""))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_record(tmp_path_factory.mktemp("hostile") / "episode.mcap")


def chunks(data: bytes) -> list[tuple[int, int, bytes]]:
    """(first byte, end, records inside) of every chunk."""
    out, at = [], len(MAGIC)
    while data[at] != 15:
        opcode, length = struct.unpack_from("<BQ", data, at)
        if opcode == 6:
            body = data[at + 9 : at + 9 + length]
            (size,) = struct.unpack_from("<Q", body, 16)
            out.append((at, at + 9 + length, zstandard.ZstdDecompressor().decompress(body[44:], max_output_size=size)))
        at += 9 + length
    return out


def test_damage_within_whole_chunks_is_read_or_refused_but_is_never_another_error(whole):
    data = whole.read_bytes()
    parts = chunks(data)
    rng = np.random.default_rng(7)
    refused = 0
    for _ in range(120):
        first, end, inner = parts[rng.integers(len(parts))]
        broken = bytearray(inner)
        for at in rng.integers(0, min(len(inner), int(rng.choice([400, 4000, len(inner)]))), 2):
            broken[at] ^= 1 << rng.integers(8)
        try:
            page(parse_record(data[:first] + chunk(zstandard.compress(bytes(broken)), len(inner)) + data[end:]))
        except RecordError:
            refused += 1
        except ValueError as error:
            assert "no moment" in str(error)
    assert 10 < refused < 120


def test_a_frame_that_claims_a_terabyte_is_refused_before_it_is_asked_for():
    frame = bytes.fromhex("28b52ffd") + b"\xe0" + struct.pack("<Q", 1 << 40) + b"\x01\x00\x00"
    found = scan(HEAD + chunk(frame, 1000))
    assert "claims to hold 1099511627776" in found.trouble and not found.messages


def test_many_messages_end_the_walk():
    inner = channel(1, ch.EVENTS) + message(1, b"") * (MAX_MESSAGES + 1)
    found = scan(HEAD + chunk(zstandard.compress(inner), len(inner)))
    assert len(found.messages[ch.EVENTS]) == MAX_MESSAGES and "more than" in found.trouble


BOMBS = """
import sys, time
from pathlib import Path
from replay.reader import read_record
start = time.perf_counter()
try:
    read_record(Path(sys.argv[1]))
except ValueError as error:
    print(str(error)[:200])
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1024, time.perf_counter() - start)  # getrusage would tell the parent's peak, too
"""
MB = 1 << 20


@pytest.mark.parametrize(
    ("topic", "data", "times"),
    [
        (ch.TRACK, pack_arrays({"valid": np.zeros((60 * MB, 1), np.bool_)}), 30),
        (ch.HEADER, b'{"a":[' + b"[]," * (20 * MB) + b"0]}", 1),
        (ch.EVENTS, b'{"a":[' + b"[]," * (MB // 4) + b"0]}", 60),
        ("/other", bytes(100 * MB), 15),
    ],
    ids=["arrays", "json", "many json", "unknown topic"],
)
def test_a_small_file_never_takes_gigabytes(topic, data, times, tmp_path):
    inner = channel(1, topic) + message(1, data)
    path = tmp_path / "bomb.mcap"
    packed = chunk(zstandard.compress(inner), len(inner))
    path.write_bytes(HEAD + packed * times)
    assert path.stat().st_size < 2 * MB
    done = subprocess.run(
        [sys.executable, "-c", BOMBS, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    megabytes, seconds = map(float, done.stdout.splitlines()[-1].split())
    assert "bomb.mcap: " in done.stdout and megabytes < MAX_KEPT / MB + 650 and seconds < 20


def test_a_number_of_a_thousand_digits_is_refused(whole):
    data = whole.read_bytes()
    first, end, inner = chunks(data)[0]
    at = inner.index(b'"seed": ')
    broken = inner[:at] + b'"seed":' + b"9" * 5000 + inner[at + 9 :]
    start = inner.rindex(b"\x05", 0, inner.index(b'{"dt"'))  # the message that holds the header
    (length,) = struct.unpack_from("<Q", broken, start + 1)
    broken = broken[: start + 1] + struct.pack("<Q", length + len(broken) - len(inner)) + broken[start + 9 :]
    with pytest.raises(RecordError, match="header"):
        parse_record(data[:first] + chunk(zstandard.compress(broken), len(broken)) + data[end:])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["verify", "absent.mcap"], "absent.mcap: No such file or directory"),
        (["info", "."], ".: this is no file"),
        (["html", os.devnull], f"{os.devnull}: this is no file"),
        (["info", "no.mcap"], "no.mcap: file is no MCAP file"),
        (["html", "{whole}", "--out", "nowhere/x.html"], "nowhere/x.html: No such file or directory"),
        (["verify", "{whole}"], "the record's header: scenario.source is None"),
        (["verfy", "x"], "invalid choice"),
        ([], "required: command"),
    ],
)
def test_bad_requests_are_one_clear_line_and_exit_2(arguments, says, whole, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no.mcap").write_bytes(b"no")
    try:
        status = main([a.format(whole=whole) for a in arguments])
    except SystemExit as end:
        status = end.code
    error = capsys.readouterr().err
    assert status == 2 and says in error and error.count("\n") == 1


def test_headers_of_the_wrong_kind_are_refused_in_words():
    from envs.episode import resimulate

    good = {"scenario": {"source": "town01", "vehicles": 1, "pedestrians": 1, "max_time": 0.0}, "seed": 1}
    good |= {"backend": "light", "map_hash": "0"}
    bad: list[dict] = [{"seed": None}, {"scenario": None}, {"scenario": {"source": 5}}, {"map_hash": 3}]
    bad += [{"backend": ["light"]}, {"scenario": good["scenario"] | {"vehicles": "many"}}]
    bad += [{"scenario": good["scenario"] | {"vehicles": 10**9}}, {"scenario": good["scenario"] | {"source": "x.xodr"}}]
    for change in bad:
        with pytest.raises(ValueError, match=r"header|town01|x\.xodr"):
            next(resimulate(json.loads(json.dumps(good | change)), []), None)
