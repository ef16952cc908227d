"""Time from the start of the process to the first moving step of `run_scenario.py`, with kernels and map cached.

    python -m tests.envs.startup [SCENARIO] [--runs N]

It waits for the first line of progress, which is printed after the first step; each run is then ended by SIGINT.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time

from tests.data import ROOT


def first_step(scenario: str) -> float:
    """[s] from starting the process to its first line of progress.

    Raises:
        RuntimeError: the process ended before it.
    """
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        command = [sys.executable, "run_scenario.py", scenario, "--out", out]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            line = run.stdout.readline()
            took = time.perf_counter() - start
            run.send_signal(signal.SIGINT)
            run.communicate()
    if " infractions" not in line:
        raise RuntimeError(f"{' '.join(command)}: no progress, but {line!r}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.envs.startup", description=__doc__)
    parser.add_argument("scenario", nargs="?", default="town01")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    first_step(options.scenario)  # fills the caches
    times = sorted(first_step(options.scenario) for _ in range(options.runs))
    print(f"{options.scenario}: median {times[len(times) // 2]:.2f} s, fastest {times[0]:.2f} s of {len(times)}")


if __name__ == "__main__":
    main()
