"""Messages of an MCAP file, as far as it goes: a file that was cut at any byte gives what lies in whole chunks.

The library's reader wants the end of the file, or memory as a broken file asks for it; this one walks the records from
the front, bounds every size and says why it stopped.

Source: MCAP format specification, mcap.dev/spec.
"""

import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from replay.codec import RecordError

MAGIC = b"\x89MCAP0\r\n"
MAX_FILE = 1 << 28  # [bytes]; an hour with a hundred road users is 80 MB
MAX_CHUNK = 1 << 27  # of one uncompressed chunk
MAX_TOTAL = 1 << 31  # of all uncompressed chunks, which are looked at one after the other
MAX_KEPT = 1 << 28  # of all messages that are kept; an hour with a hundred road users is half of it
MAX_MESSAGES = 200_000  # that are kept
_HEADER, _FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 1, 2, 3, 4, 5, 6, 15


@dataclass
class Scan:
    """What was found: messages by topic in file order, and why the walk stopped, if early."""

    profile: str = ""
    messages: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)  # topic -> (log time [ns], data)
    complete: bool = False
    trouble: str = ""
    count: int = 0  # of kept messages
    kept: int = 0  # [bytes] of kept messages


class _Cut(Exception):
    """The bytes end here."""


def read_file(path: Path) -> bytes:
    """A record's bytes.

    Raises:
        RecordError: this is no file, or one that is too large for a record.
        OSError: it cannot be read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a folder, or a pipe that never ends
        raise RecordError("this is no file")
    if status.st_size > MAX_FILE:
        raise RecordError(f"file has {status.st_size} bytes; allowed: up to {MAX_FILE}")
    return path.read_bytes()


def scan(data: bytes, wanted: Callable[[str], bool] | None = None) -> Scan:
    """Walk an MCAP file. Args: data: of the file; wanted: which topics are, None means all.

    Raises:
        RecordError: this is no MCAP file.
    """
    if len(data) > MAX_FILE:
        raise RecordError(f"file has {len(data)} bytes; allowed: up to {MAX_FILE}")
    if data[: len(MAGIC)] != MAGIC:
        raise RecordError("file is no MCAP file (wrong first bytes)")
    out, names, total = Scan(), {}, 0
    try:
        for opcode, body in _records(memoryview(data), len(MAGIC)):
            if opcode == _HEADER:
                out.profile = _string(body, 0)[0]
            elif opcode == _CHUNK:
                inner = _inflate(body)
                total += len(inner)
                if total > MAX_TOTAL:
                    raise RecordError(f"chunks hold more than {MAX_TOTAL} bytes")
                for inner_opcode, inner_body in _records(memoryview(inner), 0):
                    _take(inner_opcode, inner_body, names, out, wanted)
            elif opcode in (_DATA_END, _FOOTER):
                out.complete = True
                break
            else:
                _take(opcode, body, names, out, wanted)
        else:
            out.trouble = "the file ends without an end mark (the run was killed, or the file was cut)"
    except _Cut as cut:
        out.trouble = f"the file is cut: {cut}"
    except (RecordError, struct.error, UnicodeDecodeError, zstandard.ZstdError, MemoryError) as error:
        out.trouble = f"the file is damaged: {error}"
    return out


def _records(data: memoryview, at: int) -> Iterator[tuple[int, memoryview]]:
    while at < len(data):
        if at + 9 > len(data):
            raise _Cut("within the head of a record")
        opcode, length = struct.unpack_from("<BQ", data, at)
        if opcode == 0:
            raise RecordError(f"record with opcode 0 at byte {at}")
        if at + 9 + length > len(data):
            raise _Cut(f"within a record of {length} bytes")
        yield opcode, data[at + 9 : at + 9 + length]
        at += 9 + length


def _string(body: memoryview, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", body, at)
    if at + 4 + length > len(body):
        raise RecordError("text is longer than its record")
    return bytes(body[at + 4 : at + 4 + length]).decode(), at + 4 + length


def _inflate(body: memoryview) -> bytes:
    """The records of a chunk, checked against its size and checksum."""
    _, _, size, crc = struct.unpack_from("<QQQI", body, 0)
    compression, at = _string(body, 28)
    (length,) = struct.unpack_from("<Q", body, at)
    packed = bytes(body[at + 8 :])
    if size > MAX_CHUNK or length != len(packed):
        raise RecordError(f"chunk of {size} bytes from {length}; allowed: up to {MAX_CHUNK}, all of it there")
    if compression == "zstd":
        told = zstandard.frame_content_size(packed) if size else 0
        if told > size:  # the library would take as much memory as the frame claims
            raise RecordError(f"chunk of {size} bytes claims to hold {told}")
        data = zstandard.ZstdDecompressor().decompress(packed, max_output_size=size) if size else b""
    elif compression == "":
        data = packed
    else:
        raise RecordError(f"chunk compression {compression!r} is unknown; allowed: zstd and none")
    if len(data) != size or (crc and zlib.crc32(data) != crc):
        raise RecordError("chunk does not match its checksum")
    return data


def _take(
    opcode: int, body: memoryview, names: dict[int, str], out: Scan, wanted: Callable[[str], bool] | None
) -> None:  # fmt: skip
    if opcode == _CHANNEL:
        number, _ = struct.unpack_from("<HH", body, 0)
        topic, _ = _string(body, 4)
        if wanted is None or wanted(topic):
            names[number] = topic
        else:
            names.pop(number, None)
    elif opcode == _MESSAGE:
        number, _, log_time, _ = struct.unpack_from("<HIQQ", body, 0)
        topic = names.get(number)
        if topic is not None:
            out.count, out.kept = out.count + 1, out.kept + len(body)
            if out.count > MAX_MESSAGES or out.kept > MAX_KEPT:
                raise RecordError(f"messages are more than {MAX_MESSAGES}, or hold more than {MAX_KEPT} bytes")
            out.messages.setdefault(topic, []).append((log_time, bytes(body[22:])))
