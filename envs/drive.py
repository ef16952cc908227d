"""The single environment: one world with one driver behind gymnasium.Env."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from envs.batch import DriveBatch
from envs.events import event_names
from envs.options import EnvConfig, resolve
from envs.spaces import action_space
from envs.vector import check_render_config, check_render_mode


class DriveEnv(gymnasium.Env):
    """One driver among traffic. Episode k after reset(seed=S) equals the first after reset(seed=S + k).

    Args:
        config: what to drive; options given by name change it.
        preset: of envs.options.PRESETS, where no config is given.
        copy: hand out copies of observations; False: views that the next step overwrites.
        render_mode: None, "rgb_array" (a picture from above) or "human" (a window; extra [render]).
        render_config: an envs.render.RenderConfig, or a dict of some of its fields: size, scale and content.

    Raises:
        ValueError: an option or number that is not allowed, or more than one driver.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "human"], "render_fps": 10}

    def __init__(
        self,
        config: EnvConfig | None = None,
        preset: str = "default",
        copy: bool = True,
        render_mode: str | None = None,
        render_config: Any = None,
        **options: Any,
    ):
        self.config = resolve(config, preset, options)
        if self.config.drivers != 1:
            raise ValueError(
                f"drivers: got {self.config.drivers}, a single environment has 1; for more use gymnasium.make_vec or "
                "envs.multi_agent.parallel_env"
            )
        self.render_mode = check_render_mode(render_mode, ("rgb_array", "human"))
        self._render_config = check_render_config(render_config)
        self.metadata = {**self.metadata, "render_fps": self.config.render_fps}
        self.copy = copy
        self.batch = DriveBatch(self.config, 1)
        self.observation_space = self.batch.observer.space
        self.action_space = action_space(self.config)
        self._next_seed: int | None = None
        self._running = False
        self._window: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode: that of `seed`, else the one after the last (a random one at first)."""
        super().reset(seed=seed)
        if options:
            raise ValueError(f"reset option {next(iter(options))!r} is unknown; there are none")
        if seed is None:
            seed = self._next_seed if self._next_seed is not None else int(self.np_random.integers(1 << 31))
        self._next_seed = int(seed) + 1
        self.batch.reset([int(seed)])
        self._running = True
        if self.render_mode == "human":
            self._show()
        return self._observation(), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One action.

        Raises:
            RuntimeError: before reset(), or after the episode's end. ValueError: an action outside of the space.
        """
        if not self._running:
            raise RuntimeError("step() without an episode: call reset() first, and again after an episode's end")
        batch = self.batch
        batch.take_actions(np.asarray(action)[None] if np.ndim(action) <= 1 else action)
        batch.advance()
        terminated, truncated = bool(batch.terminated[0]), bool(batch.truncated[0])
        self._running = not (terminated or truncated)
        if self.render_mode == "human":
            self._show()
        return self._observation(), float(batch.reward[0]), terminated, truncated, self._info()

    def _observation(self) -> Any:
        return self.batch.observer.row(0, self.copy)

    def _info(self) -> dict[str, Any]:
        return row_info(self.batch, 0)

    def render(self) -> NDArray[np.uint8] | None:
        """(H, W, 3) picture from above, for render_mode "rgb_array"."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() without a render_mode: gymnasium.make(..., render_mode='rgb_array')")
            return None
        if self.render_mode == "human":
            self._show()
            return None
        from envs.render import draw_row

        return draw_row(self.batch, 0, self._render_config)

    def _show(self) -> None:
        from envs.render import draw_row
        from envs.window import Window

        if self._window is None:
            self._window = Window(self.metadata["render_fps"])
        self._window.show(draw_row(self.batch, 0, self._render_config))

    def close(self) -> None:
        """Close the window and let the threads go."""
        if self._window is not None:
            self._window.close()
            self._window = None
        self.batch.close()


def row_info(batch: DriveBatch, row: int) -> dict[str, Any]:
    """What is told of a row's last step: progress [m], names of events, seed of the episode, terms of the reward."""
    return {
        "progress": float(batch.progress[row]),
        "events": event_names(int(batch.events[row])),
        "seed": int(batch.seeds[row // batch.config.drivers]),
        "terms": {name: float(value[row]) for name, value in batch.terms.items()},
    }
