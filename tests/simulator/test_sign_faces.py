"""Faces of signs: all there, all different, opaque within their outline."""

import itertools

import numpy as np
import pytest

from simulator.sign_faces import face_texture
from world.sign_names import SIGN_NAMES, face_of, sign_limit


def test_all_faces_differ():
    faces = [face_texture(n, 32).astype(int) for n in range(len(SIGN_NAMES))]
    for (i, a), (j, b) in itertools.combinations(enumerate(faces), 2):
        assert np.abs(a - b).max() > 60, (SIGN_NAMES[i], SIGN_NAMES[j])


def test_outline():
    disc = face_texture(face_of("limit 50"), 64)
    assert disc[32, 32, 3] == 255 and disc[0, 0, 3] == 0
    assert disc[32, 4, 0] > disc[32, 4, 1] + 100  # the ring is red
    down = face_texture(face_of("yield"), 64)
    assert down[10, 12, 3] == 255 and down[58, 12, 3] == 0


def test_mirrored_pairs():
    for left, right in (("turn left", "turn right"), ("keep left", "keep right"), ("bend left", "bend right")):
        a, b = face_texture(face_of(left), 64), face_texture(face_of(right), 64)[:, ::-1]
        assert np.abs(a.astype(int) - b).mean() < 2.0


def test_limits():
    assert sign_limit(face_of("limit 50")) == pytest.approx(50 / 3.6)
    assert sign_limit(face_of("us limit 35")) == pytest.approx(15.6464)
    assert sign_limit(face_of("stop")) is None
    with pytest.raises(ValueError, match="limit 50"):
        face_of("limit 5")
    with pytest.raises(ValueError, match="allowed"):
        face_texture(999, 32)
