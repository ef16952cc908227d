"""One table of all profiles: a row for each profile and contender, measured or recorded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.compare import RATES
from benchmarks.profiles import PROFILES
from benchmarks.recorded import CLAIMED, DATE, MEASURED

UNITS = {"env_steps_per_s": "env steps", "agent_steps_per_s": "agent steps",
         "vehicle_updates_per_s": "vehicle updates", "samples_per_s": "samples"}  # fmt: skip

MARKS = {"*": f"{MEASURED}, {DATE}", "**": CLAIMED}


@dataclass(frozen=True)
class Row:
    """One contender of one profile.

    Attributes:
        values: rates by name.
        span: least and largest of the profile's rate, or of the recorded one.
        ratios: ours over each peer, by the peer's title.
        note: what a step held, or why it is missing.
        goal: share of it that is reached.
        mark: of MARKS, for a recorded figure.
    """

    profile: str
    title: str
    values: dict[str, float]
    span: tuple[float, float] | None = None
    ratios: dict[str, dict[str, float]] | None = None
    start_up: float | None = None
    mib: float | None = None
    note: str = ""
    goal: float | None = None
    mark: str = ""

    @property
    def recorded(self) -> bool:
        return self.mark != ""


def rows(profile: str, found: dict[str, Any]) -> Iterator[Row]:
    """The rows of one profile's figures, recorded ones last."""
    if "failed" in found:
        yield Row(profile, "-", {}, note=f"failed: {found['failed']}")
    contenders = PROFILES[profile].contenders
    titles = {c.key: c.title for c in contenders}
    for contender in contenders:
        figures = found.get(contender.key) or {}
        if "missing" in figures:
            yield Row(profile, contender.title, {}, note=f"not run: {figures['missing']}")
        if found["rate"] in figures:
            ratios = found["ratio"].get(contender.key, {})
            named = {titles[peer]: r for peer, r in ratios.items() if r is not None}
            yield _row(profile, contender.title, figures, found["rate"], named, contender.goal)
        for size, part in figures.items():  # the profile traffic has one part a size
            if isinstance(part, dict) and "start_up_s" in part:
                ratio = found["ratio"].get(size) if contender.ours else None
                named = {titles["sumo"]: ratio} if ratio else {}
                yield _row(profile, f"{contender.title} {size[1:]}", part, found["rate"], named, contender.goal)
    for r in found.get("recorded", ()):
        span = (r["low"], r["high"]) if "low" in r else None
        mark = "*" if r["source"] == MEASURED else "**"
        yield Row(profile, r["peer"], {r["rate"]: r["value"]}, span, note=r["what"], mark=mark)


def _row(
    profile: str, title: str, figures: dict[str, Any], rate: str, ratios: dict[str, Any], goal: float | None
) -> Row:
    low, high = figures["ranges"][rate] if "ranges" in figures else figures["range"]
    values = {name: figures[name] for name in RATES if name in figures}
    memory = figures.get("mib_a_world", figures["resident_mib"])
    reached = None if goal is None else figures[rate] / goal
    return Row(profile, title, values, (low, high), ratios, figures["start_up_s"], memory, _content(figures), reached)


def _content(figures: dict[str, Any]) -> str:
    """What a step held, in one line."""
    content = figures.get("content")
    if content is None:
        return f"{figures['vehicles']:.0f} vehicles"
    parts = [
        content["what"],
        f"{content['agents']} controlled in {content['worlds']} world" + "s" * (content["worlds"] != 1),
        f"{figures['vehicles']:.1f} vehicles a world" if "vehicles" in figures else "",
        f"{content['sub_steps']} sub-step" + "s" * (content["sub_steps"] != 1),
        f"observation of {content['observation']} numbers",
        content["on"],
    ]
    return ", ".join(part for part in parts if part)


def short(value: float) -> str:
    """Three digits and a letter: 143 k."""
    for limit, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit * 0.9995:
            return f"{value / limit:.3g}{letter}"
    return f"{value:.3g}"


def show_all(profiles: dict[str, dict[str, Any]], console: Console) -> None:
    """The table of all profiles that have one, and what each step holds."""
    table = Table("profile")
    table.add_column("contender", overflow="fold")
    for head in ("a second", "range", "ours is", "start\n\\[s]", "MiB a\nworld"):
        table.add_column(head, no_wrap=True)
    table.add_column("of our\ngoal", justify="right")
    notes: list[str] = []
    for name, found in profiles.items():
        if name not in PROFILES:
            continue
        for number, row in enumerate(rows(name, found)):
            table.add_row("" if number else name, *_cells(row), style="dim" if row.recorded else None)
            notes.append(f"{name}, {_title(row)}: {row.note}")
        table.add_section()
    console.print(table)
    for note in notes:
        console.print(note, highlight=False, style="dim", markup=False)
    if any(found.get("recorded") for found in profiles.values()):
        for mark, source in MARKS.items():
            console.print(f"{mark} recorded, not interleaved: {source}", highlight=False, style="dim", markup=False)


def _title(row: Row) -> str:
    return f"{row.title} {row.mark}".strip()


def _cells(row: Row) -> list[str]:
    """Rates one under the other; agent steps only where they are not the env steps."""
    same = row.values.get("agent_steps_per_s") == row.values.get("env_steps_per_s")
    shown = [rate for rate in UNITS if rate in row.values and not (same and rate == "agent_steps_per_s")]
    ratios = [f"{r['median']:.3g} x {peer} ({r['min']:.3g}-{r['max']:.3g})" for peer, r in (row.ratios or {}).items()]
    return [
        escape(_title(row)),
        "\n".join(f"{short(row.values[rate])} {UNITS[rate]}" for rate in shown) or "-",
        f"{short(row.span[0])}-{short(row.span[1])}" if row.span else "-",
        "\n".join(ratios) or "-",
        "-" if row.start_up is None else f"{row.start_up:.1f}",
        "-" if row.mib is None else f"{row.mib:.3g}",
        "-" if row.goal is None else f"{row.goal:.0%}",
    ]
