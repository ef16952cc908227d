"""SUMO at work, in a process and an environment of its own: imports nothing but the standard library and SUMO.

`python sumo_worker.py FOLDER CPU SEED` makes the network of the folder's files, loads it and obeys `benchmarks.worker`.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

STEP = 0.1  # [s]
A_CALL = 10  # steps that one call of simulationStep makes
OPTIONS = ["--no-step-log", "--no-warnings", "--time-to-teleport", "150", "--threads", "1"]


def make_network(folder: Path) -> None:
    """Run netconvert."""
    script = Path(sysconfig.get_path("scripts")) / "netconvert"
    tool = str(script) if script.exists() else shutil.which("netconvert")
    if tool is None:
        raise SystemExit("netconvert is missing from the environment of SUMO")
    done = subprocess.run([tool, "-c", "net.cfg"], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"netconvert failed: {done.stderr.strip()[-500:]}")


class Sumo:
    """The loaded simulation."""

    def __init__(self, folder: Path, seed: int):
        import libsumo  # pyright: ignore[reportMissingImports] # in an environment of its own

        self.sumo, self.steps = libsumo, 0
        files = ["-n", str(folder / "grid.net.xml"), "-r", str(folder / "demand.rou.xml")]
        statistics = ["--statistic-output", str(folder / "statistics.xml")]
        libsumo.start(["sumo", *files, *statistics, *OPTIONS, "--step-length", str(STEP), "--seed", str(seed)])
        self.run(1)

    def run(self, steps: int) -> None:
        """Make so many steps in one call."""
        self.steps += steps
        self.sumo.simulationStep(self.steps * STEP)

    def look(self) -> dict:
        """What traffic is like now."""
        vehicle = self.sumo.vehicle
        speed = [vehicle.getSpeed(v) for v in vehicle.getIDList()]
        count = max(len(speed), 1)
        standing = sum(s < 0.1 for s in speed) / count
        return {"vehicles": len(speed), "mean_speed": sum(speed) / count, "standing": standing}


def window(sumo: Sumo, wall: float) -> dict:
    """Steps for at least `wall` seconds."""
    vehicle, updates, steps = sumo.sumo.vehicle, 0, 0
    cpu, start = time.process_time(), time.perf_counter()
    while time.perf_counter() - start < wall:
        before = vehicle.getIDCount()
        sumo.run(A_CALL)
        steps += A_CALL
        updates += A_CALL * (before + vehicle.getIDCount()) // 2
    taken = time.perf_counter() - start
    return {"wall": taken, "cpu": time.process_time() - cpu, "updates": updates, "steps": steps}


def resident() -> float:
    """[MiB] of this process."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return float("nan")


def main() -> None:
    folder, cpu, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if cpu >= 0 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})
    if not (folder / "grid.net.xml").exists():
        make_network(folder)
    began = time.perf_counter()
    sumo = Sumo(folder, seed)
    _say({"ready": time.perf_counter() - began})
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "warm":
            for _ in range(round(order["seconds"] / STEP) // A_CALL):
                sumo.run(A_CALL)
            _say({})
        elif order["do"] == "window":
            _say(window(sumo, order["wall"]))
        elif order["do"] == "look":
            _say({**sumo.look(), "resident_mib": resident()})
    sumo.sumo.close()


def _say(answer: dict) -> None:
    print("answer " + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
