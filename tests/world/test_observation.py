"""The layout of the vector, and the page that tells of it."""

import numpy as np

from tests.data import ROOT
from world.observation import (
    AHEAD_AT,
    LANES_AT,
    OBJECT,
    OBJECTS_AT,
    ROUTE_AT,
    STATE_SIZE,
    VECTOR_OBJECTS,
    VECTOR_ROUTE_INDEX,
    VECTOR_SIZE,
    route_distances,
    vector_entries,
    vector_low,
    vector_table,
)
from world.records import SCENE_ROUTE_POINTS


def test_blocks_lie_where_they_should():
    names = [e.name for e in vector_entries()]
    assert len(names) == VECTOR_SIZE <= 128 and len(set(names)) == VECTOR_SIZE
    assert names[0] == "ego.speed" and names[ROUTE_AT] == "route.0.x" and names[LANES_AT] == "lanes.left_lane"
    assert names[AHEAD_AT] == "ahead.light_red" and names[OBJECTS_AT] == "object.0.valid"
    assert names[STATE_SIZE - 1] == "ahead.crosswalk_distance"
    assert names[OBJECTS_AT + (VECTOR_OBJECTS - 1) * len(OBJECT)] == f"object.{VECTOR_OBJECTS - 1}.valid"


def test_scales_bounds_and_route_points_make_sense():
    assert all(e.scale > 0 and e.low in (-1.0, 0.0) and e.meaning for e in vector_entries())
    assert vector_low().shape == (VECTOR_SIZE,) and vector_low().dtype == np.float32
    assert list(VECTOR_ROUTE_INDEX) == sorted(set(VECTOR_ROUTE_INDEX)) and max(VECTOR_ROUTE_INDEX) < SCENE_ROUTE_POINTS
    assert route_distances()[0] == 2.0 and route_distances()[-1] == 88.0


def test_the_page_of_observations_is_fresh():
    page = (ROOT / "docs" / "observations.md").read_text()
    assert vector_table() in page
    assert f"float32 ({VECTOR_SIZE},)" in page and f"float32 ({240 + STATE_SIZE},)" in page
    assert ", ".join(f"{d:g}" for d in route_distances()) + " m along the route" in page
