"""ONNX files of the classifiers of crops."""

from pathlib import Path

import numpy as np
import torch

from perception.infer import open_network
from perception.networks.crop_nets import light_net, load, sign_net
from training.export import compare, write_onnx

SIDES = {"signs": 40, "lights": 32}


def export_crops(name: str, weights: Path, out: Path) -> float:
    """Write a classifier; returns the largest difference between torch and ONNX Runtime.

    Raises:
        ValueError: weights of another network, or answers that differ; what `out` was before, it is still.
    """
    net = load(sign_net() if name == "signs" else light_net(), weights)
    side = SIDES[name]
    sample = np.random.default_rng(0).integers(0, 256, (8, side, side, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = net(torch.from_numpy(sample)).numpy()

    def check(made: Path) -> float:
        return compare([expected], [np.asarray(open_network(made).run(None, {"crops": sample})[0])], out)

    return write_onnx(net, torch.zeros(1, side, side, 3, dtype=torch.uint8), out, "crops", ["logits"], check)
