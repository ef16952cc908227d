"""MetaDrive without a picture: state and 240 lidar rays, `python metadrive_drive.py CORE`.

At the first start MetaDrive fetches its models and textures from GitHub. Without rendering it loads none of
them, so that is left out here: the same physics and the same observation run without a network.
"""

import logging
import random
import sys
from importlib.metadata import version

import serving

CALLS = 10  # steps of one call of advance
THROTTLE = 0.5
STEER = 0.05  # largest, of full lock


class Drive:
    """One environment with MetaDrive's default map, traffic and observation."""

    def __init__(self):
        from metadrive.engine.base_engine import BaseEngine  # pyright: ignore[reportMissingImports]
        from metadrive.envs import MetaDriveEnv  # pyright: ignore[reportMissingImports]

        BaseEngine.try_pull_asset = staticmethod(lambda: None)
        self.env = MetaDriveEnv({"use_render": False, "image_observation": False, "log_level": logging.ERROR})
        first, _ = self.env.reset(seed=0)
        config = self.env.config
        self.sub_steps = int(config["decision_repeat"])
        self.draw = random.Random(1)
        self.content = {
            "what": f"MetaDriveEnv {version('metadrive-simulator')} without rendering, default map and traffic",
            "actions": "constant throttle, little random steer",
            "worlds": 1, "agents": 1, "sub_steps": self.sub_steps, "observation": first.size,
            "rays": config["vehicle_config"]["lidar"]["num_lasers"],
            "on": "reactive traffic (only what is near), Bullet, collision, off-road, resets",
        }  # fmt: skip

    def advance(self) -> dict[str, int]:
        env, vehicles = self.env, 0
        for _ in range(CALLS):
            _, _, terminated, truncated, _ = env.step([self.draw.uniform(-STEER, STEER), THROTTLE])
            vehicles += 1 + len(env.engine.traffic_manager._traffic_vehicles)
            if terminated or truncated:
                env.reset()
        return {"env_steps": CALLS, "agent_steps": CALLS, "vehicle_updates": vehicles * self.sub_steps}


if __name__ == "__main__":
    serving.pin(int(sys.argv[1]))
    import metadrive.envs  # noqa: F401 # pyright: ignore[reportMissingImports]

    serving.serve(Drive)
