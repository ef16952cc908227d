"""The behaviour table: situations in plain English, who they are for, and how each is checked.

A situation is a function of who drives the car under test ("expert" or "traffic"); it asserts what is expected.
`tests/agents/test_situations.py` runs them all; `python -m tests.agents.situations` prints the table of
docs/planning.md.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Situation:
    """One row of the table."""

    start: str
    expected: str
    check: Callable[[str], None]
    traffic: str  # "yes", "fails: why" (known to fail), or "no: why" (does not apply)


TABLE: list[Situation] = []


def situation(start: str, expected: str, traffic: str = "yes") -> Callable[[Callable[[str], None]], Callable]:
    """Register the decorated check as a row."""
    if not (traffic == "yes" or traffic.startswith(("fails: ", "no: "))):
        raise ValueError(f"traffic is {traffic!r}; allowed: 'yes', 'fails: ...', 'no: ...'")

    def register(check: Callable[[str], None]) -> Callable[[str], None]:
        TABLE.append(Situation(start, expected, check, traffic))
        return check

    return register


def load() -> list[Situation]:
    """All rows, in the order of the table."""
    if not TABLE:
        from tests.agents import at_junctions, on_roads, with_walkers  # noqa: F401
    return TABLE


def markdown() -> str:
    """The table as docs/planning.md has it."""
    lines = ["| # | situation | expected | traffic |", "| --- | --- | --- | --- |"]
    for i, row in enumerate(load(), start=1):
        lines.append(f"| {i} | {row.start} | {row.expected} | {row.traffic} |")
    return "\n".join(lines)


if __name__ == "__main__":
    from tests.agents.situations import markdown as table  # this file runs under another name

    print(table())
