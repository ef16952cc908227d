"""Polygons of the camera against rays that are cast one by one."""

import numpy as np
import pytest

from simulator.camera_frame import make_canvas
from simulator.camera_polygon import NEAR, SHADOW, darken, ellipse, fill, set_corner
from simulator.camera_pose import body_axes, fill_camera
from simulator.weather import make_light
from world.camera import CameraSpec
from world.camera_tags import Tag

SPEC = CameraSpec("test", 64, 48, fov=1.2, yaw=0.3, pitch=-0.1)
SQUARE = np.array([(0.0, -1.0, -1.0), (0.0, 1.0, -1.0), (0.0, 1.0, 1.0), (0.0, -1.0, 1.0)])


def canvas_of(slope=(0.0, 0.0)):
    canvas = make_canvas(SPEC.height, SPEC.width)
    fill_camera(canvas.camera[0], SPEC, (3.0, -2.0, 0.5, 0.7), slope)
    canvas.light[0] = make_light({})
    return canvas


def draw(canvas, corners, color=(200.0, 100.0, 50.0), instance=7, both=True, glows=True):
    for i, (x, y, z) in enumerate(corners):
        set_corner(canvas, i, *map(np.float32, (x, y, z)))
    fill(canvas, len(corners), *map(np.float32, color), int(Tag.CAR), instance, glows, both)


def cast(canvas, corners):
    """(inverse depth where the ray of a pixel meets the polygon, else 0; how near its edge that is [m])."""
    row = canvas.camera[0]
    rx, ry, rz = (row[n].astype(np.float64) for n in ("rx", "ry", "rz"))
    v, u = np.mgrid[0 : SPEC.height, 0 : SPEC.width].astype(np.float64)
    ray = rz + ((u - row["cx"]) / row["f"])[..., None] * rx + ((v - row["cy"]) / row["f"])[..., None] * ry
    eye = np.array([float(row[n]) for n in "xyz"])
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    depth = ((corners[0] - eye) @ normal) / (ray @ normal)
    at = eye + depth[..., None] * ray
    edges = np.roll(corners, -1, axis=0) - corners
    inward = np.cross(normal, edges)
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    inside = ((at[..., None, :] - corners) * inward).sum(axis=-1).min(axis=-1)
    return np.where((inside > 0.0) & (depth > NEAR), 1.0 / depth, 0.0), np.abs(inside)


def pose_quad(rng, away):
    """A quad somewhere in front of the camera, turned at random."""
    canvas = canvas_of()
    row = canvas.camera[0]
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    middle = np.array([float(row[n]) for n in "xyz"]) + away * row["rz"] + 0.3 * away * rng.uniform(-1, 1, 3)
    return SQUARE * rng.uniform(0.5, 2.0) @ turn + middle


@pytest.mark.parametrize("away", [1.0, 4.0, 15.0])  # the nearest ones reach behind the camera
def test_a_polygon_covers_the_pixels_whose_rays_meet_it_at_their_depth(away):
    rng, covered = np.random.default_rng(5), 0
    for _ in range(40):
        corners = pose_quad(rng, away)
        canvas = canvas_of()
        draw(canvas, corners)
        expected, edge = cast(canvas, corners)
        drawn = canvas.inverse_depth > 0.0
        clear = edge > 2e-3 * away  # rounding decides about pixels on the very edge
        assert (drawn == (expected > 0.0))[clear].all()
        assert (canvas.instance[drawn] == 7).all() and (canvas.instance[~drawn] == 0).all()
        np.testing.assert_allclose(canvas.inverse_depth[drawn & clear], expected[drawn & clear], rtol=2e-3, atol=2e-4)
        covered += int(drawn.sum())
    assert covered > 1000


def test_what_is_nearer_wins_in_any_order():
    rng = np.random.default_rng(2)
    quads = [(pose_quad(rng, away), rng.uniform(30, 255, 3), n + 1) for n, away in enumerate(rng.uniform(1, 9, 12))]
    pictures = []
    for order in (range(12), reversed(range(12))):
        canvas = canvas_of()
        for n in order:
            draw(canvas, *quads[n])
        pictures.append((canvas.word.copy(), canvas.inverse_depth.copy(), canvas.instance.copy()))
    assert len(np.unique(pictures[0][2])) > 5
    for a, b in zip(*pictures, strict=True):
        assert (a == b).all()


def test_backs_are_left_out_unless_asked_for():
    rng = np.random.default_rng(3)
    for _ in range(10):
        corners = pose_quad(rng, 5.0)
        drawn = []
        for corner, both in ((corners, False), (corners[::-1], False), (corners, True)):
            canvas = canvas_of()
            draw(canvas, corner, both=both)
            drawn.append(bool((canvas.instance == 7).any()))
        assert drawn[2] == (drawn[0] or drawn[1])
        assert not (drawn[0] and drawn[1])


@pytest.mark.parametrize("lean", [0.0, 0.6, 1.2, 2.0])
def test_faces_are_as_bright_as_they_look_towards_the_sun(lean):
    """Light from everywhere and of the sun by the cosine, seen through a little haze."""
    canvas = canvas_of()
    row, light = canvas.camera[0], canvas.light[0]
    normal = -row["rz"].astype(np.float64)  # it faces the camera
    right, down = row["rx"].astype(np.float64), row["ry"].astype(np.float64)
    light["sun"] = np.cos(lean) * normal + np.sin(lean) * right
    middle = np.array([float(row[n]) for n in "xyz"]) - 5.0 * normal
    corners = middle + np.array([-right + down, right + down, right - down, -right - down])
    draw(canvas, corners, color=(100.0, 100.0, 100.0), glows=False, both=False)
    seen = int(canvas.word[SPEC.height // 2, SPEC.width // 2] & 255)
    shine = light["ambient"][0] * (0.8 + 0.2 * normal[2]) + light["direct"][0] * max(np.cos(lean), 0.0)
    veil = 1.0 - np.exp(-5.0 / 900.0)
    assert seen == pytest.approx(100.0 * shine * (1.0 - veil) + veil * light["fog_color"][0], abs=1.1)


def test_shadows_fall_on_ground_once():
    canvas = canvas_of()
    canvas.word[:] = 200 | 200 << 8 | 200 << 16 | int(Tag.ROAD) << 24
    canvas.word[:, :10] = 200 | 200 << 8 | 200 << 16 | int(Tag.SKY) << 24
    canvas.instance[:, 10:20] = 5
    corners = pose_quad(np.random.default_rng(1), 1.5)
    middle = corners.mean(axis=0)
    for i, (x, y, z) in enumerate(middle + 40.0 * (corners - middle)):  # all of the picture
        set_corner(canvas, i, *map(np.float32, (x, y, z)))
    for _ in range(3):
        darken(canvas, 4, np.float32(0.5))
    red = canvas.word & 255
    assert (red[:, :20] == 200).all()
    dark = red[:, 20:] == 100
    assert dark.any() and (dark | (red[:, 20:] == 200)).all()
    assert (canvas.instance[:, 20:][dark] == SHADOW).all()


def test_an_ellipse_has_its_area_and_centre():
    canvas = canvas_of()
    row = canvas.camera[0]
    x, y, z = np.array([float(row[n]) for n in "xyz"]) + 4.0 * row["rz"] + 0.2 * row["rx"]
    ellipse(canvas, x, y, z, 0.5, 0.8, 255.0, 0.0, 0.0, int(Tag.RIDER), 3, True)
    v, u = np.nonzero(canvas.instance == 3)
    scale = float(row["f"]) / 4.0
    assert len(u) == pytest.approx(np.pi * 0.5 * 0.8 * scale**2, rel=0.05)
    assert u.mean() == pytest.approx(float(row["cx"]) + 0.2 * scale, abs=0.3)
    assert v.mean() == pytest.approx(float(row["cy"]), abs=0.3)
    np.testing.assert_allclose(canvas.inverse_depth[v, u], 0.25, rtol=1e-4)


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.1, 0.0), (-0.05, 0.2)])
def test_the_axes_of_a_vehicle_lie_in_the_road(slope):
    axes = body_axes(0.8, slope)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)
    for level in (axes[:, 0], axes[:, 1]):  # ahead and left
        assert level[2] == pytest.approx(slope[0] * level[0] + slope[1] * level[1])
    assert np.arctan2(axes[1, 0], axes[0, 0]) == pytest.approx(0.8)
