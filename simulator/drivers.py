"""How a driver leaves the road in the midst of an episode of its world, and comes back."""

import numpy as np

from simulator.occupancy import list_one, unlist_one
from simulator.spawn import empty_slot, place_driver
from world.kernel import kernel


@kernel
def take_out(b, k, slots, traffic):
    """Driver k's body is gone: nobody sees it or follows it. Its claims on junctions end with the next step's lists."""
    if traffic.row[b, k].listed >= 0:
        unlist_one(b, k, traffic)
    empty_slot(b, k, slots, traffic)


@kernel
def put_in(b, k, tables, slots, worlds, traffic, routes):
    """Driver k stands at the start of its route, listed on its lane; where it was before, it is no more.

    Its generation tells it from who it was. The place must be free; without a route the slot stays empty.
    """
    take_out(b, k, slots, traffic)
    place_driver(b, k, tables, slots, worlds, traffic, routes)
    if slots.valid[b, k] and slots.lane[b, k] >= 0:
        list_one(b, k, np.int64(slots.lane[b, k] - tables.maps[worlds.map_id[b]].lane0), slots, traffic)
