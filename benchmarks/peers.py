"""Peers in environments of their own, under Tarmac's cache folder: nothing is installed beside the user's packages."""

import subprocess
import sys
import venv
from pathlib import Path

from filelock import FileLock

from world.kernel import cache_root

PEERS = {"sumo": ("libsumo==1.28.0", "eclipse-sumo==1.28.0")}
TIMEOUT = 900.0  # [s]


class PeerError(RuntimeError):
    """A peer that cannot be had here, and why."""


def peer_python(name: str) -> str:
    """Python of a peer's environment, which is made at the first call.

    Raises:
        PeerError: it cannot be installed.
    """
    wanted = PEERS[name]
    version = wanted[0].split("==")[1]
    folder = cache_root() / "peers" / f"{name}-{version}-py{sys.version_info[0]}.{sys.version_info[1]}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not (folder / "complete").exists():
                print(f"installing {' '.join(wanted)} into {folder} (first run only)", file=sys.stderr, flush=True)
                _install(folder, python, wanted)
    except OSError as error:
        raise PeerError(f"{name} cannot be installed into {folder}: {error}") from error
    return str(python)


def _install(folder: Path, python: Path, wanted: tuple[str, ...]) -> None:
    venv.create(folder, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"pip install {' '.join(wanted)} took more than {TIMEOUT:.0f} s") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise PeerError(f"pip install {' '.join(wanted)} failed: {' | '.join(said[-2:])}")
    (folder / "complete").write_text("\n".join(wanted) + "\n")
