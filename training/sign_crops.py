"""Synthetic pictures of single traffic signs: drawn faces in all kinds of light, distance, dirt and cameras."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.sign_faces import FaceStyle, face_texture
from world.sign_names import NO_SIGN, SIGN_NAMES

SIDE = 40  # [px] of a crop as the classifier takes it
STYLES = 24  # variants of every face
_FACE = 112  # [px] of the templates
_EXTRA = 0.35  # share of the faces that GTSRB does not have, against those that it has


class SignCrops:
    """Draws crops and their classes; deterministic by seed."""

    def __init__(self, seed: int = 0, styles: int = STYLES):
        rng = np.random.default_rng([0x516, seed])
        self.faces = np.stack(
            [[face_texture(n, _FACE, _style(rng)) for _ in range(styles)] for n in range(len(SIGN_NAMES))]
        )
        weight = np.where(np.arange(len(SIGN_NAMES)) < 43, 1.0, _EXTRA)
        self._odds = np.append(weight, 3.0) / (weight.sum() + 3.0)

    def batch(self, count: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """((count, SIDE, SIDE, 3) RGB, (count,) classes)."""
        classes = rng.choice(NO_SIGN + 1, count, p=self._odds)
        return np.stack([self.one(int(c), rng) for c in classes]), classes

    def one(self, face: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """One crop of a class."""
        big = 96
        picture = plain_background(big, rng)
        if face != NO_SIGN:
            picture = self._put(picture, face, rng, 1.0)
        elif rng.random() < 0.5:  # a corner of a sign is no sign
            picture = self._put(picture, int(rng.integers(0, NO_SIGN)), rng, 1.0, off=True)
        if rng.random() < 0.08:
            picture = _occlude(picture, rng)
        return _camera(_lens(_light(picture, rng), rng), rng)

    def _put(self, picture: NDArray, face: int, rng: np.random.Generator, k: float, off: bool = False) -> NDArray:
        """Paste a face with perspective; at times another plate hangs below, or a pole is behind."""
        big = picture.shape[0]
        template = self.faces[face, rng.integers(0, self.faces.shape[1])]
        half = 0.5 * big * np.exp(rng.normal(-0.1, 0.075))
        centre = np.array([big / 2, big / 2]) + rng.normal(0.0, 0.035 * big, 2)
        if off:
            half *= rng.uniform(0.8, 1.6)
            angle = rng.uniform(0.0, 2.0 * math.pi)
            centre += np.array([math.cos(angle), math.sin(angle)]) * half * rng.uniform(1.0, 1.7)
        if rng.random() < 0.5:
            x = int(centre[0] + rng.normal(0.0, 2.0))
            grey = int(rng.integers(40, 180))
            cv2.rectangle(picture, (x - 3, int(centre[1])), (x + 3, big), (grey,) * 3, -1)
        if rng.random() < 0.12 and not off:
            y = centre[1] + half * rng.uniform(1.02, 1.2)
            shade = int(rng.integers(150, 245))
            cv2.rectangle(
                picture, (int(centre[0] - half * 0.8), int(y)), (int(centre[0] + half * 0.8), big), (shade,) * 3, -1
            )
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
        turn = np.radians(rng.normal(0.0, 5.0))
        c, s = math.cos(turn), math.sin(turn)
        corners = corners @ np.array([[c, s], [-s, c]]) * (np.exp(rng.normal(0.0, 0.06)), 1.0)
        corners += rng.normal(0.0, 0.035, (4, 2))
        if rng.random() < 0.25:  # turned away
            corners[:, 0] *= rng.uniform(0.65, 1.0)
        target = (centre + corners * half).astype(np.float32)
        n = template.shape[0]
        (y0, y1), (x0, x1) = (np.flatnonzero(template[:, :, 3].any(axis=axis))[[0, -1]] for axis in (1, 0))
        source = np.array([[x0, y0], [x1 + 1, y0], [x1 + 1, y1 + 1], [x0, y1 + 1]], np.float32)  # crops fit the outline
        matrix = cv2.getPerspectiveTransform(source, target)
        flat = _wear(template, rng) if rng.random() < 0.5 else template
        if rng.random() < 0.3:  # against the light
            flat = (flat * np.array([*(rng.uniform(0.2, 0.9),) * 3, 1.0], np.float32)).astype(np.uint8)
        size = (big, big)
        warped = cv2.warpPerspective(flat, matrix, size, flags=cv2.INTER_AREA if half < n / 2 else cv2.INTER_LINEAR)
        alpha = warped[:, :, 3:].astype(np.float32) / 255.0
        return (warped[:, :, :3] * alpha + picture * (1.0 - alpha)).astype(np.uint8)


def _style(rng: np.random.Generator) -> FaceStyle:
    """One maker's way to draw."""
    jitter = rng.normal(0.0, 1.0, 12)
    faded = rng.random() < 0.12  # red paint turns orange and beige within years
    red = (
        int(np.clip(190 + 22 * jitter[0], 130, 240)),
        int(np.clip(34 + 14 * jitter[1], 10, 90)),
        int(np.clip(42 + 14 * jitter[2], 10, 90)),
    )
    blue = (
        int(np.clip(24 + 14 * jitter[3], 0, 70)),
        int(np.clip(88 + 20 * jitter[4], 50, 150)),
        int(np.clip(172 + 22 * jitter[5], 110, 230)),
    )
    white = int(np.clip(242 + 6 * jitter[9], 215, 255))
    return FaceStyle(
        weight=float(np.clip(np.exp(0.16 * jitter[6]), 0.65, 1.5)),
        scale=float(np.exp(np.clip(0.08 * jitter[7] + 0.03, -0.12, 0.18))),
        border=float(np.clip(np.exp(0.14 * jitter[8]), 0.7, 1.35)),
        spacing=float(np.exp(rng.uniform(-0.35, 0.2))), rim=bool(rng.random() < 0.75),
        red=_faded(red, rng.uniform(0.3, 1.0)) if faded else red, blue=blue,
        white=(white, white, white),
        yellow=(int(np.clip(240 + 8 * jitter[10], 210, 255)), int(np.clip(185 + 16 * jitter[11], 140, 220)), 40),
    )  # fmt: skip


def _faded(red: tuple[int, int, int], part: float) -> tuple[int, int, int]:
    """Red on its way to what is left of it in the end."""
    r, g, b = (int(color + part * (old - color)) for color, old in zip(red, (222, 150, 100), strict=True))
    return r, g, b


def plain_background(n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sky, leaves, walls: coloured noise of several sizes, with edges."""
    base = (
        rng.uniform(20.0, 220.0, 3)
        if rng.random() < 0.3
        else rng.uniform(20.0, 235.0) * np.array([1.0, rng.uniform(0.9, 1.1), rng.uniform(0.8, 1.2)])
    )
    out = np.ones((n, n, 3), np.float32) * base.astype(np.float32)
    for cells in (3, 7, 16, 40):
        grid = rng.normal(0.0, rng.uniform(0.0, 28.0), (cells, cells, 1 if rng.random() < 0.7 else 3)).astype(
            np.float32
        )
        wide = cv2.resize(grid, (n, n), interpolation=cv2.INTER_CUBIC if rng.random() < 0.6 else cv2.INTER_NEAREST)
        out += wide if wide.ndim == 3 else wide[:, :, None]
    for _ in range(rng.poisson(1.5)):
        color = tuple(map(float, rng.uniform(0.0, 255.0, 3)))
        if rng.random() < 0.5:
            a, b = rng.integers(0, n, 2), rng.integers(0, n, 2)
            cv2.line(out, tuple(map(int, a)), tuple(map(int, b)), color, int(rng.integers(1, 8)))
        else:
            points = rng.integers(-n // 2, n + n // 2, (3, 2)).astype(np.int32)
            cv2.fillConvexPoly(out, points, color)
    return np.clip(out, 0.0, 255.0).astype(np.uint8)


def _wear(template: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Faded colours, dirt, scratches, stickers, snow."""
    out = template.astype(np.float32)
    rgb = out[:, :, :3]
    grey = rgb.mean(axis=2, keepdims=True)
    rgb += (grey - rgb) * rng.uniform(0.0, 0.5)
    rgb += (rng.uniform(120.0, 235.0) - rgb) * rng.uniform(0.0, 0.3)
    n = out.shape[0]
    for _ in range(rng.poisson(0.8)):
        spot = np.zeros((n, n), np.float32)
        at, size = rng.uniform(0, n, 2), rng.uniform(2.0, 16.0)
        cv2.circle(spot, tuple(map(int, at)), int(size), 1.0, -1)
        spot = cv2.GaussianBlur(spot, (0, 0), rng.uniform(0.6, 4.0))[:, :, None] * rng.uniform(0.2, 0.9)
        rgb += spot * (rng.uniform(20.0, 235.0, 3).astype(np.float32) - rgb)
    out[:, :, :3] = np.clip(rgb, 0.0, 255.0)
    return out.astype(np.uint8)


def _occlude(picture: NDArray, rng: np.random.Generator) -> NDArray:
    """A branch, a pole or another sign's edge before it."""
    n = picture.shape[0]
    color = tuple(map(int, rng.integers(10, 200, 3)))
    for _ in range(int(rng.integers(1, 5))):
        a, b = rng.integers(0, n, 2), rng.integers(0, n, 2)
        cv2.line(picture, tuple(map(int, a)), tuple(map(int, b)), color, int(rng.integers(2, 10)))
    return picture


def _light(picture: NDArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """Light that reaches the camera, not cut off where it is blown out (1): gradients, shadows, colour casts."""
    n = picture.shape[0]
    out = (picture.astype(np.float32) / 255.0) ** 2  # about linear, as light adds up
    if rng.random() < 0.35:
        angle = rng.uniform(0.0, 2.0 * math.pi)
        y, x = np.mgrid[0:n, 0:n] / n - 0.5
        out *= np.exp(rng.normal(0.0, 1.2) * (x * math.cos(angle) + y * math.sin(angle)))[:, :, None].astype(np.float32)
    if rng.random() < 0.3:
        out *= _shadow(n, rng)[:, :, None]
    level = np.exp(min(rng.normal(-0.6, 1.5), 1.8))  # beyond, nothing but white is left
    warm = rng.normal(0.0, 0.2) * np.array([1.0, 0.0, -1.0])
    out = out ** np.exp(rng.normal(0.0, 0.25)) * (level * np.exp(rng.normal(0.0, 0.12, 3) + warm)).astype(np.float32)
    haze = max(rng.normal(0.0, 0.1), 0.0) ** 2
    return np.asarray(out * (1.0 - haze) + haze * rng.uniform(0.1, 1.0), np.float32)


def _shadow(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(n, n) part of the light that is left: under leaves, or beyond a straight edge."""
    if rng.random() < 0.6:
        cells = int(rng.integers(2, 9))
        field = cv2.resize(rng.random((cells, cells)).astype(np.float32), (n, n), interpolation=cv2.INTER_CUBIC)
        lit = field > rng.uniform(0.3, 0.7)
    else:
        angle = rng.uniform(0.0, 2.0 * math.pi)
        y, x = np.mgrid[0:n, 0:n] / n - 0.5
        lit = x * math.cos(angle) + y * math.sin(angle) > rng.uniform(-0.35, 0.35)
    left = np.where(lit, 1.0, rng.uniform(0.06, 0.65)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(left, (0, 0), rng.uniform(0.5, 3.0)), np.float32)


def _lens(light: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Out of focus, moved while exposed, then cut off: what is blown out eats into dark strokes beside it."""
    if rng.random() < 0.5:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, 3.2)), np.float32)
    if rng.random() < 0.3:
        k = int(rng.integers(3, 15))
        line = np.zeros((k, k), np.float32)
        angle = rng.uniform(0.0, math.pi)
        d = np.array([math.cos(angle), math.sin(angle)]) * k / 2
        cv2.line(line, tuple(map(int, k / 2 - d)), tuple(map(int, k / 2 + d)), 1.0, 1)
        light = np.asarray(cv2.filter2D(light, -1, line / max(float(line.sum()), 1.0)), np.float32)
    return (np.sqrt(np.clip(light, 0.0, 1.0)) * 255.0).astype(np.uint8)


def _camera(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Distance, the sensor's colour mosaic, noise, sharpening, compression; SIDE x SIDE at the end."""
    native = int(np.clip(np.exp(rng.normal(3.4, 0.5)), 12, 80))
    small = cv2.resize(picture, (native, native), interpolation=cv2.INTER_AREA).astype(np.float32)
    mosaic = rng.random() < 0.5
    grey = mosaic or rng.random() < 0.5
    small += rng.normal(0.0, rng.uniform(0.0, 9.0), (native, native, 1) if grey else small.shape)
    small = np.clip(small, 0.0, 255.0).astype(np.uint8)
    if mosaic:
        small = _mosaic(small, rng)
    if rng.random() < 0.35:
        soft = cv2.GaussianBlur(small, (0, 0), 1.0)
        gain = rng.uniform(0.3, 1.5)
        small = cv2.addWeighted(small, 1.0 + gain, soft, -gain, 0.0)
    if rng.random() < 0.25:
        _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))])
        small = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    mode = cv2.INTER_AREA if native > SIDE else int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    return np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=mode), np.uint8)


def _mosaic(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """What a sensor whose pixels see one colour each makes of it: coloured seams, edges like stairs."""
    y, x = int(rng.integers(0, 2)), int(rng.integers(0, 2))  # where its pattern begins
    padded = np.pad(picture, ((2 + y, 3), (2 + x, 3), (0, 0)), mode="edge")
    raw = padded[:, :, 1].copy()
    raw[0::2, 0::2] = padded[0::2, 0::2, 0]
    raw[1::2, 1::2] = padded[1::2, 1::2, 2]
    colors = cv2.cvtColor(raw, cv2.COLOR_BayerRGGB2RGB)
    n = picture.shape[0]
    return np.asarray(colors[2 + y : 2 + y + n, 2 + x : 2 + x + n], np.uint8)
