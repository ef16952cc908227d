"""Worlds on a CUDA device, in a process of its own: a kernel that fails takes its process's device with it.

`python -m benchmarks.cuda_worker PROFILE KERNELS CHECK SIZE,SIZE,...` answers a line of JSON for the check and for each
size, beginning with "answer "; all else that it prints is what it is at.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.cuda_check import Look, run_check
from envs.batch import DriveBatch
from envs.cuda_batch import CudaBatch, entries_of
from envs.options import make_config
from simulator.rich_observer import RichObserver

MODULE = "envs.cuda_entries"
HOST_WORLDS = 64  # that are reset on the CPU


class CudaProfile(NamedTuple):
    """What a control step holds."""

    options: dict[str, Any]  # of envs.options.make_config
    observation: str  # of envs.cuda_batch.OBSERVERS
    look: Callable[[DriveBatch], Look]  # the same observation on the host
    what: str


def _look_vector(batch: DriveBatch) -> Look:
    def look() -> NDArray:
        batch.observe()
        return batch.observer.value(False)

    return look


def _look_rich(batch: DriveBatch) -> Look:
    return RichObserver(batch.engine).observe


PROFILES = {
    "rich": CudaProfile(
        {"preset": "puffer", "observation": "vector", "vehicles": 0}, "rich", _look_rich,
        "1848 numbers, collision, off-road, resets",
    ),
    "compact": CudaProfile(
        {"preset": "puffer", "observation": "vector", "vehicles": 14}, "vector", _look_vector,
        "128 numbers, reactive traffic with all junction rules, lights, collision, off-road, resets",
    ),
}  # fmt: skip
BLOCKS = (32, 64, 128)  # threads of a block that are tried
WARM_UP = 30  # steps
LEAST, SECONDS, MOST = 20, 3.0, 400  # steps that are timed, [s] that they shall take, steps at most


def make_batch(profile: str, worlds: int = HOST_WORLDS, **changes: Any) -> DriveBatch:
    """The host's worlds of a profile, just reset."""
    batch = DriveBatch(make_config(**{**PROFILES[profile].options, **changes}), worlds)
    batch.reset(range(worlds))
    return batch


def names_of(profiles: Sequence[str]) -> list[str]:
    """The kernels that some profiles take."""
    wanted = [PROFILES[p] for p in profiles]
    return list(dict.fromkeys(name for p in wanted for name in entries_of(make_config(**p.options), p.observation)))


def shares(cuda: CudaBatch, device: Any, steps: int) -> dict[str, float]:
    """[s] that each kernel of a control step takes, the mean of some steps."""
    taken: dict[str, float] = {}
    launches = cuda.launches(draw=True)
    for _ in range(steps):
        marks = [device.mark()]
        for launch in launches:
            device.launch(*launch)
            marks.append(device.mark())
        for launch, first, last in zip(launches, marks[:-1], marks[1:], strict=True):
            taken[launch.name] = taken.get(launch.name, 0.0) + device.between(first, last) / steps
    return taken


def tune(cuda: CudaBatch, device: Any) -> dict[str, int]:
    """Let each kernel have blocks of the size that is fastest for it. Returns the sizes."""
    tried = {}
    for block in BLOCKS:
        device.blocks = dict.fromkeys(device.blocks, block)
        shares(cuda, device, 1)
        tried[block] = shares(cuda, device, 3)
    names = [launch.name for launch in cuda.launches(draw=True)]
    device.blocks |= {name: min(BLOCKS, key=lambda block: tried[block][name]) for name in names}
    return {name: device.blocks[name] for name in names}


def time_steps(cuda: CudaBatch, device: Any) -> tuple[int, float]:
    """(steps, [s]) of control steps with new random actions each, all launched, then waited for."""
    count, taken = LEAST, 0.0
    for _ in range(2):  # the first says how many the second takes
        first = device.mark()
        for _ in range(count):
            cuda.step(draw=True)
        taken = device.between(first, device.mark())
        steps = count
        count = int(np.clip(SECONDS / max(taken / steps, 1e-6), LEAST, MOST))
    return steps, taken


def measure(profile: str, batch: DriveBatch, device: Any, worlds: int) -> dict[str, Any]:
    """Rates of one number of worlds."""
    began = time.perf_counter()
    cuda = CudaBatch(batch, device, worlds, PROFILES[profile].observation)
    try:
        placed = time.perf_counter() - began
        for _ in range(WARM_UP):
            cuda.step(draw=True)
        device.wait()
        blocks = tune(cuda, device)
        steps, taken = time_steps(cuda, device)
        each = shares(cuda, device, 5)
        whole = sum(each.values())
        rows, every = worlds * cuda.config.drivers, cuda.config.action_every
        bodies = int(np.count_nonzero(cuda.model.read("slots.valid")))
        rate = steps / taken
        return {
            "worlds": worlds,
            "agents": rows,
            "active_agents": float(cuda.model.read("judge.active").mean()),
            "agent_steps_per_s": rows * rate,
            "env_steps_per_s": worlds * rate,
            "vehicle_updates_per_s": bodies * every * rate,
            "step_ms": 1e3 * taken / steps,
            "steps_timed": steps,
            "bytes_a_world": cuda.bytes_a_world,
            "device_bytes": cuda.size,
            "upload_s": placed,
            "kernel_shares": {name: value / whole for name, value in sorted(each.items(), key=lambda e: -e[1])},
            "kernel_us": {name: 1e6 * value for name, value in each.items()},
            "blocks": blocks,
            "finite": bool(np.isfinite(cuda.model.read("slots.x")).all()),
        }
    finally:
        cuda.close()


def check(profile: str, device: Any) -> dict[str, Any]:
    """The device's worlds beside the host's, see `benchmarks.cuda_check`."""
    batch = make_batch(profile, time_limit=60.0)
    cuda = CudaBatch(batch, device, batch.worlds, PROFILES[profile].observation)
    try:
        return run_check(batch, cuda, PROFILES[profile].look(batch))
    finally:
        cuda.close()


def open_device(profile: str, kernels: Path) -> Any:
    """The device, with the kernels of a profile loaded."""
    from simulator.cuda_driver import CudaDevice
    from simulator.cuda_images import load_images

    device = CudaDevice()
    taken = device.load(load_images(MODULE, names_of([profile]), device.capability, kernels))
    print(f"{device.name}, compute capability {'.'.join(map(str, device.capability))}", flush=True)
    answer({"device": device.name, "processors": device.processors, "memory_bytes": device.memory()[1],
            "kernels": {name: t._asdict() for name, t in taken.items()}})  # fmt: skip
    return device


def answer(found: dict[str, Any]) -> None:
    """One line for the process that started this one."""
    print("answer " + json.dumps(found), flush=True)


def main() -> None:
    profile, kernels, wanted, sizes = sys.argv[1:]
    device = open_device(profile, Path(kernels))
    print(f"{profile}: the host's worlds; a minute or two where the CPU's kernels must be compiled", flush=True)
    if wanted == "check":
        print(f"{profile}: check against the CPU", flush=True)
        answer({"check": check(profile, device)})
    batch = make_batch(profile)
    for size in map(int, filter(None, sizes.split(","))):
        print(f"{profile}: {size} worlds", flush=True)
        answer({"size": measure(profile, batch, device, size)})


if __name__ == "__main__":
    main()
