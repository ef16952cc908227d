"""A world with nothing but arrays, in which tests put bodies where they like and ask the judge."""

import math
from collections.abc import Callable

import numpy as np

from simulator.judge import clear_events, collect_events, judge_limits, make_judge, reset_judge_one
from simulator.judge_step import judge_world, locate_drivers_world
from simulator.overlap import make_broad
from simulator.state import make_slots, make_worlds
from world.kinds import BodyKind, EventKind, LightState
from world.mapset import pack_maps
from world.routing import Router, pack_routes, route_line
from world.scenario import JudgeConfig

DT = 0.05


class Rig:
    """One world, one driver (slot 0), and whoever else is put in."""

    def __init__(self, road_map, start, goal, *, slots=4, config=None, max_time=math.inf, dt=DT, route=None):
        """Args: start, goal: (lane, s) of the driver's route; route: a Route instead of them."""
        self.map, self.dt = road_map, dt
        self.tables = pack_maps([road_map]).tables
        self.slots, self.worlds = make_slots(1, slots), make_worlds(1, max(1, len(road_map.light_yaw)))
        self.worlds.light[:] = int(LightState.GREEN)
        self.line = route_line(road_map, route or Router(road_map).search(start, goal))
        self.routes = pack_routes([[self.line]])
        self.judge, self.broad = make_judge(1, slots, 1), make_broad(1, slots)
        self.limits = judge_limits(config or JudgeConfig(), dt)
        self.put(0, *self.on_route(0.0))
        self.restart(max_time)

    def restart(self, max_time=math.inf):
        reset_judge_one(0, 0, self.judge, max_time)
        locate_drivers_world(0, self.tables, self.slots, self.worlds, self.routes, self.judge)

    def on_route(self, s, d=0.0, turn=0.0):
        """(x, y, yaw) at progress s of the driver's route, d to its left, turned."""
        i = min(max(s, 0.0), len(self.line.x) - 1.0)
        at = np.arange(len(self.line.x))
        x, y = np.interp(i, at, self.line.x), np.interp(i, at, self.line.y)
        yaw = np.interp(i, at, np.unwrap(self.line.yaw))
        return x - d * math.sin(yaw), y + d * math.cos(yaw), yaw + turn

    def put(self, i, x, y, yaw, *, kind=BodyKind.CAR, size=(4.5, 1.9), height=1.5, z=0.0, speed=0.0):
        """Put a body into slot i; it has been there for ever."""
        sl = self.slots
        sl.x[0, i] = sl.old_x[0, i] = x
        sl.y[0, i] = sl.old_y[0, i] = y
        sl.yaw[0, i] = sl.old_yaw[0, i] = (yaw + math.pi) % (2 * math.pi) - math.pi
        sl.z[0, i], sl.kind[0, i], sl.height[0, i] = z, int(kind), height
        sl.length[0, i], sl.width[0, i] = size
        sl.speed[0, i], sl.vx[0, i], sl.vy[0, i] = speed, speed * math.cos(yaw), speed * math.sin(yaw)
        sl.valid[0, i] = True
        sl.generation[0, i] += 1

    def step(self, **poses):
        """One step: s0=(x, y, yaw) is slot 0's new pose, s1=... Who is not named stays. Returns the events."""
        sl = self.slots
        for name in ("x", "y", "yaw"):
            getattr(sl, f"old_{name}")[:] = getattr(sl, name)
        for i in range(sl.x.shape[1]):
            x, y, yaw = poses.get(f"s{i}", (sl.x[0, i], sl.y[0, i], sl.yaw[0, i]))
            sl.vx[0, i], sl.vy[0, i] = (x - sl.old_x[0, i]) / self.dt, (y - sl.old_y[0, i]) / self.dt
            sl.speed[0, i] = sl.vx[0, i] * math.cos(yaw) + sl.vy[0, i] * math.sin(yaw)
            sl.x[0, i], sl.y[0, i] = x, y
            sl.yaw[0, i] = (yaw + math.pi) % (2 * math.pi) - math.pi
        self.worlds.step[0] += 1
        clear_events(self.judge)
        judge_world(0, self.tables, sl, self.worlds, self.routes, self.judge, self.broad, self.limits)
        return collect_events(self.judge)

    def drive(self, s0, s1, speed=10.0, d: Callable[[float], float] | float = 0.0, turn=0.0, hook=None):
        """Drive along the route from progress s0 to s1 at constant speed; returns all events.

        Args: d: [m] left of the route, a number or a function of s. hook: called with s before each step.
        """
        offset = d if callable(d) else lambda s: d
        self.put(0, *self.on_route(s0, offset(s0), turn))
        locate_drivers_world(0, self.tables, self.slots, self.worlds, self.routes, self.judge)
        events, steps = [], max(1, round((s1 - s0) / speed / self.dt))
        for n in range(1, steps + 1):
            s = s0 + (s1 - s0) * n / steps
            if hook:
                hook(s)
            events += self.step(s0=self.on_route(s, offset(s), turn))
            if not self.judge.active[0, 0]:
                break
        return events

    def stand(self, seconds):
        return [e for _ in range(round(seconds / self.dt)) for e in self.step()]

    def progress_of_stop(self):
        """[m] progress at which the route meets the first stop line."""
        for m in range(self.routes.piece_count[0, 0]):
            lane = self.tables.lanes[self.routes.piece_lane[0, 0, m]]
            for q in range(lane["stop0"], lane["stop1"]):
                s = self.tables.stops[q]["s"]
                if self.routes.piece_s0[0, 0, m] <= s <= self.routes.piece_s1[0, 0, m]:
                    return float(self.routes.piece_start[0, 0, m] + s - self.routes.piece_s0[0, 0, m])
        raise AssertionError("the route meets no stop line")


def kinds(events):
    """Names of the events, in order."""
    return [EventKind(e.kind).name for e in events]


def lane_of(road_map, road, lane_id):
    """Index of a lane by road id and OpenDRIVE lane id."""
    found = np.flatnonzero(
        (np.array([road_map.road_ids[r] for r in road_map.lane_road]) == road) & (road_map.lane_id == lane_id)
    )
    return int(found[0])
