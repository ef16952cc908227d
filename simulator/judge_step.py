"""The judge's step."""

from world.kernel import kernel


@kernel
def locate_drivers_world(b, tables, slots, worlds, routes, judge):
    """Find route_s, route_d and lane of every driver anew (after a reset or teleport), without judging."""


@kernel
def judge_world(b, tables, slots, worlds, routes, judge, broad, limits):
    """Judge the step of world b that has just been made: old_x, old_y, old_yaw -> x, y, yaw, ... in `slots`.

    worlds.step is the number of the new state; worlds.light are the lights during the step.

    Args:
        tables: MapTables. slots, worlds: `simulator.state`. routes: RouteTable's arrays. judge: Judge.
        broad: `overlap.Broad`, sorted here. limits: JudgeLimits.
    """
