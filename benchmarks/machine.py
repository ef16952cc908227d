"""What the figures were taken on, and one core to take them on."""

import os
import platform
from pathlib import Path


def pick_core() -> int:
    """The last core that this process may use; -1 where a process cannot be pinned."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else -1


def describe() -> dict[str, object]:
    """Processor, cores, Python and how busy the machine is."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {"processor": name, "cores": os.cpu_count(), "python": platform.python_version(), "load": load}
