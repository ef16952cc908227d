"""A road drawn through a CameraSpec, pixel by pixel from the ground: an oracle of where its lines are."""

import numpy as np

from world.camera import CameraSpec


def road_picture(
    spec: CameraSpec, lines: list[tuple[float, float, float]], dashed: tuple[int, ...] = (), noise: float = 4.0,
    verge: float = 9.0, seed: int = 0,
) -> np.ndarray:  # fmt: skip
    """(H, W, 3) RGB.

    Args:
        lines: (a, b, c) of y = a + b x + c x^2 / 2 each, 0.15 m wide.
        dashed: which of them are.
        noise: standard deviation of each pixel.
        verge: [m] to each side, beyond which the ground is green.
    """
    px = np.stack(np.meshgrid(np.arange(spec.width), np.arange(spec.height)), axis=-1).astype(float)
    total = np.zeros((spec.height, spec.width, 3))
    samples = [(dx, dy) for dx in (-0.33, 0.0, 0.33) for dy in (-0.33, 0.0, 0.33)]
    for shift in samples:
        xy, falls = spec.ground(px + shift)
        x, y = xy[..., 0], xy[..., 1]
        color = np.where(falls[..., None], (95.0, 95.0, 100.0), (150.0, 185.0, 230.0))
        color[falls & (np.abs(y) > verge)] = (70.0, 110.0, 50.0)
        for i, (a, b, c) in enumerate(lines):
            paint = falls & (np.abs(y - (a + b * x + 0.5 * c * x * x)) < 0.075)
            if i in dashed:
                paint &= np.mod(x, 9.0) < 3.5
            color[paint] = (225.0, 225.0, 220.0)
        total += color
    picture = total / len(samples) + np.random.default_rng(seed).normal(0.0, noise, total.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)
