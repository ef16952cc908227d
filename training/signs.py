"""The sign classifier's training: 100,000 drawn crops, a held-out set in other styles."""

from pathlib import Path

from perception.networks.crop_nets import sign_net
from training.fit_crops import fit_crops, make_pool
from training.sign_crops import SignCrops


def fit_signs(
    out: Path, seed: int = 0, count: int = 100_000, epochs: int = 8, device: str = "cpu", processes: int = 1
) -> Path:
    """Train; returns the path of the weights. What is in `out` is gone on with."""
    out.mkdir(parents=True, exist_ok=True)
    pool = make_pool(SignCrops(seed).batch, count, seed, out / "pool.npz", "signs", processes)
    held = make_pool(SignCrops(seed + 1000, 6).batch, 4000, seed + 1000, out / "held.npz", "signs held out", processes)
    return fit_crops(sign_net(), pool, held, out / "signs.safetensors", epochs, seed, device=device)
