"""Gymnasium's CarRacing-v3 under random actions, with its picture of 96 x 96 x 3: `python car_racing.py CORE`."""

import os
import sys

import serving

CALLS = 10  # steps of one call of advance


class Racing:
    """One environment, as `gymnasium.make` gives it."""

    def __init__(self):
        import gymnasium

        self.env = gymnasium.make("CarRacing-v3")
        self.env.action_space.seed(1)
        first, _ = self.env.reset(seed=1)
        self.content = {
            "what": "CarRacing-v3: one car under random actions, seen from above",
            "worlds": 1, "agents": 1, "sub_steps": 1, "observation": first.size,
            "pixels": "x".join(str(n) for n in first.shape), "on": "Box2D, resets",
        }  # fmt: skip

    def advance(self) -> dict[str, int]:
        env = self.env
        for _ in range(CALLS):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()
        return {"env_steps": CALLS, "agent_steps": CALLS, "vehicle_updates": CALLS}


if __name__ == "__main__":
    serving.pin(int(sys.argv[1]))
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    import gymnasium  # noqa: F401

    serving.serve(Racing)
