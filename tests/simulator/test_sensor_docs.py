"""The Python blocks of the pages about sensors run."""

import re

import pytest

from tests.data import ROOT

BLOCKS = [
    (page, block)
    for page in ("camera", "sensors")
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / f"{page}.md").read_text(), flags=re.DOTALL)
]


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=[page for page, _ in BLOCKS])
def test_the_blocks_run(page, block):
    exec(compile(block, f"docs/{page}.md", "exec"), {"__name__": page})
