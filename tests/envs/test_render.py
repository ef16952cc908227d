"""Pictures from above: what stands where it is, in the colours that it has; and that drawing changes nothing."""

import hashlib
import importlib.util
import math
import subprocess
import sys
from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from envs.drive import DriveEnv
from envs.render import RenderConfig, draw_row
from envs.render_bodies import BRAKE, DRIVER, LAMP, OTHER_DRIVER, PAINTS, REAR
from envs.render_ground import find_ground
from envs.render_hud import LIGHTS
from envs.vector import DriveVectorEnv
from envs.window import Window
from tests.data import ROOT
from world.canvas import View
from world.draw import draw_ground
from world.kinds import BodyKind, LightState, StopKind

PLAIN = RenderConfig(
    width_px=300, height_px=300, m_per_px=0.2, numbers=False, scale=False, route=False, trail=0.0
)  # nothing but the world
EMPTY = {"vehicles": 0, "pedestrians": 0}


def same(picture, color, tolerance=0):
    """(H, W) pixels of a colour."""
    return (np.abs(picture.astype(int) - np.array(color)) <= tolerance).all(axis=2)


def put(batch, world, slot, x, y, yaw=0.0):
    slots = batch.engine.model.slots
    slots.x[world, slot], slots.y[world, slot], slots.yaw[world, slot] = x, y, yaw


@pytest.fixture(scope="module")
def empty():
    env = DriveEnv(scenario="intersection", render_mode="rgb_array", **EMPTY)
    env.reset(seed=3)
    yield env
    env.close()


@pytest.fixture(scope="module")
def town():
    env = DriveEnv(scenario="town01", vehicles=20, pedestrians=10, render_mode="rgb_array")
    env.reset(seed=6)
    yield env
    env.close()


def test_pictures_have_the_size_that_was_asked_for(empty):
    picture = empty.render()
    assert picture.shape == (600, 600, 3) and picture.dtype == np.uint8
    for wide, tall in ((32, 32), (321, 97), (97, 321)):
        assert draw_row(empty.batch, 0, RenderConfig(width_px=wide, height_px=tall)).shape == (tall, wide, 3)


def test_the_driver_is_in_the_middle_in_its_own_colour(empty):
    for config in (PLAIN, RenderConfig(), RenderConfig(follow_heading=True)):
        picture = draw_row(empty.batch, 0, config)
        middle = picture[config.height_px // 2, config.width_px // 2]
        assert tuple(middle) == DRIVER
        rows, columns = np.nonzero(same(picture, DRIVER))
        assert abs(rows.mean() - config.height_px / 2) < 6 and abs(columns.mean() - config.width_px / 2) < 6


@pytest.mark.parametrize("yaw", [0.0, 0.6, 2.5, -2.0])
def test_head_lamps_are_where_the_driver_looks(empty, yaw):
    slots = empty.batch.engine.model.slots
    kept = float(slots.yaw[0, 0])
    slots.yaw[0, 0] = yaw
    close = replace(PLAIN, m_per_px=0.03)
    picture, up = draw_row(empty.batch, 0, close), draw_row(empty.batch, 0, replace(close, follow_heading=True))
    slots.yaw[0, 0] = kept
    for shown, angle in ((picture, yaw), (up, math.pi / 2)):
        rows, columns = np.nonzero(same(shown, LAMP))
        ahead, left = columns.mean() - 149.5, 149.5 - rows.mean()
        reach = 0.03 * math.hypot(ahead, left)
        assert math.cos(math.atan2(left, ahead) - angle) > 0.999
        assert 0.35 < reach / float(slots.length[0, 0]) < 0.5


def test_the_driver_may_stand_elsewhere_in_the_picture(empty):
    config = RenderConfig(300, 400, 0.2, follow_heading=True, driver_at=(0.25, 0.75), route=False)
    rows, columns = np.nonzero(same(draw_row(empty.batch, 0, config), DRIVER))
    assert abs(columns.mean() - 75) < 6 and abs(rows.mean() - 300) < 6


@pytest.mark.parametrize(
    ("follow", "yaw", "pixel"),
    [
        (False, 0.0, (150 + 100, 150)),  # 20 m at 0.2 m a pixel, to the right where north is up
        (False, 2.0, (150 + 100, 150)),
        (True, math.pi / 2, (150 + 100, 150)),  # it looks north: the same
        (True, 0.0, (150, 150 - 100)),  # it looks east: ahead of it, up the picture
        (True, math.pi, (150, 150 + 100)),
    ],
)
def test_a_vehicle_20_m_to_the_east_is_drawn_there(follow, yaw, pixel):
    env = DriveEnv(scenario="intersection", **EMPTY)
    env.reset(seed=3)
    batch, slots = env.batch, env.batch.engine.model.slots
    x, y = float(slots.x[0, 0]), float(slots.y[0, 0])
    put(batch, 0, 0, x, y, yaw)
    config = RenderConfig(300, 300, 0.2, follow, route=False, numbers=False, scale=False)
    before = draw_row(batch, 0, config)
    slot = batch.engine.hooks.spawn(0, BodyKind.CAR, (x + 20.0, y), 0.0)
    after = draw_row(batch, 0, config)
    paint = np.zeros(after.shape[:2], np.bool_)
    for color in PAINTS:
        paint |= same(after, color)
    rows, columns = np.nonzero(paint & (before != after).any(axis=2))
    assert len(rows) > 20
    assert abs(columns.mean() - pixel[0]) < 8 and abs(rows.mean() - pixel[1]) < 8  # within the length of its roof
    changed = np.argwhere((before != after).any(axis=2))
    length = float(slots.length[0, slot]) / 0.2
    assert 0.8 * length < np.ptp(changed, axis=0).max() < length + 10
    env.close()


def test_brake_lamps_shine_when_a_vehicle_brakes(empty):
    slots = empty.batch.engine.model.slots
    close = RenderConfig(200, 200, 0.03, numbers=False, scale=False)
    kept = slots.speed[0, 0], slots.accel[0, 0]
    seen = {}
    for name, speed, accel in (("rolls", 8.0, 0.0), ("brakes", 8.0, -2.0), ("stands", 0.0, 0.0)):
        slots.speed[0, 0], slots.accel[0, 0] = speed, accel
        picture = draw_row(empty.batch, 0, close)
        seen[name] = same(picture, BRAKE).any(), same(picture, REAR).any()
    slots.speed[0, 0], slots.accel[0, 0] = kept
    assert seen == {"rolls": (False, True), "brakes": (True, False), "stands": (True, False)}


def test_stop_lines_have_the_colours_of_their_lights(town):
    batch = town.batch
    model, road_map = batch.engine.model, batch.engine.maps.maps[0]
    row = int(np.flatnonzero(road_map.stop_kind == StopKind.LIGHT)[0])
    place, light = road_map.stop_line[row].mean(axis=0), int(road_map.stop_light[row])
    old = [np.array(a) for a in (model.slots.x, model.slots.y, model.worlds.light)]
    put(batch, 0, 0, place[0] + 8.0, place[1] + 8.0)
    config = RenderConfig(300, 300, 0.1, numbers=False, scale=False, trail=0.0)
    pixel = np.array([150 - 80, 150 + 80])
    near, lit = {}, (LightState.RED, LightState.GREEN, LightState.AMBER)
    for state in (*lit, LightState.OFF):
        model.worlds.light[0, light] = state
        picture = draw_row(batch, 0, config)
        part = picture[pixel[1] - 20 : pixel[1] + 20, pixel[0] - 20 : pixel[0] + 20]
        near[state] = {
            s: int(same(part, LIGHTS[s]).sum()) for s in (LightState.RED, LightState.GREEN, LightState.AMBER)
        }
    for array, before in zip((model.slots.x, model.slots.y, model.worlds.light), old, strict=True):
        array[:] = before
    for state in lit:
        assert near[state][state] > 20  # a line of 3 m by 0.8 m
        assert near[LightState.OFF][state] == 0


def drive_and_hash(render_mode):
    """Hash of the states, and of the pictures, of 15 steps."""
    env = DriveEnv(scenario="town01", vehicles=20, pedestrians=10, render_mode=render_mode)
    env.reset(seed=6)
    told = hashlib.sha256()
    for _ in range(15):
        env.step(np.array([0.0, 0.5], np.float32))
        if render_mode:
            picture = env.render()
            told.update(picture.tobytes())
    state = env.batch.engine.state_hash.copy()
    env.close()
    return state.tolist(), told.hexdigest()


def test_same_drive_same_pictures_and_drawing_changes_no_state():
    first, second, undrawn = drive_and_hash("rgb_array"), drive_and_hash("rgb_array"), drive_and_hash(None)
    assert first == second
    assert first[0] == undrawn[0]


def test_pictures_are_arrays_of_their_own(town):
    first = town.render()
    kept = first.copy()
    first[:] = 0
    assert (town.render() == kept).all()


def test_trails_follow_the_driver_and_end_with_its_episode():
    env = DriveEnv(scenario="intersection", start_speed=10.0, **EMPTY)
    env.reset(seed=3)
    with_trail, without = (
        RenderConfig(300, 300, 0.2, trail=trail, numbers=False, scale=False, route=False) for trail in (2.0, 0.0)
    )
    slots = env.batch.engine.model.slots
    for _ in range(10):
        draw_row(env.batch, 0, with_trail)
        env.step(np.array([0.0, 0.3], np.float32))
    differs = (draw_row(env.batch, 0, with_trail) != draw_row(env.batch, 0, without)).any(axis=2)
    assert differs.sum() > 30
    rows, columns = np.nonzero(differs)
    yaw = float(slots.yaw[0, 0])
    ahead = (columns - 150) * math.cos(yaw) - (rows - 150) * math.sin(yaw)
    assert ahead.max() < 0.5 * float(slots.length[0, 0]) / 0.2  # none of it lies before the driver
    env.reset(seed=4)
    assert (draw_row(env.batch, 0, with_trail) == draw_row(env.batch, 0, without)).all()
    env.close()


def test_a_bridge_hides_who_drives_below_it():
    env = DriveEnv(preset="highway", vehicles=0, pedestrians=0)
    env.reset(seed=0)
    batch, slots = env.batch, env.batch.engine.model.slots
    points = batch.engine.maps.maps[0].point_xyz
    deck, ground = points[points[:, 2] > 6.0], points[points[:, 2] < 0.5]
    gap = np.hypot(*(deck[:, None, :2] - ground[None, :, :2]).transpose(2, 0, 1))
    x, y, z = deck[np.argmin(gap.min(axis=1))].tolist()
    assert gap.min() < 2.0
    put(batch, 0, 0, x, y)
    seen = {}
    for name, height in (("below", 0.0), ("above", z)):
        slots.z[0, 0] = height
        seen[name] = int(same(draw_row(batch, 0, replace(PLAIN, m_per_px=0.05)), DRIVER).sum())
    assert seen["above"] > 500 and seen["below"] < seen["above"] / 4
    env.close()


def test_tiles_join_to_what_is_drawn_at_once(town):
    """Oracle: the same part of the map in one piece, without tiles."""
    import cv2

    from world.draw_furniture import draw_signs

    road_map = town.batch.engine.maps.maps[0]
    ground = find_ground(road_map, 4.0)
    view = ground.snapped(View(600, 500, 4.0, (200.03, -100.08)))
    tiled, heights = ground.cut(view)
    fine = View(1200, 1000, 8.0, view.center)
    whole = draw_ground(ground.sheet, fine)
    draw_signs(whole, fine, road_map)
    whole = cv2.resize(whole, (600, 500), interpolation=cv2.INTER_AREA)
    assert heights is None
    assert np.abs(tiled.astype(int) - whole).mean() < 0.1  # smooth edges are rounded elsewhere
    assert np.abs(tiled[:, 1:].astype(int) - whole[:, :-1]).mean() > 1.0  # what a pixel too far would make
    quarter = View(500, 600, 4.0, view.center, math.pi / 2)  # north to the right: a turn of the picture
    turned, _ = ground.cut(quarter)
    assert np.abs(np.rot90(turned).astype(int) - tiled).mean() < 1.5


def test_drivers_of_one_world_are_each_in_the_middle_of_their_picture():
    look = {"m_per_px": 0.25}
    env = DriveVectorEnv(4, scenario="intersection", drivers=2, render_mode="rgb_array", render_config=look, **EMPTY)
    env.reset(seed=3)
    pictures = env.render()
    assert len(pictures) == 4
    for picture in pictures:
        assert tuple(picture[300, 300]) == DRIVER
    slots = env.batch.engine.model.slots
    put(env.batch, 0, 1, slots.x[0, 0] + 12.0, slots.y[0, 0])
    picture = draw_row(env.batch, 0, PLAIN)
    assert tuple(picture[150, 150 + 60]) == OTHER_DRIVER
    env.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"width_px": 5}, "allowed are 32 to 8192"),
        ({"width_px": 100.5}, "allowed are whole numbers"),
        ({"m_per_px": 0.0}, "allowed are 0.01 to 10"),
        ({"m_per_px": float("nan")}, "allowed are 0.01 to 10"),
        ({"driver_at": (0.5, 1.5)}, "two shares from 0 to 1"),
        ({"m_per_pixel": 0.1}, "did you mean m_per_px?"),
    ],
)
def test_wrong_options_are_told(wrong, said):
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        DriveEnv(scenario="intersection", render_config=wrong, **EMPTY)


def test_a_row_that_does_not_exist_is_told(empty):
    for row in (-1, 1):
        with pytest.raises(ValueError, match="allowed are 0 to 0"):
            draw_row(empty.batch, row)


# --- The window -----------------------------------------------------------------------------------------------------

needs_pygame = pytest.mark.skipif(importlib.util.find_spec("pygame") is None, reason="pygame is not installed")
SHOW = "import numpy as np; from envs.window import Window; w = Window(1000); w.show(np.zeros((40, 60, 3), np.uint8))"


def show_in_process(**variables):
    """What a fresh process says that shows a picture, with just these variables about displays."""
    import os

    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    env = {k: v for k, v in os.environ.items() if k not in hidden} | variables
    return subprocess.run([sys.executable, "-c", SHOW], cwd=ROOT, env=env, capture_output=True, text=True)


@needs_pygame
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux runs without a display")
def test_no_display_is_told():
    done = show_in_process()
    assert done.returncode == 1
    assert "found no display" in done.stderr and 'render_mode="rgb_array"' in done.stderr


@needs_pygame
def test_a_window_opens_where_there_is_a_display():
    done = show_in_process(SDL_VIDEODRIVER="dummy")
    assert done.returncode == 0, done.stderr


def test_missing_pygame_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(gymnasium.error.DependencyNotInstalled, match=r"\[render\].*rgb_array"):
        Window(10.0)


@needs_pygame
def test_human_mode_shows_every_step_until_it_is_closed(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import pygame

    env = DriveEnv(
        scenario="intersection", render_mode="human", render_config={"width_px": 80, "height_px": 60}, **EMPTY
    )
    monkeypatch.setitem(env.metadata, "render_fps", 1000)
    env.reset(seed=3)
    shown = pygame.surfarray.array3d(pygame.display.get_surface())
    assert (shown.transpose(1, 0, 2) == draw_row(env.batch, 0, env._render_config)).all()
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    env.step(np.zeros(2, np.float32))
    assert env._window.closed
    env.step(np.zeros(2, np.float32))  # goes on without it
    env.close()


# --- Video ----------------------------------------------------------------------------------------------------------

needs_moviepy = pytest.mark.skipif(importlib.util.find_spec("moviepy") is None, reason="moviepy is not installed")


@needs_moviepy
def test_gymnasium_records_a_video(tmp_path):
    env = DriveEnv(scenario="intersection", render_mode="rgb_array", render_config={"width_px": 96, "height_px": 64},
                   **EMPTY)  # fmt: skip
    video = gymnasium.wrappers.RecordVideo(env, str(tmp_path), episode_trigger=lambda episode: True)
    video.reset(seed=3)
    for _ in range(5):
        video.step(np.zeros(2, np.float32))
    video.close()
    check_video(tmp_path, (64, 96, 3), 10.0)


@needs_moviepy
def test_gymnasium_records_a_video_of_a_vector(tmp_path):
    env = DriveVectorEnv(2, scenario="intersection", render_mode="rgb_array",
                         render_config={"width_px": 96, "height_px": 64}, **EMPTY)  # fmt: skip
    video = gymnasium.wrappers.vector.RecordVideo(
        env, str(tmp_path), episode_trigger=lambda episode: True, video_aspect_ratio=(3, 1)
    )
    video.reset(seed=3)
    for _ in range(5):
        video.step(np.zeros((2, 2), np.float32))
    video.close()
    check_video(tmp_path, (64, 192, 3), 10.0)


def check_video(folder, shape, fps):
    import cv2

    (path,) = folder.glob("*.mp4")
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == fps
    frames = 0
    while (read := video.read())[0]:
        assert read[1].shape == shape
        frames += 1
    assert frames == 6
