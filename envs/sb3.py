"""Stable-Baselines3's face: a VecEnv straight over DriveBatch.

    from stable_baselines3 import PPO
    from envs.sb3 import make_sb3_env

    PPO("MlpPolicy", make_sb3_env(64, scenario="town02")).learn(1_000_000)

The extra [train] brings Stable-Baselines3.
"""

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.batch import DriveBatch
from envs.events import event_names
from envs.options import EnvConfig, resolve
from envs.seeds import spread_seeds
from envs.spaces import action_space
from envs.vector import check_render_mode

try:
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import VecEnv
except ImportError as error:
    raise ImportError(f"envs.sb3 needs stable-baselines3: pip install -e '.[train]' ({error})") from error

MOST_PICTURES = 16  # of environments that render() tiles


class SB3VecEnv(VecEnv):
    """`num_envs` learning drivers, `drivers` of them a world, as SB3's algorithms want them.

    What is over begins anew in the same step; the info of such a row, and of no other, has `terminal_observation`,
    `TimeLimit.truncated`, `episode` {r, l, t} (so that SB3 logs the mean return without a Monitor), `is_success`,
    `events`, `progress` [m] and `seed`. Where a world has several drivers, one whose start is taken sees zeros until it
    can begin.

    Args:
        num_envs: drivers in all; a multiple of config.drivers.
        config: what to drive; options given by name change it.
        preset: of envs.options.PRESETS, where no config is given.
        render_mode: None or "rgb_array".

    Raises:
        ValueError: an option or number that is not allowed.
    """

    def __init__(
        self,
        num_envs: int,
        config: EnvConfig | None = None,
        preset: str = "default",
        render_mode: str | None = None,
        **options: Any,
    ):
        self.config = resolve(config, preset, options)
        drivers = self.config.drivers
        if num_envs < 1 or num_envs % drivers:
            raise ValueError(f"num_envs: got {num_envs}, allowed are multiples of drivers ({drivers})")
        self.render_mode = check_render_mode(render_mode, ("rgb_array",))
        self.num_envs = num_envs
        self.batch = DriveBatch(self.config, num_envs // drivers)
        super().__init__(num_envs, self.batch.observer.space, action_space(self.config))
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": self.config.render_fps}
        self._idle_infos: list[dict[str, Any]] = [{} for _ in range(num_envs)]
        self._ready = False
        self._start_time = time.perf_counter()

    # --- VecEnv ---------------------------------------------------------------------------------------------------

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Seeds of the next reset, spread from one (None: from a random one).

        Returns:
            (num_envs,) the seed of each environment's world.
        """
        if seed is None:
            seed = int(np.random.default_rng().integers(1 << 31))
        spread = spread_seeds(int(seed), self.batch.worlds)
        self._seeds = [s for s in spread for _ in range(self.config.drivers)]
        return self._seeds

    def reset(self) -> Any:
        """Begin all episodes anew: those of `seed`, or else the ones after the last."""
        if self._seeds[0] is None and not self._ready:
            self.seed()
        told = self._seeds[:: self.config.drivers]
        self.batch.reset(self.batch.seeds + 1 if told[0] is None else told)  # type: ignore[arg-type]
        self.reset_infos = [{"seed": int(s)} for s in np.repeat(self.batch.seeds, self.config.drivers)]
        self._reset_seeds()
        self._reset_options()
        self._ready = True
        return self.batch.observer.value(True)

    def step_async(self, actions: NDArray) -> None:
        """Keep the actions.

        Raises:
            RuntimeError: before reset(). ValueError: an action outside of the space or not finite.
        """
        if not self._ready:
            raise RuntimeError("step() before reset()")
        self.batch.take_actions(actions)

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Drive; what is over begins anew."""
        batch = self.batch
        batch.advance()
        done = batch.terminated | batch.truncated
        infos = self._idle_infos.copy()
        if done.any():
            for i in np.flatnonzero(done).tolist():
                infos[i] = self._last_info(i)
        if done.any() or not batch.active.all():
            batch.begin_anew()
        return batch.observer.value(True), batch.reward.copy(), done, infos

    def _last_info(self, i: int) -> dict[str, Any]:
        batch = self.batch
        events = event_names(int(batch.events[i]))
        return {
            "terminal_observation": batch.observer.row(i),
            "TimeLimit.truncated": bool(batch.truncated[i] and not batch.terminated[i]),
            "episode": {
                "r": round(float(batch.episode_return[i]), 6),
                "l": int(batch.episode_steps[i]),
                "t": round(time.perf_counter() - self._start_time, 6),
            },
            "is_success": "completed" in events,
            "events": events,
            "progress": float(batch.progress[i]),
            "seed": int(batch.seeds[i // self.config.drivers]),
        }

    def close(self) -> None:
        """Let the threads go."""
        self.batch.close()

    def get_images(self) -> list[NDArray[np.uint8] | None]:
        """(H, W, 3) pictures from above of the first MOST_PICTURES environments."""
        from envs.render import draw_row

        return [draw_row(self.batch, i) for i in range(min(self.num_envs, MOST_PICTURES))]

    # --- One environment, many rows -------------------------------------------------------------------------------

    def _rows(self, indices: None | int | Iterable[int]) -> list[int]:
        return [int(i) for i in self._get_indices(indices)]

    def _find(self, name: str) -> Any:
        for holder in (self, self.config):
            if hasattr(holder, name):
                return getattr(holder, name)
        raise AttributeError(f"neither SB3VecEnv nor its config has {name!r}")

    def get_attr(self, attr_name: str, indices: None | int | Iterable[int] = None) -> list[Any]:
        """An attribute of this object or of its config, once for each environment: all share them."""
        return [self._find(attr_name)] * len(self._rows(indices))

    def set_attr(self, attr_name: str, value: Any, indices: None | int | Iterable[int] = None) -> None:
        """Set an attribute, for all environments.

        Raises:
            ValueError: only for some of them, or one of the config, which is fixed.
        """
        if set(self._rows(indices)) != set(range(self.num_envs)):
            raise ValueError(f"set_attr({attr_name!r}): the environments are one batch, allowed is to set it for all")
        if hasattr(self.config, attr_name):
            raise ValueError(f"set_attr({attr_name!r}): the config is fixed; make another environment")
        setattr(self, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: None | int | Iterable[int] = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of this object, once, and tell its result for each environment."""
        result = self._find(method_name)(*method_args, **method_kwargs)
        return [result] * len(self._rows(indices))

    def env_is_wrapped(self, wrapper_class: type, indices: None | int | Iterable[int] = None) -> list[bool]:
        """Nothing is wrapped, but episodes are told as a Monitor tells them."""
        return [wrapper_class is Monitor] * len(self._rows(indices))


def make_sb3_env(num_envs: int, preset: str = "default", **options: Any) -> SB3VecEnv:
    """A VecEnv of a preset, with changes; see `SB3VecEnv` and `envs.options.EnvConfig`."""
    return SB3VecEnv(num_envs, preset=preset, **options)
