"""What checkpoints of all trainings share: groups of tensors by prefix, and the state of an optimiser among them."""

import torch
from torch.optim import Optimizer

Tensors = dict[str, torch.Tensor]


def part_of(tensors: Tensors, prefix: str) -> Tensors:
    """Those whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def optimiser_tensors(optimiser: Optimizer) -> Tensors:
    """The state of an optimiser, named `optimiser.PARAMETER.KEY`."""
    state = optimiser.state_dict()["state"]
    return {f"optimiser.{n}.{key}": v.contiguous() for n, row in state.items() for key, v in row.items()}


def restore_optimiser(optimiser: Optimizer, tensors: Tensors) -> None:
    """Put back what `optimiser_tensors` gave. Raises ValueError, KeyError, RuntimeError: it is not this optimiser's."""
    state: dict[int, Tensors] = {}
    for name, value in part_of(tensors, "optimiser.").items():
        number, key = name.split(".")
        state.setdefault(int(number), {})[key] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
