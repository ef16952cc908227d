"""Prints a command of README.md's first screen, so that what is tested is what is written.

python docs/readme_commands.py main|test
"""

import re
import sys
from pathlib import Path


def readme_commands(text: str) -> dict[str, str]:
    """The first two bash blocks: the main job, then the tests."""
    blocks = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    return {"main": blocks[0], "test": blocks[1]}


if __name__ == "__main__":
    commands = readme_commands((Path(__file__).resolve().parent.parent / "README.md").read_text())
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(f"got {sys.argv[1:]}, allowed is one of {', '.join(commands)}")
    print(commands[sys.argv[1]], end="")
