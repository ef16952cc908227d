"""What a person sees of a run: live progress in a terminal, plain lines elsewhere, then a table."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from replay.costs import costs

LINE_EVERY = 5.0  # [s] between lines of progress where there is no terminal


class RunConsole(Console):
    """A console whose reader may go away (`... | head`): the run goes on, unseen."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class LiveProgress(Protocol):
    """Progress of one episode."""

    def update(self, completion: float, sim_time: float, speed: float, infractions: int, factor: float) -> None:
        """Args: completion in [0, 1]; sim_time [s]; speed [m/s]; factor: simulated over wall time."""
        ...


def live_progress(title: str, console: Console) -> AbstractContextManager[LiveProgress]:
    """A bar in a terminal, lines elsewhere."""
    return _Bar(title, console) if console.is_terminal else _Lines(title, console)


class _Bar(AbstractContextManager):
    """A progress bar, which fits 80 columns."""

    def __init__(self, title: str, console: Console):
        figures = "{task.fields[sim]:.1f} s  {task.fields[kmh]:.0f} km/h  {task.fields[infractions]} infractions"
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=12),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn(figures + "  {task.fields[factor]:.1f}x"),
            console=console,
            refresh_per_second=8,
        )
        self._task = self._bar.add_task(title, total=1.0, sim=0.0, kmh=0.0, infractions=0, factor=0.0)

    def __enter__(self) -> "_Bar":
        self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bar.stop()

    def update(self, completion: float, sim_time: float, speed: float, infractions: int, factor: float) -> None:
        self._bar.update(
            self._task, completed=completion, sim=sim_time, kmh=speed * 3.6, infractions=infractions, factor=factor
        )


class _Lines(AbstractContextManager):
    """A line at the first step, and one every few seconds."""

    def __init__(self, title: str, console: Console):
        self._title, self._console, self._next = title, console, 0.0

    def __exit__(self, *exc: object) -> None:
        pass

    def update(self, completion: float, sim_time: float, speed: float, infractions: int, factor: float) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LINE_EVERY
        figures = f"{100 * completion:.0f} %, {sim_time:.1f} s, {speed * 3.6:.0f} km/h, {infractions} infractions"
        self._console.print(f"{self._title}: {figures}, {factor:.1f}x", soft_wrap=True, highlight=False, markup=False)
        self._console.file.flush()


def results_table(title: str, episodes: Sequence[dict[str, Any]], mean: dict[str, Any]) -> Table:
    """The closing table: a row an episode, and their mean where there are several. Fits 80 columns."""
    caption = "Qn x %: in that quarter of the route at x % of the traffic's speed (the minimum-speed term)"
    slow = any("Q" in _costs(e) for e in episodes)
    table = Table(
        title=title, box=SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, caption=caption if slow else None
    )
    for name in ("seed", "route", "done", "ds_lb20", "ds_lb21"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what cost points", overflow="fold")
    table.add_column("outcome", no_wrap=True)
    for name in ("time", "speed"):
        table.add_column(name, justify="right", no_wrap=True)

    def row(name: str, e: dict[str, Any], cost: str, outcome: str) -> None:
        table.add_row(
            name,
            f"{e['route_length_m']:.0f} m",
            f"{100 * e['route_completion']:.0f} %",
            f"{e['ds_lb20']:.1f}",
            f"{e['ds_lb21']:.1f}",
            cost,
            outcome,
            f"{e['sim_time_s']:.0f} s",
            f"{e['realtime_factor']:.1f}x",
        )

    for episode in episodes:
        row(str(episode["seed"]), episode, _costs(episode), episode["outcome"])
    if len(episodes) > 1:
        table.add_section()
        row("mean", mean, "", "")
    return table


def _costs(episode: dict[str, Any]) -> str:
    """What cost points, in few words: Q2 54 % is the second quarter of the route at 54 % of the traffic's speed."""
    return ", ".join(c.get("short", c["what"]) for c in costs(episode)) or "nothing"
