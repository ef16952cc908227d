"""RLlib's faces (its new API stack): a batch for its single-agent env runner, and many drivers in one world.

    from ray.rllib.algorithms.ppo import PPOConfig
    from envs.rllib import register_rllib

    register_rllib()
    config = (
        PPOConfig()
        .environment("tarmac", env_config={"scenario": "town02"})
        .env_runners(num_envs_per_env_runner=64, gym_env_vectorize_mode="vector_entry_point")
    )

With "vector_entry_point" all environments of a runner are one batch; with "sync" each is an environment of its own.
"tarmac_crowd" is the multi-agent environment.
"""

# pyright: reportMissingImports=false
# (ray is not among what developers install)

from collections.abc import Sequence
from typing import Any

import gymnasium

from envs.crowd import Crowd
from envs.drive import DriveEnv
from envs.seeds import spread_seeds
from envs.vector import DriveVectorEnv

try:
    from ray.rllib.env.multi_agent_env import MultiAgentEnv
    from ray.tune.registry import register_env
except ImportError as error:
    raise ImportError(f"envs.rllib needs ray: pip install -e '.[ray]' ({error})") from error

SINGLE, CROWD = "tarmac", "tarmac_crowd"


class RLlibVectorEnv(DriveVectorEnv):
    """The batch of one env runner. Its worlds' seeds are spread: runners count theirs up one by one."""

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """As `DriveVectorEnv.reset`, but an int is spread over the worlds."""
        if isinstance(seed, int):
            seed = spread_seeds(seed, self.batch.worlds)
        return super().reset(seed=seed, options=options)


class RLlibDriveEnv(DriveEnv):
    """The single environment, with its seed spread as well."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """As `DriveEnv.reset`, with another seed drawn from the one given."""
        if seed is not None:
            seed = spread_seeds(seed, 1)[0]
        return super().reset(seed=seed, options=options)


class DriveMultiAgentEnv(MultiAgentEnv):
    """`drivers` learning vehicles a world, each an agent until its episode ends; see `envs.crowd.Crowd`.

    Args:
        config: options of `envs.crowd.Crowd` and of `envs.options.EnvConfig` by name.

    Raises:
        ValueError: an option or number that is not allowed.
    """

    def __init__(self, config: dict[str, Any] | None = None):
        super().__init__()
        self.crowd = Crowd(**dict(config or {}))
        self.possible_agents = list(self.crowd.possible)
        self.agents = []
        self.observation_spaces = dict.fromkeys(self.possible_agents, self.crowd.observation_space)
        self.action_spaces = dict(self.crowd.action_spaces)
        self.render_mode = self.crowd.render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        """Begin an episode: that of a seed drawn from `seed`, else the one after the last. Options are not used."""
        result = self.crowd.reset(None if seed is None else spread_seeds(seed, 1)[0])
        self.agents = list(self.crowd.agents)
        return result

    def step(self, action_dict: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """One action of every agent; "__all__" is terminated or truncated when nobody is left.

        Raises:
            RuntimeError: there is no episode. ValueError: an action is missing, not asked for, or not allowed.
        """
        acted = set(self.agents)
        seen, rewards, ended, cut, infos = self.crowd.step(action_dict)
        self.agents = list(self.crowd.agents)
        over, timed = not self.agents, bool(self.crowd.batch.time_over()[0])
        rewards = {name: value for name, value in rewards.items() if name in acted}  # none for who has just come
        return seen, rewards, ended | {"__all__": over and not timed}, cut | {"__all__": over and timed}, infos

    def render(self) -> Any:
        """(H, W, 3) picture from above, for render_mode "rgb_array"."""
        return self.crowd.render()

    def close(self) -> None:
        """Let the threads go."""
        self.crowd.close()


def make_rllib_env(config: dict[str, Any]) -> gymnasium.Env | RLlibVectorEnv:
    """The environment of an env_config: a batch where RLlib says how many (`num_envs`), else a single one.

    Args:
        config: options of DriveVectorEnv or DriveEnv by name.
    """
    options = dict(config)
    num_envs = options.pop("num_envs", None)
    if num_envs is None:
        return RLlibDriveEnv(**options)
    return RLlibVectorEnv(num_envs=int(num_envs), autoreset_mode="next_step", **options)


def register_rllib() -> None:
    """Make "tarmac" and "tarmac_crowd" known to Ray; a second call does no harm."""
    register_env(SINGLE, make_rllib_env)
    register_env(CROWD, DriveMultiAgentEnv)
