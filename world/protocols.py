"""The seams of the stack, as typing.Protocol: Agent, Planner, Backend, Hooks, Director."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from world.names import unknown_name
from world.records import Bodies, Control, Decision, HookOp, Plan, Scene, SensorFrame, StepResult, Task, WorldState

if TYPE_CHECKING:
    from world.roadmap import MapSet
    from world.routing import RouteTable


@dataclass(frozen=True, eq=False)
class Privilege:
    """What only a privileged agent is handed: the map and the dense routes."""

    maps: "MapSet"
    map_id: NDArray[np.int32]  # (B,)
    routes: "RouteTable"  # (B, K)


@runtime_checkable
class Agent(Protocol):
    """A driver of all (B, K) vehicles at once."""

    name: str
    sensors: tuple[str, ...]  # names of the sensors it wants; () for none
    privileged: bool  # wants the true Scene and a Privilege

    def reset(self, task: Task, mask: NDArray[np.bool_] | None = None, privilege: Privilege | None = None) -> None:
        """Start new episodes. Args: mask: (B, K) drivers that start anew; None means all."""
        ...

    def act(self, observation: SensorFrame | Scene) -> Decision:
        """One decision a driver. Non-privileged agents get a SensorFrame, the others a Scene."""
        ...


@runtime_checkable
class Planner(Protocol):
    """Scene -> Plan."""

    def plan(self, scene: Scene) -> Plan: ...


class Hooks(Protocol):
    """What may be done to the world between steps. `world` is a world index, `slot` a slot index."""

    def spawn(
        self,
        world: int,
        kind: int,
        xy: tuple[float, float],
        yaw: float,
        speed: float = 0.0,
        controller: int = 2,
        length: float | None = None,
        width: float | None = None,
    ) -> int:
        """Put a body into a free slot and return it. Raises ValueError: none is free, or the place is taken."""
        ...

    def despawn(self, world: int, slot: int) -> None: ...

    def teleport(self, world: int, slot: int, xy: tuple[float, float], yaw: float, speed: float = 0.0) -> None: ...

    def set_controller(self, world: int, slot: int, controller: int) -> None: ...

    def set_target_speed(self, world: int, slot: int, speed: float | None) -> None:
        """Desired speed [m/s] of a traffic or scripted slot; None gives it back to the driver model."""
        ...

    def set_target_path(self, world: int, slot: int, path: NDArray[np.float32] | None) -> None:
        """(M, 2) [m] polyline that a scripted slot follows at its target speed; None: straight on."""
        ...

    def set_target_lane_offset(self, world: int, slot: int, offset: float) -> None:
        """Desired lateral offset [m] of a traffic slot from its lane's centre, left positive."""
        ...

    def set_light(self, world: int, light: int, state: int | None) -> None:
        """Hold a light (index within the map) in a LightState; None gives it back to its plan."""
        ...

    def set_weather(self, world: int, **weather: float) -> None:
        """Weather parameters for the renderer, by name."""
        ...

    def set_friction(self, world: int, friction: float) -> None:
        """Tyre-road friction coefficient; bounds |acceleration| by friction * 9.81 m/s^2. 1.0 is dry."""
        ...


OPERATIONS = frozenset(name for name in vars(Hooks) if not name.startswith("_"))


def apply_hook(hooks: Hooks, world: int, op: HookOp) -> None:
    """Do a logged operation again; the log may come from anywhere, so it can call nothing but the hooks.

    Raises:
        ValueError: it is no hook, or its arguments do not fit.
    """
    if op.name not in OPERATIONS:
        raise ValueError(unknown_name("hook operation", op.name, OPERATIONS))
    try:
        getattr(hooks, op.name)(world, **op.args)
    except (TypeError, LookupError, AttributeError, OverflowError) as error:  # whatever wrong types lead to
        raise ValueError(f"hook operation {op.name}: {error}") from error


class Director(Protocol):
    """A scenario's author: called each engine tick, before the step."""

    def reset(self, world: int, hooks: Hooks, state: WorldState) -> None: ...

    def tick(self, world: int, hooks: Hooks, state: WorldState, time: float) -> None: ...


@runtime_checkable
class Backend(Protocol):
    """A world to drive in: the embedded engine, a CARLA server."""

    @property
    def bodies(self) -> Bodies: ...

    @property
    def state(self) -> WorldState: ...

    @property
    def task(self) -> Task: ...

    @property
    def privilege(self) -> Privilege: ...

    @property
    def hooks(self) -> Hooks: ...

    @property
    def state_hash(self) -> NDArray[np.uint64]:
        """(B,) over all bodies and lights of all steps since reset."""
        ...

    def reset(self, seeds: Sequence[int], mask: NDArray[np.bool_] | None = None) -> None:
        """Start episodes. Args: seeds: one a world; mask: (B,) worlds to reset, None means all."""
        ...

    def step(self, control: Control) -> StepResult:
        """Apply (B, K) controls for `control_every` engine steps."""
        ...

    def scene(self) -> Scene: ...

    def sensors(self, names: Sequence[str]) -> SensorFrame: ...

    def close(self) -> None: ...
