"""A straight road with one driver at its beginning, and things put where a test wants them."""

import math
from dataclasses import replace

import numpy as np

from simulator.camera import CameraLook, CameraRenderer, Picture
from simulator.camera_things import SIGN_ROW
from simulator.engine import Engine
from tests.simulator.engine_stage import road_map, scenario
from world.kinds import BodyKind
from world.mapset import pack_maps

SIZE = {  # [m] length, width, height
    BodyKind.CAR: (4.5, 1.85, 1.5), BodyKind.VAN: (5.2, 2.0, 2.0), BodyKind.TRUCK: (8.0, 2.5, 3.3),
    BodyKind.BUS: (11.0, 2.5, 3.1), BodyKind.MOTORCYCLE: (2.1, 0.8, 1.6), BodyKind.BICYCLE: (1.7, 0.6, 1.7),
    BodyKind.PEDESTRIAN: (0.5, 0.5, 1.75),
}  # fmt: skip
PLAIN = CameraLook(noise=0.0, shadows=False)


class Stage:
    """One world without traffic; the driver in slot 0 stands on a lane and looks along it.

    Args:
        rise: dz/dx of the road.
        lights: (T, 4) x, y, z [m] and yaw of traffic lights, in the driver's frame.
    """

    def __init__(self, rise: float = 0.0, lights=()):
        m = road_map("straight", length=400.0)
        tilted = m.point_xyz.copy()
        tilted[:, 2] = rise * tilted[:, 0]
        m = replace(m, point_xyz=tilted)
        driver = 0
        lane = int(np.flatnonzero(m.point_heading[m.lane_start[:-1]] == 0.0)[0])
        start = int(m.lane_start[lane]) + 10
        self.pose = (*map(float, m.point_xyz[start]), 0.0)
        if len(lights):
            m = replace(m, **self._lights(np.asarray(lights, np.float64)))
        self.engine = Engine(pack_maps([m]), scenario(drivers=1, route_min_length=50.0), spare=24)
        self.engine.reset([3])
        slots = self.engine.model.slots
        slots.valid[0, 1:] = False
        for name, value in zip(("x", "y", "z", "yaw"), self.pose, strict=True):
            getattr(slots, name)[0, driver] = value
        slots.lane[0, driver], slots.lane_s[0, driver] = lane, 10 * float(m.lane_step[lane])
        self.rise, self.renderer = rise, CameraRenderer(self.engine, PLAIN)

    def _lights(self, at):
        n, (x, y, z, _) = len(at), self.pose
        return {
            "light_xyz": (at[:, :3] + (x, y, z)).astype(np.float32), "light_yaw": at[:, 3].astype(np.float32),
            "light_plan": np.zeros(n, np.int32), "light_phase": np.zeros(n, np.int32),
            "light_ids": tuple(map(str, range(n))), "plan_phases": np.ones(1, np.int32), "plan_ids": ("0",),
        }  # fmt: skip

    def put(self, slot: int, kind: BodyKind, x: float, y: float, yaw: float = 0.0, **values) -> int:
        """Let a body stand at x, y [m] in the driver's frame; its number in the instance mask."""
        s, (ex, ey, ez, _) = self.engine.model.slots, self.pose
        s.valid[0, slot], s.kind[0, slot] = True, int(kind)
        s.length[0, slot], s.width[0, slot], s.height[0, slot] = SIZE[kind]
        s.x[0, slot], s.y[0, slot], s.z[0, slot], s.yaw[0, slot] = ex + x, ey + y, ez + self.rise * x, yaw
        for name, value in ({"speed": 5.0, "accel": 0.0, "steer": 0.0, "generation": 0} | values).items():
            getattr(s, name)[0, slot] = value
        return slot + 1

    def signs(self, *rows) -> None:
        """Let signs stand at (x, y, z [m] above the road, yaw, face) in the driver's frame."""
        signs, (ex, ey, ez, _) = np.zeros(len(rows), SIGN_ROW), self.pose
        for row, (x, y, z, yaw, face) in zip(signs, rows, strict=True):
            ground = ez + self.rise * x
            row["x"], row["y"], row["z"], row["ground_z"] = ex + x, ey + y, ground + z, ground
            row["yaw"], row["size"], row["dirt"], row["face"] = yaw, 0.75, 1.0, face
        self.renderer.put_signs(0, signs)

    def render(self, spec, **options):
        """A picture whose arrays are the caller's."""
        picture = self.renderer.render(spec, 0, 0, **options)
        return Picture(*(part.copy() for part in picture))  # type: ignore[arg-type]


def facing(yaw: float = 0.0) -> float:
    """Yaw of what looks at the driver, turned by `yaw`."""
    return math.pi + yaw
