"""Hooks: what a caller may do to a world between steps, checked, and logged so that a record can do it again."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.entries import body_one, clear_world, empty_one, free_one, ground_one, spawned_one, take_lane
from simulator.traffic import PATH_POINTS
from world.kinds import BodyKind, Controller, LightState
from world.names import unknown_name
from world.protocols import apply_hook
from world.records import HookOp

if TYPE_CHECKING:
    from simulator.engine import Engine

WEATHER = ("cloud", "rain", "fog", "wetness", "sun_height", "sun_azimuth", "wind")
ENTITY_SPAWNED = 5 << 20
_PUT = (  # what a teleport writes
    "x y z yaw speed vx vy accel steer yaw_rate old_x old_y old_yaw lane route_lane"
).split()
OFF_LANE = 1.5  # [m] from a lane's centre line beyond which traffic cannot take a body over


class EngineHooks:
    """`world.protocols.Hooks` over an Engine."""

    def __init__(self, engine: "Engine"):
        self._engine = engine
        worlds = len(engine.state_hash)
        self._ops: list[list[HookOp]] = [[] for _ in range(worlds)]
        self.weather: list[dict[str, float]] = [{} for _ in range(worlds)]

    # --- Log ----------------------------------------------------------------------------------------------------

    def _log(self, world: int, name: str, **args: Any) -> None:
        self._ops[world].append(HookOp(int(self._engine.state.step[world]), name, args))

    def take(self, world: int) -> list[HookOp]:
        """The operations on a world since the last call, oldest first."""
        ops, self._ops[world] = self._ops[world], []
        return ops

    def apply(self, world: int, op: HookOp) -> None:
        """Do a logged operation again; see `world.protocols.apply_hook`."""
        apply_hook(self, world, op)

    def forget(self, worlds: NDArray[np.integer]) -> None:
        """New episodes: no operation yet, no weather, no paths."""
        for b in worlds:
            self._ops[b] = []
            self.weather[b] = {}

    # --- Checks -------------------------------------------------------------------------------------------------

    def _world(self, world: int) -> int:
        count = len(self._ops)
        if not 0 <= world < count:
            raise ValueError(f"hooks: world {world} does not exist; allowed are 0 to {count - 1}")
        if not self._engine._started[world]:
            raise ValueError(f"hooks: world {world} was never reset")
        return int(world)

    def _slot(self, world: int, slot: int) -> int:
        valid = self._engine.state.valid[self._world(world)]
        if not 0 <= slot < len(valid):
            raise ValueError(f"hooks: slot {slot} does not exist; allowed are 0 to {len(valid) - 1}")
        if not valid[slot]:
            raise ValueError(f"hooks: slot {slot} of world {world} holds nobody")
        return int(slot)

    @staticmethod
    def _finite(what: str, *values: float) -> None:
        if not np.isfinite(values).all():
            raise ValueError(f"hooks: {what} is {values}, expected finite numbers")

    # --- Bodies -------------------------------------------------------------------------------------------------

    def spawn(
        self,
        world: int,
        kind: int,
        xy: tuple[float, float],
        yaw: float,
        speed: float = 0.0,
        controller: int = int(Controller.SCRIPTED),
        length: float | None = None,
        width: float | None = None,
    ) -> int:
        """Put a body into a free spare slot and return the slot.

        Raises:
            ValueError: no spare slot is free, the place is taken, or traffic is not on a lane there.
        """
        world, kind, controller = self._world(world), int(BodyKind(kind)), int(Controller(controller))
        self._finite("pose", *xy, yaw, speed)
        for what, size in (("length", length), ("width", width)):
            if size is not None and not 0.1 <= size <= 30.0:
                raise ValueError(f"hooks: {what} is {size} m, allowed is 0.1 to 30")
        if controller == Controller.EXTERNAL:
            raise ValueError("hooks: spawned bodies are TRAFFIC or SCRIPTED; EXTERNAL is for the engine's drivers")
        if kind == BodyKind.PEDESTRIAN and controller == Controller.TRAFFIC:
            raise ValueError("hooks: a spawned pedestrian is SCRIPTED; the engine's walkers come from the scenario")
        address, model = self._engine.address, self._engine.model
        slots = model.slots
        first = model.drivers + model.vehicles + model.pedestrians
        free = np.flatnonzero(~slots.valid[world, first:])
        if not len(free):
            raise ValueError(f"hooks: all {slots.x.shape[1] - first} spare slots of world {world} are taken")
        i = first + int(free[0])
        clear_world(address, world)
        empty_one(address, world, i)
        body_one(address, world, i, kind)
        if length is not None:
            scale = np.float32(length) / slots.length[world, i]
            slots.length[world, i] = length
            slots.wheelbase[world, i] *= scale
            slots.rear_axle[world, i] *= scale
        if width is not None:
            slots.width[world, i] = width
        self._put(world, i, xy, self._ground(world, xy), yaw, speed)
        if not free_one(address, world, i):
            empty_one(address, world, i)
            raise ValueError(f"hooks: the place ({xy[0]:.2f}, {xy[1]:.2f}) in world {world} is taken")
        if controller == Controller.TRAFFIC:
            self._onto_lane(world, i)
        slots.controller[world, i] = controller
        spawned_one(address, world, i)
        self._log(
            world, "spawn", kind=kind, xy=(float(xy[0]), float(xy[1])), yaw=float(yaw), speed=float(speed),
            controller=controller, length=None if length is None else float(length),
            width=None if width is None else float(width),
        )  # fmt: skip
        return i

    def _ground(self, world: int, xy: tuple[float, float], z: float = 0.0) -> float:
        """[m] height of the nearest lane."""
        return float(ground_one(self._engine.address, world, float(xy[0]), float(xy[1]), float(z)))

    def _put(self, world: int, i: int, xy: tuple[float, float], z: float, yaw: float, speed: float) -> None:
        """Set pose and speed; the place before is the same, so that nothing is swept over."""
        slots = self._engine.model.slots
        yaw = (float(yaw) + np.pi) % (2 * np.pi) - np.pi
        slots.x[world, i], slots.y[world, i], slots.z[world, i] = *xy, z
        slots.yaw[world, i], slots.speed[world, i] = yaw, speed
        slots.vx[world, i], slots.vy[world, i] = speed * np.cos(yaw), speed * np.sin(yaw)
        slots.accel[world, i] = slots.steer[world, i] = slots.yaw_rate[world, i] = 0.0
        slots.old_x[world, i], slots.old_y[world, i], slots.old_yaw[world, i] = *xy, yaw
        slots.lane[world, i] = -1
        slots.route_lane[world, i] = -1

    def _onto_lane(self, world: int, i: int) -> None:
        """Let traffic take slot i over where it stands.

        Raises:
            ValueError: it is not on a lane that runs its way.
        """
        if not take_lane(self._engine.address, world, i, ENTITY_SPAWNED + i, OFF_LANE):
            slots = self._engine.model.slots
            x, y = slots.x[world, i], slots.y[world, i]
            if not slots.valid[world, i]:
                empty_one(self._engine.address, world, i)
            raise ValueError(
                f"hooks: slot {i} at ({x:.2f}, {y:.2f}) is not on a lane that runs its way; traffic must be"
            )

    def despawn(self, world: int, slot: int) -> None:
        """Take a body out of the world; the engine does not fill the slot again."""
        slot = self._slot(world, slot)
        if slot < self._engine.model.drivers:
            raise ValueError(f"hooks: slot {slot} is a driver's and stays")
        clear_world(self._engine.address, world)
        self._free_path(world, slot)
        empty_one(self._engine.address, world, slot)
        self._engine.model.traffic.row[world, slot]["wanted"] = 0
        self._log(world, "despawn", slot=slot)

    def teleport(self, world: int, slot: int, xy: tuple[float, float], yaw: float, speed: float = 0.0) -> None:
        """Move a body; a place that is taken is allowed, the judge will see it.

        Raises:
            ValueError: traffic would not be on a lane there.
        """
        slot = self._slot(world, slot)
        self._finite("pose", *xy, yaw, speed)
        slots = self._engine.model.slots
        before = {name: getattr(slots, name)[world, slot].copy() for name in _PUT}
        self._put(world, slot, xy, self._ground(world, xy, float(slots.z[world, slot])), yaw, speed)
        if slots.controller[world, slot] == Controller.TRAFFIC and self._vehicle(world, slot):
            try:
                self._onto_lane(world, slot)
            except ValueError:  # it stays where it was
                for name, value in before.items():
                    getattr(slots, name)[world, slot] = value
                raise
        self._log(world, "teleport", slot=slot, xy=(float(xy[0]), float(xy[1])), yaw=float(yaw), speed=float(speed))

    def _vehicle(self, world: int, slot: int) -> bool:
        return int(self._engine.bodies.kind[world, slot]) != BodyKind.PEDESTRIAN

    def set_controller(self, world: int, slot: int, controller: int) -> None:
        """Hand a slot to traffic, to scripts, or (drivers only) to the agent."""
        slot, controller = self._slot(world, slot), int(Controller(controller))
        if controller == Controller.EXTERNAL and slot >= self._engine.model.drivers:
            raise ValueError(
                f"hooks: slot {slot} is not a driver's; EXTERNAL is for slots below {self._engine.model.drivers}"
            )
        if controller == Controller.TRAFFIC and self._vehicle(world, slot):
            self._onto_lane(world, slot)
        self._engine.model.slots.controller[world, slot] = controller
        self._log(world, "set_controller", slot=slot, controller=controller)

    # --- Targets ------------------------------------------------------------------------------------------------

    def set_target_speed(self, world: int, slot: int, speed: float | None) -> None:
        """Desired speed [m/s] of a traffic or scripted slot; None gives it back to the driver model."""
        slot = self._slot(world, slot)
        if speed is not None:
            self._finite("speed", speed)
            if speed < 0:
                raise ValueError(f"hooks: speed is {speed} m/s, allowed is 0 or more")
        self._engine.model.slots.target_speed[world, slot] = np.nan if speed is None else speed
        self._log(world, "set_target_speed", slot=slot, speed=None if speed is None else float(speed))

    def set_target_path(self, world: int, slot: int, path: NDArray[np.float32] | None) -> None:
        """(M, 2) [m] polyline, 2 <= M <= 256, that a scripted slot follows at its target speed; None: straight on."""
        slot = self._slot(world, slot)
        points = np.zeros((2, 2), np.float32) if path is None else np.asarray(path, np.float32)
        if points.ndim != 2 or points.shape[1] != 2 or not 2 <= len(points) <= PATH_POINTS:
            raise ValueError(f"hooks: path has shape {points.shape}, expected (2 to {PATH_POINTS}, 2)")
        self._finite("path", *points.ravel().tolist())
        self._free_path(world, slot)
        self._engine.model.traffic.row[world, slot]["path_s"] = 0.0
        if path is not None:
            index = self._engine.free_path()
            traffic = self._engine.model.traffic
            traffic.path[index, : len(points)] = points
            traffic.path_points[index] = len(points)
            traffic.row[world, slot]["path"] = index
        self._log(world, "set_target_path", slot=slot, path=None if path is None else np.asarray(path).tolist())

    def _free_path(self, world: int, slot: int) -> None:
        traffic = self._engine.model.traffic
        index = int(traffic.row[world, slot]["path"])
        if index >= 0:
            traffic.path_points[index] = 0
            traffic.row[world, slot]["path"] = -1

    def set_target_lane_offset(self, world: int, slot: int, offset: float) -> None:
        """Desired lateral offset [m] of a traffic slot from its lane's centre, left positive."""
        slot = self._slot(world, slot)
        self._finite("offset", offset)
        if abs(offset) > 5.0:
            raise ValueError(f"hooks: offset is {offset} m, allowed is -5 to 5")
        self._engine.model.slots.target_offset[world, slot] = offset
        self._log(world, "set_target_lane_offset", slot=slot, offset=float(offset))

    # --- World --------------------------------------------------------------------------------------------------

    def set_light(self, world: int, light: int, state: int | None) -> None:
        """Hold a light (index within the map) in a LightState; None gives it back to its plan."""
        world = self._world(world)
        row = self._engine.maps.tables.maps[self._engine.state.map_id[world]]
        count = int(row["light1"] - row["light0"])
        if not 0 <= light < count:
            raise ValueError(f"hooks: light {light} does not exist; the map has {count}")
        self._engine.model.worlds.light_hold[world, light] = -1 if state is None else int(LightState(state))
        self._log(world, "set_light", light=int(light), state=None if state is None else int(state))

    def set_weather(self, world: int, **weather: float) -> None:
        """Weather parameters for the renderer, by name (WEATHER)."""
        world = self._world(world)
        for name, value in weather.items():
            if name not in WEATHER:
                raise ValueError(unknown_name("weather parameter", name, WEATHER))
            self._finite(name, value)
        self.weather[world].update({name: float(value) for name, value in weather.items()})
        self._log(world, "set_weather", **{name: float(value) for name, value in weather.items()})

    def set_friction(self, world: int, friction: float) -> None:
        """Tyre-road friction coefficient in (0, 2]; bounds |acceleration| by friction * 9.81 m/s^2."""
        world = self._world(world)
        if not 0 < friction <= 2:
            raise ValueError(f"hooks: friction is {friction}, allowed is more than 0 and at most 2")
        self._engine.model.worlds.friction[world] = friction
        self._log(world, "set_friction", friction=float(friction))
