"""Camera model: projection against OpenCV, its inverse, the meaning of angles."""

import math

import cv2
import numpy as np
import pytest

from world.camera import AXES, CameraSpec, rotation

POINTS = np.array([[10.0, 2.0, 0.0], [20.0, -8.0, 3.0], [6.0, 0.5, 1.5], [40.0, 5.0, 0.0]])
BENT = CameraSpec("bent", yaw=0.2, pitch=-0.1, roll=0.05, distortion=(-0.08, 0.01, 0.001, -0.002, 0.0))


def test_projection_agrees_with_opencv():
    turn = AXES @ rotation(BENT.yaw, BENT.pitch, BENT.roll).T
    shift = -turn @ np.array([BENT.x, BENT.y, BENT.z])
    expected, _ = cv2.projectPoints(POINTS, cv2.Rodrigues(turn)[0], shift, BENT.matrix, np.array(BENT.distortion))
    found, depth = BENT.project(POINTS)
    np.testing.assert_allclose(found, expected[:, 0], atol=1e-6)
    assert (depth > 0).all()


def test_ground_is_the_inverse_of_project():
    on_ground = POINTS * (1.0, 1.0, 0.0)
    px, _ = BENT.project(on_ground)
    xy, falls = BENT.ground(px)
    assert falls.all()
    np.testing.assert_allclose(xy, on_ground[:, :2], atol=1e-5)


def test_angles_turn_the_way_they_are_said_to():
    ahead = np.array([[10.0, 0.0, 1.5]])
    (cx, cy), still = CameraSpec("a").centre, CameraSpec("a").project(ahead)[0][0]
    np.testing.assert_allclose(still, (cx, cy), atol=1e-9)
    assert CameraSpec("a", yaw=0.1).project(ahead)[0][0, 0] > cx  # looks to the left: what is ahead moves right
    assert CameraSpec("a", pitch=0.1).project(ahead)[0][0, 1] > cy  # looks up: what is ahead moves down
    right = np.array([[10.0, -3.0, 1.5]])
    assert CameraSpec("a", roll=0.1).project(right)[0][0, 1] < cy  # turned clockwise: what is to the right moves up


def test_field_of_view():
    spec = CameraSpec("a", fov=math.radians(90.0), x=0.0)
    px, _ = spec.project(np.array([[10.0, 10.0, 1.5], [10.0, -10.0, 1.5]]))
    np.testing.assert_allclose(px[:, 0], (-0.5, spec.width - 0.5), atol=1e-9)


@pytest.mark.parametrize("bad", [{"width": 2}, {"fov": 4.0}, {"period": 0.0}])
def test_bad_cameras_are_refused(bad):
    with pytest.raises(ValueError, match="camera a: .* allowed"):
        CameraSpec("a", **bad)


def test_a_lens_that_folds_the_picture_is_refused():
    spec = CameraSpec("a", fov=math.radians(110.0), distortion=(-0.3, 0.0, 0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="folds"):
        spec.rays(np.array([[0.0, 0.0]]))
