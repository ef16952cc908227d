"""Where a result comes from: versions, commit, time; and files that appear whole."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import tarmac

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "lxml", "opencv-python-headless", "gymnasium", "mcap")


def versions() -> dict[str, str]:
    """Version of Tarmac, of Python and of every library that can change a result."""
    found = {"tarmac": tarmac.__version__, "python": platform.python_version(), "platform": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def commit() -> str | None:
    """Commit of the checkout, with "+changes" where tracked files differ; None outside of a git checkout."""

    def git(*args: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(ROOT), *args], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    head = git("rev-parse", "HEAD")
    if not head:
        return None
    return head + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")


def command() -> str:
    """The command line of this process."""
    return " ".join(["python", Path(sys.argv[0]).name, *sys.argv[1:]])


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that the file is either whole or not there.

    Raises:
        OSError: the folder cannot be written.
    """
    try:
        _write_whole(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # not the temporary file's name


def _write_whole(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
