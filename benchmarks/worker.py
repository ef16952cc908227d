"""A simulator in a process of its own that answers orders: how all timings of a comparison are taken.

Orders and answers are lines of JSON; answers begin with "answer ", other lines are not ours. A worker says first that
it is ready, with the content of a step. `{"do": "window", "wall": s}` steps for s seconds and answers wall and CPU
time [s] and what was counted; `{"do": "look"}` answers memory [MiB] (`benchmarks.peer_side.serving`). The two of the
profile `traffic` also know `{"do": "warm", "seconds": s}`, which lets s simulated seconds pass, and answer a look with
vehicles, mean speed [m/s] and the share of them that stands.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PATIENCE = 900.0  # [s] for one answer; kernels compile for minutes on a busy machine
ROOT = Path(__file__).resolve().parent.parent


class WorkerError(RuntimeError):
    """A worker that ended without an answer, with the last it said; `worker` is its name."""

    def __init__(self, worker: str, reason: str):
        super().__init__(f"{worker} {reason}")
        self.worker = worker


class Worker:
    """One simulator at work.

    Attributes: `name`; `start_up` [s] from the start of the process to its first step done.
    """

    def __init__(
        self, name: str, command: Sequence[str], env: dict[str, str] | None = None, patience: float = PATIENCE
    ):
        self.name, self._patience = name, patience
        self._errors = tempfile.TemporaryFile("w+")
        start = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            env=dict(os.environ) | (env or {}), cwd=ROOT,
        )  # fmt: skip
        self.ready = self._answer()
        self.start_up = time.perf_counter() - start

    def ask(self, do: str, **more: float) -> dict[str, Any]:
        """Give an order and wait for the answer."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the answer says why
            self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        late = threading.Event()
        timer = threading.Timer(self._patience, lambda: (late.set(), self._process.kill()))
        timer.daemon = True
        timer.start()
        try:
            for line in self._process.stdout:
                if line.startswith("answer "):
                    return json.loads(line[7:])
        except ValueError as error:
            raise WorkerError(self.name, f"gave an answer that is no JSON: {error}") from error
        finally:
            timer.cancel()
        code = self._process.wait()
        if late.is_set():
            raise WorkerError(self.name, f"gave no answer within {self._patience:g} s")
        self._errors.seek(0)
        said = " | ".join(self._errors.read().strip().splitlines()[-3:])
        raise WorkerError(self.name, f"ended with status {code}: {said or 'it said nothing'}")

    def close(self) -> None:
        """Let the process end."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # it died with an order unread
                self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ours(vehicles: int, side: int, block: float, core: int, seed: int) -> Worker:
    """Our engine on a grid of side x side crossings."""
    numbers = [str(v) for v in (vehicles, side, block, core, seed)]
    return Worker("tarmac", [sys.executable, "-m", "benchmarks.our_worker", *numbers])
