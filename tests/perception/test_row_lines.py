"""Lines told row by row become lines down to the edge of the picture."""

import numpy as np
import pytest

from perception.row_lines import row_lines


def test_rows_become_lines_down_to_the_edge():
    """Lines side by side on flat ground come back, drawn on to the edge, whatever a few wrong rows say."""
    y = np.arange(150.0, 90.0, -4.0)
    v = y - 80.0
    left, right = 205.0 - 0.9 * v + 120.0 / v, 205.0 + 0.4 * v + 120.0 / v
    odd = left.copy()
    odd[:3] += 60.0
    px = np.concatenate([np.stack([x, y], axis=1) for x in (odd, right)] + [[(5.0, 5.0)]])
    slot = np.array([1] * len(y) + [2] * len(y) + [3])
    lines = row_lines(slot, px, np.ones(len(slot)), 400, 200, 80.0)
    assert [s for s, _, _ in lines] == [1, 2]  # a single point is no line
    for (_, line, _), (a, b, c) in zip(lines, ((205.0, -0.9, 120.0), (205.0, 0.4, 120.0)), strict=True):
        u = line[:, 1] - 80.0
        np.testing.assert_allclose(line[:, 0], a + b * u + c / u, atol=3.0)
        assert line[0, 1] == pytest.approx(199.0) and line[:, 1].min() < 96.0


def test_row_lines_order():
    y = np.arange(100.0, 60.0, -4.0)
    px = np.stack([200.0 - 0.5 * (y - 60.0), y], axis=1)
    (_, line, score), *_ = row_lines(np.zeros(10, int), px[::-1], np.full(10, 0.7), 400, 200, 50.0)
    assert (np.diff(line[:, 1]) < 0.0).all() and score == pytest.approx(0.7)
