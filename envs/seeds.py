"""Seeds of many worlds from one."""

import numpy as np


def spread_seeds(seed: int, worlds: int) -> list[int]:
    """One seed a world, far from each other.

    Episode k of seed S is episode 0 of seed S + k. Worlds with seeds in a row would drive each other's episodes again,
    one after the other; those of a learner are to be different ones.

    Raises:
        ValueError: a seed below 0.
    """
    if seed < 0:
        raise ValueError(f"seed: got {seed}, allowed is 0 or more")
    return (np.random.SeedSequence(seed).generate_state(worlds, np.uint64) >> np.uint64(12)).astype(int).tolist()
