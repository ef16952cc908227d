"""The camera pictures of a record: what the agent of driver 0 saw, as JPEG; and back."""

from collections.abc import Mapping

import cv2
import numpy as np
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from google.protobuf.message import DecodeError
from mcap.writer import Writer
from numpy.typing import NDArray

from replay import channels as ch
from replay import foxglove as fox
from replay.codec import RecordError
from world.records import DrawPicture

QUALITY = 70
MAX_PICTURE, MAX_PICTURES = 1 << 20, 1 << 29  # [bytes] of one, and of all of a record
_JPEG = b"\xff\xd8\xff"
_AROUND = 1024  # [bytes] of a message beside its picture, at most
U8 = NDArray[np.uint8]


class CameraChannels:
    """Writes pictures. Args: world: of the batch. hz: pictures a second at most, of each camera."""

    def __init__(self, writer: Writer, world: int, hz: float):
        self._writer, self._world, self._period = writer, world, 1.0 / hz
        self._channels: dict[str, int] = {}
        self._next: dict[str, float] = {}  # [s] from when on a camera's next picture is wanted
        self._last: dict[str, float] = {}  # [s] when the last one was taken
        self._schema = 0

    def tick(self, time: float, pictures: Mapping[str, DrawPicture]) -> None:
        """Draw and write what is due, the cameras in turns. Args: time: [s] now."""
        for n, (name, draw) in enumerate(pictures.items()):
            due = self._next.setdefault(name, time + n * self._period / len(pictures))
            shown = draw(self._world, 0) if time > due - 1e-6 else None
            if shown is None or shown[0] <= self._last.get(name, -1.0):
                continue
            self._write(name, shown[0], _jpeg(shown[1]))
            self._next[name], self._last[name] = due + self._period, shown[0]

    def _write(self, name: str, time: float, jpeg: bytes) -> None:
        if name not in self._channels:
            self._schema = self._schema or self._writer.register_schema(
                name=CompressedImage.DESCRIPTOR.full_name, encoding="protobuf", data=fox.schema_bytes(CompressedImage)
            )
            self._channels[name] = self._writer.register_channel(
                topic=ch.CAMERA + name, message_encoding="protobuf", schema_id=self._schema
            )
        nanos = round(time * 1e9)
        data = fox.image_message(time, name, jpeg)
        self._writer.add_message(self._channels[name], log_time=nanos, data=data, publish_time=nanos)


def _jpeg(picture: U8) -> bytes:
    """A JPEG file of (H, W, 3) RGB; pictures that readers would refuse as too large are halved until they fit."""
    while True:
        data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        if len(data) <= MAX_PICTURE - _AROUND:
            return data
        half = picture.shape[1] // 2, picture.shape[0] // 2
        picture = np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_AREA), np.uint8)


def read_pictures(topic: str, messages: list[tuple[int, bytes]]) -> tuple[list[float], list[bytes]]:
    """([s] when they were taken, rising; JPEG files) of a camera's messages.

    Raises:
        RecordError: a message is no picture, or too large.
    """
    times: list[float] = []
    files: list[bytes] = []
    total = 0
    for nanos, data in messages:
        if len(data) > MAX_PICTURE:
            raise RecordError(f"{topic} has a picture of {len(data)} bytes; allowed: up to {MAX_PICTURE}")
        try:
            message = CompressedImage.FromString(data)
        except DecodeError as error:
            raise RecordError(f"{topic}: a message is no compressed picture ({error})") from error
        if message.format != "jpeg" or not message.data.startswith(_JPEG):
            raise RecordError(
                f"{topic}: a picture is {message.format[:20]!r} and begins with {message.data[:3].hex()!r}; "
                f"allowed: 'jpeg' and {_JPEG.hex()!r}"
            )
        total += len(data)
        if total > MAX_PICTURES:
            raise RecordError(f"{topic} has more than {MAX_PICTURES} bytes of pictures")
        times.append(nanos * 1e-9)
        files.append(message.data)
    if any(b < a for a, b in zip(times, times[1:], strict=False)):
        raise RecordError(f"{topic}: times do not rise")
    return times, files
