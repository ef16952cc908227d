"""What others will do, from the Scene alone: on the own path they follow it, elsewhere they go straight on.

The twin of `planning.map_forecast` for a driver without a map. Whoever may meet the path is given way to.
"""

import math

from planning.config import STEPS
from planning.occupancy import add_entry, add_straight, side_margin
from planning.path import point_at, project, yaw_at
from world.kernel import kernel
from world.kinds import BodyKind

PEDESTRIAN = int(BodyKind.PEDESTRIAN)
_ALONG = math.cos(math.radians(45.0))
_STANDS = 0.3  # [m/s]


@kernel
def _follow_path(thing, path, occ, s, d, along, dt):
    """Write the motion of an object that keeps its offset d [m] to the path and its speed into the scratch row."""
    speed = math.sqrt(thing.vx * thing.vx + thing.vy * thing.vy) * along
    for j in range(STEPS):
        x, y, yaw = point_at(path, s + speed * dt * j)
        occ.pose[j].x, occ.pose[j].y = x - d * math.sin(yaw), y + d * math.cos(yaw)
        occ.pose[j].yaw = yaw if along > 0.0 else yaw + math.pi


@kernel
def forecast_by_scene(me, objects, path, occ, config, dt):
    """Fill one driver's space-time table from its Scene's objects."""
    occ.count[0] = 0
    for o in range(len(objects)):
        thing = objects[o]
        if not thing.valid:
            continue
        reach = 0.5 * me.width + side_margin(thing.kind, config)
        s, d = project(path, thing.x, thing.y)
        along = math.cos(thing.yaw - yaw_at(path, s))
        moves = thing.vx * thing.vx + thing.vy * thing.vy > _STANDS * _STANDS
        if thing.kind != PEDESTRIAN and moves and abs(along) > _ALONG and abs(d) < 6.0 and s > 0.5:
            _follow_path(thing, path, occ, s, d, 1.0 if along > 0.0 else -1.0, dt)
            add_entry(occ, path, thing.length, thing.width, reach, o, False, False, dt)
        else:
            add_straight(thing, path, occ, reach, o, moves, dt)
