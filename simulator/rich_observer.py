"""The `rich` observation of an engine's drivers, from Python: one buffer that is kept up to date, or a ring of them."""

import numpy as np
from numpy.typing import NDArray

from simulator.engine import Engine
from simulator.observe_rich import RICH_BODIES, RICH_FLOATS, RICH_TYPE, make_rich, observe_rich_worlds
from simulator.rich_table import RICH_ROADS, RichTable, make_rich_table
from world.pack import Pack

LINE, HUGE_PAGE = 64, 1 << 21  # [bytes]


def aligned_zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """float32 zeros that begin with a cache line; large ones in pages of 2 MiB, where the system gives such to NumPy.

    Rows then begin at multiples of 32 bytes, so that no vector straddles two lines. What is left over is never touched.
    """
    size = 4 * int(np.prod(shape))
    alignment = HUGE_PAGE if size >= 2 * HUGE_PAGE else LINE
    raw = np.zeros(size + 2 * alignment, np.uint8)
    first = -raw.ctypes.data % alignment
    return raw[first : first + size].view(np.float32).reshape(shape)


class RichObserver:
    """Writes what the drivers of an engine see (`simulator.observe_rich` says what) into buffers.

    It remembers how many rows it wrote into each buffer, and clears only those that are there no more. Whoever writes
    into a buffer must say so with `forget`, or rows that should be zero may not be.

    Attributes: `out`, float32 (S, B, K, RICH_FLOATS), the buffers; `table`, to be shared with other observers of the
    same maps; `address`, of the Rich, for kernels.

    Args:
        engine: whose drivers; it has at least one.
        buffers: S of them, as for a rollout.
        out: memory to use as the buffers, of any content; None: zeros.
        table: of the engine's maps; None: made here, which takes about a third of a second for a small town.
    """

    def __init__(
        self,
        engine: Engine,
        buffers: int = 1,
        out: NDArray[np.float32] | None = None,
        table: RichTable | None = None,
    ):
        worlds, slots = engine.model.slots.x.shape
        if engine.model.drivers < 1 or buffers < 1 or slots > 1 << 16:
            raise ValueError(
                f"RichObserver: got {engine.model.drivers} drivers, {buffers} buffers and {slots} slots a world; "
                "allowed are 1 or more, 1 or more, 1 to 65536"
            )
        shape = (buffers, worlds, engine.model.drivers, RICH_FLOATS)
        if out is not None:
            _check(out, shape)
        self.engine = engine
        self.table = make_rich_table(engine.maps) if table is None else table
        self.out = aligned_zeros(shape) if out is None else out
        rich = make_rich(self.table, worlds, engine.model.drivers, slots, self.out)
        self._written = rich.written.reshape(buffers, -1, 2)
        if out is None:
            self._written.fill(0)
        self._packed = Pack(rich)
        if self._packed._numba_type_ != RICH_TYPE:
            raise TypeError("RichObserver: the table's or the buffers' arrays are of another type than the kernels'")
        self.address = self._packed.address

    def observe(self, buffer: int = 0) -> NDArray[np.float32]:
        """The observations of the engine's present state, (B, K, RICH_FLOATS): buffer number `buffer`, not a copy.

        Raises:
            ValueError: no such buffer.
        """
        if not 0 <= buffer < len(self.out):
            raise ValueError(f"observe: buffer {buffer} does not exist; allowed are 0 to {len(self.out) - 1}")
        observe_rich_worlds(self.engine.address, self.address, 0, self.out.shape[1], buffer)
        return self.out[buffer]

    def forget(self, buffer: int | None = None) -> None:
        """Somebody wrote into a buffer (None: into all): clear all rows that are not there when it is next used."""
        self._written[slice(None) if buffer is None else buffer] = RICH_BODIES, RICH_ROADS


def _check(out: NDArray[np.float32], shape: tuple[int, ...]) -> None:
    """Raises ValueError where kernels cannot write into the memory that was given."""
    fine = out.dtype == np.float32 and out.flags.c_contiguous and out.flags.writeable
    if out.shape != shape or not fine:
        raise ValueError(
            f"RichObserver: out is {out.dtype} {out.shape}, C-contiguous {out.flags.c_contiguous}, writeable "
            f"{out.flags.writeable}; expected (buffers, worlds, drivers, {RICH_FLOATS}) = {shape}, float32, both true"
        )
