"""PettingZoo's face: many learning drivers in one world.

    from envs.multi_agent import parallel_env

    env = parallel_env(scenario="town02", drivers=8, lives=3)
    observations, infos = env.reset(seed=0)
    while env.agents:
        actions = {name: env.action_space(name).sample() for name in env.agents}
        observations, rewards, terminations, truncations, infos = env.step(actions)

The extra [marl] brings PettingZoo.
"""

from typing import Any

import numpy as np
from gymnasium import Space
from numpy.typing import NDArray

from envs.crowd import Crowd, Steps
from envs.options import EnvConfig

try:
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise ImportError(f"envs.multi_agent needs pettingzoo: pip install -e '.[marl]' ({error})") from error


class DriveParallelEnv(ParallelEnv):
    """`drivers` learning vehicles a world, each an agent until its episode ends, then gone from the road.

    With `lives` above 1 a driver comes back under a new name; see `envs.crowd.Crowd`, whose arguments these are.
    `possible_agents` are the names of all lives. Infos are those of `envs.drive.DriveEnv`.

    Raises:
        ValueError: an option or number that is not allowed.
    """

    metadata: dict[str, Any] = {"name": "tarmac_drive_v0", "render_modes": ["rgb_array"], "is_parallelizable": True}

    def __init__(
        self,
        config: EnvConfig | None = None,
        preset: str = "default",
        lives: int = 1,
        render_mode: str | None = None,
        **options: Any,
    ):
        self.crowd = Crowd(config, preset, lives, render_mode, **options)
        self.config, self.render_mode = self.crowd.config, render_mode
        self.metadata = {**self.metadata, "render_fps": self.config.render_fps}
        self.possible_agents: list[str] = self.crowd.possible
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> Space:
        """The same of all agents."""
        return self.crowd.observation_space

    def action_space(self, agent: str) -> Space:
        """An agent's own, so that each can be seeded."""
        return self.crowd.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begin an episode: that of `seed`, else the one after the last. Options are not used."""
        result = self.crowd.reset(seed)
        self.agents = list(self.crowd.agents)
        return result

    def step(self, actions: dict[str, Any]) -> Steps:
        """One action of every agent in `agents`.

        Raises:
            RuntimeError: there is no episode. ValueError: an action is missing, not asked for, or not allowed.
        """
        result = self.crowd.step(actions)
        self.agents = list(self.crowd.agents)
        return result

    def render(self) -> NDArray[np.uint8] | None:
        """(H, W, 3) picture from above, for render_mode "rgb_array"."""
        return self.crowd.render()

    def close(self) -> None:
        """Let the threads go."""
        self.crowd.close()


def parallel_env(**options: Any) -> DriveParallelEnv:
    """A PettingZoo environment; options are those of `DriveParallelEnv` and of `envs.options.EnvConfig`."""
    return DriveParallelEnv(**options)
