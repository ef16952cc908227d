"""Lights, signs and paint over many looks."""

import numpy as np

from perception.landmarks import Landmarks
from perception.records import empty_percept
from world.kinds import LightState
from world.sign_names import NO_SIGN, face_of

RED, GREEN, OFF = int(LightState.RED), int(LightState.GREEN), int(LightState.OFF)
HERE = np.zeros(3)


def light(state, xyz=(30.0, -1.0, 5.0), yaw=0.0):
    percept = empty_percept(1, 1)
    percept.light_yaw[0, 0, 0] = yaw
    percept.light_xyz[0, 0, 0], percept.light_state[0, 0, 0] = xyz, state
    percept.light_score[0, 0, 0], percept.light_valid[0, 0, 0] = 0.9, True
    return percept


def sign(face, xyz=(20.0, -3.5, 2.4)):
    percept = empty_percept(1, 1)
    percept.sign_xyz[0, 0, 0], percept.sign_face[0, 0, 0] = xyz, face
    percept.sign_score[0, 0, 0], percept.sign_valid[0, 0, 0] = 0.9, True
    return percept


def test_no_single_look_changes_a_light():
    marks, states = Landmarks(), []
    looks = [RED] * 5 + [GREEN] + [RED] * 3 + [GREEN] * 5
    for i, state in enumerate(looks):
        marks.update(0, 0, light(state), HERE, i * 0.05)
        states.append(marks.lights[0].state)
    assert len(marks.lights) == 1
    assert states[0] == OFF and states[1] == RED  # not on the first look
    assert set(states[1:9]) == {RED} and states[-1] == GREEN
    assert states.index(GREEN) - 9 <= 3  # a change is believed within four looks


def test_places_are_averaged_and_lights_kept_apart():
    marks, rng = Landmarks(), np.random.default_rng(0)
    for i in range(60):
        for y, state in ((-1.0, RED), (-5.0, GREEN)):
            x = 30.0 * (1.0 + 0.04 * rng.standard_normal())
            marks.update(0, 0, light(state, (x, y * x / 30.0, 5.0)), HERE, i * 0.05)
    assert len(marks.lights) == 2
    assert sorted(p.state for p in marks.lights) == [RED, GREEN]
    assert all(abs(p.x - 30.0) < 0.6 for p in marks.lights)


def test_the_way_that_lamps_look_is_averaged_in_the_frame_that_does_not_move():
    marks, rng = Landmarks(), np.random.default_rng(1)
    for i in range(60):
        turned = 0.02 * i  # the driver turns on the spot
        c, s = np.cos(-turned), np.sin(-turned)
        seen = light(RED, (c * 30.0, s * 30.0, 5.0), np.pi / 2 - turned + 0.3 * rng.standard_normal())
        marks.update(0, 0, seen, np.array([0.0, 0.0, turned]), i * 0.05)
    (post,) = marks.lights
    assert abs(post.looks_x) < 0.2 and 0.8 < post.looks_y < 1.0


def test_the_driver_moves_and_the_light_stays():
    marks = Landmarks()
    for i in range(40):
        pose = np.array([0.5 * i, 0.1 * i, 0.01 * i])
        c, s = np.cos(pose[2]), np.sin(pose[2])
        d = np.array([40.0, 3.0]) - pose[:2]
        marks.update(0, 0, light(RED, (c * d[0] + s * d[1], c * d[1] - s * d[0], 5.0)), pose, i * 0.05)
    assert len(marks.lights) == 1 and np.allclose((marks.lights[0].x, marks.lights[0].y), (40.0, 3.0), atol=1e-3)


def test_what_was_seen_once_goes_and_what_is_behind_too():
    marks = Landmarks()
    marks.update(0, 0, light(RED), HERE, 0.0)
    marks.update(0, 0, empty_percept(1, 1), HERE, 3.0)
    assert not marks.lights
    for i in range(5):
        marks.update(0, 0, sign(face_of("stop")), HERE, i * 0.1)
    assert len(marks.signs) == 1
    marks.update(0, 0, empty_percept(1, 1), np.array([40.0, 0.0, 0.0]), 1.0)
    assert not marks.signs


def test_faces_are_voted_and_no_sign_is_none():
    marks = Landmarks()
    fifty, thirty = face_of("limit 50"), face_of("limit 30")
    for i, face in enumerate([fifty, fifty, thirty, fifty, NO_SIGN, fifty]):
        marks.update(0, 0, sign(face), HERE, i * 0.1)
    assert len(marks.signs) == 1 and int(marks.signs[0].votes.argmax()) == fifty


def test_paint_is_merged_along_the_road():
    marks = Landmarks()
    for i in range(10):
        percept = empty_percept(1, 1)
        off = 0.1 * (-1) ** i
        percept.stop_line[0, 0, 0] = 12.0 + off, 12.4 + off, -2.0, 2.0
        percept.stop_line[0, 0, 1] = 25.0, 25.4, -2.0, 2.0
        percept.stop_line_valid[0, 0, :2] = True
        marks.update(0, 0, percept, HERE, i * 0.05)
    assert len(marks.stop_lines) == 2
    first = min(marks.stop_lines, key=lambda p: p.near[0])
    assert abs(first.near[0] - 12.0) < 0.05 and abs(first.far[0] - 12.4) < 0.05 and first.half == 2.0


def test_paint_that_the_pictures_edge_cuts_keeps_its_place_and_width():
    """Nearing a line, one sees less and less of it, at last a piece on one side; how far it is is still learned."""
    marks = Landmarks()
    for i in range(40):
        percept, x = empty_percept(1, 1), 0.2 * i
        seen = 2.0 if i < 25 else 2.0 - 0.11 * (i - 24)  # [m] of it, its left side at 1.5
        percept.stop_line[0, 0, 0] = 12.3 - x, 12.7 - x, 1.5 - seen, 1.5
        percept.stop_line_valid[0, 0, 0] = True
        marks.update(0, 0, percept, np.array([x, 0.0, 0.0]), i * 0.05)
    (line,) = marks.stop_lines
    assert line.looks == 40 and 0.75 < line.half < 1.05
    assert abs(line.near[0] - 12.3) < 0.05 and 0.4 < line.near[1] < 0.8
