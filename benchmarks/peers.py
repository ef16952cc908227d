"""Peers in environments of their own, under Tarmac's cache folder: nothing is installed beside the user's packages."""

import subprocess
import sys
import venv
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from benchmarks.worker import Worker
from world.kernel import cache_root
from world.names import unknown_name

_GYM = ("gymnasium==1.2.2", "numpy==2.2.6")
# The first of each gives the environment its name and version.
PEERS = {
    "sumo": ("libsumo==1.28.0", "eclipse-sumo==1.28.0"),
    "highway_env": ("highway-env==1.12.1", *_GYM),
    "metadrive": ("metadrive-simulator==0.4.3", "panda3d==1.10.13", *_GYM),
    "car_racing": ("gymnasium==1.2.2", "numpy==2.2.6", "box2d==2.3.10", "pygame-ce==2.5.8"),
    "sb3": ("stable-baselines3==2.9.2", "torch==2.13.0", "highway-env==1.12.1", *_GYM),
}
# Ours with SB3: our own dependencies in the versions that run here, and SB3's in the peer's.
OUR_NEEDS = ("numpy", "numba", "scipy", "lxml", "opencv-python-headless", "gymnasium", "mcap",
             "foxglove-schemas-protobuf", "zstandard", "rich", "filelock", "platformdirs")  # fmt: skip
SCRIPTS = Path(__file__).with_name("peer_side")
TIMEOUT = 900.0  # [s]


class PeerError(RuntimeError):
    """A peer that cannot be had here, and why."""


def peer_python(name: str) -> str:
    """Python of a peer's environment, which is made at the first call.

    Raises:
        PeerError: it cannot be installed, or nobody knows it.
    """
    if name not in PEERS:
        raise PeerError(unknown_name("peer", name, PEERS))
    return _environment(name, PEERS[name])


def training_python() -> str:
    """A Python that has both our dependencies and SB3: this one, or else an environment made for it.

    Raises:
        PeerError: it cannot be installed.
    """
    if find_spec("stable_baselines3") is not None:
        return sys.executable
    learner = [package for package in PEERS["sb3"] if package.startswith(("stable-baselines3", "torch"))]
    return _environment("tarmac_sb3", (*learner, *(f"{name}=={version(name)}" for name in OUR_NEEDS)))


def _environment(name: str, wanted: tuple[str, ...]) -> str:
    """Python of the environment that holds exactly these versions, made where there is none."""
    first = wanted[0].split("==")[1]
    folder = cache_root() / "peers" / f"{name}-{first}-py{sys.version_info[0]}.{sys.version_info[1]}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not _holds(folder, wanted):
                print(f"installing {' '.join(wanted)} into {folder} (first run only)", file=sys.stderr, flush=True)
                _install(folder, python, wanted)
    except OSError as error:
        raise PeerError(f"{name} cannot be installed into {folder}: {error}") from error
    return str(python)


def start_peer(name: str, title: str, script: str, core: int, *more: str) -> Worker:
    """A worker of `benchmarks/peer_side`, run by the peer's Python without our packages in its path.

    Raises:
        PeerError: the peer cannot be installed.
        WorkerError: it does not start.
    """
    command = [peer_python(name), str(SCRIPTS / script), str(core), *more]
    return Worker(title, command, {"PYTHONPATH": ""})


def _holds(folder: Path, wanted: tuple[str, ...]) -> bool:
    """Whether exactly these versions were installed whole."""
    seal = folder / "complete"
    return seal.exists() and seal.read_text().split() == list(wanted)


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
