"""The training of the classifier of light states: drawn crops, a held-out set of other seeds."""

from collections.abc import Sequence
from pathlib import Path

from perception.networks.crop_nets import light_net
from training import light_crops
from training.fit_crops import fit_crops, make_pool, mixed
from training.shard_crops import shard_crops
from world.camera_tags import ThingKind


def fit_lights(
    out: Path, seed: int = 0, count: int = 40_000, epochs: int = 8, device: str = "cpu", processes: int = 1,
    data: Sequence[Path] = (),
) -> Path:  # fmt: skip
    """Train; returns the path of the weights. What is in `out` is gone on with.

    Args:
        data: folders of labelled pictures, whose crops are added to those that are drawn.

    Raises:
        ValueError: a folder without what is read there; what is in `out` was trained otherwise.
    """
    more = {"data": shard_crops(data, ThingKind.LIGHT, seed)} if data else {}
    out.mkdir(parents=True, exist_ok=True)
    pool = make_pool(light_crops.batch, count, seed, out / "pool.npz", "lights", processes)
    held = make_pool(light_crops.batch, 3000, seed + 1000, out / "held.npz", "lights held out", processes)
    pool, recipe = mixed({"drawn": pool, **more})
    return fit_crops(light_net(), pool, held, out / "lights.safetensors", epochs, seed, device=device, recipe=recipe)
