"""How walkers come into a world."""

from world.kernel import kernel


@kernel
def spawn_walkers_world(b, tables, slots, worlds, walkers, first, count):
    """Put walkers into slots first .. first + count - 1 of world b, seeded, on pavements, overlapping nobody.

    Fills bodies, state and walkers' rows; generation is counted up. Returns how many found a place.
    """
    return 0
