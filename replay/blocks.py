"""Rows of equal arrays, gathered in preallocated blocks."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


class RowBuffer:
    """Named columns of `capacity` rows; one row is written at a time, the block is taken when it is full."""

    def __init__(self, capacity: int, columns: Mapping[str, tuple[str, tuple[int, ...]]]):
        """Args: columns: name -> (dtype, shape of a row)."""
        self.capacity = capacity
        self.columns = {name: np.zeros((capacity, *shape), dtype) for name, (dtype, shape) in columns.items()}
        self.count = 0

    def append(self, row: Mapping[str, NDArray | float | int]) -> None:
        """Write a row; every column must be in it, and nothing else."""
        if row.keys() != self.columns.keys():
            raise ValueError(f"row has columns {sorted(row)}; allowed: exactly {sorted(self.columns)}")
        for name, column in self.columns.items():
            column[self.count] = row[name]
        self.count += 1

    @property
    def full(self) -> bool:
        return self.count == self.capacity

    def take(self) -> dict[str, NDArray]:
        """The rows written so far, as views that live until the next append; the buffer is empty afterwards."""
        rows = {name: column[: self.count] for name, column in self.columns.items()}
        self.count = 0
        return rows
