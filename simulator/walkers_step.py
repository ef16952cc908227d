"""One step of all walkers of a world."""

from world.kernel import kernel


@kernel
def step_walkers_world(b, tables, slots, worlds, walkers, broad, dt):
    """Move the walkers of world b (kind PEDESTRIAN, Controller.TRAFFIC) by dt and update crosswalk_busy, _waiting.

    Needs `overlap.sort_world` on the present positions, and lane, lane_s, route_lane of the vehicles in `slots`.
    """
