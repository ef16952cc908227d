"""Properties that every real map must have after building."""

import numpy as np
import pytest

from tests.data import shared_data
from tests.world.map_oracles import TOWNS, drivable, town
from tests.world.test_map_build import check_conflicts, check_links, check_overlaps, check_phases, check_walks
from world.mapset import pack_maps
from world.roadmap import RoadMap


@pytest.fixture(scope="module", params=TOWNS)
def any_town(request) -> RoadMap:
    return town(str(shared_data(f"opendrive/carla_0915_py123d/{request.param}")))


def test_links(any_town):
    check_links(
        any_town, but=1 if any_town.name == "Town03" else 0
    )  # the file links 1608/0/-2 to 1608/1/-1, a lane aside


def test_conflicts(any_town):
    m = any_town
    check_conflicts(m)
    assert len(m.conflict_lane) > 100
    junction = np.random.default_rng(1).choice(len(m.junction_ids), 3, replace=False)
    check_overlaps(m, np.flatnonzero(np.isin(m.lane_junction, junction) & drivable(m)))


def test_walks(any_town):
    """The share that hangs together is bounded by the map: without crosswalks every block is an island."""
    share = check_walks(any_town)
    assert share > {"Town03": 0.6, "Town10HD": 0.95}.get(any_town.name, 0.1)


def test_edges_are_not_inside_the_road(any_town):
    from world.map_query import MapQuery

    m = any_town
    query = MapQuery(pack_maps([m]))
    middle = m.edge_xyz.mean(axis=1)
    u = m.edge_xyz[:, 1] - m.edge_xyz[:, 0]
    normal = np.stack([-u[:, 1], u[:, 0]], 1) / np.maximum(np.linalg.norm(u[:, :2], axis=1), 1e-6)[:, None]
    both = np.ones(len(middle), bool)
    for sign in (-1, 1):
        p = middle[:, :2] + sign * 0.4 * normal
        both &= query.drivable(p[:, 0], p[:, 1], middle[:, 2])
    assert both.mean() < 0.02


def test_phases_where_the_builder_chose_them(any_town):
    """The towns give their own phases; those keep crossing straights apart too."""
    check_phases(any_town)


def test_packed_indices_are_global(any_town):
    one = pack_maps([any_town]).tables
    two = pack_maps([any_town, any_town]).tables
    n = len(one.lanes)
    for name in ("left", "right", "opposite"):
        a, b = two.lanes[name][:n], two.lanes[name][n:]
        assert (a == one.lanes[name]).all() and (b == np.where(a < 0, -1, a + n)).all()
    assert (two.points["lane"][len(one.points) :] == one.points["lane"] + n).all()
    assert (two.successors[len(one.successors) :] == one.successors + n).all()
    assert (two.lanes["map"] == np.repeat([0, 1], n)).all()
    assert two.cell0[-1] == len(two.cells) and two.cell_edge0[-1] == len(two.cell_edges)
    assert two.walk_link0[-1] == len(two.walk_links)
