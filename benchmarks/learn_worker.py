"""Stable-Baselines3's PPO on our highway, end to end, in a process of its own.

`python -m benchmarks.learn_worker CORE`. A call is one iteration: a rollout and all its epochs. The batch makes the
difference: 256 environments step together, and minibatches are large.
"""

import sys

from benchmarks.peer_side.serving import pin, serve

WORLDS, ROLLOUT, MINIBATCH, EPOCHS = 256, 32, 4096, 3


class Learner:
    """PPO and our environments."""

    def __init__(self):
        from stable_baselines3 import PPO

        from envs.sb3 import SB3VecEnv

        envs = SB3VecEnv(WORLDS, preset="highway")
        self.model = PPO(
            "MlpPolicy", envs, n_steps=ROLLOUT, batch_size=MINIBATCH, n_epochs=EPOCHS, device="cpu", seed=1
        )
        self.batch = envs.batch
        self.content = {
            "what": f"SB3 PPO on Tarmac/Highway-v0: {ROLLOUT} steps a rollout, minibatch {MINIBATCH}, {EPOCHS} epochs, "
            "two layers of 64, one thread",
            "worlds": WORLDS, "agents": self.batch.rows, "sub_steps": self.batch.config.action_every,
            "observation": self.batch.observer.value(False).shape[-1], "on": "traffic, resets, rollouts and learning",
        }  # fmt: skip

    def advance(self) -> dict[str, int]:
        samples = WORLDS * ROLLOUT
        before = int(self.batch.engine.state.valid.sum())
        self.model.learn(samples, reset_num_timesteps=False)
        vehicles = (before + int(self.batch.engine.state.valid.sum())) / 2 / WORLDS
        updates = round(vehicles * samples * self.batch.config.action_every)
        return {"samples": samples, "env_steps": samples, "agent_steps": samples, "vehicle_updates": updates}


def main() -> None:
    pin(int(sys.argv[1]))
    import torch

    import envs.sb3  # noqa: F401 # what is imported does not count as memory of a world

    torch.set_num_threads(1)
    serve(Learner)


if __name__ == "__main__":
    main()
