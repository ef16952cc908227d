"""A simulator in a process of its own that answers orders: how all timings of a comparison are taken.

Orders and answers are lines of JSON. `{"do": "warm", "seconds": s}` lets s simulated seconds pass; `{"do": "window",
"wall": s}` steps for s seconds and answers wall and CPU time [s], steps and vehicle updates; `{"do": "look"}` answers
vehicles, mean speed [m/s], share of them that stands, memory [MiB]. Answers begin with "answer ".
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class WorkerError(RuntimeError):
    """A worker that ended without an answer, with the last it said."""


class Worker:
    """One simulator at work.

    Attributes: `name`; `start_up` [s] from the start of the process to its first step done.
    """

    def __init__(self, name: str, command: Sequence[str], env: dict[str, str] | None = None):
        self.name = name
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
        try:
            self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says why
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("answer "):
                return json.loads(line[7:])
        code = self._process.wait()
        self._errors.seek(0)
        said = " | ".join(self._errors.read().strip().splitlines()[-3:])
        raise WorkerError(f"{self.name} ended with status {code}: {said or 'it said nothing'}")

    def close(self) -> None:
        """Let the process end."""
        if self._process.stdin is not None:
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
