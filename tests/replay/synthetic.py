"""States and drives made up for tests of the replay package, without an engine."""

import numpy as np

from world.kinds import BodyKind, Controller, LightState
from world.records import Bodies, WorldState

SIZES = {
    BodyKind.CAR: (4.5, 1.9, 1.5),
    BodyKind.TRUCK: (8.0, 2.5, 3.2),
    BodyKind.BUS: (12.0, 2.5, 3.2),
    BodyKind.MOTORCYCLE: (2.2, 0.8, 1.6),
    BodyKind.BICYCLE: (1.8, 0.6, 1.7),
    BodyKind.PEDESTRIAN: (0.5, 0.6, 1.75),
}
MIX = (BodyKind.CAR,) * 6 + (BodyKind.TRUCK, BodyKind.BUS, BodyKind.MOTORCYCLE, BodyKind.BICYCLE)


class Crowd:
    """Bodies and a WorldState that a test places by hand, or drives along circles with `step`."""

    def __init__(self, worlds=1, drivers=1, vehicles=0, walkers=0, lights=0, seed=0):
        n = drivers + vehicles + walkers
        shape = (worlds, n)
        self.drivers, self.dt = drivers, 0.05
        kinds = [BodyKind.CAR] * drivers + [MIX[i % len(MIX)] for i in range(vehicles)]
        kinds += [BodyKind.PEDESTRIAN] * walkers
        size = np.array([SIZES[k] for k in kinds], np.float32).reshape(n, 3)
        full = {name: np.zeros(shape, np.float32) for name in Bodies.__dataclass_fields__}
        full |= {"length": size[:, 0] + 0 * full["length"], "width": size[:, 1] + 0 * full["width"]}
        full |= {"height": size[:, 2] + 0 * full["height"], "wheelbase": 0.6 * size[:, 0] + 0 * full["width"]}
        full |= {"rear_axle": 0.3 * size[:, 0] + 0 * full["width"], "max_speed": full["max_speed"] + 40}
        full["kind"] = np.broadcast_to(np.array(kinds, np.int8), shape).copy()
        self.bodies = Bodies(**full)
        zeros = {name: np.zeros(shape, np.float32) for name in "x y z yaw speed vx vy yaw_rate accel steer".split()}
        owner = np.where(np.arange(n) < drivers, Controller.EXTERNAL, Controller.TRAFFIC)
        self.state = WorldState(
            **zeros,
            valid=np.zeros(shape, np.bool_),
            generation=np.zeros(shape, np.int32),
            controller=np.broadcast_to(owner, shape).astype(np.int8),
            light=np.full((worlds, lights), LightState.RED, np.int8),
            map_id=np.zeros(worlds, np.int32),
            seed=np.full(worlds, seed, np.uint64),
            step=np.zeros(worlds, np.int64),
        )
        self._rng = np.random.default_rng(seed)

    def place(self, slot, x, y, yaw, speed, world=0):
        s = self.state
        s.valid[world, slot] = True
        s.x[world, slot], s.y[world, slot], s.speed[world, slot] = x, y, speed
        s.yaw[world, slot] = (yaw + np.pi) % (2 * np.pi) - np.pi
        s.vx[world, slot], s.vy[world, slot] = speed * np.cos(yaw), speed * np.sin(yaw)

    def scatter(self, radius=150.0):
        """Everybody somewhere on a disc, at some speed."""
        s, shape = self.state, self.state.x.shape
        s.valid[:] = True
        s.x[:], s.y[:] = (self._rng.uniform(-radius, radius, shape) for _ in range(2))
        s.yaw[:] = self._rng.uniform(-np.pi, np.pi, shape)
        s.speed[:] = np.where(self.bodies.kind == BodyKind.PEDESTRIAN, 1.3, self._rng.uniform(0, 12, shape))
        s.generation[:] = 1

    def step(self):
        """Stop-and-go driving on curves: wandering acceleration and steering, integrated."""
        s, dt = self.state, np.float32(self.dt)
        shape = s.x.shape
        s.accel[:] += dt * (self._rng.normal(0, 6, shape) - s.accel - 0.3 * (s.speed - 7))
        s.accel[s.speed <= 0] = np.maximum(s.accel[s.speed <= 0], 0.2)
        s.steer[:] += dt * (self._rng.normal(0, 0.3, shape) - 0.8 * s.steer)
        s.speed[:] = np.maximum(s.speed + s.accel * dt, 0)
        walks = self.bodies.kind == BodyKind.PEDESTRIAN
        s.speed[walks], s.accel[walks], s.steer[walks] = 1.3, 0.0, 0.0
        s.yaw_rate[:] = s.speed * np.tan(s.steer) / np.maximum(self.bodies.wheelbase, 1)
        s.yaw[:] = (s.yaw + s.yaw_rate * dt + np.pi) % (2 * np.pi) - np.pi
        s.vx[:], s.vy[:] = s.speed * np.cos(s.yaw), s.speed * np.sin(s.yaw)
        s.x[:] += s.vx * dt
        s.y[:] += s.vy * dt
        s.step[:] += 1
        if s.light.size:
            phase = (s.step[:, None] // 200 + np.arange(s.light.shape[1])) % 3
            s.light[:] = np.array([LightState.GREEN, LightState.AMBER, LightState.RED])[phase]
