"""From a canvas to the picture of a sensor: exposure, rain on the way, noise; blur, lens and JPEG where asked for.

Noise comes from one long table of normal numbers, at a place that is drawn for each picture, in one flat loop.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.camera_parts import mix
from world.kernel import kernel

NOISE_SIZE = 1 << 21  # numbers; they are used again within a picture that has more bytes
_UNIT = 1024  # of the table of noise
_ZERO, _WHITE, _HALF = np.int32(0), np.int32(255), np.int32(2048)
_NOISE_SHIFT, _SHIFT = np.int32(4), np.int32(12)  # bits of fractions: 10 and 6 of the noise, 12 of the sum


def noise_table() -> NDArray[np.int16]:
    """NOISE_SIZE normal numbers, in parts of 1 / 1024."""
    normal = np.random.default_rng(0x6E).standard_normal(NOISE_SIZE, dtype=np.float32)
    return np.rint(normal * _UNIT).astype(np.int16)


@kernel
def develop(canvas, out, table, start):
    """Write the picture of a canvas: exposure and noise, in whole numbers, so that the loops become vectors.

    Args:
        canvas: Canvas. out: uint8 (H, W, 3) RGB. table: of `noise_table`. start: where in it this picture begins.
    """
    camera = canvas.camera[0]
    exposure = np.int32(camera.exposure * np.float32(4096.0))
    noise = np.int32(camera.noise * np.float32(64.0))
    height, width = canvas.word.shape
    last = len(table) - 3 * width
    for v in range(height):
        row, plain = canvas.word[v], out[v].reshape(-1)
        for u in range(width):
            word = row[u]
            plain[3 * u] = np.uint8(word & np.uint32(255))
            plain[3 * u + 1] = np.uint8((word >> np.uint32(8)) & np.uint32(255))
            plain[3 * u + 2] = np.uint8((word >> np.uint32(16)) & np.uint32(255))
        at = (start + 3 * width * v) % last
        grain = table[at : at + 3 * width]
        for i in range(3 * width):
            value = np.int32(np.int32(plain[i]) * exposure) + (np.int32(np.int32(grain[i]) * noise) >> _NOISE_SHIFT)
            value = np.int32(value + _HALF) >> _SHIFT
            plain[i] = np.uint8(min(max(np.int32(value), _ZERO), _WHITE))


@kernel
def draw_rain(out, amount, seed, wind):
    """Streaks of falling drops over a picture, brighter than what is behind them.

    Args:
        out: uint8 (H, W, 3). amount: 0 to 1. seed: of this picture. wind: sideways pixels a pixel of fall.
    """
    height, width = out.shape[0], out.shape[1]
    count = np.int64(amount * height * width * np.float32(0.004))
    for n in range(count):
        h = mix(seed, n, 3)
        u = np.float32(h % np.uint32(width))
        v = np.int64((h >> np.uint32(10)) % np.uint32(height))
        size = np.int64(
            height * (np.float32(0.02) + np.float32(0.06) * np.float32((h >> np.uint32(20)) & np.uint32(7)) / 7)
        )
        alpha = np.float32(0.12) + np.float32(0.02) * np.float32((h >> np.uint32(23)) & np.uint32(7))
        for i in range(size):
            x, y = np.int64(u + wind * i), v + i
            if 0 <= x < width and y < height:
                for c in range(3):
                    value = np.float32(out[y, x, c])
                    out[y, x, c] = np.uint8(value + alpha * (np.float32(215.0) - value))


def blur_along(picture: NDArray[np.uint8], pixels: float, angle: float) -> NDArray[np.uint8]:
    """The picture of a camera that moved by `pixels` in a direction [rad] while it was taken."""
    n = max(int(math.ceil(pixels)) | 1, 3)
    line = np.zeros((n, n), np.float32)
    half, middle = 0.5 * pixels, n // 2
    dx, dy = half * math.cos(angle), half * math.sin(angle)
    ends = ((middle - dx) * 16, (middle - dy) * 16), ((middle + dx) * 16, (middle + dy) * 16)
    a, b = (tuple(round(x) for x in end) for end in ends)
    cv2.line(line, a, b, 1.0, 1, cv2.LINE_AA, 4)
    total = float(line.sum())
    if total <= 0.0:
        return picture
    return np.asarray(cv2.filter2D(picture, -1, line / total, borderType=cv2.BORDER_REPLICATE), np.uint8)


def compress(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The picture after a JPEG round trip. Args: quality: 1 to 100."""
    done, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    if not done:
        raise ValueError(f"a picture of {picture.shape} could not be compressed")
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1]
