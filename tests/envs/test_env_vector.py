"""The vector environment against single ones, and laws of the batch."""

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

import tarmac  # noqa: F401  (registers)
from envs.batch import DriveBatch
from envs.options import make_config
from envs.seeds import spread_seeds
from envs.vector import DriveVectorEnv
from tests.envs.env_rig import SMALL, Singles, pick, reckless, same, told

SEEDS = [7, 300, 12, 7]  # two alike; one that shares its start with another


@pytest.mark.parametrize("mode", ["next_step", "same_step"])
@pytest.mark.parametrize("observation", ["vector", "scene", "lidar", "bev"])
def test_a_batch_drives_like_single_environments(mode, observation):
    options = dict(SMALL, observation=observation, time_limit=2.0)
    env, singles = DriveVectorEnv(len(SEEDS), autoreset_mode=mode, **options), Singles(SEEDS, mode, **options)
    seen, infos = env.reset(seed=SEEDS)
    rng, resets, ends = np.random.default_rng(0), 0, set()
    for i in range(len(SEEDS)):
        assert same(pick(seen, i), singles.seen[i])
    for step in range(70):
        actions = reckless(rng, len(SEEDS))
        seen, reward, terminated, truncated, infos = env.step(actions)
        for i, (one, value, ended, cut, info, last) in enumerate(singles.step(actions)):
            where = f"step {step}, environment {i}"
            assert same(pick(seen, i), one), where
            assert (reward[i], terminated[i], truncated[i]) == (np.float32(value), ended, cut), where
            assert told(infos, i) == info, where
            if last is not None:
                resets += 1
                ends.add((ended, cut))
                assert infos["_episode_return"][i] and infos["episode_steps"][i] > 0
                if mode == "same_step":
                    assert infos["_final_obs"][i] and same(infos["final_obs"][i], last), where
                    assert told(infos["final_info"], i) == info, where
                assert infos["active"][i] == (mode == "same_step")
        assert env.batch.engine.state_hash.tolist() == singles.hashes()
    assert resets >= 10 and ends == {(True, False), (False, True)}


def test_threads_change_nothing():
    results = []
    for threads in (1, 2, 3):
        env = DriveVectorEnv(5, threads=threads, autoreset_mode="same_step", **SMALL)
        env.reset(seed=3)
        rng, rows = np.random.default_rng(2), []
        for _ in range(50):
            seen, reward, terminated, truncated, _ = env.step(reckless(rng, 5))
            rows.append((seen, reward, terminated, truncated, env.batch.engine.state_hash.copy()))
        results.append([np.concatenate([r[k] for r in rows]) for k in range(5)])
        env.close()
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_views_show_what_copies_hold():
    views, copies = (DriveVectorEnv(3, copy=copy, autoreset_mode="same_step", **SMALL) for copy in (False, True))
    views.reset(seed=1), copies.reset(seed=1)
    rng, held = np.random.default_rng(4), []
    for _ in range(40):
        actions = reckless(rng, 3)
        a, b = views.step(actions), copies.step(actions)
        assert all(np.array_equal(x, y) for x, y in zip(a[:4], b[:4], strict=True))
        assert all(told(a[4], i) == told(b[4], i) for i in range(3))
        held.append((b[0], b[0].copy(), b[1], b[1].copy()))
    for seen, then, reward, reward_then in held:  # a copy is the caller's for good
        assert np.array_equal(seen, then) and np.array_equal(reward, reward_then)


def test_gymnasiums_statistics_agree_with_ours():
    options = dict(SMALL, num_envs=3, autoreset_mode="next_step")  # same_step its wrapper counts a step too few
    options["time_limit"] = 1.5
    env = RecordEpisodeStatistics(gymnasium.make_vec("Tarmac/Drive-v0", **options))
    env.reset(seed=5)
    rng, count = np.random.default_rng(6), 0
    for _ in range(40):
        infos = env.step(reckless(rng, 3))[4]
        for i in np.flatnonzero(infos.get("_episode", np.zeros(3, bool))):
            count += 1
            assert infos["episode"]["r"][i] == pytest.approx(infos["episode_return"][i], abs=1e-5)
            assert infos["episode"]["l"][i] == infos["episode_steps"][i]
    assert count >= 6
    assert len(DictInfoToList(env).step(reckless(rng, 3))[4]) == 3


@pytest.mark.parametrize("mode", ["next_step", "same_step"])
def test_several_drivers_in_a_world_begin_anew_one_by_one(mode):
    env = DriveVectorEnv(8, drivers=4, autoreset_mode=mode, **SMALL | {"time_limit": 12.0})
    seen, infos = env.reset(seed=9)
    rng = np.random.default_rng(8)
    total, steps, waited = np.zeros(8), np.zeros(8, int), 0
    done_before, active = np.zeros(8, bool), infos["active"]
    for _ in range(260):
        seen, reward, terminated, truncated, infos = env.step(reckless(rng, 8))
        done = terminated | truncated
        assert not (done & ~active).any(), "who does not drive cannot end"
        assert not reward[~active].any()
        if mode == "next_step":  # the step after an end is for beginning anew
            assert not (done & done_before).any()
        total, steps = total + reward, steps + active
        for i in np.flatnonzero(done):
            assert infos["episode_return"][i] == pytest.approx(total[i], abs=1e-4)
            assert infos["episode_steps"][i] == steps[i]
            last = infos["final_obs"][i] if mode == "same_step" else seen[i]
            assert np.abs(last).sum() > 0.1
            total[i] = steps[i] = 0
        active = infos["active"]
        if mode == "next_step":
            waited += int((done_before & active).sum())
        blind = ~active if mode == "same_step" else ~active & ~done
        assert not seen[blind].any() and (np.abs(seen[active]).sum(axis=1) > 0.1).all()
        done_before = done
    assert env.batch.seeds.tolist() == [11, 12] and (mode == "same_step" or waited > 10)


def test_masked_resets_leave_the_others_alone():
    env, other = DriveVectorEnv(3, **SMALL), DriveVectorEnv(3, **SMALL)
    env.reset(seed=4), other.reset(seed=4)
    actions = np.zeros((3, 2), np.float32)
    env.step(actions), other.step(actions)
    seen, infos = env.reset(seed=[50, 51, 52], options={"reset_mask": np.array([False, True, False])})
    assert infos["seed"].tolist() == [4, 51, 6]
    fresh = DriveVectorEnv(1, **SMALL).reset(seed=51)[0]
    assert same(seen[1], fresh[0])
    a, b = env.step(actions), other.step(actions)
    assert same(a[0][0], b[0][0]) and same(a[0][2], b[0][2])
    with pytest.raises(ValueError, match="reset_mask"):
        env.reset(options={"reset_mask": np.ones(2, bool)})
    with pytest.raises(ValueError, match="reset option"):
        env.reset(options={"mask": 1})
    with pytest.raises(ValueError, match="got 2 seeds"):
        env.reset(seed=[1, 2])


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_gymnasiums_own_vectors_give_the_same_also_in_forked_processes(mode):
    ours = gymnasium.make_vec("Tarmac/Drive-v0", num_envs=2, **SMALL)
    theirs = gymnasium.make_vec("Tarmac/Drive-v0", num_envs=2, vectorization_mode=mode, **SMALL)
    assert same(ours.reset(seed=8)[0], theirs.reset(seed=8)[0])
    rng, ended = np.random.default_rng(5), 0
    for _ in range(40):
        actions = reckless(rng, 2)
        a, b = ours.step(actions), theirs.step(actions)
        assert same(a[0], b[0]) and np.array_equal(a[2], b[2]) and np.array_equal(a[3], b[3])
        assert np.array_equal(a[1], b[1].astype(np.float32))
        ended += int((a[2] | a[3]).sum())
    theirs.close()
    assert ended >= 2


def test_misuse_says_what_to_do():
    env = DriveVectorEnv(3, **SMALL)
    with pytest.raises(RuntimeError, match="reset"):
        env.step(np.zeros((3, 2)))
    env.reset(seed=0)
    bad = np.zeros((3, 2), np.float32)
    bad[2, 1] = np.nan
    with pytest.raises(ValueError, match="row 2"):
        env.step(bad)
    for seed in ([0, -1, 0], [0, 1 << 70, 0]):
        with pytest.raises(ValueError, match="seed: got .*, allowed are 0 to"):
            env.reset(seed=seed)
    with pytest.raises(ValueError, match="multiples of drivers"):
        DriveVectorEnv(5, **SMALL, drivers=2)
    with pytest.raises(ValueError, match="autoreset_mode: got 'disabled'"):
        DriveVectorEnv(2, **SMALL, autoreset_mode="disabled")


def test_spread_seeds_share_no_episodes():
    seeds = np.array(spread_seeds(0, 512) + spread_seeds(1, 512))
    assert len(np.unique(seeds)) == 1024 and np.diff(np.sort(seeds)).min() > 100_000
    assert spread_seeds(3, 4) == spread_seeds(3, 8)[:4]
    with pytest.raises(ValueError, match="got -1"):
        spread_seeds(-1, 2)


def test_who_leaves_the_road_is_gone_and_comes_back_whole():
    batch = DriveBatch(make_config(**SMALL, drivers=3), 2)
    batch.reset([5, 6])
    slots, traffic = batch.engine.model.slots, batch.engine.model.traffic
    for _ in range(10):
        batch.take_actions(np.tile(np.float32([0.0, 0.5]), (6, 1)))
        batch.step()
    assert (traffic.row["listed"][:, 1] >= 0).any()
    batch.active[1] = False  # driver 1 of world 0
    batch.leave()
    assert slots.valid[:, :3].tolist() == [[True, False, True], [True, True, True]]
    assert traffic.row["listed"][0, 1] == -1 and 1 not in traffic.row["ahead"][0] and 1 not in traffic.head[0]
    for _ in range(5):
        batch.step()
    assert not slots.valid[0, 1] and not slots.x[0, 1] and not batch.reward[1]
    generation = int(slots.generation[0, 1])
    assert batch.rejoin().tolist() == [False, True, False, False, False, False]
    assert slots.valid[0, 1] and slots.generation[0, 1] == generation + 1 and batch.progress[1] == 0.0
    assert traffic.row["listed"][0, 1] >= 0
    batch.step()
    assert batch.alive.all()
