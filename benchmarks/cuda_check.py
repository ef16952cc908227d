"""Whether worlds on a device drive as the host's do: the same seeds, the same actions, and how far they are apart.

Products and sums are not fused on the device, so these are the CPU's bit for bit. NVIDIA's sine, cosine, arc tangent,
logarithm and exponential differ from the CPU's in the last bit or two. Such a bit is 1e-6 m a step at first; it grows
where a decision hangs by it (to go or to wait), and then that world is another one, as likely as the host's. So the
states after the first look (one step) must agree to within `TOLERANCE`, and the lanes of all worlds but for a few; at
the second (ten steps) the median of the bodies must; what comes later is told.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.batch import DriveBatch
from envs.cuda_batch import CudaBatch
from envs.cuda_entries import draw_worlds

Look = Callable[[], NDArray]  # observe on the host: (B * K, ...) or (B, K, ...)
AFTER = (1, 10, 100)  # steps
TOLERANCE = {"x": 1e-3, "y": 1e-3, "speed": 1e-3}  # [m], [m], [m/s]
AGREEING = 0.95  # of the worlds, after one step


def run_check(host: DriveBatch, device: CudaBatch, host_seen: Look, after: tuple[int, ...] = AFTER) -> dict[str, Any]:
    """Figures after each number of steps (two or more), and whether those after the first two keep to the tolerance.

    Args:
        host: just reset. device: made from it, with as many worlds. host_seen: what the host's drivers see now.
    """
    found: dict[str, Any] = {"tolerance": TOLERANCE, "after": {}}
    for step in range(1, max(after) + 1):
        host.rejoin()
        draw_worlds(host.engine.address, host._pack.address, 0, host.worlds)
        host.step()
        device.step(draw=True)
        if step in after:
            found["after"][str(step)] = compare(host, device, host_seen)
    first, second = (found["after"][str(n)] for n in sorted(after)[:2])
    close = all(
        first[name]["largest"] <= limit and second[name]["median"] <= limit for name, limit in TOLERANCE.items()
    )
    found["agrees"] = bool(close and first["worlds_of_the_same_lanes"] >= AGREEING)
    return found


def compare(host: DriveBatch, device: CudaBatch, host_seen: Look) -> dict[str, Any]:
    """How far the device's worlds are from the host's now."""
    model = host.engine.model
    count = len(model.state_hash)
    valid, there = model.slots.valid, device.model.read("slots.valid")[:count]
    both = valid & there
    speed = device.model.read("slots.speed")[:count]
    out: dict[str, Any] = {}
    for name in TOLERANCE:
        apart = np.abs(getattr(model.slots, name) - device.model.read(f"slots.{name}")[:count])[both].astype(np.float64)
        out[name] = {
            "median": float(np.median(apart)), "p99": float(np.quantile(apart, 0.99)), "largest": float(apart.max()),
            "within_0.1": float((apart < 0.1).mean()),
        }  # fmt: skip
    lanes = (model.slots.lane == device.model.read("slots.lane")[:count]) | ~both
    lists = model.traffic.head == device.model.read("traffic.head")[:count]
    same = (valid == there).all(axis=1) & lanes.all(axis=1) & lists.all(axis=1)
    out["worlds_of_the_same_lanes"] = float(same.mean())
    out["worlds_of_the_same_hash"] = float((model.state_hash == device.model.read("state_hash")[:count]).mean())
    out["mean_speed"] = [float(s[v].mean()) for s, v in ((model.slots.speed, valid), (speed, there))]
    out["active_drivers"] = [float(model.judge.active.mean()), float(device.model.read("judge.active")[:count].mean())]
    reward = np.abs(host._arrays.reward - device.env.read("reward")[:count])
    out["reward"] = {"median": float(np.median(reward)), "largest": float(reward.max())}
    seen = device.observations()[:count]
    apart = np.abs(host_seen().reshape(seen.shape) - seen)
    out["observation"] = {"median": float(np.median(apart)), "share_over_0.001": float((apart > 1e-3).mean())}
    return out
