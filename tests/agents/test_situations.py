"""Runs the behaviour table, for the expert and for traffic, and holds docs/planning.md to it."""

from pathlib import Path

import pytest

from tests.agents.situations import load, markdown
from tests.agents.street import EXPERT, TRAFFIC

ROWS = load()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.check.__name__)
def test_expert(row):
    row.check(EXPERT)


def traffic_rows():
    """The rows that apply to traffic; those known to fail must fail."""
    for row in ROWS:
        if row.traffic.startswith("no: "):
            continue
        marks = [pytest.mark.xfail(strict=True, reason=row.traffic)] if row.traffic.startswith("fails: ") else []
        yield pytest.param(row, marks=marks, id=row.check.__name__)


@pytest.mark.parametrize("row", list(traffic_rows()))
def test_traffic(row):
    row.check(TRAFFIC)


def test_the_table_in_the_docs_is_this_table():
    text = Path(__file__).parents[2].joinpath("docs", "planning.md").read_text(encoding="utf-8")
    assert markdown() in text, "run `python -m tests.agents.situations` and put its output into docs/planning.md"
