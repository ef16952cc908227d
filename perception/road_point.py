"""Where the lanes that a network saw meet: the vanishing point of the road, by all their rows together."""

import numpy as np
from numpy.typing import NDArray

from perception.vanishing import CameraGuess

F64 = NDArray[np.float64]
_LEAST = 4  # rows of a line
_SPREAD = 0.006  # of the picture's width: how far rows lie beside their line
_ROWS = 33  # heights that are tried, within two standard deviations of what is expected
_ROUNDS = 8  # of weights, against rows that lie off


def meeting_point(
    slot: NDArray, px: NDArray, score: NDArray, width: int, height: int, guess: CameraGuess
) -> F64 | None:  # fmt: skip
    """(2,) [px] that the lines aim at; None where fewer than two of them were seen.

    For each height of the point the lines x = a + b (y - height) through one a are fitted by weights of a Cauchy
    likelihood; the most likely height and a, with what is expected of them, are the answer.

    Args:
        slot: (n,) line of each point. px: (n, 2) [px]. score: (n,) in [0, 1].
        width: [px] of the picture. height: [px] of it.
        guess: where roads are expected to vanish.
    """
    slots = [s for s in np.unique(slot) if (slot == s).sum() >= _LEAST]
    if len(slots) < 2:
        return None
    used = np.isin(slot, slots)
    slot, px, score = slot[used], px[used], score[used].astype(np.float64)
    expected = np.array(guess.point) * (width, height)
    sigma = np.array(guess.spread) * (width, height)
    spread = _SPREAD * width
    rows = expected[1] + sigma[1] * np.linspace(-2.0, 2.0, _ROWS)
    below = (px[None, :, 1] - rows[:, None]) / height  # (G, n)
    basis = np.concatenate([np.ones_like(below)[..., None], below[..., None] * (slot[:, None] == slots)], axis=2)
    hold = np.full(len(slots) + 1, 1e-9)
    hold[0] = (spread / sigma[0]) ** 2
    x = px[:, 0] - expected[0]
    off, fit = np.zeros_like(below), np.zeros((_ROWS, len(slots) + 1))
    for _ in range(_ROUNDS):
        weighed = basis * (score / (1.0 + (off / spread) ** 2))[..., None]
        system = weighed.transpose(0, 2, 1) @ basis + np.diag(hold)
        fit = np.linalg.solve(system, weighed.transpose(0, 2, 1) @ x[:, None])[..., 0]
        off = x - (basis @ fit[..., None])[..., 0]
    cost = (score * np.log1p((off / spread) ** 2)).sum(axis=1)
    cost += (fit[:, 0] / sigma[0]) ** 2 + ((rows - expected[1]) / sigma[1]) ** 2
    best = int(np.argmin(cost))
    return np.array([fit[best, 0] + expected[0], rows[best]])
