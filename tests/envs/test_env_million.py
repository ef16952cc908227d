"""A million steps over all environments: observations in their spaces, rewards that are numbers, memory that stays."""

import gc
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import tarmac  # noqa: F401  (registers)
from agents.actions import ACTIONS
from envs.observations import OBSERVATIONS
from envs.registration import ENVIRONMENTS

IDS = [name for name in ENVIRONMENTS if name != "Tarmac/Drive-v0"]  # that is Town01 by another name
WORLDS = 32
GROWTH = 64 << 20  # [bytes] that a process may grow by after its first tenth


def _resident() -> int:
    """[bytes] of memory in use by this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def _drive(name: str, observation: str, action: str, steps: int) -> tuple[int, int]:
    """(bytes grown after the first tenth, episodes ended) of random steps."""
    env = gymnasium.make_vec(
        name, num_envs=WORLDS, observation=observation, action=action, maps=2, starts=32, autoreset_mode="same_step",
        copy=False,
    )  # fmt: skip
    env.action_space.seed(1)
    seen, _ = env.reset(seed=1)
    first, ended = 0, 0
    for step in range(steps // WORLDS):
        seen, reward, terminated, truncated, infos = env.step(env.action_space.sample())
        ended += int((terminated | truncated).sum())
        assert np.isfinite(reward).all()
        assert np.allclose(sum(v for n, v in infos["terms"].items() if n[0] != "_"), reward, atol=1e-5)
        if step % 8 == 0:
            assert env.observation_space.contains(seen), (name, observation, action, step)
        if step == steps // WORLDS // 10:
            gc.collect()
            first = _resident()
    gc.collect()
    grown = _resident() - first
    env.close()
    return grown, ended


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("name", IDS)
def test_a_million_random_steps(name):
    pairs = [(o, a) for o in OBSERVATIONS for a in ACTIONS]
    each = 1_000_000 // (len(IDS) * len(pairs))
    for observation, action in pairs:
        grown, ended = _drive(name, observation, action, each)
        assert ended > 0 or action == "meta", f"{observation}, {action}: no episode came to its end"
        assert grown < GROWTH, f"{observation}, {action}: grew by {grown >> 20} MiB"
