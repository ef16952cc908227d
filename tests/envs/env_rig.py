"""What tests of the environments share: small towns, reckless drivers, and a reference made of single environments."""

import hashlib
from typing import Any

import numpy as np

from envs.drive import DriveEnv
from envs.events import event_names

SMALL: dict[str, Any] = dict(scenario="town02", vehicles=8, pedestrians=4, time_limit=3.0, route_length=60.0)


def reckless(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Continuous actions; every other row steers off the road at full throttle, so that episodes end in many ways."""
    actions = rng.uniform(-1, 1, (rows, 2)).astype(np.float32)
    actions[::2] = (0.7, 1.0)
    return actions


def same(a: Any, b: Any) -> bool:
    """Whether two observations are equal bit for bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a.dtype == b.dtype and np.array_equal(a, b)


def pick(batched: Any, i: int) -> Any:
    """Row i of batched observations."""
    return {k: v[i] for k, v in batched.items()} if isinstance(batched, dict) else batched[i]


def digest(observation: Any) -> str:
    """A hash of an observation."""
    arrays = list(observation.values()) if isinstance(observation, dict) else [observation]
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()[:16]


def told(infos: dict[str, Any], i: int) -> dict[str, Any]:
    """The infos of row i of a vector environment, as a single environment tells them."""
    return {
        "progress": float(infos["progress"][i]),
        "events": event_names(int(infos["events"][i])),
        "seed": int(infos["seed"][i]),
        "terms": {n: float(v[i]) for n, v in infos["terms"].items() if not n.startswith("_")},
    }


class Singles:
    """The reference: single environments, reset one by one where a vector environment would reset them."""

    def __init__(self, seeds: list[int], mode: str, **options: Any):
        self.envs = [DriveEnv(**options) for _ in seeds]
        self.mode, self.waiting = mode, [False] * len(seeds)
        self.seen = [env.reset(seed=seed)[0] for env, seed in zip(self.envs, seeds, strict=True)]

    def step(self, actions: np.ndarray) -> list[tuple[Any, float, bool, bool, dict[str, Any], Any]]:
        """(observation, reward, terminated, truncated, info, last observation where an episode ended) of each."""
        rows = []
        for i, env in enumerate(self.envs):
            if self.waiting[i]:
                seen, info = env.reset()
                rows.append((seen, 0.0, False, False, info, None))
                self.waiting[i] = False
                continue
            seen, reward, terminated, truncated, info = env.step(actions[i])
            last = seen if terminated or truncated else None
            if last is not None and self.mode == "next_step":
                self.waiting[i] = True
            elif last is not None:
                seen = env.reset()[0]
            rows.append((seen, reward, terminated, truncated, info, last))
        return rows

    def hashes(self) -> list[int]:
        return [int(env.batch.engine.state_hash[0]) for env in self.envs]
