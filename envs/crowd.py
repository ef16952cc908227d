"""Crowd: one world with many learning drivers who come and go, the core under the multi-agent faces."""

from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import Space
from numpy.typing import NDArray

from envs.batch import DriveBatch
from envs.drive import row_info
from envs.options import EnvConfig, resolve
from envs.spaces import action_space
from envs.vector import check_render_mode

Steps = tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]


class Crowd:
    """Drivers by name in one world.

    A driver whose episode is over leaves, and so does its vehicle. As long as it has lives left it comes back at the
    start of its route, when that place is free, under a new name: with K drivers, life n of driver k is called
    "driver_{k + n * K}". The world's episode ends at the time limit, or when all have gone for good.

    Args:
        lives: times that each driver may begin in an episode of the world.

    Raises:
        ValueError: an option or number that is not allowed.
    """

    def __init__(
        self,
        config: EnvConfig | None = None,
        preset: str = "default",
        lives: int = 1,
        render_mode: str | None = None,
        **options: Any,
    ):
        if isinstance(lives, bool) or not isinstance(lives, int) or not 1 <= lives <= 1000:
            raise ValueError(f"lives: got {lives!r}, allowed are whole numbers from 1 to 1000")
        self.config = resolve(config, preset, options)
        self.render_mode = check_render_mode(render_mode, ("rgb_array",))
        self.batch = DriveBatch(self.config, 1)
        self.possible = [f"driver_{n}" for n in range(self.config.drivers * lives)]
        self.observation_space: Space = self.batch.observer.space
        self.action_spaces: dict[str, Space] = {name: deepcopy(action_space(self.config)) for name in self.possible}
        self.agents: list[str] = []
        self._lives = lives
        self._life = np.zeros(self.config.drivers, np.int64)
        self._actions = self._no_actions()
        self._next_seed: int | None = None

    def _no_actions(self) -> NDArray:
        drivers, space = self.config.drivers, action_space(self.config)
        return np.zeros((drivers, *(space.shape or ())), space.dtype)

    def _names(self) -> list[str]:
        """The names of all rows, in their present lives."""
        return [f"driver_{k + n * self.config.drivers}" for k, n in enumerate(self._life.tolist())]

    def reset(self, seed: int | None) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begin an episode: that of `seed`, else the one after the last (a random one at first)."""
        if seed is None:
            seed = self._next_seed if self._next_seed is not None else int(np.random.default_rng().integers(1 << 31))
        self._next_seed = int(seed) + 1
        self._life[:] = 0
        self.batch.reset([int(seed)])
        rows = np.flatnonzero(self.batch.active).tolist()
        names = self._names()
        self.agents = [names[k] for k in rows]
        seen = {names[k]: self.batch.observer.row(k) for k in rows}
        return seen, {names[k]: row_info(self.batch, k) for k in rows}

    def step(self, actions: dict[str, Any]) -> Steps:
        """One action of everyone in `agents`. Tells of them, and of those who have come.

        Raises:
            RuntimeError: there is no episode. ValueError: an action is missing, not asked for, or not allowed.
        """
        if not self.agents:
            raise RuntimeError("step() without an episode: call reset() first, and again when nobody is left")
        batch, names = self.batch, self._names()
        rows = np.flatnonzero(batch.active).tolist()
        self._take(actions, rows, names)
        batch.advance()
        seen: dict[str, Any] = {names[k]: batch.observer.row(k) for k in rows}
        rewards = {names[k]: float(batch.reward[k]) for k in rows}
        ended = {names[k]: bool(batch.terminated[k]) for k in rows}
        cut = {names[k]: bool(batch.truncated[k]) for k in rows}
        infos = {names[k]: row_info(batch, k) for k in rows}
        come = self._come_and_go() if not batch.active.all() else []
        names = self._names()
        for k in come:
            rewards[names[k]], ended[names[k]], cut[names[k]] = 0.0, False, False
        staying = np.flatnonzero(batch.active).tolist()
        if len(come) or len(staying) < len(rows):  # what is seen now is without those who left, with those who came
            seen |= {names[k]: batch.observer.row(k) for k in staying}
        nothing = {"events": (), "terms": dict.fromkeys(batch.terms, 0.0)}
        infos |= {names[k]: row_info(batch, k) | nothing for k in come}
        self.agents = [names[k] for k in staying]
        return seen, rewards, ended, cut, infos

    def _take(self, actions: dict[str, Any], rows: list[int], names: list[str]) -> None:
        wanted = {names[k]: k for k in rows}
        for name in actions:
            if name not in wanted:
                raise ValueError(f"action of {name!r}: it does not drive; drivers are {', '.join(wanted)}")
        shape = self._actions.shape[1:]
        for name, k in wanted.items():
            if name not in actions:
                raise ValueError(f"action of {name!r} is missing")
            value = np.asarray(actions[name])
            if value.shape != shape or (self._actions.dtype.kind == "i" and value.dtype.kind not in "iu"):
                raise ValueError(
                    f"action of {name!r}: got {value.dtype} of shape {value.shape}, expected {self._actions.dtype} of "
                    f"shape {shape}"
                )
            self._actions[k] = value
        try:
            self.batch.take_actions(self._actions)
        except ValueError as error:
            told = str(error)
            for k in rows:
                told = told.replace(f"row {k}:", f"{names[k]}:")
            raise ValueError(told) from None

    def _come_and_go(self) -> list[int]:
        """Who is over leaves the road; who has lives left comes where its place is free. Returns who came.

        While nobody is on the road and somebody is to come, time passes.
        """
        batch = self.batch
        batch.leave()
        come: list[int] = []
        while not batch.time_over()[0]:
            waiting = ~batch.active & (self._life + 1 < self._lives)
            come = np.flatnonzero(batch.rejoin(waiting)).tolist()
            self._life[come] += 1
            if batch.active.any() or not waiting.any():
                break
            batch.step()
        batch.observe(0, 1)
        return come

    def render(self) -> NDArray[np.uint8] | None:
        """(H, W, 3) picture from above."""
        if self.render_mode is None:
            return None
        from envs.render import draw_row

        return draw_row(self.batch, 0)

    def close(self) -> None:
        """Let the threads go."""
        self.batch.close()
