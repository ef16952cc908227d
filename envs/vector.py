"""The native vector environment: one batch of worlds behind gymnasium.vector.VectorEnv, not a list of copies."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.batch import DriveBatch
from envs.options import EnvConfig, resolve
from envs.spaces import action_space
from world.names import unknown_name

AUTORESET = {mode.value: mode for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)}


_TOLD = {"progress": "progress", "events": "events", "active": "active", "seed": "row_seeds"}  # info: of the batch


class DriveVectorEnv(VectorEnv):
    """`num_envs` learning drivers, `drivers` of them a world.

    Environment i is driver i % drivers of world i // drivers. Infos are dicts of arrays that tell of the step that was
    made: `progress` [m], `events` (bits of world.kinds.EventKind), `seed`, `terms` (of the reward), where an episode
    has ended `episode_return` and `episode_steps`; and `active`: the environment has a driver on the road, whom the
    next action is for.

    Args:
        num_envs: drivers in all; a multiple of config.drivers.
        config: what to drive; options given by name change it.
        preset: of envs.options.PRESETS, where no config is given.
        autoreset_mode: "next_step" or "same_step", see gymnasium.vector.AutoresetMode.
        copy: hand out copies; False: views that the next step overwrites, for speed.
        buffers: with copy False, observations stay as they are for so many steps: those of a rollout, in place.
        render_mode: None or "rgb_array" (a picture from above of every environment).
        render_config: an envs.render.RenderConfig, or a dict of some of its fields: size, scale and content.

    Raises:
        ValueError: an option or number that is not allowed.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(
        self,
        num_envs: int = 1,
        config: EnvConfig | None = None,
        preset: str = "default",
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        buffers: int = 1,
        render_mode: str | None = None,
        render_config: Any = None,
        **options: Any,
    ):
        self.config = resolve(config, preset, options)
        drivers = self.config.drivers
        if num_envs < 1 or num_envs % drivers:
            raise ValueError(f"num_envs: got {num_envs}, allowed are multiples of drivers ({drivers})")
        self.autoreset_mode = find_autoreset(autoreset_mode)
        told = {"autoreset_mode": self.autoreset_mode, "render_fps": self.config.render_fps}
        self.metadata = {**self.metadata, **told}
        self.render_mode = check_render_mode(render_mode, ("rgb_array",))
        self._render_config = check_render_config(render_config)
        self.num_envs, self.copy = num_envs, copy
        self.batch = DriveBatch(self.config, num_envs // drivers, buffers)
        self.single_observation_space = self.batch.observer.space
        self.single_action_space = action_space(self.config)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        everyone = np.ones(num_envs, np.bool_)
        self._views = {name: getattr(self.batch, attribute) for name, attribute in _TOLD.items()}
        self._views |= {f"_{name}": everyone for name in (*_TOLD, "terms")}
        self._term_views = {**self.batch.terms, **{f"_{name}": everyone for name in self.batch.terms}}
        self._ready = False
        self._waiting_worlds = np.zeros(self.batch.worlds, np.bool_)  # NEXT_STEP: they begin anew at the next step

    # --- VectorEnv ----------------------------------------------------------------------------------------------

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin new episodes.

        Args:
            seed: environment 0's; world b gets seed + b. Or one a world, or one an environment (a world's first).
                None: the worlds go on to their next seeds, from random ones at first.
            options: {"reset_mask": (num_envs,) bool}: only the worlds of these environments begin anew.
        """
        mask = self._reset_mask(options)
        worlds = np.flatnonzero(mask)
        self.batch.reset(self._seeds(seed)[worlds].tolist(), None if mask.all() else worlds)
        self._waiting_worlds[worlds] = False
        self._ready = True
        return self._observations(), self._info()

    def _reset_mask(self, options: dict[str, Any] | None) -> NDArray[np.bool_]:
        known = {"reset_mask"}
        for key in options or {}:
            if key not in known:
                raise ValueError(f"reset option {key!r} is unknown; allowed: {', '.join(known)}")
        if not options or options.get("reset_mask") is None:
            return np.ones(self.batch.worlds, np.bool_)
        mask = np.asarray(options["reset_mask"])
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ValueError(f"reset_mask: got {mask.dtype} of shape {mask.shape}, expected bool of ({self.num_envs},)")
        if not self._ready and not mask.all():
            raise ValueError("reset_mask: the first reset must be of all environments")
        return np.asarray(mask.reshape(self.batch.worlds, -1).any(axis=1))

    def _seeds(self, seed: int | Sequence[int | None] | None) -> NDArray[np.int64]:
        """(B,) the seeds that the worlds begin with."""
        worlds = self.batch.worlds
        if seed is None:
            if self._ready:
                return self.batch.seeds + 1
            return self.np_random.integers(1 << 31, size=worlds)
        if isinstance(seed, int | np.integer):
            self._np_random, self._np_random_seed = seeding.np_random(int(seed))
            return int(seed) + np.arange(worlds)
        given = list(seed)
        if len(given) not in (worlds, self.num_envs):
            raise ValueError(f"seed: got {len(given)} seeds, expected one a world ({worlds}) or one an environment")
        given = given[:: len(given) // worlds]
        drawn = self.np_random.integers(1 << 31, size=worlds)
        return np.array([d if s is None else int(s) for s, d in zip(given, drawn, strict=True)])

    def step(self, actions: Any) -> tuple[Any, NDArray, NDArray, NDArray, dict[str, Any]]:
        """One action for every environment.

        Raises:
            RuntimeError: before reset(). ValueError: an action outside of the space or not finite.
        """
        if not self._ready:
            raise RuntimeError("step() before reset()")
        batch = self.batch
        batch.take_actions(actions)
        if self.autoreset_mode == AutoresetMode.NEXT_STEP:
            infos = self._step_next()
        else:
            infos = self._step_same()
        flags = batch.reward, batch.terminated, batch.truncated
        reward, terminated, truncated = (a.copy() for a in flags) if self.copy else flags
        return self._observations(), reward, terminated, truncated, infos

    def _step_next(self) -> dict[str, Any]:
        """What was over begins anew in this step; the others drive."""
        batch, waiting = self.batch, self._waiting_worlds
        if waiting.any():
            batch.next_episode(np.flatnonzero(waiting))
        # With several drivers a world, who waited before this step begins; who has ended in it shows that first
        batch.advance(waiting, rejoin=self.config.drivers > 1)
        self._waiting_worlds = batch.world_over()
        return self._info(self._ended())

    def _step_same(self) -> dict[str, Any]:
        """All drive; what is over then begins anew, and its last observation stands in the info."""
        batch = self.batch
        batch.advance()
        done = self._ended()
        infos = self._info(done, copy=self.copy or bool(done.any()))  # what begins anew would overwrite views
        if not done.any() and batch.active.all():
            return infos
        if done.any():
            last = np.empty(self.num_envs, object)
            for i in np.flatnonzero(done):
                last[i] = batch.observer.row(int(i))
            infos |= {"final_obs": last, "_final_obs": done.copy(), "_final_info": done.copy()}
            names = ("progress", "events", "seed", "terms", "episode_return", "episode_steps")
            infos["final_info"] = {key: infos[key] for name in names for key in (name, f"_{name}")}
        batch.begin_anew()
        infos["active"] = batch.active.copy() if self.copy else batch.active
        return infos

    def _ended(self) -> NDArray[np.bool_]:
        return self.batch.terminated | self.batch.truncated

    # --- What is told -------------------------------------------------------------------------------------------

    def _observations(self) -> Any:
        return self.batch.observer.value(self.copy)

    def _info(self, done: NDArray[np.bool_] | None = None, copy: bool | None = None) -> dict[str, Any]:
        batch = self.batch
        copy = self.copy if copy is None else copy
        infos = dict(self._views)
        infos["terms"] = dict(self._term_views)
        if copy:
            for name in _TOLD:
                infos[name] = infos[name].copy()
            for name, value in batch.terms.items():
                infos["terms"][name] = value.copy()
        if done is not None and done.any():
            infos["episode_return"] = np.where(done, batch.episode_return, np.float32(0.0))
            infos["episode_steps"] = np.where(done, batch.episode_steps, np.int32(0))
            infos["_episode_return"], infos["_episode_steps"] = done.copy(), done.copy()
        return infos

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """(H, W, 3) pictures from above, one an environment."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() without a render_mode: make_vec(..., render_mode='rgb_array')")
            return None
        from envs.render import draw_row

        return tuple(draw_row(self.batch, i, self._render_config) for i in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        """Let the threads go."""
        if hasattr(self, "batch"):  # an environment that was refused is closed too, when it is forgotten
            self.batch.close()


def find_autoreset(mode: str | AutoresetMode) -> AutoresetMode:
    """The mode of a name ("next_step", "NextStep", ...).

    Raises:
        ValueError: a mode that is not implemented.
    """
    if isinstance(mode, AutoresetMode):
        found = mode if mode in AUTORESET.values() else None
    else:
        wanted = str(mode).replace("_", "").lower()
        found = next((m for m in AUTORESET.values() if m.value.lower() == wanted), None)
    if found is None:
        raise ValueError(f"autoreset_mode: got {mode!r}, allowed are 'next_step' and 'same_step'")
    return found


def check_render_mode(mode: str | None, allowed: tuple[str, ...]) -> str | None:
    """The mode, if there is such a one.

    Raises:
        ValueError: there is not, with the nearest match.
    """
    if mode is not None and mode not in allowed:
        raise ValueError(unknown_name("render_mode", str(mode), allowed))
    return mode


def check_render_config(value: Any) -> Any:
    """The RenderConfig that was asked for; None, and nothing loaded, without one.

    Raises:
        ValueError: an unknown field, with the nearest match, or a number that is not allowed.
    """
    if value is None:
        return None
    from envs.render import render_config

    return render_config(value)
