"""Metrics against cases worked out by hand."""

import numpy as np
import pytest

from perception.metrics import Matches, box_iou, mask_iou


def test_box_iou():
    a = np.array([[0.0, 0.0, 2.0, 2.0]])
    b = np.array([[1.0, 1.0, 3.0, 3.0], [5.0, 5.0, 6.0, 6.0], [0.0, 0.0, 2.0, 2.0]])
    np.testing.assert_allclose(box_iou(a, b), [[1 / 7, 0.0, 1.0]])


def test_mask_iou():
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    a[:2], b[1:3] = True, True
    assert mask_iou(a, b).value == pytest.approx(4 / 12)


def test_average_precision_by_hand():
    """Hits and misses by score: hit, miss, hit, of three wanted: AP = 1/3 * 1 + 1/3 * 2/3."""
    m = Matches()
    true = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], float)
    box = np.array([[0, 0, 10, 10], [100, 0, 110, 10], [20, 0, 30, 10]], float)
    m.add(box, np.array([0.9, 0.8, 0.7]), true, np.zeros(3, bool))
    assert m.average_precision() == pytest.approx(1 / 3 + 2 / 9)


def test_ignored_truths_count_neither_way():
    m = Matches()
    true = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], float)
    m.add(true.copy(), np.array([0.9, 0.8]), true, np.array([False, True]))
    assert m.wanted == 1 and m.average_precision() == pytest.approx(1.0)


def test_a_truth_is_matched_once():
    m = Matches()
    true = np.array([[0, 0, 10, 10]], float)
    m.add(np.array([[0, 0, 10, 10], [0, 0, 10, 11]], float), np.array([0.9, 0.8]), true, np.zeros(1, bool))
    assert m.hits == [True, False]
