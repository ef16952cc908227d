"""Joined edges cover the same lines with fewer segments."""

import numpy as np
import pytest
import shapely

from world.edge_join import LONGEST, OFF, join_edges


def line(xy: np.ndarray, z: float = 0.0) -> np.ndarray:
    points = np.column_stack([xy, np.full(len(xy), z)])
    return np.stack([points[:-1], points[1:]], axis=1)


def length(segment: np.ndarray) -> float:
    return float(np.linalg.norm(segment[:, 1] - segment[:, 0], axis=1).sum())


def test_a_straight_line_becomes_long_segments():
    segment = line(np.column_stack([0.4 * np.arange(251), np.zeros(251)]))
    joined, kind = join_edges(segment, np.zeros(250, np.int8))
    assert len(joined) <= 100 / (LONGEST / 2) and len(kind) == len(joined)
    assert length(joined) == pytest.approx(100.0) and joined[0, 0, 0] == 0 and joined[-1, 1, 0] == 100.0
    assert (joined[1:, 0] == joined[:-1, 1]).all()


@pytest.mark.parametrize("radius", [8.0, 50.0, 400.0])
def test_a_bend_stays_where_it_was(radius):
    angle = np.linspace(0, 2, round(2 * radius / 0.45))
    segment = line(radius * np.column_stack([np.cos(angle), np.sin(angle)]))
    joined, _ = join_edges(segment, np.zeros(len(segment), np.int8))
    before, after = (shapely.union_all(shapely.linestrings(s[:, :, :2])) for s in (segment, joined))
    assert shapely.hausdorff_distance(before, after, densify=0.01) < 1.5 * OFF
    assert radius < 10 or len(joined) < 0.6 * len(segment)


def test_gaps_corners_kinds_and_steps_stay():
    a = line(np.array([[0, 0], [1, 0], [2, 0]]))
    for other in (
        line(np.array([[2.5, 0], [3, 0], [4, 0]])),  # a gap
        line(np.array([[2, 0], [2, 1], [2, 2]])),  # a corner
        line(np.array([[2, 0], [1, 0], [0, 0]])),  # back the same way
        line(np.array([[2, 0], [3, 0], [4, 0]]), z=1.0),  # a step
    ):
        joined, _ = join_edges(np.concatenate([a, other]), np.zeros(4, np.int8))
        assert len(joined) == 2
    joined, kind = join_edges(line(np.array([[0, 0], [1, 0], [2, 0], [3, 0], [4, 0]])), np.array([0, 0, 1, 1], np.int8))
    assert kind.tolist() == [0, 1] and joined[:, :, 0].tolist() == [[0, 2], [2, 4]]
    empty, kind = join_edges(np.zeros((0, 2, 3)), np.zeros(0, np.int8))
    assert len(empty) == len(kind) == 0
