"""`python -m perception export`: ONNX files of trained networks, checked against torch."""

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from perception.infer import WEIGHTS, Answer, EyeNet, open_network
from perception.layout import INPUT_HEIGHT, INPUT_WIDTH
from training.fit import NETS
from world.files import whole
from world.names import unknown_name

_NEEDED = ("torch", "safetensors", "onnx")
TOLERANCE = 0.03  # of the answers' spread: the files keep half precision


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=Path, default=Path("runs/perception"), metavar="DIR", help="what `train` wrote")
    parser.add_argument("--out", type=Path, default=WEIGHTS, metavar="DIR")
    parser.add_argument("--what", default="all", help=f"all or one of {', '.join(NETS)} (default: all)")


def main(args: argparse.Namespace) -> int:
    if args.what not in (*NETS, "all"):
        raise ValueError(unknown_name("network", args.what, (*NETS, "all")))
    for name in _NEEDED:
        importlib.import_module(name)
    args.out.mkdir(parents=True, exist_ok=True)
    for name in NETS if args.what == "all" else (args.what,):
        source = args.runs / name / f"{name}.safetensors"
        if not source.is_file():
            raise ValueError(f"{source}: there are no such weights; `python -m perception train` makes them")
        if name == "eye":
            worst = export_eye(source, args.out / "eye.onnx")
        else:
            from training.crop_nets import export_crops

            worst = export_crops(name, source, args.out / f"{name}.onnx")
        halve_weights(source, args.out / source.name)
        print(f"{args.out / name}.onnx: differs from torch by {worst:.2e} at most")
    return 0


def export_eye(weights: Path, out: Path) -> float:
    """Write the eyes' network; returns the largest difference between torch and ONNX Runtime.

    Raises:
        ValueError: weights of another network, or answers that differ; what `out` was before, it is still.
    """
    import torch
    from safetensors.torch import load_file

    from perception.networks.eye_net import EyeNet as TorchNet

    net = TorchNet().eval()
    try:
        net.load_state_dict(load_file(weights))
    except Exception as error:
        raise ValueError(f"{weights}: no weights of the eyes' network ({str(error).splitlines()[0]})") from error
    picture = torch.zeros(1, INPUT_HEIGHT, INPUT_WIDTH, 3, dtype=torch.uint8)
    rng = np.random.default_rng(0)
    sample = rng.integers(0, 256, (2, INPUT_HEIGHT, INPUT_WIDTH, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = [part.numpy() for part in net(torch.from_numpy(sample))]

    def check(made: Path) -> float:
        return compare(expected, list(EyeNet(made)(sample)), out)

    return write_onnx(net, picture, out, "picture", list(Answer._fields), check)


def write_onnx(
    net, example, out: Path, name: str, answers: list[str], check: Callable[[Path], float]
) -> float:  # fmt: skip
    """The network as an ONNX file with a free number of pictures; written aside, checked, then renamed.

    Args:
        check: largest difference of a file's answers from torch's; raises ValueError where that is too much.
    """
    import torch

    axes = {n: {0: "n"} for n in [name, *answers]}
    with whole(out) as part:
        torch.onnx.export(
            net, (example,), str(part), input_names=[name], output_names=answers, dynamic_axes=axes, dynamo=False,
            opset_version=17,
        )  # fmt: skip
        halve(part)
        open_network(part)
        return check(part)


def halve_weights(source: Path, out: Path) -> None:
    """A copy of a safetensors file with its large tensors in half precision."""
    import torch
    from safetensors.torch import load_file, save_file

    tensors = load_file(source)
    small = {k: v.half() if v.dtype == torch.float32 and v.numel() >= 1024 else v for k, v in tensors.items()}
    with whole(out) as part:
        save_file(small, part)


def halve(path: Path) -> None:
    """Store the large weights of an ONNX file in half precision; they are widened when it is opened."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(path))
    graph = model.graph
    casts = []
    for n, tensor in enumerate(list(graph.initializer)):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 1024:
            continue
        name = str(tensor.name)
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
        graph.initializer[n].CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def compare(expected: list[np.ndarray], found: list[np.ndarray], out: Path) -> float:
    """Largest difference. Raises ValueError: it is more than TOLERANCE of the spread, or no number."""
    worst = 0.0
    for a, b in zip(expected, found, strict=True):
        off = float(np.abs(a - b).max())
        if not off <= TOLERANCE * max(float(np.abs(a).max()), 1e-3):
            raise ValueError(f"{out}: ONNX Runtime's answer differs from torch's by {off:.3g}")
        worst = max(worst, off)
    return worst
