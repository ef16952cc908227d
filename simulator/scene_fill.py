"""Fills the true Scene."""

from world.kernel import kernel


@kernel
def scene_world(b, tables, slots, worlds, routes, judge, scene, dt):
    """Fill the SceneArrays of the drivers of world b; judge.route_s and judge.lane are those of the present state."""
