"""The training of the classifier of light states: drawn crops, a held-out set of other seeds."""

from pathlib import Path

from perception.networks.crop_nets import light_net
from training import light_crops
from training.fit_crops import fit_crops, make_pool


def fit_lights(
    out: Path, seed: int = 0, count: int = 40_000, epochs: int = 8, device: str = "cpu", processes: int = 1
) -> Path:
    """Train; returns the path of the weights. What is in `out` is gone on with."""
    out.mkdir(parents=True, exist_ok=True)
    pool = make_pool(light_crops.batch, count, seed, out / "pool.npz", "lights", processes)
    held = make_pool(light_crops.batch, 3000, seed + 1000, out / "held.npz", "lights held out", processes)
    return fit_crops(light_net(), pool, held, out / "lights.safetensors", epochs, seed, device=device)
