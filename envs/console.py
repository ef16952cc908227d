"""What a person sees of a run in a terminal: live progress, then a table."""

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


class LiveProgress:
    """A progress bar over one episode: simulated time, speed, route, infractions, real-time factor."""

    def __init__(self, title: str, console: Console):
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn(
                "{task.fields[sim]:6.1f} s  {task.fields[kmh]:5.1f} km/h  {task.fields[infractions]} infractions"
            ),
            TextColumn("{task.fields[factor]:5.1f}x real time"),
            TimeElapsedColumn(),
            console=console,
            refresh_per_second=8,
        )
        self._task = self._bar.add_task(title, total=1.0, sim=0.0, kmh=0.0, infractions=0, factor=0.0)

    def __enter__(self) -> "LiveProgress":
        self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bar.stop()

    def update(self, completion: float, sim_time: float, speed: float, infractions: int, factor: float) -> None:
        """Args: completion in [0, 1]; sim_time [s]; speed [m/s]; factor: simulated over wall time."""
        self._bar.update(
            self._task, completed=completion, sim=sim_time, kmh=speed * 3.6, infractions=infractions, factor=factor
        )


def results_table(title: str, episodes: Sequence[dict[str, Any]], mean: dict[str, Any]) -> Table:
    """The closing table: a row an episode, and their mean where there are several. Fits 80 columns."""
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1), collapse_padding=True)
    for name in ("seed", "route", "done", "ds_lb20", "ds_lb21"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what cost points", overflow="fold")
    table.add_column("outcome", no_wrap=True)
    for name in ("time", "speed"):
        table.add_column(name, justify="right", no_wrap=True)

    def row(name: str, e: dict[str, Any], costs: str, outcome: str) -> None:
        table.add_row(
            name,
            f"{e['route_length_m']:.0f} m",
            f"{100 * e['route_completion']:.0f} %",
            f"{e['ds_lb20']:.1f}",
            f"{e['ds_lb21']:.1f}",
            costs,
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


def _costs(e: dict[str, Any]) -> str:
    """Infractions, and the slowest quarter of the route where it was slower than the traffic."""
    parts = [f"{name} {count:g}" for name, count in e["infractions"].items() if count]
    slowest = min(e.get("min_speed", ()), default=1.0)
    if slowest < 1.0:
        parts.append(f"slower than traffic ({100 * slowest:.0f} %)")
    return ", ".join(parts) or "nothing"
