"""HighwayEnv's `highway-fast-v0` under random actions: `python highway.py CORE`."""

import sys
from importlib.metadata import version

import serving

CALLS = 5  # steps of one call of advance


class Highway:
    """One environment, as `gymnasium.make` gives it."""

    def __init__(self):
        import gymnasium
        import highway_env  # noqa: F401 # pyright: ignore[reportMissingImports] # registers the environments

        self.env = gymnasium.make("highway-fast-v0")
        self.env.action_space.seed(1)
        first, _ = self.env.reset(seed=1)
        config = self.env.unwrapped.config  # pyright: ignore[reportAttributeAccessIssue]
        self.sub_steps = int(config["simulation_frequency"] // config["policy_frequency"])
        self.content = {
            "what": f"highway-fast-v0 {version('highway-env')}: an ego under random actions, IDM/MOBIL, three lanes",
            "worlds": 1, "agents": 1, "sub_steps": self.sub_steps, "observation": first.size,
            "on": "reactive traffic, collision, resets",
        }  # fmt: skip

    def advance(self) -> dict[str, int]:
        env, vehicles = self.env, 0
        for _ in range(CALLS):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            vehicles += len(env.unwrapped.road.vehicles)  # pyright: ignore[reportAttributeAccessIssue]
            if terminated or truncated:
                env.reset()
        return {"env_steps": CALLS, "agent_steps": CALLS, "vehicle_updates": vehicles * self.sub_steps}


if __name__ == "__main__":
    serving.pin(int(sys.argv[1]))
    import highway_env  # noqa: F401 # pyright: ignore[reportMissingImports]

    serving.serve(Highway)
