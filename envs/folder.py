"""Where a run writes: checked before anything is driven, made when there is something to write."""

import os
import time
from pathlib import Path

from envs.config import RunConfig, RunError

WRITTEN = ("config.json", "summary.json", "episode*.mcap", "replay*.html", "agent_error.txt")  # by a run


def plan_folder(config: RunConfig) -> Path:
    """The run's folder, not made yet, after checking that all of the run's files can be written.

    Raises:
        RunError: the folder holds a run already, or it or the place of `--json` cannot be written.
    """
    if config.json is not None:
        if config.json.is_dir():
            raise RunError(f"--json {config.json}: is a folder; give the path of a file")
        _check_writable(f"--json {config.json}", config.json.parent)
    if config.out is not None:
        folder = config.out
        held = sorted(f.name for pattern in WRITTEN for f in folder.glob(pattern)) if folder.is_dir() else []
        if held:
            what = ", ".join(held[:3]) + (", ..." if len(held) > 3 else "")
            raise RunError(f"--out {folder} already holds a run ({what}); give another folder, or remove that one")
    else:
        base = f"{time.strftime('%Y%m%d-%H%M%S')}-{config.scenario.name}"
        folder = next(
            f for i in range(100_000) if not (f := Path("runs") / (base + (f"-{i}" if i else ""))).exists()
        )  # fmt: skip
    _check_writable(f"run folder {folder}", folder)
    return folder.resolve()


def make_folder(folder: Path) -> bool:
    """Make the run folder; whether it was not there before. Raises RunError."""
    try:
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"run folder {folder}: {error.strerror or error}") from error
    return new


def drop_folder(folder: Path, new: bool) -> None:
    """Take back a folder of a run that drove nothing: its config.json, and the folder if the run made it."""
    (folder / "config.json").unlink(missing_ok=True)
    if new and not any(folder.iterdir()):
        folder.rmdir()


def _check_writable(what: str, folder: Path) -> None:
    """Raises RunError unless the folder, or its nearest parent that is there, is a folder that can be written."""
    place = folder.absolute()
    try:
        while not place.exists() and not place.is_symlink():
            place = place.parent
        fine = place.is_dir()
    except OSError as error:
        raise RunError(f"{what}: {error.strerror or error}") from error
    if not fine:
        raise RunError(f"{what}: {place} is no folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise RunError(f"{what}: {place} cannot be written (permission denied); give another place")
