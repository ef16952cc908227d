"""The project itself: packages load from this checkout, generated documents are fresh, README's commands are whole."""

import importlib
import subprocess
import sys

import pytest

from docs.readme_commands import readme_commands
from tests.data import ROOT
from world.names import unknown_name


@pytest.mark.parametrize(
    "name", ["world", "simulator", "scenarios", "planning", "agents", "envs", "replay", "benchmarks", "tarmac"]
)
def test_packages_load_from_this_checkout(name):
    module = importlib.import_module(name)
    assert str(module.__file__).startswith(str(ROOT))


def test_types_page_is_fresh():
    done = subprocess.run([sys.executable, "-m", "world.typedoc"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == (ROOT / "docs" / "types.md").read_text()


def test_readme_has_two_commands_that_set_everything_up():
    commands = readme_commands((ROOT / "README.md").read_text())
    for command in commands.values():
        assert command.count("\n") == 1 and "venv" in command and "constraints.txt" in command
    assert "run_scenario.py town01" in commands["main"] and "pytest" in commands["test"]


def test_unknown_names_come_with_the_nearest_match():
    said = unknown_name("scenario", "twn01", ["town01", "town02"])
    assert said == "unknown scenario 'twn01'; did you mean town01? (allowed: town01, town02)"
    assert "did you mean" not in unknown_name("scenario", "zzz", ["town01"])
