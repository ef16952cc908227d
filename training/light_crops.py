"""Synthetic pictures of single traffic light heads in all kinds of light, and their states."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from training.sign_crops import plain_background
from world.kinds import LightState

SIDE = 32  # [px] of a crop as the classifier takes it
_HIGH, _WIDE = 144, 72  # [px] of the drawing; crops of any shape are squeezed into a square
_STATES = (LightState.RED, LightState.GREEN, LightState.AMBER, LightState.RED_AMBER, LightState.OFF)
_ODDS = (0.3, 0.3, 0.2, 0.08, 0.12)
_HUES = {  # RGB of glowing lamps
    0: ((255, 30, 30), (255, 60, 40), (235, 20, 60), (255, 70, 90)),
    1: ((255, 170, 20), (255, 130, 10), (255, 210, 60), (255, 150, 60)),
    2: ((30, 255, 160), (60, 240, 220), (20, 220, 120), (90, 255, 190)),
}


def batch(count: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """((count, SIDE, SIDE, 3) RGB, (count,) LightState)."""
    states = rng.choice([int(s) for s in _STATES], count, p=_ODDS)
    return np.stack([one(int(s), rng) for s in states]), states


def one(state: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One crop."""
    sky = rng.random() < 0.5
    picture = plain_background(_HIGH, rng)[:, :_WIDE].astype(np.float32)
    if sky:
        tint = np.array([1.0, rng.uniform(0.97, 1.03), rng.uniform(0.97, 1.12)])
        picture = 0.1 * picture + 0.9 * rng.uniform(150.0, 255.0) * tint.astype(np.float32)
    night = not sky and rng.random() < 0.25
    if night:
        picture *= 0.15
    box = _housing(picture, rng, night)
    lit = {LightState.RED: (0,), LightState.AMBER: (1,), LightState.GREEN: (2,), LightState.RED_AMBER: (0, 1)}
    _lamps(picture, box, lit.get(LightState(state), ()), rng)
    return _camera(picture, rng)


def _housing(picture: NDArray, rng: np.random.Generator, night: bool) -> tuple[float, float, float, float]:
    """Draw the box; returns its (left, top, right, bottom)."""
    left, right = rng.uniform(-6.0, 20.0), _WIDE - rng.uniform(-6.0, 20.0)
    top, bottom = rng.uniform(-8.0, 18.0), _HIGH - rng.uniform(-8.0, 18.0)
    if rng.random() < 0.4:  # arm or mast
        shade = float(rng.uniform(20.0, 160.0))
        y = int(rng.uniform(0.0, _HIGH))
        cv2.line(picture, (0, y), (_WIDE, int(y + rng.normal(0.0, 12.0))), (shade,) * 3, int(rng.integers(3, 9)))
    if rng.random() < 0.25:  # plate
        shade = float(rng.uniform(8.0, 70.0))
        cv2.rectangle(picture, (int(left - 9), int(top - 9)), (int(right + 9), int(bottom + 9)), (shade,) * 3, -1)
    grey = rng.uniform(10.0, 40.0) if night or rng.random() < 0.55 else rng.uniform(40.0, 185.0)
    color = grey * np.array([1.0, 1.0, rng.uniform(0.95, 1.15)])
    if rng.random() < 0.12:
        color = rng.uniform(0.4, 1.0) * np.array([225.0, 170.0, 40.0])
    cv2.rectangle(picture, (int(left), int(top)), (int(right), int(bottom)), tuple(map(float, color)), -1)
    if rng.random() < 0.3:  # three round parts rather than one box
        for k in range(3):
            y = top + (bottom - top) * (k + 0.5) / 3.0
            edge = tuple(map(float, color * 0.8))
            cv2.ellipse(
                picture,
                (int((left + right) / 2), int(y)),
                (int((right - left) * 0.5), int((bottom - top) / 6.2)),
                0,
                0,
                360,
                edge,
                -1,
            )
    return left, top, right, bottom


def _lamps(
    picture: NDArray, box: tuple[float, float, float, float], lit: tuple[int, ...], rng: np.random.Generator
) -> None:
    """Three lamps from above: those that are lit glow over their edges."""
    left, top, right, bottom = box
    x = 0.5 * (left + right) + rng.normal(0.0, 2.0)
    pitch = (bottom - top) / 3.0
    radius = min(0.5 * (right - left), 0.5 * pitch) * rng.uniform(0.6, 0.95)
    stretch = np.exp(rng.normal(0.0, 0.12))
    arrow = rng.random() < 0.18
    for k in range(3):
        y = 0.5 * (top + bottom) + (k - 1) * pitch * rng.uniform(0.88, 1.0)
        dark = rng.uniform(8.0, 70.0) * np.array([(1.25, 0.8, 0.8), (1.2, 1.0, 0.7), (0.8, 1.05, 1.0)][k])
        if rng.random() < 0.85:
            cv2.ellipse(
                picture, (int(x), int(y)), (int(radius * stretch), int(radius)), 0, 0, 360, tuple(map(float, dark)), -1
            )
        if k in lit:
            hues = _HUES[k]
            _glow(picture, x, y, radius, stretch, np.array(hues[rng.integers(len(hues))], np.float32), arrow, rng)


def _glow(
    picture: NDArray,
    x: float,
    y: float,
    radius: float,
    stretch: float,
    hue: NDArray,
    arrow: bool,
    rng: np.random.Generator,
) -> None:
    """A lit lamp: its disc or arrow, a core that may be blown out to white, light around it."""
    mask = np.zeros(picture.shape[:2], np.float32)
    size = (int(max(radius * stretch * rng.uniform(0.75, 1.0), 2)), int(max(radius * rng.uniform(0.75, 1.0), 2)))
    if arrow:
        turn = int(rng.integers(0, 4)) * math.pi / 2
        points = np.array(
            [(0, -0.9), (0.7, -0.1), (0.25, -0.1), (0.25, 0.9), (-0.25, 0.9), (-0.25, -0.1), (-0.7, -0.1)]
        )
        c, s = math.cos(turn), math.sin(turn)
        points = points @ np.array([[c, s], [-s, c]]) * size + (x, y)
        cv2.fillPoly(mask, [points.round().astype(np.int32)], 1.0)
    else:
        cv2.ellipse(mask, (int(x), int(y)), size, 0, 0, 360, 1.0, -1)
    strength = rng.uniform(0.6, 1.0)
    core = cv2.GaussianBlur(mask, (0, 0), max(radius * rng.uniform(0.04, 0.3), 0.5))[:, :, None]
    white = float(rng.random() ** 1.5) if not arrow else float(rng.random() ** 4)
    inner = hue + white * (250.0 - hue)
    halo = cv2.GaussianBlur(mask, (0, 0), radius * rng.uniform(0.5, 1.1))[:, :, None] * rng.uniform(0.1, 0.7)
    picture += halo * (hue - picture) * strength
    blend = np.clip(core * 1.2, 0.0, 1.0) * strength
    edge = np.clip(cv2.GaussianBlur(mask, (0, 0), max(radius * 0.35, 0.7))[:, :, None], 0.0, 1.0)
    glow = hue + np.clip(edge * 1.6 - 0.5, 0.0, 1.0) * (inner - hue)
    picture += blend * (glow - picture)


def _camera(picture: NDArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Tilt, haze, exposure, distance, blur, noise."""
    h, w = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), rng.normal(0.0, 6.0), 1.0)
    turn[:, 2] += rng.normal(0.0, 2.5, 2)
    picture = cv2.warpAffine(picture, turn, (w, h), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.4:
        haze = rng.uniform(0.0, 0.6)
        picture = picture * (1.0 - haze) + haze * rng.uniform(120.0, 255.0)
    cast = np.exp(rng.normal(0.0, 0.07, 3)).astype(np.float32)
    picture = np.clip(picture * np.exp(rng.normal(0.0, 0.3)) * cast, 0.0, 255.0)
    high = int(np.clip(np.exp(rng.normal(3.5, 0.5)), 10, 90))
    wide = max(int(high * rng.uniform(0.35, 0.6)), 5)
    small = cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        small = cv2.GaussianBlur(small, (0, 0), rng.uniform(0.3, 1.6))
    small = np.clip(small + rng.normal(0.0, rng.uniform(0.0, 7.0), small.shape), 0.0, 255.0).astype(np.uint8)
    if rng.random() < 0.4:
        _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))])
        small = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return np.asarray(
        cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_AREA if high > SIDE else cv2.INTER_LINEAR), np.uint8
    )
