"""DriveBatch: B worlds with K learning drivers each, the one core under every environment face.

Rows are drivers: row b * K + k is driver k of world b. A world and its drivers begin together and run to the time
limit; a driver whose episode is over before that begins its route anew, as soon as the place is free (with one driver a
world the world itself begins anew, from the next start).
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.actions import CHOICES, WIDTH
from envs.act_step import act_worlds, track_worlds
from envs.arrays import make_arrays
from envs.observations import make_observer
from envs.options import EnvConfig, check_config, env_scenario
from envs.outcome_step import begin_world, leave_worlds, outcome_worlds, rejoin_worlds
from envs.rewards import TERMS, find_reward
from envs.starts import Starts, env_maps
from simulator.engine import Engine
from simulator.entries import step_worlds
from world.pack import Pack

MOST_SEEDS = 1 << 62


class DriveBatch:
    """Environments over the embedded engine, stepped by a few native calls.

    Attributes (rows first, N = B * K; views that the next step overwrites):
        reward: (N,) float32. terms: {name: (N,) float32} that sum to it. terminated, truncated: (N,) bool.
        events: (N,) int64 bits of world.kinds.EventKind. alive: (N,) bool, the row's driver took part in the step.
        progress: (N,) float32 [m]. row_seeds: (N,) int64, of the episode that the row's world is in.
        episode_return: (N,) float32, episode_steps: (N,) int32, so far.
        observer: what is seen; observer.value() are the observations of all rows.
    """

    def __init__(self, config: EnvConfig, worlds: int, buffers: int = 1):
        check_config(config)
        if worlds < 1:
            raise ValueError(f"worlds: got {worlds}, allowed is 1 or more")
        self.config, self.worlds = config, worlds
        scenario = env_scenario(config)
        self.engine = Engine(env_maps(scenario, config.maps), scenario, worlds, spare=1)
        self._starts = Starts(self.engine, config)
        self._arrays = make_arrays(config, worlds)
        self._pack = Pack(self._arrays)
        self.observer = make_observer(
            config.observation, self.engine, buffers, config.scene_source, config.camera, config.camera_stack
        )
        self.rows = worlds * config.drivers
        self._follows_path = config.action in ("meta", "waypoints")
        self._seed = np.zeros(worlds, np.int64)
        self.row_seeds = np.zeros(self.rows, np.int64)
        self._slices = _slices(worlds, config.threads)
        self._pool: ThreadPoolExecutor | None = None
        self._pool_process = -1
        self._use_arrays()

    def _use_arrays(self) -> None:
        arrays, n = self._arrays, self.rows
        self.reward, self.terminated, self.truncated = (
            getattr(arrays, name).reshape(n) for name in ("reward", "terminated", "truncated")
        )
        preset, _ = find_reward(self.config.reward)
        table = arrays.terms.reshape(n, -1)
        self.terms = {name: table[:, t] for t, name in enumerate(TERMS[preset])}
        self.events, self.alive = arrays.events.reshape(n), arrays.alive.reshape(n)
        self.episode_return, self.episode_steps = arrays.total.reshape(n), arrays.steps.reshape(n)
        self.progress = self.engine.model.judge.progress.reshape(n)
        self.active = self.engine.model.judge.active.reshape(n)

    # --- Episodes -----------------------------------------------------------------------------------------------

    def reset(self, seeds: Sequence[int], worlds: NDArray[np.integer] | None = None) -> None:
        """Begin episodes of the given seeds in the given worlds (all, if None), and observe.

        Args:
            seeds: one a world that begins.

        Raises:
            ValueError: another number of seeds, or one out of range.
        """
        which = np.arange(self.worlds) if worlds is None else np.asarray(worlds)
        if len(seeds) != len(which):
            raise ValueError(f"reset: got {len(seeds)} seeds for {len(which)} worlds")
        for seed in seeds:
            if not 0 <= seed < MOST_SEEDS:
                raise ValueError(f"seed: got {seed}, allowed are 0 to {MOST_SEEDS - 1}")
        for b, seed in zip(which.tolist(), seeds, strict=True):
            self._begin(b, int(seed))
        self._clear_outcome(which)
        if worlds is None:
            self.observe()
        else:
            for b in which.tolist():
                self.observe(b, b + 1)

    def _begin(self, b: int, seed: int) -> None:
        self._seed[b] = seed
        self.row_seeds[self._rows_of(b, b + 1)] = seed
        self._starts.begin(b, seed)
        begin_world(self.engine.address, self._pack.address, b)
        self.observer.begin(b)

    def next_episode(self, worlds: NDArray[np.integer]) -> None:
        """The worlds go on with the episode after theirs: that of the next seed; rewards and ends stay to be read."""
        for b in worlds.tolist():
            self._begin(b, int(self._seed[b]) + 1)

    def rejoin(self, which: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Drivers whose episode is over begin their routes anew, where the places are free.

        Args:
            which: (N,) rows that may; None: all.

        Returns:
            (N,) bool, who has begun.
        """
        return self._rejoin_range(0, self.worlds, True if which is None else which)

    def _rejoin_range(self, first: int, last: int, which: NDArray[np.bool_] | bool) -> NDArray[np.bool_]:
        """`rejoin` of the rows of the worlds first .. last - 1. Returns (N,) bool, who has begun."""
        rows = self._rows_of(first, last)
        begun = np.zeros(self.rows, np.bool_)
        begun[rows] = ~self.active[rows]
        self._arrays.joins.reshape(-1)[rows] = which
        rejoin_worlds(self.engine.address, self._pack.address, first, last)
        begun[rows] &= self.active[rows]
        if begun.any():
            self.observer.forget(begun.reshape(self.worlds, -1))
        return begun

    def leave(self) -> None:
        """The bodies of drivers whose episode is over leave the road."""
        leave_worlds(self.engine.address, self._pack.address, 0, self.worlds)

    # --- Steps --------------------------------------------------------------------------------------------------

    def take_actions(self, actions: Any) -> None:
        """Check and keep the actions of all rows.

        Raises:
            ValueError: another shape, not finite, or a choice that does not exist; names the first such row.
        """
        config, arrays = self.config, self._arrays
        if config.action in CHOICES:
            count = CHOICES[config.action]
            value = _as_array(actions, None)
            if value.shape != (self.rows,) or value.dtype.kind not in "iu":
                raise ValueError(
                    f"action: got {value.dtype} of shape {value.shape}, expected whole numbers of shape ({self.rows},)"
                )
            if value.min() < 0 or value.max() >= count:
                row = int(np.flatnonzero((value < 0) | (value >= count))[0])
                raise ValueError(f"action of row {row}: got {value[row]}, allowed are 0 to {count - 1}")
            arrays.choice.reshape(-1)[:] = value
            return
        width = WIDTH[config.action]
        value = _as_array(actions, np.float32)
        if value.shape != (self.rows, width):
            raise ValueError(f"action: got shape {value.shape}, expected ({self.rows}, {width})")
        if not np.isfinite(value).all():
            row = int(np.flatnonzero(~np.isfinite(value).all(axis=1))[0])
            raise ValueError(f"action of row {row}: got {value[row].tolist()}, expected finite numbers from -1 to 1")
        numbers = arrays.numbers.reshape(self.rows, -1)[:, :width]
        np.clip(value, -1.0, 1.0, out=numbers)

    def step(self) -> None:
        """Drive all worlds with the kept actions for one action's time, judge and reward; nothing is observed yet."""
        self._each(self._step_range)

    def _clear_outcome(self, worlds: NDArray) -> None:
        """Nothing has come of an action yet in these worlds."""
        for name in ("reward", "terms", "terminated", "truncated", "events"):
            getattr(self._arrays, name)[worlds] = 0

    def _step_range(self, first: int, last: int) -> None:
        address, own, every = self.engine.address, self._pack.address, self.config.action_every
        act_worlds(address, own, first, last)
        if self._follows_path:
            for _ in range(every):
                track_worlds(address, own, first, last)
                step_worlds(address, first, last, 1)
        else:
            step_worlds(address, first, last, every)
        outcome_worlds(address, own, first, last)

    def observe(self, first: int = 0, last: int | None = None) -> None:
        """Write what the drivers of the worlds first .. last - 1 see into the observer's buffer.

        For all worlds (`last` None) those whose episode ended in this step see, for the last time, where that was.
        """
        if last is not None:
            self.observer.observe(first, last)
            return
        self.observer.turn()
        self._each(self._observe_range)

    def _observe_range(self, first: int, last: int) -> None:
        rows = self._rows_of(first, last)
        active = self.active[rows]
        ended = (self.terminated[rows] | self.truncated[rows]) & ~active
        active[ended] = True  # who takes no part sees nothing
        self.observer.observe(first, last)
        active[ended] = False

    def advance(self, skip: NDArray[np.bool_] | None = None, rejoin: bool = False) -> None:
        """`step`, then `observe` for all worlds, each slice at a stretch.

        Args:
            skip: (B,) worlds that stand still (their rewards and ends are cleared).
            rejoin: drivers who waited before the step, in worlds that go on, begin anew between the two.
        """
        if skip is not None and skip.any():
            self._clear_outcome(skip)
            self._arrays.alive[skip] = self.engine.model.judge.active[skip]
        else:
            skip = None
        self.observer.turn()
        self._each(lambda first, last: self._advance_range(first, last, skip, rejoin))

    def _advance_range(self, first: int, last: int, skip: NDArray[np.bool_] | None, rejoin: bool) -> None:
        for a, b in [(first, last)] if skip is None else _without(first, last, skip):
            self._step_range(a, b)
        rows = self._rows_of(first, last)
        if rejoin and not self.active[rows].all():
            self._rejoin_range(
                first, last, ~self.alive[rows] & ~np.repeat(self.time_over()[first:last], self.config.drivers)
            )
        self._observe_range(first, last)

    def begin_anew(self) -> None:
        """What is over begins anew in this step, and is observed: worlds, and drivers whose places are free."""
        changed = over = self.world_over()
        if over.any():
            self.next_episode(np.flatnonzero(over))
        if self.config.drivers > 1:
            changed = over | ~self.active.reshape(self.worlds, -1).all(axis=1)
            self.rejoin()
        for b in np.flatnonzero(changed).tolist():
            self.observe(b, b + 1)

    def _rows_of(self, first: int, last: int) -> slice:
        return slice(first * self.config.drivers, last * self.config.drivers)

    def _each(self, job: Callable[[int, int], None]) -> None:
        """Do a job for every slice of worlds, each in a thread of its own where there are several."""
        if len(self._slices) > 1 and (self._pool is None or self._pool_process != os.getpid()):
            # a forked process has none of its parent's threads
            self._pool, self._pool_process = ThreadPoolExecutor(len(self._slices)), os.getpid()
        others = [self._pool.submit(job, *worlds) for worlds in self._slices[1:]]  # type: ignore[union-attr]
        job(*self._slices[0])  # this thread would only wait
        for done in others:
            done.result()

    def time_over(self) -> NDArray[np.bool_]:
        """(B,) whether a world has come to its time limit."""
        return self.engine.model.worlds.step >= self._arrays.max_steps * self._arrays.every

    def world_over(self) -> NDArray[np.bool_]:
        """(B,) whether a world has come to its time limit, or its only driver's episode is over."""
        over = self.time_over()
        if self.config.drivers == 1:
            over |= self.terminated | self.truncated
        return over

    @property
    def seeds(self) -> NDArray[np.int64]:
        """(B,) of the episodes that the worlds are in."""
        return self._seed

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None and self._pool_process == os.getpid():
            self._pool.shutdown()
        self._pool = None
        self.engine.close()


def _as_array(actions: Any, dtype: Any) -> NDArray:
    """Raises ValueError: no numbers."""
    try:
        return np.asarray(actions, dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"action: got {actions!r:.80}, expected an array of numbers ({error})") from None


def _slices(worlds: int, threads: int) -> list[tuple[int, int]]:
    bounds = np.linspace(0, worlds, min(threads, worlds) + 1).astype(int)
    return [(int(a), int(c)) for a, c in zip(bounds[:-1], bounds[1:], strict=True)]


def _without(first: int, last: int, skip: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The worlds first .. last - 1 without those that are skipped, as ranges."""
    kept = []
    for b in (*(first + np.flatnonzero(skip[first:last])).tolist(), last):
        if first < b:
            kept.append((first, b))
        first = b + 1
    return kept
