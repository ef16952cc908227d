"""Tables of results for the terminal."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

GOAL = 10e6  # vehicle updates a second
ROWS = (
    ("vehicle updates/s, median", "vehicle_updates_per_s", "{:,.0f}"),
    ("  range", "range", "{0[0]:,.0f} - {0[1]:,.0f}"),
    ("  per second of CPU time", "vehicle_updates_per_cpu_s", "{:,.0f}"),
    ("share of the core that it got", "share_of_core", "{:.0%}"),
    ("vehicles in the network", "vehicles", "{:.0f}"),
    ("mean speed [m/s]", "mean_speed", "{:.2f}"),
    ("standing", "standing", "{:.0%}"),
    ("simulated in the windows [s]", "simulated_s", "{:,.0f}"),
    ("memory of the process [MiB]", "resident_mib", "{:.0f}"),
    ("start of the process to first step [s]", "start_up_s", "{:.1f}"),
)


def show_traffic(found: dict[str, Any], console: Console) -> None:
    """The tables of the profile `traffic`."""
    console.print(f"[bold]traffic[/bold]: {found['what']}", highlight=False)
    console.print(", ".join(f"{k} {v}" for k, v in found["machine"].items()), highlight=False)
    for n in found["ours"]:
        table = Table("", "ours", "SUMO", title=f"{n[1:]} vehicles, {found['street_km'][n]} km of lanes")
        columns = [found[who].get(n) for who in ("ours", "sumo")]
        for label, key, form in ROWS:
            table.add_row(escape(label), *("-" if c is None else form.format(c[key]) for c in columns))
        console.print(table)
    for n, ratio in found["ratio"].items():
        console.print(
            f"ours / SUMO, {n}: {ratio['median']:.1f} ({ratio['min']:.1f} - {ratio['max']:.1f}), "
            f"by CPU time {found['ratio_by_cpu'][n]['median']:.1f}",
            highlight=False,
        )
    for n, ours in found["ours"].items():
        console.print(f"goal of {GOAL:,.0f}, {n}: {ours['vehicle_updates_per_s'] / GOAL:.0%}", highlight=False)
    threads = found["threads"]
    factor, pace = threads["factor"], threads["two_threads_vehicle_updates_per_s"]
    console.print(
        f"2 threads / 1, {threads['worlds']} worlds of {threads['vehicles_a_world']} vehicles: {factor['median']:.2f} "
        f"({factor['min']:.2f} - {factor['max']:.2f}; by CPU {threads['factor_by_cpu']:.2f}), {pace:,.0f} updates/s",
        highlight=False,
    )
    for n, cost in found["resets"].items():
        console.print(
            f"{n}, a world of {cost['bytes'] / 1024:.0f} KiB: restore {cost['restore_us']:.0f} us = "
            f"{cost['restore_in_steps']:.2f} steps, store {cost['store_us']:.0f} us, reset {cost['reset_us']:.0f} us = "
            f"{cost['reset_in_steps']:.1f} steps; {cost['resets_and_restores']:,} of each: memory grew by "
            f"{cost['memory_growth_mib']:.1f} MiB",
            highlight=False,
        )
    if missing := found["sumo"].get("missing"):
        console.print(f"[yellow]SUMO was not run: {missing}[/yellow]", highlight=False)
