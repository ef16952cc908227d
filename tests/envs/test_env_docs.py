"""The Python blocks of docs/environments.md run, and its tables name what there is."""

import re
from dataclasses import fields
from importlib.util import find_spec

import pytest

from agents.actions import ACTIONS
from envs.observations import OBSERVATIONS
from envs.options import PRESETS, EnvConfig
from envs.registration import ENVIRONMENTS
from envs.rewards import REWARDS
from tests.data import ROOT

PAGE = (ROOT / "docs" / "environments.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
EXTRAS = {"stable_baselines3": "train", "envs.multi_agent": "marl", "ray.": "ray", "RecordVideo": "render"}
NEEDS = {"train": "stable_baselines3", "marl": "pettingzoo", "ray": "ray", "render": "moviepy"}


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_blocks_run(number):
    block = BLOCKS[number]
    for word, extra in EXTRAS.items():
        if word in block and find_spec(NEEDS[extra]) is None:
            pytest.skip(f"needs the extra {extra}")
    exec(compile(block, f"docs/environments.md, block {number}", "exec"), {"__name__": f"block{number}"})


def test_the_page_has_a_block_of_every_face():
    assert len(BLOCKS) >= 7


@pytest.mark.parametrize("names", [ENVIRONMENTS, PRESETS, ACTIONS, REWARDS, OBSERVATIONS], ids=lambda n: next(iter(n)))
def test_the_page_names_all_there_is(names):
    for name in names:
        assert f"`{name}`" in PAGE or f'"{name}"' in PAGE, name


def test_options_of_the_page_exist():
    table = PAGE.split("The ones most used:")[1].split("## ")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, flags=re.M) for name in re.findall(r"`(\w+)`", row)}
    assert len(named) > 12 and named <= {f.name for f in fields(EnvConfig)} | {"preset"}
