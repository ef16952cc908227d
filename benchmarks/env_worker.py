"""Our environments at work, in a process of their own: `python -m benchmarks.env_worker CORE TASK`.

Actions are random and drawn beforehand, so that drawing them is not measured; episodes end and begin anew within the
windows, as they do for the peers.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.peer_side.serving import pin, serve
from world.names import unknown_name

DRAWN = 64  # different actions of all drivers


@dataclass(frozen=True)
class EnvTask:
    """What is stepped.

    Attributes:
        environment: id for gymnasium.make_vec; batch 0: for gymnasium.make, a single world.
        batch: drivers in all.
        options: of the environment.
        on: what is switched on.
        calls: steps between two looks at the clock.
    """

    environment: str
    batch: int
    on: str
    calls: int
    options: dict[str, Any] = field(default_factory=dict)


ROLLOUT = 32  # observations that are kept in place: 242 MB of them
_CROWD = "collision, off-road, resets"
_TRAFFIC = "reactive traffic with all junction rules, collision, off-road, resets"
_HIGHWAY = "20 IDM/MOBIL vehicles within 250 m, collision, off-road, resets"
TASKS = {
    "rich": EnvTask("Tarmac/Town01-v0", 1022, _CROWD, 4, {"preset": "puffer"}),
    "rich_rollout": EnvTask("Tarmac/Town01-v0", 1022, _CROWD, 4, {"preset": "puffer", "buffers": ROLLOUT}),
    "compact": EnvTask(
        "Tarmac/Town01-v0", 1022, f"{_TRAFFIC}, lights", 4,
        {"preset": "puffer", "observation": "vector", "reward": "carl", "vehicles": 6},
    ),
    "highway": EnvTask("Tarmac/Highway-v0", 0, _HIGHWAY, 100),
    "highway256": EnvTask("Tarmac/Highway-v0", 256, _HIGHWAY, 4),
    "lidar": EnvTask(
        "Tarmac/Procedural-v0", 64, f"{_TRAFFIC}, lights, random towns", 10,
        {"preset": "metadrive", "vehicles": 20, "pedestrians": 0, "traffic_radius": 250.0},
    ),
}  # fmt: skip


class Environments:
    """A task's environments, by the interface that users have."""

    def __init__(self, task: EnvTask):
        import gymnasium

        from envs.registration import register_all

        register_all()
        self.task, self._at = task, 0
        if task.batch:
            self.env: Any = gymnasium.make_vec(task.environment, num_envs=task.batch, copy=False, **task.options)
            self._step: Callable[[], None] = self._step_batch
        else:
            self.env = gymnasium.make(task.environment, **task.options)
            self._step = self._step_single
        self.env.reset(seed=1)
        self.env.action_space.seed(1)
        self.actions = [self.env.action_space.sample() for _ in range(DRAWN)]
        self.batch = self.env.unwrapped.batch
        config = self.batch.config
        space = self.batch.observer.space
        self.content = {
            "what": f"{task.environment} by gymnasium.make{'_vec' if task.batch else ''}, observation "
            f"{config.observation}, actions {config.action}, {config.control_time:g} s a step",
            "worlds": self.batch.worlds, "agents": self.batch.rows, "sub_steps": config.action_every,
            "observation": int(np.prod(space.shape)), "on": task.on,
        }  # fmt: skip

    def advance(self) -> dict[str, int]:
        calls, batch = self.task.calls, self.batch
        vehicles, drivers = self._vehicles(), self._drivers()
        for _ in range(calls):
            self._step()
        updates = (vehicles + self._vehicles()) * calls * batch.config.action_every // 2
        agent_steps = (drivers + self._drivers()) * calls // 2
        return {"env_steps": calls * batch.worlds, "agent_steps": agent_steps, "vehicle_updates": updates}

    def _drivers(self) -> int:
        """Drivers that took part in the last step: one whose start is taken waits, and does not count."""
        return int(np.count_nonzero(self.batch.alive))

    def _vehicles(self) -> int:
        """Vehicles that are in all worlds now."""
        state = self.batch.engine.state
        return int(np.count_nonzero(state.valid))

    def _step_batch(self) -> None:
        self._at = (self._at + 1) % DRAWN
        self.env.step(self.actions[self._at])

    def _step_single(self) -> None:
        self._at = (self._at + 1) % DRAWN
        _, _, terminated, truncated, _ = self.env.step(self.actions[self._at])
        if terminated or truncated:
            self.env.reset()


def main() -> None:
    core, name = int(sys.argv[1]), sys.argv[2]
    if name not in TASKS:
        raise SystemExit(unknown_name("task", name, TASKS))
    pin(core)
    import envs.vector  # noqa: F401 # what is imported does not count as memory of a world

    serve(lambda: Environments(TASKS[name]))


if __name__ == "__main__":
    main()
