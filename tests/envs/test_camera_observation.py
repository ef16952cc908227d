"""The observations `camera` and `camera+state`: pictures of the camera that was asked for, stacked, in every face."""

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.camera_observer import CAMERA, find_camera, push_picture
from envs.drive import DriveEnv
from envs.options import make_config
from envs.vector import DriveVectorEnv
from simulator.camera import CameraRenderer
from tests.envs.env_rig import SMALL, Singles, pick, reckless, same
from world.camera import CameraSpec
from world.observation import STATE_SIZE

TINY = SMALL | {"camera": {"width": 40, "height": 24}, "observation": "camera"}


@pytest.mark.parametrize("observation", ["camera", "camera+state"])
@pytest.mark.parametrize("stack", [1, 4])
@pytest.mark.filterwarnings("error")
def test_gymnasiums_checker_finds_nothing(observation, stack):
    env = DriveEnv(**SMALL, observation=observation, camera_stack=stack)
    check_env(env, skip_render_check=True)
    space = env.observation_space if observation == "camera" else env.observation_space["camera"]  # type: ignore
    assert space.shape == (96, 96, 3 * stack) and space.dtype == np.uint8


@pytest.mark.parametrize("options", [{}, {"observation": "camera+state"}, {"camera_stack": 3}])
@pytest.mark.filterwarnings("error::UserWarning")
def test_sb3s_checker_finds_nothing(options):
    checker = pytest.importorskip("stable_baselines3.common.env_checker", reason="needs the extra train")
    checker.check_env(DriveEnv(**SMALL | {"observation": "camera"} | options))


def test_it_is_the_picture_of_the_cameras_renderer():
    spec = CameraSpec("mine", width=64, height=40, fov=1.2, z=1.8, yaw=0.3)
    env = DriveEnv(**TINY | {"camera": spec})
    seen = env.reset(seed=2)[0]
    for _ in range(3):
        picture = CameraRenderer(env.batch.engine).render(spec).rgb
        assert seen.shape == (40, 64, 3) and same(seen, picture) and seen.std() > 10.0
        seen = env.step([0.1, 0.8])[0]


def test_a_stack_holds_the_last_pictures_the_present_one_last():
    one, many = DriveEnv(**TINY), DriveEnv(**TINY, camera_stack=3)
    seen = one.reset(seed=0)[0]
    stacked = many.reset(seed=0)[0]
    past = [seen] * 3
    for _ in range(6):
        assert same(stacked, np.concatenate(past, axis=2))
        seen, stacked = one.step([0.0, 1.0])[0], many.step([0.0, 1.0])[0]
        past = [*past[1:], seen]
    assert same(many.reset(seed=0)[0], np.concatenate([one.reset(seed=0)[0]] * 3, axis=2)), "nothing of before"


def test_pushing_in_place_is_pushing_to_another_place():
    rng = np.random.default_rng(0)
    picture, before = (rng.integers(0, 256, (5, 7, c), np.uint8) for c in (3, 9))
    out = np.empty_like(before)
    push_picture(picture, before, out)
    assert same(out, np.concatenate([before[..., 3:], picture], axis=2))
    push_picture(picture, before, before)
    assert same(before, out)


@pytest.mark.parametrize("mode", ["next_step", "same_step"])
@pytest.mark.parametrize(
    "options", [{}, {"camera_stack": 3, "threads": 2}, {"observation": "camera+state", "camera_stack": 2}]
)
def test_a_batch_sees_what_single_environments_see(mode, options):
    options, rng = TINY | {"time_limit": 1.5} | options, np.random.default_rng(0)
    envs = DriveVectorEnv(3, autoreset_mode=mode, **options)
    seen, _ = envs.reset(seed=[5, 6, 7])
    singles, ended = Singles([5, 6, 7], mode, **options), 0
    assert envs.observation_space.contains(seen)
    for _ in range(25):
        actions = reckless(rng, 3)
        seen, _, _, _, infos = envs.step(actions)
        for i, (one, _, _, _, _, last) in enumerate(singles.step(actions)):
            assert same(pick(seen, i), one)
            if last is not None:
                ended += 1
                assert mode == "next_step" or same(infos["final_obs"][i], last)
    assert ended >= 3
    envs.close()


def test_a_rollout_lies_in_the_ring_as_it_was_seen():
    options = TINY | {"camera_stack": 3, "time_limit": 0.8}
    ring, plain = DriveVectorEnv(2, copy=False, buffers=4, **options), DriveVectorEnv(2, **options)
    ring.reset(seed=1), plain.reset(seed=1)
    views, copies = [], []
    for t in range(20):
        actions = np.float32([[0.0, 0.5]] * 2)
        views.append(ring.step(actions)[0])
        copies.append(plain.step(actions)[0])
        assert all(same(a, b) for a, b in zip(views[-4:], copies[-4:], strict=True)), t


def test_with_several_drivers_who_does_not_drive_sees_nothing():
    envs = DriveVectorEnv(4, drivers=2, **TINY | {"camera_stack": 2})
    envs.reset(seed=0)
    gone = 0
    for _ in range(25):
        seen, _, over, _, infos = envs.step(np.float32([[0.7, 1.0], [0.0, 0.0]] * 2))
        for i in np.flatnonzero(~infos["active"] & ~over):
            gone += 1
            assert not seen[i].any()
        assert all(seen[i].any() for i in np.flatnonzero(infos["active"] | over))
    envs.close()


def test_a_state_stands_beside_the_picture():
    env, vector = DriveEnv(**TINY | {"observation": "camera+state"}), DriveEnv(**SMALL)
    assert same(env.reset(seed=4)[0]["state"], vector.reset(seed=4)[0][:STATE_SIZE])
    assert same(env.step([0.0, 1.0])[0]["state"], vector.step([0.0, 1.0])[0][:STATE_SIZE])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"camera": {"widht": 20}}, "did you mean width"),
        ({"camera": {"width": 2}}, "camera: width is 2, allowed are 8 to"),
        ({"camera": {"width": "wide"}}, "camera: got"),
        ({"camera": 96}, "expected a world.camera.CameraSpec"),
        ({"camera_stack": 0}, "camera_stack: got 0, allowed are whole numbers from 1 to 16"),
        ({"observation": "camrea"}, "did you mean camera"),
    ],
)
def test_what_no_camera_is_like_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        make_config(**TINY | options)


def test_what_is_not_changed_is_as_it_was():
    assert find_camera(None) == CAMERA and find_camera({"width": 50}).height == CAMERA.height


@pytest.mark.parametrize(
    ("policy", "options"),
    [("CnnPolicy", {}), ("CnnPolicy", {"camera_stack": 2}), ("MultiInputPolicy", {"observation": "camera+state"})],
)
def test_ppo_learns_a_while(policy, options):
    pytest.importorskip("stable_baselines3", reason="needs the extra train")
    from stable_baselines3 import PPO

    from envs.sb3 import make_sb3_env

    env = make_sb3_env(4, **SMALL | {"observation": "camera"} | options)
    model = PPO(policy, env, n_steps=32, batch_size=64, n_epochs=1, seed=0, device="cpu").learn(256)
    assert model.num_timesteps == 256
