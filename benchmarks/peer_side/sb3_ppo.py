"""Stable-Baselines3's PPO end to end, environments and learning: `python sb3_ppo.py CORE highway|cartpole`.

A call is one iteration: a rollout and all its epochs. On `highway-fast-v0` the settings are those of HighwayEnv's own
example (two layers of 256, 64 a minibatch, 10 epochs, six environments), with the environments in one process, since
it may use one core, and with a quarter of the rollout, so that a window lasts 10 s. On CartPole they are SB3's
defaults with 256 steps a rollout.
"""

import sys
from importlib.metadata import version

import serving

TASKS = ("highway", "cartpole")


class Learner:
    """PPO and its environments."""

    def __init__(self, task: str):
        from stable_baselines3 import PPO  # pyright: ignore[reportMissingImports]
        from stable_baselines3.common.env_util import make_vec_env  # pyright: ignore[reportMissingImports]

        if task == "highway":
            import highway_env  # noqa: F401 # pyright: ignore[reportMissingImports] # registers the environments

            name, worlds, each = "highway-fast-v0", 6, 32
            settings = {"batch_size": 64, "n_epochs": 10, "learning_rate": 5e-4, "gamma": 0.8,
                        "policy_kwargs": {"net_arch": {"pi": [256, 256], "vf": [256, 256]}}}  # fmt: skip
        else:
            name, worlds, each, settings = "CartPole-v1", 8, 256, {}
        envs = make_vec_env(name, worlds, seed=1)
        self.model = PPO("MlpPolicy", envs, n_steps=each, device="cpu", seed=1, **settings)
        self.samples, self.vehicles = worlds * each, 21 if task == "highway" else 1
        self.sub_steps = 5 if task == "highway" else 1
        space = envs.observation_space.shape
        assert space is not None
        self.content = {
            "what": f"SB3 {version('stable-baselines3')} PPO on {name}: {worlds} environments, {each} steps a rollout, "
            f"minibatch {self.model.batch_size}, {self.model.n_epochs} epochs, one thread",
            "worlds": worlds, "agents": worlds, "sub_steps": self.sub_steps,
            "observation": serving.size(space), "on": "rollouts and learning",
        }  # fmt: skip

    def advance(self) -> dict[str, int]:
        self.model.learn(self.samples, reset_num_timesteps=False)
        n = self.samples
        return {"samples": n, "env_steps": n, "agent_steps": n, "vehicle_updates": n * self.vehicles * self.sub_steps}


if __name__ == "__main__":
    serving.pin(int(sys.argv[1]))
    if sys.argv[2] not in TASKS:
        raise SystemExit(f"unknown task {sys.argv[2]!r} (allowed: {', '.join(TASKS)})")
    import stable_baselines3  # noqa: F401 # pyright: ignore[reportMissingImports]
    import torch  # pyright: ignore[reportMissingImports]

    torch.set_num_threads(1)
    serving.serve(lambda: Learner(sys.argv[2]))
