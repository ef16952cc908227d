"""The bar chart of all profiles. matplotlib comes with the extra [dev]."""

from pathlib import Path
from typing import Any

from benchmarks.plots import figure_class
from benchmarks.profiles import PROFILES
from benchmarks.table import UNITS, Row, rows, short


def plot_profiles(profiles: dict[str, dict[str, Any]], path: Path) -> None:
    """One panel a profile, one bar a contender on a logarithmic axis; recorded figures are hatched.

    Raises:
        OSError: matplotlib is missing, or the file cannot be written.
    """
    shown = {name: bars(name, found) for name, found in profiles.items() if name in PROFILES}
    shown = {name: found for name, found in shown.items() if found}
    sizes = [len(found) + 2 for found in shown.values()]
    figure = figure_class()(figsize=(9.0, 0.32 * sum(sizes) + 0.5), layout="constrained")
    panels = figure.subplots(len(shown), 1, height_ratios=sizes, squeeze=False)[:, 0] if shown else []
    for axes, (name, found) in zip(panels, shown.items(), strict=True):
        _panel(axes, name, found)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, pil_kwargs={"optimize": True})


def bars(profile: str, found: dict[str, Any]) -> list[tuple[Row, float]]:
    """Rows that have the profile's rate, with it."""
    rate = PROFILES[profile].rate
    return [(row, row.values[rate]) for row in rows(profile, found) if row.values.get(rate)]


def _panel(axes: Any, name: str, found: list[tuple[Row, float]]) -> None:
    for place, (row, value) in enumerate(reversed(found)):
        ours = row.title.startswith("Tarmac")
        colour = "tab:blue" if ours else "tab:grey" if row.recorded else "tab:orange"
        axes.barh(place, value, color=colour, alpha=0.85, hatch="//" if row.recorded else None, edgecolor="white")
        if row.span:
            axes.plot(row.span, (place, place), color="black", linewidth=1)
        axes.text(max(value, (row.span or (0, 0))[1]) * 1.05, place, short(value), va="center", fontsize=8)
    labels = [f"{row.title} {row.mark}" for row, _ in reversed(found)]
    axes.set_yticks(range(len(found)), labels, fontsize=8)
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_title(f"{name}: {PROFILES[name].title} [{UNITS[PROFILES[name].rate]}/s]", fontsize=9, loc="left")
