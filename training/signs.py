"""The sign classifier's training: 50,000 drawn crops, a held-out set in other styles."""

from collections.abc import Sequence
from pathlib import Path

from perception.networks.crop_nets import sign_net
from training.fit_crops import fit_crops, make_pool, mixed
from training.real_signs import real_crops
from training.shard_crops import shard_crops
from training.sign_crops import SignCrops
from world.camera_tags import ThingKind


def fit_signs(
    out: Path, seed: int = 0, count: int = 50_000, epochs: int = 5, device: str = "cpu", processes: int = 1,
    data: Sequence[Path] = (), real: Path | None = None,
) -> Path:  # fmt: skip
    """Train; returns the path of the weights. What is in `out` is gone on with.

    Args:
        data: folders of labelled pictures, whose crops are added to those that are drawn.
        real: a GTSRB folder, whose crops are added, too, repeated so that they count; None: none.

    Raises:
        ValueError: a folder without what is read there; what is in `out` was trained otherwise.
    """
    more = {}  # first: what is wrong with them is told at once
    if real is not None:
        more["real"] = real_crops(real, count, seed)
    if data:
        more["data"] = shard_crops(data, ThingKind.SIGN, seed)
    out.mkdir(parents=True, exist_ok=True)
    pool = make_pool(SignCrops(seed).batch, count, seed, out / "pool.npz", "signs", processes)
    held = make_pool(SignCrops(seed + 1000, 6).batch, 4000, seed + 1000, out / "held.npz", "signs held out", processes)
    pool, recipe = mixed({"drawn": pool, **more})
    return fit_crops(sign_net(), pool, held, out / "signs.safetensors", epochs, seed, device=device, recipe=recipe)
