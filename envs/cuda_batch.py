"""CudaBatch: the worlds of a DriveBatch, and many more like them, on a device, for whole control steps.

The host's worlds are reset as ever; the device begins with copies of them: world w with the state and the routes of
the host's world w % B, but a seed of its own. From then on nothing leaves the device unless it is read.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.actions import CHOICES, WIDTH
from envs.batch import DriveBatch
from envs.cuda_entries import env_way
from envs.options import EnvConfig
from simulator.cuda_entries import PER_DRIVER, PER_SLOT, STAGES, Output, out_way
from simulator.cuda_restore import make_restore, restore_way, start_way
from simulator.cuda_rich import ENTRIES as RICH_ENTRIES
from simulator.cuda_rich import RICH_LINES, make_device_rich, rich_way, seen_way
from simulator.device import Device, DevicePack
from simulator.device_kinds import Way, model_way
from simulator.rich_table import make_rich_table
from world.names import unknown_name
from world.observation import VECTOR_SIZE
from world.pack import Pack


class Launch(NamedTuple):
    """One kernel of a control step."""

    name: str
    threads: int
    addresses: tuple[int, ...]


def _state_way(path: str) -> Way:
    """Of the arrays of a Model, without what neither a step nor an observation looks at."""
    scene = path.startswith("scene.") and not path.startswith("scene.near.")
    sensors = path.startswith("sensors.") and path != "sensors.last_step"
    return Way.ABSENT if scene or sensors else model_way(path)


class CudaBatch:
    """Worlds on a device.

    Attributes: `model`, `env`: the device's copies, by the names of the host's arrays (`read`, `write`); `observation`:
    what is seen; `size`: bytes taken.

    Args:
        batch: on the host, just reset; it stays as it is.
        device: with the kernels of `entries_of` loaded.
        worlds: on the device, at least the host's number.
        observation: a name of OBSERVERS; None: the drivers see nothing.

    Raises:
        ValueError: fewer worlds than the host has; an unknown observation, with the nearest match; a config whose
            Scenes are not the true ones.
    """

    def __init__(self, batch: DriveBatch, device: Device, worlds: int, observation: str | None = "vector"):
        if observation is not None and observation not in OBSERVERS:
            raise ValueError(unknown_name("observation on a device", observation, OBSERVERS))
        if batch.config.scene_source != "truth":
            raise ValueError(f"scene_source: got {batch.config.scene_source!r}; on a device there is the truth alone")
        self.config, self.device, self.worlds, self.observation = batch.config, device, worlds, observation
        self.host_worlds, self._places = batch.worlds, []
        model, self._slots = batch.engine._packed, batch.engine.model.slots.x.shape[1]
        self.model = self._place(model, _state_way, worlds)
        self.env = self._place(batch._pack, env_way, worlds)
        self._starts = self._place(model, start_way, batch.worlds)
        self._restore = self._place(make_restore(self.model, self._starts), restore_way, worlds)
        seeds = batch.engine.model.worlds.seed
        turn = np.arange(worlds, dtype=np.uint64) // np.uint64(batch.worlds) * np.uint64(batch.worlds)
        self.model.write("worlds.seed", np.resize(seeds, worlds) + turn)
        self.env.write("joins", np.ones(self.env.placed["joins"].shape, np.bool_))
        self._output, looks = None, []
        if observation is not None:
            self._output, looks = OBSERVERS[observation].make(self, batch)
        self._before, self._after = self._restart(), [*self._act(), *looks]
        self._draw = Launch("draw", worlds, (self.model.address, self.env.address))

    def _place(self, pack: Pack, ways: Any, worlds: int) -> DevicePack:
        placed = DevicePack(self.device, pack, ways, self.host_worlds, worlds)
        self._places.append(placed)
        return placed

    @property
    def size(self) -> int:
        """[B] of device memory."""
        return sum(place.size for place in self._places)

    @property
    def bytes_a_world(self) -> float:
        """[B] of device memory that one more world takes."""
        taken = sum(p.size - p.shared_size for p in self._places if p is not self._starts)
        return taken / self.worlds

    # --- Steps --------------------------------------------------------------------------------------------------

    def _restart(self) -> list[Launch]:
        """Worlds that are over, and drivers that are, begin anew."""
        model, env, restore = self.model.address, self.env.address, self._restore.address
        arrays = self._restore.placed["rows"].shape[0]
        launches = [
            Launch("over", self.worlds, (model, env, restore)),
            Launch("restore", self.worlds * arrays, (restore,)),
            Launch("begin", self.worlds, (model, env, restore)),
        ]
        if self.config.drivers > 1:
            launches.append(Launch("rejoin", self.worlds, (model, env)))
        return launches

    def _act(self) -> list[Launch]:
        """Actions, engine steps and what they led to."""
        model, env, b = self.model.address, self.env.address, self.worlds
        track = [Launch("track", b, (model, env))] if self.config.action in ("meta", "waypoints") else []
        a_world = {name: self._slots for name in PER_SLOT} | {name: self.config.drivers for name in PER_DRIVER}
        step = [*track, *(Launch(name, b * a_world.get(name, 1), (model,)) for name in STAGES)]
        every = step * self.config.action_every
        return [Launch("act", b, (model, env)), *every, Launch("outcome", b, (model, env))]

    def observations(self) -> NDArray:
        """(B, K, ...) what the drivers saw last. Raises ValueError: they see nothing."""
        if self._output is None:
            raise ValueError("observations: the batch was made without an observation")
        seen = self._output.read("out")
        return seen.reshape(self.worlds, self.config.drivers, *seen.shape[1 if seen.ndim == 2 else 2 :])

    def take_actions(self, actions: NDArray) -> None:
        """Upload actions, (B, K) whole numbers or (B, K, numbers). Raises ValueError: another shape."""
        if self.config.action in CHOICES:
            self.env.write("choice", np.ascontiguousarray(actions, np.int32))
            return
        width = WIDTH[self.config.action]
        if actions.shape[2:] != (width,):
            raise ValueError(f"actions: got shape {actions.shape}, expected (worlds, drivers, {width})")
        numbers = np.zeros(self.env.placed["numbers"].shape, np.float32)
        numbers[..., :width] = np.clip(actions, -1.0, 1.0)
        self.env.write("numbers", numbers)

    def launches(self, draw: bool = False) -> tuple[Launch, ...]:
        """The kernels of a step, in order; with random actions if `draw`, else with those that were taken."""
        return (*self._before, *([self._draw] if draw else []), *self._after)

    def step(self, draw: bool = False) -> None:
        """Begin anew what is over, drive with the actions, judge, reward, observe. Returns before it is done."""
        for launch in self.launches(draw):
            self.device.launch(*launch)

    def close(self) -> None:
        """Give the device's memory back."""
        for place in self._places:
            place.close()
        self._places = []


class Observer(NamedTuple):
    """An observation on a device."""

    entries: tuple[str, ...]
    make: Callable[[CudaBatch, DriveBatch], tuple[DevicePack, list[Launch]]]  # where `out` lies, and the kernels


def _vector(cuda: CudaBatch, batch: DriveBatch) -> tuple[DevicePack, list[Launch]]:
    rows = batch.config.drivers
    output = cuda._place(Pack(Output(np.zeros((batch.worlds, rows, VECTOR_SIZE), np.float32))), out_way, cuda.worlds)
    return output, [Launch("vector", cuda.worlds * rows, (cuda.model.address, output.address))]


def _rich(cuda: CudaBatch, batch: DriveBatch) -> tuple[DevicePack, list[Launch]]:
    drivers, slots = batch.config.drivers, batch.engine.model.slots.x.shape[1]
    packs = make_device_rich(make_rich_table(batch.engine.maps), batch.worlds, drivers, slots)
    rich, seen = (cuda._place(p, way, cuda.worlds) for p, way in zip(packs, (rich_way, seen_way), strict=True))
    both, rows = (cuda.model.address, rich.address), cuda.worlds * drivers
    return rich, [
        Launch("rich_bodies", cuda.worlds, both),
        Launch("rich_find", rows, (*both, seen.address)),
        Launch("rich_order", rows * slots, (*both, seen.address)),
        Launch("rich_lines", rows * RICH_LINES, (*both, seen.address)),
    ]


OBSERVERS = {"vector": Observer(("vector",), _vector), "rich": Observer(tuple(RICH_ENTRIES), _rich)}


def entries_of(config: EnvConfig, observation: str | None = "vector") -> list[str]:
    """Names of the entries that worlds of a config take on a device."""
    names = ["draw", "over", "restore", "begin", "act", *STAGES, "outcome"]
    names += ["rejoin"] if config.drivers > 1 else []
    names += ["track"] if config.action in ("meta", "waypoints") else []
    return names + (list(OBSERVERS[observation].entries) if observation is not None else [])
