"""`python docs/environments_picture.py`: draw what two environments look like, into docs/pictures/environments.png."""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SIZE, BORDER = 640, 8  # [px]
IDLE, FASTER, LANE_RIGHT = 1, 3, 2  # of the meta actions
PLACES: tuple[tuple[str, int, dict[int, int], int, float, dict[str, Any]], ...] = (
    # id, seed, {step: action} where it is not IDLE, steps, [m] a pixel, options
    ("Tarmac/Town01-v0", 6, {0: FASTER, 1: FASTER}, 200, 0.14, {"action": "meta", "ends": ("collision",)}),
    ("Tarmac/Highway-v0", 0, {46: LANE_RIGHT}, 60, 0.2, {"vehicles": 40, "action_every": 1, "dt": 0.1}),
)  # fmt: skip


def main() -> None:
    pictures = [drive(*place) for place in PLACES]
    gap = np.full((SIZE, BORDER, 3), 255, np.uint8)
    path = ROOT / "docs" / "pictures" / "environments.png"
    cv2.imwrite(str(path), cv2.hconcat([pictures[0], gap, pictures[1]])[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{path}: {path.stat().st_size} bytes")


def drive(
    name: str, seed: int, actions: dict[int, int], steps: int, m_per_px: float, options: dict[str, Any]
) -> NDArray[np.uint8]:
    """The last picture of some steps of an environment."""
    import gymnasium

    import tarmac  # noqa: F401  registers the environments

    look = {"width_px": SIZE, "height_px": SIZE, "m_per_px": m_per_px}
    env = gymnasium.make(name, render_mode="rgb_array", render_config=look, disable_env_checker=True, **options)
    env.reset(seed=seed)
    for step in range(steps):
        _, _, terminated, truncated, info = env.step(actions.get(step, IDLE))
        picture: Any = env.render()
        if terminated or truncated:
            raise RuntimeError(f"{name}: the episode of seed {seed} ended in step {step}: {info['events']}")
    env.close()
    return picture


if __name__ == "__main__":
    main()
