"""The content of the profile `traffic`: a signalised grid full of reactive vehicles, and our engine on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scenarios.procedural import grid
from simulator.engine import Engine
from world.budget import limited
from world.mapset import pack_maps
from world.records import Control
from world.roadmap import RoadMap
from world.scenario import Scenario

DT = 0.1  # [s]
BUILD_SECONDS = 600.0  # [s] that building the map may take on a busy machine; 27 on an idle one, once
A_CALL = 10  # engine steps that one call of Engine.step makes
SWITCHED_ON = (
    "every junction rule (actuated lights, left turns that give way, no entering without room behind), IDM, MOBIL "
    "(one lane a direction: nowhere to change to), cars, vans, trucks, buses, motorcycles, cyclists, stuck vehicles "
    "come back elsewhere after 150 s, state hash; no drivers, so no judge, no observations"
)


@dataclass(frozen=True)
class Size:
    """A grid and the vehicles on it."""

    vehicles: int
    side: int  # crossings each way
    block: float = 150.0  # [m]

    @property
    def name(self) -> str:
        return f"n{self.vehicles}"

    def road_map(self) -> RoadMap:
        """The map, from the cache where it was made before."""
        with limited(self.name, BUILD_SECONDS):  # our own map: its size is no attack
            return grid(self.side, self.side, self.block)


SIZES = (Size(500, 7), Size(5000, 23))  # 19.4 and 18.9 vehicles a kilometre of lane


class Grid:
    """Our engine on a grid, stepped through its public interface."""

    def __init__(self, size: Size, seed: int = 1, worlds: int = 1, threads: int = 1):
        plan = Scenario(size.name, Path("grid"), vehicles=size.vehicles, drivers=0, dt=DT, control_every=A_CALL)
        self.engine = Engine(pack_maps([size.road_map()]), plan, worlds=worlds, threads=threads)
        self.engine.reset(list(range(seed, seed + worlds)))
        nobody = np.zeros((worlds, 0), np.float32)
        self._control = Control(nobody, nobody)

    def run(self) -> None:
        """A_CALL steps of all worlds, in one call."""
        self.engine.step(self._control)

    def count(self) -> int:
        """Vehicles that are in all worlds now."""
        return int(np.count_nonzero(self.engine.state.valid))

    def look(self) -> dict[str, float]:
        """What traffic is like now."""
        speed = self.engine.state.speed[self.engine.state.valid]
        standing = float((speed < 0.1).mean()) if len(speed) else 0.0
        return {"vehicles": len(speed), "mean_speed": float(speed.mean()), "standing": standing}
