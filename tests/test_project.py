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


# Modules that need an extra, and its name; everything else is imported without any
BEHIND_DOORS = {"envs.sb3": "train", "envs.rllib": "ray", "envs.multi_agent": "marl"}
_WITHOUT_EXTRAS = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "stable_baselines3", "ray", "pettingzoo", "carla", "matplotlib", "shapely"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Absent())
doors = DOORS
for package in ("world", "simulator", "scenarios", "planning", "agents", "envs", "replay"):
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if found.name.endswith("__main__") or found.name.startswith("scenarios.mapgen"):
            continue  # the generator of our maps is a tool of developers
        try:
            importlib.import_module(found.name)
        except ImportError as error:
            assert found.name in doors and f"[{doors[found.name]}]" in str(error), (found.name, str(error))
        else:
            assert found.name not in doors, found.name
import tarmac
print("all there")
"""


def test_everything_is_imported_without_extras_and_doors_say_what_they_need():
    code = _WITHOUT_EXTRAS.replace("DOORS", repr(BEHIND_DOORS))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "all there", done.stderr[-2000:]
